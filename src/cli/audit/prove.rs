//! `tabir audit prove`: one file with which a third person checks an entry, or an opening with all its entries.

use std::path::PathBuf;

use serde_json::json;

use super::check::found;
use crate::cli::CliError;
use crate::cli::connect::load_trust;
use crate::client::proof_file::make::{Copy, Subject};
use crate::client::proof_file::{ProofFile, drop, entry, opening};

/// Arguments of `tabir audit prove`.
#[derive(clap::Args)]
pub struct Args {
    /// Folder of the copy
    dir: PathBuf,
    /// An entry (governance:12, intake:7), or an opening by the hash or the id of its request, or by its notice tag.
    /// No public entry names a case, so that a case reference finds nothing
    #[arg(value_name = "ENTRY|REQUEST")]
    what: String,
    /// The file to write; must not be there yet
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// The trust root
    #[arg(long, env = "TABIR_TRUST", value_name = "FILE")]
    trust: PathBuf,
    /// One line of JSON
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub async fn run(args: &Args) -> Result<(), CliError> {
    let subject: Subject =
        args.what.parse().map_err(|e: crate::client::proof_file::make::SubjectError| CliError::Usage(e.to_string()))?;
    let trust = load_trust(&args.trust)?;
    let copy = Copy::open(&trust, &args.dir).await.map_err(found)?;
    let file = copy.prove(subject).await.map_err(found)?;
    // What is handed out was checked as whoever gets it will.
    let (kind, entries) = match &file {
        ProofFile::Entry(file) => ("entry", entry::check(file, &trust).map(|c| c.proved.entries.len() + 1)),
        ProofFile::Opening(file) => ("opening", opening::check(file, &trust).map(|c| c.proved.entries.len())),
        ProofFile::Drop(file) => ("drop", drop::check(file, &trust).map(|c| c.proved.entries.len())),
    };
    let entries = entries.map_err(found)?;
    let file_error = |e| CliError::File(args.output.clone(), e);
    let mut output = std::fs::File::create_new(&args.output).map_err(file_error)?;
    std::io::Write::write_all(&mut output, &file.to_bytes()?).map_err(file_error)?;
    if args.json {
        println!("{}", json!({"v": 1, "kind": kind, "file": args.output, "entries": entries}));
    } else {
        println!("{}: {kind}, {entries} entries with their proofs.", args.output.display());
        println!("Anybody checks it: tabir audit check {} --trust trust.json", args.output.display());
    }
    Ok(())
}
