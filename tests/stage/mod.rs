//! An installation on loopback, of the real binary: every role but the relay as a process of its own, with fresh keys.
//! Policy and council are signed here, by the keys that `tabir init` made for their signers; the council's ceremony is
//! played in one place, and its shares are never made, since nothing here opens an identity.
#![allow(dead_code)] // a test and a benchmark each use a part

mod council;

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use tabir::cli::connect::load_trust;
use tabir::cli::demo::ports::free_ports;
use tabir::cli::init::{self, layout::Ports};
use tabir::client::official::{Board, Patience};
use tabir::client::report::Draft;
use tabir::client::{ClientError, Session};
use tabir::clock::Clock;
use tabir::config::{Config, keys};
use tabir::http::{Client, HttpError, Method, call};
use tabir_crypto::Code;
use tabir_crypto::content::{Location, Precision};
use tabir_crypto::ed25519::SigningKey;
use tabir_crypto::statement::body::{KeyKind, PolicySet, Role};
use tabir_crypto::statement::value::CodeText;
use tabir_crypto::statement::{Body, Statement, Verb};
use tabir_crypto::token::header::read_challenge;
use tabir_crypto::trust::Trust;

/// Between two tries of something that takes a moment.
const AGAIN: Duration = Duration::from_millis(50);
/// Tries until it has failed: half a minute.
const TRIES: u32 = 600;
/// The same for what waits by itself.
const PATIENCE: Duration = Duration::from_secs(30);
/// Every role, the log first, since all others read it.
const ROLES: [&str; 7] = ["log", "issuer", "gateway", "council", "warden", "desk", "forwarder"];

/// The running installation; dropping it ends its processes and removes its folder.
pub struct Stage {
    pub ports: Ports,
    pub trust: Arc<Trust>,
    pub client: Client,
    clock: Clock,
    processes: Vec<Process>,
    program: &'static str,
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
        let output = File::options().create(true).append(true).open(folder.join("output.log")).unwrap();
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
    pub async fn start(program: &'static str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let ports = free_ports().unwrap();
        let made = init::demo(dir.path(), "Stage", &ports).unwrap();
        let trust = Arc::new(load_trust(&made.trust).unwrap());
        let clock = Clock::system();
        let client = Client::new(clock.clone());
        let processes = ROLES.map(|role| Process::start(program, dir.path(), role)).into();
        let auditors: Vec<_> = made.auditors.iter().map(|file| read_key(file)).collect();
        let stage = Self { ports, trust, client, clock, processes, program, dir };
        stage.establish(&auditors).await;
        stage.until_ready().await;
        stage
    }

    fn identity(&self, role: Role) -> SigningKey {
        read_key(&self.dir.path().join(role.as_str()).join(keys::IDENTITY))
    }

    /// What several sign: the warden's own key, which it proposes, a council, a policy.
    async fn establish(&self, auditors: &[SigningKey]) {
        let board = Board::new(self.client.clone(), &self.ports.peers().council, auditors[0].clone());
        let mut announced = self.proposed(&board).await;
        auditors.iter().for_each(|auditor| announced.sign(auditor));
        propose(&board, &announced).await;

        let (warden, gateway) = (self.identity(Role::Warden), self.identity(Role::Gateway));
        let officials = council::officials();
        let signers = [officials.iter().collect(), vec![&warden, &auditors[0]]].concat();
        let formed = signed(Verb::CouncilFormed, &council::formed(&officials, self.clock.now()), &signers);
        let policy = std::fs::read(self.dir.path().join("policy.json")).unwrap();
        let policy: PolicySet = tabir_crypto::json::from_slice(&policy).unwrap();
        let policy = signed(Verb::PolicySet, &policy, &[&gateway, &auditors[0]]);
        for statement in [formed, policy] {
            let (path, body) = ("/internal/log/governance/entries", statement.to_bytes());
            let header = call::sign(&gateway, Role::Log, "POST", path, &body, &self.clock).unwrap();
            let headers = [(call::HEADER, header.as_str()), ("content-type", "application/json")];
            let url = format!("{}{path}", self.ports.peers().log_internal);
            self.client.send(Method::POST, &url, &headers, body).await.unwrap();
        }
    }

    /// The warden's announcement of the key that is for now.
    async fn proposed(&self, board: &Board) -> Statement {
        let now = self.clock.now();
        let current =
            |body: &Body| matches!(body, Body::KeyAnnounced(k) if k.kind == KeyKind::Warden && k.not_before.0 <= now);
        let mut why = "there is none".to_owned();
        for _ in 0..TRIES {
            match board.find(Verb::KeyAnnounced, current).await {
                Ok(Some(proposal)) => return proposal.statement,
                Ok(None) => {}
                Err(error) => why = error.to_string(),
            }
            tokio::time::sleep(AGAIN).await;
        }
        panic!("the warden proposes no key: {why}\n{}", self.said());
    }

    /// Ends a role's process.
    pub fn end(&mut self, role: &str) {
        self.processes.retain(|p| p.role != role);
    }

    /// Starts it again.
    pub fn resume(&mut self, role: &'static str) {
        self.processes.push(Process::start(self.program, self.dir.path(), role));
    }

    /// Every process, with its role's name.
    pub fn processes(&self) -> &[Process] {
        &self.processes
    }

    /// The folder of all roles.
    pub fn folder(&self) -> &Path {
        self.dir.path()
    }

    /// Waits for something, half a minute at most.
    pub async fn until<F: Future<Output = bool>>(&self, what: &str, mut is: impl FnMut() -> F) {
        for _ in 0..TRIES {
            if is().await {
                return;
            }
            tokio::time::sleep(AGAIN).await;
        }
        panic!("not in time: {what}\n{}", self.said());
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

    /// A client finds every key and a council, and the gateway, whose own view of the log may be a moment behind, asks for
    /// a token of the key that the client found.
    async fn ready(&self) -> Result<(), ClientError> {
        let (client, clock) = (self.client.clone(), self.clock.clone());
        let session = Session::open(client, clock, Arc::clone(&self.trust), &self.gateway()).await?;
        for kind in [KeyKind::Token, KeyKind::Intake, KeyKind::Warden] {
            session.key(kind)?;
        }
        session.view.state.active_council(&self.trust, session.now())?;
        let url = format!("{}/v1/reports", self.gateway());
        let asked = match self.client.send(Method::POST, &url, &[("content-type", "application/json")], Vec::new()).await {
            Err(HttpError::Problem { code, headers, .. }) if code == "token-missing" => headers,
            Err(error) => return Err(error.into()),
            Ok(_) => panic!("the gateway took nothing for a report"),
        };
        let header = asked.get("www-authenticate").and_then(|h| h.to_str().ok()).unwrap_or_default();
        let (_, key) = read_challenge(header)?;
        if *key.spki() != *session.key(KeyKind::Token)? || session.services.categories.is_empty() {
            return Err(Code::NotActive.into());
        }
        Ok(())
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

fn read_key(file: &Path) -> SigningKey {
    keys::read_signing_key(file).unwrap()
}

async fn propose(board: &Board, statement: &Statement) {
    board.propose(statement, &mut Patience::new(PATIENCE, &|_| ())).await.unwrap();
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
