//! Cosigning: of each log, only what extends everything that this warden ever saw of it.
//!
//! ```text
//! fetch pending --> signature, consistency with the stored head --> store head (and entries) --> cosign --> post
//! ```
//! The head is durable before the cosignature leaves: after a crash the warden can sign the same checkpoint again, and
//! no other of its size, also after an older copy of the store was put back ([`super::restore`]). A checkpoint that is smaller is refused and may be an old copy; one that does not extend the
//! stored head is another history: the log is marked, and nothing of it is cosigned until an operator acts.

use tabir_crypto::Code;
use tabir_crypto::log::TreeHead;
use tabir_crypto::log::witness::format_cosignatures;
use tabir_crypto::trust::root::LogName;

use super::Warden;
use super::error::WardenError;
use crate::http::Method;

impl Warden {
    /// One round for one log.
    pub async fn witness(&self, log: LogName) -> Result<(), WardenError> {
        let floor = self.floor(log).await?;
        let known = self.store.head(log).await?;
        if known.forked {
            return Err(WardenError::Forked(log));
        }
        let (checkpoint, leaves) = match self.log(log).reader.pending(known.tree).await {
            Err(error) if error.code() == Some(Code::Consistency) => return Err(self.forked(log).await?),
            pending => pending?,
        };
        if floor.size > known.tree.size {
            self.reaches(log, floor, checkpoint.head()).await?;
        }
        // Also with an unchanged head: a fork may have been noted since it was read.
        if !self.store.advance(log, known.tree, checkpoint.head(), leaves).await? {
            return Err(WardenError::Raced(log));
        }
        self.write_journal().await?;
        let line = self.cosigner.cosign(&checkpoint, self.clock.now());
        let url = format!("{}/log/{}/cosignatures", self.peers.log, log.as_str());
        let headers = [("content-type", "text/plain; charset=utf-8")];
        self.client.send(Method::POST, &url, &headers, format_cosignatures(&[line])).await?;
        Ok(())
    }

    /// A store that a backup brought back is behind what was cosigned: only what extends that as well is taken.
    async fn reaches(&self, log: LogName, floor: TreeHead, head: TreeHead) -> Result<(), WardenError> {
        if head.size < floor.size {
            return Err(WardenError::Behind(log));
        }
        match self.log(log).reader.check_consistency(floor, head).await {
            Err(error) if error.code() == Some(Code::Consistency) => Err(self.forked(log).await?),
            consistent => Ok(consistent?),
        }
    }

    /// Marks a log for good.
    pub(super) async fn forked(&self, log: LogName) -> Result<WardenError, WardenError> {
        self.store.mark_forked(log).await?;
        self.write_journal().await?;
        let error = WardenError::Forked(log);
        tracing::error!(%error, "FORK");
        Ok(error)
    }
}
