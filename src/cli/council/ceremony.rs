//! `tabir council init`, `admit` and `finish`: the ceremony that makes a council.

use std::path::PathBuf;
use std::time::Duration;

use tabir_crypto::json;
use tabir_crypto::statement::body::Role;
use tabir_crypto::statement::{Statement, Verb};
use tabir_crypto::threshold::dkg::Ceremony;

use crate::cli::connect::{BoardArgs, heads_beside, load_trust};
use crate::cli::official::{KeyArgs, fingerprints, progress, seconds};
use crate::cli::{CliError, read, write};
use crate::client::official::minutes::{self, Names};
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
    #[command(flatten)]
    board: BoardArgs,
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
    say_manifest(&args.out, &statement, &cards);
    Ok(())
}

/// Says who takes part in a ceremony, with fingerprints.
pub fn say_manifest(path: &std::path::Path, statement: &Statement, cards: &[Card]) {
    println!("{}: ceremony {}", path.display(), manifest::short(statement.payload()));
    for (index, card) in (1..).zip(cards) {
        println!("  {index}  {}  {}", card.fingerprint(), card.name.as_str());
    }
}

/// A manifest from a file.
pub fn read_manifest(path: &std::path::Path) -> Result<Statement, CliError> {
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
    let statement = read_manifest(&args.manifest)?;
    let mut file = args.key.open()?;
    let meeting = args.board.open(file.signing().clone(), heads_beside(&args.key.key)).await?;
    meeting.check_fresh()?;
    let plan = Ceremony::from_payload(statement.payload())?;
    if meeting.trust.signer(&file.verifying().key_id()).is_some() {
        return Err(CliError::Failed("an official holds no key of the trust root: make a new one with `join`".into()));
    }
    let before = match meeting.log() {
        Some(log) if !plan.manifest().dealers.is_empty() => Some(ceremony::council_before(&plan, log)?),
        _ => None,
    };
    let own = ceremony::own_index(&plan, &file).ok();
    manifest::check(&plan, own, before.as_ref(), &*fingerprints(args.fingerprints.as_deref())?)?;
    let mut patience = Patience::new(args.timeout, &progress);
    let place = ceremony::Place { board: &meeting.board, clock: &meeting.clock, log: meeting.log() };
    let done = ceremony::finish(&mut file, statement.payload(), place, &mut patience).await;
    let names = args.fingerprints.as_deref().map(read).transpose()?.unwrap_or_default();
    let names = Names::read(&String::from_utf8_lossy(&names)).with(&file);
    let kept = minutes::keep(place, (&plan, before.as_ref()), done.as_ref(), (&names, &file)).await?;
    if let Some(kept) = &kept {
        eprintln!("What happened in this ceremony stands in {}: keep it.", kept.display());
    }
    let formed = done?;
    let settled = match &meeting.session {
        Some(session) => {
            let settled = ceremony::settle(&mut file, &session.view.state, session.now())?;
            minutes::settled(&file, &session.view.state, &settled)?;
            settled
        }
        None => ceremony::Settled::default(),
    };
    if args.json {
        let council = |m: &ceremony::Made| {
            serde_json::json!({ "verb": m.verb.as_str(), "council": hex::encode(m.council.council_id()),
                "fingerprint": m.council.fingerprint(), "proposal": hex::encode(m.proposal), "t": m.council.t(),
                "n": m.council.n(), "epoch": m.council.epoch() })
        };
        let made: Vec<_> = formed.made.iter().map(council).collect();
        let (id, last) = (hex::encode(plan.id()), formed.council());
        let line = serde_json::json!({ "v": 1, "ceremony": id, "council": hex::encode(last.council_id()),
            "proposal": hex::encode(formed.proposal()), "index": formed.index, "t": last.t(), "n": last.n(), "made": made });
        println!("{line}");
        return Ok(());
    }
    for m in &formed.made {
        println!(
            "{}: {}, {} of {} must agree.",
            m.verb.as_str(),
            m.council.fingerprint(),
            m.council.t(),
            m.council.n()
        );
    }
    match formed.index {
        Some(index) => println!("You are official {index}. Your share is in {}.", args.key.key.display()),
        None => println!("You have handed on your part and sit in the new council no longer."),
    }
    if settled != ceremony::Settled::default() {
        super::upkeep::say(&settled);
    }
    println!(
        "Compare the eight words of the council with the others in person. Next, with your fingerprints at hand, the"
    );
    println!("warden's person runs `tabir warden approve-council`, and an auditor for each of:");
    for m in &formed.made {
        println!("  tabir sign --proposal {} --server URL --key FILE --trust FILE", hex::encode(m.proposal));
    }
    if formed.made.iter().any(|m| m.council.epoch() > 1) {
        println!("Once the log shows the new council, `tabir council settle` erases your share of the one before.");
    }
    Ok(())
}
