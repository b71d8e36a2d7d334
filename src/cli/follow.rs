//! `tabir follow`: coming back with the receipt.

use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::path::PathBuf;

use serde_json::json;
use tabir_crypto::content::{DisputeCode, Message, MessageKind, Stars};
use tabir_crypto::receipt::Receipt;

use super::CliError;
use super::connect::Connect;
use crate::client::case::{self, Case};
use crate::client::tokens::{self, Attestation};
use crate::client::{Session, prove};
use crate::config::keys::read_private;

/// Arguments of `tabir follow`.
#[derive(clap::Args)]
#[command(
    after_help = "Example: tabir follow --server URL --trust trust.json --receipt receipt.txt --answer 'In front of number 7.'"
)]
pub struct Args {
    #[command(flatten)]
    connect: Connect,
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
    /// Check in the log that the report was accepted and went on
    #[arg(long)]
    prove: bool,
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

/// Runs the command.
pub async fn run(args: Args) -> Result<(), CliError> {
    let receipt = receipt(args.receipt.as_deref())?;
    let session = args.connect.session().await?;
    let found = case::read(&session, &receipt).await?;
    if let Some(written) = write(&args, &session, &receipt, &found).await? {
        println!("{written}");
        return Ok(());
    }
    let notices = prove::notices(&session, &receipt);
    let proof = if args.prove { Some(prove::report(&session, &receipt, &found).await?) } else { None };
    if args.json {
        let messages: Vec<_> =
            found.messages.iter().map(|m| json!({"seq": m.seq, "kind": kind(m), "text": m.text})).collect();
        let notices: Vec<_> = notices.iter().map(|n| json!({"entry": n.entry, "legal_basis": n.legal_basis, "reason": n.reason, "status": n.status.as_str()})).collect();
        let status: Vec<_> =
            found.view.status.iter().map(|s| json!({"status": s.status.as_str(), "at": s.at, "due": s.due})).collect();
        println!(
            "{}",
            json!({"reference": found.view.reference, "sent": found.view.sent, "status": status, "messages": messages, "notices": notices, "proof": proof.as_ref().map(prove::Proved::words)})
        );
        return Ok(());
    }
    show(&session, &found);
    for n in &notices {
        println!(
            "! Your identity was asked for: {} ({}), now {}. Entry {} of the public log.",
            n.legal_basis,
            n.reason,
            n.status.as_str(),
            n.entry
        );
    }
    if let Some(proof) = proof {
        println!("{}", proof.words());
    }
    Ok(())
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
    let text = tabir_crypto::Secret::new(text);
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
            None => Some(tokens::fetch(session, &Attestation::Puzzle).await?),
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
