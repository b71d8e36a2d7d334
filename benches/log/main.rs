//! `make bench-log`: how many entries a second the log takes durably, how long one waits for its checkpoint, what it costs
//! on disk, how large and how quick proofs are, the hashing beside an independent implementation, and the audit of a long
//! log. `scripts/bench log PART…` measures some of it: `appends`, `trees`, `audit-1e6`, `audit-1e7`.
//!
//! `benches/figures` says where the figures go, `docs/performance.md` what they mean.

mod appends;
mod audits;
#[allow(dead_code)] // the tests of lies use the rest
#[path = "../../tests/lies/clean.rs"]
mod clean;
#[path = "../figures/mod.rs"]
mod figures;
#[allow(dead_code)]
#[path = "../../tests/lies/forge.rs"]
mod forge;
#[path = "../../tests/log_support/mod.rs"]
mod log_support;
#[allow(dead_code)]
#[path = "../../tests/lies/scale.rs"]
mod scale;
mod trees;
#[path = "../../crypto/tests/common/world.rs"]
mod world;

/// What a measurement may fail with.
pub type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

const PARTS: [&str; 4] = ["appends", "trees", "audit-1e6", "audit-1e7"];

fn main() -> Outcome<()> {
    // Cargo adds flags of its own.
    let asked: Vec<_> = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    if let Some(unknown) = asked.iter().find(|part| !PARTS.contains(&part.as_str())) {
        return Err(format!("unknown: {unknown}; there are {}", PARTS.join(", ")).into());
    }
    let cores = std::thread::available_parallelism()?.get();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(cores).enable_all().build()?;
    for part in PARTS.into_iter().filter(|part| asked.is_empty() || asked.iter().any(|a| a == part)) {
        let rows = match part {
            "appends" => runtime.block_on(appends::rows())?,
            "trees" => trees::rows()?,
            "audit-1e6" => audits::million()?,
            _ => audits::ten_million()?,
        };
        // Figures of a long run are not lost if a later one fails.
        println!("Written: {}", figures::merge("log", &rows)?.display());
    }
    Ok(())
}
