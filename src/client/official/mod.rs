//! What an official's device does: keys, key ceremony, and the steps of an opening. Nothing is believed that the board says.
//!
//! ```text
//! keys      the official's encrypted key file: signing and X-Wing key, ceremony under way, share, fresh keys of requests
//! ceremony  manifest → round 1 → round 2 → transcript → council.formed
//! request → approve → (warden releases) → partial → open
//! ```
//! The log is read by the trust root's keys and its witnesses' quorum: what stands in the view is in a witnessed checkpoint.

pub mod approve;
pub mod board;
pub mod case;
pub mod ceremony;
pub mod endorse;
pub mod keys;
pub mod manifest;
pub mod minutes;
pub mod open;
pub mod paper;
pub mod partial;
pub mod release;
pub mod request;
pub mod seats;
pub mod upkeep;

use std::time::Duration;

pub use board::Board;
pub use keys::{Card, KeyFileError, OfficialFile};

use super::{ClientError, log_source::ReadError};
use crate::config::ConfigError;
use crate::http::HttpError;

/// Between two looks at the board or the log.
const POLL: Duration = Duration::from_millis(300);

/// Why an official's step was not done.
#[derive(Debug, thiserror::Error)]
pub enum OfficialError {
    /// A server, the log, or a check of the protocol.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The key file.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// What stands in the key file, or on the paper.
    #[error(transparent)]
    KeyFile(#[from] KeyFileError),
    /// What was typed or scanned of a paper backup.
    #[error(transparent)]
    Paper(#[from] paper::PaperError),
    /// Another official sent something that fails a check.
    #[error("official {index} cheats or is broken: {source}. Nothing was made; begin anew with a new manifest")]
    Cheater {
        /// Whose message it is.
        index: u16,
        /// What is wrong with it.
        source: tabir_crypto::Error,
    },
    /// A dealer of the council before sent something that fails a check.
    #[error(
        "dealer {index} of the council before cheats or is broken: {source}. Nothing was made; begin anew without him"
    )]
    CheatingDealer {
        /// His index in the council before.
        index: u16,
        /// What is wrong with it.
        source: tabir_crypto::Error,
    },
    /// Another official saw other messages of the ceremony.
    #[error(
        "official {index} saw other messages than you: somebody signed two versions, or the board showed each of you \
         another one. Nothing was made. Compare your transcripts, then begin anew with a new manifest"
    )]
    Differs {
        /// Who saw other ones.
        index: u16,
    },
    /// A participant ended the ceremony.
    #[error("official {from} ended this ceremony ({words}). Nothing was made; begin anew with a new manifest")]
    Aborted {
        /// Who; a dealer who is no new member counts from 101.
        from: u16,
        /// A code, and who is to blame, by that participant's word.
        words: String,
    },
    /// An approver's partial fails a check, and too few others are there.
    #[error(
        "the partial of official {index} fails a check: {source}. With it left out too few are there; tell an auditor"
    )]
    BadPartial {
        /// Whose it is.
        index: u16,
        /// What is wrong with it.
        source: tabir_crypto::Error,
    },
    /// What this device knows says no.
    #[error("{0}")]
    Refused(String),
    /// Others did not do their part in time; the same command goes on where it stopped.
    #[error("{0} is not there yet; run the same command again, it goes on where it stopped")]
    Timeout(String),
}

impl OfficialError {
    /// The code of a check of the protocol that failed.
    #[must_use]
    pub const fn code(&self) -> Option<tabir_crypto::Code> {
        match self {
            Self::Cheater { source, .. }
            | Self::CheatingDealer { source, .. }
            | Self::BadPartial { source, .. }
            | Self::Client(ClientError::Crypto(source)) => Some(source.code()),
            Self::KeyFile(e) => Some(e.code()),
            Self::Paper(e) => Some(e.code()),
            _ => None,
        }
    }

    /// With the one who is to blame, if the error names one.
    fn blame(source: tabir_crypto::Error) -> Self {
        match source.culprit() {
            Some(index) => Self::Cheater { index, source },
            None => source.into(),
        }
    }
}

impl OfficialError {
    /// With the dealer who is to blame, if the error names one.
    fn blame_dealer(source: tabir_crypto::Error) -> Self {
        match source.culprit() {
            Some(index) => Self::CheatingDealer { index, source },
            None => source.into(),
        }
    }
}

impl From<HttpError> for OfficialError {
    fn from(error: HttpError) -> Self {
        Self::Client(error.into())
    }
}

impl From<ReadError> for OfficialError {
    fn from(error: ReadError) -> Self {
        Self::Client(error.into())
    }
}

impl From<tabir_crypto::Error> for OfficialError {
    fn from(error: tabir_crypto::Error) -> Self {
        Self::Client(error.into())
    }
}

impl From<tabir_crypto::Code> for OfficialError {
    fn from(code: tabir_crypto::Code) -> Self {
        Self::Client(code.into())
    }
}

/// Waits with patience: how often something is asked for, and who is told meanwhile.
pub struct Patience<'a> {
    left: Duration,
    every: Duration,
    progress: &'a (dyn Fn(&str) + Sync),
    said: Option<String>,
}

impl<'a> Patience<'a> {
    /// Waits so long in all, and tells `progress` what for.
    #[must_use]
    pub fn new(total: Duration, progress: &'a (dyn Fn(&str) + Sync)) -> Self {
        Self { left: total, every: POLL, progress, said: None }
    }

    /// The same, looking so often.
    #[must_use]
    pub const fn every(mut self, every: Duration) -> Self {
        self.every = every;
        self
    }

    /// Waits a little for `what`. Error: [`OfficialError::Timeout`] when the time is over.
    pub async fn wait(&mut self, what: &str) -> Result<(), OfficialError> {
        if self.said.as_deref() != Some(what) {
            (self.progress)(what);
            self.said = Some(what.to_owned());
        }
        self.left = self.left.checked_sub(self.every).ok_or_else(|| OfficialError::Timeout(what.to_owned()))?;
        tokio::time::sleep(self.every).await;
        Ok(())
    }
}
