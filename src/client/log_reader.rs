//! Reads a log and believes nothing of it: the log's signature, the witnesses' quorum, every entry against the signed
//! root, every kept checkpoint against the same tree, and the whole against what was seen before.
//!
//! Used by everybody who reads a log: warden, officials, reporters, auditors; over HTTP and from a copied folder.

mod walk;

use std::collections::BTreeMap;

use tabir_crypto::log::tile::{self, Edge, Kind, Tile, WIDTH};
use tabir_crypto::log::tree::{inclusion_plan, prove};
use tabir_crypto::log::{
    CosignedCheckpoint, LogVerifier, SignedCheckpoint, TreeHead, Witnesses, leaf_hash, verify_consistency,
    verify_inclusion,
};
use tabir_crypto::{B32, Code};

pub use walk::{Part, Walk};

use super::log_source::{LogSource, ReadError};
use super::log_tree::{consistency_proof, tiles_of};

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
}

/// A checkpoint with the kept ones before it, back to what the reader knew.
#[derive(Clone, Debug)]
pub struct Heads {
    /// The newest checkpoint.
    pub checkpoint: CosignedCheckpoint,
    /// Kept checkpoints from the known size on (without it), in order.
    pub kept: Vec<CosignedCheckpoint>,
}

impl Heads {
    /// The witnessed time of a new entry: that of the first kept checkpoint that covers it.
    #[must_use]
    pub fn witnessed_time(&self, index: u64) -> u64 {
        self.covers(index).witnessed_time()
    }

    /// The first kept checkpoint that covers a new entry.
    #[must_use]
    pub fn covers(&self, index: u64) -> &CosignedCheckpoint {
        let at = self.kept.partition_point(|k| k.head().size <= index);
        self.kept.get(at).unwrap_or(&self.checkpoint)
    }
}

/// One log, as this reader may believe it.
#[derive(Clone, Debug)]
pub struct LogReader<S> {
    source: S,
    newest: (LogVerifier, Witnesses),
    /// Those of earlier versions of the trust root, newest first: for kept checkpoints.
    before: Vec<(LogVerifier, Witnesses)>,
    /// Origins that were given up, each with the head at which the tree went on under another one.
    ended: Vec<(String, TreeHead)>,
}

pub(super) fn refused(what: impl ToString) -> impl FnOnce(tabir_crypto::Error) -> ReadError {
    move |source| ReadError::Refused { what: what.to_string(), source }
}

pub(super) fn refuse<T>(what: impl ToString, code: Code) -> Result<T, ReadError> {
    Err(refused(what)(code.into()))
}

/// What was signed and cosigned under some version of the trust root: `open` by the keys of one after the other, newest
/// first. Error: that by the newest.
pub fn by_any<'a, T>(
    by: impl IntoIterator<Item = &'a (LogVerifier, Witnesses)>,
    open: impl Fn(&LogVerifier, &Witnesses) -> tabir_crypto::Result<T>,
) -> tabir_crypto::Result<T> {
    let mut opened: Option<tabir_crypto::Result<T>> = None;
    for (log, witnesses) in by {
        opened = match (opened, open(log, witnesses)) {
            (_, Ok(found)) => return Ok(found),
            (first, error) => first.or(Some(error)),
        };
    }
    opened.unwrap_or_else(|| Err(Code::UnknownKey.into()))
}

impl<S: LogSource> LogReader<S> {
    /// Keys, origin and quorum come from the trust root, never from the source.
    pub const fn new(source: S, log: LogVerifier, witnesses: Witnesses) -> Self {
        Self { source, newest: (log, witnesses), before: Vec::new(), ended: Vec::new() }
    }

    /// By whom kept checkpoints may have been signed and cosigned in earlier versions of the trust root.
    #[must_use]
    pub fn with_before(self, before: Vec<(LogVerifier, Witnesses)>) -> Self {
        Self { before, ..self }
    }

    /// Origins of this log that were given up, and its last witnessed head under each: every tree holds these, and a kept
    /// checkpoint of such an origin beyond its head counts for nothing.
    #[must_use]
    pub fn with_ended(self, ended: Vec<(String, TreeHead)>) -> Self {
        Self { ended, ..self }
    }

    /// The same log, by the same rules, from elsewhere.
    pub fn with_source<T>(&self, source: T) -> LogReader<T> {
        LogReader { source, newest: self.newest.clone(), before: self.before.clone(), ended: self.ended.clone() }
    }

    /// Where it reads from; nothing that it says is checked.
    pub(super) const fn source(&self) -> &S {
        &self.source
    }

    /// The newest checkpoint that a quorum cosigned.
    pub async fn checkpoint(&self) -> Result<CosignedCheckpoint, ReadError> {
        let bytes = self.source.get("checkpoint").await?;
        let (log, witnesses) = &self.newest;
        CosignedCheckpoint::open(&bytes, log, witnesses).map_err(refused("checkpoint"))
    }

    /// The newest checkpoint of a copy, which may be older than the newest version of the trust root.
    pub async fn copied_checkpoint(&self) -> Result<CosignedCheckpoint, ReadError> {
        self.cosigned_ever("checkpoint").await
    }

    /// The kept checkpoint of a size.
    pub async fn kept(&self, size: u64) -> Result<CosignedCheckpoint, ReadError> {
        let path = format!("checkpoints/{size}");
        let kept = self.cosigned_ever(&path).await?;
        if kept.head().size == size { Ok(kept) } else { refuse(path, Code::Checkpoint) }
    }

    async fn cosigned_ever(&self, path: &str) -> Result<CosignedCheckpoint, ReadError> {
        let bytes = self.source.get(path).await?;
        let by = core::iter::once(&self.newest).chain(&self.before);
        let opened =
            by_any(by, |log, witnesses| CosignedCheckpoint::open(&bytes, log, witnesses)).map_err(refused(path))?;
        let origin = &opened.signed().checkpoint().origin;
        let last = self.ended.iter().find(|(ended, _)| ended == origin).map(|(_, head)| head);
        if last.is_some_and(|last| opened.head().size > last.size) {
            refuse(path, Code::Consistency)
        } else {
            Ok(opened)
        }
    }

    /// All that is new since a head that this reader has checked before; [`TreeHead::EMPTY`] for the whole log. All
    /// entries are held in memory: for a log of any length there is [`LogReader::walk`].
    /// Errors with a code: `shrunk`, `consistency` (another history), `tile`, those of [`CosignedCheckpoint::open`].
    pub async fn read(&self, known: TreeHead) -> Result<Growth, ReadError> {
        let heads = self.heads(self.checkpoint().await?, known).await?;
        let mut entries = Vec::new();
        let visit = |part: Part<'_>| {
            if let Part::Bundle { first, leaves, .. } = part {
                entries.extend((first..).zip(leaves).map(|(index, leaf)| {
                    let witnessed_time = heads.witnessed_time(index);
                    Entry { index, hash: leaf_hash(&leaf), leaf, witnessed_time }
                }));
            }
            Ok(())
        };
        self.walk(known, &heads, visit).await?;
        Ok(Growth { entries, checkpoint: heads.checkpoint, kept: heads.kept })
    }

    /// A checkpoint with the kept ones between a known head and it; whether it extends that head, [`LogReader::walk`] finds.
    /// Errors: those of [`CosignedCheckpoint::open`].
    pub async fn heads(&self, checkpoint: CosignedCheckpoint, known: TreeHead) -> Result<Heads, ReadError> {
        let size = checkpoint.head().size;
        let mut kept = Vec::new();
        for kept_size in self.source.kept_sizes().await? {
            if kept_size > known.size && kept_size <= size {
                kept.push(self.kept(kept_size).await?);
            }
        }
        Ok(Heads { checkpoint, kept })
    }

    /// Goes through all that is new since a known head, bundle by bundle, in memory that does not grow with the log.
    /// Nothing that is visited is proven before this returns: what was made of it until then is to be thrown away on an
    /// error. Errors: as [`LogReader::read`], and the visitor's.
    pub async fn walk<F>(&self, known: TreeHead, heads: &Heads, mut visit: F) -> Result<(), ReadError>
    where
        F: FnMut(Part<'_>) -> Result<(), ReadError>,
    {
        let mut walk = self.start(known, heads).await?;
        while let Some(part) = walk.next().await? {
            visit(part)?;
        }
        Ok(())
    }

    /// As [`LogReader::walk`], for who has to wait between two parts.
    pub async fn start(&self, known: TreeHead, heads: &Heads) -> Result<Walk<'_, S>, ReadError> {
        let marks = heads.kept.iter().map(|k| (k.head().size, k.head().root)).collect();
        Walk::new(self, known, heads.checkpoint.head(), marks).await
    }

    /// For a witness: the newest checkpoint, cosigned or not, with the entries since the witness's last head, which it
    /// extends. The witness stores both before it cosigns.
    pub async fn pending(&self, known: TreeHead) -> Result<(SignedCheckpoint, Vec<Vec<u8>>), ReadError> {
        let bytes = self.source.get("pending").await?;
        let checkpoint = SignedCheckpoint::open(&bytes, &self.newest.0).map_err(refused("pending"))?;
        let mut all = Vec::new();
        let mut walk = Walk::new(self, known, checkpoint.head(), BTreeMap::new()).await?;
        while let Some(part) = walk.next().await? {
            if let Part::Bundle { leaves, .. } = part {
                all.extend(leaves);
            }
        }
        Ok((checkpoint, all))
    }

    /// Checks that one head extends another, by a proof worked out from the tiles, without reading entries.
    pub async fn check_consistency(&self, old: TreeHead, new: TreeHead) -> Result<(), ReadError> {
        if old.size > new.size {
            return refuse("checkpoint", Code::Shrunk);
        }
        let proof = consistency_proof(&self.source, old.size, new.size).await?;
        verify_consistency(old, new, &proof).map_err(refused("checkpoint"))
    }

    /// One entry, proven to be in a tree by its tiles. Errors with a code: `tile` (also: the tree has no such entry),
    /// `inclusion`.
    pub async fn entry(&self, index: u64, head: TreeHead) -> Result<Vec<u8>, ReadError> {
        let bundle = Tile::of_tree(Kind::Entries, index / WIDTH, head.size).map_err(refused("tile"))?;
        let mut entries = tile::parse_entries(bundle, &self.tile(bundle).await?).map_err(refused(bundle))?;
        let at = usize::try_from(index - bundle.start()).unwrap_or(usize::MAX);
        if at >= entries.len() {
            return refuse(bundle, Code::Tile);
        }
        let entry = entries.swap_remove(at);
        let plan = inclusion_plan(index, head.size).map_err(refused("tile"))?;
        let tiles = tiles_of(&self.source, head.size, &plan).await?;
        let proof = prove(&plan, |subtree| tiles.hash(subtree)).map_err(refused("tile"))?;
        verify_inclusion(&leaf_hash(&entry), index, head, &proof).map_err(refused(bundle))?;
        Ok(entry)
    }

    /// A tile or bundle; a partial one may be gone once it was filled.
    async fn tile(&self, tile: Tile) -> Result<Vec<u8>, ReadError> {
        self.source.get(&tile.to_string()).await
    }

    /// The right edge of the known tree, from the tiles of the larger one, checked against the known root; and the hashes
    /// of the entries in its last bundle, if that is a partial one.
    async fn edge(&self, known: TreeHead, head: TreeHead) -> Result<(Edge, Vec<B32>), ReadError> {
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
        if edge.head() != known {
            return refuse("checkpoint", Code::Consistency);
        }
        let last = rows.iter().find(|(small, _)| small.kind() == Kind::Hashes(0));
        let hashes = last.map(|(small, bytes)| {
            let hashes = bytes.chunks_exact(32).filter_map(|hash| hash.first_chunk().copied());
            hashes.take(usize::try_from(small.width()).unwrap_or(0)).collect()
        });
        Ok((edge, hashes.unwrap_or_default()))
    }
}
