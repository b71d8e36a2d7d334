//! The warden: an outside body's machine that cosigns both logs and holds the outer keys. It polls; it has no port.
//!
//! Holds: the X-Wing keys of the outer envelopes, the witness key, its own copy of the governance log, its journal.
//! Sees: full texts of requests, and, of those that it releases, the inner envelope.
//! Never sees: an identity: the inner envelope opens for a quorum of officials only.
//!
//! ```text
//! witness   pending checkpoint --> consistent with the stored head --> store --> cosign        (each log for itself)
//! releases  own view of the log --> checks --> hand-outs sealed and stored, unseal.released in the outbox
//!           --> the entry is witnessed --> hand-outs to the board
//! ```
//! Whatever it decides by, keys, officials, approvals, times, is in a checkpoint that a quorum cosigned and that fits
//! its own copy. Each step reads and writes its own store, so that a crash between two of them costs nothing.

mod alerts;
mod backup;
mod error;
pub mod journal;
mod judge;
mod keys;
mod person;
mod releases;
mod restore;
mod store;
mod view;
mod witness;

use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use tabir_crypto::ed25519::SigningKey;
use tabir_crypto::log::{Cosigner, LogVerifier, VerifierKey, Witnesses};
use tabir_crypto::statement::body::Role;
use tabir_crypto::trust::Trust;
use tabir_crypto::trust::root::LogName;

use tokio::sync::Mutex;

pub use error::{StartError, WardenError};
pub use person::Waiting;
pub use store::{Head, Kept, MIGRATIONS, Stage, Store};
pub use view::View;

use crate::client::log_reader::LogReader;
use crate::client::log_source::HttpLog;
use crate::clock::Clock;
use crate::config::{Peers, Setup, keys as key_files, roles};
use crate::http::server::Background;
use crate::http::{Answer, Check, Client, HttpError, Method, Parts, call, log_outbox};
use crate::ledger;

/// Name of the store in the role's folder.
const STORE: &str = "store.sqlite";
/// Name of the file of the key that cosigns.
const WITNESS: &str = "witness.key";

/// A log as it is read.
struct Log {
    source: HttpLog,
    reader: LogReader<HttpLog>,
    verifier: LogVerifier,
    /// This process has looked for what it cosigned and its store forgot.
    looked: AtomicBool,
}

/// The warden; each public method is one step, and can be taken again.
pub struct Warden {
    store: Store,
    journal: PathBuf,
    /// The lock of the process that runs on this folder; one task of it at a time writes the journal's file.
    running: Mutex<Option<File>>,
    trust: Arc<Trust>,
    clock: Clock,
    client: Client,
    peers: Peers,
    identity: SigningKey,
    cosigner: Cosigner,
    governance: Log,
    intake: Log,
    epoch_s: u64,
}

impl Warden {
    /// Opens the store and the keys. Errors: a key that is not the trust root's, the store's.
    pub async fn open(config: &roles::Warden, setup: &Setup) -> Result<Self, StartError> {
        let identity = setup.identity(Role::Warden, &config.dir)?;
        let (_, witnesses) = ledger::verifiers(&setup.trust, LogName::Governance)?;
        let seed = key_files::read_seed(&config.dir.join(WITNESS))?;
        let name = name_of(&witnesses, &SigningKey::from_seed(&seed)).ok_or(StartError::NotAWitness)?;
        let log = |name: LogName| -> Result<Log, StartError> {
            let source = HttpLog::new(setup.client.clone(), &setup.peers.log, name.as_str());
            let (verifier, _) = ledger::verifiers(&setup.trust, name)?;
            let reader = ledger::reader_of(&setup.trust, name, source.clone())?;
            Ok(Log { reader, source, verifier, looked: AtomicBool::new(false) })
        };
        Ok(Self {
            store: Store::open(&config.dir.join(STORE), setup.clock.clone()).await?,
            journal: config.dir.join(journal::FILE),
            running: Mutex::default(),
            trust: Arc::clone(&setup.trust),
            clock: setup.clock.clone(),
            client: setup.client.clone(),
            peers: setup.peers.clone(),
            identity,
            cosigner: Cosigner::from_seed(name, &seed)?,
            governance: log(LogName::Governance)?,
            intake: log(LogName::Intake)?,
            epoch_s: config.epoch_s.max(1),
        })
    }

    /// The store.
    #[must_use]
    pub const fn store(&self) -> &Store {
        &self.store
    }

    const fn log(&self, name: LogName) -> &Log {
        match name {
            LogName::Governance => &self.governance,
            LogName::Intake => &self.intake,
        }
    }

    /// A signed call with a body as it is.
    async fn post(
        &self,
        audience: Role,
        base: &str,
        path: &str,
        kind: &str,
        body: Vec<u8>,
    ) -> Result<Answer, HttpError> {
        let header = call::sign(&self.identity, audience, "POST", path, &body, &self.clock)?;
        let headers = [(call::HEADER, header.as_str()), ("content-type", kind)];
        self.client.send(Method::POST, &format!("{base}{path}"), &headers, body).await
    }

    /// One round of everything that depends on the governance log.
    pub async fn round(&self, view: &mut View) -> Result<(), WardenError> {
        self.floor(LogName::Governance).await?;
        self.follow(view).await?;
        // What a restored store forgot may be an answer: nothing is said before the copy here is that far again.
        if view.kept.size < self.store.adopted(LogName::Governance).await?.size {
            return Err(WardenError::Behind(LogName::Governance));
        }
        self.see(view).await?;
        let keys = self.keys(view).await;
        let released = self.releases(view).await;
        self.write_journal().await?;
        released.and(keys)
    }
}

/// The name under which the trust root knows this witness.
fn name_of<'a>(witnesses: &'a Witnesses, key: &SigningKey) -> Option<&'a str> {
    witnesses.keys().iter().find(|k| *k.key() == key.verifying_key()).map(VerifierKey::name)
}

/// Opens store and keys, and returns the background work; there are no routes.
pub async fn start(config: &roles::Warden, setup: &Setup) -> Result<Parts, StartError> {
    let warden = Arc::new(Warden::open(config, setup).await?);
    warden.check_journal().await?;
    let view = warden.view().await?;
    let every = Duration::from_millis(config.poll_ms);
    let (db, identity) = (warden.store.db().clone(), warden.identity.clone());
    let mut background: Vec<Background> = vec![
        Box::pin(witness_loop(Arc::clone(&warden), setup.clone(), every)),
        Box::pin(log_outbox::run(db, identity, setup.clone())),
    ];
    if let Some(notify) = &config.notify {
        background.extend(alerts::start(notify, setup, warden.store(), every)?);
    }
    let (role, db) = (Role::Warden.as_str(), warden.store.db());
    let checks = vec![Check::store(role, db), Check::logged(role, db)];
    background.push(Box::pin(work_loop(warden, view, setup.clone(), every)));
    Ok(Parts { background, checks, ..Parts::default() })
}

/// A loop of its own: a board that hangs must not keep checkpoints waiting.
async fn witness_loop(warden: Arc<Warden>, mut setup: Setup, every: Duration) {
    while setup.pause(every).await {
        for log in LogName::ALL {
            if let Err(error) = warden.witness(log).await {
                tracing::error!(%error, code = error.code(), log = log.as_str(), "not cosigned");
            }
        }
    }
}

async fn work_loop(warden: Arc<Warden>, mut view: View, mut setup: Setup, every: Duration) {
    while setup.pause(every).await {
        if let Err(error) = warden.round(&mut view).await {
            tracing::warn!(%error, code = error.code(), "warden");
        }
    }
}
