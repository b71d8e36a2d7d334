//! What waits in a role's store, read from outside while the role runs: counts and ages, never a row.

use std::path::Path;

use sqlx::{AnyConnection, Connection as _, Row as _};

use super::{DbError, unsigned};

/// A queue as it stands.
pub struct Queue {
    /// What waits.
    pub what: &'static str,
    /// How many.
    pub count: u64,
    /// Since when the oldest waits, Unix seconds (a day's start where the store keeps no more); `None` if nothing waits or
    /// nothing of its time is kept.
    pub oldest: Option<u64>,
    /// Whether any entry at all wants a person.
    pub always_odd: bool,
    /// What to do when it does not move.
    pub todo: &'static str,
}

/// One queue of a role: its name, SQL that gives count and oldest, whether any entry wants a person, what to do.
type Known = (&'static str, &'static str, &'static str, bool, &'static str);

const LOG: &str = "Does this host reach the log's internal address? The connections above say so.";
const QUEUES: [Known; 9] = [
    ("issuer", "entries that the log has not taken", ENTRIES, false, LOG),
    ("gateway", "entries that the log has not taken", ENTRIES, false, LOG),
    ("council", "entries that the log has not taken", ENTRIES, false, LOG),
    ("forwarder", "entries that the log has not taken", ENTRIES, false, LOG),
    ("warden", "entries that the log has not taken", ENTRIES, false, LOG),
    (
        "gateway",
        "reports and answers that the forwarder has not fetched",
        // Reports keep no time of their own; a window that has closed does.
        "SELECT COUNT(*), MIN(CASE WHEN w.closed = 1 THEN w.closes END) FROM outbox o \
         LEFT JOIN cases c ON c.case_id = o.case_id LEFT JOIN windows w ON w.w = c.w",
        false,
        "Is the forwarder running, and does it reach the gateway's internal address?",
    ),
    (
        "forwarder",
        "reports that were fetched and not looked at",
        "SELECT COUNT(*), NULL FROM inbox",
        false,
        "Is the forwarder running?",
    ),
    (
        "forwarder",
        "what the complaint system has not taken",
        "SELECT COUNT(*), MIN(day) FROM delivery WHERE state <> 'sent'",
        false,
        "Is the complaint system up? `tabir held list` shows what it refuses; nothing is given up.",
    ),
    ("forwarder", "things held for a person", "SELECT COUNT(*), NULL FROM held", true, "tabir held list shows them."),
];

const ENTRIES: &str = "SELECT COUNT(*), NULL FROM log_outbox WHERE idx IS NULL";

/// The queues of a role. A role that has never run has none. Errors: those of the store.
pub async fn look(role: &str, dir: &Path) -> Result<Vec<Queue>, DbError> {
    let file = dir.join("store.sqlite");
    let known: Vec<_> = QUEUES.iter().filter(|q| q.0 == role).collect();
    if known.is_empty() || !file.exists() {
        return Ok(Vec::new());
    }
    sqlx::any::install_default_drivers();
    let mut connection = AnyConnection::connect(&format!("sqlite://{}?mode=ro", file.display())).await?;
    let mut queues = Vec::new();
    for &(_, what, sql, always_odd, todo) in known {
        let row = sqlx::query(sql).fetch_one(&mut connection).await?;
        let count = unsigned("a count", row.try_get(0)?)?;
        let oldest = row.try_get::<Option<i64>, _>(1)?.map(|at| unsigned("a time", at)).transpose()?;
        queues.push(Queue { what, count, oldest, always_odd, todo });
    }
    connection.close().await?;
    Ok(queues)
}
