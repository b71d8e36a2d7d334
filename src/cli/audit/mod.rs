//! `tabir audit`: copy both logs and check everything offline. One file a command.

mod check;
mod compare;
mod erased;
mod fetch;
mod list;
mod monitor;
mod opening;
mod page;
mod progress;
mod prove;
mod report;
mod verify;
mod words;

pub use progress::lines;
pub use verify::describe;

use std::io::Write as _;

use super::CliError;
use crate::client::audit::{CheckLine, Verdict};
use crate::client::audit_openings::readable;

/// `tabir audit`.
#[derive(clap::Subcommand)]
pub enum Command {
    /// Copy both logs into a folder, or bring a copy up to date
    #[command(after_help = "Example: tabir audit fetch --server URL --trust trust.json ./log")]
    Fetch(fetch::Args),
    /// Check a copy offline: trees, signatures, keys, openings, windows
    #[command(
        after_help = "Example: tabir audit verify ./log --trust trust.json\nExit code 3: at least one check failed, each is named."
    )]
    Verify(verify::Args),
    /// List the openings of a copy, each with the chain of its entries; offline
    #[command(
        after_help = "Example: tabir audit list ./log --trust trust.json --from 2026-01-01 --by reason\nExit code 3: the governance log of the copy fails a check."
    )]
    List(list::Args),
    /// Say what a copy tells about a period: openings, officials, late windows, changes of keys; offline
    #[command(
        after_help = "Example: tabir audit report ./log --trust trust.json --from 2026-01-01 --to 2026-03-31 --format html -o report.html\nExit code 3: at least one check failed, the report names it."
    )]
    Report(report::Args),
    /// Write one file that proves an entry, or an opening with all its entries, to anybody
    #[command(
        after_help = "Example: tabir audit prove ./log governance:12 -o proof.json --trust trust.json\nExit code 3: the copy does not show it, or is not right."
    )]
    Prove(prove::Args),
    /// Check a file of proofs, whatever it shows; offline
    #[command(
        after_help = "Example: tabir audit check drop.json --trust trust.json --log ./log\nExit code 3: something in it is not right, or the rules do not take what it shows."
    )]
    Check(check::Args),
    /// Compare a copy with what somebody else was shown of the same logs: two histories are proof against the log
    #[command(
        after_help = "Example: tabir audit compare ./log --with ./log-of-the-other-auditor --trust trust.json\n         \
                      tabir audit compare ./log --with https://lapor.kota.example --trust trust.json\nExit code 3: a log has two histories; both signed checkpoints are printed."
    )]
    Compare(compare::Args),
    /// Ask the gateway for what stands behind an erasure that a reporter disputes, by her file
    #[command(
        after_help = "Example: tabir audit erased drop.json --server URL --trust trust.json\nExit code 3: the gateway can't show it, or what it shows is not the author's word."
    )]
    Erased(erased::Args),
    /// Watch both logs, and tell each alarm once: forks, stale checkpoints, failed checks, releases, new keys and councils
    #[command(
        after_help = "Example: tabir audit monitor --log URL --trust trust.json ./watch --metrics 127.0.0.1:8081\nExit codes with --once: 3 something is wrong or new; 4 a log can't be reached."
    )]
    Monitor(monitor::Args),
    /// Check a folder of proofs that `tabir follow --proof` made; offline
    #[command(after_help = "Example: tabir audit opening ./proof --trust trust.json")]
    Opening(opening::Args),
    /// Compare the page that a site serves with the one that auditors signed in the governance log
    #[command(
        after_help = "Example: tabir audit page https://lapor.kota.example --server https://lapor.kota.example --trust trust.json\nExit code 3: it serves another one, or none was signed."
    )]
    Page(page::Args),
}

/// Writes lines to standard output, all at once. A pipe that was closed has read enough.
fn say(lines: &[String]) {
    let mut text = lines.join("\n");
    text.push('\n');
    drop(std::io::stdout().lock().write_all(text.as_bytes()));
}

/// Refuses to say more of a copy whose governance log can't be believed; what failed is said.
fn readable_or(verdict: &Verdict, json: bool) -> Result<(), CliError> {
    if readable(verdict) {
        return Ok(());
    }
    if json {
        let failed: Vec<_> = verdict.failed().map(CheckLine::from).collect();
        println!("{}", serde_json::json!({"v": 1, "ok": false, "failed": failed}));
    } else {
        verdict.failed().for_each(|check| println!("FAILED {}", describe(check)));
    }
    Err(CliError::Audit("the governance log of this copy can't be believed".into()))
}

/// Runs the command.
pub async fn run(command: Command) -> Result<(), CliError> {
    match command {
        Command::Fetch(args) => fetch::run(&args).await,
        Command::Verify(args) => verify::run(&args).await,
        Command::List(args) => list::run(&args).await,
        Command::Report(args) => report::run(&args).await,
        Command::Prove(args) => prove::run(&args).await,
        Command::Check(args) => check::run(&args).await,
        Command::Compare(args) => compare::run(&args).await,
        Command::Erased(args) => erased::run(&args).await,
        Command::Monitor(args) => monitor::run(&args).await,
        Command::Opening(args) => opening::run(&args),
        Command::Page(args) => page::run(&args).await,
    }
}
