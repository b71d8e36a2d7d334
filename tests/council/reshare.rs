//! Refresh, reshare and removal over HTTP: separate tasks with key files of their own, and who stays out of it.

use tabir::client::official::ceremony::{self, Formed, settle};
use tabir::client::official::manifest::{cards_of, follow};
use tabir::client::official::{Card, OfficialError, OfficialFile, endorse};
use tabir_crypto::keyfile::Cost;
use tabir_crypto::statement::Statement;
use tabir_crypto::statement::body::{CeremonyKind, Role};
use tabir_crypto::threshold::Council;
use tabir_crypto::threshold::dkg::ceremony_id;

use super::log_support::identity;
use super::world::{World, passphrase};

/// A new official's card.
pub fn newcomer(world: &World, n: usize) -> Card {
    OfficialFile::create(&world.path(n), &format!("official {n}"), passphrase(n), Cost::LEAST).unwrap().card()
}

pub async fn admitted(world: &World, manifest: Statement) -> Statement {
    world.board(&identity(Role::Council)).admit(manifest.payload().to_vec()).await.unwrap();
    manifest
}

/// All of these take part, each as a task of its own.
pub async fn run(world: &World, manifest: &Statement, who: &[usize]) -> Vec<Formed> {
    let log = world.log_state().await;
    let tasks: Vec<_> = who.iter().map(|n| world.finish_with(*n, manifest, Some(log.clone()))).collect();
    let mut done = Vec::new();
    for task in tasks {
        done.push(task.await.unwrap().unwrap());
    }
    done
}

pub fn cards(council: &Council, indices: &[u16]) -> Vec<Card> {
    let all = cards_of(council).unwrap();
    indices.iter().map(|i| all[usize::from(*i) - 1].clone()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_changes_shares_and_the_old_ones_go_once_it_is_witnessed() {
    let world = World::start().await;
    let old = world.council().await.council().clone();
    world.wait_for(old.council_id()).await;
    let manifest = follow(&old, CeremonyKind::Refresh, (&cards(&old, &[1, 2, 3]), 2), None, &world.clock).unwrap();
    let done = run(&world, &admitted(&world, manifest).await, &[1, 2, 3]).await;
    let new = done[0].council().clone();
    assert_eq!((new.lineage(), new.epoch()), (old.lineage(), 2));

    // Not yet in the log: both shares are there, and nothing is erased.
    let mut one = world.official(1);
    let now = settle(&mut one, &world.log_state().await, world.clock.now()).unwrap();
    assert_eq!(now, Default::default());
    assert!(one.has_share(old.council_id()) && one.has_share(new.council_id()));

    world.endorse().await;
    world.wait_for(new.council_id()).await;
    let settled = settle(&mut one, &world.log_state().await, world.clock.now()).unwrap();
    assert_eq!(settled.erased, [*old.council_id()]);
    let one = world.official(1);
    assert!(!one.has_share(old.council_id()));
    one.share(&new).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_is_removed_and_somebody_comes_with_a_new_key_for_new_reports() {
    let world = World::start().await;
    let old = world.council().await.council().clone();
    world.wait_for(old.council_id()).await;
    let people = [cards(&old, &[1, 3]), vec![newcomer(&world, 4)]].concat();
    let manifest = follow(&old, CeremonyKind::Remove, (&people, 2), None, &world.clock).unwrap();
    let done = run(&world, &admitted(&world, manifest).await, &[1, 3, 4]).await;
    let [reshared, formed] = &done[0].made[..] else { panic!("two councils") };
    assert_eq!((reshared.council.lineage(), reshared.council.epoch()), (old.lineage(), 2));
    assert_eq!(formed.council.epoch(), 1);
    assert_ne!(formed.council.key(), old.key());
    world.endorse().await;
    world.wait_for(reshared.council.council_id()).await;
    world.wait_for(formed.council.council_id()).await;
    for n in [1, 3, 4] {
        let file = world.official(n);
        file.share(&reshared.council).unwrap();
        file.share(&formed.council).unwrap();
    }
    // Who left was not there; what he holds is erased when he looks at the log the next time.
    let mut two = world.official(2);
    let settled = settle(&mut two, &world.log_state().await, world.clock.now()).unwrap();
    assert_eq!(settled.erased, [*old.council_id()]);
    assert!(!world.official(2).has_share(old.council_id()));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_signed_the_new_council_keeps_its_share_whatever_another_ends() {
    let world = World::start().await;
    let old = world.council().await.council().clone();
    world.wait_for(old.council_id()).await;
    let manifest = follow(&old, CeremonyKind::Refresh, (&cards(&old, &[1, 2, 3]), 2), None, &world.clock).unwrap();
    let manifest = admitted(&world, manifest).await;
    let done = run(&world, &manifest, &[1, 2, 3]).await;
    let (new, log) = (done[0].council().clone(), world.log_state().await);

    // One of them ends it: on his own device nothing is left, and warden and auditor sign no more.
    let (mut three, payload) = (world.official(3), manifest.payload());
    let board = world.board(three.signing());
    let place = ceremony::Place { board: &board, clock: &world.clock, log: Some(&log) };
    ceremony::abort(&mut three, payload, place).await.unwrap();
    assert!(!world.official(3).has_share(new.council_id()));
    let warden = world.board(&identity(Role::Warden));
    let waiting = endorse::waiting_council(&warden, Some(done[0].proposal())).await.unwrap();
    let known = world.fingerprints();
    let refused = endorse::check_formed(&warden, &world.trust, Some(&log), &waiting, &known).await;
    assert!(matches!(refused, Err(OfficialError::Aborted { from: 3, .. })));

    // The others signed: their shares stay until they themselves end it.
    let again = world.finish_with(1, &manifest, Some(log.clone())).await.unwrap();
    assert!(again.is_err(), "the board takes no proposal of it any more");
    let mut one = world.official(1);
    assert!(one.has_share(new.council_id()) && !one.is_aborted(&ceremony_id(payload)));
    let board = world.board(one.signing());
    let place = ceremony::Place { board: &board, clock: &world.clock, log: Some(&log) };
    ceremony::abort(&mut one, payload, place).await.unwrap();
    let one = world.official(1);
    assert!(!one.has_share(new.council_id()) && one.has_share(old.council_id()));
}
