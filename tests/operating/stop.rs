//! SIGTERM: what is here is finished, nothing more is taken, and nobody can hold the process up.

use std::time::Duration;

use rustix::process::Signal;
use tabir::client::tokens::authorization;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::attack::post;
use crate::stage::{ROLES, Stage};
use crate::{ready, signal};

/// Who stops a container waits ten seconds before it kills.
const LONGEST: Duration = Duration::from_secs(10);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_that_is_asked_to_end_finishes_what_is_here_and_takes_nothing_more() {
    let mut stage = Stage::start(env!("CARGO_BIN_EXE_tabir")).await;
    let session = stage.session().await;
    let (sealed, token) = ready(&stage, &session).await.unwrap();
    let request = post(&authorization(&token), &sealed.body);
    let port = stage.ports.gateway;
    let connect = || TcpStream::connect(("127.0.0.1", port));
    // One that never says what it wants, one in the middle of its body.
    let mut silent = connect().await.unwrap();
    silent.write_all(b"GET / HTTP/1.1\r\nho").await.unwrap();
    let (begin, end) = request.split_at(request.len() / 2);
    let mut busy = connect().await.unwrap();
    busy.write_all(begin).await.unwrap();
    // It is being read: another request on a connection of its own was answered after it.
    stage.client.get(&format!("{}/v1/services", stage.gateway())).await.unwrap();

    let (asked, pid) = (Instant::now(), stage.process("gateway").pid());
    signal(pid, Signal::TERM);
    stage.until("it takes no connection", || async { connect().await.is_err() }).await;
    let readyz = format!("{}/readyz", stage.admin("gateway"));
    let refused = stage.client.get(&readyz).await.unwrap_err();
    assert_eq!(refused.status(), Some(503), "it says that it ends: {refused}");
    busy.write_all(end).await.unwrap();
    let mut answer = Vec::new();
    busy.read_to_end(&mut answer).await.unwrap();
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");

    for _ in 0..400 {
        if let Some(how) = stage.process("gateway").ended() {
            assert!(how.success(), "{how}");
            assert!(asked.elapsed() <= LONGEST + Duration::from_secs(1), "{:?}", asked.elapsed());
            // The others, which nobody holds up, end at once.
            return others(&mut stage).await;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("it does not end\n{}", stage.said_by("gateway"));
}

async fn others(stage: &mut Stage) {
    for role in ROLES.into_iter().filter(|role| *role != "gateway") {
        let (asked, pid) = (Instant::now(), stage.process(role).pid());
        signal(pid, Signal::TERM);
        let how = loop {
            if let Some(how) = stage.process(role).ended() {
                break how;
            }
            assert!(asked.elapsed() <= LONGEST + Duration::from_secs(1), "{role}\n{}", stage.said_by(role));
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        assert!(how.success(), "{role}: {how}");
    }
}
