//! The board's store: manifests, ceremony messages, proposals. Requests are in `store_requests.rs`.

use std::path::Path;

use sqlx::any::AnyRow;
use sqlx::migrate::Migrator;
use sqlx::{AnyConnection, Row as _};
use tabir_crypto::B32;
use tabir_crypto::statement::Statement;
use tabir_crypto::statement::body::CouncilMessage;
use tabir_crypto::trust::root::LogName;

use crate::api::council::round::ABORT;
use crate::db::copy::{Plan, Table, as_it_is};
use crate::db::{Db, DbError, expect_rows, outbox};

/// What came of storing something that has one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Posted {
    /// It is there now.
    New,
    /// The same was there.
    Same,
    /// Something else was there, and stays.
    Other,
}

/// The schema.
static MIGRATIONS: Migrator = sqlx::migrate!("migrations/council");

/// What a backup takes: what is sealed is sealed to people and their keys, and goes when its request ends.
pub static PLAN: Plan = Plan {
    migrations: &MIGRATIONS,
    tables: &[
        Table::all("acts"),
        Table::all("alerts"),
        Table::all("ceremonies"),
        Table::all("log_outbox"),
        Table::all("messages"),
        Table::all("proposals"),
        Table::all("requests"),
        Table::all("sealed"),
    ],
    restored: as_it_is,
};

/// The store.
#[derive(Clone)]
pub struct Store(pub(super) Db);

pub(super) fn parse(bytes: &[u8]) -> Result<Statement, DbError> {
    Statement::parse(bytes).map_err(|_| DbError::Malformed("statement"))
}

impl Store {
    /// Opens or creates it.
    pub async fn open(file: &Path) -> Result<Self, DbError> {
        Db::open(file, &MIGRATIONS).await.map(Self)
    }

    /// The connection pool, for the delivery of the log outbox.
    #[must_use]
    pub const fn db(&self) -> &Db {
        &self.0
    }

    /// Admits a manifest.
    pub async fn add_manifest(&self, id: B32, manifest: Vec<u8>) -> Result<(), DbError> {
        self.0
            .write(move |tx| {
                Box::pin(async move {
                    sqlx::query("INSERT INTO ceremonies (id, manifest) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING")
                        .bind(id.to_vec())
                        .bind(manifest)
                        .execute(tx)
                        .await?;
                    Ok(())
                })
            })
            .await
    }

    /// All admitted manifests.
    pub async fn manifests(&self) -> Result<Vec<Vec<u8>>, DbError> {
        self.0
            .read(|c| {
                Box::pin(async move {
                    let rows = sqlx::query("SELECT manifest FROM ceremonies").fetch_all(c).await?;
                    rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
                })
            })
            .await
    }

    /// One of them.
    pub async fn manifest(&self, id: B32) -> Result<Option<Vec<u8>>, DbError> {
        self.0
            .read(|c| {
                Box::pin(async move {
                    let row = sqlx::query("SELECT manifest FROM ceremonies WHERE id = $1")
                        .bind(id.to_vec())
                        .fetch_optional(c)
                        .await?;
                    row.map(|row| Ok(row.try_get(0)?)).transpose()
                })
            })
            .await
    }

    /// Puts a message in its place. What it says decides, not when it was signed. `None` when the ceremony was ended.
    pub async fn add_message(&self, m: CouncilMessage, statement: Statement) -> Result<Option<Posted>, DbError> {
        self.0
            .write(move |tx| {
                Box::pin(async move {
                    let place = [i64::from(m.round), i64::from(m.from), i64::from(m.to)];
                    let [round, from, to] = place;
                    if m.round != ABORT && is_aborted(&mut *tx, &m.ceremony_id.0).await? {
                        return Ok(None);
                    }
                    let done = sqlx::query(
                        "INSERT INTO messages (ceremony, round, sender, recipient, bytes, statement) \
                         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (ceremony, round, sender, recipient) DO NOTHING",
                    )
                    .bind(m.ceremony_id.0.to_vec())
                    .bind(round)
                    .bind(from)
                    .bind(to)
                    .bind(m.bytes.0.clone())
                    .bind(statement.to_bytes())
                    .execute(&mut *tx)
                    .await?;
                    if done.rows_affected() == 1 {
                        return Ok(Some(Posted::New));
                    }
                    let row = sqlx::query(
                        "SELECT bytes FROM messages WHERE ceremony = $1 AND round = $2 AND sender = $3 AND recipient = $4",
                    )
                    .bind(m.ceremony_id.0.to_vec())
                    .bind(round)
                    .bind(from)
                    .bind(to)
                    .fetch_one(tx)
                    .await?;
                    let same = row.try_get::<Vec<u8>, _>(0)? == m.bytes.0;
                    Ok(Some(if same { Posted::Same } else { Posted::Other }))
                })
            })
            .await
    }

    /// Whether a participant ended this ceremony.
    pub async fn is_aborted(&self, ceremony: B32) -> Result<bool, DbError> {
        self.0.read(move |c| Box::pin(async move { is_aborted(c, &ceremony).await })).await
    }

    /// Messages to everybody and to `own`.
    pub async fn messages(&self, ceremony: B32, own: u16) -> Result<Vec<Statement>, DbError> {
        self.0
            .read(|c| {
                Box::pin(async move {
                    let rows = sqlx::query(
                        "SELECT statement FROM messages WHERE ceremony = $1 AND (recipient = 0 OR recipient = $2) \
                         ORDER BY round, sender, recipient",
                    )
                    .bind(ceremony.to_vec())
                    .bind(i64::from(own))
                    .fetch_all(c)
                    .await?;
                    rows.iter().map(|row| parse(&row.try_get::<Vec<u8>, _>(0)?)).collect()
                })
            })
            .await
    }

    /// All proposals, oldest first, each with whether it is complete.
    pub async fn proposals(&self) -> Result<Vec<(Statement, bool)>, DbError> {
        self.0
            .read(|c| {
                Box::pin(async move {
                    let rows =
                        sqlx::query("SELECT statement, complete FROM proposals ORDER BY seq").fetch_all(c).await?;
                    rows.iter().map(read_proposal).collect()
                })
            })
            .await
    }

    /// One of them.
    pub async fn proposal(&self, id: B32) -> Result<Option<(Statement, bool)>, DbError> {
        self.0
            .read(|c| {
                Box::pin(async move {
                    let row = sqlx::query("SELECT statement, complete FROM proposals WHERE id = $1")
                        .bind(id.to_vec())
                        .fetch_optional(c)
                        .await?;
                    row.as_ref().map(read_proposal).transpose()
                })
            })
            .await
    }

    /// How many still want signatures.
    pub async fn open_proposals(&self) -> Result<usize, DbError> {
        self.0
            .read(|c| {
                Box::pin(async move {
                    let row = sqlx::query("SELECT COUNT(*) FROM proposals WHERE complete = 0").fetch_one(c).await?;
                    Ok(usize::try_from(row.try_get::<i64, _>(0)?).unwrap_or(usize::MAX))
                })
            })
            .await
    }

    /// Deletes a proposal that waits.
    pub async fn drop_proposal(&self, id: B32) -> Result<(), DbError> {
        self.0
            .write(move |tx| {
                Box::pin(async move {
                    sqlx::query("DELETE FROM proposals WHERE id = $1 AND complete = 0")
                        .bind(id.to_vec())
                        .execute(tx)
                        .await?;
                    Ok(())
                })
            })
            .await
    }

    /// Stores a proposal with its signatures; a complete one is queued for its log in the same transaction.
    pub async fn put_proposal(
        &self,
        statement: Statement,
        complete: bool,
        log: Option<LogName>,
    ) -> Result<(), DbError> {
        self.0.write(move |tx| Box::pin(put_proposal(tx, statement, complete, log))).await
    }
}

async fn is_aborted(c: &mut AnyConnection, ceremony: &B32) -> Result<bool, DbError> {
    let row = sqlx::query("SELECT 1 FROM messages WHERE ceremony = $1 AND round = $2")
        .bind(ceremony.to_vec())
        .bind(i64::from(ABORT))
        .fetch_optional(c)
        .await?;
    Ok(row.is_some())
}

async fn put_proposal(
    tx: &mut AnyConnection,
    statement: Statement,
    complete: bool,
    log: Option<LogName>,
) -> Result<(), DbError> {
    let done = sqlx::query(
        "INSERT INTO proposals (id, statement, complete) VALUES ($1, $2, $3) \
         ON CONFLICT (id) DO UPDATE SET statement = excluded.statement, complete = excluded.complete",
    )
    .bind(statement.pae_hash().to_vec())
    .bind(statement.to_bytes())
    .bind(i64::from(complete))
    .execute(&mut *tx)
    .await?;
    expect_rows("proposals", done.rows_affected(), 1)?;
    match log.filter(|_| complete) {
        Some(log) => outbox::enqueue(tx, log, &statement).await,
        None => Ok(()),
    }
}

fn read_proposal(row: &AnyRow) -> Result<(Statement, bool), DbError> {
    Ok((parse(&row.try_get::<Vec<u8>, _>(0)?)?, row.try_get::<i64, _>(1)? != 0))
}
