//! What somebody says at the counter: typed line by line, or as JSON from a form of the office's own.

use std::io::{BufRead as _, IsTerminal as _, Read as _};
use std::path::Path;

use serde::{Deserialize, Serialize};
use tabir_crypto::Secret;
use tabir_crypto::content::{ContactKind, IdentityRecord};
use tabir_crypto::statement::body::Release;
use tabir_crypto::statement::value::V1;

use crate::cli::CliError;
use crate::cli::official::ask;
use crate::client::Session;
use crate::client::plain::{Plain, identity};
use crate::config::keys::read_private;
use crate::words::Language;
use crate::words::slip::{Question, question};

/// The longest input: the largest report, with room for JSON's escapes.
const MAX_INPUT: u64 = 512 << 10;

/// `--input`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    v: V1,
    category: String,
    text: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    language: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    place: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lat: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lon: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    release: Option<Release>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    identity: Option<IdentityRecord>,
}

/// Reads a file of mode 0600, standard input, or asks.
pub fn read(file: Option<&Path>, session: &Session, l: Language) -> Result<Plain, CliError> {
    let text = match file {
        None => return asked(session, l),
        Some(path) if path.as_os_str() == "-" => {
            let mut text = String::new();
            let read = std::io::stdin().lock().take(MAX_INPUT).read_to_string(&mut text);
            read.map_err(|e| CliError::Usage(format!("standard input: {e}")))?;
            text
        }
        Some(path) => read_private(path)?,
    };
    let text = Secret::new(text);
    let input: Input = tabir_crypto::json::from_slice(text.expose().as_bytes())?;
    if input.lat.is_some() != input.lon.is_some() {
        return Err(CliError::Usage("give `lat` and `lon` together".into()));
    }
    let language = if input.language.is_empty() { l.pick("id", "en").to_owned() } else { input.language };
    Ok(Plain {
        category: input.category,
        text: input.text,
        language,
        place: input.place,
        point: input.lat.zip(input.lon),
        attributes: std::collections::BTreeMap::new(),
        release: input.release,
        identity: input.identity,
    })
}

fn asked(session: &Session, l: Language) -> Result<Plain, CliError> {
    if !std::io::stdin().is_terminal() {
        return Err(CliError::Usage("not on a terminal: give --input FILE, or --input - for standard input".into()));
    }
    for c in &session.services.categories {
        eprintln!("  {:<32} {}", c.code.as_str(), l.pick(&c.id, &c.en).as_str());
    }
    let line = |q| ask(question(l, q), "--input");
    let category = line(Question::Category)?;
    eprintln!("{}", question(l, Question::Text));
    let text = paragraphs()?;
    let place = line(Question::Place)?;
    let name = line(Question::Name)?;
    let identity = if name.is_empty() {
        None
    } else {
        let contacts = [(ContactKind::Phone, line(Question::Phone)?), (ContactKind::Email, line(Question::Email)?)];
        Some(identity(&name, contacts))
    };
    let language = l.pick("id", "en").to_owned();
    Ok(Plain { category, text, language, place, identity, ..Plain::default() })
}

/// Lines up to one with a dot alone, or the end of input.
fn paragraphs() -> Result<String, CliError> {
    let mut text = String::new();
    for line in std::io::stdin().lock().lines() {
        let line = line.map_err(|e| CliError::Usage(format!("standard input: {e}")))?;
        if line.trim() == "." {
            break;
        }
        text.push_str(&line);
        text.push('\n');
    }
    Ok(text)
}
