//! `tabir audit check`: check one proof file, whatever it shows; offline. Each kind says in words what it shows and what not.

use std::path::{Path, PathBuf};

use tabir_crypto::Code;

use super::say;
use super::words::entry as entry_words;
use crate::cli::connect::load_trust;
use crate::cli::{CliError, openings};
use crate::client::log_source::ReadError;
use crate::client::proof_file::{MAX_FILE, ProofFile, drop, entry, opening};
use crate::words::{self, Language};
use serde_json::json;
use tabir_crypto::log::VerifierKey;
use tabir_crypto::receipt::reference;
use tabir_crypto::statement::value::{Hex, Hour};
use tabir_crypto::trust::Trust;
use tabir_crypto::trust::fate::Verdict;

/// Arguments of `tabir audit check`.
#[derive(clap::Args)]
pub struct Args {
    /// The file
    file: PathBuf,
    /// The trust root, which you got from somebody whom you trust and not with this file
    #[arg(long, env = "TABIR_TRUST", value_name = "FILE")]
    trust: PathBuf,
    /// For what became of a report: your own copy of the logs, from `tabir audit fetch`. Without it a file can't show
    /// that something is not on record
    #[arg(long, value_name = "DIR")]
    log: Option<PathBuf>,
    /// For what became of a report: the complaint system's key, from its operator; a countersignature must be by it
    #[arg(long, value_name = "VKEY")]
    downstream: Option<String>,
    /// Language (that of your system if not given)
    #[arg(long, value_enum)]
    language: Option<Language>,
    /// One line of JSON
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub async fn run(args: &Args) -> Result<(), CliError> {
    let trust = load_trust(&args.trust)?;
    let said = Said { language: Language::or_environment(args.language), json: args.json };
    match read(&args.file)? {
        ProofFile::Entry(file) => said.entry(&entry::check(&file, &trust).map_err(found)?),
        ProofFile::Opening(file) => said.opening(&file, &trust),
        ProofFile::Drop(file) => {
            let (checked, whole) = match &args.log {
                None => (drop::check(&file, &trust).map_err(found)?, None),
                Some(dir) => {
                    let (checked, whole) = drop::check_in(&file, &trust, dir).await.map_err(found)?;
                    (checked, Some(whole))
                }
            };
            let key = args.downstream.as_deref().map(VerifierKey::parse).transpose()?;
            let by_key = key.map(|key| match &checked.countersignature {
                None => Ok(false),
                // One by another key is not the complaint system's: somebody made it up.
                Some(note) => note.verify(&key).map(|()| true),
            });
            let by_key = by_key.transpose().map_err(|e| CliError::Audit(format!("countersignature: {e}")))?;
            said.drop(&checked, whole.as_ref(), by_key)
        }
    }
}

/// Something is there and not right: that is a finding.
pub(super) fn found(error: ReadError) -> CliError {
    match error.code() {
        Some(_) => CliError::Audit(error.to_string()),
        None => CliError::Failed(error.to_string()),
    }
}

/// Reads a proof file. Errors: too long, no proof file, of a kind that this version doesn't know.
pub(super) fn read(path: &Path) -> Result<ProofFile, CliError> {
    let file_error = |e| CliError::File(path.into(), e);
    if std::fs::metadata(path).map_err(file_error)?.len() > MAX_FILE {
        return Err(CliError::Failed(format!("{}: too long for a proof", path.display())));
    }
    ProofFile::parse(&std::fs::read(path).map_err(file_error)?).map_err(|error| match error.code() {
        Code::Version => CliError::Failed(format!("{}: no kind of proof that this version knows", path.display())),
        _ => CliError::Audit(format!("{}: {error}", path.display())),
    })
}

struct Said {
    language: Language,
    json: bool,
}

impl Said {
    fn entry(&self, checked: &entry::Checked) -> Result<(), CliError> {
        let l = self.language;
        if self.json {
            let until = Hour::of(checked.proved.witnessed);
            println!(
                "{}",
                json!({
                    "v": 1, "kind": "entry", "ok": checked.refused.is_none(), "log": checked.log.as_str(),
                    "entry": checked.entry.index, "hash": Hex(checked.entry.hash), "verb": checked.verb.as_str(),
                    "witnessed": Hour::of(checked.entry.witnessed_time), "refused": checked.refused.map(Code::as_str),
                    "signers": checked.signers.iter().map(|who| entry_words::who(Language::En, who)).collect::<Vec<_>>(),
                    "until": {"size": checked.proved.size, "witnessed": until},
                })
            );
        } else {
            say(&entry_words::lines(l, checked));
        }
        match checked.refused {
            None => Ok(()),
            Some(_) => Err(CliError::Audit(entry_words::not_taken(l).into())),
        }
    }

    /// A file that is sound is no finding, whatever it says of gateway and forwarder: that is what it was made for.
    fn drop(&self, checked: &drop::Checked, whole: Option<&drop::Whole>, by_key: Option<bool>) -> Result<(), CliError> {
        if !self.json {
            say(&words::proof::checked(self.language, checked, whole, by_key));
            return Ok(());
        }
        let verdict = whole.map(|w| w.proof.verdict()).or(checked.holds);
        let (size, witnessed) =
            whole.map_or((checked.proved.size, checked.proved.witnessed), |w| (w.size, w.witnessed));
        let by = whole.map(|_| "log").or(checked.holds.map(|_| "file"));
        let line = json!({
            "v": 1, "kind": "drop", "ok": true, "verdict": verdict.map(Verdict::as_str), "by": by,
            "broken": verdict.map(Verdict::broken), "window": checked.acceptance.w,
            "case": reference(&checked.acceptance.case_id.0), "erasure_shown": checked.erasure_shown,
            "countersigned": by_key,
            "until": {"size": size, "witnessed": Hour::of(witnessed)},
        });
        say(&[line.to_string()]);
        Ok(())
    }

    fn opening(&self, file: &opening::File, trust: &Trust) -> Result<(), CliError> {
        let checked = opening::check(file, trust).map_err(found)?;
        let (l, codes) = (self.language, checked.state.policy().map(|p| &p.codes));
        let (one, proved) = (std::slice::from_ref(&checked.opening), &checked.proved);
        if self.json {
            let until = json!({"size": proved.size, "witnessed": Hour::of(proved.witnessed)});
            let opening = openings::to_json(one, codes).get(0).cloned();
            println!("{}", json!({"v": 1, "kind": "opening", "ok": true, "opening": opening, "until": until}));
            return Ok(());
        }
        openings::show(l, one, codes);
        println!("{}", words::checked(l, 1, proved.entries.len(), proved.witnessed, false));
        Ok(())
    }
}
