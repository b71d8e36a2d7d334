//! What goes to the downstream. A delivery is marked `sending` before the POST, so that a crash leaves a trace.

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row as _};
use tabir_crypto::B32;
use tabir_crypto::statement::body::Status;

use super::news::UpdateTaken;
use super::{Held, Store, add_event, hold};
use crate::api::gateway::ItemKind;
use crate::db::{DbError, expect_rows, fixed, stored, unsigned};

/// A delivery as it is queued.
#[derive(Clone, Debug)]
pub struct NewDelivery {
    pub case_id: B32,
    pub counter: u64,
    pub kind: ItemKind,
    /// Sealed, but for a rating and an erasure.
    pub payload: Vec<u8>,
    pub intake_key_id: Option<B32>,
    pub seq: u64,
    pub envelope_hash: Option<B32>,
    /// Not before.
    pub due_at: u64,
    /// Start of the day of arrival: the only date that goes out.
    pub day: u64,
}

/// A delivery that is due.
#[derive(Clone, Debug)]
pub struct Delivery {
    pub new: NewDelivery,
    /// An earlier attempt has an unknown outcome.
    pub unknown: bool,
    pub attempts: u64,
    pub first_attempt: u64,
    /// Where in the downstream the earlier attempt went.
    pub place: String,
    /// What the downstream gave to ask by, instead of an id.
    pub token: Option<String>,
}

/// What an acknowledged update changes of its case.
#[derive(Clone, Debug)]
pub struct Reopened {
    pub status: Status,
    pub at: u64,
    pub raw: String,
    pub event: Vec<u8>,
}

impl Store {
    /// What is due, at most one of a case: the first that has not been sent.
    pub async fn due(&self, now: u64, limit: u32) -> Result<Vec<Delivery>, DbError> {
        self.0
            .read(move |c| {
                Box::pin(async move {
                    let rows = sqlx::query(
                        "SELECT d.case_id, d.counter, d.kind, d.payload, d.intake_key_id, d.seq, d.envelope_hash, \
                         d.due_at, d.day, d.state, d.attempts, d.first_attempt, d.place, d.token FROM delivery d \
                         JOIN report r ON r.case_id = d.case_id \
                         WHERE d.state <> 'sent' AND d.due_at <= $1 AND NOT EXISTS (SELECT 1 FROM delivery e \
                         WHERE e.case_id = d.case_id AND e.counter < d.counter AND e.state <> 'sent') \
                         ORDER BY d.due_at, d.case_id LIMIT $2",
                    )
                    .bind(stored(now))
                    .bind(i64::from(limit))
                    .fetch_all(c)
                    .await?;
                    rows.iter().map(read).collect()
                })
            })
            .await
    }

    /// An attempt begins. From here until an answer is stored its outcome is unknown.
    pub async fn begin(&self, case_id: B32, counter: u64, place: String, now: u64) -> Result<(), DbError> {
        self.0
            .write(move |tx| {
                Box::pin(async move {
                    let done = sqlx::query(
                        "UPDATE delivery SET state = 'sending', place = $4, token = '', \
                         first_attempt = CASE WHEN first_attempt = 0 THEN $1 ELSE first_attempt END \
                         WHERE case_id = $2 AND counter = $3 AND state <> 'sent'",
                    )
                    .bind(stored(now))
                    .bind(case_id.to_vec())
                    .bind(stored(counter))
                    .bind(place)
                    .execute(tx)
                    .await?;
                    expect_rows("delivery", done.rows_affected(), 1)
                })
            })
            .await
    }

    /// The downstream took it, and says later under which id.
    pub async fn keep_token(&self, case_id: B32, counter: u64, token: String) -> Result<(), DbError> {
        self.0
            .write(move |tx| {
                Box::pin(async move {
                    let sql =
                        "UPDATE delivery SET token = $1 WHERE case_id = $2 AND counter = $3 AND state = 'sending'";
                    let query = sqlx::query(sql).bind(token).bind(case_id.to_vec()).bind(stored(counter));
                    expect_rows("delivery", query.execute(tx).await?.rows_affected(), 1)
                })
            })
            .await
    }

    /// Tries again later. `unknown`: the downstream may have it.
    pub async fn retry(
        &self,
        delivery: &NewDelivery,
        unknown: bool,
        due_at: u64,
        held: Option<Held>,
        now: u64,
    ) -> Result<(), DbError> {
        let (case_id, counter) = (delivery.case_id, delivery.counter);
        self.0
            .write(move |tx| {
                Box::pin(async move {
                    sqlx::query(
                        "UPDATE delivery SET state = $1, due_at = $2, attempts = attempts + 1 \
                         WHERE case_id = $3 AND counter = $4 AND state <> 'sent'",
                    )
                    .bind(if unknown { "sending" } else { "waiting" })
                    .bind(stored(due_at))
                    .bind(case_id.to_vec())
                    .bind(stored(counter))
                    .execute(&mut *tx)
                    .await?;
                    match &held {
                        Some(held) => hold(tx, held, now).await,
                        None => Ok(()),
                    }
                })
            })
            .await
    }

    /// The downstream has the report under this id and with this status, perhaps since `since`: updates are asked for again from then on.
    pub async fn report_sent(
        &self,
        case_id: B32,
        downstream: (String, String),
        since: u64,
        event: Vec<u8>,
        (delete_at, said): (u64, Option<UpdateTaken>),
    ) -> Result<(), DbError> {
        self.0
            .write(move |tx| {
                Box::pin(async move {
                    reported(tx, &case_id, downstream, since, event, delete_at).await?;
                    match said {
                        Some(said) => super::news::take(tx, said, since).await,
                        None => Ok(()),
                    }
                })
            })
            .await
    }

    /// The downstream has the update under this id (none where it gives none): its own echo is not news.
    pub async fn update_sent(
        &self,
        delivery: &NewDelivery,
        update_id: Option<String>,
        reopened: Option<Reopened>,
        delete_at: u64,
        now: u64,
    ) -> Result<(), DbError> {
        let (case_id, counter) = (delivery.case_id, delivery.counter);
        self.0
            .write(move |tx| {
                Box::pin(async move {
                    close(tx, &case_id, counter, delete_at).await?;
                    if let Some(update_id) = update_id {
                        super::news::see(tx, &update_id, now).await?;
                    }
                    if let Some(change) = reopened {
                        sqlx::query(
                            "UPDATE report SET status = $1, status_at = $2, raw_status = $3 WHERE case_id = $4",
                        )
                        .bind(change.status.as_str())
                        .bind(stored(change.at))
                        .bind(change.raw)
                        .bind(case_id.to_vec())
                        .execute(&mut *tx)
                        .await?;
                        add_event(tx, &case_id, change.event).await?;
                    }
                    Ok(())
                })
            })
            .await
    }

    /// Deletes what was acknowledged and is past its grace, also from the disk. Returns how many.
    pub async fn delete_sent(&self, now: u64) -> Result<u64, DbError> {
        let deleted = self
            .0
            .write(move |tx| {
                Box::pin(async move {
                    let sql = "DELETE FROM delivery WHERE state = 'sent' AND delete_at <= $1";
                    Ok(sqlx::query(sql).bind(stored(now)).execute(tx).await?.rows_affected())
                })
            })
            .await?;
        if deleted > 0 {
            self.0.checkpoint().await?;
        }
        Ok(deleted)
    }
}

pub(super) async fn close(tx: &mut AnyConnection, case_id: &B32, counter: u64, delete_at: u64) -> Result<(), DbError> {
    let done = sqlx::query(
        "UPDATE delivery SET state = 'sent', delete_at = $1 WHERE case_id = $2 AND counter = $3 AND state <> 'sent'",
    )
    .bind(stored(delete_at))
    .bind(case_id.to_vec())
    .bind(stored(counter))
    .execute(&mut *tx)
    .await?;
    expect_rows("delivery", done.rows_affected(), 1)?;
    super::held::settled(tx, case_id).await
}

pub(super) async fn reported(
    tx: &mut AnyConnection,
    case_id: &B32,
    (request_id, status): (String, String),
    since: u64,
    event: Vec<u8>,
    delete_at: u64,
) -> Result<(), DbError> {
    close(tx, case_id, 0, delete_at).await?;
    let sql = "UPDATE report SET request_id = $1, fate = 'sent', raw_status = $2 WHERE case_id = $3";
    let query = sqlx::query(sql).bind(request_id).bind(status).bind(case_id.to_vec());
    expect_rows("report", query.execute(&mut *tx).await?.rows_affected(), 1)?;
    super::news::lower_watermarks(tx, since).await?;
    add_event(tx, case_id, event).await
}

pub(super) async fn insert(tx: &mut AnyConnection, d: NewDelivery) -> Result<(), DbError> {
    let blob = |hash: Option<B32>| hash.map(|h| h.to_vec()).unwrap_or_default();
    let done = sqlx::query(
        "INSERT INTO delivery (case_id, counter, kind, payload, intake_key_id, seq, envelope_hash, state, due_at, \
         attempts, first_attempt, day, delete_at, place, token) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, 'waiting', $8, 0, 0, $9, 0, '', '')",
    )
    .bind(d.case_id.to_vec())
    .bind(stored(d.counter))
    .bind(d.kind.as_str())
    .bind(d.payload)
    .bind(blob(d.intake_key_id))
    .bind(stored(d.seq))
    .bind(blob(d.envelope_hash))
    .bind(stored(d.due_at))
    .bind(stored(d.day))
    .execute(tx)
    .await?;
    expect_rows("delivery", done.rows_affected(), 1)
}

fn read(row: &AnyRow) -> Result<Delivery, DbError> {
    let what = "delivery";
    let number = |i: usize| unsigned(what, row.try_get(i)?);
    let hash = |i: usize| -> Result<Option<B32>, DbError> {
        let bytes: Vec<u8> = row.try_get(i)?;
        if bytes.is_empty() { Ok(None) } else { fixed(what, &bytes).map(Some) }
    };
    let kind: String = row.try_get(2)?;
    let state: String = row.try_get(9)?;
    Ok(Delivery {
        new: NewDelivery {
            case_id: hash(0)?.ok_or(DbError::Malformed(what))?,
            counter: number(1)?,
            kind: ItemKind::ALL.into_iter().find(|k| k.as_str() == kind).ok_or(DbError::Malformed(what))?,
            payload: row.try_get(3)?,
            intake_key_id: hash(4)?,
            seq: number(5)?,
            envelope_hash: hash(6)?,
            due_at: number(7)?,
            day: number(8)?,
        },
        unknown: state == "sending",
        attempts: number(10)?,
        first_attempt: number(11)?,
        place: row.try_get(12)?,
        token: Some(row.try_get::<String, _>(13)?).filter(|t| !t.is_empty()),
    })
}
