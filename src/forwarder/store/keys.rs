//! Epochs of intake keys. One row an epoch for ever: a clock set back makes no second key for it.

use sqlx::Row as _;
use tabir_crypto::B32;
use tabir_crypto::statement::Statement;
use tabir_crypto::trust::root::LogName;

use super::Store;
use crate::db::outbox::enqueue;
use crate::db::{DbError, expect_rows, fixed, stored, unsigned};

/// One epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Epoch {
    pub epoch: u64,
    pub key_id: B32,
    pub not_before: u64,
    pub not_after: u64,
    pub destroyed: bool,
}

impl Store {
    /// All epochs, oldest first.
    pub async fn epochs(&self) -> Result<Vec<Epoch>, DbError> {
        self.0
            .read(|c| {
                Box::pin(async move {
                    let sql = "SELECT epoch, key_id, not_before, not_after, destroyed FROM intake_key ORDER BY epoch";
                    let rows = sqlx::query(sql).fetch_all(c).await?;
                    rows.iter()
                        .map(|row| {
                            let number = |i: usize| unsigned("intake_key", row.try_get(i)?);
                            Ok(Epoch {
                                epoch: number(0)?,
                                key_id: fixed("intake_key", &row.try_get::<Vec<u8>, _>(1)?)?,
                                not_before: number(2)?,
                                not_after: number(3)?,
                                destroyed: number(4)? > 0,
                            })
                        })
                        .collect()
                })
            })
            .await
    }

    /// Adds an epoch and announces its key.
    pub async fn add_epoch(&self, epoch: Epoch, announcement: Statement) -> Result<(), DbError> {
        self.0
            .write(move |tx| {
                Box::pin(async move {
                    let done = sqlx::query(
                        "INSERT INTO intake_key (epoch, key_id, not_before, not_after, destroyed) \
                         VALUES ($1, $2, $3, $4, 0)",
                    )
                    .bind(stored(epoch.epoch))
                    .bind(epoch.key_id.to_vec())
                    .bind(stored(epoch.not_before))
                    .bind(stored(epoch.not_after))
                    .execute(&mut *tx)
                    .await?;
                    expect_rows("intake_key", done.rows_affected(), 1)?;
                    enqueue(tx, LogName::Governance, &announcement).await
                })
            })
            .await
    }

    /// Whether anything that waits here is sealed to this key.
    pub async fn key_is_needed(&self, key_id: B32) -> Result<bool, DbError> {
        self.0
            .read(move |c| {
                Box::pin(async move {
                    let sql = "SELECT (SELECT COUNT(*) FROM delivery WHERE intake_key_id = $1 AND state <> 'sent') + \
                               (SELECT COUNT(*) FROM inbox)";
                    let row = sqlx::query(sql).bind(key_id.to_vec()).fetch_one(c).await?;
                    Ok(row.try_get::<i64, _>(0)? > 0)
                })
            })
            .await
    }

    /// The private key is gone.
    pub async fn epoch_destroyed(&self, epoch: u64) -> Result<(), DbError> {
        self.0
            .write(move |tx| {
                Box::pin(async move {
                    let sql = "UPDATE intake_key SET destroyed = 1 WHERE epoch = $1";
                    expect_rows(
                        "intake_key",
                        sqlx::query(sql).bind(stored(epoch)).execute(tx).await?.rows_affected(),
                        1,
                    )
                })
            })
            .await
    }
}
