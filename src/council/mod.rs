//! The officials' bulletin board: ceremonies, requests to open an identity, and whatever several must sign.
//!
//! Holds: public data of councils, what officials, warden and auditors seal to each other, proposals with their signatures.
//! Sees: who requested and approved what, for which case.
//! Never sees: an identity, a share, a partial. It relays, and what it relays its callers check again: it can delay, but
//! not forge.
//!
//! ```text
//! official --statement + sealed--> check as the log would --one transaction--> acts, sealed, log outbox --> log
//! request logged --> hold at the gateway --> … --> ended: hold released, what was sealed is deleted
//!                                                                           (the warden's copy when its notice is out)
//! ```

mod alerts;
mod ceremonies;
mod error;
mod proposals;
mod requests;
mod routes;
mod service;
mod store;
mod store_alerts;
mod store_requests;

use std::sync::Arc;
use std::time::Duration;

use tabir_crypto::statement::body::Role;

use crate::config::{Setup, roles};
use crate::http::{Check, Parts, log_outbox};
pub use error::StartError;
use service::Service;
use store::Store;

pub use store::PLAN;

/// Name of the store in the role's folder.
const STORE: &str = "store.sqlite";

/// Opens the store, and returns routes and background work.
pub async fn start(config: &roles::Council, setup: &Setup) -> Result<Parts, StartError> {
    let identity = setup.identity(Role::Council, &config.dir)?;
    let store = Store::open(&config.dir.join(STORE)).await?;
    let service = Arc::new(Service::new(store.clone(), setup.clone(), identity.clone()).await?);
    let (public, internal) = routes::routers(Arc::clone(&service));
    let poll = Duration::from_millis(config.poll_ms);
    let mut background = alerts::start(config, setup, &service)?;
    background.push(Box::pin(hold_loop(service, setup.clone(), poll)));
    background.push(Box::pin(log_outbox::run(store.db().clone(), identity, setup.clone())));
    let role = Role::Council.as_str();
    let checks = vec![Check::store(role, store.db()), Check::logged(role, store.db())];
    Ok(Parts { public, internal, background, checks, ..Parts::default() })
}

/// Keeps the gateway's holds in step with what the log says of each request.
async fn hold_loop(service: Arc<Service>, mut setup: Setup, poll: Duration) {
    while setup.pause(poll).await {
        if let Err(error) = service.settle_holds().await {
            tracing::warn!(%error, "holds at the gateway");
        }
        if let Err(error) = service.forget_notices().await {
            tracing::warn!(%error, "texts of published notices");
        }
        if let Err(error) = service.forget_proposals().await {
            tracing::warn!(%error, "proposals about ended requests");
        }
    }
}
