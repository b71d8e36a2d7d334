//! Strict points and scalars of edwards25519: a checked point is a type of its own.
//!
//! An X25519 u-coordinate is lifted to the Edwards point with sign bit 0, always. Refused, for every point that
//! comes from outside: u >= p, bit 255, the twist (u = -1 too), mixed and low order, and any other encoding than
//! the canonical one. Without these checks a partial decryption leaks its share mod 8, and one in eight forged
//! partials passes.
//!
//! ```text
//! u           32, little-endian, below p, bit 255 zero          RFC 7748, section 5
//! point       32: y 255 bits | sign of x                        RFC 8032, section 5.1.2
//! scalar      32, little-endian, below q = 2^252 + …            RFC 8032, section 5.1
//! lift(u)     y = (u - 1)/(u + 1), x even                       RFC 7748, section 4.1
//! ```
//! Source: `docs/protocol.md`, "Building blocks". Not covered: Ristretto, which has no map to X25519 keys.

use std::sync::OnceLock;

use curve25519_dalek::edwards::CompressedEdwardsY;
use curve25519_dalek::montgomery::MontgomeryPoint;
use curve25519_dalek::{EdwardsPoint, Scalar};
use rand_core::CryptoRng;
use sha2::Sha512;

use crate::codec::{B32, Transcript, b32};
use crate::error::{Code, Result, need};
use crate::secret::SecretBytes;

/// A point of the prime-order subgroup, not the identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Point(EdwardsPoint);

impl Point {
    /// Lifts an X25519 u-coordinate, 32 bytes. Errors: `size`, `bit-255`, `non-canonical`, `twist`, `low-order`, `mixed-order`.
    pub fn lift(u: &[u8]) -> Result<Self> {
        let u = b32(u)?;
        need(u.last().is_some_and(|b| b & 0x80 == 0), Code::Bit255)?;
        need(below_p(&u), Code::NonCanonical)?;
        Self::prime(MontgomeryPoint(u).to_edwards(0).ok_or(Code::Twist)?)
    }

    /// Reads a compressed Edwards point, 32 bytes. Errors: `size`, `non-canonical`, `off-curve`, `low-order`, `mixed-order`.
    pub fn decompress(bytes: &[u8]) -> Result<Self> {
        Self::prime(decompress_any_order(&b32(bytes)?)?)
    }

    pub(crate) fn prime(p: EdwardsPoint) -> Result<Self> {
        need(!p.is_small_order(), Code::LowOrder)?;
        need(p.is_torsion_free(), Code::MixedOrder)?;
        Ok(Self(p))
    }

    pub(crate) const fn inner(&self) -> &EdwardsPoint {
        &self.0
    }

    /// Compressed Edwards form, 32 bytes.
    #[must_use]
    pub fn compress(&self) -> B32 {
        self.0.compress().0
    }

    /// The X25519 u-coordinate, 32 bytes.
    #[must_use]
    pub fn to_u(&self) -> B32 {
        self.0.to_montgomery().to_bytes()
    }
}

/// p, little-endian.
const P: B32 = {
    let mut p = [0xff; 32];
    (p[0], p[31]) = (0xed, 0x7f);
    p
};

/// y or u below p = 2^255 - 19, bit 255 left aside: the borrow of a subtraction. It takes as long for every value, since
/// the D of a partial is read here too.
fn below_p(bytes: &B32) -> bool {
    let mut low = *bytes;
    let [.., top] = &mut low;
    *top &= 0x7f;
    let borrow = |borrow, (b, p): (&u8, &u8)| u16::from(*b).wrapping_sub(u16::from(*p) + borrow) >> 15;
    low.iter().zip(&P).fold(0, borrow) == 1
}

/// Canonical decoding without a check of the order: Ed25519 needs it apart. Errors: `non-canonical`, `off-curve`.
pub(crate) fn decompress_any_order(bytes: &B32) -> Result<EdwardsPoint> {
    need(below_p(bytes), Code::NonCanonical)?;
    let p = CompressedEdwardsY(*bytes).decompress().ok_or(Code::OffCurve)?;
    need(p.compress().0 == *bytes, Code::NonCanonical)?; // x = 0 with sign bit 1
    Ok(p)
}

/// A canonical scalar, 32 bytes little-endian, below q. Errors: `size`, `scalar`.
pub(crate) fn scalar(bytes: &[u8]) -> Result<Scalar> {
    Option::from(Scalar::from_canonical_bytes(b32(bytes)?)).ok_or(Code::Scalar.into())
}

/// The second generator: RFC 9380 `edwards25519_XMD:SHA-512_ELL2_RO_` of "second generator" under `tabir/v1/g2`.
/// Nobody knows its discrete logarithm. Its 32 bytes:
/// `7d527b1f25e0afc040ca6bc17303914b5603f26e9b18c4c2be6beabf9f18aaca`.
#[must_use]
pub fn g2() -> Point {
    static G2: OnceLock<EdwardsPoint> = OnceLock::new();
    Point(*G2.get_or_init(|| EdwardsPoint::hash_to_curve::<Sha512>(&[b"second generator"], &[b"tabir/v1/g2"])))
}

/// A proof nonce from secret, fresh randomness and the whole statement so far: a broken random source alone, or
/// a repeated statement alone, reveals nothing.
pub(crate) fn hedged_nonce(statement: &Transcript, secret: &Scalar, rng: &mut impl CryptoRng) -> Scalar {
    let fresh = SecretBytes::<32>::random(rng);
    statement.clone().put("nonce/secret", secret.as_bytes()).put("nonce/random", fresh.expose()).challenge()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::scalar;

    /// Scalars are not public, so these inputs are refused here.
    #[test]
    fn refuses_hostile_scalars() {
        let file: Value = serde_json::from_str(include_str!("../tests/vectors/tabir-v1.json")).unwrap();
        let rejects = file["reject"].as_array().unwrap().iter().filter(|r| r["decoder"] == "scalar");
        let mut tried = 0;
        for reject in rejects {
            let bytes = hex::decode(reject["in"]["s"].as_str().unwrap()).unwrap();
            assert_eq!(scalar(&bytes).unwrap_err().code().as_str(), reject["code"], "{}", reject["rule"]);
            tried += 1;
        }
        assert_eq!(tried, 3);
        assert!(scalar(&[0; 32]).is_ok());
    }
}
