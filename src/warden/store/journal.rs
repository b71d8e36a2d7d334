//! The journal's lines, and what they say that the rest of a store restored from a backup has forgotten.

use sqlx::{AnyConnection, Row as _};
use tabir_crypto::B32;
use tabir_crypto::codec::unhex;
use tabir_crypto::log::TreeHead;
use tabir_crypto::trust::root::LogName;

use super::{Store, int, number};
use crate::db::{DbError, expect_rows};
use crate::warden::journal::{Checked, Event, Line, What, hash};

/// What a line that can't be made or read is reported as.
const LINE: &str = "journal line";

/// Adds a line, in the transaction of what it tells.
pub(super) async fn write(tx: &mut AnyConnection, at: u64, event: Event) -> Result<(), DbError> {
    let last = sqlx::query("SELECT n, line FROM journal ORDER BY n DESC LIMIT 1").fetch_optional(&mut *tx).await?;
    let (n, prev) = match last {
        Some(row) => (number(row.try_get(0)?)?.saturating_add(1), hash(&row.try_get::<String, _>(1)?)),
        None => (0, [0; 32]),
    };
    let line = Line::new(n, at, event, prev);
    let text = serde_json::to_string(&line).map_err(|_| DbError::Malformed(LINE))?;
    insert(tx, &line, text).await
}

async fn insert(tx: &mut AnyConnection, line: &Line, text: String) -> Result<(), DbError> {
    let done = sqlx::query("INSERT INTO journal (n, line, what, about, number) VALUES ($1, $2, $3, $4, $5)")
        .bind(int(line.n)?)
        .bind(text)
        .bind(line.what.as_str())
        .bind(line.about.clone())
        .bind(int(line.number.unwrap_or(0))?)
        .execute(tx)
        .await?;
    expect_rows("journal", done.rows_affected(), 1)
}

/// Whether such a line stands there.
pub(super) async fn says(tx: &mut AnyConnection, about: &B32, any: &[What]) -> Result<bool, DbError> {
    for what in any {
        let row = sqlx::query("SELECT COUNT(*) FROM journal WHERE about = $1 AND what = $2")
            .bind(hex::encode(about))
            .bind(what.as_str())
            .fetch_one(&mut *tx)
            .await?;
        if row.try_get::<i64, _>(0)? > 0 {
            return Ok(true);
        }
    }
    Ok(false)
}

impl Store {
    /// The journal's lines from a number on.
    pub async fn journal(&self, from: u64) -> Result<Vec<String>, DbError> {
        let from = int(from)?;
        self.0
            .read(move |c| {
                Box::pin(async move {
                    let rows = sqlx::query("SELECT line FROM journal WHERE n >= $1 ORDER BY n").bind(from).fetch_all(c);
                    rows.await?.iter().map(|row| Ok(row.try_get(0)?)).collect()
                })
            })
            .await
    }

    /// How many lines, and bytes, the file has for certain.
    pub async fn journal_written(&self) -> Result<(u64, u64), DbError> {
        let read = self.0.read(|c| {
            Box::pin(async move {
                let row = sqlx::query("SELECT lines, bytes FROM journal_file WHERE id = 0").fetch_one(c).await?;
                Ok((number(row.try_get(0)?)?, number(row.try_get(1)?)?))
            })
        });
        read.await
    }

    /// The file has so many lines and bytes now.
    pub async fn set_journal_written(&self, lines: u64, bytes: u64) -> Result<(), DbError> {
        let (lines, bytes) = (int(lines)?, int(bytes)?);
        self.0
            .write(move |tx| {
                Box::pin(async move {
                    let done = sqlx::query("UPDATE journal_file SET lines = $1, bytes = $2 WHERE id = 0")
                        .bind(lines)
                        .bind(bytes)
                        .execute(tx)
                        .await?;
                    expect_rows("journal_file", done.rows_affected(), 1)
                })
            })
            .await
    }

    /// Adds a line for what has no transaction of its own.
    pub async fn note(&self, event: Event) -> Result<(), DbError> {
        let at = self.1.now();
        self.0.write(move |tx| Box::pin(async move { write(tx, at, event).await })).await
    }

    /// The largest head of a log that this warden ever advanced to, by its journal.
    pub async fn journal_head(&self, log: LogName) -> Result<TreeHead, DbError> {
        self.largest(log, &[What::Head, What::Adopted]).await
    }

    /// The largest head that was found again after a backup was restored.
    pub async fn adopted(&self, log: LogName) -> Result<TreeHead, DbError> {
        self.largest(log, &[What::Adopted]).await
    }

    async fn largest(&self, log: LogName, any: &'static [What]) -> Result<TreeHead, DbError> {
        self.0
            .read(move |c| {
                Box::pin(async move {
                    let mut largest = TreeHead::EMPTY;
                    for what in any {
                        let row = sqlx::query(
                            "SELECT line FROM journal WHERE about = $1 AND what = $2 ORDER BY number DESC LIMIT 1",
                        )
                        .bind(log.as_str())
                        .bind(what.as_str())
                        .fetch_optional(&mut *c)
                        .await?;
                        let Some(row) = row else { continue };
                        let text: String = row.try_get(0)?;
                        let line: Line = serde_json::from_str(&text).map_err(|_| DbError::Malformed(LINE))?;
                        let head = line.tree().ok_or(DbError::Malformed(LINE))?;
                        if head.size > largest.size {
                            largest = head;
                        }
                    }
                    Ok(largest)
                })
            })
            .await
    }

    /// The highest epoch for which a key was ever made.
    pub async fn journal_epoch(&self) -> Result<Option<u64>, DbError> {
        let read = self.0.read(|c| {
            Box::pin(async move {
                let row = sqlx::query("SELECT number FROM journal WHERE what = $1 ORDER BY number DESC LIMIT 1")
                    .bind(What::KeyMade.as_str())
                    .fetch_optional(c)
                    .await?;
                row.map(|row| number(row.try_get(0)?)).transpose()
            })
        });
        read.await
    }

    /// Takes the lines that a restored store lacks, and does again what they tell: what was said is said, what was handed
    /// out is gone, what was destroyed is destroyed. The largest heads are adopted.
    pub async fn catch_up(&self, lines: Vec<Checked>) -> Result<(), DbError> {
        let (at, count) = (self.1.now(), lines.len() as u64);
        self.0
            .write(move |tx| {
                Box::pin(async move {
                    let mut heads = Vec::new();
                    for (line, text) in lines {
                        insert(&mut *tx, &line, text).await?;
                        redo(&mut *tx, &line).await?;
                        if let (Some(log), Some(head)) =
                            (LogName::ALL.into_iter().find(|l| l.as_str() == line.about), line.tree())
                        {
                            heads.retain(|(other, _)| *other != log);
                            heads.push((log, head));
                        }
                    }
                    write(&mut *tx, at, Event::journal(What::StoreRestored, count)).await?;
                    for (log, head) in heads {
                        write(&mut *tx, at, Event::head(What::Adopted, log, &head)).await?;
                    }
                    Ok(())
                })
            })
            .await?;
        // Seeds that were destroyed again leave the write-ahead log as well.
        self.0.checkpoint().await
    }
}

async fn redo(tx: &mut AnyConnection, line: &Line) -> Result<(), DbError> {
    let Ok(id) = unhex::<32>(&line.about) else {
        let forked = match line.what {
            What::Fork => 1,
            What::ForkLifted => 0,
            _ => return Ok(()),
        };
        sqlx::query("UPDATE heads SET forked = $1 WHERE log = $2")
            .bind(forked)
            .bind(line.about.clone())
            .execute(tx)
            .await?;
        return Ok(());
    };
    let statement = match line.what {
        What::Request => "INSERT INTO seen (request) VALUES ($1) ON CONFLICT (request) DO NOTHING",
        What::KeyDestroyed => "UPDATE keys SET seed = NULL WHERE id = $1",
        What::Declined | What::Failed | What::Proposed | What::Released | What::Dropped => {
            "UPDATE requests SET stage = 'ended' WHERE hash = $1 AND stage = 'open'"
        }
        What::Handed => "UPDATE requests SET stage = 'handed' WHERE hash = $1 AND stage = 'released'",
        What::Notice => "UPDATE requests SET noticed = 1 WHERE hash = $1",
        _ => return Ok(()),
    };
    sqlx::query(statement).bind(id.to_vec()).execute(&mut *tx).await?;
    if line.what == What::Handed {
        sqlx::query("DELETE FROM handouts WHERE request = $1").bind(id.to_vec()).execute(tx).await?;
    }
    Ok(())
}
