//! The built-in complaint system, a GeoReport v2 server on the public listener.
//!
//! Holds report texts, what officers said about them, and deadlines. Never sees an identity, a token or an account: a
//! sealed identity is named by its hash and the address where officials fetch it, and there is no column for a person.
//! Like real servers it makes two requests of two equal POSTs: that a report arrives once is the connector's work.
//!
//! Two API keys, each a line in a file of mode 0600 in the role's folder, made at the first start if they are missing:
//! `api.key` for the connector, `officer.key` for `tabir desk`. Optional: `countersign.key` signs, as an update that reaches
//! the reporter, that a report is here; it names nothing but the case's reference.

mod georeport;
mod routes;
mod service;
mod store;

use std::path::Path;
use std::sync::Arc;

use tabir_crypto::countersign;
use tabir_crypto::log::NoteSigner;

use crate::clock::Clock;
use crate::config::keys::{create_seed, read_private, read_seed};
use crate::config::{ConfigError, Setup, roles};
use crate::db::DbError;
use crate::http::{Check, Parts};
use crate::open311::marked_reference;

pub use routes::BASE;
pub use service::Policy;
pub use store::PLAN;

/// File of the connector's key.
pub const CONNECTOR_KEY: &str = "api.key";
/// File of the officer's key.
pub const OFFICER_KEY: &str = "officer.key";
/// File of the key that countersigns, and of its public half in one line, a C2SP verifier key.
const COUNTERSIGN_KEY: &str = "countersign.key";
/// See [`COUNTERSIGN_KEY`].
pub const COUNTERSIGN_VKEY: &str = "countersign.vkey";

/// Why the desk does not start.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum StartError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Db(#[from] DbError),
    #[error(transparent)]
    Crypto(#[from] tabir_crypto::Error),
}

/// Countersigns reports: says to their reporters, with the desk's own key, that they are here.
pub struct Countersigner {
    signer: NoteSigner,
    origin: String,
}

impl Countersigner {
    /// Reads the key of that name, or makes one, and writes its public half beside it, for people to publish. `origin` is
    /// the trust root's.
    pub fn open(dir: &Path, name: &str, origin: &str) -> Result<Self, StartError> {
        let file = dir.join(COUNTERSIGN_KEY);
        let seed = if file.exists() { read_seed(&file)? } else { create_seed(&file)? };
        let signer = NoteSigner::from_seed(name, &seed)?;
        let public = dir.join(COUNTERSIGN_VKEY);
        std::fs::write(&public, format!("{}\n", signer.verifier_key()))
            .map_err(|source| ConfigError::File { path: public, source })?;
        Ok(Self { signer, origin: origin.to_owned() })
    }

    /// The countersignature of a report with this description; `None` for one that carries no reference.
    fn note(&self, description: &str) -> Option<String> {
        countersign::sign(&self.signer, &self.origin, marked_reference(description)?).ok()
    }
}

/// Opens the store and makes the routes. Services and deadlines are the policy's in the governance log.
pub async fn start(setup: &Setup, config: &roles::Desk) -> Result<Parts, StartError> {
    let ledger = setup.ledger.clone();
    let policy: Policy = Arc::new(move || ledger.view().state.policy().cloned());
    let origin = setup.trust.root().origin.as_str();
    let open = |name: &String| Countersigner::open(&config.dir, name, origin);
    let countersigner = config.countersign.as_ref().map(open).transpose()?;
    start_with(setup.clock.clone(), &config.dir, policy, countersigner).await
}

/// Opens the store and makes the routes, with the policy from wherever the caller has it.
pub async fn start_with(
    clock: Clock,
    dir: &Path,
    policy: Policy,
    countersigner: Option<Countersigner>,
) -> Result<Parts, StartError> {
    let (connector, officer) = (key(&dir.join(CONNECTOR_KEY))?, key(&dir.join(OFFICER_KEY))?);
    let store = store::Store::open(dir).await?;
    let checks = vec![Check::store("desk", store.db())];
    let desk = Arc::new(service::Desk::new(store, clock, policy, (&connector, &officer), countersigner));
    Ok(Parts { public: routes::router(desk), checks, ..Parts::default() })
}

fn key(file: &Path) -> Result<String, ConfigError> {
    if !file.exists() {
        create_seed(file)?;
    }
    read_private(file)
}
