//! The inner envelope: HPKE to the council's split key, with a key commitment and a proof by the sender.
//!
//! ```text
//! enc 32 | key_commitment 32 | Ē 32 | c 32 | f 32 | ct 1,040                       1,200 in all
//! ```
//! HPKE is RFC 9180 base mode (see [`crate::hpke::schedule`]) with info `tabir/v1/inner` and aad = label; the
//! commitment is `Export("tabir/v1/key-commitment", 32)`, since ChaCha20Poly1305 alone does not commit to its key.
//!
//! **Sender proof** (TDH2, Shoup and Gennaro): E = lift(enc) = eB, Ē = eG2, W = kB, W̄ = kG2,
//! c = T("tabir/v1/sender"; label, enc, commit, ct, E, Ebar, W, Wbar), f = k + ce. It shows that whoever made this
//! envelope knew its ephemeral scalar and made it for this label. Without it an official blinds a victim's `enc`,
//! files it as a report of his own, has a colleague help to open that, and unblinds.

use curve25519_dalek::scalar::clamp_integer;
use curve25519_dalek::traits::VartimeMultiscalarMul as _;
use curve25519_dalek::{EdwardsPoint, Scalar};
use rand_core::CryptoRng;
use subtle::{Choice, ConditionallySelectable as _};

use super::label::Label;
use crate::codec::{B32, Transcript, sha256, take};
use crate::error::{Code, Result, need};
use crate::hpke::schedule::Context;
use crate::point::{Point, g2, hedged_nonce, scalar};
use crate::secret::{Secret, SecretBytes};
use crate::threshold::CouncilKey;

/// Length of an inner envelope.
pub const INNER_LEN: usize = 1200;
/// Length of a padded identity record.
pub const RECORD_LEN: usize = 1024;
/// Record and Poly1305 tag.
const CT_LEN: usize = RECORD_LEN + 16;

const INFO: &[u8] = b"tabir/v1/inner";
const KEY_COMMITMENT: &[u8] = b"tabir/v1/key-commitment";

/// An inner envelope as it came: nothing about it is checked but its length.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inner {
    enc: B32,
    commitment: B32,
    ebar: B32,
    c: B32,
    f: B32,
    ct: [u8; CT_LEN],
}

impl Inner {
    /// Reads 1,200 bytes. Error: `size`.
    pub fn parse(mut bytes: &[u8]) -> Result<Self> {
        need(bytes.len() == INNER_LEN, Code::Size)?;
        let b = &mut bytes;
        Ok(Self { enc: take(b)?, commitment: take(b)?, ebar: take(b)?, c: take(b)?, f: take(b)?, ct: take(b)? })
    }

    /// The 1,200 bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        [self.enc.as_slice(), &self.commitment, &self.ebar, &self.c, &self.f, &self.ct].concat()
    }

    /// `inner_hash`: SHA-256 of the 1,200 bytes.
    #[must_use]
    pub fn hash(&self) -> B32 {
        sha256(&self.to_bytes())
    }

    pub(super) fn seal(
        council: &CouncilKey,
        label: &Label,
        record: &SecretBytes<RECORD_LEN>,
        rng: &mut impl CryptoRng,
    ) -> Result<Self> {
        let ephemeral = SecretBytes::random(rng);
        Self::seal_with(council, label, record, &ephemeral, |statement, e| hedged_nonce(statement, e, rng))
    }

    /// `ephemeral` is an X25519 private key.
    pub(crate) fn seal_with(
        council: &CouncilKey,
        label: &Label,
        record: &SecretBytes<RECORD_LEN>,
        ephemeral: &SecretBytes<32>,
        nonce: impl FnOnce(&Transcript, &Scalar) -> Scalar,
    ) -> Result<Self> {
        let clamped = Secret::new(Scalar::from_bytes_mod_order(clamp_integer(*ephemeral.expose())));
        let base = EdwardsPoint::mul_base(clamped.expose());
        // The sign is chosen so that eB is what everybody lifts `enc` to.
        let negative = Choice::from(sign_bit(&base.compress().0));
        let e = Secret::new(Scalar::conditional_select(clamped.expose(), &-clamped.expose(), negative));
        let point = EdwardsPoint::conditional_select(&base, &-base, negative);
        let enc = point.to_montgomery().to_bytes();
        let dh = Secret::new((council.point().inner() * e.expose()).to_montgomery().to_bytes());
        let context = Context::new(&dh, &enc, &council.u(), INFO)?;
        let commitment = *context.export(KEY_COMMITMENT)?.expose();
        let ct = context.seal(label.as_bytes(), record.expose())?;
        let ct = ct.as_slice().try_into().map_err(|_| Code::Size)?;
        let ebar = g2().inner() * e.expose();
        let mut inner = Self { enc, commitment, ebar: ebar.compress().0, c: [0; 32], f: [0; 32], ct };

        let statement = inner.statement(label, &point, &ebar);
        let k = Secret::new(nonce(&statement, e.expose()));
        let w = EdwardsPoint::mul_base(k.expose());
        let c = statement.point("W", &w).point("Wbar", &(g2().inner() * k.expose())).challenge();
        inner.c = c.to_bytes();
        inner.f = (k.expose() + c * e.expose()).to_bytes();
        Ok(inner)
    }

    fn statement(&self, label: &Label, e: &EdwardsPoint, ebar: &EdwardsPoint) -> Transcript {
        Transcript::new("tabir/v1/sender")
            .puts(&[("label", label.as_bytes()), ("enc", &self.enc), ("commit", &self.commitment), ("ct", &self.ct)])
            .point("E", e)
            .point("Ebar", ebar)
    }

    /// Checks the points and the sender proof for this label: the only way to a [`VerifiedInner`].
    /// Errors: those of [`Point`], `scalar`, `sender-proof`.
    pub fn verify(self, label: &Label) -> Result<VerifiedInner> {
        let e = Point::lift(&self.enc)?;
        let ebar = Point::decompress(&self.ebar)?;
        let (c, f) = (scalar(&self.c)?, scalar(&self.f)?);
        let w = EdwardsPoint::vartime_double_scalar_mul_basepoint(&-c, e.inner(), &f);
        let wbar = EdwardsPoint::vartime_multiscalar_mul([f, -c], [*g2().inner(), *ebar.inner()]);
        let statement = self.statement(label, e.inner(), ebar.inner());
        need(statement.point("W", &w).point("Wbar", &wbar).challenge() == c, Code::SenderProof)?;
        Ok(VerifiedInner { hash: self.hash(), inner: self, label: *label, e })
    }
}

/// Sign bit of a compressed point.
fn sign_bit(bytes: &B32) -> u8 {
    bytes.last().map_or(0, |b| b >> 7)
}

/// An inner envelope whose maker has proved that he made it for this label. Officials help with no other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedInner {
    inner: Inner,
    hash: B32,
    label: Label,
    e: Point,
}

impl VerifiedInner {
    /// The envelope.
    #[must_use]
    pub const fn inner(&self) -> &Inner {
        &self.inner
    }

    /// `inner_hash`.
    #[must_use]
    pub const fn hash(&self) -> &B32 {
        &self.hash
    }

    /// The label that the proof was checked for.
    #[must_use]
    pub const fn label(&self) -> &Label {
        &self.label
    }

    pub(crate) const fn enc(&self) -> &B32 {
        &self.inner.enc
    }

    pub(crate) const fn e(&self) -> &Point {
        &self.e
    }

    /// The keys of this envelope from a DH output, if they are the ones that it commits to; then its record.
    /// Errors: `zero-dh`, `commitment`, `aead`.
    pub(crate) fn open(
        &self,
        council: &CouncilKey,
        dh: &SecretBytes<32>,
    ) -> Result<(Context, SecretBytes<RECORD_LEN>)> {
        let context = Context::new(dh, &self.inner.enc, &council.u(), INFO)?;
        let commitment: SecretBytes<32> = context.export(KEY_COMMITMENT)?;
        need(commitment == Secret::new(self.inner.commitment), Code::Commitment)?;
        let record = context.open(self.label.as_bytes(), &self.inner.ct)?;
        let mut fits = false;
        let record = SecretBytes::fill_with(|out| {
            if let Ok(all) = <&[u8; RECORD_LEN]>::try_from(record.expose().as_slice()) {
                (*out, fits) = (*all, true);
            }
        });
        need(fits, Code::Size)?;
        Ok((context, record))
    }
}
