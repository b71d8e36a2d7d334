/**
 * X-Wing keys (KEM 0x647a, draft-connolly-cfrg-xwing-kem) and sealing to them.
 *
 *     public key 1,216 = ML-KEM-768 key 1,184 ‖ X25519 key 32
 *     enc        1,120 = ML-KEM-768 ct  1,088 ‖ X25519 key 32
 *     secret key    32 = the seed, used as it is
 *
 * Never HPKE's DeriveKeyPair: the libraries differ on it. Refused with `kem`: an ML-KEM coefficient of 3,329 or more,
 * and an X25519 half of a key or of an `enc` whose shared secret is zero, since half of the hybrid would add nothing.
 */
import { x25519 } from "@noble/curves/ed25519.js";
import { ml_kem768_x25519 as xwing } from "@noble/post-quantum/hybrid.js";

import { cat, sized, type Bytes, type Random } from "../codec.ts";
import { need, otherwise } from "../errors.ts";
import { Context, KEM_XWING } from "./schedule.ts";

export const PUBLIC_KEY = 1_216;
export const ENC = 1_120;
/** How much longer a sealed message is than its plaintext: `enc` and the AEAD's tag. */
export const OVERHEAD = ENC + 16;

export const kemPublicKey = (seed: Bytes): Bytes => xwing.getPublicKey(sized(seed, 32));

/** A clamped scalar is a multiple of the cofactor, so the product is zero for points of low order exactly. */
function contributes(keyOrEnc: Bytes): void {
  otherwise("kem", () => x25519.getSharedSecret(new Uint8Array(32).fill(1), keyOrEnc.slice(-32)));
}

/** Checks a public key and returns it. Errors: `size`, `kem`. */
export function checkKemKey(key: Bytes): Bytes {
  sized(key, PUBLIC_KEY);
  // 12-bit coefficients, two in three bytes; the last 32 bytes of ML-KEM's part are its seed
  for (let i = 0; i < 1_152; i += 3) {
    const [a, b, c] = [key[i] ?? 0, key[i + 1] ?? 0, key[i + 2] ?? 0];
    need((a | ((b & 15) << 8)) < 3_329 && ((b >> 4) | (c << 4)) < 3_329, "kem");
  }
  contributes(key);
  return key;
}

/** Seals under an info and an aad that nobody else uses. Draws 64 bytes. Errors: `size` (nothing to seal), `kem`. */
export function sealTo(key: Bytes, info: string, aad: Bytes, plaintext: Bytes, random: Random): Bytes {
  need(plaintext.length > 0, "size");
  checkKemKey(key);
  const { cipherText, sharedSecret } = otherwise("kem", () => xwing.encapsulate(key, random(64)));
  return cat(cipherText, new Context(KEM_XWING, sharedSecret, info).seal(aad, plaintext));
}

/** Opens what `sealTo` sealed. Errors: `size`, `kem`, `aead`. */
export function openWith(seed: Bytes, info: string, aad: Bytes, wire: Bytes): Bytes {
  need(wire.length > OVERHEAD, "size");
  const [enc, ciphertext] = [wire.slice(0, ENC), wire.slice(ENC)];
  contributes(enc);
  const sharedSecret = otherwise("kem", () => xwing.decapsulate(enc, sized(seed, 32)));
  return new Context(KEM_XWING, sharedSecret, info).open(aad, ciphertext);
}
