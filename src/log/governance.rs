//! What the governance log says, read on from where it was read last: other processes may write on the same store.

use tabir_crypto::log::{CosignedCheckpoint, LogVerifier, Witnesses};
use tabir_crypto::trust::root::LogName;
use tabir_crypto::trust::{State, Trust};

use super::error::LogError;
use super::store::Store;
use crate::client::log_reader::by_any;

/// Leaves that one reading takes.
const PAGE: u64 = 1000;

/// The replay so far.
#[derive(Default)]
pub struct Governance {
    /// All entries that were read.
    pub state: State,
    /// The largest kept checkpoint that was read.
    marked: u64,
}

impl Governance {
    /// Takes in what the store has beyond this, entries and kept checkpoints in their order.
    pub async fn catch_up(
        &mut self,
        store: &Store,
        trust: &Trust,
        by: &[(LogVerifier, Witnesses)],
    ) -> Result<(), LogError> {
        loop {
            let (leaves, kept) = store.news(LogName::Governance, self.state.size(), PAGE, self.marked).await?;
            let (mut kept, last) = (kept.into_iter().peekable(), leaves.len() < PAGE as usize);
            let mut leaves = leaves.into_iter();
            loop {
                while let Some((size, note)) = kept.next_if(|(size, _)| *size <= self.state.size()) {
                    let checkpoint = by_any(by, |log, witnesses| CosignedCheckpoint::open(&note, log, witnesses))?;
                    self.state.mark(size, checkpoint.witnessed_time());
                    self.marked = size;
                }
                let Some(leaf) = leaves.next() else { break };
                // What was taken once may be refused on replay only for its time; the audit reads it the same way.
                let _ = self.state.apply(trust, self.state.size(), &leaf, None);
            }
            if last {
                return Ok(());
            }
        }
    }
}
