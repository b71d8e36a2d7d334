/**
 * A council: its key, its members with their verifying shares, and one member's secret share.
 *
 *     lineage    = SHA-256("tabir/v1/lineage" ‖ Y ‖ ceremony_id)          of the ceremony that made the key
 *     council_id = T("tabir/v1/council"; lineage, epoch u64, t u16, n u16, Y, then for i = 1…n: i u16, Yi, ed_vk, kem_pk_hash)
 *     fingerprint = first 16 bytes of SHA-256("tabir/v1/council-fingerprint" ‖ council_id), as eight proquints, for people
 *     share      = index u16 ‖ s 32
 *
 * Source: docs/protocol.md, "Identity envelope", "Council key ceremony".
 */
import { T, be, cat, equal, hex, readBe, sha256, tagged, type Bytes, type Put } from "../codec.ts";
import { verifyingKey } from "../ed25519.ts";
import { blame, need, refuse } from "../errors.ts";
import { checkKemKey } from "../hpke/xwing.ts";
import { B, decompress, scalar, scalarBytes, times, type Point } from "../point.ts";
import { proquints } from "../receipt.ts";
import type { Body } from "../statement/verbs.ts";

/** Checks 2 <= t <= n <= 15. Error: `threshold`. */
export function checkSize(t: number, n: number): void {
  need(2 <= t && t <= n && n <= 15, "threshold");
}

export const lineageOf = (y: Bytes, ceremonyId: Bytes): Bytes => tagged("tabir/v1/lineage", y, ceremonyId);

export interface CouncilMember {
  readonly index: number;
  readonly yi: Point;
  readonly edVk: Bytes;
  readonly kemPk: Bytes;
}

/** A council whose parts fit each other. Whether it is the right one is for trust root and log to say. */
export interface Council {
  readonly y: Point;
  readonly ceremonyId: Bytes;
  readonly lineage: Bytes;
  readonly epoch: number;
  readonly t: number;
  readonly members: readonly CouncilMember[];
  readonly transcript: Bytes;
  readonly id: Bytes;
}

/**
 * Checks the payload of `council.formed`, `.refreshed` or `.reshared`. Errors: `threshold`, `index`, `duplicate`,
 * `context` (the lineage), `share` (verifying shares that are not of one key), those of points and keys, with the
 * member's index where one is to blame.
 */
export function councilOf(body: Body<"council.formed">): Council {
  checkSize(body.t, body.n);
  checkIndices(body.members, body.n);
  const y = decompress(body.Y);
  need(equal(lineageOf(y.toBytes(), body.ceremony_id), body.lineage), "context");
  const members = body.members.map((m) =>
    blame(m.index, () => ({
      index: m.index,
      yi: decompress(m.Yi),
      edVk: verifyingKey(m.ed_vk),
      kemPk: checkKemKey(m.kem_pk),
    })),
  );
  distinct(members.map((m) => [m.index, m.edVk]));
  distinct(members.map((m) => [m.index, m.kemPk]));
  checkPolynomial(body.t, [y, ...members.map((m) => m.yi)]);
  const { epoch, t, lineage, ceremony_id: ceremonyId, transcript } = body;
  const id = councilId(lineage, epoch, t, y, members);
  return { y, ceremonyId, lineage, epoch, t, members, transcript, id };
}

/** Indices exactly 1 to n, in order. Error: `index`. */
export function checkIndices(members: readonly { index: number }[], n: number): void {
  need(members.length === n && members.every((m, i) => m.index === i + 1), "index");
}

/** One person must not sit on two chairs. Error: `duplicate`, at the second of them. */
export function distinct(keys: readonly (readonly [index: number, key: Bytes])[]): void {
  const seen = new Set<string>();
  for (const [index, key] of keys) {
    need(!seen.has(hex(key)), "duplicate", index);
    seen.add(hex(key));
  }
}

/**
 * Y and all Y_i must lie on one polynomial of degree t - 1 in the exponent, with Y at 0: then, and only then, does every
 * set of t members interpolate to Y. At 0, 1, …, n this means that the t-th differences vanish. If those before vanish
 * too, the degree is lower, and fewer than t would do.
 */
function checkPolynomial(t: number, points: readonly Point[]): void {
  const differences = (ps: readonly Point[]): Point[] => ps.slice(1).map((p, i) => p.subtract(ps[i] ?? p));
  const zero = (ps: readonly Point[]): boolean => ps.every((p) => p.is0());
  let rest = points;
  for (let i = 1; i < t; i++) rest = differences(rest);
  need(!zero(rest), "threshold");
  need(zero(differences(rest)), "share");
}

export function councilId(lineage: Bytes, epoch: number, t: number, y: Point, members: readonly CouncilMember[]): Bytes {
  const head: Put[] = [
    ["lineage", lineage], ["epoch", be(epoch, 8)], ["t", be(t, 2)], ["n", be(members.length, 2)], ["Y", y.toBytes()],
  ];
  const member = (m: CouncilMember): Put[] => [
    ["i", be(m.index, 2)], ["Yi", m.yi.toBytes()], ["ed_vk", m.edVk], ["kem_pk_hash", sha256(m.kemPk)],
  ];
  return T("tabir/v1/council", [...head, ...members.flatMap(member)]);
}

/** What people compare: eight proquints. Another one after a refresh or reshare, since members or shares are others. */
export const councilFingerprint = (council: Council): string =>
  proquints(tagged("tabir/v1/council-fingerprint", council.id).slice(0, 16));

/** The member of that index. Error: `index`. */
export const memberOf = (council: Council, index: number): CouncilMember =>
  council.members.find((m) => m.index === index) ?? refuse("index");

/** One official's share of the council's key. */
export interface Share {
  readonly index: number;
  readonly s: bigint;
}

/** Reads `index u16 ‖ s 32`. Errors: `size`, `scalar`. */
export function parseShare(bytes: Bytes): Share {
  need(bytes.length >= 2, "size");
  return { index: readBe(bytes.slice(0, 2)), s: scalar(bytes.slice(2)) };
}

export const shareBytes = (share: Share): Bytes => cat(be(share.index, 2), scalarBytes(share.s));

/** Whether this is its member's share in this council. Errors: `index`, `share`. */
export function checkShare(share: Share, council: Council): void {
  need(times(B, share.s).equals(memberOf(council, share.index).yi), "share", share.index);
}
