//! The inbox: stored before it is acknowledged, decided on afterwards. A decision and the row's end are one transaction.

use sqlx::{AnyConnection, Row as _};
use tabir_crypto::B32;
use tabir_crypto::statement::body::{Release, Status};

use super::cases::{Fate, release_name};
use super::deliveries::{NewDelivery, insert as insert_delivery};
use super::{Held, Store, add_event, hold};
use crate::db::{DbError, expect_rows, fixed, stored, unsigned};

/// An item as it was leased.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incoming {
    pub digest: B32,
    pub case_id: B32,
    pub counter: u64,
    pub item: Vec<u8>,
}

/// A report that was looked at.
#[derive(Clone, Debug)]
pub struct NewReport {
    pub case_id: B32,
    pub access_hash: B32,
    pub case_vk: B32,
    pub mailbox_pk: Vec<u8>,
    pub statement: B32,
    pub nf: B32,
    pub w: u64,
    pub deadline: u64,
    /// Between two further D.
    pub period: u64,
    /// `Queued` or `Refused`.
    pub fate: Fate,
    pub reason: String,
    /// False when the log must not name it: another report has the same nf.
    pub counts: bool,
    pub release: Release,
    pub service_code: String,
}

/// A later write that was looked at.
#[derive(Clone, Debug)]
pub struct NewWrite {
    pub case_id: B32,
    pub counter: u64,
    pub seq: u64,
    pub prev: B32,
}

impl Store {
    /// Stores leased items; one that is there already is the same one.
    pub async fn take(&self, items: Vec<Incoming>) -> Result<(), DbError> {
        self.0
            .write(move |tx| {
                Box::pin(async move {
                    for i in items {
                        sqlx::query(
                            "INSERT INTO inbox (digest, case_id, counter, item) VALUES ($1, $2, $3, $4) \
                             ON CONFLICT DO NOTHING",
                        )
                        .bind(i.digest.to_vec())
                        .bind(i.case_id.to_vec())
                        .bind(stored(i.counter))
                        .bind(i.item)
                        .execute(&mut *tx)
                        .await?;
                    }
                    Ok(())
                })
            })
            .await
    }

    /// What waits to be looked at, each case's in the order of its counters.
    pub async fn inbox(&self, limit: u32) -> Result<Vec<Incoming>, DbError> {
        self.0
            .read(move |c| {
                Box::pin(async move {
                    let sql = "SELECT digest, case_id, counter, item FROM inbox ORDER BY case_id, counter LIMIT $1";
                    let rows = sqlx::query(sql).bind(i64::from(limit)).fetch_all(c).await?;
                    rows.iter()
                        .map(|row| {
                            Ok(Incoming {
                                digest: fixed("inbox", &row.try_get::<Vec<u8>, _>(0)?)?,
                                case_id: fixed("inbox", &row.try_get::<Vec<u8>, _>(1)?)?,
                                counter: unsigned("inbox", row.try_get(2)?)?,
                                item: row.try_get(3)?,
                            })
                        })
                        .collect()
                })
            })
            .await
    }

    /// Ends an item without more: it is known already, or it is held.
    pub async fn drop_item(&self, digest: B32, held: Option<Held>, now: u64) -> Result<(), DbError> {
        self.0
            .write(move |tx| {
                Box::pin(async move {
                    if let Some(held) = &held {
                        hold(tx, held, now).await?;
                    }
                    leave_inbox(tx, &digest).await
                })
            })
            .await
    }

    /// Queues or refuses a report, with what the gateway is told of it.
    pub async fn add_report(
        &self,
        digest: B32,
        report: NewReport,
        delivery: Option<NewDelivery>,
        event: Option<Vec<u8>>,
        held: Option<Held>,
        now: u64,
    ) -> Result<(), DbError> {
        self.0
            .write(move |tx| {
                Box::pin(async move {
                    insert_report(tx, &report).await?;
                    sqlx::query(
                        "INSERT INTO accept_window (w, deadline, period, round) VALUES ($1, $2, $3, 0) \
                         ON CONFLICT DO NOTHING",
                    )
                    .bind(stored(report.w))
                    .bind(stored(report.deadline))
                    .bind(stored(report.period))
                    .execute(&mut *tx)
                    .await?;
                    if let Some(delivery) = delivery {
                        insert_delivery(tx, delivery).await?;
                    }
                    if let Some(event) = event {
                        add_event(tx, &report.case_id, event).await?;
                    }
                    if let Some(held) = &held {
                        hold(tx, held, now).await?;
                    }
                    leave_inbox(tx, &digest).await
                })
            })
            .await
    }

    /// Queues a later write and moves the case's counters.
    pub async fn add_write(
        &self,
        digest: B32,
        write: NewWrite,
        delivery: NewDelivery,
        held: Option<Held>,
        now: u64,
    ) -> Result<(), DbError> {
        self.0
            .write(move |tx| {
                Box::pin(async move {
                    move_counters(tx, &write).await?;
                    insert_delivery(tx, delivery).await?;
                    if let Some(held) = &held {
                        hold(tx, held, now).await?;
                    }
                    leave_inbox(tx, &digest).await
                })
            })
            .await
    }

    /// The reporter erased the case: whatever has not left yet goes now. If the downstream has the report, it is told.
    pub async fn erase(&self, digest: B32, write: NewWrite, tell: Option<NewDelivery>) -> Result<(), DbError> {
        self.0
            .write(move |tx| {
                Box::pin(async move {
                    move_counters(tx, &write).await?;
                    let id = write.case_id.to_vec();
                    sqlx::query("DELETE FROM delivery WHERE case_id = $1").bind(id.clone()).execute(&mut *tx).await?;
                    let fate = "UPDATE report SET fate = 'erased' WHERE case_id = $1 AND fate = 'queued'";
                    sqlx::query(fate).bind(id).execute(&mut *tx).await?;
                    if let Some(delivery) = tell {
                        insert_delivery(tx, delivery).await?;
                    }
                    leave_inbox(tx, &digest).await
                })
            })
            .await
    }
}

async fn leave_inbox(tx: &mut AnyConnection, digest: &B32) -> Result<(), DbError> {
    let done = sqlx::query("DELETE FROM inbox WHERE digest = $1").bind(digest.to_vec()).execute(tx).await?;
    expect_rows("inbox", done.rows_affected(), 1)
}

async fn move_counters(tx: &mut AnyConnection, write: &NewWrite) -> Result<(), DbError> {
    let done = sqlx::query("UPDATE report SET counter = $1, seq = $2, prev = $3 WHERE case_id = $4 AND counter < $1")
        .bind(stored(write.counter))
        .bind(stored(write.seq))
        .bind(write.prev.to_vec())
        .bind(write.case_id.to_vec())
        .execute(tx)
        .await?;
    expect_rows("report", done.rows_affected(), 1)
}

async fn insert_report(tx: &mut AnyConnection, r: &NewReport) -> Result<(), DbError> {
    let status = if r.fate == Fate::Refused { Status::Declined } else { Status::Received };
    let zeros = vec![0_u8; 32];
    let done = sqlx::query(
        "INSERT INTO report (case_id, access_hash, case_vk, mailbox_pk, statement, nf, w, fate, reason, pending_in, \
         logged, release_mode, counter, seq, prev, reply_seq, reply_prev, service_code, request_id, status, \
         status_at, raw_status) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, -1, $10, $11, 0, 0, $12, 0, $12, $13, '', $14, 0, '')",
    )
    .bind(r.case_id.to_vec())
    .bind(r.access_hash.to_vec())
    .bind(r.case_vk.to_vec())
    .bind(r.mailbox_pk.clone())
    .bind(r.statement.to_vec())
    .bind(r.nf.to_vec())
    .bind(stored(r.w))
    .bind(r.fate.as_str())
    .bind(r.reason.clone())
    .bind(i64::from(!r.counts))
    .bind(release_name(r.release))
    .bind(zeros)
    .bind(r.service_code.clone())
    .bind(status.as_str())
    .execute(tx)
    .await?;
    expect_rows("report", done.rows_affected(), 1)
}
