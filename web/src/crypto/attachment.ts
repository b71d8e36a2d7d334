/**
 * Attachments: STREAM over XChaCha20Poly1305, padded to powers of two.
 *
 *     plaintext  file ‖ zeros, to a power of two ≥ 65,536, the least that fits
 *     chunk i    65,536 of it + tag 16; nonce = prefix 19 ‖ u32 i ‖ last 0/1; aad = case_id 32 ‖ file_id 16
 *
 * A key of its own for each file. Every chunk is full, and the last one alone has the 1, so a file that was cut,
 * reordered or extended does not open. Source: STREAM, eprint 2015/189 (BE32); docs/protocol.md, "Attachments".
 */
import { xchacha20poly1305 } from "@noble/ciphers/chacha.js";

import { be, cat, equal, sha256, type Bytes, type Random } from "./codec.ts";
import { need, otherwise } from "./errors.ts";
import { h, hexOf, n, object, text, type Of } from "./statement/value.ts";

export const CHUNK = 65_536;
const TAG = 16;

/** What stands in the sealed content about one file: all that is needed to fetch and open it. */
export const attachment = object({
  file_id: hexOf(16),
  key: h,
  nonce_prefix: hexOf(19),
  length: n,
  padded_length: n,
  sha256: h,
  media_type: text,
});
export type Attachment = Of<typeof attachment>;

/** The least power of two that is at least 65,536 and fits the file. */
export function paddedLength(length: number): number {
  let padded = CHUNK;
  while (padded < length) padded *= 2;
  return padded;
}

/** The cipher of chunk `i`. */
function chunkCipher(file: Pick<Attachment, "key" | "nonce_prefix" | "file_id">, caseId: Bytes, i: number, last: boolean) {
  const nonce = cat(file.nonce_prefix, be(i, 4), be(last ? 1 : 0, 1));
  return xchacha20poly1305(file.key, nonce, cat(caseId, file.file_id));
}

/** Pads and seals a file for one case. Draws key, nonce prefix and file id, in this order. */
export function sealFile(file: Bytes, caseId: Bytes, mediaType: string, random: Random): [Attachment, Bytes] {
  const keys = { key: random(32), nonce_prefix: random(19), file_id: random(16) };
  const padded = new Uint8Array(paddedLength(file.length));
  padded.set(file);
  const chunks = padded.length / CHUNK;
  const sealed: Bytes[] = [];
  for (let i = 0; i < chunks; i++) {
    sealed.push(chunkCipher(keys, caseId, i, i === chunks - 1).encrypt(padded.slice(i * CHUNK, (i + 1) * CHUNK)));
  }
  const ct = cat(...sealed);
  const sizes = { length: file.length, padded_length: padded.length };
  return [{ ...keys, ...sizes, sha256: sha256(ct), media_type: mediaType }, ct];
}

/** Opens a file's ciphertext. Errors: `size` (padded length or ciphertext do not fit the length), `aead`, `pad`. */
export function openFile(file: Attachment, caseId: Bytes, ct: Bytes): Bytes {
  need(paddedLength(file.length) === file.padded_length, "size");
  const chunks = file.padded_length / CHUNK;
  need(ct.length === file.padded_length + chunks * TAG, "size");
  need(equal(sha256(ct), file.sha256), "aead");
  const opened: Bytes[] = [];
  for (let i = 0; i < chunks; i++) {
    const chunk = ct.slice(i * (CHUNK + TAG), (i + 1) * (CHUNK + TAG));
    opened.push(otherwise("aead", () => chunkCipher(file, caseId, i, i === chunks - 1).decrypt(chunk)));
  }
  const plaintext = cat(...opened);
  need(plaintext.slice(file.length).every((byte) => byte === 0), "pad");
  return plaintext.slice(0, file.length);
}
