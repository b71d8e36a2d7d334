//! The forwarder: takes sealed reports from the gateway to the complaint system, and answers back.
//!
//! Holds: the intake private keys, the downstream's API key, ids that updates need; sealed contents until a grace time
//! after the downstream has them. Sees: report texts, while it forwards them. Never sees: an identity, a token, an
//! account. It only calls out, but for call backs of a webhook's
//! receiver where they are wanted, so it can stand in the city's own network, beside the complaint system.
//!
//! ```text
//! gateway --intake--> inbox --check--> queue --sender--> downstream
//!    ^                                                      |
//!    +------push------ events <--replies, mapping-- updates-+          windows --> intake log
//! ```

mod check;
pub mod connector;
mod intake;
mod keys;
pub mod mapping;
mod push;
mod replies;
pub mod resolve;
mod restored;
mod sender;
pub mod store;
mod updates;
pub mod webhook;
mod windows;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tabir_crypto::codec::{Transcript, sha256};
use tabir_crypto::ed25519::SigningKey;
use tabir_crypto::statement::body::{KeyKind, PolicySet, Role};
use tabir_crypto::statement::value::Hex;
use tabir_crypto::trust::Trust;
use tabir_crypto::{B32, Secret};
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::client::log_source::ReadError;
use crate::clock::Clock;
use crate::config::keys::read_private;
use crate::config::mapping::Mapping;
use crate::config::{ConfigError, Setup, roles};
use crate::db::DbError;
use crate::http::openapi::with_document;
use crate::http::server::{self, Background};
use crate::http::{Check, Client, HttpError, Parts, log_outbox};
use connector::georeport::GeoReport;
use connector::{Connector, DownError};
use keys::IntakeKeys;
use store::Store;
use webhook::Webhook;

/// Where the policy comes from: the governance log, once it has one.
pub type Policy = Arc<dyn Fn() -> Option<PolicySet> + Send + Sync>;

/// How often keys and old contents are looked at.
const MAINTENANCE: Duration = Duration::from_secs(30);
/// Between two tries to have the address for call backs.
const BIND_AGAIN: Duration = Duration::from_secs(1);
/// The longest pause of a loop whose peer is down.
const LONGEST: Duration = Duration::from_secs(60);

/// Why the forwarder does not start.
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

/// Why a round did not finish. Nothing is lost: the next one goes on.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum RoundError {
    #[error(transparent)]
    Db(#[from] DbError),
    #[error(transparent)]
    Http(#[from] HttpError),
    #[error(transparent)]
    Down(#[from] DownError),
    #[error(transparent)]
    Crypto(#[from] tabir_crypto::Error),
    #[error(transparent)]
    Keys(#[from] StartError),
    #[error(transparent)]
    Log(#[from] ReadError),
    #[error("an attempt ended in a fault of the program")]
    Panicked,
}

/// The forwarder. Each round is a method, so that tests can take them one by one.
pub struct Forwarder {
    store: Store,
    clock: Clock,
    client: Client,
    identity: SigningKey,
    trust: Arc<Trust>,
    /// The store came back from a backup and has not caught up with the logs: nothing is taken, sent or said.
    restoring: AtomicBool,
    keys: IntakeKeys,
    connector: Connector,
    /// Who reads what was pushed, one at a time.
    pushed: tokio::sync::Mutex<()>,
    /// Of the trust root: what a countersignature names.
    origin: String,
    /// The downstream asked not to be called before this time.
    paused_until: AtomicU64,
    policy: Policy,
    gateway_internal: String,
    gateway_public: String,
    keep_content_s: u64,
    /// Whether the downstream answered when it was last asked for updates, which does not depend on any report.
    reached: AtomicBool,
}

impl Forwarder {
    /// Opens the store and the keys; makes the first intake key if there is none.
    pub async fn open(setup: &Setup, config: &roles::Forwarder, policy: Policy) -> Result<Self, StartError> {
        let identity = setup.identity(Role::Forwarder, &config.dir)?;
        let connector = connector((setup.client.clone(), setup.clock.clone()), config)?;
        let store = Store::open(&config.dir).await?;
        let activation_s = setup.trust.root().activation_s.of(KeyKind::Intake);
        let keys = IntakeKeys::load(&config.dir, config.epoch_s, activation_s, &store).await?;
        let restoring = store.restored_at().await?.is_some();
        if !restoring {
            keys.maintain(&store, &identity, setup.clock.now()).await?;
        }
        Ok(Self {
            store,
            clock: setup.clock.clone(),
            client: setup.client.clone(),
            identity,
            trust: Arc::clone(&setup.trust),
            restoring: AtomicBool::new(restoring),
            keys,
            connector,
            pushed: tokio::sync::Mutex::new(()),
            origin: setup.trust.root().origin.as_str().to_owned(),
            paused_until: AtomicU64::new(0),
            policy,
            gateway_internal: setup.peers.gateway_internal.clone(),
            gateway_public: setup.peers.gateway.clone(),
            keep_content_s: config.keep_content_s,
            reached: AtomicBool::new(false),
        })
    }

    /// The store, for who looks at what is held.
    #[must_use]
    pub const fn store(&self) -> &Store {
        &self.store
    }

    /// Whether this store came back and has not caught up yet: no round may begin.
    #[must_use]
    pub fn is_restoring(&self) -> bool {
        self.restoring.load(Ordering::Acquire)
    }

    /// Takes leases until the gateway has nothing more, and decides on what came. Without a policy nothing is taken:
    /// the gateway keeps it.
    pub async fn take_in(&self) -> Result<usize, RoundError> {
        let Some(policy) = (self.policy)() else { return Ok(0) };
        let mut taken = 0;
        // What a crash left in the inbox comes first.
        while self.look(&policy).await? > 0 {}
        loop {
            let count = self.lease().await?;
            while self.look(&policy).await? > 0 {}
            taken += count;
            if count == 0 {
                return Ok(taken);
            }
        }
    }

    /// Asks for updates, and keeps in mind whether there was an answer.
    async fn ask_downstream(&self) -> Result<(), RoundError> {
        let polled = self.poll_updates().await;
        self.reached.store(polled.is_ok(), Ordering::Relaxed);
        polled.map(drop)
    }

    /// Keys, and contents past their grace.
    pub async fn maintain(&self) -> Result<(), RoundError> {
        let now = self.clock.now();
        self.keys.maintain(&self.store, &self.identity, now).await?;
        self.store.delete_sent(now).await?;
        Ok(())
    }

    /// Nobody calls the downstream for so many seconds.
    fn pause(&self, seconds: u64) {
        self.paused_until.fetch_max(self.clock.now().saturating_add(seconds), Ordering::Relaxed);
    }

    fn is_paused(&self) -> bool {
        self.clock.now() < self.paused_until.load(Ordering::Relaxed)
    }

    /// The id of an event: the same whenever the same thing is told, so that a store that came back from a backup tells
    /// nothing twice. Nobody else can work it out, or guess from it what it stands for.
    fn event_id(&self, case_id: &B32, what: &str, n: u64) -> Hex<16> {
        let place = Transcript::new("tabir/v1/event").put("case_id", case_id).put("what", what.as_bytes());
        let signed = self.identity.sign(&place.put("n", &n.to_be_bytes()).hash());
        let mut id = [0; 16];
        id.copy_from_slice(&sha256(&signed)[..16]);
        Hex(id)
    }
}

/// The downstream of a configuration.
pub fn connector(io: (Client, Clock), config: &roles::Forwarder) -> Result<Connector, ConfigError> {
    match &config.webhook {
        Some(webhook) => Webhook::open(io, config, webhook).map(Connector::Webhook),
        None => georeport(io, config).map(Connector::GeoReport),
    }
}

/// The GeoReport server of a configuration.
pub fn georeport(io: (Client, Clock), config: &roles::Forwarder) -> Result<GeoReport, ConfigError> {
    let key = config.api_key_file.as_deref().map(read_key).transpose()?;
    Ok(GeoReport::new(io, config, key, Mapping::load(config.mapping.as_deref())?))
}

fn read_key(file: &Path) -> Result<Secret<String>, ConfigError> {
    let text = Secret::new(read_private(file)?);
    Ok(Secret::new(text.expose().trim().to_owned()))
}

/// Starts the loops. The forwarder has no routes, but for call backs where they are configured.
pub async fn start(setup: &Setup, config: &roles::Forwarder) -> Result<Parts, StartError> {
    let ledger = setup.ledger.clone();
    let policy: Policy = Arc::new(move || ledger.view().state.policy().cloned());
    let forwarder = Arc::new(Forwarder::open(setup, config, policy).await?);
    let poll = Duration::from_millis(config.poll_ms);
    let outbox = log_outbox::run(forwarder.store.db().clone(), forwarder.identity.clone(), setup.clone());
    let every = |pause, name, round| repeat(Arc::clone(&forwarder), setup.clone(), pause, name, round);
    let mut background = vec![
        every(poll, "intake", |f| Box::pin(async move { f.take_in().await.map(drop) })),
        every(poll, "downstream", |f| Box::pin(async move { f.send_due().await.map(drop) })),
        every(poll, "updates", |f| Box::pin(async move { f.ask_downstream().await })),
        every(poll, "events", |f| Box::pin(async move { f.push_events().await.map(drop) })),
        every(poll, "windows", |f| Box::pin(async move { f.log_windows().await.map(drop) })),
        every(MAINTENANCE, "maintenance", |f| Box::pin(async move { f.maintain().await })),
        Box::pin(discover(Arc::clone(&forwarder))) as Background,
        Box::pin(restored::run(Arc::clone(&forwarder), setup.clone())),
        Box::pin(outbox),
    ];
    if let Some(address) = config.webhook.as_ref().and_then(|webhook| webhook.listen) {
        background.push(Box::pin(listen(address, Arc::clone(&forwarder), setup.stop.clone())));
    }
    let (role, db) = (Role::Forwarder.as_str(), forwarder.store.db());
    let mut checks = vec![Check::store(role, db), Check::logged(role, db)];
    let asked = Arc::clone(&forwarder);
    checks.push(Check::new(role, "restored", true, move || !asked.is_restoring()));
    checks.push(Check::new(role, "downstream", false, move || forwarder.reached.load(Ordering::Relaxed)));
    Ok(Parts { background, checks, ..Parts::default() })
}

/// The listener for call backs. While a configuration is read again the generation before still has the address, so that
/// it is tried until it can be had.
async fn listen(address: SocketAddr, forwarder: Arc<Forwarder>, mut stop: watch::Receiver<bool>) {
    let mut said = false;
    let listener = loop {
        match TcpListener::bind(address).await {
            Ok(listener) => break listener,
            Err(error) if !said => {
                said = true;
                tracing::warn!(%error, "the listener for call backs waits for its address");
            }
            Err(_) => {}
        }
        tokio::select! {
            () = tokio::time::sleep(BIND_AGAIN) => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
    };
    let router = with_document(webhook::routes::router(forwarder));
    if let Err(error) = server::serve(listener, router, stop).await {
        tracing::error!(%error, "call backs");
    }
}

type Round = fn(Arc<Forwarder>) -> std::pin::Pin<Box<dyn Future<Output = Result<(), RoundError>> + Send>>;

fn repeat(
    forwarder: Arc<Forwarder>,
    mut setup: Setup,
    every: Duration,
    name: &'static str,
    round: Round,
) -> Background {
    Box::pin(async move {
        let mut pause = every;
        loop {
            if forwarder.is_restoring() {
                if setup.pause(every).await {
                    continue;
                }
                return;
            }
            pause = match round(Arc::clone(&forwarder)).await {
                Ok(()) => every,
                Err(error) => {
                    tracing::warn!(%error, name, "forwarder");
                    (pause * 2).min(LONGEST.max(every))
                }
            };
            if !setup.pause(pause).await {
                return;
            }
        }
    })
}

/// Says so if the downstream is something else. Its answers decide, not this: nothing waits for it.
async fn discover(forwarder: Arc<Forwarder>) {
    match forwarder.connector.discover().await {
        Ok(true) => {}
        Ok(false) => tracing::warn!("the downstream does not say that it speaks GeoReport v2: check its address"),
        Err(error) => tracing::warn!(%error, "the downstream's discovery document"),
    }
}
