//! `tabir audit fetch|verify|opening`: copy both logs and check everything offline, or check a reporter's proofs of an
//! opening.

use std::path::PathBuf;

use serde_json::json;
use tabir_crypto::statement::value::Hour;
use tabir_crypto::trust::audit::Check;

use super::connect::{Connect, load_trust};
use super::words::{self, Language};
use super::{CliError, openings};
use crate::client::audit::{self, CheckLine};
use crate::client::opening::bundle;

/// `tabir audit`.
#[derive(clap::Subcommand)]
pub enum Command {
    /// Copy both logs into a folder, or bring a copy up to date
    #[command(after_help = "Example: tabir audit fetch --server URL --trust trust.json ./log")]
    Fetch(Fetch),
    /// Check a copy offline: trees, signatures, keys, openings, windows
    #[command(
        after_help = "Example: tabir audit verify ./log --trust trust.json\nExit code 3: at least one check failed, each is named."
    )]
    Verify(Verify),
    /// Check a folder of proofs that `tabir follow --proof` made; offline
    #[command(after_help = "Example: tabir audit opening ./proof --trust trust.json")]
    Opening(CheckOpening),
}

/// Arguments of `tabir audit opening`.
#[derive(clap::Args)]
pub struct CheckOpening {
    /// The folder
    dir: PathBuf,
    /// The trust root
    #[arg(long, value_name = "FILE")]
    trust: PathBuf,
    /// Language (that of your system if not given)
    #[arg(long, value_enum)]
    language: Option<Language>,
    /// One line of JSON
    #[arg(long)]
    json: bool,
}

/// Arguments of `tabir audit fetch`.
#[derive(clap::Args)]
pub struct Fetch {
    #[command(flatten)]
    connect: Connect,
    /// Folder of the copy
    dir: PathBuf,
}

/// Arguments of `tabir audit verify`.
#[derive(clap::Args)]
pub struct Verify {
    /// Folder of the copy
    dir: PathBuf,
    /// The trust root
    #[arg(long, value_name = "FILE")]
    trust: PathBuf,
    /// One line of JSON
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub async fn run(command: Command) -> Result<(), CliError> {
    match command {
        Command::Fetch(args) => {
            let session = args.connect.session().await?;
            let [governance, intake] =
                audit::fetch(&session.trust, &session.http, &session.services.log, &args.dir).await?;
            println!("{}: governance {} entries, intake {} entries.", args.dir.display(), governance.size, intake.size);
            println!("Next: tabir audit verify {} --trust {}", args.dir.display(), args.connect.trust.display());
            Ok(())
        }
        Command::Verify(args) => verify(&args).await,
        Command::Opening(args) => opening(&args),
    }
}

/// A check in words: its name, and for a failure what, where and in which log.
#[must_use]
pub fn describe(c: &Check) -> String {
    let code = c.code.map(|c| format!(": {c}")).unwrap_or_default();
    let place = c.window.map(|w| format!(", window {w}")).unwrap_or_default();
    let entry = c.entry.map(|e| format!(", entry {e}")).unwrap_or_default();
    let log = c.log.map(|l| format!(" in the {} log", l.as_str())).unwrap_or_default();
    format!("{}{code}{place}{entry}{log}", c.name)
}

async fn verify(args: &Verify) -> Result<(), CliError> {
    let verdict = audit::verify(&load_trust(&args.trust)?, &args.dir).await?;
    let failed = verdict.failed().count();
    if args.json {
        let checks: Vec<CheckLine<'_>> = verdict.checks.iter().map(CheckLine::from).collect();
        println!("{}", json!({"ok": failed == 0, "entries": verdict.entries, "checks": checks}));
    } else {
        for c in &verdict.checks {
            println!("{} {}", if c.ok { "ok    " } else { "FAILED" }, describe(c));
        }
        println!("{} entries, {} checks, {failed} failed.", verdict.entries, verdict.checks.len());
    }
    if failed == 0 { Ok(()) } else { Err(CliError::Audit(format!("the audit found {failed} failure(s)"))) }
}

fn opening(args: &CheckOpening) -> Result<(), CliError> {
    let checked = bundle::check(&args.dir, &load_trust(&args.trust)?).map_err(|error| match error.code() {
        // Something is there and not right: that is a finding, and the file is named.
        Some(_) => CliError::Audit(error.to_string()),
        None => CliError::Failed(error.to_string()),
    })?;
    let (l, codes) = (Language::or_environment(args.language), checked.state.policy().map(|p| &p.codes));
    if args.json {
        let log = json!({"size": checked.head.size, "witnessed": Hour::of(checked.witnessed)});
        let found = openings::to_json(&checked.openings, codes);
        println!("{}", json!({"ok": true, "openings": found, "log": log, "one_case": checked.one_case}));
        return Ok(());
    }
    openings::show(l, &checked.openings, codes);
    let (count, entries) = (checked.openings.len(), checked.entries.len());
    println!("{}", words::checked(l, count, entries, checked.witnessed, checked.one_case));
    Ok(())
}
