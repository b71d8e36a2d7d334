//! A trust root with known keys and a log role that runs on loopback.

#![allow(dead_code)] // each test file uses its part

pub mod static_server;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::http::Method;
use tabir::client::log_reader::LogReader;
use tabir::client::log_source::{HttpLog, LogSource, ReadError};
use tabir::clock::Clock;
use tabir::config::{Peers, Setup, roles};
use tabir::http::openapi::with_document;
use tabir::http::{Answer, Client, HttpError, call, server};
use tabir::ledger::{self, Ledger, View, verifiers};
use tabir::log::{self, fault::Faults};
use tabir_crypto::ed25519::SigningKey;
use tabir_crypto::hpke::KemSecretKey;
use tabir_crypto::log::note::SignatureType;
use tabir_crypto::log::witness::format_cosignatures;
use tabir_crypto::log::{Cosigner, LogVerifier, SignedCheckpoint, VerifierKey};
use tabir_crypto::statement::body::{KeyAnnounced, KeyKind, RetentionCounts, Role};
use tabir_crypto::statement::value::{Bytes, CodeText, Hex, Hour, Second, Text, V1};
use tabir_crypto::statement::{Statement, Verb};
use tabir_crypto::trust::Trust;
use tabir_crypto::trust::root::{Activation, LogKey, LogName, TrustRoot};
use tabir_crypto::{Code, SecretBytes};
use tokio::net::TcpListener;
use tokio::sync::watch;

pub const NOW: u64 = 1_800_000_000;
pub const GOVERNANCE: LogName = LogName::Governance;
pub const INTAKE: LogName = LogName::Intake;

pub fn seed(n: u8) -> SecretBytes<32> {
    SecretBytes::new([n; 32])
}

pub fn key(n: u8) -> SigningKey {
    SigningKey::from_seed(&seed(n))
}

pub fn identity(role: Role) -> SigningKey {
    key(identity_seed(role))
}

pub fn identity_seed(role: Role) -> u8 {
    10 + Role::ALL.iter().position(|r| *r == role).unwrap() as u8
}

pub fn log_seed(name: LogName) -> u8 {
    if name == GOVERNANCE { 30 } else { 31 }
}

pub fn origin(name: LogName) -> String {
    format!("tabir.example/{}", name.as_str())
}

pub fn witness(n: u8) -> Cosigner {
    Cosigner::from_seed(&format!("w{n}.example"), &seed(40 + n)).unwrap()
}

pub fn text(t: &str) -> Text {
    Text::new(t).unwrap()
}

/// Two witnesses, both needed.
pub fn trust() -> Trust {
    Trust::pinned(&trust_statement()).unwrap()
}

pub fn trust_statement() -> Statement {
    let log = |name| {
        let key = VerifierKey::new(&origin(name), SignatureType::Ed25519, key(log_seed(name)).verifying_key()).unwrap();
        LogKey { name, origin: text(&origin(name)), vkey: text(&key.to_string()), follows: None }
    };
    let root = TrustRoot {
        v: V1,
        at: Hour::of(NOW),
        version: 1,
        demo: true,
        name: text("test"),
        issuer_name: text("issuer.example"),
        origin: text("gateway.example"),
        logs: LogName::ALL.map(log).to_vec(),
        witnesses: [1, 2].map(|n| text(&witness(n).verifier_key().to_string())).to_vec(),
        witness_quorum: 2,
        identities: Role::ALL.map(|r| (r, Hex(*identity(r).verifying_key().as_bytes()))).into(),
        auditors: vec![Hex(*key(1).verifying_key().as_bytes())],
        auditor_quorum: 1,
        activation_s: Activation { token: 0, intake: 0, warden: 0, council: 0 },
        freshness_s: 3600,
        cooling_off_s: 1,
        release_cap_per_day: 3,
        deferral_max_s: 1,
        previous: None,
    };
    Statement::signed(Verb::TrustRoot, &root, &key(1)).unwrap()
}

/// A running log role.
pub struct Running {
    pub base: String,
    pub client: Client,
    pub clock: Clock,
    pub trust: Trust,
    stop: watch::Sender<bool>,
    tasks: Vec<tokio::task::JoinHandle<()>>,
}

pub async fn start(dir: &Path, checkpoint_ms: u64) -> Result<Running, log::StartError> {
    start_with(dir, checkpoint_ms, Clock::manual(NOW), Faults::default()).await
}

/// Key files and what a role gets from its process.
pub fn setup(dir: &Path, clock: Clock, stop: watch::Receiver<bool>) -> Setup {
    for name in LogName::ALL {
        let file = dir.join(format!("{}.key", name.as_str()));
        if !file.exists() {
            let line = format!("{}\n", hex::encode([log_seed(name); 32]));
            tabir::config::keys::write_private(&file, line.as_bytes()).unwrap();
        }
    }
    let client = Client::new(clock.clone());
    let ledger = Ledger::fixed(View::default());
    Setup { trust: Arc::new(trust()), clock, client, peers: Peers::default(), ledger, stop }
}

pub async fn start_with(
    dir: &Path,
    checkpoint_ms: u64,
    clock: Clock,
    faults: Faults,
) -> Result<Running, log::StartError> {
    start_as(&roles::Log::new(dir.to_owned(), checkpoint_ms), clock, faults).await
}

pub async fn start_as(config: &roles::Log, clock: Clock, faults: Faults) -> Result<Running, log::StartError> {
    start_under(trust(), config, clock, faults).await
}

pub async fn start_under(
    trust: Trust,
    config: &roles::Log,
    clock: Clock,
    faults: Faults,
) -> Result<Running, log::StartError> {
    let (stop, stopped) = watch::channel(false);
    let setup = Setup { trust: Arc::new(trust.clone()), ..setup(&config.dir, clock.clone(), stopped.clone()) };
    let client = setup.client.clone();
    let (service, background) = log::open(config, &setup, faults).await?;
    let parts = log::parts(service, background);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let mut tasks: Vec<_> = parts.background.into_iter().map(tokio::spawn).collect();
    let routes = with_document(parts.public.merge(parts.internal));
    tasks.push(tokio::spawn(async move { server::serve(listener, routes, stopped).await.unwrap() }));
    Ok(Running { base, client, clock, trust, stop, tasks })
}

impl Running {
    pub async fn end(self) {
        self.stop.send(true).unwrap();
        drop(self.client);
        for task in self.tasks {
            task.await.unwrap();
        }
    }

    /// Ends as a process that is killed: no lease is given back, nothing is finished.
    pub async fn kill(self) {
        for task in self.tasks {
            task.abort();
            let _ = task.await;
        }
    }

    pub async fn call(&self, who: &SigningKey, path: &str, body: &[u8]) -> Result<Answer, HttpError> {
        let header = call::sign(who, Role::Log, "POST", path, body, &self.clock).unwrap();
        let headers = [(call::HEADER, header.as_str())];
        self.client.send(Method::POST, &format!("{}{path}", self.base), &headers, body.to_vec()).await
    }

    pub async fn append(&self, log: LogName, statement: &Statement) -> Result<(u16, u64), HttpError> {
        let path = format!("/internal/log/{}/entries", log.as_str());
        let answer = self.call(&identity(Role::Gateway), &path, &statement.to_bytes()).await?;
        let json: serde_json::Value = answer.json()?;
        Ok((answer.status, json["index"].as_u64().unwrap()))
    }

    pub async fn cosign(&self, log: LogName, line: &str) -> Result<Answer, HttpError> {
        let url = format!("{}/log/{}/cosignatures", self.base, log.as_str());
        self.client.send(Method::POST, &url, &[], line.as_bytes().to_vec()).await
    }

    pub fn source(&self, log: LogName) -> HttpLog {
        HttpLog::new(self.client.clone(), &self.base, log.as_str())
    }

    pub fn reader(&self, log: LogName) -> LogReader<HttpLog> {
        ledger::reader_of(&self.trust, log, self.source(log)).unwrap()
    }

    pub async fn pending(&self, log: LogName) -> SignedCheckpoint {
        let bytes = self.client.get(&format!("{}/log/{}/pending", self.base, log.as_str())).await.unwrap().body;
        SignedCheckpoint::open(&bytes, &verifiers(&self.trust, log).unwrap().0).unwrap()
    }

    /// Both witnesses cosign whatever is pending until it has this size.
    pub async fn witness_until(&self, log: LogName, size: u64, time: u64) {
        for _ in 0..500 {
            let pending = self.pending(log).await;
            let lines = [1, 2].map(|n| witness(n).cosign(&pending, time));
            let body = String::from_utf8(format_cosignatures(&lines)).unwrap();
            let taken = self.cosign(log, &body).await.is_ok();
            if taken && pending.head().size == size {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("the log did not reach {size}");
    }
}

pub fn verifier(log: LogName) -> LogVerifier {
    verifiers(&trust(), log).unwrap().0
}

pub fn reader<S: LogSource>(log: LogName, source: S) -> LogReader<S> {
    let (log, witnesses) = verifiers(&trust(), log).unwrap();
    LogReader::new(source, log, witnesses)
}

pub fn counts(n: u64) -> Statement {
    let counts = [(CodeText::new("cases").unwrap(), n)].into();
    let body = RetentionCounts { v: V1, at: Hour::of(NOW), w: n, counts };
    Statement::signed(Verb::RetentionCounts, &body, &identity(Role::Gateway)).unwrap()
}

pub fn announced(epoch: u64, by: &SigningKey) -> Statement {
    let body = KeyAnnounced {
        v: V1,
        at: Hour::of(NOW),
        role: Role::Forwarder,
        kind: KeyKind::Intake,
        epoch,
        key: Bytes(KemSecretKey::from_seed(seed(epoch as u8)).public_key().as_bytes().to_vec()),
        not_before: Second(NOW),
        not_after: Second(NOW + 1000),
    };
    Statement::signed(Verb::KeyAnnounced, &body, by).unwrap()
}

pub fn problem<T: std::fmt::Debug>(result: Result<T, HttpError>) -> (u16, String) {
    let error = result.expect_err("must be refused");
    (error.status().unwrap(), error.code().unwrap_or_default().to_owned())
}

pub fn code<T>(result: Result<T, ReadError>) -> Option<Code> {
    result.err().expect("must be refused").code()
}

/// What somebody at the log's own machine could do to the store.
pub async fn damage(dir: &Path, sql: &'static str) {
    use sqlx::{Connection as _, Executor as _};
    sqlx::any::install_default_drivers();
    let url = format!("sqlite://{}", dir.join("store.sqlite").display());
    let mut c = sqlx::AnyConnection::connect(&url).await.unwrap();
    assert!(c.execute(sql).await.unwrap().rows_affected() > 0);
    c.close().await.unwrap();
}
