//! Silence tells nothing: the log has its newest checkpoint cosigned at each interval, with or without news.

mod log_support;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::routing::post;
use tabir::clock::Clock;
use tabir::config::roles::{self, LogWitness};
use tabir::http::server;
use tabir::log::fault::Faults;
use tabir_crypto::log::SignedCheckpoint;
use tabir_crypto::log::witness::{AddCheckpoint, format_cosignatures};
use tabir_crypto::statement::{Statement, Verb};
use tabir_crypto::trust::Trust;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::time::Instant;

use log_support::*;

/// A cosignature tells whole seconds.
const INTERVAL: Duration = Duration::from_secs(1);
/// How long the log is watched, each time.
const WATCHED: u32 = 5;

/// When the intake log asked.
type Asked = Arc<Mutex<Vec<Instant>>>;

/// A witness that cosigns what it is sent, and looks at its watch.
async fn watching_witness(asked: Asked) -> String {
    let clock = Clock::system();
    let take = move |body: Bytes| async move {
        let request = AddCheckpoint::parse(&body).unwrap();
        let of = |name| SignedCheckpoint::open(&request.checkpoint, &verifier(name));
        let checkpoint = of(INTAKE).inspect(|_| asked.lock().unwrap().push(Instant::now()));
        let checkpoint = checkpoint.or_else(|_| of(GOVERNANCE)).unwrap();
        format_cosignatures(&[witness(1).cosign(&checkpoint, clock.now())])
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (stop, stopped) = watch::channel(false);
    tokio::spawn(async move {
        let _stop = stop; // as long as the test
        server::serve(listener, Router::new().route("/add-checkpoint", post(take)), stopped).await
    });
    url
}

/// How often the witness was asked, and the shortest and the longest pause.
fn rhythm(asked: &Asked) -> (usize, Duration, Duration) {
    let times = std::mem::take(&mut *asked.lock().unwrap());
    assert!(times.len() > 1, "asked {} time(s)", times.len());
    let pauses: Vec<_> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    (times.len(), *pauses.iter().min().unwrap(), *pauses.iter().max().unwrap())
}

#[tokio::test]
async fn the_witness_is_asked_at_each_interval_with_or_without_news() {
    let (dir, asked) = (tempfile::tempdir().unwrap(), Asked::default());
    let url = watching_witness(asked.clone()).await;
    let mut root = trust().root().clone();
    (root.witnesses, root.witness_quorum) = (vec![text(&witness(1).verifier_key().to_string())], 1);
    let trust = Trust::pinned(&Statement::signed(Verb::TrustRoot, &root, &key(1)).unwrap()).unwrap();
    let vkey = witness(1).verifier_key().to_string();
    let interval = u64::try_from(INTERVAL.as_millis()).unwrap();
    let config =
        roles::Log { witnesses: vec![LogWitness { vkey, url }], ..roles::Log::new(dir.path().into(), interval) };
    let log = start_under(trust, &config, Clock::system(), Faults::default()).await.unwrap();
    log.append(INTAKE, &counts(0)).await.unwrap();
    let times = async || {
        let note = log.client.get(&format!("{}/log/intake/checkpoint", log.base)).await.unwrap().body;
        let checkpoint = SignedCheckpoint::open(&note, &verifier(INTAKE)).unwrap();
        let key = witness(1).verifier_key().clone();
        let line = checkpoint.note().signature_by(&key).unwrap().expect("cosigned").clone();
        let time = tabir_crypto::log::cosignature::verify_cosignature(&checkpoint, &line, &key).unwrap();
        (checkpoint.head().size, time)
    };
    tokio::time::sleep(3 * INTERVAL).await;
    asked.lock().unwrap().clear();

    let before = times().await;
    tokio::time::sleep(WATCHED * INTERVAL).await;
    let (quiet, after) = (rhythm(&asked), times().await);
    assert_eq!((before.0, after.0), (1, 1), "no news");
    assert!(after.1 >= before.1 + u64::from(WATCHED) / 2, "a log without news is seen to be alive");

    let mut n = 0;
    let end = Instant::now() + WATCHED * INTERVAL;
    while Instant::now() < end {
        n += 1;
        log.append(INTAKE, &counts(n)).await.unwrap();
        tokio::time::sleep(INTERVAL / 20).await;
    }
    let busy = rhythm(&asked);
    assert!(times().await.0 > 1, "there was news");
    for (what, (count, shortest, longest)) in [("quiet", quiet), ("busy", busy)] {
        assert!((3..=WATCHED as usize + 1).contains(&count), "{what}: asked {count} times");
        assert!(shortest > INTERVAL / 2 && longest < 3 * INTERVAL, "{what}: {shortest:?} to {longest:?}");
    }
    log.end().await;
}

/// When an entry shows is not when it came: trees grow on a beat.
#[tokio::test]
async fn an_entry_shows_at_the_next_beat_and_not_when_it_comes() {
    const BEAT: Duration = Duration::from_secs(2);
    let dir = tempfile::tempdir().unwrap();
    let log = start(dir.path(), u64::try_from(BEAT.as_millis()).unwrap()).await.unwrap();
    log.witness_until(INTAKE, 0, NOW).await;
    let mut grown: Option<Instant> = None;
    for n in 0..4 {
        // The whole beat is still to come, but for the first.
        log.append(INTAKE, &counts(n)).await.unwrap();
        while log.pending(INTAKE).await.head().size <= n {
            assert!(grown.is_none_or(|at| at.elapsed() < 3 * BEAT), "no beat");
            tokio::time::sleep(BEAT / 100).await;
        }
        let now = Instant::now();
        if let Some(before) = grown.replace(now) {
            assert!(now - before > BEAT / 2, "entry {n} showed after {:?}", now - before);
        }
        log.witness_until(INTAKE, n + 1, NOW + n).await;
    }
    log.end().await;
}
