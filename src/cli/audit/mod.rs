//! `tabir audit`: copy both logs and check everything offline. One file a command.

mod fetch;
mod opening;
mod progress;
mod verify;

pub use verify::describe;

use super::CliError;

/// `tabir audit`.
#[derive(clap::Subcommand)]
pub enum Command {
    /// Copy both logs into a folder, or bring a copy up to date
    #[command(after_help = "Example: tabir audit fetch --server URL --trust trust.json ./log")]
    Fetch(fetch::Args),
    /// Check a copy offline: trees, signatures, keys, openings, windows
    #[command(
        after_help = "Example: tabir audit verify ./log --trust trust.json\nExit code 3: at least one check failed, each is named."
    )]
    Verify(verify::Args),
    /// Check a folder of proofs that `tabir follow --proof` made; offline
    #[command(after_help = "Example: tabir audit opening ./proof --trust trust.json")]
    Opening(opening::Args),
}

/// Runs the command.
pub async fn run(command: Command) -> Result<(), CliError> {
    match command {
        Command::Fetch(args) => fetch::run(&args).await,
        Command::Verify(args) => verify::run(&args).await,
        Command::Opening(args) => opening::run(&args),
    }
}
