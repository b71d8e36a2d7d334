//! Properties over random councils, messages and changes. The inputs are the same each time; `docs/testing.md` has how to
//! try others, and more of them.

#[path = "../council/mod.rs"]
mod council;
#[path = "../common/world.rs"]
mod world;

mod bits;
mod forms;
mod payloads;
mod threshold;

use proptest::test_runner::{Config, FileFailurePersistence, RngSeed};

/// So many cases, from a fixed seed, unless the environment says otherwise. What failed once is kept and tried first.
fn config(cases: u32) -> Config {
    const KEPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/properties/regressions.txt");
    let given = |name| std::env::var_os(name).is_some();
    let default = Config::default();
    Config {
        cases: if given("PROPTEST_CASES") { default.cases } else { cases },
        rng_seed: if given("PROPTEST_RNG_SEED") { default.rng_seed } else { RngSeed::Fixed(20_261_125) },
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(KEPT))),
        ..default
    }
}
