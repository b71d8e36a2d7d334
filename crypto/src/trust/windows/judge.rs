//! Judges what records say, one window after the other: of each only its statements and sums are in memory.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::{COUNTS, DISJOINT, Finding, ONCE, PARTS, PENDING, SEQUENCE};
use crate::codec::B32;
use crate::trust::deadline::{Deadlines, LATE_ROUNDS};
use crate::trust::parts::Parts;
use crate::trust::records::{Kind, OfWindow, Record, Says, Word};

/// All that is wrong at a time, from records in rising order.
pub(super) struct Judge {
    now: u64,
    findings: Vec<Finding>,
    /// Entries that don't count: copies of earlier ones, and parts that don't fit.
    skipped: HashSet<u64>,
    copies: Vec<u64>,
    pae: Option<B32>,
    window: Option<Open>,
    once: Once,
}

impl Judge {
    pub(super) fn new(now: u64) -> Self {
        let (findings, copies, skipped, once) = Default::default();
        Self { now, findings, skipped, copies, pae: None, window: None, once }
    }

    /// Takes the next record.
    pub(super) fn see(&mut self, record: Record) {
        match record.0 {
            Kind::Statement { pae, entry } => {
                if self.pae.replace(pae) == Some(pae) {
                    self.copies.push(entry);
                    self.skipped.insert(entry);
                }
            }
            Kind::Window { w, of } => self.see_window(w, of),
            Kind::Accepted { a, entry, w } => {
                self.close();
                if !self.skipped.contains(&entry) {
                    self.once.accepted(a, entry, w);
                }
            }
            Kind::Named { nf, entry, w, word } => {
                self.close();
                if !self.skipped.contains(&entry) {
                    self.once.named(nf, entry, w, word);
                }
            }
        }
    }

    fn see_window(&mut self, w: u64, of: OfWindow) {
        if self.window.as_ref().is_none_or(|open| open.w != w) {
            self.close();
        }
        let open = self.window.get_or_insert_with(|| Open::new(w));
        match of {
            OfWindow::Statement { entry, .. } | OfWindow::Report { entry, .. } if self.skipped.contains(&entry) => {}
            OfWindow::Statement { entry, says, part, parts, ends } => {
                let fits = match says {
                    Says::Accepted { times, reports } => {
                        let fresh = Window { entry, times, parts: Parts::new(parts), reports: 0 };
                        let window = open.window.get_or_insert(fresh);
                        let fits = window.times == times && window.parts.take(part, parts, ends);
                        window.reports += if fits { reports } else { 0 };
                        fits
                    }
                    Says::Fate { word, round } => {
                        let of_round = open.fates.entry((round, word)).or_insert_with(|| (entry, Parts::new(parts)));
                        of_round.1.take(part, parts, ends)
                    }
                };
                if !fits {
                    self.skipped.insert(entry);
                    self.findings.push(Finding {
                        check: PARTS,
                        code: "part",
                        window: w,
                        entry: Some(entry),
                        reports: 0,
                    });
                }
            }
            OfWindow::Report { nf, entry, word, round } => open.report(nf, word, (round, entry), self.now),
        }
    }

    /// All records of a window have been seen.
    fn close(&mut self) {
        if let Some(mut open) = self.window.take() {
            open.next_report(None, self.now);
            open.find(self.now, &mut self.findings);
        }
    }

    /// All records have been seen: what is wrong, and the entries that hold a copy of an earlier statement, rising.
    pub(super) fn end(mut self) -> (Vec<Finding>, Vec<u64>) {
        self.close();
        let twice =
            |(entry, (window, reports))| Finding { check: ONCE, code: "twice", window, entry: Some(entry), reports };
        self.findings.extend(self.once.twice.into_iter().map(twice));
        self.copies.sort_unstable();
        (self.findings, self.copies)
    }
}

/// Reports that stand more often than once.
#[derive(Default)]
struct Once {
    a: Option<B32>,
    /// An nf, its first window, and what was said of it so far.
    nf: Option<(B32, u64)>,
    said: BTreeSet<(u64, Word)>,
    /// By entry: its window, and how many reports in it stood before.
    twice: BTreeMap<u64, (u64, u64)>,
}

impl Once {
    fn accepted(&mut self, a: B32, entry: u64, w: u64) {
        if self.a.replace(a) == Some(a) {
            self.again(entry, w);
        }
    }

    fn named(&mut self, nf: B32, entry: u64, w: u64, word: Word) {
        let home = match self.nf {
            Some((before, home)) if before == nf => home,
            _ => {
                self.said.clear();
                self.nf = Some((nf, w));
                w
            }
        };
        let again = !self.said.insert((w, word)) && word != Word::Pending;
        if home != w || again {
            self.again(entry, w);
        }
    }

    fn again(&mut self, entry: u64, w: u64) {
        self.twice.entry(entry).or_insert((w, 0)).1 += 1;
    }
}

/// What the gateway said about a window.
struct Window {
    entry: u64,
    times: Deadlines,
    parts: Parts,
    reports: u64,
}

/// What is said about one nf in one window: (round, entry) of each, the first one; of `pending` the last.
#[derive(Clone, Copy, Default)]
struct Said {
    forwarded: Option<(u64, u64)>,
    refused: Option<(u64, u64)>,
    erased: Option<(u64, u64)>,
    pending: Option<(u64, u64)>,
}

/// The window whose records are being seen.
struct Open {
    w: u64,
    window: Option<Window>,
    fates: BTreeMap<(u64, Word), (u64, Parts)>,
    report: Option<(B32, Said)>,
    tally: Tally,
}

/// Sums over one window.
#[derive(Default)]
struct Tally {
    distinct: u64,
    both: u64,
    settled: u64,
    lost: u64,
    late: u64,
    /// The last entry that says something wrong.
    entry: Option<u64>,
    /// The first one that says anything.
    first: Option<u64>,
}

impl Open {
    fn new(w: u64) -> Self {
        Self { w, window: None, fates: BTreeMap::new(), report: None, tally: Tally::default() }
    }

    fn report(&mut self, nf: B32, word: Word, here: (u64, u64), now: u64) {
        if self.report.is_none_or(|(before, _)| before != nf) {
            self.next_report(Some(nf), now);
        }
        let Some((_, said)) = &mut self.report else { return };
        match word {
            Word::Forwarded => _ = said.forwarded.get_or_insert(here),
            Word::Refused => _ = said.refused.get_or_insert(here),
            Word::Erased => _ = said.erased.get_or_insert(here),
            Word::Pending => said.pending = said.pending.max(Some(here)),
        }
    }

    /// Nothing more is said of one report.
    fn next_report(&mut self, nf: Option<B32>, now: u64) {
        if let Some((_, said)) = self.report.take() {
            let due = self.window.as_ref().and_then(|window| window.times.round_due(now)).unwrap_or(0);
            self.tally.add(&said, due);
        }
        self.report = nf.map(|nf| (nf, Said::default()));
    }

    fn find(&self, now: u64, findings: &mut Vec<Finding>) {
        let tally = &self.tally;
        let mut add = |check, code, entry, reports| {
            if reports > 0 {
                findings.push(Finding { check, code, window: self.w, entry, reports });
            }
        };
        for ((round, _), (entry, parts)) in &self.fates {
            add(PARTS, "unsorted", Some(*entry), u64::from(!parts.sorted()));
            let due = self.window.as_ref().is_some_and(|window| now >= window.times.judged_from(*round));
            add(PARTS, "incomplete", Some(*entry), u64::from(due && !parts.complete()));
        }
        add(DISJOINT, "both", tally.entry, tally.both);
        add(PENDING, "settled", tally.entry, tally.settled);
        let Some(window) = &self.window else {
            add(SEQUENCE, "unknown", tally.first, tally.distinct);
            return;
        };
        let (entry, due) = (Some(window.entry), now >= window.times.judged_from(0));
        add(PARTS, "unsorted", entry, u64::from(!window.parts.sorted()));
        if !window.parts.complete() {
            add(PARTS, "incomplete", entry, u64::from(due));
            return;
        }
        add(COUNTS, "surplus", entry, tally.distinct.saturating_sub(window.reports));
        if due {
            add(COUNTS, "missing", entry, window.reports.saturating_sub(tally.distinct));
        }
        add(COUNTS, "lost", entry, tally.lost);
        add(COUNTS, "late", entry, tally.late);
    }
}

impl Tally {
    /// One report, when this round is the last by which the log is judged.
    fn add(&mut self, said: &Said, due: u64) {
        self.distinct += 1;
        let all = [said.forwarded, said.refused, said.erased, said.pending];
        let entries = || all.into_iter().flatten().map(|(_, entry)| entry);
        self.first = self.first.into_iter().chain(entries()).min();
        if said.forwarded.is_some() && said.refused.is_some() {
            self.both += 1;
            self.entry = self.entry.max(entries().max());
        }
        let settled = [said.forwarded, said.refused].into_iter().flatten().min();
        match (said.pending, settled) {
            (Some((round, entry)), Some((settled, _))) if settled <= round => {
                self.settled += 1;
                self.entry = self.entry.max(Some(entry));
            }
            (Some((round, _)), None) if said.erased.is_none() => {
                if due >= LATE_ROUNDS {
                    self.late += 1;
                } else if round < due {
                    self.lost += 1;
                }
            }
            _ => {}
        }
    }
}
