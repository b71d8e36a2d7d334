//! Ed25519 as everybody here must check it: RFC 8032 without cofactor, small-order and non-canonical A and R refused.
//!
//! ```text
//! public key  A 32                     y below p, no second encoding of x = 0, not of small order
//! signature   R 32 ‖ S 32              R as A, S below q;  SB = R + H(R ‖ A ‖ M)·A, the cofactor left out
//! key id      SHA-256(A)
//! ```
//! RFC 8032 leaves open what a verifier does with such values, and libraries differ: one statement would be signed for
//! some readers and not for others. Source: RFC 8032, section 5.1; Chalkias, Garillot and Nikolaenko, "Taming the Many
//! EdDSAs" (2020). Not covered: contexts and prehashing (Ed25519ctx, Ed25519ph); whose key it is ([`crate::trust`]).

use core::cmp::Ordering;
use core::fmt;

use ed25519_dalek::Signer as _;

use crate::codec::{B32, b32, fixed, sha256};
use crate::error::{Code, Result, need};
use crate::point::{decompress_any_order, scalar};
use crate::secret::SecretBytes;

/// A signature, 64 bytes: R ‖ S.
pub type Signature = [u8; 64];

/// A public key whose encoding is canonical and whose order is not small. Its point is kept beside its bytes: it verifies
/// many signatures, and need not be found again for each.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct VerifyingKey(ed25519_dalek::VerifyingKey);

impl VerifyingKey {
    /// Reads 32 bytes. Errors: `size`, `A-encoding`, `A-small-order`.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let bytes = b32(bytes)?;
        let a = decompress_any_order(&bytes).map_err(|_| Code::AEncoding)?;
        need(!a.is_small_order(), Code::ASmallOrder)?;
        Ok(Self(ed25519_dalek::VerifyingKey::from_bytes(&bytes).map_err(|_| Code::AEncoding)?))
    }

    /// The 32 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &B32 {
        self.0.as_bytes()
    }

    /// SHA-256 of the 32 bytes.
    #[must_use]
    pub fn key_id(&self) -> B32 {
        sha256(self.as_bytes())
    }

    /// Verifies strictly. Errors: `size`, `scalar`, `R-encoding`, `R-small-order`, `signature`.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<()> {
        let signature: Signature = fixed(signature)?;
        let (r, s) = signature.split_at(32);
        scalar(s)?;
        // It takes R by comparing bytes with those it computes: another encoding of the same point is refused.
        let strict = self.0.verify_strict(message, &ed25519_dalek::Signature::from_bytes(&signature));
        strict.map_err(|_| refused(r).into())
    }
}

/// What is wrong with a signature whose S is a scalar, and which the strict check refused.
fn refused(r: &[u8]) -> Code {
    match b32(r).and_then(|r| decompress_any_order(&r)) {
        Err(_) => Code::REncoding,
        Ok(r) if r.is_small_order() => Code::RSmallOrder,
        Ok(_) => Code::Signature,
    }
}

impl Ord for VerifyingKey {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_bytes().cmp(other.as_bytes())
    }
}

impl PartialOrd for VerifyingKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.as_bytes()))
    }
}

/// A private key, made from its 32-byte seed.
#[derive(Clone)]
pub struct SigningKey(ed25519_dalek::SigningKey);

impl SigningKey {
    /// From an RFC 8032 seed.
    #[must_use]
    pub fn from_seed(seed: &SecretBytes<32>) -> Self {
        Self(ed25519_dalek::SigningKey::from_bytes(seed.expose()))
    }

    /// The public key.
    #[must_use]
    pub fn verifying_key(&self) -> VerifyingKey {
        VerifyingKey(self.0.verifying_key())
    }

    /// Signs; deterministic (RFC 8032).
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> Signature {
        self.0.sign(message).to_bytes()
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<redacted>")
    }
}
