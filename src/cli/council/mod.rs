//! `tabir council`: making and keeping a council. Each official runs his commands on a device of his own.
//!
//! ```text
//! keys      join, passphrase: an official's keys and card
//! ceremony  init, admit, finish: what officials and the board's operator do together
//! follow    refresh, reshare, remove, rotate: manifests for a council that exists
//! upkeep    check, retire, settle, abort
//! status    what an official has, and what waits
//! backup    backup, restore: the same on paper
//! ```

pub mod backup;
pub mod ceremony;
pub mod follow;
pub mod keys;
pub mod status;
pub mod upkeep;

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
    /// Make the manifest of a refresh: the same people, the same key, new shares
    #[command(after_help = "Example: tabir council refresh --server URL --trust trust.json --out manifest.json")]
    Refresh(follow::Refresh),
    /// Make the manifest of a reshare: the same key for another set of people or another threshold; also after a lost device
    #[command(
        after_help = "Example: tabir council reshare --server URL --trust trust.json --keep 1,3 dewi.card.json --out manifest.json"
    )]
    Reshare(follow::Reshare),
    /// Make the manifest of a removal: a reshare without somebody, and a new key for new reports
    #[command(
        after_help = "Example: tabir council remove --server URL --trust trust.json --member 2 dewi.card.json --out manifest.json"
    )]
    Remove(follow::Remove),
    /// Make the manifest of a new key for new reports, held by the same people
    #[command(after_help = "Example: tabir council rotate --server URL --trust trust.json --out manifest.json")]
    Rotate(follow::Rotate),
    /// Show in the log that your share works, without showing the share: a drill, once a year
    #[command(after_help = "Example: tabir council check --server URL --trust trust.json --key sari")]
    Check(upkeep::Common),
    /// Retire a key: no new report is sealed to it, and you say what becomes of what is sealed
    #[command(after_help = "Example: tabir council retire --server URL --trust trust.json --key sari --sealed keep")]
    Retire(upkeep::Retire),
    /// Erase shares of councils that another one has replaced, once the log shows it
    #[command(after_help = "Example: tabir council settle --server URL --trust trust.json --key sari")]
    Settle(upkeep::Settle),
    /// End a ceremony that does not come to its end: nothing of it stays, and its id is never used again
    #[command(after_help = "Example: tabir council abort manifest.json --key sari --server URL --trust trust.json")]
    Abort(upkeep::Abort),
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
        Command::Refresh(args) => follow::refresh(args).await,
        Command::Reshare(args) => follow::reshare(args).await,
        Command::Remove(args) => follow::remove(args).await,
        Command::Rotate(args) => follow::rotate(args).await,
        Command::Check(args) => upkeep::check(&args).await,
        Command::Retire(args) => upkeep::retire(&args).await,
        Command::Settle(args) => upkeep::settle_shares(&args).await,
        Command::Abort(args) => upkeep::abort(&args).await,
        Command::Status(args) => status::status(&args).await,
        Command::Backup(args) => backup::backup(&args).await,
        Command::Restore(args) => backup::restore(&args).await,
    }
}
