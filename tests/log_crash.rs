//! A crash at each point of a write, and an error there: what is left is one log that verifies, holds what was
//! acknowledged once, and goes on; and of no size were there ever two checkpoints.

mod log_support;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tabir::clock::Clock;
use tabir::db::DbError;
use tabir::log::fault::{Faults, Step};
use tabir_crypto::log::TreeHead;
use tabir_crypto::statement::body::Role;
use tabir_crypto::trust::root::LogName;

use log_support::*;

/// What the world knows of the log at one moment.
#[derive(Clone, Default)]
struct Known {
    /// Numbers of acknowledged entries by what they count.
    acknowledged: BTreeMap<u64, u64>,
    /// Heads that anybody was shown, by size.
    shown: BTreeMap<u64, TreeHead>,
}

/// The files as a crash at this moment would leave them.
struct Copy {
    step: Step,
    dir: tempfile::TempDir,
    known: Known,
}

struct World {
    dir: PathBuf,
    known: Mutex<Known>,
    copies: Mutex<Vec<Copy>>,
    /// Copies of one step in one phase.
    most: usize,
}

impl World {
    fn copy(&self, step: Step) {
        let mut copies = self.copies.lock().unwrap();
        if copies.iter().filter(|c| c.step == step).count() >= self.most {
            return;
        }
        let dir = tempfile::tempdir().unwrap();
        for name in ["store.sqlite", "store.sqlite-wal", "governance.key", "intake.key"] {
            std::fs::copy(self.dir.join(name), dir.path().join(name)).unwrap();
        }
        copies.push(Copy { step, dir, known: self.known.lock().unwrap().clone() });
    }

    /// Both witnesses cosign what the log shows now; that size, once they have.
    async fn look(&self, log: &Running, time: u64) -> Option<u64> {
        let pending = log.pending(INTAKE).await;
        let head = pending.head();
        let shown = self.known.lock().unwrap().shown.insert(head.size, head);
        assert!(shown.is_none_or(|before| before == head), "two checkpoints of size {}", head.size);
        let lines = [1, 2].map(|n| format!("{}\n", witness(n).cosign(&pending, time))).concat();
        log.cosign(INTAKE, &lines).await.ok().map(|_| head.size)
    }
}

/// Appends entries, together, and has them witnessed.
async fn grow(log: &Arc<Running>, world: &Arc<World>, entries: std::ops::Range<u64>, time: u64) {
    let size = entries.end;
    let calls: Vec<_> = entries
        .map(|n| {
            let (log, world) = (log.clone(), world.clone());
            tokio::spawn(async move {
                let (_, index) = log.append(INTAKE, &counts(n)).await.unwrap();
                world.known.lock().unwrap().acknowledged.insert(n, index);
            })
        })
        .collect();
    for call in calls {
        call.await.unwrap();
    }
    for _ in 0..1000 {
        if world.look(log, time).await == Some(size) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("the log did not reach {size}");
}

#[tokio::test]
async fn a_crash_at_any_step_leaves_one_log_with_all_that_was_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let world = Arc::new(World { dir: dir.path().into(), known: Mutex::default(), copies: Mutex::default(), most: 2 });
    let listener = world.clone();
    let faults = Faults::hook(move |step| {
        listener.copy(step);
        Ok(())
    });
    let log = Arc::new(start_with(dir.path(), 10, Clock::manual(NOW), faults).await.unwrap());
    log.append(GOVERNANCE, &announced(1, &identity(Role::Forwarder))).await.unwrap();
    let mut copies = Vec::new();
    // From the empty tree; over the edge of a tile; within one.
    for (end, time) in [(3, NOW + 100), (258, NOW + 200), (259, NOW + 300)] {
        let begin = world.known.lock().unwrap().acknowledged.len() as u64;
        grow(&log, &world, begin..end, time).await;
        copies.append(&mut world.copies.lock().unwrap());
    }
    Arc::into_inner(log).unwrap().end().await;
    for step in Step::ALL {
        assert!(copies.iter().filter(|c| c.step == step).count() >= 3, "{step:?} was never passed");
    }
    for copy in copies {
        goes_on(copy).await;
    }
}

/// Opens what a crash left, as a process that starts again after the dead one's lease, and lets it go on.
async fn goes_on(copy: Copy) {
    let step = copy.step;
    let log = start_with(copy.dir.path(), 10, Clock::manual(NOW + 10), Faults::default()).await.unwrap();
    let known = copy.known;
    // Some by name, which takes its time; all of them below, by their bytes.
    for (n, index) in known.acknowledged.iter().step_by(60) {
        assert_eq!(log.append(INTAKE, &counts(*n)).await.unwrap(), (200, *index), "{step:?}: acknowledged and gone");
    }
    let (status, next) = log.append(INTAKE, &counts(1_000_000)).await.unwrap();
    assert_eq!(status, 201);
    log.witness_until(INTAKE, next + 1, NOW + 900).await;
    let reader = log.reader(INTAKE);
    let growth = reader.read(TreeHead::EMPTY).await.unwrap();
    assert_eq!(growth.entries[next as usize].leaf, counts(1_000_000).to_bytes());
    for (n, index) in &known.acknowledged {
        assert_eq!(growth.entries[*index as usize].leaf, counts(*n).to_bytes());
    }
    let mut leaves: Vec<_> = growth.entries.iter().map(|e| e.hash).collect();
    leaves.sort_unstable();
    leaves.dedup();
    assert_eq!(leaves.len(), growth.entries.len(), "{step:?}: an entry stands twice");
    for head in known.shown.values() {
        reader.check_consistency(*head, growth.checkpoint.head()).await.unwrap();
    }
    log.end().await;
}

/// The disk is full at this step, once.
async fn full_at(dir: &Path, full: Step) -> (Running, Arc<Mutex<Option<Step>>>) {
    let armed = Arc::new(Mutex::new(None));
    let at = armed.clone();
    let faults = Faults::hook(move |step| {
        let mut armed = at.lock().unwrap();
        if *armed == Some(step) {
            *armed = None;
            return Err(DbError::Full);
        }
        Ok(())
    });
    let log = start_with(dir, 10, Clock::manual(NOW), faults).await.unwrap();
    log.witness_until(INTAKE, 0, NOW + 50).await;
    log.witness_until(GOVERNANCE, 0, NOW + 50).await;
    *armed.lock().unwrap() = Some(full);
    (log, armed)
}

async fn appends_after_a_full_disk(name: LogName, full: Step) {
    let dir = tempfile::tempdir().unwrap();
    let (log, _) = full_at(dir.path(), full).await;
    let key = announced(1, &identity(Role::Forwarder));
    let statement = if name == GOVERNANCE { key } else { counts(0) };
    assert_eq!(problem(log.append(name, &statement).await), (507, "storage-full".into()), "{full:?}");
    // What failed after its commit is there; all else comes again.
    let status = if full == Step::Appended { 200 } else { 201 };
    assert_eq!(log.append(name, &statement).await.unwrap(), (status, 0), "{full:?}");
    log.witness_until(name, 1, NOW + 100).await;
    assert_eq!(log.reader(name).read(TreeHead::EMPTY).await.unwrap().entries.len(), 1);
    log.end().await;
}

#[tokio::test]
async fn a_full_disk_stops_an_append_and_the_log_goes_on_when_there_is_room() {
    for name in LogName::ALL {
        for full in [Step::Numbered, Step::Inserted, Step::Appended] {
            appends_after_a_full_disk(name, full).await;
        }
    }
}

#[tokio::test]
async fn a_full_disk_stops_a_growth_and_the_next_one_has_it_all() {
    for full in [Step::Signed, Step::Leased, Step::TileWritten, Step::CheckpointWritten, Step::Integrated] {
        let dir = tempfile::tempdir().unwrap();
        let (log, armed) = full_at(dir.path(), full).await;
        log.append(INTAKE, &counts(0)).await.unwrap();
        log.witness_until(INTAKE, 1, NOW + 100).await;
        assert_eq!(*armed.lock().unwrap(), None, "{full:?} was never passed");
        assert_eq!(log.reader(INTAKE).read(TreeHead::EMPTY).await.unwrap().entries.len(), 1);
        log.end().await;
    }
    for full in [Step::LineWritten, Step::KeptWritten, Step::Cosigned] {
        let dir = tempfile::tempdir().unwrap();
        let (log, _) = full_at(dir.path(), full).await;
        let pending = log.pending(INTAKE).await;
        let lines = [1, 2].map(|n| format!("{}\n", witness(n).cosign(&pending, NOW + 100)));
        let codes: Vec<_> = [log.cosign(INTAKE, &lines[0]).await, log.cosign(INTAKE, &lines[1]).await]
            .into_iter()
            .filter_map(|answer| answer.err().map(|e| (e.status(), e.code().map(str::to_owned))))
            .collect();
        assert_eq!(codes, [(Some(507), Some("storage-full".to_owned()))], "{full:?}");
        log.append(INTAKE, &counts(0)).await.unwrap();
        log.witness_until(INTAKE, 1, NOW + 200).await;
        log.end().await;
    }
}
