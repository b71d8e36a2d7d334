//! Copies a log into a folder, so that it can be audited offline and compared with what others see.
//!
//! The copy is written from what was checked, not from what was sent: the checkpoint last, when all under it is there.

use std::collections::BTreeMap;
use std::path::Path;

use tabir_crypto::Code;
use tabir_crypto::log::tile;
use tabir_crypto::log::{CosignedCheckpoint, TreeHead};

use super::log_reader::{Growth, LogReader};
use super::log_source::{LogFolder, LogSource, ReadError};

/// Entries of a full bundle.
const ENTRIES: usize = tile::WIDTH as usize;

/// Brings the copy in `folder` up to date. A checkpoint that stands there already must be extended by the new one, and
/// what was kept must still be so: errors with the codes `shrunk` and `consistency` show two histories of one log.
pub async fn copy_log<S: LogSource>(reader: &LogReader<S>, folder: &Path) -> Result<Growth, ReadError> {
    let growth = reader.read(TreeHead::EMPTY).await?;
    let copy = reader.with_source(LogFolder(folder.to_owned()));
    match copy.checkpoint().await {
        Ok(before) => reader.check_consistency(before.head(), growth.checkpoint.head()).await?,
        Err(ReadError::Missing(_)) => {}
        Err(e) => return Err(e),
    }
    kept_for_ever(&copy, &growth).await?;
    let bad = |what: &dyn ToString| {
        let what = what.to_string();
        move |source| ReadError::Refused { what, source }
    };
    let bundles = tile::bundles(0, growth.checkpoint.head().size).map_err(bad(&"tile"))?;
    for (bundle, entries) in bundles.zip(growth.entries.chunks(ENTRIES)) {
        let mut bytes = Vec::new();
        for entry in entries {
            tile::push_entry(&mut bytes, &entry.leaf).map_err(bad(&bundle))?;
        }
        write(folder, &bundle.to_string(), &bytes).await?;
    }
    for (tile, bytes) in &growth.tiles {
        write(folder, &tile.to_string(), bytes).await?;
    }
    for kept in &growth.kept {
        write(folder, &format!("checkpoints/{}", kept.head().size), &kept.signed().to_bytes()).await?;
    }
    write(folder, "checkpoint", &growth.checkpoint.signed().to_bytes()).await?;
    Ok(growth)
}

/// A kept checkpoint never changes and never goes. If it could, entries would become as old or as young as the log likes.
async fn kept_for_ever(copy: &LogReader<LogFolder>, growth: &Growth) -> Result<(), ReadError> {
    let shown: BTreeMap<u64, &CosignedCheckpoint> = growth.kept.iter().map(|k| (k.head().size, k)).collect();
    for size in copy.source().kept_sizes().await? {
        let path = format!("checkpoints/{size}");
        let have = copy.source().get(&path).await?;
        if shown.get(&size).is_none_or(|now| now.signed().to_bytes() != have) {
            return Err(ReadError::Refused { what: path, source: Code::Consistency.into() });
        }
    }
    Ok(())
}

/// Whole or not at all: under another name first.
async fn write(folder: &Path, path: &str, bytes: &[u8]) -> Result<(), ReadError> {
    let file = folder.join(path);
    let part = file.with_extension("part");
    let work = async {
        if let Some(parent) = file.parent() {
            tokio::fs::create_dir_all(parent).await?;
        }
        tokio::fs::write(&part, bytes).await?;
        tokio::fs::rename(&part, &file).await
    };
    work.await.map_err(|source| ReadError::File { path: file.clone(), source })
}
