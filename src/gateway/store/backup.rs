//! What a backup takes of the gateway's store, and how one comes back. `docs/operating.md` has the reasons.

use sqlx::AnyConnection;
use tabir_crypto::B32;
use tabir_crypto::codec::sha256;

use super::windows::Window;
use super::{MIGRATIONS, hash, int, number};
use crate::db::copy::{Plan, Table};
use crate::db::{DbError, Work};

/// The plan.
pub static PLAN: Plan = Plan {
    migrations: &MIGRATIONS,
    tables: &[
        Table::all("cases"),
        Table::nothing("closing_cases"),
        Table::nothing("closing_envelopes"),
        Table::all("envelopes"),
        Table::all("erasures"),
        Table::all("events"),
        Table::all("holds"),
        Table::all("log_outbox"),
        Table::all("mailbox"),
        Table::without("outbox", &[("leased_until", "0")]),
        Table::all("restored"),
        Table::all("retired"),
        // A store that comes back takes no token of before: what was spent need not be known.
        Table::nothing("spent"),
        Table::all("statuses"),
        Table::all("tombstones"),
        Table::all("windows"),
    ],
    restored,
};

/// More than one reporter writes between two backups.
const GAP: i64 = 1_000;

fn restored(tx: &mut AnyConnection, now: u64) -> Work<'_, ()> {
    Box::pin(async move {
        let mark = "INSERT INTO restored (one, at, done) VALUES (1, $1, 0) \
                    ON CONFLICT (one) DO UPDATE SET at = $1, done = 0";
        sqlx::query(mark).bind(int(now)?).execute(&mut *tx).await?;
        // The forwarder has seen higher numbers since, and takes none twice: the next one must be above all of them.
        let above = "UPDATE cases SET counter = counter + $1, seq = seq + $1";
        sqlx::query(above).bind(GAP).execute(tx).await?;
        Ok(())
    })
}

/// When this store came back, if it has not caught up since.
pub async fn restored_at(tx: &mut AnyConnection) -> Result<Option<u64>, DbError> {
    let row = sqlx::query("SELECT at FROM restored WHERE done = 0").fetch_optional(tx).await?;
    row.as_ref().map(|row| number(row, 0)).transpose()
}

/// It has caught up.
pub async fn caught_up(tx: &mut AnyConnection) -> Result<(), DbError> {
    sqlx::query("UPDATE restored SET done = 1").execute(tx).await?;
    Ok(())
}

/// Whether this store ever came back from a backup.
pub async fn was_restored(tx: &mut AnyConnection) -> Result<bool, DbError> {
    Ok(sqlx::query("SELECT 1 FROM restored").fetch_optional(tx).await?.is_some())
}

/// A window that the log knows as closed: it is, whatever this store thought. Rows that it has of it are written anew as at
/// any close.
pub async fn close_as_logged(tx: &mut AnyConnection, window: &Window) -> Result<(), DbError> {
    let w = int(window.w)?;
    let known = sqlx::query("SELECT closed FROM windows WHERE w = $1").bind(w).fetch_optional(&mut *tx).await?;
    match known.as_ref().map(|row| number(row, 0)).transpose()? {
        Some(0) => super::windows::close(tx, window.w).await?,
        Some(_) => {}
        None => {
            let insert = "INSERT INTO windows (w, opens, closes, deadline, closed, erased_rounds) \
                          VALUES ($1, $2, $3, $4, 1, 0)";
            let query = sqlx::query(insert).bind(w).bind(int(window.opens)?).bind(int(window.closes)?);
            query.bind(int(window.deadline)?).execute(tx).await?;
        }
    }
    Ok(())
}

/// The newest window that is there, whether open or not.
pub async fn last_window(tx: &mut AnyConnection) -> Result<Option<Window>, DbError> {
    let row = sqlx::query("SELECT w, opens, closes, deadline FROM windows ORDER BY w DESC LIMIT 1");
    let row = row.fetch_optional(tx).await?;
    let read = |row| {
        Ok(Window { w: number(row, 0)?, opens: number(row, 1)?, closes: number(row, 2)?, deadline: number(row, 3)? })
    };
    row.as_ref().map(read).transpose()
}

/// The log has entries about erasures of a window up to this round: the next one has a higher number.
pub async fn past_round(tx: &mut AnyConnection, w: u64, round: u64) -> Result<(), DbError> {
    sqlx::query("UPDATE windows SET erased_rounds = $2 WHERE w = $1 AND erased_rounds < $2")
        .bind(int(w)?)
        .bind(int(round + 1)?)
        .execute(tx)
        .await?;
    Ok(())
}

/// Erases a case again that its reporter erased after the backup: its salt and statement are lost, so nothing of it is kept
/// but the tombstone. True: it was there. One whose erasure is in the backup stays as it is, and is logged.
pub async fn erase_again(tx: &mut AnyConnection, nf: &B32, purge_at: u64) -> Result<bool, DbError> {
    let row = sqlx::query("SELECT case_id, erased FROM cases WHERE nf = $1").bind(nf.to_vec());
    let Some(row) = row.fetch_optional(&mut *tx).await? else { return Ok(false) };
    let case_id = hash(&row, 0)?;
    if number(&row, 1)? == 1 {
        let logged = "UPDATE erasures SET purge_at = $2 WHERE case_id = $1 AND purge_at IS NULL";
        sqlx::query(logged).bind(case_id.to_vec()).bind(int(purge_at)?).execute(tx).await?;
        return Ok(false);
    }
    super::outbox::delete_case(tx, &case_id).await?;
    super::mailbox::delete_all(tx, &case_id).await?;
    super::envelopes::delete_unheld(tx, &case_id).await?;
    sqlx::query("DELETE FROM cases WHERE case_id = $1").bind(case_id.to_vec()).execute(&mut *tx).await?;
    sqlx::query("INSERT INTO tombstones (tombstone) VALUES ($1) ON CONFLICT (tombstone) DO NOTHING")
        .bind(sha256(&case_id).to_vec())
        .execute(tx)
        .await?;
    Ok(true)
}

/// The log says that the forwarder has done with a report: it is not handed over a second time.
pub async fn is_done(tx: &mut AnyConnection, nf: &B32, forwarded: bool) -> Result<(), DbError> {
    let item = "DELETE FROM outbox WHERE kind = 'report' AND case_id IN (SELECT case_id FROM cases WHERE nf = $1)";
    sqlx::query(item).bind(nf.to_vec()).execute(&mut *tx).await?;
    if forwarded {
        sqlx::query("UPDATE cases SET sent = 1 WHERE nf = $1").bind(nf.to_vec()).execute(tx).await?;
    }
    Ok(())
}
