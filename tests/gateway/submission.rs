//! Every field of a report is checked; what the gateway keeps of it follows from what the case key signed.

use serde_json::{Value, json};
use tabir::api::gateway::Reported;
use tabir::client::report::Sealed;
use tabir::clock::Random;
use tabir_crypto::codec::{b64url, sha256, unb64url};
use tabir_crypto::hpke::KemSecretKey;
use tabir_crypto::receipt::{Receipt, reference};
use tabir_crypto::statement::body::Role;
use tabir_crypto::statement::value::{Bytes, Hex, Hour};
use tabir_crypto::statement::{Body, Statement, Verb};
use tabir_crypto::submission::Submission;

use crate::common::world::{NOW, World, identity, key, token};
use crate::harness::{FORWARD, Running, WINDOW, is, refused};

fn parsed(sealed: &Sealed) -> Submission {
    tabir_crypto::json::from_slice(&sealed.body).unwrap()
}

/// Signs a changed submission anew, as the reporter himself could.
fn signed(mut submission: Submission, receipt: &Receipt) -> Vec<u8> {
    let commitment = submission.commitment().unwrap();
    let key = receipt.keys().case_key;
    submission.statement = Statement::signed(Verb::CaseSubmit, &commitment.to_sign(Hour::of(NOW)), &key).unwrap();
    tabir_crypto::json::to_vec(&submission).unwrap()
}

/// The same case with another envelope, rightly signed.
pub fn reseal(gateway: &Running, sealed: &Sealed) -> Vec<u8> {
    let mut submission = parsed(sealed);
    submission.envelope = parsed(&gateway.seal()).envelope;
    signed(submission, &sealed.receipt)
}

#[tokio::test]
async fn a_report_is_answered_with_its_reference_and_a_signed_acceptance() {
    let dir = tempfile::tempdir().unwrap();
    let gateway = Running::start(dir.path()).await;
    gateway.clock.set(NOW + 100);
    let sealed = gateway.seal();
    let reported: Reported = gateway.report(&sealed, &token()).await.unwrap().json().unwrap();
    let keys = sealed.receipt.keys();
    assert_eq!(reported.reference, reference(&keys.case_id()));
    let verified = reported.acceptance.verify(&[identity(Role::Gateway).verifying_key()]).unwrap();
    let Body::Acceptance(acceptance) = verified.body else { panic!("not an acceptance") };
    let commitment = parsed(&sealed).commitment().unwrap();
    assert_eq!((acceptance.a.0, acceptance.b.0, acceptance.nf.0), (commitment.a, commitment.b, commitment.nf));
    assert_eq!((acceptance.w, acceptance.deadline.0), (1, NOW + 100 + WINDOW + FORWARD));
    assert_eq!(acceptance.at.unix(), NOW, "cut to the hour");
    assert_eq!(gateway.view(&sealed.receipt).await.acceptance, reported.acceptance);
}

#[tokio::test]
async fn every_field_that_does_not_fit_is_refused_and_nothing_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let gateway = Running::start(dir.path()).await;
    let sealed = gateway.seal();
    let good: Value = serde_json::from_slice(&sealed.body).unwrap();
    let other: Value = serde_json::from_slice(&gateway.seal().body).unwrap();
    let swapped = |field: &str| {
        let mut body = good.clone();
        body[field] = other[field].clone();
        body
    };
    let cut = |field: &str| {
        let bytes = unb64url(good[field].as_str().unwrap()).unwrap();
        let mut body = good.clone();
        body[field] = json!(b64url(&bytes[..bytes.len() - 1]));
        body
    };
    let mut added = good.clone();
    added["note"] = json!("");
    let mut missing = good.clone();
    missing.as_object_mut().unwrap().remove("nf");
    let mut version = good.clone();
    version["v"] = json!(2);
    let token = token();
    for (what, body, code) in [
        ("case_id", swapped("case_id"), "case-key"),
        ("access_hash", swapped("access_hash"), "case-key"),
        ("case_vk", swapped("case_vk"), "case-key"),
        ("content", swapped("content"), "context"),
        ("envelope", swapped("envelope"), "context"),
        ("mailbox_pk", swapped("mailbox_pk"), "context"),
        ("r", swapped("r"), "context"),
        ("nf", swapped("nf"), "context"),
        ("notice_key", swapped("notice_key"), "context"),
        ("statement", swapped("statement"), "unknown-key"),
        ("content's size", cut("content"), "size"),
        ("envelope's size", cut("envelope"), "context"),
        ("an unknown field", added, "unknown-field"),
        ("a missing field", missing, "missing-field"),
        ("the version", version, "field"),
    ] {
        let body = serde_json::to_vec(&body).unwrap();
        assert_eq!(refused(gateway.post("/v1/reports", Some(&token), body).await), is(400, code), "{what}");
    }
    for query in ["SELECT COUNT(*) FROM cases", "SELECT COUNT(*) FROM spent", "SELECT COUNT(*) FROM outbox"] {
        assert_eq!(gateway.count(query).await, 0);
    }
    gateway.report(&sealed, &token).await.unwrap();
}

#[tokio::test]
async fn refuses_what_its_own_reporter_signed_for_unknown_keys_or_in_a_wrong_form() {
    let dir = tempfile::tempdir().unwrap();
    let gateway = Running::start(dir.path()).await;
    let (sealed, token) = (gateway.seal(), token());
    let with = |change: fn(&mut Submission)| {
        let mut submission = parsed(&sealed);
        change(&mut submission);
        signed(submission, &sealed.receipt)
    };
    for (body, code) in [
        (with(|s| s.intake_key_id = Hex([1; 32])), "intake-key"),
        (with(|s| s.envelope = Bytes(s.envelope.0[..2_497].to_vec())), "size"),
        (with(|s| s.envelope.0[0] = 2), "version"),
        (with(|s| s.envelope.0[1] = 2), "suite"),
        (with(|s| s.envelope.0[2] ^= 1), "warden-key"),
        (with(|s| s.envelope.0[34] ^= 1), "council"),
    ] {
        assert_eq!(refused(gateway.post("/v1/reports", Some(&token), body).await), is(400, code));
    }
    // A key of another kind is no intake key.
    let mut submission = parsed(&sealed);
    submission.intake_key_id = Hex(submission.envelope.0[2..34].try_into().unwrap());
    let body = signed(submission, &sealed.receipt);
    assert_eq!(refused(gateway.post("/v1/reports", Some(&token), body).await), is(400, "intake-key"));
}

#[tokio::test]
async fn refuses_a_statement_with_another_counter_verb_or_key() {
    let dir = tempfile::tempdir().unwrap();
    let gateway = Running::start(dir.path()).await;
    let (sealed, token) = (gateway.seal(), token());
    let submission = parsed(&sealed);
    let to_sign = submission.commitment().unwrap().to_sign(Hour::of(NOW));
    let own = sealed.receipt.keys().case_key;
    let mut counted = to_sign.clone();
    counted.counter = 1;
    for (statement, code) in [
        (Statement::signed(Verb::CaseSubmit, &counted, &own).unwrap(), "context"),
        (Statement::signed(Verb::CaseMessage, &to_sign, &own).unwrap(), "verb"),
        (Statement::signed(Verb::CaseSubmit, &to_sign, &key(99)).unwrap(), "unknown-key"),
    ] {
        let body = tabir_crypto::json::to_vec(&Submission { statement, ..submission.clone() }).unwrap();
        assert_eq!(refused(gateway.post("/v1/reports", Some(&token), body).await), is(400, code));
    }
}

#[tokio::test]
async fn a_known_case_with_any_other_commitment_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let gateway = Running::start(dir.path()).await;
    let sealed = gateway.seal();
    gateway.report(&sealed, &token()).await.unwrap();
    let token = token();
    let changes: [fn(&mut Submission); 4] = [
        |s| s.nf = Hex([1; 32]),
        |s| s.r = tabir_crypto::Secret::new([1; 32]),
        |s| s.notice_key = tabir_crypto::Secret::new([1; 32]),
        |s| s.mailbox_pk = KemSecretKey::generate(&mut Random).public_key(),
    ];
    for change in changes {
        let mut submission = parsed(&sealed);
        change(&mut submission);
        let body = signed(submission, &sealed.receipt);
        assert_eq!(refused(gateway.post("/v1/reports", Some(&token), body).await), is(409, "case-exists"));
    }
    assert_eq!(
        refused(gateway.post("/v1/reports", Some(&token), reseal(&gateway, &sealed)).await),
        is(409, "case-exists")
    );
    assert_eq!(gateway.count("SELECT COUNT(*) FROM spent").await, 1);
}

#[tokio::test]
async fn a_reference_that_another_case_has_is_refused_without_spending() {
    let dir = tempfile::tempdir().unwrap();
    let gateway = Running::start(dir.path()).await;
    let (first, second, token) = (gateway.seal(), gateway.seal(), token());
    gateway.report(&first, &crate::common::world::token()).await.unwrap();
    // Nobody finds two receipts with one reference in a test's time: the stored one is changed instead.
    let wanted = reference(&second.receipt.keys().case_id());
    let change = gateway.gateway.db().write(move |tx| {
        Box::pin(async move {
            sqlx::query("UPDATE cases SET reference = $1").bind(wanted).execute(tx).await?;
            Ok(())
        })
    });
    change.await.unwrap();
    assert_eq!(refused(gateway.report(&second, &token).await), is(409, "reference-taken"));
    assert_eq!(gateway.count("SELECT COUNT(*) FROM spent").await, 1);
    gateway.report(&gateway.seal(), &token).await.unwrap();
}

#[tokio::test]
async fn an_nf_or_access_key_of_another_case_is_refused_without_spending() {
    let dir = tempfile::tempdir().unwrap();
    let gateway = Running::start(dir.path()).await;
    let (first, second, token) = (gateway.seal(), gateway.seal(), token());
    gateway.report(&first, &crate::common::world::token()).await.unwrap();
    let taken = parsed(&first);
    let mut same_nf = parsed(&second);
    same_nf.nf = taken.nf;
    let body = signed(same_nf, &second.receipt);
    assert_eq!(refused(gateway.post("/v1/reports", Some(&token), body).await), is(409, "reference-taken"));
    let mut same_access = parsed(&second);
    same_access.access_hash = taken.access_hash;
    same_access.case_id = Hex(tabir_crypto::receipt::case_id(&taken.access_hash.0, &second.receipt.keys().case_vk()));
    let body = signed(same_access, &second.receipt);
    assert_eq!(refused(gateway.post("/v1/reports", Some(&token), body).await), is(409, "reference-taken"));
    assert_eq!(gateway.count("SELECT COUNT(*) FROM spent").await, 1);
    gateway.report(&second, &token).await.unwrap();
}

#[tokio::test]
async fn without_a_policy_no_report_is_taken() {
    let dir = tempfile::tempdir().unwrap();
    let gateway = Running::start_in(dir.path(), World::new(None), NOW).await;
    gateway.gateway.tick().await.unwrap();
    assert_eq!(refused(gateway.report(&gateway.seal(), &token()).await), is(503, "not-ready"));
    assert_eq!(gateway.count("SELECT COUNT(*) FROM windows").await, 0);
}

#[tokio::test]
async fn everybody_may_read_the_trust_root_and_the_categories() {
    let dir = tempfile::tempdir().unwrap();
    let gateway = Running::start(dir.path()).await;
    let trust = gateway.client.get(&format!("{}/v1/trust", gateway.url)).await.unwrap().body;
    assert_eq!(sha256(&trust), *gateway.world.trust.hash(), "the very statement");
    assert_eq!(gateway.session.services.categories.len(), 2);
}
