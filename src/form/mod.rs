//! The form: reporting and coming back with a browser that runs no script, such as Tor Browser's "Safest".
//!
//! Holds: tokens; for minutes, at most a day while the gateway does not answer, sealed bodies and receipts that only a
//! repeat of the same form opens.
//! Sees: for the moment in which it seals, reads or writes, the report, the receipt and the whole case. Neither P1 nor the
//! author's part of P4 holds against whoever runs it or watches it live; it says so before anybody types, and each content
//! that it seals says so too.
//! Never asks for an identity. Never keeps: a text, a receipt, an address, a user agent, a cookie.
//!
//! ```text
//! GET  /form/{language}/report        the fields, and a random text that makes a repeat the same report
//! POST /form/{language}/report        ─► seal and send (src/sealing) ─► the receipt, once
//! POST /form/{language}/case          the receipt ─► the case in words
//! POST /form/{language}/case/{what}   the receipt again, and an answer, rating, dispute, erasure
//! ```
//! A receipt stands in the body of a request or of an answer, never in an address.

mod fields;
mod pages;
mod queue;
mod record;
mod routes;
mod service;
mod trouble;
mod words;

use std::sync::Arc;
use std::time::Duration;

use crate::config::{Setup, roles};
use crate::db::DbError;
use crate::http::Parts;
use crate::sealing::{Host, Store};

pub use routes::BASE;
pub use service::Form;

/// Between two rounds of upkeep.
const UPKEEP: Duration = Duration::from_secs(60);

/// Opens the store, makes the routes, and begins to fill the stock.
pub async fn start(setup: &Setup, config: &roles::Form) -> Result<Parts, DbError> {
    crate::client::plain::no_core_dump();
    let form = Arc::new(open(setup, config).await?);
    Ok(Parts {
        public: routes::router(Arc::clone(&form)),
        background: vec![
            Box::pin(keep_up(Arc::clone(&form), setup.clone())),
            Box::pin(queue::work(form, setup.clone())),
        ],
        ..Parts::default()
    })
}

/// Opens the store.
pub async fn open(setup: &Setup, config: &roles::Form) -> Result<Form, DbError> {
    let store = Store::open(&config.dir).await?;
    Ok(Form::new(Host::new(setup.clone(), store, false), config.clone()))
}

/// The routes, for a caller that does the upkeep itself.
pub fn routes_of(form: Arc<Form>) -> Parts {
    Parts { public: routes::router(form), ..Parts::default() }
}

async fn keep_up(form: Arc<Form>, mut setup: Setup) {
    loop {
        if let Err(error) = form.host.store.clean(setup.clock.now()).await {
            tracing::error!(%error, "form upkeep");
        }
        if !setup.pause(UPKEEP).await {
            return;
        }
    }
}
