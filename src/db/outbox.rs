//! The log outbox: a statement for a log is written in the transaction that it describes, and delivered later.
//!
//! Every role that logs has the table `log_outbox (id, log, statement)` in its migrations. Delivery is at least
//! once; the log takes each statement once. A row leaves when the log has it.

use sqlx::{AnyConnection, Row as _};
use tabir_crypto::statement::Statement;
use tabir_crypto::trust::root::LogName;

use super::{Db, DbError, expect_rows};

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

/// The oldest statements that wait.
pub async fn waiting(db: &Db) -> Result<Vec<Waiting>, DbError> {
    db.read(|c| {
        Box::pin(async move {
            let rows = sqlx::query("SELECT id, log, statement FROM log_outbox ORDER BY id LIMIT $1")
                .bind(ROUND)
                .fetch_all(c)
                .await?;
            rows.iter()
                .map(|row| {
                    let name: String = row.try_get(1)?;
                    let log = LogName::ALL.into_iter().find(|l| l.as_str() == name);
                    Ok(Waiting {
                        id: row.try_get(0)?,
                        log: log.ok_or(DbError::Malformed("log_outbox"))?,
                        statement: row.try_get(2)?,
                    })
                })
                .collect()
        })
    })
    .await
}

/// The log has it.
pub async fn delivered(db: &Db, id: i64) -> Result<(), DbError> {
    db.write(move |tx| {
        Box::pin(async move {
            sqlx::query("DELETE FROM log_outbox WHERE id = $1").bind(id).execute(tx).await?;
            Ok(())
        })
    })
    .await
}
