//! t partials become the DH output of one envelope, and that its identity record.
//!
//! ```text
//! DH = u(Σ λ_i·D_i),  λ_i = Π j/(j - i) over the other indices j;  pkRm = u(Y)
//! salt of unseal.opened = Export("tabir/v1/opened-salt", 32) of the inner context
//! record_commit         = SHA-256(salt 32 ‖ record 1,024)
//! ```
//! The salt comes out of the envelope itself: all who opened it know the same one, and nobody else does.

use std::collections::BTreeMap;

use curve25519_dalek::traits::MultiscalarMul as _;
use curve25519_dalek::{EdwardsPoint, Scalar};
use sha2::{Digest as _, Sha256};

use super::council::CouncilKey;
use super::partial::{OpeningContext, VerifiedPartial, verify};
use crate::codec::B32;
use crate::envelope::{RECORD_LEN, VerifiedInner};
use crate::error::{Code, Error, Result, need};
use crate::secret::{Secret, SecretBytes};

/// The DH output of one envelope: whoever has it can open that one.
#[derive(Clone, Debug)]
pub struct DhOutput(SecretBytes<32>);

impl DhOutput {
    /// A u-coordinate that was computed elsewhere. A wrong one fails against the envelope's key commitment.
    #[must_use]
    pub const fn from_bytes(u: SecretBytes<32>) -> Self {
        Self(u)
    }

    /// The u-coordinate.
    #[must_use]
    pub const fn as_bytes(&self) -> &SecretBytes<32> {
        &self.0
    }
}

/// Verifies and combines partials of at least t distinct members. The error names the first bad one's maker: leave it
/// out, and ask another. Errors: those of [`verify`], `duplicate`, `too-few`.
pub fn combine<P: AsRef<[u8]>>(context: &OpeningContext<'_>, partials: &[P]) -> Result<DhOutput> {
    let mut good = BTreeMap::new();
    for bytes in partials {
        let partial = verify(context, bytes.as_ref())?;
        let index = partial.index();
        if good.insert(index, partial).is_some() {
            return Err(Error::at(Code::Duplicate, index));
        }
    }
    let t = usize::from(context.council.t());
    need(good.len() >= t, Code::TooFew)?;
    let indices: Vec<u16> = good.keys().copied().take(t).collect();
    let coefficients = indices.iter().map(|i| at_zero(*i, &indices));
    let sum = Secret::new(EdwardsPoint::multiscalar_mul(coefficients, good.values().take(t).map(VerifiedPartial::d)));
    // Verified partials never add up to the identity (Y and E are not it); if they did, its u = 0 is no DH output.
    Ok(DhOutput(Secret::new(sum.expose().to_montgomery().to_bytes())))
}

/// Lagrange coefficient of index i at 0. The indices are distinct, so no divisor is zero.
pub(crate) fn at_zero(i: u16, indices: &[u16]) -> Scalar {
    let others = indices.iter().filter(|j| **j != i).map(|j| Scalar::from(*j));
    let i = Scalar::from(i);
    let (above, below) = others.fold((Scalar::ONE, Scalar::ONE), |(a, b), j| (a * j, b * (j - i)));
    above * below.invert()
}

/// An opened identity.
#[derive(Debug)]
pub struct Opened {
    /// The padded record.
    pub record: SecretBytes<RECORD_LEN>,
    /// The salt of `unseal.opened`.
    pub salt: SecretBytes<32>,
}

/// Opens the envelope. The key commitment is checked before anything is decrypted. Errors: `zero-dh`, `commitment`, `aead`.
pub fn open(council: &CouncilKey, inner: &VerifiedInner, dh: &DhOutput) -> Result<Opened> {
    let (context, record) = inner.open(council, &dh.0)?;
    Ok(Opened { record, salt: context.export(b"tabir/v1/opened-salt")? })
}

/// `record_commit` of `unseal.opened`.
#[must_use]
pub fn record_commit(opened: &Opened) -> B32 {
    Sha256::new().chain_update(opened.salt.expose()).chain_update(opened.record.expose()).finalize().into()
}
