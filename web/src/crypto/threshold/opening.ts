/**
 * Partial decryptions, and how t of them open one envelope.
 *
 *     partial  0x01 | council_id 32 | request_hash 32 | checkpoint_hash 32 | index u16 | D 32 | c 32 | z 32        195
 *
 * D = s_i·E. Chaum-Pedersen: A1 = kB, A2 = kE, z = k + c·s_i, checked with A1 = zB - cY_i, A2 = zE - cD;
 * c = T("tabir/v1/dleq"; council, case, label, envelope, inner, request, checkpoint, recipients, i u16, enc, Yi, E, D, A1, A2).
 *
 *     DH = u(Σ λ_i·D_i),  λ_i = Π j/(j - i) over the other indices j
 *     salt of unseal.opened = Export("tabir/v1/opened-salt", 32) of the inner context
 *     record_commit         = SHA-256(salt 32 ‖ record 1,024)
 *
 * Help that was given for one request is thus good for no other. Source: docs/protocol.md, "Identity envelope".
 */
import { be, cat, equal, readBe, sha256, split, type Bytes, type Put, type Random } from "../codec.ts";
import { openInner, type VerifiedInner } from "../envelope/inner.ts";
import { blame, need } from "../errors.ts";
import { B, Fn, challenge, decompress, difference, hedgedNonce, put, scalar, scalarBytes, times, toU, type Point } from "../point.ts";
import { checkShare, memberOf, type Council, type Share } from "./council.ts";

export const PARTIAL_LEN = 195;
const DLEQ = "tabir/v1/dleq";

/** What the officials approved: all of it stands in each proof. The envelope's sender proof was checked before. */
export interface OpeningContext {
  readonly council: Council;
  readonly caseId: Bytes;
  readonly envelopeHash: Bytes;
  readonly inner: VerifiedInner;
  /** Entry hash of `unseal.requested`. */
  readonly requestHash: Bytes;
  /** Of the kept checkpoint that `unseal.released` names. */
  readonly checkpointHash: Bytes;
  readonly recipients: Bytes;
}

/** SHA-256 of the released approvers' fresh X-Wing keys, joined in the order of their indices. */
export const recipientsHash = (keys: readonly Bytes[]): Bytes => sha256(...keys);

function statement(x: OpeningContext, index: number, yi: Point, d: Point): Put[] {
  return [
    ["council", x.council.id],
    ["case", x.caseId],
    ["label", x.inner.label],
    ["envelope", x.envelopeHash],
    ["inner", x.inner.hash],
    ["request", x.requestHash],
    ["checkpoint", x.checkpointHash],
    ["recipients", x.recipients],
    ["i", be(index, 2)],
    ["enc", x.inner.inner.enc],
    put("Yi", yi),
    put("E", x.inner.e),
    put("D", d),
  ];
}

/** Helps with one opening. The 195 bytes are secret until they are sealed. Draws 32 bytes. Errors: `index`, `share`. */
export function makePartial(x: OpeningContext, share: Share, random: Random): Bytes {
  return makePartialWith(x, share, (puts) => hedgedNonce(DLEQ, puts, share.s, random));
}

export function makePartialWith(x: OpeningContext, share: Share, nonce: (statement: readonly Put[]) => bigint): Bytes {
  checkShare(share, x.council);
  const { index, yi } = memberOf(x.council, share.index);
  const d = times(x.inner.e, share.s);
  const puts = statement(x, index, yi, d);
  const k = nonce(puts);
  const c = challenge(DLEQ, [...puts, put("A1", times(B, k)), put("A2", times(x.inner.e, k))]);
  const head = cat(Uint8Array.of(1), x.council.id, x.requestHash, x.checkpointHash, be(index, 2));
  return cat(head, d.toBytes(), scalarBytes(c), scalarBytes(Fn.add(k, Fn.mul(c, share.s))));
}

/** A partial whose proof holds, for one context. */
export interface VerifiedPartial {
  readonly index: number;
  readonly d: Point;
}

/** Checks a partial. Errors: `size`, `version`, `index`; then, with its maker's index, `context`, those of points, `scalar`, `dleq`. */
export function verifyPartial(x: OpeningContext, bytes: Bytes): VerifiedPartial {
  need(bytes.length === PARTIAL_LEN, "size");
  need(bytes[0] === 1, "version");
  const parts = split(bytes, 1, 32, 32, 32, 2, 32, 32, 32);
  const [, councilId, request, checkpoint, i, d32, c32, z32] = parts as [Bytes, Bytes, Bytes, Bytes, Bytes, Bytes, Bytes, Bytes];
  const { index, yi } = memberOf(x.council, readBe(i));
  return blame(index, () => {
    const same = equal(councilId, x.council.id) && equal(request, x.requestHash) && equal(checkpoint, x.checkpointHash);
    need(same, "context");
    const [d, c, z] = [decompress(d32), scalar(c32), scalar(z32)];
    const [a1, a2] = [difference(B, z, yi, c), difference(x.inner.e, z, d, c)];
    need(challenge(DLEQ, [...statement(x, index, yi, d), put("A1", a1), put("A2", a2)]) === c, "dleq");
    return { index, d };
  });
}

/** Lagrange coefficient of index i at 0. */
export function atZero(i: number, indices: readonly number[]): bigint {
  const others = indices.filter((j) => j !== i);
  return others.reduce((l, j) => Fn.mul(l, Fn.div(BigInt(j), Fn.create(BigInt(j - i)))), 1n);
}

/**
 * Verifies and combines partials of at least t distinct members to the DH output of one envelope. The error names the
 * first bad one's maker: leave it out, and ask another. Errors: those of `verifyPartial`, `duplicate`, `too-few`.
 */
export function combine(x: OpeningContext, partials: readonly Bytes[]): Bytes {
  const good = new Map<number, Point>();
  for (const bytes of partials) {
    const { index, d } = verifyPartial(x, bytes);
    need(!good.has(index), "duplicate", index);
    good.set(index, d);
  }
  need(good.size >= x.council.t, "too-few");
  const used = [...good].sort(([i], [j]) => i - j).slice(0, x.council.t);
  const indices = used.map(([i]) => i);
  const parts = used.map(([i, d]) => times(d, atZero(i, indices)));
  return toU(parts.reduce((sum, part) => sum.add(part)));
}

/** An opened identity: the padded record, and the salt of `unseal.opened`. */
export interface Opened {
  readonly record: Bytes;
  readonly salt: Bytes;
}

/** Opens the envelope. Errors: `zero-dh`, `commitment`, `aead`. */
export function openRecord(council: Council, inner: VerifiedInner, dh: Bytes): Opened {
  const { context, record } = openInner(inner, council.y.toBytes(), dh);
  return { record, salt: context.export("tabir/v1/opened-salt", 32) };
}

export const recordCommit = (opened: Opened): Bytes => sha256(opened.salt, opened.record);
