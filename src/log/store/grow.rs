//! A tree's growth, and who may write it: one process at a time, elected by a row of the store.

use std::collections::BTreeMap;

use sqlx::{AnyConnection, Row as _};
use tabir_crypto::log::tile::{Edge, Kind, Tile};
use tabir_crypto::trust::root::LogName;
use tabir_crypto::{B32, Code};

use super::{Store, hashes, restore, sql, unsigned};
use crate::clock::Clock;
use crate::db::{DbError, expect_rows, stored};
use crate::log::fault::Step;

/// Seconds for which a lease is given: so long nothing grows when its holder has died.
pub const LEASE_S: u64 = 3;

/// The checkpoint signed last.
pub struct Base {
    /// As the log signed it; none before the very first.
    pub note: Option<Vec<u8>>,
    /// Whether a growth may follow: a quorum has seen this one, and there are entries beyond it.
    pub due: bool,
    /// Whether this one comes from a mirror, and no quorum has cosigned it again since.
    pub recovered: bool,
}

/// What became of a growth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// It is durable.
    Done,
    /// Nothing was written: the lease ran out, or is another's.
    NotHolder,
    /// Nothing was written: the newest checkpoint is another one.
    Moved,
}

/// A growth as its sequencer worked it out.
pub struct Growth {
    /// Size of the checkpoint that it follows.
    pub before: Option<u64>,
    /// New size.
    pub size: u64,
    /// The checkpoint as signed.
    pub note: Vec<u8>,
    /// Tiles that became full, and the partial ones.
    pub tiles: Vec<(Tile, Vec<u8>)>,
}

impl Store {
    /// Takes the lease, or renews it. Returns until when it is this holder's; `None` if it is another's.
    pub async fn hold(&self, log: LogName, holder: B32, clock: &Clock) -> Result<Option<u64>, DbError> {
        let now = clock.now();
        let free = self.db.read(move |c| Box::pin(async move { is_free(c, log, &holder, now).await })).await?;
        if !free {
            return Ok(None); // without a write: whoever stands by does not disturb
        }
        let clock = clock.clone();
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    let now = clock.now();
                    if !is_free(tx, log, &holder, now).await? {
                        return Ok(None);
                    }
                    let until = now + LEASE_S;
                    let put = "INSERT INTO lease (log, holder, until) VALUES ($1, $2, $3) \
                               ON CONFLICT (log) DO UPDATE SET holder = excluded.holder, until = excluded.until";
                    let put = sqlx::query(put).bind(log.as_str()).bind(holder.to_vec()).bind(stored(until));
                    expect_rows("lease", put.execute(tx).await?.rows_affected(), 1)?;
                    Ok(Some(until))
                })
            })
            .await
    }

    /// Gives the lease back, so that nobody has to wait for its end.
    pub async fn release(&self, log: LogName, holder: B32) -> Result<(), DbError> {
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    let end = "UPDATE lease SET until = 0 WHERE log = $1 AND holder = $2";
                    sqlx::query(end).bind(log.as_str()).bind(holder.to_vec()).execute(tx).await?;
                    Ok(())
                })
            })
            .await
    }

    /// What the next growth stands on.
    pub async fn base(&self, log: LogName) -> Result<Base, DbError> {
        self.db
            .read(move |c| {
                Box::pin(async move {
                    let newest = "SELECT size, note, CASE WHEN kept IS NULL THEN 0 ELSE 1 END FROM checkpoint \
                                  WHERE log = $1 ORDER BY size DESC LIMIT 1";
                    let Some(row) = sqlx::query(newest).bind(log.as_str()).fetch_optional(&mut *c).await? else {
                        return Ok(Base { note: None, due: true, recovered: false });
                    };
                    let (size, seen): (i64, i64) = (row.try_get(0)?, row.try_get(2)?);
                    let more = "SELECT COUNT(*) FROM leaf WHERE log = $1 AND idx = $2";
                    let more: i64 =
                        sqlx::query(more).bind(log.as_str()).bind(size).fetch_one(&mut *c).await?.try_get(0)?;
                    // The empty tree has nothing that a fork could hide: its quorum may come later.
                    let seen = seen != 0 || size == 0;
                    let recovered = restore::since(c, log, size).await?.is_some();
                    Ok(Base { note: Some(row.try_get(1)?), due: seen && !recovered && more > 0, recovered })
                })
            })
            .await
    }

    /// The right edge of the tree of a size, as the tiles have it.
    pub async fn edge(&self, log: LogName, size: u64) -> Result<Edge, DbError> {
        let malformed = |_| DbError::Malformed("tile");
        let tiles = Edge::tiles_of(size).map_err(malformed)?;
        let rows = self.db.read(move |c| {
            Box::pin(async move {
                let mut rows = BTreeMap::new();
                for tile in tiles.into_iter().flatten() {
                    rows.insert(tile, hashes(c, log, tile).await?.ok_or(DbError::Malformed("tile"))?);
                }
                Ok(rows)
            })
        });
        let mut rows = rows.await?;
        Edge::load(size, |tile| rows.remove(&tile).ok_or(Code::Tile.into())).map_err(malformed)
    }

    /// Writes a growth whole: tiles and checkpoint, on top of the checkpoint that it follows and no other, and only while
    /// the lease is this holder's.
    pub async fn integrate(
        &self,
        log: LogName,
        growth: Growth,
        holder: B32,
        clock: &Clock,
    ) -> Result<Written, DbError> {
        self.faults.at(Step::Signed)?;
        let (faults, clock) = (self.faults.clone(), clock.clone());
        let (before, size) = (growth.before.map(sql).transpose()?.unwrap_or(-1), sql(growth.size)?);
        let done = self.db.write(move |tx| {
            Box::pin(async move {
                // The time of the write, not of the call: it may have waited.
                if !holds(tx, log, &holder, clock.now()).await? {
                    return Ok(Written::NotHolder);
                }
                faults.at(Step::Leased)?;
                let newest = "SELECT COALESCE(MAX(size), -1) FROM checkpoint WHERE log = $1";
                let newest: i64 = sqlx::query(newest).bind(log.as_str()).fetch_one(&mut *tx).await?.try_get(0)?;
                if newest != before {
                    return Ok(Written::Moved);
                }
                for (tile, hashes) in growth.tiles {
                    put_tile(tx, log, tile, hashes).await?;
                    faults.at(Step::TileWritten)?;
                }
                let put = "INSERT INTO checkpoint (log, size, note) VALUES ($1, $2, $3)";
                let put = sqlx::query(put).bind(log.as_str()).bind(size).bind(growth.note);
                expect_rows("checkpoint", put.execute(tx).await?.rows_affected(), 1)?;
                faults.at(Step::CheckpointWritten)?;
                Ok(Written::Done)
            })
        });
        let written = done.await?;
        if written == Written::Done {
            self.faults.at(Step::Integrated)?;
        }
        Ok(written)
    }
}

pub(super) async fn put_tile(tx: &mut AnyConnection, log: LogName, tile: Tile, hashes: Vec<u8>) -> Result<(), DbError> {
    let Kind::Hashes(level) = tile.kind() else { return Ok(()) };
    let put = "INSERT INTO tile (log, level, idx, hashes) VALUES ($1, $2, $3, $4) \
               ON CONFLICT (log, level, idx) DO UPDATE SET hashes = excluded.hashes";
    let put = sqlx::query(put).bind(log.as_str()).bind(i64::from(level)).bind(sql(tile.index())?).bind(hashes);
    put.execute(tx).await?;
    Ok(())
}

async fn lease(c: &mut AnyConnection, log: LogName) -> Result<Option<(Vec<u8>, u64)>, DbError> {
    let one = "SELECT holder, until FROM lease WHERE log = $1";
    let row = sqlx::query(one).bind(log.as_str()).fetch_optional(c).await?;
    row.map(|row| Ok((row.try_get(0)?, unsigned(row.try_get(1)?)?))).transpose()
}

/// Nobody's, this holder's, or run out. One that ends later than any lease given now is of a clock that went wrong.
async fn is_free(c: &mut AnyConnection, log: LogName, holder: &B32, now: u64) -> Result<bool, DbError> {
    let lease = lease(c, log).await?;
    Ok(lease.is_none_or(|(of, until)| of == holder || until <= now || until > now + LEASE_S))
}

async fn holds(c: &mut AnyConnection, log: LogName, holder: &B32, now: u64) -> Result<bool, DbError> {
    Ok(lease(c, log).await?.is_some_and(|(of, until)| of == holder && until > now))
}
