//! What the forwarder has not stored yet. Ids are random and rows go with the ack: no order of arrival is kept.

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row as _};
use tabir_crypto::B32;
use tabir_crypto::statement::Statement;

use super::{ROW, hash, int, number};
use crate::api::gateway::ItemKind;
use crate::db::{DbError, expect_rows, fixed};

/// A row of the outbox.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct Waiting {
    pub id: u64,
    pub case_id: B32,
    pub counter: u64,
    pub kind: ItemKind,
    pub statement: Statement,
    pub payload: Vec<u8>,
    pub intake_key_id: Option<B32>,
    pub seq: Option<u64>,
}

/// Puts an item in line.
pub async fn insert(tx: &mut AnyConnection, item: Waiting) -> Result<(), DbError> {
    let done = sqlx::query(
        "INSERT INTO outbox (id, case_id, counter, kind, statement, payload, intake_key_id, seq, leased_until) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0)",
    )
    .bind(int(item.id)?)
    .bind(item.case_id.to_vec())
    .bind(int(item.counter)?)
    .bind(item.kind.as_str())
    .bind(item.statement.to_bytes())
    .bind(item.payload)
    .bind(item.intake_key_id.map(|id| id.to_vec()))
    .bind(item.seq.map(int).transpose()?)
    .execute(tx)
    .await?;
    expect_rows("outbox", done.rows_affected(), 1)
}

fn read(row: &AnyRow) -> Result<Waiting, DbError> {
    let kind = row.try_get::<String, _>("kind")?;
    let statement = row.try_get::<Vec<u8>, _>("statement")?;
    let intake_key_id = row.try_get::<Option<Vec<u8>>, _>("intake_key_id")?;
    let seq = row.try_get::<Option<i64>, _>("seq")?;
    Ok(Waiting {
        id: number(row, "id")?,
        case_id: hash(row, "case_id")?,
        counter: number(row, "counter")?,
        kind: ItemKind::ALL.into_iter().find(|k| k.as_str() == kind).ok_or(DbError::Malformed(ROW))?,
        statement: Statement::parse(&statement).map_err(|_| DbError::Malformed(ROW))?,
        payload: row.try_get("payload")?,
        intake_key_id: intake_key_id.map(|id| fixed(ROW, &id)).transpose()?,
        seq: seq.map(u64::try_from).transpose().map_err(|_| DbError::Malformed(ROW))?,
    })
}

/// Leases items until a time: for each case in the order of its counters, and never one whose forerunner is away.
pub async fn lease(tx: &mut AnyConnection, now: u64, until: u64, max: u64) -> Result<Vec<Waiting>, DbError> {
    let rows = sqlx::query(
        "SELECT * FROM outbox o WHERE leased_until <= $1 AND NOT EXISTS \
         (SELECT 1 FROM outbox p WHERE p.case_id = o.case_id AND p.counter < o.counter AND p.leased_until > $1) \
         ORDER BY counter, id LIMIT $2",
    )
    .bind(int(now)?)
    .bind(int(max)?)
    .fetch_all(&mut *tx)
    .await?;
    let items = rows.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    for item in &items {
        let done = sqlx::query("UPDATE outbox SET leased_until = $2 WHERE id = $1")
            .bind(int(item.id)?)
            .bind(int(until)?)
            .execute(&mut *tx)
            .await?;
        expect_rows("outbox", done.rows_affected(), 1)?;
    }
    Ok(items)
}

/// The forwarder has it. An id that is gone was acked before, or erased.
pub async fn delete(tx: &mut AnyConnection, id: u64) -> Result<(), DbError> {
    // An id that no row can have is as gone as any other.
    let Ok(id) = int(id) else { return Ok(()) };
    sqlx::query("DELETE FROM outbox WHERE id = $1").bind(id).execute(tx).await?;
    Ok(())
}

/// Deletes what waits of a case.
pub async fn delete_case(tx: &mut AnyConnection, case_id: &B32) -> Result<(), DbError> {
    sqlx::query("DELETE FROM outbox WHERE case_id = $1").bind(case_id.to_vec()).execute(tx).await?;
    Ok(())
}
