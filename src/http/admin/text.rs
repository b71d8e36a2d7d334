//! The numbers in Prometheus' text format (version 0.0.4). Labels have fixed values: roles, routes' patterns, statuses.

use std::fmt::Write as _;
use std::sync::atomic::Ordering;

use super::Admin;
use super::counts::BOUNDS_MS;

/// All of it.
pub async fn text(admin: &Admin) -> String {
    let mut out = String::new();
    let (view, window) = (admin.facts().ledger.view(), admin.window());
    let flag = u64::from;
    number(&mut out, "info", "gauge", "What runs.", &[(format!("{{version=\"{}\"}}", env!("CARGO_PKG_VERSION")), 1)]);
    let checks = admin.checks().await;
    let checks: Vec<_> = checks
        .iter()
        .map(|(c, is)| (format!("{{role=\"{}\",what=\"{}\",vital=\"{}\"}}", c.role, c.what, c.vital), flag(*is)))
        .collect();
    number(&mut out, "check", "gauge", "1 if it is so: see /readyz.", &checks);
    let one = |value| [(String::new(), value)];
    let ending = admin.ending.load(Ordering::Relaxed);
    number(&mut out, "ending", "gauge", "1 once the process was asked to end.", &one(flag(ending)));
    let reloaded = admin.reloaded.load(Ordering::Relaxed);
    number(&mut out, "reloaded", "gauge", "0 if the last reload was refused.", &one(flag(reloaded)));
    let (entries, seen) = ("Entries of the governance log that were read.", "When witnesses last saw them.");
    number(&mut out, "governance_entries", "gauge", entries, &one(view.head.size));
    number(&mut out, "governance_witnessed_timestamp_seconds", "gauge", seen, &one(view.witnessed));
    let length = "Length of a window: what follows moves once a window, at its close.";
    number(&mut out, "window_seconds", "gauge", length, &one(window.1));
    admin.counts(|counts| {
        let answers: Vec<_> = counts
            .answers()
            .iter()
            .map(|(a, count)| {
                let (listener, route, status) = (a.listener, &a.route, a.status);
                (format!("{{listener=\"{listener}\",route=\"{route}\",status=\"{status}\"}}"), *count)
            })
            .collect();
        number(&mut out, "answers_total", "counter", "Answers of all windows that are closed.", &answers);
        let name = "answer_seconds";
        let _ = writeln!(out, "# HELP tabir_{name} Their times.\n# TYPE tabir_{name} histogram");
        for (listener, times) in counts.times() {
            let mut sum = 0;
            let bounds = BOUNDS_MS.iter().map(|ms| seconds(*ms)).chain(["+Inf".to_owned()]);
            for (count, bound) in times.within.iter().zip(bounds) {
                sum += count;
                let _ = writeln!(out, "tabir_{name}_bucket{{listener=\"{listener}\",le=\"{bound}\"}} {sum}");
            }
            let total = seconds(times.total_ms);
            let _ = writeln!(out, "tabir_{name}_sum{{listener=\"{listener}\"}} {total}");
            let _ = writeln!(out, "tabir_{name}_count{{listener=\"{listener}\"}} {sum}");
        }
    });
    out
}

/// Milliseconds as a decimal number of seconds.
fn seconds(ms: u64) -> String {
    format!("{}.{:03}", ms / 1000, ms % 1000)
}

// Writing into a string does not fail.
fn number(out: &mut String, name: &str, kind: &str, help: &str, lines: &[(String, u64)]) {
    let _ = writeln!(out, "# HELP tabir_{name} {help}\n# TYPE tabir_{name} {kind}");
    for (label, value) in lines {
        let _ = writeln!(out, "tabir_{name}{label} {value}");
    }
}
