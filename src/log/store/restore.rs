//! A store that is filled from a mirror, and what may follow on the head that it had.
//!
//! The mirror may be older than the log was. Witnesses know: none of them cosigns a head that is smaller than one it saw.
//! So a recovered head is the end of the tree until a quorum has cosigned it at the time of the recovery or later. Two
//! quorums have an honest witness in common, so then no larger head was ever cosigned by a quorum.

use sqlx::{AnyConnection, Row as _};
use tabir_crypto::B32;
use tabir_crypto::log::tile::Tile;
use tabir_crypto::trust::root::LogName;

use super::append::{New, insert};
use super::grow::put_tile;
use super::{Store, sql, unsigned};
use crate::db::{DbError, expect_rows, stored};

/// A checkpoint that a mirror has.
#[derive(Clone, Debug)]
pub struct Head {
    /// Entries.
    pub size: u64,
    /// As the log signed it, without cosignatures.
    pub note: Vec<u8>,
    /// As a quorum first cosigned it.
    pub kept: Vec<u8>,
}

impl Store {
    /// Entries from number `first` on.
    pub async fn restore_entries(&self, log: LogName, first: u64, entries: Vec<New>) -> Result<(), DbError> {
        self.db.write(move |tx| Box::pin(async move { insert(tx, log, first, entries).await })).await
    }

    /// Tiles, each wider than the one that is there.
    pub async fn restore_tiles(&self, log: LogName, tiles: Vec<(Tile, Vec<u8>)>) -> Result<(), DbError> {
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    for (tile, hashes) in tiles {
                        put_tile(tx, log, tile, hashes).await?;
                    }
                    Ok(())
                })
            })
            .await
    }

    /// All kept checkpoints, rising, and the newest one's lines with the witnesses' key ids. Nothing is added to the tree
    /// until a quorum has cosigned the last of them at `since` (Unix seconds) or later.
    pub async fn restore_heads(
        &self,
        log: LogName,
        heads: Vec<Head>,
        lines: Vec<(B32, String)>,
        since: u64,
    ) -> Result<(), DbError> {
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    let size = sql(heads.last().map_or(0, |head| head.size))?;
                    for head in heads {
                        let put = "INSERT INTO checkpoint (log, size, note, kept) VALUES ($1, $2, $3, $4)";
                        let put = sqlx::query(put).bind(log.as_str()).bind(sql(head.size)?);
                        let done = put.bind(head.note).bind(head.kept).execute(&mut *tx).await?;
                        expect_rows("checkpoint", done.rows_affected(), 1)?;
                    }
                    for (witness, line) in lines {
                        let put = "INSERT INTO cosignature (log, size, witness, line) VALUES ($1, $2, $3, $4)";
                        let put = sqlx::query(put).bind(log.as_str()).bind(size);
                        put.bind(witness.to_vec()).bind(line).execute(&mut *tx).await?;
                    }
                    let wait = "INSERT INTO recovered (log, size, since) VALUES ($1, $2, $3)";
                    let wait = sqlx::query(wait).bind(log.as_str()).bind(size).bind(stored(since));
                    expect_rows("recovered", wait.execute(tx).await?.rows_affected(), 1)
                })
            })
            .await
    }
}

/// Since when a quorum has to cosign the head of this size again, if it has to.
pub(super) async fn since(c: &mut AnyConnection, log: LogName, size: i64) -> Result<Option<u64>, DbError> {
    let one = "SELECT since FROM recovered WHERE log = $1 AND size = $2";
    let row = sqlx::query(one).bind(log.as_str()).bind(size).fetch_optional(c).await?;
    row.map(|row| unsigned(row.try_get(0)?)).transpose()
}

/// It has.
pub(super) async fn confirm(tx: &mut AnyConnection, log: LogName) -> Result<(), DbError> {
    let done = sqlx::query("DELETE FROM recovered WHERE log = $1").bind(log.as_str()).execute(tx).await?;
    expect_rows("recovered", done.rows_affected(), 1)
}
