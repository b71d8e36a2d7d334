//! `tabir audit verify`, the real program, on logs of 10^6 and 10^7 entries that `tests/lies/scale.rs` makes.

use crate::Outcome;
use crate::figures::Row;
use crate::scale::{Plan, audited};

/// Of a million entries, audited three times.
pub fn million() -> Outcome<Vec<Row>> {
    rows(["verify_1e6_s", "verify_1e6_cpu_s", "verify_1e6_peak_mb"], 1_000_000, 3)
}

/// Of ten million entries, audited once: that takes ten minutes and more.
pub fn ten_million() -> Outcome<Vec<Row>> {
    rows(["verify_1e7_s", "verify_1e7_cpu_s", "verify_1e7_peak_mb"], 10_000_000, 1)
}

fn rows([seconds, cpu, peak]: [&'static str; 3], entries: u64, runs: usize) -> Outcome<Vec<Row>> {
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
        "tabir audit verify of a copy whose intake log has {} entries, about as many reports, windows of 0 to 12 of them, a \
         kept checkpoint each 1,344 entries",
        made.size
    );
    let all = format!("{what}: all checks, on all cores.");
    let time = format!("{what}: user and system time of all threads, which depends little on what else runs.");
    let memory = format!("{what}: the process's largest resident memory (VmHWM), in 10^6 bytes; aim below 100.");
    Ok(vec![Row::new(seconds, "s", &took, all), Row::new(cpu, "s", &times, time), Row::new(peak, "MB", &peaks, memory)])
}
