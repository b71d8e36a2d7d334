//! Role `log`: two transparency logs, governance and intake, by one code.
//!
//! Holds the two Ed25519 log keys and the leaves. Sees entries. Never sees anything personal: a leaf is a signed
//! statement of hashes, codes, keys and counts, and one whose signatures do not suffice is refused.
//!
//! ```text
//! POST entries --> leaf (index assigned, durable) --sequencer--> tiles + checkpoint (one transaction) --> pending
//! witnesses poll pending, POST cosignatures --> quorum: kept for ever, and served as the checkpoint
//! ```
//! A growth waits until the one before has its quorum: so there is at most one checkpoint that no quorum has seen, and
//! witnesses that poll at different times meet at the same one. What is signed anew without news is the same bytes
//! (Ed25519 is deterministic); that a log is alive shows in its witnesses' times, which they renew.

mod error;
mod routes;
mod sequencer;
mod service;
mod store;

use std::time::Duration;

use tabir_crypto::log::NoteSigner;
use tabir_crypto::trust::root::LogName;

pub use error::StartError;
use sequencer::Sequencer;
use service::Service;
use store::Store;

use crate::config::{Setup, keys, roles};
use crate::http::Parts;
use crate::ledger;

/// Opens the store, replays the governance log, and makes routes and sequencers.
pub async fn start(config: &roles::Log, setup: &Setup) -> Result<Parts, StartError> {
    let (governance, witnesses) = ledger::verifiers(&setup.trust, LogName::Governance)?;
    let verifiers = [governance, ledger::verifiers(&setup.trust, LogName::Intake)?.0];
    let store = Store::open(&config.dir).await?;
    let mut parts = Parts::default();
    for (name, verifier) in LogName::ALL.into_iter().zip(&verifiers) {
        let path = config.dir.join(format!("{}.key", name.as_str()));
        let signer = NoteSigner::from_seed(verifier.key().name(), &keys::read_seed(&path)?)?;
        if signer.verifier_key() != verifier.key() {
            return Err(StartError::OtherKey(name.as_str()));
        }
        let sequencer = Sequencer::new(store.clone(), name, verifier.clone(), signer);
        sequencer.grow().await?;
        parts.background.push(Box::pin(run(setup.clone(), sequencer, Duration::from_millis(config.checkpoint_ms))));
    }
    let service = Service::start(setup, store, verifiers, witnesses).await?;
    (parts.public, parts.internal) = routes::routers(service);
    Ok(parts)
}

async fn run(mut setup: Setup, sequencer: Sequencer, interval: Duration) {
    while setup.pause(interval).await {
        if let Err(error) = sequencer.grow().await {
            // Nothing was written; the entries wait for the next turn.
            tracing::error!(%error, "sequencer");
        }
    }
}
