//! Making the folders of those who are not the city: the outside body with its warden, and the other auditors.

use std::path::Path;

use tabir_crypto::ed25519::SigningKey;
use tabir_crypto::statement::value::{Hex, Text, V1};

use super::city::{identity, witness};
use super::files::{fresh_folder, write_json, write_toml};
use super::{Card, Part, layout};
use crate::cli::CliError;
use crate::config::Peers;
use crate::config::keys::create_seed;
use crate::config::notify::Alerts;

/// Name of the card in each folder.
const CARD: &str = "card.json";

/// The outside body's or another auditor's folder, with the card that the city needs.
pub fn party(dir: &Path, name: &str, part: Part) -> Result<(), CliError> {
    let auditor = SigningKey::from_seed(&create_seed(&dir.join("auditor.key"))?).verifying_key();
    let mut card = Card { v: V1, name: Text::new(name)?, auditor: None, warden: None, witness: None };
    if part == Part::Outside {
        card = warden_keys(&dir.join("warden"), name)?;
        write_toml(&dir.join("tabir.toml"), &layout::outside("warden".into(), layout::local_city(), None))?;
    }
    card.auditor = Some(Hex(*auditor.as_bytes()));
    write_json(&dir.join(CARD), &card)?;
    println!("Made {0}. Take {0}/card.json to the city by hand, and keep auditor.key offline.", dir.display());
    println!("When the city gives you trust.json: check its keys with the other parties, then");
    println!("  tabir sign trust.json --key {}/auditor.key", dir.display());
    Ok(())
}

/// Identity and witness key, in a folder of their own.
fn warden_keys(dir: &Path, name: &str) -> Result<Card, CliError> {
    // A name that can't be is refused before there are keys.
    let (shown, key_name) = (Text::new(name)?, format!("warden.{}", slug(name)));
    let warden = Some(Hex(*identity(dir)?.verifying_key().as_bytes()));
    let witness = Some(witness(dir, &key_name)?);
    Ok(Card { v: V1, name: shown, auditor: None, warden, witness })
}

/// What a warden's machine is told when it is set up.
pub struct Warden<'a> {
    /// The outside body, for people; the witness key carries it.
    pub name: &'a str,
    /// Where the city is reached.
    pub peers: Peers,
    /// Whom to tell that a request waits.
    pub notify: Option<Alerts>,
}

/// The folder of a warden's machine, which holds no auditor's key. Returns the card. Error: a folder that holds anything.
pub fn make_warden(dir: &Path, warden: Warden<'_>) -> Result<Card, CliError> {
    fresh_folder(dir)?;
    let card = warden_keys(dir, warden.name)?;
    write_toml(&dir.join("tabir.toml"), &layout::outside(".".into(), warden.peers, warden.notify))?;
    write_json(&dir.join(CARD), &card)?;
    Ok(card)
}

/// A key name of C2SP: no spaces, no plus.
fn slug(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect()
}
