//! The outbox and the news that come back; envelopes for those who may have them.

use axum::http::Method;
use serde_json::{Value, json};
use tabir::api::gateway::{CaseForCouncil, Item, ItemKind, Leased};
use tabir::http::HttpError;
use tabir_crypto::codec::{b64url, sha256};
use tabir_crypto::content::content_hash;
use tabir_crypto::ed25519::VerifyingKey;
use tabir_crypto::receipt::{Receipt, reference};
use tabir_crypto::statement::Verb;
use tabir_crypto::statement::body::{Role, Status};
use tabir_crypto::submission::{Commitment, Submission};

use crate::common::IN_PROGRESS_S;
use crate::common::world::{NOW, identity, key, official, token};
use crate::harness::{Running, is, plain_write, refused};

const HOUR: &str = "2027-01-15T08:00:00Z";

impl Running {
    async fn lease(&self) -> Vec<Item> {
        let body = Some(json!({"v":1,"max":16}));
        let answer = self.call(Role::Forwarder, Method::POST, "/internal/outbox/lease", body).await.unwrap();
        answer.json::<Leased>().unwrap().items
    }

    async fn ack(&self, ids: Vec<u64>) {
        let body = Some(json!({"v":1,"ids":ids}));
        self.call(Role::Forwarder, Method::POST, "/internal/outbox/ack", body).await.unwrap();
    }

    async fn events(&self, receipt: &Receipt, events: Value) -> Result<(), HttpError> {
        let path = format!("/internal/cases/{}/events", hex::encode(receipt.keys().case_id()));
        let body = Some(json!({"v":1,"events":events}));
        self.call(Role::Forwarder, Method::POST, &path, body).await.map(|_| ())
    }

    /// The forwarder asks a question.
    pub async fn asked(&self, receipt: &Receipt, seq: u64) {
        self.events(receipt, json!([question(seq as u8, seq)])).await.unwrap();
    }

    pub async fn blob(&self, query: &'static str) -> Vec<u8> {
        use sqlx::Row as _;
        let read = self
            .gateway
            .db()
            .read(move |c| Box::pin(async move { Ok(sqlx::query(query).fetch_one(c).await?.try_get(0)?) }));
        read.await.unwrap()
    }
}

fn question(id: u8, seq: u64) -> Value {
    let sealed = b64url(&[id; 5_232]);
    json!({"id":hex::encode([id; 16]),"kind":"message","seq":seq,"sealed":sealed,"question":true})
}

fn status(id: u8, status: &str) -> Value {
    json!({"id":hex::encode([id; 16]),"kind":"status","status":status,"at":HOUR})
}

#[tokio::test]
async fn a_lease_has_all_that_the_case_key_signed_and_comes_again_without_an_ack() {
    let dir = tempfile::tempdir().unwrap();
    let gateway = Running::start(dir.path()).await;
    let sealed = gateway.seal();
    gateway.report(&sealed, &token()).await.unwrap();
    let submission: Submission = tabir_crypto::json::from_slice(&sealed.body).unwrap();
    let [item] = gateway.lease().await.try_into().unwrap();
    let report = item.report.clone().unwrap();
    let commitment = Commitment {
        case_id: item.case_id.0,
        content_hash: content_hash(&item.payload.0).unwrap(),
        envelope_hash: report.envelope_hash.0,
        mailbox_pk: report.mailbox_pk,
        a: report.a.0,
        b: report.b.0,
        nf: report.nf.0,
        notice_hash: report.notice_hash.0,
    };
    let case_vk = VerifyingKey::from_bytes(&item.case_vk.0).unwrap();
    commitment.verify(&item.access_hash.0, &case_vk, &item.statement).unwrap();
    assert_eq!(commitment, submission.commitment().unwrap());
    assert_eq!(item.intake_key_id, Some(submission.intake_key_id));

    assert!(gateway.lease().await.is_empty(), "it is away");
    gateway.clock.set(NOW + 59);
    assert!(gateway.lease().await.is_empty());
    gateway.clock.set(NOW + 60);
    let gateway = gateway.restart(dir.path()).await;
    assert_eq!(gateway.lease().await, vec![item.clone()]);
    gateway.ack(vec![item.id, 5]).await;
    gateway.ack(vec![item.id]).await;
    gateway.clock.set(NOW + 600);
    assert!(gateway.lease().await.is_empty());
    assert_eq!(gateway.count("SELECT COUNT(*) FROM outbox").await, 0);
}

#[tokio::test]
async fn the_items_of_a_case_come_in_their_order_and_never_past_one_that_is_away() {
    let dir = tempfile::tempdir().unwrap();
    let gateway = Running::start(dir.path()).await;
    let receipt = gateway.accepted().await;
    let [report] = gateway.lease().await.try_into().unwrap();
    let message = gateway.message(&receipt, 1, 1);
    gateway.write("/v1/case/messages", Some(&token()), &message).await.unwrap();
    assert!(gateway.lease().await.is_empty(), "the report is still away");
    gateway.clock.set(NOW + 60);
    let kinds: Vec<_> = gateway.lease().await.iter().map(|i| (i.kind, i.seq)).collect();
    assert_eq!(kinds, [(ItemKind::Report, None), (ItemKind::Message, Some(1))]);
    gateway.ack(vec![report.id]).await;
    let erase = plain_write(Verb::CaseErase, &receipt, 2, b"");
    gateway.write("/v1/case/erase", None, &erase).await.unwrap();
    let [item] = gateway.lease().await.try_into().unwrap();
    assert_eq!((item.kind, item.payload.0.len(), item.report), (ItemKind::Erase, 0, None));
}

#[tokio::test]
async fn events_are_taken_once_and_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let gateway = Running::start(dir.path()).await;
    let receipt = gateway.accepted().await;
    let sent = json!({"id":hex::encode([9; 16]),"kind":"sent"});
    gateway.events(&receipt, json!([sent.clone()])).await.unwrap();
    assert!(gateway.view(&receipt).await.sent);
    let batch = json!([status(1, "in_progress"), question(2, 1), status(1, "resolved"), question(3, 2)]);
    gateway.events(&receipt, batch.clone()).await.unwrap();
    gateway.events(&receipt, batch).await.unwrap();
    let view = gateway.view(&receipt).await;
    let statuses: Vec<_> = view.status.iter().map(|s| (s.status, s.due.map(|d| d.0))).collect();
    assert_eq!(statuses, [(Status::Received, None), (Status::InProgress, Some(NOW + IN_PROGRESS_S))]);
    assert_eq!(view.messages.iter().map(|m| (m.seq, m.sealed.0[0])).collect::<Vec<_>>(), [(1, 2), (2, 3)]);
    assert_eq!(view.questions, 2);
    // A gap refuses the whole call.
    let gap = json!([status(4, "resolved"), question(5, 4)]);
    assert_eq!(refused(gateway.events(&receipt, gap).await), is(409, "seq"));
    assert_eq!(gateway.view(&receipt).await.status.len(), 2);
    // Nothing goes back to the first status.
    gateway.events(&receipt, json!([status(6, "received"), status(7, "declined")])).await.unwrap();
    let last: Vec<_> = gateway.view(&receipt).await.status.iter().map(|s| s.status).collect();
    assert_eq!(last, [Status::Received, Status::InProgress, Status::Declined]);
    let short = json!([{"id":hex::encode([8; 16]),"kind":"message","seq":3,"sealed":"00","question":false}]);
    assert_eq!(refused(gateway.events(&receipt, short).await), is(400, "size"));
}

#[tokio::test]
async fn a_given_deadline_wins_and_an_erased_case_keeps_no_news() {
    let dir = tempfile::tempdir().unwrap();
    let gateway = Running::start(dir.path()).await;
    let receipt = gateway.accepted().await;
    let mut scheduled = status(1, "scheduled");
    scheduled["due"] = json!("2027-02-01T00:00:00Z");
    scheduled["eta"] = json!("2027-01-20T00:00:00Z");
    gateway.events(&receipt, json!([scheduled])).await.unwrap();
    let last = *gateway.view(&receipt).await.status.last().unwrap();
    assert_eq!(
        (last.due.unwrap().to_string(), last.eta.unwrap().to_string()),
        ("2027-02-01T00:00:00Z".into(), "2027-01-20T00:00:00Z".into())
    );
    gateway.write("/v1/case/erase", None, &plain_write(Verb::CaseErase, &receipt, 1, b"")).await.unwrap();
    gateway.events(&receipt, json!([status(2, "resolved"), question(3, 1)])).await.unwrap();
    assert!(gateway.view(&receipt).await.status.is_empty());
    assert_eq!(gateway.count("SELECT COUNT(*) FROM mailbox").await, 0);
}

#[tokio::test]
async fn only_the_role_itself_may_call() {
    let dir = tempfile::tempdir().unwrap();
    let gateway = Running::start(dir.path()).await;
    let receipt = gateway.accepted().await;
    let lease = Some(json!({"v":1,"max":1}));
    let wrong = gateway.call(Role::Council, Method::POST, "/internal/outbox/lease", lease.clone()).await;
    assert_eq!(refused(wrong), is(403, "caller"));
    let url = format!("{}/internal/outbox/lease", gateway.internal);
    let body = serde_json::to_vec(&lease).unwrap();
    let unsigned = gateway.client.send(Method::POST, &url, &[("content-type", "application/json")], body).await;
    assert_eq!(refused(unsigned), is(401, "call"));
    let reference = reference(&receipt.keys().case_id());
    let path = format!("/internal/cases/{reference}");
    assert_eq!(refused(gateway.call(Role::Forwarder, Method::GET, &path, None).await), is(403, "caller"));
    let case: CaseForCouncil = gateway.call(Role::Council, Method::GET, &path, None).await.unwrap().json().unwrap();
    assert_eq!((case.case_id.0, case.notice_key.0), (receipt.keys().case_id(), *receipt.keys().notice_key.expose()));
    assert_eq!(case.envelope.0.len(), 2_498);
    let none = gateway.call(Role::Council, Method::GET, "/internal/cases/AAAA-AAAA-AAAA", None).await;
    assert_eq!(refused(none), is(404, "no-case"));
}

#[tokio::test]
async fn an_envelope_goes_to_officials_and_the_warden_only() {
    let dir = tempfile::tempdir().unwrap();
    let gateway = Running::start(dir.path()).await;
    let sealed = gateway.seal();
    gateway.report(&sealed, &token()).await.unwrap();
    let submission: Submission = tabir_crypto::json::from_slice(&sealed.body).unwrap();
    let path = format!("/v1/envelopes/{}", hex::encode(sha256(&submission.envelope.0)));
    let fetch = |key: tabir_crypto::ed25519::SigningKey, path: String| {
        let (client, url) = (gateway.client.clone(), gateway.url.clone());
        async move { client.call::<()>(&key, Role::Gateway, Method::GET, &url, &path, None).await }
    };
    for reader in [official(1), official(3), identity(Role::Warden)] {
        assert_eq!(fetch(reader, path.clone()).await.unwrap().body, submission.envelope.0);
    }
    for stranger in [key(99), identity(Role::Forwarder), identity(Role::Council), key(20)] {
        assert_eq!(refused(fetch(stranger, path.clone()).await), is(403, "caller"));
    }
    let other = format!("/v1/envelopes/{}", "00".repeat(32));
    assert_eq!(refused(fetch(official(1), other).await), is(404, "no-envelope"));
    assert_eq!(refused(gateway.client.get(&format!("{}{path}", gateway.url)).await), is(401, "call"));
}

#[tokio::test]
async fn an_envelope_goes_after_its_retention_unless_a_request_lives() {
    let dir = tempfile::tempdir().unwrap();
    let gateway = Running::start(dir.path()).await;
    let (held, _free) = (gateway.accepted().await, gateway.accepted().await);
    let hold = format!("/internal/cases/{}/hold", hex::encode(held.keys().case_id()));
    let body = Some(json!({"v":1,"request_hash":"cd".repeat(32)}));
    gateway.call(Role::Council, Method::POST, &hold, body).await.unwrap();
    gateway.clock.set(NOW + 365 * 86_400);
    gateway.gateway.clean().await.unwrap();
    assert_eq!(gateway.count("SELECT COUNT(*) FROM envelopes").await, 2);
    gateway.clock.set(NOW + 365 * 86_400 + 1);
    gateway.gateway.clean().await.unwrap();
    assert_eq!(gateway.blob("SELECT case_id FROM envelopes").await, held.keys().case_id());
    assert_eq!(gateway.count("SELECT COUNT(*) FROM envelopes").await, 1);
}
