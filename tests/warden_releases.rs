//! Releases: never before cooling-off and a witnessed entry, never a forged or another case's envelope, once for all.

mod log_support;
mod warden_support;

use tabir::clock::Random;
use tabir::warden::{Stage, Warden};
use tabir_crypto::B32;
use tabir_crypto::Secret;
use tabir_crypto::codec::{Transcript, sha256};
use tabir_crypto::ed25519::SigningKey;
use tabir_crypto::envelope::{Handout, Outer, SealedEnvelope};
use tabir_crypto::hpke::xwing::seal_with;
use tabir_crypto::hpke::{KemSecretKey, Use, uses};
use tabir_crypto::receipt::Receipt;
use tabir_crypto::request::Recused;
use tabir_crypto::statement::body::{Role, UnsealRefused};
use tabir_crypto::statement::value::{Bytes, Hex, Hour, Second, V1};
use tabir_crypto::statement::{Body, Statement, Verb};
use tabir_crypto::trust::unseal::Status;

use log_support::{NOW, identity, key};
use warden_support::*;

fn handed(city: &City) -> usize {
    city.world.handed.lock().unwrap().len()
}

async fn stage(warden: &Warden, request: B32) -> Stage {
    let rows = warden.store().requests().await.unwrap();
    rows.iter().find(|r| r.hash == request).expect("a request").stage
}

#[tokio::test]
async fn hands_out_to_the_approvers_after_cooling_off_and_a_witnessed_release() {
    let (city, warden) = City::ready().await;
    let case = city.case(&warden, 1).await;
    let request = city.ask(&warden, &case).await;
    city.approve(request, 2, None);
    city.clock.set(NOW + 100);
    city.witnessed(&warden).await;
    city.approve(request, 1, None);
    city.clock.set(NOW + COOLING - 1);
    let mut view = city.witnessed(&warden).await;
    assert_eq!(view.state.request(&request).unwrap().status(view.state.witnessed(), view.now), Status::Approved);
    warden.releases(&view).await.unwrap();
    assert!(city.said(&warden).await.is_empty(), "still cooling off");

    // The machine's clock alone ends no cooling-off: the time is the witnesses'.
    city.clock.set(NOW + COOLING + 100);
    warden.releases(&view).await.unwrap();
    assert!(city.said(&warden).await.is_empty());

    view = city.witnessed(&warden).await;
    warden.releases(&view).await.unwrap();
    assert_eq!(city.said(&warden).await, [(Verb::UnsealReleased, String::new())]);
    assert_eq!(handed(&city), 0, "the entry is not even in the log");
    city.deliver(&warden).await;
    warden.releases(&view).await.unwrap();
    let mut unwitnessed = warden.view().await.unwrap();
    warden.follow(&mut unwitnessed).await.unwrap();
    warden.releases(&unwitnessed).await.unwrap();
    assert_eq!(handed(&city), 0, "the entry is not witnessed");

    view = city.witnessed(&warden).await;
    warden.releases(&view).await.unwrap();
    warden.releases(&view).await.unwrap();
    assert_eq!(handed(&city), 1, "once");
    assert!(warden.store().handouts(request).await.unwrap().is_empty(), "the board has them now");

    let release = view.state.request(&request).unwrap().release.clone().unwrap().body;
    let council = council();
    let handouts = city.world.handed.lock().unwrap()[0].handouts.clone();
    for (sealed, named) in handouts.iter().zip(&release.handouts) {
        assert_eq!((sealed.to, sha256(&sealed.sealed.0)), (named.index, named.hash.0));
        let place = Use::Handout { request_hash: request, index: sealed.to };
        let opened = uses::open(&fresh_key(sealed.to), &place, &sealed.sealed.0).unwrap();
        let handout = Handout::parse(opened.expose()).unwrap();
        assert_eq!(handout.inner_commit(), release.inner_commit.0);
        let warden_key = city.warden_key(&warden).await.key_id();
        handout.check(&warden_key, &text_of(&case).binding(*council.lineage())).unwrap();
    }
    assert_eq!(release.handouts.iter().map(|h| h.index).collect::<Vec<_>>(), [1, 2]);
    assert!(release.tree_size > view.state.request(&request).unwrap().approvals[1].entry);
}

#[tokio::test]
async fn a_crash_between_any_two_steps_costs_nothing_and_seals_nothing_twice() {
    let (city, mut warden) = City::ready().await;
    let case = city.case(&warden, 1).await;
    let (request, mut view) = city.approved(&warden, &case).await;
    let restart = async |old: Warden| {
        drop(old);
        city.warden().await
    };
    warden.take_requests(&view).await.unwrap();
    warden = restart(warden).await;
    warden.take_requests(&view).await.unwrap();
    warden.answer(&view).await.unwrap();
    let sealed = warden.store().handouts(request).await.unwrap();
    assert_eq!(sealed.len(), 2, "durable before the statement leaves");
    warden = restart(warden).await;
    warden.answer(&view).await.unwrap();
    assert_eq!(city.said(&warden).await.len(), 1);
    assert_eq!(warden.store().handouts(request).await.unwrap(), sealed);
    city.deliver(&warden).await;
    warden = restart(warden).await;
    warden.answer(&view).await.unwrap();
    view = city.witnessed(&warden).await;
    warden.answer(&view).await.unwrap();
    assert!(city.said(&warden).await.is_empty(), "one release");
    *city.world.refuse.lock().unwrap() = true;
    assert_eq!(refused(warden.hand_out(&view).await), "peer");
    *city.world.refuse.lock().unwrap() = false;
    warden = restart(warden).await;
    view = warden.view().await.unwrap();
    warden.hand_out(&view).await.unwrap();
    warden = restart(warden).await;
    warden.releases(&view).await.unwrap();
    assert_eq!((handed(&city), stage(&warden, request).await), (1, Stage::Handed));
    let out: Vec<_> = city.world.handed.lock().unwrap()[0].handouts.iter().map(|h| h.sealed.0.clone()).collect();
    assert_eq!(out, sealed.into_iter().map(|s| s.bytes).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_release_that_lost_the_race_against_a_withdrawal_is_dropped() {
    let (city, warden) = City::ready().await;
    let case = city.case(&warden, 1).await;
    let (request, view) = city.approved(&warden, &case).await;
    warden.releases(&view).await.unwrap();
    city.append(&sign(Verb::UnsealWithdrawn, &no(request, 1), &[official(1)]));
    let view = city.witnessed(&warden).await;
    warden.releases(&view).await.unwrap();
    assert!(city.said(&warden).await.is_empty());
    assert!(warden.store().handouts(request).await.unwrap().is_empty());
    assert_eq!(handed(&city), 0);
}

/// What an old head does not show, a withdrawal or another council, may have come long since.
#[tokio::test]
async fn releases_and_hands_out_nothing_by_a_head_older_than_the_freshness_limit() {
    let (city, warden) = City::ready().await;
    let case = city.case(&warden, 1).await;
    let (request, view) = city.approved(&warden, &case).await;
    let limit = city.setup.trust.root().freshness_s;
    city.clock.set(view.now + limit + 1);
    assert_eq!(refused(warden.releases(&view).await), "stale");
    assert!(city.said(&warden).await.is_empty());
    assert_eq!(stage(&warden, request).await, Stage::Open, "taken from the board, and not judged");

    city.clock.set(view.now + limit);
    warden.releases(&view).await.unwrap();
    city.deliver(&warden).await;
    let view = city.witnessed(&warden).await;
    city.clock.set(view.now + limit + 1);
    assert_eq!(refused(warden.releases(&view).await), "stale");
    assert_eq!(handed(&city), 0);
    let view = city.witnessed(&warden).await;
    warden.releases(&view).await.unwrap();
    assert_eq!(handed(&city), 1, "the witnesses are back");
}

fn no(request: B32, index: u16) -> UnsealRefused {
    let (at, council_id) = (Hour::of(NOW), Hex(council_id()));
    UnsealRefused { v: V1, at, request_hash: Hex(request), council_id, index, reason: code("no") }
}

#[tokio::test]
async fn a_release_by_a_stolen_identity_key_gets_no_hand_outs() {
    let (city, warden) = City::ready().await;
    let case = city.case(&warden, 1).await;
    let (request, view) = city.approved(&warden, &case).await;
    warden.releases(&view).await.unwrap();
    let ours = tabir::db::outbox::waiting(warden.store().db()).await.unwrap();
    let Body::UnsealReleased(mut body) = Statement::parse(&ours[0].statement).unwrap().body().unwrap() else {
        panic!("a release")
    };
    body.inner_commit = Hex([1; 32]);
    city.append(&sign(Verb::UnsealReleased, &body, &[identity(Role::Warden)]));
    let view = city.witnessed(&warden).await;
    assert!(view.state.request(&request).unwrap().release.is_some());
    warden.releases(&view).await.unwrap();
    assert_eq!(handed(&city), 0);
}

/// Releases nothing, and says this.
async fn fails_with(city: &City, warden: &Warden, request: B32, want: &str) {
    let (_, view) = city.approved_request(warden, request).await;
    warden.releases(&view).await.unwrap();
    warden.releases(&view).await.unwrap();
    assert_eq!(city.said(warden).await, [(Verb::UnsealFailed, want.to_owned())]);
    assert!(warden.store().handouts(request).await.unwrap().is_empty());
    city.deliver(warden).await;
    let view = city.witnessed(warden).await;
    let status = view.state.request(&request).unwrap().status(view.state.witnessed(), view.now);
    assert_eq!(status, Status::Failed);
}

/// The case with a forged envelope: another inner one, made for the case's own label, under this key's signature.
async fn forged(city: &City, warden: &Warden, vk: &B32, signer: &SigningKey, spoil: impl FnOnce(&mut [u8])) -> Case {
    let mut case = city.case(warden, 1).await;
    let seed = warden.store().keys().await.unwrap().remove(0).seed.unwrap();
    let secret = KemSecretKey::from_seed(seed);
    let binding = text_of(&case).binding(*council().lineage());
    // Sealing for a label takes no case key; here the reporter's code does it.
    let made = Outer::parse(&case.envelope.bytes).unwrap().open(&secret, &binding).unwrap();
    let mut inner = made.inner().inner().to_bytes();
    spoil(&mut inner);
    let public = secret.public_key();
    let label = binding.label(&public.key_id());
    let header = [[1, 1].as_slice(), &public.key_id(), council().lineage()].concat();
    let message =
        Transcript::new("tabir/v1/inner-sig").put("label", label.as_bytes()).put("inner_hash", &sha256(&inner));
    let plaintext = [inner.as_slice(), vk, &signer.sign(&message.hash())].concat();
    let aad = [header.as_slice(), label.as_bytes()].concat();
    let sealed = seal_with(&public, "tabir/v1/outer", &aad, &plaintext, &mut Random).unwrap();
    let bytes = [header, sealed].concat();
    case.envelope = SealedEnvelope { hash: sha256(&bytes), bytes };
    case
}

#[tokio::test]
async fn refuses_a_name_that_the_operator_put_into_a_victims_case() {
    let victim = Receipt::from(Secret::new([1; 16])).keys().case_key;
    let framer = key(99);
    for vk in [&framer, &victim].map(|k| *k.verifying_key().as_bytes()) {
        let (city, warden) = City::ready().await;
        let case = forged(&city, &warden, &vk, &framer, |_| ()).await;
        let request = city.ask(&warden, &case).await;
        fails_with(&city, &warden, request, "case-sig").await;
    }
}

#[tokio::test]
async fn refuses_an_envelope_whose_sender_proof_does_not_hold() {
    let victim = Receipt::from(Secret::new([1; 16])).keys().case_key;
    let (city, warden) = City::ready().await;
    let vk = *victim.verifying_key().as_bytes();
    let case = forged(&city, &warden, &vk, &victim, |inner| inner[1199] ^= 1).await;
    let request = city.ask(&warden, &case).await;
    fails_with(&city, &warden, request, "proof").await;
}

#[tokio::test]
async fn refuses_an_envelope_of_another_case() {
    let (city, warden) = City::ready().await;
    let mut case = city.case(&warden, 1).await;
    case.envelope = city.case(&warden, 2).await.envelope;
    let request = city.ask(&warden, &case).await;
    fails_with(&city, &warden, request, "label").await;
}

#[tokio::test]
async fn refuses_a_text_with_another_notice_key_than_the_label() {
    let (city, warden) = City::ready().await;
    let case = city.case(&warden, 1).await;
    let request = city.ask_with(&warden, &case, |text| text.notice_key = Hex([4; 32]), |_| ()).await;
    fails_with(&city, &warden, request, "label").await;
}

#[tokio::test]
async fn refuses_a_text_that_its_entry_does_not_commit_to() {
    let (city, warden) = City::ready().await;
    let case = city.case(&warden, 1).await;
    let request = city.ask_with(&warden, &case, |_| (), |entry| entry.tag = Hex([4; 32])).await;
    fails_with(&city, &warden, request, "request").await;
    let request = city.ask_with(&warden, &case, |_| (), |entry| entry.nonce = Some(Hex([4; 32]))).await;
    fails_with(&city, &warden, request, "request").await;
    let request = city.ask_with(&warden, &case, |_| (), |entry| entry.commit = Hex([4; 32])).await;
    fails_with(&city, &warden, request, "request").await;
}

#[tokio::test]
async fn refuses_another_envelope_than_the_text_names() {
    let (city, warden) = City::ready().await;
    let case = city.case(&warden, 1).await;
    let request = city.ask(&warden, &case).await;
    let other = city.case(&warden, 1).await.envelope.bytes;
    city.world.ready.lock().unwrap()[0].envelope = Bytes(other);
    fails_with(&city, &warden, request, "request").await;
}

#[tokio::test]
async fn refuses_an_envelope_to_a_key_that_it_does_not_hold() {
    let (city, warden) = City::ready().await;
    let mut case = city.case(&warden, 1).await;
    case.envelope.bytes[2] ^= 1; // the key id
    case.envelope.hash = sha256(&case.envelope.bytes);
    let request = city.ask(&warden, &case).await;
    fails_with(&city, &warden, request, "outer").await;
}

#[tokio::test]
async fn approvals_by_a_stranger_count_for_nothing() {
    let (city, warden) = City::ready().await;
    let case = city.case(&warden, 1).await;
    let request = city.ask(&warden, &case).await;
    city.approve(request, 1, None);
    city.append(&sign(Verb::UnsealApproved, &approval(request, 2, None), &[key(99)]));
    city.witnessed(&warden).await;
    city.clock.set(NOW + 2 * COOLING);
    let view = city.witnessed(&warden).await;
    warden.releases(&view).await.unwrap();
    assert!(city.said(&warden).await.is_empty());
}

#[tokio::test]
async fn one_live_request_a_case_and_the_later_one_is_declined() {
    let (city, warden) = City::ready().await;
    let case = city.case(&warden, 1).await;
    let (first, second) = (city.ask(&warden, &case).await, city.ask(&warden, &case).await);
    let view = city.witnessed(&warden).await;
    warden.releases(&view).await.unwrap();
    assert_eq!(city.said(&warden).await, [(Verb::UnsealDeclined, "live".to_owned())]);
    assert_eq!((stage(&warden, first).await, stage(&warden, second).await), (Stage::Open, Stage::Ended));
    city.deliver(&warden).await;
    // Another case's request stands in nobody's way.
    let other = city.case(&warden, 2).await;
    city.ask(&warden, &other).await;
    let (_, view) = city.approved_request(&warden, first).await;
    warden.releases(&view).await.unwrap();
    assert_eq!(city.said(&warden).await, [(Verb::UnsealReleased, String::new())]);
}

#[tokio::test]
async fn an_earlier_request_that_the_board_held_back_does_not_open_the_case_twice() {
    let (city, warden) = City::ready().await;
    let case = city.case(&warden, 1).await;
    let early = city.ask(&warden, &case).await;
    let held_back = city.world.ready.lock().unwrap().pop().unwrap();
    let late = city.ask(&warden, &case).await;
    let (_, view) = city.approved_request(&warden, late).await;
    warden.releases(&view).await.unwrap();
    assert_eq!(stage(&warden, late).await, Stage::Released);
    city.world.ready.lock().unwrap().push(held_back);
    warden.releases(&view).await.unwrap();
    assert_eq!(stage(&warden, early).await, Stage::Ended);
    assert_eq!(city.said(&warden).await[1], (Verb::UnsealDeclined, "live".to_owned()));
}

#[tokio::test]
async fn a_refused_request_needs_another_basis_for_thirty_days() {
    let (city, warden) = City::ready().await;
    let case = city.case(&warden, 1).await;
    let first = city.ask(&warden, &case).await;
    let view = city.witnessed(&warden).await;
    warden.releases(&view).await.unwrap();
    for index in [2, 3] {
        city.append(&sign(Verb::UnsealRefused, &no(first, index), &[official(index)]));
    }
    city.witnessed(&warden).await;
    let other_basis = city.ask_with(&warden, &case, |_| (), |entry| entry.legal_basis = code("law")).await;
    city.append(&sign(Verb::UnsealWithdrawn, &no(other_basis, 1), &[official(1)]));
    let again = city.ask(&warden, &case).await;
    let mut view = city.witnessed(&warden).await;
    warden.releases(&view).await.unwrap();
    assert_eq!(city.said(&warden).await, [(Verb::UnsealDeclined, "live".to_owned())]);
    assert_eq!(stage(&warden, again).await, Stage::Ended);
    city.deliver(&warden).await;
    city.clock.set(NOW + 30 * DAY);
    let month_later = city.ask(&warden, &case).await;
    view = city.witnessed(&warden).await;
    warden.releases(&view).await.unwrap();
    assert_eq!(stage(&warden, month_later).await, Stage::Open);
    assert!(warden.store().requests().await.unwrap().iter().all(|r| r.hash != first), "and the old one is forgotten");
}

#[tokio::test]
async fn declines_when_more_are_left_out_than_may_be_and_gives_them_nothing() {
    let (city, warden) = City::ready().await;
    let case = city.case(&warden, 1).await;
    let recused = |indices: &'static [u16]| {
        move |text: &mut tabir_crypto::request::RequestText| {
            text.recused = indices.iter().map(|i| Recused { index: *i, code: code("kin") }).collect();
        }
    };
    let n = council_body().n;
    assert_eq!(n, 3);
    city.ask_with(&warden, &case, recused(&[2, 3]), |_| ()).await;
    let view = city.witnessed(&warden).await;
    warden.releases(&view).await.unwrap();
    assert_eq!(city.said(&warden).await, [(Verb::UnsealDeclined, "recusal".to_owned())]);
    city.deliver(&warden).await;

    let request = city.ask_with(&warden, &case, recused(&[2]), |_| ()).await;
    let (_, view) = city.approved_request(&warden, request).await;
    warden.releases(&view).await.unwrap();
    assert!(city.said(&warden).await.is_empty(), "one who could read it has approved");
    city.approve(request, 3, None);
    let view = city.witnessed(&warden).await;
    warden.releases(&view).await.unwrap();
    let to: Vec<_> = warden.store().handouts(request).await.unwrap().iter().map(|h| h.to).collect();
    assert_eq!(to, [1, 3]);
}

#[tokio::test]
async fn the_days_cap_holds_also_for_releases_on_their_way() {
    let (city, warden) = City::ready().await;
    let mut requests = Vec::new();
    for n in 1..=3 {
        let case = city.case(&warden, n).await;
        let request = city.ask(&warden, &case).await;
        city.approve(request, 1, None);
        city.approve(request, 2, None);
        requests.push(request);
    }
    city.witnessed(&warden).await;
    // Early on a day of UTC.
    let day = (NOW + COOLING) / DAY * DAY + DAY;
    city.clock.set(day);
    let view = city.witnessed(&warden).await;
    warden.releases(&view).await.unwrap();
    assert_eq!(city.said(&warden).await.len(), 2);
    city.deliver(&warden).await;
    let view = city.witnessed(&warden).await;
    warden.releases(&view).await.unwrap();
    assert!(city.said(&warden).await.is_empty());
    city.clock.set(day + DAY);
    let view = city.witnessed(&warden).await;
    warden.releases(&view).await.unwrap();
    assert_eq!(city.said(&warden).await.len(), 1);
}

#[tokio::test]
async fn a_deferred_nonce_is_published_at_its_date_once_and_whatever_became_of_the_request() {
    let (city, warden) = City::ready().await;
    let case = city.case(&warden, 1).await;
    let until = NOW + 5 * DAY;
    let defer = |entry: &mut tabir_crypto::statement::body::UnsealRequested| {
        entry.nonce = None;
        entry.deferred_until = Some(Second(until));
        entry.deferral = Some(code("inquiry"));
    };
    let request = city.ask_with(&warden, &case, |_| (), defer).await;
    let view = city.witnessed(&warden).await;
    warden.releases(&view).await.unwrap();
    city.append(&sign(Verb::UnsealWithdrawn, &no(request, 1), &[official(1)]));
    city.clock.set(until - 1);
    let view = city.witnessed(&warden).await;
    warden.releases(&view).await.unwrap();
    assert!(city.said(&warden).await.is_empty());
    city.clock.set(until);
    let view = city.witnessed(&warden).await;
    warden.releases(&view).await.unwrap();
    warden.releases(&view).await.unwrap();
    assert_eq!(city.said(&warden).await, [(Verb::UnsealNotice, String::new())]);
    city.deliver(&warden).await;
    let view = city.witnessed(&warden).await;
    assert!(view.state.request(&request).unwrap().notice.is_some());
}

#[tokio::test]
async fn a_deferred_nonce_is_published_once_in_spite_of_crashes_and_of_an_end_before_this_warden_knew_the_request() {
    let (city, mut warden) = City::ready().await;
    let case = city.case(&warden, 1).await;
    let until = NOW + 5 * DAY;
    let defer = |entry: &mut tabir_crypto::statement::body::UnsealRequested| {
        entry.nonce = None;
        entry.deferred_until = Some(Second(until));
        entry.deferral = Some(code("inquiry"));
    };
    let request = city.ask_with(&warden, &case, |_| (), defer).await;
    city.append(&sign(Verb::UnsealWithdrawn, &no(request, 1), &[official(1)]));
    // The board shows it because of its notice; its envelope is gone there.
    city.world.ready.lock().unwrap()[0].envelope = Bytes(Vec::new());
    let view = city.witnessed(&warden).await;
    warden.releases(&view).await.unwrap();
    assert_eq!(stage(&warden, request).await, Stage::Open);
    assert!(city.said(&warden).await.is_empty());
    drop(warden);
    warden = city.warden().await;
    city.clock.set(until);
    // Not a second before, whatever this machine's clock says.
    warden.publish_nonces(&view).await.unwrap();
    assert!(city.said(&warden).await.is_empty());
    let view = city.witnessed(&warden).await;
    warden.publish_nonces(&view).await.unwrap();
    drop(warden);
    warden = city.warden().await;
    warden.publish_nonces(&view).await.unwrap();
    assert_eq!(city.said(&warden).await, [(Verb::UnsealNotice, String::new())], "once, also after a crash");
    city.deliver(&warden).await;
    drop(warden);
    warden = city.warden().await;
    let view = city.witnessed(&warden).await;
    assert!(view.state.request(&request).unwrap().notice.is_some());
    warden.releases(&view).await.unwrap();
    assert!(city.said(&warden).await.is_empty());
    // An ended request without a deferral is none of its business.
    let other = city.ask(&warden, &case).await;
    city.append(&sign(Verb::UnsealWithdrawn, &no(other, 1), &[official(1)]));
    let view = city.witnessed(&warden).await;
    warden.releases(&view).await.unwrap();
    assert!(warden.store().requests().await.unwrap().iter().all(|r| r.hash != other));
}

/// What waits on the board for an auditor.
fn proposed(city: &City) -> Vec<Statement> {
    let all = city.world.proposals.lock().unwrap();
    all.iter().filter(|s| s.verb() == Verb::UnsealReleased).cloned().collect()
}

/// Asked and approved by two, and its person wants an auditor; the cooling-off has just begun.
async fn urgent(city: &City, warden: &Warden, case: &Case) -> B32 {
    let request = city.ask(warden, case).await;
    city.approve(request, 1, None);
    city.approve(request, 2, None);
    let view = city.witnessed(warden).await;
    warden.releases(&view).await.unwrap();
    assert!(proposed(city).is_empty(), "nobody asked for an auditor");
    assert!(warden.ask_auditor(request).await.unwrap());
    request
}

#[tokio::test]
async fn with_an_auditor_beside_it_the_warden_releases_before_the_cooling_off_is_over_in_spite_of_crashes() {
    let (city, mut warden) = City::ready().await;
    let case = city.case(&warden, 1).await;
    let request = urgent(&city, &warden, &case).await;
    let view = city.witnessed(&warden).await;
    warden.answer(&view).await.unwrap();
    let sealed = warden.store().handouts(request).await.unwrap();
    assert_eq!((sealed.len(), stage(&warden, request).await), (2, Stage::Proposed));
    assert!(!warden.ask_auditor(request).await.unwrap(), "it is answered");
    drop(warden);
    warden = city.warden().await;
    warden.releases(&view).await.unwrap();
    warden.releases(&view).await.unwrap();
    let mut release = proposed(&city).remove(0);
    assert_eq!((proposed(&city).len(), city.said(&warden).await.len(), handed(&city)), (1, 0, 0), "it waits");
    drop(warden);
    warden = city.warden().await;

    release.sign(&key(1));
    city.append(&release);
    let view = city.witnessed(&warden).await;
    assert!(view.state.request(&request).unwrap().release.as_ref().unwrap().by_auditor);
    warden.releases(&view).await.unwrap();
    warden.releases(&view).await.unwrap();
    assert_eq!((handed(&city), stage(&warden, request).await), (1, Stage::Handed));
    let out: Vec<_> = city.world.handed.lock().unwrap()[0].handouts.iter().map(|h| h.sealed.0.clone()).collect();
    assert_eq!(out, sealed.into_iter().map(|s| s.bytes).collect::<Vec<_>>());
    assert!(city.said(&warden).await.is_empty(), "the board sent it");
}

#[tokio::test]
async fn what_waits_for_an_auditor_goes_alone_when_the_cooling_off_is_over_first() {
    let (city, warden) = City::ready().await;
    let case = city.case(&warden, 1).await;
    let request = urgent(&city, &warden, &case).await;
    let view = city.witnessed(&warden).await;
    warden.releases(&view).await.unwrap();
    city.clock.set(city.clock.now() + COOLING);
    // This machine's clock alone changes nothing.
    warden.releases(&view).await.unwrap();
    assert!(city.said(&warden).await.is_empty());
    let view = city.witnessed(&warden).await;
    warden.releases(&view).await.unwrap();
    warden.releases(&view).await.unwrap();
    assert_eq!(city.said(&warden).await, [(Verb::UnsealReleased, String::new())]);
    let waiting = tabir::db::outbox::waiting(warden.store().db()).await.unwrap();
    assert_eq!(waiting[0].statement, proposed(&city)[0].to_bytes(), "the very same: the hand-outs are sealed once");
    city.deliver(&warden).await;
    let view = city.witnessed(&warden).await;
    warden.releases(&view).await.unwrap();
    assert_eq!((handed(&city), stage(&warden, request).await), (1, Stage::Handed));
}

#[tokio::test]
async fn what_waits_for_an_auditor_is_dropped_when_its_request_ends_and_stands_in_the_way_until_then() {
    let (city, warden) = City::ready().await;
    let case = city.case(&warden, 1).await;
    let request = urgent(&city, &warden, &case).await;
    let view = city.witnessed(&warden).await;
    warden.releases(&view).await.unwrap();
    let second = city.ask(&warden, &case).await;
    let view = city.witnessed(&warden).await;
    warden.releases(&view).await.unwrap();
    assert_eq!(city.said(&warden).await, [(Verb::UnsealDeclined, "live".to_owned())]);
    assert_eq!(stage(&warden, second).await, Stage::Ended);
    city.deliver(&warden).await;
    city.append(&sign(Verb::UnsealWithdrawn, &no(request, 1), &[official(1)]));
    let view = city.witnessed(&warden).await;
    warden.releases(&view).await.unwrap();
    assert_eq!(stage(&warden, request).await, Stage::Ended);
    assert!(warden.store().handouts(request).await.unwrap().is_empty());
    // Too late: the log of this test takes anything, and nobody who reads it does.
    let mut late = proposed(&city).remove(0);
    late.sign(&key(1));
    city.append(&late);
    let view = city.witnessed(&warden).await;
    assert!(view.state.request(&request).unwrap().release.is_none());
    warden.releases(&view).await.unwrap();
    assert_eq!(handed(&city), 0);
}

#[tokio::test]
async fn with_an_auditor_beside_it_the_warden_releases_above_the_days_cap() {
    let (city, warden) = City::ready().await;
    let mut requests = Vec::new();
    for n in 1..=3 {
        let case = city.case(&warden, n).await;
        let request = city.ask(&warden, &case).await;
        city.approve(request, 1, None);
        city.approve(request, 2, None);
        requests.push(request);
    }
    city.witnessed(&warden).await;
    let day = (NOW + COOLING) / DAY * DAY + DAY;
    city.clock.set(day);
    let view = city.witnessed(&warden).await;
    warden.releases(&view).await.unwrap();
    city.deliver(&warden).await;
    let view = city.witnessed(&warden).await;
    warden.releases(&view).await.unwrap();
    let last = requests[2];
    assert_eq!(stage(&warden, last).await, Stage::Open, "two a day");
    warden.ask_auditor(last).await.unwrap();
    warden.releases(&view).await.unwrap();
    assert_eq!(stage(&warden, last).await, Stage::Proposed);
    let mut release = proposed(&city).remove(0);
    release.sign(&key(1));
    city.append(&release);
    let view = city.witnessed(&warden).await;
    warden.releases(&view).await.unwrap();
    assert_eq!(stage(&warden, last).await, Stage::Handed);
    assert_eq!(view.state.releases_of_day(day / DAY), 2, "it does not count");
}
