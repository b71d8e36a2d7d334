//! Grows a tree: takes the leaves that wait, writes the tiles that they change, signs the checkpoint. One transaction,
//! so that a restart finds either all of a growth or nothing of it, and no size is ever signed twice.
//!
//! Of several processes on one store one grows it: the holder of the lease, which it renews long before its end. The
//! transaction of a growth compares the lease again: who was asleep while it ran out writes nothing.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rand_core::Rng as _;
use tabir_crypto::B32;
use tabir_crypto::log::tile::Edge;
use tabir_crypto::log::{Checkpoint, LogVerifier, NoteSigner, SignedCheckpoint, TreeHead};
use tabir_crypto::trust::root::LogName;
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use super::error::LogError;
use super::store::{Base, Growth, LEASE_S, Store, Written};
use crate::clock::{Clock, Random};

/// Leaves that are in memory at a time: 64 MiB of the longest.
const PAGE: u64 = 1024;
/// Entries that one growth takes: who reads it, a witness above all, holds them in memory.
const MAX_GROWTH: u64 = 65_536;
/// Between two looks at the lease: well below its length, so that it never runs out while its holder is well.
const BEAT: Duration = Duration::from_secs(1);
/// Seconds between two lines in the operator's log about the same thing that he has to look at.
const SAY_S: u64 = 60;

/// Writes a log's tree while it has the lease. The log's key is in a file that only this process reads.
pub struct Sequencer {
    store: Store,
    name: LogName,
    log: LogVerifier,
    signer: NoteSigner,
    clock: Clock,
    /// This process, as the lease names it.
    holder: B32,
    /// Until when the lease is ours, as we know it; 0 if it is not.
    until: AtomicU64,
    /// When it is said again that a recovered head waits for its witnesses.
    say_at: AtomicU64,
}

impl Sequencer {
    /// For one log.
    pub fn new(store: Store, name: LogName, log: LogVerifier, signer: NoteSigner, clock: Clock) -> Self {
        let mut holder = B32::default();
        Random.fill_bytes(&mut holder);
        Self { store, name, log, signer, clock, holder, until: AtomicU64::new(0), say_at: AtomicU64::new(0) }
    }

    /// Grows the tree at each interval, until the process ends.
    pub async fn run(self, interval: Duration, mut stop: watch::Receiver<bool>) {
        let start = Instant::now();
        let (mut due, mut beat) = (interval_at(start + interval, interval), interval_at(start + BEAT, BEAT));
        // On the beat that was set at the start, whatever there was to do: when a checkpoint comes tells nothing.
        due.set_missed_tick_behavior(MissedTickBehavior::Skip);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let grow = tokio::select! {
                _ = due.tick() => true,
                _ = beat.tick() => false,
                _ = stop.wait_for(|s| *s) => break,
            };
            let turn = if grow { self.grow().await } else { self.hold().await.map(drop) };
            if let Err(error) = turn {
                // Nothing was written; the entries wait for the next turn.
                tracing::error!(%error, "sequencer");
            }
        }
        if self.until.load(Ordering::Relaxed) > 0
            && let Err(error) = self.store.release(self.name, self.holder).await
        {
            tracing::debug!(%error, "lease"); // it runs out by itself
        }
    }

    /// Checks that the stored tiles are the tree of the checkpoint signed last.
    pub async fn check(&self) -> Result<(), LogError> {
        self.edge(&self.store.base(self.name).await?).await.map(drop)
    }

    /// One growth, if one is due and this process has the lease; at the very first, the checkpoint of the empty tree.
    pub async fn grow(&self) -> Result<(), LogError> {
        if !self.hold().await? {
            return Ok(());
        }
        let base = self.store.base(self.name).await?;
        if base.recovered {
            self.say_recovered(&base)?;
        }
        if !base.due {
            return Ok(());
        }
        let (head, mut edge) = self.edge(&base).await?;
        while edge.size() - head.size < MAX_GROWTH {
            let page = self.store.leaves(self.name, edge.size(), PAGE).await?;
            page.iter().try_for_each(|leaf| edge.push(leaf))?;
            if (page.len() as u64) < PAGE {
                break;
            }
        }
        let checkpoint = Checkpoint { origin: self.log.origin().to_owned(), head: edge.head() };
        let note = SignedCheckpoint::sign(checkpoint, &self.signer)?.to_bytes();
        let before = base.note.is_some().then_some(head.size);
        let growth = Growth { before, size: edge.size(), note, tiles: edge.take_tiles()? };
        match self.store.integrate(self.name, growth, self.holder, &self.clock).await? {
            Written::Done => {}
            Written::NotHolder => self.until.store(0, Ordering::Relaxed),
            Written::Moved => tracing::info!("another process grew the log"),
        }
        Ok(())
    }

    /// Whether the lease is ours; renews it in time, takes it when it is free.
    async fn hold(&self) -> Result<bool, LogError> {
        let until = self.until.load(Ordering::Relaxed);
        if until > self.clock.now() + LEASE_S / 2 {
            return Ok(true);
        }
        let held = self.store.hold(self.name, self.holder, &self.clock).await?;
        if held.is_some() && until == 0 {
            tracing::info!(log = self.name.as_str(), "this process grows the log");
        }
        self.until.store(held.unwrap_or(0), Ordering::Relaxed);
        Ok(held.is_some())
    }

    /// At the first turn, and each minute after that.
    fn say_recovered(&self, base: &Base) -> Result<(), LogError> {
        let now = self.clock.now();
        if now < self.say_at.load(Ordering::Relaxed) {
            return Ok(());
        }
        self.say_at.store(now + SAY_S, Ordering::Relaxed);
        let size = self.head(base)?.size;
        tracing::warn!(
            log = self.name.as_str(),
            size,
            "recovered: nothing is added until a quorum of witnesses has cosigned this size again; if one of them saw a \
             larger one, recover from a newer mirror"
        );
        Ok(())
    }

    /// Of the checkpoint signed last.
    fn head(&self, base: &Base) -> Result<TreeHead, LogError> {
        let before = base.note.as_deref().map(|note| SignedCheckpoint::open(note, &self.log)).transpose()?;
        Ok(before.as_ref().map_or(TreeHead::EMPTY, SignedCheckpoint::head))
    }

    async fn edge(&self, base: &Base) -> Result<(TreeHead, Edge), LogError> {
        let head = self.head(base)?;
        let edge = self.store.edge(self.name, head.size).await?;
        if edge.head() == head { Ok((head, edge)) } else { Err(LogError::Corrupt) }
    }
}
