//! A warden with a log and a board that do as the test says: the log can fork, shrink and refuse, the board can lie.

#![allow(dead_code)] // each test file uses its part

use std::collections::BTreeMap;
use std::path::Path as FilePath;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes as Body;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use tabir::api::council::{Handouts, Ready, ReadyRequest};
use tabir::client::log_source::KeptSizes;
use tabir::clock::{Clock, Random};
use tabir::config::{Peers, Setup, keys::write_private, roles};
use tabir::db::outbox;
use tabir::http::{Client, log_outbox, server};
use tabir::ledger::Ledger;
use tabir::warden::{StartError, Store, View, Warden, WardenError};
use tabir_crypto::codec::{sha256, unhex};
use tabir_crypto::ed25519::SigningKey;
use tabir_crypto::envelope::{SealParams, SealedEnvelope, seal};
use tabir_crypto::hpke::{KemPublicKey, KemSecretKey};
use tabir_crypto::log::tile::Edge;
use tabir_crypto::log::witness::parse_cosignatures;
use tabir_crypto::log::{Checkpoint, NoteSigner, SignedCheckpoint, TreeHead};
use tabir_crypto::receipt::{Receipt, ReceiptKeys};
use tabir_crypto::request::RequestText;
use tabir_crypto::statement::body::{CouncilFormed, Member, Role, UnsealApproved, UnsealRequested};
use tabir_crypto::statement::value::{Bytes, CodeText, Hex, Hour, Second, V1};
use tabir_crypto::statement::{Statement, Verb};
use tabir_crypto::threshold::Council;
use tabir_crypto::trust::Trust;
use tabir_crypto::trust::root::LogName;
use tabir_crypto::{B32, Code, Secret};
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::log_support::{
    GOVERNANCE, NOW, identity, key, log_seed, origin, seed, text, trust as two_witnesses, witness,
};

pub const COOLING: u64 = 3600;
pub const DAY: u64 = 86_400;
/// Length of a warden key's life in these tests.
pub const QUARTER: u64 = 91 * DAY;

pub fn code(c: &str) -> CodeText {
    CodeText::new(c).unwrap()
}

/// One witness, which is the warden; two releases a day.
pub fn trust() -> Trust {
    let mut root = two_witnesses().root().clone();
    root.witnesses = vec![text(&witness(1).verifier_key().to_string())];
    root.witness_quorum = 1;
    root.auditors = [1, 2, 3].map(|n| Hex(*key(n).verifying_key().as_bytes())).to_vec();
    root.cooling_off_s = COOLING;
    root.release_cap_per_day = 2;
    root.deferral_max_s = 10 * DAY;
    Trust::pinned(&Statement::signed(Verb::TrustRoot, &root, &key(1)).unwrap()).unwrap()
}

pub fn sign<T: serde::Serialize>(verb: Verb, body: &T, keys: &[SigningKey]) -> Statement {
    let mut statement = Statement::new(verb, body).unwrap();
    keys.iter().for_each(|key| statement.sign(key));
    statement
}

/// Leaves, and what a witness made of them.
#[derive(Default)]
pub struct Tree {
    pub leaves: Vec<Vec<u8>>,
    pub newest: Option<Vec<u8>>,
    pub kept: BTreeMap<u64, Vec<u8>>,
    /// Cosignatures that arrived.
    pub posts: usize,
}

impl Tree {
    fn edge(&self) -> Edge {
        let mut edge = Edge::load(0, |_| Err(Code::Tile.into())).unwrap();
        self.leaves.iter().for_each(|leaf| edge.push(leaf).unwrap());
        edge
    }

    pub fn head(&self) -> TreeHead {
        self.edge().head()
    }

    pub fn pending(&self, name: LogName) -> SignedCheckpoint {
        let signer = NoteSigner::from_seed(&origin(name), &seed(log_seed(name))).unwrap();
        SignedCheckpoint::sign(Checkpoint { origin: origin(name), head: self.head() }, &signer).unwrap()
    }

    fn file(&self, name: LogName, path: &str) -> Option<Vec<u8>> {
        if path == "pending" {
            return Some(self.pending(name).to_bytes());
        }
        if path == "checkpoint" {
            return Some(self.newest.clone().unwrap_or_else(|| self.pending(name).to_bytes()));
        }
        if path == "checkpoints.json" {
            let sizes = self.kept.keys().copied().collect();
            return Some(serde_json::to_vec(&KeptSizes { v: V1, sizes }).unwrap());
        }
        if let Some(size) = path.strip_prefix("checkpoints/") {
            return self.kept.get(&size.parse().ok()?).cloned();
        }
        if path.starts_with("tile/entries/") {
            let mut bundle = Vec::new();
            self.leaves.iter().for_each(|l| tabir_crypto::log::tile::push_entry(&mut bundle, l).unwrap());
            return Some(bundle);
        }
        let tiles = self.edge().take_tiles().unwrap();
        tiles.into_iter().find(|(tile, _)| tile.to_string() == path).map(|(_, bytes)| bytes)
    }
}

/// Log and board in one server.
#[derive(Default)]
pub struct World {
    pub trees: Mutex<BTreeMap<LogName, Tree>>,
    pub ready: Mutex<Vec<ReadyRequest>>,
    pub proposals: Mutex<Vec<Statement>>,
    pub handed: Mutex<Vec<Handouts>>,
    /// The log answers cosignatures with an error, the board hand-outs.
    pub refuse: Mutex<bool>,
    /// The warden's store, to look into it while a cosignature is on its way.
    pub store: Mutex<Option<Store>>,
    /// Sizes that the store had when cosignatures arrived.
    pub stored: Mutex<Vec<u64>>,
}

fn name(text: &str) -> LogName {
    LogName::ALL.into_iter().find(|l| l.as_str() == text).unwrap()
}

async fn file(State(w): State<Arc<World>>, Path((log, path)): Path<(String, String)>) -> Result<Vec<u8>, StatusCode> {
    let trees = w.trees.lock().unwrap();
    trees[&name(&log)].file(name(&log), &path).ok_or(StatusCode::NOT_FOUND)
}

async fn entries(State(w): State<Arc<World>>, Path(log): Path<String>, body: Body) -> String {
    let mut trees = w.trees.lock().unwrap();
    let leaves = &mut trees.get_mut(&name(&log)).unwrap().leaves;
    let index = leaves.iter().position(|l| l == &body).unwrap_or_else(|| {
        leaves.push(body.to_vec());
        leaves.len() - 1
    });
    format!("{{\"v\":1,\"index\":{index}}}")
}

async fn cosignatures(State(w): State<Arc<World>>, Path(log): Path<String>, body: Body) -> StatusCode {
    let store = w.store.lock().unwrap().clone();
    if let Some(store) = store {
        let stored = store.head(name(&log)).await.unwrap();
        w.stored.lock().unwrap().push(stored.tree.size);
    }
    let refuse = *w.refuse.lock().unwrap();
    let mut trees = w.trees.lock().unwrap();
    let tree = trees.get_mut(&name(&log)).unwrap();
    tree.posts += 1;
    if refuse {
        return StatusCode::SERVICE_UNAVAILABLE;
    }
    let mut checkpoint = tree.pending(name(&log));
    parse_cosignatures(&body).unwrap().into_iter().for_each(|line| checkpoint.add(line));
    tree.newest = Some(checkpoint.to_bytes());
    tree.kept.entry(checkpoint.head().size).or_insert_with(|| checkpoint.to_bytes());
    StatusCode::NO_CONTENT
}

async fn ready(State(w): State<Arc<World>>) -> Vec<u8> {
    serde_json::to_vec(&Ready { v: V1, requests: w.ready.lock().unwrap().clone() }).unwrap()
}

async fn handouts(State(w): State<Arc<World>>, body: Body) -> StatusCode {
    if *w.refuse.lock().unwrap() {
        return StatusCode::SERVICE_UNAVAILABLE;
    }
    w.handed.lock().unwrap().push(serde_json::from_slice(&body).unwrap());
    StatusCode::OK
}

async fn proposals(State(w): State<Arc<World>>, body: Body) -> &'static str {
    let mut all = w.proposals.lock().unwrap();
    let statement = Statement::parse(&body).unwrap();
    if !all.iter().any(|s| s.pae() == statement.pae()) {
        all.push(statement);
    }
    "{}"
}

/// A reporter's case with its sealed envelope.
pub struct Case {
    pub keys: ReceiptKeys,
    pub content_hash: B32,
    pub envelope: SealedEnvelope,
}

/// The whole installation.
pub struct City {
    pub dir: tempfile::TempDir,
    pub world: Arc<World>,
    pub setup: Setup,
    pub clock: Clock,
    _stop: watch::Sender<bool>,
}

impl City {
    /// Log and board run; the warden has its files and is not started.
    pub async fn new() -> Self {
        let world = Arc::new(World::default());
        *world.trees.lock().unwrap() = LogName::ALL.map(|name| (name, Tree::default())).into();
        let routes = Router::new()
            .route("/log/{name}/{*path}", get(file))
            .route("/internal/log/{name}/entries", post(entries))
            .route("/log/{name}/cosignatures", post(cosignatures))
            .route("/internal/unseal/ready", get(ready))
            .route("/internal/unseal/{hash}/handouts", post(handouts))
            .route("/council/proposals", post(proposals))
            .with_state(Arc::clone(&world));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let (stop, stopped) = watch::channel(false);
        tokio::spawn(server::serve(listener, routes, stopped.clone()));
        let clock = Clock::manual(NOW);
        let peers = Peers {
            log: base.clone(),
            log_internal: base.clone(),
            council: base.clone(),
            council_internal: base,
            ..Peers::default()
        };
        let setup = Setup {
            trust: Arc::new(trust()),
            clock: clock.clone(),
            client: Client::new(clock.clone()),
            peers,
            ledger: Ledger::fixed(tabir::ledger::View::default()),
            stop: stopped,
        };
        let dir = tempfile::tempdir().unwrap();
        let number = 10 + Role::ALL.iter().position(|r| *r == Role::Warden).unwrap() as u8;
        write_seed(&dir.path().join("identity.key"), number);
        write_seed(&dir.path().join("witness.key"), 41);
        Self { dir, world, setup, clock, _stop: stop }
    }

    /// Opens the warden, as after a restart.
    pub async fn warden(&self) -> Warden {
        let warden = self.open().await.unwrap();
        warden.check_journal().await.unwrap();
        warden
    }

    pub async fn open(&self) -> Result<Warden, StartError> {
        let config = roles::Warden { dir: self.dir.path().to_owned(), poll_ms: 10, epoch_s: QUARTER, notify: None };
        Warden::open(&config, &self.setup).await
    }

    pub fn tree<T>(&self, f: impl FnOnce(&mut Tree) -> T) -> T {
        f(self.world.trees.lock().unwrap().get_mut(&GOVERNANCE).unwrap())
    }

    pub fn append(&self, statement: &Statement) -> B32 {
        self.tree(|t| t.leaves.push(statement.to_bytes()));
        statement.entry_hash()
    }

    /// The warden cosigns what the log has, and reads it.
    pub async fn witnessed(&self, warden: &Warden) -> View {
        warden.witness(GOVERNANCE).await.unwrap();
        let mut view = warden.view().await.unwrap();
        warden.follow(&mut view).await.unwrap();
        view
    }

    /// What waits in the warden's outbox goes into the log. Returns the verbs that went.
    pub async fn deliver(&self, warden: &Warden) -> Vec<Verb> {
        let db = warden.store().db();
        let verbs = outbox::waiting(db).await.unwrap();
        let key = identity(Role::Warden);
        log_outbox::round(db, &key, &[], &self.setup.peers.log_internal, &self.setup.client, &self.clock)
            .await
            .unwrap();
        verbs.iter().map(|w| Statement::parse(&w.statement).unwrap().verb()).collect()
    }

    /// A warden whose key counts, and a council.
    pub async fn ready() -> (Self, Warden) {
        let city = Self::new().await;
        let warden = city.warden().await;
        let view = city.witnessed(&warden).await;
        warden.keys(&view).await.unwrap();
        for mut announced in std::mem::take(&mut *city.world.proposals.lock().unwrap()) {
            announced.sign(&key(1));
            city.append(&announced);
        }
        let founders = [official(1), official(2), official(3), identity(Role::Warden), key(1)];
        city.append(&sign(Verb::CouncilFormed, &council_body(), &founders));
        let view = city.witnessed(&warden).await;
        assert!(view.state.council(&council_id()).is_ok());
        (city, warden)
    }

    /// The warden's public key of now, from the log.
    pub async fn warden_key(&self, warden: &Warden) -> KemPublicKey {
        let view = self.witnessed(warden).await;
        let key = view.state.active_key(&self.setup.trust, tabir_crypto::statement::body::KeyKind::Warden, view.now);
        KemPublicKey::from_bytes(&key.unwrap().body.key.0).unwrap()
    }

    pub async fn case(&self, warden: &Warden, n: u8) -> Case {
        let keys = Receipt::from(Secret::new([n; 16])).keys();
        let (council, content_hash) = (council(), [7; 32]);
        let warden_key = self.warden_key(warden).await;
        let params = SealParams {
            council: council.key(),
            warden_key: &warden_key,
            case_key: &keys.case_key,
            access_hash: keys.access_hash(),
            content_hash,
            notice_hash: keys.notice_hash(),
        };
        let envelope = seal(&params, &Secret::new([0; 1024]), &mut Random).unwrap();
        Case { keys, content_hash, envelope }
    }

    /// Official 1 asks; the board has the text. Returns the request's hash.
    pub async fn ask(&self, warden: &Warden, case: &Case) -> B32 {
        self.ask_with(warden, case, |_| (), |_| ()).await
    }

    pub async fn ask_with(
        &self,
        warden: &Warden,
        case: &Case,
        text: impl FnOnce(&mut RequestText),
        entry: impl FnOnce(&mut UnsealRequested),
    ) -> B32 {
        let mut asked = text_of(case);
        text(&mut asked);
        let committed = asked.commit(&[5; 32]).unwrap();
        let id = self.tree(|t| t.leaves.len() as u8);
        let mut body = UnsealRequested {
            v: V1,
            at: Hour::of(self.clock.now()),
            request_id: Hex([id; 16]),
            council_id: Hex(council_id()),
            requester: 1,
            legal_basis: code("court"),
            reason: code("danger"),
            commit: Hex(committed.commit),
            tag: Hex(committed.tag),
            nonce: Some(asked.nonce),
            deferred_until: None,
            deferral: None,
        };
        entry(&mut body);
        let hash = self.append(&sign(Verb::UnsealRequested, &body, &[official(1)]));
        let sealed = committed.seal(&self.warden_key(warden).await, &mut Random).unwrap();
        let envelope = Bytes(case.envelope.bytes.clone());
        self.world.ready.lock().unwrap().push(ReadyRequest { request_hash: Hex(hash), text: Bytes(sealed), envelope });
        hash
    }

    pub fn approve(&self, request: B32, index: u16, until: Option<u64>) {
        self.append(&sign(Verb::UnsealApproved, &approval(request, index, until), &[official(index)]));
    }

    /// Asked, approved by officials 1 and 2, cooled off; the warden has read it all.
    pub async fn approved(&self, warden: &Warden, case: &Case) -> (B32, View) {
        let request = self.ask(warden, case).await;
        self.approved_request(warden, request).await
    }

    pub async fn approved_request(&self, warden: &Warden, request: B32) -> (B32, View) {
        self.approve(request, 1, None);
        self.approve(request, 2, None);
        self.witnessed(warden).await;
        self.clock.set(self.clock.now() + COOLING);
        (request, self.witnessed(warden).await)
    }

    /// The one statement that the warden has for the log.
    pub async fn said(&self, warden: &Warden) -> Vec<(Verb, String)> {
        let waiting = outbox::waiting(warden.store().db()).await.unwrap();
        let read = |w: &outbox::Waiting| {
            let statement = Statement::parse(&w.statement).unwrap();
            let code = match statement.body().unwrap() {
                tabir_crypto::statement::Body::UnsealCode(body) => body.code.as_str().to_owned(),
                _ => String::new(),
            };
            (statement.verb(), code)
        };
        waiting.iter().map(read).collect()
    }
}

pub fn text_of(case: &Case) -> RequestText {
    RequestText {
        v: V1,
        case_id: Hex(case.keys.case_id()),
        access_hash: Hex(case.keys.access_hash()),
        content_hash: Hex(case.content_hash),
        envelope_hash: Hex(case.envelope.hash),
        notice_key: Hex(*case.keys.notice_key.expose()),
        nonce: Hex([9; 32]),
        words: "because".into(),
        category: None,
        recused: Vec::new(),
    }
}

pub fn approval(request: B32, index: u16, until: Option<u64>) -> UnsealApproved {
    UnsealApproved {
        v: V1,
        at: Hour::of(NOW),
        request_hash: Hex(request),
        council_id: Hex(council_id()),
        index,
        reason: code("danger"),
        kem_pk: Bytes(fresh_key(index).public_key().as_bytes().to_vec()),
        deferred_until: until.map(Second),
    }
}

pub fn fresh_key(index: u16) -> KemSecretKey {
    KemSecretKey::from_seed(seed(90 + index as u8))
}

pub fn official(index: u16) -> SigningKey {
    key(60 + index as u8)
}

/// Keys and shares of the vectors, held by these tests' officials.
pub fn council_body() -> CouncilFormed {
    let all: serde_json::Value =
        serde_json::from_str(include_str!("../../crypto/tests/vectors/tabir-v1.json")).unwrap();
    let b32 = |v: &serde_json::Value| Hex(unhex::<32>(v.as_str().unwrap()).unwrap());
    let (id, lineage) = (&all["formats"]["council_id"][0]["in"], &all["formats"]["lineage"][0]);
    let members = id["members"].as_array().unwrap();
    let member = |(index, m): (u16, &serde_json::Value)| Member {
        index,
        yi: b32(&m["Yi"]),
        ed_vk: Hex(*official(index).verifying_key().as_bytes()),
        kem_pk: Bytes(KemSecretKey::from_seed(seed(80 + index as u8)).public_key().as_bytes().to_vec()),
    };
    CouncilFormed {
        v: V1,
        at: Hour::of(NOW),
        ceremony_id: b32(&lineage["in"]["ceremony_id"]),
        lineage: b32(&lineage["out"]["lineage"]),
        epoch: 1,
        t: 2,
        n: members.len() as u16,
        y: b32(&id["Y"]),
        members: (1..).zip(members).map(member).collect(),
        transcript: Hex(sha256(b"transcript")),
        reshare_id: None,
    }
}

pub fn council() -> Council {
    Council::from_body(&council_body()).unwrap()
}

pub fn council_id() -> B32 {
    *council().council_id()
}

fn write_seed(path: &FilePath, n: u8) {
    write_private(path, format!("{}\n", hex::encode([n; 32])).as_bytes()).unwrap();
}

pub fn refused<T>(result: Result<T, WardenError>) -> &'static str {
    result.err().expect("must be refused").code()
}
