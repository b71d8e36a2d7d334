//! `tabir council`: making a council. Each official runs `join` and `finish` on a device of his own.

use std::path::PathBuf;
use std::time::Duration;

use tabir_crypto::codec::sha256;
use tabir_crypto::json;
use tabir_crypto::keyfile::Cost;
use tabir_crypto::statement::body::Role;
use tabir_crypto::statement::{Statement, Verb};
use tabir_crypto::threshold::dkg::Ceremony;

use super::connect::load_trust;
use super::official::{KeyArgs, fingerprints, passphrase, progress, seconds};
use super::{CliError, read, write};
use crate::client::official::{Board, Card, OfficialFile, Patience, ceremony, manifest};
use crate::clock::Clock;
use crate::config::keys::{IDENTITY, read_signing_key};
use crate::config::{Config, ConfigError};
use crate::http::Client;

/// Subcommands of `tabir council`.
#[derive(clap::Subcommand)]
pub enum Command {
    /// Make an official's keys and a card with the public ones
    #[command(after_help = "Example: tabir council join --name 'Ibu Sari' --out sari.key")]
    Join(Join),
    /// Make the manifest of a new council from its officials' cards
    #[command(
        after_help = "Example: tabir council init --threshold 2 sari.card.json budi.card.json ayu.card.json --out manifest.json"
    )]
    Init(Init),
    /// Let the keys of a manifest call the board for their ceremony (the board's operator)
    #[command(after_help = "Example: tabir council admit manifest.json --config council/tabir.toml")]
    Admit(Admit),
    /// Take part in the ceremony: all officials run this at the same time, each on a device of his own
    #[command(
        after_help = "Example: tabir council finish manifest.json --key sari.key --trust trust.json --board URL --fingerprints known.txt"
    )]
    Finish(Finish),
    /// What waits for signatures on the board
    #[command(after_help = "Example: tabir council status --key sari.key --board URL")]
    Status(Status),
}

/// Arguments of `tabir council join`.
#[derive(clap::Args)]
pub struct Join {
    /// Your name, for people
    #[arg(long)]
    name: String,
    /// Key file to make; the card is written beside it, as <name of the file>.card.json
    #[arg(long, value_name = "KEYFILE")]
    out: PathBuf,
    /// Read the passphrase from a file of mode 0600 instead of the terminal
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
}

/// Arguments of `tabir council init`.
#[derive(clap::Args)]
pub struct Init {
    /// How many officials must agree to open an identity
    #[arg(long, default_value = "2")]
    threshold: u16,
    /// The officials' cards, in the order of their indices
    #[arg(required = true)]
    cards: Vec<PathBuf>,
    /// File to write
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// Arguments of `tabir council admit`.
#[derive(clap::Args)]
pub struct Admit {
    /// The manifest
    manifest: PathBuf,
    /// Configuration of the process that runs the board
    #[arg(long, value_name = "FILE", default_value = "tabir.toml")]
    config: PathBuf,
}

/// Arguments of `tabir council finish`.
#[derive(clap::Args)]
pub struct Finish {
    /// The manifest
    manifest: PathBuf,
    #[command(flatten)]
    key: KeyArgs,
    /// The trust root
    #[arg(long, env = "TABIR_TRUST", value_name = "FILE")]
    trust: PathBuf,
    /// The board's address
    #[arg(long, value_name = "URL")]
    board: String,
    /// The other officials' fingerprints, one a line, which you got from them and not from here; typed in part without it
    #[arg(long, value_name = "FILE")]
    fingerprints: Option<PathBuf>,
    /// How long to wait for the others, in seconds
    #[arg(long, value_parser = seconds, default_value = "900")]
    timeout: Duration,
    /// One line of JSON
    #[arg(long)]
    json: bool,
}

/// Arguments of `tabir council status`.
#[derive(clap::Args)]
pub struct Status {
    #[command(flatten)]
    key: KeyArgs,
    /// The board's address
    #[arg(long, value_name = "URL")]
    board: String,
    /// One line of JSON
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub async fn run(command: Command) -> Result<(), CliError> {
    match command {
        Command::Join(args) => join(&args),
        Command::Init(args) => init(&args),
        Command::Admit(args) => admit(&args).await,
        Command::Finish(args) => finish(&args).await,
        Command::Status(args) => status(&args).await,
    }
}

fn join(args: &Join) -> Result<(), CliError> {
    let secret = passphrase(args.passphrase_file.as_deref(), true)?;
    let card = OfficialFile::create(&args.out, &args.name, secret, Cost::DEFAULT)?.card();
    let path = args.out.with_extension("card.json");
    write(&path, &json::to_vec(&card)?)?;
    println!("{}  {}", card.fingerprint(), args.name);
    eprintln!(
        "Give {} to whoever makes the manifest, and the line above to the other officials, the warden and an auditor, \
         in person.",
        path.display()
    );
    Ok(())
}

fn init(args: &Init) -> Result<(), CliError> {
    let card = |path: &PathBuf| -> Result<Card, CliError> {
        json::from_slice(&read(path)?).map_err(|e| CliError::Failed(format!("{}: {e}", path.display())))
    };
    let cards = args.cards.iter().map(card).collect::<Result<Vec<_>, _>>()?;
    let statement = manifest::build(&cards, args.threshold, &Clock::system())?;
    write(&args.out, &statement.to_bytes())?;
    println!("{}: ceremony {}", args.out.display(), manifest::short(statement.payload()));
    for (index, card) in (1..).zip(&cards) {
        println!("  {index}  {}  {}", card.fingerprint(), card.name.as_str());
    }
    Ok(())
}

fn read_manifest(path: &std::path::Path) -> Result<Statement, CliError> {
    let statement = Statement::parse_proposal(&read(path)?)?;
    if statement.verb() == Verb::CouncilManifest {
        Ok(statement)
    } else {
        Err(CliError::Usage(format!("{} is no manifest", path.display())))
    }
}

async fn admit(args: &Admit) -> Result<(), CliError> {
    let config = Config::load(&args.config)?;
    let role = config.roles.council.as_ref().ok_or_else(|| {
        CliError::Usage("this configuration runs no board: give --config with the file that has [roles.council]".into())
    })?;
    let path = role.dir.join(IDENTITY);
    let key = read_signing_key(&path)?;
    if load_trust(&config.trust)?.identity(Role::Council) != &key.verifying_key() {
        return Err(ConfigError::Key { path, source: tabir_crypto::Code::Trust.into() }.into());
    }
    let statement = read_manifest(&args.manifest)?;
    let board = Board::new(Client::new(Clock::system()), &config.peers.council_internal, key);
    board.admit(statement.payload().to_vec()).await?;
    println!("Admitted ceremony {}.", manifest::short(statement.payload()));
    Ok(())
}

async fn finish(args: &Finish) -> Result<(), CliError> {
    let (trust, clock) = (load_trust(&args.trust)?, Clock::system());
    let statement = read_manifest(&args.manifest)?;
    let mut file = args.key.open()?;
    let plan = Ceremony::from_payload(statement.payload())?;
    let index = ceremony::own_index(&plan, &file)?;
    if trust.signer(&file.verifying().key_id()).is_some() {
        return Err(CliError::Failed("an official holds no key of the trust root: make a new one with `join`".into()));
    }
    manifest::check(&plan, Some(index), &*fingerprints(args.fingerprints.as_deref())?)?;
    let board = Board::new(Client::new(clock.clone()), &args.board, file.signing().clone());
    let mut patience = Patience::new(args.timeout, &progress);
    let formed = ceremony::finish(&mut file, statement.payload(), &board, &clock, &mut patience).await?;
    let (proposal, council) = (hex::encode(formed.proposal), hex::encode(formed.council.council_id()));
    if args.json {
        let ceremony = hex::encode(sha256(statement.payload()));
        let line = serde_json::json!({ "v": 1, "ceremony": ceremony, "council": council, "proposal": proposal,
            "index": index, "t": formed.council.t(), "n": formed.council.n() });
        println!("{line}");
    } else {
        println!(
            "Your share is in {}. Council {council}, official {index} of {}.",
            args.key.key.display(),
            formed.council.n()
        );
        println!(
            "Next, with your fingerprints at hand: the warden runs `tabir warden approve-council`, and an auditor"
        );
        println!("`tabir sign --proposal {proposal} --board URL --key FILE --trust FILE`.");
    }
    Ok(())
}

async fn status(args: &Status) -> Result<(), CliError> {
    let file = args.key.open()?;
    let board = Board::new(Client::new(Clock::system()), &args.board, file.signing().clone());
    let all = board.proposals().await?;
    if args.json {
        println!("{}", String::from_utf8_lossy(&json::to_vec(&all)?));
        return Ok(());
    }
    for p in all.proposals {
        let state = if p.complete { "complete" } else { "waits" };
        println!("{}  {:<18} {} signature(s), {state}", hex::encode(p.id.0), p.verb.as_str(), p.signatures);
    }
    Ok(())
}
