//! Transparency logs (C2SP): signed notes, checkpoints, cosignatures, tiles, proofs.
//!
//! | module | source |
//! | --- | --- |
//! | [`note`] | c2sp.org/signed-note |
//! | [`checkpoint`] | c2sp.org/tlog-checkpoint |
//! | [`cosignature`] | c2sp.org/tlog-cosignature, Ed25519 only |
//! | [`tree`] | RFC 6962 section 2.1, RFC 9162 sections 2.1.3 and 2.1.4 |
//! | [`tile`] | c2sp.org/tlog-tiles |
//! | [`witness`] | c2sp.org/tlog-witness |
//! | [`proof`] | c2sp.org/tlog-proof, without the line `extra` |
//!
//! Not covered: what stands in a leaf ([`crate::statement`]) and whose signatures it needs ([`crate::trust`]).

pub mod checkpoint;
pub mod cosignature;
pub mod note;
pub mod proof;
pub mod tile;
pub mod tree;
pub mod witness;

pub use checkpoint::{Checkpoint, LogVerifier, SignedCheckpoint, UnverifiedCheckpoint, checkpoint_hash};
pub use cosignature::{CosignedCheckpoint, Cosigner, Witnesses};
pub use note::{Note, NoteSignature, NoteSigner, VerifierKey};
pub use proof::TlogProof;
pub use tree::{TreeHead, leaf_hash, verify_consistency, verify_inclusion};
