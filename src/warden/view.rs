//! The governance log as this warden believes it: its own durable copy, up to the newest checkpoint that a quorum
//! cosigned, with the times that the cosignatures give.
//!
//! An entry that no kept checkpoint covers is not in the view at all: whatever is in it, is witnessed. A kept
//! checkpoint that does not fit the copy is a fork, even if every other witness signed it.

use tabir_crypto::log::tile::Edge;
use tabir_crypto::trust::fresh::{self, Purpose};
use tabir_crypto::trust::root::LogName;
use tabir_crypto::trust::{State, Trust};
use tabir_crypto::{B32, Code};

use super::Warden;
use super::error::WardenError;
use super::store::Kept;
use crate::client::log_source::{LogSource as _, ReadError};

/// What the warden decides by.
#[derive(Clone)]
pub struct View {
    /// Keys, councils, policy, requests.
    pub state: State,
    /// The newest kept checkpoint; its size is that of the state.
    pub kept: Kept,
    /// The newest witnessed time, Unix seconds: never goes back while the process runs.
    pub now: u64,
    edge: Edge,
}

impl View {
    fn empty() -> Result<Self, WardenError> {
        let edge = Edge::load(0, |_| Err(Code::Tile.into()))?;
        Ok(Self { state: State::new(), kept: Kept { size: 0, at: 0, hash: [0; 32] }, now: 0, edge })
    }

    /// The tree's root after these further leaves.
    fn root_with(&self, leaves: &[Vec<u8>]) -> Result<(Edge, B32), WardenError> {
        let mut edge = self.edge.clone();
        for leaf in leaves {
            edge.push(leaf)?;
        }
        let root = edge.head().root;
        Ok((edge, root))
    }

    /// Whether the newest witnessed time is young enough, by this host's clock, for an identity to be released by what the
    /// log says: a request may have been withdrawn, a council changed since. Error: `stale`.
    pub fn check_fresh(&self, trust: &Trust, now: u64) -> tabir_crypto::Result<()> {
        fresh::check(trust, Purpose::Binding, self.now, now)
    }

    fn take(&mut self, trust: &Trust, edge: Edge, leaves: &[Vec<u8>], kept: Kept) {
        for (index, leaf) in (self.kept.size..).zip(leaves) {
            // A refused entry stands in the log for the audit to name, and changes nothing.
            if let Err(error) = self.state.apply(trust, index, leaf, Some(kept.at)) {
                tracing::warn!(entry = index, code = error.code().as_str(), "governance entry refused");
            }
        }
        self.state.mark(kept.size, kept.at);
        (self.edge, self.kept, self.now) = (edge, kept, self.now.max(kept.at));
    }
}

impl Warden {
    /// Replays this warden's own copy.
    pub async fn view(&self) -> Result<View, WardenError> {
        let mut view = View::empty()?;
        for kept in self.store.kept().await? {
            let leaves = self.store.leaves(view.kept.size, kept.size).await?;
            let (edge, _) = view.root_with(&leaves)?;
            view.take(&self.trust, edge, &leaves, kept);
        }
        Ok(view)
    }

    /// Brings the view up to what this warden has stored and a quorum has cosigned.
    pub async fn follow(&self, view: &mut View) -> Result<(), WardenError> {
        let (name, log) = (LogName::Governance, self.log(LogName::Governance));
        let head = self.store.head(name).await?;
        if head.forked {
            return Err(WardenError::Forked(name));
        }
        for size in log.source.kept_sizes().await? {
            if size <= view.kept.size || size > head.tree.size {
                continue;
            }
            let checkpoint = log.reader.kept(size).await?;
            let leaves = self.store.leaves(view.kept.size, size).await?;
            let (edge, root) = view.root_with(&leaves)?;
            if checkpoint.head().root != root {
                return Err(self.forked(name).await?);
            }
            let kept = Kept { size, at: checkpoint.witnessed_time(), hash: checkpoint.signed().hash() };
            self.store.add_kept(kept).await?;
            view.take(&self.trust, edge, &leaves, kept);
        }
        // The newest one tells the time; before there is a quorum, nothing does.
        let newest = match log.reader.checkpoint().await {
            Err(ReadError::Refused { source, .. }) if source.code() == Code::Quorum => return Ok(()),
            newest => newest?,
        };
        if newest.head().size == view.kept.size {
            // Not by its hash: a log that goes on after a lost key signs its first head under another origin.
            if newest.head() != view.edge.head() {
                return Err(self.forked(name).await?);
            }
            view.now = view.now.max(newest.witnessed_time());
        }
        Ok(())
    }
}
