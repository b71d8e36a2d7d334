//! What somebody tries who has the intake log and wants to know which nf belongs to which pair.
//!
//! Each attack guesses an nf for every pair. Without a leak a guess is right once in as many as the window has reports,
//! whatever the attack: so that the right ones are few, by Poisson's law with a mean of one a window.

use tabir_crypto::B32;
use tabir_crypto::codec::sha256;

use crate::Truth;

/// What the log shows of a window: the pairs and the nf, each with its part, in their order.
#[derive(Clone, Debug, Default)]
pub struct Public {
    pub pairs: Vec<(u64, B32, B32)>,
    pub nf: Vec<(u64, B32)>,
}

/// An attack that was better than chance, and by how much.
#[derive(Clone, Debug, PartialEq)]
pub struct Leak {
    pub attack: &'static str,
    pub hits: usize,
    pub by_chance: usize,
}

/// Standard deviations beyond the mean that are no chance any more: one run in a thousand million.
const DEVIATIONS: f64 = 6.0;

/// The lists as the protocol has them.
pub fn sorted(truth: &[Truth]) -> Public {
    let mut pairs: Vec<_> = truth.iter().map(|r| (1, r.0, r.1)).collect();
    let mut nf: Vec<_> = truth.iter().map(|r| (1, r.2)).collect();
    pairs.sort_unstable();
    nf.sort_unstable();
    Public { pairs, nf }
}

/// For each pair the place of an nf.
type Guess = Vec<usize>;

fn ranks<K: Ord>(keys: impl Iterator<Item = K>) -> Vec<usize> {
    let mut order: Vec<_> = keys.enumerate().collect();
    order.sort_unstable_by(|x, y| x.1.cmp(&y.1));
    order.into_iter().map(|(place, _)| place).collect()
}

/// The n-th pair by one key belongs to the n-th nf by another.
fn by_rank<K: Ord>(p: &Public, pair: impl Fn(&(u64, B32, B32)) -> K, nf: impl Fn(&B32) -> K) -> Guess {
    let (pairs, nfs) = (ranks(p.pairs.iter().map(pair)), ranks(p.nf.iter().map(|(_, n)| nf(n))));
    let mut guess = vec![0; pairs.len()];
    pairs.into_iter().zip(nfs).for_each(|(pair, nf)| guess[pair] = nf);
    guess
}

/// The list of nf is in the order of something of the pairs.
fn in_order_of<K: Ord>(p: &Public, pair: impl Fn(&(u64, B32, B32)) -> K) -> Guess {
    let mut guess = vec![0; p.pairs.len()];
    ranks(p.pairs.iter().map(pair)).into_iter().enumerate().for_each(|(nf, pair)| guess[pair] = nf);
    guess
}

/// The nf that comes nearest to something of the pair.
fn nearest<K: Ord>(p: &Public, of: impl Fn(&(u64, B32, B32)) -> B32, distance: impl Fn(&B32, &B32) -> K) -> Guess {
    let best = |pair| {
        let value = of(pair);
        (0..p.nf.len()).min_by_key(|place| distance(&value, &p.nf[*place].1)).unwrap_or(0)
    };
    p.pairs.iter().map(best).collect()
}

fn xor(x: &B32, y: &B32) -> B32 {
    std::array::from_fn(|i| x[i] ^ y[i])
}

fn bits(x: &B32, y: &B32) -> u32 {
    xor(x, y).iter().map(|b| b.count_ones()).sum()
}

fn bytes(x: &B32, y: &B32) -> usize {
    xor(x, y).iter().filter(|b| **b != 0).count()
}

fn reversed(x: &B32) -> B32 {
    let mut x = *x;
    x.reverse();
    x
}

/// The nf that is exactly this; else nobody's.
fn exactly(p: &Public, of: impl Fn(&B32, &B32) -> B32) -> Guess {
    let place = |value: &B32| p.nf.iter().position(|(_, nf)| nf == value).unwrap_or(usize::MAX);
    p.pairs.iter().map(|(_, a, b)| place(&of(a, b))).collect()
}

type Attack = (&'static str, fn(&Public) -> Guess);

const ATTACKS: [Attack; 23] = [
    ("same place", |p| (0..p.pairs.len()).collect()),
    ("same place from the end", |p| (0..p.pairs.len()).rev().collect()),
    ("order of a", |p| in_order_of(p, |x| x.1)),
    ("order of b", |p| in_order_of(p, |x| x.2)),
    ("order of H(a)", |p| in_order_of(p, |x| sha256(&x.1))),
    ("order of H(b)", |p| in_order_of(p, |x| sha256(&x.2))),
    ("order of a and H(nf)", |p| by_rank(p, |x| x.1, |nf| sha256(nf))),
    ("order of H(a) and H(nf)", |p| by_rank(p, |x| sha256(&x.1), |nf| sha256(nf))),
    ("order from the last byte", |p| by_rank(p, |x| reversed(&x.1), reversed)),
    ("near a", |p| nearest(p, |x| x.1, xor)),
    ("near b", |p| nearest(p, |x| x.2, xor)),
    ("bits in common with a", |p| nearest(p, |x| x.1, bits)),
    ("bits in common with b", |p| nearest(p, |x| x.2, bits)),
    ("bytes in common with a", |p| nearest(p, |x| x.1, bytes)),
    ("bytes in common with b", |p| nearest(p, |x| x.2, bytes)),
    ("bits in common with H(a)", |p| nearest(p, |x| sha256(&x.1), bits)),
    ("bits in common with a xor b", |p| nearest(p, |x| xor(&x.1, &x.2), bits)),
    ("a", |p| exactly(p, |a, _| *a)),
    ("b", |p| exactly(p, |_, b| *b)),
    ("H(a)", |p| exactly(p, |a, _| sha256(a))),
    ("H(b)", |p| exactly(p, |_, b| sha256(b))),
    ("H(a, b)", |p| exactly(p, |a, b| sha256(&[*a, *b].concat()))),
    ("a xor b", |p| exactly(p, xor)),
];

/// Where the nf of each pair really stands.
fn solution(public: &Public, truth: &[Truth]) -> Guess {
    let nf_of = |a: &B32| truth.iter().find(|r| r.0 == *a).expect("a report of the window").2;
    let place = |nf: B32| public.nf.iter().position(|n| n.1 == nf).expect("it was forwarded");
    public.pairs.iter().map(|(_, a, _)| place(nf_of(a))).collect()
}

/// So many by chance, at the most.
fn most(mean: f64, variance: f64) -> usize {
    (mean + DEVIATIONS * variance.sqrt()).ceil() as usize
}

/// Every attack that beats chance over these windows.
pub fn leaks(windows: &[(Public, Vec<Truth>)]) -> Vec<Leak> {
    let solved: Vec<_> = windows.iter().map(|(public, truth)| (public, solution(public, truth))).collect();
    let mut found = Vec::new();
    for (attack, guess) in ATTACKS {
        let right =
            |(public, solution): &(&Public, Guess)| guess(public).iter().zip(solution).filter(|(g, s)| g == s).count();
        let (hits, mean) = (solved.iter().map(right).sum(), solved.len() as f64);
        let by_chance = most(mean, mean);
        if hits > by_chance {
            found.push(Leak { attack, hits, by_chance });
        }
    }
    found.extend(same_part(&solved));
    found.extend(rank_correlation(&solved));
    found
}

/// Whether pairs and nf of a report stand in parts of the same number more often than their sizes make them.
fn same_part(solved: &[(&Public, Guess)]) -> Option<Leak> {
    let (mut hits, mut mean) = (0, 0.0);
    for (public, solution) in solved.iter().filter(|(public, _)| public.pairs.iter().any(|p| p.0 > 1)) {
        let total = public.nf.len() as f64;
        for ((part, ..), place) in public.pairs.iter().zip(solution) {
            hits += usize::from(public.nf[*place].0 == *part);
            mean += public.nf.iter().filter(|(other, _)| other == part).count() as f64 / total;
        }
    }
    let by_chance = most(mean, mean);
    (hits > by_chance).then_some(Leak { attack: "same part", hits, by_chance })
}

/// Spearman's rank correlation of the places, over all windows; in hundredths of a standard deviation.
fn rank_correlation(solved: &[(&Public, Guess)]) -> Option<Leak> {
    let mut sum = 0.0;
    for (_, solution) in solved {
        let n = solution.len() as f64;
        let squares: f64 = solution.iter().enumerate().map(|(i, j)| (i as f64 - *j as f64).powi(2)).sum();
        // Its deviation is 1 / sqrt(n - 1).
        sum += (1.0 - 6.0 * squares / (n * (n * n - 1.0))) * (n - 1.0).sqrt();
    }
    let deviations = (sum / (solved.len() as f64).sqrt()).abs();
    let (hits, by_chance) = ((100.0 * deviations) as usize, (100.0 * DEVIATIONS) as usize);
    (hits > by_chance).then_some(Leak { attack: "rank correlation", hits, by_chance })
}
