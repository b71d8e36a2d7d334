//! `tabir policy propose`: signs a policy as the gateway and puts it on the board, where an auditor signs it.

use std::path::PathBuf;
use std::time::Duration;

use tabir_crypto::Code;
use tabir_crypto::statement::body::Role;
use tabir_crypto::statement::{Statement, Verb};

use super::connect::load_trust;
use super::official::progress;
use super::{CliError, read, sign};
use crate::client::official::{Board, Patience};
use crate::clock::Clock;
use crate::config::keys::{IDENTITY, read_signing_key};
use crate::config::{Config, ConfigError};
use crate::http::Client;

/// How long the board may take to read the log.
const WAIT: Duration = Duration::from_secs(60);

/// Subcommands of `tabir policy`.
#[derive(clap::Subcommand)]
pub enum Command {
    /// Sign a policy as the gateway and post it for an auditor's signature
    #[command(after_help = "Example: tabir policy propose policy.json --config gateway/tabir.toml")]
    Propose(Propose),
}

/// Arguments of `tabir policy propose`.
#[derive(clap::Args)]
pub struct Propose {
    /// The policy: the payload of `policy.set`, as `tabir init` writes it
    file: PathBuf,
    /// Configuration of the process that runs the gateway
    #[arg(long, value_name = "FILE", default_value = "tabir.toml")]
    config: PathBuf,
    /// The board's address, if not the one of the configuration
    #[arg(long, value_name = "URL")]
    board: Option<String>,
    /// One line of JSON
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub async fn run(command: Command) -> Result<(), CliError> {
    let Command::Propose(args) = command;
    let config = Config::load(&args.config)?;
    let role = config.roles.gateway.as_ref().ok_or_else(|| {
        CliError::Usage(
            "this configuration runs no gateway: give --config with the file that has [roles.gateway]".into(),
        )
    })?;
    let path = role.dir.join(IDENTITY);
    let key = read_signing_key(&path)?;
    if load_trust(&config.trust)?.identity(Role::Gateway) != &key.verifying_key() {
        return Err(ConfigError::Key { path, source: Code::Trust.into() }.into());
    }
    let payload = read(&args.file)?.trim_ascii().to_vec();
    let mut statement = Statement::from_payload(Verb::PolicySet, payload)
        .map_err(|e| CliError::Failed(format!("{}: {e}", args.file.display())))?;
    statement.sign(&key);
    let url = args.board.as_deref().unwrap_or(&config.peers.council);
    let board = Board::new(Client::new(Clock::system()), url, key);
    board.propose(&statement, &mut Patience::new(WAIT, &progress)).await?;
    let id = hex::encode(statement.pae_hash());
    if args.json {
        println!("{}", serde_json::json!({ "v": 1, "proposal": id }));
    } else {
        println!("{}", sign::describe(&statement)?);
        println!("proposal: {id}\nNext, an auditor: tabir sign --proposal {id} --board URL --key FILE");
    }
    Ok(())
}
