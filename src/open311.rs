//! GeoReport v2 as it is really spoken: the words that two sides of a connector share.
//!
//! Sources: GeoReport v2; the `servicerequestupdates` extension with the statuses that councils' servers send to
//! FixMyStreet. A status that does not stand here is unknown: it is held where people can see it, never guessed.

use tabir_crypto::statement::body::Status;

/// What a downstream status means for a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// The case has this status.
    Status(Status),
    /// A finished case is open again: the only way back.
    Reopened,
    /// A text only.
    Unchanged,
}

/// Every status that has been seen, and what it means in the CRM's words.
const STATUSES: [(&str, Meaning); 15] = [
    ("open", Meaning::Status(Status::Waiting)),
    ("for_triage", Meaning::Status(Status::Waiting)),
    ("investigating", Meaning::Status(Status::Coordination)),
    ("internal_referral", Meaning::Status(Status::Disposition)),
    ("in_progress", Meaning::Status(Status::InProgress)),
    ("planned", Meaning::Status(Status::Scheduled)),
    ("action_scheduled", Meaning::Status(Status::Scheduled)),
    ("fixed", Meaning::Status(Status::Resolved)),
    ("closed", Meaning::Status(Status::Resolved)),
    ("duplicate", Meaning::Status(Status::Declined)),
    ("not_councils_responsibility", Meaning::Status(Status::Declined)),
    ("no_further_action", Meaning::Status(Status::Declined)),
    ("cancelled", Meaning::Status(Status::Declined)),
    ("reopen", Meaning::Reopened),
    ("unchanged", Meaning::Unchanged),
];

/// Before a text that asks the reporter something. Officers of any system can type it; there is no field for it.
pub const QUESTION: &str = "[question]";

/// Before the case's reference, at the end of a report's description: `[tabir:XXXX-XXXX-XXXX]`.
pub const MARKER: &str = "[tabir:";

/// The case's reference that a report's description ends with.
#[must_use]
pub fn marked_reference(description: &str) -> Option<&str> {
    let (_, marker) = description.rsplit_once(MARKER)?;
    let reference = marker.trim_end().strip_suffix(']')?;
    reference.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-').then_some(reference)
}

/// Reads a status in either case; no status at all changes nothing. `None` for an unknown one.
#[must_use]
pub fn meaning(status: &str) -> Option<Meaning> {
    let status = status.trim().to_ascii_lowercase();
    if status.is_empty() {
        return Some(Meaning::Unchanged);
    }
    STATUSES.into_iter().find(|(name, _)| *name == status).map(|(_, meaning)| meaning)
}

/// The downstream status that says this best.
#[must_use]
pub const fn name_of(status: Status) -> &'static str {
    match status {
        Status::Received => "open",
        Status::Waiting => "for_triage",
        Status::Coordination => "investigating",
        Status::Disposition => "internal_referral",
        Status::InProgress => "in_progress",
        Status::Scheduled => "action_scheduled",
        Status::Resolved => "fixed",
        Status::Declined => "no_further_action",
    }
}

/// Whether a request with this status is closed in GeoReport's sense.
#[must_use]
pub fn is_closed(status: &str) -> bool {
    matches!(meaning(status), Some(Meaning::Status(Status::Resolved | Status::Declined)))
}

/// Reads W3C date-time: a date, which is its first second, or RFC 3339 with any offset.
#[must_use]
pub fn read_time(text: &str) -> Option<u64> {
    let text = text.trim();
    let full = if text.len() == "2026-01-01".len() { format!("{text}T00:00:00Z") } else { text.to_owned() };
    let at = time::OffsetDateTime::parse(&full, &time::format_description::well_known::Rfc3339).ok()?;
    u64::try_from(at.unix_timestamp()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_of_the_crm_has_a_name_that_is_read_back() {
        for status in Status::ALL {
            let back = if status == Status::Received { Status::Waiting } else { status };
            assert_eq!(meaning(name_of(status)), Some(Meaning::Status(back)));
        }
        assert_eq!(meaning("IN_PROGRESS"), Some(Meaning::Status(Status::InProgress)));
        assert_eq!(meaning(""), Some(Meaning::Unchanged));
        assert_eq!(meaning("waiting_for_contractor"), None);
        assert!(is_closed("FIXED") && is_closed("cancelled") && !is_closed("reopen") && !is_closed("planned"));
    }

    #[test]
    fn reads_dates_and_times_with_offsets() {
        assert_eq!(read_time("1970-01-02"), Some(86_400));
        assert_eq!(read_time("1970-01-02T07:00:00+07:00"), Some(86_400));
        assert_eq!(read_time("yesterday"), None);
        assert_eq!(read_time("2026-13-01"), None);
    }
}
