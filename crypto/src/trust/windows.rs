//! Accepted versus forwarded: what the intake log says about each window, and what a reporter can prove from it.
//!
//! ```text
//!   opens        closes            D             D + period      D + 2 periods     (period = D - closes)
//!     |----w-------|----------------|----------------|----------------|
//!                  accepted {(a,b)} forwarded, refused, pending, erased {nf}: round 0
//!                                                    round 1          unsettled now: late
//! ```
//! Nobody but its reporter can link an `a` to an `nf`; the numbers must agree all the same. What is said at D takes
//! until the next witnessed checkpoint to be seen, so a round is judged half a period after its D, an hour at most.
//! Every finding is kept, none ends the audit. Source: `docs/protocol.md`, "Accepted versus forwarded".

use std::collections::hash_map::Entry as Slot;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::parts::Parts;
use crate::codec::B32;
use crate::statement::body::{PolicySet, ReportAccepted, ReportErased, ReportFate};
use crate::statement::{Body, Verb, Verified};

/// Windows follow each other by number and by time, and none closes early.
pub const SEQUENCE: &str = "windows.sequence";
/// The parts of a statement are all there, and sorted.
pub const PARTS: &str = "windows.parts";
/// As many reports went somewhere as were accepted, in time.
pub const COUNTS: &str = "windows.counts";
/// No report was both forwarded and refused.
pub const DISJOINT: &str = "windows.disjoint";
/// Only what went nowhere so far is pending.
pub const PENDING: &str = "windows.pending";
/// No report stands twice.
pub const ONCE: &str = "windows.once";
/// All of these checks.
pub const CHECKS: [&str; 6] = [SEQUENCE, PARTS, COUNTS, DISJOINT, PENDING, ONCE];

/// The longest time between a D and the moment at which the log is judged by it.
const GRACE_MAX_S: u64 = 3600;
/// Further D after which what is still pending is late.
const LATE_ROUNDS: u64 = 2;

/// Something that is not as it must be.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// The check, one of [`CHECKS`].
    pub check: &'static str,
    /// What is wrong: `number`, `times`, `policy`, `early`, `overdue`, `unknown`; `part`, `unsorted`, `incomplete`; `missing`,
    /// `surplus`, `lost` (pending, then not repeated), `late`; `both`; `settled`; `twice`.
    pub code: &'static str,
    /// The window.
    pub window: u64,
    /// An entry of the intake log, where one is to blame.
    pub entry: Option<u64>,
    /// How many reports.
    pub reports: u64,
}

/// What the gateway said about a window.
#[derive(Clone, Debug)]
struct Window {
    entry: u64,
    opens: u64,
    closes: u64,
    deadline: u64,
    parts: Parts,
    reports: u64,
}

impl Window {
    const fn period(&self) -> u64 {
        match self.deadline.saturating_sub(self.closes) {
            0 => 1,
            period => period,
        }
    }

    /// From when the log is judged by what must stand in it at the D of this round.
    fn judged_from(&self, round: u64) -> u64 {
        let grace = (self.period() / 2).min(GRACE_MAX_S);
        self.deadline.saturating_add(self.period().saturating_mul(round)).saturating_add(grace)
    }

    /// The last round by which the log is judged at that time; `None` before the first.
    fn round_due(&self, now: u64) -> Option<u64> {
        now.checked_sub(self.judged_from(0)).map(|late| late / self.period())
    }
}

/// What is said about one nf in one window: (round, entry) of each.
#[derive(Clone, Copy, Debug, Default)]
struct Said {
    forwarded: Option<(u64, u64)>,
    refused: Option<(u64, u64)>,
    erased: Option<(u64, u64)>,
    /// The last round.
    pending: Option<(u64, u64)>,
}

/// Whether an acceptance is on record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnRecord {
    /// With this content and envelope.
    Yes,
    /// Another content or envelope stands there for the same receipt.
    OtherBody,
    /// In another window.
    OtherWindow,
    /// Not at all.
    No,
}

/// What became of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The forwarder says that the downstream has it.
    Forwarded,
    /// The forwarder says that the downstream refused it.
    Refused,
    /// Erased on its author's word.
    Erased,
    /// The forwarder says that it still tries.
    Pending,
    /// Nothing yet, and nothing due.
    NotDue,
    /// Nothing, though something is due: dropped, on record.
    Dropped,
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

/// The intake log so far, its signatures checked by [`super::rule`].
#[derive(Clone, Debug, Default)]
pub struct Windows {
    windows: BTreeMap<u64, Window>,
    /// a → window, b, entry.
    accepted: HashMap<B32, (u64, B32, u64)>,
    said: HashMap<(u64, B32), Said>,
    /// nf → its first window.
    home: HashMap<B32, u64>,
    fates: BTreeMap<(u64, u64, Verb), (u64, Parts)>,
    /// (from its opening to its close, from there to its D) of each policy.
    lengths: BTreeSet<(u64, u64)>,
    findings: Vec<Finding>,
}

impl Windows {
    /// Before entry 0.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A policy of the governance log: windows may be as long as it says. Who replays that log first says each; without
    /// one, any length is taken. A gateway that was away catches up by the policy that holds then, so that all of them
    /// count.
    pub fn allow(&mut self, policy: &PolicySet) {
        self.lengths.insert((policy.window_s.max(1), policy.forward_s.max(1)));
    }

    /// Takes the next statement of the intake log; those about other things are passed over.
    pub fn take(&mut self, entry: u64, verified: &Verified, witnessed: Option<u64>) {
        match &verified.body {
            Body::ReportAccepted(body) => self.take_accepted(entry, body, witnessed),
            Body::ReportFate(body) => self.take_fate(entry, verified.verb, body),
            Body::ReportErased(body) => self.take_erased(entry, body),
            _ => {}
        }
    }

    fn find(&mut self, check: &'static str, code: &'static str, window: u64, entry: u64) {
        self.findings.push(Finding { check, code, window, entry: Some(entry), reports: 0 });
    }

    fn take_accepted(&mut self, entry: u64, body: &ReportAccepted, witnessed: Option<u64>) {
        let (w, opens, closes, deadline) = (body.w, body.opens.0, body.closes.0, body.deadline.0);
        if witnessed.is_some_and(|at| at < closes) {
            self.find(SEQUENCE, "early", w, entry);
        }
        if !self.windows.contains_key(&w) {
            let before = self.windows.last_key_value().map(|(w, window)| (*w, window.closes));
            if w != before.map_or(1, |(w, _)| w.saturating_add(1)) {
                self.find(SEQUENCE, "number", w, entry);
            } else if !(opens < closes && closes < deadline && before.is_none_or(|(_, closed)| closed == opens)) {
                self.find(SEQUENCE, "times", w, entry);
            } else if !self.lengths.is_empty() && !self.lengths.contains(&(closes - opens, deadline - closes)) {
                // With a D far away nothing would ever be due.
                self.find(SEQUENCE, "policy", w, entry);
            }
        }
        let fresh = || Window { entry, opens, closes, deadline, parts: Parts::new(body.parts), reports: 0 };
        let window = self.windows.entry(w).or_insert_with(fresh);
        let same = (window.opens, window.closes, window.deadline) == (opens, closes, deadline);
        if !same || !window.parts.take(body.part, body.parts, body.pairs.iter().map(|[a, _]| &a.0)) {
            self.find(PARTS, "part", w, entry);
            return;
        }
        window.reports += u64::try_from(body.pairs.len()).unwrap_or(u64::MAX);
        let mut twice = 0;
        for [a, b] in &body.pairs {
            match self.accepted.entry(a.0) {
                Slot::Occupied(_) => twice += 1,
                Slot::Vacant(slot) => {
                    slot.insert((w, b.0, entry));
                }
            }
        }
        self.twice(w, entry, twice);
    }

    fn twice(&mut self, window: u64, entry: u64, reports: u64) {
        if reports > 0 {
            self.findings.push(Finding { check: ONCE, code: "twice", window, entry: Some(entry), reports });
        }
    }

    fn take_fate(&mut self, entry: u64, verb: Verb, body: &ReportFate) {
        let parts = self.fates.entry((body.w, body.round, verb)).or_insert_with(|| (entry, Parts::new(body.parts)));
        if !parts.1.take(body.part, body.parts, body.nf.iter().map(|nf| &nf.0)) {
            self.find(PARTS, "part", body.w, entry);
            return;
        }
        let mut twice = 0;
        for nf in &body.nf {
            let (elsewhere, said) = self.said(body.w, &nf.0);
            let here = Some((body.round, entry));
            let again = match verb {
                Verb::ReportForwarded => {
                    said.forwarded.replace(said.forwarded.unwrap_or((body.round, entry))).is_some()
                }
                Verb::ReportRefused => said.refused.replace(said.refused.unwrap_or((body.round, entry))).is_some(),
                _ => {
                    said.pending = said.pending.max(here);
                    false
                }
            };
            twice += u64::from(elsewhere || again);
        }
        self.twice(body.w, entry, twice);
    }

    fn take_erased(&mut self, entry: u64, body: &ReportErased) {
        let mut parts = Parts::new(1);
        parts.take(1, 1, body.items.iter().map(|[nf, _]| &nf.0));
        if !parts.sorted() {
            self.find(PARTS, "unsorted", body.w, entry);
        }
        let mut twice = 0;
        for [nf, _] in &body.items {
            let (elsewhere, said) = self.said(body.w, &nf.0);
            let again = said.erased.replace(said.erased.unwrap_or((body.round, entry))).is_some();
            twice += u64::from(elsewhere || again);
        }
        self.twice(body.w, entry, twice);
    }

    /// What is said so far, and whether another window has this nf.
    fn said(&mut self, w: u64, nf: &B32) -> (bool, &mut Said) {
        let elsewhere = *self.home.entry(*nf).or_insert(w) != w;
        (elsewhere, self.said.entry((w, *nf)).or_default())
    }

    /// All that is wrong at that time: the newest witnessed time of the log, not a clock's.
    #[must_use]
    pub fn audit(&self, now: u64) -> Vec<Finding> {
        let mut findings = self.findings.clone();
        let mut add = |check, code, window, entry, reports| {
            if reports > 0 {
                findings.push(Finding { check, code, window, entry, reports });
            }
        };
        for ((w, round, _), (entry, parts)) in &self.fates {
            add(PARTS, "unsorted", *w, Some(*entry), u64::from(!parts.sorted()));
            let due = self.windows.get(w).is_some_and(|window| now >= window.judged_from(*round));
            add(PARTS, "incomplete", *w, Some(*entry), u64::from(due && !parts.complete()));
        }
        let tallies = self.tallies(now);
        for (w, tally) in &tallies {
            if !self.windows.contains_key(w) {
                add(SEQUENCE, "unknown", *w, tally.first, tally.distinct);
            }
            add(DISJOINT, "both", *w, tally.entry, tally.both);
            add(PENDING, "settled", *w, tally.entry, tally.settled);
        }
        for (w, window) in &self.windows {
            let tally = tallies.get(w).copied().unwrap_or_default();
            let (entry, due) = (Some(window.entry), now >= window.judged_from(0));
            add(PARTS, "unsorted", *w, entry, u64::from(!window.parts.sorted()));
            if !window.parts.complete() {
                add(PARTS, "incomplete", *w, entry, u64::from(due));
                continue;
            }
            add(COUNTS, "surplus", *w, entry, tally.distinct.saturating_sub(window.reports));
            if due {
                add(COUNTS, "missing", *w, entry, window.reports.saturating_sub(tally.distinct));
            }
            add(COUNTS, "lost", *w, entry, tally.lost);
            add(COUNTS, "late", *w, entry, tally.late);
        }
        if let Some((w, last)) = self.windows.last_key_value() {
            // The next window is due at its close; it is missed at the latest when its reports should have gone.
            let length = last.closes.saturating_sub(last.opens);
            let overdue = now >= last.judged_from(0).saturating_add(length);
            add(SEQUENCE, "overdue", w.saturating_add(1), None, u64::from(overdue));
        }
        findings.sort();
        findings
    }

    fn tallies(&self, now: u64) -> BTreeMap<u64, Tally> {
        let mut tallies: BTreeMap<u64, Tally> = BTreeMap::new();
        for ((w, _), said) in &self.said {
            let tally = tallies.entry(*w).or_default();
            tally.distinct += 1;
            let all = [said.forwarded, said.refused, said.erased, said.pending];
            let entries = || all.into_iter().flatten().map(|(_, entry)| entry);
            tally.first = tally.first.into_iter().chain(entries()).min();
            let entry = entries().max();
            if said.forwarded.is_some() && said.refused.is_some() {
                tally.both += 1;
                tally.entry = tally.entry.max(entry);
            }
            let settled = [said.forwarded, said.refused].into_iter().flatten().min();
            match (said.pending, settled) {
                (Some((round, entry)), Some((settled, _))) if settled <= round => {
                    tally.settled += 1;
                    tally.entry = tally.entry.max(Some(entry));
                }
                (Some((round, _)), None) if said.erased.is_none() => {
                    let due = self.windows.get(w).and_then(|window| window.round_due(now)).unwrap_or(0);
                    if due >= LATE_ROUNDS {
                        tally.late += 1;
                    } else if round < due {
                        tally.lost += 1;
                    }
                }
                _ => {}
            }
        }
        tallies
    }

    /// What the log says about one report, from its receipt: a, b and nf as `docs/protocol.md` derives them.
    #[must_use]
    pub fn prove(&self, w: u64, a: &B32, b: &B32, nf: &B32, now: u64) -> Proof {
        let (accepted, accepted_entry) = match self.accepted.get(a) {
            None => (OnRecord::No, None),
            Some((window, _, entry)) if *window != w => (OnRecord::OtherWindow, Some(*entry)),
            Some((_, body, entry)) if body != b => (OnRecord::OtherBody, Some(*entry)),
            Some((_, _, entry)) => (OnRecord::Yes, Some(*entry)),
        };
        let said = self.said.get(&(w, *nf)).copied().unwrap_or_default();
        let due = self.windows.get(&w).and_then(|window| window.round_due(now));
        let (fate, fate_entry) = match (said.forwarded, said.refused, said.erased, said.pending) {
            (Some((_, entry)), ..) => (Fate::Forwarded, Some(entry)),
            (_, Some((_, entry)), ..) => (Fate::Refused, Some(entry)),
            (_, _, Some((_, entry)), _) => (Fate::Erased, Some(entry)),
            (_, _, _, Some((round, entry))) if due.is_none_or(|due| round >= due) => (Fate::Pending, Some(entry)),
            (_, _, _, Some((_, entry))) => (Fate::Dropped, Some(entry)),
            _ if due.is_some() => (Fate::Dropped, None),
            _ => (Fate::NotDue, None),
        };
        Proof { accepted, accepted_entry, fate, fate_entry }
    }

    /// Numbers of the windows that the gateway spoke of.
    pub fn numbers(&self) -> impl Iterator<Item = u64> {
        self.windows.keys().copied()
    }
}

/// Sums over one window.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    distinct: u64,
    both: u64,
    settled: u64,
    lost: u64,
    late: u64,
    /// The last one that says something wrong.
    entry: Option<u64>,
    /// The first one that says anything.
    first: Option<u64>,
}
