//! What is held, and how a person ends it. Nothing held is dropped: a delivery goes on being tried, a status waits.

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row as _};
use tabir_crypto::B32;
use tabir_crypto::codec::sha256;
use tabir_crypto::receipt::reference;
use tabir_crypto::statement::body::Status;

use super::cases::Case;
use super::{Held, Store, add_event};
use crate::db::{DbError, expect_rows, fixed, stored, unsigned};

/// Kinds about a delivery that is tried again; they go when it is sent.
pub const DELIVERIES: [&str; 8] =
    ["category", "attribute", "confidential", "followup", "refused", "answer", "lookup", "token"];
/// Kinds about an update whose status was not taken. All others (`report`, `write`, `event`, `nameless`) are about
/// something that is over: they are only to be seen.
pub const STATUSES: [&str; 2] = ["status", "regression"];
/// Something held, as a person sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldRow {
    /// What.
    pub held: Held,
    /// Start of the day.
    pub held_on: u64,
}

impl HeldRow {
    /// A short name for the command line: 8 hex digits of a hash.
    #[must_use]
    pub fn id(&self) -> String {
        let Held { kind, about, detail, .. } = &self.held;
        hex::encode(&sha256([kind.as_str(), about, detail].join("\n").as_bytes())[..4])
    }
}

/// How a person ends it.
#[derive(Clone, Debug)]
pub enum Ending {
    /// It was seen.
    Seen,
    /// The delivery is tried again now.
    Retry,
    /// The report stands in the downstream under this id; `Event` of it, and when its content is deleted.
    Known { request_id: String, status: String, event: Vec<u8>, delete_at: u64 },
    /// A later write was brought there by hand.
    ByHand { delete_at: u64 },
    /// The case has this status, with the event that says so.
    Status { status: Status, at: u64, raw: String, event: Vec<u8> },
}

impl Store {
    /// What is held, by kind.
    pub async fn held(&self) -> Result<Vec<HeldRow>, DbError> {
        self.0
            .read(|c| {
                Box::pin(async move {
                    let sql = "SELECT kind, about, detail, held_on, at FROM held ORDER BY kind, about, detail";
                    sqlx::query(sql).fetch_all(c).await?.iter().map(read).collect()
                })
            })
            .await
    }

    /// The case that a held thing is about, by reference or by the downstream's id.
    pub async fn case_about(&self, held: &Held) -> Result<Option<Case>, DbError> {
        if STATUSES.contains(&held.kind.as_str()) {
            return self.case_by_request(held.about.clone()).await;
        }
        let about = held.about.clone();
        let found = self.0.read(move |c| {
            Box::pin(async move {
                // A reference is a hash: it leads back to a case only by trying.
                for row in sqlx::query("SELECT case_id FROM report").fetch_all(c).await? {
                    let case_id: B32 = fixed("report", &row.try_get::<Vec<u8>, _>(0)?)?;
                    if reference(&case_id) == about {
                        return Ok(Some(case_id));
                    }
                }
                Ok(None)
            })
        });
        match found.await? {
            Some(case_id) => self.case(case_id).await,
            None => Ok(None),
        }
    }

    /// Ends a held thing, with what follows from it. False if it is not held any more, or what it is about went on.
    pub async fn end_held(&self, held: Held, case_id: Option<B32>, ending: Ending) -> Result<bool, DbError> {
        self.0
            .write(move |tx| {
                Box::pin(async move {
                    let sql = "SELECT COUNT(*) FROM held WHERE kind = $1 AND about = $2 AND detail = $3";
                    let query = sqlx::query(sql).bind(held.kind.clone()).bind(held.about.clone());
                    let row = query.bind(held.detail.clone()).fetch_one(&mut *tx).await?;
                    if row.try_get::<i64, _>(0)? == 0 {
                        return Ok(false);
                    }
                    let done = match (ending, case_id) {
                        (Ending::Seen, _) => true,
                        (ending, Some(case_id)) => apply(tx, &case_id, ending).await?,
                        (_, None) => false,
                    };
                    if done {
                        let sql = "DELETE FROM held WHERE kind = $1 AND about = $2 AND detail = $3";
                        let query = sqlx::query(sql).bind(held.kind).bind(held.about).bind(held.detail);
                        query.execute(&mut *tx).await?;
                    }
                    Ok(done)
                })
            })
            .await
    }
}

async fn apply(tx: &mut AnyConnection, case_id: &B32, ending: Ending) -> Result<bool, DbError> {
    // The delivery that stands first is the one that is held.
    let sql = "SELECT counter, day FROM delivery WHERE case_id = $1 AND state <> 'sent' ORDER BY counter LIMIT 1";
    let row = sqlx::query(sql).bind(case_id.to_vec()).fetch_optional(&mut *tx).await?;
    let number = |row: &AnyRow, i: usize| unsigned("delivery", row.try_get(i)?);
    let first = row.as_ref().map(|row| number(row, 0)).transpose()?;
    let since = row.as_ref().map(|row| number(row, 1)).transpose()?.unwrap_or_default();
    match (ending, first) {
        (Ending::Retry, Some(counter)) => {
            let sql = "UPDATE delivery SET due_at = 0, attempts = 0 WHERE case_id = $1 AND counter = $2";
            let query = sqlx::query(sql).bind(case_id.to_vec()).bind(stored(counter));
            expect_rows("delivery", query.execute(tx).await?.rows_affected(), 1)?;
            Ok(true)
        }
        (Ending::Known { request_id, status, event, delete_at }, Some(0)) => {
            super::deliveries::reported(tx, case_id, (request_id, status), since, event, delete_at).await?;
            Ok(true)
        }
        (Ending::ByHand { delete_at }, Some(counter)) if counter > 0 => {
            super::deliveries::close(tx, case_id, counter, delete_at).await?;
            Ok(true)
        }
        (Ending::Status { status, at, raw, event }, _) => {
            let sql = "UPDATE report SET status = $1, status_at = $2, raw_status = $3 WHERE case_id = $4";
            let query = sqlx::query(sql).bind(status.as_str()).bind(stored(at)).bind(raw).bind(case_id.to_vec());
            expect_rows("report", query.execute(&mut *tx).await?.rows_affected(), 1)?;
            add_event(tx, case_id, event).await?;
            Ok(true)
        }
        _ => Ok(false),
    }
}

/// A delivery of this case arrived: what was held about it is over.
pub(super) async fn settled(tx: &mut AnyConnection, case_id: &B32) -> Result<(), DbError> {
    let kinds = DELIVERIES.map(|kind| format!("'{kind}'")).join(", ");
    let sql = sqlx::AssertSqlSafe(format!("DELETE FROM held WHERE about = $1 AND kind IN ({kinds})"));
    sqlx::query(sql).bind(reference(case_id)).execute(tx).await?;
    Ok(())
}

fn read(row: &AnyRow) -> Result<HeldRow, DbError> {
    let number = |i: usize| unsigned("held", row.try_get(i)?);
    let held = Held { kind: row.try_get(0)?, about: row.try_get(1)?, detail: row.try_get(2)?, at: number(4)? };
    Ok(HeldRow { held, held_on: number(3)? })
}
