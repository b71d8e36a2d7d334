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

mod judge;

use std::collections::BTreeMap;

use judge::Judge;

use super::deadline::{Deadlines, grace};
use super::parts::Ends;
use super::records::{Kind, Memory, OfWindow, Record, Records, Says, Word};
use crate::codec::B32;
use crate::statement::body::{PolicySet, ReportAccepted, ReportErased, ReportFate};
use crate::statement::{Body, Verified};

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

/// How long windows are by a policy, and since when witnesses have seen it.
#[derive(Clone, Copy, Debug)]
struct Lengths {
    window_s: u64,
    forward_s: u64,
    from: Option<u64>,
}

/// The intake log so far, its signatures checked by [`super::rule`]. Of each statement records are left, wherever `R` keeps
/// them; in memory is what is wrong so far, and which windows there are.
#[derive(Clone, Debug, Default)]
pub struct Windows<R = Memory> {
    records: R,
    known: Numbers,
    /// The largest number, with the times that were first said of it.
    last: Option<(u64, Deadlines)>,
    /// Of each policy, in their order.
    lengths: Vec<Lengths>,
    findings: Vec<Finding>,
}

/// All that is wrong with the intake log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Judged {
    /// Rising.
    pub findings: Vec<Finding>,
    /// Entries with a statement that an earlier one holds, rising. Nothing else is said of them: they don't count.
    pub copies: Vec<u64>,
}

impl Windows {
    /// Before entry 0; records wait in memory.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// All that is wrong at that time: the newest witnessed time of the log, not a clock's.
    #[must_use]
    pub fn audit(&self, now: u64) -> Vec<Finding> {
        let Ok(judged) = self.clone().judge(now);
        judged.findings
    }
}

impl<R: Records> Windows<R> {
    /// Before entry 0.
    pub const fn with(records: R) -> Self {
        let known = Numbers(BTreeMap::new());
        Self { records, known, last: None, lengths: Vec::new(), findings: Vec::new() }
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

    /// Takes the next statement of the intake log, by the hash of its PAE: a later copy of it does not count.
    pub fn take_once(
        &mut self,
        entry: u64,
        pae: B32,
        verified: &Verified,
        witnessed: Option<u64>,
    ) -> Result<(), R::Error> {
        self.push(Kind::Statement { pae, entry })?;
        self.take(entry, verified, witnessed)
    }

    /// Takes the next statement of the intake log, no copy of another; those about other things are passed over.
    pub fn take(&mut self, entry: u64, verified: &Verified, witnessed: Option<u64>) -> Result<(), R::Error> {
        match &verified.body {
            Body::ReportAccepted(body) => self.take_accepted(entry, body, witnessed),
            Body::ReportFate(body) => self.take_fate(entry, Word::of(verified.verb), body),
            Body::ReportErased(body) => self.take_erased(entry, body),
            _ => Ok(()),
        }
    }

    fn push(&mut self, kind: Kind) -> Result<(), R::Error> {
        self.records.push(Record(kind))
    }

    fn find(&mut self, check: &'static str, code: &'static str, window: u64, entry: u64) {
        self.findings.push(Finding { check, code, window, entry: Some(entry), reports: 0 });
    }

    fn take_accepted(&mut self, entry: u64, body: &ReportAccepted, witnessed: Option<u64>) -> Result<(), R::Error> {
        let (w, times) = (body.w, Deadlines::from(body));
        if witnessed.is_some_and(|at| at < times.closes) {
            self.find(SEQUENCE, "early", w, entry);
        }
        if self.known.insert(w) {
            self.next_window(entry, w, times);
        }
        let ends = Ends::of(body.parts, body.pairs.iter().map(|[a, _]| &a.0));
        let says = Says::Accepted { times, reports: count(&body.pairs) };
        self.push(Kind::Window {
            w,
            of: OfWindow::Statement { entry, says, part: body.part, parts: body.parts, ends },
        })?;
        body.pairs.iter().try_for_each(|[a, _]| self.push(Kind::Accepted { a: a.0, entry, w }))
    }

    /// Nothing was said of this window before.
    fn next_window(&mut self, entry: u64, w: u64, times: Deadlines) {
        let Deadlines { opens, closes, deadline } = times;
        if w != self.last.map_or(1, |(w, _)| w.saturating_add(1)) {
            self.find(SEQUENCE, "number", w, entry);
        } else if !(opens < closes && closes < deadline && self.last.is_none_or(|(_, last)| last.closes == opens)) {
            self.find(SEQUENCE, "times", w, entry);
        } else if !self.lengths.is_empty()
            && !self.lengths_at(opens).any(|l| (l.window_s, l.forward_s) == (closes - opens, deadline - closes))
        {
            // With a D far away nothing would ever be due.
            self.find(SEQUENCE, "policy", w, entry);
        }
        if self.last.is_none_or(|(last, _)| last < w) {
            self.last = Some((w, times));
        }
    }

    fn take_fate(&mut self, entry: u64, word: Word, body: &ReportFate) -> Result<(), R::Error> {
        let (w, round, ends) = (body.w, body.round, Ends::of(body.parts, body.nf.iter().map(|nf| &nf.0)));
        let says = Says::Fate { word, round };
        self.push(Kind::Window {
            w,
            of: OfWindow::Statement { entry, says, part: body.part, parts: body.parts, ends },
        })?;
        body.nf.iter().try_for_each(|nf| self.name(entry, w, word, round, nf.0))
    }

    fn take_erased(&mut self, entry: u64, body: &ReportErased) -> Result<(), R::Error> {
        let (w, round, nf) = (body.w, body.round, body.items.iter().map(|[nf, _]| nf.0));
        if !Ends::of(1, body.items.iter().map(|[nf, _]| &nf.0)).sorted {
            self.find(PARTS, "unsorted", w, entry);
        }
        nf.into_iter().try_for_each(|nf| self.name(entry, w, Word::Erased, round, nf))
    }

    fn name(&mut self, entry: u64, w: u64, word: Word, round: u64, nf: B32) -> Result<(), R::Error> {
        self.push(Kind::Window { w, of: OfWindow::Report { nf, entry, word, round } })?;
        self.push(Kind::Named { nf, entry, w, word })
    }

    /// All that is wrong at that time, which is the newest witnessed time of the log, not a clock's. Errors: those of the
    /// records.
    pub fn judge(&mut self, now: u64) -> Result<Judged, R::Error> {
        let mut judge = Judge::new(now);
        self.records.each(&mut |record| judge.see(record))?;
        let (mut findings, copies) = judge.end();
        let counts = |f: &&Finding| f.entry.is_none_or(|entry| copies.binary_search(&entry).is_err());
        findings.extend(self.findings.iter().filter(counts).cloned());
        if self.next_due().is_some_and(|due| now >= due) {
            let window = self.last.map_or(1, |(w, _)| w.saturating_add(1));
            findings.push(Finding { check: SEQUENCE, code: "overdue", window, entry: None, reports: 1 });
        }
        findings.sort_unstable();
        Ok(Judged { findings, copies })
    }

    /// When the next window is missed at the latest: it is due at its close, and missed when its reports should have gone.
    /// The first one opens as soon as there is a policy. `None`: nobody knows when.
    fn next_due(&self) -> Option<u64> {
        let Some((_, last)) = self.last else {
            let opens = self.lengths.first()?.from?;
            let longest = self
                .lengths
                .iter()
                .map(|l| l.window_s.saturating_add(l.forward_s).saturating_add(grace(l.forward_s)))
                .max()?;
            return Some(opens.saturating_add(longest));
        };
        // By another policy than the last one it may be longer.
        let lengths = self.lengths_at(last.closes).map(|l| l.window_s);
        let longest = lengths.chain([last.closes.saturating_sub(last.opens)]).max()?;
        Some(last.judged_from(0).saturating_add(longest))
    }
}

fn count<T>(items: &[T]) -> u64 {
    u64::try_from(items.len()).unwrap_or(u64::MAX)
}

/// Numbers, as ranges from their first to their last: those of all windows are one range, unless some are missing.
#[derive(Clone, Debug, Default)]
struct Numbers(BTreeMap<u64, u64>);

impl Numbers {
    /// False if it is there already.
    fn insert(&mut self, n: u64) -> bool {
        let before = self.0.range(..=n).next_back().map(|(first, last)| (*first, *last));
        if before.is_some_and(|(_, last)| n <= last) {
            return false;
        }
        let last = n.checked_add(1).and_then(|next| self.0.remove(&next)).unwrap_or(n);
        let first = before.filter(|(_, last)| n.checked_sub(1) == Some(*last)).map_or(n, |(first, _)| first);
        self.0.insert(first, last);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_any_order_are_kept_as_ranges() {
        let mut numbers = Numbers::default();
        for n in [5, 1, 3, 2, u64::MAX, 4, 0, u64::MAX - 1] {
            assert!(numbers.insert(n));
            assert!(!numbers.insert(n));
        }
        assert_eq!(numbers.0.into_iter().collect::<Vec<_>>(), [(0, 5), (u64::MAX - 1, u64::MAX)]);
    }
}
