//! What this witness has signed, as the log and its copies show it: a store that was put back from a backup is older.
//!
//! A signature that verifies by the own key was made here, whoever shows it. A head that it stands on and that extends the
//! stored one becomes the stored one; while there is one that does not, nothing more of that log is cosigned. A log that
//! hides what it has can't be found out so: that is what copies are for, which others keep.

use tabir_crypto::log::cosignature::verify_cosignature;
use tabir_crypto::log::witness::State;
use tabir_crypto::log::{Note, SignedCheckpoint, UnverifiedCheckpoint};

use super::error::WitnessError;
use super::{Head, Log, Witness};
use crate::client::log_source::{HttpLog, LogSource as _, ReadError};
use crate::client::log_tree::consistency_proof;

/// Kept checkpoints that are looked through, newest first: one is made a growth, so that a backup of some days is covered.
const LOOK_BACK: usize = 1000;

impl Witness {
    /// Looks through the log and its copies, once after each start. Until all of them could be read and fit, nothing
    /// is cosigned.
    pub(super) async fn recall(&self, log: &Log) -> Result<(), WitnessError> {
        let mut ready = log.ready.lock().await;
        if !*ready {
            for source in log.source.iter().chain(&log.copies) {
                self.recall_from(log, source).await?;
            }
            *ready = true;
        }
        Ok(())
    }

    async fn recall_from(&self, log: &Log, source: &HttpLog) -> Result<(), WitnessError> {
        let known = self.store.head(&log.origin).await?;
        let mut newest: Option<(SignedCheckpoint, u64)> = None;
        for path in self.paths(source, known.tree.size).await? {
            let bytes = match source.get(&path).await {
                Err(ReadError::Missing(_)) => continue,
                got => got?,
            };
            // What is not of this log, or not signed here, says nothing about this witness.
            let Some((checkpoint, at)) = self.signed_here(log, &bytes) else { continue };
            let size = checkpoint.head().size;
            if size >= known.tree.size && newest.as_ref().is_none_or(|(before, _)| before.head().size < size) {
                newest = Some((checkpoint, at));
            }
        }
        match newest {
            Some((checkpoint, at)) => self.take_up(log, source, known, checkpoint, at).await,
            None => Ok(()),
        }
    }

    /// Where own signatures may stand: what is newest, and the kept ones above the stored size.
    async fn paths(&self, source: &HttpLog, known: u64) -> Result<Vec<String>, WitnessError> {
        let mut paths = vec!["pending".to_owned(), "checkpoint".to_owned()];
        let kept = match source.kept_sizes().await {
            Ok(kept) => kept,
            // Only ours keep them.
            Err(ReadError::Http(error)) if error.status() == Some(404) => Vec::new(),
            Err(error) => return Err(error.into()),
        };
        paths.extend(kept.iter().rev().take(LOOK_BACK).filter(|s| **s > known).map(|s| format!("checkpoints/{s}")));
        Ok(paths)
    }

    fn signed_here(&self, log: &Log, bytes: &[u8]) -> Option<(SignedCheckpoint, u64)> {
        let unverified = UnverifiedCheckpoint::parse(bytes).ok().filter(|c| c.origin() == log.origin)?;
        let mut checkpoint = unverified.verify(&log.keys).ok()?;
        let line = Note::parse(bytes).ok()?.signature_by(self.verifier_key()).ok()??.clone();
        let at = verify_cosignature(&checkpoint, &line, self.verifier_key()).ok()?;
        checkpoint.add(line);
        Some((checkpoint, at))
    }

    async fn take_up(
        &self,
        log: &Log,
        source: &HttpLog,
        known: Head,
        checkpoint: SignedCheckpoint,
        at: u64,
    ) -> Result<(), WitnessError> {
        let (from, to) = (known.tree.size, checkpoint.head().size);
        if from == to {
            if known.tree == checkpoint.head() {
                return Ok(());
            }
            self.note_fork(log, &known, &checkpoint).await?;
            return Err(WitnessError::OwnFork);
        }
        // A proof that fails may be the fault of whoever serves the tiles: no fork yet, and nothing to go on from either.
        let proof = consistency_proof(source, from, to).await?;
        State::of(known.tree).advance(&checkpoint, &proof).map_err(WitnessError::Inconsistent)?;
        let log_name = &log.origin;
        tracing::warn!(
            log_name,
            from,
            to,
            "the store was older than what this witness signed: put back from a backup?"
        );
        let next = Head { tree: checkpoint.head(), at: at.max(known.at), note: checkpoint.to_bytes() };
        if self.store.advance(&log.origin, known.tree, next).await? { Ok(()) } else { Err(WitnessError::Raced) }
    }
}
