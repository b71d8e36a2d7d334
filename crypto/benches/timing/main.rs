//! `make timing`: does the time of an operation tell of its secret? [`dudect`] says how it is asked.
//!
//! Two planted leaks are measured in the same run. If they are not found, the machine is too noisy and the run says
//! nothing: it fails. It also fails when something else is found. `cargo bench … --bench timing -- NAME…` measures only
//! these beside the planted ones.

#[path = "../../tests/council/mod.rs"]
mod council;
mod dudect;
#[path = "../../../benches/figures/mod.rs"]
mod figures;
mod leaks;
mod targets;

use std::process::ExitCode;

use dudect::{Coin, THRESHOLD, Times, t_value};
use figures::Row;

/// Each target is measured in so many rounds, in turns with the others; all of its times are then tested together.
const ROUNDS: usize = 5;

type Run = Box<dyn FnMut(usize, &mut Coin) -> Times>;

/// One operation: how many runs a round, and how to make them.
pub struct Target {
    what: &'static str,
    planted: bool,
    note: &'static str,
    count: usize,
    run: Run,
}

fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let mut coin = Coin(0x7461_6269_7221_0001 | u64::from(std::process::id()) << 16);
    let only: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    let mut targets = targets::all(&mut coin);
    targets.retain(|t| t.planted || only.is_empty() || only.iter().any(|name| name == t.what));
    let mut times: Vec<Vec<Times>> = targets.iter().map(|_| Vec::new()).collect();
    for round in 1..=ROUNDS {
        eprintln!("round {round} of {ROUNDS}");
        for (target, times) in targets.iter_mut().zip(&mut times) {
            times.push((target.run)(target.count, &mut coin));
        }
    }
    let (mut rows, mut sound) = (Vec::new(), true);
    for (target, times) in targets.iter().zip(&times) {
        let rounds: Vec<f64> = times.iter().map(|t| t_value(t).abs()).collect();
        let all = t_value(&times.concat());
        let found = all.abs() > THRESHOLD;
        sound &= found == target.planted;
        let verdict = match (found, target.planted) {
            (true, true) => "planted leak, found",
            (false, true) => "PLANTED LEAK, NOT FOUND: this run says nothing",
            (true, false) => "LEAK",
            (false, false) => "no leak found",
        };
        let runs = target.count * ROUNDS;
        println!("{:<22} t = {all:>9.2}  {verdict}", target.what);
        let note = format!("{verdict}: t = {all:.2} over {runs} runs, of {} a round; {}", target.count, target.note);
        rows.push(Row::new(target.what, "|t|", &rounds, note));
    }
    let file = figures::publish("timing", &rows)?;
    println!("Written: {}", file.display());
    Ok(if sound { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
