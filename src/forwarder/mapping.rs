//! What goes out and what comes in, as values that no protocol changes: markers, places, statuses, words. No I/O.
//!
//! ```text
//! marker = [tabir:XXXX-XXXX-XXXX]      of a report; the same with /<counter> of a later write
//! ```
//! Downstreams have no idempotency key, so the marker is how a request whose answer was lost is found again. It is the
//! *last* one of a description: what a reporter writes stands before it, and can't pass for another report.

use tabir_crypto::B32;
use tabir_crypto::content::{Location, Precision};
use tabir_crypto::statement::body::Status;

use super::check::Written;
use crate::open311::{MARKER, Meaning, QUESTION};

/// Decimals that are left of a coordinate: about 100 m for a street, 1 km for a ward.
const STREET_DECIMALS: usize = 3;
const WARD_DECIMALS: usize = 2;

/// Marks a report's description.
#[must_use]
pub fn report_marker(reference: &str) -> String {
    format!("{MARKER}{reference}]")
}

/// Marks the description of a later write.
#[must_use]
pub fn write_marker(reference: &str, counter: u64) -> String {
    format!("{MARKER}{reference}/{counter}]")
}

/// Whether a description carries this marker, as its last one.
#[must_use]
pub fn is_marked(description: &str, marker: &str) -> bool {
    description.rfind(MARKER).is_some_and(|at| description[at..].trim_end() == marker)
}

/// Whether a description is the echo of one of a case's later writes.
#[must_use]
pub fn is_echo(description: &str, reference: &str, counter: u64) -> bool {
    let Some(at) = description.rfind(MARKER) else { return false };
    let number = description[at..].trim_end().strip_prefix(&format!("{MARKER}{reference}/"));
    let number = number.and_then(|rest| rest.strip_suffix(']')?.parse::<u64>().ok());
    number.is_some_and(|n| (1..=counter).contains(&n))
}

/// The sealed identity as it travels.
pub struct EnvelopeReference<'r> {
    /// SHA-256 of the envelope.
    pub hash: &'r B32,
    /// The gateway's public address: officials fetch it there.
    pub gateway: &'r str,
}

impl EnvelopeReference<'_> {
    /// The whole address.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}/v1/envelopes/{}", self.gateway, hex::encode(self.hash))
    }
}

/// Latitude and longitude, no more exact than the reporter chose and these limits allow.
#[must_use]
pub fn coordinates(location: &Location, limits: &[Precision]) -> Option<(String, String)> {
    let chosen = decimals(location.precision());
    let decimals = limits.iter().fold(chosen, |least, limit| least.min(decimals(*limit)))?;
    let (lat, lon) = location.place()?;
    Some((cut(lat.as_str(), decimals), cut(lon.as_str(), decimals)))
}

/// Decimals that stay; none of a place that is not told.
const fn decimals(precision: Precision) -> Option<usize> {
    match precision {
        Precision::Point => Some(usize::MAX),
        Precision::Street => Some(STREET_DECIMALS),
        Precision::Ward => Some(WARD_DECIMALS),
        Precision::None => None,
    }
}

fn cut(degrees: &str, decimals: usize) -> String {
    match degrees.split_once('.') {
        Some((whole, rest)) => format!("{whole}.{}", &rest[..rest.len().min(decimals)]),
        None => degrees.to_owned(),
    }
}

/// A later write in words.
#[must_use]
pub fn write_text(written: &Written) -> String {
    match written {
        Written::Message(m) => match m.re {
            Some(re) => format!("Answer of the reporter to message {re}:\n{}", m.text),
            None => format!("Message of the reporter:\n{}", m.text),
        },
        Written::Dispute(d) => format!("Dispute of the reporter ({}):\n{}", d.code.as_str(), d.text),
        Written::Rating(r) => format!("Rating of the reporter: {} of 5", r.stars.get()),
        Written::Erase => "The reporter erased the case at the gateway.".to_owned(),
    }
}

/// What an update does to a case's status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// It becomes this one.
    Set(Status),
    /// Nothing: no status in it, the same one again, or a late one that others have overtaken.
    Keep,
    /// A newer update would move it backwards: for a person to look at.
    Regression,
}

/// A case's life goes forward; within one stage statuses may alternate.
const fn stage(status: Status) -> u8 {
    match status {
        Status::Received => 0,
        Status::Waiting => 1,
        Status::Coordination => 2,
        Status::Disposition => 3,
        Status::InProgress | Status::Scheduled => 4,
        Status::Resolved | Status::Declined => 5,
    }
}

/// Decides on an update of the time `at`, for a case whose status is of the time `known_at`.
#[must_use]
pub fn step(known: Status, known_at: u64, meaning: Meaning, at: u64) -> Step {
    let next = match meaning {
        Meaning::Unchanged => return Step::Keep,
        Meaning::Reopened if at < known_at => return Step::Keep,
        Meaning::Reopened => return if stage(known) == 5 { Step::Set(Status::Waiting) } else { Step::Keep },
        Meaning::Status(status) => status,
    };
    match () {
        () if at < known_at || next == known => Step::Keep,
        () if stage(next) < stage(known) => Step::Regression,
        () => Step::Set(next),
    }
}

/// An officer's text: whether it asks something, and the words.
#[must_use]
pub fn officer_text(description: &str) -> (bool, String) {
    let text = description.trim();
    let asks = text.get(..QUESTION.len()).is_some_and(|start| start.eq_ignore_ascii_case(QUESTION));
    let words = if asks { text[QUESTION.len()..].trim_start() } else { text };
    // Control characters but line breaks say nothing to people, and would make a message longer than its text.
    (asks, words.chars().filter(|c| *c == '\n' || !(c.is_control() || is_turn(*c))).collect())
}

/// Characters that make a line read in another order than it is written in (Unicode UAX #9), so that words can pass for
/// others. Markup stays as it is: whoever shows the text shows it as text.
const fn is_turn(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests;
