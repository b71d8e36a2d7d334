//! `tabir warden`: the outside body's machine, and what its person does. Here: signing a council, with the officials'
//! fingerprints at hand.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tabir_crypto::Code;
use tabir_crypto::statement::body::Role;
use tabir_crypto::trust::root::LogName;
use tokio::sync::watch;

use super::connect::load_trust;
use super::official::{fingerprints, hex32, progress};
use super::{CliError, sign, warden_backup, warden_fork, warden_init, warden_journal, warden_requests};
use crate::client::official::endorse::{check_formed, waiting_council};
use crate::client::official::{Board, Patience};
use crate::clock::Clock;
use crate::config::keys::{IDENTITY, read_signing_key};
use crate::config::{Config, ConfigError, Setup, roles};
use crate::http::Client;
use crate::ledger::{self, Ledger, View};
use crate::warden::{Warden, WardenError};

/// How long the board may take to read the log.
const WAIT: Duration = Duration::from_secs(60);

/// Subcommands of `tabir warden`.
#[derive(clap::Subcommand)]
pub enum Command {
    /// Make the folder of a warden's machine: keys, configuration, and the card with its public keys
    #[command(
        after_help = "Example: tabir warden init /srv/warden --name \"Ombudsman\" --city https://lapor.kota.example \
                            --internal https://dalam.kota.example --notify duty@ombud.example --smtp mail.ombud.example:587 \
                            --mail-from warden@ombud.example"
    )]
    Init(Box<warden_init::Init>),
    /// Run the warden, and nothing else, until Ctrl-C or a termination signal
    #[command(after_help = "Example: tabir warden serve --config /srv/warden/tabir.toml")]
    Serve(warden_init::Serve),
    /// Show this warden's own record of what it saw and did, after checking that no line was changed or is gone
    #[command(after_help = "Example: tabir warden journal --config warden/tabir.toml --verify")]
    Journal(warden_journal::Args),
    /// Split the keys among auditors, and bring one back
    #[command(subcommand)]
    Backup(warden_backup::Command),
    /// Sign a council that its officials formed, after checking that it is they
    #[command(after_help = "Example: tabir warden approve-council --config warden/tabir.toml --fingerprints known.txt")]
    ApproveCouncil(ApproveCouncil),
    /// Show the live requests that this warden knows, with their words, and how far it is with each
    #[command(after_help = "Example: tabir warden requests --config warden/tabir.toml")]
    Requests(warden_requests::List),
    /// Want an auditor's signature beside the warden's: to release before the cooling-off is over, or above the day's cap
    #[command(after_help = "Example: tabir warden ask-auditor --config warden/tabir.toml --request HASH")]
    AskAuditor(warden_requests::AskAuditor),
    /// Take away the mark of a log that showed two histories, after you know why it did
    #[command(after_help = "Example: tabir warden lift-fork --config warden/tabir.toml --log governance")]
    LiftFork(warden_fork::Args),
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
    match command {
        Command::Init(args) => warden_init::init(&args),
        Command::Serve(args) => warden_init::serve(&args).await,
        Command::Journal(args) => warden_journal::run(&args).await,
        Command::Backup(command) => warden_backup::run(command).await,
        Command::ApproveCouncil(args) => approve_council(&args).await,
        Command::Requests(args) => warden_requests::list(&args).await,
        Command::AskAuditor(args) => warden_requests::ask_auditor(&args).await,
        Command::LiftFork(args) => warden_fork::run(&args).await,
    }
}

/// The warden's section of a configuration.
pub(super) fn section(config: &Config) -> Result<&roles::Warden, CliError> {
    config.roles.warden.as_ref().ok_or_else(|| {
        CliError::Usage("this configuration runs no warden: give --config with the file that has [roles.warden]".into())
    })
}

/// The warden's store and keys beside the running process, whose steps are transactions: what is written here it finds at
/// its next round. The sender keeps the setup's process alive.
pub(super) async fn open(file: &Path) -> Result<(Warden, watch::Sender<bool>), CliError> {
    let config = Config::load(file)?;
    let (stop, stopped) = watch::channel(false);
    let clock = Clock::system();
    let setup = Setup {
        trust: Arc::new(load_trust(&config.trust)?),
        clock: clock.clone(),
        client: Client::new(clock),
        peers: config.peers.clone(),
        ledger: Ledger::fixed(View::default()),
        stop: stopped,
    };
    let warden = Warden::open(section(&config)?, &setup).await.map_err(|e| CliError::Failed(e.to_string()))?;
    Ok((warden, stop))
}

async fn approve_council(args: &ApproveCouncil) -> Result<(), CliError> {
    let config = Config::load(&args.config)?;
    let role = section(&config)?;
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
    let mut view = View::default();
    let reader = ledger::reader(&trust, LogName::Governance, Client::new(Clock::system()), &config.peers.log)?;
    view.advance(&trust, &reader).await.map_err(|e| CliError::Failed(e.to_string()))?;
    check_formed(&board, &trust, Some(&view.state), &statement, &*fingerprints(args.fingerprints.as_deref())?).await?;
    statement.sign(&key);
    let proposal = board.propose(&statement, &mut Patience::new(WAIT, &progress)).await?;
    println!(
        "Signed as warden: {}.",
        if proposal.complete { "complete, on its way to the log" } else { "an auditor signs next" }
    );
    println!("proposal: {}", hex::encode(statement.pae_hash()));
    Ok(())
}

impl From<WardenError> for CliError {
    fn from(error: WardenError) -> Self {
        match error {
            // As an audit of what this warden keeps of itself.
            WardenError::Journal(error) => Self::Audit(error.to_string()),
            error => Self::Failed(error.to_string()),
        }
    }
}
