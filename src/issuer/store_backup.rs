//! What a backup takes of the issuer's store, and the change of keys before their time. `docs/operating.md` has the reasons.

use sqlx::{AnyConnection, Row as _};
use tabir_crypto::statement::Statement;
use tabir_crypto::token::IssuerKey;
use tabir_crypto::trust::root::LogName;

use super::epochs::Span;
use super::store::{MIGRATIONS, Store, number, unsigned};
use crate::db::copy::{Plan, Table};
use crate::db::{DbError, Work, expect_rows, outbox};

/// The plan.
pub static PLAN: Plan = Plan {
    migrations: &MIGRATIONS,
    tables: &[
        // A pseudonym dies with its epoch; in a backup it would live as long as the backup's key.
        Table::nothing("account_keys"),
        Table::nothing("accounts"),
        Table::all("log_outbox"),
        // What signs tokens is nowhere but here, and dies with its epoch.
        Table::nothing("puzzle_key"),
        Table::nothing("puzzles"),
        Table::nothing("restored"),
        Table::without("token_keys", &[("pkcs8", "NULL")]),
        Table::all("voucher_batches"),
        // A repeat is answered by the key of its epoch, which is not in a backup.
        Table::without("vouchers", &[("request_hash", "NULL")]),
    ],
    restored,
};

fn restored(tx: &mut AnyConnection, now: u64) -> Work<'_, ()> {
    Box::pin(async move {
        sqlx::query("INSERT INTO restored (one, at) VALUES (1, $1)").bind(number(now)?).execute(tx).await?;
        Ok(())
    })
}

/// An announcement that waits for an auditor's signature.
pub struct Proposed {
    /// The epoch.
    pub epoch: u64,
    /// Its key, SPKI.
    pub spki: Vec<u8>,
    /// Canonical bytes of the statement, signed by the issuer.
    pub statement: Vec<u8>,
}

impl Store {
    /// Whether this store came back from a backup and its keys were not renewed since.
    pub async fn is_restored(&self) -> Result<bool, DbError> {
        self.db()
            .read(|c| {
                Box::pin(async move { Ok(sqlx::query("SELECT 1 FROM restored").fetch_optional(c).await?.is_some()) })
            })
            .await
    }

    /// Ends every epoch before its time and begins another one. Their private keys go; `said` are the statements about them.
    /// The new key's announcement waits for an auditor if `proposed`, and else goes to the log at once.
    pub async fn renew(
        &self,
        span: Span,
        key: &IssuerKey,
        announced: Statement,
        proposed: bool,
        said: Vec<Statement>,
    ) -> Result<(), DbError> {
        let spki = key.public().spki().to_vec();
        let pkcs8 = key.to_pkcs8().map_err(|_| DbError::Malformed("token_keys"))?;
        let (epoch, from, to) = (number(span.epoch)?, number(span.not_before)?, number(span.not_after)?);
        self.db()
            .write(move |tx| {
                Box::pin(async move {
                    sqlx::query("UPDATE vouchers SET request_hash = NULL WHERE request_hash IS NOT NULL")
                        .execute(&mut *tx)
                        .await?;
                    // 0: not listed among those whose tokens are taken, and over at any time.
                    sqlx::query("UPDATE token_keys SET pkcs8 = NULL, proposed = NULL, not_after = 0 WHERE epoch < $1")
                        .bind(epoch)
                        .execute(&mut *tx)
                        .await?;
                    let done = sqlx::query(
                        "INSERT INTO token_keys (epoch, not_before, not_after, spki, pkcs8, proposed) \
                         VALUES ($1, $2, $3, $4, $5, $6)",
                    )
                    .bind(epoch)
                    .bind(from)
                    .bind(to)
                    .bind(spki)
                    .bind(pkcs8.expose().clone())
                    .bind(proposed.then(|| announced.to_bytes()))
                    .execute(&mut *tx)
                    .await?;
                    expect_rows("token_keys", done.rows_affected(), 1)?;
                    sqlx::query("DELETE FROM restored").execute(&mut *tx).await?;
                    for statement in &said {
                        outbox::enqueue(tx, LogName::Governance, statement).await?;
                    }
                    if !proposed {
                        outbox::enqueue(tx, LogName::Governance, &announced).await?;
                    }
                    Ok(())
                })
            })
            .await
    }

    /// Announcements that wait for an auditor.
    pub async fn proposed(&self) -> Result<Vec<Proposed>, DbError> {
        self.db().read(|c| Box::pin(read_proposed(c))).await
    }

    /// The log has the announcement.
    pub async fn announced(&self, epoch: u64) -> Result<(), DbError> {
        let epoch = number(epoch)?;
        self.db()
            .write(move |tx| {
                Box::pin(async move {
                    sqlx::query("UPDATE token_keys SET proposed = NULL WHERE epoch = $1")
                        .bind(epoch)
                        .execute(tx)
                        .await?;
                    Ok(())
                })
            })
            .await
    }
}

async fn read_proposed(c: &mut AnyConnection) -> Result<Vec<Proposed>, DbError> {
    let sql = "SELECT epoch, spki, proposed FROM token_keys WHERE proposed IS NOT NULL ORDER BY epoch";
    let rows = sqlx::query(sql).fetch_all(c).await?;
    let read = |row: &sqlx::any::AnyRow| {
        Ok(Proposed { epoch: unsigned(row.try_get(0)?)?, spki: row.try_get(1)?, statement: row.try_get(2)? })
    };
    rows.iter().map(read).collect()
}
