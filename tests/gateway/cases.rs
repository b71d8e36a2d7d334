//! Reading a case with the access key, writing to it with the case key, erasing it.

use axum::http::Method;
use serde_json::json;
use tabir::api::gateway::{CaseView, Reported};
use tabir_crypto::codec::sha256;
use tabir_crypto::statement::Body;
use tabir_crypto::statement::body::Role;
use tabir_crypto::statement::body::Status;
use tabir_crypto::statement::{Statement, Verb};
use tabir_crypto::trust::erasure::Erasure;

use crate::common::world::{NOW, key, token};
use crate::harness::{FORWARD, Running, WINDOW, is, plain_write, refused, write_body};

const RATING: &[u8] = br#"{"v":1,"stars":4}"#;

#[tokio::test]
async fn a_case_is_read_by_its_access_key_alone_and_in_buckets() {
    let dir = tempfile::tempdir().unwrap();
    let gateway = Running::start(dir.path()).await;
    let receipt = gateway.accepted().await;
    let answer = gateway.read(&receipt.keys()).await.unwrap();
    assert_eq!(answer.body.len(), 16 << 10);
    let view: CaseView = answer.json().unwrap();
    assert_eq!((view.counter, view.seq, view.questions), (0, 0, 0));
    assert!(!view.sent && !view.rated && !view.disputed && !view.erased && view.messages.is_empty());
    assert_eq!(view.status.iter().map(|s| (s.status, s.at.unix())).collect::<Vec<_>>(), [(Status::Received, NOW)]);
    let read = |authorization: String| {
        let (client, url) = (gateway.client.clone(), format!("{}/v1/case", gateway.url));
        async move { client.send(Method::GET, &url, &[("authorization", &authorization)], Vec::new()).await }
    };
    assert_eq!(refused(read(format!("Tabir-Case {}", "00".repeat(32))).await), is(404, "no-case"));
    let hash = hex::encode(receipt.keys().access_hash());
    assert_eq!(
        refused(read(format!("Tabir-Case {hash}")).await),
        is(404, "no-case"),
        "what the store holds opens nothing"
    );
    assert_eq!(refused(read("Tabir-Case 12".into()).await), is(401, "access-key"));
    assert_eq!(refused(read("Bearer x".into()).await), is(401, "access-key"));
    assert_eq!(refused(gateway.client.get(&format!("{}/v1/case", gateway.url)).await), is(401, "access-key"));
}

#[tokio::test]
async fn a_write_has_the_next_counter_and_the_same_bytes_get_the_same_answer() {
    let dir = tempfile::tempdir().unwrap();
    let gateway = Running::start(dir.path()).await;
    let receipt = gateway.accepted().await;
    let (first, token) = (gateway.message(&receipt, 1, 1), token());
    let path = "/v1/case/messages";
    assert_eq!(refused(gateway.write(path, Some(&token), &gateway.message(&receipt, 0, 1)).await), is(409, "counter"));
    assert_eq!(refused(gateway.write(path, Some(&token), &gateway.message(&receipt, 2, 1)).await), is(409, "counter"));
    assert_eq!(refused(gateway.write(path, Some(&token), &gateway.message(&receipt, 1, 2)).await), is(409, "seq"));
    assert_eq!(gateway.write(path, Some(&token), &first).await.unwrap().counter, 1);
    assert_eq!(gateway.write(path, Some(&token), &first).await.unwrap().counter, 1);
    assert_eq!(gateway.write(path, None, &first).await.unwrap().counter, 1, "it is paid");
    let other = gateway.message(&receipt, 1, 1);
    assert_eq!(refused(gateway.write(path, None, &other).await), is(409, "counter"));
    assert_eq!(
        refused(gateway.write(path, Some(&token), &gateway.message(&receipt, 2, 2)).await),
        is(401, "token-spent")
    );
    let view = gateway.view(&receipt).await;
    assert_eq!((view.counter, view.seq), (1, 1));
    let rating = plain_write(Verb::CaseRate, &receipt, 2, RATING);
    assert_eq!(gateway.write("/v1/case/rating", None, &rating).await.unwrap().counter, 2);
    assert_eq!(refused(gateway.write(path, Some(&token), &first).await), is(409, "counter"), "an old counter");
    assert_eq!(gateway.count("SELECT COUNT(*) FROM outbox").await, 3);
    let gateway = gateway.restart(dir.path()).await;
    assert_eq!(gateway.write("/v1/case/rating", None, &rating).await.unwrap().counter, 2);
}

#[tokio::test]
async fn refuses_a_write_signed_by_another_case_s_key() {
    let dir = tempfile::tempdir().unwrap();
    let gateway = Running::start(dir.path()).await;
    let (mine, yours) = (gateway.accepted().await, gateway.accepted().await);
    let (case_id, key_of_mine) = (yours.keys().case_id(), mine.keys().case_key);
    for (verb, path, payload) in
        [(Verb::CaseRate, "/v1/case/rating", RATING), (Verb::CaseErase, "/v1/case/erase", b"".as_slice())]
    {
        let body = write_body(verb, case_id, &key_of_mine, 1, payload.to_vec(), None, None);
        assert_eq!(refused(gateway.write(path, None, &body).await), is(403, "case-key"));
        let body = write_body(verb, case_id, &key(77), 1, payload.to_vec(), None, None);
        assert_eq!(refused(gateway.write(path, None, &body).await), is(403, "case-key"));
    }
    let body = write_body(Verb::CaseRate, [1; 32], &key_of_mine, 1, RATING.to_vec(), None, None);
    assert_eq!(refused(gateway.write("/v1/case/rating", None, &body).await), is(404, "no-case"));
    assert_eq!(gateway.view(&yours).await.counter, 0);
}

#[tokio::test]
async fn a_write_takes_its_own_verb_form_and_key_only() {
    let dir = tempfile::tempdir().unwrap();
    let gateway = Running::start(dir.path()).await;
    let receipt = gateway.accepted().await;
    let keys = receipt.keys();
    let write = |verb, payload: Vec<u8>, id, seq| write_body(verb, keys.case_id(), &keys.case_key, 1, payload, id, seq);
    let intake = Some(gateway.world.intake.public_key().key_id());
    let sealed = gateway.sealed_message(keys.case_id(), 1);
    for (path, body, code) in [
        ("erase", write(Verb::CaseRate, Vec::new(), None, None), "verb"),
        ("rating", write(Verb::CaseErase, RATING.to_vec(), None, None), "verb"),
        ("rating", write(Verb::CaseRate, br#"{"v":1,"stars":6}"#.to_vec(), None, None), "field"),
        ("rating", write(Verb::CaseRate, RATING.to_vec(), intake, Some(1)), "field"),
        ("erase", write(Verb::CaseErase, b"x".to_vec(), None, None), "size"),
        ("messages", write(Verb::CaseMessage, sealed[1..].to_vec(), intake, Some(1)), "size"),
        ("messages", write(Verb::CaseMessage, sealed.clone(), intake, None), "field"),
        ("messages", write(Verb::CaseMessage, sealed.clone(), Some([3; 32]), Some(1)), "intake-key"),
        ("dispute", write(Verb::CaseMessage, sealed.clone(), intake, Some(1)), "verb"),
    ] {
        assert_eq!(
            refused(gateway.write(&format!("/v1/case/{path}"), Some(&token()), &body).await),
            is(400, code),
            "{path}"
        );
    }
    // A payload that was not signed.
    let good = write(Verb::CaseMessage, sealed, intake, Some(1));
    let mut body: serde_json::Value = serde_json::from_slice(&good).unwrap();
    body["payload"] = json!(tabir_crypto::codec::b64url(&gateway.sealed_message(keys.case_id(), 1)));
    let body = serde_json::to_vec(&body).unwrap();
    assert_eq!(refused(gateway.write("/v1/case/messages", Some(&token()), &body).await), is(400, "context"));
    assert_eq!(gateway.view(&receipt).await.counter, 0);
}

#[tokio::test]
async fn a_message_takes_a_token_unless_a_question_is_open() {
    let dir = tempfile::tempdir().unwrap();
    let gateway = Running::start(dir.path()).await;
    let receipt = gateway.accepted().await;
    let path = "/v1/case/messages";
    let one = gateway.message(&receipt, 1, 1);
    assert_eq!(refused(gateway.write(path, None, &one).await), is(401, "token-missing"));
    gateway.asked(&receipt, 1).await;
    assert_eq!(gateway.view(&receipt).await.questions, 1);
    // A token sent along is kept for another time.
    let token = token();
    gateway.write(path, Some(&token), &one).await.unwrap();
    assert_eq!(gateway.view(&receipt).await.questions, 0);
    let two = gateway.message(&receipt, 2, 2);
    assert_eq!(refused(gateway.write(path, None, &two).await), is(401, "token-missing"));
    gateway.write(path, Some(&token), &two).await.unwrap();
    assert_eq!(gateway.count("SELECT COUNT(*) FROM spent").await, 2);
}

#[tokio::test]
async fn one_rating_and_one_dispute() {
    let dir = tempfile::tempdir().unwrap();
    let gateway = Running::start(dir.path()).await;
    let receipt = gateway.accepted().await;
    let keys = receipt.keys();
    let dispute = |counter, seq| {
        let payload = gateway.sealed_message(keys.case_id(), seq);
        let id = Some(gateway.world.intake.public_key().key_id());
        write_body(Verb::CaseDispute, keys.case_id(), &keys.case_key, counter, payload, id, Some(seq))
    };
    gateway.write("/v1/case/rating", None, &plain_write(Verb::CaseRate, &receipt, 1, RATING)).await.unwrap();
    gateway.write("/v1/case/dispute", None, &dispute(2, 1)).await.unwrap();
    let again = plain_write(Verb::CaseRate, &receipt, 3, RATING);
    assert_eq!(refused(gateway.write("/v1/case/rating", None, &again).await), is(409, "rated"));
    assert_eq!(refused(gateway.write("/v1/case/dispute", None, &dispute(3, 2)).await), is(409, "disputed"));
    let view = gateway.view(&receipt).await;
    assert!(view.rated && view.disputed);
    assert_eq!((view.counter, view.seq), (2, 1));
}

#[tokio::test]
async fn an_erasure_deletes_leaves_a_tombstone_and_is_logged_at_the_close() {
    let dir = tempfile::tempdir().unwrap();
    let gateway = Running::start(dir.path()).await;
    let sealed = gateway.seal();
    let reported: Reported = gateway.report(&sealed, &token()).await.unwrap().json().unwrap();
    let receipt = &sealed.receipt;
    gateway.asked(receipt, 1).await;
    let erase = plain_write(Verb::CaseErase, receipt, 1, b"");
    gateway.write("/v1/case/erase", None, &erase).await.unwrap();
    assert_eq!(gateway.write("/v1/case/erase", None, &erase).await.unwrap().counter, 1);
    for query in [
        "SELECT COUNT(*) FROM envelopes",
        "SELECT COUNT(*) FROM mailbox",
        "SELECT COUNT(*) FROM statuses",
        "SELECT COUNT(*) FROM outbox WHERE kind <> 'erase'",
    ] {
        assert_eq!(gateway.count(query).await, 0, "{query}");
    }
    assert_eq!(gateway.count("SELECT COUNT(*) FROM outbox").await, 1);
    let view = gateway.view(receipt).await;
    assert!(view.erased && view.status.is_empty() && view.messages.is_empty());
    assert_eq!(view.acceptance, reported.acceptance);
    let rating = plain_write(Verb::CaseRate, receipt, 2, RATING);
    assert_eq!(refused(gateway.write("/v1/case/rating", None, &rating).await), is(410, "erased"));
    assert_eq!(refused(gateway.report(&sealed, &token()).await), is(410, "erased"));

    assert!(gateway.logged().await.is_empty(), "no leaf at the second of an erasure");
    gateway.clock.set(NOW + WINDOW);
    gateway.gateway.tick().await.unwrap();
    let logged = gateway.logged().await;
    let [Body::ReportAccepted(accepted), Body::ReportErased(erased)] = logged.as_slice() else {
        panic!("another order: {logged:?}")
    };
    assert_eq!(accepted.pairs.len(), 1, "it was accepted all the same");
    let [[nf, hash]] = erased.items.as_slice() else { panic!("one erasure") };
    assert_eq!((nf.0, erased.w, erased.round), (*receipt.keys().nf.expose(), 1, 0));
    // The salt and the statement are kept to show that it was the reporter.
    let statement: serde_json::Value = serde_json::from_slice(&erase).unwrap();
    let statement = Statement::parse(&serde_json::to_vec(&statement["statement"]).unwrap());
    let salt = gateway.blob("SELECT salt FROM erasures").await;
    assert_eq!(hash.0, sha256(&[salt, statement.unwrap().to_bytes()].concat()));

    // Whoever has r and nf sees both, and nobody else.
    let keys = receipt.keys();
    let (r, nf) = (*keys.r.expose(), *keys.nf.expose());
    let shown: Erasure = gateway.erasure(&r, &nf).await.unwrap().json().unwrap();
    shown.check(&hash.0, &keys.case_id()).unwrap();
    let other = gateway.accepted().await.keys();
    for (r, nf) in [(r, *other.nf.expose()), (*other.r.expose(), nf), (*other.r.expose(), *other.nf.expose())] {
        assert_eq!(refused(gateway.erasure(&r, &nf).await), is(404, "no-erasure"));
    }

    gateway.clock.set(NOW + WINDOW + 3 * FORWARD - 1);
    gateway.gateway.clean().await.unwrap();
    assert!(gateway.view(receipt).await.erased);
    assert_eq!(gateway.erasure(&r, &nf).await.unwrap().json::<Erasure>().unwrap(), shown);
    gateway.clock.set(NOW + WINDOW + 3 * FORWARD);
    gateway.gateway.clean().await.unwrap();
    assert_eq!(refused(gateway.read(&receipt.keys()).await), is(404, "no-case"));
    assert_eq!(gateway.count("SELECT COUNT(*) FROM erasures").await, 0);
    assert_eq!(refused(gateway.erasure(&r, &nf).await), is(404, "no-erasure"));
    assert_eq!(refused(gateway.report(&sealed, &token()).await), is(410, "erased"), "for ever");
    assert_eq!(gateway.blob("SELECT tombstone FROM tombstones").await, sha256(&receipt.keys().case_id()));
}

#[tokio::test]
async fn a_live_request_keeps_the_envelope_of_an_erased_case_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let gateway = Running::start(dir.path()).await;
    let receipt = gateway.accepted().await;
    let case = hex::encode(receipt.keys().case_id());
    let hold = format!("/internal/cases/{case}/hold");
    let request = "ab".repeat(32);
    let body = Some(json!({"v":1,"request_hash":request}));
    assert_eq!(refused(gateway.call(Role::Forwarder, Method::POST, &hold, body.clone()).await), is(403, "caller"));
    gateway.call(Role::Council, Method::POST, &hold, body.clone()).await.unwrap();
    gateway.call(Role::Council, Method::POST, &hold, body).await.unwrap();
    gateway.asked(&receipt, 1).await;
    gateway.write("/v1/case/erase", None, &plain_write(Verb::CaseErase, &receipt, 1, b"")).await.unwrap();
    assert_eq!(gateway.count("SELECT COUNT(*) FROM envelopes").await, 1);
    assert_eq!(gateway.count("SELECT COUNT(*) FROM mailbox").await, 0);
    gateway.call(Role::Council, Method::DELETE, &format!("{hold}/{request}"), None).await.unwrap();
    assert_eq!(gateway.count("SELECT COUNT(*) FROM envelopes").await, 0);
}
