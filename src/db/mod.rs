//! One store per role: coarse transactions over one writer connection, with group commit.
//!
//! A store file hands [`Db::write`] a closure that does everything one request needs. The writer runs what is
//! waiting, each in a savepoint if there are several, commits once (`synchronous=FULL`), and only then answers: what is
//! acknowledged is durable, and a full disk or a crash answers with an error, never with a lost write. SQL stands in the roles'
//! `store` files and in this folder, and keeps to what SQLite and PostgreSQL both have (`$1`, `ON CONFLICT`;
//! integers, text and blobs only).

pub mod copy;
pub mod dump;
pub mod outbox;
pub mod part_file;
pub mod queue;
pub mod schema;

use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sqlx::any::AnyPoolOptions;
use sqlx::migrate::Migrator;
use sqlx::{AnyConnection, AnyPool, Connection as _, Executor as _};
use tokio::sync::{mpsc, oneshot, watch};

/// Why a transaction did not happen.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// The database refused or failed; the text is for the operator's log only.
    #[error("database: {0}")]
    Sql(#[source] sqlx::Error),
    /// The store's schema could not be brought up to date.
    #[error("migration: {0}")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    /// The writer stopped, or its commit failed.
    #[error("the store is closed or could not commit")]
    Closed,
    /// No room for what was to be written; nothing of it was.
    #[error("the disk is full, or the store's quota used up")]
    Full,
    /// A write touched another number of rows than it must.
    #[error("{0}: touched {1} rows")]
    Rows(&'static str, u64),
    /// A stored value is not what this role wrote.
    #[error("{0}: a stored value is malformed")]
    Malformed(&'static str),
    /// A page of the file is not what was written there. Nothing is read from it any more.
    #[error(
        "the store is damaged: a page of the file is not what was written. Stop this role, keep the file, look at the disk, and \
         restore a backup (tabir backup restore; a log: tabir log recover)"
    )]
    Damaged,
    /// A later program wrote it.
    #[error(
        "the store has schema {0}, and this program knows none above {1}: run the program that wrote it, or a later one"
    )]
    Newer(i64, i64),
    /// One of its migrations is not this program's.
    #[error("migration {0} of the store is not the one of this program: it was written by a program of another line")]
    Schema(i64),
    /// The program that would copy it has not upgraded it.
    #[error("the store has an older schema: upgrade it first (tabir upgrade)")]
    Behind,
    /// Nobody has decided whether a backup takes this table, or a column that was to be left out is not there.
    #[error("{0}: what a backup takes of the store does not fit its schema")]
    Unlisted(String),
}

impl From<sqlx::Error> for DbError {
    fn from(e: sqlx::Error) -> Self {
        let code = e.as_database_error().and_then(|e| e.code()?.parse::<u32>().ok());
        // The low byte is the code, what is above says more about it.
        match code.map(|code| code & 0xff) {
            // SQLite's code for a full disk and for a used-up quota alike.
            Some(13) => Self::Full,
            // SQLITE_CORRUPT, SQLITE_NOTADB.
            Some(11 | 26) => Self::Damaged,
            _ => Self::Sql(e),
        }
    }
}

/// A future that borrows the connection.
pub type Work<'c, T> = Pin<Box<dyn Future<Output = Result<T, DbError>> + Send + 'c>>;

/// Jobs that one commit takes: bounds how long the first waits for the last.
const MAX_BATCH: usize = 128;
/// Jobs that may wait before callers are held back.
const QUEUE: usize = 1024;
/// Reading connections.
const READERS: u32 = 4;

/// What became of the transaction around a job; a failed one was rolled back.
#[derive(Clone, Copy)]
enum End {
    Committed,
    Failed,
    Full,
    Damaged,
}

impl End {
    fn failed(error: sqlx::Error) -> Self {
        match DbError::from(error) {
            DbError::Full => Self::Full,
            DbError::Damaged => Self::Damaged,
            _ => Self::Failed,
        }
    }
}

type Finish = Box<dyn FnOnce(End) + Send>;
type Job =
    Box<dyn for<'c> FnOnce(&'c mut AnyConnection) -> Pin<Box<dyn Future<Output = (bool, Finish)> + Send + 'c>> + Send>;

/// A role's store.
#[derive(Clone)]
pub struct Db {
    writer: mpsc::Sender<Job>,
    readers: AnyPool,
    /// Closed once the writer has ended.
    ended: watch::Receiver<()>,
    /// A damaged page was found: nothing is read or written any more.
    damaged: Arc<AtomicBool>,
}

/// Every connection: wait for locks, erase what is deleted, make commits durable before they are acknowledged.
const PRAGMAS: &str = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON; \
                       PRAGMA foreign_keys = ON; PRAGMA busy_timeout = 10000;";

impl Db {
    /// Opens or creates the SQLite file, looks whether its pages are sound, and brings its schema up to date.
    pub async fn open(file: &Path, migrations: &Migrator) -> Result<Self, DbError> {
        sqlx::any::install_default_drivers();
        create_private(file)?;
        let url = format!("sqlite://{}?mode=rwc", file.display());
        let mut connection = AnyConnection::connect(&url).await?;
        connection.execute(PRAGMAS).await?;
        schema::check(&mut connection).await?;
        schema::migrate(&mut connection, migrations).await?;
        let readers = AnyPoolOptions::new()
            .max_connections(READERS)
            .after_connect(|c, _| {
                Box::pin(async move {
                    c.execute(PRAGMAS).await?;
                    Ok(())
                })
            })
            .connect_lazy(&url)?;
        let (writer, jobs) = mpsc::channel(QUEUE);
        let (running, ended) = watch::channel(());
        tokio::spawn(async move {
            write_loop(connection, jobs).await;
            drop(running);
        });
        Ok(Self { writer, readers, ended, damaged: Arc::default() })
    }

    /// Once a damaged page was found, every answer is that there is one: what else is in the file can't be relied on.
    fn sound<T>(&self, result: Result<T, DbError>) -> Result<T, DbError> {
        if matches!(result, Err(DbError::Damaged)) && !self.damaged.swap(true, Ordering::Relaxed) {
            tracing::error!("{}", DbError::Damaged);
        }
        if self.damaged.load(Ordering::Relaxed) { Err(DbError::Damaged) } else { result }
    }

    /// Runs one transaction. It commits if the closure returns `Ok`, and this returns after the commit is durable.
    pub async fn write<T, F>(&self, work: F) -> Result<T, DbError>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut AnyConnection) -> Work<'c, T> + Send + 'static,
    {
        self.sound(Ok(()))?;
        let (send, receive) = oneshot::channel();
        let job: Job = Box::new(move |connection| {
            Box::pin(async move {
                let result = work(connection).await;
                let keep = result.is_ok();
                let finish: Finish = Box::new(move |end| {
                    let answer = match end {
                        _ if !keep => result,
                        End::Committed => result,
                        End::Failed => Err(DbError::Closed),
                        End::Full => Err(DbError::Full),
                        End::Damaged => Err(DbError::Damaged),
                    };
                    // Nobody waits any more: the request was dropped, the write stands.
                    let _ = send.send(answer);
                });
                (keep, finish)
            })
        });
        self.writer.send(job).await.map_err(|_| DbError::Closed)?;
        let done = receive.await.map_err(|_| DbError::Closed)?;
        self.sound(done)
    }

    /// Runs reads on one connection; what was committed before this call is seen.
    pub async fn read<T, F>(&self, work: F) -> Result<T, DbError>
    where
        F: for<'c> FnOnce(&'c mut AnyConnection) -> Work<'c, T> + Send,
    {
        self.sound(Ok(()))?;
        let found = async {
            // One transaction: all statements of one reading see the store at one moment.
            let mut tx = self.readers.begin().await?;
            let found = work(&mut tx).await?;
            tx.commit().await?;
            Ok(found)
        };
        self.sound(found.await)
    }

    /// Writes something that changes nothing: whether the store takes a write at this moment.
    pub async fn touch(&self) -> Result<(), DbError> {
        self.write(|tx| {
            Box::pin(async move {
                tx.execute("PRAGMA user_version = 0").await?;
                Ok(())
            })
        })
        .await
    }

    /// Closes every connection, so that all that was written stands in the one file. Waits for other copies of this to go.
    pub async fn close(self) {
        let Self { writer, readers, mut ended, damaged: _ } = self;
        readers.close().await;
        drop(writer);
        // Nothing is ever sent: this ends with the sender.
        let _ = ended.changed().await;
    }

    /// Moves the write-ahead log into the database file and empties it, so that deleted rows leave the disk.
    pub async fn checkpoint(&self) -> Result<(), DbError> {
        let mut connection = self.readers.acquire().await?;
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").await?;
        Ok(())
    }
}

/// Makes a store's file if there is none. Stores hold private keys; SQLite gives its write-ahead log the mode of the
/// database file.
fn create_private(file: &Path) -> Result<(), DbError> {
    std::fs::OpenOptions::new().append(true).create(true).mode(0o600).open(file).map_err(sqlx::Error::from)?;
    Ok(())
}

async fn write_loop(mut connection: AnyConnection, mut jobs: mpsc::Receiver<Job>) {
    while let Some(first) = jobs.recv().await {
        let mut batch = vec![first];
        while batch.len() < MAX_BATCH {
            match jobs.try_recv() {
                Ok(job) => batch.push(job),
                Err(_) => break,
            }
        }
        let (finishes, end) = run_batch(&mut connection, batch).await;
        if !matches!(end, End::Committed) {
            // The transaction may still be open after a failed COMMIT; nothing of it may leak into the next one.
            let _ = connection.execute("ROLLBACK").await;
        }
        for finish in finishes {
            finish(end);
        }
    }
    if let Err(error) = connection.close().await {
        tracing::debug!(%error, "store"); // all of it is durable already
    }
}

async fn run_batch(connection: &mut AnyConnection, batch: Vec<Job>) -> (Vec<Finish>, End) {
    let mut finishes = Vec::with_capacity(batch.len());
    let alone = batch.len() == 1;
    let run = async || {
        connection.execute("BEGIN IMMEDIATE").await?;
        for job in batch {
            // Each statement of SQL is a turn of another thread: a job that is alone needs none for a savepoint.
            if alone {
                let (keep, finish) = job(connection).await;
                finishes.push(finish);
                return connection.execute(if keep { "COMMIT" } else { "ROLLBACK" }).await;
            }
            connection.execute("SAVEPOINT job").await?;
            let (keep, finish) = job(connection).await;
            finishes.push(finish);
            connection.execute(if keep { "RELEASE job" } else { "ROLLBACK TO job; RELEASE job" }).await?;
        }
        connection.execute("COMMIT").await
    };
    // The jobs that an error leaves out are dropped: their callers see `Closed`.
    let end = run().await.map_or_else(End::failed, |_| End::Committed);
    (finishes, end)
}

/// Checks the number of rows that a write touched.
pub fn expect_rows(what: &'static str, got: u64, want: u64) -> Result<(), DbError> {
    if got == want { Ok(()) } else { Err(DbError::Rows(what, got)) }
}

/// Reads a fixed-size blob of a row.
pub fn fixed<const N: usize>(what: &'static str, bytes: &[u8]) -> Result<[u8; N], DbError> {
    bytes.try_into().map_err(|_| DbError::Malformed(what))
}

/// A counter or Unix time for a BIGINT column. None of ours comes near 2^63.
#[must_use]
pub fn stored(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// A BIGINT column that holds no negative value.
pub fn unsigned(what: &'static str, value: i64) -> Result<u64, DbError> {
    u64::try_from(value).map_err(|_| DbError::Malformed(what))
}

#[cfg(test)]
mod tests;
