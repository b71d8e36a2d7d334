//! Every device dies at every message that it sends, once before the board has it and once after; the board is restarted
//! among it. The same command goes on to the same result, and until it is witnessed everything old is still there.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tabir::client::ClientError;
use tabir::client::official::ceremony::{Formed, Settled, settle};
use tabir::client::official::manifest::{build, follow};
use tabir::client::official::{Card, OfficialError};
use tabir_crypto::statement::Statement;
use tabir_crypto::statement::body::CeremonyKind;
use tabir_crypto::threshold::{Council, Drill};
use tabir_crypto::trust::State as Log;

use super::proxy::{Deaths, Proxy};
use super::reshare::{admitted, cards, newcomer};
use super::world::World;

/// One device's part, as often as it takes.
async fn with_crashes(
    world: Arc<World>,
    n: usize,
    manifest: Statement,
    log: Option<Log>,
    old: Option<Council>,
) -> Formed {
    let deaths = Arc::new(Deaths::default());
    for died in 0.. {
        // A statement that is not the same again after a crash would come as a new one, for ever.
        assert!(died <= 3 * 16, "device {n} does not come to the end: {} statements", deaths.statements());
        if let Some(old) = old.as_ref().filter(|old| old.member_by_key(&world.official(n).verifying()).is_some()) {
            world.official(n).share(old).unwrap();
        }
        let proxy = Proxy::dying(&world.board, &deaths).await;
        let mut task = world.finish_at(&proxy.url, n, &manifest, log.clone());
        tokio::select! {
            done = &mut task => match done.unwrap() {
                Ok(formed) => {
                    // The manifest, what is sent in the rounds, what came of it.
                    assert!(deaths.statements() >= 4 && died >= 2 * deaths.statements(), "{died} deaths");
                    return formed;
                }
                // The board was away.
                Err(OfficialError::Client(ClientError::Http(e))) if e.status() == Some(502) => {}
                Err(other) => panic!("device {n}: {other}"),
            },
            () = proxy.died() => {
                task.abort();
                task.await.expect_err("its power went");
                if world.crashes.fetch_add(1, Ordering::SeqCst) % 9 == 8 {
                    world.restart_board().await;
                }
            }
        }
    }
    unreachable!()
}

async fn all_with_crashes(
    world: &Arc<World>,
    manifest: &Statement,
    who: &[usize],
    old: Option<&Council>,
) -> Vec<Formed> {
    let log = if old.is_some() { Some(world.log_state().await) } else { None };
    let part = |n: &usize| {
        tokio::task::spawn_local(with_crashes(Arc::clone(world), *n, manifest.clone(), log.clone(), old.cloned()))
    };
    let parts = async {
        let parts: Vec<_> = who.iter().map(part).collect();
        let mut done = Vec::new();
        for part in parts {
            done.push(part.await.unwrap());
        }
        done
    };
    let done = tokio::task::LocalSet::new().run_until(parts).await;
    let ids = |f: &Formed| f.made.iter().map(|m| (*m.council.council_id(), m.proposal)).collect::<Vec<_>>();
    assert!(done.iter().all(|f| ids(f) == ids(&done[0])), "all have the same councils");
    done
}

/// The shares of these officials work together: t of them open a drill.
fn works(world: &World, council: &Council, who: &[usize]) {
    let drill = Drill::new(council, &[5; 32]).unwrap();
    let partial =
        |n: &usize| drill.partial(&world.official(*n).share(council).unwrap(), &mut tabir::clock::Random).unwrap();
    let partials: Vec<_> = who.iter().map(partial).collect();
    for some in partials.windows(usize::from(council.t())) {
        drill.open(some).unwrap();
    }
}

/// Nothing is erased before the new council is witnessed, and the old shares go after it.
async fn two_phases(world: &World, old: &Council, new: &[Formed], (before, after): (&[usize], &[usize])) {
    let settled = |n: usize, log: &Log| settle(&mut world.official(n), log, world.clock.now()).unwrap();
    world.stop_witnesses(true);
    world.endorse().await;
    let log = world.log_state().await;
    for n in before {
        assert_eq!(settled(*n, &log), Settled::default(), "all signatures are there, and no witness");
    }
    works(world, old, before);
    new[0].made.iter().for_each(|m| works(world, &m.council, after));
    world.stop_witnesses(false);
    for made in &new[0].made {
        world.wait_for(made.council.council_id()).await;
    }
    let log = world.log_state().await;
    for n in before {
        assert_eq!(settled(*n, &log).erased, [*old.council_id()], "official {n}");
        assert!(!world.official(*n).has_share(old.council_id()));
        assert_eq!(settled(*n, &log), Settled::default(), "and nothing more");
    }
    new[0].made.iter().for_each(|m| works(world, &m.council, after));
}

async fn started() -> (Arc<World>, Council) {
    let world = World::start().await;
    let old = world.council().await.council().clone();
    world.wait_for(old.council_id()).await;
    (Arc::new(world), old)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_key_with_crashes_at_every_message() {
    let world = Arc::new(World::start().await);
    let manifest = world.manifest().await;
    let formed = all_with_crashes(&world, &manifest, &[1, 2, 3], None).await;
    world.endorse().await;
    world.wait_for(formed[0].council().council_id()).await;
    works(&world, formed[0].council(), &[1, 2, 3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_with_crashes_at_every_message() {
    let (world, old) = started().await;
    let manifest = follow(&old, CeremonyKind::Refresh, (&cards(&old, &[1, 2, 3]), 2), None, &world.clock).unwrap();
    let manifest = admitted(&world, manifest).await;
    let done = all_with_crashes(&world, &manifest, &[1, 2, 3], Some(&old)).await;
    two_phases(&world, &old, &done, (&[1, 2, 3], &[1, 2, 3])).await;
}

/// Two who leave deal; one stays without dealing, two come.
#[tokio::test(flavor = "multi_thread")]
async fn a_reshare_by_leavers_with_crashes_at_every_message() {
    let (world, old) = started().await;
    let people = [cards(&old, &[3]), vec![newcomer(&world, 4), newcomer(&world, 5)]].concat();
    let manifest = follow(&old, CeremonyKind::Reshare, (&people, 3), Some(vec![1, 2]), &world.clock).unwrap();
    let manifest = admitted(&world, manifest).await;
    let done = all_with_crashes(&world, &manifest, &[1, 2, 3, 4, 5], Some(&old)).await;
    assert_eq!(done.iter().map(|f| f.index).collect::<Vec<_>>(), [None, None, Some(1), Some(2), Some(3)]);
    two_phases(&world, &old, &done, (&[1, 2, 3], &[3, 4, 5])).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removal_with_crashes_at_every_message() {
    let (world, old) = started().await;
    let manifest = follow(&old, CeremonyKind::Remove, (&cards(&old, &[1, 3]), 2), None, &world.clock).unwrap();
    let manifest = admitted(&world, manifest).await;
    let done = all_with_crashes(&world, &manifest, &[1, 3], Some(&old)).await;
    two_phases(&world, &old, &done, (&[1, 3], &[1, 3])).await;
}

/// What an older copy of the key file says would be other bytes for the same place: the board takes them from nobody,
/// and nothing is lost but the ceremony.
#[tokio::test(flavor = "multi_thread")]
async fn an_older_copy_of_the_key_file_is_refused_and_the_newest_goes_on() {
    let (world, old) = started().await;
    let manifest = follow(&old, CeremonyKind::Refresh, (&cards(&old, &[1, 2, 3]), 2), None, &world.clock).unwrap();
    let manifest = admitted(&world, manifest).await;
    let log = world.log_state().await;
    // A copy before each statement that device 1 posts: that is after each state that it saves.
    let copies = Arc::new(std::sync::Mutex::new(vec![std::fs::read(world.path(1)).unwrap()]));
    let (path, kept) = (world.path(1), Arc::clone(&copies));
    let proxy = Proxy::posting(&world.board, move |_| {
        let (now, mut kept) = (std::fs::read(&path).unwrap(), kept.lock().unwrap());
        if kept.last() != Some(&now) {
            kept.push(now);
        }
        super::proxy::Post::Through
    })
    .await;
    let one = world.finish_at(&proxy.url, 1, &manifest, Some(log.clone()));
    let others = [2, 3].map(|n| world.finish_with(n, &manifest, Some(log.clone())));
    let formed = one.await.unwrap().unwrap();
    for task in others {
        task.await.unwrap().unwrap();
    }
    let copies = copies.lock().unwrap().clone();
    assert_eq!(copies.len(), 4, "before, begun, kept, signed");
    for (state, copy) in copies.iter().enumerate() {
        std::fs::write(world.path(1), copy).unwrap();
        let again = world.finish_with(1, &manifest, Some(log.clone())).await.unwrap();
        match (state, again) {
            (2 | 3, Ok(again)) => assert_eq!(again.council(), formed.council()),
            (0 | 1, Err(OfficialError::Client(ClientError::Http(e)))) => assert_eq!(e.code(), Some("equivocation")),
            (_, other) => panic!("copy {state}: {other:?}"),
        }
        world.official(1).share(&old).unwrap();
    }
    // Once all is witnessed, who has put an old copy back keeps his old share: it may be all there is.
    std::fs::write(world.path(1), &copies[0]).unwrap();
    world.endorse().await;
    let log = world.wait_for(formed.council().council_id()).await;
    let mut one = world.official(1);
    let settled = settle(&mut one, &log, world.clock.now()).unwrap();
    assert_eq!(settled, Settled { missing: vec![*old.council_id()], ..Settled::default() });
    world.official(1).share(&old).unwrap();
}

/// Who has signed the manifest and does not come holds the others up, and does not stop them for ever.
#[tokio::test(flavor = "multi_thread")]
async fn who_signs_and_does_not_come_is_waited_for() {
    let world = World::start().await;
    let people: Vec<Card> = (1..=2).map(|n| newcomer(&world, n)).collect();
    let manifest = admitted(&world, build(&people, 2, &world.clock).unwrap()).await;
    let mut signed = manifest.clone();
    signed.sign(world.official(2).signing());
    world.board(world.official(2).signing()).propose(&signed, &mut super::world::patience()).await.unwrap();
    for _ in 0..2 {
        let error = world.finish_for(300, 1, &manifest, None).await.unwrap().expect_err("2 is not there");
        assert!(matches!(error, OfficialError::Timeout(_)), "{error}");
    }
    for task in [1, 2].map(|n| world.finish(n, &manifest)) {
        task.await.unwrap().unwrap();
    }
}
