//! `tabir audit report`: what a copy says about a period, for people, spreadsheets and programs.
//!
//! ```text
//! audit_report::Report ──json──> stable fields
//!                      ──words─> Document (titles and tables in a language) ──> text, csv, html
//! ```

mod csv;
mod document;
mod html;
mod text;
mod words;

use std::io::Write as _;
use std::path::PathBuf;

use super::{describe, readable_or};
use crate::cli::CliError;
use crate::cli::connect::load_trust;
use crate::client::audit;
use crate::client::audit_period::Period;
use crate::client::audit_report;
use crate::words::Language;

/// Arguments of `tabir audit report`.
#[derive(clap::Args)]
pub struct Args {
    /// Folder of the copy
    dir: PathBuf,
    /// The trust root
    #[arg(long, env = "TABIR_TRUST", value_name = "FILE")]
    trust: PathBuf,
    #[command(flatten)]
    period: Period,
    /// As what
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    /// The file to write; else it goes to standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Language (that of your system if not given); JSON has none
    #[arg(long, value_enum)]
    language: Option<Language>,
}

/// `--format`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// Tables for a terminal
    Text,
    /// Stable fields for programs
    Json,
    /// Tables for a spreadsheet, one below the other
    Csv,
    /// One page to print, without scripts
    Html,
}

/// Runs the command.
pub async fn run(args: &Args) -> Result<(), CliError> {
    if args.period.is_empty() {
        return Err(CliError::Usage("--from is after --to".into()));
    }
    let (l, trust) = (Language::or_environment(args.language), load_trust(&args.trust)?);
    let verdict = audit::verify(&trust, &args.dir).await?;
    readable_or(&verdict, args.format == Format::Json)?;
    let report = audit_report::report(&trust, &args.dir, &verdict, args.period).await?;
    let codes = verdict.state.policy().map(|p| &p.codes);
    let document = || words::document(l, &report, codes);
    let written = match args.format {
        Format::Text => text::write(&document()),
        Format::Json => format!("{}\n", serde_json::to_string(&report).map_err(|e| CliError::Failed(e.to_string()))?),
        Format::Csv => csv::write(&document()),
        Format::Html => html::write(&document()),
    };
    match &args.output {
        Some(file) => crate::cli::write(file, written.as_bytes())?,
        // A pipe that was closed has read enough.
        None => drop(std::io::stdout().lock().write_all(written.as_bytes())),
    }
    match verdict.failed().count() {
        0 => Ok(()),
        failed => {
            verdict.failed().for_each(|check| eprintln!("FAILED {}", describe(check)));
            Err(CliError::Audit(words::failed(l, failed)))
        }
    }
}
