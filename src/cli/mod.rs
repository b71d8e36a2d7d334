//! The command line: one file a command. `--help` of each has an example; exit codes are the same everywhere.

pub mod audit;
mod backup;
pub mod connect;
pub mod connector;
pub mod council;
pub mod counter;
pub mod demo;
pub mod desk;
pub mod doctor;
pub mod facade;
pub mod follow;
mod follow_prove;
pub mod held;
pub mod init;
pub mod keys;
mod keys_renew;
pub mod log;
pub mod official;
mod openings;
mod page;
pub mod policy;
pub mod report;
pub mod serve;
pub mod sign;
mod stores;
pub mod tokens;
pub mod trust;
mod trust_change;
mod upgrade;

pub mod unseal;
mod unseal_list;
mod unseal_request;
mod unseal_show;
pub mod voucher;
mod voucher_sheet;
pub mod warden;
mod warden_backup;
mod warden_fork;
mod warden_init;
mod warden_journal;
mod warden_requests;
pub mod witness;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::config::ConfigError;
use crate::http::HttpError;

/// What stands under `tabir --help`.
const AFTER: &str = "Exit codes: 0 done; 1 refused or failed; 2 wrong usage; 3 an audit found something; 4 a server \
                     can't be reached.\n\nStart with:  tabir demo";

/// Tabir: report to your city without being exposed.
#[derive(Parser)]
#[command(name = "tabir", version, about, after_help = AFTER, propagate_version = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Show everything at work on real tickets: every role a process of its own on this machine
    Demo(demo::Args),
    /// Make configuration, keys and the first trust root of an installation
    Init(init::Args),

    /// Run the roles of a configuration
    Serve(serve::Args),
    /// Look a process over: configuration, clocks, keys, disk, queues, connections, certificates; and what to do
    Doctor(doctor::Args),
    /// Show the trust root, make and sign its next version, catch up with it
    #[command(subcommand)]
    Trust(trust::Command),
    /// Show a statement in words and add a signature; works offline
    Sign(sign::Args),

    /// Make a council of officials
    #[command(subcommand)]
    Council(council::Command),
    /// Propose a policy
    #[command(subcommand)]
    Policy(policy::Command),
    /// Set up and run the outside body's machine, and what its person does
    #[command(subcommand)]
    Warden(warden::Command),
    /// Back a role's store up, check a backup, bring one back
    #[command(subcommand)]
    Backup(backup::Command),
    /// Bring the stores of a configuration to this program's schema, or show what that would do
    Upgrade(upgrade::Args),
    /// Ask to open an identity, vote, and open it together
    #[command(subcommand)]
    Unseal(unseal::Command),
    /// Seal a report on this device and send it
    Report(report::Args),
    /// Type a report for somebody at a counter, who leaves with the receipt
    #[command(subcommand)]
    Counter(counter::Command),
    /// Come back with the receipt: read, answer, rate, dispute, erase, prove
    Follow(follow::Args),
    /// Show every key that people rely on, and watch for new ones
    #[command(subcommand)]
    Keys(keys::Command),
    /// Copy both logs, and check everything offline
    #[command(subcommand)]
    Audit(audit::Command),
    /// Cosign the checkpoints of any C2SP log
    #[command(subcommand)]
    Witness(witness::Command),
    /// Write both logs into a folder for any web server
    #[command(subcommand)]
    Log(log::Command),
    /// Write the reporter's page of an installation, and have its hashes logged
    #[command(subcommand)]
    Page(page::Command),
    /// Fetch tokens ahead of time, to spend them later
    Tokens(tokens::Args),
    /// Print one-use codes that buy a batch of tokens each, list and revoke them
    Voucher(voucher::Args),
    /// Check the mapping to the complaint system, and show what it would be sent
    #[command(subcommand)]
    Connector(connector::Command),
    /// What the forwarder holds for a person
    #[command(subcommand)]
    Held(held::Command),
    /// Handle reports at the built-in desk
    Desk(desk::Args),
    /// Let existing apps report: make their keys, see what is in stock
    #[command(subcommand)]
    Facade(facade::Command),
}

/// Why a command did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// Wrong words, or a file that is not what it should be.
    #[error("{0}")]
    Usage(String),
    /// Refused or failed, with what to do.
    #[error("{0}")]
    Failed(String),
    /// An audit found something.
    #[error("{0}")]
    Audit(String),
    /// Configuration or key file.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A server refused or can't be reached.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// A check of the protocol failed.
    #[error(transparent)]
    Crypto(#[from] tabir_crypto::Error),
    /// A store.
    #[error(transparent)]
    Db(#[from] crate::db::DbError),
    /// A file.
    #[error("{0}: {1}")]
    File(std::path::PathBuf, std::io::Error),
}

impl CliError {
    fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) => 2,
            Self::Audit(_) => 3,
            Self::Http(HttpError::Unreachable(_)) => 4,
            _ => 1,
        }
    }
}

/// Runs the command line of this process.
pub async fn main() -> ExitCode {
    crate::http::logging::start();
    let result = match Cli::parse().command {
        Command::Demo(args) => demo::run(args).await,
        Command::Init(args) => init::run(args),

        Command::Serve(args) => serve::run(args).await,
        Command::Doctor(args) => match doctor::run(args).await {
            Ok(code) => return code,
            Err(error) => Err(error),
        },
        Command::Trust(command) => trust::run(command).await,
        Command::Sign(args) => sign::run(args).await,
        Command::Council(command) => council::run(command).await,
        Command::Policy(command) => policy::run(command).await,
        Command::Warden(command) => warden::run(command).await,
        Command::Backup(command) => backup::run(command).await,
        Command::Upgrade(args) => upgrade::run(args).await,
        Command::Unseal(command) => unseal::run(command).await,
        Command::Report(args) => report::run(args).await,
        Command::Counter(command) => counter::run(command).await,
        Command::Follow(args) => follow::run(args).await,
        Command::Keys(command) => keys::run(command).await,
        Command::Audit(command) => audit::run(command).await,

        Command::Log(command) => log::run(command).await,
        Command::Witness(command) => witness::run(command).await,
        Command::Page(command) => page::run(command).await,
        Command::Tokens(args) => tokens::run(args).await,
        Command::Voucher(args) => voucher::run(args).await,
        Command::Connector(command) => connector::run(command).await,
        Command::Held(command) => held::run(command).await,
        Command::Desk(args) => desk::run(args).await,
        Command::Facade(command) => facade::run(command).await,
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("tabir: {error}");
            ExitCode::from(error.exit_code())
        }
    }
}

/// Reads a file, naming it in the error.
pub(crate) fn read(path: &std::path::Path) -> Result<Vec<u8>, CliError> {
    std::fs::read(path).map_err(|e| CliError::File(path.into(), e))
}

/// Writes a file that anybody may read, naming it in the error.
pub(crate) fn write(path: &std::path::Path, bytes: &[u8]) -> Result<(), CliError> {
    std::fs::write(path, bytes).map_err(|e| CliError::File(path.into(), e))
}

/// Makes a folder and those above it, naming it in the error.
pub(crate) fn make_dir(path: &std::path::Path) -> Result<(), CliError> {
    std::fs::create_dir_all(path).map_err(|e| CliError::File(path.into(), e))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    /// Names that are taken twice and the like, which else show only when somebody runs that one command.
    #[test]
    fn every_command_can_be_asked_for() {
        super::Cli::command().debug_assert();
    }
}
