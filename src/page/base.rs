//! Where a page begins to read the governance log: a tree that whoever signs the page has read from entry 0, and what of it
//! still says who may sign and seal. Without it a phone on a slow line would read years of openings and of keys long over
//! before it could send a word. Who comes back with a receipt reads all of it nevertheless.
//!
//! ```text
//! edge      roots of the complete subtrees of the first `size` entries, large to small: the log must go on from there
//! entries   trust roots, councils, policies; keys that were not over at the checkpoint, and what retired one of them
//! ```
//! Everybody who reads the same log up to the same kept checkpoint makes the same base.

use std::collections::BTreeSet;

use serde::Serialize;
use tabir_crypto::log::tree::node_hash;
use tabir_crypto::statement::Verb;
use tabir_crypto::statement::value::{Bytes, Hex};
use tabir_crypto::trust::{State, Trust};
use tabir_crypto::{B32, Code, Error};

use crate::client::log_reader::{Entry, Growth};

/// A base, as it stands in the page.
#[derive(Clone, Debug, Serialize)]
pub struct Base {
    /// Entries of the tree.
    pub size: u64,
    edge: Vec<Hex<32>>,
    entries: Vec<Kept>,
    /// The hash of the kept checkpoint of this size, for `page.built`.
    #[serde(skip)]
    pub checkpoint: B32,
}

/// An entry that still counts.
#[derive(Clone, Debug, Serialize)]
struct Kept {
    index: u64,
    witnessed: u64,
    leaf: Bytes,
}

impl Base {
    /// The base at the kept checkpoint of this size, or at the newest one, of a log that was read from entry 0. Errors:
    /// `size` where no checkpoint of that size is kept.
    pub fn of(trust: &Trust, log: &Growth, size: Option<u64>) -> Result<Self, Error> {
        let wanted = |head: u64| size.is_none_or(|size| size == head);
        let kept = log.kept.iter().filter(|kept| kept.head().size > 0 && wanted(kept.head().size));
        let checkpoint = kept.max_by_key(|kept| kept.head().size).ok_or(Code::Size)?;
        let size = checkpoint.head().size;
        let entries = log.entries.get(..usize::try_from(size).map_err(|_| Code::Size)?).ok_or(Code::Size)?;
        Ok(Self {
            size,
            edge: edge(entries.iter().map(|entry| entry.hash)),
            entries: counting(trust, entries, checkpoint.witnessed_time()),
            checkpoint: checkpoint.signed().hash(),
        })
    }
}

/// Roots of the complete subtrees of these leaves, large to small.
fn edge(leaves: impl Iterator<Item = B32>) -> Vec<Hex<32>> {
    let mut parts: Vec<(u64, B32)> = Vec::new();
    for leaf in leaves {
        let mut part = (1, leaf);
        while let Some((size, left)) = parts.pop_if(|last| last.0 == part.0) {
            part = (2 * size, node_hash(&left, &part.1));
        }
        parts.push(part);
    }
    parts.into_iter().map(|(_, root)| Hex(root)).collect()
}

/// The entries that say who may sign and seal at `now` and after.
fn counting(trust: &Trust, entries: &[Entry], now: u64) -> Vec<Kept> {
    let mut state = State::new();
    let mut standing = BTreeSet::new();
    for entry in entries {
        // What its rule refuses changes nothing, but for a second key of one epoch, which the state has.
        let Ok(verified) = state.apply(trust, entry.index, &entry.leaf, Some(entry.witnessed_time)) else { continue };
        let stands = matches!(
            verified.verb,
            Verb::TrustRoot
                | Verb::PolicySet
                | Verb::CouncilFormed
                | Verb::CouncilRefreshed
                | Verb::CouncilReshared
                | Verb::CouncilRetired
        );
        if stands {
            standing.insert(entry.index);
        }
    }
    let timely: Vec<_> = state.keys().filter(|key| key.body.not_after.0 > now).collect();
    standing.extend(timely.iter().map(|key| key.entry));
    standing.extend(timely.iter().filter_map(|key| key.retired));
    let kept = |entry: &&Entry| standing.contains(&entry.index);
    let keep =
        |entry: &Entry| Kept { index: entry.index, witnessed: entry.witnessed_time, leaf: Bytes(entry.leaf.clone()) };
    entries.iter().filter(kept).map(keep).collect()
}
