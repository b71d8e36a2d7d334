//! Two planted leaks, as somebody could write them: what a test of timing must find.

use std::hint::black_box;

use curve25519_dalek::constants::ED25519_BASEPOINT_POINT;
use curve25519_dalek::{EdwardsPoint, Scalar};

use super::dudect::{Coin, Inputs};

/// Compares byte by byte and stops at the first that differs.
pub fn early_end(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| black_box(*a) == black_box(*b))
}

/// Guesses of a secret: fixed is right but for the last byte, random is wrong at once or soon.
pub fn guesses<const N: usize>(secret: &[u8; N], slots: usize, coin: &mut Coin) -> Inputs<[u8; N]> {
    let mut near = *secret;
    near[N - 1] ^= 1;
    let mut random = || core::array::from_fn(|_| (coin.next() >> 32) as u8);
    Inputs::new(vec![near; slots], (0..slots).map(|_| random()).collect())
}

/// A share times a point with the library's function for public scalars: the length of its chain depends on the share.
pub fn vartime_partial(share: &Scalar) -> EdwardsPoint {
    EdwardsPoint::vartime_double_scalar_mul_basepoint(share, &black_box(ED25519_BASEPOINT_POINT), &Scalar::ZERO)
}

/// A share with few digits, and any.
pub fn shares(slots: usize, coin: &mut Coin) -> Inputs<Scalar> {
    let mut random = || Scalar::from_bytes_mod_order(core::array::from_fn(|_| (coin.next() >> 32) as u8));
    Inputs::new(vec![Scalar::from(2_u8); slots], (0..slots).map(|_| random()).collect())
}
