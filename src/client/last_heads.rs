//! The last head of each log that a device saw, kept from one command to the next in a folder that its owner names.
//!
//! ```text
//! <folder>/<log>/checkpoint         the newest one that was checked, with its cosignatures
//! <folder>/<log>/evidence/<hash>    two checkpoints of one log of which neither extends the other
//! ```
//! The paths are those of a copy ([`super::log_copy`]). Within one command no log can shrink or fork before a reader; between
//! two, only who remembers sees it. Officials' tools keep it beside the key file, an audit's copy is one. A reporter's
//! device keeps nothing unless she says so: that this installation was ever used from it, and when, is a trace.

use std::path::{Path, PathBuf};

use tabir_crypto::Code;
use tabir_crypto::log::{CosignedCheckpoint, TreeHead};
use tabir_crypto::trust::root::LogName;

use super::log_copy::{keep_both, write};
use super::log_reader::LogReader;
use super::log_source::{LogFolder, LogSource, ReadError};

/// A folder with the last head of each log.
#[derive(Clone, Debug)]
pub struct LastHeads(PathBuf);

impl LastHeads {
    /// In this folder, which is made with the first head.
    #[must_use]
    pub const fn new(folder: PathBuf) -> Self {
        Self(folder)
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.0
    }

    /// Checks that a log goes on from the head that was seen last, and remembers the new one. A head that says the same but
    /// was witnessed earlier is not remembered in the place of a later one.
    /// Errors: `shrunk` and `consistency`, both checkpoints being kept as evidence then; those of the log reader.
    pub async fn follow<S: LogSource>(
        &self,
        reader: &LogReader<S>,
        log: LogName,
        theirs: &CosignedCheckpoint,
    ) -> Result<(), ReadError> {
        let folder = self.0.join(log.as_str());
        let mine = match reader.with_source(LogFolder(folder.clone())).copied_checkpoint().await {
            Ok(mine) => Some(mine),
            Err(ReadError::Missing(_)) => None,
            Err(error) => return Err(error),
        };
        if let Some(mine) = &mine {
            let goes_on = goes_on(reader, mine.head(), theirs.head()).await;
            keep_both(&folder, goes_on, Some(mine), theirs)?;
        }
        let newer = |mine: &CosignedCheckpoint| {
            (theirs.head().size, theirs.witnessed_time()) > (mine.head().size, mine.witnessed_time())
        };
        if mine.as_ref().is_none_or(newer) {
            write(&folder, "checkpoint", &theirs.signed().to_bytes())?;
        }
        Ok(())
    }
}

async fn goes_on<S: LogSource>(reader: &LogReader<S>, mine: TreeHead, theirs: TreeHead) -> Result<(), ReadError> {
    // Of one size there is nothing to prove.
    if mine.size == theirs.size && mine.root != theirs.root {
        return Err(ReadError::Refused { what: "checkpoint".into(), source: Code::Consistency.into() });
    }
    reader.check_consistency(mine, theirs).await
}
