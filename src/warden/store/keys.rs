//! The warden's X-Wing keys by epoch.

use sqlx::Row as _;
use tabir_crypto::statement::Statement;
use tabir_crypto::trust::root::LogName;
use tabir_crypto::{B32, Secret, SecretBytes};

use super::{ROW, Store, int, journal, number};
use crate::db::{DbError, expect_rows, fixed, outbox};
use crate::warden::journal::{Event, What};

/// A key of an epoch.
pub struct KeyRow {
    /// The epoch.
    pub epoch: u64,
    /// First second of use.
    pub not_before: u64,
    /// First second after it.
    pub not_after: u64,
    /// SHA-256 of the public key.
    pub id: B32,
    /// The private key, until it is destroyed.
    pub seed: Option<SecretBytes<32>>,
    /// The announcement, signed by the warden alone.
    pub announced: Vec<u8>,
    /// That it has a backup, signed by the warden alone.
    pub split: Option<Vec<u8>>,
    /// That it is destroyed, signed by the warden alone.
    pub destroyed: Option<Vec<u8>>,
}

impl Store {
    /// All keys, by epoch.
    pub async fn keys(&self) -> Result<Vec<KeyRow>, DbError> {
        self.0
            .read(|c| {
                Box::pin(async move {
                    let rows = sqlx::query(
                        "SELECT epoch, not_before, not_after, id, seed, announced, split, destroyed \
                         FROM keys ORDER BY epoch",
                    )
                    .fetch_all(c)
                    .await?;
                    rows.iter()
                        .map(|row| {
                            let seed = row.try_get::<Option<Vec<u8>>, _>(4)?.map(Secret::new);
                            let seed = seed.map(|s| fixed(ROW, s.expose()).map(SecretBytes::new)).transpose()?;
                            Ok(KeyRow {
                                epoch: number(row.try_get(0)?)?,
                                not_before: number(row.try_get(1)?)?,
                                not_after: number(row.try_get(2)?)?,
                                id: fixed(ROW, &row.try_get::<Vec<u8>, _>(3)?)?,
                                seed,
                                announced: row.try_get(5)?,
                                split: row.try_get(6)?,
                                destroyed: row.try_get(7)?,
                            })
                        })
                        .collect()
                })
            })
            .await
    }

    /// Stores a new key before anybody hears of it. Error: an epoch that has one.
    pub async fn add_key(&self, key: KeyRow) -> Result<(), DbError> {
        let (epoch, from, to) = (int(key.epoch)?, int(key.not_before)?, int(key.not_after)?);
        let (at, made) = (self.1.now(), Event::key(What::KeyMade, &key.id, key.epoch));
        self.0
            .write(move |tx| {
                Box::pin(async move {
                    let done = sqlx::query(
                        "INSERT INTO keys (epoch, not_before, not_after, id, seed, announced) \
                         VALUES ($1, $2, $3, $4, $5, $6)",
                    )
                    .bind(epoch)
                    .bind(from)
                    .bind(to)
                    .bind(key.id.to_vec())
                    .bind(key.seed.as_ref().map(|s| s.expose().to_vec()))
                    .bind(key.announced)
                    .execute(&mut *tx)
                    .await?;
                    expect_rows("keys", done.rows_affected(), 1)?;
                    journal::write(tx, at, made).await
                })
            })
            .await
    }

    /// Destroys a private key, with what is to be said about it. False if it was destroyed before.
    pub async fn destroy_key(&self, id: B32, epoch: u64, statement: Statement) -> Result<bool, DbError> {
        let (at, gone) = (self.1.now(), Event::key(What::KeyDestroyed, &id, epoch));
        let destroyed = self
            .0
            .write(move |tx| {
                Box::pin(async move {
                    let done =
                        sqlx::query("UPDATE keys SET seed = NULL, destroyed = $1 WHERE id = $2 AND destroyed IS NULL")
                            .bind(statement.to_bytes())
                            .bind(id.to_vec())
                            .execute(&mut *tx)
                            .await?;
                    let had = done.rows_affected() == 1;
                    if had {
                        journal::write(tx, at, gone).await?;
                    }
                    Ok(had)
                })
            })
            .await?;
        if destroyed {
            // Else the old page, with the seed, would stay in the write-ahead log.
            self.0.checkpoint().await?;
        }
        Ok(destroyed)
    }

    /// Keeps what is said about a key's backup, in the place of what was said before.
    pub async fn backed_up(&self, id: B32, epoch: u64, statement: Statement) -> Result<(), DbError> {
        let (at, made) = (self.1.now(), Event::key(What::Backup, &id, epoch));
        self.0
            .write(move |tx| {
                Box::pin(async move {
                    let done = sqlx::query("UPDATE keys SET split = $1 WHERE id = $2")
                        .bind(statement.to_bytes())
                        .bind(id.to_vec())
                        .execute(&mut *tx)
                        .await?;
                    expect_rows("keys", done.rows_affected(), 1)?;
                    journal::write(tx, at, made).await
                })
            })
            .await
    }

    /// Takes a key back from its backup, with the statement that says so. False if it is here, or was destroyed here.
    pub async fn restore_key(&self, key: KeyRow, statement: Statement) -> Result<bool, DbError> {
        let (epoch, from, to) = (int(key.epoch)?, int(key.not_before)?, int(key.not_after)?);
        let (at, back) = (self.1.now(), Event::key(What::KeyRestored, &key.id, key.epoch));
        self.0
            .write(move |tx| {
                Box::pin(async move {
                    if journal::says(&mut *tx, &key.id, &[What::KeyDestroyed]).await? {
                        return Ok(false);
                    }
                    let done = sqlx::query(
                        "INSERT INTO keys (epoch, not_before, not_after, id, seed, announced) \
                         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (epoch) DO NOTHING",
                    )
                    .bind(epoch)
                    .bind(from)
                    .bind(to)
                    .bind(key.id.to_vec())
                    .bind(key.seed.as_ref().map(|s| s.expose().to_vec()))
                    .bind(key.announced)
                    .execute(&mut *tx)
                    .await?;
                    if done.rows_affected() != 1 {
                        return Ok(false);
                    }
                    journal::write(&mut *tx, at, back).await?;
                    outbox::enqueue(tx, LogName::Governance, &statement).await?;
                    Ok(true)
                })
            })
            .await
    }
}
