//! Tiles: a tree's hashes and entries as files that never change. Source: c2sp.org/tlog-tiles.
//!
//! ```text
//! tile/<L>/<N>[.p/<W>]         hashes (N·256 + i)·256^L … of height 8·L, i from 0; 256 of them, or W when partial
//! tile/entries/<N>[.p/<W>]     entries N·256 … , each u16 length ‖ bytes
//! <N> in groups of three digits, all but the last after an x: 1234067 is x001/x234/067
//! ```
//! Tiles carry no signature: whatever is worked out from them counts only once it leads to a signed root.

use core::fmt;
use std::collections::BTreeMap;

use super::tree::{MAX_SIZE, Span, Subtree, TreeHead, leaf_hash, node_hash};
use crate::codec::{B32, b32};
use crate::error::{Code, Result, need};

/// Hashes of a full tile, entries of a full bundle.
pub const WIDTH: u64 = 256;
/// Heights that one tile spans.
const HEIGHT: u8 = 8;
/// The highest level that a tree of at most [`MAX_SIZE`] entries has: 256^7 is below 2^63, 256^8 is not.
pub const MAX_LEVEL: u8 = 7;
/// The longest entry: its length has 16 bits.
pub const MAX_ENTRY: usize = 0xffff;

/// Where a tile or bundle lies, and how wide it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tile {
    kind: Kind,
    index: u64,
    width: u64,
}

/// What a tile holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Hashes of this level.
    Hashes(u8),
    /// Entries.
    Entries,
}

impl Kind {
    /// Number of hashes or entries that a tree of `size` has of this kind.
    const fn count(self, size: u64) -> u64 {
        match self {
            Self::Hashes(level) => size >> (HEIGHT * level),
            Self::Entries => size,
        }
    }
}

impl Tile {
    /// The tile in its form for a tree of `size`: full, or the partial one. Error: `tile` (that tree doesn't have it).
    pub fn of_tree(kind: Kind, index: u64, size: u64) -> Result<Self> {
        need(!matches!(kind, Kind::Hashes(level) if level > MAX_LEVEL) && size <= MAX_SIZE, Code::Tile)?;
        let before = index.checked_mul(WIDTH).ok_or(Code::Tile)?;
        let width = kind.count(size).saturating_sub(before).min(WIDTH);
        need(width > 0, Code::Tile)?;
        Ok(Self { kind, index, width })
    }

    /// Reads a path, from `tile/` on. Error: `tile`.
    pub fn parse(path: &str) -> Result<Self> {
        Self::read(path).filter(|tile| tile.to_string() == path).ok_or(Code::Tile.into())
    }

    fn read(path: &str) -> Option<Self> {
        let (kind, place) = path.strip_prefix("tile/")?.split_once('/')?;
        let kind = if kind == "entries" { Kind::Entries } else { Kind::Hashes(kind.parse().ok()?) };
        let (groups, width) = match place.split_once(".p/") {
            Some((groups, width)) => (groups, width.parse().ok().filter(|w| (1..WIDTH).contains(w))?),
            None => (place, WIDTH),
        };
        let mut index = 0_u64;
        for group in groups.split('/') {
            let digits: u64 = group.strip_prefix('x').unwrap_or(group).parse().ok()?;
            index = index.checked_mul(1000)?.checked_add(digits)?;
        }
        let in_range = !matches!(kind, Kind::Hashes(level) if level > MAX_LEVEL) && index <= MAX_SIZE / WIDTH;
        in_range.then_some(Self { kind, index, width })
    }

    /// What it holds.
    #[must_use]
    pub const fn kind(self) -> Kind {
        self.kind
    }

    /// Which of its kind and level, from 0.
    #[must_use]
    pub const fn index(self) -> u64 {
        self.index
    }

    /// How many hashes or entries, 1 to 256.
    #[must_use]
    pub const fn width(self) -> u64 {
        self.width
    }

    /// Number of its first hash or entry, within its kind and level.
    #[must_use]
    pub const fn start(self) -> u64 {
        self.index * WIDTH
    }

    /// The same tile in full, for when a partial one is gone.
    #[must_use]
    pub const fn full(self) -> Self {
        Self { width: WIDTH, ..self }
    }
}

impl fmt::Display for Tile {
    /// The path, from `tile/` on.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            Kind::Hashes(level) => write!(f, "tile/{level}/")?,
            Kind::Entries => f.write_str("tile/entries/")?,
        }
        let (mut groups, mut rest) = (vec![self.index % 1000], self.index / 1000);
        while rest > 0 {
            groups.push(rest % 1000);
            rest /= 1000;
        }
        for group in groups.iter().skip(1).rev() {
            write!(f, "x{group:03}/")?;
        }
        write!(f, "{:03}", self.index % 1000)?;
        if self.width < WIDTH { write!(f, ".p/{}", self.width) } else { Ok(()) }
    }
}

/// All entry bundles of a tree from the one that holds entry `from` on, made one after the other: the size may be what a
/// log claims before anybody has seen its entries. Error: `tile`.
pub fn bundles(from: u64, size: u64) -> Result<impl Iterator<Item = Tile>> {
    need(size <= MAX_SIZE, Code::Tile)?;
    let indices = from / WIDTH..size.div_ceil(WIDTH);
    Ok(indices.map_while(move |index| Tile::of_tree(Kind::Entries, index, size).ok()))
}

/// All hash tiles that a tree of `new` entries has and one of `old` had not, or had narrower. Error: `tile`.
pub fn grown(old: u64, new: u64) -> Result<Vec<Tile>> {
    let mut tiles = Vec::new();
    for kind in (0..=MAX_LEVEL).map(Kind::Hashes) {
        let (before, now) = (kind.count(old), kind.count(new));
        if before < now {
            let indices = before / WIDTH..now.div_ceil(WIDTH);
            tiles.extend(indices.map(|index| Tile::of_tree(kind, index, new)).collect::<Result<Vec<_>>>()?);
        }
    }
    Ok(tiles)
}

/// Reads the hashes of a tile. Error: `tile` (another width).
pub fn parse_hashes(tile: Tile, bytes: &[u8]) -> Result<Vec<B32>> {
    let hashes = bytes.chunks(32).map(b32).collect::<Result<Vec<_>>>().map_err(|_| Code::Tile)?;
    need(hashes.len() as u64 == tile.width, Code::Tile)?;
    Ok(hashes)
}

/// Reads the entries of a bundle. Error: `tile` (another number, or cut short).
pub fn parse_entries(tile: Tile, bytes: &[u8]) -> Result<Vec<Vec<u8>>> {
    let (mut entries, mut rest) = (Vec::new(), bytes);
    while !rest.is_empty() {
        let (length, behind) = rest.split_first_chunk().ok_or(Code::Tile)?;
        let (entry, behind) = behind.split_at_checked(u16::from_be_bytes(*length).into()).ok_or(Code::Tile)?;
        entries.push(entry.to_vec());
        rest = behind;
    }
    need(entries.len() as u64 == tile.width, Code::Tile)?;
    Ok(entries)
}

/// Adds an entry to a bundle. Error: `too-long`.
pub fn push_entry(bundle: &mut Vec<u8>, entry: &[u8]) -> Result<()> {
    let length = u16::try_from(entry.len()).map_err(|_| Code::TooLong)?;
    bundle.extend_from_slice(&length.to_be_bytes());
    bundle.extend_from_slice(entry);
    Ok(())
}

/// Hash tiles of one tree, as they were fetched: a source of hashes for [`super::tree::prove`] and [`Span::hash`].
#[derive(Clone, Debug)]
pub struct Tiles {
    size: u64,
    hashes: BTreeMap<Tile, Vec<B32>>,
}

impl Tiles {
    /// None yet, of a tree of this size.
    #[must_use]
    pub const fn new(size: u64) -> Self {
        Self { size, hashes: BTreeMap::new() }
    }

    /// Fetches, one after the other, all tiles that the spans need. Errors: the fetcher's, `tile`.
    pub fn fetched(size: u64, spans: &[Span], mut fetch: impl FnMut(Tile) -> Result<Vec<u8>>) -> Result<Self> {
        let mut tiles = Self::new(size);
        for tile in Self::needed(size, spans)? {
            tiles.insert(tile, &fetch(tile)?)?;
        }
        Ok(tiles)
    }

    /// The tiles that the hashes of these spans are worked out from, each once. Error: `tile`.
    pub fn needed(size: u64, spans: &[Span]) -> Result<Vec<Tile>> {
        let subtrees = spans.iter().flat_map(|span| span.subtrees());
        let mut tiles = subtrees.map(|s| Ok(place(s, size)?.0)).collect::<Result<Vec<_>>>()?;
        tiles.sort_unstable();
        tiles.dedup();
        Ok(tiles)
    }

    /// Takes a tile's bytes in. Error: `tile`.
    pub fn insert(&mut self, tile: Tile, bytes: &[u8]) -> Result<()> {
        self.hashes.insert(tile, parse_hashes(tile, bytes)?);
        Ok(())
    }

    /// The hash of a complete subtree. Error: `tile` (its tile is not here).
    pub fn hash(&self, subtree: Subtree) -> Result<B32> {
        let (tile, offset, count) = place(subtree, self.size)?;
        let row = self.hashes.get(&tile).and_then(|row| row.get(offset..offset + count)).ok_or(Code::Tile)?;
        fold(row).ok_or(Code::Tile.into())
    }
}

/// The tile that holds a subtree's hash, or the `count` hashes from `offset` that it is made of.
fn place(subtree: Subtree, size: u64) -> Result<(Tile, usize, usize)> {
    let (level, above) = (subtree.level / HEIGHT, subtree.level % HEIGHT);
    let first = subtree.index << above;
    let tile = Tile::of_tree(Kind::Hashes(level), first / WIDTH, size)?;
    let offset = usize::try_from(first % WIDTH).map_err(|_| Code::Tile)?;
    Ok((tile, offset, 1 << above))
}

/// The root of 2^n hashes, level by level.
pub(super) fn fold(row: &[B32]) -> Option<B32> {
    let mut row = row.to_vec();
    while row.len() > 1 {
        row = row.chunks_exact(2).filter_map(|pair| Some(node_hash(pair.first()?, pair.last()?))).collect();
    }
    row.first().copied()
}

/// A tree that grows: of each level it keeps only the tile at the right edge, and hands out the tiles that changed.
#[derive(Clone, Debug, Default)]
pub struct Edge {
    size: u64,
    rows: Vec<Vec<B32>>,
    full: Vec<(Tile, Vec<u8>)>,
}

impl Edge {
    /// Loads the edge of a tree of `size`. Errors: the loader's, `tile`.
    pub fn load(size: u64, mut load: impl FnMut(Tile) -> Result<Vec<u8>>) -> Result<Self> {
        let mut edge = Self { size, ..Self::default() };
        for tile in Self::tiles_of(size)? {
            let bytes = tile.map(&mut load).transpose()?.unwrap_or_default();
            edge.rows.push(tile.map_or(Ok(Vec::new()), |tile| parse_hashes(tile, &bytes))?);
        }
        Ok(edge)
    }

    /// The partial tile of each level, from 0 up; `None` where the last one is full.
    pub fn tiles_of(size: u64) -> Result<Vec<Option<Tile>>> {
        let kinds = (0..=MAX_LEVEL).map(Kind::Hashes).take_while(|kind| kind.count(size) > 0);
        kinds
            .map(|kind| {
                let count = kind.count(size);
                if count % WIDTH == 0 { Ok(None) } else { Tile::of_tree(kind, count / WIDTH, size).map(Some) }
            })
            .collect()
    }

    /// Number of entries.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Adds an entry. Errors: `too-long`, `size`.
    pub fn push(&mut self, entry: &[u8]) -> Result<()> {
        need(entry.len() <= MAX_ENTRY, Code::TooLong)?;
        need(self.size < MAX_SIZE, Code::Size)?;
        self.size += 1;
        let (mut hash, mut level) = (leaf_hash(entry), 0_u8);
        loop {
            let at = usize::from(level);
            if self.rows.len() <= at {
                self.rows.push(Vec::new());
            }
            let Some(row) = self.rows.get_mut(at) else { return Err(Code::Tile.into()) };
            row.push(hash);
            if (row.len() as u64) < WIDTH {
                return Ok(());
            }
            let row = core::mem::take(row);
            let index = Kind::Hashes(level).count(self.size) / WIDTH - 1;
            self.full.push((Tile { kind: Kind::Hashes(level), index, width: WIDTH }, row.concat()));
            hash = fold(&row).ok_or(Code::Tile)?;
            level += 1;
        }
    }

    /// Size and root.
    #[must_use]
    pub fn head(&self) -> TreeHead {
        // Each row's hashes are of height 8·level, all to the right of the rows above: small on the right, as in a span.
        let mut root = None;
        for row in &self.rows {
            let mut rest = row.as_slice();
            while !rest.is_empty() {
                // The lowest set bit of the row's length is the rightmost complete subtree in it.
                let right = 1 << rest.len().trailing_zeros();
                let Some((before, subtree)) = rest.split_at_checked(rest.len() - right) else { break };
                root = fold(subtree).map(|left| root.map_or(left, |right| node_hash(&left, &right)));
                rest = before;
            }
        }
        root.map_or(TreeHead::EMPTY, |root| TreeHead { size: self.size, root })
    }

    /// The tiles that became full since the last call, and the partial ones of the present size. Error: `tile`.
    pub fn take_tiles(&mut self) -> Result<Vec<(Tile, Vec<u8>)>> {
        let mut tiles = core::mem::take(&mut self.full);
        for (tile, row) in Self::tiles_of(self.size)?.into_iter().zip(&self.rows) {
            tiles.extend(tile.map(|tile| (tile, row.concat())));
        }
        Ok(tiles)
    }
}
