//! The gateway's SQL. Each function does one step inside a caller's transaction; the services put them together, so
//! that what belongs together commits together.

pub mod backup;
pub mod cases;
pub mod envelopes;
pub mod mailbox;
pub mod outbox;
pub mod spent;
pub mod windows;

use sqlx::any::AnyRow;
use sqlx::migrate::Migrator;
use sqlx::{ColumnIndex, Row as _};
use tabir_crypto::B32;

use crate::db::{DbError, fixed};

/// The schema.
pub static MIGRATIONS: Migrator = sqlx::migrate!("migrations/gateway");

/// What a stored value that nobody here wrote is reported as.
const ROW: &str = "gateway row";

fn hash<I: ColumnIndex<AnyRow>>(row: &AnyRow, at: I) -> Result<B32, DbError> {
    fixed(ROW, &row.try_get::<Vec<u8>, _>(at)?)
}

fn number<I: ColumnIndex<AnyRow>>(row: &AnyRow, at: I) -> Result<u64, DbError> {
    u64::try_from(row.try_get::<i64, _>(at)?).map_err(|_| DbError::Malformed(ROW))
}

fn flag<I: ColumnIndex<AnyRow>>(row: &AnyRow, at: I) -> Result<bool, DbError> {
    Ok(row.try_get::<i64, _>(at)? != 0)
}

/// Times, counters and ids are far below 2^63; what is not was never ours.
fn int(n: u64) -> Result<i64, DbError> {
    i64::try_from(n).map_err(|_| DbError::Malformed("a number"))
}
