//! Where a crash may come: the store says at which point of a write it is, and a test stops it there, or takes a copy of
//! the files as they then are. A running log has nobody who listens, and pays one comparison.

use std::sync::Arc;

use crate::db::DbError;

/// Points of a write. What is written before a commit is undone by a crash, what comes after one stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// Entries have their numbers; nothing is written.
    Numbered,
    /// Entries are written, not committed.
    Inserted,
    /// Entries are durable; nobody was told.
    Appended,
    /// A growth is worked out and its checkpoint signed, in memory.
    Signed,
    /// The lease was compared, in the transaction of the growth.
    Leased,
    /// A tile is written, not committed.
    TileWritten,
    /// All tiles and the checkpoint are written, not committed.
    CheckpointWritten,
    /// The growth is durable; nobody has seen it.
    Integrated,
    /// A witness's line is written, not committed.
    LineWritten,
    /// The quorum's checkpoint is kept, not committed.
    KeptWritten,
    /// The cosignature is durable; nobody was told.
    Cosigned,
}

impl Step {
    /// All of them, in the order in which an entry's life passes them.
    pub const ALL: [Self; 11] = [
        Self::Numbered,
        Self::Inserted,
        Self::Appended,
        Self::Signed,
        Self::Leased,
        Self::TileWritten,
        Self::CheckpointWritten,
        Self::Integrated,
        Self::LineWritten,
        Self::KeptWritten,
        Self::Cosigned,
    ];
}

type Hook = dyn Fn(Step) -> Result<(), DbError> + Send + Sync;

/// Who listens, if anybody.
#[derive(Clone, Default)]
pub struct Faults(Option<Arc<Hook>>);

impl Faults {
    /// For tests: called at each step; an error ends the write there.
    pub fn hook(hook: impl Fn(Step) -> Result<(), DbError> + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(hook)))
    }

    /// The store is at this point.
    pub fn at(&self, step: Step) -> Result<(), DbError> {
        self.0.as_ref().map_or(Ok(()), |hook| hook(step))
    }
}
