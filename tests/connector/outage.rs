//! The downstream is busy, or gone for a week. Scenario 14.

use crate::common::forwarding::RETRY_S;
use crate::common::stand_in::{Fault, StandIn};
use crate::{before, offer, rounds, told};

#[tokio::test]
async fn a_server_that_asks_to_wait_is_left_alone_for_as_long() {
    let server = StandIn::start(|_| {}).await;
    let mut world = before(&server, "").await;
    server.state().fault = Fault::Busy("7200".into());
    let cases: Vec<_> = (0..6).map(|n| offer(&mut world, "pothole", &format!("report {n}"))).collect();
    rounds(&world, 1).await;
    let asked = server.state().calls.len();
    // Those that were on their way already; nobody after them.
    assert!((1..=4).contains(&asked), "{asked}");
    server.state().fault = Fault::None;
    rounds(&world, 5).await;
    assert_eq!(server.state().calls.len(), asked, "nobody calls before the two hours are over");
    world.pass(7_200 - 6 * RETRY_S + 1);
    rounds(&world, 3).await;
    assert!(cases.iter().all(|c| told(&world, c) == 1));
    assert_eq!(server.state().requests.len(), 6);
    assert!(world.held().await.is_empty(), "an outage needs no person");
}

#[tokio::test]
async fn a_wait_can_be_a_date_and_never_lasts_longer_than_a_day() {
    let server = StandIn::start(|_| {}).await;
    let mut world = before(&server, "").await;
    // 02:26:40 is two hours after the clock of the tests.
    server.state().fault = Fault::Busy("Wed, 25 Nov 2026 02:26:40 GMT".into());
    let case = offer(&mut world, "pothole", "x");
    rounds(&world, 1).await;
    server.state().fault = Fault::Busy("99999999999".into());
    world.pass(5_000);
    rounds(&world, 1).await;
    let asked = server.state().calls.len();
    assert_eq!(asked, 1, "not before the date");
    world.pass(7_200);
    rounds(&world, 1).await;
    assert_eq!(server.state().calls.len(), 2);
    server.state().fault = Fault::None;
    world.pass(80_000);
    rounds(&world, 1).await;
    assert_eq!(told(&world, &case), 0);
    world.pass(86_400 - 80_000);
    rounds(&world, 2).await;
    assert_eq!(told(&world, &case), 1);
}

/// Scenario 14: a week without the downstream, which then comes back slowly.
#[tokio::test]
async fn after_a_week_everything_arrives_once() {
    let server = StandIn::start(|_| {}).await;
    let mut world = before(&server, "").await;
    server.state().fault = Fault::Down;
    let mut cases = Vec::new();
    for day in 0..7 {
        cases.push(offer(&mut world, "pothole", &format!("day {day}")));
        cases.push(offer(&mut world, "corruption", &format!("day {day}")));
        rounds(&world, 2).await;
        world.pass(86_400 - 2 * RETRY_S);
    }
    // It takes things and loses the answers, asks to wait, and then it is well.
    for fault in [Fault::StoredThen500, Fault::Busy("60".into()), Fault::None] {
        server.state().fault = fault;
        rounds(&world, 3).await;
    }
    assert!(cases.iter().all(|c| told(&world, c) == 1));
    assert_eq!(server.state().requests.len(), 14, "each once");
    let mut all = server.descriptions();
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 14);
    assert!(world.held().await.is_empty());
}
