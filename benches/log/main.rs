//! `make bench-log`: how many entries a second the log takes durably, how long one waits for its checkpoint, what it costs
//! on disk, how large and how quick proofs are, and the hashing beside an independent implementation.
//!
//! `benches/figures` says where the figures go, `docs/performance.md` what they mean.

mod appends;
#[path = "../figures/mod.rs"]
mod figures;
#[path = "../../tests/log_support/mod.rs"]
mod log_support;
mod trees;

/// What a measurement may fail with.
pub type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> Outcome<()> {
    let cores = std::thread::available_parallelism()?.get();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(cores).enable_all().build()?;
    let mut rows = runtime.block_on(appends::rows())?;
    // Figures of a long run are not lost if a later one fails.
    figures::merge("log", &rows)?;
    rows.extend(trees::rows()?);
    let file = figures::merge("log", &rows)?;
    println!("Written: {}", file.display());
    Ok(())
}
