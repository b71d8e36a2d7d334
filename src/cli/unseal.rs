//! `tabir unseal`: opening an identity. Each official runs these on a device of his own; no step is done by the city.
//!
//! ```text
//! request → approve (or refuse, withdraw) → the warden releases → partial → open
//! ```
//! What cannot be undone says so and has the case's reference typed, which must be that of the case in the sealed text.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::json;
use tabir_crypto::B32;
use tabir_crypto::content::{ContactKind, IdentityRecord};

use super::connect::Connect;
use super::official::{KeyArgs, hex32, progress, seconds, typed_reference};
use super::{CliError, unseal_list, unseal_request, unseal_show};
use crate::client::Session;
use crate::client::official::case::OpenRequest;
use crate::client::official::open::{Opening, Outcome};
use crate::client::official::{Board, OfficialFile, Patience, approve, open, partial};
use crate::config::keys::write_private;

/// Subcommands of `tabir unseal`.
#[derive(clap::Subcommand)]
pub enum Command {
    /// Ask to open the identity of a case
    #[command(
        after_help = "Example: tabir unseal request --server URL --trust trust.json --key sari.key --case 7K3M-9QXT --basis court_order --reason witness --words-file why.txt"
    )]
    Request(unseal_request::Args),
    /// All requests to your council, where each stands, and what you can do next
    #[command(after_help = "Example: tabir unseal list --server URL --trust trust.json --key sari.key")]
    List(List),
    /// Read what is asked for, and agree
    #[command(
        after_help = "Example: tabir unseal approve --server URL --trust trust.json --key budi.key --request HASH --reason agreed"
    )]
    Approve(Vote),
    /// Do not agree; needs no look into the case
    #[command(
        after_help = "Example: tabir unseal refuse --server URL --trust trust.json --key budi.key --request HASH --reason basis"
    )]
    Refuse(Against),
    /// Take back your own request
    #[command(
        after_help = "Example: tabir unseal withdraw --server URL --trust trust.json --key sari.key --request HASH --reason scope"
    )]
    Withdraw(Vote),
    /// After the outside body's release: help with this one opening
    #[command(
        after_help = "Example: tabir unseal partial --server URL --trust trust.json --key budi.key --request HASH"
    )]
    Partial(Step),
    /// Open the identity on this device, and sign that it was opened
    #[command(
        after_help = "Example: tabir unseal open --server URL --trust trust.json --key budi.key --request HASH --out record.json"
    )]
    Open(Open),
}

/// What every step takes.
#[derive(clap::Args)]
pub struct Common {
    #[command(flatten)]
    pub(super) connect: Connect,
    #[command(flatten)]
    pub(super) key: KeyArgs,
    /// How long to wait for the board and the log, in seconds
    #[arg(long, value_parser = seconds, default_value = "60")]
    timeout: Duration,
    /// One line of JSON
    #[arg(long)]
    pub(super) json: bool,
}

/// Arguments of `tabir unseal list`.
#[derive(clap::Args)]
pub struct List {
    #[command(flatten)]
    common: Common,
}

/// A step about one request, with the reference typed.
#[derive(clap::Args)]
pub struct Step {
    #[command(flatten)]
    common: Common,
    /// The request, as `tabir unseal list` shows it
    #[arg(long, value_name = "HASH", value_parser = hex32)]
    request: B32,
    /// The case's reference, instead of typing it
    #[arg(long, value_name = "REFERENCE")]
    confirm: Option<String>,
}

/// A step with a reason.
#[derive(clap::Args)]
pub struct Vote {
    #[command(flatten)]
    step: Step,
    /// Code of the reason, which becomes public
    #[arg(long, value_name = "CODE")]
    reason: String,
}

/// Arguments of `tabir unseal refuse`.
#[derive(clap::Args)]
pub struct Against {
    #[command(flatten)]
    common: Common,
    /// The request, as `tabir unseal list` shows it
    #[arg(long, value_name = "HASH", value_parser = hex32)]
    request: B32,
    /// Code of the reason, which becomes public
    #[arg(long, value_name = "CODE")]
    reason: String,
}

/// Arguments of `tabir unseal open`.
#[derive(clap::Args)]
pub struct Open {
    #[command(flatten)]
    step: Step,
    /// Write the identity into a new file (mode 0600) instead of showing it
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// One official at work.
pub(super) struct Desk {
    pub(super) session: Session,
    pub(super) board: Board,
    pub(super) file: OfficialFile,
}

impl Common {
    /// Opens the key file, then reads the log.
    pub(super) async fn start(&self) -> Result<Desk, CliError> {
        let file = self.key.open()?;
        let session = self.connect.session_of(&self.key).await?;
        let board = Board::new(session.http.clone(), &session.services.council, file.signing().clone());
        Ok(Desk { session, board, file })
    }

    pub(super) fn patience(&self) -> Patience<'_> {
        Patience::new(self.timeout, &progress)
    }

    /// What was done, for people or programs.
    pub(super) fn say(&self, request: &B32, did: &str, next: &str) {
        if self.json {
            println!("{}", json!({"v": 1, "request": hex::encode(request), "did": did}));
        } else {
            println!("{} {did}. {next}", hex::encode(request));
        }
    }
}

/// Runs the command.
pub async fn run(command: Command) -> Result<(), CliError> {
    match command {
        Command::Request(args) => unseal_request::run(&args).await,
        Command::List(args) => list(&args).await,
        Command::Approve(args) => agree(&args).await,
        Command::Refuse(args) => refuse(&args).await,
        Command::Withdraw(args) => withdraw(&args).await,
        Command::Partial(args) => help(&args).await,
        Command::Open(args) => look(&args).await,
    }
}

async fn list(args: &List) -> Result<(), CliError> {
    let desk = args.common.start().await?;
    unseal_list::show(&desk, args.common.json).await
}

async fn agree(args: &Vote) -> Result<(), CliError> {
    let mut desk = args.step.common.start().await?;
    let hash = &args.step.request;
    unseal_show::show(&desk, &OpenRequest::load(&desk.session, &desk.board, &desk.file, hash).await?).await;
    let what = "Your approval becomes public for good.";
    let reference = typed_reference(what, args.step.confirm.as_deref())?;
    let mut patience = args.step.common.patience();
    let Desk { session, board, file } = &mut desk;
    approve::approve(session, board, file, hash, (&reference, &args.reason), &mut patience).await?;
    args.step.common.say(
        hash,
        "approved",
        "The outside body looks at it once enough agree and the cooling-off is over.",
    );
    Ok(())
}

async fn refuse(args: &Against) -> Result<(), CliError> {
    let Desk { session, board, file } = args.common.start().await?;
    eprintln!("Your refusal becomes public for good. This cannot be undone.");
    approve::refuse(&session, &board, &file, &args.request, &args.reason, &mut args.common.patience()).await?;
    args.common.say(&args.request, "refused", "Whether others still can approve, `tabir unseal list` shows.");
    Ok(())
}

async fn withdraw(args: &Vote) -> Result<(), CliError> {
    let Desk { session, board, file } = args.step.common.start().await?;
    let hash = &args.step.request;
    let open = OpenRequest::load(&session, &board, &file, hash).await?;
    let what = "The request ends, and its entries stay public.";
    open.confirm(&session, &board, &typed_reference(what, args.step.confirm.as_deref())?).await?;
    approve::withdraw(&session, &board, &file, hash, &args.reason, &mut args.step.common.patience()).await?;
    args.step.common.say(hash, "withdrawn", "Nobody can open by it.");
    Ok(())
}

async fn help(args: &Step) -> Result<(), CliError> {
    let desk = args.common.start().await?;
    let Desk { session, board, file } = &desk;
    unseal_show::show(&desk, &OpenRequest::load(session, board, file, &args.request).await?).await;
    let what = "With enough partials the approvers can read this identity.";
    let reference = typed_reference(what, args.confirm.as_deref())?;
    partial::partial(session, board, file, &args.request, &reference, &mut args.common.patience()).await?;
    args.common.say(&args.request, "helped", "When enough have, any approver runs `tabir unseal open`.");
    Ok(())
}

async fn look(args: &Open) -> Result<(), CliError> {
    // Before anything is signed: an identity that was opened and then not kept would have to be opened again.
    if let Some(out) = args.out.as_deref().filter(|out| out.exists()) {
        return Err(CliError::Usage(format!("{} exists: give --out a new file", out.display())));
    }
    let Desk { session, board, file } = args.step.common.start().await?;
    let (hash, common) = (&args.step.request, &args.step.common);
    let open = OpenRequest::load(&session, &board, &file, hash).await?;
    let (made, needed) = (open.request.partials.len(), usize::from(open.request.terms.t));
    if made < needed {
        let words = format!("{made} of {needed} partials stand in a witnessed checkpoint; try again later");
        return Err(CliError::Failed(words));
    }
    let what = "You will read who reported this case, and sign in public that it was opened.";
    open.confirm(&session, &board, &typed_reference(what, args.step.confirm.as_deref())?).await?;
    let opening = open::open(&session, &board, &file, hash, &mut common.patience()).await?;
    for cheater in &opening.cheaters {
        eprintln!("A partial was left out: {cheater}. The others' were enough; tell an auditor.");
    }
    for official in &opening.altered {
        eprintln!("The board changed the partial of official {official}, which was left out; tell an auditor.");
    }
    report(args, &opening)
}

fn report(args: &Open, opening: &Opening) -> Result<(), CliError> {
    let (code, record) = match &opening.outcome {
        Outcome::Opened(record) => (None, Some(&**record)),
        Outcome::Failed(code) => (Some(*code), None),
    };
    if let (Some(out), Some(record)) = (&args.out, record) {
        write_private(out, &tabir_crypto::json::to_vec(record)?)?;
    }
    let shown = record.filter(|_| args.out.is_none());
    if args.step.common.json {
        let cheaters: Vec<_> =
            opening.cheaters.iter().map(|e| json!({"index": e.culprit(), "code": e.code().as_str()})).collect();
        let line = json!({
            "v": 1, "request": hex::encode(args.step.request), "did": if code.is_none() { "opened" } else { "failed" },
            "code": code, "record": shown, "cheaters": cheaters,
            "proposal": hex::encode(opening.proposal), "complete": opening.complete,
        });
        println!("{line}");
        return Ok(());
    }
    match (code, &args.out) {
        (Some("none"), _) => println!("No identity was given with this report."),
        (Some(code), _) => println!("There is no identity to read: {code}."),
        (None, Some(out)) => println!("The identity is in {}.", out.display()),
        (None, None) => shown.into_iter().for_each(print),
    }
    println!(
        "Signed, and {}.",
        if opening.complete {
            "complete: on its way to the log"
        } else {
            "another approver's `tabir unseal open` completes it"
        }
    );
    Ok(())
}

fn print(record: &IdentityRecord) {
    let line = |what: &str, value: Option<&String>| {
        if let Some(value) = value {
            println!("{what:<12}{value}");
        }
    };
    line("Name", record.name.as_ref());
    for contact in &record.contact {
        let kind = match contact.kind {
            ContactKind::Phone => "Phone",
            ContactKind::Email => "Email",
            ContactKind::Address => "Address",
            ContactKind::Other => "Contact",
        };
        line(kind, Some(&contact.value));
    }
    line("National id", record.national_id.as_ref());
    line("Note", record.note.as_ref());
}
