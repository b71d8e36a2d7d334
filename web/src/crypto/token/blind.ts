/**
 * The client's half of RFC 9578 section 6, and the check of a token: RSABSSA-SHA384-PSS-Deterministic (RFC 9474), RSA-2048.
 *
 *     SPKI DER, 342 bytes: 81 that never change ‖ n 256 ‖ e = 65537, 5 that never change
 *     token_key_id = SHA-256(SPKI); truncated_token_key_id = its last byte
 *     blind     m = EMSA-PSS(input, salt 48), z = m·r^e mod n          finalize  s = blind_sig·r^-1 mod n, checked
 *
 * The numbers are JavaScript's big integers, whose time depends on their values. What they hold is one token's blinding,
 * used once on the reporter's own device.
 */
import { invert, mod, pow } from "@noble/curves/abstract/modular.js";
import { sha384 } from "@noble/hashes/sha2.js";

import { be, bigBe, bigLe, cat, equal, sha256, unhex, type Bytes, type Random } from "../codec.ts";
import { need, otherwise, refuse } from "../errors.ts";
import { NK, challengeDigest, tokenInput, type Token, type TokenChallenge, type TokenRequest } from "./wire.ts";

const E = 65_537n;
const SALT = 48;
const HASH = 48;

/** DER up to the modulus: id-RSASSA-PSS with SHA-384, MGF1 over SHA-384, salt 48. */
const PREFIX = unhex(
  "30820152303d06092a864886f70d01010a3030a00d300b0609608648016503040202" +
    "a11a301806092a864886f70d010108300b0609608648016503040202a203020130" +
    "0382010f003082010a0282010100",
);
const SUFFIX = unhex("0203010001");

/** A public token key of the right kind and size. */
export interface TokenKey {
  readonly spki: Bytes;
  readonly id: Bytes;
  readonly n: bigint;
}

/** Reads an SPKI. Error: `token-key` for anything but 342 bytes in the one encoding. */
export function tokenKey(spki: Bytes): TokenKey {
  need(spki.length === PREFIX.length + NK + SUFFIX.length, "token-key");
  const modulus = spki.slice(PREFIX.length, PREFIX.length + NK);
  need(equal(spki.slice(0, PREFIX.length), PREFIX) && equal(spki.slice(-SUFFIX.length), SUFFIX), "token-key");
  const n = bigBe(modulus);
  need(((modulus[0] ?? 0) & 0x80) !== 0 && n % 2n === 1n, "token-key");
  return { spki, id: sha256(spki), n };
}

/** The SPKI of a modulus. */
export const spkiOf = (n: bigint): Bytes => cat(PREFIX, be(n, NK), SUFFIX);

function mgf1(seed: Bytes, length: number): Bytes {
  const blocks = Array.from({ length: Math.ceil(length / HASH) }, (_, i) => sha384(cat(seed, be(i, 4))));
  return cat(...blocks).slice(0, length);
}

const xor = (a: Bytes, b: Bytes): Bytes => a.map((byte, i) => byte ^ (b[i] ?? 0));
const pssHash = (message: Bytes, salt: Bytes): Bytes => sha384(cat(new Uint8Array(8), sha384(message), salt));

/** EMSA-PSS-ENCODE of RFC 8017, 2,047 bits. */
function pssEncode(message: Bytes, salt: Bytes): Bytes {
  const hash = pssHash(message, salt);
  const db = cat(new Uint8Array(NK - HASH - SALT - 2), Uint8Array.of(1), salt);
  const masked = xor(db, mgf1(hash, db.length));
  masked[0] = (masked[0] ?? 0) & 0x7f;
  return cat(masked, hash, Uint8Array.of(0xbc));
}

/** Whether a signature verifies: RSASSA-PSS-VERIFY with a salt of 48 bytes. */
function pssVerify(key: TokenKey, message: Bytes, signature: Bytes): boolean {
  const s = bigBe(signature);
  if (signature.length !== NK || s >= key.n) return false;
  const em = be(pow(s, E, key.n), NK);
  const [masked, hash] = [em.slice(0, NK - HASH - 1), em.slice(NK - HASH - 1, NK - 1)];
  if (em[NK - 1] !== 0xbc || ((masked[0] ?? 0) & 0x80) !== 0) return false;
  const db = xor(masked, mgf1(hash, masked.length));
  db[0] = (db[0] ?? 0) & 0x7f;
  const salt = db.slice(-SALT);
  // What the encoding would be for this salt: one comparison covers the zeros, the 1 and the hash.
  return equal(pssEncode(message, salt), em);
}

/** A token that waits for the issuer's answer. Its blinding links request and token: it is never stored. */
export interface PendingToken {
  readonly request: TokenRequest;
  /** Unblinds the answer and verifies the token that comes of it. Error: `blind-signature`. */
  finalize(response: Bytes): Token;
}

/** Makes a token's input with a fresh nonce and blinds it. Draws nonce 32, salt 48, and 256 for r, again until it is below n. */
export function blindToken(key: TokenKey, challenge: TokenChallenge, random: Random): PendingToken {
  const parts = { nonce: random(32), challengeDigest: challengeDigest(challenge), keyId: key.id };
  const blinded = blindMessage(key, tokenInput(parts), random(SALT), () => bigLe(random(NK)));
  return {
    request: { truncatedKeyId: key.id[31] ?? 0, blindedMsg: blinded.message },
    finalize: (response) => ({ ...parts, authenticator: blinded.finalize(response) }),
  };
}

/** RFC 9474's Blind and Finalize. Errors: `token-key` (a modulus that cannot blind), `blind-signature`. */
export function blindMessage(key: TokenKey, input: Bytes, salt: Bytes, draw: () => bigint) {
  const m = bigBe(pssEncode(input, salt));
  let r = draw();
  while (r === 0n || r >= key.n) r = draw();
  const inverse = otherwise("token-key", () => invert(r, key.n));
  const finalize = (response: Bytes): Bytes => {
    const z = bigBe(response);
    need(response.length === NK && z < key.n, "blind-signature");
    const signature = be(mod(z * inverse, key.n), NK);
    need(pssVerify(key, input, signature), "blind-signature");
    return signature;
  };
  return { message: be(mod(m * pow(r, E, key.n), key.n), NK), finalize };
}

/** Checks a token for a challenge, as the gateway does. Errors: `token-key` (by another key), `token-challenge`, `token-invalid`. */
export function verifyToken(token: Token, challenge: TokenChallenge, key: TokenKey): void {
  need(equal(token.keyId, key.id), "token-key");
  need(equal(token.challengeDigest, challengeDigest(challenge)), "token-challenge");
  if (!pssVerify(key, tokenInput(token), token.authenticator)) refuse("token-invalid");
}
