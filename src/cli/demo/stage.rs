//! The stage: folders, ports, processes, and the steps that are said aloud.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tabir_crypto::trust::Trust;

use super::ports::free_ports;
use super::processes::Processes;
use super::proxy::Proxy;
use super::steps::Steps;
use crate::cli::CliError;
use crate::cli::connect::load_trust;
use crate::cli::init;
use crate::cli::init::layout::{self, Ports};
use crate::client::Session;
use crate::client::log_reader::Growth;
use crate::clock::Clock;
use crate::config::profile::Profile;
use crate::http::Client;

/// The roles that run, in the order of their start: the log first, since everybody reads it.
pub const ROLES: [&str; 8] = ["log", "issuer", "gateway", "council", "warden", "desk", "forwarder", "form"];
/// What the forwarder sends in a second on a slow machine; it has three deadlines' time before the audit says late.
const REPORTS_PER_S: u64 = 20;
/// Between two looks at something that is awaited.
const LOOK: Duration = Duration::from_millis(150);

/// Everything that runs, and where.
pub struct Stage {
    /// Folder of the demo.
    pub dir: PathBuf,
    /// Where each role's folder is.
    pub roles: PathBuf,
    /// Ports.
    pub ports: Ports,
    /// Processes.
    pub processes: Processes,
    /// Between forwarder and desk.
    pub proxy: Proxy,
    /// What is said.
    pub steps: Steps,
    /// The trust root.
    pub trust: Arc<Trust>,
    /// The auditors' key files.
    pub auditors: Vec<PathBuf>,
    /// HTTP of citizens and onlookers.
    pub http: Client,
    /// The machine's clock.
    pub clock: Clock,
    /// From a window's close to its deadline: longer for more reports, so that a slow machine is not late.
    pub forward_s: u64,
}

impl Stage {
    /// Makes keys and configuration, and starts every role as a process of its own.
    pub async fn start(dir: &Path, json: bool, reports: usize) -> Result<Self, CliError> {
        let roles = dir.join("roles");
        let ports = free_ports()?;
        let made = init::demo(&roles, "Tabir demo", &ports)?;
        std::fs::copy(&made.trust, dir.join("trust.json")).map_err(|e| CliError::File(made.trust.clone(), e))?;
        let trust = Arc::new(load_trust(&made.trust)?);
        let proxy = Proxy::start(ports.desk).await?;
        let clock = Clock::system();
        let mut stage = Self {
            dir: dir.to_owned(),
            processes: Processes::new(&roles),
            roles,
            ports,
            proxy,
            steps: Steps::new(json),
            trust,
            auditors: made.auditors,
            http: Client::new(clock.clone()),
            clock,
            forward_s: Profile::Demo.values().forward_s.max(reports as u64 / REPORTS_PER_S),
        };
        stage.use_proxy()?;
        for role in ROLES {
            let port = stage.port(role);
            let pid = stage.processes.start(role, port).await?;
            let words = port.map_or(format!("process {pid}, no port"), |p| format!("process {pid}, port {p}"));
            stage.steps.say(
                "start",
                true,
                &json!({"role": role, "pid": pid, "port": port}),
                &format!("{role}: {words}"),
            );
        }
        Ok(stage)
    }

    /// The forwarder's downstream is the proxy.
    fn use_proxy(&self) -> Result<(), CliError> {
        let mut configs = layout::demo(&self.ports);
        let config = configs.iter_mut().find(|(role, _)| *role == "forwarder").map(|(_, c)| c);
        let forwarder = config.and_then(|c| Some((c.roles.forwarder.as_mut()?.downstream.clone(), c)));
        let Some((url, config)) = forwarder else { return Err(CliError::Failed("no forwarder".into())) };
        if let Some(f) = &mut config.roles.forwarder {
            f.downstream = url.replace(&format!(":{}", self.ports.desk), &format!(":{}", self.proxy.port));
        }
        let text = toml::to_string_pretty(&*config).map_err(|e| CliError::Failed(e.to_string()))?;
        crate::cli::write(&self.roles.join("forwarder/tabir.toml"), text.as_bytes())
    }

    fn port(&self, role: &str) -> Option<u16> {
        match role {
            "log" => Some(self.ports.log),
            "issuer" => Some(self.ports.issuer),
            "gateway" => Some(self.ports.gateway),
            "council" => Some(self.ports.council),
            "desk" => Some(self.ports.desk),
            "form" => Some(self.ports.form),
            _ => None,
        }
    }

    /// The gateway's address.
    #[must_use]
    pub fn server(&self) -> String {
        format!("http://127.0.0.1:{}", self.ports.gateway)
    }

    /// The officials' board.
    #[must_use]
    pub fn board(&self) -> String {
        format!("http://127.0.0.1:{}", self.ports.council)
    }

    /// The form for browsers that run no script.
    #[must_use]
    pub fn form(&self) -> String {
        format!("http://127.0.0.1:{}{}", self.ports.form, crate::form::BASE)
    }

    /// The desk's GeoReport endpoint, not through the proxy.
    #[must_use]
    pub fn desk(&self) -> String {
        format!("http://127.0.0.1:{}/open311/v2", self.ports.desk)
    }

    /// A configuration file.
    #[must_use]
    pub fn config(&self, role: &str) -> String {
        self.roles.join(role).join("tabir.toml").display().to_string()
    }

    /// What a citizen's device knows now.
    pub async fn session(&self) -> Result<Session, CliError> {
        Ok(self.session_with_log().await?.0)
    }

    /// The same, with the governance log that it read.
    pub async fn session_with_log(&self) -> Result<(Session, Growth), CliError> {
        let (http, clock, trust) = (self.http.clone(), self.clock.clone(), Arc::clone(&self.trust));
        Ok(Session::open_with_log(http, clock, trust, &self.server(), None).await?)
    }

    /// How long after a deadline the audit judges by it.
    #[must_use]
    pub const fn grace_s(&self) -> u64 {
        self.forward_s / 2
    }

    /// Seconds that a report may take to its place in the log: its window, its deadline, and the audit's grace.
    #[must_use]
    pub fn settle_s(&self) -> u64 {
        Profile::Demo.values().window_s + self.forward_s + self.grace_s()
    }
}

/// Looks until something is there. Error: not within `seconds`.
pub async fn until<T, F>(what: &str, seconds: u64, mut look: impl FnMut() -> F) -> Result<T, CliError>
where
    F: Future<Output = Result<Option<T>, CliError>>,
{
    let deadline = tokio::time::Instant::now() + Duration::from_secs(seconds);
    loop {
        if let Some(found) = look().await? {
            return Ok(found);
        }
        if tokio::time::Instant::now() > deadline {
            return Err(CliError::Failed(format!("{what}: not within {seconds} seconds")));
        }
        tokio::time::sleep(LOOK).await;
    }
}
