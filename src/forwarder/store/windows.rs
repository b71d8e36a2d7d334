//! Windows of acceptance: which reports the log must hear of, and what it has heard.

use sqlx::Row as _;
use tabir_crypto::B32;
use tabir_crypto::statement::Statement;
use tabir_crypto::trust::root::LogName;

use super::Store;
use super::cases::Fate;
use crate::db::outbox::enqueue;
use crate::db::{DbError, expect_rows, fixed, stored, unsigned};

/// A window with reports whose last fate the log does not know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Open {
    pub w: u64,
    pub deadline: u64,
    pub period: u64,
    /// The next round to speak of.
    pub round: u64,
    pub reports: Vec<OpenReport>,
}

/// One of its reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenReport {
    pub nf: B32,
    pub fate: Fate,
    /// A round has named it as pending.
    pub named: bool,
}

impl Store {
    /// Windows with something to say.
    pub async fn open_windows(&self) -> Result<Vec<Open>, DbError> {
        self.0
            .read(|c| {
                Box::pin(async move {
                    let rows = sqlx::query(
                        "SELECT a.w, a.deadline, a.period, a.round, r.nf, r.fate, r.pending_in FROM accept_window a \
                         JOIN report r ON r.w = a.w WHERE r.logged = 0 AND r.fate <> 'erased' ORDER BY a.w, r.nf",
                    )
                    .fetch_all(c)
                    .await?;
                    let mut open: Vec<Open> = Vec::new();
                    for row in &rows {
                        let number = |i: usize| unsigned("accept_window", row.try_get(i)?);
                        let (w, nf) = (number(0)?, fixed("report", &row.try_get::<Vec<u8>, _>(4)?)?);
                        let fate = Fate::parse(&row.try_get::<String, _>(5)?)?;
                        let report = OpenReport { nf, fate, named: row.try_get::<i64, _>(6)? >= 0 };
                        match open.last_mut().filter(|o| o.w == w) {
                            Some(window) => window.reports.push(report),
                            None => open.push(Open {
                                w,
                                deadline: number(1)?,
                                period: number(2)?,
                                round: number(3)?,
                                reports: vec![report],
                            }),
                        }
                    }
                    Ok(open)
                })
            })
            .await
    }

    /// Puts a round's statements in line and remembers what they say. `said` is the fate that each nf was named with: a
    /// report that left meanwhile is said in the next round.
    pub async fn log_round(
        &self,
        w: u64,
        round: u64,
        said: Vec<(B32, Fate)>,
        statements: Vec<Statement>,
    ) -> Result<(), DbError> {
        self.0
            .write(move |tx| {
                Box::pin(async move {
                    for statement in &statements {
                        enqueue(tx, LogName::Intake, statement).await?;
                    }
                    for (nf, fate) in said {
                        let set = if fate == Fate::Queued { "pending_in = $1" } else { "pending_in = $1, logged = 1" };
                        let sql = format!("UPDATE report SET {set} WHERE nf = $2 AND w = $3 AND logged = 0");
                        let query = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(stored(round)).bind(nf.to_vec());
                        let done = query.bind(stored(w)).execute(&mut *tx).await?;
                        expect_rows("report", done.rows_affected(), 1)?;
                    }
                    let sql = "UPDATE accept_window SET round = $1 WHERE w = $2 AND round <= $3";
                    let query = sqlx::query(sql).bind(stored(round + 1)).bind(stored(w)).bind(stored(round));
                    expect_rows("accept_window", query.execute(tx).await?.rows_affected(), 1)
                })
            })
            .await
    }
}
