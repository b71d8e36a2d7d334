//! A proof that an entry is in a log which witnesses have seen, as one file: `.tlog-proof`. Source: c2sp.org/tlog-proof.
//!
//! ```text
//! c2sp.org/tlog-proof@v1
//! index <decimal>
//! <base64(hash 32)>          one a line, from the leaf's sibling up; none in a tree of one entry
//! <empty line>
//! <checkpoint, with the cosignatures of a quorum>
//! ```
//! It holds all that a reader needs beside the entry itself and the keys of the trust root; nothing is fetched. The
//! optional line `extra` is refused: nobody signs it, and ours have none.

use super::checkpoint::{LogVerifier, SignedCheckpoint, decimal};
use super::cosignature::{CosignedCheckpoint, Witnesses};
use super::note::MAX_NOTE;
use super::tile::fold;
use super::tree::{MAX_PROOF, Subtree, inclusion_plan, leaf_hash, prove, verify_inclusion};
use crate::codec::{B32, b32, b64, unb64};
use crate::error::{Code, Result, need};

/// The first line.
const HEAD: &str = "c2sp.org/tlog-proof@v1";
/// The longest file: head, index and hashes, each line far below 64 bytes, and the checkpoint.
pub const MAX_TLOG_PROOF: usize = MAX_NOTE + 64 * (MAX_PROOF + 4);

/// A proof whose form is right and that nobody has verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlogProof {
    index: u64,
    hashes: Vec<B32>,
    checkpoint: Vec<u8>,
}

impl TlogProof {
    /// Makes the proof for entry `index` in the tree of a checkpoint, from the leaf hashes of all its entries or more.
    /// Errors: `size` (the tree doesn't have this entry), `inclusion` (too few leaf hashes).
    pub fn make(index: u64, leaves: &[B32], checkpoint: &SignedCheckpoint) -> Result<Self> {
        Self::of(index, checkpoint, |subtree| hash_of(leaves, subtree))
    }

    /// The same from the hashes of complete subtrees, wherever they come from. Errors: `size`, the source's.
    pub fn of(index: u64, checkpoint: &SignedCheckpoint, of: impl FnMut(Subtree) -> Result<B32>) -> Result<Self> {
        let plan = inclusion_plan(index, checkpoint.head().size)?;
        Ok(Self { index, hashes: prove(&plan, of)?, checkpoint: checkpoint.to_bytes() })
    }

    /// Reads a file. Errors: `too-long`, `inclusion` (its form); the checkpoint is not looked at.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        need(bytes.len() <= MAX_TLOG_PROOF, Code::TooLong)?;
        let text = core::str::from_utf8(bytes).map_err(|_| Code::Inclusion)?;
        let (head, checkpoint) = text.split_once("\n\n").ok_or(Code::Inclusion)?;
        let mut lines = head.split('\n');
        need(lines.next() == Some(HEAD), Code::Inclusion)?;
        let index = lines.next().and_then(|l| l.strip_prefix("index ")).ok_or(Code::Inclusion)?;
        let index = decimal(index).map_err(|_| Code::Inclusion)?;
        let hashes = lines.map(|l| b32(&unb64(l)?)).collect::<Result<Vec<_>>>().map_err(|_| Code::Inclusion)?;
        need(hashes.len() <= MAX_PROOF, Code::TooLong)?;
        Ok(Self { index, hashes, checkpoint: checkpoint.as_bytes().to_vec() })
    }

    /// The file again.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let hashes: String = self.hashes.iter().map(|hash| format!("{}\n", b64(hash))).collect();
        [format!("{HEAD}\nindex {}\n{hashes}\n", self.index).as_bytes(), &self.checkpoint].concat()
    }

    /// The entry's number, from 0.
    #[must_use]
    pub const fn index(&self) -> u64 {
        self.index
    }

    /// Checks that the entry with these bytes is this number of the log, in a checkpoint that the log signed and a quorum
    /// of witnesses cosigned. Errors: those of [`CosignedCheckpoint::open`], `inclusion`.
    pub fn verify(&self, entry: &[u8], log: &LogVerifier, witnesses: &Witnesses) -> Result<CosignedCheckpoint> {
        let checkpoint = CosignedCheckpoint::open(&self.checkpoint, log, witnesses)?;
        verify_inclusion(&leaf_hash(entry), self.index, checkpoint.head(), &self.hashes)?;
        Ok(checkpoint)
    }
}

/// The hash of a complete subtree from the leaf hashes of the whole tree. Error: `inclusion`.
fn hash_of(leaves: &[B32], subtree: Subtree) -> Result<B32> {
    let place = || {
        let width = 1_usize.checked_shl(subtree.level.into())?;
        let start = usize::try_from(subtree.index).ok()?.checked_mul(width)?;
        leaves.get(start..start.checked_add(width)?)
    };
    place().and_then(fold).ok_or(Code::Inclusion.into())
}
