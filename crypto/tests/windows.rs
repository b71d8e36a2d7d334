//! Accepted versus forwarded: each way in which the numbers can be wrong is found, and a reporter can prove it.

#[path = "common/world.rs"]
mod world;

use serde::Serialize;
use tabir_crypto::statement::body::{Acceptance, PolicySet, ReportAccepted, ReportFate};
use tabir_crypto::statement::value::{Hour, Second, V1};
use tabir_crypto::statement::{Statement, Verb, Verified};
use tabir_crypto::trust::fate::{Fate, Lookup, OnRecord, Proof, Verdict};
use tabir_crypto::trust::windows::*;
use world::*;

/// D of window 1.
const D: u64 = T0 + 4 * DAY;
/// From when window 1 is judged.
const JUDGED: u64 = D + HOUR;
const PERIOD: u64 = 3 * DAY;

/// An intake log, its signatures taken as checked.
struct Intake {
    windows: Windows,
    entries: Vec<Verified>,
}

/// What the gateway answered when it accepted this report.
fn told(w: u64, report: &str) -> Acceptance {
    Acceptance {
        v: V1,
        at: Hour::of(T0),
        case_id: hash(&format!("case {report}")),
        a: hash(&format!("a {report}")),
        b: hash(&format!("b {report}")),
        nf: nf(report),
        w,
        deadline: accepted(w, 1, 1, &[]).deadline,
        log_origin: text("intake"),
    }
}

impl Intake {
    fn new() -> Self {
        Self { windows: Windows::new(), entries: Vec::new() }
    }

    /// Window 1 with these reports.
    fn with(reports: &[&str]) -> Self {
        let mut log = Self::new();
        log.accept(&accepted(1, 1, 1, reports));
        log
    }

    fn put<T: Serialize>(&mut self, verb: Verb, body: &T, witnessed: Option<u64>) -> u64 {
        let body = Statement::new(verb, body).unwrap().body().unwrap();
        let (entry, verified) = (self.entries.len() as u64, Verified { verb, body, signers: Vec::new() });
        let Ok(()) = self.windows.take(entry, &verified, witnessed);
        self.entries.push(verified);
        entry
    }

    fn accept(&mut self, body: &ReportAccepted) -> u64 {
        self.put(Verb::ReportAccepted, body, Some(body.closes.0))
    }

    fn forwarded(&mut self, round: u64, reports: &[&str]) -> u64 {
        self.put(Verb::ReportForwarded, &fate(1, round, reports), None)
    }

    fn refused(&mut self, round: u64, reports: &[&str]) -> u64 {
        self.put(Verb::ReportRefused, &fate(1, round, reports), None)
    }

    fn pending(&mut self, round: u64, reports: &[&str]) -> u64 {
        self.put(Verb::ReportPending, &fate(1, round, reports), None)
    }

    fn erased(&mut self, round: u64, reports: &[&str]) -> u64 {
        self.put(Verb::ReportErased, &erased(1, round, reports), None)
    }

    /// What is wrong with window 1, as (check, code, reports).
    fn wrong(&self, now: u64) -> Vec<(&'static str, &'static str, u64)> {
        let of_first = |f: &Finding| f.window == 1;
        self.windows.audit(now).into_iter().filter(of_first).map(|f| (f.check, f.code, f.reports)).collect()
    }

    /// What is wrong with the row of windows.
    fn sequence(&self, now: u64) -> Vec<(&'static str, u64)> {
        let findings = self.windows.audit(now).into_iter();
        findings.filter(|f| f.check == SEQUENCE).map(|f| (f.code, f.window)).collect()
    }

    fn prove(&self, report: &str, now: u64) -> Proof {
        self.prove_as(told(1, report), now)
    }

    fn prove_as(&self, acceptance: Acceptance, now: u64) -> Proof {
        let mut lookup = Lookup::new(acceptance);
        for (entry, verified) in (0..).zip(&self.entries) {
            lookup.take(entry, verified);
        }
        lookup.proof(now)
    }
}

#[test]
fn numbers_that_agree_are_fine() {
    let mut log = Intake::with(&["f", "r", "e", "p"]);
    log.forwarded(0, &["f"]);
    log.refused(0, &["r"]);
    log.erased(0, &["e"]);
    log.pending(0, &["p"]);
    assert_eq!(log.wrong(JUDGED), []);
    log.forwarded(1, &["p"]);
    assert_eq!(log.wrong(D + 9 * PERIOD), []);
}

#[test]
fn a_window_without_reports_is_fine() {
    assert_eq!(Intake::with(&[]).wrong(JUDGED), []);
}

#[test]
fn finds_a_report_that_went_nowhere() {
    let mut log = Intake::with(&["f", "dropped"]);
    let entry = log.forwarded(0, &["f"]);
    assert_eq!(log.wrong(JUDGED - 1), []);
    assert_eq!(log.wrong(JUDGED), [(COUNTS, "missing", 1)]);
    let proof = log.prove("dropped", JUDGED);
    assert_eq!((proof.accepted, proof.accepted_entry), (OnRecord::Yes, Some(0)));
    assert_eq!((proof.fate, proof.fate_entry), (Fate::Dropped, None));
    assert_eq!(log.prove("dropped", JUDGED - 1).fate, Fate::NotDue);
    assert_eq!((log.prove("f", JUDGED).fate, log.prove("f", JUDGED).fate_entry), (Fate::Forwarded, Some(entry)));
}

#[test]
fn finds_a_report_that_nobody_accepted() {
    let mut log = Intake::with(&["f"]);
    log.forwarded(0, &["f", "another"]);
    assert_eq!(log.wrong(T0), [(COUNTS, "surplus", 1)]);
    assert_eq!(log.prove("another", T0).accepted, OnRecord::No);
    assert_eq!(log.prove("another", T0).verdict(), Verdict::NotInWindow);
}

#[test]
fn finds_one_report_named_to_hide_another() {
    // The counts agree, and only the reporter can tell.
    let mut log = Intake::with(&["dropped"]);
    log.forwarded(0, &["invented"]);
    assert_eq!(log.wrong(JUDGED), []);
    assert_eq!(log.prove("dropped", JUDGED).fate, Fate::Dropped);
}

#[test]
fn finds_a_report_both_forwarded_and_refused() {
    let mut log = Intake::with(&["x"]);
    log.forwarded(0, &["x"]);
    log.refused(1, &["x"]);
    assert_eq!(log.wrong(JUDGED), [(DISJOINT, "both", 1)]);
}

#[test]
fn a_report_may_be_erased_after_it_was_forwarded() {
    let mut log = Intake::with(&["x"]);
    log.forwarded(0, &["x"]);
    log.erased(1, &["x"]);
    assert_eq!(log.wrong(JUDGED), []);
}

#[test]
fn finds_pending_what_was_settled_before() {
    let mut log = Intake::with(&["x", "y"]);
    log.forwarded(0, &["x", "y"]);
    log.pending(0, &["x"]);
    log.pending(1, &["y"]);
    assert_eq!(log.wrong(JUDGED), [(PENDING, "settled", 2)]);
}

#[test]
fn finds_pending_that_is_not_repeated() {
    let mut log = Intake::with(&["x"]);
    log.pending(0, &["x"]);
    assert_eq!(log.wrong(JUDGED + PERIOD - 1), []);
    assert_eq!(log.wrong(JUDGED + PERIOD), [(COUNTS, "lost", 1)]);
    assert_eq!(log.prove("x", JUDGED).fate, Fate::Pending);
    assert_eq!(log.prove("x", JUDGED + PERIOD).fate, Fate::Dropped);
    log.pending(1, &["x"]);
    assert_eq!(log.wrong(JUDGED + PERIOD), []);
    assert_eq!(log.prove("x", JUDGED + PERIOD).verdict(), Verdict::Pending);
}

#[test]
fn finds_pending_late_after_two_further_deadlines() {
    let mut log = Intake::with(&["x"]);
    for round in 0..3 {
        log.pending(round, &["x"]);
    }
    assert_eq!(log.wrong(JUDGED + 2 * PERIOD - 1), []);
    assert_eq!(log.wrong(JUDGED + 2 * PERIOD), [(COUNTS, "late", 1)]);
    assert_eq!(log.prove("x", JUDGED + 2 * PERIOD).verdict(), Verdict::Late);
    log.erased(2, &["x"]);
    assert_eq!(log.wrong(JUDGED + 2 * PERIOD), []);
}

#[test]
fn finds_one_report_in_two_windows() {
    let mut log = Intake::with(&["x"]);
    log.accept(&accepted(2, 1, 1, &["y"]));
    log.forwarded(0, &["x"]);
    log.put(Verb::ReportForwarded, &fate(2, 0, &["x"]), None);
    let twice: Vec<_> = log.windows.audit(JUDGED).into_iter().filter(|f| f.check == ONCE).collect();
    assert_eq!(twice.iter().map(|f| (f.window, f.entry)).collect::<Vec<_>>(), [(2, Some(3))]);
}

#[test]
fn finds_one_acceptance_in_two_windows() {
    let mut log = Intake::with(&["x"]);
    log.accept(&accepted(2, 1, 1, &["x"]));
    assert_eq!(log.prove_as(told(2, "x"), T0).accepted, OnRecord::OtherWindow);
    assert!(log.windows.audit(T0).iter().any(|f| (f.check, f.window, f.reports) == (ONCE, 2, 1)));
}

#[test]
fn finds_a_report_forwarded_refused_or_erased_twice() {
    let mut log = Intake::with(&["f"]);
    log.forwarded(0, &["f"]);
    log.forwarded(1, &["f"]);
    assert_eq!(log.wrong(JUDGED), [(ONCE, "twice", 1)]);
    let mut log = Intake::with(&["r"]);
    log.refused(0, &["r"]);
    log.refused(1, &["r"]);
    assert_eq!(log.wrong(JUDGED), [(ONCE, "twice", 1)]);
    let mut log = Intake::with(&["e"]);
    log.erased(0, &["e"]);
    log.erased(1, &["e"]);
    assert_eq!(log.wrong(JUDGED), [(ONCE, "twice", 1)]);
}

#[test]
fn another_body_on_record_is_no_acceptance() {
    let log = Intake::with(&["x"]);
    let other = Acceptance { b: hash("b other"), ..told(1, "x") };
    assert_eq!(log.prove_as(other, T0).accepted, OnRecord::OtherBody);
    assert_eq!(log.prove("x", T0).accepted, OnRecord::Yes);
}

#[test]
fn finds_a_window_that_is_left_out() {
    let mut log = Intake::with(&[]);
    log.accept(&accepted(3, 1, 1, &[]));
    assert_eq!(log.sequence(T0), [("number", 3)]);
    let mut log = Intake::new();
    log.accept(&accepted(2, 1, 1, &[]));
    assert_eq!(log.sequence(T0), [("number", 2)]);
}

#[test]
fn finds_windows_with_a_gap_or_an_overlap() {
    for shift in [1, -1] {
        let mut log = Intake::with(&[]);
        let mut body = accepted(2, 1, 1, &[]);
        body.opens = Second(body.opens.0.saturating_add_signed(shift));
        log.accept(&body);
        assert_eq!(log.sequence(T0), [("times", 2)]);
    }
}

#[test]
fn finds_a_window_without_length_or_deadline() {
    let mut body = accepted(1, 1, 1, &[]);
    body.opens = body.closes;
    let mut log = Intake::new();
    log.accept(&body);
    assert_eq!(log.sequence(T0), [("times", 1)]);
    let mut body = accepted(1, 1, 1, &[]);
    body.deadline = body.closes;
    let mut log = Intake::new();
    log.accept(&body);
    assert_eq!(log.sequence(T0), [("times", 1)]);
}

#[test]
fn finds_a_window_closed_early() {
    let mut log = Intake::new();
    let body = accepted(1, 1, 1, &[]);
    log.put(Verb::ReportAccepted, &body, Some(body.closes.0 - 1));
    assert_eq!(log.sequence(T0), [("early", 1)]);
}

#[test]
fn finds_a_window_that_never_came() {
    let log = Intake::with(&[]);
    assert_eq!(log.sequence(JUDGED + DAY - 1), []);
    assert_eq!(log.sequence(JUDGED + DAY), [("overdue", 2)]);
}

#[test]
fn finds_fates_of_a_window_that_is_not_there() {
    let mut log = Intake::with(&[]);
    let first = log.put(Verb::ReportForwarded, &fate(7, 0, &["x"]), None);
    log.put(Verb::ReportPending, &fate(7, 0, &["y"]), None);
    assert_eq!(log.sequence(T0), [("unknown", 7)]);
    let (entry, reports) = (Some(first), 2);
    let unknown = Finding { check: SEQUENCE, code: "unknown", window: 7, entry, reports };
    assert_eq!(log.windows.audit(T0), [unknown]);
}

#[test]
fn windows_are_as_long_as_a_policy_says() {
    let of = |window_s, forward_s| PolicySet { window_s, forward_s, ..policy(1) };
    let said = |policies: &[PolicySet]| {
        let mut log = Intake::new();
        policies.iter().for_each(|policy| log.windows.allow(policy, None));
        log.accept(&accepted(1, 1, 1, &[]));
        log.accept(&accepted(2, 1, 1, &[]));
        log.sequence(T0)
    };
    assert_eq!(said(&[]), [], "nobody said how long");
    assert_eq!(said(&[of(DAY, PERIOD)]), []);
    assert_eq!(said(&[of(HOUR, HOUR), of(DAY, PERIOD)]), [], "the policy changed");
    for (window_s, forward_s) in [(DAY, PERIOD - 1), (DAY, PERIOD + 1), (DAY - 1, PERIOD), (DAY + 1, PERIOD)] {
        assert_eq!(said(&[of(window_s, forward_s)]), [("policy", 1), ("policy", 2)]);
    }
    assert_eq!(said(&[of(DAY, HOUR), of(HOUR, PERIOD)]), [("policy", 1), ("policy", 2)], "one policy for both");
}

#[test]
fn a_policy_counts_for_windows_until_it_is_replaced() {
    let of = |window_s, forward_s| PolicySet { window_s, forward_s, ..policy(1) };
    let said = |replaced: u64| {
        let mut log = Intake::new();
        log.windows.allow(&of(DAY, PERIOD), Some(T0));
        log.windows.allow(&of(DAY, HOUR), Some(replaced));
        (1..=5).for_each(|w| _ = log.accept(&accepted(w, 1, 1, &[])));
        log.sequence(T0)
    };
    // Window 5 opens four days after T0; three days the gateway may take to see the new one.
    assert_eq!(said(T0 + DAY + 1), []);
    assert_eq!(said(T0 + DAY), [("policy", 5)]);
}

#[test]
fn a_longer_window_by_a_new_policy_is_waited_for() {
    let mut log = Intake::new();
    log.windows.allow(&PolicySet { window_s: DAY, forward_s: PERIOD, ..policy(1) }, Some(T0));
    log.windows.allow(&PolicySet { window_s: 7 * DAY, forward_s: PERIOD, ..policy(2) }, Some(T0 + HOUR));
    log.accept(&accepted(1, 1, 1, &[]));
    assert_eq!(log.sequence(JUDGED + 7 * DAY - 1), []);
    assert_eq!(log.sequence(JUDGED + 7 * DAY), [("overdue", 2)]);
}

#[test]
fn finds_a_first_window_that_never_came() {
    let mut log = Intake::new();
    assert_eq!(log.sequence(u64::MAX), [], "nobody said when");
    log.windows.allow(&PolicySet { window_s: DAY, forward_s: PERIOD, ..policy(1) }, Some(T0));
    assert_eq!(log.sequence(JUDGED - 1), []);
    assert_eq!(log.sequence(JUDGED), [("overdue", 1)]);
    log.accept(&accepted(1, 1, 1, &[]));
    assert_eq!(log.sequence(JUDGED), []);
}

#[test]
fn an_acceptance_without_its_window_is_broken_when_the_window_is_due() {
    let log = Intake::new();
    assert_eq!(log.prove("x", JUDGED - 1).verdict(), Verdict::NotDue);
    assert_eq!(log.prove("x", JUDGED).verdict(), Verdict::NotInWindow);
    let (first, _) = halves();
    let mut log = Intake::new();
    log.accept(&first);
    assert_eq!(log.prove("x", JUDGED - 1).verdict(), Verdict::NotDue, "the other half may hold it");
    assert_eq!(log.prove("x", JUDGED).verdict(), Verdict::NotInWindow);
    let log = Intake::with(&["x"]);
    let sooner = Acceptance { deadline: Second(D - DAY), ..told(1, "x") };
    assert_eq!(log.prove_as(sooner, T0).verdict(), Verdict::OtherWindow, "told another deadline");
}

#[test]
fn a_policy_of_no_length_makes_windows_of_a_second() {
    let mut log = Intake::new();
    log.windows.allow(&PolicySet { window_s: 0, forward_s: 0, ..policy(1) }, None);
    let body = accepted(1, 1, 1, &[]);
    let second = |n| Second(body.opens.0 + n);
    log.accept(&ReportAccepted { closes: second(1), deadline: second(2), ..body.clone() });
    assert_eq!(log.sequence(T0), []);
}

/// Two parts of window 1, all reports sorted over both.
fn halves() -> (ReportAccepted, ReportAccepted) {
    let mut first = accepted(1, 1, 2, &["1", "2", "3", "4"]);
    let second = ReportAccepted { part: 2, pairs: first.pairs.split_off(2), ..first.clone() };
    (first, second)
}

#[test]
fn parts_add_up() {
    let (first, second) = halves();
    let mut log = Intake::new();
    log.accept(&second);
    log.accept(&first);
    log.forwarded(0, &["1", "2", "3", "4"]);
    assert_eq!(log.wrong(JUDGED), []);
}

#[test]
fn finds_a_missing_part() {
    let (first, _) = halves();
    let mut log = Intake::new();
    log.accept(&first);
    assert_eq!(log.wrong(JUDGED - 1), []);
    assert_eq!(log.wrong(JUDGED), [(PARTS, "incomplete", 1)]);
}

#[test]
fn finds_a_part_that_contradicts_the_others() {
    let (first, second) = halves();
    let changes: [fn(&mut ReportAccepted); 5] =
        [|b| b.part = 1, |b| b.part = 3, |b| b.parts = 3, |b| b.part = 0, |b| b.deadline = Second(b.deadline.0 + 1)];
    for change in changes {
        let mut log = Intake::new();
        log.accept(&first);
        let mut other = second.clone();
        change(&mut other);
        log.accept(&other);
        assert_eq!(log.wrong(T0), [(PARTS, "part", 0)]);
    }
}

#[test]
fn finds_reports_that_are_not_sorted() {
    let (first, second) = halves();
    let mut log = Intake::new();
    log.accept(&ReportAccepted { part: 2, ..first });
    log.accept(&ReportAccepted { part: 1, ..second });
    assert_eq!(log.wrong(T0), [(PARTS, "unsorted", 1)]);
    let mut body = accepted(1, 1, 1, &["1", "2"]);
    body.pairs.reverse();
    let mut log = Intake::new();
    log.accept(&body);
    assert_eq!(log.wrong(T0), [(PARTS, "unsorted", 1)]);
}

#[test]
fn finds_fates_that_are_not_sorted() {
    let mut body = fate(1, 0, &["1", "2"]);
    body.nf.reverse();
    let mut log = Intake::with(&["1", "2"]);
    log.put(Verb::ReportForwarded, &body, None);
    assert_eq!(log.wrong(JUDGED), [(PARTS, "unsorted", 1)]);
    let mut body = erased(1, 0, &["1", "2"]);
    body.items.reverse();
    let mut log = Intake::with(&["1", "2"]);
    log.put(Verb::ReportErased, &body, None);
    assert_eq!(log.wrong(JUDGED), [(PARTS, "unsorted", 0)]);
}

#[test]
fn finds_missing_and_contradicting_parts_of_fates() {
    let body = ReportFate { parts: 2, ..fate(1, 0, &["x"]) };
    let mut log = Intake::with(&["x"]);
    log.put(Verb::ReportForwarded, &body, None);
    assert_eq!(log.wrong(JUDGED - 1), []);
    assert_eq!(log.wrong(JUDGED), [(PARTS, "incomplete", 1)]);
    log.put(Verb::ReportForwarded, &body, None);
    assert_eq!(log.wrong(JUDGED - 1), [(PARTS, "part", 0)]);
}

#[test]
fn names_every_window_that_is_wrong() {
    let mut log = Intake::with(&["1"]);
    log.accept(&accepted(2, 1, 1, &["2"]));
    let findings = log.windows.audit(JUDGED + DAY);
    let wrong: Vec<_> = findings.iter().filter(|f| f.check == COUNTS).map(|f| (f.window, f.entry)).collect();
    assert_eq!(wrong, [(1, Some(0)), (2, Some(1))]);
}
