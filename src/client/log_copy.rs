//! Copies a log into a folder, so that it can be audited offline and compared with what others see.
//!
//! ```text
//! <folder>/tile/…            written as they come, each under another name first
//! <folder>/checkpoints/…     after the whole walk was checked
//! <folder>/checkpoint        last: what stands under it is there and was checked; what lies beyond it counts for nothing
//! <folder>/evidence/<hash>   two checkpoints of one log of which neither extends the other
//! ```
//! A copy that is there is extended from its checkpoint on. What a killed copy left is taken up again, and checked as if it
//! came from the log; if it does not fit, it is fetched anew.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use tabir_crypto::Code;
use tabir_crypto::log::{CosignedCheckpoint, TreeHead};

use super::log_reader::{Heads, LogReader, Part};
use super::log_source::{LogFolder, LogSource, ReadError};

/// Told how many of how many new entries are there.
pub type Progress<'a> = &'a mut (dyn FnMut(u64, u64) + Send);

/// As [`copy_log_with`], and says nothing on the way.
pub async fn copy_log<S: LogSource>(reader: &LogReader<S>, folder: &Path) -> Result<Heads, ReadError> {
    copy_log_with(reader, folder, &mut |_, _| {}).await
}

/// Brings the copy in `folder` up to date. A checkpoint that stands there already must be extended by the new one, and
/// what was kept must still be so: errors with the codes `shrunk` and `consistency` show two histories of one log, and
/// leave both checkpoints in the folder `evidence`.
pub async fn copy_log_with<S: LogSource>(
    reader: &LogReader<S>,
    folder: &Path,
    progress: Progress<'_>,
) -> Result<Heads, ReadError> {
    let copy = reader.with_source(LogFolder(folder.to_owned()));
    let mine = match copy.copied_checkpoint().await {
        Ok(mine) => Some(mine),
        Err(ReadError::Missing(_)) => None,
        Err(e) => return Err(e),
    };
    let theirs = reader.checkpoint().await?;
    let known = mine.as_ref().map_or(TreeHead::EMPTY, CosignedCheckpoint::head);
    let grown = grow(reader, &copy, known, &theirs, folder, progress).await;
    keep_both(folder, grown, mine.as_ref(), &theirs)
}

/// Keeps both checkpoints where a log shrank or forked.
pub(super) fn keep_both<T>(
    folder: &Path,
    result: Result<T, ReadError>,
    mine: Option<&CosignedCheckpoint>,
    theirs: &CosignedCheckpoint,
) -> Result<T, ReadError> {
    if let (Err(error), Some(mine)) = (&result, mine)
        && matches!(error.code(), Some(Code::Shrunk | Code::Consistency))
    {
        for side in [mine, theirs] {
            write(folder, &format!("evidence/{}", hex::encode(side.signed().hash())), &side.signed().to_bytes())?;
        }
    }
    result
}

async fn grow<S: LogSource>(
    reader: &LogReader<S>,
    copy: &LogReader<LogFolder>,
    known: TreeHead,
    theirs: &CosignedCheckpoint,
    folder: &Path,
    progress: Progress<'_>,
) -> Result<Heads, ReadError> {
    let heads = reader.heads(theirs.clone(), known).await?;
    let left = Left { folder: copy.source(), log: reader.source(), taken: AtomicBool::new(false) };
    let resumed = reader.with_source(left);
    match walk(&resumed, known, &heads, folder, &mut *progress).await {
        // What lay there may be to blame, and the log not.
        Err(error) if error.code() == Some(Code::Tile) && resumed.source().taken.load(Ordering::Relaxed) => {
            walk(reader, known, &heads, folder, progress).await?;
        }
        walked => walked?,
    }
    let older = kept_for_ever(reader, copy, known, theirs).await?;
    for kept in older.iter().chain(&heads.kept) {
        write(folder, &format!("checkpoints/{}", kept.head().size), &kept.signed().to_bytes())?;
    }
    write(folder, "checkpoint", &theirs.signed().to_bytes())?;
    Ok(heads)
}

async fn walk<S: LogSource>(
    reader: &LogReader<S>,
    known: TreeHead,
    heads: &Heads,
    folder: &Path,
    progress: Progress<'_>,
) -> Result<(), ReadError> {
    let total = heads.checkpoint.head().size.saturating_sub(known.size);
    let visit = |part: Part<'_>| match part {
        Part::Bundle { tile, bytes, .. } => {
            progress((tile.start() + tile.width()).saturating_sub(known.size), total);
            write(folder, &tile.to_string(), bytes)
        }
        Part::Tiles(tiles) => tiles.iter().try_for_each(|(tile, bytes)| write(folder, &tile.to_string(), bytes)),
    };
    reader.walk(known, heads, visit).await
}

/// The log, but for bundles that a copy which was broken off has left.
struct Left<'a, S> {
    folder: &'a LogFolder,
    log: &'a S,
    taken: AtomicBool,
}

impl<S: LogSource> LogSource for Left<'_, S> {
    async fn get(&self, path: &str) -> Result<Vec<u8>, ReadError> {
        if path.starts_with("tile/entries/")
            && let Ok(bytes) = self.folder.get(path).await
        {
            self.taken.store(true, Ordering::Relaxed);
            return Ok(bytes);
        }
        self.log.get(path).await
    }

    async fn kept_sizes(&self) -> Result<Vec<u64>, ReadError> {
        self.log.kept_sizes().await
    }
}

/// A kept checkpoint never changes and never goes. If it could, entries would become as old or as young as the log likes.
/// Gives those that the log has, up to the known size, and the copy has not.
async fn kept_for_ever<S: LogSource>(
    reader: &LogReader<S>,
    copy: &LogReader<LogFolder>,
    known: TreeHead,
    theirs: &CosignedCheckpoint,
) -> Result<Vec<CosignedCheckpoint>, ReadError> {
    let have: BTreeSet<u64> = copy.source().kept_sizes().await?.into_iter().collect();
    for size in &have {
        let path = format!("checkpoints/{size}");
        let same = match reader.source().get(&path).await {
            Ok(shown) => shown == copy.source().get(&path).await?,
            Err(ReadError::Missing(_)) => false,
            Err(error) => return Err(error),
        };
        if !same {
            return Err(ReadError::Refused { what: path, source: Code::Consistency.into() });
        }
    }
    let mut older = Vec::new();
    for size in reader.source().kept_sizes().await? {
        if size <= known.size && !have.contains(&size) {
            let kept = reader.kept(size).await?;
            reader.check_consistency(kept.head(), theirs.head()).await?;
            older.push(kept);
        }
    }
    Ok(older)
}

/// Whole or not at all: under another name first.
pub(super) fn write(folder: &Path, path: &str, bytes: &[u8]) -> Result<(), ReadError> {
    let file = folder.join(path);
    let part = file.with_extension("part");
    let work = || {
        if let Some(parent) = file.parent() {
            std::fs::create_dir_all(parent)?;
        }
        std::fs::write(&part, bytes)?;
        std::fs::rename(&part, &file)
    };
    work().map_err(|source| ReadError::File { path: file.clone(), source })
}
