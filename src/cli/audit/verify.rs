//! `tabir audit verify`: check a copy offline.

use std::path::PathBuf;

use serde_json::json;
use tabir_crypto::trust::audit::Check;

use crate::cli::CliError;
use crate::cli::connect::load_trust;
use crate::client::audit::{self, CheckLine};

/// Arguments of `tabir audit verify`.
#[derive(clap::Args)]
pub struct Args {
    /// Folder of the copy
    dir: PathBuf,
    /// The trust root
    #[arg(long, value_name = "FILE")]
    trust: PathBuf,
    /// One line of JSON
    #[arg(long)]
    json: bool,
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

/// Runs the command.
pub async fn run(args: &Args) -> Result<(), CliError> {
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
