//! How old a head of the governance log may be for what is done on its strength: one rule for everybody who reads it.
//!
//! ```text
//! age = the reader's clock - the head's witnessed time, and 0 for a head from ahead of that clock
//!
//! age <= freshness_s     everything
//! age <= 14 days         a report without an identity, and its reader is warned
//! older                  nothing
//! ```
//! What a log keeps back can't be seen, only how long it has shown nothing newer. That takes the reader's own clock: a log
//! that stands still has no later time. A clock that is behind takes an old head for a fresh one, one that is ahead refuses
//! a fresh one. From when delays and deadlines run is no question of it: see [`super::witnessed`].

use super::Trust;
use crate::error::{Code, Result, need};

/// The oldest head by which a report without an identity is sent, in seconds: 14 days. An outage of the outside body must
/// not silence people.
pub const REPORT_S: u64 = 14 * 86_400;

/// What is about to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// An identity is sealed, an official or an auditor signs, the warden releases.
    Binding,
    /// A report without an identity is sent, or the log is only looked at.
    Report,
}

/// Age of a head at that time, in seconds.
#[must_use]
pub const fn age(witnessed: u64, now: u64) -> u64 {
    now.saturating_sub(witnessed)
}

/// Whether a head that was witnessed at this time is fresh enough, `now` being the reader's clock, both in Unix seconds. The
/// limit is that of the newest version of the trust root: an old log can't bring back an old limit. Error: `stale`.
pub fn check(trust: &Trust, purpose: Purpose, witnessed: u64, now: u64) -> Result<()> {
    let binding = trust.root().freshness_s;
    let limit = match purpose {
        Purpose::Binding => binding,
        Purpose::Report => binding.max(REPORT_S),
    };
    need(age(witnessed, now) <= limit, Code::Stale)
}
