//! The audit of both logs: a sound installation passes every check, and each wrong entry fails its own, by name.

#[path = "common/world.rs"]
mod world;

use tabir_crypto::ed25519::SigningKey;
use tabir_crypto::statement::body::*;
use tabir_crypto::statement::value::{Hex, Second};
use tabir_crypto::statement::{Statement, Verb};
use tabir_crypto::trust::audit::{CHECKS, Check, audit, log_of};
use tabir_crypto::trust::root::LogName;
use tabir_crypto::trust::windows;
use world::*;

type Leaves = Vec<(Vec<u8>, Option<u64>)>;

/// Keys, a council, an opening.
fn sound() -> Log {
    let mut log = Log::new();
    log.announce(&key_announced(KeyKind::Token, 1), &[role(Role::Issuer)]).unwrap();
    log.announce(&key_announced(KeyKind::Warden, 1), &[warden(), auditor(0), auditor(1)]).unwrap();
    log.whole_opening("r");
    log
}

/// Window 1, forwarded in full.
fn intake() -> Leaves {
    let window = sign(Verb::ReportAccepted, &accepted(1, 1, 1, &["x", "y"]), &[role(Role::Gateway)]);
    let gone = sign(Verb::ReportForwarded, &fate(1, 0, &["x", "y"]), &[role(Role::Forwarder)]);
    [window, gone].map(|s| (s.to_bytes(), Some(T0 + 2 * DAY))).to_vec()
}

fn failed(log: &Log, intake: &Leaves) -> Vec<Check> {
    let report = audit(&log.trust, log.entries(), entries(intake), log.now);
    assert_eq!(report.ok(), report.failed().count() == 0);
    report.failed().cloned().collect()
}

/// What fails in the governance log. Beside it stands an intake log without a window, which may be overdue.
fn failed_there(log: &Log) -> Vec<Check> {
    let all = failed(log, &Leaves::new()).into_iter();
    all.filter(|check| log_of(check.name) == LogName::Governance).collect()
}

/// Exactly this check fails, for the last entry of the governance log.
#[track_caller]
fn fails(log: &Log, name: &str, code: &str) {
    let failed = failed_there(log);
    let found: Vec<_> = failed.iter().map(|c| (c.name, c.code, c.log, c.entry)).collect();
    assert_eq!(found, [(name, Some(code), Some(LogName::Governance), Some(log.size() - 1))]);
}

#[track_caller]
fn fails_with(verb: Verb, body: &impl serde::Serialize, keys: &[SigningKey], name: &str, code: &str) {
    let mut log = sound();
    log.put(&sign(verb, body, keys)).unwrap_err();
    fails(&log, name, code);
}

#[test]
fn a_sound_installation_passes_every_check() {
    let log = sound();
    let report = audit(&log.trust, log.entries(), entries(&intake()), log.now);
    assert!(report.ok());
    let names: Vec<_> = report.checks.iter().map(|c| c.name).collect();
    assert_eq!(names, CHECKS.into_iter().chain(windows::CHECKS).collect::<Vec<_>>());
    assert_eq!(report.state.requests().len(), 1);
}

#[test]
fn finds_a_leaf_that_is_no_statement() {
    let mut log = sound();
    let mut leaf = log.leaves[0].0.clone();
    leaf.push(b' ');
    log.put_leaf(leaf, Some(T0)).unwrap_err();
    fails(&log, "governance.entries", "non-canonical");
}

#[test]
fn finds_a_statement_in_the_wrong_log() {
    let body = accepted(1, 1, 1, &[]);
    fails_with(Verb::ReportAccepted, &body, &[role(Role::Gateway)], "governance.entries", "verb");
}

#[test]
fn finds_an_entry_out_of_turn() {
    let log = sound();
    let mut governance = log.entries();
    governance.swap(2, 3);
    let report = audit(&log.trust, governance, [], T0);
    let failed: Vec<_> = report.failed().map(|c| (c.name, c.code)).collect();
    assert!(failed.contains(&("governance.entries", Some("order"))));
    let leaves = intake();
    let mut swapped = entries(&leaves);
    swapped.swap(0, 1);
    let report = audit(&log.trust, log.entries(), swapped, T0);
    assert!(report.failed().any(|c| (c.name, c.code) == ("intake.entries", Some("order"))));
}

#[test]
fn finds_a_warden_key_that_the_auditors_did_not_sign() {
    let body = key_announced(KeyKind::Warden, 2);
    fails_with(Verb::KeyAnnounced, &body, &[warden()], "governance.signatures", "insufficient-signatures");
}

#[test]
fn finds_an_intake_key_of_a_stranger() {
    let body = key_announced(KeyKind::Intake, 1);
    fails_with(Verb::KeyAnnounced, &body, &[stranger()], "governance.signatures", "unknown-key");
}

#[test]
fn finds_a_council_that_the_warden_did_not_sign() {
    let people: Vec<_> = (4..=6).map(official).collect();
    let body = council_body("other", 1, 2, &people);
    let keys = [&people[..], &[auditor(0)]].concat();
    fails_with(Verb::CouncilFormed, &body, &keys, "governance.signatures", "insufficient-signatures");
}

#[test]
fn finds_a_council_whose_parts_do_not_fit() {
    let people: Vec<_> = (4..=6).map(official).collect();
    let mut body = council_body("other", 1, 2, &people);
    body.members[2].yi = body.members[1].yi;
    let keys = [&people[..], &[warden(), auditor(0)]].concat();
    fails_with(Verb::CouncilFormed, &body, &keys, "councils.sound", "share");
}

#[test]
fn finds_a_statement_that_stands_twice() {
    let mut log = sound();
    let again = sign(Verb::KeyAnnounced, &key_announced(KeyKind::Token, 1), &[role(Role::Issuer), auditor(0)]);
    log.put(&again).unwrap_err();
    fails(&log, "governance.once", "duplicate");
}

#[test]
fn finds_two_keys_for_one_epoch() {
    let mut body = key_announced(KeyKind::Token, 1);
    body.key = key_announced(KeyKind::Token, 9).key;
    fails_with(Verb::KeyAnnounced, &body, &[role(Role::Issuer)], "keys.one-per-epoch", "key-conflict");
}

#[test]
fn finds_a_key_that_ends_before_it_begins() {
    let mut body = key_announced(KeyKind::Token, 2);
    body.not_after = Second(0);
    fails_with(Verb::KeyAnnounced, &body, &[role(Role::Issuer)], "keys.sound", "field");
}

#[test]
fn finds_a_policy_that_skips_a_version() {
    fails_with(Verb::PolicySet, &policy(7), &[role(Role::Gateway), auditor(0)], "policy.sound", "field");
}

#[test]
fn finds_an_opening_without_a_request() {
    let body = opened(hash("none"));
    fails_with(Verb::UnsealOpened, &body, &[official(1), official(2)], "unseal.requested", "context");
}

#[test]
fn finds_an_opening_without_a_release() {
    let mut log = sound();
    let r = log.ready("second");
    log.open(r).unwrap_err();
    fails(&log, "unseal.order", "order");
}

#[test]
fn finds_two_approvals_by_one_official() {
    let mut log = sound();
    let r = log.ask("second");
    log.approve(r, 1).unwrap();
    let mut again = approved(r, 1);
    again.kem_pk = kem("another");
    log.put(&sign(Verb::UnsealApproved, &again, &[official(1)])).unwrap_err();
    fails(&log, "unseal.approvals", "duplicate");
}

#[test]
fn finds_an_approval_by_a_stranger() {
    let mut log = sound();
    let r = log.ask("second");
    log.put(&sign(Verb::UnsealApproved, &approved(r, 1), &[stranger()])).unwrap_err();
    fails(&log, "governance.signatures", "unknown-key");
}

#[test]
fn finds_a_release_before_its_cooling_off_is_over() {
    let mut log = sound();
    let r = log.ready("second");
    log.now -= HOUR;
    log.release(r).unwrap_err();
    fails(&log, "unseal.cooling-off", "cooling-off");
}

#[test]
fn finds_more_releases_a_day_than_the_cap() {
    let mut log = Log::new();
    let asked: Vec<_> = ["1", "2", "3", "4"].iter().map(|name| log.ask(name)).collect();
    for r in &asked {
        log.approve(*r, 1).unwrap();
        log.approve(*r, 2).unwrap();
    }
    log.now = (T0 + COOLING) / DAY * DAY + DAY;
    for r in &asked[..3] {
        log.release(*r).unwrap();
    }
    assert_eq!(failed(&log, &intake()), []);
    let body = released(asked[3], log.size(), &[1, 2]);
    let mut with_auditor = Log { leaves: log.leaves.clone(), state: log.state.clone(), ..Log::empty() };
    with_auditor.now = log.now;
    with_auditor.put(&sign(Verb::UnsealReleased, &body, &[warden(), auditor(0)])).unwrap();
    assert_eq!(failed(&with_auditor, &intake()), []);
    log.release(asked[3]).unwrap();
    fails(&log, "unseal.cap", "cap");
}

#[test]
fn finds_a_deferred_notice_that_never_came() {
    let mut log = sound();
    let mut body = requested("deferred");
    let until = log.now + DAY;
    (body.nonce, body.deferred_until, body.deferral) = (None, Some(Second(until)), Some(code("inquiry")));
    let r = log.ask_with(&body);
    log.now = until + HOUR - 1;
    assert_eq!(failed_there(&log), []);
    log.now += 1;
    let found: Vec<_> = failed_there(&log).iter().map(|c| (c.name, c.entry)).collect();
    assert_eq!(found, [("unseal.notice", Some(log.request(&r.0).entry))]);
    log.put(&sign(Verb::UnsealNotice, &notice(r), &[warden()])).unwrap();
    assert_eq!(failed_there(&log), []);
}

#[track_caller]
fn intake_fails(statement: &Statement, name: &str, code: &str) {
    let mut leaves = intake();
    leaves.push((statement.to_bytes(), Some(T0 + 3 * DAY)));
    let found: Vec<_> = failed(&sound(), &leaves).iter().map(|c| (c.name, c.code, c.entry)).collect();
    assert_eq!(found, [(name, Some(code), Some(2))]);
}

#[test]
fn finds_a_window_that_the_gateway_did_not_sign() {
    let statement = sign(Verb::ReportAccepted, &accepted(2, 1, 1, &[]), &[role(Role::Forwarder)]);
    intake_fails(&statement, "intake.signatures", "unknown-key");
}

#[test]
fn finds_a_statement_in_the_wrong_log_of_intake() {
    intake_fails(&sign(Verb::PolicySet, &policy(2), &[role(Role::Gateway), auditor(0)]), "intake.entries", "verb");
}

#[test]
fn finds_a_window_that_stands_twice() {
    let statement = sign(Verb::ReportAccepted, &accepted(1, 1, 1, &["x", "y"]), &[role(Role::Gateway)]);
    intake_fails(&statement, "intake.once", "duplicate");
}

#[test]
fn finds_the_window_of_a_dropped_report_and_nothing_else() {
    let mut log = sound();
    log.now = T0 + 4 * DAY + HOUR;
    let window = sign(Verb::ReportAccepted, &accepted(1, 1, 1, &["x", "y"]), &[role(Role::Gateway)]);
    let gone = sign(Verb::ReportForwarded, &fate(1, 0, &["x"]), &[role(Role::Forwarder)]);
    let leaves = [window, gone].map(|s| (s.to_bytes(), Some(T0 + 2 * DAY))).to_vec();
    let found: Vec<_> = failed(&log, &leaves).iter().map(|c| (c.name, c.code, c.window, c.reports)).collect();
    assert_eq!(found, [(windows::COUNTS, Some("missing"), Some(1), 1)]);
}

#[test]
fn goes_on_after_a_failure() {
    let mut log = Log::new();
    log.announce(&key_announced(KeyKind::Warden, 1), &[warden()]).unwrap_err();
    log.announce(&key_announced(KeyKind::Intake, 1), &[stranger()]).unwrap_err();
    log.put(&sign(Verb::UnsealOpened, &opened(Hex([1; 32])), &[official(1)])).unwrap_err();
    assert_eq!(failed(&log, &intake()).len(), 3);
}
