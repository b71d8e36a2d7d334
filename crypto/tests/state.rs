//! The governance state: when a key or a council counts, and which entries change nothing.

#[path = "common/world.rs"]
mod world;

use tabir_crypto::codec::sha256;
use tabir_crypto::ed25519::SigningKey;
use tabir_crypto::statement::body::*;
use tabir_crypto::statement::value::{Bytes, Hex, Hour, Second, V1};
use tabir_crypto::statement::{Body, Verb};
use tabir_crypto::threshold::Council;
use tabir_crypto::trust::unseal::Status;
use tabir_crypto::trust::witnessed::{CLOCKS_S, KeptTimes, Witnessed, back};
use tabir_crypto::{Code, json};
use world::*;

fn issuer() -> Vec<SigningKey> {
    vec![role(Role::Issuer)]
}

/// The epoch of the token key that counts at that time.
fn epoch(log: &Log, now: u64) -> Result<u64, Code> {
    log.state.active_key(&log.trust, KeyKind::Token, now).map(|k| k.body.epoch).map_err(|e| e.code())
}

fn with_token_keys(epochs: &[u64]) -> Log {
    let mut log = Log::new();
    for epoch in epochs {
        log.announce(&key_announced(KeyKind::Token, *epoch), &issuer()).unwrap();
    }
    log
}

#[test]
fn times_of_kept_checkpoints_that_go_back_are_found_at_the_first_entry_that_they_cover() {
    let times = |size, witnessed, earliest| KeptTimes { size, witnessed, earliest };
    let found = |kept: &[KeptTimes]| back(kept.iter().copied());
    let none: [u64; 0] = [];
    let (a, b) = (10 * CLOCKS_S, 10 * CLOCKS_S + 5);
    assert_eq!(found(&[]), none);
    assert_eq!(found(&[times(2, a, a), times(5, b, b), times(6, b, b)]), none);
    // Clocks are not the same.
    assert_eq!(found(&[times(2, a, 7), times(5, a - CLOCKS_S, a - CLOCKS_S)]), none);
    assert_eq!(found(&[times(2, a, a), times(5, a - CLOCKS_S, a - CLOCKS_S - 1)]), [2], "one cosignature is enough");
    // What is behind a lie is measured by the latest time before it, and of a row the first is named.
    let early = a - 2 * CLOCKS_S;
    let row = [times(2, a, a), times(5, early, early), times(6, early + 1, early), times(9, b, a), times(10, 1, 1)];
    assert_eq!(found(&row), [2, 9]);
    // Slowly too.
    let slowly: Vec<_> = (0..4).map(|i| times(i + 1, a - i * CLOCKS_S / 2, a - i * CLOCKS_S / 2)).collect();
    assert_eq!(found(&slowly), [3]);
}

#[test]
fn a_time_is_that_of_the_first_checkpoint_that_covers_the_entry() {
    let mut witnessed = Witnessed::default();
    assert_eq!(witnessed.of(0), None);
    witnessed.mark(2, 100);
    witnessed.mark(2, 150);
    witnessed.mark(5, 200);
    assert_eq!([0, 1, 2, 4, 5].map(|entry| witnessed.of(entry)), [Some(100), Some(100), Some(200), Some(200), None]);
}

#[test]
fn a_key_counts_only_after_its_delay_in_the_log() {
    let log = with_token_keys(&[1]);
    assert_eq!(epoch(&log, T0 + DAY - 1), Err(Code::NotActive));
    assert_eq!(epoch(&log, T0 + DAY), Ok(1));
}

#[test]
fn a_key_counts_only_once_it_is_witnessed() {
    let mut log = Log::new();
    let statement = sign(Verb::KeyAnnounced, &key_announced(KeyKind::Token, 1), &issuer());
    log.put_leaf(statement.to_bytes(), None).unwrap();
    assert_eq!(epoch(&log, T0 + 50 * DAY), Err(Code::NotActive));
    log.state.mark(log.size(), T0 + 49 * DAY);
    assert_eq!(epoch(&log, T0 + 50 * DAY), Ok(1));
}

#[test]
fn an_auditors_signature_waives_the_delay_of_a_token_key() {
    let mut log = Log::new();
    log.announce(&key_announced(KeyKind::Token, 1), &[role(Role::Issuer), auditor(0)]).unwrap();
    assert_eq!(epoch(&log, T0), Ok(1));
}

#[test]
fn a_warden_key_waits_whoever_signed() {
    let mut log = Log::new();
    log.announce(&key_announced(KeyKind::Warden, 1), &[warden(), auditor(0), auditor(1)]).unwrap();
    let at = |now| log.state.active_key(&log.trust, KeyKind::Warden, now).map(|k| k.body.epoch);
    refused(at(T0 + 7 * DAY - 1), Code::NotActive);
    assert_eq!(at(T0 + 7 * DAY), Ok(1));
}

#[test]
fn a_demo_waits_for_nothing() {
    let mut root = trust_root();
    root.demo = true;
    root.activation_s = tabir_crypto::trust::root::Activation { token: 0, intake: 0, warden: 0, council: 0 };
    let mut log = Log { trust: trust_of(&root), ..Log::empty() };
    log.announce(&key_announced(KeyKind::Intake, 1), &[role(Role::Forwarder)]).unwrap();
    log.put(&sign(Verb::CouncilFormed, &council(), &founders())).unwrap();
    assert!(log.state.active_key(&log.trust, KeyKind::Intake, T0).is_ok());
    assert!(log.state.active_council(&log.trust, T0).is_ok());
}

#[test]
fn a_key_counts_only_within_its_own_times() {
    let mut log = Log::new();
    let mut body = key_announced(KeyKind::Token, 1);
    (body.not_before, body.not_after) = (Second(T0 + 10 * DAY), Second(T0 + 20 * DAY));
    log.announce(&body, &issuer()).unwrap();
    assert_eq!(epoch(&log, T0 + 10 * DAY - 1), Err(Code::NotActive));
    assert_eq!(epoch(&log, T0 + 10 * DAY), Ok(1));
    assert_eq!(epoch(&log, T0 + 20 * DAY), Err(Code::NotActive));
}

#[test]
fn the_highest_active_epoch_counts() {
    let mut log = with_token_keys(&[1]);
    log.now = T0 + 5 * DAY;
    log.announce(&key_announced(KeyKind::Token, 2), &issuer()).unwrap();
    assert_eq!(epoch(&log, T0 + 6 * DAY - 1), Ok(1));
    assert_eq!(epoch(&log, T0 + 6 * DAY), Ok(2));
}

#[test]
fn refuses_two_keys_for_one_epoch() {
    let mut log = with_token_keys(&[1]);
    let mut second = key_announced(KeyKind::Token, 1);
    second.key = key_announced(KeyKind::Token, 9).key;
    refused(log.would(&sign(Verb::KeyAnnounced, &second, &issuer())), Code::KeyConflict);
    refused(log.announce(&second, &issuer()), Code::KeyConflict);
    // Neither of the two is the key: whoever shows one of them to some and the other to others gets nowhere.
    assert_eq!(epoch(&log, T0 + 2 * DAY), Err(Code::KeyConflict));
    refused(log.state.key(KeyKind::Token, 1), Code::KeyConflict);
    refused(log.state.token_key_by_id(&second.key_id()), Code::KeyConflict);
}

#[test]
fn refuses_one_key_for_two_epochs() {
    let mut log = with_token_keys(&[1]);
    let mut second = key_announced(KeyKind::Token, 2);
    second.key = key_announced(KeyKind::Token, 1).key;
    refused(log.announce(&second, &issuer()), Code::KeyConflict);
    for epoch in [1, 2] {
        refused(log.state.key(KeyKind::Token, epoch), Code::KeyConflict);
    }
    assert_eq!(epoch(&log, second.not_before.0 + DAY), Err(Code::KeyConflict), "nor the later one in its time");
}

#[test]
fn a_retired_key_counts_no_more() {
    let mut log = with_token_keys(&[1]);
    let id = key_announced(KeyKind::Token, 1).key_id();
    assert!(log.state.token_key_by_id(&id).is_ok());
    let body = KeyRetired { v: V1, at: Hour::of(T0), key_id: Hex(id), reason: code("leaked") };
    log.put(&sign(Verb::KeyRetired, &body, &issuer())).unwrap();
    assert_eq!(epoch(&log, T0 + DAY), Err(Code::NotActive));
    refused(log.state.token_key_by_id(&id), Code::TokenKey);
}

#[test]
fn a_warden_keys_copies_are_told_in_order_and_destroyed_is_the_end() {
    let mut log = Log::empty();
    let key = key_announced(KeyKind::Warden, 1);
    log.announce(&key, &[quorum(), vec![warden()]].concat()).unwrap();
    let mut holders = vec![vk(&auditor(0)), vk(&auditor(1))];
    holders.sort_unstable();
    let (v, at, key_id) = (V1, Hour::of(T0), Hex(key.key_id()));
    let split = KeyCustody { v, at, key_id, act: CustodyAct::Split, threshold: 2, holders };
    let restored = KeyCustody { act: CustodyAct::Restored, threshold: 0, holders: Vec::new(), ..split.clone() };
    let destroyed = KeyCustody { act: CustodyAct::Destroyed, ..restored.clone() };
    let all = [warden(), auditor(0), auditor(1)];
    let say = |log: &mut Log, body: &KeyCustody, keys: &[SigningKey]| log.put(&sign(Verb::KeyCustody, body, keys));

    refused(say(&mut log, &restored, &[warden()]), Code::Order);
    // By a holder less, by one who holds nothing, by one who is no auditor.
    refused(say(&mut log, &split, &all[..2]), Code::Insufficient);
    refused(say(&mut log, &split, &[&all[..], &[auditor(2)]].concat()), Code::UnknownKey);
    let mut strange = vec![vk(&auditor(0)), vk(&stranger())];
    strange.sort_unstable();
    let of_a_stranger = KeyCustody { holders: strange, ..split.clone() };
    refused(say(&mut log, &of_a_stranger, &[warden(), auditor(0), stranger()]), Code::UnknownKey);
    say(&mut log, &split, &all).unwrap();
    let again = KeyCustody { at: Hour::of(T0 + 3600), ..split.clone() };
    refused(say(&mut log, &again, &all), Code::Duplicate);
    let restored = KeyCustody { at: Hour::of(T0 + 3600), ..restored };
    say(&mut log, &restored, &[warden()]).unwrap();
    // A key in use can't be called destroyed, nor by some of those who had parts.
    refused(say(&mut log, &destroyed, &all), Code::Order);
    log.now = key.not_after.0;
    let destroyed = KeyCustody { at: Hour::of(log.now), ..destroyed };
    refused(say(&mut log, &destroyed, &[warden()]), Code::Insufficient);
    say(&mut log, &destroyed, &all).unwrap();
    let custody = log.state.key_by_id(&key.key_id()).unwrap().custody.clone();
    assert!(custody.destroyed.is_some() && custody.restored.len() == 1 && custody.holders().len() == 2);
    let back = KeyCustody { at: Hour::of(log.now + 3600), ..restored };
    refused(say(&mut log, &back, &[warden()]), Code::Order);
}

#[test]
fn only_a_token_key_is_found_as_one() {
    let mut log = Log::new();
    let body = key_announced(KeyKind::Intake, 1);
    log.announce(&body, &[role(Role::Forwarder)]).unwrap();
    refused(log.state.token_key_by_id(&body.key_id()), Code::TokenKey);
    refused(log.state.token_key_by_id(&sha256(b"unknown")), Code::TokenKey);
}

#[test]
fn refuses_a_key_of_another_form() {
    let mut log = Log::new();
    let mut body = key_announced(KeyKind::Token, 1);
    body.key = Bytes(vec![1; 341]);
    refused(log.announce(&body, &issuer()), Code::Size);
    let mut body = key_announced(KeyKind::Intake, 1);
    body.key = Bytes(vec![1; 1215]);
    refused(log.announce(&body, &[role(Role::Forwarder)]), Code::Size);
    assert_eq!(log.state.keys().count(), 0);
}

#[test]
fn refuses_a_key_that_ends_before_it_begins() {
    let mut body = key_announced(KeyKind::Token, 1);
    body.not_after = body.not_before;
    refused(Log::new().announce(&body, &issuer()), Code::Field);
}

#[test]
fn an_entry_with_too_few_signatures_changes_nothing() {
    let mut log = Log::new();
    refused(log.announce(&key_announced(KeyKind::Warden, 1), &[warden(), auditor(0)]), Code::Insufficient);
    assert_eq!((log.state.keys().count(), log.size()), (0, 3));
}

#[test]
fn refuses_a_statement_twice_with_whatever_signatures() {
    let mut log = with_token_keys(&[1]);
    let again = sign(Verb::KeyAnnounced, &key_announced(KeyKind::Token, 1), &[role(Role::Issuer), auditor(0)]);
    refused(log.would(&again), Code::Duplicate);
    refused(log.put(&again), Code::Duplicate);
    assert_eq!(epoch(&log, T0 + DAY), Ok(1));
}

#[test]
fn refuses_entries_out_of_turn() {
    let mut log = Log::new();
    let leaf = sign(Verb::KeyAnnounced, &key_announced(KeyKind::Token, 1), &issuer()).to_bytes();
    refused(log.state.apply(&log.trust, 3, &leaf, Some(T0)), Code::Order);
    refused(log.state.apply(&log.trust, 1, &leaf, Some(T0)), Code::Order);
    assert!(log.state.apply(&log.trust, 2, &leaf, Some(T0)).is_ok());
}

#[test]
fn asking_whether_an_entry_fits_changes_nothing() {
    let log = Log::new();
    let statement = sign(Verb::KeyAnnounced, &key_announced(KeyKind::Token, 1), &issuer());
    assert!(log.would(&statement).is_ok() && log.would(&statement).is_ok());
    assert_eq!(log.state.keys().count(), 0);
}

#[test]
fn policies_count_up_by_one() {
    let mut log = Log::new();
    let keys = [role(Role::Gateway), auditor(0)];
    refused(log.put(&sign(Verb::PolicySet, &policy(3), &keys)), Code::Field);
    log.put(&sign(Verb::PolicySet, &policy(2), &keys)).unwrap();
    assert_eq!(log.state.policy().unwrap().version, 2);
}

#[test]
fn a_council_counts_only_after_its_delay_in_the_log() {
    let log = Log::new();
    refused(log.state.active_council(&log.trust, T0 + 7 * DAY - 1), Code::NotActive);
    let active = log.state.active_council(&log.trust, T0 + 7 * DAY).unwrap();
    assert_eq!(*active.council.council_id(), council_id().0);
}

#[test]
fn a_retired_council_takes_no_reports_but_opens_old_ones() {
    let mut log = Log::new();
    let body = CouncilNote { v: V1, at: Hour::of(T0), council_id: council_id(), codes: vec![code("end")] };
    log.put(&sign(Verb::CouncilRetired, &body, &[official(1), official(2)])).unwrap();
    refused(log.state.active_council(&log.trust, T0 + 30 * DAY), Code::NotActive);
    let again = CouncilNote { codes: vec![code("again")], ..body };
    refused(log.put(&sign(Verb::CouncilRetired, &again, &[official(1), official(2)])), Code::Duplicate);
    let r = log.ask("r");
    assert!(log.approve(r, 1).is_ok());
}

#[test]
fn refuses_a_second_first_council_of_a_lineage() {
    let mut log = Log::new();
    let mut body = council();
    body.transcript = hash("another transcript");
    refused(log.put(&sign(Verb::CouncilFormed, &body, &founders())), Code::Context);
    let mut later = council_body("other", 2, 2, &officials());
    later.reshare_id = None;
    refused(log.put(&sign(Verb::CouncilFormed, &later, &founders())), Code::Context);
}

fn reshared(epoch: u64) -> (CouncilFormed, Vec<SigningKey>) {
    let people: Vec<_> = (4..=6).map(official).collect();
    let keys = [&people[..], &[warden(), auditor(0), official(1), official(2)]].concat();
    (council_body("council", epoch, 2, &people), keys)
}

#[test]
fn a_council_follows_by_epoch_with_the_same_key() {
    let mut log = Log::new();
    let (skipping, keys) = reshared(3);
    refused(log.put(&sign(Verb::CouncilReshared, &skipping, &keys)), Code::Context);
    let (body, keys) = reshared(2);
    log.put(&sign(Verb::CouncilReshared, &body, &keys)).unwrap();
    let id = *Council::from_body(&body).unwrap().council_id();
    let active = log.state.active_council(&log.trust, T0 + 7 * DAY).unwrap();
    assert_eq!(*active.council.council_id(), id);
}

#[test]
fn refuses_a_refresh_that_changes_people() {
    let mut log = Log::new();
    let (body, keys) = reshared(2);
    refused(log.put(&sign(Verb::CouncilRefreshed, &body, &keys)), Code::Context);
    let same = council_body("council", 2, 2, &officials());
    log.put(&sign(Verb::CouncilRefreshed, &same, &founders())).unwrap();
}

#[test]
fn a_change_of_council_voids_its_requests() {
    let mut log = Log::new();
    let (waiting, out) = (log.ask("waiting"), log.ready("out"));
    log.release(out).unwrap();
    let (body, keys) = reshared(2);
    log.put(&sign(Verb::CouncilReshared, &body, &keys)).unwrap();
    let status = |r: Hex<32>| log.request(&r.0).status(log.state.witnessed(), log.now);
    assert_eq!((status(waiting), status(out)), (Status::Void, Status::Released));
    refused(log.approve(waiting, 1), Code::Order);
    let late = sign(Verb::UnsealRequested, &requested("late"), &[official(1)]);
    refused(log.put(&late), Code::Order);
}

#[test]
fn a_council_that_is_reshared_names_the_ceremony_and_a_new_one_does_not() {
    let read = |verb, body: &CouncilFormed| Body::parse(verb, &json::to_vec(body).unwrap());
    let (mut body, _) = reshared(2);
    read(Verb::CouncilReshared, &body).unwrap();
    refused(read(Verb::CouncilFormed, &body), Code::Field);
    body.reshare_id = None;
    refused(read(Verb::CouncilReshared, &body), Code::Field);
    refused(read(Verb::CouncilRefreshed, &body), Code::Field);
    read(Verb::CouncilFormed, &council()).unwrap();
}

#[test]
fn an_official_shows_that_his_share_works() {
    let mut log = Log::new();
    let put = |log: &mut Log, body: &CouncilChecked, i| log.put(&sign(Verb::CouncilChecked, body, &[official(i)]));
    put(&mut log, &checked(2, "checkpoint"), 2).unwrap();
    let known = &log.state.council(&council_id().0).unwrap().checked;
    assert_eq!(known.keys().copied().collect::<Vec<_>>(), [2]);

    // Another one's proof, a proof for another checkpoint, a checkpoint that is yet to come.
    let borrowed = CouncilChecked { index: 3, ..checked(2, "later") };
    refused(put(&mut log, &borrowed, 3), Code::Context);
    let old = CouncilChecked { checkpoint_hash: hash("later"), ..checked(2, "checkpoint") };
    refused(put(&mut log, &old, 2), Code::Context);
    let ahead = CouncilChecked { tree_size: 1000, ..checked(2, "later") };
    refused(put(&mut log, &ahead, 2), Code::Order);

    let (body, keys) = reshared(2);
    log.put(&sign(Verb::CouncilReshared, &body, &keys)).unwrap();
    refused(put(&mut log, &checked(2, "after the reshare"), 2), Code::Order);
}

#[test]
fn a_retired_key_stays_retired_through_a_reshare() {
    let mut log = Log::new();
    let body = CouncilNote { v: V1, at: Hour::of(T0), council_id: council_id(), codes: vec![code("sealed.kept")] };
    log.put(&sign(Verb::CouncilRetired, &body, &[official(1), official(2)])).unwrap();
    let (body, keys) = reshared(2);
    log.put(&sign(Verb::CouncilReshared, &body, &keys)).unwrap();
    refused(log.state.active_council(&log.trust, T0 + 30 * DAY), Code::NotActive);
    let id = *Council::from_body(&body).unwrap().council_id();
    let mut ask = requested("later");
    ask.council_id = Hex(id);
    log.put(&sign(Verb::UnsealRequested, &ask, &[official(4)])).unwrap();
}

#[test]
fn nobody_asks_a_council_that_gave_up_what_is_sealed_to_it() {
    let mut log = Log::new();
    let body = CouncilNote { v: V1, at: Hour::of(T0), council_id: council_id(), codes: vec![code("sealed.lost")] };
    log.put(&sign(Verb::CouncilRetired, &body, &[official(1), official(2)])).unwrap();
    let late = sign(Verb::UnsealRequested, &requested("late"), &[official(1)]);
    refused(log.put(&late), Code::NotActive);
}
