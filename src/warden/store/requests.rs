//! Requests that the warden works on, and the hand-outs that it sealed.

use sqlx::{AnyConnection, Row as _};
use tabir_crypto::B32;
use tabir_crypto::statement::Statement;
use tabir_crypto::trust::root::LogName;

use super::{ROW, Store, journal};
use crate::db::{DbError, expect_rows, fixed, outbox};
use crate::warden::journal::{Event, What};

/// How far this warden is with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// It has said nothing yet.
    Open,
    /// Its `unseal.released` waits on the board for an auditor; the hand-outs are here.
    Proposed,
    /// Its `unseal.released` is on its way into the log, or there; the hand-outs are here.
    Released,
    /// The board has the hand-outs.
    Handed,
    /// It declined or failed it, or the request ended before its release was logged.
    Ended,
}

impl Stage {
    const ALL: [Self; 5] = [Self::Open, Self::Proposed, Self::Released, Self::Handed, Self::Ended];

    /// As it stands in the store.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Proposed => "proposed",
            Self::Released => "released",
            Self::Handed => "handed",
            Self::Ended => "ended",
        }
    }
}

/// A request as it came from the board, and where it stands.
#[derive(Clone)]
pub struct RequestRow {
    /// Entry hash of its `unseal.requested`.
    pub hash: B32,
    /// The text, sealed to this warden.
    pub text: Vec<u8>,
    /// The outer envelope.
    pub envelope: Vec<u8>,
    /// How far it is.
    pub stage: Stage,
    /// This warden's statement about it.
    pub answer: Option<Vec<u8>>,
    /// Its deferred nonce is on its way to the log.
    pub noticed: bool,
    /// The warden's person wants an auditor beside the warden.
    pub urgent: bool,
}

/// A hand-out, sealed to an official.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// The official.
    pub to: u16,
    /// The sealed bytes.
    pub bytes: Vec<u8>,
}

/// What this warden says about a request, once.
pub struct Answer {
    /// About which.
    pub request: B32,
    /// For the log.
    pub statement: Statement,
    /// Not empty exactly for a release.
    pub handouts: Vec<Sealed>,
}

impl Store {
    /// All requests that are not forgotten yet.
    pub async fn requests(&self) -> Result<Vec<RequestRow>, DbError> {
        self.0
            .read(|c| {
                Box::pin(async move {
                    let rows = sqlx::query(
                        "SELECT hash, text, envelope, stage, answer, noticed, urgent FROM requests ORDER BY hash",
                    )
                    .fetch_all(c)
                    .await?;
                    rows.iter()
                        .map(|row| {
                            let stage: String = row.try_get(3)?;
                            Ok(RequestRow {
                                hash: fixed(ROW, &row.try_get::<Vec<u8>, _>(0)?)?,
                                text: row.try_get(1)?,
                                envelope: row.try_get(2)?,
                                stage: Stage::ALL
                                    .into_iter()
                                    .find(|s| s.as_str() == stage)
                                    .ok_or(DbError::Malformed(ROW))?,
                                answer: row.try_get(4)?,
                                noticed: row.try_get::<i64, _>(5)? != 0,
                                urgent: row.try_get::<i64, _>(6)? != 0,
                            })
                        })
                        .collect()
                })
            })
            .await
    }

    /// Adds a request; one that is known stays as it first came, and one about which the journal has an answer that the
    /// rest of this store forgot is ended.
    pub async fn add_request(&self, hash: B32, text: Vec<u8>, envelope: Vec<u8>) -> Result<(), DbError> {
        self.0
            .write(move |tx| {
                Box::pin(async move {
                    let answered = journal::says(&mut *tx, &hash, &What::SAID).await?;
                    let stage = if answered { Stage::Ended } else { Stage::Open };
                    sqlx::query(
                        "INSERT INTO requests (hash, text, envelope, stage, noticed) VALUES ($1, $2, $3, $4, 0) \
                         ON CONFLICT (hash) DO NOTHING",
                    )
                    .bind(hash.to_vec())
                    .bind(text)
                    .bind(envelope)
                    .bind(stage.as_str())
                    .execute(tx)
                    .await?;
                    Ok(())
                })
            })
            .await
    }

    /// Answers a request: the hand-outs, the stage and the statement for the log in one transaction, and once only.
    /// False if it was answered already.
    pub async fn answer(&self, answer: Answer) -> Result<bool, DbError> {
        let stage = if answer.handouts.is_empty() { Stage::Ended } else { Stage::Released };
        let (at, said) = (self.1.now(), Event::said(&answer.request, &answer.statement));
        self.0
            .write(move |tx| {
                Box::pin(async move {
                    let statement = answer.statement.clone();
                    let first = settle(&mut *tx, answer, stage).await?;
                    if first {
                        journal::write(&mut *tx, at, said).await?;
                        outbox::enqueue(tx, LogName::Governance, &statement).await?;
                    }
                    Ok(first)
                })
            })
            .await
    }

    /// Keeps a release that waits for an auditor: hand-outs, stage and statement, once only, and nothing for the log.
    pub async fn propose(&self, answer: Answer) -> Result<bool, DbError> {
        let (at, said) = (self.1.now(), Event::request(What::Proposed, &answer.request));
        self.0
            .write(move |tx| {
                Box::pin(async move {
                    let first = settle(&mut *tx, answer, Stage::Proposed).await?;
                    if first {
                        journal::write(tx, at, said).await?;
                    }
                    Ok(first)
                })
            })
            .await
    }

    /// A proposed release needs no auditor any more: the same statement goes to the log.
    pub async fn go_alone(&self, request: B32, statement: Statement) -> Result<(), DbError> {
        let (at, said) = (self.1.now(), Event::said(&request, &statement));
        self.0
            .write(move |tx| {
                Box::pin(async move {
                    let done =
                        sqlx::query("UPDATE requests SET stage = 'released' WHERE hash = $1 AND stage = 'proposed'")
                            .bind(request.to_vec())
                            .execute(&mut *tx)
                            .await?;
                    expect_rows("requests", done.rows_affected(), 1)?;
                    journal::write(&mut *tx, at, said).await?;
                    outbox::enqueue(tx, LogName::Governance, &statement).await
                })
            })
            .await
    }

    /// Marks an open request: an auditor is wanted. False if there is no such request.
    pub async fn urge(&self, request: B32) -> Result<bool, DbError> {
        let (at, asked) = (self.1.now(), Event::request(What::AuditorAsked, &request));
        self.0
            .write(move |tx| {
                Box::pin(async move {
                    let done = sqlx::query("UPDATE requests SET urgent = 1 WHERE hash = $1 AND stage = 'open'")
                        .bind(request.to_vec())
                        .execute(&mut *tx)
                        .await?;
                    let open = done.rows_affected() == 1;
                    if open {
                        journal::write(tx, at, asked).await?;
                    }
                    Ok(open)
                })
            })
            .await
    }

    /// The sealed hand-outs of a request, by official.
    pub async fn handouts(&self, request: B32) -> Result<Vec<Sealed>, DbError> {
        self.0
            .read(move |c| {
                Box::pin(async move {
                    let rows =
                        sqlx::query("SELECT recipient, sealed FROM handouts WHERE request = $1 ORDER BY recipient")
                            .bind(request.to_vec())
                            .fetch_all(c)
                            .await?;
                    rows.iter()
                        .map(|row| {
                            let to = u16::try_from(row.try_get::<i64, _>(0)?).map_err(|_| DbError::Malformed(ROW))?;
                            Ok(Sealed { to, bytes: row.try_get(1)? })
                        })
                        .collect()
                })
            })
            .await
    }

    /// The board has the hand-outs: they are gone from here.
    pub async fn handed(&self, request: B32) -> Result<(), DbError> {
        let (at, handed) = (self.1.now(), Event::request(What::Handed, &request));
        self.0
            .write(move |tx| {
                Box::pin(async move {
                    finish(&mut *tx, request, Stage::Handed).await?;
                    journal::write(tx, at, handed).await
                })
            })
            .await
    }

    /// The request ended otherwise: the statement that the log can't take any more and the hand-outs are gone.
    pub async fn withdraw(&self, request: B32) -> Result<(), DbError> {
        let (at, dropped) = (self.1.now(), Event::request(What::Dropped, &request));
        self.0
            .write(move |tx| {
                Box::pin(async move {
                    sqlx::query(
                        "DELETE FROM log_outbox WHERE statement IN (SELECT answer FROM requests WHERE hash = $1)",
                    )
                    .bind(request.to_vec())
                    .execute(&mut *tx)
                    .await?;
                    finish(&mut *tx, request, Stage::Ended).await?;
                    journal::write(tx, at, dropped).await
                })
            })
            .await
    }

    /// Puts the notice in line, once.
    pub async fn notice(&self, request: B32, statement: Statement) -> Result<(), DbError> {
        let (at, notice) = (self.1.now(), Event::request(What::Notice, &request));
        self.0
            .write(move |tx| {
                Box::pin(async move {
                    let done = sqlx::query("UPDATE requests SET noticed = 1 WHERE hash = $1 AND noticed = 0")
                        .bind(request.to_vec())
                        .execute(&mut *tx)
                        .await?;
                    if done.rows_affected() == 1 {
                        journal::write(&mut *tx, at, notice).await?;
                        outbox::enqueue(tx, LogName::Governance, &statement).await?;
                    }
                    Ok(())
                })
            })
            .await
    }

    /// Deletes a request.
    pub async fn forget(&self, request: B32) -> Result<(), DbError> {
        self.0
            .write(move |tx| {
                Box::pin(async move {
                    finish(tx, request, Stage::Ended).await?;
                    sqlx::query("DELETE FROM requests WHERE hash = $1").bind(request.to_vec()).execute(tx).await?;
                    Ok(())
                })
            })
            .await
    }
}

/// Leaves the stage "open" with what was said and sealed. False if that happened before.
async fn settle(tx: &mut AnyConnection, answer: Answer, stage: Stage) -> Result<bool, DbError> {
    let done = sqlx::query("UPDATE requests SET stage = $1, answer = $2 WHERE hash = $3 AND stage = 'open'")
        .bind(stage.as_str())
        .bind(answer.statement.to_bytes())
        .bind(answer.request.to_vec())
        .execute(&mut *tx)
        .await?;
    if done.rows_affected() != 1 {
        return Ok(false);
    }
    for sealed in answer.handouts {
        sqlx::query("INSERT INTO handouts (request, recipient, sealed) VALUES ($1, $2, $3)")
            .bind(answer.request.to_vec())
            .bind(i64::from(sealed.to))
            .bind(sealed.bytes)
            .execute(&mut *tx)
            .await?;
    }
    Ok(true)
}

async fn finish(tx: &mut AnyConnection, request: B32, stage: Stage) -> Result<(), DbError> {
    let done = sqlx::query("UPDATE requests SET stage = $1 WHERE hash = $2")
        .bind(stage.as_str())
        .bind(request.to_vec())
        .execute(&mut *tx)
        .await?;
    sqlx::query("DELETE FROM handouts WHERE request = $1").bind(request.to_vec()).execute(tx).await?;
    expect_rows("requests", done.rows_affected(), 1)
}
