//! Making the folders of those who are not the city: the outside body with its warden, and the other auditors.

use std::path::Path;

use tabir_crypto::ed25519::SigningKey;
use tabir_crypto::statement::value::{Hex, Text, V1};

use super::ask::{self, Question, answer};
use super::city::{identity, witness};
use super::files::{fresh_folder, write_json, write_toml};
use super::{Args, Card, Part, Terms, layout, next, places};
use crate::cli::CliError;
use crate::config::Peers;
use crate::config::keys::create_seed;
use crate::config::notify::Alerts;
use crate::config::profile::Profile;

/// Name of the card in each folder.
const CARD: &str = "card.json";

/// What must be known of a party before anything is made.
pub struct Party {
    name: String,
    /// Where the city is, for a warden.
    peers: Option<Peers>,
}

impl Party {
    /// From the flags, or from the person.
    pub fn of(args: &Args, part: Part) -> Result<Self, CliError> {
        let question = Question {
            flag: "--name",
            ask: "Who are you?",
            why: "Your card carries this name, so that people can tell the cards apart.",
            default: (!ask::somebody()).then_some("Tabir"),
        };
        let name = answer(args.name.clone(), &question, ask::text)?;
        let peers = (part == Part::Outside).then(|| places::two(args, "")).transpose()?;
        Ok(Self { name, peers })
    }
}

/// The outside body's or another auditor's folder, with the card that the city needs. Gives what is to be said then.
pub fn party(party: &Party, terms: &Terms, (will_be, dir): (&Path, &Path)) -> Result<String, CliError> {
    let name = &party.name;
    let auditor = SigningKey::from_seed(&create_seed(&dir.join("auditor.key"))?).verifying_key();
    let mut card = Card { v: V1, name: Text::new(name)?, auditor: None, warden: None, witness: None };
    if let Some(peers) = party.peers.clone() {
        card = warden_keys(&dir.join("warden"), name)?;
        write_toml(&dir.join("tabir.toml"), &layout::outside("warden".into(), peers, None, terms))?;
    }
    card.auditor = Some(Hex(*auditor.as_bytes()));
    write_json(&dir.join(CARD), &card)?;
    Ok(next::party(will_be, party.peers.is_some()))
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
    /// With the delays of a rehearsal.
    pub rehearsal: bool,
}

/// The folder of a warden's machine, which holds no auditor's key. Returns the card. Error: a folder that holds anything.
pub fn make_warden(dir: &Path, warden: Warden<'_>) -> Result<Card, CliError> {
    fresh_folder(dir)?;
    let terms = Terms { profile: Profile::Town, rehearsal: warden.rehearsal };
    let card = warden_keys(dir, warden.name)?;
    write_toml(&dir.join("tabir.toml"), &layout::outside(".".into(), warden.peers, warden.notify, &terms))?;
    write_json(&dir.join(CARD), &card)?;
    Ok(card)
}

/// A key name of C2SP: no spaces, no plus.
fn slug(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect()
}
