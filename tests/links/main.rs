//! Nobody but its reporter can link an acceptance to its forwarding: whoever reads the intake log tries by order, position,
//! part and value, over what a real gateway and a real forwarder tell it. The same attacks are run over lists that leak a
//! little, each in another way, and must find every one: else that they find nothing would say nothing.

#[path = "../common/mod.rs"]
mod common;
#[allow(dead_code)] // the gateway's own tests use the rest
#[path = "../gateway/harness.rs"]
mod harness;

mod attacks;
mod run;

use attacks::{Leak, Public, leaks, sorted};
use tabir_crypto::B32;
use tabir_crypto::codec::sha256;

/// One report, as only the test knows it: its a, its b, its nf.
pub type Truth = (B32, B32, B32);

/// Reports of one window, in the order in which they came, that have nothing in common but their window.
fn reports(window: u64, count: u64) -> Vec<Truth> {
    let of = |what: &str, i: u64| sha256(format!("{what} {window} {i}").as_bytes());
    (0..count).map(|i| (of("a", i), of("b", i), of("nf", i))).collect()
}

/// Windows as a log would show them that `show` makes of what happened.
fn shown(show: impl Fn(&[Truth]) -> Public) -> Vec<(Public, Vec<Truth>)> {
    let windows = [reports(1, 40), reports(2, 40), reports(3, 300)];
    windows.into_iter().map(|truth| (show(&truth), truth)).collect()
}

/// The lists as the protocol has them, of reports that `made` gives their nf.
fn with_nf(made: impl Fn(&Truth) -> B32) -> Vec<(Public, Vec<Truth>)> {
    let windows = [reports(1, 40), reports(2, 40), reports(3, 300)];
    let made = |truth: Vec<Truth>| truth.iter().map(|r| (r.0, r.1, made(r))).collect::<Vec<_>>();
    windows.into_iter().map(made).map(|truth| (sorted(&truth), truth)).collect()
}

fn names(found: &[Leak]) -> Vec<&'static str> {
    found.iter().map(|leak| leak.attack).collect()
}

#[tokio::test]
async fn what_gateway_and_forwarder_tell_the_log_links_no_acceptance_to_its_forwarding() {
    let told = run::over_http().await;
    assert!(told.len() >= 5, "windows with reports");
    assert_eq!(leaks(&told), []);
}

#[tokio::test]
async fn neither_do_the_parts_of_a_large_window() {
    let (public, truth) = run::large().await;
    assert!(public.pairs.last().unwrap().0 > 2 && public.nf.last().unwrap().0 > 1, "several parts on both sides");
    assert_eq!(leaks(&[(public, truth)]), []);
}

#[test]
fn honest_lists_of_random_values_raise_nothing() {
    assert_eq!(leaks(&shown(sorted)), []);
}

#[test]
fn lists_in_the_order_of_arrival_are_found() {
    let arrival = |truth: &[Truth]| Public {
        pairs: truth.iter().map(|r| (1, r.0, r.1)).collect(),
        nf: truth.iter().map(|r| (1, r.2)).collect(),
    };
    assert!(names(&leaks(&shown(arrival))).contains(&"same place"));
    let backwards = |truth: &[Truth]| {
        let mut public = arrival(truth);
        public.nf.reverse();
        public
    };
    assert!(names(&leaks(&shown(backwards))).contains(&"same place from the end"));
}

#[test]
fn one_list_in_the_order_of_the_other_is_found() {
    let by_a = |truth: &[Truth]| {
        let mut public = sorted(truth);
        let mut truth = truth.to_vec();
        truth.sort_unstable();
        public.nf = truth.iter().map(|r| (1, r.2)).collect();
        public
    };
    assert!(names(&leaks(&shown(by_a))).contains(&"same place"));
    let by_hash_of_b = |truth: &[Truth]| {
        let mut public = sorted(truth);
        let mut truth = truth.to_vec();
        truth.sort_unstable_by_key(|r| sha256(&r.1));
        public.nf = truth.iter().map(|r| (1, r.2)).collect();
        public
    };
    assert!(names(&leaks(&shown(by_hash_of_b))).contains(&"order of H(b)"));
}

/// Only a few reports stand where they came: the rest is shuffled well.
#[test]
fn a_list_that_is_only_half_shuffled_is_found() {
    let half = |truth: &[Truth]| {
        let mut public = sorted(truth);
        let mut by_a = truth.to_vec();
        by_a.sort_unstable();
        // In blocks of ten each, every block in the order of the nf.
        by_a.chunks_mut(10).for_each(|block| block.sort_unstable_by_key(|r| r.2));
        public.nf = by_a.iter().map(|r| (1, r.2)).collect();
        public
    };
    assert!(names(&leaks(&shown(half))).contains(&"rank correlation"));
}

#[test]
fn parts_that_hold_the_same_reports_are_found() {
    let parts = |truth: &[Truth]| {
        let (mut pairs, mut nf) = (Vec::new(), Vec::new());
        for (part, some) in (1..).zip(truth.chunks(truth.len().div_ceil(4))) {
            let some = sorted(some);
            pairs.extend(some.pairs.iter().map(|(_, a, b)| (part, *a, *b)));
            nf.extend(some.nf.iter().map(|(_, nf)| (part, *nf)));
        }
        Public { pairs, nf }
    };
    assert!(names(&leaks(&shown(parts))).contains(&"same part"));
}

#[test]
fn an_nf_that_is_made_of_what_stands_in_the_pair_is_found() {
    let xor = |x: &B32, y: &B32| std::array::from_fn(|i| x[i] ^ y[i]);
    assert!(names(&leaks(&with_nf(|r| sha256(&r.0)))).contains(&"H(a)"));
    assert!(names(&leaks(&with_nf(|r| sha256(&[r.0, r.1].concat())))).contains(&"H(a, b)"));
    assert!(names(&leaks(&with_nf(|r| xor(&r.0, &r.1)))).contains(&"a xor b"));
    assert!(names(&leaks(&with_nf(|r| r.1))).contains(&"b"));
}

#[test]
fn an_nf_that_shares_some_bits_with_its_pair_is_found() {
    let with = |nf: &B32, at: usize, byte: u8| {
        let mut nf = *nf;
        nf[at] = byte;
        nf
    };
    // The first two bytes: as a prefix, and in the order of the lists.
    assert!(!leaks(&with_nf(|r| with(&with(&r.2, 0, r.0[0]), 1, r.0[1]))).is_empty());
    // One byte in the middle, of the b.
    assert!(names(&leaks(&with_nf(|r| with(&r.2, 17, r.1[17])))).contains(&"bytes in common with b"));
    // Nearly all bits are chance, but for a lean to those of the a.
    let leaning = |r: &Truth| std::array::from_fn(|i| r.2[i] ^ ((r.2[i] ^ r.0[i]) & 0b1001));
    assert!(names(&leaks(&with_nf(leaning))).contains(&"bits in common with a"));
}
