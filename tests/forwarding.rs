//! P5 on the way to the downstream: an accepted report reaches it exactly once in effect, whatever breaks in between.
//! Scenarios 14 and 15.

mod common;

use common::cut_proxy::CutProxy;
use common::desk::{CONNECTOR, NOW};
use common::fault_proxy::{Fault, FaultProxy};
use common::forwarding::{DEADLINE, FORWARD_S, KEEP_S, RELEASE_S, RETRY_S, World};
use tabir::api::gateway::Event;
use tabir_crypto::statement::Verb;
use tabir_crypto::statement::body::Release;

async fn direct(desk: &str) -> String {
    desk.to_owned()
}

/// A world behind a proxy that cuts answers.
async fn cut_world(cuts: usize) -> (World, CutProxy) {
    let mut proxy = None;
    let world = World::start(async |desk: &str| {
        let started = CutProxy::start(desk, cuts).await;
        let base = started.base.clone();
        proxy = Some(started);
        base
    })
    .await;
    (world, proxy.unwrap())
}

async fn fault_world() -> (World, FaultProxy) {
    let mut proxy = None;
    let world = World::start(async |desk: &str| {
        let started = FaultProxy::start(desk).await;
        let base = started.base.clone();
        proxy = Some(started);
        base
    })
    .await;
    (world, proxy.unwrap())
}

fn sent(events: &[Event]) -> usize {
    events.iter().filter(|e| matches!(e, Event::Sent { .. })).count()
}

#[tokio::test]
async fn a_report_reaches_the_desk_and_its_content_is_deleted_after_the_grace() {
    let mut world = World::start(direct).await;
    let (case, item) = world.report("pothole", "Lubang besar", Release::Urgent);
    let payload = item.payload.0.clone();
    world.offer(item);
    world.round().await;
    let requests = world.at_desk().await;
    assert_eq!(requests.len(), 1);
    assert_eq!(requests[0]["description"], format!("Lubang besar\n\n[tabir:{}]", case.reference));
    assert_eq!(requests[0]["requested_datetime"], "2026-11-25T00:00:00Z", "the day alone");
    assert_eq!(requests[0]["extended_attributes"]["attributes"]["tabir_ref"], case.reference);
    assert_eq!(sent(&world.events(&case.case_id)), 1);
    assert!(world.outbox().items.is_empty(), "acknowledged");
    assert!(common::found_in(world.dir.path(), &payload[..64]), "kept during the grace");
    world.pass(KEEP_S + 1);
    world.forwarder.maintain().await.unwrap();
    assert!(!common::found_in(world.dir.path(), &payload[..64]));
    assert!(!common::found_in(world.dir.path(), b"Lubang besar"), "text is never stored in clear");
}

/// Scenario 15, and the demo's `forward` step: the desk stored it, the answer was cut off.
#[tokio::test]
async fn cut_answers_make_no_duplicate() {
    let (mut world, proxy) = cut_world(5).await;
    let cases: Vec<_> = (0..8)
        .map(|n| {
            let (case, item) = world.report("pothole", &format!("report {n}"), Release::Urgent);
            world.offer(item);
            case
        })
        .collect();
    for _ in 0..4 {
        world.round().await;
        world.pass(RETRY_S);
    }
    assert_eq!(proxy.cut(), 5);
    assert_eq!(world.at_desk().await.len(), 8);
    for case in &cases {
        assert_eq!(sent(&world.events(&case.case_id)), 1);
    }
}

/// Scenario 15: the process dies after the POST and before it could save the id.
#[tokio::test]
async fn a_crash_between_the_post_and_saving_its_id_makes_no_duplicate() {
    let (mut world, proxy) = fault_world().await;
    let (case, item) = world.report("pothole", "once", Release::Urgent);
    world.offer(item);
    world.forwarder.take_in().await.unwrap();
    proxy.set(Fault::StoredThenSilent);
    let stored = async {
        while world.at_desk().await.is_empty() {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    // The attempt ends in the middle: its future is dropped, as a process that dies drops it.
    tokio::select! {
        () = stored => {}
        done = world.forwarder.send_due() => panic!("an answer came: {done:?}"),
    }
    world.restart().await;
    proxy.set(Fault::None);
    world.pass(RETRY_S);
    world.round().await;
    assert_eq!(world.at_desk().await.len(), 1);
    assert_eq!(sent(&world.events(&case.case_id)), 1);
}

#[tokio::test]
async fn a_downstream_that_answers_500_nothing_twice_or_a_token_gets_it_once() {
    let (mut world, proxy) = fault_world().await;
    let faults = [Fault::StoredThen500, Fault::StoredThenNothing, Fault::Twice, Fault::Token];
    for (n, fault) in faults.into_iter().enumerate() {
        let (case, item) = world.report("pothole", &format!("{fault:?}"), Release::Urgent);
        world.offer(item);
        proxy.set(fault);
        world.forwarder.take_in().await.unwrap();
        world.forwarder.send_due().await.unwrap();
        proxy.set(Fault::None);
        world.pass(RETRY_S);
        world.round().await;
        assert_eq!(world.at_desk().await.len(), n + 1, "{fault:?}");
        assert_eq!(sent(&world.events(&case.case_id)), 1, "{fault:?}");
    }
}

/// Scenario 14: the downstream is down for a week. What waits is on record as pending at each D, then arrives once.
#[tokio::test]
async fn a_week_without_a_downstream_loses_nothing_and_is_on_record() {
    let (mut world, proxy) = fault_world().await;
    proxy.set(Fault::Down);
    let (case, item) = world.report("pothole", "patient", Release::Urgent);
    let nf = *case.keys.nf.expose();
    world.offer(item);
    world.forwarder.take_in().await.unwrap();
    world.clock.set(DEADLINE - 10);
    for _ in 0..84 {
        world.forwarder.send_due().await.unwrap();
        world.forwarder.log_windows().await.unwrap();
        world.pass(FORWARD_S);
    }
    let logged = world.logged().await;
    let rounds: Vec<u64> = logged.iter().map(|(_, round, _)| *round).collect();
    assert_eq!(rounds, (0..63).collect::<Vec<_>>(), "a round of the outbox: a key and these");
    assert!(logged.iter().all(|(verb, _, nfs)| *verb == Verb::ReportPending && *nfs == [nf]));
    assert!(world.held().await.is_empty(), "an outage needs no person");
    proxy.set(Fault::None);
    world.round().await;
    world.pass(FORWARD_S);
    world.round().await;
    assert_eq!(world.at_desk().await.len(), 1);
    assert_eq!(sent(&world.events(&case.case_id)), 1);
}

#[tokio::test]
async fn each_window_says_once_what_was_forwarded_and_repeats_what_is_pending() {
    let (mut world, proxy) = fault_world().await;
    let (quick, item) = world.report("pothole", "quick", Release::Urgent);
    world.offer(item);
    world.round().await;
    assert!(world.logged().await.is_empty(), "not before its time");
    proxy.set(Fault::Refuses);
    let (slow, item) = world.report("pothole", "slow", Release::Urgent);
    world.offer(item);
    world.round().await;
    assert_eq!(world.held().await, [("refused".to_owned(), "400".to_owned())]);
    world.clock.set(DEADLINE - 1);
    world.forwarder.log_windows().await.unwrap();
    world.forwarder.log_windows().await.unwrap();
    let (quick, slow) = (vec![*quick.keys.nf.expose()], vec![*slow.keys.nf.expose()]);
    let first = [(Verb::ReportForwarded, 0, quick), (Verb::ReportPending, 0, slow.clone())];
    assert_eq!(world.logged().await, first);
    proxy.set(Fault::None);
    world.forwarder.send_due().await.unwrap();
    world.pass(FORWARD_S);
    world.forwarder.log_windows().await.unwrap();
    assert_eq!(world.logged().await[2..], [(Verb::ReportForwarded, 1, slow)]);
    let (late, item) = world.report("pothole", "came after its window was spoken of", Release::Urgent);
    world.offer(item);
    world.round().await;
    assert_eq!(world.logged().await[3..], [(Verb::ReportForwarded, 2, vec![*late.keys.nf.expose()])]);
}

#[tokio::test]
async fn urgent_leaves_at_once_and_batched_at_the_next_release() {
    let mut world = World::start(direct).await;
    let (_, urgent) = world.report("pothole", "urgent", Release::Urgent);
    let (_, batched) = world.report("pothole", "batched", Release::Batched);
    world.offer(urgent);
    world.offer(batched);
    world.round().await;
    assert_eq!(world.at_desk().await.len(), 1);
    let tick = NOW - NOW % RELEASE_S + RELEASE_S;
    world.clock.set(tick - 1);
    world.round().await;
    assert_eq!(world.at_desk().await.len(), 1);
    world.clock.set(tick);
    world.round().await;
    assert_eq!(world.at_desk().await.len(), 2);
}

#[tokio::test]
async fn lost_acks_and_lost_event_answers_change_nothing() {
    let mut world = World::start(direct).await;
    let (case, item) = world.report("pothole", "x", Release::Urgent);
    world.offer(item);
    {
        let mut outbox = world.outbox();
        (outbox.lose_acks, outbox.lose_events) = (1, 1);
    }
    assert!(world.forwarder.take_in().await.is_err());
    world.forwarder.take_in().await.unwrap();
    world.forwarder.send_due().await.unwrap();
    assert!(world.forwarder.push_events().await.is_err());
    world.round().await;
    assert_eq!(world.at_desk().await.len(), 1);
    assert_eq!(world.events(&case.case_id).len(), 1);
    assert!(world.held().await.is_empty());
}

/// Scenario 17: a category that the downstream does not have.
#[tokio::test]
async fn an_unknown_category_is_held_and_its_report_stays_queued() {
    let mut world = World::start(direct).await;
    let (case, item) = world.report("dragons", "smoke", Release::Urgent);
    world.offer(item);
    for _ in 0..3 {
        world.round().await;
        world.pass(RETRY_S);
    }
    assert_eq!(world.held().await, [("category".to_owned(), "dragons".to_owned())]);
    assert!(world.at_desk().await.is_empty() && world.events(&case.case_id).is_empty());
    world.clock.set(DEADLINE);
    world.forwarder.log_windows().await.unwrap();
    assert_eq!(world.logged().await, [(Verb::ReportPending, 0, vec![*case.keys.nf.expose()])]);
}

/// Another request of the same service names this report's marker: it is not taken for it.
#[tokio::test]
async fn a_look_up_does_not_take_a_quoted_marker_for_the_report() {
    let (mut world, proxy) = cut_world(0).await;
    let (case, item) = world.report("pothole", "mine", Release::Urgent);
    let bait = format!("[tabir:{}]\n\n[tabir:0000-0000-0000]", case.reference);
    let form = [("service_code", "pothole"), ("description", bait.as_str())];
    world.desk.post("requests.json", CONNECTOR, &form).await.unwrap();
    proxy.add(1);
    world.offer(item);
    for _ in 0..2 {
        world.round().await;
        world.pass(RETRY_S);
    }
    assert_eq!(world.at_desk().await.len(), 2);
    let update = [("service_request_id", "1"), ("status", "fixed"), ("description", "other")];
    world.desk.post("servicerequestupdates.json", common::desk::OFFICER, &update).await.unwrap();
    world.round().await;
    assert_eq!(world.events(&case.case_id).len(), 1, "news of the other request are not this case's");
}
