//! The warden's X-Wing keys by epoch.

use sqlx::Row as _;
use tabir_crypto::{B32, Secret, SecretBytes};

use super::{ROW, Store, int, journal, number};
use crate::db::{DbError, expect_rows, fixed};
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
}

impl Store {
    /// All keys, by epoch.
    pub async fn keys(&self) -> Result<Vec<KeyRow>, DbError> {
        self.0
            .read(|c| {
                Box::pin(async move {
                    let rows = sqlx::query(
                        "SELECT epoch, not_before, not_after, id, seed, announced FROM keys ORDER BY epoch",
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

    /// Destroys the private keys whose use ended at or before that time. Returns how many.
    pub async fn destroy_keys(&self, ended: u64) -> Result<u64, DbError> {
        let (ended, at) = (int(ended)?, self.1.now());
        let destroyed = self
            .0
            .write(move |tx| {
                Box::pin(async move {
                    let over = sqlx::query("SELECT id, epoch FROM keys WHERE seed IS NOT NULL AND not_after <= $1")
                        .bind(ended)
                        .fetch_all(&mut *tx)
                        .await?;
                    for row in &over {
                        let id: B32 = fixed(ROW, &row.try_get::<Vec<u8>, _>(0)?)?;
                        let gone = Event::key(What::KeyDestroyed, &id, number(row.try_get(1)?)?);
                        journal::write(&mut *tx, at, gone).await?;
                        sqlx::query("UPDATE keys SET seed = NULL WHERE id = $1")
                            .bind(id.to_vec())
                            .execute(&mut *tx)
                            .await?;
                    }
                    Ok(over.len() as u64)
                })
            })
            .await?;
        if destroyed > 0 {
            // Else the old page, with the seed, would stay in the write-ahead log.
            self.0.checkpoint().await?;
        }
        Ok(destroyed)
    }
}
