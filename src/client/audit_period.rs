//! The days that an auditor asks about: whole days of UTC, both ends included, by witnessed time.

use std::str::FromStr;

use serde::Serialize;
use tabir_crypto::statement::value::Second;

/// A day.
const DAY_S: u64 = 86_400;

/// A day of UTC, written `2026-11-29`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Day(u64);

impl FromStr for Day {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Second::parse(&format!("{text}T00:00:00Z")).map(|at| Self(at.0)).map_err(|_| "a day is written 2026-11-29")
    }
}

impl std::fmt::Display for Day {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = Second(self.0).to_string();
        f.write_str(text.split('T').next().unwrap_or_default())
    }
}

impl Serialize for Day {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

/// From one day to another; open where there is none.
#[derive(Clone, Copy, Debug, Default, Serialize, clap::Args)]
pub struct Period {
    /// First day (UTC, by witnessed time), such as 2026-01-01
    #[arg(long, value_name = "DAY")]
    pub from: Option<Day>,
    /// Last day, included
    #[arg(long, value_name = "DAY")]
    pub to: Option<Day>,
}

impl Period {
    /// Whether a time lies in it.
    #[must_use]
    pub fn holds(&self, unix: u64) -> bool {
        self.from.is_none_or(|day| day.0 <= unix) && self.to.is_none_or(|day| unix < day.0.saturating_add(DAY_S))
    }

    /// Whether it ends before it begins.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.from.zip(self.to).is_some_and(|(from, to)| from.0 > to.0)
    }
}

#[cfg(test)]
mod tests {
    use super::{DAY_S, Day, Period};

    #[test]
    fn both_days_are_included_and_other_forms_of_a_day_are_refused() {
        let day: Day = "2027-01-15".parse().unwrap();
        let period = Period { from: Some(day), to: Some(day) };
        assert!(period.holds(day.0) && period.holds(day.0 + DAY_S - 1));
        assert!(!period.holds(day.0 - 1) && !period.holds(day.0 + DAY_S));
        assert_eq!(day.to_string(), "2027-01-15");
        assert!(Period::default().holds(0) && Period::default().holds(u64::MAX));
        for bad in ["", "2027-1-15", "2027-02-30", "15.01.2027", "2027-01-15T00:00:00Z", "2027-01-15 ", "-2027-01-15"] {
            assert!(bad.parse::<Day>().is_err(), "{bad}");
        }
    }
}
