//! A witness without an inbound port, and one whose store was put back from a backup.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path as Route, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use tabir::clock::Clock;
use tabir::config::witness::{Log, Witness as Config};
use tabir::http::server;
use tabir::witness::STORE;
use tabir_crypto::log::tile::Edge;
use tabir_crypto::log::witness::parse_cosignatures;
use tabir_crypto::log::{Cosigner, TreeHead};
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::foreign::{Foreign, HONEST, ORIGIN};
use crate::gathered::{cosigned, ours};
use crate::log_support::{self, GOVERNANCE, INTAKE, NOW, counts, problem, seed};
use crate::running::*;

/// A log as plain files, and what is posted to it.
#[derive(Clone, Default)]
struct Files {
    files: Arc<Mutex<BTreeMap<String, Vec<u8>>>>,
    posts: Arc<Mutex<Vec<Vec<u8>>>>,
}

async fn file(State(files): State<Files>, Route(path): Route<String>) -> Result<Vec<u8>, StatusCode> {
    files.files.lock().unwrap().get(&path).cloned().ok_or(StatusCode::NOT_FOUND)
}

async fn take(State(files): State<Files>, body: Bytes) -> StatusCode {
    files.posts.lock().unwrap().push(body.to_vec());
    StatusCode::NO_CONTENT
}

impl Files {
    /// Serves until the test ends.
    async fn serve(&self) -> String {
        let routes = Router::new().route("/{*path}", get(file)).route("/cosign", post(take)).with_state(self.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (stop, stopped) = watch::channel(false);
        tokio::spawn(async move {
            let _stop = stop;
            server::serve(listener, routes, stopped).await
        });
        url
    }

    /// Tiles and checkpoint of the foreign log, cosigned by the witness of these tests if `by` says so.
    fn show(&self, log: Foreign, size: u64, by: bool) {
        let mut edge = Edge::load(0, |_| Ok(Vec::new())).unwrap();
        (0..size).for_each(|n| edge.push(&log.leaf(n)).unwrap());
        let mut files = self.files.lock().unwrap();
        for (tile, bytes) in edge.take_tiles().unwrap() {
            files.insert(tile.to_string(), bytes);
        }
        let mut checkpoint = log.checkpoint(size);
        if by {
            checkpoint.add(Cosigner::from_seed(NAME, &seed(80)).unwrap().cosign(&checkpoint, NOW));
        }
        files.insert("checkpoint".into(), checkpoint.to_bytes());
    }
}

fn at(url: &str, copies: &[&str], post: bool) -> Log {
    let post = post.then(|| format!("{url}/cosign"));
    Log { url: Some(url.into()), copies: copies.iter().map(ToString::to_string).collect(), post, ..asks() }
}

async fn head(dir: &Path) -> TreeHead {
    store(dir).await.head(ORIGIN).await.unwrap().tree
}

async fn until(what: &str, mut done: impl AsyncFnMut() -> bool) {
    for _ in 0..1000 {
        if done().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("never: {what}");
}

#[tokio::test]
async fn two_witnesses_without_a_port_are_the_quorum_of_our_log() {
    let dirs = [0, 1, 2].map(|_| tempfile::tempdir().unwrap());
    let log = log_support::start(dirs[0].path(), 10).await.unwrap();
    let polled = |name| {
        let url = format!("{}/log/{}", log.base, tabir_crypto::trust::root::LogName::as_str(name));
        Log { url: Some(url.clone()), post: Some(format!("{url}/cosignatures")), ..ours(name) }
    };
    let mut witnesses = Vec::new();
    for n in [1, 2] {
        let logs = vec![polled(GOVERNANCE), polled(INTAKE)];
        let made = config(dirs[usize::from(n)].path(), &format!("w{n}.example"), 40 + n, logs);
        let made = Config { listen: None, ..made };
        witnesses.push(start_with(&made, Clock::manual(NOW)).await.unwrap());
    }
    let mut size = 0;
    for more in [1, 2, 257] {
        for n in size..size + more {
            log.append(INTAKE, &counts(n)).await.unwrap();
        }
        size += more;
        cosigned(&log, INTAKE, size).await;
    }
    for witness in witnesses {
        // Without `listen` there is nothing to ask.
        assert_eq!(problem(witness.ask(Vec::new()).await), (404, "not-found".into()));
        witness.end().await;
    }
    log.end().await;
}

#[tokio::test]
async fn polls_any_log_and_refuses_a_smaller_tree_and_another_history() {
    let (dir, files) = (tempfile::tempdir().unwrap(), Files::default());
    files.show(HONEST, 300, false);
    let url = files.serve().await;
    let witness =
        start_with(&config(dir.path(), NAME, 80, vec![at(&url, &[], true)]), Clock::manual(NOW)).await.unwrap();
    until("a cosignature", async || !files.posts.lock().unwrap().is_empty()).await;
    let line = parse_cosignatures(&files.posts.lock().unwrap()[0]).unwrap().remove(0);
    let checkpoint = HONEST.checkpoint(300);
    tabir_crypto::log::cosignature::verify_cosignature(&checkpoint, &line, &vkey(80, NAME)).unwrap();
    files.show(HONEST, 700, false);
    until("the next head", async || head(dir.path()).await == HONEST.head(700)).await;

    let posts = || files.posts.lock().unwrap().len();
    for (log, size) in [(HONEST, 500), (Foreign { forks_at: 600 }, 900), (Foreign { forks_at: 600 }, 700)] {
        files.show(log, size, false);
        tokio::time::sleep(Duration::from_millis(50)).await;
        let before = posts();
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert_eq!((posts(), head(dir.path()).await), (before, HONEST.head(700)));
    }
    let evidence = store(dir.path()).await.evidence(ORIGIN).await.unwrap();
    assert_eq!(evidence.len(), 1, "the last of them is proof by itself");
    files.show(HONEST, 1000, false);
    until("the honest log again", async || head(dir.path()).await == HONEST.head(1000)).await;
    witness.end().await;
}

/// A witness that stood at 3, went on to 9, and whose store is put back to 3.
async fn put_back(dir: &Path) {
    let witness = start(dir).await;
    witness.ask(HONEST.request(0, 3).to_bytes()).await.unwrap();
    witness.end().await;
}

#[tokio::test]
async fn a_store_put_back_from_a_backup_takes_up_what_its_key_has_signed_before_it_signs() {
    let fork = Foreign { forks_at: 5 };
    for (by_log, by_copy) in [(true, false), (false, true)] {
        let dir = tempfile::tempdir().unwrap();
        put_back(dir.path()).await;
        let (files, copy) = (Files::default(), Files::default());
        // A log that wants a second history hides the first one; a copy that others keep still shows it.
        if by_log {
            files.show(HONEST, 9, true)
        } else {
            files.show(HONEST, 3, true)
        }
        copy.show(HONEST, 9, by_copy);
        let (url, copy_url) = (files.serve().await, copy.serve().await);
        let logs = vec![at(&url, &[copy_url.as_str()], false)];
        let witness = start_with(&config(dir.path(), NAME, 80, logs), Clock::manual(NOW)).await.unwrap();
        until(
            "ready",
            async || !matches!(witness.ask(fork.request(3, 9).to_bytes()).await, Err(e) if e.status() == Some(503)),
        )
        .await;
        assert_eq!(size_of(witness.ask(fork.request(3, 9).to_bytes()).await), 9);
        assert_eq!(problem(witness.ask(fork.request(9, 9).to_bytes()).await), (422, "consistency".into()));
        time_of(witness.ask(HONEST.request(9, 10).to_bytes()).await, &HONEST.checkpoint(10));
        witness.end().await;
    }
}

#[tokio::test]
async fn signs_nothing_of_a_log_before_it_has_looked_or_while_its_key_has_signed_another_history() {
    let dir = tempfile::tempdir().unwrap();
    put_back(dir.path()).await;
    let not_ready = async |logs: Vec<Log>| {
        let witness = start_with(&config(dir.path(), NAME, 80, logs), Clock::manual(NOW)).await.unwrap();
        for _ in 0..10 {
            let refused = problem(witness.ask(HONEST.request(3, 4).to_bytes()).await);
            assert_eq!(refused, (503, "not-ready".into()));
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        witness.end().await;
    };
    // Nobody answers there.
    not_ready(vec![at("http://127.0.0.1:1", &[], false)]).await;
    // Its own signature under another tree: a second witness has this key, or an older store signed.
    let files = Files::default();
    files.show(Foreign { forks_at: 1 }, 3, true);
    let url = files.serve().await;
    not_ready(vec![at(&url, &[], false)]).await;
    // The same, further on: nothing proves that it extends what is stored.
    files.show(Foreign { forks_at: 1 }, 8, true);
    not_ready(vec![at(&url, &[], false)]).await;
    assert_eq!(head(dir.path()).await, HONEST.head(3));
    // Whatever is not signed by its key says nothing about it.
    files.show(Foreign { forks_at: 1 }, 8, false);
    let witness =
        start_with(&config(dir.path(), NAME, 80, vec![at(&url, &[], false)]), Clock::manual(NOW)).await.unwrap();
    until("ready", async || witness.ask(HONEST.request(3, 4).to_bytes()).await.is_ok()).await;
    witness.end().await;
    assert!(dir.path().join(STORE).exists());
}
