/**
 * Ed25519 as everybody here must check it: RFC 8032 without cofactor, small-order and non-canonical A and R refused.
 * noble's own `verify` is with cofactor and takes a small-order R, even with `zip215: false`, so the equation stands here.
 */
import { ed25519 } from "@noble/curves/ed25519.js";

import { bigLe, sha256, sha512Of, sized, type Bytes } from "./codec.ts";
import { need, otherwise } from "./errors.ts";
import { B, Fn, decompressAnyOrder, difference, scalar } from "./point.ts";

/** SHA-256 of a public key's bytes. */
export const keyId = (key: Bytes): Bytes => sha256(key);

export const publicKey = (seed: Bytes): Bytes => ed25519.getPublicKey(seed);

/** Signs with an RFC 8032 seed; deterministic. */
export const sign = (seed: Bytes, message: Bytes): Bytes => ed25519.sign(message, seed);

/** Checks a public key, 32 bytes, and returns it. Errors: `size`, `A-encoding`, `A-small-order`. */
export function verifyingKey(bytes: Bytes): Bytes {
  sized(bytes, 32);
  const a = otherwise("A-encoding", () => decompressAnyOrder(bytes));
  need(!a.isSmallOrder(), "A-small-order");
  return bytes;
}

/** Verifies strictly. Errors: those of `verifyingKey`, `size`, `scalar`, `R-encoding`, `R-small-order`, `signature`. */
export function verify(key: Bytes, message: Bytes, signature: Bytes): void {
  verifyingKey(key);
  sized(signature, 64);
  const [r32, s32] = [signature.slice(0, 32), signature.slice(32)];
  const s = scalar(s32);
  const r = otherwise("R-encoding", () => decompressAnyOrder(r32));
  need(!r.isSmallOrder(), "R-small-order");
  const k = Fn.create(bigLe(sha512Of(r32, key, message)));
  // SB - kA = R on the points themselves
  need(difference(B, s, decompressAnyOrder(key), k).equals(r), "signature");
}
