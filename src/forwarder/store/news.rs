//! News in both directions: updates taken from the downstream, events that wait for the gateway.

use std::collections::HashSet;

use sqlx::{AnyConnection, Row as _};
use tabir_crypto::B32;
use tabir_crypto::statement::body::Status;

use super::{Held, Store, add_event, hold};
use crate::db::{DbError, expect_rows, fixed, stored, unsigned};

/// An event that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitingEvent {
    pub n: i64,
    pub case_id: B32,
    /// JSON of the event, its id included.
    pub body: Vec<u8>,
}

/// What an update means for its case. All of it or nothing is stored.
#[derive(Clone, Debug)]
pub struct UpdateTaken {
    pub update_id: String,
    pub case_id: B32,
    /// The new status with the downstream's time and word for it.
    pub status: Option<(Status, u64, String)>,
    /// Number of the last message before and after, and SHA-256 of the newest.
    pub replies: (u64, u64, B32),
    pub events: Vec<Vec<u8>>,
    pub held: Vec<Held>,
}

impl Store {
    /// Ids of the updates that were taken since the day before `since`: all that can be listed from then on.
    pub async fn seen_since(&self, since: u64) -> Result<HashSet<String>, DbError> {
        self.0
            .read(move |c| {
                Box::pin(async move {
                    let sql = "SELECT update_id FROM seen_update WHERE seen_at >= $1";
                    let from = super::day(since).saturating_sub(86_400);
                    let rows = sqlx::query(sql).bind(stored(from)).fetch_all(c).await?;
                    rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
                })
            })
            .await
    }

    /// Whether an update of this id was taken.
    pub async fn is_seen(&self, update_id: String) -> Result<bool, DbError> {
        self.0
            .read(move |c| {
                Box::pin(async move {
                    let sql = "SELECT COUNT(*) FROM seen_update WHERE update_id = $1";
                    let row = sqlx::query(sql).bind(update_id).fetch_one(c).await?;
                    Ok(row.try_get::<i64, _>(0)? > 0)
                })
            })
            .await
    }

    /// Takes an update once, with its messages and status.
    pub async fn take_update(&self, taken: UpdateTaken, now: u64) -> Result<(), DbError> {
        self.0.write(move |tx| Box::pin(async move { take(tx, taken, now).await })).await
    }

    /// The oldest events that wait.
    pub async fn events(&self, limit: u32) -> Result<Vec<WaitingEvent>, DbError> {
        self.0
            .read(move |c| {
                Box::pin(async move {
                    let sql = "SELECT n, case_id, body FROM event ORDER BY n LIMIT $1";
                    let rows = sqlx::query(sql).bind(i64::from(limit)).fetch_all(c).await?;
                    rows.iter()
                        .map(|row| {
                            let case_id = fixed("event", &row.try_get::<Vec<u8>, _>(1)?)?;
                            Ok(WaitingEvent { n: row.try_get(0)?, case_id, body: row.try_get(2)? })
                        })
                        .collect()
                })
            })
            .await
    }

    /// The gateway has these events, or will never take them and they are held.
    pub async fn events_done(&self, numbers: Vec<i64>, held: Option<Held>, now: u64) -> Result<(), DbError> {
        self.0
            .write(move |tx| {
                Box::pin(async move {
                    for n in numbers {
                        sqlx::query("DELETE FROM event WHERE n = $1").bind(n).execute(&mut *tx).await?;
                    }
                    match &held {
                        Some(held) => hold(tx, held, now).await,
                        None => Ok(()),
                    }
                })
            })
            .await
    }

    /// Up to when updates were asked for; `None` before the first time.
    pub async fn watermark(&self, name: &'static str) -> Result<Option<u64>, DbError> {
        self.0
            .read(move |c| {
                Box::pin(async move {
                    let sql = "SELECT at FROM watermark WHERE name = $1";
                    let row = sqlx::query(sql).bind(name).fetch_optional(c).await?;
                    row.map(|row| unsigned("watermark", row.try_get(0)?)).transpose()
                })
            })
            .await
    }

    /// Remembers how far updates were asked for.
    pub async fn set_watermark(&self, name: &'static str, at: u64) -> Result<(), DbError> {
        self.0
            .write(move |tx| {
                Box::pin(async move {
                    let sql =
                        "INSERT INTO watermark (name, at) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET at = $2";
                    sqlx::query(sql).bind(name).bind(stored(at)).execute(tx).await?;
                    Ok(())
                })
            })
            .await
    }
}

pub(super) async fn see(tx: &mut AnyConnection, update_id: &str, now: u64) -> Result<(), DbError> {
    let sql = "INSERT INTO seen_update (update_id, seen_at) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    sqlx::query(sql).bind(update_id.to_owned()).bind(stored(super::day(now))).execute(tx).await?;
    Ok(())
}

pub(super) async fn lower_watermarks(tx: &mut AnyConnection, at: u64) -> Result<(), DbError> {
    sqlx::query("UPDATE watermark SET at = $1 WHERE at > $1").bind(stored(at)).execute(tx).await?;
    Ok(())
}

pub(super) async fn take(tx: &mut AnyConnection, taken: UpdateTaken, now: u64) -> Result<(), DbError> {
    see(&mut *tx, &taken.update_id, now).await?;
    let (before, after, hash) = taken.replies;
    let done = sqlx::query("UPDATE report SET reply_seq = $1, reply_prev = $2 WHERE case_id = $3 AND reply_seq = $4")
        .bind(stored(after))
        .bind(hash.to_vec())
        .bind(taken.case_id.to_vec())
        .bind(stored(before))
        .execute(&mut *tx)
        .await?;
    expect_rows("report", done.rows_affected(), 1)?;
    if let Some((status, at, raw)) = taken.status {
        sqlx::query("UPDATE report SET status = $1, status_at = $2, raw_status = $3 WHERE case_id = $4")
            .bind(status.as_str())
            .bind(stored(at))
            .bind(raw)
            .bind(taken.case_id.to_vec())
            .execute(&mut *tx)
            .await?;
    }
    for event in taken.events {
        add_event(&mut *tx, &taken.case_id, event).await?;
    }
    for held in &taken.held {
        hold(&mut *tx, held, now).await?;
    }
    Ok(())
}
