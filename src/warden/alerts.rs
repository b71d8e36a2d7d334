//! Tells the outside body's people that a request waits: each once for each request, with its public hash and no more.
//!
//! ```text
//! live requests of the log's copy --> not told yet --> one sentence and the hash --> told (stored)
//! ```
//! The requests are those of the log, not those that the board hands over: a board that keeps one back keeps no alert back.
//! A loop of its own for each recipient: a mail server that hangs keeps no checkpoint and no release waiting.

use std::collections::BTreeSet;
use std::time::Duration;

use tabir_crypto::B32;
use tabir_crypto::codec::sha256;

use super::error::{StartError, WardenError};
use super::store::Store;
use super::view::View;
use super::{Background, Warden};
use crate::config::Setup;
use crate::config::notify::Alerts;
use crate::db::DbError;
use crate::notify::{Queue, Recipient, tell};

/// The live requests of which one recipient was not told.
struct Requests {
    store: Store,
    recipient: B32,
    place: usize,
}

impl Queue for Requests {
    type Item = B32;
    type Error = DbError;

    async fn next(&self) -> Result<Option<(String, B32)>, DbError> {
        Ok(self.store.untold(self.recipient).await?.map(|request| (text(&request), request)))
    }

    async fn told(&self, request: B32) -> Result<(), DbError> {
        self.store.told(self.recipient, request).await
    }

    fn who(&self) -> (&'static str, usize) {
        ("warden", self.place)
    }
}

/// What is sent. The hash is that of a public entry; it tells neither case nor official.
fn text(request: &B32) -> String {
    let hash = hex::encode(request);
    format!("Sebuah permintaan menunggu di wali Tabir.\nA request waits at the Tabir warden.\n{hash}\n")
}

/// One loop a recipient. Errors: an entry that is no address.
pub(super) fn start(
    notify: &Alerts,
    setup: &Setup,
    store: &Store,
    poll: Duration,
) -> Result<Vec<Background>, StartError> {
    let mut loops: Vec<Background> = Vec::new();
    for (place, entry) in notify.to.iter().enumerate() {
        let recipient = Recipient::new(entry, notify.smtp.as_ref(), &setup.client, &setup.clock)?;
        let queue = Requests { store: store.clone(), recipient: sha256(entry.as_bytes()), place };
        loops.push(Box::pin(tell(queue, setup.clone(), recipient, [poll, Duration::from_secs(notify.retry_s)])));
    }
    Ok(loops)
}

impl Warden {
    /// Notes which requests are live, for the journal and the alerts.
    pub async fn see(&self, view: &View) -> Result<(), WardenError> {
        let live = view.state.requests().iter().filter(|r| r.status(view.state.witnessed(), view.now).is_live());
        let live: BTreeSet<B32> = live.map(|r| r.hash).collect();
        if self.store.seen().await? != live {
            self.store.see(live).await?;
        }
        Ok(())
    }
}
