//! `tabir audit opening`: check a reporter's proofs of an opening, offline.

use std::path::PathBuf;

use serde_json::json;
use tabir_crypto::statement::value::Hour;

use crate::cli::connect::load_trust;
use crate::cli::{CliError, openings};
use crate::client::opening::bundle;
use crate::words::{self, Language};

/// Arguments of `tabir audit opening`.
#[derive(clap::Args)]
pub struct Args {
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

/// Runs the command.
pub fn run(args: &Args) -> Result<(), CliError> {
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
