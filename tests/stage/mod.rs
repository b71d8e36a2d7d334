//! A small installation on loopback, of the real binary: log, issuer and gateway as processes of their own, with fresh
//! keys. What forwarder, warden, council and auditors would say to the governance log is signed here, by the keys that
//! `tabir init` made for them; their private halves go, since nothing here opens a report.
#![allow(dead_code)] // a test and a benchmark each use a part

mod council;

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use tabir::cli::connect::load_trust;
use tabir::cli::demo::processes::free_ports;
use tabir::cli::init::{self, layout::Ports};
use tabir::client::report::Draft;
use tabir::client::{ClientError, Session};
use tabir::clock::{Clock, Random};
use tabir::config::{Config, keys};
use tabir::http::{Client, Method, call};
use tabir::ledger::verifiers;
use tabir_crypto::content::{Location, Precision};
use tabir_crypto::ed25519::SigningKey;
use tabir_crypto::hpke::KemSecretKey;
use tabir_crypto::log::witness::format_cosignatures;
use tabir_crypto::log::{Cosigner, LogVerifier, SignedCheckpoint};
use tabir_crypto::statement::body::{KeyAnnounced, KeyKind, PolicySet, Role};
use tabir_crypto::statement::value::{Bytes, CodeText, Hour, Second, V1};
use tabir_crypto::statement::{Statement, Verb};
use tabir_crypto::trust::Trust;
use tabir_crypto::trust::root::LogName;
use tokio::task::JoinHandle;

/// Between two looks of the witness.
const WITNESS: Duration = Duration::from_millis(100);
/// Between two tries of something that takes a moment.
const AGAIN: Duration = Duration::from_millis(50);
/// Tries until it has failed: half a minute.
const TRIES: u32 = 600;
/// Life of the keys announced here.
const LIFE_S: u64 = 86_400;

/// The running installation; dropping it ends its processes and removes its folder.
pub struct Stage {
    pub ports: Ports,
    pub trust: Arc<Trust>,
    pub client: Client,
    clock: Clock,
    processes: Vec<Process>,
    witness: JoinHandle<()>,
    dir: tempfile::TempDir,
}

/// One role's process.
pub struct Process {
    pub role: &'static str,
    child: Child,
}

impl Process {
    fn start(program: &str, dir: &Path, role: &'static str) -> Self {
        let folder = dir.join(role);
        let output = File::create(folder.join("output.log")).unwrap();
        let mut command = Command::new(program);
        command.arg("serve").arg("--config").arg(folder.join("tabir.toml"));
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(output).spawn().unwrap();
        Self { role, child }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // An error means that it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn signed(verb: Verb, body: &impl serde::Serialize, keys: &[&SigningKey]) -> Statement {
    let mut statement = Statement::new(verb, body).unwrap();
    keys.iter().for_each(|key| statement.sign(key));
    statement
}

impl Stage {
    /// Starts the processes of `program` and waits until a report can be sealed and sent.
    pub async fn start(program: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let ports = free_ports().unwrap();
        let made = init::demo(dir.path(), "Stage", &ports).unwrap();
        let trust = Arc::new(load_trust(&made.trust).unwrap());
        let clock = Clock::system();
        let processes = ["log", "issuer", "gateway"].map(|role| Process::start(program, dir.path(), role)).into();
        let client = Client::new(clock.clone());
        let identity = |role: Role| read_key(&dir.path().join(role.as_str()).join(keys::IDENTITY));
        let caller = Caller { key: identity(Role::Warden), url: ports.peers().log_internal, client, clock };
        caller.reachable().await;
        let witness = tokio::spawn(Witness::new(&trust, dir.path(), &ports, caller.clone()).run());

        let auditors: Vec<_> = made.auditors.iter().map(|file| read_key(file)).collect();
        let now = caller.clock.now();
        let announced = |kind: KeyKind| KeyAnnounced {
            v: V1,
            at: Hour::of(now),
            role: kind.role(),
            kind,
            epoch: 1,
            key: Bytes(KemSecretKey::generate(&mut Random).public_key().as_bytes().to_vec()),
            not_before: Second(now - LIFE_S),
            not_after: Second(now + LIFE_S),
        };
        let intake = announced(KeyKind::Intake);
        caller.append(&signed(Verb::KeyAnnounced, &intake, &[&identity(Role::Forwarder)])).await;
        let (warden, auditors): (_, Vec<_>) = (identity(Role::Warden), auditors.iter().collect());
        let signers = [vec![&warden], auditors.clone()].concat();
        caller.append(&signed(Verb::KeyAnnounced, &announced(KeyKind::Warden), &signers)).await;
        let officials = council::officials();
        let signers = [officials.iter().collect(), vec![&warden, auditors[0]]].concat();
        caller.append(&signed(Verb::CouncilFormed, &council::formed(&officials, now), &signers)).await;
        let policy: PolicySet = {
            let file = std::fs::read(dir.path().join("policy.json")).unwrap();
            tabir_crypto::json::from_slice(&file).unwrap()
        };
        caller.append(&signed(Verb::PolicySet, &policy, &[&identity(Role::Gateway), auditors[0]])).await;

        let Caller { client, clock, .. } = caller;
        let stage = Self { ports, trust, client, clock, processes, witness, dir };
        stage.until_ready().await;
        stage
    }

    /// Every process, with its role's name.
    pub fn processes(&self) -> &[Process] {
        &self.processes
    }

    /// Where the gateway is.
    pub fn gateway(&self) -> String {
        self.ports.peers().gateway
    }

    /// A reporter's session, everything checked as any client checks it.
    pub async fn session(&self) -> Session {
        let (client, clock) = (self.client.clone(), self.clock.clone());
        Session::open(client, clock, Arc::clone(&self.trust), &self.gateway()).await.unwrap()
    }

    /// Voucher codes from the running issuer's own store.
    pub async fn vouchers(&self, count: u32) -> Vec<String> {
        let config = Config::load(&self.dir.path().join("issuer/tabir.toml")).unwrap();
        let codes = tabir::issuer::mint(&config.roles.issuer.unwrap(), count).await.unwrap();
        codes.iter().map(tabir::issuer::attester_voucher::VoucherCode::text).collect()
    }

    async fn until_ready(&self) {
        let mut why = String::new();
        for _ in 0..TRIES {
            match self.ready().await {
                Ok(()) => return,
                Err(error) => why = error.to_string(),
            }
            tokio::time::sleep(AGAIN).await;
        }
        panic!("the installation is not ready: {why}\n{}", self.said());
    }

    /// A client finds every key and a council, and the gateway, which reads the log by itself, asks for a token.
    async fn ready(&self) -> Result<(), ClientError> {
        let (client, clock) = (self.client.clone(), self.clock.clone());
        let session = Session::open(client, clock, Arc::clone(&self.trust), &self.gateway()).await?;
        for kind in [KeyKind::Token, KeyKind::Intake, KeyKind::Warden] {
            session.key(kind)?;
        }
        session.view.state.active_council(&self.trust, session.now())?;
        let url = format!("{}/v1/reports", self.gateway());
        match self.client.send(Method::POST, &url, &[("content-type", "application/json")], Vec::new()).await {
            Err(error) if error.code() == Some("token-missing") && !session.services.categories.is_empty() => Ok(()),
            Err(error) => Err(error.into()),
            Ok(_) => panic!("the gateway took nothing for a report"),
        }
    }

    /// What the processes wrote.
    fn said(&self) -> String {
        let read = |p: &Process| {
            let text = std::fs::read_to_string(self.dir.path().join(p.role).join("output.log"));
            format!("{}: {}", p.role, text.unwrap_or_default())
        };
        self.processes.iter().map(read).collect::<Vec<_>>().join("\n")
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.witness.abort();
    }
}

fn read_key(file: &Path) -> SigningKey {
    keys::read_signing_key(file).unwrap()
}

/// Who calls the log.
#[derive(Clone)]
struct Caller {
    key: SigningKey,
    url: String,
    client: Client,
    clock: Clock,
}

impl Caller {
    async fn reachable(&self) {
        for _ in 0..TRIES {
            if self.client.get(&self.url).await.is_err_and(|e| e.status().is_some()) {
                return;
            }
            tokio::time::sleep(AGAIN).await;
        }
        panic!("the log does not answer at {}", self.url);
    }

    async fn post(&self, path: &str, body: Vec<u8>) -> Result<(), tabir::http::HttpError> {
        let header = call::sign(&self.key, Role::Log, "POST", path, &body, &self.clock).unwrap();
        let headers = [(call::HEADER, header.as_str()), ("content-type", "application/json")];
        self.client.send(Method::POST, &format!("{}{path}", self.url), &headers, body).await.map(drop)
    }

    async fn append(&self, statement: &Statement) {
        self.post("/internal/log/governance/entries", statement.to_bytes()).await.unwrap();
    }
}

/// Cosigns what the logs have, as the warden would.
struct Witness {
    cosigner: Cosigner,
    logs: Vec<(LogName, LogVerifier)>,
    url: String,
    caller: Caller,
}

impl Witness {
    fn new(trust: &Trust, dir: &Path, ports: &Ports, caller: Caller) -> Self {
        let name = verifiers(trust, LogName::Governance).unwrap().1.keys()[0].name().to_owned();
        let seed = keys::read_seed(&dir.join("warden/witness.key")).unwrap();
        let logs = LogName::ALL.map(|log| (log, verifiers(trust, log).unwrap().0)).into();
        Self { cosigner: Cosigner::from_seed(&name, &seed).unwrap(), logs, url: ports.peers().log, caller }
    }

    async fn run(self) {
        loop {
            for (log, verifier) in &self.logs {
                // A log that was just about to grow refuses; the next turn has what it grew to.
                let _ = self.cosign(*log, verifier).await;
            }
            tokio::time::sleep(WITNESS).await;
        }
    }

    async fn cosign(&self, log: LogName, verifier: &LogVerifier) -> Result<(), tabir::http::HttpError> {
        let pending = self.caller.client.get(&format!("{}/log/{}/pending", self.url, log.as_str())).await?.body;
        let checkpoint = SignedCheckpoint::open(&pending, verifier)?;
        let line = self.cosigner.cosign(&checkpoint, self.caller.clock.now());
        let path = format!("/internal/log/{}/cosignatures", log.as_str());
        self.caller.post(&path, format_cosignatures(&[line])).await
    }
}

/// A short report, text only, without an identity.
pub fn draft(session: &Session) -> Draft {
    let category = &session.services.categories[0];
    Draft {
        category: category.code.clone(),
        text: "A street light that has been dark for two weeks, at the corner by the market.".into(),
        language: CodeText::new("en").unwrap(),
        location: Location::new(Precision::None, None, String::new()).unwrap(),
        attributes: BTreeMap::new(),
        release: category.release,
        identity: None,
    }
}
