//! The order of an opening: each step that may not follow is refused, and changes nothing.

#[path = "common/world.rs"]
mod world;

use tabir_crypto::Code;
use tabir_crypto::statement::Verb;
use tabir_crypto::statement::body::UnsealRequested;
use tabir_crypto::statement::value::{Bytes, Hex, Hour, Second};
use tabir_crypto::trust::unseal::{FAILED_AFTER, FAILED_BEFORE, Status};
use world::*;

fn status(log: &Log, r: Hex<32>) -> Status {
    log.request(&r.0).status(log.state.witnessed(), log.now)
}

/// Released to officials 1 and 2.
fn out(log: &mut Log) -> Hex<32> {
    let r = log.ready("r");
    log.release(r).unwrap();
    r
}

fn release_to(log: &mut Log, r: Hex<32>, tree_size: u64, to: &[u16]) -> tabir_crypto::Result<()> {
    log.put(&sign(Verb::UnsealReleased, &released(r, tree_size, to), &[warden()])).map(drop)
}

#[test]
fn an_opening_goes_step_by_step() {
    let mut log = Log::new();
    let r = log.ask("r");
    assert_eq!(status(&log, r), Status::Requested);
    log.approve(r, 1).unwrap();
    assert_eq!(status(&log, r), Status::Requested);
    log.approve(r, 3).unwrap();
    assert_eq!(status(&log, r), Status::Approved);
    log.now += COOLING;
    let size = log.size();
    release_to(&mut log, r, size, &[1, 3]).unwrap();
    assert_eq!(status(&log, r), Status::Released);
    for i in [1, 3] {
        log.put(&sign(Verb::UnsealPartial, &partial(r, i, &[1, 3]), &[official(i)])).unwrap();
    }
    log.put(&sign(Verb::UnsealOpened, &opened(r), &[official(1), official(3)])).unwrap();
    assert_eq!(status(&log, r), Status::Opened);
}

#[test]
fn refuses_an_approval_twice_by_one_official() {
    let mut log = Log::new();
    let r = log.ask("r");
    log.approve(r, 1).unwrap();
    let mut again = approved(r, 1);
    again.kem_pk = kem("another");
    let error = log.put(&sign(Verb::UnsealApproved, &again, &[official(1)])).unwrap_err();
    assert_eq!((error.code(), error.culprit()), (Code::Duplicate, Some(1)));
    assert_eq!(status(&log, r), Status::Requested);
}

#[test]
fn refuses_a_refusal_by_who_approved() {
    let mut log = Log::new();
    let r = log.ask("r");
    log.approve(r, 1).unwrap();
    refused(log.refuse(r, 1), Code::Duplicate);
    log.refuse(r, 2).unwrap();
    refused(log.approve(r, 2), Code::Duplicate);
}

#[test]
fn refuses_an_approval_by_a_stranger() {
    let mut log = Log::new();
    let r = log.ask("r");
    refused(log.put(&sign(Verb::UnsealApproved, &approved(r, 2), &[stranger()])), Code::UnknownKey);
    refused(log.put(&sign(Verb::UnsealApproved, &approved(r, 4), &[official(4)])), Code::Index);
}

#[test]
fn refuses_a_key_for_hand_outs_that_is_none() {
    let mut log = Log::new();
    let r = log.ask("r");
    let mut body = approved(r, 1);
    body.kem_pk = Bytes(vec![0xff; 1216]);
    refused(log.put(&sign(Verb::UnsealApproved, &body, &[official(1)])), Code::Kem);
}

#[test]
fn more_refusals_than_can_be_spared_end_it() {
    let mut log = Log::new();
    let r = log.ask("r");
    log.refuse(r, 2).unwrap();
    assert_eq!(status(&log, r), Status::Requested);
    log.refuse(r, 3).unwrap();
    assert_eq!(status(&log, r), Status::Refused);
    refused(log.approve(r, 1), Code::Order);
}

#[test]
fn only_who_asked_withdraws() {
    let mut log = Log::new();
    let r = log.ask("r");
    refused(log.put(&sign(Verb::UnsealWithdrawn, &no(r, 2), &[official(2)])), Code::Order);
    log.put(&sign(Verb::UnsealWithdrawn, &no(r, 1), &[official(1)])).unwrap();
    assert_eq!(status(&log, r), Status::Withdrawn);
    refused(log.approve(r, 1), Code::Order);
}

#[test]
fn nothing_follows_a_decline() {
    let mut log = Log::new();
    let r = log.ready("r");
    log.put(&sign(Verb::UnsealDeclined, &ended(r, "live"), &[warden()])).unwrap();
    assert_eq!(status(&log, r), Status::Declined);
    refused(log.release(r), Code::Order);
}

#[test]
fn refuses_a_release_before_t_approvals() {
    let mut log = Log::new();
    let r = log.ask("r");
    log.approve(r, 1).unwrap();
    log.now += COOLING;
    let size = log.size();
    refused(release_to(&mut log, r, size, &[1]), Code::Order);
}

#[test]
fn refuses_a_release_to_fewer_than_t() {
    let mut log = Log::new();
    let r = log.ready("r");
    let size = log.size();
    refused(release_to(&mut log, r, size, &[1]), Code::TooFew);
}

#[test]
fn refuses_a_release_to_who_did_not_approve() {
    let mut log = Log::new();
    let r = log.ready("r");
    let size = log.size();
    refused(release_to(&mut log, r, size, &[1, 3]), Code::Order);
}

#[test]
fn refuses_a_release_that_names_one_approver_twice() {
    let mut log = Log::new();
    let r = log.ready("r");
    let size = log.size();
    refused(release_to(&mut log, r, size, &[1, 1, 2]), Code::Order);
    refused(release_to(&mut log, r, size + 1, &[2, 1]), Code::Order);
}

#[test]
fn refuses_a_release_whose_checkpoint_does_not_cover_the_request() {
    let mut log = Log::new();
    let r = log.ready("r");
    let entry = log.request(&r.0).entry;
    refused(release_to(&mut log, r, entry, &[1, 2]), Code::Order);
}

#[test]
fn refuses_a_release_whose_checkpoint_does_not_cover_an_approval() {
    let mut log = Log::new();
    let r = log.ready("r");
    let size = log.size() - 1;
    refused(release_to(&mut log, r, size, &[1, 2]), Code::Order);
}

#[test]
fn refuses_a_release_whose_checkpoint_covers_itself() {
    let mut log = Log::new();
    let r = log.ready("r");
    let size = log.size() + 1;
    refused(release_to(&mut log, r, size, &[1, 2]), Code::Order);
}

#[test]
fn refuses_a_release_before_the_cooling_off_is_over() {
    let mut log = Log::new();
    let r = log.ready("r");
    log.now -= 1;
    let body = released(r, log.size(), &[1, 2]);
    refused(log.would(&sign(Verb::UnsealReleased, &body, &[warden()])), Code::CoolingOff);
    refused(log.put(&sign(Verb::UnsealReleased, &body, &[warden()])), Code::CoolingOff);
    // It is out all the same, everybody sees that, and nobody helps.
    assert_eq!(status(&log, r), Status::Released);
    refused(log.request(&r.0).released(log.state.witnessed()), Code::CoolingOff);
}

#[test]
fn help_with_a_release_that_came_too_early_has_no_place_in_the_log() {
    let mut log = Log::new();
    let r = log.ready("r");
    log.now -= 1;
    let early = sign(Verb::UnsealReleased, &released(r, log.size(), &[1, 2]), &[warden()]);
    refused(log.put(&early), Code::CoolingOff);
    log.now += 1;
    for official in [1, 2] {
        refused(log.partial(r, official), Code::CoolingOff);
    }
    assert!(log.request(&r.0).partials.is_empty());
    refused(log.put(&sign(Verb::UnsealOpened, &opened(r), &[official(1), official(2)])), Code::TooFew);
    // It is out all the same, until it lapses.
    assert_eq!(status(&log, r), Status::Released);
    log.now += LIFE;
    assert_eq!(status(&log, r), Status::Lapsed);
}

#[test]
fn an_auditor_shortens_the_cooling_off() {
    let mut log = Log::new();
    let r = log.ready("r");
    log.now -= COOLING;
    let body = released(r, log.size(), &[1, 2]);
    log.put(&sign(Verb::UnsealReleased, &body, &[warden(), auditor(1)])).unwrap();
    assert!(log.request(&r.0).released(log.state.witnessed()).unwrap().by_auditor);
    // And the approvers help with it.
    log.partial(r, 1).unwrap();
}

#[test]
fn nobody_helps_before_the_release_is_witnessed() {
    let mut log = Log::new();
    let r = log.ready("r");
    let release = sign(Verb::UnsealReleased, &released(r, log.size(), &[1, 2]), &[warden()]);
    refused(log.request(&r.0).released(log.state.witnessed()), Code::Order);
    log.put_leaf(release.to_bytes(), None).unwrap();
    refused(log.request(&r.0).released(log.state.witnessed()), Code::Quorum);
    log.state.mark(log.size(), log.now);
    assert!(log.request(&r.0).released(log.state.witnessed()).is_ok());
}

#[test]
fn a_release_whose_time_comes_later_is_judged_by_it() {
    let mut log = Log::new();
    let r = log.ready("r");
    let release = sign(Verb::UnsealReleased, &released(r, log.size(), &[1, 2]), &[warden()]);
    log.put_leaf(release.to_bytes(), None).unwrap();
    log.state.mark(log.size(), log.now - 1);
    refused(log.request(&r.0).released(log.state.witnessed()), Code::CoolingOff);
}

#[test]
fn refuses_a_second_release() {
    let mut log = Log::new();
    let r = out(&mut log);
    refused(log.release(r), Code::Order);
}

#[test]
fn refuses_votes_after_a_release() {
    let mut log = Log::new();
    let r = out(&mut log);
    refused(log.approve(r, 3), Code::Order);
    refused(log.put(&sign(Verb::UnsealWithdrawn, &no(r, 1), &[official(1)])), Code::Order);
}

#[test]
fn refuses_a_partial_before_the_release() {
    let mut log = Log::new();
    let r = log.ready("r");
    refused(log.partial(r, 1), Code::Order);
}

#[test]
fn refuses_a_partial_by_who_was_not_named() {
    let mut log = Log::new();
    let r = out(&mut log);
    refused(log.partial(r, 3), Code::Order);
}

#[test]
fn refuses_a_second_partial_of_one_official() {
    let mut log = Log::new();
    let r = out(&mut log);
    log.partial(r, 1).unwrap();
    let mut again = partial(r, 1, &[1, 2]);
    again.partials[0].hash = hash("another");
    refused(log.put(&sign(Verb::UnsealPartial, &again, &[official(1)])), Code::Duplicate);
}

#[test]
fn refuses_a_partial_that_leaves_an_approver_out() {
    let mut log = Log::new();
    let r = out(&mut log);
    refused(log.put(&sign(Verb::UnsealPartial, &partial(r, 1, &[1]), &[official(1)])), Code::Context);
    refused(log.put(&sign(Verb::UnsealPartial, &partial(r, 1, &[1, 2, 3]), &[official(1)])), Code::Context);
}

#[test]
fn refuses_an_opening_before_t_partials() {
    let mut log = Log::new();
    let r = out(&mut log);
    log.partial(r, 1).unwrap();
    refused(log.open(r), Code::TooFew);
}

#[test]
fn refuses_an_opening_without_a_request() {
    let mut log = Log::new();
    refused(log.open(hash("none")), Code::Context);
}

#[test]
fn refuses_a_second_opening() {
    let mut log = Log::new();
    let r = log.whole_opening("r");
    let mut again = opened(r);
    again.record_commit = hash("another");
    refused(log.put(&sign(Verb::UnsealOpened, &again, &[official(1), official(2)])), Code::Order);
}

#[test]
fn a_failure_before_the_release_has_a_wardens_code() {
    for c in FAILED_AFTER.into_iter().chain(["whim"]) {
        let mut log = Log::new();
        let r = log.ready("r");
        refused(log.put(&sign(Verb::UnsealFailed, &ended(r, c), &[warden()])), Code::Order);
    }
    let mut log = Log::new();
    let early = log.ask("early");
    refused(log.put(&sign(Verb::UnsealFailed, &ended(early, FAILED_BEFORE[0]), &[warden()])), Code::Order);
    let r = log.ready("r");
    log.put(&sign(Verb::UnsealFailed, &ended(r, FAILED_BEFORE[0]), &[warden()])).unwrap();
    assert_eq!(status(&log, r), Status::Failed);
    refused(log.release(r), Code::Order);
}

#[test]
fn a_failure_after_the_release_has_an_approvers_code() {
    let mut log = Log::new();
    let r = out(&mut log);
    let keys = [official(1), official(2)];
    refused(log.put(&sign(Verb::UnsealFailed, &ended(r, FAILED_BEFORE[0]), &keys)), Code::Order);
    log.put(&sign(Verb::UnsealFailed, &ended(r, FAILED_AFTER[0]), &keys)).unwrap();
    assert_eq!(status(&log, r), Status::Failed);
}

#[test]
fn a_request_expires() {
    let mut log = Log::new();
    let r = log.ready("r");
    log.now = T0 + COOLING + LIFE - 1;
    assert_eq!(status(&log, r), Status::Approved);
    log.now += 1;
    assert_eq!(status(&log, r), Status::Expired);
    refused(log.release(r), Code::Order);
    refused(log.approve(r, 3), Code::Order);
}

#[test]
fn a_release_lapses() {
    let mut log = Log::new();
    let r = out(&mut log);
    log.now += LIFE - 1;
    log.partial(r, 1).unwrap();
    log.now += 1;
    assert_eq!(status(&log, r), Status::Lapsed);
    refused(log.partial(r, 2), Code::Order);
}

#[test]
fn a_new_policy_leaves_the_terms_of_a_request() {
    let mut log = Log::new();
    let r = log.ready("r");
    let mut shorter = policy(2);
    shorter.request_life_s = 1;
    let keys = [role(tabir_crypto::statement::body::Role::Gateway), auditor(0)];
    log.put(&sign(Verb::PolicySet, &shorter, &keys)).unwrap();
    log.now += DAY;
    assert_eq!(status(&log, r), Status::Approved);
}

#[test]
fn refuses_a_request_id_twice() {
    let mut log = Log::new();
    log.ask("r");
    let mut again = requested("r");
    again.commit = hash("another");
    refused(log.put(&sign(Verb::UnsealRequested, &again, &[official(1)])), Code::Duplicate);
}

fn deferred(until: u64) -> tabir_crypto::statement::body::UnsealRequested {
    let mut body = requested("r");
    (body.nonce, body.deferred_until, body.deferral) = (None, Some(Second(until)), Some(code("inquiry")));
    body
}

#[test]
fn refuses_a_deferral_beyond_the_longest() {
    let mut log = Log::new();
    let body = deferred(T0 + 91 * DAY);
    refused(log.put(&sign(Verb::UnsealRequested, &body, &[official(1)])), Code::Order);
    log.ask_with(&deferred(T0 + 90 * DAY));
}

#[test]
fn the_longest_deferral_counts_from_when_the_request_was_seen_whatever_hour_it_says() {
    let mut log = Log::new();
    let at = Hour::of(T0 + 10 * DAY);
    let asked = |until| sign(Verb::UnsealRequested, &UnsealRequested { at, ..deferred(until) }, &[official(1)]);
    let latest = T0 + HOUR + 90 * DAY;
    refused(log.would(&asked(latest + 1)), Code::Order);
    log.would(&asked(latest)).unwrap();
    // An hour long ago makes it shorter, and a time that nobody knows yet changes nothing.
    log.now += 10 * DAY;
    let early = sign(Verb::UnsealRequested, &deferred(latest + 1), &[official(1)]);
    refused(log.put(&early), Code::Order);
    let unseen = asked(T0 + HOUR + 100 * DAY);
    log.put_leaf(unseen.to_bytes(), None).unwrap();
}

#[test]
fn an_approval_of_a_deferred_request_repeats_its_date() {
    let mut log = Log::new();
    let r = log.ask_with(&deferred(T0 + 30 * DAY));
    refused(log.approve(r, 1), Code::Context);
    let mut body = approved(r, 1);
    body.deferred_until = Some(Second(T0 + 30 * DAY));
    log.put(&sign(Verb::UnsealApproved, &body, &[official(1)])).unwrap();
}

#[test]
fn a_deferred_notice_comes_once_and_not_before_its_date() {
    let mut log = Log::new();
    let r = log.ask_with(&deferred(T0 + 30 * DAY));
    let published = |nonce: &str| {
        let mut body = notice(r);
        body.nonce = hash(nonce);
        sign(Verb::UnsealNotice, &body, &[warden()])
    };
    log.now = T0 + 30 * DAY - 1;
    refused(log.put(&published("early")), Code::Order);
    log.now += 1;
    log.put(&published("nonce")).unwrap();
    assert!(log.request(&r.0).notice.is_some());
    refused(log.put(&published("again")), Code::Order);
}

#[test]
fn refuses_a_notice_of_a_request_that_was_never_deferred() {
    let mut log = Log::new();
    let r = log.ask("r");
    refused(log.put(&sign(Verb::UnsealNotice, &notice(r), &[warden()])), Code::Order);
}

#[test]
fn the_warden_may_release_what_is_approved_cooled_off_and_below_the_cap() {
    let mut log = Log::new();
    let r = log.ask("r");
    let may = |log: &Log, r: Hex<32>, auditor| log.state.may_release(&log.trust, &r.0, log.now, auditor).map(drop);
    refused(may(&log, hash("none"), false), Code::Context);
    log.approve(r, 1).unwrap();
    refused(may(&log, r, false), Code::Order);
    log.approve(r, 2).unwrap();
    refused(may(&log, r, false), Code::CoolingOff);
    assert!(may(&log, r, true).is_ok());
    log.now += COOLING;
    assert!(may(&log, r, false).is_ok());
    log.now += LIFE;
    refused(may(&log, r, false), Code::Order);
}

#[test]
fn the_warden_may_not_release_before_the_approvals_are_witnessed() {
    let mut log = Log::new();
    let r = log.ask("r");
    for i in [1, 2] {
        log.put_leaf(sign(Verb::UnsealApproved, &approved(r, i), &[official(i)]).to_bytes(), None).unwrap();
    }
    log.now += COOLING;
    refused(log.state.may_release(&log.trust, &r.0, log.now, false), Code::Quorum);
    log.state.mark(log.size(), log.now);
    assert!(log.state.may_release(&log.trust, &r.0, log.now, false).is_ok());
}

#[test]
fn the_warden_may_not_release_more_a_day_than_the_cap() {
    let mut log = Log::new();
    let asked: Vec<_> = ["1", "2", "3", "4"].iter().map(|name| log.ask(name)).collect();
    for r in &asked {
        log.approve(*r, 1).unwrap();
        log.approve(*r, 2).unwrap();
    }
    log.now = (T0 + COOLING) / DAY * DAY + DAY;
    asked[..3].iter().for_each(|r| drop(log.release(*r).unwrap()));
    let last = asked[3].0;
    refused(log.state.may_release(&log.trust, &last, log.now, false), Code::Cap);
    assert!(log.state.may_release(&log.trust, &last, log.now, true).is_ok());
    assert!(log.state.may_release(&log.trust, &last, log.now + DAY, false).is_ok());
}
