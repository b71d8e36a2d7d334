//! Our log asks its witnesses, and takes a quorum of cosignatures into its checkpoints.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use tabir::clock::Clock;
use tabir::config::roles::{self, LogWitness};
use tabir::config::witness::Log;
use tabir::http::server;
use tabir::log::fault::Faults;
use tabir_crypto::log::cosignature::Cosigner;
use tabir_crypto::log::witness::{AddCheckpoint, format_cosignatures};
use tabir_crypto::log::{CosignedCheckpoint, SignedCheckpoint, TreeHead};
use tabir_crypto::trust::root::LogName;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::log_support::{self, *};
use crate::running::{self, config};

/// One of our logs as a witness is told of it.
pub fn ours(name: LogName) -> Log {
    let vkeys = vec![verifier(name).key().to_string()];
    Log { origin: origin(name), vkeys, url: None, copies: Vec::new(), post: None }
}

/// The n-th witness of the trust root, as a server.
pub async fn serve(dir: &Path, n: u8, logs: Vec<Log>) -> running::Running {
    running::start_with(&config(dir, &format!("w{n}.example"), 40 + n, logs), Clock::manual(NOW)).await.unwrap()
}

pub fn at(n: u8, url: &str) -> LogWitness {
    LogWitness { vkey: witness(n).verifier_key().to_string(), url: url.into() }
}

async fn log_with(dir: &Path, witnesses: Vec<LogWitness>) -> log_support::Running {
    let config = roles::Log { witnesses, ..roles::Log::new(dir.into(), 10) };
    start_as(&config, Clock::manual(NOW), Faults::default()).await.unwrap()
}

/// Waits until a quorum has cosigned this size.
pub async fn cosigned(log: &log_support::Running, name: LogName, size: u64) -> CosignedCheckpoint {
    for _ in 0..1000 {
        match log.reader(name).checkpoint().await {
            Ok(checkpoint) if checkpoint.head().size >= size => return checkpoint,
            _ => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
    panic!("no quorum for {size}");
}

#[tokio::test]
async fn the_log_gathers_a_quorum_from_the_witnesses_that_it_asks() {
    let dirs = [0, 1, 2].map(|_| tempfile::tempdir().unwrap());
    let witnesses = [
        serve(dirs[1].path(), 1, LogName::ALL.map(ours).to_vec()).await,
        serve(dirs[2].path(), 2, LogName::ALL.map(ours).to_vec()).await,
    ];
    let urls = || vec![at(1, &witnesses[0].base), at(2, &format!("{}/", witnesses[1].base))];
    let log = log_with(dirs[0].path(), urls()).await;
    cosigned(&log, GOVERNANCE, 0).await;
    let mut size = 0;
    for more in [3, 1, 260] {
        for n in size..size + more {
            log.append(INTAKE, &counts(n)).await.unwrap();
        }
        size += more;
        assert_eq!(cosigned(&log, INTAKE, size).await.witnessed_time(), NOW);
    }
    log.end().await;
    // A new process knows nothing of what the witnesses have: they tell it.
    let log = log_with(dirs[0].path(), urls()).await;
    log.append(INTAKE, &counts(size)).await.unwrap();
    cosigned(&log, INTAKE, size + 1).await;
    // Without news, the same checkpoint is cosigned anew: that the log is alive shows.
    for witness in &witnesses {
        witness.clock.set(NOW + 70);
    }
    log.clock.set(NOW + 70);
    for tries in 0.. {
        if log.reader(INTAKE).checkpoint().await.unwrap().witnessed_time() == NOW + 70 {
            break;
        }
        assert!(tries < 1000, "not renewed");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    // And who reads it all finds it whole.
    assert_eq!(log.reader(INTAKE).read(TreeHead::EMPTY).await.unwrap().entries.len() as u64, size + 1);
    log.end().await;
    for witness in witnesses {
        witness.end().await;
    }
}

/// What a false witness is asked, and answers.
type Asked = Arc<Mutex<Vec<AddCheckpoint>>>;

async fn false_witness(answer: impl Fn(&AddCheckpoint) -> Response + Clone + Send + Sync + 'static) -> (String, Asked) {
    let asked = Asked::default();
    let seen = asked.clone();
    let take = move |body: Bytes| async move {
        let request = AddCheckpoint::parse(&body).unwrap();
        let answer = answer(&request);
        seen.lock().unwrap().push(request);
        answer
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (stop, stopped) = watch::channel(false);
    tokio::spawn(async move {
        let _stop = stop; // as long as the test
        server::serve(listener, Router::new().route("/add-checkpoint", post(take)), stopped).await
    });
    (url, asked)
}

fn has(size: u64) -> Response {
    (StatusCode::CONFLICT, [(header::CONTENT_TYPE, "text/x.tlog.size")], format!("{size}\n")).into_response()
}

/// So many requests about the intake log, which has one entry.
async fn first(asked: &Asked, count: usize) -> Vec<u64> {
    for _ in 0..1000 {
        let olds: Vec<u64> = asked
            .lock()
            .unwrap()
            .iter()
            .filter(|a| String::from_utf8_lossy(&a.checkpoint).starts_with("tabir.example/intake\n1\n"))
            .map(|a| a.old_size)
            .collect();
        if olds.len() >= count {
            return olds[..count].to_vec();
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("not asked {count} times");
}

/// A log with one entry that waits for this witness and an honest one.
async fn log_beside(url: &str) -> (log_support::Running, [tempfile::TempDir; 2], running::Running) {
    let dirs = [0, 1].map(|_| tempfile::tempdir().unwrap());
    // The empty tree gets its quorum by hand: what grows on it waits.
    let log = start(dirs[0].path(), 10).await.unwrap();
    log.witness_until(INTAKE, 0, NOW).await;
    log.append(INTAKE, &counts(0)).await.unwrap();
    for _ in 0..500 {
        if log.pending(INTAKE).await.head().size == 1 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    log.end().await;
    let honest = serve(dirs[1].path(), 1, LogName::ALL.map(ours).to_vec()).await;
    let log = log_with(dirs[0].path(), vec![at(1, &honest.base), at(2, url)]).await;
    (log, dirs, honest)
}

async fn no_quorum_for(log: &log_support::Running, size: u64) {
    tokio::time::sleep(Duration::from_millis(150)).await;
    let path = format!("{}/log/intake/checkpoints/{size}", log.base);
    assert_eq!(problem(log.client.get(&path).await), (404, "not-found".into()));
}

#[tokio::test]
async fn another_size_is_tried_once_and_the_one_just_sent_is_final() {
    // It names what was sent: one request a round.
    let (url, asked) = false_witness(|request| has(request.old_size)).await;
    let (log, _dirs, _honest) = log_beside(&url).await;
    assert_eq!(first(&asked, 4).await, [0, 0, 0, 0]);
    no_quorum_for(&log, 1).await;
    // It names 1, whatever is sent: the second request is the last of its round.
    let (url, asked) = false_witness(|_| has(1)).await;
    let (log, _dirs, _honest) = log_beside(&url).await;
    assert_eq!(first(&asked, 4).await, [0, 1, 1, 1]);
    no_quorum_for(&log, 1).await;
    // It has more than the log: nothing can be proven to it.
    let (url, asked) = false_witness(|_| has(9)).await;
    let (log, _dirs, _honest) = log_beside(&url).await;
    assert_eq!(first(&asked, 1).await, [0]);
    no_quorum_for(&log, 1).await;
    assert_eq!(asked.lock().unwrap().iter().filter(|a| a.old_size > 1).count(), 0);
}

#[tokio::test]
async fn takes_the_line_of_that_witness_alone_and_of_that_checkpoint() {
    let answer = |request: &AddCheckpoint, by: &Cosigner, time: u64, other: bool| -> Response {
        let name = if request.checkpoint.starts_with(b"tabir.example/intake\n") { INTAKE } else { GOVERNANCE };
        let mut checkpoint = SignedCheckpoint::open(&request.checkpoint, &verifier(name)).unwrap();
        if other {
            let head = TreeHead { root: [9; 32], ..checkpoint.head() };
            let text = tabir_crypto::log::Checkpoint { origin: origin(name), head };
            let signer = tabir_crypto::log::NoteSigner::from_seed(&origin(name), &seed(log_seed(name))).unwrap();
            checkpoint = SignedCheckpoint::sign(text, &signer).unwrap();
        }
        format_cosignatures(&[by.cosign(&checkpoint, time)]).into_response()
    };
    let stranger = Cosigner::from_seed("w2.example", &seed(99)).unwrap();
    let kinds: BTreeMap<&str, (Cosigner, u64, bool)> = [
        ("a stranger under its name", (stranger, NOW, false)),
        ("another witness", (witness(1), NOW, false)),
        ("another checkpoint", (witness(2), NOW, true)),
        ("a time that is far off", (witness(2), NOW + 1801, false)),
    ]
    .into();
    for (what, (by, time, other)) in kinds {
        let (url, asked) = false_witness(move |request| answer(request, &by, time, other)).await;
        let (log, _dirs, _honest) = log_beside(&url).await;
        first(&asked, 2).await;
        println!("{what}");
        no_quorum_for(&log, 1).await;
    }
    let (url, _) = false_witness(move |request| answer(request, &witness(2), NOW, false)).await;
    let (log, _dirs, _honest) = log_beside(&url).await;
    cosigned(&log, INTAKE, 1).await;
}

#[tokio::test]
async fn a_slow_witness_delays_no_other() {
    // It takes the connection, and says nothing.
    let slow = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", slow.local_addr().unwrap());
    let dirs = [0, 1, 2].map(|_| tempfile::tempdir().unwrap());
    let witnesses =
        [serve(dirs[1].path(), 1, vec![ours(INTAKE)]).await, serve(dirs[2].path(), 2, vec![ours(INTAKE)]).await];
    let mut root = trust().root().clone();
    root.witnesses.push(text(&witness(3).verifier_key().to_string()));
    let three = tabir_crypto::statement::Statement::signed(tabir_crypto::statement::Verb::TrustRoot, &root, &key(1));
    let urls = vec![at(3, &url), at(1, &witnesses[0].base), at(2, &witnesses[1].base)];
    let config = roles::Log { witnesses: urls, ..roles::Log::new(dirs[0].path().into(), 10) };
    let trust = tabir_crypto::trust::Trust::pinned(&three.unwrap()).unwrap();
    let log = start_under(trust, &config, Clock::manual(NOW), Faults::default()).await.unwrap();
    let start = Instant::now();
    for n in 0..5 {
        log.append(INTAKE, &counts(n)).await.unwrap();
        cosigned(&log, INTAKE, n + 1).await;
    }
    assert!(start.elapsed() < Duration::from_secs(8), "{:?}", start.elapsed());
    log.kill().await;
}

#[tokio::test]
async fn asks_no_witness_that_its_readers_do_not_count() {
    let dir = tempfile::tempdir().unwrap();
    let stranger = LogWitness { vkey: witness(7).verifier_key().to_string(), url: "http://127.0.0.1:1".into() };
    let config = roles::Log { witnesses: vec![stranger], ..roles::Log::new(dir.path().into(), 10) };
    let refused = start_as(&config, Clock::manual(NOW), Faults::default()).await.err().expect("must be refused");
    assert!(refused.to_string().contains("is not a witness of the trust root"), "{refused}");
}
