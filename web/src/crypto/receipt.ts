/**
 * The receipt: 128 bits that a reporter keeps, and every key that is derived from them.
 *
 *     text  = nine proquints, lower-case, with hyphens: eight words of the secret, then the check word
 *     check = first two bytes of SHA-256("tabir/v1/receipt" ‖ secret 16)
 *     keys  = HKDF-SHA256(IKM = secret, salt = "tabir/v1/receipt", info, 32)
 *
 * Source: docs/protocol.md, "Receipt"; proquints: arXiv 0901.4016.
 */
import { hkdf } from "@noble/hashes/hkdf.js";
import { sha256 as sha256Hash } from "@noble/hashes/sha2.js";

import { be, bigBe, cat, equal, sha256, tagged, utf8, type Bytes, type Random } from "./codec.ts";
import { publicKey } from "./ed25519.ts";
import { need, refuse } from "./errors.ts";
import { kemPublicKey } from "./hpke/xwing.ts";

const TAG = "tabir/v1/receipt";
const CONSONANTS = "bdfghjklmnprstvz";
const VOWELS = "aiou";
/** The letters of a proquint, and how many bits stand to the right of each. */
const PLACES: readonly (readonly [letters: string, shift: number])[] = [
  [CONSONANTS, 12], [VOWELS, 10], [CONSONANTS, 6], [VOWELS, 4], [CONSONANTS, 0],
];
const GROUP = 5;
const GROUPS = 9;

export const newSecret = (random: Random): Bytes => random(16);

/** Pairs of bytes as proquints with hyphens. */
export function proquints(bytes: Bytes): string {
  const words: string[] = [];
  for (let i = 0; i + 1 < bytes.length; i += 2) {
    const word = ((bytes[i] ?? 0) << 8) | (bytes[i + 1] ?? 0);
    words.push(PLACES.map(([letters, shift]) => letters.charAt((word >> shift) & (letters.length - 1))).join(""));
  }
  return words.join("-");
}

const checkWord = (secret: Bytes): Bytes => tagged(TAG, secret).slice(0, 2);

/** As it is written down: `hatid-votus-…`. */
export const receiptText = (secret: Bytes): string => proquints(cat(secret, checkWord(secret)));

/** The 16 bits of a proquint, or nothing for a letter that cannot stand there. */
function word(group: string): number | undefined {
  let bits = 0;
  for (const [i, [letters, shift]] of PLACES.entries()) {
    const at = letters.indexOf(group.charAt(i));
    if (at < 0) return undefined;
    bits |= at << shift;
  }
  return bits;
}

const groupsOf = (letters: string): string[] =>
  Array.from({ length: GROUPS }, (_, i) => letters.slice(i * GROUP, (i + 1) * GROUP));

/** The secret that 45 letters spell, if the check word fits. */
function checked(letters: string): Bytes | undefined {
  const bytes = cat(...groupsOf(letters).map((group) => be(word(group) ?? 0, 2)));
  const [secret, check] = [bytes.slice(0, 16), bytes.slice(16)];
  return equal(check, checkWord(secret)) ? secret : undefined;
}

/** The groups in which a change of one letter would make the check word fit, one entry for each such change of 459. */
function mendable(letters: string): number[] {
  const fits: number[] = [];
  for (let at = 0; at < letters.length; at++) {
    for (const letter of PLACES[at % GROUP]?.[0] ?? "") {
      if (letter === letters.charAt(at)) continue;
      if (checked(letters.slice(0, at) + letter + letters.slice(at + 1))) fits.push(Math.floor(at / GROUP) + 1);
    }
  }
  return fits;
}

/**
 * Reads what somebody typed: either case, hyphens and blanks anywhere or nowhere. Errors: `groups`; `letters`, with the
 * group; `checksum`, with the group where exactly one change of a single letter would mend it.
 */
export function parseReceipt(typed: string): Bytes {
  // Only ASCII letters have a case here: the Kelvin sign and its like are no letters.
  const letters = typed.replace(/[- \t\r\n]/g, "").replace(/[A-Z]/g, (c) => c.toLowerCase());
  need(/^[\x21-\x7e]{45}$/.test(letters), "groups");
  const wrong = groupsOf(letters).findIndex((group) => word(group) === undefined);
  if (wrong >= 0) refuse("letters", wrong + 1);
  const secret = checked(letters);
  if (secret) return secret;
  const [group, ...others] = mendable(letters);
  return refuse("checksum", others.length === 0 ? group : undefined);
}

/** Everything that a receipt gives. All but the public halves, hashes and the reference are secrets. */
export interface ReceiptKeys {
  /** Bearer key that can only read. */
  readonly access: Bytes;
  /** Ed25519 seed: signs every write. */
  readonly caseSeed: Bytes;
  /** X-Wing seed: messages to the reporter are sealed to it. */
  readonly mailboxSeed: Bytes;
  /** Blinds the acceptance in the intake log. */
  readonly r: Bytes;
  /** Stands in the log when the report was forwarded, refused or is pending. */
  readonly nf: Bytes;
  /** Recognises an unseal request for this case. */
  readonly noticeKey: Bytes;
  readonly accessHash: Bytes;
  readonly caseVk: Bytes;
  readonly mailboxPk: Bytes;
  readonly caseId: Bytes;
  readonly reference: string;
  readonly noticeHash: Bytes;
  readonly a: Bytes;
}

export function receiptKeys(secret: Bytes): ReceiptKeys {
  const key = (info: string): Bytes => hkdf(sha256Hash, secret, utf8(TAG), utf8(info), 32);
  const [access, caseSeed, mailboxSeed] = [key("access"), key("case-key"), key("mailbox")];
  const [r, nf, noticeKey] = [key("log"), key("forward"), key("notice")];
  const [accessHash, caseVk] = [sha256(access), publicKey(caseSeed)];
  const id = caseId(accessHash, caseVk);
  return {
    access, caseSeed, mailboxSeed, r, nf, noticeKey, accessHash, caseVk,
    mailboxPk: kemPublicKey(mailboxSeed),
    caseId: id,
    reference: reference(id),
    noticeHash: noticeHash(noticeKey),
    a: accept(r, nf),
  };
}

/** The case's id: only who knows the receipt can make one that both keys fit. */
export const caseId = (accessHash: Bytes, caseVk: Bytes): Bytes => tagged("tabir/v1/case-id", accessHash, caseVk);

/** The case's name among people: 60 bits in Crockford base32, `XXXX-XXXX-XXXX`. */
export function reference(id: Bytes): string {
  const bits = bigBe(tagged("tabir/v1/ref", id).slice(0, 8)) >> 4n;
  const letter = (i: number): string => "0123456789ABCDEFGHJKMNPQRSTVWXYZ".charAt(Number((bits >> BigInt(55 - 5 * i)) & 31n));
  const letters = Array.from({ length: 12 }, (_, i) => letter(i)).join("");
  return `${letters.slice(0, 4)}-${letters.slice(4, 8)}-${letters.slice(8)}`;
}

export const noticeHash = (noticeKey: Bytes): Bytes => sha256(noticeKey);
/** `a` of an acceptance: says nothing without `r`. */
export const accept = (r: Bytes, nf: Bytes): Bytes => tagged("tabir/v1/accept", r, nf);
/** `b` of an acceptance: commits to what was sent. */
export const acceptBody = (r: Bytes, contentHash: Bytes, envelopeHash: Bytes): Bytes =>
  tagged("tabir/v1/accept-body", r, contentHash, envelopeHash);
/** Tag of an unseal request, which only the holder of the notice key recognises once the nonce is public. */
export const noticeTag = (noticeKey: Bytes, nonce: Bytes): Bytes => tagged("tabir/v1/notice", noticeKey, nonce);
/** Commits to the full text of an unseal request. */
export const requestCommit = (salt: Bytes, text: Bytes): Bytes => tagged("tabir/v1/request", salt, text);
