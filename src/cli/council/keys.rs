//! `tabir council join`: an official's own keys.

use std::path::PathBuf;

use tabir_crypto::json;
use tabir_crypto::keyfile::Cost;

use crate::cli::official::passphrase;
use crate::cli::{CliError, write};
use crate::client::official::OfficialFile;

/// Arguments of `tabir council join`.
#[derive(clap::Args)]
pub struct Join {
    /// Your name, for people
    #[arg(long)]
    name: String,
    /// Key file to make; the card is written beside it, as <name of the file>.card.json
    #[arg(long, value_name = "KEYFILE")]
    out: PathBuf,
    /// Read the passphrase from a file of mode 0600 instead of the terminal
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
}

/// Runs `tabir council join`.
pub fn join(args: &Join) -> Result<(), CliError> {
    let secret = passphrase(args.passphrase_file.as_deref(), true)?;
    let card = OfficialFile::create(&args.out, &args.name, secret, Cost::DEFAULT)?.card();
    let path = args.out.with_extension("card.json");
    write(&path, &json::to_vec(&card)?)?;
    println!("{}  {}", card.fingerprint(), args.name);
    eprintln!(
        "Give {} to whoever makes the manifest, and the line above to the other officials, the warden and an auditor, \
         in person.",
        path.display()
    );
    Ok(())
}
