//! When entries of a log were witnessed: all delays and deadlines are measured by this, never by what a signer says.
//!
//! ```text
//! kept checkpoints   size 2 at 100      size 5 at 200
//! entries            0 1                2 3 4            5
//! witnessed time     100 100            200 200 200      none yet
//! ```
//! The time of a kept checkpoint is the k-th smallest of its cosignatures' times, k being the witness quorum. Fewer than k
//! witnesses with slow clocks can't make it earlier than the first honest one. One with a fast clock can make it later, if
//! the log shows that one and k - 1 others only: [`back`] finds it in what comes after.

/// Witnessed times of entries: sizes of kept checkpoints with their times, rising.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Witnessed(Vec<(u64, u64)>);

impl Witnessed {
    /// The witnessed time of an entry; `None` while no kept checkpoint covers it.
    #[must_use]
    pub fn of(&self, entry: u64) -> Option<u64> {
        self.0.get(self.0.partition_point(|(size, _)| *size <= entry)).map(|(_, at)| *at)
    }

    /// A kept checkpoint of this size was witnessed at this time. One that is not larger than the last says nothing new.
    pub fn mark(&mut self, size: u64, at: u64) {
        match self.0.last_mut() {
            Some((last, _)) if *last >= size => {}
            Some((last, time)) if *time == at => *last = size,
            _ => self.0.push((size, at)),
        }
    }
}

/// How far clocks of honest witnesses may be apart, in seconds.
pub const CLOCKS_S: u64 = 3600;

/// Times of one kept checkpoint, Unix seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeptTimes {
    /// Its size.
    pub size: u64,
    /// The k-th smallest of its cosignatures' times.
    pub witnessed: u64,
    /// The smallest of them.
    pub earliest: u64,
}

/// Where times go back, in kept checkpoints by rising size: the number of the first entry that only the checkpoint to
/// blame covers. A log grows only after its last checkpoint was witnessed, so that nobody can have cosigned the next one
/// before; if a cosignature says so by more than [`CLOCKS_S`], one of the two clocks lies. Of several in a row the first.
#[must_use]
pub fn back(kept: impl IntoIterator<Item = KeptTimes>) -> Vec<u64> {
    let (mut found, mut latest, mut covered, mut inside) = (Vec::new(), 0_u64, 0, false);
    for times in kept {
        let goes_back = times.earliest.saturating_add(CLOCKS_S) < latest;
        if goes_back && !inside {
            found.push(covered);
        }
        inside = goes_back;
        latest = latest.max(times.witnessed);
        covered = times.size;
    }
    found
}
