//! Which places of the downstream anybody can read, as `tabir connector check` found.

use sqlx::Row as _;

use super::Store;
use crate::db::{DbError, stored};
use crate::forwarder::connector::Target;

impl Store {
    /// Whether a test request at this place could be read without a key; `None` if nobody tried.
    pub async fn is_public(&self, target: Target) -> Result<Option<bool>, DbError> {
        self.0
            .read(move |c| {
                Box::pin(async move {
                    let sql = "SELECT public FROM exposure WHERE server = $1 AND place = $2";
                    let row = sqlx::query(sql).bind(target.server).bind(target.place).fetch_optional(c).await?;
                    row.map(|row| Ok(row.try_get::<i64, _>(0)? != 0)).transpose()
                })
            })
            .await
    }

    /// Remembers what a test request showed.
    pub async fn set_public(&self, target: Target, public: bool, now: u64) -> Result<(), DbError> {
        self.0
            .write(move |tx| {
                Box::pin(async move {
                    let sql = "INSERT INTO exposure (server, place, public, tried_on) VALUES ($1, $2, $3, $4) \
                               ON CONFLICT (server, place) DO UPDATE SET public = $3, tried_on = $4";
                    let query = sqlx::query(sql).bind(target.server).bind(target.place).bind(i64::from(public));
                    query.bind(stored(super::day(now))).execute(tx).await?;
                    Ok(())
                })
            })
            .await
    }
}
