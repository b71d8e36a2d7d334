//! Token, intake and warden keys follow each other while people report: not one request fails. The real program, with epochs
//! of forty seconds.

mod stage;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use stage::{Runs, Stage, draft};
use tabir::client::report::{seal, send};
use tabir::client::{Session, case, tokens};
use tabir::clock::Clock;
use tabir::config::Config;
use tabir::http::Client;
use tabir_crypto::statement::body::KeyKind;
use tabir_crypto::statement::{Body, Verb};
use tokio::time::Instant;

/// Length of an epoch of each kind: a token key begins half a minute late at most, and must be announced before its turn.
const EPOCH_S: u64 = 40;
/// Long enough for two changes of each key.
const LOAD: Duration = Duration::from_secs(100);
/// Who reports at the same time.
const REPORTERS: usize = 3;

/// Shorter epochs.
fn shorten(_role: &str, config: &mut Config) {
    let roles = &mut config.roles;
    if let Some(issuer) = &mut roles.issuer {
        issuer.epoch_s = EPOCH_S;
    }
    if let Some(forwarder) = &mut roles.forwarder {
        forwarder.epoch_s = EPOCH_S;
    }
    if let Some(warden) = &mut roles.warden {
        warden.epoch_s = EPOCH_S;
    }
}

/// What a reporter's device does: everything anew each time, as `tabir report` does.
async fn report(stage: &Stage, clock: &Clock) -> Result<[Vec<u8>; 3], tabir::client::ClientError> {
    let session =
        Session::open(Client::new(clock.clone()), clock.clone(), Arc::clone(&stage.trust), &stage.gateway()).await?;
    let keys = [session.key(KeyKind::Token)?, session.key(KeyKind::Intake)?, session.key(KeyKind::Warden)?];
    let sealed = seal(&session, &draft(&session))?;
    let token = tokens::fetch(&session, &tokens::Attestation::Puzzle).await?;
    send(&session, &sealed, &token).await?;
    case::read(&session, &sealed.receipt).await?;
    Ok(keys)
}

/// The auditors sign each warden key that waits.
async fn auditors(stage: &Stage, over: &AtomicBool) {
    let board = stage.board();
    while !over.load(Ordering::Relaxed) {
        for entry in board.proposals().await.map(|all| all.proposals).unwrap_or_default() {
            if entry.complete || entry.verb.as_str() != Verb::KeyAnnounced.as_str() {
                continue;
            }
            let proposal = board.proposal(&entry.id.0).await.unwrap();
            let warden = |body: Body| matches!(body, Body::KeyAnnounced(key) if key.kind == KeyKind::Warden);
            if proposal.statement.body().is_ok_and(warden) {
                stage.sign(proposal.statement, &stage.auditors).await;
            }
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_key_changes_twice_under_load_and_no_request_fails() {
    let runs = Runs::Program(env!("CARGO_BIN_EXE_tabir"));
    let stage = Stage::start_as(runs, Clock::system(), shorten, |_| ()).await;
    let (over, clock, until) = (AtomicBool::new(false), Clock::system(), Instant::now() + LOAD);
    let reporter = || async {
        let (mut seen, mut failed) = (vec![std::collections::BTreeSet::new(); 3], Vec::new());
        let mut sent = 0;
        while Instant::now() < until {
            match report(&stage, &clock).await {
                Ok(keys) => {
                    for (seen, key) in seen.iter_mut().zip(keys) {
                        seen.insert(key);
                    }
                }
                Err(error) => failed.push(error.to_string()),
            }
            sent += 1;
        }
        (seen, failed, sent)
    };
    let load = async {
        let all = futures_of(REPORTERS, reporter).await;
        over.store(true, Ordering::Relaxed);
        all
    };
    let (all, ()) = tokio::join!(load, auditors(&stage, &over));
    let failed: Vec<_> = all.iter().flat_map(|(_, failed, _)| failed).collect();
    let sent: usize = all.iter().map(|(_, _, sent)| sent).sum();
    assert!(failed.is_empty(), "{} of {sent} failed: {failed:?}\n{}", failed.len(), stage.said());
    for (kind, n) in [("token", 0), ("intake", 1), ("warden", 2)] {
        let keys: std::collections::BTreeSet<_> = all.iter().flat_map(|(seen, _, _)| &seen[n]).collect();
        assert!(keys.len() >= 3, "{kind}: {} keys in {sent} reports", keys.len());
    }
}

/// So many at once.
async fn futures_of<T, F: Future<Output = T>>(count: usize, make: impl Fn() -> F) -> Vec<T> {
    let mut running: Vec<_> = (0..count).map(|_| Box::pin(make())).collect();
    let mut done = Vec::new();
    std::future::poll_fn(|cx| {
        running.retain_mut(|future| match future.as_mut().poll(cx) {
            std::task::Poll::Ready(value) => {
                done.push(value);
                false
            }
            std::task::Poll::Pending => true,
        });
        if running.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    done
}
