//! What waits in the stores, and since when.

use super::span;
use crate::config::Config;
use crate::config::check::{Finding, Level};
use crate::db::queue::{self, Queue};

/// A town's batched reports leave once a day, and only their day is kept: what is older did not leave when it should have.
const LATE_S: u64 = 2 * 86_400;
/// A day before a town's deadline, after which the audit says late.
const TOO_LATE_S: u64 = 4 * 86_400;

/// Every queue of the roles that run here.
pub async fn look(config: &Config, now: u64) -> Vec<Finding> {
    let mut found = Vec::new();
    for (role, dir) in config.roles.folders() {
        match queue::look(role, dir).await {
            Ok(queues) => found.extend(queues.iter().map(|q| told(role, q, now))),
            Err(error) => {
                let todo = "Run this as the user of the role. If the store is damaged, stop the role and keep the file as it is.";
                found.push(Finding::new(Level::Error, "queue", role, error.to_string(), todo));
            }
        }
    }
    found
}

fn told(role: &str, queue: &Queue, now: u64) -> Finding {
    let place = format!("{role}: {}", queue.what);
    let oldest = queue.oldest.map(|at| now.saturating_sub(at));
    let since = oldest.map(|s| format!(", the oldest since {}", span(s))).unwrap_or_default();
    let found = format!("{}{since}", queue.count);
    match oldest {
        Some(s) if s > TOO_LATE_S => Finding::new(Level::Error, "queue", place, found, queue.todo),
        Some(s) if s > LATE_S => Finding::new(Level::Warning, "queue", place, found, queue.todo),
        None if queue.count > 0 && queue.always_odd => Finding::new(Level::Warning, "queue", place, found, queue.todo),
        _ => Finding::ok("queue", place, found),
    }
}
