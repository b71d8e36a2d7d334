//! `tabir log recover`: the role's store, rebuilt from mirrors up to the last checkpoint that a quorum cosigned.
//!
//! A log's store is never restored from a backup: it would sign other checkpoints of sizes that it signed before. A mirror
//! has only what witnesses have seen. What the log had beyond that is gone from it; the roles still have it, and send it
//! again ([`crate::db::outbox`]).
//!
//! ```text
//! mirrors --> newest head, all of one history --> entries, tiles, kept checkpoints, checked as by any reader
//!         --> recovering.sqlite --> closed, flushed --> store.sqlite, in one step and only if there is none
//! ```
//! Where a log's key was lost, the trust root names another origin and key, and the head with which they go on: the tree stays,
//! its kept checkpoints stay, and that head is signed by the new key.
//!
//! Whether a newer head was cosigned only witnesses know: nothing is added until a quorum of them has cosigned this one
//! again. So the store of a mirror that is too old never makes a fork.

use std::path::Path;

use tabir_crypto::log::cosignature::verify_cosignature;
use tabir_crypto::log::{Checkpoint, CosignedCheckpoint, LogVerifier, SignedCheckpoint, TreeHead, Witnesses};
use tabir_crypto::statement::Statement;
use tabir_crypto::trust::Trust;
use tabir_crypto::trust::root::LogName;
use tabir_crypto::{B32, Code};

use super::error::StartError;
use super::fault::Faults;
use super::mirror::{Mirror, MirrorLog};
use super::service::time_of;
use super::store::{Head, New, Store};
use crate::client::log_reader::{Heads, LogReader, Part, by_any};
use crate::client::log_source::ReadError;
use crate::config::roles;
use crate::db::DbError;
use crate::db::part_file::{PartError, PartFile};
use crate::http::Client;
use crate::ledger;

/// Entries that one transaction takes: 16 bundles, at most 256 MiB of the longest.
const TOGETHER: usize = 4096;

/// Why nothing was recovered.
#[derive(Debug, thiserror::Error)]
pub enum RecoverError {
    /// No store can be made in the role's folder.
    #[error(transparent)]
    Part(#[from] PartError),
    /// Nothing to recover from.
    #[error("no mirror is named")]
    NoMirror,
    /// What a mirror has can't be read, or is not the log.
    #[error("{mirror}: {log} log: {source}")]
    Mirror {
        /// Which.
        mirror: String,
        /// Which of its logs.
        log: &'static str,
        /// Why.
        source: ReadError,
    },
    /// The key of a log that goes on after a lost one.
    #[error(transparent)]
    Key(#[from] StartError),
    /// The trust root's keys.
    #[error("trust root: {0}")]
    Trust(#[from] tabir_crypto::Error),
    /// The new store.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl RecoverError {
    /// The stable code of what was refused; `missing` for what a mirror lacks.
    #[must_use]
    pub const fn code(&self) -> Option<&'static str> {
        match self {
            Self::Part(PartError::StoreExists(_)) => Some("store-exists"),
            Self::Part(PartError::Busy(_)) => Some("busy"),
            Self::Mirror { source: ReadError::Missing(_), .. } => Some("missing"),
            Self::Mirror { source: ReadError::Refused { source, .. }, .. } | Self::Trust(source) => {
                Some(source.code().as_str())
            }
            _ => None,
        }
    }
}

/// What stands in the new store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovered {
    /// The head.
    pub head: TreeHead,
    /// When a quorum had seen it, Unix seconds, as the mirror has it.
    pub witnessed: u64,
    /// Kept checkpoints.
    pub kept: usize,
    /// The mirror that it came from.
    pub mirror: String,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Check the mirrors.
    Check,
    /// And write the store. The head must be cosigned anew at this time (Unix seconds) or later.
    Write(u64),
}

/// Told of each log's entries: how many of how many are there.
pub type Progress<'a> = &'a mut (dyn FnMut(LogName, u64, u64) + Send);

/// Rebuilds both logs, each from the mirror that has most of it. Every mirror must show the same history; one that can't
/// be read is an error, so that it is the caller who leaves it out. Errors with a code: those of the log reader,
/// `consistency` (two histories), `duplicate` (a statement stands twice), `missing`, `store-exists`, `busy`.
pub async fn recover(
    config: &roles::Log,
    trust: &Trust,
    mirrors: &[Mirror],
    client: &Client,
    mode: Mode,
    progress: Progress<'_>,
) -> Result<[Recovered; 2], RecoverError> {
    let part = match mode {
        Mode::Check => None,
        Mode::Write(_) => Some(PartFile::new(&config.dir)?),
    };
    let [governance, intake] = LogName::ALL;
    let both = [
        Source::newest(trust, governance, mirrors, client).await?,
        Source::newest(trust, intake, mirrors, client).await?,
    ];
    if let (Some(part), Mode::Write(now)) = (part, mode) {
        let store = Store::open_file(&part.file, Faults::default()).await?;
        for source in &both {
            source.read(Some(To { store: &store, dir: &config.dir, now }), progress).await?;
        }
        store.close().await;
        part.publish()?;
    } else {
        for source in &both {
            source.read(None, progress).await?;
        }
    }
    Ok(both.map(|source| source.recovered()))
}

/// Where it is written.
#[derive(Clone, Copy)]
struct To<'a> {
    store: &'a Store,
    /// The role's folder, with its keys.
    dir: &'a Path,
    /// Unix seconds.
    now: u64,
}

/// One log, as the best mirror has it.
struct Source {
    name: LogName,
    mirror: String,
    reader: LogReader<MirrorLog>,
    heads: Heads,
    /// That of size 0, if it is kept: no walk comes by it.
    empty: Option<CosignedCheckpoint>,
    log: LogVerifier,
    witnesses: Witnesses,
    /// Those of every version of the trust root, newest first.
    by: Vec<(LogVerifier, Witnesses)>,
}

impl Source {
    async fn newest(trust: &Trust, name: LogName, mirrors: &[Mirror], client: &Client) -> Result<Self, RecoverError> {
        let mut shown = Vec::new();
        for mirror in mirrors {
            let reader = ledger::reader_of(trust, name, mirror.log(name, client))?;
            let checkpoint = reader.copied_checkpoint().await.map_err(of(mirror, name))?;
            shown.push((mirror, reader, checkpoint));
        }
        shown.sort_by_key(|(_, _, checkpoint)| (checkpoint.head().size, checkpoint.witnessed_time()));
        let (mirror, reader, checkpoint) = shown.pop().ok_or(RecoverError::NoMirror)?;
        for (other, _, older) in &shown {
            reader.check_consistency(older.head(), checkpoint.head()).await.map_err(of(other, name))?;
        }
        let (log, witnesses) = ledger::verifiers(trust, name)?;
        let read = Self::kept(&reader, checkpoint, &shown).await;
        let (heads, empty) = read.map_err(of(mirror, name))?;
        let by = ledger::all_verifiers(trust, name)?;
        Ok(Self { name, mirror: mirror.to_string(), reader, heads, empty, log, witnesses, by })
    }

    /// The kept checkpoints of all mirrors: they are in no tree, and what one mirror lacks another may have.
    async fn kept(
        reader: &LogReader<MirrorLog>,
        checkpoint: CosignedCheckpoint,
        others: &[(&Mirror, LogReader<MirrorLog>, CosignedCheckpoint)],
    ) -> Result<(Heads, Option<CosignedCheckpoint>), ReadError> {
        let size = checkpoint.head().size;
        let mut heads = reader.heads(checkpoint, TreeHead::EMPTY).await?;
        for (_, other, older) in others {
            for kept in other.heads(older.clone(), TreeHead::EMPTY).await?.kept {
                let at = heads.kept.partition_point(|k| k.head().size < kept.head().size);
                if heads.kept.get(at).is_none_or(|k| k.head().size != kept.head().size) {
                    heads.kept.insert(at, kept);
                }
            }
        }
        let mut empty = None;
        for reader in std::iter::once(reader).chain(others.iter().map(|(_, other, _)| other)) {
            // Nothing is lost with it but its own cosignatures.
            match reader.kept(0).await {
                Ok(kept) => empty = empty.or(Some(kept)),
                Err(ReadError::Missing(_)) => {}
                Err(error) => return Err(error),
            }
        }
        // The first cosignatures of each size are kept: without the newest there is no time for its entries.
        if heads.kept.last().is_some_and(|kept| kept.head().size == size) || size == 0 {
            Ok((heads, empty))
        } else {
            Err(ReadError::Missing(format!("checkpoints/{size}")))
        }
    }

    /// Goes through all of it. What is written before the end counts for nothing.
    async fn read(&self, to: Option<To<'_>>, progress: Progress<'_>) -> Result<(), RecoverError> {
        let size = self.heads.checkpoint.head().size;
        let mut walk = self.reader.start(TreeHead::EMPTY, &self.heads).await.map_err(self.refused())?;
        let (mut waiting, mut written) = (Vec::new(), 0);
        while let Some(part) = walk.next().await.map_err(self.refused())? {
            match part {
                Part::Bundle { first, leaves, .. } => {
                    for (index, leaf) in (first..).zip(leaves) {
                        let statement = Statement::parse(&leaf).map_err(|e| self.entry(index, e))?;
                        waiting.push(New { pae: statement.pae_hash(), leaf });
                    }
                    progress(self.name, written + waiting.len() as u64, size);
                }
                Part::Tiles(tiles) => {
                    if let Some(to) = to {
                        to.store.restore_tiles(self.name, tiles).await?;
                    }
                }
            }
            if waiting.len() >= TOGETHER {
                self.write(to, &mut written, std::mem::take(&mut waiting)).await?;
            }
        }
        self.write(to, &mut written, waiting).await?;
        let Some(to) = to else { return Ok(()) };
        let mut heads = self.checkpoints()?;
        let mut lines = self.lines();
        if let (Some(signed), Some(last)) = (self.signed_anew(to.dir)?, heads.last_mut()) {
            // Cosignatures are of the old key's text.
            (last.note, lines) = (signed, Vec::new());
        }
        // A line that is there already must not count, whatever its witness's clock says.
        let since = lines.iter().map(|(_, _, time)| time.saturating_add(1)).max().unwrap_or(0).max(to.now);
        let lines = lines.into_iter().map(|(witness, line, _)| (witness, line)).collect();
        Ok(to.store.restore_heads(self.name, heads, lines, since).await?)
    }

    async fn write(&self, to: Option<To<'_>>, written: &mut u64, entries: Vec<New>) -> Result<(), RecoverError> {
        let first = *written;
        *written += entries.len() as u64;
        let Some(to) = to else { return Ok(()) };
        to.store.restore_entries(self.name, first, entries).await.map_err(|error| match error {
            // The store takes each statement once, as the log did.
            DbError::Sql(e) if e.as_database_error().is_some_and(|e| e.is_unique_violation()) => {
                self.entry(first, Code::Duplicate.into())
            }
            error => error.into(),
        })
    }

    fn checkpoints(&self) -> Result<Vec<Head>, RecoverError> {
        let newest = (self.heads.checkpoint.head().size == 0 && self.empty.is_none()).then_some(&self.heads.checkpoint);
        let all = self.empty.iter().chain(newest).chain(&self.heads.kept);
        all.map(|kept| {
            let signed = self.signed(kept.signed())?;
            Ok(Head { size: kept.head().size, note: signed, kept: kept.signed().to_bytes() })
        })
        .collect()
    }

    /// A checkpoint with the log's own signature alone.
    fn signed(&self, checkpoint: &SignedCheckpoint) -> Result<Vec<u8>, RecoverError> {
        let note = checkpoint.note();
        let signed = by_any(&self.by, |log, _| {
            let line = note.signature_by(log.key())?.ok_or(tabir_crypto::Error::new(Code::UnknownKey))?;
            let bytes = format!("{}\n{line}\n", note.text()).into_bytes();
            SignedCheckpoint::open(&bytes, log)
        });
        Ok(signed?.to_bytes())
    }

    /// The newest head under the origin and by the key that took over, if it is one of an origin that was given up: the
    /// reader has seen that it is where that one ended.
    fn signed_anew(&self, dir: &Path) -> Result<Option<Vec<u8>>, RecoverError> {
        let checkpoint = self.heads.checkpoint.signed().checkpoint();
        if checkpoint.origin == self.log.origin() {
            return Ok(None);
        }
        let signer = super::signer(dir, self.name, &self.log)?;
        let anew = Checkpoint { origin: self.log.origin().to_owned(), head: checkpoint.head };
        Ok(Some(SignedCheckpoint::sign(anew, &signer)?.to_bytes()))
    }

    /// The newest checkpoint's lines by witnesses of today: key id, line, time.
    fn lines(&self) -> Vec<(B32, String, u64)> {
        let signed = self.heads.checkpoint.signed();
        let lines = signed.note().signatures().iter().filter_map(|line| {
            let witness = self.witnesses.of(line)?;
            verify_cosignature(signed, line, witness).ok()?;
            Some((witness.key().key_id(), line.to_string(), time_of(line)?))
        });
        lines.collect()
    }

    fn recovered(self) -> Recovered {
        let (head, witnessed) = (self.heads.checkpoint.head(), self.heads.checkpoint.witnessed_time());
        Recovered {
            head,
            witnessed,
            kept: self.heads.kept.len() + usize::from(self.empty.is_some()),
            mirror: self.mirror,
        }
    }

    fn refused(&self) -> impl FnOnce(ReadError) -> RecoverError {
        let (mirror, log) = (self.mirror.clone(), self.name.as_str());
        move |source| RecoverError::Mirror { mirror, log, source }
    }

    fn entry(&self, index: u64, source: tabir_crypto::Error) -> RecoverError {
        self.refused()(ReadError::Refused { what: format!("entries from {index} on"), source })
    }
}

fn of(mirror: &Mirror, log: LogName) -> impl FnOnce(ReadError) -> RecoverError {
    let mirror = mirror.to_string();
    move |source| RecoverError::Mirror { mirror, log: log.as_str(), source }
}
