//! Accepted versus forwarded: whether what the intake log says about each window agrees. About one report: [`super::fate`].
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

use std::collections::{BTreeMap, HashMap, HashSet};

use super::deadline::{Deadlines, LATE_ROUNDS, grace};
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

/// How long after a policy was witnessed windows may still open by the one before: a gateway reads the log at intervals,
/// and may not reach it for a while. As long as a head may be old elsewhere.
const POLICY_GRACE_S: u64 = 72 * 3600;

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
    times: Deadlines,
    parts: Parts,
    reports: u64,
    /// Of which forwarder said only after D that they were forwarded or refused.
    late: u64,
}

/// How long windows are by a policy, and since when witnesses have seen it.
#[derive(Clone, Copy, Debug)]
struct Lengths {
    window_s: u64,
    forward_s: u64,
    from: Option<u64>,
}

/// How the reports of one window fared by its D. Counts only: of whom, nobody can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fared {
    /// The window.
    pub window: u64,
    /// The entry that first speaks of it.
    pub entry: u64,
    /// Its times.
    pub times: Deadlines,
    /// Reports accepted in it.
    pub reports: u64,
    /// Forwarded or refused, but said only after D.
    pub late: u64,
    /// Neither forwarded nor refused nor erased so far, though D is over: pending, or not spoken of.
    pub open: u64,
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

/// The intake log so far, its signatures checked by [`super::rule`].
#[derive(Clone, Debug, Default)]
pub struct Windows {
    windows: BTreeMap<u64, Window>,
    /// Every a.
    accepted: HashSet<B32>,
    said: HashMap<(u64, B32), Said>,
    /// nf → its first window.
    home: HashMap<B32, u64>,
    fates: BTreeMap<(u64, u64, Verb), (u64, Parts)>,
    /// Of each policy, in their order.
    lengths: Vec<Lengths>,
    findings: Vec<Finding>,
}

impl Windows {
    /// Before entry 0.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A policy of the governance log, with its witnessed time: windows may be as long as it says. Who replays that log
    /// first says each, in turn; without one, any length is taken. A gateway that was away catches up by the policy that
    /// holds then, so that later ones count as well, and one before only until it was replaced.
    pub fn allow(&mut self, policy: &PolicySet, witnessed: Option<u64>) {
        let (window_s, forward_s) = (policy.window_s.max(1), policy.forward_s.max(1));
        self.lengths.push(Lengths { window_s, forward_s, from: witnessed });
    }

    /// By what policies a window may be that opens at that time.
    fn lengths_at(&self, opens: u64) -> impl Iterator<Item = &Lengths> {
        let replaced = self.lengths.iter().skip(1).map(|next| next.from).chain([None]);
        let over = move |at: Option<u64>| at.is_some_and(|at| at.saturating_add(POLICY_GRACE_S) <= opens);
        self.lengths.iter().zip(replaced).filter(move |(_, replaced)| !over(*replaced)).map(|(lengths, _)| lengths)
    }

    /// Takes the next statement of the intake log; those about other things are passed over.
    pub fn take(&mut self, entry: u64, verified: &Verified, witnessed: Option<u64>) {
        match &verified.body {
            Body::ReportAccepted(body) => self.take_accepted(entry, body, witnessed),
            Body::ReportFate(body) => self.take_fate(entry, verified.verb, body, witnessed),
            Body::ReportErased(body) => self.take_erased(entry, body),
            _ => {}
        }
    }

    fn find(&mut self, check: &'static str, code: &'static str, window: u64, entry: u64) {
        self.findings.push(Finding { check, code, window, entry: Some(entry), reports: 0 });
    }

    fn take_accepted(&mut self, entry: u64, body: &ReportAccepted, witnessed: Option<u64>) {
        let (w, times) = (body.w, Deadlines::from(body));
        let Deadlines { opens, closes, deadline } = times;
        if witnessed.is_some_and(|at| at < closes) {
            self.find(SEQUENCE, "early", w, entry);
        }
        if !self.windows.contains_key(&w) {
            let before = self.windows.last_key_value().map(|(w, window)| (*w, window.times.closes));
            if w != before.map_or(1, |(w, _)| w.saturating_add(1)) {
                self.find(SEQUENCE, "number", w, entry);
            } else if !(opens < closes && closes < deadline && before.is_none_or(|(_, closed)| closed == opens)) {
                self.find(SEQUENCE, "times", w, entry);
            } else if !self.lengths.is_empty()
                && !self.lengths_at(opens).any(|l| (l.window_s, l.forward_s) == (closes - opens, deadline - closes))
            {
                // With a D far away nothing would ever be due.
                self.find(SEQUENCE, "policy", w, entry);
            }
        }
        let fresh = || Window { entry, times, parts: Parts::new(body.parts), reports: 0, late: 0 };
        let window = self.windows.entry(w).or_insert_with(fresh);
        if window.times != times || !window.parts.take(body.part, body.parts, body.pairs.iter().map(|[a, _]| &a.0)) {
            self.find(PARTS, "part", w, entry);
            return;
        }
        window.reports += u64::try_from(body.pairs.len()).unwrap_or(u64::MAX);
        let mut twice = 0;
        for [a, _] in &body.pairs {
            twice += u64::from(!self.accepted.insert(a.0));
        }
        self.twice(w, entry, twice);
    }

    fn twice(&mut self, window: u64, entry: u64, reports: u64) {
        if reports > 0 {
            self.findings.push(Finding { check: ONCE, code: "twice", window, entry: Some(entry), reports });
        }
    }

    fn take_fate(&mut self, entry: u64, verb: Verb, body: &ReportFate, witnessed: Option<u64>) {
        let parts = self.fates.entry((body.w, body.round, verb)).or_insert_with(|| (entry, Parts::new(body.parts)));
        if !parts.1.take(body.part, body.parts, body.nf.iter().map(|nf| &nf.0)) {
            self.find(PARTS, "part", body.w, entry);
            return;
        }
        if let Some(window) = self.windows.get_mut(&body.w).filter(|_| verb != Verb::ReportPending)
            && witnessed.is_some_and(|at| at >= window.times.judged_from(0))
        {
            window.late += u64::try_from(body.nf.len()).unwrap_or(u64::MAX);
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
            let due = self.windows.get(w).is_some_and(|window| now >= window.times.judged_from(*round));
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
            let (entry, due) = (Some(window.entry), now >= window.times.judged_from(0));
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
        let next = self.windows.last_key_value().map_or(1, |(w, _)| w.saturating_add(1));
        add(SEQUENCE, "overdue", next, None, u64::from(self.next_due().is_some_and(|due| now >= due)));
        findings.sort();
        findings
    }

    /// When the next window is missed at the latest: it is due at its close, and missed when its reports should have gone.
    /// The first one opens as soon as there is a policy. `None`: nobody knows when.
    fn next_due(&self) -> Option<u64> {
        let Some((_, last)) = self.windows.last_key_value() else {
            let opens = self.lengths.first()?.from?;
            let longest = self
                .lengths
                .iter()
                .map(|l| l.window_s.saturating_add(l.forward_s).saturating_add(grace(l.forward_s)))
                .max()?;
            return Some(opens.saturating_add(longest));
        };
        // By another policy than the last one it may be longer.
        let lengths = self.lengths_at(last.times.closes).map(|l| l.window_s);
        let longest = lengths.chain([last.times.closes.saturating_sub(last.times.opens)]).max()?;
        Some(last.times.judged_from(0).saturating_add(longest))
    }

    /// How each window fared whose D is over at that time, by number.
    #[must_use]
    pub fn fared(&self, now: u64) -> Vec<Fared> {
        let tallies = self.tallies(now);
        let due = self.windows.iter().filter(|(_, window)| now >= window.times.judged_from(0));
        due.map(|(w, window)| {
            let settled = tallies.get(w).map_or(0, |tally| tally.settled_at_all);
            let Window { entry, times, reports, late, .. } = *window;
            Fared { window: *w, entry, times, reports, late, open: reports.saturating_sub(settled) }
        })
        .collect()
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
            tally.settled_at_all += u64::from(settled.is_some() || said.erased.is_some());
            match (said.pending, settled) {
                (Some((round, entry)), Some((settled, _))) if settled <= round => {
                    tally.settled += 1;
                    tally.entry = tally.entry.max(Some(entry));
                }
                (Some((round, _)), None) if said.erased.is_none() => {
                    let due = self.windows.get(w).and_then(|window| window.times.round_due(now)).unwrap_or(0);
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
    settled_at_all: u64,
    lost: u64,
    late: u64,
    /// The last one that says something wrong.
    entry: Option<u64>,
    /// The first one that says anything.
    first: Option<u64>,
}
