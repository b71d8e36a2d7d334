//! What a warden does so that a restored backup makes it neither sign a second history nor answer a request twice.
//!
//! ```text
//! only the store is old     the journal's file is ahead of the store: its lines are taken, and done again
//! store and file are old    the log shows a larger checkpoint with this warden's own cosignature: that head is adopted
//! until the log's copy here has reached an adopted head, nothing is cosigned below it, and no request is answered
//! ```
//! An older copy of the whole folder beside a log that hides what this warden cosigned last can't be told from a warden
//! that was switched off for a while: `docs/warden.md` says what the person does then.

use std::path::PathBuf;
use std::sync::atomic::Ordering;

use tabir_crypto::log::cosignature::verify_cosignature;
use tabir_crypto::log::{SignedCheckpoint, TreeHead};
use tabir_crypto::trust::root::LogName;

use super::error::WardenError;
use super::journal::{self, Checked, Event, JournalError, What};
use super::{Log, Warden};
use crate::client::log_source::{LogSource as _, ReadError};

/// Kept checkpoints that are looked through for this warden's own cosignature, newest first: with several witnesses some
/// have it not. A log that shows so many without it shows nothing that this warden can use.
const LOOK_BACK: usize = 256;

impl Warden {
    /// Compares store and journal, and completes the one that a crash or a restored backup left behind. Once, before any
    /// other step of a process that works on this folder. Errors: [`JournalError`], the store's.
    pub async fn check_journal(&self) -> Result<(), WardenError> {
        let mut running = self.running.lock().await;
        let lock = journal::lock(&self.journal)?.ok_or(WardenError::Running)?;
        let (file, stored) = self.both_journals().await?;
        let (lines, bytes) = (file.len() as u64, journal::size(file.iter().map(|(_, text)| text)));
        let newer: Vec<_> = file.into_iter().skip(stored.len()).collect();
        if !newer.is_empty() {
            tracing::error!(lines = newer.len(), "this store is older than its journal: a backup was restored");
            self.store.catch_up(newer).await?;
        }
        self.store.set_journal_written(lines, bytes).await?;
        self.append_journal().await?;
        *running = Some(lock);
        Ok(())
    }

    /// All lines, after the same checks; writes nothing, so that it can run beside the warden's process.
    pub async fn verified_journal(&self) -> Result<Vec<Checked>, WardenError> {
        let (file, stored) = self.both_journals().await?;
        Ok(if file.len() > stored.len() { file } else { stored })
    }

    /// Writes the file anew from the store, which must be whole; the old file stays beside it. For a person who knows why the
    /// file is not whole; while no process works on this folder. Returns the old file's new name.
    pub async fn rewrite_journal(&self) -> Result<PathBuf, WardenError> {
        let _lock = journal::lock(&self.journal)?.ok_or(WardenError::Running)?;
        let lines = journal::chain(self.store.journal(0).await?, "the store")?.len() as u64;
        let aside = self.journal.with_extension(format!("until-{lines}"));
        let failed = |e: std::io::Error| JournalError::Io(e.to_string());
        if self.journal.exists() {
            std::fs::rename(&self.journal, &aside).map_err(failed)?;
        }
        self.store.set_journal_written(0, 0).await?;
        self.store.note(Event::journal(What::Rewritten, lines)).await?;
        self.append_journal().await?;
        Ok(aside)
    }

    /// Both copies, each whole, and the shorter one the beginning of the other.
    async fn both_journals(&self) -> Result<(Vec<Checked>, Vec<Checked>), WardenError> {
        // In this order: what is appended meanwhile is in the store first, and then known to be in the file.
        let ((had, _), file) = (self.store.journal_written().await?, journal::read(&self.journal)?);
        let stored = journal::chain(self.store.journal(0).await?, "the store")?;
        let file = journal::chain(file, journal::FILE)?;
        let has = file.len() as u64;
        if has < had {
            return Err(JournalError::Cut { had, has }.into());
        }
        match file.iter().zip(&stored).position(|((_, file), (_, store))| file != store) {
            Some(n) => Err(JournalError::Differs(n as u64).into()),
            None => Ok((file, stored)),
        }
    }

    /// Brings the file up to the store. A command beside the warden's process leaves that to the process.
    pub async fn write_journal(&self) -> Result<(), WardenError> {
        let running = self.running.lock().await;
        if running.is_some() { self.append_journal().await } else { Ok(()) }
    }

    async fn append_journal(&self) -> Result<(), WardenError> {
        let (written, bytes) = self.store.journal_written().await?;
        let lines = self.store.journal(written).await?;
        if !lines.is_empty() {
            journal::append(&self.journal, bytes, &lines)?;
            let bytes = bytes.saturating_add(journal::size(&lines));
            self.store.set_journal_written(written.saturating_add(lines.len() as u64), bytes).await?;
        }
        Ok(())
    }

    /// The head below which nothing is cosigned: by the journal, and, once a process, by what the log shows with this
    /// warden's own cosignature.
    pub(super) async fn floor(&self, name: LogName) -> Result<TreeHead, WardenError> {
        let log = self.log(name);
        if !log.looked.load(Ordering::Acquire) {
            self.adopt_own(name).await?;
            log.looked.store(true, Ordering::Release);
        }
        Ok(self.store.journal_head(name).await?)
    }

    /// Adopts the largest head that the log shows with this warden's own cosignature, if the store has forgotten it.
    async fn adopt_own(&self, name: LogName) -> Result<(), WardenError> {
        let log = self.log(name);
        let known = self.store.head(name).await?.tree.size.max(self.store.journal_head(name).await?.size);
        let sizes = log.source.kept_sizes().await?;
        let larger = sizes.into_iter().rev().take_while(|size| *size > known).take(LOOK_BACK);
        let kept = larger.map(|size| format!("checkpoints/{size}"));
        for path in core::iter::once("checkpoint".to_owned()).chain(kept) {
            let bytes = match log.source.get(&path).await {
                Err(ReadError::Missing(_)) => continue,
                got => got?,
            };
            if let Some(head) = self.own_head(log, &bytes).filter(|head| head.size > known) {
                self.store.note(Event::head(What::Adopted, name, &head)).await?;
                self.write_journal().await?;
                tracing::error!(
                    log = name.as_str(),
                    size = head.size,
                    "this warden had forgotten what it cosigned: a backup was restored"
                );
                break;
            }
        }
        Ok(())
    }

    /// The head of a checkpoint that the log signed and this warden cosigned.
    fn own_head(&self, log: &Log, bytes: &[u8]) -> Option<TreeHead> {
        let checkpoint = SignedCheckpoint::open(bytes, &log.verifier).ok()?;
        let key = self.cosigner.verifier_key();
        let line = checkpoint.note().signature_by(key).ok()??;
        verify_cosignature(&checkpoint, line, key).ok()?;
        Some(checkpoint.head())
    }
}
