//! `tabir audit verify`, the real program, on logs of 10^6 and 10^7 entries that `tests/lies/scale.rs` makes.

use crate::Outcome;
use crate::figures::Row;
use crate::scale::{Plan, audited};

/// Sizes of intake logs, as their rows name them, and how often each is audited.
const SIZES: [([&str; 3], u64, usize); 2] = [
    (["verify_1e6_s", "verify_1e6_cpu_s", "verify_1e6_peak_mb"], 1_000_000, 3),
    // Ten minutes and more each.
    (["verify_1e7_s", "verify_1e7_cpu_s", "verify_1e7_peak_mb"], 10_000_000, 1),
];

/// The rows about audits.
pub fn rows() -> Outcome<Vec<Row>> {
    let mut rows = Vec::new();
    for ([seconds, cpu, peak], entries, runs) in SIZES {
        eprintln!("writing a log of {entries} entries");
        let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
        let made = Plan { entries, ..Plan::default() }.write(dir.path());
        let (mut took, mut times, mut peaks) = (Vec::new(), Vec::new(), Vec::new());
        for run in 1..=runs {
            eprintln!("auditing it: run {run} of {runs}");
            let audited = audited(dir.path());
            assert_eq!(audited.failures(), Vec::<String>::new(), "a clean log");
            took.push(audited.seconds);
            times.push(audited.cpu_seconds);
            peaks.push(audited.peak_mb);
        }
        let what = format!(
            "tabir audit verify of a copy whose intake log has {} entries, as many as reports, windows of 0 to 12 reports, \
             a kept checkpoint each 1,344 entries",
            made.size
        );
        rows.push(Row::new(seconds, "s", &took, format!("{what}: all checks, on all cores.")));
        let note = format!("{what}: user and system time of all threads, which depends little on what else runs.");
        rows.push(Row::new(cpu, "s", &times, note));
        let note = format!("{what}: the process's largest resident memory (VmHWM), in 10^6 bytes; aim below 100.");
        rows.push(Row::new(peak, "MB", &peaks, note));
    }
    Ok(rows)
}
