//! `tabir demo`: every role but relay and facade as a process of its own on loopback, real tickets through the real protocol.
//!
//! ```text
//! start → council → tokens → reports → forward → answer, rating, dispute → no_warden_refused → alone_refused → open
//!       → notice_found → drop → audit → canary
//! ```
//! Nothing is simulated: citizens, officers, officials and auditors use what anybody would use, over HTTP and by the
//! commands of this binary. The faults (lost answers, a deleted row) are made from outside.

mod attacks;
mod canary;
mod deliver;
mod establish;
mod open;
mod play;
pub mod ports;
pub mod processes;
mod proxy;
mod stage;
mod steps;
mod talk;
mod tickets;
mod verify;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use super::CliError;
use super::desk::Desk;
use super::init::files::fresh_folder;
use super::serve::asked_to_end;
use crate::config::keys::{read_private, write_private};
use play::Citizen;
use stage::Stage;
use tickets::Ticket;

/// Arguments of `tabir demo`.
#[derive(clap::Args)]
#[command(
    after_help = "Example: tabir demo\n         tabir demo --once --json --reports tickets.jsonl --identity-every 20 --keep ./kept"
)]
pub struct Args {
    /// End after the last step instead of staying up; exit code 0 only if every step was ok
    #[arg(long)]
    once: bool,
    /// Tickets, one JSON object a line, instead of the bundled 100
    #[arg(long, value_name = "FILE")]
    reports: Option<PathBuf>,
    /// Every N-th citizen gives an identity
    #[arg(long, value_name = "N", default_value = "10", value_parser = clap::value_parser!(u32).range(1..))]
    identity_every: u32,
    /// Leave everything in this new folder
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
    /// One line of JSON a step
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub async fn run(args: Args) -> Result<(), CliError> {
    let tickets = tickets::load(args.reports.as_deref())?;
    let temporary = match &args.keep {
        Some(_) => None,
        None => Some(tempfile::tempdir().map_err(|e| CliError::Failed(format!("temporary folder: {e}")))?),
    };
    let dir =
        args.keep.as_deref().or(temporary.as_ref().map(tempfile::TempDir::path)).unwrap_or_else(|| Path::new("."));
    if args.keep.is_some() {
        fresh_folder(dir)?;
    }
    let mut stage = Stage::start(dir, args.json, tickets.len()).await?;
    let played = tokio::select! {
        played = play(&mut stage, &tickets, args.identity_every as usize) => played,
        () = interrupted() => Err(CliError::Failed("stopped; everything was ended".into())),
    };
    let citizens = match played {
        Ok(citizens) => citizens,
        Err(error) => {
            stage.processes.stop_all().await?;
            return Err(error);
        }
    };
    if args.keep.is_some() {
        keep(dir, &citizens)?;
    }
    if !args.once {
        stay(&stage, &citizens).await?;
    }
    stage.processes.stop_all().await?;
    match stage.steps.failed() {
        0 => Ok(()),
        failed => Err(CliError::Failed(format!("{failed} step(s) of the demo failed"))),
    }
}

async fn play(stage: &mut Stage, tickets: &[Ticket], named_every: usize) -> Result<Vec<Citizen>, CliError> {
    let officials = establish::establish(stage, tickets::categories(tickets)?).await?;

    let vouchers = vouchers(stage, play::vouchers_for(tickets.len())).await?;
    let session = Arc::new(stage.session().await?);
    stage.proxy.cut_next(deliver::CUTS);
    let bar = bar(tickets.len());
    let citizens =
        play::report_all(&session, tickets, vouchers, named_every, |done| bar.set_position(done as u64)).await?;
    bar.finish_and_clear();
    let sent = citizens.len();
    stage.steps.say(
        "tokens",
        sent == tickets.len(),
        &json!({"issued": sent}),
        &format!("{sent} blind tokens, by voucher and by puzzle"),
    );
    let words = format!("{sent} reports sealed on their authors' devices and accepted");
    stage.steps.say("reports", sent == tickets.len(), &json!({"sent": tickets.len(), "accepted": sent}), &words);

    let officer = read_private(&stage.roles.join("desk/officer.key"))?;
    let desk = Desk::new(stage.http.clone(), &stage.desk(), &officer);
    deliver::forward(stage, &desk, &citizens).await?;
    let first = tickets.first().ok_or_else(|| CliError::Failed("no tickets".into()))?;
    let dropped = deliver::drop_one(stage, first).await?;
    talk::talk(stage, &desk, &citizens).await?;
    let shares = open::open(stage, &officials, &citizens).await?;
    verify::audit(stage, &citizens, &dropped).await?;
    verify::search(stage, &citizens, shares)?;
    Ok(citizens)
}

async fn vouchers(stage: &Stage, count: usize) -> Result<Vec<String>, CliError> {
    if count == 0 {
        return Ok(Vec::new());
    }
    let config = stage.config("issuer");
    let said = processes::run(&["voucher", "mint", "--count", &count.to_string(), "--config", &config]).await?;
    Ok(said.lines().map(ToOwned::to_owned).collect())
}

/// Only where somebody watches: on a terminal.
fn bar(count: usize) -> ProgressBar {
    let style = ProgressStyle::with_template("                 {bar:40} {pos}/{len} reports").ok();
    let bar = ProgressBar::new(count as u64);
    style.map_or_else(|| bar.clone(), |s| bar.clone().with_style(s))
}

/// Receipts and identities, apart from the roles.
fn keep(dir: &Path, citizens: &[Citizen]) -> Result<(), CliError> {
    let line = |c: &Citizen| {
        let receipt = c.receipt.text();
        format!("{}\n", json!({"reference": c.reference, "receipt": receipt.expose(), "identity": c.identity}))
    };
    let text: String = citizens.iter().map(line).collect();
    write_private(&dir.join("citizens.jsonl"), text.as_bytes())?;
    Ok(())
}

/// Prints what to try in a second terminal, and waits for Ctrl-C.
async fn stay(stage: &Stage, citizens: &[Citizen]) -> Result<(), CliError> {
    let (server, trust) = (stage.server(), stage.dir.join("trust.json"));
    let receipt = stage.dir.join("receipt.txt");
    if let Some(citizen) = citizens.first() {
        write_private(&receipt, citizen.receipt.text().expose().as_bytes())?;
    }
    let program = processes::program()?;
    let (tabir, trust, receipt) = (program.display(), trust.display(), receipt.display());
    println!("\nEverything stays up until Ctrl-C, then it is erased.\n\nThe reporter's page: {server}/");
    println!("Without JavaScript:  {}\n", stage.form());
    println!("To try in a second terminal:\n");
    println!("export TABIR_SERVER={server} TABIR_TRUST={trust}");
    println!("{tabir} follow --receipt {receipt} --prove");
    println!("echo 'The officer asked for money.' | {tabir} report --category bribery --text -");
    println!("{tabir} desk --server {} --key {} list", stage.desk(), stage.roles.join("desk/officer.key").display());
    println!("{tabir} audit fetch {0} && {tabir} audit verify {0} --trust {trust}", stage.dir.join("log").display());
    interrupted().await;
    Ok(())
}

/// Ctrl-C, a termination signal, or the terminal's end: the roles, for which a SIGHUP means something else, end with this.
async fn interrupted() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::hangup()) {
        Ok(mut hangup) => tokio::select! {
            _ = hangup.recv() => {}
            () = asked_to_end() => {}
        },
        Err(_) => asked_to_end().await,
    }
}
