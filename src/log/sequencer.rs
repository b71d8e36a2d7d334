//! Grows a tree: takes the leaves that wait, writes the tiles that they change, signs the checkpoint. One transaction,
//! so that a restart finds either all of a growth or nothing of it, and no size is ever signed twice.

use std::collections::BTreeMap;

use tabir_crypto::Code;
use tabir_crypto::log::tile::Edge;
use tabir_crypto::log::{Checkpoint, LogVerifier, NoteSigner, SignedCheckpoint, TreeHead};
use tabir_crypto::trust::root::LogName;

use super::error::LogError;
use super::store::Store;

/// The one writer of a log's tree. Its key is in a file that only this process reads.
pub struct Sequencer {
    store: Store,
    name: LogName,
    log: LogVerifier,
    signer: NoteSigner,
}

impl Sequencer {
    /// For one log.
    pub const fn new(store: Store, name: LogName, log: LogVerifier, signer: NoteSigner) -> Self {
        Self { store, name, log, signer }
    }

    /// One growth, if one is due; at the very first, the checkpoint of the empty tree at least.
    pub async fn grow(&self) -> Result<(), LogError> {
        let Some(growth) = self.store.due(self.name).await? else { return Ok(()) };
        let before = growth.before.map(|note| SignedCheckpoint::open(&note, &self.log)).transpose()?;
        let head = before.as_ref().map_or(TreeHead::EMPTY, SignedCheckpoint::head);
        let tiles: BTreeMap<_, _> = growth.edge.into_iter().collect();
        let mut edge = Edge::load(head.size, |tile| Ok(tiles.get(&tile).ok_or(Code::Tile)?.clone()))?;
        if edge.head() != head {
            return Err(LogError::Corrupt);
        }
        for leaf in &growth.leaves {
            edge.push(leaf)?;
        }
        let checkpoint = Checkpoint { origin: self.log.origin().to_owned(), head: edge.head() };
        let signed = SignedCheckpoint::sign(checkpoint, &self.signer)?;
        let size = before.is_some().then_some(head.size);
        self.store.integrate(self.name, size, edge.size(), signed.to_bytes(), edge.take_tiles()?).await?;
        Ok(())
    }
}
