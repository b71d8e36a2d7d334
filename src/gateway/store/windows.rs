//! Windows of acceptance.

use sqlx::AnyConnection;
use sqlx::any::AnyRow;
use tabir_crypto::B32;

use super::{hash, int, number};
use crate::db::{DbError, expect_rows};

/// A window: `opens <= t < closes`. Exact, since it is nobody's time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Window {
    pub w: u64,
    pub opens: u64,
    pub closes: u64,
    pub deadline: u64,
}

fn read(row: &AnyRow) -> Result<Window, DbError> {
    let at = |i: usize| number(row, i);
    Ok(Window { w: at(0)?, opens: at(1)?, closes: at(2)?, deadline: at(3)? })
}

/// The open window; none before the first.
pub async fn open(tx: &mut AnyConnection) -> Result<Option<Window>, DbError> {
    let query = sqlx::query("SELECT w, opens, closes, deadline FROM windows WHERE closed = 0");
    query.fetch_optional(tx).await?.as_ref().map(read).transpose()
}

/// Opens a window.
pub async fn insert(tx: &mut AnyConnection, window: &Window) -> Result<(), DbError> {
    let done = sqlx::query(
        "INSERT INTO windows (w, opens, closes, deadline, closed, erased_rounds) VALUES ($1, $2, $3, $4, 0, 0)",
    )
    .bind(int(window.w)?)
    .bind(int(window.opens)?)
    .bind(int(window.closes)?)
    .bind(int(window.deadline)?)
    .execute(tx)
    .await?;
    expect_rows("windows", done.rows_affected(), 1)
}

/// The pairs (a, b) of a window, sorted.
pub async fn pairs(tx: &mut AnyConnection, w: u64) -> Result<Vec<(B32, B32)>, DbError> {
    let query = sqlx::query("SELECT a, b FROM cases WHERE w = $1 ORDER BY a, b").bind(int(w)?);
    query.fetch_all(tx).await?.iter().map(|row| Ok((hash(row, 0)?, hash(row, 1)?))).collect()
}

/// Closes a window: its rows are written anew in the order of their case ids, so that nothing in the file tells in what
/// order they came.
pub async fn close(tx: &mut AnyConnection, w: u64) -> Result<(), DbError> {
    for step in [
        "INSERT INTO closing_cases SELECT * FROM cases WHERE w = $1 ORDER BY case_id",
        "DELETE FROM cases WHERE w = $1",
        "INSERT INTO cases SELECT * FROM closing_cases WHERE w = $1 ORDER BY case_id",
        "DELETE FROM closing_cases WHERE w = $1",
        "INSERT INTO closing_envelopes SELECT * FROM envelopes WHERE w = $1 ORDER BY case_id",
        "DELETE FROM envelopes WHERE w = $1",
        "INSERT INTO envelopes SELECT * FROM closing_envelopes WHERE w = $1 ORDER BY case_id",
        "DELETE FROM closing_envelopes WHERE w = $1",
    ] {
        sqlx::query(step).bind(int(w)?).execute(&mut *tx).await?;
    }
    let done =
        sqlx::query("UPDATE windows SET closed = 1 WHERE w = $1 AND closed = 0").bind(int(w)?).execute(tx).await?;
    expect_rows("windows", done.rows_affected(), 1)
}

/// A window, and the number of its next entry about erasures: 0, then up by one.
pub async fn next_erased_round(tx: &mut AnyConnection, w: u64) -> Result<(Window, u64), DbError> {
    let row = sqlx::query("SELECT w, opens, closes, deadline, erased_rounds FROM windows WHERE w = $1")
        .bind(int(w)?)
        .fetch_one(&mut *tx)
        .await?;
    let done = sqlx::query("UPDATE windows SET erased_rounds = erased_rounds + 1 WHERE w = $1")
        .bind(int(w)?)
        .execute(tx)
        .await?;
    expect_rows("windows", done.rows_affected(), 1)?;
    Ok((read(&row)?, number(&row, 4)?))
}
