//! `tabir serve`: runs the roles of a configuration until Ctrl-C or a termination signal.
//!
//! ```text
//! SIGTERM, Ctrl-C   no further request; those that are here are answered, rounds are finished, leases given back
//! SIGHUP            reads the configuration again: all of it counts, or, with an error, nothing of it
//! ```

mod server;

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::CliError;
use crate::clock::Clock;
use crate::config::check::{self, Level};
use crate::config::{Config, roles::Roles};
use server::Server;

/// Arguments of `tabir serve`.
#[derive(clap::Args)]
#[command(after_help = "Example: tabir serve --config /etc/tabir/tabir.toml --role issuer\n\nA SIGHUP reads the file \
                        again. GET /healthz, /readyz and /metrics are on [listen] admin. TABIR_LOG=info says more, \
                        TABIR_LOG_FORMAT=json says it as JSON.")]
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
    Form,
}

/// How long work in the background may go on after the end was asked for; what is cut then is taken up at the next start.
const LAST: Duration = Duration::from_secs(9);

/// Why a configuration is read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum When {
    /// Nothing runs yet.
    Start,
    /// This process holds its ports already.
    Reload,
}

/// Reads the configuration, at the start and at each SIGHUP.
pub(super) type Load<'l> = &'l (dyn Fn(When) -> Result<Config, CliError> + Sync);

/// Runs the command.
pub async fn run(args: Args) -> Result<(), CliError> {
    let keep = |roles| match args.role {
        Some(role) => only(roles, role),
        None => roles,
    };
    until_ended(&|when| load(&args.config, when, keep)).await
}

/// Reads a configuration after everything about it was looked over. Error: all that is wrong with it, and nothing was
/// started. What only wants a look is said, and does not hold the start up.
pub(super) fn load(file: &Path, when: When, keep: impl FnOnce(Roles) -> Roles) -> Result<Config, CliError> {
    let checked = check::check(file, keep)?;
    let taken = if when == When::Start { check::taken(&checked) } else { Vec::new() };
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
pub(super) async fn until_ended(load: Load<'_>) -> Result<(), CliError> {
    // From here on a SIGHUP ends nothing.
    let mut hangups = signal(SignalKind::hangup()).map_err(|e| CliError::Failed(format!("signals: {e}")))?;
    let mut server = Server::start(load(When::Start)?, Clock::system()).await?;
    tracing::info!("running");
    let end = asked_to_end();
    tokio::pin!(end);
    let ended = loop {
        tokio::select! {
            () = &mut end => break Ok(()),
            failed = server.failure() => break Err(CliError::Failed(failed)),
            () = asked_to_reload(&mut hangups) => match server.reload(load).await {
                Ok(None) => tracing::warn!("the configuration was read again"),
                Ok(Some(error)) => tracing::error!(%error, "the configuration was not taken over; the one before runs on"),
                Err(error) => break Err(error),
            }
        }
    };
    server.end().await;
    ended
}

/// Opens every role's store, then the listeners, then answers. The tasks end when `stop` becomes true.
pub async fn start(config: &Config, stop: watch::Receiver<bool>) -> Result<JoinSet<std::io::Result<()>>, CliError> {
    start_at(config, Clock::system(), stop).await
}

/// As [`start`], by another clock than the machine's.
pub async fn start_at(
    config: &Config,
    clock: Clock,
    mut stop: watch::Receiver<bool>,
) -> Result<JoinSet<std::io::Result<()>>, CliError> {
    let mut server = Server::start(config.clone(), clock).await?;
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let failed = tokio::select! {
            () = async { drop(stop.wait_for(|s| *s).await) } => None,
            failed = server.failure() => Some(failed),
        };
        server.end().await;
        failed.map_or(Ok(()), |failed| Err(std::io::Error::other(failed)))
    });
    Ok(tasks)
}

/// Lets tasks run until the process is asked to end, or one of them fails; then waits for all to end.
pub(super) async fn run_all(
    mut tasks: JoinSet<std::io::Result<()>>,
    stop: &watch::Sender<bool>,
) -> Result<(), CliError> {
    tracing::info!("running");
    let failed = tokio::select! {
        () = asked_to_end() => None,
        failed = first_failure(&mut tasks) => Some(failed),
    };
    // The receiver side may be gone already; then there is nobody to tell.
    let _ = stop.send(true);
    wind_down(&mut tasks).await;
    failed.map_or(Ok(()), |error| Err(CliError::Failed(error)))
}

/// Waits until all have ended, and ends those that do not.
async fn wind_down(tasks: &mut JoinSet<std::io::Result<()>>) {
    let ended = tokio::time::timeout(LAST, async { while tasks.join_next().await.is_some() {} }).await;
    if ended.is_err() {
        tracing::warn!(tasks = tasks.len(), "cut at the end");
        tasks.shutdown().await;
    }
}

/// Work that ends well has done what it was for; what fails, or breaks, ends the process.
async fn first_failure(tasks: &mut JoinSet<std::io::Result<()>>) -> String {
    loop {
        match tasks.join_next().await {
            Some(Ok(Ok(()))) => {}
            Some(Ok(Err(error))) => return error.to_string(),
            Some(Err(error)) => return error.to_string(),
            None => return std::future::pending().await,
        }
    }
}

/// Ctrl-C, or a termination signal.
pub(super) async fn asked_to_end() {
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

async fn asked_to_reload(hangups: &mut Signal) {
    if hangups.recv().await.is_none() {
        std::future::pending().await
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
        RoleArg::Form => one.form = all.form,
    }
    one
}
