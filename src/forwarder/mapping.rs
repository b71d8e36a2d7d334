//! What goes out and what comes in, as values: forms for GeoReport, statuses for the case. No I/O; a dry run is a call.
//!
//! ```text
//! description = the reporter's words, then lines that the service has no attribute for, then the marker
//! marker      = [tabir:XXXX-XXXX-XXXX]      of a report; the same with /<counter> of a later write
//! ```
//! GeoReport has no idempotency key, so the marker is how a request whose answer was lost is found again. It is the
//! *last* one of a description: what a reporter writes stands before it, and can't pass for another report.

use std::collections::BTreeSet;

use tabir_crypto::B32;
use tabir_crypto::content::{Content, IdentityState, Location, Precision};
use tabir_crypto::statement::body::Status;
use tabir_crypto::statement::value::Second;

use super::check::Written;
use crate::open311::{MARKER, Meaning, QUESTION};

/// Parameters of a POST.
pub type Form = Vec<(String, String)>;

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

/// The form of a report. `attributes` are the codes that the service's definition has; others become lines of the text.
#[must_use]
pub fn report_form(
    content: &Content,
    reference: &str,
    envelope: &EnvelopeReference<'_>,
    day: u64,
    attributes: &BTreeSet<String>,
) -> Form {
    let mut form: Form = vec![("service_code".into(), content.category.as_str().into())];
    let mut lines = Vec::new();
    let mut give = |code: &str, value: String, name: &str| {
        if attributes.contains(code) {
            form.push((format!("attribute[{code}]"), value));
        } else {
            lines.push(format!("{name}: {value}"));
        }
    };
    for (code, value) in &content.attributes {
        give(code.as_str(), value.as_str().into(), code.as_str());
    }
    if attributes.contains("tabir_ref") {
        give("tabir_ref", reference.into(), "");
    }
    if content.identity == IdentityState::Sealed {
        let hash = hex::encode(envelope.hash);
        give("tabir_envelope", hash.clone(), "Sealed identity");
        give("tabir_envelope_url", format!("{}/v1/envelopes/{hash}", envelope.gateway), "Sealed identity at");
    }
    if !content.attachments.is_empty() {
        lines.push(format!("Attachments that were not sent along: {}", content.attachments.len()));
    }
    place(&content.location, &mut form);
    // The day alone: a downstream's exact time would tell when somebody sat down to report.
    let date = Second(day).to_string();
    form.push(("requested_datetime".into(), date.split('T').next().unwrap_or_default().into()));
    let mut description = content.text.clone();
    if !lines.is_empty() {
        description = format!("{description}\n\n{}", lines.join("\n"));
    }
    form.push(("description".into(), format!("{description}\n\n{}", report_marker(reference))));
    form
}

fn place(location: &Location, form: &mut Form) {
    let decimals = match location.precision() {
        Precision::Point => Some(usize::MAX),
        Precision::Street => Some(STREET_DECIMALS),
        Precision::Ward => Some(WARD_DECIMALS),
        Precision::None => None,
    };
    if let Some(((lat, lon), decimals)) = location.place().zip(decimals) {
        form.push(("lat".into(), cut(lat.as_str(), decimals)));
        form.push(("long".into(), cut(lon.as_str(), decimals)));
    } else if location.text().is_empty() {
        // GeoReport demands a place.
        form.push(("address_string".into(), "-".into()));
        return;
    }
    if !location.text().is_empty() {
        form.push(("address_string".into(), location.text().into()));
    }
}

fn cut(degrees: &str, decimals: usize) -> String {
    match degrees.split_once('.') {
        Some((whole, rest)) => format!("{whole}.{}", &rest[..rest.len().min(decimals)]),
        None => degrees.to_owned(),
    }
}

/// The form of a later write. `raw_status` is the downstream's last word, which FixMyStreet's protocol repeats.
#[must_use]
pub fn write_form(written: &Written, request_id: &str, marker: &str, raw_status: &str, now: u64) -> Form {
    let (text, status) = match written {
        Written::Message(m) => match m.re {
            Some(re) => (format!("Answer of the reporter to message {re}:\n{}", m.text), raw_status),
            None => (format!("Message of the reporter:\n{}", m.text), raw_status),
        },
        Written::Dispute(d) => (format!("Dispute of the reporter ({}):\n{}", d.code.as_str(), d.text), "reopen"),
        Written::Rating(r) => (format!("Rating of the reporter: {} of 5", r.stars.get()), raw_status),
        Written::Erase => ("The reporter erased the case at the gateway.".to_owned(), raw_status),
    };
    [
        ("service_request_id", request_id.to_owned()),
        ("update_id", marker.trim_matches(['[', ']']).to_owned()),
        ("status", status.to_ascii_uppercase()),
        ("updated_datetime", Second(now - now % 86_400).to_string()),
        ("description", format!("{text}\n\n{marker}")),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
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
    (asks, words.chars().filter(|c| !c.is_control() || *c == '\n').collect())
}

#[cfg(test)]
mod tests;
