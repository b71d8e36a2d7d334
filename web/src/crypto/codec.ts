/**
 * The transcript hash T, tagged hashes, lower-case hex and base64 in their one form.
 *
 *     put(l, d) = u32 length of l ‖ l ‖ u64 length of d ‖ d        (big-endian)
 *     T(tag; l1: d1, …) = SHA-512(put("dst", tag) ‖ put(l1, d1) ‖ …)
 *
 * As a hash, T is its first 32 bytes; as a challenge, all 64 as a little-endian integer mod q (`point.ts`).
 * Source: docs/protocol.md, "Building blocks".
 */
import { sha256 as sha256Of, sha512 } from "@noble/hashes/sha2.js";
import { bytesToHex, concatBytes, hexToBytes, randomBytes, utf8ToBytes } from "@noble/hashes/utils.js";

import { need, otherwise, refuse } from "./errors.ts";

export type Bytes = Uint8Array;

/** Where randomness comes from: n fresh bytes. A parameter, so that vectors can be made again. */
export type Random = (n: number) => Bytes;
export const systemRandom: Random = (n) => randomBytes(n);

export const utf8 = (text: string): Bytes => utf8ToBytes(text);
export const cat = (...parts: Bytes[]): Bytes => concatBytes(...parts);
export const sha256 = (...parts: Bytes[]): Bytes => sha256Of(cat(...parts));
export const sha512Of = (...parts: Bytes[]): Bytes => sha512(cat(...parts));

/** SHA-256 of an ASCII tag followed by the parts, without separators: every part must have a fixed length. */
export const tagged = (tag: string, ...parts: Bytes[]): Bytes => sha256(utf8(tag), ...parts);

/** Big-endian in `length` bytes. */
export function be(n: number | bigint, length: number): Bytes {
  const out = new Uint8Array(length);
  let rest = BigInt(n);
  for (let i = length - 1; i >= 0; i--, rest >>= 8n) out[i] = Number(rest & 255n);
  return out;
}

/** A big-endian integer of at most six bytes. */
export const readBe = (bytes: Bytes): number => bytes.reduce((n, byte) => n * 256 + byte, 0);
export const bigBe = (bytes: Bytes): bigint => (bytes.length === 0 ? 0n : BigInt("0x" + bytesToHex(bytes)));
export const bigLe = (bytes: Bytes): bigint => bigBe(bytes.slice().reverse());

/** Cuts into pieces of these sizes. Error: `size` when they do not add up. */
export function split(bytes: Bytes, ...sizes: number[]): Bytes[] {
  need(sizes.reduce((a, b) => a + b, 0) === bytes.length, "size");
  let at = 0;
  return sizes.map((n) => bytes.slice(at, (at += n)));
}

/** Equality that does not stop at the first difference; lengths are no secret. */
export function equal(a: Bytes, b: Bytes): boolean {
  if (a.length !== b.length) return false;
  let different = 0;
  for (let i = 0; i < a.length; i++) different |= (a[i] ?? 0) ^ (b[i] ?? 0);
  return different === 0;
}

/** The order of byte strings: at the first difference the smaller byte first, a prefix before what it begins. */
export function compare(a: Bytes, b: Bytes): number {
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    const d = (a[i] ?? 0) - (b[i] ?? 0);
    if (d !== 0) return d;
  }
  return a.length - b.length;
}

export const hex = (bytes: Bytes): string => bytesToHex(bytes);

/** Lower-case hex of any length. Error: `hex`. */
export function unhex(text: string): Bytes {
  need(/^(?:[0-9a-f]{2})*$/.test(text), "hex");
  return hexToBytes(text);
}

function encode64(bytes: Bytes, alphabet: string, padded: boolean): string {
  let out = "";
  for (let i = 0; i < bytes.length; i += 3) {
    const n = ((bytes[i] ?? 0) << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0);
    const letters = Math.min(3, bytes.length - i) + 1;
    for (let k = 0; k < 4; k++) {
      if (k < letters) out += alphabet.charAt((n >> (18 - 6 * k)) & 63);
      else if (padded) out += "=";
    }
  }
  return out;
}

function decode64(text: string, alphabet: string, padded: boolean): Bytes {
  const letters = padded ? text.replace(/={1,2}$/, "") : text;
  const out: number[] = [];
  let bits = 0;
  let held = 0;
  for (const letter of letters) {
    const value = letter.length === 1 ? alphabet.indexOf(letter) : -1;
    need(value >= 0, "base64");
    held = (held << 6) | value;
    bits += 6;
    if (bits >= 8) out.push((held >> (bits -= 8)) & 255);
    held &= (1 << bits) - 1;
  }
  const bytes = Uint8Array.from(out);
  // One form only: what does not come out again as it went in was another.
  need(encode64(bytes, alphabet, padded) === text, "base64");
  return bytes;
}

const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const STANDARD = LETTERS + "+/";
const URL = LETTERS + "-_";

/** Standard base64 with padding (DSSE, signed notes). */
export const b64 = (bytes: Bytes): string => encode64(bytes, STANDARD, true);
/** base64url without padding (JSON fields longer than 64 bytes). */
export const b64url = (bytes: Bytes): string => encode64(bytes, URL, false);
/** base64url with padding (header parameters of RFC 9577). */
export const b64urlPadded = (bytes: Bytes): string => encode64(bytes, URL, true);
/** Strict inverses. Error: `base64`. */
export const unb64 = (text: string): Bytes => decode64(text, STANDARD, true);
export const unb64url = (text: string): Bytes => decode64(text, URL, false);
export const unb64urlPadded = (text: string): Bytes => decode64(text, URL, true);

/** Decodes UTF-8 as it is: a byte order mark stays. Error: `utf-8`. */
export function fromUtf8(bytes: Bytes): string {
  return otherwise("utf-8", () => new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes));
}

/** A field of a transcript: label and data. Both carry their length, so no two lists of fields collide. */
export type Put = readonly [label: string, data: Bytes];

/** The 64 bytes of T. */
export function transcript(tag: string, puts: readonly Put[]): Bytes {
  const hash = sha512.create();
  for (const [label, data] of [["dst", utf8(tag)] as Put, ...puts]) {
    const name = utf8(label);
    hash.update(be(name.length, 4)).update(name).update(be(data.length, 8)).update(data);
  }
  return hash.digest();
}

/** T as a hash: the first 32 of its 64 bytes. */
export const T = (tag: string, puts: readonly Put[]): Bytes => transcript(tag, puts).slice(0, 32);

/** Exactly `n` bytes. Error: `size`. */
export function sized(bytes: Bytes, n: number): Bytes {
  return bytes.length === n ? bytes : refuse("size");
}
