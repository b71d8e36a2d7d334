/**
 * The key ceremony as everybody can check it: FROST's distributed key generation, so that nobody ever holds the key.
 *
 *     ceremony_id = SHA-256(payload of council.manifest, as signed)
 *     round 1     commitment t × 32 | R 32 | z 32         to everybody: Feldman's commitments, proof of knowledge
 *     round 2     share 32                                to one member, sealed to kem_pk
 *     transcript  SHA-256("tabir/v1/transcript" ‖ ceremony_id ‖ round-1 messages 1…n ‖ Y ‖ Y_1 ‖ … ‖ Y_n)
 *
 * Proof of knowledge: zB - c·φ_0 = R with c = SHA-512("FROST-ED25519-SHA512-v1" ‖ "dkg" ‖ i ‖ φ_0 ‖ R) mod q, i as a
 * scalar of 32 bytes. Source: docs/protocol.md, "Council key ceremony"; RFC 9591's authors' DKG.
 */
import { bigLe, sha256, sha512Of, tagged, utf8, type Bytes } from "../codec.ts";
import { verifyingKey } from "../ed25519.ts";
import { blame, need } from "../errors.ts";
import { checkKemKey } from "../hpke/xwing.ts";
import { B, Fn, Point, decompress, difference, scalar, scalarBytes, times } from "../point.ts";
import { fromBytes } from "../statement/value.ts";
import { manifest, type Body } from "../statement/verbs.ts";
import { checkIndices, checkSize, distinct, lineageOf, type Share } from "./council.ts";

/** A checked manifest: who makes a key together. */
export interface Ceremony {
  readonly id: Bytes;
  readonly manifest: Body<"council.manifest">;
}

/** Reads the payload of a `council.manifest` as it was signed. Errors: those of strict JSON and of `checkManifest`. */
export function ceremonyOf(payload: Bytes): Ceremony {
  const found = fromBytes(manifest, payload);
  checkManifest(found);
  return { id: sha256(payload), manifest: found };
}

/** Checks who takes part. Errors: `threshold`, `index`, `duplicate`, `field`, those of the keys; with the member's index. */
export function checkManifest(m: Body<"council.manifest">): void {
  checkSize(m.t, m.n);
  checkIndices(m.members, m.n);
  for (const member of m.members) {
    blame(member.index, () => [verifyingKey(member.ed_vk), checkKemKey(member.kem_pk)]);
  }
  distinct(m.members.map((member) => [member.index, member.ed_vk]));
  distinct(m.members.map((member) => [member.index, member.kem_pk]));
  const [isForm, dealers] = [m.kind === "form", m.dealers ?? []];
  need(isForm === m.previous.every((byte) => byte === 0) && isForm === (dealers.length === 0), "field");
  need(dealers.every((dealer, i) => dealer > (dealers[i - 1] ?? 0)), "index");
}

/** A round-1 message whose points are sound. */
interface Round1 {
  readonly commitment: readonly Point[];
  readonly r: Point;
  readonly z: bigint;
}

/** Errors: `size`, those of points and scalars, with the sender's index. */
function readRound1(ceremony: Ceremony, from: number, bytes: Bytes): Round1 {
  return blame(from, () => {
    const { t } = ceremony.manifest;
    need(bytes.length === 32 * t + 64, "size");
    const points = Array.from({ length: t + 1 }, (_, i) => decompress(bytes.slice(32 * i, 32 * (i + 1))));
    const r = points[t] ?? B;
    return { commitment: points.slice(0, t), r, z: scalar(bytes.slice(-32)) };
  });
}

/** There must be something from each of these, and from nobody else. Error: `ceremony`, at who is missing or is nobody. */
export function complete(expected: readonly number[], there: ReadonlyMap<number, unknown>): void {
  const all = new Set([...expected, ...there.keys()]);
  for (const i of [...all].sort((a, b) => a - b)) need(expected.includes(i) && there.has(i), "ceremony", i);
}

/** The messages of all members, by index. Errors: those of `complete` and `readRound1`. */
function readAll(ceremony: Ceremony, round1: ReadonlyMap<number, Bytes>): Map<number, Round1> {
  complete(ceremony.manifest.members.map((m) => m.index), round1);
  return new Map(inOrder(round1).map(([i, bytes]) => [i, readRound1(ceremony, i, bytes)]));
}

export const inOrder = <T>(map: ReadonlyMap<number, T>): [number, T][] => [...map].sort(([a], [b]) => a - b);

/** Checks every proof of knowledge: who published it knows his polynomial's constant. Error: `ceremony`, with the culprit. */
export function checkProofs(ceremony: Ceremony, round1: ReadonlyMap<number, Bytes>): void {
  for (const [i, { commitment, r, z }] of readAll(ceremony, round1)) {
    const constant = commitment[0] ?? B;
    const tag = utf8("FROST-ED25519-SHA512-v1dkg");
    const c = Fn.create(bigLe(sha512Of(tag, scalarBytes(BigInt(i)), constant.toBytes(), r.toBytes())));
    need(difference(B, z, constant, c).equals(r), "ceremony", i);
  }
}

/** Σ i^k·φ_k: the share of member i that a commitment promises, times B. */
export function promised(commitment: readonly Point[], i: number): Point {
  return commitment.reduceRight((sum, point) => sum.multiplyUnsafe(BigInt(i)).add(point), Point.ZERO);
}

/** Checks one member's share from another against the commitment. Errors: `scalar`, `share`, with the sender's index. */
export function checkDealt(ceremony: Ceremony, round1: Bytes, from: number, to: number, share: Bytes): bigint {
  const { commitment } = readRound1(ceremony, from, round1);
  return blame(from, () => {
    const s = scalar(share);
    need(times(B, s).equals(promised(commitment, to)), "share");
    return s;
  });
}

/** Adds up the shares from all members, the own one too. */
export const addShares = (index: number, shares: readonly bigint[]): Share => ({
  index,
  s: shares.reduce((sum, s) => Fn.add(sum, s), 0n),
});

/** What everybody who has the round-1 messages can compute: the key, the verifying shares, and what all members sign. */
export interface Public {
  readonly y: Point;
  readonly yi: readonly Point[];
  readonly transcript: Bytes;
}

/** From the messages, by index. Errors: those of `readRound1` and of the points of the sum. */
export function publicOf(ceremony: Ceremony, round1: ReadonlyMap<number, Bytes>): Public {
  const all = [...readAll(ceremony, round1).values()];
  const sum = (i: number): Point => decompress(all.map((m) => promised(m.commitment, i)).reduce((a, b) => a.add(b)).toBytes());
  const [y, yi] = [sum(0), all.map((_, i) => sum(i + 1))];
  const messages = inOrder(round1).map(([, bytes]) => bytes);
  const points = [y, ...yi].map((p) => p.toBytes());
  return { y, yi, transcript: tagged("tabir/v1/transcript", ceremony.id, ...messages, ...points) };
}

/** What `council.formed` says of the key that this ceremony made, as its first epoch. `at` in Unix seconds. */
export function formed(ceremony: Ceremony, found: Public, at: number): Body<"council.formed"> {
  const { t, n, members } = ceremony.manifest;
  const yi = found.yi.map((p) => p.toBytes());
  const y = found.y.toBytes();
  return {
    v: 1,
    at,
    ceremony_id: ceremony.id,
    lineage: lineageOf(y, ceremony.id),
    epoch: 1,
    t,
    n,
    Y: y,
    members: members.map((m, i) => ({ index: m.index, Yi: yi[i] ?? y, ed_vk: m.ed_vk, kem_pk: m.kem_pk })),
    transcript: found.transcript,
  };
}

