//! Role `log`: two transparency logs, governance and intake, by one code.
//!
//! Holds the two Ed25519 log keys and the leaves. Sees entries. Never sees anything personal: a leaf is a signed
//! statement of hashes, codes, keys and counts, and one whose signatures do not suffice is refused.
//!
//! ```text
//! POST entries --> leaf (index assigned, durable) --sequencer--> tiles + checkpoint (one transaction) --> pending
//!                  what comes together shares a transaction         of several processes, the one with the lease
//! witnesses are asked, or poll pending and POST cosignatures --> quorum: kept for ever, and served as the checkpoint
//! ```
//! A growth waits until the one before has its quorum: so there is at most one checkpoint that no quorum has seen, and
//! witnesses that poll at different times meet at the same one. What is signed anew without news is the same bytes
//! (Ed25519 is deterministic); that a log is alive shows in its witnesses' times, which they renew.

mod appender;
mod error;
pub mod export;
pub mod fault;
mod folder;
mod gather;
mod governance;
pub mod mirror;
pub mod recover;
mod routes;
mod sequencer;
mod service;
mod store;

use std::path::Path;
use std::time::Duration;

use tabir_crypto::log::{LogVerifier, NoteSigner};
use tabir_crypto::statement::body::Role;
use tabir_crypto::trust::root::LogName;

pub use error::{LogError, StartError};
use fault::Faults;
use sequencer::Sequencer;
pub use service::Service;
use store::Store;
pub use store::{Appended, MIGRATIONS};

use crate::config::{Setup, keys, roles};
use crate::http::server::Background;
use crate::http::{Check, Parts, cors};
use crate::ledger;

/// Opens the store, replays the governance log, and makes routes and sequencers.
pub async fn start(config: &roles::Log, setup: &Setup) -> Result<Parts, StartError> {
    let (service, background) = open(config, setup, Faults::default()).await?;
    Ok(parts(service, background))
}

/// The key of a log, from its file. Error: `OtherKey` if it is not the one that the trust root names.
fn signer(dir: &Path, name: LogName, verifier: &LogVerifier) -> Result<NoteSigner, StartError> {
    let path = dir.join(format!("{}.key", name.as_str()));
    let signer = NoteSigner::from_seed(verifier.key().name(), &keys::read_seed(&path)?)?;
    if signer.verifier_key() == verifier.key() { Ok(signer) } else { Err(StartError::OtherKey(name.as_str())) }
}

/// Routes around a service.
#[must_use]
pub fn parts(service: Service, background: Vec<Background>) -> Parts {
    let checks = vec![Check::store(Role::Log.as_str(), service.db())];
    let (public, internal) = routes::routers(service);
    Parts { public: cors::open(public), internal, background, checks, ..Parts::default() }
}

/// As [`start`], without routes: the service itself, and the loops that grow the logs.
pub async fn open(
    config: &roles::Log,
    setup: &Setup,
    faults: Faults,
) -> Result<(Service, Vec<Background>), StartError> {
    let (governance, witnesses) = ledger::verifiers(&setup.trust, LogName::Governance)?;
    let verifiers = [governance, ledger::verifiers(&setup.trust, LogName::Intake)?.0];
    let store = Store::open(&config.dir, faults).await?;
    let mut background = Vec::<Background>::new();
    for (name, verifier) in LogName::ALL.into_iter().zip(&verifiers) {
        let signer = signer(&config.dir, name, verifier)?;
        let sequencer = Sequencer::new(store.clone(), name, verifier.clone(), signer, setup.clock.clone());
        sequencer.check().await?;
        sequencer.grow().await?;
        let interval = Duration::from_millis(config.checkpoint_ms.max(1));
        background.push(Box::pin(sequencer.run(interval, setup.stop.clone())));
    }
    let service = Service::start(setup, store, verifiers, witnesses.clone()).await?;
    background.extend(gather::loops(config, &witnesses, &service, setup)?);
    Ok((service, background))
}
