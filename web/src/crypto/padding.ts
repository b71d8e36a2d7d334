/**
 * Padding to fixed sizes, so that a length says little.
 *
 *     content  u32 length ‖ JSON ‖ zeros    = 4,096, 16,384 or 65,536, the smallest that fits
 *     message  u32 length ‖ JSON ‖ zeros    = 4,096 or 16,384 (a dispute and a sealed reply likewise)
 *     record   u16 length ‖ JSON ‖ zeros    = 1,024 exactly; length 0: no identity given
 *
 * Whoever opens takes any of the sizes, but no length beyond it and no pad that is not zero.
 * Source: docs/protocol.md, "Content".
 */
import { be, readBe, sha256, type Bytes } from "./codec.ts";
import { need, refuse } from "./errors.ts";
import { OVERHEAD } from "./hpke/xwing.ts";

export const CONTENT_SIZES = [4_096, 16_384, 65_536] as const;
export const MESSAGE_SIZES = [4_096, 16_384] as const;
export const RECORD_SIZE = 1_024;

function pad(prefix: number, sizes: readonly number[], json: Bytes): Bytes {
  const size = sizes.find((s) => prefix + json.length <= s) ?? refuse("too-long");
  const out = new Uint8Array(size);
  out.set(be(json.length, prefix));
  out.set(json, prefix);
  return out;
}

function unpad(prefix: number, sizes: readonly number[], shortest: number, padded: Bytes): Bytes {
  need(sizes.includes(padded.length), "size");
  const length = readBe(padded.slice(0, prefix));
  need(length >= shortest && prefix + length <= padded.length, "length");
  need(padded.slice(prefix + length).every((byte) => byte === 0), "pad");
  return padded.slice(prefix, prefix + length);
}

/** Pads JSON to the smallest size that fits. Error: `too-long`. */
export const padContent = (json: Bytes): Bytes => pad(4, CONTENT_SIZES, json);
export const padMessage = (json: Bytes): Bytes => pad(4, MESSAGE_SIZES, json);
/** None at all is "no identity given". */
export const padRecord = (json: Bytes): Bytes => pad(2, [RECORD_SIZE], json);

/** The JSON inside. Errors: `size`, `length`, `pad`. */
export const unpadContent = (padded: Bytes): Bytes => unpad(4, CONTENT_SIZES, 1, padded);
export const unpadMessage = (padded: Bytes): Bytes => unpad(4, MESSAGE_SIZES, 1, padded);
/** Empty where no identity was given. */
export const unpadRecord = (padded: Bytes): Bytes => unpad(2, [RECORD_SIZE], 0, padded);

/** SHA-256 of a sealed content. Error: `size`, for a length that no sealed content has. */
export function contentHash(sealed: Bytes): Bytes {
  need(CONTENT_SIZES.some((size) => size + OVERHEAD === sealed.length), "size");
  return sha256(sealed);
}

/** Refuses a length that no sealed message has. Error: `size`. */
export function checkSealedMessage(sealed: Bytes): void {
  need(MESSAGE_SIZES.some((size) => size + OVERHEAD === sealed.length), "size");
}
