//! Who must sign each verb: the needed set suffices, each of it missing is refused, and so is anybody else beside it.

#[path = "common/world.rs"]
mod world;

use serde::Serialize;
use tabir_crypto::Code;
use tabir_crypto::ed25519::SigningKey;
use tabir_crypto::statement::body::*;
use tabir_crypto::statement::value::{Hex, Hour, V1};
use tabir_crypto::statement::{Statement, Verb};
use tabir_crypto::trust::root::LogName;
use tabir_crypto::trust::rule;
use world::*;

/// These signatures suffice, none can be missing, and a stranger's may not stand beside them.
#[track_caller]
fn needs_each<T: Serialize>(log: &Log, verb: Verb, body: &T, keys: &[SigningKey]) {
    let check = |keys: &[SigningKey]| rule::check(&log.trust, &log.state, &sign(verb, body, keys));
    assert_eq!(check(keys).expect("signed by all who must").signers.len(), keys.len());
    for missing in 0..keys.len() {
        let mut some = keys.to_vec();
        some.remove(missing);
        refused(check(&some), if some.is_empty() { Code::Signatures } else { Code::Insufficient });
        some.push(stranger());
        refused(check(&some), Code::UnknownKey);
    }
    let with_stranger = [keys, &[stranger()]].concat();
    refused(check(&with_stranger), Code::UnknownKey);
}

/// These signatures are of people who have no say here.
#[track_caller]
fn refuses_keys<T: Serialize>(log: &Log, verb: Verb, body: &T, keys: &[SigningKey], code: Code) {
    refused(rule::check(&log.trust, &log.state, &sign(verb, body, keys)), code);
}

#[test]
fn each_verb_has_its_log_or_none() {
    let intake = ["report.accepted", "report.forwarded", "report.refused", "report.pending", "report.erased"];
    let none = ["council.manifest", "council.message", "acceptance", "reply", "call"];
    for verb in Verb::ALL {
        let name = verb.as_str();
        let is = if none.contains(&name) || name.starts_with("case.") {
            None
        } else if intake.contains(&name) || name == "retention.counts" {
            Some(LogName::Intake)
        } else {
            Some(LogName::Governance)
        };
        assert_eq!(rule::log_of(verb), is, "{name}");
        for log in LogName::ALL {
            assert_eq!(rule::for_log(log, verb).is_ok(), is == Some(log), "{name}");
        }
    }
}

#[test]
fn a_log_refuses_verbs_of_the_other_log() {
    let mut log = Log::new();
    let statement = sign(Verb::ReportAccepted, &accepted(1, 1, 1, &[]), &[role(Role::Gateway)]);
    assert!(rule::check(&log.trust, &log.state, &statement).is_ok());
    refused(log.would(&statement), Code::Verb);
    refused(log.put(&statement), Code::Verb);
}

#[test]
fn refuses_a_signature_that_does_not_verify() {
    let log = Log::new();
    let one = sign(Verb::KeyAnnounced, &key_announced(KeyKind::Token, 1), &[role(Role::Issuer)]).to_bytes();
    let two = sign(Verb::KeyAnnounced, &key_announced(KeyKind::Token, 2), &[role(Role::Issuer)]).to_bytes();
    let tail =
        |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap().split_once(r#","signatures""#).unwrap().1.to_owned();
    let forged = String::from_utf8(one.clone()).unwrap().replace(&tail(&one), &tail(&two));
    refused(rule::check(&log.trust, &log.state, &Statement::parse(forged.as_bytes()).unwrap()), Code::Signature);
}

#[test]
fn a_token_key_needs_the_issuer_and_an_auditor_may_stand_beside() {
    let (log, body) = (Log::new(), key_announced(KeyKind::Token, 1));
    needs_each(&log, Verb::KeyAnnounced, &body, &[role(Role::Issuer)]);
    let both = sign(Verb::KeyAnnounced, &body, &[role(Role::Issuer), auditor(0)]);
    assert!(rule::check(&log.trust, &log.state, &both).is_ok());
    refuses_keys(&log, Verb::KeyAnnounced, &body, &[role(Role::Gateway)], Code::UnknownKey);
    refuses_keys(&log, Verb::KeyAnnounced, &body, &quorum(), Code::Insufficient);
}

#[test]
fn an_intake_key_needs_the_forwarder_alone() {
    let (log, body) = (Log::new(), key_announced(KeyKind::Intake, 1));
    needs_each(&log, Verb::KeyAnnounced, &body, &[role(Role::Forwarder)]);
    refuses_keys(&log, Verb::KeyAnnounced, &body, &[role(Role::Forwarder), auditor(0)], Code::UnknownKey);
}

#[test]
fn a_warden_key_needs_the_warden_and_the_auditors_quorum() {
    let (log, body) = (Log::new(), key_announced(KeyKind::Warden, 1));
    needs_each(&log, Verb::KeyAnnounced, &body, &[warden(), auditor(0), auditor(2)]);
}

#[test]
fn refuses_a_key_announced_for_another_role() {
    let (log, mut body) = (Log::new(), key_announced(KeyKind::Warden, 1));
    body.role = Role::Issuer;
    refuses_keys(&log, Verb::KeyAnnounced, &body, &[role(Role::Issuer)], Code::Field);
}

#[test]
fn a_key_is_retired_by_its_role_or_by_the_auditors() {
    let mut log = Log::new();
    let announced = key_announced(KeyKind::Token, 1);
    log.announce(&announced, &[role(Role::Issuer)]).unwrap();
    let body = KeyRetired { v: V1, at: Hour::of(T0), key_id: Hex(announced.key_id()), reason: code("leaked") };
    needs_each(&log, Verb::KeyRetired, &body, &[role(Role::Issuer)]);
    needs_each(&log, Verb::KeyRetired, &body, &quorum());
    refuses_keys(&log, Verb::KeyRetired, &body, &[warden()], Code::UnknownKey);
    let unknown = KeyRetired { key_id: hash("unknown"), ..body };
    refuses_keys(&log, Verb::KeyRetired, &unknown, &quorum(), Code::Context);
}

#[test]
fn a_council_needs_all_members_the_warden_and_an_auditor() {
    let log = Log::empty();
    needs_each(&log, Verb::CouncilFormed, &council(), &founders());
}

#[test]
fn a_further_key_needs_the_council_before_it_or_the_auditors_quorum() {
    let log = Log::new();
    let straw: Vec<_> = (7..=9).map(official).collect();
    let body = council_body("straw", 1, 2, &straw);
    let outside_body = [&straw[..], &[warden(), auditor(0)]].concat();
    refuses_keys(&log, Verb::CouncilFormed, &body, &outside_body, Code::Insufficient);
    let one_official = [&outside_body[..], &[official(2)]].concat();
    refuses_keys(&log, Verb::CouncilFormed, &body, &one_official, Code::Insufficient);
    needs_each(&log, Verb::CouncilFormed, &body, &[&outside_body[..], &[official(2), official(3)]].concat());
    needs_each(&log, Verb::CouncilFormed, &body, &[&straw[..], &[warden()], &quorum()].concat());
}

/// A removal: who leaves has dealt, and signs the new key as well; reshare and new key come in either order.
#[test]
fn who_leaves_may_sign_the_new_key_after_the_reshare_and_counts_for_nothing() {
    let mut log = Log::new();
    let new = [official(1), official(3), official(4)];
    let reshared = council_body("council", 2, 2, &new);
    let keys = [&new[..], &[official(2), warden(), auditor(0)]].concat();
    log.put(&sign(Verb::CouncilReshared, &reshared, &keys)).unwrap();
    let formed = council_body("new key", 1, 2, &new);
    rule::check(&log.trust, &log.state, &sign(Verb::CouncilFormed, &formed, &keys)).unwrap();
    needs_each(&log, Verb::CouncilFormed, &formed, &[&new[..], &[warden(), auditor(0)]].concat());
    let stranger = [&keys[..], &[official(9)]].concat();
    refuses_keys(&log, Verb::CouncilFormed, &formed, &stranger, Code::UnknownKey);
}

#[test]
fn refuses_a_council_whose_parts_do_not_fit() {
    let (log, mut body) = (Log::empty(), council());
    body.members[0].yi = body.members[1].yi;
    refuses_keys(&log, Verb::CouncilFormed, &body, &founders(), Code::Share);
}

#[test]
fn refuses_an_official_who_is_warden_or_auditor() {
    let log = Log::empty();
    let body = council_body("council", 1, 2, &[official(1), official(2), warden()]);
    let keys = [official(1), official(2), warden(), auditor(0)];
    refuses_keys(&log, Verb::CouncilFormed, &body, &keys, Code::Duplicate);
}

#[test]
fn a_reshared_council_needs_t_of_the_old_one_too() {
    let log = Log::new();
    let people: Vec<_> = (4..=6).map(official).collect();
    let body = council_body("council", 2, 2, &people);
    let keys = [&people[..], &[warden(), auditor(0), official(1), official(3)]].concat();
    needs_each(&log, Verb::CouncilReshared, &body, &keys);
    refuses_keys(&Log::empty(), Verb::CouncilReshared, &body, &keys, Code::Context);
}

#[test]
fn a_council_is_retired_by_t_and_checked_by_each() {
    let log = Log::new();
    let body = CouncilNote { v: V1, at: Hour::of(T0), council_id: council_id(), codes: vec![code("end")] };
    needs_each(&log, Verb::CouncilRetired, &body, &[official(1), official(3)]);
    let checked = checked(2, "checkpoint");
    needs_each(&log, Verb::CouncilChecked, &checked, &[official(2)]);
    refuses_keys(&log, Verb::CouncilChecked, &checked, &[official(1)], Code::UnknownKey);
}

#[test]
fn a_manifest_needs_all_its_members() {
    let log = Log::empty();
    let member = |i: u16| ManifestMember { index: i, ed_vk: vk(&official(i)), kem_pk: kem("any") };
    let (v, at) = (V1, Hour::of(T0));
    let members = (1..=3).map(member).collect();
    let (kind, previous, dealers, nonce) = (CeremonyKind::Form, Hex([0; 32]), vec![], hash("nonce"));
    let body = CouncilManifest { v, at, kind, t: 2, n: 3, members, previous, dealers, nonce };
    needs_each(&log, Verb::CouncilManifest, &body, &officials());
}

#[test]
fn a_manifest_for_a_reshare_needs_its_dealers_too() {
    let log = Log::new();
    let member = |i: u16| ManifestMember { index: i, ed_vk: vk(&official(i + 3)), kem_pk: kem("any") };
    let (v, at, kind) = (V1, Hour::of(T0), CeremonyKind::Reshare);
    let members = (1..=3).map(member).collect();
    let (previous, dealers, nonce) = (council_id(), vec![1, 3], hash("nonce"));
    let body = CouncilManifest { v, at, kind, t: 2, n: 3, members, previous, dealers, nonce };
    let people: Vec<_> = [4, 5, 6, 1, 3].map(official).into();
    needs_each(&log, Verb::CouncilManifest, &body, &people);
    refuses_keys(&Log::empty(), Verb::CouncilManifest, &body, &people, Code::Context);
    let body = CouncilManifest { dealers: vec![1, 4], ..body };
    refuses_keys(&log, Verb::CouncilManifest, &body, &people, Code::Index);
}

#[test]
fn a_policy_needs_the_gateway_and_an_auditor() {
    needs_each(&Log::empty(), Verb::PolicySet, &policy(1), &[role(Role::Gateway), auditor(1)]);
}

#[test]
fn a_page_needs_the_auditors_quorum() {
    let (v, at) = (V1, Hour::of(T0));
    let base_checkpoint = hash("checkpoint");
    let body = PageBuilt { v, at, version: text("1"), files: Vec::new(), base_size: 1, base_checkpoint };
    needs_each(&Log::empty(), Verb::PageBuilt, &body, &quorum());
}

#[test]
fn a_request_needs_the_official_who_asks() {
    let log = Log::new();
    needs_each(&log, Verb::UnsealRequested, &requested("r"), &[official(1)]);
    refuses_keys(&log, Verb::UnsealRequested, &requested("r"), &[official(2)], Code::UnknownKey);
    let mut body = requested("r");
    body.requester = 4;
    refuses_keys(&log, Verb::UnsealRequested, &body, &[official(4)], Code::Index);
    body.council_id = hash("another");
    refuses_keys(&log, Verb::UnsealRequested, &body, &[official(1)], Code::Context);
}

#[test]
fn a_vote_needs_the_official_who_votes() {
    let mut log = Log::new();
    let r = log.ask("r");
    needs_each(&log, Verb::UnsealApproved, &approved(r, 2), &[official(2)]);
    needs_each(&log, Verb::UnsealRefused, &no(r, 2), &[official(2)]);
    needs_each(&log, Verb::UnsealWithdrawn, &no(r, 1), &[official(1)]);
    refuses_keys(&log, Verb::UnsealApproved, &approved(r, 2), &[official(1)], Code::UnknownKey);
    refuses_keys(&log, Verb::UnsealApproved, &approved(r, 2), &[warden()], Code::UnknownKey);
}

#[test]
fn refuses_a_vote_that_names_another_council() {
    let mut log = Log::new();
    let people: Vec<_> = (4..=6).map(official).collect();
    let other = council_body("other", 1, 2, &people);
    let keys = [&people[..], &[warden(), auditor(0), official(1), official(2)]].concat();
    log.put(&sign(Verb::CouncilFormed, &other, &keys)).unwrap();
    let r = log.ask("r");
    let other_id = Hex(*tabir_crypto::threshold::Council::from_body(&other).unwrap().council_id());
    let (mut yes, mut refusal) = (approved(r, 1), no(r, 1));
    (yes.council_id, refusal.council_id) = (other_id, other_id);
    refuses_keys(&log, Verb::UnsealApproved, &yes, &[official(4)], Code::Context);
    refuses_keys(&log, Verb::UnsealRefused, &refusal, &[official(4)], Code::Context);
}

#[test]
fn refuses_a_vote_on_no_request() {
    refuses_keys(&Log::new(), Verb::UnsealApproved, &approved(hash("none"), 1), &[official(1)], Code::Context);
}

#[test]
fn a_release_needs_the_warden_and_an_auditor_may_stand_beside() {
    let mut log = Log::new();
    let r = log.ready("r");
    let body = released(r, log.size(), &[1, 2]);
    needs_each(&log, Verb::UnsealReleased, &body, &[warden()]);
    let both = sign(Verb::UnsealReleased, &body, &[warden(), auditor(1)]);
    assert!(rule::check(&log.trust, &log.state, &both).is_ok());
    refuses_keys(&log, Verb::UnsealReleased, &body, &quorum(), Code::Insufficient);
}

#[test]
fn before_a_release_the_warden_says_no_or_failed() {
    let mut log = Log::new();
    let r = log.ready("r");
    needs_each(&log, Verb::UnsealDeclined, &ended(r, "cap"), &[warden()]);
    needs_each(&log, Verb::UnsealFailed, &ended(r, "outer"), &[warden()]);
    needs_each(&log, Verb::UnsealNotice, &notice(r), &[warden()]);
    refuses_keys(&log, Verb::UnsealFailed, &ended(r, "outer"), &[official(1), official(2)], Code::UnknownKey);
    refuses_keys(&log, Verb::UnsealOpened, &opened(r), &[official(1), official(2)], Code::Order);
}

#[test]
fn after_a_release_t_of_its_approvers_say_failed() {
    let mut log = Log::new();
    let r = log.ready("r");
    log.release(r).unwrap();
    needs_each(&log, Verb::UnsealFailed, &ended(r, "aead"), &[official(1), official(2)]);
    refuses_keys(&log, Verb::UnsealFailed, &ended(r, "aead"), &[warden()], Code::UnknownKey);
    refuses_keys(&log, Verb::UnsealFailed, &ended(r, "aead"), &[official(1), official(3)], Code::UnknownKey);
}

#[test]
fn a_partial_needs_its_official() {
    let mut log = Log::new();
    let r = log.ready("r");
    log.release(r).unwrap();
    needs_each(&log, Verb::UnsealPartial, &partial(r, 1, &[1, 2]), &[official(1)]);
}

#[test]
fn an_opening_needs_t_of_the_approvers_of_the_release() {
    let mut log = Log::new();
    let r = log.ready("r");
    log.release(r).unwrap();
    needs_each(&log, Verb::UnsealOpened, &opened(r), &[official(1), official(2)]);
    // The third did not approve: the release does not name him.
    refuses_keys(&log, Verb::UnsealOpened, &opened(r), &[official(1), official(3)], Code::UnknownKey);
    refuses_keys(&log, Verb::UnsealOpened, &opened(r), &officials(), Code::UnknownKey);
}

#[test]
fn an_approver_who_stays_away_does_not_keep_an_opening_from_the_log() {
    let mut log = Log::new();
    let r = log.ready("r");
    log.approve(r, 3).unwrap();
    let body = released(r, log.size(), &[1, 2, 3]);
    log.put(&sign(Verb::UnsealReleased, &body, &[warden()])).unwrap();
    for two in [[1, 2], [1, 3], [2, 3]] {
        needs_each(&log, Verb::UnsealOpened, &opened(r), &two.map(official));
    }
    let all = sign(Verb::UnsealOpened, &opened(r), &officials());
    assert_eq!(rule::check(&log.trust, &log.state, &all).unwrap().signers.len(), 3);
}

#[test]
fn windows_need_the_gateway_and_their_fates_the_forwarder() {
    let log = Log::new();
    needs_each(&log, Verb::ReportAccepted, &accepted(1, 1, 1, &["x"]), &[role(Role::Gateway)]);
    needs_each(&log, Verb::ReportErased, &erased(1, 0, &["x"]), &[role(Role::Gateway)]);
    for verb in [Verb::ReportForwarded, Verb::ReportRefused, Verb::ReportPending] {
        needs_each(&log, verb, &fate(1, 0, &["x"]), &[role(Role::Forwarder)]);
        refuses_keys(&log, verb, &fate(1, 0, &["x"]), &[role(Role::Gateway)], Code::UnknownKey);
    }
}

#[test]
fn counts_need_a_role() {
    let log = Log::new();
    let body = RetentionCounts { v: V1, at: Hour::of(T0), w: 1, counts: Default::default() };
    for r in Role::ALL {
        needs_each(&log, Verb::RetentionCounts, &body, &[role(r)]);
    }
    refuses_keys(&log, Verb::RetentionCounts, &body, &[auditor(0)], Code::UnknownKey);
}

#[test]
fn an_acceptance_needs_the_gateway_and_a_reply_the_forwarder() {
    let log = Log::new();
    let (v, at, case_id) = (V1, Hour::of(T0), hash("case"));
    let (a, b, nf, log_origin) = (hash("a"), hash("b"), nf("x"), text("intake"));
    let deadline = tabir_crypto::statement::value::Second(T0);
    let acceptance = Acceptance { v, at, case_id, a, b, nf, w: 1, deadline, log_origin };
    needs_each(&log, Verb::Acceptance, &acceptance, &[role(Role::Gateway)]);
    let reply = Reply { v, at, case_id, seq: 1, message_hash: hash("m") };
    needs_each(&log, Verb::Reply, &reply, &[role(Role::Forwarder)]);
}

#[test]
fn does_not_decide_what_stands_in_neither_trust_root_nor_log() {
    let log = Log::new();
    let body = CaseWrite { v: V1, at: Hour::of(T0), case_id: hash("case"), counter: 0, body_hash: hash("body") };
    refuses_keys(&log, Verb::CaseSubmit, &body, &[role(Role::Gateway)], Code::Verb);
}
