//! What happens in operation, done to a whole installation: roles that are killed, disks that are full or refuse every
//! write, clocks that jump, a complaint system and an outside body that are away, a damaged page. After each: no report that
//! was acknowledged is lost, none is at the complaint system twice, no token buys a second write, both logs stand up to an
//! audit, and every store is sound.
//!
//! In short here; `make faults` does it at length and writes `target/figures/faults.json`.

mod after;
mod clocks;
#[path = "../common/mod.rs"]
mod common;
mod damaged;
mod disks;
#[path = "../../benches/figures/mod.rs"]
mod figures;
mod kills;
mod outage;
mod outside;
mod reporters;
mod simulated;
#[path = "../stage/mod.rs"]
mod stage;

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use figures::Row;

/// Set by `make faults`.
const AT_LENGTH: &str = "TABIR_FAULTS";
/// Each loop of a role gets its turn in it: the slowest asks every half second.
pub const TURN: Duration = Duration::from_millis(700);

/// Whether this is the long run.
pub fn at_length() -> bool {
    std::env::var_os(AT_LENGTH).is_some()
}

/// What was done, and what came of it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    /// Times that the fault was brought about.
    pub cycles: u64,
    /// Reports that were acknowledged.
    pub accepted: u64,
    /// Of them, those that the complaint system never got.
    pub lost: u64,
    /// Requests there that are one too many.
    pub doubled: u64,
    /// Failed checks of the audit.
    pub log_broken: u64,
}

static DONE: Mutex<BTreeMap<&str, Result<Tally, String>>> = Mutex::new(BTreeMap::new());

/// Keeps what came of a kind of fault, and fails the test if it is not as it must be.
pub fn record(kind: &'static str, tally: Tally) {
    eprintln!("{kind}: {tally:?}");
    publish(kind, Ok(tally));
    assert_eq!((tally.lost, tally.doubled, tally.log_broken), (0, 0, 0), "{kind}");
}

/// Keeps why a kind of fault could not be brought about on this machine.
pub fn impossible(kind: &'static str, why: &str) {
    eprintln!("{kind}: not here: {why}");
    publish(kind, Err(why.to_owned()));
}

fn publish(kind: &'static str, done: Result<Tally, String>) {
    let mut all = DONE.lock().unwrap();
    all.insert(kind, done);
    if !at_length() {
        return;
    }
    type Part = (&'static str, fn(&Tally) -> u64);
    let parts: [Part; 5] = [
        ("cycles", |t| t.cycles),
        ("accepted", |t| t.accepted),
        ("lost", |t| t.lost),
        ("doubled", |t| t.doubled),
        ("log_broken", |t| t.log_broken),
    ];
    // So many names, for the length of this process.
    let named = |name: String| -> &'static str { Box::leak(name.into_boxed_str()) };
    let mut rows = Vec::new();
    for (part, of) in parts {
        let sum: u64 = all.values().flatten().map(of).sum();
        let kinds: Vec<_> = all.iter().filter(|(_, done)| done.is_ok()).map(|(kind, _)| *kind).collect();
        rows.push(Row::new(part, "count", &[sum as f64], format!("All kinds together: {}.", kinds.join(", "))));
    }
    for (kind, done) in all.iter() {
        for (part, of) in parts {
            let what = named(format!("{kind}_{part}"));
            rows.push(match done {
                Ok(tally) => Row::new(what, "count", &[of(tally) as f64], ""),
                Err(why) => Row::new(what, "count", &[], why.clone()),
            });
        }
    }
    figures::publish("faults", &rows).unwrap();
}
