//! Keys with an end: which one counts, since when, until when, and whether its successor is there.

use tabir_crypto::statement::body::KeyKind;
use tabir_crypto::trust::{State, Trust};

use super::span;
use crate::config::Config;
use crate::config::check::{Finding, Level};
use crate::ledger::View;

/// A successor that is not in the log this long before the end comes late: its delay alone is three days in a town.
const AHEAD_S: u64 = 5 * 86_400;

/// The roles that have such keys, and their kinds.
const KINDS: [(&str, KeyKind); 3] =
    [("issuer", KeyKind::Token), ("forwarder", KeyKind::Intake), ("warden", KeyKind::Warden)];

/// Keys of the roles that run here; a gateway takes reports only if all are there.
pub fn look(config: &Config, trust: &Trust, view: &View, now: u64) -> Vec<Finding> {
    let gateway = config.roles.gateway.is_some();
    let here = |role: &str| gateway || config.roles.folders().any(|(name, _)| name == role);
    let mut found: Vec<_> = KINDS
        .into_iter()
        .filter(|(role, _)| here(role))
        .map(|(role, kind)| key(&view.state, trust, role, kind, now))
        .collect();
    if gateway || config.roles.council.is_some() {
        found.push(match view.state.active_council(trust, now) {
            Ok(council) => {
                let c = &council.council;
                Finding::ok("keys", "council", format!("{} of {} officials open", c.t(), c.n()))
            }
            Err(_) => {
                let todo = "The officials make it: docs/ceremonies.md. It counts after the trust root's delay.";
                Finding::new(Level::Warning, "keys", "council", "there is none that counts now", todo)
            }
        });
        if view.state.policy().is_none() {
            let todo = "tabir policy propose policy.json; an auditor signs it.";
            found.push(Finding::new(Level::Warning, "keys", "policy", "there is none, so no report is taken", todo));
        }
    }
    found
}

fn key(state: &State, trust: &Trust, role: &str, kind: KeyKind, now: u64) -> Finding {
    let place = format!("{role}'s {} key", name(kind));
    let Ok(current) = state.active_key(trust, kind, now) else {
        return none(state, trust, role, kind, now, place);
    };
    let (begun, end) = (current.body.not_before.0, current.body.not_after.0);
    let left = end.saturating_sub(now);
    let successor = state.keys().any(|k| k.body.kind == kind && k.body.not_before.0 > begun && k.retired.is_none());
    let mut found = format!("{} old, ends in {}", span(now.saturating_sub(begun)), span(left));
    found.push_str(if successor { "; the next one is in the log" } else { "" });
    if successor || left > AHEAD_S || trust.root().demo {
        return Finding::ok("keys", place, found);
    }
    let level = if left < AHEAD_S / 2 { Level::Error } else { Level::Warning };
    Finding::new(level, "keys", place, format!("{found}; the next one is not in the log"), cure(role))
}

fn none(state: &State, trust: &Trust, role: &str, kind: KeyKind, now: u64, place: String) -> Finding {
    let from = state.keys().filter(|k| k.body.kind == kind && k.retired.is_none());
    let from =
        from.filter_map(|k| Some(state.key_counts_from(trust, k)?.max(k.body.not_before.0))).filter(|f| *f > now);
    match from.min() {
        Some(from) => {
            let found = format!("in the log, counts in {}", span(from - now));
            Finding::new(
                Level::Warning,
                "keys",
                place,
                found,
                "Wait; this is the time in which a false key would be noticed.",
            )
        }
        None => Finding::new(Level::Warning, "keys", place, "none counts now", cure(role)),
    }
}

fn cure(role: &str) -> &'static str {
    match role {
        "warden" => {
            "The warden proposes it; the auditors' quorum signs it: tabir sign --waiting --board URL --key auditor.key"
        }
        _ => "The role announces it by itself: is it running, and does it reach the log?",
    }
}

const fn name(kind: KeyKind) -> &'static str {
    match kind {
        KeyKind::Token => "token",
        KeyKind::Intake => "intake",
        KeyKind::Warden => "outer",
    }
}
