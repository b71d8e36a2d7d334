//! `tabir counter`: an officer types for somebody who has no device of her own, or does not want to use it.
//!
//! She leaves with the same receipt as everybody, on a slip. Nothing that opens the case stays here: no file is written
//! unless one is asked for, what was typed is never an argument (which the shell's history and the list of processes
//! would show), and the process leaves no core dump. What the officer saw meanwhile is said on the slip, and inside the
//! sealed content.

mod input;
mod vouchers;

use std::io::IsTerminal as _;
use std::path::PathBuf;

use serde_json::json;
use tabir_crypto::content::Via;
use tabir_crypto::statement::value::Second;

use super::CliError;
use super::connect::Connect;
use super::official::ask;
use crate::client::consent::Consent;
use crate::client::plain::{self, PlainError};
use crate::client::report::{Accepted, Sealed, send};
use crate::client::tokens::{self, Attestation};
use crate::client::{ClientError, Session};
use crate::config::keys::write_private;
use crate::words::slip::{self, Slip};
use crate::words::{self, Language};

/// `tabir counter …`
#[derive(clap::Subcommand)]
pub enum Command {
    /// Take down a report for somebody, seal it at once, and print the slip that she takes along
    #[command(after_help = "Example: tabir counter report --server URL --trust trust.json --vouchers vouchers.txt\n\n\
                            From a form of your own: … | tabir counter report --input - --yes --json …")]
    Report(Box<Args>),
}

/// Arguments of `tabir counter report`.
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    connect: Connect,
    /// What she said, as JSON: a file of mode 0600, or - for standard input. Without it you are asked, line by line
    #[arg(long, value_name = "FILE")]
    input: Option<PathBuf>,
    /// Batch of vouchers for this counter, one a line, mode 0600; each is taken out as it is used. Without it a puzzle is solved
    #[arg(long, value_name = "FILE")]
    vouchers: Option<PathBuf>,
    /// Her language: that of the plain slip, and of what is said about her identity
    #[arg(long, value_enum)]
    language: Option<Language>,
    /// The address on the slip at which she comes back; the server's if not given
    #[arg(long, value_name = "URL")]
    address: Option<String>,
    /// Write the slip as a page to print, in Indonesian and English, into a new file (mode 0600). Print it, then delete it
    #[arg(long, value_name = "FILE")]
    slip: Option<PathBuf>,
    /// She was told what stands above the question, and agrees, so nothing is asked
    #[arg(long)]
    yes: bool,
    /// One line of JSON, with the receipt, for a program that prints the slip
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub async fn run(command: Command) -> Result<(), CliError> {
    let Command::Report(args) = command;
    plain::no_core_dump();
    let l = Language::or_environment(args.language);
    let session = args.connect.session().await?;
    let typed = input::read(args.input.as_deref(), &session, l)?;
    let shown = agreed(&args, &session, l, typed.identity.is_some())?;
    let token = match &args.vouchers {
        Some(file) => vouchers::token(&session, file).await?,
        None => tokens::fetch(&session, &Attestation::Puzzle).await?,
    };
    let sealed = plain::seal(&session, &typed, Via::Counter, shown.as_ref())?;
    let accepted = send(&session, &sealed, &token).await?;
    let with_identity = shown.is_some();
    drop(typed);
    hand_over(&args, l, &session, (&sealed, &accepted), with_identity)
}

/// Tells what she must know before anything is sealed, and asks. Error: usage without a terminal and without `--yes`.
fn agreed(args: &Args, session: &Session, l: Language, with_identity: bool) -> Result<Option<Consent>, CliError> {
    let consent = if with_identity {
        session.check_fresh()?;
        Some(Consent::of(session)?)
    } else {
        None
    };
    // Not on standard output, where `--json` has its one line.
    eprintln!("{}", slip::before(l, with_identity));
    if let Some(consent) = &consent {
        eprintln!("{}", words::consent(l, consent));
    }
    if args.yes {
        return Ok(consent);
    }
    let answer = ask(slip::confirm(l), l.pick("--yes, setelah ia mengetahuinya", "--yes, once she was told"))?;
    if ["ya", "yes"].iter().any(|yes| answer.eq_ignore_ascii_case(yes)) {
        return Ok(consent);
    }
    Err(CliError::Failed(l.pick("tidak ada yang disegel atau dikirim", "nothing was sealed or sent").into()))
}

fn hand_over(
    args: &Args,
    l: Language,
    session: &Session,
    (sealed, accepted): (&Sealed, &Accepted),
    with_identity: bool,
) -> Result<(), CliError> {
    let receipt = sealed.receipt.text();
    let slip = Slip {
        installation: session.trust.root().name.as_str(),
        receipt: receipt.expose(),
        reference: &accepted.reference,
        address: args.address.as_deref().unwrap_or(&session.server),
        day: Second(session.clock.now()).to_string().chars().take(10).collect(),
        deadline: accepted.acceptance.deadline.to_string().chars().take(10).collect(),
        with_identity,
    };
    if let Some(file) = &args.slip {
        // Accepted is accepted: whoever can't have the file has the receipt on the screen.
        match write_private(file, slip::html(&slip).as_bytes()) {
            Ok(()) => eprintln!("{}", slip::delete_it(l, &file.display().to_string())),
            Err(error) => eprintln!("tabir: {error}"),
        }
    }
    if args.json {
        let council = with_identity.then(|| Consent::of(session).map(|c| c.fingerprint)).transpose()?;
        println!(
            "{}",
            json!({"reference": accepted.reference, "receipt": receipt.expose(), "window": accepted.acceptance.w, "deadline": accepted.acceptance.deadline, "council": council})
        );
        return Ok(());
    }
    println!("{}", slip::text(l, &slip));
    if std::io::stdout().is_terminal() && std::io::stdin().is_terminal() {
        ask(slip::clear(l), "")?;
        // The screen and what was scrolled away (ECMA-48 ED 2; xterm's ED 3).
        print!("\x1b[3J\x1b[2J\x1b[H");
    }
    Ok(())
}

impl From<PlainError> for CliError {
    fn from(error: PlainError) -> Self {
        match error {
            PlainError::Client(e) => e.into(),
            PlainError::Category => Self::Usage(format!("{error}; `tabir report --list` shows them")),
            other => Self::Usage(other.to_string()),
        }
    }
}

/// Whether the issuer says that a voucher has bought its tokens.
fn is_spent(error: &ClientError) -> bool {
    matches!(error, ClientError::Http(e) if e.code() == Some("attestation-spent"))
}
