//! What was answered, held back until the window closes.
//!
//! A counter that is read each 15 seconds, and kept for years by a monitoring system, says in which 15 seconds somebody
//! reported; beside the record of a company's or a city's network that is a name. So what depends on people moves once a
//! window, at its close: that is when the public log tells everybody how many reports there were, and this tells no more
//! of the moment than that.

use std::collections::BTreeMap;
use std::time::Duration;

/// Upper bounds of the times of answers, in milliseconds; the last is open.
pub const BOUNDS_MS: [u64; 5] = [10, 50, 250, 1_000, 5_000];

/// What one number counts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Answers {
    /// `public` or `internal`.
    pub listener: &'static str,
    /// The route's pattern, without what callers put into it.
    pub route: String,
    /// HTTP status.
    pub status: u16,
}

/// Times of a listener's answers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Times {
    /// By [`BOUNDS_MS`], not summed up.
    pub within: [u64; BOUNDS_MS.len() + 1],
    /// All together.
    pub total_ms: u64,
}

#[derive(Clone, Debug, Default)]
struct Sums {
    answers: BTreeMap<Answers, u64>,
    times: BTreeMap<&'static str, Times>,
}

/// What is shown, and what is held back.
#[derive(Default)]
pub struct Counts {
    window: (u64, u64),
    held: Sums,
    shown: Sums,
}

impl Counts {
    /// Shows what was held back if this is another window than the last time: its number and its length. A number where
    /// none was known, and another length, close none.
    pub fn roll(&mut self, window: (u64, u64)) {
        let before = std::mem::replace(&mut self.window, window);
        if before.0 == 0 || before.0 == window.0 || before.1 != window.1 {
            return;
        }
        let held = std::mem::take(&mut self.held);
        for (answers, count) in held.answers {
            *self.shown.answers.entry(answers).or_default() += count;
        }
        for (listener, times) in held.times {
            let shown = self.shown.times.entry(listener).or_default();
            shown.within.iter_mut().zip(times.within).for_each(|(shown, held)| *shown += held);
            shown.total_ms += times.total_ms;
        }
    }

    /// Counts an answer.
    pub fn add(&mut self, listener: &'static str, route: String, status: u16, took: Duration) {
        *self.held.answers.entry(Answers { listener, route, status }).or_default() += 1;
        let times = self.held.times.entry(listener).or_default();
        let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        let place = BOUNDS_MS.iter().position(|bound| took_ms <= *bound).unwrap_or(BOUNDS_MS.len());
        if let Some(count) = times.within.get_mut(place) {
            *count += 1;
        }
        times.total_ms = times.total_ms.saturating_add(took_ms);
    }

    /// What is shown.
    pub const fn answers(&self) -> &BTreeMap<Answers, u64> {
        &self.shown.answers
    }

    /// What is shown.
    pub const fn times(&self) -> &BTreeMap<&'static str, Times> {
        &self.shown.times
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_do_is_shown_when_the_window_closes_and_not_before() {
        let mut counts = Counts::default();
        counts.roll((0, 86_400));
        counts.add("public", "/v1/reports".into(), 201, Duration::from_millis(3));
        for still_open in [(0, 100), (7, 100), (7, 100), (8, 50), (8, 100)] {
            counts.roll(still_open);
            assert!(counts.answers().is_empty() && counts.times().is_empty(), "not while the window is open");
        }
        counts.roll((9, 100));
        let one = Answers { listener: "public", route: "/v1/reports".into(), status: 201 };
        assert_eq!(counts.answers().get(&one), Some(&1));
        assert_eq!(counts.times()["public"], Times { within: [1, 0, 0, 0, 0, 0], total_ms: 3 });
        counts.add("public", "/v1/reports".into(), 201, Duration::from_secs(9));
        assert_eq!(counts.answers().get(&one), Some(&1));
        counts.roll((10, 100));
        assert_eq!(counts.answers().get(&one), Some(&2));
        assert_eq!(counts.times()["public"], Times { within: [1, 0, 0, 0, 0, 1], total_ms: 9_003 });
    }
}
