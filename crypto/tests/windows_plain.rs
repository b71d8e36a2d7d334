//! An audit of windows that forgets nothing and looks everything up is easy to understand. The one that keeps sorted records
//! must find the same, whatever stands in the log.

#[path = "common/world.rs"]
mod world;

use std::collections::{BTreeMap, HashMap, HashSet};

use proptest::prelude::*;
use tabir_crypto::codec::B32;
use tabir_crypto::statement::body::{ReportAccepted, ReportErased, ReportFate};
use tabir_crypto::statement::value::Second;
use tabir_crypto::statement::{Body, Statement, Verb, Verified};
use tabir_crypto::trust::deadline::{Deadlines, LATE_ROUNDS};
use tabir_crypto::trust::windows::*;
use world::*;

/// The parts of one statement, as they are.
#[derive(Clone, Debug)]
struct Parts {
    parts: u64,
    items: BTreeMap<u64, Vec<B32>>,
}

impl Parts {
    fn new(parts: u64) -> Self {
        Self { parts, items: BTreeMap::new() }
    }

    fn take<'a>(&mut self, part: u64, parts: u64, items: impl Iterator<Item = &'a B32>) -> bool {
        let fits = parts == self.parts && (1..=parts).contains(&part) && !self.items.contains_key(&part);
        if fits {
            self.items.insert(part, items.copied().collect());
        }
        fits
    }

    fn complete(&self) -> bool {
        self.items.len() as u64 == self.parts
    }

    fn sorted(&self) -> bool {
        let all: Vec<_> = self.items.values().flatten().collect();
        all.windows(2).all(|pair| pair[0] < pair[1])
    }
}

/// What the gateway said about a window.
#[derive(Clone, Debug)]
struct Window {
    entry: u64,
    times: Deadlines,
    parts: Parts,
    reports: u64,
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

/// The intake log, all of it.
#[derive(Clone, Debug, Default)]
struct Plain {
    seen: HashSet<B32>,
    copies: Vec<u64>,
    windows: BTreeMap<u64, Window>,
    accepted: HashSet<B32>,
    said: HashMap<(u64, B32), Said>,
    home: HashMap<B32, u64>,
    fates: BTreeMap<(u64, u64, Verb), (u64, Parts)>,
    findings: Vec<Finding>,
}

impl Plain {
    fn take(&mut self, entry: u64, pae: B32, verified: &Verified, witnessed: Option<u64>) {
        if !self.seen.insert(pae) {
            self.copies.push(entry);
            return;
        }
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
            }
        }
        let fresh = || Window { entry, times, parts: Parts::new(body.parts), reports: 0 };
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
        if let Some((w, last)) = self.windows.last_key_value() {
            let due = last.times.judged_from(0).saturating_add(last.times.closes.saturating_sub(last.times.opens));
            add(SEQUENCE, "overdue", w.saturating_add(1), None, u64::from(now >= due));
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

/// Some of a few reports, in no order, now and then one twice.
fn reports() -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(0..6_u8, 0..5)
}

/// A statement of one of a few windows; most are wrong in some way.
fn statement() -> impl Strategy<Value = Statement> {
    let numbers = (1..4_u64, 1..3_u64, 1..3_u64, 0..4_u64, prop_oneof![4 => Just(0_u64), 1 => Just(1)]);
    (0..6_u8, numbers, reports(), any::<bool>()).prop_map(|(kind, (w, part, parts, round, shift), reports, sorted)| {
        let names: Vec<String> = reports.iter().map(|n| format!("r{n}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let (mut accepted, mut fate, mut gone) =
            (accepted(w, part, parts, &names), fate(w, round, &names), erased(w, round, &names));
        accepted.deadline = Second(accepted.deadline.0 + shift);
        (fate.part, fate.parts) = (part.min(parts), parts);
        if !sorted {
            accepted.pairs.reverse();
            fate.nf.reverse();
            gone.items.reverse();
        }
        let made = match kind {
            0 | 1 => Statement::new(Verb::ReportAccepted, &accepted),
            2 => Statement::new(Verb::ReportForwarded, &fate),
            3 => Statement::new(Verb::ReportRefused, &fate),
            4 => Statement::new(Verb::ReportPending, &fate),
            _ => Statement::new(Verb::ReportErased, &gone),
        };
        made.unwrap()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]
    #[test]
    fn sorted_records_find_what_a_plain_audit_finds(
        log in proptest::collection::vec((statement(), proptest::option::of(0..8_u64)), 0..30)
    ) {
        let (mut plain, mut windows) = (Plain::default(), Windows::new());
        for (entry, (statement, day)) in (0..).zip(&log) {
            let (verb, body) = (statement.verb(), statement.body().unwrap());
            let (pae, verified) = (statement.pae_hash(), Verified { verb, body, signers: Vec::new() });
            let witnessed = day.map(|day| T0 + day * DAY);
            plain.take(entry, pae, &verified, witnessed);
            let Ok(()) = windows.take_once(entry, pae, &verified, witnessed);
        }
        for now in [0, 4, 5, 8, 11, 20].map(|day| T0 + day * DAY + HOUR) {
            let Ok(judged) = windows.judge(now);
            prop_assert_eq!(judged.findings, plain.audit(now));
            prop_assert_eq!(&judged.copies, &plain.copies);
        }
    }
}
