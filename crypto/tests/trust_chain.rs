//! A trust root that changed: who has which version reads the same log alike, and each entry by the version of its time.

#[path = "common/world.rs"]
mod world;

use tabir_crypto::Code;
use tabir_crypto::ed25519::SigningKey;
use tabir_crypto::statement::body::{Acceptance, KeyKind, Role};
use tabir_crypto::statement::value::{Hex, Hour, Second, V1};
use tabir_crypto::statement::{Statement, Verb};
use tabir_crypto::trust::root::{Follows, LogKey, LogName, TrustRoot};
use tabir_crypto::trust::{State, Trust, audit, rule};
use world::*;

const DAY: u64 = 86_400;

fn first() -> Statement {
    sign(Verb::TrustRoot, &trust_root(), &quorum())
}

/// The issuer and two of the three auditors are other people now.
fn change(root: &mut TrustRoot) {
    root.identities.insert(Role::Issuer, vk(&key("new issuer")));
    root.identities.insert(Role::Gateway, vk(&key("new gateway")));
    root.auditors[0] = vk(&key("new auditor 0"));
    root.auditors[1] = vk(&key("new auditor 1"));
}

fn new_quorum() -> [SigningKey; 2] {
    [key("new auditor 0"), key("new auditor 1")]
}

fn after(trust: &Trust, change: impl FnOnce(&mut TrustRoot), keys: &[SigningKey]) -> Statement {
    let mut root = trust.root().clone();
    root.version += 1;
    root.previous = Some(Hex(*trust.hash()));
    change(&mut root);
    sign(Verb::TrustRoot, &root, keys)
}

fn second() -> Statement {
    after(&Trust::pinned(&first()).unwrap(), change, &[&quorum()[..], &new_quorum()].concat())
}

/// Version 2, with version 1 before it.
fn both() -> Trust {
    Trust::chain([&first(), &second()]).unwrap()
}

fn token(epoch: u64) -> tabir_crypto::statement::body::KeyAnnounced {
    key_announced(KeyKind::Token, epoch)
}

/// A key of the old issuer, the new version, a key of the new one.
fn changed() -> Log {
    let mut log = Log::new();
    log.announce(&token(1), &[role(Role::Issuer)]).unwrap();
    log.put(&second()).unwrap();
    log.announce(&token(2), &[key("new issuer")]).unwrap();
    log
}

#[test]
fn a_chain_has_each_version_and_refuses_what_does_not_follow() {
    let trust = both();
    assert_eq!(trust.versions().map(|t| t.root().version).collect::<Vec<_>>(), [2, 1]);
    assert_eq!(
        (trust.first().hash(), trust.version(2).unwrap().hash()),
        (Trust::pinned(&first()).unwrap().hash(), trust.hash())
    );
    assert!(trust.version(3).is_none());
    refused(Trust::chain([]), Code::Trust);
    refused(Trust::chain([&first(), &first()]), Code::Trust);
    refused(Trust::chain([&second(), &first()]), Code::Trust);
    let third = after(&trust, |root| root.freshness_s += 1, &new_quorum());
    refused(Trust::chain([&first(), &third]), Code::Trust);
    assert_eq!(Trust::chain([&first(), &second(), &third]).unwrap().versions().count(), 3);
}

#[test]
fn a_later_version_can_be_pinned_alone_by_its_own_auditors() {
    let alone = Trust::pinned(&second()).unwrap();
    assert_eq!((alone.hash(), alone.versions().count()), (both().hash(), 1));
    let one = Trust::pinned(&first()).unwrap();
    refused(Trust::pinned(&after(&one, change, &[quorum()[0].clone(), key("new auditor 1")])), Code::Insufficient);
    refused(Trust::pinned(&after(&one, change, &[&quorum()[..], &new_quorum()[..1]].concat())), Code::Insufficient);
    refused(Trust::pinned(&after(&one, change, &quorum())), Code::Signatures);
}

#[test]
fn an_identity_signs_from_the_entry_that_names_it_to_the_entry_that_replaces_it() {
    let mut log = Log::new();
    refused(log.would(&sign(Verb::KeyAnnounced, &token(1), &[key("new issuer")])), Code::UnknownKey);
    log.put(&second()).unwrap();
    refused(log.would(&sign(Verb::KeyAnnounced, &token(1), &[role(Role::Issuer)])), Code::UnknownKey);
    log.announce(&token(1), &[key("new issuer")]).unwrap();
}

#[test]
fn auditors_sign_by_the_version_of_the_entry() {
    let mut log = Log::new();
    let warden_key = key_announced(KeyKind::Warden, 1);
    log.put(&second()).unwrap();
    let old = sign(Verb::KeyAnnounced, &warden_key, &[&quorum()[..], &[warden()]].concat());
    refused(log.would(&old), Code::UnknownKey);
    log.announce(&warden_key, &[&new_quorum()[..], &[warden()]].concat()).unwrap();
}

#[test]
fn whoever_pinned_an_earlier_or_a_later_version_reads_the_same() {
    let log = changed();
    for pinned in [Trust::pinned(&first()).unwrap(), both()] {
        let mut state = State::new();
        for (entry, (leaf, at)) in (0..).zip(&log.leaves) {
            state.apply(&pinned, entry, leaf, *at).unwrap();
        }
        assert_eq!(state.trust(&pinned).hash(), both().hash());
        assert_eq!(state.active_key(&pinned, KeyKind::Token, T0 + 2 * DAY).unwrap().body.epoch, 2);
        assert!(audit::audit(&pinned, log.entries(), [], T0).ok());
    }
}

#[test]
fn a_pinned_version_counts_only_when_the_log_has_announced_it() {
    let (pinned, state) = (both(), State::new());
    assert_eq!(state.trust(&pinned).root().version, 1);
    refused(rule::check(&pinned, &state, &sign(Verb::KeyAnnounced, &token(1), &[key("new issuer")])), Code::UnknownKey);
    rule::check(&pinned, &state, &sign(Verb::KeyAnnounced, &token(1), &[role(Role::Issuer)])).unwrap();
}

#[test]
fn a_log_cannot_announce_another_version_than_the_pinned_one() {
    let other = after(&Trust::pinned(&first()).unwrap(), |root| root.freshness_s += 1, &quorum());
    let mut log = Log { trust: both(), ..Log::empty() };
    refused(log.would(&other), Code::Trust);
    log.put(&second()).unwrap();
    refused(log.would(&second()), Code::Trust);
}

#[test]
fn a_version_needs_both_quorums_and_follows_the_one_before() {
    let one = Trust::pinned(&first()).unwrap();
    let mut log = Log::new();
    refused(log.would(&after(&one, change, &quorum())), Code::Insufficient);
    refused(log.would(&after(&one, change, &new_quorum())), Code::Insufficient);
    refused(log.would(&first()), Code::Trust);
    let skipped = after(&both(), |root| root.freshness_s += 1, &new_quorum());
    refused(log.would(&skipped), Code::Trust);
    // The audit names one that got in all the same.
    let _ = log.put_leaf(skipped.to_bytes(), Some(T0));
    let report = audit::audit(&one, log.entries(), [], T0);
    let failed: Vec<_> = report.failed().map(|c| (c.name, c.code)).collect();
    assert_eq!(failed, [("trust.sound", Some("trust"))]);
}

/// A longer delay takes no key away that people already use, a shorter one lets no key begin before its day.
#[test]
fn the_delay_of_a_key_is_that_of_the_version_of_its_entry() {
    let one = Trust::pinned(&first()).unwrap();
    let at = |log: &Log, now| log.state.active_key(&log.trust, KeyKind::Token, now).map(|k| k.body.epoch);
    for later in [10 * DAY, 0] {
        let mut log = Log::new();
        log.announce(&token(1), &[role(Role::Issuer)]).unwrap();
        log.put(&after(&one, |root| root.activation_s.token = later, &quorum())).unwrap();
        refused(at(&log, T0 + DAY - 1), Code::NotActive);
        assert_eq!(at(&log, T0 + DAY), Ok(1));
        log.announce(&token(2), &[role(Role::Issuer)]).unwrap();
        let begins = if later == 0 { T0 } else { T0 + later };
        assert_ne!(at(&log, begins - 1), Ok(2));
        assert_eq!(at(&log, begins), Ok(2));
    }
}

#[test]
fn the_delay_of_a_council_is_that_of_the_version_of_its_entry() {
    let one = Trust::pinned(&first()).unwrap();
    for later in [30 * DAY, 0] {
        let mut log = Log::new();
        log.put(&after(&one, |root| root.activation_s.council = later, &quorum())).unwrap();
        let at = |now| log.state.active_council(&log.trust, now).map(|c| *c.council.council_id());
        refused(at(T0 + 7 * DAY - 1), Code::NotActive);
        assert_eq!(at(T0 + 7 * DAY), Ok(council_id().0));
        assert_eq!(log.state.council_counts_from(&log.trust, &council().lineage.0), Some(T0 + 7 * DAY));
    }
}

#[test]
fn the_cap_of_a_day_is_that_of_the_version_that_held() {
    let mut log = Log::new();
    let asked: Vec<_> = ["1", "2", "3"].iter().map(|name| log.ask(name)).collect();
    for r in &asked {
        log.approve(*r, 1).unwrap();
        log.approve(*r, 2).unwrap();
    }
    log.now = (T0 + COOLING) / DAY * DAY + DAY;
    log.release(asked[0]).unwrap();
    log.release(asked[1]).unwrap();
    let one = Trust::pinned(&first()).unwrap();
    log.put(&after(&one, |root| root.release_cap_per_day = 1, &quorum())).unwrap();
    let failed =
        |log: &Log| audit::audit(&log.trust, log.entries(), [], log.now).failed().map(|c| c.name).collect::<Vec<_>>();
    assert_eq!(failed(&log), Vec::<&str>::new());
    log.release(asked[2]).unwrap();
    assert_eq!(failed(&log), ["unseal.cap"]);
}

#[test]
fn what_a_role_promised_holds_after_its_key_changed() {
    let (v, at) = (V1, Hour::of(T0));
    let body = Acceptance {
        v,
        at,
        case_id: hash("c"),
        a: hash("a"),
        b: hash("b"),
        nf: hash("nf"),
        w: 1,
        deadline: Second(T0),
        log_origin: text("intake"),
    };
    let log = changed();
    for signer in [role(Role::Gateway), key("new gateway")] {
        rule::check(&log.trust, &log.state, &sign(Verb::Acceptance, &body, &[signer])).unwrap();
    }
    refused(rule::check(&log.trust, &log.state, &sign(Verb::Acceptance, &body, &[stranger()])), Code::UnknownKey);
}

/// The log's key was lost after one entry.
#[test]
fn a_log_that_goes_on_after_a_lost_key_says_so_before_anything_else() {
    let goes_on = after(
        &Trust::pinned(&first()).unwrap(),
        |root| {
            let follows = Some(Follows { size: 1, root: hash("root") });
            let (origin, vkey) = (text("governance-2"), vkey("governance-2"));
            root.logs[0] = LogKey { name: LogName::Governance, origin, vkey, follows };
        },
        &quorum(),
    );
    let trust = Trust::chain([&first(), &goes_on]).unwrap();
    let key = |epoch| sign(Verb::KeyAnnounced, &token(epoch), &[role(Role::Issuer)]);
    let mut state = State::new();
    for (index, statement, fits) in [(0, key(1), true), (1, key(2), false), (2, goes_on, true), (3, key(3), true)] {
        let put = state.apply(&trust, index, &statement.to_bytes(), Some(T0));
        assert_eq!(put.err().map(|e| e.code()), (!fits).then_some(Code::Order), "{index}");
    }
    refused(state.key(KeyKind::Token, 2), Code::NotActive);
    // Who does not know of it yet reads on: to him it is the old log's business.
    let old = Trust::pinned(&first()).unwrap();
    let mut state = State::new();
    state.apply(&old, 0, &key(1).to_bytes(), Some(T0)).unwrap();
    state.apply(&old, 1, &key(2).to_bytes(), Some(T0)).unwrap();
}
