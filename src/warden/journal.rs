//! The outside body's own record: what its warden saw and did, line by line, each with the hash of the one before.
//!
//! ```text
//! {"n":0,"at":"2026-11-25T03:00:00Z","what":"key-made","about":"<key id>","number":1,"prev":"00…"}
//! {"n":1,"at":"2026-11-25T03:00:00Z","what":"head","about":"governance","number":17,"root":"<root>","prev":"<hash of line 0>"}
//! ```
//! `prev` is SHA-256 of the line before without its line end. Times are cut to the hour; there is no case, no word of a
//! request and nobody's name: only hashes, codes and sizes that the governance log has as well, and what became of keys.
//!
//! Each line is written to the store in the transaction that it tells of, and from there to the file. So a file that is
//! behind is completed, and a store that is behind was restored from a backup: what it forgot stands in the file.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use serde::{Deserialize, Serialize};
use tabir_crypto::B32;
use tabir_crypto::codec::sha256;
use tabir_crypto::json;
use tabir_crypto::log::TreeHead;
use tabir_crypto::statement::value::{CodeText, Hex, Hex32, Hour};
use tabir_crypto::statement::{Body, Statement, Verb};
use tabir_crypto::trust::root::LogName;

use crate::config::keys::{folder_of, read_private};

/// Name of the file in the role's folder.
pub const FILE: &str = "journal.jsonl";

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    /// A live request stands in the log.
    Request,
    /// Its release waits on the board for an auditor.
    Proposed,
    /// Its release is on its way into the log.
    Released,
    /// The board has the hand-outs.
    Handed,
    /// It ended before its release was logged.
    Dropped,
    /// This warden said no.
    Declined,
    /// It could not be opened as its text says.
    Failed,
    /// Its deferred nonce is on its way into the log.
    Notice,
    /// The warden's person wants an auditor beside the warden.
    AuditorAsked,
    /// A key was made.
    KeyMade,
    /// A key was destroyed.
    KeyDestroyed,
    /// A backup of a key was split among holders.
    Backup,
    /// A key came back from its backup.
    KeyRestored,
    /// A log grew, and this head is the last that may be cosigned.
    Head,
    /// A head that this warden cosigned and its store had forgotten.
    Adopted,
    /// A log showed two histories.
    Fork,
    /// A person took that mark away.
    ForkLifted,
    /// The store was older than the journal's file.
    StoreRestored,
    /// The file was written anew by a person's command.
    Rewritten,
}

impl What {
    /// After one of these nothing else is said about a request.
    pub(super) const SAID: [Self; 4] = [Self::Proposed, Self::Released, Self::Declined, Self::Failed];

    /// As it stands in a line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Proposed => "proposed",
            Self::Released => "released",
            Self::Handed => "handed",
            Self::Dropped => "dropped",
            Self::Declined => "declined",
            Self::Failed => "failed",
            Self::Notice => "notice",
            Self::AuditorAsked => "auditor-asked",
            Self::KeyMade => "key-made",
            Self::KeyDestroyed => "key-destroyed",
            Self::Backup => "backup",
            Self::KeyRestored => "key-restored",
            Self::Head => "head",
            Self::Adopted => "adopted",
            Self::Fork => "fork",
            Self::ForkLifted => "fork-lifted",
            Self::StoreRestored => "store-restored",
            Self::Rewritten => "rewritten",
        }
    }
}

/// What a line says, without its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// What happened.
    pub what: What,
    /// To what: the hex of a request or key, or the name of a log; the journal itself.
    pub about: String,
    /// The epoch of a key, the size of a head, how many lines.
    pub number: Option<u64>,
    /// The root of a head.
    pub root: Option<B32>,
    /// Why not.
    pub code: Option<CodeText>,
}

impl Event {
    fn new(what: What, about: String) -> Self {
        Self { what, about, number: None, root: None, code: None }
    }

    /// About a request.
    pub(super) fn request(what: What, request: &B32) -> Self {
        Self::new(what, hex::encode(request))
    }

    /// This warden's statement about a request.
    pub(super) fn said(request: &B32, statement: &Statement) -> Self {
        let what = match statement.verb() {
            Verb::UnsealReleased => What::Released,
            Verb::UnsealFailed => What::Failed,
            _ => What::Declined,
        };
        let code = match statement.body() {
            Ok(Body::UnsealCode(body)) => Some(body.code),
            _ => None,
        };
        Self { code, ..Self::request(what, request) }
    }

    /// About a key of an epoch.
    pub(super) fn key(what: What, id: &B32, epoch: u64) -> Self {
        Self { number: Some(epoch), ..Self::new(what, hex::encode(id)) }
    }

    /// About a log.
    pub(super) fn log(what: What, log: LogName) -> Self {
        Self::new(what, log.as_str().to_owned())
    }

    /// A head of a log.
    pub(super) fn head(what: What, log: LogName, head: &TreeHead) -> Self {
        Self { number: Some(head.size), root: Some(head.root), ..Self::log(what, log) }
    }

    /// About the journal, with a number of lines.
    pub(super) fn journal(what: What, lines: u64) -> Self {
        Self { number: Some(lines), ..Self::new(what, "journal".to_owned()) }
    }
}

/// A line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// Its number, from 0.
    pub n: u64,
    /// When, to the hour.
    pub at: Hour,
    /// What happened.
    pub what: What,
    /// To what.
    pub about: String,
    /// See [`Event::number`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<u64>,
    /// See [`Event::root`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root: Option<Hex32>,
    /// See [`Event::code`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<CodeText>,
    /// SHA-256 of the line before.
    pub prev: Hex32,
}

impl Line {
    pub(super) fn new(n: u64, at: u64, event: Event, prev: B32) -> Self {
        let Event { what, about, number, root, code } = event;
        Self { n, at: Hour::of(at), what, about, number, root: root.map(Hex), code, prev: Hex(prev) }
    }

    /// The head that the line tells of.
    pub(super) fn tree(&self) -> Option<TreeHead> {
        Some(TreeHead { size: self.number?, root: self.root?.0 })
    }
}

/// What the line after this one names as `prev`.
#[must_use]
pub fn hash(line: &str) -> B32 {
    sha256(line.as_bytes())
}

/// Why a journal is not believed.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum JournalError {
    /// A line that does not follow the one before it.
    #[error("line {0} of {1} was changed, left out or put in (journal-edited)")]
    Edited(u64, &'static str),
    /// Lines at the end are gone.
    #[error("{FILE} ends at line {has}, and had {had} lines (journal-cut)")]
    Cut {
        /// Lines that it had.
        had: u64,
        /// Lines that it has.
        has: u64,
    },
    /// Store and file are each sound, and differ.
    #[error(
        "store and {FILE} differ from line {0} on: one of them is another warden's, or both worked apart (journal-differs)"
    )]
    Differs(u64),
    /// The file can't be read or written.
    #[error("{FILE}: {0}")]
    Io(String),
}

impl JournalError {
    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Edited(..) => "journal-edited",
            Self::Cut { .. } => "journal-cut",
            Self::Differs(_) => "journal-differs",
            Self::Io(_) => "journal-file",
        }
    }
}

/// A line, and its text.
pub type Checked = (Line, String);

/// Checks that each line follows the one before. `place` is for the error.
pub(super) fn chain(lines: Vec<String>, place: &'static str) -> Result<Vec<Checked>, JournalError> {
    let mut prev = [0; 32];
    let mut read = Vec::with_capacity(lines.len());
    for (n, text) in (0..).zip(lines) {
        let line: Line = json::from_slice(text.as_bytes()).map_err(|_| JournalError::Edited(n, place))?;
        if line.n != n || line.prev.0 != prev {
            return Err(JournalError::Edited(n, place));
        }
        prev = hash(&text);
        read.push((line, text));
    }
    Ok(read)
}

/// Reads the file's lines; none is an empty one. What stands behind the last line end is half a line, which a crash left,
/// and is cut off: no line counts as written before its end is on the disk.
pub(super) fn read(path: &Path) -> Result<Vec<String>, JournalError> {
    if !path.exists() {
        return Ok(Vec::new());
    }
    let text = read_private(path).map_err(|e| JournalError::Io(e.to_string()))?;
    Ok(text.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n')).map(str::to_owned).collect())
}

/// How many bytes lines take in the file.
pub(super) fn size<'a>(lines: impl IntoIterator<Item = &'a String>) -> u64 {
    lines.into_iter().map(|line| line.len() as u64 + 1).sum()
}

/// Appends lines behind the `there` bytes of those before, durable before this returns.
pub(super) fn append(path: &Path, there: u64, lines: &[String]) -> Result<(), JournalError> {
    let write = || {
        let mut file = OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
        // Half a line, from a crash.
        if file.metadata()?.len() > there {
            file.set_len(there)?;
        }
        let text: String = lines.iter().flat_map(|line| [line.as_str(), "\n"]).collect();
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        File::open(folder_of(path))?.sync_all()
    };
    write().map_err(|e: std::io::Error| JournalError::Io(e.to_string()))
}

/// Held by the one process that works on the folder, as long as it runs: two would answer and append apart. `None` if
/// another one holds it.
pub(super) fn lock(path: &Path) -> Result<Option<File>, JournalError> {
    let failed = |e: std::io::Error| JournalError::Io(e.to_string());
    let file =
        OpenOptions::new().append(true).create(true).mode(0o600).open(path.with_extension("lock")).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(failed(error)),
    }
}
