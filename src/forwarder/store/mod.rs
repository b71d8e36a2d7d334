//! The forwarder's store. Each method is one transaction; what must happen together stands in one.

pub mod backup;
pub mod cases;
pub mod deliveries;
pub mod exposure;
pub mod held;
pub mod inbox;
pub mod keys;
pub mod news;
pub mod windows;

use std::path::Path;

use sqlx::AnyConnection;
use sqlx::migrate::Migrator;

use crate::db::{Db, DbError, stored};

/// The schema.
static MIGRATIONS: Migrator = sqlx::migrate!("migrations/forwarder");

/// Something that needs a person's eyes. Kept once, however often it comes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// What kind of thing: one of the lists in [`held`].
    pub kind: String,
    /// A case reference or a downstream id.
    pub about: String,
    /// A code or the downstream's status.
    pub detail: String,
    /// The downstream's time of it, Unix seconds; 0 where that says nothing.
    pub at: u64,
}

impl Held {
    pub fn new(kind: &str, about: &str, detail: &str) -> Self {
        Self { kind: kind.to_owned(), about: about.to_owned(), detail: detail.to_owned(), at: 0 }
    }

    /// With the downstream's time.
    pub const fn at(mut self, at: u64) -> Self {
        self.at = at;
        self
    }
}

/// A handle; clones share the database.
#[derive(Clone)]
pub struct Store(Db);

impl Store {
    pub async fn open(dir: &Path) -> Result<Self, DbError> {
        Ok(Self(Db::open(&dir.join("store.sqlite"), &MIGRATIONS).await?))
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
}

/// Start of the day: fine enough for an operator, too coarse to tell who acted.
pub(super) const fn day(now: u64) -> u64 {
    now - now % 86_400
}

pub(super) async fn hold(tx: &mut AnyConnection, held: &Held, now: u64) -> Result<(), DbError> {
    if held::DELIVERIES.contains(&held.kind.as_str()) {
        // A delivery waits for one thing at a time.
        let sql = "DELETE FROM held WHERE kind = $1 AND about = $2 AND detail <> $3";
        let query = sqlx::query(sql).bind(held.kind.clone()).bind(held.about.clone()).bind(held.detail.clone());
        query.execute(&mut *tx).await?;
    }
    let sql = "INSERT INTO held (kind, about, detail, held_on, at) VALUES ($1, $2, $3, $4, $5) \
               ON CONFLICT (kind, about, detail) DO UPDATE SET at = $5";
    let query = sqlx::query(sql).bind(held.kind.clone()).bind(held.about.clone()).bind(held.detail.clone());
    query.bind(stored(day(now))).bind(stored(held.at)).execute(tx).await?;
    Ok(())
}

/// Puts an event in line for the gateway.
pub(super) async fn add_event(tx: &mut AnyConnection, case_id: &[u8; 32], body: Vec<u8>) -> Result<(), DbError> {
    let sql = "INSERT INTO event (case_id, body) VALUES ($1, $2)";
    sqlx::query(sql).bind(case_id.to_vec()).bind(body).execute(tx).await?;
    Ok(())
}
