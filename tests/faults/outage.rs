//! The complaint system is away for a week and comes back slowly; and it takes reports without saying so.

use crate::common::fault_proxy::{Fault, FaultProxy};
use crate::simulated::{DAY_S, HOUR_S, SMALL_S, pass, some, start, to_the_deadline};
use crate::stage::Stage;
use crate::{after, at_length, record};

/// Longer than the longest pause between two attempts.
const RETRY_S: u64 = 1_000;
/// The client's own limit is a minute.
const SILENCE: std::time::Duration = std::time::Duration::from_secs(65);

/// Its complaint system stands behind a proxy.
async fn behind_a_proxy() -> (Stage, FaultProxy) {
    let proxy = FaultProxy::start("").await;
    let stage = start(|_, config| {
        if let Some(forwarder) = &mut config.roles.forwarder {
            let path = forwarder.downstream.find("/open311").unwrap();
            proxy.lead_to(&forwarder.downstream[..path]);
            forwarder.downstream = format!("{}{}", proxy.base, &forwarder.downstream[path..]);
        }
    })
    .await;
    (stage, proxy)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_complaint_system_that_is_away_for_a_week_and_comes_back_slowly_gets_all_of_it_once() {
    let (stage, proxy) = behind_a_proxy().await;
    let mut sent = Vec::new();
    some(&stage, 2, &mut sent).await;
    proxy.set(Fault::Down);
    for _ in 0..6 {
        some(&stage, 2, &mut sent).await;
        pass(&stage, DAY_S, 6 * HOUR_S).await;
    }
    let held = sent.len() - after::at_desk(&stage).await.len();
    assert!(held >= 12, "all but those before the outage wait: {held}");
    // It comes back, and asks for patience first.
    proxy.set(Fault::Busy);
    let before = proxy.posts();
    pass(&stage, 4 * RETRY_S, RETRY_S).await;
    assert!(proxy.posts() > before, "it is tried");
    assert!(sent.len() - after::at_desk(&stage).await.len() >= 12);
    proxy.set(Fault::Slow);
    pass(&stage, 6 * RETRY_S, RETRY_S).await;
    proxy.set(Fault::None);
    to_the_deadline(&stage).await;
    record("downstream_down", after::look(&stage, "downstream_down", 1, &sent, SMALL_S).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_complaint_system_that_takes_reports_without_saying_so_gets_each_once() {
    let (stage, proxy) = behind_a_proxy().await;
    let (mut sent, mut cycles) = (Vec::new(), 0);
    let mut faults = vec![Fault::StoredThen500, Fault::StoredThenNothing, Fault::Token];
    if at_length() {
        faults.push(Fault::StoredThenSilent);
    }
    for fault in faults {
        proxy.set(fault);
        let before = proxy.posts();
        some(&stage, 2, &mut sent).await;
        // Both were handed over; what came of it the forwarder can't know.
        stage.until("two were tried", || async { proxy.posts() >= before + 2 }).await;
        if fault == Fault::StoredThenSilent {
            tokio::time::sleep(SILENCE).await;
        }
        proxy.set(Fault::None);
        pass(&stage, 2 * RETRY_S, RETRY_S).await;
        cycles += 2;
    }
    to_the_deadline(&stage).await;
    record("unknown_outcome", after::look(&stage, "unknown_outcome", cycles, &sent, SMALL_S).await);
}
