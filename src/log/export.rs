//! `tabir log export`: a log as a folder that any web server or object store can serve, without this program.
//!
//! ```text
//! <log>/tile/…                 tiles and bundles; a file never changes
//! <log>/checkpoints/<size>     kept checkpoints; a file never changes
//! <log>/checkpoints.json       their sizes
//! <log>/checkpoint             the newest that a quorum cosigned; written last, so that all under it is there
//! ```
//! Only what is new since the folder's own checkpoint is read and written, and only what is one tree with it.

use std::path::Path;

use tabir_crypto::Code;
use tabir_crypto::log::tile::{self, Edge, Tile, WIDTH};
use tabir_crypto::log::{CosignedCheckpoint, LogVerifier, TreeHead, Witnesses};
use tabir_crypto::trust::Trust;
use tabir_crypto::trust::root::LogName;

use super::fault::Faults;
use super::folder::{Folder, FolderError};
use super::store::{FILE, Store};
use crate::client::log_reader::by_any;
use crate::client::log_source::KeptSizes;
use crate::config::roles;
use crate::db::DbError;
use crate::ledger;

/// Bundles after which full tiles are taken out of memory: 2 MiB of hashes.
const TAKE: u64 = 256;
/// The size before the last export: partial tiles that were full even then are not needed by anybody any more.
const BEFORE: &str = ".before";

/// Why there is no export.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The role's folder has no store.
    #[error("this log has no store yet: start it once, or give --config with the file that has [roles.log]")]
    NoStore,
    /// Nothing that a reader may believe.
    #[error("the {0} log has no checkpoint yet that a quorum of witnesses cosigned")]
    NoCheckpoint(&'static str),
    /// The store.
    #[error(transparent)]
    Db(#[from] DbError),
    /// The folder.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// What is stored, or stands in the folder, is not one log.
    #[error("{log} log: {what}: {source}")]
    Refused {
        /// Which log.
        log: &'static str,
        /// What was looked at.
        what: &'static str,
        /// Which check failed.
        source: tabir_crypto::Error,
    },
}

/// What the folder holds now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exported {
    /// Entries.
    pub size: u64,
    /// Of these, how many this export brought.
    pub new: u64,
}

/// Exports both logs of a role, also while it runs. `progress` hears of each log's entries: done, and all.
pub async fn export(
    config: &roles::Log,
    trust: &Trust,
    folder: &Path,
    progress: &(dyn Fn(LogName, u64, u64) + Sync),
) -> Result<[Exported; 2], ExportError> {
    if !config.dir.join(FILE).exists() {
        return Err(ExportError::NoStore);
    }
    let store = Store::open(&config.dir, Faults::default()).await?;
    let mut exported = [Exported { size: 0, new: 0 }; 2];
    for (name, exported) in LogName::ALL.into_iter().zip(&mut exported) {
        let refused = || refused(name, "trust root");
        let by = ledger::all_verifiers(trust, name).map_err(refused())?;
        let (log, witnesses) = ledger::verifiers(trust, name).map_err(refused())?;
        let export = Export { store: &store, name, log, witnesses, by, folder: Folder(folder.join(name.as_str())) };
        *exported = export.run(&|done, all| progress(name, done, all)).await?;
    }
    Ok(exported)
}

fn refused(log: LogName, what: &'static str) -> impl FnOnce(tabir_crypto::Error) -> ExportError {
    move |source| ExportError::Refused { log: log.as_str(), what, source }
}

struct Export<'a> {
    store: &'a Store,
    name: LogName,
    log: LogVerifier,
    witnesses: Witnesses,
    /// Those of every version of the trust root: for what was cosigned before the newest.
    by: Vec<(LogVerifier, Witnesses)>,
    folder: Folder,
}

impl Export<'_> {
    async fn run(&self, progress: &(dyn Fn(u64, u64) + Sync)) -> Result<Exported, ExportError> {
        let refused = |what| refused(self.name, what);
        let (_, newest) = self.store.current(self.name).await?;
        let newest = newest.ok_or(ExportError::NoCheckpoint(self.name.as_str()))?;
        let checkpoint = newest.whole(&self.log).map_err(refused("checkpoint"))?;
        let head =
            CosignedCheckpoint::check(checkpoint.clone(), &self.witnesses).map_err(refused("checkpoint"))?.head();
        let before = match self.folder.read("checkpoint")? {
            Some(note) => self.cosigned(&note, "folder")?.head(),
            None => TreeHead::EMPTY,
        };
        if before.size > head.size {
            return Err(refused("folder")(Code::Shrunk.into()));
        }
        self.entries(before, head, progress).await?;
        let sizes = self.store.kept_sizes(self.name).await?.into_iter().filter(|size| *size <= head.size).collect();
        self.folder.write("checkpoints.json", &KeptSizes::new(sizes).to_bytes())?;
        self.folder.write("checkpoint", &checkpoint.to_bytes())?;
        self.tidy(before, head)?;
        Ok(Exported { size: head.size, new: head.size - before.size })
    }

    /// Bundles, tiles and kept checkpoints between two heads, each checked against the tree.
    async fn entries(
        &self,
        before: TreeHead,
        head: TreeHead,
        progress: &(dyn Fn(u64, u64) + Sync),
    ) -> Result<(), ExportError> {
        let refused = |what| refused(self.name, what);
        let mut edge = self.store.edge(self.name, before.size).await?;
        if edge.head() != before {
            return Err(refused("folder")(Code::Consistency.into()));
        }
        if before.size == 0
            && let Some(note) = self.store.kept(self.name, 0).await?
        {
            self.keep(&note, TreeHead::EMPTY)?;
        }
        let bundles = tile::bundles(before.size, head.size).map_err(refused("tile"))?;
        for bundle in bundles.filter(|_| head.size > before.size) {
            let known = edge.size();
            let (leaves, kept) = self.store.news(self.name, bundle.start(), bundle.width(), known).await?;
            let (mut kept, mut bytes) = (kept.into_iter().peekable(), Vec::new());
            for (index, leaf) in (bundle.start()..).zip(&leaves) {
                tile::push_entry(&mut bytes, leaf).map_err(refused("entry"))?;
                if index >= known {
                    edge.push(leaf).map_err(refused("entry"))?;
                }
                if let Some((_, note)) = kept.next_if(|(size, _)| *size == edge.size()) {
                    self.keep(&note, edge.head())?;
                }
            }
            self.folder.write(&bundle.to_string(), &bytes)?;
            if bundle.index() % TAKE == TAKE - 1 {
                self.tiles(&mut edge, |tile| tile == tile.full())?;
            }
            progress(edge.size(), head.size);
        }
        if edge.head() != head {
            return Err(refused("entries")(Code::Tile.into()));
        }
        self.tiles(&mut edge, |_| true)
    }

    fn cosigned(&self, note: &[u8], what: &'static str) -> Result<CosignedCheckpoint, ExportError> {
        let open = |log: &LogVerifier, witnesses: &Witnesses| CosignedCheckpoint::open(note, log, witnesses);
        by_any(&self.by, open).map_err(refused(self.name, what))
    }

    fn keep(&self, note: &[u8], head: TreeHead) -> Result<(), ExportError> {
        if self.cosigned(note, "kept checkpoint")?.head() != head {
            return Err(refused(self.name, "kept checkpoint")(Code::Consistency.into()));
        }
        Ok(self.folder.write(&format!("checkpoints/{}", head.size), note)?)
    }

    fn tiles(&self, edge: &mut Edge, which: fn(Tile) -> bool) -> Result<(), ExportError> {
        let tiles = edge.take_tiles().map_err(refused(self.name, "tile"))?;
        for (tile, hashes) in tiles.into_iter().filter(|(tile, _)| which(*tile)) {
            self.folder.write(&tile.to_string(), &hashes)?;
        }
        Ok(())
    }

    /// Removes the partial tiles that were full at the export before this one: whoever reads by its checkpoint has those,
    /// and older ones can't be what anybody still reads.
    fn tidy(&self, before: TreeHead, head: TreeHead) -> Result<(), ExportError> {
        if before.size == head.size {
            return Ok(());
        }
        let refused = |what| refused(self.name, what);
        let text = self.folder.read(BEFORE)?.and_then(|bytes| String::from_utf8(bytes).ok());
        let older = text.and_then(|text| text.trim().parse().ok()).unwrap_or(0).min(before.size);
        let bundles = tile::bundles(older, before.size).map_err(refused("tile"))?;
        let grown = tile::grown(older, before.size).map_err(refused("tile"))?;
        for tile in bundles.chain(grown).filter(|tile| tile.width() == WIDTH) {
            self.folder.remove(&format!("{tile}.p"))?;
        }
        Ok(self.folder.write(BEFORE, format!("{}\n", before.size).as_bytes())?)
    }
}
