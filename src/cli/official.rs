//! What the officials' commands share: passphrases, fingerprints, what is typed before a step that can't be undone.

use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tabir_crypto::Secret;
use tabir_crypto::codec::unhex;
use tabir_crypto::keyfile::Cost;
use tabir_crypto::secret::SecretVec;

use super::CliError;
use crate::client::official::manifest::{Fingerprints, FromFile, TYPED_GROUPS};
use crate::client::official::{OfficialError, OfficialFile};
use crate::config::keys::read_private;

/// The shortest passphrase that is taken: four short words.
const MIN_PASSPHRASE: usize = 12;

/// `--key` and `--passphrase-file`.
#[derive(clap::Args, Clone, Debug)]
pub struct KeyArgs {
    /// Your folder or key file, made by `tabir council join`
    #[arg(long, value_name = "FOLDER")]
    pub key: PathBuf,
    /// Read the passphrase from a file of mode 0600 instead of the terminal
    #[arg(long, value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,
}

impl KeyArgs {
    /// Opens the key file.
    pub fn open(&self) -> Result<OfficialFile, CliError> {
        Ok(OfficialFile::open(&self.key, passphrase(self.passphrase_file.as_deref(), false)?, Cost::DEFAULT)?)
    }
}

/// Reads a passphrase; a new one is asked for twice.
pub fn passphrase(file: Option<&Path>, new: bool) -> Result<SecretVec, CliError> {
    let prompt = |text| {
        rpassword::prompt_password(text)
            .map(Secret::new)
            .map_err(|_| CliError::Usage("no terminal to type a passphrase: give --passphrase-file FILE".into()))
    };
    let typed = match file {
        Some(file) => Secret::new(read_private(file)?.trim_end_matches(['\r', '\n']).to_owned()),
        None => prompt("Passphrase: ")?,
    };
    if new && typed.expose().chars().count() < MIN_PASSPHRASE {
        return Err(CliError::Usage(format!("a passphrase has at least {MIN_PASSPHRASE} characters")));
    }
    if new && file.is_none() && prompt("The same again: ")? != typed {
        return Err(CliError::Usage("the two passphrases differ: nothing was made".into()));
    }
    Ok(Secret::new(typed.expose().clone().into_bytes()))
}

/// Asks on the terminal. Error: usage, naming what to give instead.
pub fn ask(question: &str, instead: &str) -> Result<String, CliError> {
    if !std::io::stdin().is_terminal() {
        return Err(CliError::Usage(format!("not on a terminal: give {instead}")));
    }
    let failed = |e: std::io::Error| CliError::Failed(e.to_string());
    // Questions go where no program reads the answer of a command.
    eprint!("{question}");
    std::io::stderr().flush().map_err(failed)?;
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).map_err(failed)?;
    Ok(line.trim().to_owned())
}

/// Says that a step can't be undone, and has the case's reference typed.
pub fn typed_reference(step: &str, given: Option<&str>) -> Result<String, CliError> {
    eprintln!("{step} This cannot be undone.");
    match given {
        Some(reference) => Ok(reference.to_owned()),
        None => ask("Type the case's reference: ", "--confirm REFERENCE"),
    }
}

/// Fingerprints typed in part.
struct Typed;

impl Fingerprints for Typed {
    fn of(&self, index: u16) -> Result<Vec<String>, OfficialError> {
        let question = format!(
            "Type the first {TYPED_GROUPS} groups of the fingerprint of official {index}, as that person told you: "
        );
        ask(&question, "--fingerprints FILE").map(|t| vec![t]).map_err(|e| OfficialError::Refused(e.to_string()))
    }
}

/// Fingerprints from a file that was obtained elsewhere, or typed in part.
pub fn fingerprints(file: Option<&Path>) -> Result<Box<dyn Fingerprints>, CliError> {
    Ok(match file {
        Some(file) => {
            let text = String::from_utf8(super::read(file)?);
            Box::new(FromFile(text.map_err(|_| CliError::Usage(format!("{}: not text", file.display())))?))
        }
        None => Box::new(Typed),
    })
}

/// Says what is waited for, on a terminal.
pub fn progress(what: &str) {
    if std::io::stderr().is_terminal() {
        eprintln!("waiting for {what} …");
    }
}

/// A number of seconds as a duration.
pub fn seconds(text: &str) -> Result<Duration, std::num::ParseIntError> {
    text.parse().map(Duration::from_secs)
}

/// A 32-byte id in hex.
pub fn hex32(text: &str) -> Result<[u8; 32], String> {
    unhex(text).map_err(|_| "64 hex digits".into())
}

impl From<OfficialError> for CliError {
    fn from(error: OfficialError) -> Self {
        match error {
            OfficialError::Client(e) => e.into(),
            OfficialError::Config(e) => e.into(),
            other => Self::Failed(other.to_string()),
        }
    }
}
