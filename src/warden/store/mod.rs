//! The warden's store: what it has cosigned and read, its keys, and the requests that it works on.
//!
//! Every step of the warden is one transaction here, so that a crash leaves it either undone or done.

mod alerts;
mod journal;
mod keys;
mod requests;

use std::path::Path;

use sqlx::{AnyConnection, Row as _};
use tabir_crypto::B32;
use tabir_crypto::log::TreeHead;
use tabir_crypto::trust::root::LogName;

pub use keys::KeyRow;
pub use requests::{Answer, RequestRow, Sealed, Stage};

use super::journal::{Event, What};
use crate::clock::Clock;
use crate::db::{Db, DbError, expect_rows, fixed};

/// The schema.
pub static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("migrations/warden");

/// What a stored value that nobody here wrote is reported as.
const ROW: &str = "warden row";

fn int(n: u64) -> Result<i64, DbError> {
    i64::try_from(n).map_err(|_| DbError::Malformed("a number"))
}

fn number(n: i64) -> Result<u64, DbError> {
    u64::try_from(n).map_err(|_| DbError::Malformed(ROW))
}

/// The last head of a log that this warden stored, and whether the log forked after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Size and root.
    pub tree: TreeHead,
    /// It showed two histories: nothing of it is cosigned or believed until an operator acts.
    pub forked: bool,
}

/// A kept checkpoint of the governance log that fits this warden's own copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Its size.
    pub size: u64,
    /// Its witnessed time.
    pub at: u64,
    /// Its checkpoint hash.
    pub hash: B32,
}

/// The store.
#[derive(Clone)]
pub struct Store(Db, Clock);

impl Store {
    /// Opens or creates it.
    pub async fn open(file: &Path, clock: Clock) -> Result<Self, DbError> {
        let store = Self(Db::open(file, &MIGRATIONS).await?, clock);
        store.0.write(|tx| Box::pin(async move { begin(tx).await })).await?;
        Ok(store)
    }

    /// The connection pool, for the delivery of the log outbox.
    #[must_use]
    pub const fn db(&self) -> &Db {
        &self.0
    }

    /// The last stored head of a log.
    pub async fn head(&self, log: LogName) -> Result<Head, DbError> {
        self.0
            .read(move |c| {
                Box::pin(async move {
                    let row = sqlx::query("SELECT size, root, forked FROM heads WHERE log = $1")
                        .bind(log.as_str())
                        .fetch_one(c)
                        .await?;
                    let root = fixed(ROW, &row.try_get::<Vec<u8>, _>(1)?)?;
                    let tree = TreeHead { size: number(row.try_get(0)?)?, root };
                    Ok(Head { tree, forked: row.try_get::<i64, _>(2)? != 0 })
                })
            })
            .await
    }

    /// Goes from one head to the next, with the governance log's new leaves. False if this store is elsewhere by now,
    /// or the log is marked as forked: then nothing may be cosigned.
    pub async fn advance(
        &self,
        log: LogName,
        from: TreeHead,
        to: TreeHead,
        leaves: Vec<Vec<u8>>,
    ) -> Result<bool, DbError> {
        let (old, new, at) = (int(from.size)?, int(to.size)?, self.1.now());
        self.0
            .write(move |tx| {
                Box::pin(async move {
                    let done = sqlx::query(
                        "UPDATE heads SET size = $1, root = $2 \
                         WHERE log = $3 AND size = $4 AND root = $5 AND forked = 0 AND size <= $1",
                    )
                    .bind(new)
                    .bind(to.root.to_vec())
                    .bind(log.as_str())
                    .bind(old)
                    .bind(from.root.to_vec())
                    .execute(&mut *tx)
                    .await?;
                    if done.rows_affected() != 1 {
                        return Ok(false);
                    }
                    if new > old {
                        journal::write(&mut *tx, at, Event::head(What::Head, log, &to)).await?;
                    }
                    if log == LogName::Governance {
                        for (index, leaf) in (old..).zip(leaves) {
                            sqlx::query("INSERT INTO entries (idx, leaf) VALUES ($1, $2)")
                                .bind(index)
                                .bind(leaf)
                                .execute(&mut *tx)
                                .await?;
                        }
                    }
                    Ok(true)
                })
            })
            .await
    }

    /// Notes that a log showed two histories, until a person lifts it.
    pub async fn mark_forked(&self, log: LogName) -> Result<(), DbError> {
        let at = self.1.now();
        self.0
            .write(move |tx| {
                Box::pin(async move {
                    let done = sqlx::query("UPDATE heads SET forked = 1 WHERE log = $1 AND forked = 0")
                        .bind(log.as_str())
                        .execute(&mut *tx)
                        .await?;
                    if done.rows_affected() == 1 {
                        journal::write(tx, at, Event::log(What::Fork, log)).await?;
                    }
                    Ok(())
                })
            })
            .await
    }

    /// Takes the mark away. The head stays: only what extends it is cosigned. False if there was no mark.
    pub async fn lift_fork(&self, log: LogName) -> Result<bool, DbError> {
        let at = self.1.now();
        self.0
            .write(move |tx| {
                Box::pin(async move {
                    let done = sqlx::query("UPDATE heads SET forked = 0 WHERE log = $1 AND forked = 1")
                        .bind(log.as_str())
                        .execute(&mut *tx)
                        .await?;
                    let had = done.rows_affected() == 1;
                    if had {
                        journal::write(tx, at, Event::log(What::ForkLifted, log)).await?;
                    }
                    Ok(had)
                })
            })
            .await
    }

    /// Leaves of the governance log from `from` up to and without `to`.
    pub async fn leaves(&self, from: u64, to: u64) -> Result<Vec<Vec<u8>>, DbError> {
        let (from, to) = (int(from)?, int(to)?);
        self.0
            .read(move |c| {
                Box::pin(async move {
                    let rows = sqlx::query("SELECT leaf FROM entries WHERE idx >= $1 AND idx < $2 ORDER BY idx")
                        .bind(from)
                        .bind(to)
                        .fetch_all(c)
                        .await?;
                    rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
                })
            })
            .await
    }

    /// Kept checkpoints, by size.
    pub async fn kept(&self) -> Result<Vec<Kept>, DbError> {
        self.0
            .read(|c| {
                Box::pin(async move {
                    let rows = sqlx::query("SELECT size, at, hash FROM kept ORDER BY size").fetch_all(c).await?;
                    let read = |row: &sqlx::any::AnyRow| {
                        let (size, at) = (number(row.try_get(0)?)?, number(row.try_get(1)?)?);
                        Ok(Kept { size, at, hash: fixed(ROW, &row.try_get::<Vec<u8>, _>(2)?)? })
                    };
                    rows.iter().map(read).collect()
                })
            })
            .await
    }

    /// Adds a kept checkpoint.
    pub async fn add_kept(&self, kept: Kept) -> Result<(), DbError> {
        let (size, at) = (int(kept.size)?, int(kept.at)?);
        self.0
            .write(move |tx| {
                Box::pin(async move {
                    let done = sqlx::query("INSERT INTO kept (size, at, hash) VALUES ($1, $2, $3)")
                        .bind(size)
                        .bind(at)
                        .bind(kept.hash.to_vec())
                        .execute(tx)
                        .await?;
                    expect_rows("kept", done.rows_affected(), 1)
                })
            })
            .await
    }
}

async fn begin(tx: &mut AnyConnection) -> Result<(), DbError> {
    for log in LogName::ALL {
        sqlx::query("INSERT INTO heads (log, size, root, forked) VALUES ($1, 0, $2, 0) ON CONFLICT (log) DO NOTHING")
            .bind(log.as_str())
            .bind(TreeHead::EMPTY.root.to_vec())
            .execute(&mut *tx)
            .await?;
    }
    Ok(())
}
