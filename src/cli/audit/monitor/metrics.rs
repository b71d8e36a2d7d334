//! The monitor's numbers in Prometheus' text format (version 0.0.4). Written by hand: a dozen numbers and two labels with
//! fixed values need no registry and no further dependency. No label says who, which case, which request.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};

use tabir_crypto::trust::root::LogName;

use crate::client::audit_monitor::Round;
use crate::client::audit_monitor::alarm::{Alarm, KINDS};

/// What was counted so far.
#[derive(Default)]
pub struct Numbers(Mutex<Counted>);

#[derive(Clone, Default)]
struct Counted {
    rounds: u64,
    failed_rounds: u64,
    last_round: u64,
    failed_checks: u64,
    alarms: BTreeMap<&'static str, u64>,
    standing: u64,
    unreachable: u64,
    heads: [Option<(u64, u64)>; 2],
}

impl Numbers {
    fn change(&self, change: impl FnOnce(&mut Counted)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// A round that came to its end.
    pub fn round(&self, round: &Round, new: &[&Alarm], now: u64) {
        self.change(|c| {
            c.rounds += 1;
            (c.last_round, c.failed_checks, c.heads) = (now, round.failed, round.heads);
            c.unreachable = round.unreachable.len().try_into().unwrap_or(u64::MAX);
            c.standing = round.alarms.iter().filter(|a| !a.is_news()).map(|_| 1).sum();
            new.iter().for_each(|alarm| *c.alarms.entry(alarm.kind()).or_default() += 1);
        });
    }

    /// One that did not.
    pub fn failed_round(&self) {
        self.change(|c| c.failed_rounds += 1);
    }

    /// All of it as text.
    pub fn text(&self) -> String {
        let mut counted = Counted::default();
        self.change(|c| counted = c.clone());
        let c = &counted;
        let mut text = String::new();
        let mut one = |name: &str, kind: &str, help: &str, lines: &[(String, u64)]| {
            // Writing into a string does not fail.
            let _ = writeln!(text, "# HELP tabir_monitor_{name} {help}\n# TYPE tabir_monitor_{name} {kind}");
            for (label, value) in lines {
                let _ = writeln!(text, "tabir_monitor_{name}{label} {value}");
            }
        };
        let plain = |value| vec![(String::new(), value)];
        let of_log = |pick: fn((u64, u64)) -> u64| {
            let logs = LogName::ALL.into_iter().zip(c.heads);
            logs.filter_map(|(log, head)| Some((format!("{{log=\"{}\"}}", log.as_str()), pick(head?))))
                .collect::<Vec<_>>()
        };
        let kinds = KINDS.map(|kind| (format!("{{kind=\"{kind}\"}}"), c.alarms.get(kind).copied().unwrap_or(0)));
        one("rounds_total", "counter", "Rounds that came to their end.", &plain(c.rounds));
        one("failed_rounds_total", "counter", "Rounds that did not.", &plain(c.failed_rounds));
        one("last_round_timestamp_seconds", "gauge", "End of the last round: the heartbeat.", &plain(c.last_round));
        one("unreachable_logs", "gauge", "Logs that the last round could not reach.", &plain(c.unreachable));
        one("failed_checks", "gauge", "Checks of the audit that fail.", &plain(c.failed_checks));
        one("standing_alarms", "gauge", "Alarms that last.", &plain(c.standing));
        one("alarms_total", "counter", "Alarms told since the start, by kind.", &kinds);
        one("log_entries", "gauge", "Entries of the copy.", &of_log(|(size, _)| size));
        let witnessed = of_log(|(_, witnessed)| witnessed);
        one("log_witnessed_timestamp_seconds", "gauge", "When a quorum of witnesses last saw the log.", &witnessed);
        text
    }
}
