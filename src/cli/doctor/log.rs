//! The governance log as this process should see it, and what its signed times say of this machine's clock.

use std::collections::BTreeMap;
use std::sync::Arc;

use tabir_crypto::trust::Trust;
use tabir_crypto::trust::root::LogName;

use super::span;
use crate::cli::connect::load_trust;
use crate::client::log_source::ReadError;
use crate::clock::Clock;
use crate::config::Config;
use crate::config::check::{Finding, Level};
use crate::http::Client;
use crate::ledger::{self, View};

/// Beyond this something is wrong with a clock; the network and whole seconds explain less.
const OFF_S: u64 = 30;
/// Beyond this other roles refuse our calls (they take five minutes, `http::call`).
const REFUSED_S: u64 = 240;
/// Witnesses cosign every few seconds; one that polls, within a minute.
const SILENT_S: u64 = 15 * 60;

/// What was read.
pub struct Log {
    pub read: Option<(Arc<Trust>, View)>,
    pub findings: Vec<Finding>,
}

/// Reads the log from entry 0, with every check that the roles make. `clocks` says by how much each peer is ahead.
pub async fn look(config: &Config, clock: &Clock, clocks: &BTreeMap<String, i64>) -> Log {
    let mut findings = Vec::new();
    // Without a trust root that was told already.
    let Ok(trust) = load_trust(&config.trust).map(Arc::new) else { return Log { read: None, findings } };
    let place = format!("governance log {}", config.peers.log);
    let view = match advance(config, &trust, clock).await {
        Ok(view) => Some(view),
        Err(why) => {
            let todo = "Is the log up? If it is: does this process have the same trust.json as the others? An error of \
                        consistency is for the auditors: docs/lost-log.md.";
            findings.push(Finding::new(Level::Error, "log", place.clone(), why, todo));
            None
        }
    };
    findings.extend(peers(clocks));
    if let Some(view) = &view {
        let words = format!("{} entries, all checked", view.head.size);
        findings.push(Finding::ok("log", place, words));
        findings.extend(witnessed(view.witnessed, clock.now(), clocks));
    }
    Log { read: view.map(|view| (trust, view)), findings }
}

async fn advance(config: &Config, trust: &Trust, clock: &Clock) -> Result<View, String> {
    let reader = ledger::reader(trust, LogName::Governance, Client::new(clock.clone()), &config.peers.log);
    let reader = reader.map_err(|e| e.to_string())?;
    let mut view = View::default();
    view.advance(trust, &reader).await.map_err(|e: ReadError| e.to_string())?;
    Ok(view)
}

/// This machine against the machines that it calls.
fn peers(clocks: &BTreeMap<String, i64>) -> Vec<Finding> {
    let one = |(base, ahead): (&String, &i64)| {
        let (off, way) = (ahead.unsigned_abs(), if *ahead > 0 { "ahead of" } else { "behind" });
        let found = format!("{} {way} this machine", span(off));
        let todo =
            "Set both clocks by NTP (timedatectl set-ntp true). Calls between roles are refused beyond five minutes.";
        match off {
            o if o > REFUSED_S => Finding::new(Level::Error, "clock", base, found, todo),
            o if o > OFF_S => Finding::new(Level::Warning, "clock", base, found, todo),
            _ => Finding::ok("clock", base, "within a few seconds of this machine"),
        }
    };
    clocks.iter().map(one).collect()
}

/// This machine against the times that witnesses signed.
fn witnessed(witnessed: u64, now: u64, clocks: &BTreeMap<String, i64>) -> Option<Finding> {
    let place = "witnesses' signed time";
    if witnessed > now + OFF_S {
        let found = format!("{} ahead of this machine", span(witnessed - now));
        let todo = "This machine's clock is behind: set it by NTP (timedatectl set-ntp true).";
        return Some(Finding::new(Level::Error, "clock", place, found, todo));
    }
    let age = now.saturating_sub(witnessed);
    if age > SILENT_S {
        let agree = clocks.values().any(|ahead| ahead.unsigned_abs() <= OFF_S);
        let found = format!("the newest is {} old", span(age));
        let todo = if agree {
            "The peers' clocks agree with this one, so the witnesses are silent: is the outside body's machine up and online?"
        } else {
            "The witnesses are silent, or this machine's clock is ahead: compare it with another clock."
        };
        return Some(Finding::new(Level::Warning, "clock", place, found, todo));
    }
    Some(Finding::ok("clock", place, format!("{} old", span(age))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level(found: Option<Finding>) -> Level {
        found.unwrap().level
    }

    #[test]
    fn a_clock_that_is_off_is_told_from_witnesses_that_are_silent() {
        let now = 2_000_000_000;
        let alike = BTreeMap::from([("https://a".to_owned(), 1)]);
        let behind = BTreeMap::from([("https://a".to_owned(), -7_200)]);
        assert_eq!(level(witnessed(now - 10, now, &alike)), Level::Ok);
        assert_eq!(level(witnessed(now + 5, now, &alike)), Level::Ok, "whole seconds and the way");
        let slow = witnessed(now + 60, now, &alike).unwrap();
        assert!(slow.level == Level::Error && slow.todo.contains("behind"));
        let silent = witnessed(now - 7_200, now, &alike).unwrap();
        assert!(silent.level == Level::Warning && silent.todo.contains("outside body"));
        let fast = witnessed(now - 7_200, now, &behind).unwrap();
        assert!(fast.todo.contains("ahead"));
        let levels: Vec<_> = [0, 31, -31, 241, -241]
            .map(|ahead| peers(&BTreeMap::from([("https://a".to_owned(), ahead)]))[0].level)
            .into();
        assert_eq!(levels, [Level::Ok, Level::Warning, Level::Warning, Level::Error, Level::Error]);
    }
}
