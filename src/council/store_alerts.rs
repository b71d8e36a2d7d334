//! Who was told what, so that nobody is told twice, also after a restart.

use std::collections::BTreeSet;

use sqlx::Row as _;
use tabir_crypto::B32;

use super::store::Store;
use crate::db::{DbError, fixed};

impl Store {
    /// What the recipient at this place was told of.
    pub async fn told(&self, audience: &'static str, place: i64) -> Result<BTreeSet<B32>, DbError> {
        self.0
            .read(move |c| {
                Box::pin(async move {
                    let rows = sqlx::query("SELECT item FROM alerts WHERE audience = $1 AND place = $2")
                        .bind(audience)
                        .bind(place)
                        .fetch_all(c)
                        .await?;
                    rows.iter().map(|row| fixed("alerts", &row.try_get::<Vec<u8>, _>(0)?)).collect()
                })
            })
            .await
    }

    /// The recipient was told of these.
    pub async fn add_told(&self, audience: &'static str, place: i64, items: BTreeSet<B32>) -> Result<(), DbError> {
        self.0
            .write(move |tx| {
                Box::pin(async move {
                    for item in items {
                        sqlx::query(
                            "INSERT INTO alerts (audience, place, item) VALUES ($1, $2, $3) \
                             ON CONFLICT (audience, place, item) DO NOTHING",
                        )
                        .bind(audience)
                        .bind(place)
                        .bind(item.to_vec())
                        .execute(&mut *tx)
                        .await?;
                    }
                    Ok(())
                })
            })
            .await
    }

    /// These wait no more.
    pub async fn forget_told(&self, audience: &'static str, place: i64, items: Vec<B32>) -> Result<(), DbError> {
        self.0
            .write(move |tx| {
                Box::pin(async move {
                    for item in items {
                        sqlx::query("DELETE FROM alerts WHERE audience = $1 AND place = $2 AND item = $3")
                            .bind(audience)
                            .bind(place)
                            .bind(item.to_vec())
                            .execute(&mut *tx)
                            .await?;
                    }
                    Ok(())
                })
            })
            .await
    }
}
