//! The gateway (RFC 9576's origin): redeems tokens, takes reports, keeps mailboxes.
//!
//! Holds: spent tokens, sealed reports until the forwarder has them, sealed identities, sealed mailboxes, statuses.
//! Sees: ciphertext in a few sizes, who of the roles calls, and of a case what its reporter signs.
//! Never sees: an account, what a report says, an identity. It stores no address, no time finer than an hour about a
//! case (a lease of the forwarder aside, until its ack), nothing that ties a token to a case, and no order in which
//! reports came once their window is closed.
//!
//! ```text
//! routes -> redeem   is this a good token?            store: one transaction per request
//!           intake   reports       writes  later ones
//!           case     what the reporter reads
//!           windows  what the log is told              upkeep  what goes with time
//!           restored  catches up after a backup
//!           forwarding  outbox and news                identities  envelopes for officials and warden
//! ```

pub mod case;
mod erasure;
pub mod error;
pub mod forwarding;
pub mod identities;
pub mod intake;
pub mod public_info;
pub mod redeem;
pub mod restored;
pub mod routes;
pub mod store;
pub mod upkeep;
pub mod windows;
pub mod writes;

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex};

use tabir_crypto::ed25519::SigningKey;
use tabir_crypto::statement::body::Role;
use tabir_crypto::token::TokenChallenge;
use tabir_crypto::trust::Trust;

use crate::api::gateway::Keys;
use crate::clock::Clock;
use crate::config::{Peers, Setup, roles};
use crate::db::Db;
use crate::http::{Check, Parts, cors, log_outbox};
use crate::ledger::Ledger;
use crate::page::{self, Page};
use error::StartError;
use redeem::KeyCache;

/// Name of the store in the role's folder.
const STORE: &str = "store.sqlite";

/// What the gateway is made of.
pub struct Gateway {
    db: Db,
    trust: Arc<Trust>,
    ledger: Ledger,
    clock: Clock,
    identity: SigningKey,
    overlap_s: u64,
    peers: Peers,
    challenge: TokenChallenge,
    token_keys: KeyCache,
    keys_shown: Mutex<Option<KeysShown>>,
    /// Number of the window that is open, for the operator's counters; 0 before the first.
    window: Arc<AtomicU64>,
    /// The store came back from a backup and has not caught up with the logs.
    restoring: AtomicBool,
}

/// An answer of `GET /v1/keys`, with the size and the witnessed time of its checkpoint.
type KeysShown = ((u64, u64), Arc<Keys>);

impl Gateway {
    /// Opens the store and loads the identity key. Errors: `key` for another key than the trust root's, the store's.
    pub async fn open(setup: &Setup, config: &roles::Gateway) -> Result<Self, StartError> {
        let identity = setup.identity(Role::Gateway, &config.dir)?;
        let root = setup.trust.root();
        let db = open_store(&config.dir).await?;
        let restored = db.read(|c| Box::pin(store::backup::restored_at(c))).await?;
        Ok(Self {
            db,
            trust: Arc::clone(&setup.trust),
            ledger: setup.ledger.clone(),
            clock: setup.clock.clone(),
            identity,
            overlap_s: config.overlap_s,
            peers: setup.peers.clone(),
            challenge: TokenChallenge::new(root.issuer_name.as_str(), root.origin.as_str())?,
            token_keys: KeyCache::default(),
            keys_shown: Mutex::default(),
            window: Arc::default(),
            restoring: AtomicBool::new(restored.is_some()),
        })
    }

    /// The store.
    #[must_use]
    pub const fn db(&self) -> &Db {
        &self.db
    }
}

async fn open_store(dir: &Path) -> Result<Db, StartError> {
    Ok(Db::open(&dir.join(STORE), &store::MIGRATIONS).await?)
}

/// Opens the store and returns routes and background work.
pub async fn start(setup: &Setup, config: &roles::Gateway) -> Result<Parts, StartError> {
    let gateway = Arc::new(Gateway::open(setup, config).await?);
    let (db, identity) = (gateway.db.clone(), gateway.identity.clone());
    let page = match &config.page {
        Some(dir) => Some(Page::read(dir)?),
        None => Page::build(&setup.trust, "", None).inspect_err(|why| tracing::warn!(%why, "no page")).ok(),
    };
    let page = page::routes::public(page, &[setup.peers.issuer.as_str(), setup.peers.log.as_str()]);
    let (asked, role) = (Arc::clone(&gateway), Role::Gateway.as_str());
    Ok(Parts {
        window: Some(Arc::clone(&gateway.window)),
        checks: vec![
            Check::store(role, &db),
            Check::logged(role, &db),
            Check::new(role, "restored", true, move || !asked.is_restoring()),
        ],
        public: cors::open(routes::public(Arc::clone(&gateway))).merge(page),
        internal: routes::internal(Arc::clone(&gateway)),
        background: vec![
            Box::pin(upkeep::run(gateway, setup.clone())),
            Box::pin(log_outbox::run(db, identity, setup.clone())),
        ],
    })
}
