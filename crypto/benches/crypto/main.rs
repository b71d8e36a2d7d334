//! `make bench-crypto`: what sealing, proving, helping and opening cost beside one X25519 scalar multiplication, how long a
//! key ceremony computes, and how long each message is.
//!
//! The multiplication is that of the same library (curve25519-dalek) on the same machine, a few of it and a few of ours
//! in turn. `benches/figures` says where the figures go, `docs/performance.md` what they mean.

#[path = "../../tests/council/mod.rs"]
mod council;
#[path = "../../../benches/figures/mod.rs"]
mod figures;
mod sizes;
mod speed;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut rows = speed::rows()?;
    rows.extend(sizes::rows()?);
    let file = figures::publish("crypto", &rows)?;
    println!("Written: {}", file.display());
    Ok(())
}
