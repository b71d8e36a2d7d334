//! `tabir council init`, `admit` and `finish`: the ceremony that makes a council.

use std::path::PathBuf;
use std::time::Duration;

use tabir_crypto::codec::sha256;
use tabir_crypto::json;
use tabir_crypto::statement::body::Role;
use tabir_crypto::statement::{Statement, Verb};
use tabir_crypto::threshold::dkg::Ceremony;

use crate::cli::connect::load_trust;
use crate::cli::official::{KeyArgs, fingerprints, progress, seconds};
use crate::cli::{CliError, read, write};
use crate::client::official::{Board, Card, Patience, ceremony, manifest};
use crate::clock::Clock;
use crate::config::keys::{IDENTITY, read_signing_key};
use crate::config::{Config, ConfigError};
use crate::http::Client;

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

/// Runs `tabir council init`.
pub fn init(args: &Init) -> Result<(), CliError> {
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

/// Runs `tabir council admit`.
pub async fn admit(args: &Admit) -> Result<(), CliError> {
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

/// Runs `tabir council finish`.
pub async fn finish(args: &Finish) -> Result<(), CliError> {
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
