//! Why the board refuses, each with its stable code.

use crate::config::ConfigError;
use crate::db::DbError;
use crate::http::{HttpError, Problem, StatusCode};
use crate::notify::NotifyError;

/// A refusal or a failure of one request.
#[derive(Debug, thiserror::Error)]
pub enum BoardError {
    /// A check of the protocol failed.
    #[error(transparent)]
    Crypto(#[from] tabir_crypto::Error),
    /// There is nothing of this name for this caller.
    #[error("not found")]
    NotFound,
    /// The statement is not by the caller, or the caller's key may not do this.
    #[error("not by this caller")]
    NotYours,
    /// Another message for a place that has one.
    #[error("two messages for one place")]
    Equivocation,
    /// A participant ended this ceremony: its id is not used again.
    #[error("aborted ceremony")]
    Aborted,
    /// The ceremony's council is in the log.
    #[error("finished ceremony")]
    Finished,
    /// This official did this for this request already.
    #[error("done already")]
    Done,
    /// More proposals wait than people can look at.
    #[error("too many proposals")]
    Full,
    /// The gateway does not know such a case.
    #[error("no such case")]
    NoCase,
    /// The gateway can't be asked.
    #[error("gateway: {0}")]
    Gateway(HttpError),
    /// The store.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<tabir_crypto::Code> for BoardError {
    fn from(code: tabir_crypto::Code) -> Self {
        Self::Crypto(code.into())
    }
}

impl From<HttpError> for BoardError {
    fn from(error: HttpError) -> Self {
        if error.status() == Some(404) { Self::NoCase } else { Self::Gateway(error) }
    }
}

impl From<BoardError> for Problem {
    fn from(error: BoardError) -> Self {
        let conflict = |code, title| Self::new(StatusCode::CONFLICT, code, title);
        match error {
            BoardError::Crypto(e) => e.into(),
            BoardError::NotFound => {
                Self::new(StatusCode::NOT_FOUND, "not-found", "There is nothing of this name for you. Check the id.")
            }
            BoardError::NotYours => {
                Self::new(StatusCode::FORBIDDEN, "caller", "This is not yours to post. Check which key signs.")
            }
            BoardError::Equivocation => conflict(
                "equivocation",
                "You sent another message for this place before. Begin a new ceremony with a new manifest.",
            ),
            BoardError::Aborted => conflict(
                "aborted",
                "A participant ended this ceremony; its id is not used again. Begin a new one with a new manifest.",
            ),
            BoardError::Finished => conflict(
                "finished",
                "This ceremony came to its end: its council is in the log. Nothing can end it now.",
            ),
            BoardError::Done => conflict("duplicate", "You did this for this request already; it stands as it was."),
            BoardError::Full => {
                conflict("too-many", "Too many proposals wait for signatures. Sign or drop some first.")
            }
            BoardError::NoCase => {
                Self::new(StatusCode::NOT_FOUND, "no-case", "There is no such case. Check the reference.")
            }
            BoardError::Gateway(e) => {
                tracing::warn!(error = %e, "gateway");
                Self::new(StatusCode::BAD_GATEWAY, "gateway", "The gateway can't be reached. Try again later.")
            }
            BoardError::Db(e) => e.into(),
        }
    }
}

/// Why the board could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Its configuration or a key file.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Its store.
    #[error(transparent)]
    Db(#[from] DbError),
    /// Whom to tell that something waits. The entry itself is an address, and is not repeated.
    #[error("[roles.council.notify]: {0}")]
    Notify(#[from] NotifyError),
}
