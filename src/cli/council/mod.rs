//! `tabir council`: making and keeping a council. Each official runs his commands on a device of his own.
//!
//! ```text
//! keys      join, passphrase: an official's keys and card
//! ceremony  init, admit, finish: what officials and the board's operator do together
//! status    what an official has, and what waits
//! backup    backup, restore: the same on paper
//! ```

pub mod backup;
pub mod ceremony;
pub mod keys;
pub mod status;

use super::CliError;

/// Subcommands of `tabir council`.
#[derive(clap::Subcommand)]
pub enum Command {
    /// Make an official's keys and a card with the public ones
    #[command(after_help = "Example: tabir council join --name 'Ibu Sari' --out sari")]
    Join(keys::Join),
    /// Change the passphrase of your key file
    #[command(after_help = "Example: tabir council passphrase --key sari")]
    Passphrase(keys::Passphrase),
    /// Make the manifest of a new council from its officials' cards
    #[command(
        after_help = "Example: tabir council init --threshold 2 sari.card.json budi.card.json ayu.card.json --out manifest.json"
    )]
    Init(ceremony::Init),
    /// Let the keys of a manifest call the board for their ceremony (the board's operator)
    #[command(after_help = "Example: tabir council admit manifest.json --config council/tabir.toml")]
    Admit(ceremony::Admit),
    /// Take part in the ceremony: all officials run this at the same time, each on a device of his own
    #[command(
        after_help = "Example: tabir council finish manifest.json --key sari.key --trust trust.json --board URL --fingerprints known.txt"
    )]
    Finish(ceremony::Finish),
    /// In one look: your keys and shares, whether they work, and what waits
    #[command(after_help = "Example: tabir council status --server URL --trust trust.json --key sari")]
    Status(status::Status),
    /// Put your keys and shares on paper, locked with your passphrase: a page to print, with QR codes
    #[command(after_help = "Example: tabir council backup --server URL --trust trust.json --key sari --out sari-paper")]
    Backup(backup::Backup),
    /// Bring keys and shares from paper to this laptop, checked against the log
    #[command(
        after_help = "Example: tabir council restore --server URL --trust trust.json --out sari --from typed.txt"
    )]
    Restore(backup::Restore),
}

/// Runs the command.
pub async fn run(command: Command) -> Result<(), CliError> {
    match command {
        Command::Join(args) => keys::join(&args),
        Command::Passphrase(args) => keys::change_passphrase(&args),
        Command::Init(args) => ceremony::init(&args),
        Command::Admit(args) => ceremony::admit(&args).await,
        Command::Finish(args) => ceremony::finish(&args).await,
        Command::Status(args) => status::status(&args).await,
        Command::Backup(args) => backup::backup(&args).await,
        Command::Restore(args) => backup::restore(&args).await,
    }
}
