//! Two views of one log: is one the beginning of the other, or are they two histories?
//!
//! Both newest checkpoints are signed by the log and cosigned by a quorum, so that a difference is nobody's mistake and
//! both together are proof for anybody. What the larger tree was at the smaller size is worked out from its tiles and
//! proven against its own root first: a damaged copy is an error and no second history.

use tabir_crypto::log::{CosignedCheckpoint, SignedCheckpoint};

use super::log_reader::LogReader;
use super::log_source::{LogSource, ReadError};

/// What came of a comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Compared {
    /// One history: their sizes, the smaller one first.
    One {
        /// Size of the smaller tree.
        smaller: u64,
        /// Size of the larger one.
        larger: u64,
    },
    /// Two histories.
    Fork(Box<Fork>),
}

/// Two checkpoints of which neither extends the other. They are of one size where the larger side keeps one of the
/// smaller's size; else the larger side's tiles belong to the proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fork {
    /// What the smaller side was shown.
    pub smaller: SignedCheckpoint,
    /// What the larger side was shown.
    pub larger: SignedCheckpoint,
}

/// Compares two views. Errors: those of [`LogReader::copied_checkpoint`] and [`LogReader::root_at`]; `Missing` where the
/// larger side has no tiles.
pub async fn compare<A: LogSource, B: LogSource>(a: &LogReader<A>, b: &LogReader<B>) -> Result<Compared, ReadError> {
    let (of_a, of_b) = (a.copied_checkpoint().await?, b.copied_checkpoint().await?);
    if of_a.head().size <= of_b.head().size { in_order(of_a, b, of_b).await } else { in_order(of_b, a, of_a).await }
}

async fn in_order<S: LogSource>(
    smaller: CosignedCheckpoint,
    reader: &LogReader<S>,
    larger: CosignedCheckpoint,
) -> Result<Compared, ReadError> {
    let (old, new) = (smaller.head(), larger.head());
    let root = if old.size == new.size { new.root } else { reader.root_at(old.size, new).await? };
    if root == old.root {
        return Ok(Compared::One { smaller: old.size, larger: new.size });
    }
    // The plainest proof is two checkpoints of one size.
    let same_size = reader.kept(old.size).await.ok().filter(|kept| kept.head().root == root);
    let larger = same_size.unwrap_or(larger);
    Ok(Compared::Fork(Box::new(Fork { smaller: smaller.signed().clone(), larger: larger.signed().clone() })))
}
