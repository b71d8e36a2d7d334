//! `tabir council join` and `passphrase`: an official's own keys.

use std::path::PathBuf;

use tabir_crypto::json;
use tabir_crypto::keyfile::Cost;

use crate::cli::official::{KeyArgs, passphrase};
use crate::cli::{CliError, write};
use crate::client::official::OfficialFile;
use crate::config::keys::create_private_folder;

/// Arguments of `tabir council join`.
#[derive(clap::Args)]
pub struct Join {
    /// Your name, for people
    #[arg(long)]
    name: String,
    /// Folder to make for your key file, your card and the ceremonies' records; a name that ends in .key makes a single
    /// file, with the card beside it
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,
    /// Read the passphrase from a file of mode 0600 instead of the terminal
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
}

/// Arguments of `tabir council passphrase`.
#[derive(clap::Args)]
pub struct Passphrase {
    #[command(flatten)]
    key: KeyArgs,
    /// Read the new passphrase from a file of mode 0600 instead of the terminal
    #[arg(long, value_name = "FILE")]
    new_passphrase_file: Option<PathBuf>,
}

/// Makes the folder of an official's state, unless `out` names a single file.
pub(super) fn make_place(out: &std::path::Path) -> Result<(), CliError> {
    if out.extension().is_some_and(|e| e == "key") { Ok(()) } else { Ok(create_private_folder(out)?) }
}

/// Writes the card to its place; gives the place.
pub(super) fn write_card(file: &OfficialFile) -> Result<PathBuf, CliError> {
    let path = file.card_path();
    write(&path, &json::to_vec(&file.card())?)?;
    Ok(path)
}

/// Runs `tabir council join`.
pub fn join(args: &Join) -> Result<(), CliError> {
    let secret = passphrase(args.passphrase_file.as_deref(), true)?;
    make_place(&args.out)?;
    let file = OfficialFile::create(&args.out, &args.name, secret, Cost::DEFAULT)?;
    let card = write_card(&file)?;
    println!("{}  {}", file.card().fingerprint(), args.name);
    eprintln!(
        "Give {} to whoever makes the manifest, and the line above to the other officials, the warden and an auditor, \
         in person.",
        card.display()
    );
    Ok(())
}

/// Runs `tabir council passphrase`.
pub fn change_passphrase(args: &Passphrase) -> Result<(), CliError> {
    let mut file = args.key.open()?;
    if args.new_passphrase_file.is_none() {
        eprintln!("Now the new one.");
    }
    let new = passphrase(args.new_passphrase_file.as_deref(), true)?;
    let printed = file.backup().map(|(day, _)| day.to_string());
    file.change_passphrase(new, Cost::DEFAULT)?;
    println!("The key file has the new passphrase.");
    if let Some(day) = printed {
        println!("Your paper of {day} still opens with the old one: print a new paper and destroy that one.");
    }
    println!("Copies of the old file, and backups of this device, still open with the old one.");
    Ok(())
}
