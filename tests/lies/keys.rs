//! Lies about keys, councils, policy and page builds. Whoever signs tells them, with the log's key; that a signature is
//! missing can be a lie of the log alone.

use tabir_crypto::ed25519::SigningKey;
use tabir_crypto::statement::Verb;
use tabir_crypto::statement::body::*;
use tabir_crypto::statement::value::{Hex, Hour, Second, V1};

use crate::clean::town;
use crate::forge::{Forge, GOVERNANCE};
use crate::verdict::names;
use crate::world::*;

/// A clean town, and one statement more.
async fn lie(verb: Verb, body: &impl serde::Serialize, keys: &[SigningKey], what: &str) {
    let mut forge = town();
    let entry = forge.say(verb, body, keys);
    names(&forge, format!("{what} governance {entry}")).await;
}

#[tokio::test]
async fn a_warden_key_that_the_auditors_did_not_sign() {
    let body = key_announced(KeyKind::Warden, 2);
    lie(Verb::KeyAnnounced, &body, &[warden()], "governance.signatures insufficient-signatures").await;
}

#[tokio::test]
async fn a_warden_key_that_one_auditor_signed_where_two_must() {
    let body = key_announced(KeyKind::Warden, 2);
    lie(Verb::KeyAnnounced, &body, &[warden(), auditor(0)], "governance.signatures insufficient-signatures").await;
}

#[tokio::test]
async fn a_token_key_that_the_issuer_did_not_sign() {
    let body = key_announced(KeyKind::Token, 3);
    lie(Verb::KeyAnnounced, &body, &[stranger()], "governance.signatures unknown-key").await;
}

#[tokio::test]
async fn an_intake_key_of_the_gateway() {
    let body = key_announced(KeyKind::Intake, 2);
    lie(Verb::KeyAnnounced, &body, &[role(Role::Gateway)], "governance.signatures unknown-key").await;
}

#[tokio::test]
async fn a_signature_by_somebody_who_has_no_say() {
    let body = key_announced(KeyKind::Intake, 2);
    let keys = [role(Role::Forwarder), auditor(0)];
    lie(Verb::KeyAnnounced, &body, &keys, "governance.signatures unknown-key").await;
}

#[tokio::test]
async fn two_keys_for_one_epoch() {
    let body = KeyAnnounced { key: key_announced(KeyKind::Token, 9).key, ..key_announced(KeyKind::Token, 2) };
    lie(Verb::KeyAnnounced, &body, &[role(Role::Issuer)], "keys.one-per-epoch key-conflict").await;
}

#[tokio::test]
async fn one_key_for_two_epochs() {
    let body = KeyAnnounced { epoch: 3, ..key_announced(KeyKind::Token, 2) };
    lie(Verb::KeyAnnounced, &body, &[role(Role::Issuer)], "keys.one-per-epoch key-conflict").await;
}

#[tokio::test]
async fn a_key_that_ends_before_it_begins() {
    let body = KeyAnnounced { not_after: Second(T0), ..key_announced(KeyKind::Token, 3) };
    lie(Verb::KeyAnnounced, &body, &[role(Role::Issuer)], "keys.sound field").await;
}

#[tokio::test]
async fn a_key_of_a_kind_that_its_role_does_not_have() {
    let body = KeyAnnounced { role: Role::Gateway, ..key_announced(KeyKind::Intake, 2) };
    lie(Verb::KeyAnnounced, &body, &[role(Role::Gateway)], "keys.sound field").await;
}

fn retired(key_id: Hex<32>) -> KeyRetired {
    KeyRetired { v: V1, at: Hour::of(T0), key_id, reason: code("rotated") }
}

#[tokio::test]
async fn a_key_retired_that_was_never_announced() {
    lie(Verb::KeyRetired, &retired(hash("a key")), &[role(Role::Issuer)], "keys.sound context").await;
}

#[tokio::test]
async fn a_key_retired_by_another_role() {
    let body = retired(Hex(key_announced(KeyKind::Token, 2).key_id()));
    lie(Verb::KeyRetired, &body, &[role(Role::Gateway)], "governance.signatures unknown-key").await;
}

/// What the warden says of the town's own warden key, which has no backup.
fn custody(act: CustodyAct) -> KeyCustody {
    let key_id = Hex(key_announced(KeyKind::Warden, 1).key_id());
    KeyCustody { v: V1, at: Hour::of(T0), key_id, act, threshold: 0, holders: Vec::new() }
}

#[tokio::test]
async fn a_key_in_use_that_is_called_destroyed() {
    lie(Verb::KeyCustody, &custody(CustodyAct::Destroyed), &[warden()], "keys.sound order").await;
}

#[tokio::test]
async fn a_key_brought_back_that_had_no_backup() {
    lie(Verb::KeyCustody, &custody(CustodyAct::Restored), &[warden()], "keys.sound order").await;
}

#[tokio::test]
async fn a_key_called_destroyed_by_somebody_else() {
    let body = custody(CustodyAct::Destroyed);
    lie(Verb::KeyCustody, &body, &[auditor(0)], "governance.signatures unknown-key").await;
}

/// A council of officials 4 to 6.
fn others() -> (CouncilFormed, Vec<SigningKey>) {
    let people: Vec<_> = (4..=6).map(official).collect();
    (council_body("others", 1, 2, &people), people)
}

#[tokio::test]
async fn a_council_that_the_warden_did_not_sign() {
    let (body, people) = others();
    let keys = [&people[..], &quorum()].concat();
    lie(Verb::CouncilFormed, &body, &keys, "governance.signatures insufficient-signatures").await;
}

#[tokio::test]
async fn a_council_that_no_auditor_signed() {
    let (body, people) = others();
    let keys = [&people[..], &[warden()], &[official(1), official(2)]].concat();
    lie(Verb::CouncilFormed, &body, &keys, "governance.signatures insufficient-signatures").await;
}

#[tokio::test]
async fn a_council_that_one_of_its_members_did_not_sign() {
    let (body, people) = others();
    let keys = [&people[..2], &[warden()], &quorum()].concat();
    lie(Verb::CouncilFormed, &body, &keys, "governance.signatures insufficient-signatures").await;
}

#[tokio::test]
async fn straw_people_in_the_place_of_a_council_by_the_warden_and_one_auditor() {
    let (body, people) = others();
    let keys = [&people[..], &[warden(), auditor(0)]].concat();
    lie(Verb::CouncilFormed, &body, &keys, "governance.signatures insufficient-signatures").await;
}

#[tokio::test]
async fn one_person_in_two_seats() {
    let people = [official(4), official(5), official(5)];
    let body = council_body("others", 1, 2, &people);
    let keys = [&people[..], &[warden()], &quorum()].concat();
    lie(Verb::CouncilFormed, &body, &keys, "councils.sound duplicate").await;
}

#[tokio::test]
async fn an_auditor_who_is_an_official_too() {
    let people = [official(4), official(5), auditor(2)];
    let body = council_body("others", 1, 2, &people);
    let keys = [&people[..], &[warden()], &quorum()].concat();
    lie(Verb::CouncilFormed, &body, &keys, "councils.sound duplicate").await;
}

#[tokio::test]
async fn shares_that_are_not_of_one_key() {
    let (mut body, people) = others();
    body.members[2].yi = body.members[1].yi;
    let keys = [&people[..], &[warden()], &quorum()].concat();
    lie(Verb::CouncilFormed, &body, &keys, "councils.sound share").await;
}

#[tokio::test]
async fn new_people_for_a_key_without_those_who_held_it() {
    let people: Vec<_> = (4..=6).map(official).collect();
    let body = council_body("council", 2, 2, &people);
    let keys = [&people[..], &[warden()], &quorum()].concat();
    lie(Verb::CouncilReshared, &body, &keys, "governance.signatures insufficient-signatures").await;
}

#[tokio::test]
async fn an_epoch_of_a_council_skipped() {
    let body = council_body("council", 3, 2, &officials());
    lie(Verb::CouncilRefreshed, &body, &founders(), "councils.sound context").await;
}

#[tokio::test]
async fn a_council_retired_by_one_official() {
    let body = CouncilNote { v: V1, at: Hour::of(T0), council_id: council_id(), codes: vec![code("sealed.lost")] };
    lie(Verb::CouncilRetired, &body, &[official(1)], "governance.signatures insufficient-signatures").await;
}

#[tokio::test]
async fn a_share_shown_by_another_officials_proof() {
    let forge = town();
    let (size, hash) = forge.last_kept();
    let body = CouncilChecked { index: 2, ..checked_by(1, size, hash) };
    lie(Verb::CouncilChecked, &body, &[official(2)], "councils.sound context").await;
}

#[tokio::test]
async fn a_share_shown_by_a_checkpoint_that_never_was() {
    lie(Verb::CouncilChecked, &checked(1, "made up"), &[official(1)], "governance.checkpoints context").await;
}

#[tokio::test]
async fn a_policy_version_skipped() {
    lie(Verb::PolicySet, &policy(3), &[role(Role::Gateway), auditor(0)], "policy.sound field").await;
}

#[tokio::test]
async fn a_policy_that_no_auditor_signed() {
    lie(Verb::PolicySet, &policy(2), &[role(Role::Gateway)], "governance.signatures insufficient-signatures").await;
}

fn page(base_size: u64, base_checkpoint: Hex<32>) -> PageBuilt {
    PageBuilt { v: V1, at: Hour::of(T0), version: text("1"), files: Vec::new(), base_size, base_checkpoint }
}

#[tokio::test]
async fn a_page_that_one_auditor_signed_where_two_must() {
    let (size, hash) = town().last_kept();
    let what = "governance.signatures insufficient-signatures";
    lie(Verb::PageBuilt, &page(size, hash), &[auditor(0)], what).await;
}

#[tokio::test]
async fn a_page_built_on_a_checkpoint_that_never_was() {
    lie(Verb::PageBuilt, &page(2, hash("made up")), &quorum(), "governance.checkpoints context").await;
}

#[tokio::test]
async fn a_statement_of_the_other_log() {
    let mut forge = town();
    let statement = forge.sign(Verb::ReportForwarded, &fate(7, 0, &["x"]), &[role(Role::Forwarder)]);
    let entry = forge.append_leaf(GOVERNANCE, statement.to_bytes());
    names(&forge, format!("governance.entries verb governance {entry}")).await;
}

#[tokio::test]
async fn leaves_that_are_no_statement_in_its_one_form() {
    let spaced = |forge: &Forge| [forge.governance.leaves()[0].as_slice(), b" "].concat();
    let changed = |forge: &Forge| {
        let mut leaf = forge.governance.leaves()[0].clone();
        let last = leaf.len() - 10;
        leaf[last] = if leaf[last] == b'A' { b'B' } else { b'A' };
        leaf
    };
    for (leaf, what) in [
        (spaced(&town()), "governance.entries non-canonical"),
        (b"{}".to_vec(), "governance.entries missing-field"),
        (Vec::new(), "governance.entries json"),
        (changed(&town()), "governance.once duplicate"),
    ] {
        let mut forge = town();
        let entry = forge.append_leaf(GOVERNANCE, leaf);
        names(&forge, format!("{what} governance {entry}")).await;
    }
}
