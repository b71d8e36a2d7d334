//! The leakage test of `make timing` finds a leak that is there, and does its sums right. What it says of Tabir's own
//! operations is for `make timing`: a machine that does other work can't fail this.

#[path = "../benches/timing/dudect.rs"]
#[allow(dead_code)] // the long form uses all of it
mod dudect;
#[path = "../benches/timing/leaks.rs"]
#[allow(dead_code)]
mod leaks;

use std::collections::BTreeMap;
use std::hint::black_box;
use std::path::Path;

use dudect::{Class, Coin, Inputs, THRESHOLD, Time, Times, t_value, times};

/// Measures until the leak is found. Each round has new times; a leak that is not found in so many is not found.
const ROUNDS: usize = 20;

fn found<I: Clone, R>(inputs: &Inputs<I>, count: usize, repeat: u32, mut operation: impl FnMut(&I) -> R) -> bool {
    let mut coin = Coin(0x0dd_b1a5);
    let mut all = Times::new();
    (0..ROUNDS).any(|_| {
        all.extend(times(inputs, count, repeat, &mut coin, &mut operation));
        t_value(&all).abs() > THRESHOLD
    })
}

#[test]
fn finds_a_comparison_that_ends_early() {
    let mut coin = Coin(7);
    let secret: [u8; 512] = core::array::from_fn(|i| i as u8);
    let guesses = leaks::guesses(&secret, 8, &mut coin);
    assert!(found(&guesses, 4_000, 4, |guess| leaks::early_end(black_box(&secret), guess)));
}

#[test]
fn finds_a_share_in_a_multiplication_for_public_scalars() {
    let shares = leaks::shares(8, &mut Coin(7));
    assert!(found(&shares, 1_500, 1, leaks::vartime_partial));
}

/// Times as a machine would give them: about 1,000, a little noise, one in fifty interrupted.
fn made(difference: f64, count: usize) -> Times {
    let mut coin = Coin(11);
    let mut uniform = move || (coin.next() >> 11) as f64 / (1_u64 << 53) as f64;
    let time = |i: usize| -> Time {
        let class = if i.is_multiple_of(2) { Class::Fixed } else { Class::Random };
        let noise: f64 = (0..12).map(|_| uniform()).sum::<f64>() - 6.0;
        let interrupt = if uniform() < 0.02 { 50_000.0 * uniform() } else { 0.0 };
        (class, 1_000.0 + 20.0 * noise + interrupt + if class == Class::Fixed { difference } else { 0.0 })
    };
    (0..count).map(time).collect()
}

#[test]
fn sees_nothing_where_both_classes_take_as_long() {
    assert!(t_value(&made(0.0, 40_000)).abs() < 5.0);
}

#[test]
fn sees_a_small_difference_behind_the_interrupts_and_which_class_takes_longer() {
    // Less than a sixth of the noise.
    assert!(t_value(&made(3.0, 40_000)) > THRESHOLD);
    assert!(t_value(&made(-3.0, 40_000)) < -THRESHOLD);
}

#[test]
fn a_difference_grows_with_the_root_of_the_number_of_runs() {
    let (few, many) = (t_value(&made(3.0, 20_000)), t_value(&made(3.0, 80_000)));
    assert!((1.7..2.3).contains(&(many / few)), "{few} {many}");
}

#[test]
fn too_few_times_say_nothing() {
    assert!(t_value(&made(1e6, 900)).abs() < 1e-9);
    assert!(t_value(&[]).abs() < 1e-9);
}

#[test]
fn times_are_of_both_classes_and_leave_the_first_ones_out() {
    let mut calls = Vec::new();
    let inputs = Inputs::new(vec![Class::Fixed; 3], vec![Class::Random; 3]);
    let taken = times(&inputs, 1_000, 2, &mut Coin(5), |class| calls.push(*class));
    assert_eq!(taken.len(), 1_000);
    // Twice each, whole batches, and the first hundred are not looked at.
    assert_eq!(calls.len() % 128, 0);
    let called: Vec<Class> = calls.iter().step_by(2).copied().skip(100).take(1_000).collect();
    assert!(taken.iter().map(|(class, _)| *class).eq(called));
    let fixed = taken.iter().filter(|(class, _)| *class == Class::Fixed).count();
    assert!((400..600).contains(&fixed), "{fixed}");
}

/// Functions of the curve library that take longer for some scalars than for others, by file. The README says for each
/// why what it sees is public.
const VARTIME: [(&str, usize); 2] = [("envelope/inner.rs", 2), ("threshold/reshare.rs", 2)];

#[test]
fn only_listed_places_call_functions_for_public_scalars() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let (mut folders, mut found) = (vec![top.clone()], BTreeMap::new());
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let calls = std::fs::read_to_string(&path).unwrap().matches("::vartime_").count();
            if calls > 0 {
                found.insert(path.strip_prefix(&top).unwrap().to_str().unwrap().to_owned(), calls);
            }
        }
    }
    let listed: BTreeMap<_, _> = VARTIME.iter().map(|(file, calls)| ((*file).to_owned(), *calls)).collect();
    assert_eq!(found, listed);
    let readme = std::fs::read_to_string(top.with_file_name("README.md")).unwrap();
    assert!(listed.keys().all(|file| readme.contains(&format!("`{file}`"))));
}
