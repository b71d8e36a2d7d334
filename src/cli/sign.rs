//! `tabir sign`: shows a statement in words, adds a signature. Works offline on a file, or on a proposal of the board.

use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::time::Duration;

use tabir_crypto::B32;
use tabir_crypto::ed25519::SigningKey;
use tabir_crypto::statement::{Statement, Verb};

use super::connect::{BoardArgs, Meeting, heads_beside};
use super::official::{fingerprints, hex32, progress};
use super::{CliError, read};
use crate::client::Session;
use crate::client::official::{Board, Patience, endorse, release};
use crate::clock::Clock;
use crate::config::keys::read_signing_key;
use crate::http::Client;

/// Arguments of `tabir sign`.
#[derive(clap::Args)]
#[command(after_help = "Example: tabir sign trust.json --key auditor.key\n         \
                        tabir sign --waiting --board URL --key auditor.key\n         \
                        tabir sign --proposal ID --board URL --key auditor.key")]
pub struct Args {
    /// The statement, signed or not; the signature is added to this file
    #[arg(required_unless_present_any = ["proposal", "waiting"], conflicts_with_all = ["proposal", "waiting"])]
    file: Option<PathBuf>,
    /// Show what waits for signatures on the board, and sign nothing
    #[arg(long, requires = "board", conflicts_with = "proposal")]
    waiting: bool,
    /// Sign what the board gathers signatures for, by its id
    #[arg(long, value_name = "ID", value_parser = hex32)]
    proposal: Option<B32>,
    /// The board's address; not needed with --server
    #[arg(long, value_name = "URL")]
    board: Option<String>,
    /// The gateway's address, which tells where log and board are; for a release, and for a council that another one
    /// goes before
    #[arg(long, env = "TABIR_SERVER", value_name = "URL")]
    server: Option<String>,
    /// For a council: the officials' fingerprints, one a line, which you got from them; typed in part without it
    #[arg(long, value_name = "FILE")]
    fingerprints: Option<PathBuf>,
    /// For a council or a release: the trust root
    #[arg(long, env = "TABIR_TRUST", value_name = "FILE")]
    trust: Option<PathBuf>,
    /// Key file: a 32-byte seed in hex, mode 0600
    #[arg(long)]
    key: PathBuf,
    /// First eight digits of the statement's hash as you were told them by another way; without it they are asked for
    #[arg(long, value_name = "DIGITS")]
    expect: Option<String>,
}

/// How many digits of the hash are compared: what a person can read out on the phone.
const DIGITS: usize = 8;

/// How long the board may take to read the log.
const WAIT: Duration = Duration::from_secs(60);

/// Runs the command.
pub async fn run(args: Args) -> Result<(), CliError> {
    let key = read_signing_key(&args.key)?;
    match (&args.file, args.proposal, &args.board) {
        (Some(file), ..) => sign_file(file, &key, args.expect.as_deref()),
        (None, None, Some(url)) if args.waiting => show_waiting(url, &key).await,
        (None, Some(id), _) => sign_proposal(&args, id, &key).await,
        _ => Err(CliError::Usage("give a file, or --proposal with --server or --board".into())),
    }
}

/// On the board. A council is signed only after the same checks that the warden makes.
async fn sign_proposal(args: &Args, id: B32, key: &SigningKey) -> Result<(), CliError> {
    let (board, server) = (args.board.clone(), args.server.clone());
    let meeting = match &args.trust {
        Some(trust) => {
            let who = BoardArgs { board: board.clone(), server, trust: trust.clone() };
            Some(who.open(key.clone(), heads_beside(&args.key)).await?)
        }
        None => None,
    };
    meeting.as_ref().map_or(Ok(()), Meeting::check_fresh)?;
    let alone = || board.as_deref().map(|url| Board::new(Client::new(Clock::system()), url, key.clone()));
    let (board, trusted) = match meeting {
        Some(Meeting { board, trust, session, .. }) => (board, Some((trust, session))),
        None => (alone().ok_or_else(|| CliError::Usage("give --board, or --server with --trust".into()))?, None),
    };
    let mut statement = board.proposal(&id).await?.statement;
    if statement.verb() == Verb::UnsealReleased {
        let session = trusted.and_then(|(_, session)| session);
        let session =
            session.ok_or_else(|| CliError::Usage("for a release, give --trust FILE and --server URL".into()))?;
        return sign_release(args, &session, &board, statement, key).await;
    }
    confirm(&statement, args.expect.as_deref())?;
    if endorse::makes_council(statement.verb().as_str()) {
        let (trust, session) = trusted.ok_or_else(|| CliError::Usage("for a council, give --trust FILE".into()))?;
        let known = fingerprints(args.fingerprints.as_deref())?;
        let log = session.as_ref().map(|s| &s.view.state);
        endorse::check_formed(&board, &trust, log, &statement, &*known).await?;
    }
    statement.sign(key);
    let proposal = board.propose(&statement, &mut Patience::new(WAIT, &progress)).await?;
    let state = if proposal.complete { "complete, on its way to the log" } else { "more signatures are needed" };
    println!("Signed by {}: {state}.", hex::encode(key.verifying_key().key_id()));
    Ok(())
}

/// A release beside the warden. It is explained by the log, which this device reads by its own trust root.
async fn sign_release(
    args: &Args,
    session: &Session,
    board: &Board,
    mut statement: Statement,
    key: &SigningKey,
) -> Result<(), CliError> {
    for line in release::explain(session, &statement, &key.verifying_key()).await? {
        println!("{line}");
    }
    confirm(&statement, args.expect.as_deref())?;
    release::sign(session, &mut statement, key)?;
    let read = session.view.head.size;
    let proposal = board.propose_after(&statement, read, &mut Patience::new(WAIT, &progress)).await?;
    let state = if proposal.complete { "on its way to the log; the warden goes on" } else { "not taken as complete" };
    println!("Signed by {}: {state}.", hex::encode(key.verifying_key().key_id()));
    Ok(())
}

/// What is incomplete, a line each.
async fn show_waiting(url: &str, key: &SigningKey) -> Result<(), CliError> {
    let board = Board::new(Client::new(Clock::system()), url, key.clone());
    let mut none = true;
    for entry in board.proposals().await?.proposals.into_iter().filter(|p| !p.complete) {
        none = false;
        println!("{}  {}  {} signature(s)", hex::encode(entry.id.0), entry.verb, entry.signatures);
    }
    if none {
        println!("Nothing waits for signatures.");
    }
    Ok(())
}

pub(super) fn sign_file(file: &std::path::Path, key: &SigningKey, expected: Option<&str>) -> Result<(), CliError> {
    let mut statement = Statement::parse_proposal(&read(file)?)?;
    confirm(&statement, expected)?;
    statement.sign(key);
    replace(file, &statement.to_bytes())?;
    println!(
        "Signed by {}. The file has {} signature(s).",
        hex::encode(key.verifying_key().key_id()),
        statement.signers().len()
    );
    Ok(())
}

/// Shows what is signed, and has the hash's first digits typed.
pub fn confirm(statement: &Statement, expected: Option<&str>) -> Result<(), CliError> {
    let hash = hex::encode(statement.pae_hash());
    println!("{}\nhash: {hash}", describe(statement)?);
    let typed = match expected {
        Some(digits) => digits.to_owned(),
        None if std::io::stdin().is_terminal() => {
            print!("Type the first {DIGITS} digits of the hash, as the others read it to you: ");
            std::io::stdout().flush().map_err(|e| CliError::Failed(e.to_string()))?;
            let mut line = String::new();
            std::io::stdin().lock().read_line(&mut line).map_err(|e| CliError::Failed(e.to_string()))?;
            line.trim().to_owned()
        }
        None => return Err(CliError::Usage("not on a terminal: give --expect with the hash's first digits".into())),
    };
    if typed.len() >= DIGITS && hash.starts_with(&typed.to_ascii_lowercase()) {
        Ok(())
    } else {
        Err(CliError::Failed("the digits do not fit: nothing was signed".into()))
    }
}

/// The statement in words: verb, each field on a line, who signed.
pub fn describe(statement: &Statement) -> Result<String, CliError> {
    let value = tabir_crypto::json::parse(statement.payload())?;
    let mut lines = vec![format!("{}:", statement.verb().as_str())];
    for (field, value) in value.as_object().into_iter().flatten() {
        let text = value.to_string();
        let short: String = text.chars().take(96).collect();
        let more = if short.len() < text.len() { " …" } else { "" };
        lines.push(format!("  {field}: {short}{more}"));
    }
    for signer in statement.signers() {
        lines.push(format!("  signed by {}", hex::encode(signer)));
    }
    Ok(lines.join("\n"))
}

/// Writes beside the file and renames, so that a crash leaves the old or the new one.
fn replace(path: &std::path::Path, bytes: &[u8]) -> Result<(), CliError> {
    let beside = path.with_extension("new");
    super::write(&beside, bytes)?;
    std::fs::rename(&beside, path).map_err(|e| CliError::File(path.into(), e))
}
