//! GeoReport v2 as it is really spoken: servers with every habit of the field, hostile answers, what is held and how a
//! person ends it, and the two commands with which an integrator tries a mapping. Scenarios 13 to 17.

#[path = "../common/mod.rs"]
mod common;

mod commands;
mod confidential;
mod habits;
mod held;
mod hostile;
mod outage;

use common::desk::{NOW, RunningDesk};
use common::forwarding::{Reported, World};
use common::stand_in::{MAPPING, StandIn};
use tabir::clock::Clock;
use tabir_crypto::statement::body::Release;

/// A forwarder before a stand-in, with the mapping that fits it and more lines.
async fn before(server: &StandIn, more: &str) -> World {
    let clock = Clock::manual(NOW);
    let desk = RunningDesk::start(clock.clone()).await;
    let mut world = World::start_to(desk, clock, server.base.clone(), |_| {}).await;
    world.map(&format!("{more}\n{MAPPING}")).await;
    world
}

/// Offers a report of a category.
fn offer(world: &mut World, category: &str, text: &str) -> Reported {
    let (case, item) = world.report(category, text, Release::Urgent);
    world.offer(item);
    case
}

/// What waits to be told to the gateway is told, whatever the downstream does.
async fn rounds(world: &World, count: usize) {
    for _ in 0..count {
        world.forwarder.take_in().await.unwrap();
        world.forwarder.send_due().await.unwrap();
        let _ = world.forwarder.poll_updates().await;
        world.forwarder.push_events().await.unwrap();
        world.pass(common::forwarding::RETRY_S);
    }
}

/// How often the reporter was told that the report went on.
fn told(world: &World, case: &Reported) -> usize {
    let sent = |e: &tabir::api::gateway::Event| matches!(e, tabir::api::gateway::Event::Sent { .. });
    world.events(&case.case_id).iter().filter(|e| sent(e)).count()
}
