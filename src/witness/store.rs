//! The witness's store: of each log the last head that it cosigned, and what a log signed beside it.

use std::path::Path;

use sqlx::{AnyConnection, Row as _};
use tabir_crypto::log::TreeHead;

use crate::db::{Db, DbError, fixed, stored, unsigned};

/// The schema.
pub static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("migrations/witness");

/// What a stored value that nobody here wrote is reported as.
const ROW: &str = "witness row";
/// Forks kept of one log: one is proof enough, and whoever holds a log's key can make any number.
const MAX_EVIDENCE: i64 = 16;

/// What the witness remembers of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Size and root.
    pub tree: TreeHead,
    /// Unix seconds of the last cosignature; 0 before the first.
    pub at: u64,
    /// The checkpoint with its log's signatures and that cosignature; empty before the first.
    pub note: Vec<u8>,
}

/// The store.
#[derive(Clone)]
pub struct Store(Db);

impl Store {
    /// Opens or creates it.
    pub async fn open(file: &Path) -> Result<Self, DbError> {
        Ok(Self(Db::open(file, &MIGRATIONS).await?))
    }

    /// Begins a log at the empty tree, if it is not there; what is there stays, also while the log is not configured.
    pub async fn begin(&self, origin: &str) -> Result<(), DbError> {
        let origin = origin.to_owned();
        self.0
            .write(move |tx| {
                Box::pin(async move {
                    let put = "INSERT INTO heads (origin, size, root, at, note) VALUES ($1, 0, $2, 0, $3) \
                               ON CONFLICT (origin) DO NOTHING";
                    let root = TreeHead::EMPTY.root.to_vec();
                    sqlx::query(put).bind(origin).bind(root).bind(Vec::<u8>::new()).execute(tx).await?;
                    Ok(())
                })
            })
            .await
    }

    /// The last head of a log: the empty tree before it is begun.
    pub async fn head(&self, origin: &str) -> Result<Head, DbError> {
        let origin = origin.to_owned();
        self.0.read(move |c| Box::pin(async move { head(c, &origin).await })).await
    }

    /// Goes from one head to the next, in the transaction that compares the old one. False if this store is elsewhere by
    /// now: then nothing may be cosigned.
    pub async fn advance(&self, origin: &str, from: TreeHead, to: Head) -> Result<bool, DbError> {
        let origin = origin.to_owned();
        self.0
            .write(move |tx| {
                Box::pin(async move {
                    let done = sqlx::query(
                        "UPDATE heads SET size = $1, root = $2, at = $3, note = $4 \
                         WHERE origin = $5 AND size = $6 AND root = $7 AND size <= $1 AND at <= $3",
                    )
                    .bind(stored(to.tree.size))
                    .bind(to.tree.root.to_vec())
                    .bind(stored(to.at))
                    .bind(to.note)
                    .bind(origin)
                    .bind(stored(from.size))
                    .bind(from.root.to_vec())
                    .execute(tx)
                    .await?;
                    Ok(done.rows_affected() == 1)
                })
            })
            .await
    }

    /// Keeps a checkpoint that a log signed beside its history, with the one that it contradicts.
    pub async fn keep(&self, origin: &str, refused: Vec<u8>, known: Vec<u8>) -> Result<(), DbError> {
        let origin = origin.to_owned();
        self.0
            .write(move |tx| {
                Box::pin(async move {
                    let put = "INSERT INTO evidence (origin, refused, known) SELECT $1, $2, $3 \
                               WHERE (SELECT COUNT(*) FROM evidence WHERE origin = $1) < $4 \
                               ON CONFLICT (origin, refused) DO NOTHING";
                    sqlx::query(put).bind(origin).bind(refused).bind(known).bind(MAX_EVIDENCE).execute(tx).await?;
                    Ok(())
                })
            })
            .await
    }

    /// What was kept of a log: pairs of the refused and the known checkpoint.
    pub async fn evidence(&self, origin: &str) -> Result<Vec<(Vec<u8>, Vec<u8>)>, DbError> {
        let origin = origin.to_owned();
        self.0
            .read(move |c| {
                Box::pin(async move {
                    let all = "SELECT refused, known FROM evidence WHERE origin = $1 ORDER BY refused";
                    let rows = sqlx::query(all).bind(origin).fetch_all(c).await?;
                    rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
                })
            })
            .await
    }
}

async fn head(c: &mut AnyConnection, origin: &str) -> Result<Head, DbError> {
    let one = "SELECT size, root, at, note FROM heads WHERE origin = $1";
    let Some(row) = sqlx::query(one).bind(origin.to_owned()).fetch_optional(c).await? else {
        return Ok(Head { tree: TreeHead::EMPTY, at: 0, note: Vec::new() });
    };
    let root = fixed(ROW, &row.try_get::<Vec<u8>, _>(1)?)?;
    let tree = TreeHead { size: unsigned(ROW, row.try_get(0)?)?, root };
    Ok(Head { tree, at: unsigned(ROW, row.try_get(2)?)?, note: row.try_get(3)? })
}
