//! What a backup takes of the forwarder's store, and how one comes back. `docs/operating.md` has the reasons.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::AnyConnection;
use tabir_crypto::B32;
use tabir_crypto::statement::Statement;
use tabir_crypto::trust::root::LogName;

use super::keys::Epoch;
use super::{MIGRATIONS, Store};
use crate::db::copy::{Plan, Table};
use crate::db::outbox::enqueue;
use crate::db::{DbError, Work, stored, unsigned};

/// The plan.
pub static PLAN: Plan = Plan {
    migrations: &MIGRATIONS,
    tables: &[
        Table::all("accept_window"),
        Table::all("delivery"),
        Table::all("event"),
        // What nobody could read then everybody may read now: somebody looks again.
        Table::nothing("exposure"),
        Table::all("held"),
        Table::all("inbox"),
        Table::all("intake_key"),
        Table::all("log_outbox"),
        Table::all("report"),
        Table::nothing("restored"),
        Table::all("seen_update"),
        Table::all("watermark"),
    ],
    restored,
};

/// What waited then may have been sent since: its outcome is unknown, so it is looked up before it is sent.
fn restored(tx: &mut AnyConnection, now: u64) -> Work<'_, ()> {
    Box::pin(async move {
        let unknown = "UPDATE delivery SET state = 'sending', \
                       first_attempt = CASE WHEN first_attempt = 0 THEN day ELSE first_attempt END \
                       WHERE state = 'waiting'";
        sqlx::query(unknown).execute(&mut *tx).await?;
        sqlx::query("INSERT INTO restored (one, at) VALUES (1, $1)").bind(stored(now)).execute(tx).await?;
        Ok(())
    })
}

/// What the intake log says about this forwarder's reports.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// Passed on.
    pub forwarded: BTreeSet<B32>,
    /// Refused.
    pub refused: BTreeSet<B32>,
    /// Named as pending, with the last round that did.
    pub pending: BTreeMap<B32, u64>,
    /// Erased by their reporters.
    pub erased: BTreeSet<B32>,
    /// Of each window the last round that was spoken of.
    pub rounds: BTreeMap<u64, u64>,
}

impl Store {
    /// When this store came back, if it has not caught up since.
    pub async fn restored_at(&self) -> Result<Option<u64>, DbError> {
        self.0
            .read(|c| {
                Box::pin(async move {
                    let row = sqlx::query("SELECT at FROM restored").fetch_optional(c).await?;
                    row.map(|row| unsigned("restored", sqlx::Row::try_get(&row, 0)?)).transpose()
                })
            })
            .await
    }

    /// Takes over what the logs say. `keys` are epochs that the governance log has and this store forgot; `lost` those whose
    /// private key is not here, each with what the log is told of it, if it does not know yet.
    pub async fn adopt(
        &self,
        told: Told,
        keys: Vec<Epoch>,
        lost: Vec<(u64, Option<Statement>)>,
    ) -> Result<(), DbError> {
        self.0
            .write(move |tx| {
                Box::pin(async move {
                    adopt_fates(tx, &told).await?;
                    adopt_keys(tx, keys, lost).await?;
                    sqlx::query("DELETE FROM restored").execute(tx).await?;
                    Ok(())
                })
            })
            .await
    }
}

async fn adopt_fates(tx: &mut AnyConnection, told: &Told) -> Result<(), DbError> {
    for (w, round) in &told.rounds {
        let next = "UPDATE accept_window SET round = $2 WHERE w = $1 AND round < $2";
        sqlx::query(next).bind(stored(*w)).bind(stored(round.saturating_add(1))).execute(&mut *tx).await?;
    }
    for (nf, round) in &told.pending {
        let named = "UPDATE report SET pending_in = $2 WHERE nf = $1 AND pending_in < $2";
        sqlx::query(named).bind(nf.to_vec()).bind(stored(*round)).execute(&mut *tx).await?;
    }
    for nf in &told.forwarded {
        // Its delivery stays: the look-up finds the downstream's id, which updates need.
        sqlx::query("UPDATE report SET logged = 1 WHERE nf = $1").bind(nf.to_vec()).execute(&mut *tx).await?;
    }
    for nf in &told.refused {
        forget(tx, nf).await?;
        let fate = "UPDATE report SET logged = 1, fate = 'refused' WHERE nf = $1 AND fate = 'queued'";
        sqlx::query(fate).bind(nf.to_vec()).execute(&mut *tx).await?;
    }
    for nf in &told.erased {
        forget(tx, nf).await?;
        let fate = "UPDATE report SET fate = 'erased' WHERE nf = $1 AND fate = 'queued'";
        sqlx::query(fate).bind(nf.to_vec()).execute(&mut *tx).await?;
    }
    Ok(())
}

/// Nothing of this report goes to the downstream any more.
async fn forget(tx: &mut AnyConnection, nf: &B32) -> Result<(), DbError> {
    for table in ["delivery", "inbox"] {
        let sql = format!("DELETE FROM {table} WHERE case_id IN (SELECT case_id FROM report WHERE nf = $1)");
        sqlx::query(sqlx::AssertSqlSafe(sql)).bind(nf.to_vec()).execute(&mut *tx).await?;
    }
    Ok(())
}

async fn adopt_keys(
    tx: &mut AnyConnection,
    keys: Vec<Epoch>,
    lost: Vec<(u64, Option<Statement>)>,
) -> Result<(), DbError> {
    for key in keys {
        let insert =
            "INSERT INTO intake_key (epoch, key_id, not_before, not_after, destroyed) VALUES ($1, $2, $3, $4, 0)";
        sqlx::query(insert)
            .bind(stored(key.epoch))
            .bind(key.key_id.to_vec())
            .bind(stored(key.not_before))
            .bind(stored(key.not_after))
            .execute(&mut *tx)
            .await?;
    }
    for (epoch, retired) in lost {
        let gone = "UPDATE intake_key SET destroyed = 1 WHERE epoch = $1";
        sqlx::query(gone).bind(stored(epoch)).execute(&mut *tx).await?;
        if let Some(retired) = retired {
            enqueue(tx, LogName::Governance, &retired).await?;
        }
    }
    Ok(())
}
