/**
 * Checkpoints, a log's signed statement of its size and root, and what witnesses say of them.
 *
 *     <origin>\n<size, decimal without leading zeros>\n<base64(root hash 32)>\n        no extension lines
 *     cosignature = timestamp u64 ‖ Ed25519 over "cosignature/v1\ntime <timestamp>\n" ‖ the checkpoint's text
 *
 * With k of N witnesses asked for, a checkpoint's witnessed time is its k-th smallest timestamp: the first moment by
 * which k of them had seen it, whatever the others claim. Source: c2sp.org/tlog-checkpoint, c2sp.org/tlog-cosignature.
 */
import { b64, be, bigBe, cat, equal, sha256, unb64, utf8, type Bytes } from "../codec.ts";
import { publicKey, sign, verify } from "../ed25519.ts";
import { need, otherwise, refuse } from "../errors.ts";
import { COSIGNATURE, ED25519, noteBytes, parseNote, parseVerifierKey, signNote, signatureBy, verifierKey, verifyNote, type Note, type NoteSignature, type VerifierKey } from "./note.ts";
import { EMPTY, type TreeHead } from "./tree.ts";

const MAX_TIME = (1n << 63n) - 1n;

export const checkpointText = (origin: string, head: TreeHead): string => `${origin}\n${head.size}\n${b64(head.root)}\n`;

/** Reads a note's text. Error: `checkpoint`. */
export function parseCheckpoint(text: string): { origin: string; head: TreeHead } {
  const [, origin, size, root] = /^([^\n]+)\n(0|[1-9][0-9]*)\n([^\n]*)\n$/.exec(text) ?? refuse("checkpoint");
  const head = { size: Number(size), root: otherwise("checkpoint", () => unb64(root ?? "")) };
  need(Number.isSafeInteger(head.size) && head.root.length === 32, "checkpoint");
  need(head.size !== 0 || equal(head.root, EMPTY.root), "checkpoint");
  return { origin: origin ?? "", head };
}

/** A log as its readers know it: origin and key, both from the trust root. */
export interface LogVerifier {
  readonly origin: string;
  readonly key: VerifierKey;
}

/** From the trust root's two texts. Errors: those of verifier keys, `note` (a witness's key), `checkpoint` (the origin). */
export function logVerifier(origin: string, vkey: string): LogVerifier {
  const key = parseVerifierKey(vkey);
  need(key.kind === ED25519, "note");
  need(origin.length > 0 && !/\p{Cc}/u.test(origin), "checkpoint");
  return { origin, key };
}

/** A checkpoint whose signature by its log verified. Cosignatures may stand beside it, not looked at. */
export interface SignedCheckpoint {
  readonly note: Note;
  readonly head: TreeHead;
}

/** Makes one: the log's own business. */
export function signCheckpoint(origin: string, head: TreeHead, name: string, seed: Bytes): SignedCheckpoint {
  return { note: signNote(checkpointText(origin, head), name, seed), head };
}

/** Reads one of this log. Errors: those of notes, `checkpoint` (also: of another log). */
export function openCheckpoint(bytes: Bytes, log: LogVerifier): SignedCheckpoint {
  const note = parseNote(bytes);
  verifyNote(note, log.key);
  const { origin, head } = parseCheckpoint(note.text);
  need(origin === log.origin, "checkpoint");
  return { note, head };
}

export const hashOf = (checkpoint: SignedCheckpoint): Bytes => sha256(utf8(checkpoint.note.text));
export const checkpointBytes = (checkpoint: SignedCheckpoint): Bytes => noteBytes(checkpoint.note);

/** The same checkpoint with a witness's line; its earlier one is replaced. */
export function withLine(checkpoint: SignedCheckpoint, line: NoteSignature): SignedCheckpoint {
  const others = checkpoint.note.signatures.filter((s) => s.name !== line.name || !equal(s.id, line.id));
  return { ...checkpoint, note: { ...checkpoint.note, signatures: [...others, line] } };
}

const cosigned = (text: string, time: bigint): Bytes => utf8(`cosignature/v1\ntime ${time}\n${text}`);

/** Cosigns, as a witness that has checked consistency and stored its new state. */
export function cosign(checkpoint: SignedCheckpoint, name: string, seed: Bytes, time: number): NoteSignature {
  const key = verifierKey(name, COSIGNATURE, publicKey(seed));
  const signature = cat(be(time, 8), sign(seed, cosigned(checkpoint.note.text, BigInt(time))));
  return { name, id: key.id, signature };
}

function lineTime(note: Note, line: NoteSignature, witness: VerifierKey): bigint {
  need(line.signature.length >= 8, "size");
  const time = bigBe(line.signature.slice(0, 8));
  need(time <= MAX_TIME, "note");
  verify(witness.key, cosigned(note.text, time), line.signature.slice(8));
  return time;
}

/** The witnesses of the trust root, and how many of them a checkpoint needs. */
export interface Witnesses {
  readonly keys: readonly VerifierKey[];
  readonly quorum: number;
}

/** Checks the set. Errors: those of verifier keys, `note` (not a witness's), `duplicate` (one public key twice), `quorum`. */
export function witnesses(vkeys: readonly string[], quorum: number): Witnesses {
  const keys = vkeys.map(parseVerifierKey);
  need(keys.every((k) => k.kind === COSIGNATURE), "note");
  need(new Set(keys.map((k) => k.key.join())).size === keys.length, "duplicate");
  need(quorum >= 1 && quorum <= keys.length, "quorum");
  return { keys, quorum };
}

/** The k-th smallest time of the cosignatures beside a checkpoint, in Unix seconds. Errors: `quorum` (fewer than k),
 * `duplicate`, `size`, `note`, those of Ed25519. */
export function witnessedTime(checkpoint: SignedCheckpoint, by: Witnesses): number {
  const times: bigint[] = [];
  for (const key of by.keys) {
    const line = signatureBy(checkpoint.note, key);
    if (line) times.push(lineTime(checkpoint.note, line, key));
  }
  times.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  return Number(times[by.quorum - 1] ?? refuse("quorum"));
}

/** Reads a checkpoint that its log signed and a quorum of witnesses cosigned. */
export function openCosigned(bytes: Bytes, log: LogVerifier, by: Witnesses): SignedCheckpoint & { witnessedTime: number } {
  const signed = openCheckpoint(bytes, log);
  return { ...signed, witnessedTime: witnessedTime(signed, by) };
}
