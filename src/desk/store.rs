//! The desk's store: requests and their updates.

use std::collections::BTreeMap;
use std::path::Path;

use sqlx::any::AnyRow;
use sqlx::migrate::Migrator;
use sqlx::{AnyConnection, Row as _};

use crate::db::copy::{Plan, Table};
use crate::db::{Db, DbError, Work, expect_rows, stored, unsigned};

/// A request as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub id: i64,
    pub new: NewRequest,
    pub status: String,
    pub status_notes: String,
    pub updated_at: u64,
}

/// A request before it has a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRequest {
    pub service_code: String,
    pub description: String,
    pub address: String,
    pub lat: String,
    pub lon: String,
    pub attributes: BTreeMap<String, String>,
    pub requested_at: u64,
    pub due_at: Option<u64>,
}

/// An update as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Update {
    pub id: i64,
    pub request_id: i64,
    pub status: String,
    pub description: String,
    pub updated_at: u64,
}

/// What to change of a request beside the update itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub status: String,
    pub due_at: Option<u64>,
}

/// Which requests to list; newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    pub ids: Vec<i64>,
    pub service_code: Option<String>,
    pub start: u64,
    pub end: Option<u64>,
    pub limit: u32,
    pub offset: u32,
}

/// The schema.
static MIGRATIONS: Migrator = sqlx::migrate!("migrations/desk");

/// What a backup takes, and what is done when it comes back: numbers that were given since are not given again.
pub static PLAN: Plan = Plan {
    migrations: &MIGRATIONS,
    tables: &[Table::all("first_id"), Table::all("request"), Table::all("request_update")],
    restored: leave_a_gap,
};

/// More rows than any desk gets between two backups.
const GAP: i64 = 1_000_000;

fn leave_a_gap(tx: &mut AnyConnection, _: u64) -> Work<'_, ()> {
    Box::pin(async move {
        let above = "UPDATE first_id SET id = $1 + (SELECT MAX(id) FROM (SELECT id FROM first_id UNION ALL \
                     SELECT id FROM request UNION ALL SELECT id FROM request_update) AS every)";
        let done = sqlx::query(above).bind(GAP).execute(tx).await?;
        expect_rows("first_id", done.rows_affected(), 1)
    })
}

/// The desk's store.
#[derive(Clone)]
pub struct Store(Db);

/// The status of an update that says something and sets none.
const UNCHANGED: &str = "unchanged";

const COLUMNS: &str = "id, service_code, description, address, lat, lon, attributes, status, status_notes, \
                       requested_at, updated_at, due_at";

impl Store {
    pub async fn open(dir: &Path) -> Result<Self, DbError> {
        Ok(Self(Db::open(&dir.join("store.sqlite"), &MIGRATIONS).await?))
    }

    /// The database.
    pub const fn db(&self) -> &Db {
        &self.0
    }

    /// Adds a request, with a first update if there is something to say about it; two equal ones are two requests, as with
    /// every GeoReport server.
    pub async fn add_request(&self, new: NewRequest, note: Option<String>, at: u64) -> Result<i64, DbError> {
        let attributes = serde_json::to_string(&new.attributes).map_err(|_| DbError::Malformed("attributes"))?;
        self.0
            .write(move |tx| {
                Box::pin(async move {
                    let row = sqlx::query(
                        "INSERT INTO request (id, service_code, description, address, lat, lon, attributes, status, \
                         status_notes, requested_at, updated_at, due_at) \
                         SELECT MAX(n), $1, $2, $3, $4, $5, $6, 'open', '', $7, $7, $8 FROM (SELECT id AS n FROM first_id \
                         UNION ALL SELECT id + 1 FROM request) AS next RETURNING id",
                    )
                    .bind(new.service_code)
                    .bind(new.description)
                    .bind(new.address)
                    .bind(new.lat)
                    .bind(new.lon)
                    .bind(attributes)
                    .bind(stored(new.requested_at))
                    .bind(stored(new.due_at.unwrap_or(0)))
                    .fetch_one(&mut *tx)
                    .await?;
                    let id = row.try_get(0)?;
                    if let Some(note) = note {
                        insert_update(tx, id, UNCHANGED.to_owned(), note, at).await?;
                    }
                    Ok(id)
                })
            })
            .await
    }

    /// The requests that a filter names.
    pub async fn requests(&self, filter: Filter) -> Result<Vec<Request>, DbError> {
        self.0
            .read(move |c| {
                Box::pin(async move {
                    if !filter.ids.is_empty() {
                        let mut found = Vec::new();
                        for id in &filter.ids {
                            found.extend(request(c, *id).await?);
                        }
                        return Ok(found);
                    }
                    let rows = sqlx::query(sqlx::AssertSqlSafe(format!(
                        "SELECT {COLUMNS} FROM request WHERE ($1 = '' OR service_code = $1) AND requested_at >= $2 \
                         AND requested_at <= $3 ORDER BY requested_at DESC, id DESC LIMIT $4 OFFSET $5"
                    )))
                    .bind(filter.service_code.unwrap_or_default())
                    .bind(stored(filter.start))
                    .bind(filter.end.map_or(i64::MAX, stored))
                    .bind(i64::from(filter.limit))
                    .bind(i64::from(filter.offset))
                    .fetch_all(c)
                    .await?;
                    rows.iter().map(read_request).collect()
                })
            })
            .await
    }

    /// Adds an update and makes its change; `None` when there is no such request.
    pub async fn add_update(
        &self,
        request_id: i64,
        status: String,
        description: String,
        change: Option<Change>,
        at: u64,
    ) -> Result<Option<i64>, DbError> {
        self.0
            .write(move |tx| {
                Box::pin(async move {
                    if request(tx, request_id).await?.is_none() {
                        return Ok(None);
                    }
                    if let Some(change) = change {
                        let done = sqlx::query(
                            "UPDATE request SET status = $1, status_notes = $2, due_at = $3, updated_at = $4 \
                             WHERE id = $5",
                        )
                        .bind(change.status)
                        .bind(description.clone())
                        .bind(stored(change.due_at.unwrap_or(0)))
                        .bind(stored(at))
                        .bind(request_id)
                        .execute(&mut *tx)
                        .await?;
                        expect_rows("request", done.rows_affected(), 1)?;
                    }
                    Ok(Some(insert_update(tx, request_id, status, description, at).await?))
                })
            })
            .await
    }

    /// The updates of a time span, oldest first.
    pub async fn updates(&self, start: u64, end: Option<u64>) -> Result<Vec<Update>, DbError> {
        self.0
            .read(move |c| {
                Box::pin(async move {
                    let rows = sqlx::query(
                        "SELECT id, request_id, status, description, updated_at FROM request_update \
                         WHERE updated_at >= $1 AND updated_at <= $2 ORDER BY updated_at, id",
                    )
                    .bind(stored(start))
                    .bind(end.map_or(i64::MAX, stored))
                    .fetch_all(c)
                    .await?;
                    rows.iter()
                        .map(|row| {
                            Ok(Update {
                                id: row.try_get(0)?,
                                request_id: row.try_get(1)?,
                                status: row.try_get(2)?,
                                description: row.try_get(3)?,
                                updated_at: unsigned("request", row.try_get(4)?)?,
                            })
                        })
                        .collect()
                })
            })
            .await
    }
}

async fn insert_update(
    tx: &mut AnyConnection,
    request_id: i64,
    status: String,
    description: String,
    at: u64,
) -> Result<i64, DbError> {
    let row = sqlx::query(
        "INSERT INTO request_update (id, request_id, status, description, updated_at) SELECT MAX(n), $1, $2, $3, $4 \
         FROM (SELECT id AS n FROM first_id UNION ALL SELECT id + 1 FROM request_update) AS next RETURNING id",
    )
    .bind(request_id)
    .bind(status)
    .bind(description)
    .bind(stored(at))
    .fetch_one(tx)
    .await?;
    Ok(row.try_get(0)?)
}

async fn request(c: &mut AnyConnection, id: i64) -> Result<Option<Request>, DbError> {
    let sql = sqlx::AssertSqlSafe(format!("SELECT {COLUMNS} FROM request WHERE id = $1"));
    sqlx::query(sql).bind(id).fetch_optional(c).await?.as_ref().map(read_request).transpose()
}

fn read_request(row: &AnyRow) -> Result<Request, DbError> {
    let attributes: String = row.try_get(6)?;
    let due_at = unsigned("request", row.try_get(11)?)?;
    let new = NewRequest {
        service_code: row.try_get(1)?,
        description: row.try_get(2)?,
        address: row.try_get(3)?,
        lat: row.try_get(4)?,
        lon: row.try_get(5)?,
        attributes: serde_json::from_str(&attributes).map_err(|_| DbError::Malformed("attributes"))?,
        requested_at: unsigned("request", row.try_get(9)?)?,
        due_at: (due_at > 0).then_some(due_at),
    };
    Ok(Request {
        id: row.try_get(0)?,
        new,
        status: row.try_get(7)?,
        status_notes: row.try_get(8)?,
        updated_at: unsigned("request", row.try_get(10)?)?,
    })
}
