//! `tabir audit list`: every opening of a copy, with the chain of its entries.

use std::path::PathBuf;

use serde_json::{Value, json};
use tabir_crypto::statement::value::Hour;

use super::words::list as list_words;
use super::{describe, readable_or, say};
use crate::cli::connect::load_trust;
use crate::cli::{CliError, openings};
use crate::client::ClientError;
use crate::client::audit::{self, CheckLine};
use crate::client::audit_openings::{self, Asked};
use crate::client::audit_period::Period;
use crate::words::Language;

/// Arguments of `tabir audit list`.
#[derive(clap::Args)]
pub struct Args {
    /// Folder of the copy
    dir: PathBuf,
    /// The trust root
    #[arg(long, env = "TABIR_TRUST", value_name = "FILE")]
    trust: PathBuf,
    #[command(flatten)]
    period: Period,
    /// Only those in this state: requested, approved, released, opened, failed, declined, withdrawn, refused, expired, void,
    /// lapsed
    #[arg(long, value_name = "STATE")]
    status: Option<String>,
    /// Only those to the council with this fingerprint, or a beginning of it
    #[arg(long, value_name = "FINGERPRINT")]
    council: Option<String>,
    /// Only those with this code as legal basis or reason
    #[arg(long, value_name = "CODE")]
    code: Option<String>,
    /// In which order
    #[arg(long, value_enum, default_value = "time")]
    by: Order,
    /// Language (that of your system if not given)
    #[arg(long, value_enum)]
    language: Option<Language>,
    /// One line of JSON
    #[arg(long)]
    json: bool,
}

/// `--by`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Order {
    /// By witnessed time
    Time,
    /// By the body that was asked, then by time
    Council,
    /// By the reason's code, then by time
    Reason,
}

impl Args {
    fn takes(&self, asked: &Asked) -> bool {
        let opening = &asked.opening;
        self.period.holds(asked.at)
            && self.status.as_ref().is_none_or(|s| opening.status.as_str() == s)
            && self.council.as_ref().is_none_or(|c| opening.fingerprint.starts_with(c.as_str()))
            && self.code.as_ref().is_none_or(|c| asked.legal_basis == *c || asked.reason == *c)
    }
}

/// Runs the command.
pub async fn run(args: &Args) -> Result<(), CliError> {
    let (l, trust) = (Language::or_environment(args.language), load_trust(&args.trust)?);
    let verdict = audit::verify_governance(&trust, &args.dir).await?;
    readable_or(&verdict, args.json)?;
    let log = audit_openings::read(&trust, &args.dir).await.map_err(ClientError::from)?;
    let mut found = audit_openings::all(&trust, &verdict, &log)?;
    let all = found.len();
    found.retain(|asked| args.takes(asked));
    match args.by {
        Order::Time => {}
        Order::Council => found.sort_by(|a, b| a.opening.fingerprint.cmp(&b.opening.fingerprint)),
        Order::Reason => found.sort_by(|a, b| a.reason.cmp(&b.reason)),
    }
    let codes = verdict.state.policy().map(|p| &p.codes);
    let failed = verdict.failed().count();
    if args.json {
        let one = |asked: &Asked| {
            let mut value = openings::to_json(std::slice::from_ref(&asked.opening), codes).get_mut(0).map(Value::take);
            if let Some(fields) = value.as_mut().and_then(Value::as_object_mut) {
                fields.insert("entry".into(), asked.entry.into());
                fields.insert("at".into(), json!(Hour::of(asked.at)));
            }
            value
        };
        let list: Vec<_> = found.iter().map(one).collect();
        let failures: Vec<_> = verdict.failed().map(CheckLine::from).collect();
        let until = json!({"size": verdict.entries, "witnessed": Hour::of(verdict.now)});
        let (ok, v) = (failed == 0, 1);
        let line = json!({"v": v, "ok": ok, "openings": list, "of": all, "failed": failures, "until": until});
        say(&[line.to_string()]);
    } else {
        let mut lines: Vec<_> = found.iter().flat_map(|asked| list_words::lines(l, asked, codes)).collect();
        lines.push(list_words::total(l, found.len(), all, verdict.entries, verdict.now));
        lines.extend(verdict.failed().map(|check| format!("FAILED {}", describe(check))));
        say(&lines);
    }
    if failed == 0 { Ok(()) } else { Err(CliError::Audit(list_words::failed(l, failed))) }
}
