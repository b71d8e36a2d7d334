/**
 * Strict points and scalars of edwards25519.
 *
 * An X25519 u-coordinate is lifted to the Edwards point with sign bit 0, always. Refused, for every point that comes
 * from outside: u >= p, bit 255, the twist (u = -1 too), mixed and low order, and any other encoding than the canonical
 * one. Without these checks a partial decryption leaks its share mod 8, and one in eight forged partials passes.
 * Source: docs/protocol.md, "Building blocks"; RFC 7748, RFC 8032; G2: RFC 9380.
 */
import { ed25519, ed25519_hasher } from "@noble/curves/ed25519.js";

import { bigLe, sized, transcript, utf8, type Bytes, type Put, type Random } from "./codec.ts";
import { need, otherwise } from "./errors.ts";

export const { Point } = ed25519;
export type Point = InstanceType<typeof Point>;
export const { Fn } = Point;
const { Fp } = Point;

/** The base point. */
export const B = Point.BASE;

/** The second generator; nobody knows its discrete logarithm. */
export const G2 = Point.fromAffine(
  ed25519_hasher.hashToCurve(utf8("second generator"), { DST: "tabir/v1/g2" }).toAffine(),
);

function prime(p: Point): Point {
  need(!p.isSmallOrder(), "low-order");
  need(p.isTorsionFree(), "mixed-order");
  return p;
}

/** y or u below p, bit 255 left aside. */
function belowP(bytes: Bytes): bigint {
  const n = bigLe(bytes) & ((1n << 255n) - 1n);
  need(n < Fp.ORDER, "non-canonical");
  return n;
}

/** Lifts an X25519 u-coordinate, 32 bytes. Errors: `size`, `bit-255`, `non-canonical`, `twist`, `low-order`, `mixed-order`. */
export function lift(bytes: Bytes): Point {
  need(((sized(bytes, 32)[31] ?? 0) & 0x80) === 0, "bit-255");
  const u = belowP(bytes);
  need(u !== Fp.ORDER - 1n, "twist");
  const y = Fp.div(Fp.sub(u, 1n), Fp.add(u, 1n));
  return prime(otherwise("twist", () => Point.fromBytes(Fp.toBytes(y), false)));
}

/** Canonical decoding without a check of the order: Ed25519 needs it apart. Errors: `non-canonical`, `off-curve`. */
export function decompressAnyOrder(bytes: Bytes): Point {
  const y = belowP(sized(bytes, 32));
  // x = 0 has no sign: its point is written in one way only
  const signed = ((bytes[31] ?? 0) & 0x80) !== 0;
  need(!(signed && (y === 1n || y === Fp.ORDER - 1n)), "non-canonical");
  return otherwise("off-curve", () => Point.fromBytes(bytes, false));
}

/** Reads a compressed point, 32 bytes. Errors: `size`, `non-canonical`, `off-curve`, `low-order`, `mixed-order`. */
export function decompress(bytes: Bytes): Point {
  return prime(decompressAnyOrder(bytes));
}

/** A canonical scalar, 32 bytes little-endian, below q. Errors: `size`, `scalar`. */
export function scalar(bytes: Bytes): bigint {
  const s = bigLe(sized(bytes, 32));
  need(s < Fn.ORDER, "scalar");
  return s;
}

export const scalarBytes = (s: bigint): Bytes => Fn.toBytes(s);

/** The X25519 u-coordinate, 32 bytes. */
export const toU = (p: Point): Bytes => ed25519.utils.toMontgomery(p.toBytes());

/** s·P for a secret s, which may be zero: in the library's constant-time ladder where it is not. */
export const times = (p: Point, s: bigint): Point => (s === 0n ? Point.ZERO : p.multiply(s));

/** s·P - c·Q for public values: the left side of a proof's check. */
export function difference(p: Point, s: bigint, q: Point, c: bigint): Point {
  return p.multiplyUnsafe(s).subtract(q.multiplyUnsafe(c));
}

/** T as a challenge: its 64 bytes as a little-endian integer mod q. */
export const challenge = (tag: string, puts: readonly Put[]): bigint => Fn.create(bigLe(transcript(tag, puts)));

/** A transcript's field that is a point. */
export const put = (label: string, p: Point): Put => [label, p.toBytes()];

/**
 * A proof nonce from secret, fresh randomness and the whole statement so far: a broken random source alone, or a
 * repeated statement alone, reveals nothing.
 */
export function hedgedNonce(tag: string, statement: readonly Put[], secret: bigint, random: Random): bigint {
  return challenge(tag, [...statement, ["nonce/secret", scalarBytes(secret)], ["nonce/random", random(32)]]);
}
