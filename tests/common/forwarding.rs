//! A real forwarder between a gateway of the test's own and a real desk.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use axum::extract::{Request, State};
use axum::routing::post;
use axum::{Json, Router};
use tabir::api::gateway::{Ack, Done, Event, Events, Item, ItemKind, Lease, Leased, ReportPart};
use tabir::clock::{Clock, Random};
use tabir::config::keys::{read_seed, write_private};
use tabir::config::{Peers, Setup, roles};
use tabir::forwarder::{Forwarder, Policy};
use tabir::http::{Calls, Problem};
use tabir_crypto::B32;
use tabir_crypto::codec::sha256;
use tabir_crypto::content::*;
use tabir_crypto::ed25519::VerifyingKey;
use tabir_crypto::hpke::{KemPublicKey, KemSecretKey, Use, uses};
use tabir_crypto::receipt::{Receipt, ReceiptKeys, accept_body, reference};
use tabir_crypto::statement::body::{CaseWrite, Release, Role};
use tabir_crypto::statement::value::{Bytes, CodeText, Hex, Hour, Second, V1};
use tabir_crypto::statement::{Statement, Verb};
use tabir_crypto::submission::Commitment;
use tabir_crypto::{json, trust::Trust};
use tempfile::TempDir;
use tokio::sync::watch;

use super::desk::{CONNECTOR, NOW, RunningDesk};
use super::world::{World as Installation, identity, write_identity};
use super::{policy, serve};

/// Times of the test policy: window, from its close to its deadline, release.
pub const WINDOW_S: u64 = 600;
pub const FORWARD_S: u64 = 7_200;
pub const RELEASE_S: u64 = 3_600;
/// How long sealed contents are kept after they were sent.
pub const KEEP_S: u64 = 5_000;
/// Longer than the longest pause between two attempts.
pub const RETRY_S: u64 = 1_000;
/// Deadline of the window that all reports of a test are in.
pub const DEADLINE: u64 = NOW + WINDOW_S + FORWARD_S;

/// What the test's gateway was given and told.
#[derive(Default)]
pub struct Outbox {
    pub items: Vec<Item>,
    pub events: BTreeMap<B32, Vec<Event>>,
    /// Lose the answers of so many acks and event calls, after they took effect or not.
    pub lose_acks: usize,
    pub lose_events: usize,
}

type Shared = Arc<(Calls, VerifyingKey, Mutex<Outbox>)>;

async fn lease(State(s): State<Shared>, request: Request) -> Result<Json<Leased>, Problem> {
    let (_, body) = s.0.accept(request, &[s.1]).await?;
    let lease: Lease = json::from_slice(&body)?;
    let items = s.2.lock().unwrap().items.iter().take(lease.max as usize).cloned().collect();
    Ok(Json(Leased { v: V1, items }))
}

async fn ack(State(s): State<Shared>, request: Request) -> Result<Json<Done>, Problem> {
    let (_, body) = s.0.accept(request, &[s.1]).await?;
    let ack: Ack = json::from_slice(&body)?;
    let mut outbox = s.2.lock().unwrap();
    if outbox.lose_acks > 0 {
        outbox.lose_acks -= 1;
        return Err(Problem::internal());
    }
    outbox.items.retain(|i| !ack.ids.contains(&i.id));
    Ok(Json(Done::default()))
}

async fn events(State(s): State<Shared>, request: Request) -> Result<Json<Done>, Problem> {
    let case = request.uri().path().split('/').nth(3).unwrap().to_owned();
    let (_, body) = s.0.accept(request, &[s.1]).await?;
    let events: Events = json::from_slice(&body)?;
    let mut outbox = s.2.lock().unwrap();
    let known = outbox.events.entry(tabir_crypto::codec::unhex(&case)?).or_default();
    for event in events.events {
        if !known.iter().any(|k| k.id() == event.id()) {
            known.push(event);
        }
    }
    if outbox.lose_events > 0 {
        outbox.lose_events -= 1;
        return Err(Problem::internal());
    }
    Ok(Json(Done::default()))
}

/// All three, on loopback.
pub struct World {
    pub clock: Clock,
    pub desk: RunningDesk,
    pub forwarder: Arc<Forwarder>,
    pub dir: TempDir,
    pub trust: Arc<Trust>,
    gateway: Shared,
    config: roles::Forwarder,
    setup: Setup,
    next_id: u64,
    _stop: watch::Sender<bool>,
}

/// A case as its reporter knows it.
pub struct Reported {
    pub keys: ReceiptKeys,
    pub case_id: B32,
    pub reference: String,
    pub counter: u64,
    pub seq: u64,
}

fn test_policy() -> Policy {
    Arc::new(|| Some(policy(NOW, WINDOW_S, FORWARD_S, RELEASE_S)))
}

impl World {
    /// `front` says what stands before the desk: the desk itself, or a proxy's base.
    pub async fn start(front: impl AsyncFnOnce(&str) -> String) -> Self {
        let clock = Clock::manual(NOW);
        Self::start_at(RunningDesk::start(clock.clone()).await, clock, front).await
    }

    /// With a desk of the caller's.
    pub async fn start_at(desk: RunningDesk, clock: Clock, front: impl AsyncFnOnce(&str) -> String) -> Self {
        let downstream = format!("{}{}", front(&desk.base).await, tabir::desk::BASE);
        Self::start_to(desk, clock, downstream, |_| {}).await
    }

    /// With another downstream than the desk, and changes of the caller's to the configuration.
    pub async fn start_to(
        desk: RunningDesk,
        clock: Clock,
        downstream: String,
        change: impl FnOnce(&mut roles::Forwarder),
    ) -> Self {
        let identity = identity(Role::Forwarder);
        let calls = Calls::new(Role::Gateway, clock.clone());
        let gateway: Shared = Arc::new((calls, identity.verifying_key(), Mutex::default()));
        let router = Router::new()
            .route("/internal/outbox/lease", post(lease))
            .route("/internal/outbox/ack", post(ack))
            .route("/internal/cases/{case_id}/events", post(events))
            .with_state(Arc::clone(&gateway));
        let (gateway_internal, stop_gateway) = serve(router).await;
        let dir = tempfile::tempdir().unwrap();
        write_identity(dir.path(), Role::Forwarder);
        write_private(&dir.path().join("api.key"), CONNECTOR.as_bytes()).unwrap();
        let peers = Peers { gateway_internal, gateway: "https://gateway.example".into(), ..Peers::default() };
        let setup = Installation::new(None).setup(&clock, peers);
        let mut config = roles::Forwarder {
            dir: dir.path().into(),
            downstream,
            api_key_file: Some(dir.path().join("api.key")),
            jurisdiction: None,
            mapping: None,
            webhook: None,
            poll_ms: 10,
            epoch_s: 30 * 86_400,
            keep_content_s: KEEP_S,
        };
        change(&mut config);
        let forwarder = Arc::new(Forwarder::open(&setup, &config, test_policy()).await.unwrap());
        Self {
            clock,
            desk,
            forwarder,
            dir,
            trust: Arc::clone(&setup.trust),
            gateway,
            config,
            setup,
            next_id: 1,
            _stop: stop_gateway,
        }
    }

    /// The configuration of the forwarder.
    pub const fn config(&self) -> &roles::Forwarder {
        &self.config
    }

    /// Another downstream, and a restart.
    pub async fn move_to(&mut self, downstream: &str) {
        downstream.clone_into(&mut self.config.downstream);
        self.restart().await;
    }

    /// Another mapping, and a restart.
    pub async fn map(&mut self, mapping: &str) {
        let file = self.dir.path().join("mapping.toml");
        std::fs::write(&file, mapping).unwrap();
        self.config.mapping = Some(file);
        self.restart().await;
    }

    /// Whether it would start with another configuration.
    pub async fn opened(&self, change: impl FnOnce(&mut roles::Forwarder)) -> Result<(), tabir::forwarder::StartError> {
        let mut config = self.config.clone();
        change(&mut config);
        Forwarder::open(&self.setup, &config, test_policy()).await.map(drop)
    }

    /// The process dies and starts again.
    pub async fn restart(&mut self) {
        self.forwarder = Arc::new(Forwarder::open(&self.setup, &self.config, test_policy()).await.unwrap());
    }

    pub fn pass(&self, seconds: u64) {
        self.clock.set(self.clock.now() + seconds);
    }

    pub fn outbox(&self) -> std::sync::MutexGuard<'_, Outbox> {
        self.gateway.2.lock().unwrap()
    }

    /// Leaves an item in the gateway's outbox.
    pub fn offer(&mut self, mut item: Item) {
        (item.id, self.next_id) = (self.next_id, self.next_id + 1);
        self.outbox().items.push(item);
    }

    /// Everything once, as the loops do it.
    pub async fn round(&self) {
        self.forwarder.take_in().await.unwrap();
        self.forwarder.send_due().await.unwrap();
        self.forwarder.poll_updates().await.unwrap();
        self.forwarder.push_events().await.unwrap();
        self.forwarder.log_windows().await.unwrap();
    }

    pub fn events(&self, case_id: &B32) -> Vec<Event> {
        self.outbox().events.get(case_id).cloned().unwrap_or_default()
    }

    /// Statements that wait for the log, as (verb, round, nf).
    pub async fn logged(&self) -> Vec<(Verb, u64, Vec<B32>)> {
        let waiting = tabir::db::outbox::waiting(self.forwarder.store().db()).await.unwrap();
        let fates = waiting.iter().filter_map(|w| {
            let statement = Statement::parse(&w.statement).unwrap();
            let verified = statement.verify(&[*self.trust.identity(Role::Forwarder)]).unwrap();
            match verified.body {
                tabir_crypto::statement::Body::ReportFate(f) => {
                    Some((verified.verb, f.round, f.nf.iter().map(|n| n.0).collect()))
                }
                _ => None,
            }
        });
        fates.collect()
    }

    /// Kinds and details of what is held.
    pub async fn held(&self) -> Vec<(String, String)> {
        self.forwarder.store().held().await.unwrap().into_iter().map(|h| (h.held.kind, h.held.detail)).collect()
    }

    /// Descriptions of all requests at the desk.
    pub async fn at_desk(&self) -> Vec<serde_json::Value> {
        self.desk.get("requests.json", CONNECTOR, &[]).await.unwrap().as_array().unwrap().clone()
    }

    pub fn report(&self, category: &str, text: &str, release: Release) -> (Reported, Item) {
        let keys = Receipt::generate(&mut Random).keys();
        let (case_id, key) = (keys.case_id(), intake_key(self.dir.path()));
        let content = Content {
            v: V1,
            category: CodeText::new(category).unwrap(),
            text: text.into(),
            language: CodeText::new("id").unwrap(),
            location: Location::new(Precision::None, None, "Kelurahan Gambir".into()).unwrap(),
            attributes: BTreeMap::new(),
            release,
            identity: IdentityState::Sealed,
            mailbox_pk: keys.mailbox_pk(),
            attachments: Vec::new(),
            via: None,
        };
        let item = report_item(&keys, &content, &key);
        (Reported { reference: reference(&case_id), case_id, keys, counter: 0, seq: 0 }, item)
    }

    /// A sealed later write.
    pub fn sealed_write(&self, case: &mut Reported, kind: ItemKind, json: &[u8]) -> Item {
        let key = intake_key(self.dir.path());
        let place = Use::Followup { case_id: case.case_id, seq: case.seq + 1, intake_key_id: key.key_id() };
        let payload = uses::seal(&key, &place, pad_message(json).unwrap().expose(), &mut Random).unwrap();
        case.seq += 1;
        write_item(case, kind, payload, Some((key.key_id(), case.seq)))
    }
}

/// The announced key, from the forwarder's folder.
pub fn intake_key(dir: &Path) -> KemPublicKey {
    KemSecretKey::from_seed(read_seed(&dir.join("intake-1.key")).unwrap()).public_key()
}

/// A lease item as an honest gateway makes it. The envelope is named by its hash only.
pub fn report_item(keys: &ReceiptKeys, content: &Content, key: &KemPublicKey) -> Item {
    let (case_id, intake_key_id) = (keys.case_id(), key.key_id());
    let padded = pad_content(&json::to_vec(content).unwrap()).unwrap();
    let payload = uses::seal(key, &Use::Content { case_id, intake_key_id }, padded.expose(), &mut Random).unwrap();
    let (content_hash, envelope_hash) = (content_hash(&payload).unwrap(), sha256(b"an envelope"));
    let commitment = Commitment {
        case_id,
        content_hash,
        envelope_hash,
        mailbox_pk: keys.mailbox_pk(),
        a: keys.a(),
        b: accept_body(keys.r.expose(), &content_hash, &envelope_hash),
        nf: *keys.nf.expose(),
        notice_hash: keys.notice_hash(),
    };
    let statement = Statement::signed(Verb::CaseSubmit, &commitment.to_sign(Hour::of(NOW)), &keys.case_key).unwrap();
    Item {
        id: 0,
        kind: ItemKind::Report,
        case_id: Hex(case_id),
        access_hash: Hex(keys.access_hash()),
        case_vk: Hex(*keys.case_vk().as_bytes()),
        statement,
        payload: Bytes(payload),
        intake_key_id: Some(Hex(intake_key_id)),
        seq: None,
        report: Some(ReportPart {
            a: Hex(commitment.a),
            b: Hex(commitment.b),
            nf: Hex(commitment.nf),
            notice_hash: Hex(commitment.notice_hash),
            mailbox_pk: commitment.mailbox_pk,
            envelope_hash: Hex(envelope_hash),
            w: 1,
            deadline: Second(DEADLINE),
        }),
    }
}

/// A later write by the case key, with the next counter.
pub fn write_item(case: &mut Reported, kind: ItemKind, payload: Vec<u8>, sealed: Option<(B32, u64)>) -> Item {
    case.counter += 1;
    let verb = match kind {
        ItemKind::Message => Verb::CaseMessage,
        ItemKind::Rating => Verb::CaseRate,
        ItemKind::Dispute => Verb::CaseDispute,
        _ => Verb::CaseErase,
    };
    let body = CaseWrite {
        v: V1,
        at: Hour::of(NOW),
        case_id: Hex(case.case_id),
        counter: case.counter,
        body_hash: Hex(sha256(&payload)),
    };
    Item {
        id: 0,
        kind,
        case_id: Hex(case.case_id),
        access_hash: Hex(case.keys.access_hash()),
        case_vk: Hex(*case.keys.case_vk().as_bytes()),
        statement: Statement::signed(verb, &body, &case.keys.case_key).unwrap(),
        payload: Bytes(payload),
        intake_key_id: sealed.map(|(id, _)| Hex(id)),
        seq: sealed.map(|(_, seq)| seq),
        report: None,
    }
}

/// Opens a message as its reporter does.
pub fn open_message(world: &World, case: &Reported, event: &Event) -> (Message, B32, bool) {
    let Event::Message { seq, sealed, question, .. } = event else { panic!("no message: {event:?}") };
    let place = Use::Mailbox { case_id: case.case_id, seq: *seq };
    let padded = uses::open(&case.keys.mailbox, &place, &sealed.0).unwrap();
    let reply: SealedReply = json::from_slice(unpad_message(padded.expose()).unwrap().expose()).unwrap();
    let verified = reply.statement.verify(&[*world.trust.identity(Role::Forwarder)]).unwrap();
    let tabir_crypto::statement::Body::Reply(signed) = verified.body else { panic!("no reply") };
    let hash = sha256(&reply.message.0);
    assert_eq!((signed.case_id.0, signed.seq, signed.message_hash.0), (case.case_id, *seq, hash));
    let message: Message = json::from_slice(&reply.message.0).unwrap();
    assert_eq!(message.seq, *seq);
    (message, hash, *question)
}
