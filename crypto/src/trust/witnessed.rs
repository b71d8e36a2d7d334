//! When entries of a log were witnessed: all delays and deadlines are measured by this, never by what a signer says.
//!
//! ```text
//! kept checkpoints   size 2 at 100      size 5 at 200
//! entries            0 1                2 3 4            5
//! witnessed time     100 100            200 200 200      none yet
//! ```
//! The time of a kept checkpoint is the k-th smallest of its cosignatures' times, k being the witness quorum.

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
