/**
 * Merkle trees: hashes, and proofs that an entry is in a tree or that one tree extends another.
 *
 *     leaf = SHA-256(0x00 ‖ entry)       node = SHA-256(0x01 ‖ left ‖ right)       empty tree = SHA-256("")
 *
 * Source: RFC 6962 section 2.1; the checks are those of RFC 9162 sections 2.1.3.2 and 2.1.4.2. Sizes are numbers up to
 * 2^53 - 1: strict JSON has no larger one, and no log here comes near.
 */
import { equal, sha256, type Bytes } from "../codec.ts";
import { need, refuse } from "../errors.ts";

/** Size and root of a tree. */
export interface TreeHead {
  readonly size: number;
  readonly root: Bytes;
}

/** The most hashes in a proof: one for each level of the largest tree, and a consistency proof's first. */
export const MAX_PROOF = 64;

export const leafHash = (entry: Bytes): Bytes => sha256(Uint8Array.of(0), entry);
export const nodeHash = (left: Bytes, right: Bytes): Bytes => sha256(Uint8Array.of(1), left, right);
export const EMPTY: TreeHead = { size: 0, root: sha256() };

/** The largest power of two below n. */
function cut(n: number): number {
  let k = 1;
  while (k * 2 < n) k *= 2;
  return k;
}

/** The root over leaf hashes. */
export function rootOf(leaves: readonly Bytes[]): Bytes {
  if (leaves.length === 0) return EMPTY.root;
  if (leaves.length === 1) return leaves[0] ?? EMPTY.root;
  const k = cut(leaves.length);
  return nodeHash(rootOf(leaves.slice(0, k)), rootOf(leaves.slice(k)));
}

export const headOf = (leaves: readonly Bytes[]): TreeHead => ({ size: leaves.length, root: rootOf(leaves) });

/** RFC 6962's PATH: proves that leaf `index` is in the tree. Error: `size`. */
export function proveInclusion(leaves: readonly Bytes[], index: number): Bytes[] {
  need(index < leaves.length, "size");
  if (leaves.length === 1) return [];
  const k = cut(leaves.length);
  const [left, right] = [leaves.slice(0, k), leaves.slice(k)];
  return index < k
    ? [...proveInclusion(left, index), rootOf(right)]
    : [...proveInclusion(right, index - k), rootOf(left)];
}

/** RFC 6962's PROOF: proves that the tree extends that of its first `old` leaves. Error: `size`. */
export function proveConsistency(leaves: readonly Bytes[], old: number): Bytes[] {
  need(old <= leaves.length, "size");
  return old === 0 || old === leaves.length ? [] : subproof(leaves, old, true);
}

function subproof(leaves: readonly Bytes[], old: number, isOldTree: boolean): Bytes[] {
  if (old === leaves.length) return isOldTree ? [] : [rootOf(leaves)];
  const k = cut(leaves.length);
  const [left, right] = [leaves.slice(0, k), leaves.slice(k)];
  return old <= k
    ? [...subproof(left, old, isOldTree), rootOf(right)]
    : [...subproof(right, old - k, false), rootOf(left)];
}

const odd = (n: number): boolean => n % 2 === 1;
const half = (n: number): number => Math.floor(n / 2);

/** Checks that the entry of this leaf hash is number `index` of the tree. Error: `inclusion`. */
export function verifyInclusion(leaf: Bytes, index: number, head: TreeHead, proof: readonly Bytes[]): void {
  need(index < head.size && proof.length <= MAX_PROOF, "inclusion");
  let [node, last, hash] = [index, head.size - 1, leaf];
  for (const sibling of proof) {
    need(last !== 0, "inclusion");
    if (odd(node) || node === last) {
      hash = nodeHash(sibling, hash);
      while (!odd(node) && node !== 0) [node, last] = [half(node), half(last)];
    } else {
      hash = nodeHash(hash, sibling);
    }
    [node, last] = [half(node), half(last)];
  }
  need(last === 0 && equal(hash, head.root), "inclusion");
}

/** Checks that `after` extends `before`. Errors: `shrunk` (it is smaller), `consistency`. */
export function verifyConsistency(before: TreeHead, after: TreeHead, proof: readonly Bytes[]): void {
  need(proof.length <= MAX_PROOF, "consistency");
  need(before.size <= after.size, "shrunk");
  if (before.size === after.size) return need(proof.length === 0 && equal(before.root, after.root), "consistency");
  if (before.size === 0) return need(proof.length === 0 && equal(before.root, EMPTY.root), "consistency");
  let [node, last] = [before.size - 1, after.size - 1];
  while (odd(node)) [node, last] = [half(node), half(last)];
  // An old size that is a power of two is a subtree of the new tree: its root starts the walk, and is not repeated.
  const isPower = cut(before.size + 1) === before.size;
  const rest = isPower ? proof : proof.slice(1);
  const first = isPower ? before.root : (proof[0] ?? refuse("consistency"));
  let [fromOld, fromNew] = [first, first];
  for (const sibling of rest) {
    need(last !== 0, "consistency");
    if (odd(node) || node === last) {
      [fromOld, fromNew] = [nodeHash(sibling, fromOld), nodeHash(sibling, fromNew)];
      while (!odd(node) && node !== 0) [node, last] = [half(node), half(last)];
    } else {
      fromNew = nodeHash(fromNew, sibling);
    }
    [node, last] = [half(node), half(last)];
  }
  need(last === 0 && equal(fromOld, before.root) && equal(fromNew, after.root), "consistency");
}
