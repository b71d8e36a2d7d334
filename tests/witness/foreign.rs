//! A C2SP log that is none of ours: it holds anything, signs with a key of its own, and forks when it is told to.

use tabir_crypto::B32;
use tabir_crypto::log::note::{NoteSigner, SignatureType};
use tabir_crypto::log::tree::{Subtree, consistency_plan, leaf_hash, node_hash, prove};
use tabir_crypto::log::witness::AddCheckpoint;
use tabir_crypto::log::{Checkpoint, SignedCheckpoint, TreeHead, VerifierKey, tree::Span};

use crate::log_support::{key, seed};

pub const ORIGIN: &str = "sofa.example/behind";
const KEY: u8 = 70;

/// Its leaves are numbers, or, from a size on, other numbers.
#[derive(Clone, Copy)]
pub struct Foreign {
    pub forks_at: u64,
}

/// The one history.
pub const HONEST: Foreign = Foreign { forks_at: u64::MAX };

pub fn vkey() -> VerifierKey {
    VerifierKey::new(ORIGIN, SignatureType::Ed25519, key(KEY).verifying_key()).unwrap()
}

pub fn signer() -> NoteSigner {
    NoteSigner::from_seed(ORIGIN, &seed(KEY)).unwrap()
}

impl Foreign {
    pub fn leaf(self, n: u64) -> Vec<u8> {
        format!("{n} {}", n >= self.forks_at).into_bytes()
    }

    fn hash(self, subtree: Subtree) -> B32 {
        match subtree.level.checked_sub(1) {
            None => leaf_hash(&self.leaf(subtree.index)),
            Some(level) => {
                let [left, right] = [0, 1].map(|side| self.hash(Subtree { level, index: 2 * subtree.index + side }));
                node_hash(&left, &right)
            }
        }
    }

    pub fn head(self, size: u64) -> TreeHead {
        if size == 0 {
            return TreeHead::EMPTY;
        }
        TreeHead { size, root: Span::whole(size).unwrap().hash(|s| Ok(self.hash(s))).unwrap() }
    }

    pub fn checkpoint(self, size: u64) -> SignedCheckpoint {
        SignedCheckpoint::sign(Checkpoint { origin: ORIGIN.into(), head: self.head(size) }, &signer()).unwrap()
    }

    pub fn proof(self, old: u64, new: u64) -> Vec<B32> {
        prove(&consistency_plan(old, new).unwrap(), |s| Ok(self.hash(s))).unwrap()
    }

    pub fn request(self, old: u64, new: u64) -> AddCheckpoint {
        AddCheckpoint {
            old_size: old,
            proof: if old <= new { self.proof(old, new) } else { Vec::new() },
            checkpoint: self.checkpoint(new).to_bytes(),
        }
    }
}
