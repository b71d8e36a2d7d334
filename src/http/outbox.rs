//! Delivery of the log outbox: every role that logs runs this loop beside its routes.
//!
//! A statement waits in its role's store ([`crate::db::outbox`]) until the log has it. The log takes each once, so that
//! what is sent twice after a lost answer does no harm. Statements go one after the other, in their order.

use std::time::Duration;

use axum::http::Method;
use tabir_crypto::ed25519::SigningKey;
use tabir_crypto::statement::Statement;
use tabir_crypto::statement::body::Role;

use super::client::HttpError;
use crate::config::Setup;
use crate::db::outbox::{Waiting, delivered, waiting};
use crate::db::{Db, DbError};

/// Between two looks at an outbox that was empty: much less than any checkpoint interval.
const IDLE: Duration = Duration::from_millis(500);
/// The longest pause after failures: an outage of the log is over minutes before anybody misses an entry.
const LONGEST: Duration = Duration::from_secs(60);

/// Delivers until the process ends. `key` is the role's identity; the log is asked at `Peers::log_internal`.
pub async fn deliver_loop(db: Db, mut setup: Setup, key: SigningKey) {
    let mut pause = IDLE;
    loop {
        pause = match deliver(&db, &setup, &key).await {
            Ok(()) => IDLE,
            Err(e) => {
                tracing::warn!(code = e.code(), "a statement waits for the log");
                (pause * 2).min(LONGEST)
            }
        };
        if !setup.pause(pause).await {
            return;
        }
    }
}

/// Why a statement still waits.
#[derive(Debug, thiserror::Error)]
pub enum DeliveryError {
    /// The log did not take it.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// The store failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl DeliveryError {
    /// For the operator's log.
    fn code(&self) -> &str {
        match self {
            Self::Http(e) => e.code().unwrap_or("unreachable"),
            Self::Db(_) => "store",
        }
    }
}

/// Sends what waits now, oldest first. A statement that the log refuses stays and holds up no other; without a log the
/// round ends. The first error is returned.
pub async fn deliver(db: &Db, setup: &Setup, key: &SigningKey) -> Result<(), DeliveryError> {
    let mut first = Ok(());
    for next in waiting(db).await? {
        match send(setup, key, &next).await {
            Ok(()) => delivered(db, next.id).await?,
            Err(refused @ HttpError::Problem { .. }) => first = first.and(Err(refused.into())),
            Err(e) => return Err(e.into()),
        }
    }
    first
}

async fn send(setup: &Setup, key: &SigningKey, next: &Waiting) -> Result<(), HttpError> {
    let statement = Statement::parse(&next.statement)?;
    let path = format!("/internal/log/{}/entries", next.log.as_str());
    setup.client.call(key, Role::Log, Method::POST, &setup.peers.log_internal, &path, Some(&statement)).await?;
    Ok(())
}
