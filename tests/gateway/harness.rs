//! A running gateway and a reporter.

use std::path::Path;
use std::sync::Arc;

use axum::http::Method;
use serde_json::Value;
use tabir::api::gateway::{CaseView, Reported, Written};
use tabir::client::Session;
use tabir::client::report::{Draft, Sealed, seal};
use tabir::clock::{Clock, Random};
use tabir::config::{Peers, roles};
use tabir::db::outbox;
use tabir::gateway::{Gateway, routes};
use tabir::http::openapi::with_document;
use tabir::http::{Answer, Client, HttpError};
use tabir_crypto::B32;
use tabir_crypto::codec::sha256;
use tabir_crypto::content::{Location, Precision, pad_message};
use tabir_crypto::ed25519::SigningKey;
use tabir_crypto::hpke::{Use, uses};
use tabir_crypto::receipt::{Receipt, ReceiptKeys};
use tabir_crypto::statement::body::{CaseWrite, PolicySet, Release, Role};
use tabir_crypto::statement::value::{CodeText, Hex, Hour, V1};
use tabir_crypto::statement::{Body, Statement, Verb};
use tabir_crypto::submission::CaseWriteBody;
use tabir_crypto::token::{Token, header};
use tokio::sync::watch;

use crate::common::world::{self, DAY, NOW, World, write_identity};
use crate::common::{policy, serve};

pub const WINDOW: u64 = 3600;
pub const FORWARD: u64 = 2 * DAY;
pub const OVERLAP: u64 = 7 * DAY;

pub struct Running {
    pub gateway: Arc<Gateway>,
    pub session: Session,
    pub clock: Clock,
    pub client: Client,
    pub url: String,
    pub internal: String,
    pub world: World,
    stop: (watch::Sender<bool>, watch::Sender<bool>),
}

pub fn test_policy() -> PolicySet {
    PolicySet { envelope_retention_s: 365 * DAY, ..policy(NOW, WINDOW, FORWARD, 60) }
}

impl Running {
    pub async fn start(dir: &Path) -> Self {
        Self::start_in(dir, World::new(Some(test_policy())), NOW).await
    }

    pub async fn start_in(dir: &Path, world: World, now: u64) -> Self {
        write_identity(dir, Role::Gateway);
        let clock = Clock::manual(now);
        let setup = world.setup(&clock, Peers::default());
        let config = roles::Gateway { dir: dir.to_path_buf(), overlap_s: OVERLAP, page: None };
        let gateway = Arc::new(Gateway::open(&setup, &config).await.unwrap());
        let (url, stop_public) = serve(with_document(routes::public(Arc::clone(&gateway)))).await;
        let (internal, stop_internal) = serve(with_document(routes::internal(Arc::clone(&gateway)))).await;
        let session = world.session(&url, &clock).await;
        let client = Client::new(clock.clone());
        Self { gateway, session, clock, client, url, internal, world, stop: (stop_public, stop_internal) }
    }

    /// Ends this process and starts another on the same folder.
    pub async fn restart(self, dir: &Path) -> Self {
        let (now, world) = (self.clock.now(), self.world);
        drop((self.stop, self.gateway, self.client, self.session));
        Self::start_in(dir, world, now).await
    }

    pub fn seal(&self) -> Sealed {
        let location = Location::new(Precision::None, None, String::new()).unwrap();
        let draft = Draft {
            category: CodeText::new("pothole").unwrap(),
            text: "A hole in the road".into(),
            language: CodeText::new("en").unwrap(),
            location,
            attributes: Default::default(),
            release: Release::Urgent,
            identity: None,
        };
        seal(&self.session, &draft).unwrap()
    }

    pub async fn post(&self, path: &str, token: Option<&Token>, body: Vec<u8>) -> Result<Answer, HttpError> {
        let authorization = token.map(header::write_authorization);
        self.post_with(path, authorization.as_deref(), body).await
    }

    pub async fn post_with(&self, path: &str, authorization: Option<&str>, body: Vec<u8>) -> Result<Answer, HttpError> {
        let mut headers = vec![("content-type", "application/json")];
        headers.extend(authorization.map(|a| ("authorization", a)));
        self.client.send(Method::POST, &format!("{}{path}", self.url), &headers, body).await
    }

    pub async fn report(&self, sealed: &Sealed, token: &Token) -> Result<Answer, HttpError> {
        self.post("/v1/reports", Some(token), sealed.body.clone()).await
    }

    /// A new case with a new token.
    pub async fn accepted(&self) -> Receipt {
        let sealed = self.seal();
        let answer = self.report(&sealed, &world::token()).await.unwrap();
        assert_eq!(answer.status, 201);
        answer.json::<Reported>().unwrap();
        sealed.receipt
    }

    pub async fn read(&self, keys: &ReceiptKeys) -> Result<Answer, HttpError> {
        let authorization = format!("Tabir-Case {}", hex::encode(keys.access.expose()));
        let url = format!("{}/v1/case", self.url);
        self.client.send(Method::GET, &url, &[("authorization", &authorization)], Vec::new()).await
    }

    pub async fn view(&self, receipt: &Receipt) -> CaseView {
        self.read(&receipt.keys()).await.unwrap().json().unwrap()
    }

    pub async fn write(&self, path: &str, token: Option<&Token>, body: &[u8]) -> Result<Written, HttpError> {
        self.post(path, token, body.to_vec()).await?.json()
    }

    /// Asks for what stands behind an erasure.
    pub async fn erasure(&self, r: &B32, nf: &B32) -> Result<Answer, HttpError> {
        let asked = serde_json::json!({"v": 1, "r": hex::encode(r), "nf": hex::encode(nf)});
        self.post("/v1/case/erasure", None, asked.to_string().into_bytes()).await
    }

    /// A sealed message's bytes.
    pub fn sealed_message(&self, case_id: B32, seq: u64) -> Vec<u8> {
        let intake = self.world.intake.public_key();
        let place = Use::Followup { case_id, seq, intake_key_id: intake.key_id() };
        uses::seal(&intake, &place, pad_message(b"{}").unwrap().expose(), &mut Random).unwrap()
    }

    pub fn message(&self, receipt: &Receipt, counter: u64, seq: u64) -> Vec<u8> {
        let keys = receipt.keys();
        let payload = self.sealed_message(keys.case_id(), seq);
        let id = Some(self.world.intake.public_key().key_id());
        write_body(Verb::CaseMessage, keys.case_id(), &keys.case_key, counter, payload, id, Some(seq))
    }

    /// Rows of a query that counts.
    pub async fn count(&self, query: &'static str) -> i64 {
        count(&self.gateway, query).await
    }

    /// What waits for the intake log.
    pub async fn logged(&self) -> Vec<Body> {
        let key = world::identity(Role::Gateway).verifying_key();
        let waiting = outbox::waiting(self.gateway.db()).await.unwrap();
        waiting.iter().map(|w| Statement::parse(&w.statement).unwrap().verify(&[key]).unwrap().body).collect()
    }

    /// A signed call of a role to the internal listener.
    pub async fn call(&self, role: Role, method: Method, path: &str, body: Option<Value>) -> Result<Answer, HttpError> {
        let key = world::identity(role);
        self.client.call(&key, Role::Gateway, method, &self.internal, path, body.as_ref()).await
    }
}

pub async fn count(gateway: &Gateway, query: &'static str) -> i64 {
    use sqlx::Row as _;
    let read =
        gateway.db().read(move |c| Box::pin(async move { Ok(sqlx::query(query).fetch_one(c).await?.try_get(0)?) }));
    read.await.unwrap()
}

pub fn write_body(
    verb: Verb,
    case_id: B32,
    key: &SigningKey,
    counter: u64,
    payload: Vec<u8>,
    intake_key_id: Option<B32>,
    seq: Option<u64>,
) -> Vec<u8> {
    let body_hash = Hex(sha256(&payload));
    let write = CaseWrite { v: V1, at: Hour::of(NOW), case_id: Hex(case_id), counter, body_hash };
    let statement = Statement::signed(verb, &write, key).unwrap();
    let body = CaseWriteBody { v: V1, intake_key_id: intake_key_id.map(Hex), seq, payload, statement };
    tabir_crypto::json::to_vec(&body).unwrap()
}

/// A rating, dispute-less write or erasure by the receipt's own key.
pub fn plain_write(verb: Verb, receipt: &Receipt, counter: u64, payload: &[u8]) -> Vec<u8> {
    let keys = receipt.keys();
    write_body(verb, keys.case_id(), &keys.case_key, counter, payload.to_vec(), None, None)
}

pub fn refused<T>(result: Result<T, HttpError>) -> (u16, String) {
    let error = result.err().expect("must be refused");
    (error.status().unwrap(), error.code().expect("a problem document").to_owned())
}

pub fn is(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}
