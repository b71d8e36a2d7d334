//! What the intake log says about one report: asked by who knows its a, b and nf, which are its reporter and whoever she
//! showed them to. It takes no more memory for a long log than for a short one.
//!
//! ```text
//! acceptance (w, D, a, b) --> stands in window w? --> nf forwarded, refused, erased, pending in w? --> Verdict
//! ```
//! The log must have been read as a whole: what is not in it shows only there.

use super::deadline::{Deadlines, GRACE_MAX_S, LATE_ROUNDS};
use super::parts::{Ends, Parts};
use crate::codec::B32;
use crate::statement::body::{Acceptance, ReportAccepted, ReportErased, ReportFate};
use crate::statement::{Body, Verb, Verified};

/// Whether an acceptance is on record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnRecord {
    /// With this content and envelope.
    Yes,
    /// Another content or envelope stands there for the same receipt.
    OtherBody,
    /// In another window, or with another deadline, than its reporter was told.
    OtherWindow,
    /// Not yet: what the gateway says of the window is not due.
    NotYet,
    /// Not at all, though its window is on record, or should be.
    No,
}

/// What became of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The forwarder says that the downstream has it.
    Forwarded,
    /// The forwarder says that the downstream refused it.
    Refused,
    /// Erased on its author's word, the gateway says.
    Erased,
    /// The forwarder says that it still tries.
    Pending,
    /// It still said so after two further deadlines.
    Late,
    /// Nothing yet, and nothing due.
    NotDue,
    /// Nothing, though something is due.
    Dropped,
}

/// The two together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Accepted, and the forwarder says that the downstream has it.
    Forwarded,
    /// Accepted, and the forwarder says that the downstream refused it.
    Refused,
    /// Accepted, and the gateway says that its author erased it.
    Erased,
    /// Accepted, and the forwarder says in time that it still tries.
    Pending,
    /// The same after two further deadlines.
    Late,
    /// Nothing is due that is not there.
    NotDue,
    /// Accepted, on record, and its fate is not, though it is due.
    Dropped,
    /// The gateway signed an acceptance, and its window is on record without it, or is itself not on record.
    NotInWindow,
    /// The log holds it in another window, or its window with another deadline, than the acceptance says.
    OtherWindow,
    /// The log holds the acceptance of another content or envelope.
    OtherBody,
}

impl Verdict {
    /// Its stable name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Forwarded => "forwarded",
            Self::Refused => "refused",
            Self::Erased => "erased",
            Self::Pending => "pending",
            Self::Late => "late",
            Self::NotDue => "not-due",
            Self::Dropped => "dropped",
            Self::NotInWindow => "not-in-window",
            Self::OtherWindow => "other-window",
            Self::OtherBody => "other-body",
        }
    }

    /// Whether gateway or forwarder broke what the acceptance promised.
    #[must_use]
    pub const fn broken(self) -> bool {
        matches!(self, Self::Late | Self::Dropped | Self::NotInWindow | Self::OtherWindow | Self::OtherBody)
    }
}

/// What the log proves about one report; by showing r and nf its reporter convinces anybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proof {
    /// Whether it was accepted.
    pub accepted: OnRecord,
    /// The entry that says so.
    pub accepted_entry: Option<u64>,
    /// What became of it.
    pub fate: Fate,
    /// The entry that says so.
    pub fate_entry: Option<u64>,
}

impl Proof {
    /// Both in one word.
    #[must_use]
    pub const fn verdict(&self) -> Verdict {
        match (self.accepted, self.fate) {
            (OnRecord::No, _) => Verdict::NotInWindow,
            (OnRecord::OtherWindow, _) => Verdict::OtherWindow,
            (OnRecord::OtherBody, _) => Verdict::OtherBody,
            (OnRecord::NotYet, _) | (_, Fate::NotDue) => Verdict::NotDue,
            (_, Fate::Forwarded) => Verdict::Forwarded,
            (_, Fate::Refused) => Verdict::Refused,
            (_, Fate::Erased) => Verdict::Erased,
            (_, Fate::Pending) => Verdict::Pending,
            (_, Fate::Late) => Verdict::Late,
            (_, Fate::Dropped) => Verdict::Dropped,
        }
    }
}

/// The log so far, as far as it is about this report. Who calls has checked each entry's signatures by [`super::rule`]; a
/// statement that stands twice changes nothing.
#[derive(Clone, Debug)]
pub struct Lookup {
    sought: Acceptance,
    /// What the gateway says of its window, with the parts seen.
    window: Option<(Deadlines, Parts)>,
    /// Window, b and entry of its a.
    accepted: Option<(u64, B32, u64)>,
    forwarded: Option<u64>,
    refused: Option<u64>,
    erased: Option<u64>,
    /// The last round, and its entry.
    pending: Option<(u64, u64)>,
}

impl Lookup {
    /// Before entry 0. The acceptance names window, D, a, b and nf.
    #[must_use]
    pub const fn new(acceptance: Acceptance) -> Self {
        let (forwarded, refused, erased, pending) = (None, None, None, None);
        Self { sought: acceptance, window: None, accepted: None, forwarded, refused, erased, pending }
    }

    /// Takes the next statement; true if it is about the report's window, or names the report.
    pub fn take(&mut self, entry: u64, verified: &Verified) -> bool {
        match &verified.body {
            Body::ReportAccepted(body) => self.take_accepted(entry, body),
            Body::ReportFate(body) => self.take_fate(entry, verified.verb, body),
            Body::ReportErased(body) => self.take_erased(entry, body),
            _ => false,
        }
    }

    fn take_accepted(&mut self, entry: u64, body: &ReportAccepted) -> bool {
        let mut fits = true;
        if body.w == self.sought.w {
            let times = Deadlines::from(body);
            let (first, parts) = self.window.get_or_insert_with(|| (times, Parts::new(body.parts)));
            // As in the audit: a part that does not fit the others says nothing.
            let ends = Ends::of(body.parts, body.pairs.iter().map(|[a, _]| &a.0));
            fits = *first == times && parts.take(body.part, body.parts, ends);
        }
        let pair = body.pairs.iter().find(|[a, _]| *a == self.sought.a).filter(|_| fits);
        if let Some([_, b]) = pair {
            self.accepted.get_or_insert((body.w, b.0, entry));
        }
        body.w == self.sought.w || pair.is_some()
    }

    fn take_fate(&mut self, entry: u64, verb: Verb, body: &ReportFate) -> bool {
        let here = body.w == self.sought.w;
        if here && body.nf.contains(&self.sought.nf) {
            match verb {
                Verb::ReportForwarded => _ = self.forwarded.get_or_insert(entry),
                Verb::ReportRefused => _ = self.refused.get_or_insert(entry),
                _ => self.pending = self.pending.max(Some((body.round, entry))),
            }
        }
        here
    }

    fn take_erased(&mut self, entry: u64, body: &ReportErased) -> bool {
        let here = body.w == self.sought.w;
        if here && body.items.iter().any(|[nf, _]| *nf == self.sought.nf) {
            self.erased.get_or_insert(entry);
        }
        here
    }

    /// What the log says at that time: the newest witnessed time of the log, not a clock's.
    #[must_use]
    pub fn proof(&self, now: u64) -> Proof {
        let (accepted, accepted_entry) = self.on_record(now);
        let due = self.window.as_ref().and_then(|(window, _)| window.round_due(now));
        let (fate, fate_entry) = match (self.forwarded, self.refused, self.erased, self.pending) {
            (Some(entry), ..) => (Fate::Forwarded, Some(entry)),
            (_, Some(entry), ..) => (Fate::Refused, Some(entry)),
            (_, _, Some(entry), _) => (Fate::Erased, Some(entry)),
            (_, _, _, Some((round, entry))) if due.is_none_or(|due| round >= due) => {
                (if due.is_some_and(|due| due >= LATE_ROUNDS) { Fate::Late } else { Fate::Pending }, Some(entry))
            }
            (_, _, _, Some((_, entry))) => (Fate::Dropped, Some(entry)),
            _ if due.is_some() => (Fate::Dropped, None),
            _ => (Fate::NotDue, None),
        };
        Proof { accepted, accepted_entry, fate, fate_entry }
    }

    /// What holds whatever else the log may have, for who has seen a part of it: what stands there, stands there, and a
    /// window of which all parts were seen has no other reports.
    #[must_use]
    pub fn holds(&self) -> Option<Verdict> {
        // Before any time nothing is due, so that nothing is missing but by the window's own parts.
        let verdict = self.proof(0).verdict();
        let depends = matches!(verdict, Verdict::NotDue | Verdict::Pending | Verdict::Late | Verdict::Dropped);
        (!depends).then_some(verdict)
    }

    /// When the window opens, closes, and its D, as the gateway said in the log.
    #[must_use]
    pub fn times(&self) -> Option<Deadlines> {
        self.window.as_ref().map(|(times, _)| *times)
    }

    fn on_record(&self, now: u64) -> (OnRecord, Option<u64>) {
        let same_deadline = self.window.as_ref().is_none_or(|(window, _)| window.deadline == self.sought.deadline.0);
        match self.accepted {
            Some((w, _, entry)) if w != self.sought.w || !same_deadline => (OnRecord::OtherWindow, Some(entry)),
            Some((_, b, entry)) if b != self.sought.b.0 => (OnRecord::OtherBody, Some(entry)),
            Some((.., entry)) => (OnRecord::Yes, Some(entry)),
            None => {
                let complete = self.window.as_ref().is_some_and(|(_, parts)| parts.complete());
                // Without the window its length is not known here; the longest grace is right for any.
                let overdue = now >= self.sought.deadline.0.saturating_add(GRACE_MAX_S);
                (if complete || overdue { OnRecord::No } else { OnRecord::NotYet }, None)
            }
        }
    }
}
