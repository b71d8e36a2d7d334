//! Two processes on one store of the log: both take entries and serve, one grows the trees, and the other takes that over
//! when the first is gone. Never two histories.

mod log_support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tabir::clock::Clock;
use tabir::log::fault::{Faults, Step};
use tabir_crypto::hpke::KemSecretKey;
use tabir_crypto::log::TreeHead;
use tabir_crypto::statement::body::Role;
use tabir_crypto::statement::value::Bytes;
use tabir_crypto::statement::{Body, Statement, Verb};

use log_support::*;

/// Seconds after which a lease that nobody renewed has run out.
const LEASE: u64 = 4;

async fn pair(dir: &std::path::Path) -> (Running, Running) {
    (start(dir, 10).await.unwrap(), start(dir, 10).await.unwrap())
}

/// Long enough for ten growths, if there were any.
async fn rest() {
    tokio::time::sleep(Duration::from_millis(150)).await;
}

#[tokio::test]
async fn a_second_process_stands_by_and_takes_over_when_the_first_dies() {
    let dir = tempfile::tempdir().unwrap();
    let (first, second) = pair(dir.path()).await;
    assert_eq!(second.append(INTAKE, &counts(0)).await.unwrap(), (201, 0));
    assert_eq!(first.append(INTAKE, &counts(0)).await.unwrap(), (200, 0));
    assert_eq!(first.append(INTAKE, &counts(1)).await.unwrap(), (201, 1));
    // Whoever is asked shows the same; the first grows the tree, the second takes cosignatures as well.
    second.witness_until(INTAKE, 2, NOW + 100).await;
    assert_eq!(first.reader(INTAKE).read(TreeHead::EMPTY).await.unwrap().entries.len(), 2);
    let seen = second.reader(INTAKE).checkpoint().await.unwrap().head();
    first.kill().await;

    assert_eq!(second.append(INTAKE, &counts(2)).await.unwrap(), (201, 2));
    rest().await;
    assert_eq!(second.pending(INTAKE).await.head(), seen, "the dead one's lease has not run out");
    second.clock.set(NOW + LEASE);
    second.witness_until(INTAKE, 3, NOW + 200).await;
    let growth = second.reader(INTAKE).read(seen).await.unwrap();
    assert_eq!(growth.entries[0].leaf, counts(2).to_bytes());

    // The dead one comes again, and stands by.
    let third = start(dir.path(), 10).await.unwrap();
    assert_eq!(third.append(INTAKE, &counts(3)).await.unwrap(), (201, 3));
    third.witness_until(INTAKE, 4, NOW + 300).await;
    assert_eq!(second.reader(INTAKE).read(TreeHead::EMPTY).await.unwrap().entries.len(), 4);
    // One that ends well gives its lease back: the other need not wait.
    second.end().await;
    third.append(INTAKE, &counts(4)).await.unwrap();
    third.witness_until(INTAKE, 5, NOW + 400).await;
    third.end().await;
}

/// A process that works out a growth and signs it, and then sleeps longer than its lease lasts.
#[tokio::test]
async fn who_slept_through_the_end_of_its_lease_writes_nothing() {
    for taken_over in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        let (clock, asleep) = (Clock::manual(NOW), Arc::new(AtomicBool::new(false)));
        let (time, sleeps) = (clock.clone(), asleep.clone());
        // From its first growth of an entry on its clock is always the lease's length further when it comes to write.
        let faults = Faults::hook(move |step| {
            if step == Step::Signed && sleeps.load(Ordering::SeqCst) {
                time.set(time.now() + LEASE);
            }
            Ok(())
        });
        let first = start_with(dir.path(), 10, clock, faults).await.unwrap();
        first.witness_until(INTAKE, 0, NOW + 100).await;
        asleep.store(true, Ordering::SeqCst);
        first.append(INTAKE, &counts(0)).await.unwrap();
        rest().await;
        assert_eq!(first.pending(INTAKE).await.head().size, 0, "it wrote with a lease that had run out");
        if taken_over {
            let second = start_with(dir.path(), 10, Clock::manual(NOW + 1000), Faults::default()).await.unwrap();
            second.witness_until(INTAKE, 1, NOW + 200).await;
            rest().await;
            let entries = first.reader(INTAKE).read(TreeHead::EMPTY).await.unwrap().entries;
            assert_eq!(entries.len(), 1);
            second.end().await;
        } else {
            asleep.store(false, Ordering::SeqCst);
            first.witness_until(INTAKE, 1, NOW + 200).await;
        }
        first.end().await;
    }
}

fn rival(epoch: u64) -> Statement {
    let mut body = match announced(epoch, &identity(Role::Forwarder)).body().unwrap() {
        Body::KeyAnnounced(body) => body,
        other => panic!("{other:?}"),
    };
    body.key = Bytes(KemSecretKey::from_seed(seed(100 + epoch as u8)).public_key().as_bytes().to_vec());
    Statement::signed(Verb::KeyAnnounced, &body, &identity(Role::Forwarder)).unwrap()
}

#[tokio::test]
async fn governance_is_checked_against_what_the_other_process_took() {
    let dir = tempfile::tempdir().unwrap();
    let (first, second) = pair(dir.path()).await;
    let key = |epoch| announced(epoch, &identity(Role::Forwarder));
    assert_eq!(first.append(GOVERNANCE, &key(1)).await.unwrap(), (201, 0));
    assert_eq!(problem(second.append(GOVERNANCE, &rival(1)).await), (409, "key-conflict".into()));
    assert_eq!(second.append(GOVERNANCE, &key(1)).await.unwrap(), (200, 0));
    assert_eq!(second.append(GOVERNANCE, &key(2)).await.unwrap(), (201, 1));
    assert_eq!(problem(first.append(GOVERNANCE, &rival(2)).await), (409, "key-conflict".into()));
    // At the same moment, in both: one is taken, the other sees it.
    for epoch in 3..13 {
        let (key, rival) = (key(epoch), rival(epoch));
        let (one, two) = tokio::join!(first.append(GOVERNANCE, &key), second.append(GOVERNANCE, &rival));
        let (taken, refused) = if one.is_ok() { (one, two) } else { (two, one) };
        assert_eq!(taken.unwrap(), (201, epoch - 1));
        assert_eq!(problem(refused), (409, "key-conflict".into()));
    }
    first.witness_until(GOVERNANCE, 12, NOW + 100).await;
    assert_eq!(second.reader(GOVERNANCE).read(TreeHead::EMPTY).await.unwrap().entries.len(), 12);
    first.end().await;
    second.end().await;
}

#[tokio::test]
async fn entries_that_come_to_both_at_once_are_one_each_and_numbered_without_a_gap() {
    let dir = tempfile::tempdir().unwrap();
    let (first, second) = pair(dir.path()).await;
    let both = Arc::new([first, second]);
    let calls: Vec<_> = (0..200_u64)
        .map(|i| {
            let both = both.clone();
            tokio::spawn(async move { both[(i % 2) as usize].append(INTAKE, &counts(i / 4)).await.unwrap() })
        })
        .collect();
    let (mut new, mut numbers) = (0, std::collections::BTreeMap::new());
    for (i, call) in (0_u64..).zip(calls) {
        let (status, index) = call.await.unwrap();
        new += u64::from(status == 201);
        assert_eq!(*numbers.entry(i / 4).or_insert(index), index, "two numbers of one statement");
    }
    let mut given: Vec<u64> = numbers.values().copied().collect();
    given.sort_unstable();
    assert_eq!((new, given), (50, (0..50).collect()));
    both[0].witness_until(INTAKE, 50, NOW + 100).await;
    let entries = both[1].reader(INTAKE).read(TreeHead::EMPTY).await.unwrap().entries;
    for (n, index) in numbers {
        assert_eq!(entries[index as usize].leaf, counts(n).to_bytes());
    }
    for log in Arc::into_inner(both).unwrap() {
        log.end().await;
    }
}
