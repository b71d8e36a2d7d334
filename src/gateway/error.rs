//! Why the gateway refuses: a stable code each, listed in `docs/protocol.md`.

use tabir_crypto::{Code, Error};

use crate::config::ConfigError;
use crate::db::DbError;

/// A refusal. Nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// Malformed, or a signature that does not hold.
    #[error(transparent)]
    Input(#[from] Error),
    /// No policy is logged yet, or no key is active.
    #[error("not ready")]
    NotReady,
    /// The store came back from a backup and has not read the logs yet.
    #[error("restoring")]
    Restoring,
    /// The request needs a token and has none.
    #[error("no token")]
    TokenMissing,
    /// A token that does not hold.
    #[error("token: {0}")]
    Token(Error),
    /// The token paid for something else.
    #[error("token spent")]
    TokenSpent,
    /// `Authorization` is not `Tabir-Case` with 64 hex digits.
    #[error("access key")]
    AccessKey,
    /// No case has this key or reference.
    #[error("no case")]
    NoCase,
    /// The case is known with another body.
    #[error("case exists")]
    CaseExists,
    /// Another case has this reference.
    #[error("reference taken")]
    ReferenceTaken,
    /// Its reporter erased it.
    #[error("erased")]
    Erased,
    /// Not signed by this case's key.
    #[error("case key")]
    CaseKey,
    /// Not the next counter.
    #[error("counter")]
    Counter,
    /// Not the next message number.
    #[error("seq")]
    Seq,
    /// A second rating.
    #[error("rated")]
    Rated,
    /// A second dispute.
    #[error("disputed")]
    Disputed,
    /// Sealed to an intake key that the log does not know.
    #[error("intake key")]
    IntakeKey,
    /// The envelope names a council that the log does not know.
    #[error("council")]
    Council,
    /// No envelope has this hash, or it is deleted.
    #[error("no envelope")]
    NoEnvelope,
    /// No erasure of such a report is kept.
    #[error("no erasure")]
    NoErasure,
    /// More in one call than fits.
    #[error("too many")]
    TooMany,
    /// The store.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<Code> for Refusal {
    fn from(code: Code) -> Self {
        Self::Input(code.into())
    }
}

impl Refusal {
    /// Status, stable code and a sentence; `None` for what has its own: inputs and failures of the store.
    #[must_use]
    pub const fn parts(&self) -> Option<(u16, &'static str, &'static str)> {
        Some(match self {
            Self::Input(_) | Self::Db(_) => return None,
            Self::NotReady => (503, "not-ready", "The installation is not ready for reports yet. Try again later."),
            Self::Restoring => (
                503,
                "restoring",
                "This gateway came back from a backup and reads the logs first. Try again in some minutes.",
            ),
            Self::TokenMissing => (401, "token-missing", "This takes a token. Fetch one and send it along."),
            Self::Token(e) => (401, e.code().as_str(), e.code().describe()),
            Self::TokenSpent => (401, "token-spent", "This token has paid for something else. Use another one."),
            Self::AccessKey => (401, "access-key", "Send `Authorization: Tabir-Case` with the access key in hex."),
            Self::NoCase => (404, "no-case", "There is no such case. Check the receipt."),
            Self::CaseExists => (409, "case-exists", "This case was reported with another content. Use a new receipt."),
            Self::ReferenceTaken => {
                (409, "reference-taken", "Another case has this reference or one of these values. Use a new receipt.")
            }
            Self::Erased => (410, "erased", "The reporter erased this case."),
            Self::CaseKey => (403, "case-key", "This was not signed with the key of this case. Check the receipt."),
            Self::Counter => (409, "counter", "The counter is not the next one. Read the case and sign again."),
            Self::Seq => (409, "seq", "The message number is not the next one. Read the case and seal again."),
            Self::Rated => (409, "rated", "This case has its rating."),
            Self::Disputed => (409, "disputed", "This case has its dispute."),
            Self::IntakeKey => (400, "intake-key", "The log knows no such intake key. Fetch the keys again."),
            Self::Council => (400, "council", "The log knows no such council. Fetch the keys again."),
            Self::NoEnvelope => (404, "no-envelope", "There is no such envelope, or it is deleted."),
            Self::NoErasure => {
                (404, "no-erasure", "No erasure is kept for these values: it is too long ago, or there was none.")
            }
            Self::TooMany => (400, "too-many", "This is more than fits in one call. Send less at once."),
        })
    }

    /// Whether a token would help: the answer then says which.
    #[must_use]
    pub const fn asks_for_token(&self) -> bool {
        matches!(self, Self::TokenMissing | Self::Token(_) | Self::TokenSpent)
    }
}

/// Why the gateway could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Its configuration or a key file.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Its store.
    #[error(transparent)]
    Db(#[from] DbError),
    /// The page that it was told to serve.
    #[error(transparent)]
    Page(#[from] crate::page::PageError),
    /// Names in the trust root of which no token challenge can be made.
    #[error(transparent)]
    Crypto(#[from] Error),
}
