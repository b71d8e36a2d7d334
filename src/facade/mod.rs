//! The facade: an Open311 GeoReport v2 server for existing apps that can't do cryptography.
//!
//! Holds: vouchers and tokens, the key of the ids that it hands out, hashes of the apps' keys; for minutes, at most a day
//! while the gateway does not answer, sealed bodies and receipts that only a repeat of the same request opens.
//! Sees: for the moment in which it seals, everything that an app sends: the report, who reports, the receipt. Neither P1 nor
//! P2 holds against whoever runs it or watches it live; each content that it seals says so.
//! Never keeps: an identity, a text, a receipt, an address, a user agent; nothing in its store opens a case.
//!
//! ```text
//! POST requests ─► check ─► seal and send (src/sealing) ─► 201 id, receipt
//! GET requests/{id} ─► id = the access key, sealed to this facade ─► gateway ─► status
//! ```

mod document;
mod error;
mod form;
mod georeport;
mod routes;
mod service;
mod words;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::config::keys::{create_seed, read_seed};
use crate::config::{Setup, roles};
use crate::db::DbError;
use crate::http::Parts;
use crate::sealing::{Host, Stock, Store};

pub use error::{Refusal, StartError};
pub use routes::BASE;
pub use service::{Facade, app_key};

/// File of the key of the ids that are handed out. Without it no id asks for a status any more.
const IDS_KEY: &str = "ids.key";
/// Between two rounds of upkeep.
const UPKEEP: Duration = Duration::from_secs(60);

/// Opens the store and makes the routes.
pub async fn start(setup: &Setup, config: &roles::Facade) -> Result<Parts, StartError> {
    crate::client::plain::no_core_dump();
    let facade = Arc::new(open(setup, config).await?);
    Ok(Parts {
        public: routes::router(Arc::clone(&facade)),
        background: vec![Box::pin(keep_up(facade, setup.clone()))],
        ..Parts::default()
    })
}

/// Opens the store.
pub async fn open(setup: &Setup, config: &roles::Facade) -> Result<Facade, StartError> {
    let file = config.dir.join(IDS_KEY);
    let ids = if file.exists() { read_seed(&file)? } else { create_seed(&file)? };
    let store = Store::open(&config.dir).await?;
    let host = Host::new(setup.clone(), store, config.vouchers_file.is_some());
    Ok(Facade::new(host, config.clone(), ids))
}

/// The routes, for a caller that does the upkeep itself.
pub fn routes_of(facade: Arc<Facade>) -> Parts {
    Parts { public: routes::router(facade), ..Parts::default() }
}

/// What is in stock, for the operator; works also while the facade runs.
pub async fn stock(dir: &Path) -> Result<Stock, DbError> {
    Store::open(dir).await?.stock().await
}

async fn keep_up(facade: Arc<Facade>, mut setup: Setup) {
    loop {
        // What is wrong was said where it happened; the next round tries again.
        if let Err(error) = facade.upkeep().await {
            tracing::debug!(%error, "facade upkeep");
        }
        if !setup.pause(UPKEEP).await {
            return;
        }
    }
}
