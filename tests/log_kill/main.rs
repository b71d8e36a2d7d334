//! The real program, two processes on one store of the log, under load: the one that grows the log is killed (SIGKILL)
//! again and again, the other takes over. At the end: one history, of which every checkpoint that was ever shown is a
//! part, and every acknowledged entry in it once.
//!
//! `TABIR_KILLS` says how often; `make kill-log` kills 200 times.

#[path = "../log_support/mod.rs"]
mod log_support;
mod pair;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rand_core::Rng as _;
use tabir::client::log_source::HttpLog;
use tabir::clock::{Clock, Random};
use tabir::http::{Client, HttpError, Method, call};
use tabir_crypto::log::tile::Edge;
use tabir_crypto::log::{SignedCheckpoint, TreeHead};
use tabir_crypto::statement::body::Role;

use log_support::*;
use pair::Pair;

/// Kills in `make test`.
const KILLS: u64 = 3;
/// Who appends at the same time.
const WRITERS: u64 = 4;
/// The longest that a take-over or anything else may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// What the outside saw.
struct Outside {
    client: Client,
    clock: Clock,
    /// For everybody, and for signed calls.
    bases: [[String; 2]; 2],
    /// Numbers by what an entry counts.
    acknowledged: Mutex<BTreeMap<u64, u64>>,
    shown: Mutex<BTreeMap<u64, TreeHead>>,
    next: AtomicU64,
    over: AtomicBool,
}

impl Outside {
    async fn append(&self, to: usize, statement: &[u8]) -> Result<serde_json::Value, HttpError> {
        let path = "/internal/log/intake/entries";
        let header = call::sign(&identity(Role::Gateway), Role::Log, "POST", path, statement, &self.clock).unwrap();
        let url = format!("{}{path}", self.bases[1][to]);
        self.client.send(Method::POST, &url, &[(call::HEADER, &header)], statement.to_vec()).await?.json()
    }

    /// Appends one statement after the other, each until it is acknowledged, to whoever answers.
    async fn write(self: Arc<Self>) {
        while !self.over.load(Ordering::Relaxed) {
            let n = self.next.fetch_add(1, Ordering::Relaxed);
            let statement = counts(n).to_bytes();
            let mut to = (n % 2) as usize;
            loop {
                match self.append(to, &statement).await {
                    Ok(answer) => {
                        let index = answer["index"].as_u64().unwrap();
                        self.acknowledged.lock().unwrap().insert(n, index);
                        break;
                    }
                    // Killed, or about to be: whether it was taken nobody knows, so it is sent again.
                    Err(HttpError::Unreachable(_)) => to = 1 - to,
                    Err(e) => panic!("{e}"),
                }
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        }
    }

    /// Looks at both, as witnesses that poll do; none ever sees two heads of one size, or a smaller one after a larger.
    async fn look(self: Arc<Self>) {
        let mut known = TreeHead::EMPTY;
        while !self.over.load(Ordering::Relaxed) {
            for at in [0, 1] {
                for file in ["pending", "checkpoint"] {
                    let Ok(note) = self.client.get(&format!("{}/log/intake/{file}", self.bases[0][at])).await else {
                        continue;
                    };
                    let checkpoint = SignedCheckpoint::open(&note.body, &verifier(INTAKE)).unwrap();
                    let head = checkpoint.head();
                    let before = self.shown.lock().unwrap().insert(head.size, head);
                    assert!(before.is_none_or(|before| before == head), "two checkpoints of size {}", head.size);
                    if file == "pending" {
                        known = self.cosign(at, known, &checkpoint).await.unwrap_or(known);
                    }
                }
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn cosign(&self, at: usize, known: TreeHead, checkpoint: &SignedCheckpoint) -> Option<TreeHead> {
        let head = checkpoint.head();
        assert!(head.size >= known.size, "it shrank from {} to {}", known.size, head.size);
        match self.reader(at).check_consistency(known, head).await {
            Ok(()) => {}
            Err(e) if e.code().is_some() => panic!("a fork: {e}"),
            Err(_) => return None, // killed meanwhile
        }
        let lines = [1, 2].map(|n| format!("{}\n", witness(n).cosign(checkpoint, self.clock.now()))).concat();
        let url = format!("{}/log/intake/cosignatures", self.bases[0][at]);
        self.client.send(Method::POST, &url, &[], lines.into_bytes()).await.ok().map(|_| head)
    }

    fn reader(&self, at: usize) -> tabir::client::log_reader::LogReader<HttpLog> {
        reader(INTAKE, HttpLog::new(self.client.clone(), &self.bases[0][at], "intake"))
    }

    fn largest(&self) -> u64 {
        self.shown.lock().unwrap().last_key_value().map_or(0, |(size, _)| *size)
    }

    /// Until the tree has grown by itself: somebody holds the lease.
    async fn grown(&self) {
        let (from, mut waited) = (self.largest(), Duration::ZERO);
        while self.largest() <= from {
            assert!(waited < PATIENCE, "nobody grows the log");
            let pause = Duration::from_millis(20);
            tokio::time::sleep(pause).await;
            waited += pause;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killing_whoever_grows_the_log_leaves_one_history_with_all_that_was_acknowledged() {
    let kills = std::env::var("TABIR_KILLS").map_or(KILLS, |n| n.parse().expect("TABIR_KILLS is a number"));
    let dir = tempfile::tempdir().unwrap();
    let clock = Clock::system();
    let mut pair = Pair::new(dir.path());
    let outside = Arc::new(Outside {
        client: Client::new(clock.clone()),
        clock,
        bases: pair.bases(),
        acknowledged: Mutex::default(),
        shown: Mutex::default(),
        next: AtomicU64::new(0),
        over: AtomicBool::new(false),
    });
    pair.start(0);
    let mut tasks: Vec<_> = (0..WRITERS).map(|_| tokio::spawn(outside.clone().write())).collect();
    tasks.push(tokio::spawn(outside.clone().look()));
    outside.grown().await;
    for kill in 1..=kills {
        // The other one comes, and stands by; then the one that grows the log dies, wherever it is.
        let grows = (kill as usize + 1) % 2;
        pair.start(1 - grows);
        pair.answers(1 - grows).await;
        tokio::time::sleep(Duration::from_millis(u64::from(Random.next_u32() % 400))).await;
        pair.kill(grows);
        outside.grown().await;
        if kill % 10 == 0 {
            eprintln!("killed {kill} of {kills}: {} entries", outside.largest());
        }
    }
    outside.over.store(true, Ordering::Relaxed);
    let last = kills as usize % 2;
    for task in tasks {
        task.await.unwrap();
    }

    let acknowledged = outside.acknowledged.lock().unwrap().clone();
    let wanted = acknowledged.values().max().unwrap() + 1;
    // What is not integrated yet.
    let mut known = *outside.shown.lock().unwrap().last_key_value().unwrap().1;
    let mut waited = Duration::ZERO;
    while known.size < wanted || outside.reader(last).checkpoint().await.unwrap().head() != known {
        let note = outside.client.get(&format!("{}/log/intake/pending", outside.bases[0][last])).await.unwrap();
        let checkpoint = SignedCheckpoint::open(&note.body, &verifier(INTAKE)).unwrap();
        known = outside.cosign(last, known, &checkpoint).await.unwrap();
        tokio::time::sleep(Duration::from_millis(20)).await;
        waited += Duration::from_millis(20);
        assert!(waited < PATIENCE, "the rest was never integrated");
    }
    let growth = outside.reader(last).read(TreeHead::EMPTY).await.unwrap();
    let mut places = BTreeMap::new();
    let (mut edge, shown) = (Edge::default(), outside.shown.lock().unwrap().clone());
    for entry in &growth.entries {
        assert_eq!(places.insert(entry.hash, entry.index), None, "an entry stands twice");
        edge.push(&entry.leaf).unwrap();
        assert!(
            shown.get(&edge.size()).is_none_or(|head| *head == edge.head()),
            "shown at {} was another tree",
            edge.size()
        );
    }
    for (n, index) in &acknowledged {
        assert_eq!(growth.entries[*index as usize].leaf, counts(*n).to_bytes(), "acknowledged and not there");
    }
    eprintln!(
        "killed {kills} times: {} entries, {} acknowledged, {} checkpoints shown, one history",
        growth.entries.len(),
        acknowledged.len(),
        shown.len()
    );
}
