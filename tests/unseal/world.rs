//! A whole installation in one process, on loopback: log, issuer, gateway, board, forwarder and warden as they are served,
//! with the demo's values. Three officials have key files; their council, the keys and a policy are in the log.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use sqlx::{AnyConnection, Connection as _};
use tabir::api::council::Act;
use tabir::api::gateway::Keys;
use tabir::cli::connect::load_trust;
use tabir::cli::demo::ports::free_ports;
use tabir::cli::init::{self, layout::Ports};
use tabir::cli::serve;
use tabir::client::Session;
use tabir::client::official::case::{OpenRequest, entries};
use tabir::client::official::manifest::{self, FromFile};
use tabir::client::official::partial::Released;
use tabir::client::official::request::{Ask, request};
use tabir::client::official::{Board, Card, OfficialError, OfficialFile, Patience, approve, ceremony, endorse};
use tabir::client::report::{Draft, Sealed, seal, send};
use tabir::client::tokens::{self, Attestation};
use tabir::clock::Clock;
use tabir::config::{Config, keys};
use tabir::http::{Answer, Client, HttpError, Method};
use tabir_crypto::content::{Contact, ContactKind, IdentityRecord, Location, Precision};
use tabir_crypto::ed25519::SigningKey;
use tabir_crypto::keyfile::Cost;
use tabir_crypto::request::RequestText;
use tabir_crypto::secret::SecretVec;
use tabir_crypto::statement::body::{IndexedHash, KeyKind, PolicySet, Role, UnsealApproved, UnsealReleased};
use tabir_crypto::statement::value::{Bytes, CodeText, Hex, Hour, V1};
use tabir_crypto::statement::{Body, Statement, Verb};
use tabir_crypto::trust::Trust;
use tabir_crypto::trust::root::TrustRoot;
use tabir_crypto::trust::unseal::{Request, Status};
use tabir_crypto::{B32, Code, Secret};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Long enough for a slow machine.
const PATIENCE: Duration = Duration::from_secs(90);
const ROLES: [&str; 6] = ["log", "issuer", "gateway", "council", "warden", "forwarder"];

pub struct World {
    pub dir: tempfile::TempDir,
    pub ports: Ports,
    pub trust: Arc<Trust>,
    client: Client,
    clock: Clock,
    /// The auditors' key files.
    pub auditors: Vec<PathBuf>,
    running: BTreeMap<&'static str, (Config, JoinSet<std::io::Result<()>>)>,
    stop: watch::Sender<bool>,
}

fn silent(_: &str) {}

pub fn patience() -> Patience<'static> {
    Patience::new(PATIENCE, &silent)
}

fn passphrase(n: u16) -> SecretVec {
    Secret::new(format!("a passphrase of official {n}").into_bytes())
}

/// Who reported.
pub fn person(name: &str) -> IdentityRecord {
    let contact = vec![Contact { kind: ContactKind::Phone, value: "+62 811 0000 000".into() }];
    IdentityRecord { v: V1, name: Some(name.into()), contact, national_id: None, note: None }
}

/// The code of a check that said no, on this device.
#[track_caller]
pub fn refused<T>(result: Result<T, OfficialError>) -> Code {
    let error = result.err().expect("must be refused");
    error.code().unwrap_or_else(|| panic!("another error: {error}"))
}

/// The words in which a device said no, before anything was signed.
#[track_caller]
pub fn said_no<T>(result: Result<T, OfficialError>) -> String {
    match result.err().expect("must be refused") {
        OfficialError::Refused(words) => words,
        error => panic!("another error: {error}"),
    }
}

/// How the board said no.
#[track_caller]
pub fn problem<T>(result: Result<T, HttpError>) -> (u16, String) {
    let error = result.err().expect("must be refused");
    (error.status().unwrap_or_else(|| panic!("{error}")), error.code().unwrap_or_default().to_owned())
}

impl World {
    pub async fn start() -> Self {
        Self::start_with(|_| (), |_, _| ()).await
    }

    /// With other terms in the trust root, and other addresses or settings in the roles' configurations.
    pub async fn start_with(terms: impl FnOnce(&mut TrustRoot), mut settings: impl FnMut(&str, &mut Config)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let ports = free_ports().unwrap();
        let made = init::demo(dir.path(), "Test city", &ports).unwrap();
        let mut root = load_trust(&made.trust).unwrap().root().clone();
        terms(&mut root);
        let mut statement = Statement::new(Verb::TrustRoot, &root).unwrap();
        made.auditors.iter().for_each(|file| statement.sign(&keys::read_signing_key(file).unwrap()));
        std::fs::write(&made.trust, statement.to_bytes()).unwrap();
        let trust = Arc::new(load_trust(&made.trust).unwrap());
        let (stop, stopped) = watch::channel(false);
        let mut running = BTreeMap::new();
        for role in ROLES {
            let mut config = Config::load(&dir.path().join(role).join("tabir.toml")).unwrap();
            settings(role, &mut config);
            let tasks = serve::start(&config, stopped.clone()).await.unwrap();
            running.insert(role, (config, tasks));
        }
        let clock = Clock::system();
        let client = Client::new(clock.clone());
        let world = Self { dir, ports, trust, client, clock, auditors: made.auditors.clone(), running, stop };
        let auditors: Vec<SigningKey> = made.auditors.iter().map(|f| keys::read_signing_key(f).unwrap()).collect();
        world.policy(&auditors[0]).await;
        world.warden_key(&auditors).await;
        world.council(&auditors[0]).await;
        world.ready().await;
        world
    }

    /// Ends a role as a crash would, and starts it again on its store.
    pub async fn restart(&mut self, role: &'static str) {
        let (config, mut tasks) = self.running.remove(role).unwrap();
        tasks.shutdown().await;
        let mut wait = patience();
        let tasks = loop {
            match serve::start(&config, self.stop.subscribe()).await {
                Ok(tasks) => break tasks,
                // Its port is free again a moment later.
                Err(_) => wait.wait("the restart").await.unwrap(),
            }
        };
        self.running.insert(role, (config, tasks));
    }

    pub fn identity(&self, role: Role) -> SigningKey {
        keys::read_signing_key(&self.dir.path().join(role.as_str()).join(keys::IDENTITY)).unwrap()
    }

    pub fn board(&self, key: &SigningKey) -> Board {
        self.board_at(&self.ports.peers().council, key)
    }

    /// The board behind somebody who sits between.
    pub fn board_at(&self, url: &str, key: &SigningKey) -> Board {
        Board::new(self.client.clone(), url, key.clone())
    }

    /// A signed call as anybody may make it.
    pub async fn call<T: serde::Serialize + Sync>(
        &self,
        key: &SigningKey,
        base: &str,
        path: &str,
        body: &T,
    ) -> Result<Answer, HttpError> {
        self.client.call(key, Role::Council, Method::POST, base, path, Some(body)).await
    }

    pub fn auditor(&self) -> SigningKey {
        keys::read_signing_key(&self.auditors[0]).unwrap()
    }

    /// An official's vote as a program of his own would make it, without any check.
    pub async fn raw_approval(&self, n: u16, hash: &B32) -> Act {
        let (session, file) = (self.session().await, self.official(n));
        let body = UnsealApproved {
            v: V1,
            at: Hour::of(self.now()),
            request_hash: Hex(*hash),
            council_id: session.view.state.request(hash).unwrap().body.council_id,
            index: n,
            reason: CodeText::new("agreed").unwrap(),
            kem_pk: Bytes(file.kem_public().as_bytes().to_vec()),
            deferred_until: None,
        };
        let statement = Statement::signed(Verb::UnsealApproved, &body, file.signing()).unwrap();
        Act { v: V1, statement, reference: None, sealed: Vec::new() }
    }

    /// The statement that ended a request.
    pub async fn ended(&self, hash: &B32) -> Statement {
        let session = self.until(hash, "the end", |r| r.ended.is_some()).await;
        let (entry, _) = session.view.state.request(hash).unwrap().ended.unwrap();
        entries(&session, &[entry]).await.unwrap().remove(0)
    }

    /// The code with which it ended.
    pub async fn end_code(&self, hash: &B32) -> (Verb, String) {
        let statement = self.ended(hash).await;
        let Body::UnsealCode(body) = statement.body().unwrap() else { panic!("a code") };
        (statement.verb(), body.code.as_str().to_owned())
    }

    pub async fn sign(&self, mut statement: Statement, keys: &[SigningKey]) {
        for key in keys {
            statement.sign(key);
            self.board(key).propose(&statement, &mut patience()).await.unwrap();
        }
    }

    async fn policy(&self, auditor: &SigningKey) {
        let file = std::fs::read(self.dir.path().join("policy.json")).unwrap();
        let policy: PolicySet = tabir_crypto::json::from_slice(&file).unwrap();
        let statement = Statement::new(Verb::PolicySet, &policy).unwrap();
        self.sign(statement, &[self.identity(Role::Gateway), auditor.clone()]).await;
    }

    async fn warden_key(&self, auditors: &[SigningKey]) {
        let board = self.board(&auditors[0]);
        let fits = |body: &Body| matches!(body, Body::KeyAnnounced(k) if k.kind == KeyKind::Warden);
        let mut patience = patience();
        let proposal = loop {
            match board.find(Verb::KeyAnnounced, fits).await.unwrap() {
                Some(proposal) => break proposal,
                None => patience.wait("the warden's key").await.unwrap(),
            }
        };
        self.sign(proposal.statement, &auditors[..self.trust.auditor_quorum()]).await;
    }

    async fn council(&self, auditor: &SigningKey) {
        let (mut cards, mut known) = (Vec::new(), String::new());
        for n in 1..=3 {
            let card = self.new_official(n);
            known += &format!("{}  official {n}\n", card.fingerprint());
            cards.push(card);
        }
        let manifest = manifest::build(&cards, 2, &self.clock).unwrap();
        let operator = self.identity(Role::Council);
        let internal = Board::new(self.client.clone(), &self.ports.peers().council_internal, operator);
        internal.admit(manifest.payload().to_vec()).await.unwrap();
        let tasks: Vec<_> = (1..=3)
            .map(|n| {
                let (mut file, payload, clock) = (self.official(n), manifest.payload().to_vec(), self.clock.clone());
                let board = self.board(file.signing());
                tokio::spawn(async move {
                    let place = ceremony::Place { board: &board, clock: &clock, log: None };
                    ceremony::finish(&mut file, &payload, place, &mut patience()).await
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap().unwrap();
        }
        let board = self.board(auditor);
        let formed = endorse::waiting_council(&board, None).await.unwrap();
        endorse::check_formed(&board, &self.trust, None, &formed, &FromFile(known)).await.unwrap();
        self.sign(formed, &[self.identity(Role::Warden), auditor.clone()]).await;
    }

    /// Everything is in the log, and the gateway, which reads at its own pace, knows it.
    async fn ready(&self) {
        let mut patience = patience();
        while !self.is_ready().await {
            patience.wait("keys, council and policy").await.unwrap();
        }
    }

    async fn is_ready(&self) -> bool {
        let url = format!("{}/v1/keys", self.ports.peers().gateway);
        let Ok(session) = self.open().await else { return false };
        let Ok(gateway) = self.client.get_json::<Keys>(&url).await else { return false };
        let kinds = [KeyKind::Token, KeyKind::Intake, KeyKind::Warden];
        // The board reads at its own pace too.
        let board = self.board(self.official(1).signing()).requests().await.is_ok();
        board
            && kinds.iter().all(|k| session.key(*k).is_ok())
            && session.view.state.active_council(&session.trust, session.now()).is_ok()
            && gateway.council.is_some()
            && gateway.keys.len() >= kinds.len()
            && !session.services.categories.is_empty()
    }

    async fn open(&self) -> Result<Session, tabir::client::ClientError> {
        let (client, clock, trust) = (self.client.clone(), self.clock.clone(), Arc::clone(&self.trust));
        Session::open(client, clock, trust, &self.ports.peers().gateway).await
    }

    /// What the log says now.
    pub async fn session(&self) -> Session {
        self.open().await.unwrap()
    }

    pub fn key_file(&self, n: u16) -> PathBuf {
        self.dir.path().join(format!("official-{n}.key"))
    }

    pub fn passphrase_file(&self, n: u16) -> PathBuf {
        self.dir.path().join(format!("official-{n}.passphrase"))
    }

    pub fn official(&self, n: u16) -> OfficialFile {
        OfficialFile::open(&self.key_file(n), passphrase(n), Cost::LEAST).unwrap()
    }

    /// Another official's keys, with the card beside them.
    pub fn new_official(&self, n: u16) -> Card {
        let secret = passphrase(n);
        keys::write_private(&self.passphrase_file(n), secret.expose()).unwrap();
        let file = OfficialFile::create(&self.key_file(n), &format!("official {n}"), secret, Cost::LEAST).unwrap();
        std::fs::write(file.card_path(), tabir_crypto::json::to_vec(&file.card()).unwrap()).unwrap();
        file.card()
    }

    /// Somebody who is no official.
    pub fn stranger(&self) -> OfficialFile {
        OfficialFile::create(&self.key_file(9), "a stranger", passphrase(9), Cost::LEAST).unwrap()
    }

    /// Sends a report; gives its reference.
    pub async fn case(&self, identity: Option<IdentityRecord>) -> String {
        let session = self.session().await;
        let sealed = self.sealed(&session, identity);
        let token = tokens::fetch(&session, &Attestation::Puzzle).await.unwrap();
        send(&session, &sealed, &token).await.unwrap().reference
    }

    /// A report, sealed and not sent.
    pub fn sealed(&self, session: &Session, identity: Option<IdentityRecord>) -> Sealed {
        let draft = Draft {
            category: session.services.categories[0].code.clone(),
            text: "A report.".into(),
            language: CodeText::new("en").unwrap(),
            location: Location::new(Precision::None, None, String::new()).unwrap(),
            attributes: BTreeMap::new(),
            release: session.services.categories[0].release,
            identity,
        };
        seal(session, &draft).unwrap()
    }

    /// Sends any submission.
    pub async fn submit(&self, session: &Session, body: Vec<u8>) {
        let token = tokens::fetch(session, &Attestation::Puzzle).await.unwrap();
        let authorization = tokens::authorization(&token);
        let headers = [("content-type", "application/json"), ("authorization", authorization.as_str())];
        self.client.send(Method::POST, &format!("{}/v1/reports", session.server), &headers, body).await.unwrap();
    }

    /// What the first official asks.
    pub fn ask(reference: &str) -> Ask {
        Ask {
            reference: reference.into(),
            legal_basis: "court_order".into(),
            reason: "witness".into(),
            words: "The court asks.".into(),
            ..Ask::default()
        }
    }

    /// The first official asks.
    pub async fn requested(&self, reference: &str) -> B32 {
        self.requested_with(&Self::ask(reference)).await.unwrap()
    }

    pub async fn requested_with(&self, ask: &Ask) -> Result<B32, OfficialError> {
        self.requested_by(1, ask).await
    }

    pub async fn requested_by(&self, n: u16, ask: &Ask) -> Result<B32, OfficialError> {
        let file = self.official(n);
        request(&mut self.session().await, &self.board(file.signing()), &file, ask, &mut patience()).await
    }

    pub async fn approve(&self, n: u16, hash: &B32, reference: &str) -> Result<(), OfficialError> {
        let (session, mut file) = (self.session().await, self.official(n));
        let board = self.board(file.signing());
        approve::approve(&session, &board, &mut file, hash, (reference, "agreed"), &mut patience()).await
    }

    /// Waits until a request in the log is as wanted.
    pub async fn until(&self, hash: &B32, what: &str, done: impl Fn(&Request) -> bool) -> Session {
        let mut patience = patience();
        loop {
            let session = self.session().await;
            if session.view.state.request(hash).is_some_and(&done) {
                return session;
            }
            patience.wait(what).await.unwrap_or_else(|e| panic!("{e}"));
        }
    }

    /// Asked for by the first, approved by these, released by the warden, handed out.
    pub async fn released(&self, reference: &str, approvers: &[u16]) -> B32 {
        let hash = self.requested(reference).await;
        // At the same time: the warden waits for no third one when the cooling-off is over.
        let approve = async |n: Option<&u16>| {
            if let Some(n) = n {
                self.approve(*n, &hash, reference).await.unwrap();
            }
        };
        assert!(approvers.len() <= 3);
        tokio::join!(approve(approvers.first()), approve(approvers.get(1)), approve(approvers.get(2)));
        let session = self.until(&hash, "the release", |r| r.release.is_some()).await;
        let mut released = session.view.state.request(&hash).unwrap().released_to();
        released.sort_unstable();
        assert_eq!(released, approvers);
        let file = self.official(approvers[0]);
        let mut patience = patience();
        while Released::load(&session, &self.board(file.signing()), &file, &hash).await.is_err() {
            patience.wait("the hand-out").await.unwrap();
        }
        hash
    }

    pub async fn status(&self, hash: &B32) -> Status {
        let session = self.session().await;
        session.view.state.request(hash).unwrap().status(session.view.state.witnessed(), session.now())
    }

    /// Posts an act once, without the patience of the client.
    pub async fn post(&self, key: &SigningKey, act: &Act) -> Result<Answer, HttpError> {
        let board = self.ports.peers().council;
        self.client.call(key, Role::Council, Method::POST, &board, "/council/statements", Some(act)).await
    }

    pub fn now(&self) -> u64 {
        self.clock.now()
    }

    /// The text as an official opens it.
    pub async fn text(&self, n: u16, hash: &B32) -> RequestText {
        let (session, file) = (self.session().await, self.official(n));
        OpenRequest::load(&session, &self.board(file.signing()), &file, hash).await.unwrap().text
    }

    /// The reference of the case that a text names.
    pub fn reference(&self, text: &RequestText) -> String {
        tabir_crypto::receipt::reference(&text.case_id.0)
    }

    /// The nonce that the warden published.
    pub async fn notice(&self, session: &Session, request: &Request) -> B32 {
        let notice = entries(session, &[request.notice.unwrap()]).await.unwrap().remove(0);
        let Body::UnsealNotice(body) = notice.body().unwrap() else { panic!("a notice") };
        assert_eq!(body.request_hash.0, request.hash);
        body.nonce.0
    }

    async fn store(&self, role: Role) -> AnyConnection {
        let file = self.dir.path().join(role.as_str()).join("store.sqlite");
        AnyConnection::connect(&format!("sqlite://{}", file.display())).await.unwrap()
    }

    /// To whom something is sealed on the board.
    pub async fn sealed_to(&self) -> Vec<i64> {
        let mut store = self.store(Role::Council).await;
        let all = sqlx::query_scalar("SELECT recipient FROM sealed ORDER BY recipient").fetch_all(&mut store).await;
        store.close().await.unwrap();
        all.unwrap()
    }

    /// What is sealed to each on the board for a request's text, by recipient.
    pub async fn copies(&self) -> Vec<(i64, Vec<u8>)> {
        let mut store = self.store(Role::Council).await;
        let sql = "SELECT recipient, bytes FROM sealed WHERE kind = 'text' ORDER BY recipient";
        let all = sqlx::query_as(sql).fetch_all(&mut store).await;
        store.close().await.unwrap();
        all.unwrap()
    }

    /// Posts a proposal once, without the patience of the client.
    pub async fn propose(&self, key: &SigningKey, statement: &Statement) -> Result<Answer, HttpError> {
        let board = self.ports.peers().council;
        self.client.call(key, Role::Council, Method::POST, &board, "/council/proposals", Some(statement)).await
    }

    /// What a warden would say who releases to all approvers at once, signed with its stolen key.
    pub fn early_release(&self, session: &Session, hash: &B32) -> Statement {
        let request = session.view.state.request(hash).unwrap();
        let body = UnsealReleased {
            v: V1,
            at: Hour::of(self.now()),
            request_hash: Hex(*hash),
            tree_size: session.view.head.size,
            checkpoint_hash: Hex([1; 32]),
            inner_commit: Hex([2; 32]),
            handouts: request
                .approvals
                .iter()
                .map(|a| IndexedHash { index: a.body.index, hash: Hex([3; 32]) })
                .collect(),
        };
        Statement::signed(Verb::UnsealReleased, &body, &self.identity(Role::Warden)).unwrap()
    }

    /// Envelopes that the gateway holds for requests.
    pub async fn holds(&self) -> i64 {
        let mut store = self.store(Role::Gateway).await;
        let count = sqlx::query_scalar("SELECT COUNT(*) FROM holds").fetch_one(&mut store).await.unwrap();
        store.close().await.unwrap();
        count
    }
}
