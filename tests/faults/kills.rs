//! `kill -9` of one role after the other, wherever it is, while people report.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rand_core::Rng as _;
use tabir::clock::Random;
use tokio::time::sleep;

use crate::reporters::{Sent, report};
use crate::stage::{ROLES, Stage};
use crate::{after, record};

/// Kills in `make test`. `TABIR_CYCLES` says another number.
const CYCLES: u64 = 20;
/// Who reports at the same time.
const REPORTERS: usize = 3;
/// Between two reports of one.
const PAUSE: Duration = Duration::from_millis(250);
/// Codes that are printed at a time.
const CODES: u32 = 40;

fn below(most: u32) -> u64 {
    u64::from(Random.next_u32() % most)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn roles_that_are_killed_at_random_lose_and_double_nothing() {
    let cycles = std::env::var("TABIR_CYCLES").map_or(CYCLES, |n| n.parse().expect("TABIR_CYCLES is a number"));
    let mut stage = Stage::start(env!("CARGO_BIN_EXE_tabir")).await;
    let session = Arc::new(stage.session().await);
    let (codes, sent) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(Vec::<Sent>::new())));
    let over = Arc::new(AtomicBool::new(false));
    let reporters: Vec<_> = (0..REPORTERS)
        .map(|_| {
            let (session, codes, sent, over) =
                (Arc::clone(&session), Arc::clone(&codes), Arc::clone(&sent), Arc::clone(&over));
            tokio::spawn(async move {
                while !over.load(Ordering::Relaxed) {
                    let code: Option<String> = codes.lock().unwrap().pop();
                    if let Some(code) = code {
                        let one = report(&session, &code).await;
                        sent.lock().unwrap().push(one);
                    }
                    sleep(PAUSE).await;
                }
            })
        })
        .collect();
    for cycle in 1..=cycles {
        if codes.lock().unwrap().len() < REPORTERS * 2 {
            let more = stage.vouchers(CODES).await;
            codes.lock().unwrap().extend(more);
        }
        let role = ROLES[below(ROLES.len() as u32) as usize];
        sleep(Duration::from_millis(below(400))).await;
        stage.end(role);
        sleep(Duration::from_millis(below(150))).await;
        stage.resume(role).await;
        // One in four is killed again, if it comes to that, before it is up.
        if below(4) > 0 {
            let url = format!("{}/healthz", stage.admin(role));
            stage.until(&format!("{role} is up"), || async { stage.client.get(&url).await.is_ok() }).await;
        }
        if cycle % 50 == 0 {
            eprintln!("killed {cycle} of {cycles}: {} reports", sent.lock().unwrap().len());
        }
    }
    over.store(true, Ordering::Relaxed);
    for reporter in reporters {
        reporter.await.unwrap();
    }
    let sent = std::mem::take(&mut *sent.lock().unwrap());
    assert!(sent.len() as u64 > cycles / 2, "hardly anybody reported");
    record("kill", after::look(&stage, "kill", cycles, &sent, 0).await);
}
