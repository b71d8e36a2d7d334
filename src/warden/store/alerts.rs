//! The live requests of the log, and who was told of which, so that nobody is told twice, also after a restart.

use std::collections::BTreeSet;

use sqlx::{AnyConnection, Row as _};
use tabir_crypto::B32;

use super::{ROW, Store, journal};
use crate::db::{DbError, fixed};
use crate::warden::journal::{Event, What};

impl Store {
    /// Live requests that this warden has seen in the log.
    pub async fn seen(&self) -> Result<BTreeSet<B32>, DbError> {
        self.0.read(|c| Box::pin(async move { read_seen(c).await })).await
    }

    /// These are live now: what is new gets its line in the journal, and of what ended nobody needs to be told.
    pub async fn see(&self, live: BTreeSet<B32>) -> Result<(), DbError> {
        let at = self.1.now();
        self.0
            .write(move |tx| {
                Box::pin(async move {
                    let seen = read_seen(&mut *tx).await?;
                    for request in live.difference(&seen) {
                        sqlx::query("INSERT INTO seen (request) VALUES ($1)")
                            .bind(request.to_vec())
                            .execute(&mut *tx)
                            .await?;
                        journal::write(&mut *tx, at, Event::request(What::Request, request)).await?;
                    }
                    for request in seen.difference(&live) {
                        for table in ["DELETE FROM seen WHERE request = $1", "DELETE FROM told WHERE request = $1"] {
                            sqlx::query(table).bind(request.to_vec()).execute(&mut *tx).await?;
                        }
                    }
                    Ok(())
                })
            })
            .await
    }

    /// A seen request that this recipient was not told of; `recipient` is SHA-256 of the configuration's entry.
    pub async fn untold(&self, recipient: B32) -> Result<Option<B32>, DbError> {
        self.0
            .read(move |c| {
                Box::pin(async move {
                    let row = sqlx::query(
                        "SELECT request FROM seen WHERE request NOT IN \
                         (SELECT request FROM told WHERE recipient = $1) ORDER BY request LIMIT 1",
                    )
                    .bind(recipient.to_vec())
                    .fetch_optional(c)
                    .await?;
                    row.map(|row| fixed(ROW, &row.try_get::<Vec<u8>, _>(0)?)).transpose()
                })
            })
            .await
    }

    /// The recipient was told.
    pub async fn told(&self, recipient: B32, request: B32) -> Result<(), DbError> {
        self.0
            .write(move |tx| {
                Box::pin(async move {
                    sqlx::query(
                        "INSERT INTO told (request, recipient) VALUES ($1, $2) ON CONFLICT (request, recipient) DO NOTHING",
                    )
                    .bind(request.to_vec())
                    .bind(recipient.to_vec())
                    .execute(tx)
                    .await?;
                    Ok(())
                })
            })
            .await
    }
}

async fn read_seen(c: &mut AnyConnection) -> Result<BTreeSet<B32>, DbError> {
    let rows = sqlx::query("SELECT request FROM seen").fetch_all(c).await?;
    rows.iter().map(|row| fixed(ROW, &row.try_get::<Vec<u8>, _>(0)?)).collect()
}
