//! What a log's tiles say of its tree: that one head extends another, and which root it had at a smaller size.

use tabir_crypto::log::tile::Tiles;
use tabir_crypto::log::tree::{Span, consistency_plan, prove};
use tabir_crypto::log::{TreeHead, verify_consistency};
use tabir_crypto::{B32, Code};

use super::log_reader::{LogReader, refuse, refused};
use super::log_source::{LogSource, ReadError};

/// The proof that the tree of `new` entries extends that of `old`, worked out from a source's tiles; it shows nothing
/// before it is verified. Errors: `size` (`old` above `new`), `tile`.
pub async fn consistency_proof<S: LogSource>(source: &S, old: u64, new: u64) -> Result<Vec<B32>, ReadError> {
    let plan = consistency_plan(old, new).map_err(refused("tile"))?;
    let tiles = tiles_of(source, new, &plan).await?;
    prove(&plan, |subtree| tiles.hash(subtree)).map_err(refused("tile"))
}

/// The tiles of the tree of `size` entries from which these spans are worked out.
pub(super) async fn tiles_of<S: LogSource>(source: &S, size: u64, spans: &[Span]) -> Result<Tiles, ReadError> {
    let mut tiles = Tiles::new(size);
    for tile in Tiles::needed(size, spans).map_err(refused("tile"))? {
        tiles.insert(tile, &source.get(&tile.to_string()).await?).map_err(refused(tile))?;
    }
    Ok(tiles)
}

impl<S: LogSource> LogReader<S> {
    /// The root that the tree of a head had at a smaller size, by the tiles, and proven against that head: tiles that were
    /// changed are an error here and no other history. Errors: `size`, `tile`.
    pub async fn root_at(&self, size: u64, head: TreeHead) -> Result<B32, ReadError> {
        if size == 0 {
            return Ok(TreeHead::EMPTY.root);
        }
        let mut spans = consistency_plan(size, head.size).map_err(refused("tile"))?;
        let whole = Span::whole(size).map_err(refused("tile"))?;
        spans.push(whole);
        let tiles = tiles_of(self.source(), head.size, &spans).await?;
        let root = whole.hash(|subtree| tiles.hash(subtree)).map_err(refused("tile"))?;
        spans.pop();
        let proof = prove(&spans, |subtree| tiles.hash(subtree)).map_err(refused("tile"))?;
        match verify_consistency(TreeHead { size, root }, head, &proof) {
            Ok(()) => Ok(root),
            Err(_) => refuse("tile", Code::Tile),
        }
    }
}
