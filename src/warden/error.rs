//! Why the warden stops at a step. Nobody calls it, so these stand in its operator's log only; every step is tried again.

use tabir_crypto::trust::root::LogName;

use super::journal::JournalError;
use crate::client::log_source::ReadError;
use crate::config::ConfigError;
use crate::db::DbError;
use crate::http::HttpError;
use crate::notify::NotifyError;

/// Why a step did not happen.
#[derive(Debug, thiserror::Error)]
pub enum WardenError {
    /// A log showed two histories. Nothing of it is cosigned or believed until an operator acts.
    #[error("the {} log forked: nothing of it is cosigned any more; keep this store and tell the auditors", .0.as_str())]
    Forked(LogName),
    /// Another process works on this store.
    #[error("the store is at another head of the {} log: does a second warden run on it?", .0.as_str())]
    Raced(LogName),
    /// The log shows less than what this warden cosigned before its store was restored from a backup.
    #[error(
        "the {} log ends before what this warden cosigned and its restored store forgot: nothing is cosigned or answered", .0.as_str()
    )]
    Behind(LogName),
    /// Another process holds the folder.
    #[error("another warden runs on this folder: stop it first")]
    Running,
    /// The journal is not whole.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The log could not be read, or what it shows was refused.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// Log or board refused, or can't be reached.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// The store.
    #[error(transparent)]
    Db(#[from] DbError),
    /// A statement or a key.
    #[error(transparent)]
    Crypto(#[from] tabir_crypto::Error),
}

impl WardenError {
    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Forked(_) => "fork",
            Self::Raced(_) => "raced",
            Self::Behind(_) => "behind",
            Self::Running => "running",
            Self::Journal(error) => error.code(),
            Self::Read(error) => match error.code() {
                Some(code) => code.as_str(),
                None => "log",
            },
            Self::Http(_) => "peer",
            Self::Db(_) => "internal",
            Self::Crypto(error) => error.code().as_str(),
        }
    }
}

/// Why the warden could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Its configuration or a key file.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Its store.
    #[error(transparent)]
    Db(#[from] DbError),
    /// A key's text in the trust root.
    #[error(transparent)]
    Crypto(#[from] tabir_crypto::Error),
    /// `witness.key` is the key of none of the trust root's witnesses.
    #[error("witness.key is not the key of a witness of the trust root")]
    NotAWitness,
    /// Whom to tell that a request waits. The entry itself is an address, and is not repeated.
    #[error("[roles.warden.notify]: {0}")]
    Notify(#[from] NotifyError),
    /// Its journal, or the replay of its own copy of the log.
    #[error(transparent)]
    Warden(#[from] WardenError),
}
