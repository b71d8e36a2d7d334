//! A log, two witnesses, the board and a gateway's internal listener on loopback; three officials with key files.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use tabir::api::gateway::{CaseForCouncil, Hold};
use tabir::client::official::manifest::{self, FromFile};
use tabir::client::official::{Board, Card, OfficialError, OfficialFile, Patience, ceremony, endorse};
use tabir::clock::Clock;
use tabir::config::{Peers, Setup, keys, roles};
use tabir::council;
use tabir::http::Client;
use tabir::http::openapi::with_document;
use tabir::ledger::{self, Ledger, View};
use tabir_crypto::keyfile::Cost;
use tabir_crypto::log::witness::format_cosignatures;
use tabir_crypto::statement::Statement;
use tabir_crypto::statement::body::Role;
use tabir_crypto::trust::{State as Log, Trust};
use tabir_crypto::{B32, Secret};
use tokio::sync::watch;

use crate::log_support::{self, GOVERNANCE, NOW, identity, key, seed, trust, witness};

/// Long enough for a slow machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// What the gateway stands for: one case, and who holds what.
#[derive(Default)]
pub struct Gateway {
    pub case: Mutex<Option<CaseForCouncil>>,
    pub holds: Mutex<Vec<String>>,
}

pub struct World {
    pub dir: tempfile::TempDir,
    pub log: log_support::Running,
    /// Where the board is; it moves when it is restarted.
    pub board: Arc<Mutex<String>>,
    pub trust: Arc<Trust>,
    pub clock: Clock,
    /// How often a device has died.
    pub crashes: AtomicUsize,
    setup: Setup,
    board_up: tokio::sync::Mutex<Vec<watch::Sender<bool>>>,
    no_witness: Arc<AtomicBool>,
    running: Vec<watch::Sender<bool>>,
}

/// One official's device at work.
pub type Task = tokio::task::JoinHandle<Result<ceremony::Formed, OfficialError>>;

pub fn silent(_: &str) {}

pub fn patience() -> Patience<'static> {
    patience_of(PATIENCE)
}

fn patience_of(time: Duration) -> Patience<'static> {
    Patience::new(time, &silent).every(Duration::from_millis(25))
}

pub async fn serve(router: Router) -> (String, watch::Sender<bool>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let (stop, stopped) = watch::channel(false);
    tokio::spawn(tabir::http::server::serve(listener, router, stopped));
    (base, stop)
}

fn gateway_routes(gateway: Arc<Gateway>) -> Router {
    Router::new()
        .route(
            "/internal/cases/{reference}",
            get(|State(g): State<Arc<Gateway>>, Path(reference): Path<String>| async move {
                let case = g.case.lock().unwrap().clone().filter(|c| c.reference == reference);
                case.map_or_else(|| StatusCode::NOT_FOUND.into_response(), |c| Json(c).into_response())
            }),
        )
        .route(
            "/internal/cases/{case}/hold",
            post(|State(g): State<Arc<Gateway>>, Json(hold): Json<Hold>| async move {
                g.holds.lock().unwrap().push(hold.request_hash.to_string());
                Json(serde_json::json!({ "v": 1 }))
            }),
        )
        .route(
            "/internal/cases/{case}/hold/{request}",
            delete(|State(g): State<Arc<Gateway>>, Path((_, hash)): Path<(String, String)>| async move {
                g.holds.lock().unwrap().retain(|h| *h != hash);
                Json(serde_json::json!({ "v": 1 }))
            }),
        )
        .with_state(gateway)
}

impl World {
    pub async fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let sub = |name: &str| {
            let path = dir.path().join(name);
            std::fs::create_dir(&path).unwrap();
            path
        };
        let log = log_support::start(&sub("log"), 20).await.unwrap();
        let (clock, client, trust) = (log.clock.clone(), log.client.clone(), Arc::new(trust()));
        let gateway = Arc::new(Gateway::default());
        let (gateway_url, gateway_stop) = serve(gateway_routes(gateway)).await;

        let (stop, stopped) = watch::channel(false);
        let reader = ledger::reader(&trust, GOVERNANCE, client.clone(), &log.base).unwrap();
        let every = Duration::from_millis(50);
        let (ledger, follow) = Ledger::follow(trust.clone(), reader, every, clock.clone(), stopped.clone());
        tokio::spawn(follow);
        let peers = Peers { log_internal: log.base.clone(), gateway_internal: gateway_url, ..Peers::default() };
        let setup =
            Setup { trust: trust.clone(), clock: clock.clone(), client: client.clone(), peers, ledger, stop: stopped };
        let board_dir = sub("council");
        let role = Role::ALL.iter().position(|r| *r == Role::Council).unwrap() as u8;
        let line = format!("{}\n", hex::encode(seed(10 + role).expose()));
        keys::write_private(&board_dir.join(keys::IDENTITY), line.as_bytes()).unwrap();
        let board = Arc::new(Mutex::new(String::new()));
        let (board_up, no_witness) = (tokio::sync::Mutex::new(Vec::new()), Arc::new(AtomicBool::new(false)));
        let (crashes, running) = (AtomicUsize::new(0), vec![stop, gateway_stop]);
        let world = Self { dir, log, board, trust, clock, crashes, setup, board_up, no_witness, running };
        world.restart_board().await;
        world.witnesses();
        world
    }

    /// Stops the board, if it runs, and starts it again from its store, at another address.
    pub async fn restart_board(&self) {
        let mut up = self.board_up.lock().await;
        for stop in up.drain(..) {
            stop.send_replace(true);
        }
        let (stop, stopped) = watch::channel(false);
        let setup = Setup { stop: stopped, ..self.setup.clone() };
        let dir = self.dir.path().join("council");
        let parts = council::start(&roles::Council { dir, poll_ms: 50, notify: None }, &setup).await.unwrap();
        parts.background.into_iter().for_each(|work| drop(tokio::spawn(work)));
        let (url, listener) = serve(with_document(parts.public.merge(parts.internal))).await;
        *self.board.lock().unwrap() = url;
        up.extend([stop, listener]);
    }

    /// Whether the witnesses stay away.
    pub fn stop_witnesses(&self, away: bool) {
        self.no_witness.store(away, Ordering::SeqCst);
    }

    /// Both witnesses cosign whatever is pending, at the clock's time.
    fn witnesses(&self) {
        let (client, base, clock) = (self.log.client.clone(), self.log.base.clone(), self.clock.clone());
        let (mut stopped, away) = (self.running[0].subscribe(), Arc::clone(&self.no_witness));
        tokio::spawn(async move {
            loop {
                let url = format!("{base}/log/governance/pending");
                if !away.load(Ordering::SeqCst)
                    && let Ok(answer) = client.get(&url).await
                {
                    let verifier = log_support::verifier(GOVERNANCE);
                    let pending = tabir_crypto::log::SignedCheckpoint::open(&answer.body, &verifier).unwrap();
                    let lines = [1, 2].map(|n| witness(n).cosign(&pending, clock.now()));
                    let url = format!("{base}/log/governance/cosignatures");
                    let _ = client.send(axum::http::Method::POST, &url, &[], format_cosignatures(&lines)).await;
                }
                tokio::select! {
                    () = tokio::time::sleep(Duration::from_millis(30)) => {}
                    _ = stopped.wait_for(|s| *s) => return,
                }
            }
        });
    }

    pub fn client(&self) -> Client {
        self.log.client.clone()
    }

    pub fn board(&self, key: &tabir_crypto::ed25519::SigningKey) -> Board {
        self.board_at(&self.board.lock().unwrap().clone(), key)
    }

    pub fn board_at(&self, url: &str, key: &tabir_crypto::ed25519::SigningKey) -> Board {
        Board::new(self.client(), url, key.clone())
    }

    pub fn path(&self, n: usize) -> PathBuf {
        self.dir.path().join(format!("official-{n}.key"))
    }

    pub fn official(&self, n: usize) -> OfficialFile {
        OfficialFile::open(&self.path(n), passphrase(n), Cost::LEAST).unwrap()
    }

    /// Three officials' keys, and the admitted manifest of two of three.
    pub async fn manifest(&self) -> Statement {
        let cards: Vec<Card> = (1..=3)
            .map(|n| {
                let file = OfficialFile::create(&self.path(n), &format!("official {n}"), passphrase(n), Cost::LEAST);
                file.unwrap().card()
            })
            .collect();
        let manifest = manifest::build(&cards, 2, &self.clock).unwrap();
        let operator = self.board(&identity(Role::Council));
        operator.admit(manifest.payload().to_vec()).await.unwrap();
        manifest
    }

    /// One official's part of the ceremony, as a task of its own.
    pub fn finish(&self, n: usize, manifest: &Statement) -> Task {
        self.finish_with(n, manifest, None)
    }

    /// The same, by a device that has read the log.
    pub fn finish_with(&self, n: usize, manifest: &Statement, log: Option<Log>) -> Task {
        let url = self.board.lock().unwrap().clone();
        self.finish_at(&url, n, manifest, log)
    }

    /// The same, by a device that is told another address for the board.
    pub fn finish_at(&self, url: &str, n: usize, manifest: &Statement, log: Option<Log>) -> Task {
        self.finish_within(PATIENCE, url, n, manifest, log)
    }

    /// The same, with as little patience as that.
    pub fn finish_for(&self, ms: u64, n: usize, manifest: &Statement, log: Option<Log>) -> Task {
        let url = self.board.lock().unwrap().clone();
        self.finish_within(Duration::from_millis(ms), &url, n, manifest, log)
    }

    fn finish_within(&self, time: Duration, url: &str, n: usize, manifest: &Statement, log: Option<Log>) -> Task {
        let (mut file, payload, clock) = (self.official(n), manifest.payload().to_vec(), self.clock.clone());
        let board = self.board_at(url, file.signing());
        tokio::spawn(async move {
            let place = ceremony::Place { board: &board, clock: &clock, log: log.as_ref() };
            ceremony::finish(&mut file, &payload, place, &mut patience_of(time)).await
        })
    }

    /// What the log says now.
    pub async fn log_state(&self) -> Log {
        let mut view = View::default();
        view.advance(&self.trust, &self.log.reader(GOVERNANCE)).await.unwrap();
        view.state
    }

    /// The same before the log has anything.
    async fn log_state_or_empty(&self) -> Log {
        let mut view = View::default();
        view.advance(&self.trust, &self.log.reader(GOVERNANCE)).await.ok();
        view.state
    }

    /// What the log says once it has this council.
    pub async fn wait_for(&self, council: &B32) -> Log {
        for _ in 0..2400 {
            let mut view = View::default();
            view.advance(&self.trust, &self.log.reader(GOVERNANCE)).await.ok();
            if view.state.council(council).is_ok() {
                return view.state;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("the council is not in the log");
    }

    pub fn fingerprints(&self) -> FromFile {
        FromFile((1..=3).map(|n| self.fingerprint_line(n)).collect())
    }

    fn fingerprint_line(&self, n: usize) -> String {
        format!("{}  official {n}\n", self.official(n).card().fingerprint())
    }

    /// Warden and an auditor check and sign every council that waits, by the fingerprints of all who ever joined.
    pub async fn endorse(&self) {
        let log = self.log_state_or_empty().await;
        let known = FromFile((1..=6).filter(|n| self.path(*n).exists()).map(|n| self.fingerprint_line(n)).collect());
        for signer in [identity(Role::Warden), key(1)] {
            let board = self.board(&signer);
            for waiting in board.proposals().await.unwrap().proposals {
                if waiting.complete || !endorse::makes_council(waiting.verb.as_str()) {
                    continue;
                }
                let mut statement = endorse::waiting_council(&board, Some(waiting.id.0)).await.unwrap();
                endorse::check_formed(&board, &self.trust, Some(&log), &statement, &known).await.unwrap();
                statement.sign(&signer);
                board.propose(&statement, &mut patience()).await.unwrap();
            }
        }
    }

    /// A council in the log: formed by three, signed by warden and auditor.
    pub async fn council(&self) -> ceremony::Formed {
        let manifest = self.manifest().await;
        let tasks = [1, 2, 3].map(|n| self.finish(n, &manifest));
        let mut formed = Vec::new();
        for task in tasks {
            formed.push(task.await.unwrap().unwrap());
        }
        self.endorse().await;
        formed.remove(0)
    }
}

pub fn passphrase(n: usize) -> tabir_crypto::secret::SecretVec {
    Secret::new(format!("a passphrase of official {n}").into_bytes())
}

pub const START: u64 = NOW;
