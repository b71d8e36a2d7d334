//! `tabir serve`: runs the roles of a configuration until Ctrl-C or a termination signal.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tabir_crypto::statement::body::Role;
use tabir_crypto::trust::root::LogName;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::CliError;
use super::connect::load_trust;
use crate::clock::Clock;
use crate::config::check::{self, Level};
use crate::config::{Config, Setup, roles::Roles, trust_file};
use crate::http::{Client, Parts, server};
use crate::ledger::{self, Ledger};

/// Arguments of `tabir serve`.
#[derive(clap::Args)]
#[command(after_help = "Example: tabir serve --config /etc/tabir/tabir.toml --role issuer")]
pub struct Args {
    /// The configuration of this process
    #[arg(long, default_value = "tabir.toml", value_name = "FILE")]
    config: PathBuf,
    /// Run only this role of it
    #[arg(long, value_enum)]
    role: Option<RoleArg>,
}

/// `--role`.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
#[allow(missing_docs)]
enum RoleArg {
    Issuer,
    Gateway,
    Forwarder,
    Council,
    Log,
    Warden,
    Desk,
    Facade,
}

/// How often the governance log is read, unless the log runs here with a shorter interval.
const FOLLOW: Duration = Duration::from_secs(10);
/// A demo's windows are seconds long.
const FOLLOW_DEMO: Duration = Duration::from_millis(300);

/// Runs the command.
pub async fn run(args: Args) -> Result<(), CliError> {
    let config = load(&args.config, |roles| match args.role {
        Some(role) => only(roles, role),
        None => roles,
    })?;
    until_ended(&config).await
}

/// Reads a configuration after everything about it was looked over. Error: all that is wrong with it, and nothing was
/// started. What only wants a look is said, and does not hold the start up.
pub(super) fn load(file: &Path, keep: impl FnOnce(Roles) -> Roles) -> Result<Config, CliError> {
    let checked = check::check(file, keep)?;
    let taken = check::taken(&checked);
    let (wrong, look): (Vec<_>, Vec<_>) =
        checked.findings.iter().chain(&taken).partition(|finding| finding.level == Level::Error);
    for finding in look {
        tracing::warn!(place = %finding.place, todo = %finding.todo, "{}", finding.found);
    }
    match checked.config {
        Some(config) if wrong.is_empty() => Ok(config),
        _ => {
            let lines: Vec<String> = wrong.iter().map(|finding| format!("  {finding}")).collect();
            let count = lines.len();
            Err(CliError::Failed(format!("nothing was started, {count} to mend:\n{}", lines.join("\n"))))
        }
    }
}

/// Runs a configuration until this process is asked to end, or something of it fails.
pub(super) async fn until_ended(config: &Config) -> Result<(), CliError> {
    let (stop, stopped) = watch::channel(false);
    run_all(start(config, stopped).await?, &stop).await
}

/// Lets tasks run until the process is asked to end, or one of them fails; then waits for all to end.
pub(super) async fn run_all(
    mut tasks: JoinSet<std::io::Result<()>>,
    stop: &watch::Sender<bool>,
) -> Result<(), CliError> {
    tracing::info!("running");
    let failed = tokio::select! {
        () = asked_to_end() => None,
        failed = first_failure(&mut tasks) => failed,
    };
    // The receiver side may be gone already; then there is nobody to tell.
    let _ = stop.send(true);
    while tasks.join_next().await.is_some() {}
    failed.map_or(Ok(()), |error| Err(CliError::Failed(error)))
}

/// Work that ends well has done what it was for; what fails, or breaks, ends the process.
async fn first_failure(tasks: &mut JoinSet<std::io::Result<()>>) -> Option<String> {
    while let Some(ended) = tasks.join_next().await {
        match ended {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return Some(error.to_string()),
            Err(error) => return Some(error.to_string()),
        }
    }
    None
}

/// Ctrl-C, or a termination signal.
pub(super) async fn asked_to_end() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => tokio::select! {
            _ = terminate.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
        },
        Err(_) => {
            let _ = tokio::signal::ctrl_c().await;
        }
    }
}

fn only(all: Roles, role: RoleArg) -> Roles {
    let mut one = Roles::default();
    match role {
        RoleArg::Issuer => one.issuer = all.issuer,
        RoleArg::Gateway => one.gateway = all.gateway,
        RoleArg::Forwarder => one.forwarder = all.forwarder,
        RoleArg::Council => one.council = all.council,
        RoleArg::Log => one.log = all.log,
        RoleArg::Warden => one.warden = all.warden,
        RoleArg::Desk => one.desk = all.desk,
        RoleArg::Facade => one.facade = all.facade,
    }
    one
}

/// Opens every role's store, then the listeners, then answers. The tasks end when `stop` becomes true.
pub async fn start(config: &Config, stop: watch::Receiver<bool>) -> Result<JoinSet<std::io::Result<()>>, CliError> {
    let clock = Clock::system();
    let trust = Arc::new(load_trust(&config.trust)?);
    if trust.first().root().previous.is_some() {
        let missing = trust_file::beside(&config.trust, trust.first().root().version.saturating_sub(1));
        return Err(CliError::Failed(format!("{} is missing: without it the log can't be read", missing.display())));
    }
    let client = Client::new(clock.clone());
    let every = if trust.root().demo { FOLLOW_DEMO } else { FOLLOW };
    let reader = ledger::reader(&trust, LogName::Governance, client.clone(), &config.peers.log)?;
    let (ledger, follow) = Ledger::follow(Arc::clone(&trust), reader, every, clock.clone(), stop.clone());
    let setup = Setup { trust, clock, client, peers: config.peers.clone(), ledger, stop: stop.clone() };

    let mut parts = parts(config, &setup).await?;
    parts.push(Parts { background: vec![follow], ..Parts::default() });
    let listen = &config.listen;
    let refused = |(address, e)| CliError::Failed(format!("{address}: {e}; choose another port in [listen]"));
    server::run(parts, listen.public, listen.internal, &stop).await.map_err(refused)
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
    Ok(parts)
}
