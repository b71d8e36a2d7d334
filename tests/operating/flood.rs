//! Slow ones and many, beside whom honest people report.

use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tabir::client::report::{seal, send};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use crate::attack::{Attack, forged, post};
use crate::ready;
use crate::stage::{Stage, draft};

/// More than the gateway has seats.
const SLOW: usize = 700;
/// Connections of a flood, of each kind.
const FAST: usize = 4;
/// Honest reports meanwhile.
const HONEST: usize = 20;
/// The longest that one of them may take.
const LONGEST: Duration = Duration::from_secs(30);

/// Both ends of a connection are files, those of the attackers of this process.
fn more_files() {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum }).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn honest_reports_get_in_beside_slow_ones_and_floods() {
    more_files();
    let stage = Stage::start(env!("CARGO_BIN_EXE_tabir")).await;
    let session = stage.session().await;
    let mut honest = Vec::new();
    for _ in 0..HONEST {
        honest.push(ready(&stage, &session).await.unwrap());
    }
    let (sealed, token) = ready(&stage, &session).await.unwrap();
    let (body, mut attack) = (sealed.body, Attack::none());
    attack.slow(stage.ports.gateway, SLOW);
    attack.flood(stage.ports.gateway, FAST, {
        let body = body.clone();
        move || post(&forged(&token), &body)
    });
    attack.flood(stage.ports.gateway, FAST, move || post("PrivateToken token=\"AAAA\"", &vec![b'['; 90_000]));
    stage.until("all seats are taken", || async { attack.counts().0 > SLOW as u64 && attack.counts().1 > 50 }).await;

    let mut slowest = Duration::ZERO;
    for (sealed, token) in &honest {
        let begin = Instant::now();
        // Who is cut off tries again, as every client does.
        while timeout(LONGEST, send(&session, sealed, token)).await.ok().and_then(Result::ok).is_none() {
            assert!(begin.elapsed() < LONGEST, "no way in\n{}", stage.said_by("gateway"));
        }
        slowest = slowest.max(begin.elapsed());
    }
    let (opened, answered) = attack.counts();
    eprintln!(
        "{HONEST} of {HONEST} got in, the slowest in {slowest:?}, beside {opened} connections and {answered} refusals"
    );
    attack.end().await;
    // Nothing that was refused stands anywhere: the token of the forged ones is still good for a report.
    let after = seal(&session, &draft(&session)).unwrap();
    let (_, token) = ready(&stage, &session).await.unwrap();
    send(&session, &after, &token).await.unwrap();
}

/// A connection that says nothing, or not all, is closed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_says_nothing_is_closed() {
    let stage = Stage::start(env!("CARGO_BIN_EXE_tabir")).await;
    let mut silent = TcpStream::connect(("127.0.0.1", stage.ports.gateway)).await.unwrap();
    let mut buffer = Vec::new();
    let closed = timeout(Duration::from_secs(25), silent.read_to_end(&mut buffer)).await;
    assert!(closed.is_ok_and(|read| read.is_ok_and(|n| n == 0)), "it is still open");
}
