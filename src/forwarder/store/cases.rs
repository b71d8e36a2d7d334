//! Reports as the forwarder remembers them: keys, counters, ids. No text.

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row as _};
use tabir_crypto::B32;
use tabir_crypto::statement::body::{Release, Status};

use super::Store;
use crate::db::{DbError, fixed, stored, unsigned};

/// How long after its close a request may be opened again.
const CLOSED_S: u64 = 30 * 86_400;

/// What became of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Queued,
    Sent,
    Refused,
    Erased,
}

impl Fate {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Sent => "sent",
            Self::Refused => "refused",
            Self::Erased => "erased",
        }
    }

    pub(super) fn parse(text: &str) -> Result<Self, DbError> {
        let all = [Self::Queued, Self::Sent, Self::Refused, Self::Erased];
        all.into_iter().find(|f| f.as_str() == text).ok_or(DbError::Malformed("fate"))
    }
}

pub(super) const fn release_name(release: Release) -> &'static str {
    match release {
        Release::Urgent => "urgent",
        Release::Batched => "batched",
    }
}

/// One row.
#[derive(Clone, Debug)]
pub struct Case {
    pub case_id: B32,
    pub access_hash: B32,
    pub case_vk: B32,
    pub mailbox_pk: Vec<u8>,
    /// SHA-256 of its `case.submit`.
    pub statement: B32,
    pub fate: Fate,
    pub release: Release,
    pub counter: u64,
    pub seq: u64,
    pub prev: B32,
    pub reply_seq: u64,
    pub reply_prev: B32,
    pub service_code: String,
    pub request_id: String,
    pub status: Status,
    pub status_at: u64,
    pub raw_status: String,
}

const COLUMNS: &str = "case_id, access_hash, case_vk, mailbox_pk, statement, fate, release_mode, counter, seq, prev, \
                       reply_seq, reply_prev, service_code, request_id, status, status_at, raw_status";

impl Store {
    /// A case by its id.
    pub async fn case(&self, case_id: B32) -> Result<Option<Case>, DbError> {
        self.0.read(move |c| Box::pin(async move { case(c, &case_id).await })).await
    }

    /// A case by the downstream's id.
    pub async fn case_by_request(&self, request_id: String) -> Result<Option<Case>, DbError> {
        self.0
            .read(move |c| {
                Box::pin(async move {
                    let sql = format!("SELECT {COLUMNS} FROM report WHERE request_id = $1 AND request_id <> ''");
                    let row = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(request_id).fetch_optional(c).await?;
                    row.as_ref().map(read).transpose()
                })
            })
            .await
    }

    /// Ids of the requests whose news are asked for: the open ones, and with `now` also those closed lately, which may
    /// have been opened again.
    pub async fn followed(&self, now: Option<u64>) -> Result<Vec<String>, DbError> {
        let since = now.map_or(u64::MAX >> 1, |now| now.saturating_sub(CLOSED_S));
        self.0
            .read(move |c| {
                Box::pin(async move {
                    let sql = "SELECT request_id FROM report WHERE fate = 'sent' AND request_id <> '' \
                               AND (status NOT IN ('resolved', 'declined') OR status_at >= $1) ORDER BY request_id";
                    let rows = sqlx::query(sql).bind(stored(since)).fetch_all(c).await?;
                    rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
                })
            })
            .await
    }

    /// Whether another case stands under this nf: one report would be counted for two.
    pub async fn nf_taken(&self, nf: B32, case_id: B32) -> Result<bool, DbError> {
        self.0
            .read(move |c| {
                Box::pin(async move {
                    let sql = "SELECT COUNT(*) FROM report WHERE nf = $1 AND case_id <> $2";
                    let row = sqlx::query(sql).bind(nf.to_vec()).bind(case_id.to_vec()).fetch_one(c).await?;
                    Ok(row.try_get::<i64, _>(0)? > 0)
                })
            })
            .await
    }
}

pub(super) async fn case(c: &mut AnyConnection, case_id: &B32) -> Result<Option<Case>, DbError> {
    let sql = sqlx::AssertSqlSafe(format!("SELECT {COLUMNS} FROM report WHERE case_id = $1"));
    sqlx::query(sql).bind(case_id.to_vec()).fetch_optional(c).await?.as_ref().map(read).transpose()
}

fn read(row: &AnyRow) -> Result<Case, DbError> {
    let b32 = |i: usize| -> Result<B32, DbError> { fixed("report", &row.try_get::<Vec<u8>, _>(i)?) };
    let number = |i: usize| unsigned("report", row.try_get(i)?);
    let text = |i: usize| row.try_get::<String, _>(i);
    Ok(Case {
        case_id: b32(0)?,
        access_hash: b32(1)?,
        case_vk: b32(2)?,
        mailbox_pk: row.try_get(3)?,
        statement: b32(4)?,
        fate: Fate::parse(&text(5)?)?,
        release: if text(6)? == release_name(Release::Urgent) { Release::Urgent } else { Release::Batched },
        counter: number(7)?,
        seq: number(8)?,
        prev: b32(9)?,
        reply_seq: number(10)?,
        reply_prev: b32(11)?,
        service_code: text(12)?,
        request_id: text(13)?,
        status: Status::parse(&text(14)?).ok_or(DbError::Malformed("status"))?,
        status_at: number(15)?,
        raw_status: text(16)?,
    })
}
