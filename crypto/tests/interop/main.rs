//! Cases that cross between this crate and its second implementation, `web/src/crypto`, with new randomness each run.
//!
//! `scripts/web` lets Node.js write `typescript.json` into the folder that `TABIR_INTEROP` names, runs these two tests, and lets
//! Node.js read `rust.json`. `TABIR_INTEROP_SEED` makes a run again.

#[path = "../council/mod.rs"]
mod council;

mod case;
mod hostile;
mod make;

use std::path::PathBuf;

use rand_core::Rng as _;
use serde_json::{Value, json};

use case::Case;

const CASES: usize = 4;
const TEXTS: usize = 2_000;

fn file(name: &str) -> PathBuf {
    PathBuf::from(std::env::var("TABIR_INTEROP").expect("TABIR_INTEROP names the folder")).join(name)
}

fn seed() -> u64 {
    let given = std::env::var("TABIR_INTEROP_SEED").ok();
    // No two runs have the same hasher.
    let fresh = || std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), std::process::id());
    given.map_or_else(fresh, |seed| u64::from_str_radix(&seed, 16).expect("a seed in hex"))
}

#[test]
#[ignore = "scripts/web runs it after Node.js has written its cases"]
fn opens_what_typescript_made() {
    let text = std::fs::read_to_string(file("typescript.json")).unwrap();
    let all: Value = serde_json::from_str(&text).unwrap();
    let (mut cases, mut refusals) = (0, 0);
    for node in all["cases"].as_array().unwrap() {
        let case = Case::new(node);
        case.opens();
        refusals += hostile::agrees(&case, &node["hostile"]);
        cases += 1;
    }
    refusals += hostile::texts_agree(&all["texts"]);
    assert!(cases > 0 && refusals > 1_000);
    println!("rust: opened {cases} cases made in TypeScript, and agreed about {refusals} hostile inputs");
}

#[test]
#[ignore = "scripts/web runs it before Node.js reads the cases"]
fn makes_cases_for_typescript() {
    let seed = seed();
    println!("rust: TABIR_INTEROP_SEED={seed:x}");
    let mut rng = council::seeded(seed);
    let cases: Vec<Value> = (0..CASES)
        .map(|_| {
            let mut made = make::case(rng.next_u64());
            made["hostile"] = hostile::hostile(&Case::new(&made), &mut rng);
            made
        })
        .collect();
    let all = json!({"seed": format!("{seed:x}"), "cases": cases, "texts": hostile::texts(&mut rng, TEXTS)});
    std::fs::write(file("rust.json"), all.to_string()).unwrap();
}
