//! Numbers in the wrong unit, and addresses that are none.

use std::ops::RangeInclusive;

use tabir_crypto::trust::Trust;

use super::read::{Document, Entry};
use super::{CONFIGURATION, Level, Located};
use crate::config::Config;
use crate::config::links::{self, Peer};

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// What a number of that name can be at all.
const EVER: [(&str, RangeInclusive<u64>); 6] = [
    // More often than twenty times a second is a number of seconds that was meant.
    ("poll_ms", 10..=10 * MINUTE * 1_000),
    ("checkpoint_ms", 10..=10 * MINUTE * 1_000),
    ("epoch_s", 1..=400 * DAY),
    ("overlap_s", 0..=90 * DAY),
    ("pow_bits", 0..=24),
    ("puzzles_per_minute", 1..=60),
];

/// What it can be where people report: the trust root is no demo's.
const REAL: [(&str, RangeInclusive<u64>); 4] = [
    ("poll_ms", 100..=10 * MINUTE * 1_000),
    ("checkpoint_ms", 100..=10 * MINUTE * 1_000),
    ("epoch_s", DAY..=400 * DAY),
    ("overlap_s", HOUR..=90 * DAY),
];

fn outside(document: &Document, table: &[(&str, RangeInclusive<u64>)], found: &mut Vec<Located>) {
    for entry in &document.entries {
        let Some((_, range)) = table.iter().find(|(name, _)| *name == entry.name()) else { continue };
        let Some(number) = number(entry).filter(|n| !range.contains(n)) else { continue };
        let path: Vec<&str> = entry.path.iter().map(String::as_str).collect();
        let (low, high) = (spoken(entry.name(), *range.start()), spoken(entry.name(), *range.end()));
        let what = format!("{} is outside of {low} to {high}", spoken(entry.name(), number));
        found.push(document.about(&path, Level::Error, CONFIGURATION, what, todo(entry.name())));
    }
}

fn number(entry: &Entry) -> Option<u64> {
    entry.text.as_deref().filter(|_| !entry.string)?.replace('_', "").parse().ok()
}

/// A number as people say it.
fn spoken(name: &str, number: u64) -> String {
    let seconds = match name {
        n if n.ends_with("_ms") && !number.is_multiple_of(1_000) => return format!("{number} milliseconds"),
        n if n.ends_with("_ms") => number / 1_000,
        n if n.ends_with("_s") => number,
        _ => return number.to_string(),
    };
    let units = [(DAY, "day"), (HOUR, "hour"), (MINUTE, "minute")];
    let whole = units.into_iter().find(|(unit, _)| seconds >= *unit && seconds % unit == 0);
    let (count, unit) = whole.map_or((seconds, "second"), |(unit, name)| (seconds / unit, name));
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

fn todo(name: &str) -> &'static str {
    match name {
        n if n.ends_with("_ms") => "This is in milliseconds: 5 seconds are 5000.",
        n if n.ends_with("_s") => "This is in seconds: a day is 86400.",
        _ => "Choose a number in that range.",
    }
}

/// Numbers that nobody can mean.
pub fn numbers(document: &Document, found: &mut Vec<Located>) {
    outside(document, &EVER, found);
}

/// Numbers that only a demo can mean.
pub fn units(document: &Document, trust: Option<&Trust>, found: &mut Vec<Located>) {
    if trust.is_some_and(|t| !t.root().demo) {
        outside(document, &REAL, found);
    }
}

/// `https://host[:port]`, without a path.
fn is_base(text: &str) -> bool {
    reqwest::Url::parse(text).is_ok_and(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.path() == "/"
            && url.query().is_none()
            && url.username().is_empty()
            && !text.ends_with('/')
    })
}

fn in_clear(text: &str) -> bool {
    let url = reqwest::Url::parse(text).ok();
    let host = url.as_ref().and_then(|u| u.host_str()).map(|h| h.trim_matches(['[', ']']).to_owned());
    let local = host.is_some_and(|h| h == "localhost" || h.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback()));
    text.starts_with("http://") && !local
}

/// Addresses of other roles, and of the downstream.
pub fn peers(document: &Document, config: &Config, found: &mut Vec<Located>) {
    for peer in Peer::ALL {
        let (name, address) = (peer.key(), peer.of(&config.peers));
        let path = ["peers", name];
        let needed = links::needed(&config.roles, peer);
        if address.is_empty() && needed {
            let what = "a role of this process needs this address, and it is not given".into();
            let todo = format!("Add `{name} = \"https://…\"` to [peers].");
            found.push(document.about(&path, Level::Error, CONFIGURATION, what, &todo));
        } else if !address.is_empty() && !is_base(address) {
            let todo = "Write https://host or https://host:port, without a path and without a slash at the end.";
            found.push(document.about(&path, Level::Error, CONFIGURATION, "this is no such address".into(), todo));
        } else if needed && in_clear(address) {
            let what = "calls go over the network without TLS".into();
            let todo = "Put a proxy with a certificate in front, and write https://.";
            found.push(document.about(&path, Level::Warning, CONFIGURATION, what, todo));
        }
    }
    if let Some(forwarder) = &config.roles.forwarder {
        let path = ["roles", "forwarder", "downstream"];
        let url = reqwest::Url::parse(&forwarder.downstream);
        if !url.as_ref().is_ok_and(|u| matches!(u.scheme(), "http" | "https") && u.has_host() && u.query().is_none()) {
            let todo = "Write the address up to, and without, /requests.json, such as https://kota.example/open311/v2";
            found.push(document.about(&path, Level::Error, CONFIGURATION, "this is no such address".into(), todo));
        } else if url.is_ok_and(|u| u.host_str() == Some(links::PLACEHOLDER)) {
            let what = "this is still the placeholder that `tabir init` wrote".into();
            let todo = "Write the complaint system's own address.";
            found.push(document.about(&path, Level::Error, CONFIGURATION, what, todo));
        } else if in_clear(&forwarder.downstream) {
            let what = "reports go to the complaint system without TLS".into();
            let todo = "Use https://, unless nobody else is on this network.";
            found.push(document.about(&path, Level::Warning, CONFIGURATION, what, todo));
        }
    }
}
