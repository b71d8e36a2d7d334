//! `tabir warden lift-fork`: a person takes away the mark of a log that showed two histories.

use std::path::PathBuf;

use tabir_crypto::codec::b64;
use tabir_crypto::trust::root::LogName;

use super::CliError;
use super::official::ask;
use super::warden::open;

/// So much of a root is typed: as much as of a statement's hash.
const TYPED: usize = 8;

/// Arguments of `tabir warden lift-fork`.
#[derive(clap::Args)]
pub struct Args {
    /// Configuration of the warden's process
    #[arg(long, value_name = "FILE", default_value = "tabir.toml")]
    config: PathBuf,
    /// Which log
    #[arg(long, value_parser = log)]
    log: LogName,
    /// The beginning of the root at this warden's size, as an auditor read it to you; without it, it is asked for
    #[arg(long, value_name = "ROOT")]
    expect: Option<String>,
}

fn log(text: &str) -> Result<LogName, String> {
    LogName::ALL.into_iter().find(|l| l.as_str() == text).ok_or_else(|| "governance or intake".into())
}

/// Shows where this warden stands, and lifts the mark if an auditor's copy of the log is at the same root.
pub(super) async fn run(args: &Args) -> Result<(), CliError> {
    let (warden, _running) = open(&args.config).await?;
    let name = args.log.as_str();
    let head = warden.store().head(args.log).await?;
    if !head.forked {
        return Err(CliError::Failed(format!("the {name} log has no mark: nothing was changed")));
    }
    let root = b64(&head.tree.root);
    println!("The {name} log showed two histories. This warden stands at");
    println!("  size  {}", head.tree.size);
    println!("and keeps that history: after the mark is gone it cosigns only what extends it, and marks the log again");
    println!(
        "as soon as it shows another. So first find out what happened, and let an auditor look into his copy of the"
    );
    println!("log (`tabir audit fetch`): the third line of checkpoints/{} there is the root.", head.tree.size);
    let question = format!("Type the first {TYPED} characters of that root, as the auditor reads it to you: ");
    let typed = match &args.expect {
        Some(typed) => typed.clone(),
        None => ask(&question, "--expect ROOT")?,
    };
    if typed.len() < TYPED || !root.starts_with(&typed) {
        let other = "that is not this warden's root: the auditor's copy has another history. Nothing was changed";
        return Err(CliError::Failed(other.into()));
    }
    if !warden.lift_fork(args.log).await? {
        return Err(CliError::Failed("the mark went meanwhile: nothing was changed".into()));
    }
    println!("The mark is gone. Write down who asked for it and why.");
    Ok(())
}
