//! `tabir follow`: coming back with the receipt.
//!
//! What was asked about the case's identity is looked for first, in the whole governance log and by the receipt alone: no
//! answer of the gateway can hide it, and with `--log` the gateway is not even asked.

use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};

use serde_json::json;
use tabir_crypto::Secret;
use tabir_crypto::content::{DisputeCode, Message, MessageKind, Stars};
use tabir_crypto::countersign;
use tabir_crypto::log::VerifierKey;
use tabir_crypto::receipt::Receipt;
use tabir_crypto::statement::value::Hour;
use tabir_crypto::trust::Trust;
use tabir_crypto::trust::fresh::{self, Purpose};
use tabir_crypto::trust::root::LogName;

use super::connect::{self, Connect};
use super::tokens::{Ahead, Pay, token};
use super::{CliError, follow_prove, openings};
use crate::client::case::{self, Case};
use crate::client::last_heads::LastHeads;
use crate::client::log_reader::{Growth, LogReader};
use crate::client::log_source::LogSource;
use crate::client::opening::{self, Opening, Seen, bundle};
use crate::client::{ClientError, Session, prove};
use crate::clock::Clock;
use crate::config::keys::read_private;
use crate::http::Client;
use crate::ledger::{self, View};
use crate::words::{self, Language};

/// Arguments of `tabir follow`.
#[derive(clap::Args)]
#[command(
    after_help = "Example: tabir follow --server URL --trust trust.json --receipt receipt.txt --answer 'In front of number 7.'"
)]
pub struct Args {
    /// The gateway's address, such as https://lapor.kota.example
    #[arg(long, env = "TABIR_SERVER", value_name = "URL", required_unless_present = "log")]
    server: Option<String>,
    /// The trust root, which you got by another way than from this server
    #[arg(long, env = "TABIR_TRUST", value_name = "FILE")]
    trust: PathBuf,
    /// Folder that remembers the last head of the log, so that one that shrank or forked since is refused; whoever finds it
    /// sees when this device was last used for this. Without it nothing is kept
    #[arg(long, env = "TABIR_STATE", value_name = "FOLDER")]
    state: Option<PathBuf>,
    /// File with the receipt (mode 0600); without it the receipt is asked for
    #[arg(long, value_name = "FILE")]
    receipt: Option<PathBuf>,
    /// Answer the open question, or write a message (costs a token)
    #[arg(long, value_name = "TEXT", group = "write")]
    answer: Option<String>,
    /// Rate the handling, 1 to 5, once
    #[arg(long, value_name = "STARS", group = "write")]
    rate: Option<u8>,
    /// Dispute a closure, once
    #[arg(long, value_enum, value_name = "CODE", group = "write")]
    dispute: Option<DisputeArg>,
    /// Words for the dispute
    #[arg(long, requires = "dispute", default_value = "")]
    why: String,
    /// Erase the case here; give the case reference, since this can't be undone
    #[arg(long, value_name = "REFERENCE", group = "write")]
    erase: Option<String>,
    /// Check in the log that the report was accepted and went on; with FILE also write what proves it to anybody, for
    /// `tabir audit check`
    #[arg(long, value_name = "FILE", num_args = 0..=1, conflicts_with = "write")]
    prove: Option<Option<PathBuf>>,
    /// The complaint system's key, which you got from its operator: whether it countersigned that it has the report
    #[arg(long, value_name = "VKEY", requires = "prove")]
    downstream: Option<String>,
    /// You have read what that file shows: needed where nobody can be asked
    #[arg(long, requires = "prove")]
    yes: bool,
    /// Only look for requests to open the identity, in this log, and ask no gateway: the log's address, or a folder that
    /// `tabir audit fetch` made
    #[arg(long, value_name = "URL|DIR", conflicts_with_all = ["write", "prove"])]
    log: Option<String>,
    /// Write the proofs of all that was found about the identity into a new folder, for `tabir audit opening`
    #[arg(long, value_name = "DIR", conflicts_with = "write")]
    proof: Option<PathBuf>,
    /// Put the notice key into that folder too: it shows that all this is about one case, and lets whoever gets it
    /// recognise later requests about this case; it reads nothing
    #[arg(long, requires = "proof")]
    notice_key: bool,
    /// Language of what is said about the identity (that of your system if not given)
    #[arg(long, value_enum)]
    language: Option<Language>,
    #[command(flatten)]
    pay: Pay,
    #[command(flatten)]
    ahead: Ahead,
    /// One line of JSON
    #[arg(long)]
    json: bool,
}

/// `--dispute`.
#[derive(Clone, Copy, clap::ValueEnum)]
enum DisputeArg {
    /// Nothing was done
    NotDone,
    /// Done at another place
    WrongPlace,
    /// The proof is false
    FalseProof,
    /// Something else
    Other,
}

impl From<DisputeArg> for DisputeCode {
    fn from(arg: DisputeArg) -> Self {
        match arg {
            DisputeArg::NotDone => Self::NotDone,
            DisputeArg::WrongPlace => Self::WrongPlace,
            DisputeArg::FalseProof => Self::FalseProof,
            DisputeArg::Other => Self::Other,
        }
    }
}

impl Args {
    fn words(&self) -> Language {
        Language::or_environment(self.language)
    }
}

/// Runs the command.
pub async fn run(args: Args) -> Result<(), CliError> {
    let receipt = receipt(args.receipt.as_deref())?;
    let trust = std::sync::Arc::new(connect::load_trust(&args.trust)?);
    if let Some(log) = &args.log {
        let clock = Clock::system();
        let heads = args.state.clone().map(LastHeads::new);
        let read = read_log(&trust, log, &clock, heads.as_ref()).await;
        let (view, growth) = read.map_err(|error| connect::kept_both(error, args.state.as_deref()))?;
        let now = clock.now().max(view.witnessed);
        let found = Found::new(&trust, &view, &growth, now, &receipt)?;
        found.write_proof(&args, &receipt)?;
        return found.show(&args, None);
    }
    let connect = Connect {
        server: args.server.clone().unwrap_or_default(),
        trust: args.trust.clone(),
        state: args.state.clone(),
    };
    let opened = connect.session_with_log().await;
    let (session, growth) = opened.inspect_err(|_| eprintln!("{}", words::without_gateway(args.words())))?;
    let found = Found::new(&session.trust, &session.view, &growth, session.now(), &receipt)?;
    let read = case::read(&session, &receipt).await;
    let case = match read {
        Ok(case) => case,
        // The gateway has no say in what the log shows.
        Err(error) => {
            found.write_proof(&args, &receipt)?;
            found.show(&args, None)?;
            return Err(error.into());
        }
    };
    if let Some(written) = write(&args, &session, &receipt, &case).await? {
        println!("{written}");
        return Ok(());
    }
    let proof = if args.prove.is_some() { Some(prove::report(&session, &receipt, &case).await?) } else { None };
    found.write_proof(&args, &receipt)?;
    if let (Some(Some(file)), Some(proved)) = (&args.prove, &proof) {
        let note = case.countersignature(&session.trust).map(str::to_owned);
        follow_prove::write(&session, &growth, &receipt, (proved, note), (file, args.yes, args.words())).await?;
    }
    if !args.json {
        show(&session, &case);
    }
    found.show(&args, Some((&case, proof.as_ref())))
}

/// Reads a governance log from its server or from a folder. Errors: those of the log reader.
async fn read_log(
    trust: &Trust,
    log: &str,
    clock: &Clock,
    heads: Option<&LastHeads>,
) -> Result<(View, Growth), ClientError> {
    let name = LogName::Governance;
    if log.starts_with("http://") || log.starts_with("https://") {
        read_from(trust, &ledger::reader(trust, name, Client::new(clock.clone()), log)?, heads).await
    } else {
        read_from(trust, &ledger::reader_of_copy(trust, name, Path::new(log))?, heads).await
    }
}

async fn read_from<S: LogSource>(
    trust: &Trust,
    reader: &LogReader<S>,
    heads: Option<&LastHeads>,
) -> Result<(View, Growth), ClientError> {
    let mut view = View::default();
    let growth = view.advance(trust, reader).await?;
    if let Some(heads) = heads {
        heads.follow(reader, LogName::Governance, &growth.checkpoint).await?;
    }
    Ok((view, growth))
}

/// What the governance log holds about the identity.
struct Found<'a> {
    trust: &'a Trust,
    view: &'a View,
    growth: &'a Growth,
    now: u64,
    openings: Vec<Opening>,
}

impl<'a> Found<'a> {
    fn new(
        trust: &'a Trust,
        view: &'a View,
        growth: &'a Growth,
        now: u64,
        receipt: &Receipt,
    ) -> Result<Self, CliError> {
        let seen = Seen { trust, state: &view.state, entries: &growth.entries, whole: true, now };
        let openings = opening::find(&seen, receipt.keys().notice_key.expose())?;
        Ok(Self { trust, view, growth, now, openings })
    }

    fn write_proof(&self, args: &Args, receipt: &Receipt) -> Result<(), CliError> {
        let Some(dir) = &args.proof else { return Ok(()) };
        if self.openings.is_empty() {
            let (id, en) =
                ("tidak ada permintaan, jadi tidak ada bukti", "nothing was asked for, so there is no proof");
            return Err(CliError::Failed(args.words().pick(id, en).into()));
        }
        let key = args.notice_key.then(|| Secret::new(hex::encode(receipt.keys().notice_key.expose())));
        let readme = words::readme(args.words());
        bundle::write(dir, self.trust, self.growth, &self.openings, key.as_ref(), readme).map_err(ClientError::from)?;
        Ok(())
    }

    fn show(&self, args: &Args, case: Option<(&Case, Option<&prove::Proved>)>) -> Result<(), CliError> {
        let l = args.words();
        let codes = self.view.state.policy().map(|p| &p.codes);
        let (head, witnessed) = (self.view.head, self.view.witnessed);
        let stale = fresh::check(self.trust, Purpose::Binding, witnessed, self.now).is_err();
        if args.json {
            let log = json!({"size": head.size, "witnessed": Hour::of(witnessed), "stale": stale});
            let mut line =
                json!({"openings": openings::to_json(&self.openings, codes), "log": log, "proof_folder": args.proof});
            if let (Some((case, proof)), Some(fields)) = (case, line.as_object_mut()) {
                fields.append(&mut case_json(case, proof));
            }
            println!("{line}");
            return Ok(());
        }
        openings::show(l, &self.openings, codes);
        println!("{}", words::looked(l, self.openings.len(), head.size, witnessed));
        if stale {
            println!("{}", words::stale(l, self.now.saturating_sub(witnessed)));
        }
        if let Some(dir) = &args.proof {
            println!("{}", words::proof_written(l, &dir.display().to_string()));
        }
        if let Some((case, Some(_))) = case {
            let note = case.countersignature(self.trust).map(|note| (note, case.view.reference.as_str()));
            let key = args.downstream.as_deref().map(VerifierKey::parse).transpose()?;
            let origin = self.trust.root().origin.as_str();
            let by_key = |key: &VerifierKey, (note, case)| countersign::check(note, origin, case, key).is_ok();
            let checked = key.map(|key| note.is_some_and(|note| by_key(&key, note)));
            println!("{}", words::proof::countersigned(l, note.is_some(), checked));
        }
        if let Some((_, Some(proof))) = case {
            println!("{}", words::proof::verdict(l, proof.acceptance.w, proof.verdict()));
        }
        Ok(())
    }
}

fn case_json(case: &Case, proof: Option<&prove::Proved>) -> serde_json::Map<String, serde_json::Value> {
    let messages: Vec<_> =
        case.messages.iter().map(|m| json!({"seq": m.seq, "kind": kind(m), "text": m.text})).collect();
    let status: Vec<_> =
        case.view.status.iter().map(|s| json!({"status": s.status.as_str(), "at": s.at, "due": s.due})).collect();
    let fields = json!({"reference": case.view.reference, "sent": case.view.sent, "status": status, "messages": messages, "missing": case.missing, "proof": proof.map(proof_json)});
    fields.as_object().cloned().unwrap_or_default()
}

fn proof_json(proved: &prove::Proved) -> serde_json::Value {
    let (verdict, window, proof) = (proved.verdict().as_str(), proved.acceptance.w, &proved.proof);
    json!({"verdict": verdict, "window": window, "accepted_entry": proof.accepted_entry, "fate_entry": proof.fate_entry})
}

const fn kind(message: &Message) -> &'static str {
    match message.kind {
        MessageKind::Question => "question",
        MessageKind::Answer => "answer",
        MessageKind::Note => "note",
    }
}

fn show(session: &Session, found: &Case) {
    println!("{}", found.view.reference);
    for s in &found.view.status {
        let late = s.due.is_some_and(|due| due.0 < session.now());
        let is_last = found.view.status.last() == Some(s);
        let due = s.due.map_or(String::new(), |d| format!(", due {d}{}", if late && is_last { " — LATE" } else { "" }));
        println!("  {} {}{due}", s.at, s.status.as_str());
    }
    if !found.view.sent {
        println!("  waiting to be passed on to the complaint system");
    }
    for m in &found.messages {
        if let Some((first, last)) = found.missing.iter().find(|(_, last)| last + 1 == m.seq) {
            println!("  [{first} to {last}] missing: lost at the gateway, or held back. You can write to ask");
        }
        println!("  [{}] {}: {}", m.seq, kind(m), m.text);
    }
    if found.open_question().is_some() {
        println!("A question is open: answer with --answer TEXT.");
    }
}

fn receipt(file: Option<&std::path::Path>) -> Result<Receipt, CliError> {
    let text = match file {
        Some(file) => read_private(file)?,
        None if std::io::stdin().is_terminal() => {
            print!("Receipt: ");
            std::io::stdout().flush().map_err(|e| CliError::Failed(e.to_string()))?;
            rpassword::read_password().map_err(|e| CliError::Failed(e.to_string()))?
        }
        None => {
            let mut line = String::new();
            std::io::stdin().lock().read_line(&mut line).map_err(|e| CliError::Failed(e.to_string()))?;
            line
        }
    };
    let text = Secret::new(text);
    Receipt::parse(text.expose()).map_err(|e| {
        let group = e.culprit().map_or(String::new(), |g| format!(" Look at group {g}."));
        CliError::Failed(format!("The receipt does not fit: {}.{group}", e.code().describe()))
    })
}

async fn write(args: &Args, session: &Session, receipt: &Receipt, found: &Case) -> Result<Option<String>, CliError> {
    let (write, token) = if let Some(text) = &args.answer {
        let question = found.open_question().map(|m| m.seq);
        let token = match question {
            Some(_) => None,
            None => Some(token(session, &args.pay, &args.ahead).await?),
        };
        (case::message(session, receipt, found, text, question)?, token)
    } else if let Some(stars) = args.rate {
        (case::rating(session, receipt, found, Stars::new(stars)?)?, None)
    } else if let Some(code) = args.dispute {
        (case::dispute(session, receipt, found, code.into(), &args.why)?, None)
    } else if let Some(reference) = &args.erase {
        if *reference != found.view.reference {
            return Err(CliError::Usage(format!(
                "this receipt is of case {}; nothing was erased",
                found.view.reference
            )));
        }
        (case::erase(session, receipt, found)?, None)
    } else {
        return Ok(None);
    };
    let written = case::send(session, &write, token.as_ref()).await?;
    Ok(Some(if args.json { json!({"counter": written.counter}).to_string() } else { "Taken.".into() }))
}
