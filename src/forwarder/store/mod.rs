//! The forwarder's store. Each method is one transaction; what must happen together stands in one.

pub mod cases;
pub mod deliveries;
pub mod inbox;
pub mod keys;
pub mod news;
pub mod windows;

use std::path::Path;

use sqlx::AnyConnection;
use sqlx::Row as _;

use crate::db::{Db, DbError, stored};

/// Something that needs a person's eyes. Kept once, however often it comes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// What kind of thing: `report`, `write`, `category`, `refused`, `lookup`, `status`, `regression`, `event`.
    pub kind: String,
    /// A case reference or a downstream id.
    pub about: String,
    /// A code or the downstream's status.
    pub detail: String,
}

impl Held {
    pub fn new(kind: &str, about: &str, detail: &str) -> Self {
        Self { kind: kind.to_owned(), about: about.to_owned(), detail: detail.to_owned() }
    }
}

/// A handle; clones share the database.
#[derive(Clone)]
pub struct Store(Db);

impl Store {
    pub async fn open(dir: &Path) -> Result<Self, DbError> {
        Ok(Self(Db::open(&dir.join("store.sqlite"), &sqlx::migrate!("migrations/forwarder")).await?))
    }

    /// The database, for the log outbox.
    #[must_use]
    pub const fn db(&self) -> &Db {
        &self.0
    }

    /// Holds a thing where people can see it.
    pub async fn hold(&self, held: Held, now: u64) -> Result<(), DbError> {
        self.0.write(move |tx| Box::pin(async move { hold(tx, &held, now).await })).await
    }

    /// What is held, by kind.
    pub async fn held(&self) -> Result<Vec<Held>, DbError> {
        self.0
            .read(|c| {
                Box::pin(async move {
                    let sql = "SELECT kind, about, detail FROM held ORDER BY kind, about, detail";
                    let rows = sqlx::query(sql).fetch_all(c).await?;
                    let held = |row: &sqlx::any::AnyRow| {
                        Ok(Held { kind: row.try_get(0)?, about: row.try_get(1)?, detail: row.try_get(2)? })
                    };
                    rows.iter().map(held).collect()
                })
            })
            .await
    }
}

/// Start of the day: fine enough for an operator, too coarse to tell who acted.
pub(super) const fn day(now: u64) -> u64 {
    now - now % 86_400
}

pub(super) async fn hold(tx: &mut AnyConnection, held: &Held, now: u64) -> Result<(), DbError> {
    let sql = "INSERT INTO held (kind, about, detail, held_on) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";
    let query = sqlx::query(sql).bind(held.kind.clone()).bind(held.about.clone()).bind(held.detail.clone());
    query.bind(stored(day(now))).execute(tx).await?;
    Ok(())
}

/// Puts an event in line for the gateway.
pub(super) async fn add_event(tx: &mut AnyConnection, case_id: &[u8; 32], body: Vec<u8>) -> Result<(), DbError> {
    let sql = "INSERT INTO event (case_id, body) VALUES ($1, $2)";
    sqlx::query(sql).bind(case_id.to_vec()).bind(body).execute(tx).await?;
    Ok(())
}
