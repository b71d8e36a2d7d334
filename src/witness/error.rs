//! Why a witness does not cosign. What a log's operator is told follows c2sp.org/tlog-witness.

use tabir_crypto::Code;

use crate::client::log_source::ReadError;
use crate::config::ConfigError;
use crate::db::DbError;
use crate::http::{HttpError, Problem, StatusCode};

/// Why a checkpoint was not cosigned.
#[derive(Debug, thiserror::Error)]
pub enum WitnessError {
    /// Not a request, or not a checkpoint.
    #[error("malformed: {0}")]
    Malformed(tabir_crypto::Error),
    /// A log that is not configured.
    #[error("this witness does not know that log")]
    UnknownLog,
    /// No signature of the log, or one that fails.
    #[error("not signed by the log: {0}")]
    Unsigned(tabir_crypto::Error),
    /// The proof starts from a larger tree than it ends at.
    #[error("the old size is above the checkpoint's")]
    OldAboveNew,
    /// The proof starts from another size than that of the last checkpoint cosigned, which this is.
    #[error("the last checkpoint cosigned has the size {0}")]
    OldSize(u64),
    /// It does not extend what was cosigned.
    #[error("it does not extend what was cosigned: {0}")]
    Inconsistent(tabir_crypto::Error),
    /// The clock is behind the last cosignature.
    #[error("the clock is behind the last cosignature: set it right")]
    Clock,
    /// What this witness cosigned before it was started has not been looked for yet.
    #[error("what was cosigned before the start is not known yet")]
    NotReady,
    /// This witness has signed two histories: its store is older than its signatures, or its key is elsewhere too.
    #[error("this witness's key has cosigned another history than its store holds: nothing of this log is cosigned")]
    OwnFork,
    /// Another process works on this store.
    #[error("the store is at another head: does a second witness run on it?")]
    Raced,
    /// The log, or a copy of it, could not be read, or was refused.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The log does not take the cosignature.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// The store.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl WitnessError {
    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Malformed(e) | Self::Unsigned(e) | Self::Inconsistent(e) => e.code().as_str(),
            Self::UnknownLog => "unknown-log",
            Self::OldAboveNew | Self::OldSize(_) => "old-size",
            Self::Clock => "clock",
            Self::NotReady => "not-ready",
            Self::OwnFork => "fork",
            Self::Raced => "raced",
            Self::Read(error) => match error.code() {
                Some(code) => code.as_str(),
                None => "log",
            },
            Self::Http(_) => "peer",
            Self::Db(_) => "internal",
        }
    }

    const fn status(&self) -> StatusCode {
        match self {
            Self::Malformed(_) | Self::OldAboveNew => StatusCode::BAD_REQUEST,
            Self::UnknownLog => StatusCode::NOT_FOUND,
            Self::Unsigned(_) => StatusCode::FORBIDDEN,
            Self::OldSize(_) => StatusCode::CONFLICT,
            Self::Inconsistent(_) => StatusCode::UNPROCESSABLE_ENTITY,
            _ => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    const fn title(&self) -> &'static str {
        match self {
            Self::Malformed(e) | Self::Unsigned(e) => e.code().describe(),
            Self::Inconsistent(_) => "This does not extend what this witness cosigned, by the proof that was sent.",
            Self::UnknownLog => "This witness does not know a log of this origin; ask its operator.",
            Self::OldAboveNew => "The old size is larger than the checkpoint's.",
            Self::OldSize(_) => "The proof starts from another size than that of the last checkpoint cosigned.",
            Self::Clock => "The witness's clock is behind its last cosignature; try again later.",
            Self::NotReady => "The witness reads the log before its first cosignature after a start; try again later.",
            _ => "The witness can't cosign now; try again later.",
        }
    }
}

impl From<WitnessError> for Problem {
    fn from(error: WitnessError) -> Self {
        match error {
            WitnessError::Db(error) => error.into(),
            error => Self::new(error.status(), error.code(), error.title()),
        }
    }
}

/// Why the witness could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Its key file.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Its store.
    #[error(transparent)]
    Db(#[from] DbError),
    /// Its name.
    #[error("name: {0}")]
    Name(tabir_crypto::Error),
    /// A log's keys.
    #[error("log {origin}: {source}")]
    Log {
        /// Which.
        origin: String,
        /// What is wrong with it.
        source: tabir_crypto::Error,
    },
    /// A log that is polled and not read.
    #[error("log {0}: `post` or `copies` without `url`: there is nothing to read")]
    NoUrl(String),
}

impl StartError {
    pub(super) fn log(origin: &str) -> impl Fn(tabir_crypto::Error) -> Self {
        move |source| Self::Log { origin: origin.to_owned(), source }
    }

    pub(super) fn of(origin: &str, code: Code) -> Self {
        Self::log(origin)(code.into())
    }
}
