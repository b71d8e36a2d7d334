//! Reads a log and believes nothing of it: the log's signature, the witnesses' quorum, every entry against the signed
//! root, every kept checkpoint against the same tree, and the whole against what was seen before.
//!
//! Used by everybody who reads a log: warden, officials, reporters, auditors; over HTTP and from a copied folder.

use std::collections::BTreeMap;

use tabir_crypto::log::tile::{self, Edge, Tile, Tiles};
use tabir_crypto::log::tree::{consistency_plan, prove};
use tabir_crypto::log::{
    CosignedCheckpoint, LogVerifier, SignedCheckpoint, TreeHead, Witnesses, leaf_hash, verify_consistency,
};
use tabir_crypto::{B32, Code};

use super::log_source::{LogSource, ReadError};

/// An entry that the signed tree holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its number, from 0.
    pub index: u64,
    /// The statement's bytes.
    pub leaf: Vec<u8>,
    /// The entry hash.
    pub hash: B32,
    /// Unix seconds: the time of the first kept checkpoint that covers it.
    pub witnessed_time: u64,
}

/// What a log holds beyond what the reader knew.
#[derive(Clone, Debug)]
pub struct Growth {
    /// The newest checkpoint: what to know the next time.
    pub checkpoint: CosignedCheckpoint,
    /// The new entries, in order.
    pub entries: Vec<Entry>,
    /// Kept checkpoints from the known size on (without it), in order.
    pub kept: Vec<CosignedCheckpoint>,
    /// The hash tiles that the new entries make or change, for a copy.
    pub tiles: Vec<(Tile, Vec<u8>)>,
}

/// One log, as this reader may believe it.
#[derive(Clone, Debug)]
pub struct LogReader<S> {
    source: S,
    log: LogVerifier,
    witnesses: Witnesses,
}

fn refused(what: impl ToString) -> impl FnOnce(tabir_crypto::Error) -> ReadError {
    move |source| ReadError::Refused { what: what.to_string(), source }
}

fn refuse<T>(what: impl ToString, code: Code) -> Result<T, ReadError> {
    Err(refused(what)(code.into()))
}

impl<S: LogSource> LogReader<S> {
    /// Keys, origin and quorum come from the trust root, never from the source.
    pub const fn new(source: S, log: LogVerifier, witnesses: Witnesses) -> Self {
        Self { source, log, witnesses }
    }

    /// The same log, by the same rules, from elsewhere.
    pub fn with_source<T>(&self, source: T) -> LogReader<T> {
        LogReader { source, log: self.log.clone(), witnesses: self.witnesses.clone() }
    }

    /// Where it reads from; nothing that it says is checked.
    pub(super) const fn source(&self) -> &S {
        &self.source
    }

    /// The newest checkpoint that a quorum cosigned.
    pub async fn checkpoint(&self) -> Result<CosignedCheckpoint, ReadError> {
        self.cosigned("checkpoint").await
    }

    /// The kept checkpoint of a size.
    pub async fn kept(&self, size: u64) -> Result<CosignedCheckpoint, ReadError> {
        let path = format!("checkpoints/{size}");
        let kept = self.cosigned(&path).await?;
        if kept.head().size == size { Ok(kept) } else { refuse(path, Code::Checkpoint) }
    }

    async fn cosigned(&self, path: &str) -> Result<CosignedCheckpoint, ReadError> {
        let bytes = self.source.get(path).await?;
        CosignedCheckpoint::open(&bytes, &self.log, &self.witnesses).map_err(refused(path))
    }

    /// All that is new since a head that this reader has checked before; [`TreeHead::EMPTY`] for the whole log.
    /// Errors with a code: `shrunk`, `consistency` (another history), `tile`, those of [`CosignedCheckpoint::open`].
    pub async fn read(&self, known: TreeHead) -> Result<Growth, ReadError> {
        let checkpoint = self.checkpoint().await?;
        let head = checkpoint.head();
        let mut kept = Vec::new();
        for size in self.source.kept_sizes().await? {
            if size > known.size && size <= head.size {
                kept.push(self.kept(size).await?);
            }
        }
        let marks = kept.iter().map(|k| (k.head().size, k.head().root)).collect();
        let (leaves, tiles) = self.leaves(known, head, &marks).await?;
        let entries = (known.size..).zip(leaves).map(|(index, leaf)| {
            let covers = kept.iter().find(|k| k.head().size > index).unwrap_or(&checkpoint);
            Entry { index, hash: leaf_hash(&leaf), leaf, witnessed_time: covers.witnessed_time() }
        });
        Ok(Growth { entries: entries.collect(), checkpoint, kept, tiles })
    }

    /// For a witness: the newest checkpoint, cosigned or not, with the entries since the witness's last head, which it
    /// extends. The witness stores both before it cosigns.
    pub async fn pending(&self, known: TreeHead) -> Result<(SignedCheckpoint, Vec<Vec<u8>>), ReadError> {
        let bytes = self.source.get("pending").await?;
        let checkpoint = SignedCheckpoint::open(&bytes, &self.log).map_err(refused("pending"))?;
        let (leaves, _) = self.leaves(known, checkpoint.head(), &BTreeMap::new()).await?;
        Ok((checkpoint, leaves))
    }

    /// Checks that one head extends another, by a proof worked out from the tiles, without reading entries.
    pub async fn check_consistency(&self, old: TreeHead, new: TreeHead) -> Result<(), ReadError> {
        let broken = || refused("tile");
        if old.size > new.size {
            return refuse("checkpoint", Code::Shrunk);
        }
        let plan = consistency_plan(old.size, new.size).map_err(broken())?;
        let mut tiles = Tiles::new(new.size);
        for tile in Tiles::needed(new.size, &plan).map_err(broken())? {
            tiles.insert(tile, &self.tile(tile).await?).map_err(refused(tile))?;
        }
        let proof = prove(&plan, |subtree| tiles.hash(subtree)).map_err(broken())?;
        verify_consistency(old, new, &proof).map_err(refused("checkpoint"))
    }

    /// A tile or bundle; a partial one may be gone once it was filled.
    async fn tile(&self, tile: Tile) -> Result<Vec<u8>, ReadError> {
        self.source.get(&tile.to_string()).await
    }

    /// The entries between two heads, checked against both and against the `marks` (size, root) between them.
    async fn leaves(
        &self,
        known: TreeHead,
        head: TreeHead,
        marks: &BTreeMap<u64, B32>,
    ) -> Result<(Vec<Vec<u8>>, Vec<(Tile, Vec<u8>)>), ReadError> {
        if head.size < known.size {
            return refuse("checkpoint", Code::Shrunk);
        }
        let mut edge = self.edge(known, head).await?;
        let (mut leaves, mut forks) = (Vec::new(), Vec::new());
        let bundles = tile::bundles(known.size, head.size).map_err(refused("tile"))?;
        for bundle in bundles.filter(|_| head.size > known.size) {
            let entries = tile::parse_entries(bundle, &self.tile(bundle).await?).map_err(refused(bundle))?;
            for (index, leaf) in (bundle.start()..).zip(entries) {
                if index < known.size {
                    continue;
                }
                edge.push(&leaf).map_err(refused(bundle))?;
                if marks.get(&edge.size()).is_some_and(|root| *root != edge.head().root) {
                    forks.push(edge.size());
                }
                leaves.push(leaf);
            }
        }
        if edge.head() != head {
            // Nothing new: the two heads are of one size and differ. Else the entries are not those of the signed tree.
            return if leaves.is_empty() {
                refuse("checkpoint", Code::Consistency)
            } else {
                refuse("tile", Code::Tile)
            };
        }
        // Only now: with a wrong entry every kept checkpoint behind it would look like another history.
        if let Some(size) = forks.first() {
            return refuse(format!("checkpoints/{size}"), Code::Consistency);
        }
        Ok((leaves, edge.take_tiles().map_err(refused("tile"))?))
    }

    /// The right edge of the known tree, from the tiles of the larger one, checked against the known root.
    async fn edge(&self, known: TreeHead, head: TreeHead) -> Result<Edge, ReadError> {
        let mut rows = BTreeMap::new();
        for small in Edge::tiles_of(known.size).map_err(refused("tile"))?.into_iter().flatten() {
            let large = Tile::of_tree(small.kind(), small.index(), head.size).map_err(refused(small))?;
            let hashes = tile::parse_hashes(large, &self.tile(large).await?).map_err(refused(large))?;
            rows.insert(small, hashes.concat());
        }
        let load = |small: Tile| {
            let bytes = rows.get(&small).ok_or(Code::Tile)?;
            Ok(bytes.iter().copied().take(32 * usize::try_from(small.width()).unwrap_or(0)).collect())
        };
        let edge = Edge::load(known.size, load).map_err(refused("tile"))?;
        if edge.head() == known { Ok(edge) } else { refuse("checkpoint", Code::Consistency) }
    }
}
