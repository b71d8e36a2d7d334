//! A leakage test in the manner of dudect: Reparaz, Balasch and Verbauwhede, "Dude, is my code constant time?", 2016
//! (eprint 2016/1123).
//!
//! One operation runs on inputs of two classes, one fixed and one random, in random order. Each run is timed. Welch's
//! t-test asks whether the two classes have the same mean: once on all times, and again on those below each of some
//! percentiles of all, since other processes and interrupts only make times longer and hide small differences. Where
//! |t| passes 10 on any of them, time depends on the input. A difference that is there makes t grow with the root of the
//! number of runs, noise doesn't.
//!
//! What it can't show: that there is no difference. It shows that none was found with so many runs.
#![allow(clippy::disallowed_methods)] // it measures time

use std::hint::black_box;
use std::time::Instant;

/// From here on the original says "probably not constant time". Chance alone passes 5 once in a million tests.
pub const THRESHOLD: f64 = 10.0;
/// How many percentiles the times are cropped at, beside the uncropped test.
const CROPS: i32 = 40;
/// A cropped test with fewer times than this in a class says nothing.
const ENOUGH: f64 = 500.0;

/// Which input a time is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    Fixed,
    Random,
}

/// Nanoseconds of one run.
pub type Time = (Class, f64);
pub type Times = Vec<Time>;

/// Mean and variance of a stream (Welford).
#[derive(Clone, Copy, Default)]
struct Moments {
    n: f64,
    mean: f64,
    squares: f64,
}

impl Moments {
    fn push(&mut self, x: f64) {
        self.n += 1.0;
        let before = x - self.mean;
        self.mean += before / self.n;
        self.squares += before * (x - self.mean);
    }

    /// Of the mean.
    fn variance(&self) -> f64 {
        self.squares / (self.n - 1.0) / self.n
    }
}

/// Welch's t of two classes; zero when there are too few times.
fn welch(fixed: &Moments, random: &Moments) -> f64 {
    if fixed.n < ENOUGH || random.n < ENOUGH {
        return 0.0;
    }
    let spread = (fixed.variance() + random.variance()).sqrt();
    // Times that don't differ at all have no spread.
    if spread > 0.0 { (fixed.mean - random.mean) / spread } else { 0.0 }
}

/// The largest t, with its sign: positive when the fixed input takes longer.
pub fn t_value(times: &[Time]) -> f64 {
    let mut sorted: Vec<f64> = times.iter().map(|(_, time)| *time).collect();
    sorted.sort_by(f64::total_cmp);
    let at = |share: f64| sorted.get((sorted.len() as f64 * share) as usize).copied();
    // As in the original: closer together towards the longest times.
    let crops = (1..=CROPS).map(|i| at(1.0 - 0.5_f64.powf(10.0 * f64::from(i) / f64::from(CROPS))));
    let crops = crops.map(|limit| limit.unwrap_or(f64::INFINITY)).chain([f64::INFINITY]);
    crops.map(|limit| below(times, limit)).max_by(|a, b| a.abs().total_cmp(&b.abs())).unwrap_or_default()
}

fn below(times: &[Time], limit: f64) -> f64 {
    let (mut fixed, mut random) = (Moments::default(), Moments::default());
    for (class, time) in times.iter().filter(|(_, time)| *time <= limit) {
        match class {
            Class::Fixed => fixed.push(*time),
            Class::Random => random.push(*time),
        }
    }
    welch(&fixed, &random)
}

/// xorshift64*: which class is next. It has to be unpredictable for a branch predictor, not for a person.
pub struct Coin(pub u64);

impl Coin {
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn class(&mut self) -> Class {
        if self.next() >> 63 == 0 { Class::Fixed } else { Class::Random }
    }
}

/// Inputs of both classes, from which [`times`] makes its copies.
pub struct Inputs<I> {
    fixed: Vec<I>,
    random: Vec<I>,
}

impl<I> Inputs<I> {
    pub fn new(fixed: Vec<I>, random: Vec<I>) -> Self {
        assert_eq!(fixed.len(), random.len());
        assert!(!fixed.is_empty());
        Self { fixed, random }
    }

    /// Each input in another form.
    pub fn map<J>(&self, to: impl Fn(&I) -> J) -> Inputs<J> {
        Inputs { fixed: self.fixed.iter().map(&to).collect(), random: self.random.iter().map(&to).collect() }
    }
}

/// How many inputs are copied before they are worked on.
const BATCH: usize = 64;

/// Nanoseconds of `count` runs, each `repeat` times the operation, after a tenth as many that nobody looks at.
///
/// The operation works on copies that are made before, a batch of both classes mixed. Where an input lies in memory, and
/// which others were read before it, must not differ by class: caches would tell.
pub fn times<I: Clone, R>(
    inputs: &Inputs<I>,
    count: usize,
    repeat: u32,
    coin: &mut Coin,
    mut operation: impl FnMut(&I) -> R,
) -> Times {
    let unseen = count / 10;
    let mut taken = Vec::with_capacity(count + unseen + BATCH);
    while taken.len() < count + unseen {
        let copy = |_| {
            let (class, slot) = (coin.class(), coin.next() >> 32); // its low bits are weak
            let of = match class {
                Class::Fixed => &inputs.fixed,
                Class::Random => &inputs.random,
            };
            (class, of[slot as usize % of.len()].clone())
        };
        let batch: Vec<(Class, I)> = (0..BATCH).map(copy).collect();
        for (class, input) in &batch {
            let begin = Instant::now();
            for _ in 0..repeat {
                black_box(operation(black_box(input)));
            }
            taken.push((*class, begin.elapsed().as_nanos() as f64));
        }
    }
    taken.truncate(count + unseen);
    taken.split_off(unseen)
}
