//! What the log keeps: leaves, tiles, every checkpoint it ever signed, cosignatures. All SQL of the role.

use std::path::Path;

use sqlx::{AnyConnection, Row as _};
use tabir_crypto::B32;
use tabir_crypto::log::tile::{Edge, Kind, Tile, WIDTH};
use tabir_crypto::trust::root::LogName;

use crate::db::{Db, DbError, expect_rows};

/// Entries that one growth takes: bounds its memory to 64 MiB of the longest leaves.
const MAX_GROWTH: i64 = 1024;

static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("migrations/log");

/// Both logs' store.
#[derive(Clone)]
pub struct Store {
    db: Db,
}

/// Where an appended statement stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// Its entry number.
    pub index: u64,
    /// False if the log had it already.
    pub new: bool,
}

/// A stored checkpoint.
#[derive(Clone, Debug)]
pub struct Stored {
    /// As the log signed it.
    pub note: Vec<u8>,
    /// Lines of its witnesses, the newest of each.
    pub lines: Vec<String>,
}

/// What a growth starts from.
pub struct Growth {
    /// The checkpoint signed last.
    pub before: Option<Vec<u8>>,
    /// The partial tiles at the right edge, in the form of that size.
    pub edge: Vec<(Tile, Vec<u8>)>,
    /// The leaves that follow.
    pub leaves: Vec<Vec<u8>>,
}

fn sql(n: u64) -> Result<i64, DbError> {
    i64::try_from(n).map_err(|_| DbError::Malformed("number"))
}

fn unsigned(n: i64) -> Result<u64, DbError> {
    u64::try_from(n).map_err(|_| DbError::Malformed("number"))
}

impl Store {
    /// Opens or creates `store.sqlite`.
    pub async fn open(dir: &Path) -> Result<Self, DbError> {
        Ok(Self { db: Db::open(&dir.join("store.sqlite"), &MIGRATIONS).await? })
    }

    /// Where a statement stands, if the log has it.
    pub async fn lookup(&self, log: LogName, pae: B32) -> Result<Option<u64>, DbError> {
        self.db.read(move |c| Box::pin(async move { index_of(c, log, &pae).await })).await
    }

    /// Takes a statement once, whatever signatures a second copy carries. It is durable when this returns.
    pub async fn append(&self, log: LogName, pae: B32, leaf: Vec<u8>) -> Result<Appended, DbError> {
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    if let Some(index) = index_of(tx, log, &pae).await? {
                        return Ok(Appended { index, new: false });
                    }
                    let next = "SELECT COALESCE(MAX(idx) + 1, 0) FROM leaf WHERE log = $1";
                    let index: i64 = sqlx::query(next).bind(log.as_str()).fetch_one(&mut *tx).await?.try_get(0)?;
                    let done = sqlx::query("INSERT INTO leaf (log, idx, pae, leaf) VALUES ($1, $2, $3, $4)")
                        .bind(log.as_str())
                        .bind(index)
                        .bind(pae.to_vec())
                        .bind(leaf)
                        .execute(tx)
                        .await?;
                    expect_rows("leaf", done.rows_affected(), 1)?;
                    Ok(Appended { index: unsigned(index)?, new: true })
                })
            })
            .await
    }

    /// Leaves from a number on, at most `count`.
    pub async fn leaves(&self, log: LogName, from: u64, count: u64) -> Result<Vec<Vec<u8>>, DbError> {
        let (from, count) = (sql(from)?, sql(count)?);
        self.db.read(move |c| Box::pin(async move { leaves(c, log, from, count).await })).await
    }

    /// What the next growth works on; nothing while there is no news, or while the last one waits for its quorum.
    pub async fn due(&self, log: LogName) -> Result<Option<Growth>, DbError> {
        self.db
            .read(move |c| {
                Box::pin(async move {
                    let newest = "SELECT size, note, kept FROM checkpoint WHERE log = $1 ORDER BY size DESC LIMIT 1";
                    let Some(row) = sqlx::query(newest).bind(log.as_str()).fetch_optional(&mut *c).await? else {
                        let leaves = leaves(c, log, 0, MAX_GROWTH).await?;
                        return Ok(Some(Growth { before: None, edge: Vec::new(), leaves }));
                    };
                    let (size, kept): (i64, Option<Vec<u8>>) = (row.try_get(0)?, row.try_get(2)?);
                    // The empty tree has nothing that a fork could hide: its quorum may come later.
                    if kept.is_none() && size > 0 {
                        return Ok(None);
                    }
                    let leaves = leaves(c, log, size, MAX_GROWTH).await?;
                    if leaves.is_empty() {
                        return Ok(None);
                    }
                    let tiles = Edge::tiles_of(unsigned(size)?).map_err(|_| DbError::Malformed("size"))?;
                    let mut edge = Vec::new();
                    for tile in tiles.into_iter().flatten() {
                        edge.push((tile, hashes(c, log, tile).await?.ok_or(DbError::Malformed("tile"))?));
                    }
                    Ok(Some(Growth { before: Some(row.try_get(1)?), edge, leaves }))
                })
            })
            .await
    }

    /// Writes a growth whole: tiles and checkpoint, on top of the checkpoint of size `before` and no other.
    pub async fn integrate(
        &self,
        log: LogName,
        before: Option<u64>,
        size: u64,
        note: Vec<u8>,
        tiles: Vec<(Tile, Vec<u8>)>,
    ) -> Result<(), DbError> {
        let (before, size) = (before.map(sql).transpose()?.unwrap_or(-1), sql(size)?);
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    let newest = "SELECT COALESCE(MAX(size), -1) FROM checkpoint WHERE log = $1";
                    let newest: i64 = sqlx::query(newest).bind(log.as_str()).fetch_one(&mut *tx).await?.try_get(0)?;
                    if newest != before {
                        return Err(DbError::Malformed("checkpoint")); // a second process on this store
                    }
                    for (tile, hashes) in tiles {
                        let Kind::Hashes(level) = tile.kind() else { continue };
                        let put = "INSERT INTO tile (log, level, idx, hashes) VALUES ($1, $2, $3, $4) \
                                   ON CONFLICT (log, level, idx) DO UPDATE SET hashes = excluded.hashes";
                        sqlx::query(put)
                            .bind(log.as_str())
                            .bind(i64::from(level))
                            .bind(sql(tile.index())?)
                            .bind(hashes)
                            .execute(&mut *tx)
                            .await?;
                    }
                    let done = sqlx::query("INSERT INTO checkpoint (log, size, note) VALUES ($1, $2, $3)")
                        .bind(log.as_str())
                        .bind(size)
                        .bind(note)
                        .execute(tx)
                        .await?;
                    expect_rows("checkpoint", done.rows_affected(), 1)
                })
            })
            .await
    }

    /// The hashes of a tile, cut to its width. `None` if there are fewer.
    pub async fn tile(&self, log: LogName, tile: Tile) -> Result<Option<Vec<u8>>, DbError> {
        self.db.read(move |c| Box::pin(async move { hashes(c, log, tile).await })).await
    }

    /// The newest checkpoint, and the newest that a quorum cosigned (which may be the same, or be missing).
    pub async fn current(&self, log: LogName) -> Result<(Option<Stored>, Option<Stored>), DbError> {
        self.db
            .read(move |c| {
                Box::pin(async move {
                    let signed = "SELECT size, note FROM checkpoint WHERE log = $1 ORDER BY size DESC LIMIT 1";
                    let cosigned = "SELECT size, note FROM checkpoint WHERE log = $1 AND kept IS NOT NULL \
                                    ORDER BY size DESC LIMIT 1";
                    Ok((stored(c, log, signed).await?, stored(c, log, cosigned).await?))
                })
            })
            .await
    }

    /// Stores a witness's newest line. `complete` makes the whole note once the lines are a quorum; the first such note
    /// is kept for ever, and returned.
    pub async fn cosign(
        &self,
        log: LogName,
        size: u64,
        witness: B32,
        line: String,
        complete: impl FnOnce(&[String]) -> Option<Vec<u8>> + Send + 'static,
    ) -> Result<Option<Vec<u8>>, DbError> {
        let size = sql(size)?;
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    let put = "INSERT INTO cosignature (log, size, witness, line) VALUES ($1, $2, $3, $4) \
                               ON CONFLICT (log, size, witness) DO UPDATE SET line = excluded.line";
                    sqlx::query(put)
                        .bind(log.as_str())
                        .bind(size)
                        .bind(witness.to_vec())
                        .bind(line)
                        .execute(&mut *tx)
                        .await?;
                    let Some(note) = complete(&lines(tx, log, size).await?) else { return Ok(None) };
                    let keep = "UPDATE checkpoint SET kept = $1 WHERE log = $2 AND size = $3 AND kept IS NULL";
                    let done =
                        sqlx::query(keep).bind(note.clone()).bind(log.as_str()).bind(size).execute(&mut *tx).await?;
                    sqlx::query("DELETE FROM cosignature WHERE log = $1 AND size < $2")
                        .bind(log.as_str())
                        .bind(size)
                        .execute(tx)
                        .await?;
                    Ok((done.rows_affected() == 1).then_some(note))
                })
            })
            .await
    }

    /// Sizes of all kept checkpoints, rising.
    pub async fn kept_sizes(&self, log: LogName) -> Result<Vec<u64>, DbError> {
        self.db
            .read(move |c| {
                Box::pin(async move {
                    let all = "SELECT size FROM checkpoint WHERE log = $1 AND kept IS NOT NULL ORDER BY size";
                    let rows = sqlx::query(all).bind(log.as_str()).fetch_all(c).await?;
                    rows.iter().map(|row| unsigned(row.try_get(0)?)).collect()
                })
            })
            .await
    }

    /// A kept checkpoint.
    pub async fn kept(&self, log: LogName, size: u64) -> Result<Option<Vec<u8>>, DbError> {
        let size = sql(size)?;
        self.db
            .read(move |c| {
                Box::pin(async move {
                    let one = "SELECT kept FROM checkpoint WHERE log = $1 AND size = $2 AND kept IS NOT NULL";
                    let row = sqlx::query(one).bind(log.as_str()).bind(size).fetch_optional(c).await?;
                    row.map(|row| Ok(row.try_get(0)?)).transpose()
                })
            })
            .await
    }
}

async fn index_of(c: &mut AnyConnection, log: LogName, pae: &B32) -> Result<Option<u64>, DbError> {
    let find = "SELECT idx FROM leaf WHERE log = $1 AND pae = $2";
    let row = sqlx::query(find).bind(log.as_str()).bind(pae.to_vec()).fetch_optional(c).await?;
    row.map(|row| unsigned(row.try_get(0)?)).transpose()
}

async fn leaves(c: &mut AnyConnection, log: LogName, from: i64, count: i64) -> Result<Vec<Vec<u8>>, DbError> {
    let range = "SELECT leaf FROM leaf WHERE log = $1 AND idx >= $2 ORDER BY idx LIMIT $3";
    let rows = sqlx::query(range).bind(log.as_str()).bind(from).bind(count).fetch_all(c).await?;
    rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
}

async fn hashes(c: &mut AnyConnection, log: LogName, tile: Tile) -> Result<Option<Vec<u8>>, DbError> {
    let (Kind::Hashes(level), true) = (tile.kind(), tile.width() <= WIDTH) else { return Ok(None) };
    let one = "SELECT hashes FROM tile WHERE log = $1 AND level = $2 AND idx = $3";
    let row = sqlx::query(one).bind(log.as_str()).bind(i64::from(level)).bind(sql(tile.index())?);
    let Some(row) = row.fetch_optional(c).await? else { return Ok(None) };
    let (mut hashes, width): (Vec<u8>, _) = (row.try_get(0)?, 32 * tile.width());
    let enough = hashes.len() as u64 >= width;
    hashes.truncate(usize::try_from(width).unwrap_or(usize::MAX));
    Ok(enough.then_some(hashes))
}

async fn lines(c: &mut AnyConnection, log: LogName, size: i64) -> Result<Vec<String>, DbError> {
    let all = "SELECT line FROM cosignature WHERE log = $1 AND size = $2 ORDER BY witness";
    let rows = sqlx::query(all).bind(log.as_str()).bind(size).fetch_all(c).await?;
    rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
}

async fn stored(c: &mut AnyConnection, log: LogName, one: &'static str) -> Result<Option<Stored>, DbError> {
    let Some(row) = sqlx::query(one).bind(log.as_str()).fetch_optional(&mut *c).await? else { return Ok(None) };
    let lines = lines(c, log, row.try_get(0)?).await?;
    Ok(Some(Stored { note: row.try_get(1)?, lines }))
}
