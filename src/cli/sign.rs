//! `tabir sign`: shows a statement in words, adds a signature. Works offline on a file.

use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::path::PathBuf;

use tabir_crypto::statement::Statement;

use super::{CliError, read};
use crate::config::keys::read_signing_key;

/// Arguments of `tabir sign`.
#[derive(clap::Args)]
#[command(after_help = "Example: tabir sign trust.json --key auditor.key")]
pub struct Args {
    /// The statement, signed or not; the signature is added to this file
    file: PathBuf,
    /// Key file: a 32-byte seed in hex, mode 0600
    #[arg(long)]
    key: PathBuf,
    /// First eight digits of the statement's hash as you were told them by another way; without it they are asked for
    #[arg(long, value_name = "DIGITS")]
    expect: Option<String>,
}

/// How many digits of the hash are compared: what a person can read out on the phone.
const DIGITS: usize = 8;

/// Runs the command.
pub async fn run(args: Args) -> Result<(), CliError> {
    let mut statement = Statement::parse_proposal(&read(&args.file)?)?;
    let key = read_signing_key(&args.key)?;
    confirm(&statement, args.expect.as_deref())?;
    statement.sign(&key);
    replace(&args.file, &statement.to_bytes())?;
    println!(
        "Signed by {}. The file has {} signature(s).",
        hex::encode(key.verifying_key().key_id()),
        statement.signers().len()
    );
    Ok(())
}

/// Shows what is signed, and has the hash's first digits typed.
pub fn confirm(statement: &Statement, expected: Option<&str>) -> Result<(), CliError> {
    let hash = hex::encode(statement.pae_hash());
    println!("{}\nhash: {hash}", describe(statement)?);
    let typed = match expected {
        Some(digits) => digits.to_owned(),
        None if std::io::stdin().is_terminal() => {
            print!("Type the first {DIGITS} digits of the hash, as the others read it to you: ");
            std::io::stdout().flush().map_err(|e| CliError::Failed(e.to_string()))?;
            let mut line = String::new();
            std::io::stdin().lock().read_line(&mut line).map_err(|e| CliError::Failed(e.to_string()))?;
            line.trim().to_owned()
        }
        None => return Err(CliError::Usage("not on a terminal: give --expect with the hash's first digits".into())),
    };
    if typed.len() >= DIGITS && hash.starts_with(&typed.to_ascii_lowercase()) {
        Ok(())
    } else {
        Err(CliError::Failed("the digits do not fit: nothing was signed".into()))
    }
}

/// The statement in words: verb, each field on a line, who signed.
pub fn describe(statement: &Statement) -> Result<String, CliError> {
    let value = tabir_crypto::json::parse(statement.payload())?;
    let mut lines = vec![format!("{}:", statement.verb().as_str())];
    for (field, value) in value.as_object().into_iter().flatten() {
        let text = value.to_string();
        let short: String = text.chars().take(96).collect();
        let more = if short.len() < text.len() { " …" } else { "" };
        lines.push(format!("  {field}: {short}{more}"));
    }
    for signer in statement.signers() {
        lines.push(format!("  signed by {}", hex::encode(signer)));
    }
    Ok(lines.join("\n"))
}

/// Writes beside the file and renames, so that a crash leaves the old or the new one.
fn replace(path: &std::path::Path, bytes: &[u8]) -> Result<(), CliError> {
    let beside = path.with_extension("new");
    super::write(&beside, bytes)?;
    std::fs::rename(&beside, path).map_err(|e| CliError::File(path.into(), e))
}
