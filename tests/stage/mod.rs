//! An installation on loopback, of the real binary: every role but the relay as a process of its own, with fresh keys;
//! or the same roles as tasks of this process, each by a clock that the test sets.
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
use tabir::cli::serve;
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
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Between two tries of something that takes a moment.
const AGAIN: Duration = Duration::from_millis(50);
/// Tries until it has failed: half a minute.
const TRIES: u32 = 600;
/// The same for what waits by itself.
const PATIENCE: Duration = Duration::from_secs(30);
/// What processes say: in tests everything of ours.
const fn log() -> &'static str {
    if cfg!(test) { "debug" } else { "warn" }
}
/// Every role, the log first, since all others read it.
pub const ROLES: [&str; 7] = ["log", "issuer", "gateway", "council", "warden", "desk", "forwarder"];

/// The running installation; dropping it ends its processes and removes its folder.
pub struct Stage {
    pub ports: Ports,
    pub trust: Arc<Trust>,
    pub client: Client,
    pub auditors: Vec<SigningKey>,
    pub clock: Clock,
    processes: Vec<Process>,
    runs: Runs,
    dir: tempfile::TempDir,
}

/// What the roles are.
pub enum Runs {
    /// Processes of this program.
    Program(&'static str),
    /// Tasks, each role's by a clock of its own.
    Here(BTreeMap<&'static str, Clock>),
}

impl Runs {
    /// Tasks, whose clocks all stand at this second.
    pub fn here(now: u64) -> Self {
        Self::Here(ROLES.into_iter().map(|role| (role, Clock::manual(now))).collect())
    }
}

/// One role's process, or its tasks.
pub struct Process {
    pub role: &'static str,
    running: Running,
}

enum Running {
    Child(Child),
    /// The tasks, and what would end them gently.
    Tasks(JoinSet<std::io::Result<()>>, watch::Sender<bool>),
}

impl Process {
    fn start(program: &str, dir: &Path, role: &'static str) -> Self {
        let folder = dir.join(role);
        let output = File::options().create(true).append(true).open(folder.join("output.log")).unwrap();
        // A file-size limit that a test sets is an error of a write then, and not the end of the process.
        let mut command = Command::new("sh");
        command.args(["-c", r#"trap "" XFSZ; exec "$0" "$@""#, program, "serve", "--config"]);
        command.arg(folder.join("tabir.toml")).env("TABIR_LOG_FORMAT", "json").env("TABIR_LOG", log());
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(output).spawn().unwrap();
        Self { role, running: Running::Child(child) }
    }

    async fn begin(clock: &Clock, dir: &Path, role: &'static str) -> Self {
        let config = Config::load(&dir.join(role).join("tabir.toml")).unwrap();
        for _ in 0..TRIES {
            let stop = watch::Sender::new(false);
            match serve::start_at(&config, clock.clone(), stop.subscribe()).await {
                Ok(tasks) => return Self { role, running: Running::Tasks(tasks, stop) },
                // The port of the one before is free again a moment later.
                Err(error) if error.to_string().contains("in use") => tokio::time::sleep(AGAIN).await,
                Err(error) => panic!("{role}: {error}"),
            }
        }
        panic!("{role} finds no port");
    }

    pub fn pid(&self) -> u32 {
        match &self.running {
            Running::Child(child) => child.id(),
            Running::Tasks(..) => panic!("no process of its own"),
        }
    }

    /// Whether the process has ended by itself, and how.
    pub fn ended(&mut self) -> Option<std::process::ExitStatus> {
        match &mut self.running {
            Running::Child(child) => child.try_wait().unwrap(),
            Running::Tasks(..) => None,
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Running::Child(child) = &mut self.running {
            // An error means that it has ended already.
            let _ = child.kill();
            let _ = child.wait();
        }
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
        Self::start_as(Runs::Program(program), Clock::system(), |_, _| (), |_| ()).await
    }

    /// As [`Stage::start`], of another kind, with the clock of those who report, and with other settings and another policy.
    pub async fn start_as(
        runs: Runs,
        clock: Clock,
        mut settings: impl FnMut(&str, &mut Config),
        policy: impl FnOnce(&mut PolicySet),
    ) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let ports = free_ports().unwrap();
        let made = init::demo(dir.path(), "Stage", &ports).unwrap();
        for role in ROLES {
            let file = dir.path().join(role).join("tabir.toml");
            let mut config = Config::load(&file).unwrap();
            settings(role, &mut config);
            std::fs::write(&file, toml::to_string(&config).unwrap()).unwrap();
        }
        let trust = Arc::new(load_trust(&made.trust).unwrap());
        let client = Client::new(clock.clone());
        let auditors = made.auditors.iter().map(|file| read_key(file)).collect();
        let mut stage = Self { ports, trust, client, auditors, clock, processes: Vec::new(), runs, dir };
        for role in ROLES {
            stage.resume(role).await;
        }
        stage.establish(policy).await;
        stage.until_ready().await;
        stage
    }

    fn identity(&self, role: Role) -> SigningKey {
        read_key(&self.dir.path().join(role.as_str()).join(keys::IDENTITY))
    }

    /// What several sign: the warden's own key, which it proposes, a council, a policy.
    async fn establish(&self, change: impl FnOnce(&mut PolicySet)) {
        let auditors = &self.auditors;
        let board = Board::new(self.client.clone(), &self.ports.peers().council, auditors[0].clone());
        let mut announced = self.proposed(&board).await;
        auditors.iter().for_each(|auditor| announced.sign(auditor));
        propose(&board, &announced).await;

        let (warden, gateway) = (self.identity(Role::Warden), self.identity(Role::Gateway));
        let officials = council::officials();
        let signers = [officials.iter().collect(), vec![&warden, &auditors[0]]].concat();
        let formed = signed(Verb::CouncilFormed, &council::formed(&officials, self.clock.now()), &signers);
        let policy = std::fs::read(self.dir.path().join("policy.json")).unwrap();
        let mut policy: PolicySet = tabir_crypto::json::from_slice(&policy).unwrap();
        change(&mut policy);
        let policy = signed(Verb::PolicySet, &policy, &[&gateway, &auditors[0]]);
        for statement in [formed, policy] {
            let (path, body) = ("/internal/log/governance/entries", statement.to_bytes());
            let header = call::sign(&gateway, Role::Log, "POST", path, &body, &self.clock).unwrap();
            let headers = [(call::HEADER, header.as_str()), ("content-type", "application/json")];
            let url = format!("{}{path}", self.ports.peers().log_internal);
            self.client.send(Method::POST, &url, &headers, body).await.unwrap();
        }
    }

    /// The board, called by an auditor.
    pub fn board(&self) -> Board {
        Board::new(self.client.clone(), &self.ports.peers().council, self.auditors[0].clone())
    }

    /// An auditor signs what waits on the board.
    pub async fn sign(&self, mut statement: Statement, auditors: &[SigningKey]) {
        auditors.iter().for_each(|auditor| statement.sign(auditor));
        propose(&self.board(), &statement).await;
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
    pub async fn resume(&mut self, role: &'static str) {
        let process = match &self.runs {
            Runs::Program(program) => Process::start(program, self.dir.path(), role),
            Runs::Here(clocks) => Process::begin(&clocks[role], self.dir.path(), role).await,
        };
        self.processes.push(process);
    }

    /// A role's clock, where roles run here.
    pub fn clock_of(&self, role: &str) -> &Clock {
        match &self.runs {
            Runs::Here(clocks) => &clocks[role],
            Runs::Program(_) => panic!("processes go by the machine's clock"),
        }
    }

    /// Moves everybody's clock.
    pub fn pass(&self, seconds: u64) {
        let now = self.clock.now() + seconds;
        self.clock.set(now);
        ROLES.iter().for_each(|role| self.clock_of(role).set(now));
    }

    /// A role's process.
    pub fn process(&mut self, role: &str) -> &mut Process {
        self.processes.iter_mut().find(|p| p.role == role).unwrap()
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
    pub async fn until(&self, what: &str, mut is: impl AsyncFnMut() -> bool) {
        for _ in 0..TRIES {
            if is().await {
                return;
            }
            tokio::time::sleep(AGAIN).await;
        }
        panic!("not in time: {what}\n{}", self.said());
    }

    /// A role's listener for its operator.
    pub fn admin(&self, role: &str) -> String {
        let place = ROLES.iter().position(|r| *r == role).unwrap();
        format!("http://127.0.0.1:{}", self.ports.admin[place])
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
        let asked =
            match self.client.send(Method::POST, &url, &[("content-type", "application/json")], Vec::new()).await {
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
    pub fn said(&self) -> String {
        let read = |role: &&str| format!("{role}: {}", self.said_by(role));
        ROLES.iter().map(read).collect::<Vec<_>>().join("\n")
    }

    /// What one of them wrote.
    pub fn said_by(&self, role: &str) -> String {
        std::fs::read_to_string(self.dir.path().join(role).join("output.log")).unwrap_or_default()
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
