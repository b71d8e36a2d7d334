/**
 * Signed notes: a text, an empty line, signature lines. Source: c2sp.org/signed-note.
 *
 *     <text, ends with a newline>
 *     <empty line: the last one of the note>
 *     — <key name> <base64(key id 4 ‖ signature)>          one or more
 *
 *     verifier key = <key name>+<key id, 8 hex digits>+<base64(type 1 ‖ public key 32)>
 *     key id       = SHA-256(key name ‖ 0x0A ‖ type ‖ public key)[:4]
 *
 * Types: 0x01 Ed25519 over the text, 0x04 timestamped cosignature (`checkpoint.ts`); no others. Signatures by unknown keys
 * are carried along and ignored. One of a known key that stands twice or fails refuses the whole note.
 */
import { b64, cat, equal, fromUtf8, hex, sha256, tagged, unb64, utf8, type Bytes } from "../codec.ts";
import { publicKey, sign, verify, verifyingKey } from "../ed25519.ts";
import { need, otherwise, refuse } from "../errors.ts";

/** The longest note, and the most signature lines. */
export const MAX_NOTE = 128 * 1024;
const MAX_SIGNATURES = 100;
const MAX_NAME = 255;
const DASH = "\u2014 ";

/** 0x01 Ed25519 over the text; 0x04 a witness's timestamp and Ed25519 over it and the text. */
export const ED25519 = 1;
export const COSIGNATURE = 4;

/** A public key under its name. */
export interface VerifierKey {
  readonly name: string;
  readonly kind: typeof ED25519 | typeof COSIGNATURE;
  readonly key: Bytes;
  /** The short id of signature lines. Not a commitment to the key. */
  readonly id: Bytes;
}

const material = (kind: number, key: Bytes): Bytes => cat(Uint8Array.of(kind), key);

/** A key under a name. Error: `note` (a name that is empty, too long, or has a space, control character or plus). */
export function verifierKey(name: string, kind: VerifierKey["kind"], key: Bytes): VerifierKey {
  checkName(name);
  return { name, kind, key, id: tagged(name, utf8("\n"), material(kind, key)).slice(0, 4) };
}

/** Reads `<name>+<key id>+<base64>`. Errors: `note`, those of Ed25519 keys. */
export function parseVerifierKey(text: string): VerifierKey {
  const [, name, id, encoded] = /^([^+]*)\+([^+]*)\+([^]*)$/.exec(text) ?? refuse("note");
  const found = otherwise("note", () => unb64(encoded ?? ""));
  const kind = found[0];
  need(kind === ED25519 || kind === COSIGNATURE, "note");
  const bytes = verifyingKey(found.slice(1));
  const key = verifierKey(name ?? "", kind, bytes);
  need(hex(key.id) === id, "note");
  return key;
}

export const verifierKeyText = (k: VerifierKey): string => `${k.name}+${hex(k.id)}+${b64(material(k.kind, k.key))}`;

function checkName(name: string): void {
  need(!/[\p{White_Space}\p{Cc}+]/u.test(name) && name.length > 0 && utf8(name).length <= MAX_NAME, "note");
}

/** One signature line, not verified. */
export interface NoteSignature {
  readonly name: string;
  readonly id: Bytes;
  readonly signature: Bytes;
}

/** Reads one line, without the newline behind it. Error: `note`. */
export function parseSignature(line: string): NoteSignature {
  need(line.startsWith(DASH), "note");
  const rest = line.slice(DASH.length);
  const at = rest.indexOf(" ");
  need(at >= 0, "note");
  const name = rest.slice(0, at);
  checkName(name);
  const bytes = otherwise("note", () => unb64(rest.slice(at + 1)));
  need(bytes.length > 4, "note");
  return { name, id: bytes.slice(0, 4), signature: bytes.slice(4) };
}

export const signatureLine = (s: NoteSignature): string => `${DASH}${s.name} ${b64(cat(s.id, s.signature))}`;
export const isBy = (s: NoteSignature, key: VerifierKey): boolean => s.name === key.name && equal(s.id, key.id);

/** A note whose form is right and whose signatures nobody has looked at. */
export interface Note {
  /** What is signed: the text with its last newline. */
  readonly text: string;
  readonly signatures: readonly NoteSignature[];
}

function checkText(text: string): void {
  need(text.length > 1 && text.endsWith("\n") && !/[\u0000-\u0009\u000b-\u001f]/.test(text), "note");
}

function checkedText(text: string): string {
  checkText(text);
  return text;
}

/** Reads a note. Errors: `too-long`, `note`. */
export function parseNote(bytes: Bytes): Note {
  need(bytes.length <= MAX_NOTE, "too-long");
  const all = otherwise("note", () => fromUtf8(bytes));
  const at = all.lastIndexOf("\n\n");
  need(at >= 0, "note");
  const text = checkedText(all.slice(0, at + 1));
  const lines = all.slice(at + 2);
  need(lines.endsWith("\n"), "note");
  const each = lines.slice(0, -1).split("\n");
  need(each.length <= MAX_SIGNATURES, "too-long");
  return { text, signatures: each.map(parseSignature) };
}

export function noteBytes(note: Note): Bytes {
  return utf8(`${note.text}\n${note.signatures.map((s) => signatureLine(s) + "\n").join("")}`);
}

/** Signs a text under a key's name. Error: `note`. */
export function signNote(text: string, name: string, seed: Bytes): Note {
  const key = verifierKey(name, ED25519, publicKey(seed));
  return { text: checkedText(text), signatures: [{ name, id: key.id, signature: sign(seed, utf8(text)) }] };
}

/** The signature line of a key, if there is one. Error: `duplicate`. */
export function signatureBy(note: Note, key: VerifierKey): NoteSignature | undefined {
  const [first, ...more] = note.signatures.filter((s) => isBy(s, key));
  need(more.length === 0, "duplicate");
  return first;
}

/** Checks the signature of a key that must have signed. Errors: `unknown-key`, `duplicate`, `note` (a witness's key), those of Ed25519. */
export function verifyNote(note: Note, key: VerifierKey): void {
  need(key.kind === ED25519, "note");
  const line = signatureBy(note, key) ?? refuse("unknown-key");
  verify(key.key, utf8(note.text), line.signature);
}

/** SHA-256 of a checkpoint note's text, without signatures, since those of witnesses come and go. Errors: those of `parseNote`. */
export const checkpointHash = (bytes: Bytes): Bytes => sha256(utf8(parseNote(bytes).text));
