//! New leaves: numbered without a gap, each statement once, durable when a call returns. Whoever else writes on this
//! store waits for the transaction, so that a number is given once.

use std::collections::HashMap;
use std::sync::LazyLock;

use sqlx::{AnyConnection, Row as _};
use tabir_crypto::B32;
use tabir_crypto::trust::root::LogName;

use super::{Store, index_of, sql, unsigned};
use crate::db::{DbError, expect_rows};
use crate::log::fault::Step;

/// Rows that one statement of SQL writes or asks for: few texts, so that each stays prepared, and few statements for any
/// number of rows, since each waits for SQLite's thread.
const ROWS: [usize; 7] = [64, 32, 16, 8, 4, 2, 1];

/// Texts for each of [`ROWS`]. The log's name is `$1`, then two values a row.
static INSERT: LazyLock<[String; ROWS.len()]> = LazyLock::new(|| {
    ROWS.map(|rows| {
        let row = |i: usize| format!("($1, $2 + {i}, ${}, ${})", 3 + 2 * i, 4 + 2 * i);
        let rows: Vec<String> = (0..rows).map(row).collect();
        format!("INSERT INTO leaf (log, idx, pae, leaf) VALUES {}", rows.join(", "))
    })
});
static FIND: LazyLock<[String; ROWS.len()]> = LazyLock::new(|| {
    ROWS.map(|rows| {
        let names: Vec<String> = (0..rows).map(|i| format!("${}", 2 + i)).collect();
        format!("SELECT pae, idx FROM leaf WHERE log = $1 AND pae IN ({})", names.join(", "))
    })
});

/// A statement that its log may take.
#[derive(Clone, Debug)]
pub struct New {
    /// SHA-256 of what was signed.
    pub pae: B32,
    /// Its bytes.
    pub leaf: Vec<u8>,
}

/// Where an appended statement stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// Its entry number.
    pub index: u64,
    /// False if the log had it already.
    pub new: bool,
}

/// What became of an entry that was to have a certain number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// It has that number, or another one since earlier.
    Taken(Appended),
    /// Another entry has it: somebody else wrote meanwhile.
    Moved,
}

impl Store {
    /// Takes statements, each once, whatever signatures a second copy carries. Either all are durable when this returns,
    /// or none was taken. The answers are in the order of the statements.
    pub async fn append(&self, log: LogName, batch: Vec<New>) -> Result<Vec<Appended>, DbError> {
        let faults = self.faults.clone();
        let done = self.db.write(move |tx| {
            Box::pin(async move {
                let first = next(tx, log).await?;
                let mut known = find(tx, log, &batch).await?;
                let (mut answers, mut fresh) = (Vec::with_capacity(batch.len()), Vec::new());
                for new in batch {
                    let index = first + fresh.len() as u64;
                    let stands = *known.entry(new.pae).or_insert(index);
                    answers.push(Appended { index: stands, new: stands == index });
                    if stands == index {
                        fresh.push(new);
                    }
                }
                faults.at(Step::Numbered)?;
                insert(tx, log, first, fresh).await?;
                faults.at(Step::Inserted)?;
                Ok(answers)
            })
        });
        let answers = done.await?;
        self.faults.at(Step::Appended)?;
        Ok(answers)
    }

    /// Takes a statement as entry `index` and no other: it was checked against all before that.
    pub async fn append_as(&self, log: LogName, index: u64, new: New) -> Result<Next, DbError> {
        let faults = self.faults.clone();
        let done = self.db.write(move |tx| {
            Box::pin(async move {
                if let Some(index) = index_of(tx, log, &new.pae).await? {
                    return Ok(Next::Taken(Appended { index, new: false }));
                }
                if next(tx, log).await? != index {
                    return Ok(Next::Moved);
                }
                faults.at(Step::Numbered)?;
                insert(tx, log, index, vec![new]).await?;
                faults.at(Step::Inserted)?;
                Ok(Next::Taken(Appended { index, new: true }))
            })
        });
        let taken = done.await?;
        self.faults.at(Step::Appended)?;
        Ok(taken)
    }

    /// Leaves from a number on, at most `count`, and the kept checkpoints that end among them and are larger than `marked`.
    pub async fn news(
        &self,
        log: LogName,
        from: u64,
        count: u64,
        marked: u64,
    ) -> Result<(Vec<Vec<u8>>, Vec<(u64, Vec<u8>)>), DbError> {
        let (end, marked) = (sql(from.saturating_add(count))?, sql(marked)?);
        let (from, count) = (sql(from)?, sql(count)?);
        self.db
            .read(move |c| {
                Box::pin(async move {
                    let leaves = super::leaves(c, log, from, count).await?;
                    let kept = "SELECT size, kept FROM checkpoint \
                                WHERE log = $1 AND size > $2 AND size <= $3 AND kept IS NOT NULL ORDER BY size";
                    let rows = sqlx::query(kept).bind(log.as_str()).bind(marked).bind(end).fetch_all(c).await?;
                    let kept = rows.iter().map(|row| Ok((unsigned(row.try_get(0)?)?, row.try_get(1)?)));
                    Ok((leaves, kept.collect::<Result<_, DbError>>()?))
                })
            })
            .await
    }
}

/// The number of the next entry.
async fn next(tx: &mut AnyConnection, log: LogName) -> Result<u64, DbError> {
    let next = "SELECT COALESCE(MAX(idx) + 1, 0) FROM leaf WHERE log = $1";
    unsigned(sqlx::query(next).bind(log.as_str()).fetch_one(tx).await?.try_get(0)?)
}

async fn find(tx: &mut AnyConnection, log: LogName, batch: &[New]) -> Result<HashMap<B32, u64>, DbError> {
    let (mut known, mut rest) = (HashMap::with_capacity(batch.len()), batch);
    while let [first, ..] = rest {
        // The smallest text that holds all that is left, the first one again in its unused places.
        let fits = ROWS.iter().rposition(|rows| rest.len() <= *rows).unwrap_or(0);
        let (now, later) = rest.split_at(rest.len().min(ROWS[fits]));
        let mut query = sqlx::query(FIND[fits].as_str()).bind(log.as_str());
        for i in 0..ROWS[fits] {
            query = query.bind(now.get(i).unwrap_or(first).pae.to_vec());
        }
        for row in query.fetch_all(&mut *tx).await? {
            let pae: Vec<u8> = row.try_get(0)?;
            known.insert(crate::db::fixed("pae", &pae)?, unsigned(row.try_get(1)?)?);
        }
        rest = later;
    }
    Ok(known)
}

pub(super) async fn insert(tx: &mut AnyConnection, log: LogName, first: u64, fresh: Vec<New>) -> Result<(), DbError> {
    let (mut index, mut fresh) = (sql(first)?, fresh.into_iter());
    while fresh.len() > 0 {
        let fits = ROWS.iter().position(|rows| *rows <= fresh.len()).unwrap_or(ROWS.len() - 1);
        let mut query = sqlx::query(INSERT[fits].as_str()).bind(log.as_str()).bind(index);
        for new in fresh.by_ref().take(ROWS[fits]) {
            query = query.bind(new.pae.to_vec()).bind(new.leaf);
        }
        let done = query.execute(&mut *tx).await?;
        expect_rows("leaf", done.rows_affected(), ROWS[fits] as u64)?;
        index += sql(ROWS[fits] as u64)?;
    }
    Ok(())
}
