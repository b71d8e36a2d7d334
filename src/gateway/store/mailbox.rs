//! What comes back to a reporter: statuses and sealed messages, each event taken once.

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row as _};
use tabir_crypto::B32;
use tabir_crypto::statement::body::Status;

use super::{ROW, int, number};
use crate::db::{DbError, expect_rows};

/// A status after `received`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct StatusRow {
    pub status: Status,
    /// When it was set, cut to the hour.
    pub hour: u64,
    pub due: Option<u64>,
    pub eta: Option<u64>,
}

/// Whether an event was taken already.
pub async fn knows_event(tx: &mut AnyConnection, case_id: &B32, event_id: &[u8; 16]) -> Result<bool, DbError> {
    let query = sqlx::query("SELECT 1 FROM events WHERE case_id = $1 AND event_id = $2")
        .bind(case_id.to_vec())
        .bind(event_id.to_vec());
    Ok(query.fetch_optional(tx).await?.is_some())
}

/// Remembers an event.
pub async fn remember_event(tx: &mut AnyConnection, case_id: &B32, event_id: &[u8; 16]) -> Result<(), DbError> {
    let done = sqlx::query("INSERT INTO events (case_id, event_id) VALUES ($1, $2)")
        .bind(case_id.to_vec())
        .bind(event_id.to_vec())
        .execute(tx)
        .await?;
    expect_rows("events", done.rows_affected(), 1)
}

/// Adds a status behind the others.
pub async fn add_status(tx: &mut AnyConnection, case_id: &B32, row: &StatusRow) -> Result<(), DbError> {
    let optional = |n: Option<u64>| n.map(int).transpose();
    let done = sqlx::query(
        "INSERT INTO statuses (case_id, n, status, hour, due, eta) \
         SELECT $1, COUNT(*), $2, $3, $4, $5 FROM statuses WHERE case_id = $1",
    )
    .bind(case_id.to_vec())
    .bind(row.status.as_str())
    .bind(int(row.hour)?)
    .bind(optional(row.due)?)
    .bind(optional(row.eta)?)
    .execute(tx)
    .await?;
    expect_rows("statuses", done.rows_affected(), 1)
}

/// The statuses of a case after `received`, oldest first.
pub async fn statuses(tx: &mut AnyConnection, case_id: &B32) -> Result<Vec<StatusRow>, DbError> {
    let rows = sqlx::query("SELECT status, hour, due, eta FROM statuses WHERE case_id = $1 ORDER BY n")
        .bind(case_id.to_vec())
        .fetch_all(tx)
        .await?;
    let optional = |row: &AnyRow, at: usize| {
        row.try_get::<Option<i64>, _>(at)?.map(u64::try_from).transpose().map_err(|_| DbError::Malformed(ROW))
    };
    let read = |row: &AnyRow| {
        Ok(StatusRow {
            status: Status::parse(&row.try_get::<String, _>(0)?).ok_or(DbError::Malformed(ROW))?,
            hour: number(row, 1)?,
            due: optional(row, 2)?,
            eta: optional(row, 3)?,
        })
    };
    rows.iter().map(read).collect()
}

/// Number of the last message to the reporter; 0 before the first.
pub async fn last_seq(tx: &mut AnyConnection, case_id: &B32) -> Result<u64, DbError> {
    let query = sqlx::query("SELECT COALESCE(MAX(seq), 0) FROM mailbox WHERE case_id = $1").bind(case_id.to_vec());
    number(&query.fetch_one(tx).await?, 0)
}

/// Adds a message.
pub async fn add_message(tx: &mut AnyConnection, case_id: &B32, seq: u64, sealed: Vec<u8>) -> Result<(), DbError> {
    let done = sqlx::query("INSERT INTO mailbox (case_id, seq, sealed) VALUES ($1, $2, $3)")
        .bind(case_id.to_vec())
        .bind(int(seq)?)
        .bind(sealed)
        .execute(tx)
        .await?;
    expect_rows("mailbox", done.rows_affected(), 1)
}

/// All messages to a reporter, by number.
pub async fn messages(tx: &mut AnyConnection, case_id: &B32) -> Result<Vec<(u64, Vec<u8>)>, DbError> {
    let rows = sqlx::query("SELECT seq, sealed FROM mailbox WHERE case_id = $1 ORDER BY seq")
        .bind(case_id.to_vec())
        .fetch_all(tx)
        .await?;
    rows.iter().map(|row| Ok((number(row, 0)?, row.try_get(1)?))).collect()
}

/// Deletes everything that came back to a reporter.
pub async fn delete_all(tx: &mut AnyConnection, case_id: &B32) -> Result<(), DbError> {
    for query in [
        "DELETE FROM mailbox WHERE case_id = $1",
        "DELETE FROM statuses WHERE case_id = $1",
        "DELETE FROM events WHERE case_id = $1",
    ] {
        sqlx::query(query).bind(case_id.to_vec()).execute(&mut *tx).await?;
    }
    Ok(())
}
