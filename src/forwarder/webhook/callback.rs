//! A call back: the receiver says what became of a report. Checked by signature and age, taken once by its id.

use tabir_crypto::Error;

use super::message::Said;
use super::signature::{Headers, Unsigned};
use crate::forwarder::connector::Connector;
use crate::forwarder::{Forwarder, RoundError};

/// Why a call back was not taken.
#[derive(Debug, thiserror::Error)]
pub enum CallbackError {
    /// Not from the receiver, or not of now.
    #[error(transparent)]
    Unsigned(#[from] Unsigned),
    /// Not what a call back says.
    #[error(transparent)]
    Malformed(#[from] Error),
    /// No report of this reference is there, as far as is known here.
    #[error("no such report")]
    NoCase,
    /// The store came back from a backup and has not read the logs yet.
    #[error("restoring")]
    Restoring,
    /// It could not be stored, or told on.
    #[error(transparent)]
    Round(#[from] RoundError),
}

impl Forwarder {
    /// Takes a call back. What was taken before changes nothing, and is answered the same. What it says is held where
    /// nobody knows the status, or where it would go backwards, as with every other update.
    pub async fn called_back(&self, headers: &Headers<'_>, body: &[u8]) -> Result<(), CallbackError> {
        let Connector::Webhook(webhook) = &self.connector else { return Err(CallbackError::NoCase) };
        webhook.keys().verify(headers, body, self.clock.now())?;
        if self.is_restoring() {
            return Err(CallbackError::Restoring);
        }
        let update = Said::parse(body)?.into_update(headers.id)?;
        if self.take_once(&update).await? { Ok(()) } else { Err(CallbackError::NoCase) }
    }
}
