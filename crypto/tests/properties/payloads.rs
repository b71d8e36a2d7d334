//! A strategy for the payload of every verb.

use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::Value;
use tabir_crypto::statement::Verb;
use tabir_crypto::statement::body::*;
use tabir_crypto::statement::value::{Bytes, CodeText, Hex, Hex32, Hour, Second, Text, V1};
use tabir_crypto::trust::root::{Activation, Follows, LogKey, LogName, TrustRoot};

/// The last second of the year 9999.
const LAST: u64 = 253_402_300_799;

pub fn h() -> impl Strategy<Value = Hex32> {
    any::<[u8; 32]>().prop_map(Hex)
}

pub fn second() -> impl Strategy<Value = Second> {
    (0..=LAST).prop_map(Second)
}

pub fn hour() -> impl Strategy<Value = Hour> {
    (0..=LAST).prop_map(Hour::of)
}

/// Any integer that JSON holds; small ones and the largest more often.
pub fn n() -> impl Strategy<Value = u64> {
    prop_oneof![0..300_u64, 0..1_u64 << 53, Just((1 << 53) - 1)]
}

pub fn code() -> impl Strategy<Value = CodeText> {
    "[a-z0-9_.-]{1,64}".prop_map(|c| CodeText::new(&c).unwrap())
}

/// Any characters, those that JSON escapes among them.
pub fn text() -> impl Strategy<Value = Text> {
    vec(any::<char>(), 1..=255).prop_map(|t| Text::new(&t.into_iter().collect::<String>()).unwrap())
}

pub fn bytes() -> impl Strategy<Value = Bytes> {
    prop_oneof![vec(any::<u8>(), 0..=200), vec(any::<u8>(), 60..=100), vec(any::<u8>(), 1_216)].prop_map(Bytes)
}

fn indexed() -> impl Strategy<Value = Vec<IndexedHash>> {
    vec((any::<u16>(), h()).prop_map(|(index, hash)| IndexedHash { index, hash }), 0..5)
}

fn status() -> impl Strategy<Value = Status> {
    select(Status::ALL.to_vec())
}

fn role() -> impl Strategy<Value = Role> {
    select(Role::ALL.to_vec())
}

fn release() -> impl Strategy<Value = Release> {
    select(vec![Release::Urgent, Release::Batched])
}

/// The verb, and its payload as a value.
pub fn any_payload() -> BoxedStrategy<(Verb, Value)> {
    macro_rules! bodies {
        ($($verbs:expr => $kind:ident { $($field:ident: $strategy:expr),* $(,)? })*) => { prop_oneof![$({
            // At most twelve fields a tuple: they are nested, two by two.
            let fields = nested!($($field: $strategy),*);
            let body = fields.prop_map(|nested_pattern!($($field),*)| {
                serde_json::to_value($kind { v: V1, $($field),* }).unwrap()
            });
            (select($verbs.to_vec()), body).boxed()
        }),*] };
    }
    macro_rules! nested {
        () => { Just(()) };
        ($field:ident: $strategy:expr $(, $rest:ident: $more:expr)*) => { ($strategy, nested!($($rest: $more),*)) };
    }
    macro_rules! nested_pattern {
        () => { () };
        ($field:ident $(, $rest:ident)*) => { ($field, nested_pattern!($($rest),*)) };
    }
    let at = hour;
    let kind = || select(vec![KeyKind::Token, KeyKind::Intake, KeyKind::Warden]);
    let pairs = || vec([h(), h()], 0..5);
    let fates = [Verb::ReportForwarded, Verb::ReportRefused, Verb::ReportPending];
    let writes = [Verb::CaseSubmit, Verb::CaseMessage, Verb::CaseRate, Verb::CaseDispute, Verb::CaseErase];
    let ceremony = select(vec![CeremonyKind::Form, CeremonyKind::Refresh, CeremonyKind::Reshare]);
    let manifest_member = (any::<u16>(), h(), bytes());
    let manifest_member = manifest_member.prop_map(|(index, ed_vk, kem_pk)| ManifestMember { index, ed_vk, kem_pk });
    let member = || {
        let fields = (any::<u16>(), h(), h(), bytes());
        fields.prop_map(|(index, yi, ed_vk, kem_pk)| Member { index, yi, ed_vk, kem_pk })
    };
    let entries = || vec((code(), text(), text()).prop_map(|(code, id, en)| CodeEntry { code, id, en }), 0..3);
    let codes = [entries(), entries(), entries(), entries(), entries(), entries()].prop_map(
        |[legal_basis, reason, refusal, deferral, failure, recusal]| PolicyCodes {
            legal_basis,
            reason,
            refusal,
            deferral,
            failure,
            recusal,
        },
    );
    let category = (code(), text(), text(), release());
    let category = category.prop_map(|(code, id, en, release)| Category { code, id, en, release });
    let file = (text(), h()).prop_map(|(path, sha256)| PageFile { path, sha256 });
    let follows = option::of((n(), h()).prop_map(|(size, root)| Follows { size, root }));
    let log = (select(LogName::ALL.to_vec()), text(), text(), follows);
    let log = log.prop_map(|(name, origin, vkey, follows)| LogKey { name, origin, vkey, follows });
    let activation = [n(), n(), n(), n()];
    let activation =
        activation.prop_map(|[token, intake, warden, council]| Activation { token, intake, warden, council });
    // Either the nonce is public, or the notice is deferred: three fields that go together.
    let deferral = prop_oneof![
        h().prop_map(|nonce| (Some(nonce), None, None)),
        (second(), code()).prop_map(|(until, why)| (None, Some(until), Some(why))),
    ];
    let requested = (at(), any::<[u8; 16]>(), h(), any::<u16>(), [code(), code()], [h(), h()], deferral);
    let requested =
        requested.prop_map(|(at, id, council_id, requester, [legal_basis, reason], [commit, tag], rest)| {
            let (request_id, (nonce, deferred_until, deferral)) = (Hex(id), rest);
            let body = UnsealRequested {
                v: V1,
                at,
                request_id,
                council_id,
                requester,
                legal_basis,
                reason,
                commit,
                tag,
                nonce,
                deferred_until,
                deferral,
            };
            (Verb::UnsealRequested, serde_json::to_value(body).unwrap())
        });
    let others = bodies! {
        [Verb::TrustRoot] => TrustRoot {
            at: at(), version: n(), demo: any::<bool>(), name: text(), issuer_name: text(), origin: text(),
            logs: vec(log, 0..3), witnesses: vec(text(), 0..3), witness_quorum: n(),
            identities: btree_map(role(), h(), 0..6), auditors: vec(h(), 0..4), auditor_quorum: n(),
            activation_s: activation, freshness_s: n(), cooling_off_s: n(), release_cap_per_day: n(),
            deferral_max_s: n(), previous: option::of(h()),
        }
        [Verb::KeyAnnounced] => KeyAnnounced {
            at: at(), role: role(), kind: kind(), epoch: n(), key: bytes(), not_before: second(), not_after: second(),
        }
        [Verb::KeyRetired] => KeyRetired { at: at(), key_id: h(), reason: code() }
        [Verb::KeyCustody] => KeyCustody {
            at: at(), key_id: h(), act: prop_oneof![Just(CustodyAct::Restored), Just(CustodyAct::Destroyed)],
            threshold: Just(0), holders: Just(Vec::new()),
        }
        [Verb::CouncilManifest] => CouncilManifest {
            at: at(), kind: ceremony, t: any::<u16>(), n: any::<u16>(), members: vec(manifest_member, 0..4),
            previous: h(), dealers: vec(any::<u16>(), 0..4), nonce: h(),
        }
        [Verb::CouncilMessage] => CouncilMessage {
            at: at(), ceremony_id: h(), round: any::<u8>(), from: any::<u16>(), to: any::<u16>(), bytes: bytes(),
        }
        [Verb::CouncilFormed] => CouncilFormed {
            at: at(), ceremony_id: h(), lineage: h(), epoch: n(), t: any::<u16>(), n: any::<u16>(), y: h(),
            members: vec(member(), 0..4), transcript: h(), reshare_id: Just(None),
        }
        [Verb::CouncilRefreshed, Verb::CouncilReshared] => CouncilFormed {
            at: at(), ceremony_id: h(), lineage: h(), epoch: n(), t: any::<u16>(), n: any::<u16>(), y: h(),
            members: vec(member(), 0..4), transcript: h(), reshare_id: h().prop_map(Some),
        }
        [Verb::CouncilRetired] => CouncilNote { at: at(), council_id: h(), codes: vec(code(), 0..4) }
        [Verb::CouncilChecked] => CouncilChecked {
            at: at(), council_id: h(), index: any::<u16>(), tree_size: n(), checkpoint_hash: h(), partial: bytes(),
        }
        [Verb::PolicySet] => PolicySet {
            at: at(), version: n(), codes: codes, deadlines_s: btree_map(status(), n(), 0..8), window_s: n(),
            forward_s: n(), release_s: n(), request_life_s: n(), partial_life_s: n(), envelope_retention_s: n(),
            categories: vec(category, 0..4),
        }
        [Verb::PageBuilt] => PageBuilt {
            at: at(), version: text(), files: vec(file, 0..4), base_size: n(), base_checkpoint: h(),
        }
        [Verb::UnsealApproved] => UnsealApproved {
            at: at(), request_hash: h(), council_id: h(), index: any::<u16>(), reason: code(), kem_pk: bytes(),
            deferred_until: option::of(second()),
        }
        [Verb::UnsealRefused, Verb::UnsealWithdrawn] => UnsealRefused {
            at: at(), request_hash: h(), council_id: h(), index: any::<u16>(), reason: code(),
        }
        [Verb::UnsealReleased] => UnsealReleased {
            at: at(), request_hash: h(), tree_size: n(), checkpoint_hash: h(), inner_commit: h(), handouts: indexed(),
        }
        [Verb::UnsealDeclined, Verb::UnsealFailed] => UnsealCode { at: at(), request_hash: h(), code: code() }
        [Verb::UnsealPartial] => UnsealPartial {
            at: at(), request_hash: h(), index: any::<u16>(), partials: indexed(),
        }
        [Verb::UnsealOpened] => UnsealOpened { at: at(), request_hash: h(), record_commit: h() }
        [Verb::UnsealNotice] => UnsealNotice { at: at(), request_hash: h(), nonce: h() }
        [Verb::ReportAccepted] => ReportAccepted {
            at: at(), w: n(), opens: second(), closes: second(), deadline: second(), part: n(), parts: n(),
            pairs: pairs(),
        }
        fates => ReportFate { at: at(), w: n(), round: n(), part: n(), parts: n(), nf: vec(h(), 0..5) }
        [Verb::ReportErased] => ReportErased { at: at(), w: n(), round: n(), items: pairs() }
        [Verb::RetentionCounts] => RetentionCounts { at: at(), w: n(), counts: btree_map(code(), n(), 0..5) }
        writes => CaseWrite { at: at(), case_id: h(), counter: n(), body_hash: h() }
        [Verb::Acceptance] => Acceptance {
            at: at(), case_id: h(), a: h(), b: h(), nf: h(), w: n(), deadline: second(), log_origin: text(),
        }
        [Verb::Reply] => Reply { at: at(), case_id: h(), seq: n(), message_hash: h() }
        [Verb::Call] => Call {
            at: at(), method: text(), path: text(), body_hash: h(), audience: role(), minute: second(),
            nonce: any::<[u8; 16]>().prop_map(Hex),
        }
    };
    prop_oneof![1 => requested, 30 => others].boxed()
}
