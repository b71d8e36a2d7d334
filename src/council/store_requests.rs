//! Requests in the board's store: who did what, what is sealed to whom, and the holds at the gateway.

use sqlx::{AnyConnection, Row as _};
use tabir_crypto::B32;
use tabir_crypto::statement::Statement;
use tabir_crypto::trust::root::LogName;

use super::store::{Posted, Store};
use crate::api::council::{SealedFrom, SealedTo, WARDEN};
use crate::db::{DbError, expect_rows, fixed, outbox};
use tabir_crypto::statement::value::Bytes;

/// Something that an official may do once for a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Ask.
    Request,
    /// Approve or refuse.
    Vote,
    /// Take it back.
    Withdrawal,
    /// Help.
    Partial,
}

impl Kind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Vote => "vote",
            Self::Withdrawal => "withdrawal",
            Self::Partial => "partial",
        }
    }
}

/// One act, checked.
#[derive(Debug)]
pub struct NewAct {
    /// Which request.
    pub request: B32,
    /// What is done.
    pub kind: Kind,
    /// By whom.
    pub official: u16,
    /// For the log.
    pub statement: Statement,
    /// What goes with it.
    pub sealed: Vec<SealedTo>,
    /// Of a new request: the case and its envelope.
    pub case: Option<(B32, Vec<u8>)>,
}

/// A stored request.
#[derive(Debug)]
pub struct Row {
    /// Entry hash.
    pub hash: B32,
    /// Which case.
    pub case_id: B32,
    /// The outer envelope.
    pub envelope: Vec<u8>,
    /// Whether the gateway holds it.
    pub hold: Hold,
}

/// Where the hold at the gateway stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Hold {
    Wanted = 0,
    Held = 1,
    Released = 2,
}

/// What is sealed to one recipient.
#[derive(Debug, Default)]
pub struct Files {
    /// The full text.
    pub text: Option<Vec<u8>>,
    /// The hand-out.
    pub handout: Option<Vec<u8>>,
    /// Partials.
    pub partials: Vec<SealedFrom>,
}

/// Kinds in the table `sealed`.
const TEXT: &str = "text";
const HANDOUT: &str = "handout";
const PARTIAL: &str = "partial";

impl Store {
    /// What this official did of this kind: the PAE hash.
    pub async fn act(&self, request: B32, kind: Kind, official: u16) -> Result<Option<B32>, DbError> {
        self.0.read(move |c| Box::pin(read_act(c, request, kind, official))).await
    }

    /// Stores an act with all that goes with it and queues its statement, in one transaction.
    pub async fn add_act(&self, act: NewAct) -> Result<Posted, DbError> {
        self.0.write(move |tx| Box::pin(add_act(tx, act))).await
    }

    /// All requests, oldest first.
    pub async fn requests(&self) -> Result<Vec<Row>, DbError> {
        self.0
            .read(|c| {
                Box::pin(async move {
                    let rows = sqlx::query("SELECT hash, case_id, envelope, hold FROM requests ORDER BY seq")
                        .fetch_all(c)
                        .await?;
                    let read = |row: &sqlx::any::AnyRow| -> Result<Row, DbError> {
                        Ok(Row {
                            hash: fixed("requests", &row.try_get::<Vec<u8>, _>(0)?)?,
                            case_id: fixed("requests", &row.try_get::<Vec<u8>, _>(1)?)?,
                            envelope: row.try_get(2)?,
                            hold: match row.try_get::<i64, _>(3)? {
                                0 => Hold::Wanted,
                                1 => Hold::Held,
                                _ => Hold::Released,
                            },
                        })
                    };
                    rows.iter().map(read).collect()
                })
            })
            .await
    }

    /// What is sealed to this recipient for a request.
    pub async fn files(&self, request: B32, recipient: u16) -> Result<Files, DbError> {
        self.0.read(move |c| Box::pin(read_files(c, request, recipient))).await
    }

    /// Stores hand-outs; those that are there stay.
    pub async fn add_handouts(&self, request: B32, handouts: Vec<SealedTo>) -> Result<(), DbError> {
        self.0
            .write(move |tx| {
                Box::pin(async move {
                    for SealedTo { to, sealed } in handouts {
                        seal(tx, request, HANDOUT, 0, to, sealed.0).await?;
                    }
                    Ok(())
                })
            })
            .await
    }

    /// The gateway holds it.
    pub async fn held(&self, request: B32) -> Result<(), DbError> {
        self.0.write(move |tx| Box::pin(async move { set_hold(tx, request, Hold::Held).await })).await
    }

    /// It ended, and the gateway holds nothing any more: what was sealed is deleted, but for the warden's copy of a text
    /// whose nonce it still has to publish.
    pub async fn end(&self, request: B32, owes_notice: bool) -> Result<(), DbError> {
        self.0
            .write(move |tx| {
                Box::pin(async move {
                    set_hold(tx, request, Hold::Released).await?;
                    sqlx::query("UPDATE requests SET envelope = $2 WHERE hash = $1")
                        .bind(request.to_vec())
                        .bind(Vec::<u8>::new())
                        .execute(&mut *tx)
                        .await?;
                    let stays = if owes_notice { i64::from(WARDEN) } else { -1 };
                    sqlx::query("DELETE FROM sealed WHERE request = $1 AND recipient <> $2")
                        .bind(request.to_vec())
                        .bind(stays)
                        .execute(tx)
                        .await?;
                    Ok(())
                })
            })
            .await
    }

    /// Ended requests of which a sealed copy is left.
    pub async fn kept_for_notice(&self) -> Result<Vec<B32>, DbError> {
        self.0
            .read(|c| {
                Box::pin(async move {
                    let rows = sqlx::query(
                        "SELECT DISTINCT hash FROM requests JOIN sealed ON sealed.request = requests.hash WHERE hold = $1",
                    )
                    .bind(Hold::Released as i64)
                    .fetch_all(c)
                    .await?;
                    rows.iter().map(|row| fixed("requests", &row.try_get::<Vec<u8>, _>(0)?)).collect()
                })
            })
            .await
    }

    /// Deletes all that was sealed for a request.
    pub async fn forget_sealed(&self, request: B32) -> Result<(), DbError> {
        self.0
            .write(move |tx| {
                Box::pin(async move {
                    sqlx::query("DELETE FROM sealed WHERE request = $1").bind(request.to_vec()).execute(tx).await?;
                    Ok(())
                })
            })
            .await
    }
}

async fn set_hold(tx: &mut AnyConnection, request: B32, hold: Hold) -> Result<(), DbError> {
    let done = sqlx::query("UPDATE requests SET hold = $2 WHERE hash = $1")
        .bind(request.to_vec())
        .bind(hold as i64)
        .execute(tx)
        .await?;
    expect_rows("requests", done.rows_affected(), 1)
}

async fn read_act(c: &mut AnyConnection, request: B32, kind: Kind, official: u16) -> Result<Option<B32>, DbError> {
    let row = sqlx::query("SELECT pae_hash FROM acts WHERE request = $1 AND kind = $2 AND official = $3")
        .bind(request.to_vec())
        .bind(kind.as_str())
        .bind(i64::from(official))
        .fetch_optional(c)
        .await?;
    row.map(|row| fixed("acts", &row.try_get::<Vec<u8>, _>(0)?)).transpose()
}

async fn add_act(tx: &mut AnyConnection, act: NewAct) -> Result<Posted, DbError> {
    let pae_hash = act.statement.pae_hash();
    if let Some(before) = read_act(tx, act.request, act.kind, act.official).await? {
        return Ok(if before == pae_hash { Posted::Same } else { Posted::Other });
    }
    let done = sqlx::query("INSERT INTO acts (request, kind, official, pae_hash) VALUES ($1, $2, $3, $4)")
        .bind(act.request.to_vec())
        .bind(act.kind.as_str())
        .bind(i64::from(act.official))
        .bind(pae_hash.to_vec())
        .execute(&mut *tx)
        .await?;
    expect_rows("acts", done.rows_affected(), 1)?;
    if let Some((case_id, envelope)) = act.case {
        let done = sqlx::query("INSERT INTO requests (hash, case_id, envelope, hold) VALUES ($1, $2, $3, 0)")
            .bind(act.request.to_vec())
            .bind(case_id.to_vec())
            .bind(envelope)
            .execute(&mut *tx)
            .await?;
        expect_rows("requests", done.rows_affected(), 1)?;
    }
    let (kind, sender) = match act.kind {
        Kind::Partial => (PARTIAL, act.official),
        _ => (TEXT, 0),
    };
    for SealedTo { to, sealed } in act.sealed {
        seal(tx, act.request, kind, sender, to, sealed.0).await?;
    }
    outbox::enqueue(tx, LogName::Governance, &act.statement).await?;
    Ok(Posted::New)
}

async fn seal(
    tx: &mut AnyConnection,
    request: B32,
    kind: &str,
    sender: u16,
    recipient: u16,
    bytes: Vec<u8>,
) -> Result<(), DbError> {
    sqlx::query(
        "INSERT INTO sealed (request, kind, sender, recipient, bytes) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (request, kind, sender, recipient) DO NOTHING",
    )
    .bind(request.to_vec())
    .bind(kind)
    .bind(i64::from(sender))
    .bind(i64::from(recipient))
    .bind(bytes)
    .execute(tx)
    .await?;
    Ok(())
}

async fn read_files(c: &mut AnyConnection, request: B32, recipient: u16) -> Result<Files, DbError> {
    let rows =
        sqlx::query("SELECT kind, sender, bytes FROM sealed WHERE request = $1 AND recipient = $2 ORDER BY sender")
            .bind(request.to_vec())
            .bind(i64::from(recipient))
            .fetch_all(c)
            .await?;
    let mut files = Files::default();
    for row in rows {
        let (kind, bytes): (String, Vec<u8>) = (row.try_get(0)?, row.try_get(2)?);
        match kind.as_str() {
            TEXT => files.text = Some(bytes),
            HANDOUT => files.handout = Some(bytes),
            _ => {
                let from = u16::try_from(row.try_get::<i64, _>(1)?).map_err(|_| DbError::Malformed("sealed"))?;
                files.partials.push(SealedFrom { from, sealed: Bytes(bytes) });
            }
        }
    }
    Ok(files)
}
