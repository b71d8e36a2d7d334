//! `tabir council check`, `retire`, `settle` and `abort`.

use std::path::PathBuf;

use serde_json::json;

use super::ceremony::read_manifest;
use super::follow::council;
use crate::cli::CliError;
use crate::cli::connect::{BoardArgs, Connect, heads_beside};
use crate::cli::official::{KeyArgs, ask, progress};
use crate::client::Session;
use crate::client::official::ceremony::{self, Settled, settle};
use crate::client::official::keys::short;
use crate::client::official::minutes;
use crate::client::official::upkeep::{self, Sealed};
use crate::client::official::{Board, OfficialFile, Patience};

/// How long the board may take to read the log.
const WAIT: std::time::Duration = std::time::Duration::from_secs(60);

/// An official's key and which council.
#[derive(clap::Args)]
pub struct Common {
    #[command(flatten)]
    connect: Connect,
    #[command(flatten)]
    key: KeyArgs,
    /// Which council: the first words of its fingerprint, or its id; without it the one that new reports are sealed to
    #[arg(long, value_name = "WORDS")]
    council: Option<String>,
    /// One line of JSON
    #[arg(long)]
    json: bool,
}

/// Arguments of `tabir council retire`.
#[derive(clap::Args)]
pub struct Retire {
    #[command(flatten)]
    common: Common,
    /// What becomes of identities that are still sealed to this key
    #[arg(long, value_enum)]
    sealed: SealedArg,
    /// The first two words of the council's fingerprint, instead of being asked for them
    #[arg(long, value_name = "WORDS")]
    confirm: Option<String>,
}

/// `--sealed`.
#[derive(Clone, Copy, clap::ValueEnum)]
pub enum SealedArg {
    /// They can still be opened, by you and the others, until their retention ends: you keep your shares
    Keep,
    /// Nobody ever opens them again: all officials erase their shares. This cannot be undone
    Lose,
}

/// Arguments of `tabir council settle`.
#[derive(clap::Args)]
pub struct Settle {
    #[command(flatten)]
    connect: Connect,
    #[command(flatten)]
    key: KeyArgs,
    /// One line of JSON
    #[arg(long)]
    json: bool,
}

/// Arguments of `tabir council abort`.
#[derive(clap::Args)]
pub struct Abort {
    /// The manifest
    manifest: PathBuf,
    #[command(flatten)]
    key: KeyArgs,
    #[command(flatten)]
    board: BoardArgs,
    /// The first eight digits of the ceremony's id, instead of being asked for them
    #[arg(long, value_name = "DIGITS")]
    confirm: Option<String>,
}

impl Common {
    async fn start(&self) -> Result<(OfficialFile, Session, Board), CliError> {
        let file = self.key.open()?;
        let session = self.connect.session_of(&self.key).await?;
        let board = Board::new(session.http.clone(), &session.services.council, file.signing().clone());
        Ok((file, session, board))
    }
}

/// Runs `tabir council check`.
pub async fn check(args: &Common) -> Result<(), CliError> {
    let (file, session, board) = args.start().await?;
    let council = &council(&session, args.council.as_deref())?.council;
    let proposal = upkeep::check(&session, &board, &file, council, &mut Patience::new(WAIT, &progress)).await?;
    if args.json {
        println!(
            "{}",
            json!({ "v": 1, "council": hex::encode(council.council_id()), "statement": hex::encode(proposal.statement.pae_hash()) })
        );
    } else {
        println!(
            "Your share of {} works. The proof is on its way to the log; it shows nothing of the share.",
            council.fingerprint()
        );
    }
    Ok(())
}

/// Runs `tabir council retire`.
pub async fn retire(args: &Retire) -> Result<(), CliError> {
    let (file, session, board) = args.common.start().await?;
    let council = &council(&session, args.common.council.as_deref())?.council;
    let sealed = match args.sealed {
        SealedArg::Keep => Sealed::Kept,
        SealedArg::Lose => Sealed::Lost,
    };
    eprintln!(
        "{}",
        match sealed {
            Sealed::Kept =>
                "No new report is sealed to this key. What is sealed to it can still be opened until its retention ends: keep your share.",
            Sealed::Lost =>
                "No new report is sealed to this key, and NOBODY CAN EVER OPEN what is sealed to it: all officials erase their shares. This cannot be undone.",
        }
    );
    let words = council.fingerprint();
    let first: String = words.split('-').take(2).collect::<Vec<_>>().join("-");
    let typed = match &args.confirm {
        Some(typed) => typed.clone(),
        None => ask(&format!("Type the first two words of {words}: "), "--confirm WORDS")?,
    };
    if typed.trim().to_ascii_lowercase() != first {
        return Err(CliError::Failed("the words do not fit: nothing was signed".into()));
    }
    let mut patience = Patience::new(WAIT, &progress);
    let proposal = upkeep::retire(&session, &board, &file, council, sealed, &mut patience).await?;
    let signed = proposal.statement.signers().len();
    if args.common.json {
        println!(
            "{}",
            json!({ "v": 1, "proposal": hex::encode(proposal.statement.pae_hash()), "signatures": signed, "complete": proposal.complete })
        );
    } else if proposal.complete {
        println!("{signed} of {} have signed: it is on its way to the log.", council.t());
        if sealed == Sealed::Lost {
            println!("When `tabir council status` shows it, run `tabir council settle`: it erases your share.");
        }
    } else {
        println!("{signed} of {} have signed. The others run the same command.", council.t());
    }
    Ok(())
}

/// Runs `tabir council settle`.
pub async fn settle_shares(args: &Settle) -> Result<(), CliError> {
    let mut file = args.key.open()?;
    let session = args.connect.session_of(&args.key).await?;
    let settled = settle(&mut file, &session.view.state, session.now())?;
    for path in minutes::settled(&file, &session.view.state, &settled)? {
        eprintln!("Added to {}.", path.display());
    }
    if args.json {
        let ids = |all: &[tabir_crypto::B32]| all.iter().map(hex::encode).collect::<Vec<_>>();
        println!(
            "{}",
            json!({ "v": 1, "erased": ids(&settled.erased), "needed": ids(&settled.needed), "missing": ids(&settled.missing) })
        );
    } else {
        say(&settled);
    }
    Ok(())
}

/// What was done with the shares of councils that are no more.
pub fn say(settled: &Settled) {
    for id in &settled.erased {
        println!("Erased: your share of council {}, which is no longer the one in the log.", short(id));
    }
    for id in &settled.needed {
        println!(
            "Kept: your share of council {}: an opening under way still needs it. Run this again later.",
            short(id)
        );
    }
    for id in &settled.missing {
        println!(
            "Kept: your share of council {}. You sit in the new council but have no share of it: tell the others; they reshare.",
            short(id)
        );
    }
    if *settled == Settled::default() {
        println!("Nothing to erase.");
    }
}

/// Runs `tabir council abort`.
pub async fn abort(args: &Abort) -> Result<(), CliError> {
    let statement = read_manifest(&args.manifest)?;
    let mut file = args.key.open()?;
    let meeting = args.board.open(file.signing().clone(), heads_beside(&args.key.key)).await?;
    let id = hex::encode(tabir_crypto::codec::sha256(statement.payload()));
    eprintln!(
        "You end ceremony {} for all who take part. Its id is never used again; a new one needs a new manifest.",
        &id[..8]
    );
    let typed = match &args.confirm {
        Some(typed) => typed.clone(),
        None => ask("Type the first eight digits of its id: ", "--confirm DIGITS")?,
    };
    if typed.trim().len() < 8 || !id.starts_with(&typed.trim().to_ascii_lowercase()) {
        return Err(CliError::Failed("the digits do not fit: nothing was ended".into()));
    }
    let place = ceremony::Place { board: &meeting.board, clock: &meeting.clock, log: meeting.log() };
    ceremony::abort(&mut file, statement.payload(), place).await?;
    println!("Ended. Nothing of it is left in {}.", file.path().display());
    Ok(())
}
