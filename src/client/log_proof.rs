//! One entry of a log with its proof, from the log's tiles: for a log of any length, without reading its entries.

use tabir_crypto::Code;
use tabir_crypto::log::tile::{self, Kind, Tile, Tiles, WIDTH};
use tabir_crypto::log::tree::inclusion_plan;
use tabir_crypto::log::{CosignedCheckpoint, TlogProof};

use super::log_reader::LogReader;
use super::log_source::{LogSource, ReadError};

impl<S: LogSource> LogReader<S> {
    /// The bytes of an entry and its proof in the first kept checkpoint that covers it, both from a log whose newest
    /// checkpoint this is. Nothing is believed: whoever uses the proof verifies it. Errors: `size` for a number that the
    /// log does not have, `tile`, those of [`LogReader::kept`].
    pub async fn entry_with_proof(
        &self,
        index: u64,
        newest: &CosignedCheckpoint,
    ) -> Result<(Vec<u8>, TlogProof), ReadError> {
        let size = newest.head().size;
        let refused = |what: String| move |source| ReadError::Refused { what, source };
        let no_entry = || ReadError::Refused { what: format!("entry {index}"), source: Code::Size.into() };
        if index >= size {
            return Err(no_entry());
        }
        let bundle = Tile::of_tree(Kind::Entries, index / WIDTH, size).map_err(refused("tile".into()))?;
        let bytes = self.source().get(&bundle.to_string()).await?;
        let entries = tile::parse_entries(bundle, &bytes).map_err(refused(bundle.to_string()))?;
        let place = usize::try_from(index % WIDTH).ok();
        let entry = place.and_then(|place| entries.into_iter().nth(place)).ok_or_else(no_entry)?;
        let covers = match self.source().kept_sizes().await?.into_iter().find(|kept| *kept > index && *kept <= size) {
            Some(kept) => self.kept(kept).await?,
            None => newest.clone(),
        };
        // Complete subtrees of the smaller tree stand in the tiles of the larger one.
        let plan = inclusion_plan(index, covers.head().size).map_err(refused("tile".into()))?;
        let mut tiles = Tiles::new(size);
        for tile in Tiles::needed(size, &plan).map_err(refused("tile".into()))? {
            let bytes = self.source().get(&tile.to_string()).await?;
            tiles.insert(tile, &bytes).map_err(refused(tile.to_string()))?;
        }
        let proof = TlogProof::of(index, covers.signed(), |subtree| tiles.hash(subtree));
        Ok((entry, proof.map_err(refused(format!("entry {index}")))?))
    }
}
