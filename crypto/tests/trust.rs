//! What makes a trust root sound, and what a newer version needs.

#[path = "common/world.rs"]
mod world;

use tabir_crypto::Code;
use tabir_crypto::ed25519::SigningKey;
use tabir_crypto::statement::body::Role;
use tabir_crypto::statement::value::Hex;
use tabir_crypto::statement::{Statement, Verb};
use tabir_crypto::trust::fresh::{self, Purpose};
use tabir_crypto::trust::root::{Follows, LogKey, LogName, TrustRoot};
use tabir_crypto::trust::{Signer, Trust};
use world::*;

fn first() -> Statement {
    sign(Verb::TrustRoot, &trust_root(), &quorum())
}

/// The trust root with one thing changed, well signed all the same.
#[track_caller]
fn unsound(change: impl FnOnce(&mut TrustRoot)) {
    let mut root = trust_root();
    change(&mut root);
    refused(Trust::pinned(&sign(Verb::TrustRoot, &root, &quorum())), Code::Trust);
}

fn next(change: impl FnOnce(&mut TrustRoot), keys: &[SigningKey]) -> tabir_crypto::Result<Trust> {
    let old = Trust::pinned(&first()).unwrap();
    let mut root = trust_root();
    root.version = 2;
    root.previous = Some(Hex(*old.hash()));
    change(&mut root);
    old.update(&sign(Verb::TrustRoot, &root, keys))
}

#[test]
fn takes_a_sound_trust_root_and_knows_whose_each_key_is() {
    let trust = Trust::pinned(&first()).unwrap();
    for r in Role::ALL {
        assert_eq!(*trust.identity(r), role(r).verifying_key());
        assert_eq!(trust.signer(&role(r).verifying_key().key_id()), Some(Signer::Role(r)));
    }
    assert_eq!(trust.signer(&auditor(2).verifying_key().key_id()), Some(Signer::Auditor(2)));
    assert_eq!(trust.signer(&stranger().verifying_key().key_id()), None);
    assert_eq!(trust.log(LogName::Intake).origin.as_str(), "intake");
}

#[test]
fn refuses_fewer_auditors_than_the_quorum() {
    refused(Trust::pinned(&sign(Verb::TrustRoot, &trust_root(), &[auditor(0)])), Code::Insufficient);
}

#[test]
fn refuses_a_signature_of_who_is_no_auditor() {
    let keys = [auditor(0), auditor(1), warden()];
    refused(Trust::pinned(&sign(Verb::TrustRoot, &trust_root(), &keys)), Code::UnknownKey);
}

#[test]
fn refuses_another_verb() {
    refused(Trust::pinned(&sign(Verb::PolicySet, &policy(1), &quorum())), Code::Verb);
}

#[test]
fn refuses_a_role_without_an_identity() {
    unsound(|root| assert!(root.identities.remove(&Role::Warden).is_some()));
}

#[test]
fn refuses_one_key_for_two_roles() {
    unsound(|root| assert!(root.identities.insert(Role::Warden, vk(&role(Role::Council))).is_some()));
}

#[test]
fn refuses_an_auditor_who_is_a_role() {
    unsound(|root| root.auditors[2] = vk(&warden()));
}

#[test]
fn refuses_one_auditor_twice() {
    unsound(|root| root.auditors[2] = root.auditors[1]);
}

#[test]
fn refuses_an_auditor_quorum_of_none() {
    unsound(|root| root.auditor_quorum = 0);
}

#[test]
fn refuses_an_auditor_quorum_that_nobody_can_reach() {
    unsound(|root| root.auditor_quorum = 4);
}

#[test]
fn refuses_a_witness_quorum_that_nobody_can_reach() {
    unsound(|root| root.witness_quorum = 2);
}

#[test]
fn refuses_a_witness_quorum_of_none() {
    unsound(|root| root.witness_quorum = 0);
    unsound(|root| (root.witnesses, root.witness_quorum) = (Vec::new(), 0));
}

#[test]
fn refuses_a_witness_quorum_that_lets_two_histories_pass() {
    unsound(|root| root.witnesses.push(vkey("witness 2")));
}

#[test]
fn refuses_one_witness_under_two_names() {
    unsound(|root| {
        let twin = root.witnesses[0].as_str().replacen("witness", "other", 1);
        root.witnesses.push(text(&twin));
        root.witness_quorum = 2;
    });
}

#[test]
fn refuses_a_witness_that_is_no_verifier_key() {
    unsound(|root| root.witnesses[0] = text("witness"));
}

#[test]
fn refuses_a_log_that_witnesses_itself() {
    unsound(|root| root.witnesses[0] = root.logs[0].vkey.clone());
}

#[test]
fn refuses_one_key_for_both_logs() {
    unsound(|root| root.logs[1].vkey = root.logs[0].vkey.clone());
}

#[test]
fn refuses_one_origin_for_both_logs() {
    unsound(|root| root.logs[1].origin = root.logs[0].origin.clone());
}

#[test]
fn refuses_a_missing_or_doubled_log() {
    unsound(|root| drop(root.logs.pop()));
    unsound(|root| root.logs[1].name = LogName::Governance);
    unsound(|root| root.logs.swap(0, 1));
}

#[test]
fn refuses_a_version_that_does_not_fit_its_previous_hash() {
    unsound(|root| (root.version, root.previous) = (0, Some(hash("before the first"))));
    unsound(|root| root.version = 2);
    unsound(|root| root.previous = Some(hash("another")));
}

#[test]
fn takes_the_next_version() {
    let trust = next(|root| root.auditors[2] = vk(&key("new auditor")), &quorum()).unwrap();
    assert_eq!(trust.root().version, 2);
}

#[test]
fn any_version_can_be_pinned() {
    let mut root = trust_root();
    (root.version, root.previous) = (7, Some(hash("version 6")));
    assert_eq!(Trust::pinned(&sign(Verb::TrustRoot, &root, &quorum())).unwrap().root().version, 7);
}

#[test]
fn refuses_to_skip_a_version() {
    refused(next(|root| root.version = 3, &quorum()), Code::Trust);
}

#[test]
fn refuses_a_version_that_follows_another_one() {
    refused(next(|root| root.previous = Some(hash("another")), &quorum()), Code::Trust);
}

/// The governance log has another origin and key.
fn lost(name: &'static str, size: u64) -> impl FnOnce(&mut TrustRoot) {
    move |root| {
        let follows = Some(Follows { size, root: hash("root") });
        root.logs[0] = LogKey { name: LogName::Governance, origin: text(name), vkey: vkey(name), follows };
    }
}

type Lie = fn(&mut TrustRoot);

#[test]
fn a_log_has_another_key_only_where_it_says_what_it_goes_on_from() {
    let trust = next(lost("governance-2", 7), &quorum()).unwrap();
    let [(old, head)] = trust.ended(LogName::Governance).collect::<Vec<_>>()[..] else { panic!() };
    assert_eq!((old.origin.as_str(), head.size, head.root), ("governance", 7, hash("root").0));
    assert_eq!(trust.ended(LogName::Intake).count(), 0);
    let lies: [(&str, Lie); 5] = [
        ("no head", |log| log.logs[0].follows = None),
        ("the old key", |log| log.logs[0].vkey = vkey("governance")),
        ("the old origin", |log| log.logs[0].origin = text("governance")),
        ("the other log's key", |log| log.logs[0].vkey = vkey("intake")),
        ("a head and nothing else", |log| {
            let follows = log.logs[0].follows;
            log.logs[0] = LogKey { follows, ..trust_root().logs[0].clone() };
        }),
    ];
    for (what, lie) in lies {
        let change = |root: &mut TrustRoot| {
            lost("governance-2", 7)(root);
            lie(root);
        };
        assert_eq!(next(change, &quorum()).expect_err(what).code(), Code::Trust, "{what}");
    }
}

#[test]
fn an_origin_that_was_given_up_never_comes_back_and_no_log_shrinks() {
    let second = next(lost("governance-2", 7), &quorum()).unwrap();
    let third = |change: &dyn Fn(&mut TrustRoot)| {
        let mut root = second.root().clone();
        (root.version, root.previous) = (3, Some(Hex(*second.hash())));
        change(&mut root);
        second.update(&sign(Verb::TrustRoot, &root, &quorum()))
    };
    assert_eq!(third(&|root| lost("governance-3", 7)(root)).unwrap().ended(LogName::Governance).count(), 2);
    assert_eq!(third(&|root| root.freshness_s += 1).unwrap().ended(LogName::Governance).count(), 1);
    refused(third(&|root| lost("governance", 9)(root)), Code::Trust);
    refused(third(&|root| lost("governance-3", 6)(root)), Code::Trust);
    refused(third(&|root| root.logs[0].follows = None), Code::Trust);
}

#[test]
fn refuses_a_first_version_whose_log_follows_another() {
    unsound(|root| root.logs[1].follows = Some(Follows { size: 1, root: hash("root") }));
}

#[test]
fn refuses_a_demo_that_turns_real() {
    refused(next(|root| root.demo = true, &quorum()), Code::Trust);
}

/// Two new auditors in place of two old ones.
fn two_new(root: &mut TrustRoot) {
    (root.auditors[1], root.auditors[2]) = (vk(&key("new 1")), vk(&key("new 2")));
}

#[test]
fn refuses_a_next_version_without_the_old_quorum() {
    refused(next(two_new, &[auditor(0), key("new 1"), key("new 2")]), Code::Insufficient);
}

#[test]
fn refuses_a_next_version_whose_own_auditors_did_not_sign() {
    refused(next(two_new, &quorum()), Code::Insufficient);
    assert!(next(two_new, &[auditor(0), auditor(1), key("new 1")]).is_ok());
}

#[test]
fn refuses_a_next_version_that_a_stranger_signed_too() {
    refused(next(|_| {}, &[auditor(0), auditor(1), stranger()]), Code::UnknownKey);
}

#[test]
fn a_head_is_fresh_up_to_the_limit_and_not_a_second_longer() {
    let trust = Trust::pinned(&first()).unwrap();
    let (limit, fortnight) = (trust.root().freshness_s, 14 * DAY);
    let old = |purpose, age| fresh::check(&trust, purpose, T0, T0 + age);
    assert_eq!((old(Purpose::Binding, limit), old(Purpose::Report, fortnight)), (Ok(()), Ok(())));
    refused(old(Purpose::Binding, limit + 1), Code::Stale);
    refused(old(Purpose::Report, fortnight + 1), Code::Stale);
    // A clock that is behind the witnesses' finds nothing old.
    assert_eq!(fresh::check(&trust, Purpose::Binding, T0, T0 - 1), Ok(()));

    // Who may wait longer with an identity may do so without.
    let trust = next(|root| root.freshness_s = 30 * DAY, &quorum()).unwrap();
    assert_eq!(fresh::check(&trust, Purpose::Report, T0, T0 + 30 * DAY), Ok(()));
}
