//! `scripts/bench load`: journeys by 1 to 256 clients at a time, a redemption beside few and many spent tokens, and honest
//! reports beside slow connections and floods.
//!
//! The servers are processes of the release binary. `benches/figures` says where the figures go, `docs/performance.md` what
//! they mean. What a reporter's device does happens before the clock starts, but for the finalizing of her token.

#[path = "../../tests/attack/mod.rs"]
mod attack;
mod clients;
#[path = "../figures/mod.rs"]
mod figures;
#[path = "../gateway/http.rs"]
mod http;
mod siege;
mod spent;
#[path = "../../tests/stage/mod.rs"]
mod stage;
#[path = "../gateway/usage.rs"]
mod usage;

use std::error::Error;

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    // Both ends of a connection are files, the clients' are of this process.
    let files = rustix::process::getrlimit(rustix::process::Resource::Nofile).maximum;
    let files = rustix::process::Rlimit { current: files, maximum: files };
    rustix::process::setrlimit(rustix::process::Resource::Nofile, files)?;
    let parts: Vec<String> = std::env::args().skip(1).filter(|part| !part.starts_with("--")).collect();
    let wanted = |part: &str| parts.is_empty() || parts.iter().any(|p| p == part);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let mut rows = Vec::new();
    if wanted("clients") {
        rows.extend(runtime.block_on(clients::rows())?);
    }
    if wanted("siege") {
        rows.extend(runtime.block_on(siege::rows())?);
    }
    if wanted("spent") {
        rows.extend(runtime.block_on(spent::rows())?);
    }
    println!("Written: {}", figures::merge("load", &rows)?.display());
    Ok(())
}

/// The time below which so many of a hundred are, in milliseconds.
fn percentile(times: &[f64], percent: usize) -> f64 {
    let mut sorted = times.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get((sorted.len() * percent / 100).min(sorted.len().saturating_sub(1))).copied().unwrap_or_default()
}
