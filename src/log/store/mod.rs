//! What the log keeps: leaves, tiles, every checkpoint it ever signed, cosignatures. All SQL of the role.

mod append;
mod grow;
mod restore;

use std::path::Path;

use sqlx::{AnyConnection, Row as _};
use tabir_crypto::B32;
use tabir_crypto::log::tile::{Kind, Tile, WIDTH};
use tabir_crypto::trust::root::LogName;

use super::fault::{Faults, Step};
use crate::db::{Db, DbError};

pub use append::{Appended, New, Next};
pub use grow::{Base, Growth, LEASE_S, Written};
pub use restore::Head;

/// Its file in the role's folder.
pub const FILE: &str = "store.sqlite";

/// The schema.
pub static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("migrations/log");

/// Both logs' store.
#[derive(Clone)]
pub struct Store {
    db: Db,
    faults: Faults,
}

/// A stored checkpoint.
#[derive(Clone, Debug)]
pub struct Stored {
    /// As the log signed it.
    pub note: Vec<u8>,
    /// Lines of its witnesses, the newest of each.
    pub lines: Vec<String>,
}

fn sql(n: u64) -> Result<i64, DbError> {
    i64::try_from(n).map_err(|_| DbError::Malformed("number"))
}

fn unsigned(n: i64) -> Result<u64, DbError> {
    u64::try_from(n).map_err(|_| DbError::Malformed("number"))
}

impl Store {
    /// Opens or creates it.
    pub async fn open(dir: &Path, faults: Faults) -> Result<Self, DbError> {
        Self::open_file(&dir.join(FILE), faults).await
    }

    /// As [`Store::open`], under another name.
    pub async fn open_file(file: &Path, faults: Faults) -> Result<Self, DbError> {
        Ok(Self { db: Db::open(file, &MIGRATIONS).await?, faults })
    }

    /// Closes it: all of it stands in its one file then.
    pub async fn close(self) {
        self.db.close().await;
    }

    /// The database.
    pub const fn db(&self) -> &Db {
        &self.db
    }

    /// Where a statement stands, if the log has it.
    pub async fn lookup(&self, log: LogName, pae: B32) -> Result<Option<u64>, DbError> {
        self.db.read(move |c| Box::pin(async move { index_of(c, log, &pae).await })).await
    }

    /// Leaves from a number on, at most `count`.
    pub async fn leaves(&self, log: LogName, from: u64, count: u64) -> Result<Vec<Vec<u8>>, DbError> {
        let (from, count) = (sql(from)?, sql(count)?);
        self.db.read(move |c| Box::pin(async move { leaves(c, log, from, count).await })).await
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

    /// Stores a witness's line, if it is `newer` than the one that is there. `complete` makes the whole note once the lines
    /// of a time or later are a quorum; the first such note is kept for ever, and returned. A recovered head that a quorum
    /// has cosigned since its recovery is one as any other.
    pub async fn cosign(
        &self,
        log: LogName,
        size: u64,
        witness: B32,
        line: String,
        newer: impl Fn(&str) -> bool + Send + 'static,
        complete: impl Fn(&[String], u64) -> Option<Vec<u8>> + Send + 'static,
    ) -> Result<Option<Vec<u8>>, DbError> {
        let (size, faults) = (sql(size)?, self.faults.clone());
        let done = self.db.write(move |tx| {
            Box::pin(async move {
                let find = "SELECT line FROM cosignature WHERE log = $1 AND size = $2 AND witness = $3";
                let find = sqlx::query(find).bind(log.as_str()).bind(size).bind(witness.to_vec());
                let before: Option<String> =
                    find.fetch_optional(&mut *tx).await?.map(|row| row.try_get(0)).transpose()?;
                if before.is_some_and(|line| !newer(&line)) {
                    return Ok(None);
                }
                let put = "INSERT INTO cosignature (log, size, witness, line) VALUES ($1, $2, $3, $4) \
                               ON CONFLICT (log, size, witness) DO UPDATE SET line = excluded.line";
                sqlx::query(put)
                    .bind(log.as_str())
                    .bind(size)
                    .bind(witness.to_vec())
                    .bind(line)
                    .execute(&mut *tx)
                    .await?;
                faults.at(Step::LineWritten)?;
                let lines = lines(tx, log, size).await?;
                if let Some(since) = restore::since(tx, log, size).await?
                    && complete(&lines, since).is_some()
                {
                    restore::confirm(tx, log).await?;
                }
                let Some(note) = complete(&lines, 0) else { return Ok(None) };
                let keep = "UPDATE checkpoint SET kept = $1 WHERE log = $2 AND size = $3 AND kept IS NULL";
                let done = sqlx::query(keep).bind(note.clone()).bind(log.as_str()).bind(size).execute(&mut *tx).await?;
                sqlx::query("DELETE FROM cosignature WHERE log = $1 AND size < $2")
                    .bind(log.as_str())
                    .bind(size)
                    .execute(tx)
                    .await?;
                faults.at(Step::KeptWritten)?;
                Ok((done.rows_affected() == 1).then_some(note))
            })
        });
        let kept = done.await?;
        self.faults.at(Step::Cosigned)?;
        Ok(kept)
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
