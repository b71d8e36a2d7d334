//! Arithmetic of a cheat.

use curve25519_dalek::constants::EIGHT_TORSION;
use curve25519_dalek::edwards::CompressedEdwardsY;

/// A compressed point plus one of order 8.
pub fn mixed_order(compressed: &[u8]) -> [u8; 32] {
    let point = CompressedEdwardsY::from_slice(compressed).unwrap().decompress().unwrap();
    (point + EIGHT_TORSION[1]).compress().to_bytes()
}
