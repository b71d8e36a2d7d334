//! Lies about openings, up to the release. Who signs the statements tells them, and the log takes them all the same, so
//! that its key colludes. Everything is truly signed and witnessed.

use tabir_crypto::statement::Verb;
use tabir_crypto::statement::body::*;
use tabir_crypto::statement::value::{Hex, Second};

use crate::clean::town;
use crate::forge::Forge;
use crate::verdict::{names, said};
use crate::world::*;

/// What the audit says of an entry of the governance log.
fn at(what: &str, entry: u64) -> String {
    format!("{what} governance {entry}")
}

#[tokio::test]
async fn two_approvals_by_one_official() {
    let mut forge = town();
    let request = forge.ask("lie");
    forge.approve(request, 1);
    let again = UnsealApproved { kem_pk: kem("another"), ..approved(request, 1) };
    let entry = forge.say(Verb::UnsealApproved, &again, &[official(1)]);
    names(&forge, at("unseal.approvals duplicate", entry)).await;
}

#[tokio::test]
async fn one_approval_appended_twice() {
    let mut forge = town();
    let request = forge.ask("lie");
    let approval = forge.sign(Verb::UnsealApproved, &approved(request, 1), &[official(1)]);
    forge.put(&approval);
    let entry = forge.put(&approval);
    names(&forge, at("governance.once duplicate", entry)).await;
}

#[tokio::test]
async fn an_official_who_refused_approves_as_well() {
    let mut forge = town();
    let request = forge.ask("lie");
    forge.refuse(request, 2);
    let entry = forge.approve(request, 2);
    names(&forge, at("unseal.approvals duplicate", entry)).await;
}

#[tokio::test]
async fn one_official_approves_in_the_name_of_another() {
    let mut forge = town();
    let request = forge.ask("lie");
    forge.approve(request, 1);
    let entry = forge.say(Verb::UnsealApproved, &approved(request, 2), &[official(1)]);
    names(&forge, at("governance.signatures unknown-key", entry)).await;
}

#[tokio::test]
async fn one_official_approves_with_a_second_key_that_the_council_does_not_have() {
    let mut forge = town();
    let request = forge.ask("lie");
    forge.approve(request, 1);
    let entry = forge.say(Verb::UnsealApproved, &approved(request, 2), &[key("second key of official 1")]);
    names(&forge, at("governance.signatures unknown-key", entry)).await;
}

/// Official 3 is gone, official 4 has his place.
fn without_the_third(forge: &mut Forge) -> Hex<32> {
    let people = [official(1), official(2), official(4)];
    let body = council_body("council", 2, 2, &people);
    forge.say(Verb::CouncilReshared, &body, &[&people[..], &[warden(), auditor(0)]].concat());
    Hex(*tabir_crypto::threshold::Council::from_body(&body).unwrap().council_id())
}

#[tokio::test]
async fn an_official_who_was_removed_approves_a_request_to_his_successors() {
    let mut forge = town();
    let council_id = without_the_third(&mut forge);
    let request = forge.ask_with(&UnsealRequested { council_id, ..requested("lie") });
    let body = UnsealApproved { council_id, ..approved(request, 3) };
    let entry = forge.say(Verb::UnsealApproved, &body, &[official(3)]);
    names(&forge, at("governance.signatures unknown-key", entry)).await;
}

#[tokio::test]
async fn an_official_who_was_removed_approves_what_was_asked_of_him_before() {
    let mut forge = town();
    let request = forge.ask("lie");
    forge.approve(request, 1);
    without_the_third(&mut forge);
    let entry = forge.approve(request, 3);
    names(&forge, at("unseal.approvals order", entry)).await;
}

#[tokio::test]
async fn an_opening_without_a_request() {
    let mut forge = town();
    let entry = forge.open(hash("no request"));
    names(&forge, at("unseal.requested context", entry)).await;
}

#[tokio::test]
async fn a_release_without_a_request_and_the_whole_opening_after_it() {
    let mut forge = town();
    let first = forge.governance.size();
    forge.release_and_open(hash("no request"));
    let lines: Vec<_> = (first..first + 4).map(|entry| at("unseal.requested context", entry)).collect();
    said(&forge, &lines).await;
}

#[tokio::test]
async fn a_release_before_its_approvals_and_the_whole_opening_after_it() {
    let mut forge = town();
    let request = forge.ask("lie");
    forge.approve(request, 1);
    forge.now += COOLING;
    let first = forge.governance.size();
    forge.release_and_open(request);
    // Nobody acts on a release out of order, so that what follows is out of order too.
    let lines: Vec<_> = (first..first + 4).map(|entry| at("unseal.order order", entry)).collect();
    said(&forge, &lines).await;
}

#[tokio::test]
async fn a_release_to_one_who_did_not_approve() {
    let mut forge = town();
    let request = forge.ready("lie");
    let body = UnsealReleased { handouts: released(request, 1, &[1, 3]).handouts, ..forge.release_body(request) };
    let entry = forge.say(Verb::UnsealReleased, &body, &[warden()]);
    names(&forge, at("unseal.order order", entry)).await;
}

#[tokio::test]
async fn a_release_by_a_checkpoint_from_before_the_approvals() {
    let mut forge = town();
    let request = forge.ask("lie");
    let (tree_size, checkpoint_hash) = forge.last_kept();
    forge.approve(request, 1);
    forge.approve(request, 2);
    forge.now += COOLING;
    let body = UnsealReleased { tree_size, checkpoint_hash, ..forge.release_body(request) };
    let entry = forge.say(Verb::UnsealReleased, &body, &[warden()]);
    names(&forge, at("unseal.order order", entry)).await;
}

#[tokio::test]
async fn a_release_by_a_checkpoint_that_is_not_kept() {
    let mut forge = town();
    let request = forge.ready("lie");
    let body = UnsealReleased { checkpoint_hash: hash("made up"), ..forge.release_body(request) };
    let entry = forge.say(Verb::UnsealReleased, &body, &[warden()]);
    names(&forge, at("governance.checkpoints context", entry)).await;
}

#[tokio::test]
async fn a_release_that_the_warden_did_not_sign() {
    let mut forge = town();
    let request = forge.ready("lie");
    let entry = forge.say(Verb::UnsealReleased, &forge.release_body(request), &[auditor(0)]);
    names(&forge, at("governance.signatures insufficient-signatures", entry)).await;
}

#[tokio::test]
async fn a_release_before_the_cooling_off_is_over_and_the_opening_after_it() {
    let mut forge = town();
    let request = forge.ready("lie");
    forge.now -= 1;
    let first = forge.governance.size();
    forge.release_and_open(request);
    // It is out and remembered; that anybody helped with it is named as well.
    let lines = [
        "unseal.cooling-off cooling-off",
        "unseal.order cooling-off",
        "unseal.order cooling-off",
        "unseal.order too-few",
    ];
    let mut lines: Vec<_> = (first..).zip(lines).map(|(entry, what)| at(what, entry)).collect();
    lines.rotate_left(1); // by the names of the checks
    said(&forge, &lines).await;
}

#[tokio::test]
async fn more_releases_on_a_day_than_the_cap() {
    let mut forge = town();
    let asked: Vec<_> = ["1", "2", "3", "4"].map(|name| forge.ask(name)).into();
    for request in &asked {
        forge.approve(*request, 1);
        forge.approve(*request, 2);
    }
    forge.now = (forge.now + COOLING) / DAY * DAY + DAY;
    let entries: Vec<_> = asked.iter().map(|request| forge.release(*request)).collect();
    names(&forge, at("unseal.cap cap", entries[3])).await;
}

#[tokio::test]
async fn a_second_release() {
    let mut forge = town();
    let request = forge.ready("lie");
    forge.release(request);
    let entry = forge.release(request);
    names(&forge, at("unseal.order order", entry)).await;
}

#[tokio::test]
async fn a_release_of_what_was_refused() {
    let mut forge = town();
    let request = forge.ask("lie");
    forge.approve(request, 1);
    forge.refuse(request, 2);
    forge.refuse(request, 3);
    forge.now += COOLING;
    let entry = forge.release(request);
    names(&forge, at("unseal.order order", entry)).await;
}

#[tokio::test]
async fn a_release_after_the_request_has_expired() {
    let mut forge = town();
    let request = forge.ready("lie");
    forge.now += LIFE;
    let entry = forge.release(request);
    names(&forge, at("unseal.order order", entry)).await;
}

#[tokio::test]
async fn an_opening_with_one_partial() {
    let mut forge = town();
    let request = forge.ready("lie");
    forge.release(request);
    forge.partial(request, 1);
    let entry = forge.open(request);
    names(&forge, at("unseal.order too-few", entry)).await;
}

#[tokio::test]
async fn an_opening_that_one_official_signed() {
    let mut forge = town();
    let request = forge.ready("lie");
    forge.release(request);
    forge.partial(request, 1);
    forge.partial(request, 2);
    let entry = forge.say(Verb::UnsealOpened, &opened(request), &[official(1)]);
    names(&forge, at("governance.signatures insufficient-signatures", entry)).await;
}

/// A request whose notice is deferred until then, approved.
fn deferred(forge: &mut Forge, until: u64) -> (Hex<32>, u64) {
    let until = Some(Second(until));
    let body =
        UnsealRequested { nonce: None, deferred_until: until, deferral: Some(code("inquiry")), ..requested("lie") };
    let (entry, request) = (forge.governance.size(), forge.ask_with(&body));
    for i in [1, 2] {
        let body = UnsealApproved { deferred_until: until, ..approved(request, i) };
        forge.say(Verb::UnsealApproved, &body, &[official(i)]);
    }
    (request, entry)
}

#[tokio::test]
async fn a_deferral_that_is_never_lifted() {
    let mut forge = town();
    let until = forge.now + DAY;
    let (_, entry) = deferred(&mut forge, until);
    names(&forge, at("unseal.notice overdue", entry)).await;
}

#[tokio::test]
async fn a_deferral_lifted_before_its_date() {
    let mut forge = town();
    let until = forge.now + 90 * DAY;
    let (request, _) = deferred(&mut forge, until);
    let entry = forge.say(Verb::UnsealNotice, &notice(request), &[warden()]);
    names(&forge, at("unseal.order order", entry)).await;
}

#[tokio::test]
async fn a_deferral_longer_than_the_longest() {
    let mut forge = town();
    let until = forge.now + 91 * DAY;
    let (_, entry) = deferred(&mut forge, until);
    // There is no such request, so that its approvals are for none.
    let lines = ["unseal.requested context", "unseal.requested context", "unseal.order order"];
    let entries = [entry + 1, entry + 2, entry];
    said(&forge, &lines.into_iter().zip(entries).map(|(what, entry)| at(what, entry)).collect::<Vec<_>>()).await;
}

#[tokio::test]
async fn an_approval_of_another_deferral_than_the_one_asked_for() {
    let mut forge = town();
    let request = forge.ask("lie");
    let body = UnsealApproved { deferred_until: Some(Second(forge.now + DAY)), ..approved(request, 1) };
    let entry = forge.say(Verb::UnsealApproved, &body, &[official(1)]);
    names(&forge, at("unseal.approvals context", entry)).await;
}
