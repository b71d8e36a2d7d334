//! Roles that run: listeners that stay for as long as the process does, and behind them a generation of roles, which a
//! reload replaces.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tabir_crypto::statement::body::Role;
use tabir_crypto::trust::root::LogName;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::{Load, When, first_failure, wind_down};
use crate::cli::CliError;
use crate::cli::connect::load_trust;
use crate::clock::Clock;
use crate::config::{Config, Setup, trust_file};
use crate::http::admin::{self, Admin, Facts};
use crate::http::connections::{ADMIN, INTERNAL, PUBLIC};
use crate::http::server::Gathered;
use crate::http::{Client, Parts, Router, server};
use crate::ledger::{self, Ledger};

/// How often the governance log is read, unless the log runs here with a shorter interval.
const FOLLOW: Duration = Duration::from_secs(10);
/// A demo's windows are seconds long.
const FOLLOW_DEMO: Duration = Duration::from_millis(300);
/// How long new roles may take until they have read as much of the governance log as the old ones had.
const CATCH_UP: Duration = Duration::from_secs(60);
/// Between two looks at that.
const LOOK: Duration = Duration::from_millis(50);
/// What the listeners are called, in the order of [`Server`]'s routes.
const NAMES: [&str; 2] = ["public", "internal"];

/// The tasks of a process.
type Tasks = JoinSet<std::io::Result<()>>;

/// Everything that runs.
pub struct Server {
    config: Config,
    clock: Clock,
    admin: Arc<Admin>,
    routes: [watch::Sender<Router>; 2],
    listeners: Tasks,
    /// Ends the listeners.
    stop: watch::Sender<bool>,
    /// The operator's listener, up to the last moment, and what keeps it.
    operator: (Tasks, watch::Sender<bool>),
    generation: Generation,
}

impl Server {
    /// Opens every role's store, then the listeners.
    pub async fn start(config: Config, clock: Clock) -> Result<Self, CliError> {
        let generation = Generation::begin(&config, &clock).await?;
        let admin = Arc::new(Admin::new(clock.clone(), Arc::clone(&generation.facts)));
        let (stop, stopped) = watch::channel(false);
        let mut listeners = JoinSet::new();
        let routes = generation.routes(&admin).map(watch::Sender::new);
        let listen = &config.listen;
        let addresses = [(listen.public, PUBLIC), (listen.internal, INTERNAL)];
        for (((address, seats), router), send) in addresses.into_iter().zip(&generation.routers).zip(&routes) {
            if router.has_routes() {
                let opened = server::open(address, send.subscribe(), seats, &mut listeners, &stopped).await;
                opened.map_err(|e| refused(address, &e))?;
            }
        }
        let own = watch::Sender::new(server::finish(admin::routes(Arc::clone(&admin))));
        let mut operator = (JoinSet::new(), watch::Sender::new(false));
        let never = operator.1.subscribe();
        let opened = server::open(listen.admin, own.subscribe(), ADMIN, &mut operator.0, &never).await;
        opened.map_err(|e| refused(listen.admin, &e))?;
        Ok(Self { config, clock, admin, routes, listeners, stop, operator, generation })
    }

    /// Waits until something fails.
    pub async fn failure(&mut self) -> String {
        tokio::select! {
            failed = first_failure(&mut self.listeners) => failed,
            failed = first_failure(&mut self.operator.0) => failed,
            failed = first_failure(&mut self.generation.work) => failed,
        }
    }

    /// No further connections and requests; what is here is finished, for as long as that takes and no longer than some
    /// seconds.
    pub async fn end(mut self) {
        self.admin.end();
        let _ = self.stop.send(true); // there may be no listener
        let _ = self.generation.stop.send(true);
        tokio::join!(wind_down(&mut self.listeners), wind_down(&mut self.generation.work));
    }

    /// Reads the configuration again and replaces the roles. What is wrong with it, if anything is: then the roles run on
    /// as before. Error: not even that, and the process has to end.
    ///
    /// The old routes answer until the new ones can, on stores that bear two processes. Work in the background does not
    /// overlap: it holds leases and locks.
    pub async fn reload(&mut self, load: Load<'_>) -> Result<Option<CliError>, CliError> {
        let taken = self.taken_over(load).await?;
        self.admin.reloaded(taken.is_none());
        Ok(taken)
    }

    async fn taken_over(&mut self, load: Load<'_>) -> Result<Option<CliError>, CliError> {
        let next = match load(When::Reload) {
            Ok(next) => next,
            Err(error) => return Ok(Some(error)),
        };
        if let Some(fixed) = self.config.fixed_part(&next) {
            return Ok(Some(CliError::Usage(format!("{fixed} has changed: that takes a restart"))));
        }
        let read = self.generation.facts.ledger.view().head.size;
        self.generation.end().await;
        let error = match Generation::caught_up(&next, &self.clock, read).await {
            Ok(generation) => {
                self.config = next;
                self.put(generation);
                return Ok(None);
            }
            Err(error) => error,
        };
        let before = Generation::begin(&self.config, &self.clock).await?;
        self.put(before);
        Ok(Some(error))
    }

    fn put(&mut self, generation: Generation) {
        self.admin.replace(Arc::clone(&generation.facts));
        for (send, router) in self.routes.iter().zip(generation.routes(&self.admin)) {
            drop(send.send_replace(router));
        }
        self.generation = generation;
    }
}

fn refused(address: SocketAddr, error: &std::io::Error) -> CliError {
    CliError::Failed(format!("{address}: {error}; choose another port in [listen]"))
}

/// The roles of one configuration.
struct Generation {
    facts: Arc<Facts>,
    routers: [Router; 2],
    work: Tasks,
    /// Ends the work.
    stop: watch::Sender<bool>,
}

impl Generation {
    async fn begin(config: &Config, clock: &Clock) -> Result<Self, CliError> {
        let trust = Arc::new(load_trust(&config.trust)?);
        if trust.first().root().previous.is_some() {
            let missing = trust_file::beside(&config.trust, trust.first().root().version.saturating_sub(1));
            return Err(CliError::Failed(format!(
                "{} is missing: without it the log can't be read",
                missing.display()
            )));
        }
        let (stop, stopped) = watch::channel(false);
        let client = Client::new(clock.clone());
        let every = if trust.root().demo { FOLLOW_DEMO } else { FOLLOW };
        let reader = ledger::reader(&trust, LogName::Governance, client.clone(), &config.peers.log)?;
        let (ledger, follow) = Ledger::follow(Arc::clone(&trust), reader, every, clock.clone(), stopped.clone());
        let (clock, peers) = (clock.clone(), config.peers.clone());
        let setup = Setup { trust: Arc::clone(&trust), clock, client, peers, ledger: ledger.clone(), stop: stopped };
        let mut parts = parts(config, &setup).await?;
        parts.push(Parts { background: vec![follow], ..Parts::default() });
        let mut work = JoinSet::new();
        let Gathered { routers, checks, window } = server::gather(parts, &mut work);
        let facts = Arc::new(Facts { trust, ledger, checks, window });
        Ok(Self { facts, routers, work, stop })
    }

    /// As [`Generation::begin`], when it has read so many entries of the governance log: with less it could not answer as
    /// the one before did.
    async fn caught_up(config: &Config, clock: &Clock, read: u64) -> Result<Self, CliError> {
        let mut generation = Self::begin(config, clock).await?;
        let caught_up = tokio::time::timeout(CATCH_UP, async {
            while generation.facts.ledger.view().head.size < read {
                tokio::time::sleep(LOOK).await;
            }
        });
        if caught_up.await.is_ok() {
            return Ok(generation);
        }
        generation.end().await;
        Err(CliError::Failed("the governance log can't be read with it".into()))
    }

    /// What the listeners serve.
    fn routes(&self, admin: &Arc<Admin>) -> [Router; 2] {
        let [public, internal] = self.routers.clone();
        [(NAMES[0], public), (NAMES[1], internal)]
            .map(|(name, router)| admin::counted(admin, name, server::finish(router)))
    }

    async fn end(&mut self) {
        let _ = self.stop.send(true); // all work may have ended
        wind_down(&mut self.work).await;
    }
}

async fn parts(config: &Config, setup: &Setup) -> Result<Vec<Parts>, CliError> {
    let failed = |role: &'static str| move |e: &dyn std::error::Error| CliError::Failed(format!("{role}: {e}"));
    let mut parts = Vec::new();
    let roles = &config.roles;
    if let Some(c) = &roles.log {
        parts.push(crate::log::start(c, setup).await.map_err(|e| failed(Role::Log.as_str())(&e))?);
    }
    if let Some(c) = &roles.issuer {
        parts.push(crate::issuer::start(c, setup).await.map_err(|e| failed(Role::Issuer.as_str())(&e))?);
    }
    if let Some(c) = &roles.gateway {
        parts.push(crate::gateway::start(setup, c).await.map_err(|e| failed(Role::Gateway.as_str())(&e))?);
    }
    if let Some(c) = &roles.forwarder {
        parts.push(crate::forwarder::start(setup, c).await.map_err(|e| failed(Role::Forwarder.as_str())(&e))?);
    }
    if let Some(c) = &roles.warden {
        parts.push(crate::warden::start(c, setup).await.map_err(|e| failed(Role::Warden.as_str())(&e))?);
    }
    if let Some(c) = &roles.council {
        parts.push(crate::council::start(c, setup).await.map_err(|e| failed(Role::Council.as_str())(&e))?);
    }
    if let Some(c) = &roles.desk {
        parts.push(crate::desk::start(setup, c).await.map_err(|e| failed("desk")(&e))?);
    }
    if let Some(c) = &roles.facade {
        parts.push(crate::facade::start(setup, c).await.map_err(|e| failed("facade")(&e))?);
    }
    if let Some(c) = &roles.form {
        parts.push(crate::form::start(setup, c).await.map_err(|e| failed("form")(&e))?);
    }
    Ok(parts)
}
