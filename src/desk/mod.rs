//! The built-in complaint system, a GeoReport v2 server on the public listener.
//!
//! Holds report texts, what officers said about them, and deadlines. Never sees an identity, a token or an account: a
//! sealed identity is named by its hash and the address where officials fetch it, and there is no column for a person.
//! Like real servers it makes two requests of two equal POSTs: that a report arrives once is the connector's work.
//!
//! Two API keys, each a line in a file of mode 0600 in the role's folder, made at the first start if they are missing:
//! `api.key` for the connector, `officer.key` for `tabir desk`.

mod georeport;
mod routes;
mod service;
mod store;

use std::path::Path;
use std::sync::Arc;

use crate::clock::Clock;
use crate::config::keys::{create_seed, read_private};
use crate::config::{ConfigError, Setup, roles};
use crate::db::DbError;
use crate::http::Parts;

pub use routes::BASE;
pub use service::Policy;

/// File of the connector's key.
pub const CONNECTOR_KEY: &str = "api.key";
/// File of the officer's key.
pub const OFFICER_KEY: &str = "officer.key";

/// Why the desk does not start.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum StartError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Db(#[from] DbError),
}

/// Opens the store and makes the routes. Services and deadlines are the policy's in the governance log.
pub async fn start(setup: &Setup, config: &roles::Desk) -> Result<Parts, StartError> {
    let ledger = setup.ledger.clone();
    let policy: Policy = Arc::new(move || ledger.view().state.policy().cloned());
    start_with(setup.clock.clone(), &config.dir, policy).await
}

/// Opens the store and makes the routes, with the policy from wherever the caller has it.
pub async fn start_with(clock: Clock, dir: &Path, policy: Policy) -> Result<Parts, StartError> {
    let (connector, officer) = (key(&dir.join(CONNECTOR_KEY))?, key(&dir.join(OFFICER_KEY))?);
    let store = store::Store::open(dir).await?;
    let desk = Arc::new(service::Desk::new(store, clock, policy, &connector, &officer));
    Ok(Parts { public: routes::routes(desk), ..Parts::default() })
}

fn key(file: &Path) -> Result<String, ConfigError> {
    if !file.exists() {
        create_seed(file)?;
    }
    read_private(file)
}
