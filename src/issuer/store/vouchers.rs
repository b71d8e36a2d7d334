//! Codes, of which only hashes are here, and the batches that they were printed in.

use sqlx::{AnyConnection, Row as _};
use tabir_crypto::B32;

use super::{Store, number, unsigned};
use crate::db::{DbError, expect_rows};

/// A batch with its counts. They are exact: what leaves the role is rounded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// Its number.
    pub id: u64,
    /// The operator's name of the desk.
    pub desk: String,
    /// Unix second from which on its codes buy nothing.
    pub expires: u64,
    /// Withdrawn by the operator.
    pub revoked: bool,
    /// Codes that were printed.
    pub made: u64,
    /// Those that have bought tokens.
    pub used: u64,
}

async fn add(tx: &mut AnyConnection, hashes: Vec<B32>, batch: Option<i64>) -> Result<(), DbError> {
    for hash in hashes {
        let done = sqlx::query("INSERT INTO vouchers (code_hash, batch) VALUES ($1, CAST($2 AS BIGINT))")
            .bind(hash.to_vec())
            .bind(batch)
            .execute(&mut *tx)
            .await?;
        expect_rows("vouchers", done.rows_affected(), 1)?;
    }
    Ok(())
}

impl Store {
    /// Adds vouchers by the hashes of their codes, all or none; they belong to no batch and do not expire.
    pub async fn add_vouchers(&self, hashes: Vec<B32>) -> Result<(), DbError> {
        self.0.write(move |tx| Box::pin(add(tx, hashes, None))).await
    }

    /// Adds a batch of vouchers, all or none. Returns its number.
    pub async fn add_batch(&self, desk: String, expires: u64, hashes: Vec<B32>) -> Result<u64, DbError> {
        let expires = number(expires)?;
        self.0
            .write(move |tx| {
                Box::pin(async move {
                    let row =
                        sqlx::query("SELECT COALESCE(MAX(id), 0) + 1 FROM voucher_batches").fetch_one(&mut *tx).await?;
                    let id: i64 = row.try_get(0)?;
                    sqlx::query("INSERT INTO voucher_batches (id, desk, expires, revoked) VALUES ($1, $2, $3, 0)")
                        .bind(id)
                        .bind(desk)
                        .bind(expires)
                        .execute(&mut *tx)
                        .await?;
                    add(tx, hashes, Some(id)).await?;
                    unsigned(id)
                })
            })
            .await
    }

    /// All batches, the oldest first.
    pub async fn batches(&self) -> Result<Vec<Batch>, DbError> {
        self.0
            .read(|c| {
                Box::pin(async move {
                    let rows = sqlx::query(
                        "SELECT b.id, b.desk, b.expires, b.revoked, COUNT(v.code_hash), COUNT(v.spent_epoch) \
                         FROM voucher_batches b LEFT JOIN vouchers v ON v.batch = b.id \
                         GROUP BY b.id, b.desk, b.expires, b.revoked ORDER BY b.id",
                    )
                    .fetch_all(c)
                    .await?;
                    let batch = |row: &sqlx::any::AnyRow| {
                        Ok(Batch {
                            id: unsigned(row.try_get(0)?)?,
                            desk: row.try_get(1)?,
                            expires: unsigned(row.try_get(2)?)?,
                            revoked: row.try_get::<i64, _>(3)? != 0,
                            made: unsigned(row.try_get(4)?)?,
                            used: unsigned(row.try_get(5)?)?,
                        })
                    };
                    rows.iter().map(batch).collect()
                })
            })
            .await
    }

    /// Withdraws a batch: its unspent codes buy nothing any more. False if there is none of that number.
    pub async fn revoke_batch(&self, id: u64) -> Result<bool, DbError> {
        let id = number(id)?;
        self.0
            .write(move |tx| {
                Box::pin(async move {
                    let done = sqlx::query("UPDATE voucher_batches SET revoked = 1 WHERE id = $1")
                        .bind(id)
                        .execute(tx)
                        .await?;
                    Ok(done.rows_affected() == 1)
                })
            })
            .await
    }
}
