//! The times of a window: when it closes, its D and further D, and from when the log is judged by each.

use crate::statement::body::ReportAccepted;

/// The longest time between a D and the moment at which the log is judged by it: what is said at D takes until the next
/// witnessed checkpoint to be seen.
pub const GRACE_MAX_S: u64 = 3600;
/// Further D after which what is still pending is late.
pub const LATE_ROUNDS: u64 = 2;

/// Unix seconds of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadlines {
    /// Its reports were accepted from here on …
    pub opens: u64,
    /// … until before this.
    pub closes: u64,
    /// D: by then each of them is spoken of.
    pub deadline: u64,
}

impl From<&ReportAccepted> for Deadlines {
    fn from(body: &ReportAccepted) -> Self {
        Self { opens: body.opens.0, closes: body.closes.0, deadline: body.deadline.0 }
    }
}

impl Deadlines {
    /// Between two D, and from the close to the first; a second at least.
    #[must_use]
    pub const fn period(&self) -> u64 {
        match self.deadline.saturating_sub(self.closes) {
            0 => 1,
            period => period,
        }
    }

    /// From when the log is judged by what must stand in it at the D of this round.
    #[must_use]
    pub fn judged_from(&self, round: u64) -> u64 {
        let at = self.deadline.saturating_add(self.period().saturating_mul(round));
        at.saturating_add(grace(self.period()))
    }

    /// The last round by which the log is judged at that time; `None` before the first.
    #[must_use]
    pub fn round_due(&self, now: u64) -> Option<u64> {
        now.checked_sub(self.judged_from(0)).map(|late| late / self.period())
    }
}

/// Between a D and its judgement: half a period, an hour at most.
pub(super) fn grace(period: u64) -> u64 {
    (period / 2).min(GRACE_MAX_S)
}
