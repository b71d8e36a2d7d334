//! The log outbox: a statement for a log is written in the transaction that it describes, and delivered later.
//!
//! Every role that logs has the table `log_outbox (id, log, statement, idx)` in its migrations. Delivery is at least
//! once; the log takes each statement once and says as which entry (`idx`). A row leaves when a checkpoint that a quorum
//! of witnesses cosigned has that entry: what a log had beyond its last one is gone when its disk is, and is sent again.
//!
//! ```text
//! enqueue --> waits (idx NULL) --delivered--> taken (idx) --forget--> gone
//!                  ^-----------again------------'   the log was rebuilt without it
//! ```

use sqlx::{AnyConnection, Row as _};
use tabir_crypto::statement::Statement;
use tabir_crypto::trust::root::LogName;

use super::{Db, DbError, expect_rows, stored, unsigned};

/// A statement that waits for its log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// Row id.
    pub id: i64,
    /// Which log.
    pub log: LogName,
    /// Canonical bytes of the statement.
    pub statement: Vec<u8>,
}

/// Statements that one delivery round takes.
const ROUND: i64 = 64;

/// Puts a statement in line, in the caller's transaction.
pub async fn enqueue(tx: &mut AnyConnection, log: LogName, statement: &Statement) -> Result<(), DbError> {
    let done = sqlx::query("INSERT INTO log_outbox (log, statement) VALUES ($1, $2)")
        .bind(log.as_str())
        .bind(statement.to_bytes())
        .execute(tx)
        .await?;
    expect_rows("log_outbox", done.rows_affected(), 1)
}

/// The oldest statements that the log has not taken.
pub async fn waiting(db: &Db) -> Result<Vec<Waiting>, DbError> {
    let found = rows(db, "SELECT id, log, statement, idx FROM log_outbox WHERE idx IS NULL ORDER BY id LIMIT $1");
    Ok(found.await?.into_iter().map(|(waiting, _)| waiting).collect())
}

/// Statements that the log has taken and no witness has seen yet, with their entry numbers: those with the smallest first.
pub async fn taken(db: &Db) -> Result<Vec<(Waiting, u64)>, DbError> {
    let found = rows(db, "SELECT id, log, statement, idx FROM log_outbox WHERE idx IS NOT NULL ORDER BY idx LIMIT $1");
    Ok(found.await?.into_iter().filter_map(|(waiting, index)| Some((waiting, index?))).collect())
}

/// Of each log the taken statement with the largest number: what a log loses it loses from its end.
pub async fn last_taken(db: &Db) -> Result<Vec<(Waiting, u64)>, DbError> {
    let last = "SELECT id, log, statement, idx FROM log_outbox WHERE idx IN \
                (SELECT MAX(idx) FROM log_outbox o WHERE o.log = log_outbox.log) LIMIT $1";
    Ok(rows(db, last).await?.into_iter().filter_map(|(waiting, index)| Some((waiting, index?))).collect())
}

async fn rows(db: &Db, sql: &'static str) -> Result<Vec<(Waiting, Option<u64>)>, DbError> {
    db.read(|c| {
        Box::pin(async move {
            let rows = sqlx::query(sql).bind(ROUND).fetch_all(c).await?;
            rows.iter()
                .map(|row| {
                    let name: String = row.try_get(1)?;
                    let log = LogName::ALL.into_iter().find(|l| l.as_str() == name);
                    let log = log.ok_or(DbError::Malformed("log_outbox"))?;
                    let index = row.try_get::<Option<i64>, _>(3)?.map(|idx| unsigned("log_outbox", idx)).transpose()?;
                    Ok((Waiting { id: row.try_get(0)?, log, statement: row.try_get(2)? }, index))
                })
                .collect()
        })
    })
    .await
}

/// The log has it, as this entry.
pub async fn delivered(db: &Db, id: i64, index: u64) -> Result<(), DbError> {
    db.write(move |tx| {
        Box::pin(async move {
            let put = "UPDATE log_outbox SET idx = $2 WHERE id = $1";
            sqlx::query(put).bind(id).bind(stored(index)).execute(tx).await?;
            Ok(())
        })
    })
    .await
}

/// A witnessed checkpoint has it.
pub async fn forget(db: &Db, id: i64) -> Result<(), DbError> {
    db.write(move |tx| {
        Box::pin(async move {
            sqlx::query("DELETE FROM log_outbox WHERE id = $1").bind(id).execute(tx).await?;
            Ok(())
        })
    })
    .await
}

/// The log has lost entries from this number on: what stood there waits again.
pub async fn again(db: &Db, log: LogName, from: u64) -> Result<(), DbError> {
    db.write(move |tx| {
        Box::pin(async move {
            let back = "UPDATE log_outbox SET idx = NULL WHERE log = $1 AND idx >= $2";
            sqlx::query(back).bind(log.as_str()).bind(stored(from)).execute(tx).await?;
            Ok(())
        })
    })
    .await
}
