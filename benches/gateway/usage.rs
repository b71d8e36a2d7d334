//! What the kernel says of a process: proc(5).

use std::io::{Error, Result};

use crate::stage::Process;

/// Ticks of a second in `/proc/PID/stat`: `USER_HZ`, 100 on every Linux that Rust runs on.
const TICKS: f64 = 100.0;

/// User and system time of a process in milliseconds, its threads that ended included.
pub fn cpu_ms(process: &Process) -> Result<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", process.pid()))?;
    // The second field is a name in brackets, which may hold spaces; utime and stime are the 14th and 15th of all.
    let (_, rest) = stat.rsplit_once(')').ok_or_else(|| Error::other("stat without a name"))?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|f| f.parse::<f64>().ok()).ok_or(Error::other("stat is short"));
    Ok((ticks(11)? + ticks(12)?) * 1000.0 / TICKS)
}

/// Resident memory of a process in MB (10^6 bytes).
pub fn rss_mb(process: &Process) -> Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.pid()))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|l| l.trim().strip_suffix(" kB")?.trim().parse::<f64>().ok());
    Ok(kib.ok_or(Error::other("status without VmRSS"))? * 1024.0 / 1e6)
}

/// A reading of each process.
pub fn each(processes: &[Process], read: impl Fn(&Process) -> Result<f64>) -> Result<Vec<f64>> {
    processes.iter().map(read).collect()
}
