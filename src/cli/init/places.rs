//! Addresses of a town or a city, as its people give them.

use super::Args;
use super::ask::{self, Question, answer};
use crate::cli::CliError;
use crate::config::Peers;
use crate::config::links::{PLACEHOLDER, Peer};
use crate::config::profile::Profile;

/// Where everything is.
pub struct Places {
    /// Every role.
    pub peers: Peers,
    /// The complaint system.
    pub downstream: String,
    /// Name that tokens and logs carry for ever.
    pub origin: String,
    /// Name for people.
    pub name: String,
}

/// Asks for what no flag gave.
pub fn of(args: &Args, profile: Profile) -> Result<Places, CliError> {
    let origin = Question {
        flag: "--origin",
        ask: "Which name shall tokens and logs carry?",
        why: "It stands in every key and every proof and can never change, whatever addresses do: take the host name that \
              people will know, such as lapor.kota.example",
        default: None,
    };
    let origin = answer(args.origin.clone(), &origin, ask::host)?;
    let name = Question {
        flag: "--name",
        ask: "What is this installation called?",
        why: "People read it in the trust root; it has no other effect.",
        default: Some("Tabir"),
    };
    let name = answer(args.name.clone(), &name, ask::text)?;
    let peers = match profile {
        Profile::City => hosts(&origin),
        _ => two(args, &origin)?,
    };
    let peers = with(peers, &args.address)?;
    let placeholder = format!("https://{PLACEHOLDER}/open311/v2");
    let downstream = Question {
        flag: "--downstream",
        ask: "Where is the complaint system?",
        why: "The forwarder hands reports in there: its GeoReport v2 address, up to and without /services.json. It can be \
              written into the forwarder's tabir.toml later.",
        default: Some(&placeholder),
    };
    let downstream = answer(args.downstream.clone(), &downstream, ask::address)?;
    Ok(Places { peers, downstream, origin, name })
}

/// A town has two addresses: for everybody, and for signed calls.
pub fn two(args: &Args, origin: &str) -> Result<Peers, CliError> {
    let default = if ask::somebody() && !origin.is_empty() { format!("https://{origin}") } else { LOCAL.into() };
    let public = Question {
        flag: "--public",
        ask: "At which address does everybody reach the city?",
        why: "Reporters, officials, auditors and the outside body call it; a proxy with a certificate answers there.",
        default: Some(&default),
    };
    let public = answer(args.public.clone(), &public, ask::base)?;
    let default = if ask::somebody() && !origin.is_empty() {
        format!("https://internal.{origin}")
    } else {
        LOCAL_INTERNAL.into()
    };
    let internal = Question {
        flag: "--internal",
        ask: "At which address do the city's inner network and the outside body make signed calls?",
        why: "It is kept apart from the public one so that a firewall can let two hosts through and nobody else.",
        default: Some(&default),
    };
    Ok(both(&public, &answer(args.internal.clone(), &internal, ask::base)?))
}

/// On one machine, for tries.
const LOCAL: &str = "http://127.0.0.1:8080";
const LOCAL_INTERNAL: &str = "http://127.0.0.1:8082";

/// One address for everybody, one for signed calls.
#[must_use]
pub fn both(public: &str, internal: &str) -> Peers {
    let mut peers = Peers::default();
    for peer in Peer::ALL {
        *peer.of_mut(&mut peers) = if peer.internal() { internal } else { public }.to_owned();
    }
    peers
}

/// A city has a host a role.
fn hosts(origin: &str) -> Peers {
    let mut peers = Peers::default();
    for peer in Peer::ALL {
        *peer.of_mut(&mut peers) = match peer.key() {
            "gateway" => format!("https://{origin}"),
            key => match key.strip_suffix("_internal") {
                Some(role) => format!("https://{role}.internal.{origin}"),
                None => format!("https://{key}.{origin}"),
            },
        };
    }
    peers
}

/// Single addresses that were given as KEY=URL.
fn with(mut peers: Peers, given: &[String]) -> Result<Peers, CliError> {
    for text in given {
        let (key, url) = text.split_once('=').unwrap_or((text, ""));
        let keys = Peer::ALL.map(Peer::key).join(", ");
        let peer = Peer::ALL.into_iter().find(|p| p.key() == key);
        let peer = peer.ok_or_else(|| CliError::Usage(format!("--address is KEY=URL, KEY one of {keys}")))?;
        *peer.of_mut(&mut peers) = ask::base(url).map_err(CliError::Usage)?;
    }
    Ok(peers)
}
