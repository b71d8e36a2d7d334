//! Lies about accepted and forwarded reports, told by gateway or forwarder and taken by the log as they are. Nobody else
//! must collude: the log can't tell that they are lies.

use tabir_crypto::statement::body::*;
use tabir_crypto::statement::value::{Hour, Second, V1};
use tabir_crypto::statement::{Body, Statement, Verb, Verified};
use tabir_crypto::trust::fate::{Lookup, Verdict};

use crate::clean::{END, WINDOWS, Window, borrowed};
use crate::forge::{Forge, INTAKE};
use crate::verdict::{names, said};
use crate::world::*;

/// The window of the lie: three reports of each kind, in two parts, settled long before the end.
const W: u64 = 7;

/// A log in which this window is a lie.
fn lie(change: impl Fn(&mut Window)) -> Forge {
    lie_about(W, change)
}

fn lie_about(number: u64, change: impl Fn(&mut Window)) -> Forge {
    Forge::with_windows(|w, window| {
        if w == number {
            change(window);
        }
    })
}

/// The first entry in which the gateway speaks of this window.
fn accepted_at(forge: &Forge, number: u64) -> u64 {
    forge.intake.find(|body| matches!(body, Body::ReportAccepted(b) if b.w == number))
}

/// The entry in which the forwarder names this report, in that round.
fn said_at(forge: &Forge, window: u64, round: u64, report: &str) -> u64 {
    let named = |b: &ReportFate| b.w == window && b.round == round && b.nf.contains(&nf(report));
    forge.intake.find(|body| matches!(body, Body::ReportFate(b) if named(b)))
}

/// What the forwarder says of a window in one round.
fn saying(window: &mut Window, round: u64, verb: Verb) -> &mut ReportFate {
    let found = window.said.iter_mut().find(|(r, v, _)| (*r, *v) == (round, verb));
    found.map(|(_, _, fate)| fate).expect("something is said")
}

fn name(fate: &mut ReportFate, report: &str) {
    fate.nf.push(nf(report));
    fate.nf.sort();
}

fn unname(fate: &mut ReportFate, report: &str) {
    let before = fate.nf.len();
    fate.nf.retain(|have| *have != nf(report));
    assert_eq!(fate.nf.len() + 1, before);
}

#[tokio::test]
async fn a_report_accepted_and_never_forwarded() {
    let forge = lie(|w| unname(saying(w, 0, Verb::ReportForwarded), "forwarded 7.1"));
    names(&forge, format!("windows.counts missing intake {} window 7 reports 1", accepted_at(&forge, W))).await;
}

#[tokio::test]
async fn counts_padded_with_reports_that_nobody_accepted() {
    let forge = lie(|w| {
        name(saying(w, 0, Verb::ReportForwarded), "invented");
        name(saying(w, 0, Verb::ReportRefused), "invented too");
    });
    names(&forge, format!("windows.counts surplus intake {} window 7 reports 2", accepted_at(&forge, W))).await;
}

#[tokio::test]
async fn counts_padded_with_erasures() {
    let forge = lie(|w| w.erased = vec![erased(W, 0, &["erased 7.0", "erased 7.1", "erased 7.2", "invented"])]);
    names(&forge, format!("windows.counts surplus intake {} window 7 reports 1", accepted_at(&forge, W))).await;
}

/// The one lie that no count shows. Its reporter has the proof: receipt, acceptance and this log.
#[tokio::test]
async fn one_report_invented_to_hide_that_another_was_dropped_is_for_its_reporter_to_prove() {
    let forge = lie(|w| {
        unname(saying(w, 0, Verb::ReportForwarded), "forwarded 7.1");
        name(saying(w, 0, Verb::ReportForwarded), "invented");
    });
    said(&forge, &[]).await;
    let fate_of = |report: &str| {
        let (a, b) = (hash(&format!("a {report}")), hash(&format!("b {report}")));
        let deadline = accepted(W, 1, 1, &[]).deadline;
        let (case_id, log_origin) = (hash("case"), text("intake"));
        let told = Acceptance { v: V1, at: Hour::of(T0), case_id, a, b, nf: nf(report), w: W, deadline, log_origin };
        let mut lookup = Lookup::new(told);
        for (entry, leaf) in (0..).zip(forge.intake.leaves()) {
            let statement = Statement::parse(leaf).unwrap();
            let (verb, body) = (statement.verb(), statement.body().unwrap());
            lookup.take(entry, &Verified { verb, body, signers: Vec::new() });
        }
        lookup.proof(END).verdict()
    };
    assert_eq!(fate_of("forwarded 7.1"), Verdict::Dropped);
    assert_eq!(fate_of("forwarded 7.2"), Verdict::Forwarded);
    assert_eq!(fate_of("invented"), Verdict::NotInWindow);
}

#[tokio::test]
async fn a_pending_report_that_is_not_repeated_at_the_next_deadline() {
    // Window 33: one further D is behind it, two are not.
    let forge = lie_about(33, |w| w.said.retain(|(round, ..)| *round == 0));
    names(&forge, format!("windows.counts lost intake {} window 33 reports 1", accepted_at(&forge, 33))).await;
}

#[tokio::test]
async fn a_report_that_is_pending_for_ever() {
    let forge = lie(|w| {
        let pending = saying(w, 0, Verb::ReportPending).clone();
        w.said.retain(|(round, ..)| *round == 0);
        for round in [1, 2] {
            w.said.push((round, Verb::ReportPending, ReportFate { round, ..pending.clone() }));
        }
    });
    names(&forge, format!("windows.counts late intake {} window 7 reports 3", accepted_at(&forge, W))).await;
}

#[tokio::test]
async fn a_report_both_forwarded_and_refused() {
    let forge = lie(|w| name(saying(w, 0, Verb::ReportRefused), "forwarded 7.0"));
    let entry =
        forge.intake.find(|b| matches!(b, Body::ReportFate(f) if f.w == W && f.nf.contains(&nf("refused 7.0"))));
    names(&forge, format!("windows.disjoint both intake {entry} window 7 reports 1")).await;
}

#[tokio::test]
async fn a_report_pending_that_was_settled_before() {
    let forge = lie(|w| w.said.push((2, Verb::ReportPending, fate(W, 2, &["forwarded 7.0"]))));
    let entry = said_at(&forge, W, 2, "forwarded 7.0");
    names(&forge, format!("windows.pending settled intake {entry} window 7 reports 1")).await;
}

#[tokio::test]
async fn a_report_forwarded_twice() {
    let forge = lie(|w| name(saying(w, 1, Verb::ReportForwarded), "forwarded 7.0"));
    let entry = said_at(&forge, W, 1, "forwarded 7.0");
    names(&forge, format!("windows.once twice intake {entry} window 7 reports 1")).await;
}

#[tokio::test]
async fn a_report_of_one_window_named_in_another_to_fill_its_count() {
    let forge = lie(|w| {
        unname(saying(w, 0, Verb::ReportForwarded), "forwarded 7.0");
        name(saying(w, 0, Verb::ReportForwarded), "forwarded 6.0");
    });
    let entry = said_at(&forge, W, 0, "forwarded 6.0");
    names(&forge, format!("windows.once twice intake {entry} window 7 reports 1")).await;
}

#[tokio::test]
async fn an_erasure_that_counts_twice() {
    let forge = lie(|w| w.erased.push(erased(W, 1, &["erased 7.0"])));
    let named = |b: &ReportErased| (b.w, b.round) == (W, 1);
    let entry = forge.intake.find(|body| matches!(body, Body::ReportErased(b) if named(b)));
    names(&forge, format!("windows.once twice intake {entry} window 7 reports 1")).await;
}

#[tokio::test]
async fn an_acceptance_that_stands_in_two_windows() {
    let forge = lie(|w| w.accepted = vec![accepted(W, 1, 1, &["forwarded 6.0"])]);
    let at = accepted_at(&forge, W);
    // Nothing else was accepted in it, so that what was forwarded is too much.
    said(
        &forge,
        &[
            format!("windows.counts surplus intake {at} window 7 reports 11"),
            format!("windows.once twice intake {at} window 7 reports 1"),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_window_closed_early() {
    let forge = lie(|w| {
        w.early = 1;
        w.accepted.truncate(1);
        w.accepted[0] = accepted(W, 1, 1, &borrowed(&reports_of_the_window()));
    });
    names(&forge, format!("windows.sequence early intake {} window 7", accepted_at(&forge, W))).await;
}

fn reports_of_the_window() -> Vec<String> {
    let kinds = ["forwarded", "refused", "pending", "erased"];
    kinds.iter().flat_map(|kind| (0..3).map(move |i| format!("{kind} {W}.{i}"))).collect()
}

#[tokio::test]
async fn a_window_left_out() {
    let forge = lie(|w| (w.accepted, w.said, w.erased) = (Vec::new(), Vec::new(), Vec::new()));
    names(&forge, format!("windows.sequence number intake {} window 8", accepted_at(&forge, 8))).await;
}

#[tokio::test]
async fn an_hour_between_two_windows_that_belongs_to_none() {
    let forge = lie(|w| w.accepted.iter_mut().for_each(|part| part.opens = Second(part.opens.0 + HOUR)));
    names(&forge, format!("windows.sequence times intake {} window 7", accepted_at(&forge, W))).await;
}

#[tokio::test]
async fn a_deadline_put_off_so_that_nothing_is_ever_due() {
    let forge = lie(|w| {
        w.accepted.iter_mut().for_each(|part| part.deadline = Second(part.closes.0 + 3000 * DAY));
        w.said.clear();
    });
    names(&forge, format!("windows.sequence policy intake {} window 7", accepted_at(&forge, W))).await;
}

#[tokio::test]
async fn a_gateway_that_falls_silent() {
    let forge = Forge::with_windows(|w, window| {
        if w > 30 {
            (window.accepted, window.said, window.erased) = (Vec::new(), Vec::new(), Vec::new());
        }
    });
    names(&forge, "windows.sequence overdue window 31 reports 1").await;
}

#[tokio::test]
async fn a_gateway_that_never_opens_a_window() {
    let forge = Forge::with_windows(|_, window| {
        (window.accepted, window.said, window.erased) = (Vec::new(), Vec::new(), Vec::new());
    });
    names(&forge, "windows.sequence overdue window 1 reports 1").await;
}

#[tokio::test]
async fn windows_by_a_policy_that_was_replaced_so_that_less_is_due() {
    let mut forge = Forge::new();
    forge.found();
    forge.now += HOUR;
    let shorter = PolicySet { forward_s: 2 * DAY, ..policy(2) };
    forge.say(Verb::PolicySet, &shorter, &[role(Role::Gateway), auditor(0)]);
    // All have three days to their D; the gateway has three days to see the new policy, which came in window 1.
    forge.windows(6, |_, _| {});
    forge.renew(T0 + 6 * DAY + HOUR);
    let line = |w| format!("windows.sequence policy intake {} window {w}", accepted_at(&forge, w));
    said(&forge, &[line(5), line(6)]).await;
}

#[tokio::test]
async fn reports_of_a_window_that_never_was() {
    let mut forge = Forge::with_windows(|_, _| {});
    let entry = forge.say(Verb::ReportForwarded, &fate(99, 0, &["invented"]), &[role(Role::Forwarder)]);
    names(&forge, format!("windows.sequence unknown intake {entry} window 99 reports 1")).await;
}

#[tokio::test]
async fn a_part_of_a_window_left_out() {
    let forge = lie(|w| {
        assert_eq!(w.accepted.len(), 2);
        w.accepted.truncate(1);
    });
    names(&forge, format!("windows.parts incomplete intake {} window 7 reports 1", accepted_at(&forge, W))).await;
}

#[tokio::test]
async fn a_part_that_stands_twice_with_other_reports() {
    let forge = lie(|w| {
        let mut other = w.accepted[0].clone();
        other.pairs.truncate(1);
        w.accepted.insert(1, other);
    });
    names(&forge, format!("windows.parts part intake {} window 7", accepted_at(&forge, W) + 1)).await;
}

#[tokio::test]
async fn parts_that_are_not_sorted_over_all() {
    let forge = lie(|w| {
        w.accepted.swap(0, 1);
        (w.accepted[0].part, w.accepted[1].part) = (1, 2);
    });
    names(&forge, format!("windows.parts unsorted intake {} window 7 reports 1", accepted_at(&forge, W))).await;
}

#[tokio::test]
async fn a_window_that_the_gateway_did_not_sign() {
    let mut forge = Forge::with_windows(|_, _| {});
    let entry = forge.say(Verb::ReportAccepted, &accepted(WINDOWS + 1, 1, 1, &[]), &[role(Role::Forwarder)]);
    names(&forge, format!("intake.signatures unknown-key intake {entry}")).await;
}

#[tokio::test]
async fn a_forwarding_that_the_gateway_says_in_the_forwarders_place() {
    let mut forge = Forge::with_windows(|_, _| {});
    let entry = forge.say(Verb::ReportForwarded, &fate(W, 2, &["forwarded 7.0"]), &[role(Role::Gateway)]);
    names(&forge, format!("intake.signatures unknown-key intake {entry}")).await;
}

#[tokio::test]
async fn a_statement_of_the_intake_log_appended_twice() {
    let mut forge = Forge::with_windows(|_, _| {});
    let again = forge.intake.leaves()[0].clone();
    let entry = forge.append_leaf(INTAKE, again);
    names(&forge, format!("intake.once duplicate intake {entry}")).await;
}

#[tokio::test]
async fn an_opening_in_the_intake_log_where_nobody_looks_for_it() {
    let mut forge = Forge::with_windows(|_, _| {});
    let statement = forge.sign(Verb::UnsealOpened, &opened(hash("no request")), &[official(1), official(2)]);
    let entry = forge.append_leaf(INTAKE, statement.to_bytes());
    names(&forge, format!("intake.entries verb intake {entry}")).await;
}
