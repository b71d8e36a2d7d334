//! Goes from one head of a log to another, part by part, and believes nothing before its end.

use std::collections::BTreeMap;

use tabir_crypto::log::tile::{self, Edge, Kind, Tile, WIDTH};
use tabir_crypto::log::{TreeHead, leaf_hash};
use tabir_crypto::{B32, Code};

use super::{LogReader, refuse, refused};
use crate::client::log_source::{LogSource, ReadError};

/// What a walk comes by.
#[derive(Debug)]
pub enum Part<'a> {
    /// A bundle.
    Bundle {
        /// Where it lies.
        tile: Tile,
        /// All of it, as it was served.
        bytes: &'a [u8],
        /// Number of the first new entry in it.
        first: u64,
        /// The new entries.
        leaves: Vec<Vec<u8>>,
    },
    /// Hash tiles that the new entries make or change.
    Tiles(Vec<(Tile, Vec<u8>)>),
}

/// Bundles between two of [`Part::Tiles`]: their full tiles take 2 MiB.
const BUNDLES: u64 = 256;

/// A walk on its way: the entries between two heads, checked against both and against the kept checkpoints between them.
pub struct Walk<'a, S> {
    reader: &'a LogReader<S>,
    known: TreeHead,
    head: TreeHead,
    /// Roots by size.
    marks: BTreeMap<u64, B32>,
    edge: Edge,
    /// Hashes of the known entries in the bundle where the walk begins.
    before: Vec<B32>,
    /// The bundle that comes next.
    bundle: u64,
    bytes: Vec<u8>,
    forks: Vec<u64>,
    next: Step,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    Bundle,
    Tiles,
    End,
}

impl<'a, S: LogSource> Walk<'a, S> {
    pub(super) async fn new(
        reader: &'a LogReader<S>,
        known: TreeHead,
        head: TreeHead,
        mut marks: BTreeMap<u64, B32>,
    ) -> Result<Self, ReadError> {
        if head.size < known.size {
            return refuse("checkpoint", Code::Shrunk);
        }
        for (_, last) in &reader.ended {
            if head.size < last.size {
                return refuse("checkpoint", Code::Shrunk);
            }
            let kept = marks.insert(last.size, last.root);
            let empty = last.size == 0 && last.root != TreeHead::EMPTY.root;
            if empty || kept.is_some_and(|root| root != last.root) {
                return refuse(format!("checkpoints/{}", last.size), Code::Consistency);
            }
        }
        let (edge, before) = reader.edge(known, head).await?;
        let (bundle, bytes, forks, next) = (known.size / WIDTH, Vec::new(), Vec::new(), Step::Bundle);
        Ok(Self { reader, known, head, marks, edge, before, bundle, bytes, forks, next })
    }

    /// The next part; `None` once all of it is proven.
    pub async fn next(&mut self) -> Result<Option<Part<'_>>, ReadError> {
        match self.next {
            Step::End => Ok(None),
            Step::Tiles => {
                self.next = Step::Bundle;
                let mut tiles = self.edge.take_tiles().map_err(refused("tile"))?;
                tiles.retain(|(tile, _)| *tile == tile.full());
                Ok(Some(Part::Tiles(tiles)))
            }
            Step::Bundle if self.edge.size() < self.head.size => self.entries().await.map(Some),
            Step::Bundle => {
                self.next = Step::End;
                self.check()?;
                Ok(Some(Part::Tiles(self.edge.take_tiles().map_err(refused("tile"))?)))
            }
        }
    }

    async fn entries(&mut self) -> Result<Part<'_>, ReadError> {
        let tile = Tile::of_tree(Kind::Entries, self.bundle, self.head.size).map_err(refused("tile"))?;
        self.bytes = self.reader.tile(tile).await?;
        let mut leaves = tile::parse_entries(tile, &self.bytes).map_err(refused(tile))?;
        let first = tile.start().max(self.known.size);
        // What the known tree holds of this bundle: who keeps the bundle's bytes relies on it as on the rest.
        let old = leaves.drain(..usize::try_from(first - tile.start()).unwrap_or(0));
        if !old.zip(&self.before).all(|(leaf, hash)| leaf_hash(&leaf) == *hash) {
            return refuse(tile, Code::Tile);
        }
        for leaf in &leaves {
            self.edge.push(leaf).map_err(refused(tile))?;
            let size = self.edge.size();
            if self.marks.get(&size).is_some_and(|root| *root != self.edge.head().root) {
                self.forks.push(size);
            }
        }
        self.bundle += 1;
        if self.bundle.is_multiple_of(BUNDLES) {
            self.next = Step::Tiles;
        }
        Ok(Part::Bundle { tile, bytes: &self.bytes, first, leaves })
    }

    fn check(&self) -> Result<(), ReadError> {
        if self.edge.head() != self.head {
            // Nothing new: the two heads are of one size and differ. Else the entries are not those of the signed tree.
            return if self.head.size == self.known.size {
                refuse("checkpoint", Code::Consistency)
            } else {
                refuse("tile", Code::Tile)
            };
        }
        // Only now: with a wrong entry every kept checkpoint behind it would look like another history.
        self.forks.first().map_or(Ok(()), |size| refuse(format!("checkpoints/{size}"), Code::Consistency))
    }
}
