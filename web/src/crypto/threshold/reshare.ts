/**
 * Refresh and reshare as everybody can check them: the same key, new shares, perhaps for other people and another threshold.
 *
 *     dealer i, one of t members of the council before: f_i of degree t' - 1 with f_i(0) = s_i
 *     dealing     commitment t' × 32: f_i's coefficients times B        to everybody; the first one is Y_i, as in the log
 *     dealt share 32: f_i(j)                                            to member j, sealed (round 5)
 *     new share   s'_j = Σ λ_i·f_i(j)      λ_i = Π k/(k - i) over the other dealers k
 *     verifying   Y'_j = Σ_m j^m·Σ λ_i·C_im    and Y stays
 *     transcript  SHA-256("tabir/v1/reshare" ‖ ceremony_id ‖ dealings in the order of the dealers ‖ Y ‖ Y'_1 ‖ … ‖ Y'_n)
 *
 * Source: docs/protocol.md, "Council key ceremony".
 */
import { equal, hex, tagged, type Bytes } from "../codec.ts";
import { keyId } from "../ed25519.ts";
import { blame, need } from "../errors.ts";
import { B, Fn, Point, decompress, scalar, times } from "../point.ts";
import { verify, type Statement } from "../statement/statement.ts";
import type { Body } from "../statement/verbs.ts";
import { ceremonyOf, complete, inOrder, promised, type Ceremony } from "./ceremony.ts";
import { checkShare, councilOf, memberOf, type Council, type Share } from "./council.ts";
import { atZero } from "./opening.ts";

/** A manifest for a council that exists, signed by all whose it is to sign. */
export interface VerifiedManifest {
  readonly ceremony: Ceremony;
  readonly old: Council;
  /** Indices in the council before. */
  readonly dealers: readonly number[];
}

/**
 * Checks a signed `council.manifest` against the council before. Errors: those of `ceremonyOf`; `verb`; `context` for a
 * new key or another council before; `too-few` when the dealers are not exactly t of it; `index` for a dealer who is no
 * member; `field` for a refresh that changes people or threshold; `insufficient-signatures`, at who did not sign; those of
 * statements.
 */
export function verifyManifest(statement: Statement, old: Council): VerifiedManifest {
  need(statement.verb === "council.manifest", "verb");
  const ceremony = ceremonyOf(statement.payload);
  const { kind, previous, dealers = [], members, t } = ceremony.manifest;
  need(kind !== "form" && equal(previous, old.id), "context");
  need(dealers.length === old.t, "too-few");
  const people = (keys: [ed: Bytes, kem: Bytes][]): string => keys.map(([ed, kem]) => hex(ed) + hex(kem)).join();
  const before = people(old.members.map((m) => [m.edVk, m.kemPk]));
  const samePeople = t === old.t && people(members.map((m) => [m.ed_vk, m.kem_pk])) === before;
  need(kind !== "refresh" || samePeople, "field");
  const signers: [index: number, key: Bytes][] = [
    ...members.map((m): [number, Bytes] => [m.index, m.ed_vk]),
    ...dealers.map((i): [number, Bytes] => [i, memberOf(old, i).edVk]),
  ];
  const signed = verify(statement, signers.map(([, key]) => key)).signers.map(hex);
  for (const [index, key] of signers) need(signed.includes(hex(keyId(key))), "insufficient-signatures", index);
  return { ceremony, old, dealers };
}

/** Checks a dealing. Errors: `size`, those of the points, `share` (the first commitment is not the dealer's verifying share). */
function readDealing(manifest: VerifiedManifest, dealer: number, bytes: Bytes): Point[] {
  const { t } = manifest.ceremony.manifest;
  need(bytes.length === 32 * t, "size");
  const points = Array.from({ length: t }, (_, m) => decompress(bytes.slice(32 * m, 32 * (m + 1))));
  need(points[0]?.equals(memberOf(manifest.old, dealer).yi) === true, "share");
  return points;
}

/** All dealings of a ceremony, checked: what the new council is, and what each dealt share must be. */
export interface Dealings {
  readonly manifest: VerifiedManifest;
  readonly commitments: ReadonlyMap<number, readonly Point[]>;
  readonly council: Council;
  /** What `council.refreshed` or `.reshared` says of it, with `at` 0. */
  readonly body: Body<"council.reshared">;
}

/**
 * Reads the dealers' messages, by their indices in the council before. Errors, with the dealer's index: `ceremony`
 * (missing, or of no dealer), those of `readDealing`; those of `councilOf`.
 */
export function readDealings(manifest: VerifiedManifest, messages: ReadonlyMap<number, Bytes>): Dealings {
  complete(manifest.dealers, messages);
  const commitments = new Map(inOrder(messages).map(([i, bytes]) => [i, blame(i, () => readDealing(manifest, i, bytes))]));
  const { ceremony, old, dealers } = manifest;
  const weighted = (j: number): Point =>
    [...commitments].map(([i, c]) => promised(c, j).multiplyUnsafe(atZero(i, dealers))).reduce((a, b) => a.add(b), Point.ZERO);
  const members = ceremony.manifest.members.map((m) => ({ ...m, Yi: blame(m.index, () => decompress(weighted(m.index).toBytes())).toBytes() }));
  const y = old.y.toBytes();
  const dealt = inOrder(messages).map(([, bytes]) => bytes);
  const body = {
    v: 1 as const,
    at: 0,
    ceremony_id: old.ceremonyId,
    lineage: old.lineage,
    epoch: old.epoch + 1,
    t: ceremony.manifest.t,
    n: ceremony.manifest.n,
    Y: y,
    members,
    transcript: tagged("tabir/v1/reshare", ceremony.id, ...dealt, y, ...members.map((m) => m.Yi)),
    reshare_id: ceremony.id,
  };
  return { manifest, commitments, council: councilOf(body), body };
}

/**
 * Checks the shares that were dealt to this new member and makes his share of them. Errors, with the dealer's index:
 * `ceremony` (missing, or of no dealer), `scalar`, `share` (not what the dealer committed to); `index` for no member.
 */
export function finishReshare(dealings: Dealings, member: number, shares: ReadonlyMap<number, Bytes>): Share {
  memberOf(dealings.council, member);
  complete([...dealings.commitments.keys()], shares);
  let sum = 0n;
  for (const [dealer, commitment] of dealings.commitments) {
    const dealt = blame(dealer, () => {
      const s = scalar(shares.get(dealer) ?? new Uint8Array(0));
      need(times(B, s).equals(promised(commitment, member)), "share");
      return s;
    });
    sum = Fn.add(sum, Fn.mul(atZero(dealer, dealings.manifest.dealers), dealt));
  }
  const share = { index: member, s: sum };
  checkShare(share, dealings.council);
  return share;
}
