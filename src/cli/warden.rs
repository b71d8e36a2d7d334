//! `tabir warden approve-council`: the warden's person signs a council, with the officials' fingerprints at hand.

use std::path::PathBuf;
use std::time::Duration;

use tabir_crypto::Code;
use tabir_crypto::statement::body::Role;

use super::connect::load_trust;
use super::official::{fingerprints, hex32, progress};
use super::{CliError, sign};
use crate::client::official::endorse::{check_formed, waiting_council};
use crate::client::official::{Board, Patience};
use crate::clock::Clock;
use crate::config::keys::{IDENTITY, read_signing_key};
use crate::config::{Config, ConfigError};
use crate::http::Client;

/// How long the board may take to read the log.
const WAIT: Duration = Duration::from_secs(60);

/// Subcommands of `tabir warden`.
#[derive(clap::Subcommand)]
pub enum Command {
    /// Sign a council that its officials formed, after checking that it is they
    #[command(after_help = "Example: tabir warden approve-council --config warden/tabir.toml --fingerprints known.txt")]
    ApproveCouncil(ApproveCouncil),
}

/// Arguments of `tabir warden approve-council`.
#[derive(clap::Args)]
pub struct ApproveCouncil {
    /// Configuration of the warden's process
    #[arg(long, value_name = "FILE", default_value = "tabir.toml")]
    config: PathBuf,
    /// The officials' fingerprints, one a line, which you got from them and not from the city; typed in part without it
    #[arg(long, value_name = "FILE")]
    fingerprints: Option<PathBuf>,
    /// Which council, if several wait
    #[arg(long, value_name = "ID", value_parser = hex32)]
    proposal: Option<[u8; 32]>,
    /// The board's address, if not the one of the configuration
    #[arg(long, value_name = "URL")]
    board: Option<String>,
}

/// Runs the command.
pub async fn run(command: Command) -> Result<(), CliError> {
    let Command::ApproveCouncil(args) = command;
    let config = Config::load(&args.config)?;
    let role = config.roles.warden.as_ref().ok_or_else(|| {
        CliError::Usage("this configuration runs no warden: give --config with the file that has [roles.warden]".into())
    })?;
    let trust = load_trust(&config.trust)?;
    let path = role.dir.join(IDENTITY);
    let key = read_signing_key(&path)?;
    if trust.identity(Role::Warden) != &key.verifying_key() {
        return Err(ConfigError::Key { path, source: Code::Trust.into() }.into());
    }
    let url = args.board.as_deref().unwrap_or(&config.peers.council);
    let board = Board::new(Client::new(Clock::system()), url, key.clone());
    let mut statement = waiting_council(&board, args.proposal).await?;
    println!("{}", sign::describe(&statement)?);
    check_formed(&board, &trust, &statement, &*fingerprints(args.fingerprints.as_deref())?).await?;
    statement.sign(&key);
    let proposal = board.propose(&statement, &mut Patience::new(WAIT, &progress)).await?;
    println!(
        "Signed as warden: {}.",
        if proposal.complete { "complete, on its way to the log" } else { "an auditor signs next" }
    );
    println!("proposal: {}", hex::encode(statement.pae_hash()));
    Ok(())
}
