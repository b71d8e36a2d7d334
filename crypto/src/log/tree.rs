//! Merkle trees: hashes, and proofs that an entry is in a tree or that one tree extends another.
//! Source: RFC 6962 section 2.1; the checks are those of RFC 9162 sections 2.1.3.2 and 2.1.4.2.
//!
//! ```text
//! leaf = SHA-256(0x00 ‖ entry)       node = SHA-256(0x01 ‖ left ‖ right)       empty tree = SHA-256("")
//! ```
//! A proof is planned before it is made: each of its hashes covers a [`Span`] of entries, and a span is a few complete
//! [`Subtree`]s. Whoever has to fetch hashes first asks the plan which, fetches them as he likes, and hashes then.

use crate::codec::{B32, tagged};
use crate::error::{Code, Result, need};

/// The largest size: Go's, SQL's and Java's integers hold it.
pub const MAX_SIZE: u64 = i64::MAX as u64;
/// The most hashes in a proof: one for each level of the largest tree, and a consistency proof's first.
pub const MAX_PROOF: usize = 64;

/// The root of the tree without entries.
pub const EMPTY_ROOT: B32 = [
    0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24, 0x27, 0xae, 0x41,
    0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
];

/// Size and root hash of a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TreeHead {
    /// Number of entries.
    pub size: u64,
    /// Root hash.
    pub root: B32,
}

impl TreeHead {
    /// The tree without entries.
    pub const EMPTY: Self = Self { size: 0, root: EMPTY_ROOT };
}

/// The hash of one entry: its name everywhere.
#[must_use]
pub fn leaf_hash(entry: &[u8]) -> B32 {
    tagged("\0", &[entry])
}

/// The hash of two subtrees.
#[must_use]
pub fn node_hash(left: &B32, right: &B32) -> B32 {
    tagged("\x01", &[left, right])
}

/// A complete subtree: entries `index · 2^level` up to `(index + 1) · 2^level`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Subtree {
    /// Height: 0 for a leaf hash.
    pub level: u8,
    /// Which of its height, from 0.
    pub index: u64,
}

/// Consecutive entries whose Merkle tree hash stands in a proof: `start` is a multiple of the power of two at or above
/// the length, as in every proof of RFC 6962.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    start: u64,
    end: u64,
}

impl Span {
    /// The whole tree of a size. Error: `size` (none, or too many).
    pub fn whole(size: u64) -> Result<Self> {
        need((1..=MAX_SIZE).contains(&size), Code::Size)?;
        Ok(Self { start: 0, end: size })
    }

    /// The complete subtrees that it consists of, large to small, left to right.
    #[must_use]
    pub fn subtrees(self) -> Vec<Subtree> {
        let (mut out, mut at) = (Vec::new(), self.start);
        while at < self.end {
            let level = (self.end - at).ilog2();
            out.push(Subtree { level: u8::try_from(level).unwrap_or(u8::MAX), index: at >> level });
            at += 1 << level;
        }
        out
    }

    /// Its Merkle tree hash, from those of its subtrees. Errors: the source's.
    pub fn hash(self, mut of: impl FnMut(Subtree) -> Result<B32>) -> Result<B32> {
        let mut hash = None;
        for subtree in self.subtrees().into_iter().rev() {
            let left = of(subtree)?;
            hash = Some(hash.map_or(left, |right| node_hash(&left, &right)));
        }
        Ok(hash.unwrap_or(EMPTY_ROOT))
    }

    /// Cuts where RFC 6962 does: the left part is the largest power of two below the length.
    fn cut(self) -> Option<(Self, Self)> {
        let left = 1 << (self.end - self.start).checked_sub(1)?.checked_ilog2()?;
        let middle = self.start + left;
        Some((Self { start: self.start, end: middle }, Self { start: middle, end: self.end }))
    }
}

/// Which hashes prove that entry `index` is in the tree of `size`, in the proof's order. Error: `size`.
pub fn inclusion_plan(index: u64, size: u64) -> Result<Vec<Span>> {
    let mut here = Span::whole(size)?;
    need(index < size, Code::Size)?;
    let mut path = Vec::new();
    while let Some((left, right)) = here.cut() {
        let (inside, beside) = if index < left.end { (left, right) } else { (right, left) };
        path.push(beside);
        here = inside;
    }
    path.reverse();
    Ok(path)
}

/// Which hashes prove that the tree of `new` entries extends that of `old`, in the proof's order; none when either
/// says all by itself. Error: `size` (`old` above `new`).
pub fn consistency_plan(old: u64, new: u64) -> Result<Vec<Span>> {
    need(old <= new && new <= MAX_SIZE, Code::Size)?;
    if old == 0 || old == new {
        return Ok(Vec::new());
    }
    let (mut here, mut path, mut is_old_tree) = (Span::whole(new)?, Vec::new(), true);
    while here.end != old {
        let Some((left, right)) = here.cut() else { break };
        if old <= left.end {
            path.push(right);
            here = left;
        } else {
            path.push(left);
            here = right;
            is_old_tree = false;
        }
    }
    if !is_old_tree {
        path.push(here); // what is complete in both trees, unless that is the old tree, whose root the verifier has
    }
    path.reverse();
    Ok(path)
}

/// Makes the hashes of a plan. Errors: the source's.
pub fn prove(plan: &[Span], mut of: impl FnMut(Subtree) -> Result<B32>) -> Result<Vec<B32>> {
    plan.iter().map(|span| span.hash(&mut of)).collect()
}

/// Checks that the entry of this leaf hash is number `index` of the tree. Error: `inclusion`.
pub fn verify_inclusion(leaf: &B32, index: u64, head: TreeHead, proof: &[B32]) -> Result<()> {
    need(index < head.size && head.size <= MAX_SIZE && proof.len() <= MAX_PROOF, Code::Inclusion)?;
    let (mut node, mut last, mut hash) = (index, head.size - 1, *leaf);
    for sibling in proof {
        need(last != 0, Code::Inclusion)?;
        if node & 1 == 1 || node == last {
            hash = node_hash(sibling, &hash);
            while node & 1 == 0 && node != 0 {
                (node, last) = (node >> 1, last >> 1);
            }
        } else {
            hash = node_hash(&hash, sibling);
        }
        (node, last) = (node >> 1, last >> 1);
    }
    need(last == 0 && hash == head.root, Code::Inclusion)
}

/// Checks that `new` extends `old`. Errors: `shrunk` (it is smaller), `consistency`.
pub fn verify_consistency(old: TreeHead, new: TreeHead, proof: &[B32]) -> Result<()> {
    need(new.size <= MAX_SIZE && proof.len() <= MAX_PROOF, Code::Consistency)?;
    need(old.size <= new.size, Code::Shrunk)?;
    if old.size == new.size {
        return need(proof.is_empty() && old.root == new.root, Code::Consistency);
    }
    if old.size == 0 {
        return need(proof.is_empty() && old.root == EMPTY_ROOT, Code::Consistency);
    }
    let (mut node, mut last) = (old.size - 1, new.size - 1);
    while node & 1 == 1 {
        (node, last) = (node >> 1, last >> 1);
    }
    let mut rest = proof.iter();
    // An old size that is a power of two is a subtree of the new tree: its root starts the walk, and is not repeated.
    let first = if old.size.is_power_of_two() { old.root } else { *rest.next().ok_or(Code::Consistency)? };
    let (mut from_old, mut from_new) = (first, first);
    for sibling in rest {
        need(last != 0, Code::Consistency)?;
        if node & 1 == 1 || node == last {
            from_old = node_hash(sibling, &from_old);
            from_new = node_hash(sibling, &from_new);
            while node & 1 == 0 && node != 0 {
                (node, last) = (node >> 1, last >> 1);
            }
        } else {
            from_new = node_hash(&from_new, sibling);
        }
        (node, last) = (node >> 1, last >> 1);
    }
    need(last == 0 && from_old == old.root && from_new == new.root, Code::Consistency)
}
