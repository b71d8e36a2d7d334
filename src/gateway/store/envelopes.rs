//! Sealed identities, and the live requests that keep them from deletion.

use sqlx::{AnyConnection, Row as _};
use tabir_crypto::B32;

use super::int;
use crate::db::{DbError, expect_rows};

/// Keeps an envelope.
pub async fn insert(
    tx: &mut AnyConnection,
    (case_id, w, hour): (&B32, u64, u64),
    envelope_hash: &B32,
    envelope: Vec<u8>,
) -> Result<(), DbError> {
    let done =
        sqlx::query("INSERT INTO envelopes (case_id, envelope_hash, w, hour, envelope) VALUES ($1, $2, $3, $4, $5)")
            .bind(case_id.to_vec())
            .bind(envelope_hash.to_vec())
            .bind(int(w)?)
            .bind(int(hour)?)
            .bind(envelope)
            .execute(tx)
            .await?;
    expect_rows("envelopes", done.rows_affected(), 1)
}

/// An envelope by its hash.
pub async fn by_hash(tx: &mut AnyConnection, envelope_hash: &B32) -> Result<Option<Vec<u8>>, DbError> {
    let row = sqlx::query("SELECT envelope FROM envelopes WHERE envelope_hash = $1")
        .bind(envelope_hash.to_vec())
        .fetch_optional(tx)
        .await?;
    Ok(row.map(|row| row.try_get(0)).transpose()?)
}

/// The envelope of a case.
pub async fn of_case(tx: &mut AnyConnection, case_id: &B32) -> Result<Option<Vec<u8>>, DbError> {
    let row = sqlx::query("SELECT envelope FROM envelopes WHERE case_id = $1")
        .bind(case_id.to_vec())
        .fetch_optional(tx)
        .await?;
    Ok(row.map(|row| row.try_get(0)).transpose()?)
}

/// Whether the envelope of a case was accepted before a time.
pub async fn is_before(tx: &mut AnyConnection, case_id: &B32, time: u64) -> Result<bool, DbError> {
    let row = sqlx::query("SELECT 1 FROM envelopes WHERE case_id = $1 AND hour < $2")
        .bind(case_id.to_vec())
        .bind(int(time)?)
        .fetch_optional(tx)
        .await?;
    Ok(row.is_some())
}

/// Deletes the envelope of a case unless a live request holds it.
pub async fn delete_unheld(tx: &mut AnyConnection, case_id: &B32) -> Result<(), DbError> {
    sqlx::query("DELETE FROM envelopes WHERE case_id = $1 AND case_id NOT IN (SELECT case_id FROM holds)")
        .bind(case_id.to_vec())
        .execute(tx)
        .await?;
    Ok(())
}

/// Deletes envelopes accepted before a time, except those that a live request holds.
pub async fn expire(tx: &mut AnyConnection, before: u64) -> Result<(), DbError> {
    sqlx::query("DELETE FROM envelopes WHERE hour < $1 AND case_id NOT IN (SELECT case_id FROM holds)")
        .bind(int(before)?)
        .execute(tx)
        .await?;
    Ok(())
}

/// A live request holds an envelope. Twice is once.
pub async fn hold(tx: &mut AnyConnection, case_id: &B32, request_hash: &B32) -> Result<(), DbError> {
    sqlx::query(
        "INSERT INTO holds (case_id, request_hash) VALUES ($1, $2) ON CONFLICT (case_id, request_hash) DO NOTHING",
    )
    .bind(case_id.to_vec())
    .bind(request_hash.to_vec())
    .execute(tx)
    .await?;
    Ok(())
}

/// A request is over. One that is not there is over too.
pub async fn unhold(tx: &mut AnyConnection, case_id: &B32, request_hash: &B32) -> Result<(), DbError> {
    sqlx::query("DELETE FROM holds WHERE case_id = $1 AND request_hash = $2")
        .bind(case_id.to_vec())
        .bind(request_hash.to_vec())
        .execute(tx)
        .await?;
    Ok(())
}
