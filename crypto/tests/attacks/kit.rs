//! What a cheat has at home: the same arithmetic, without any check.

use curve25519_dalek::edwards::CompressedEdwardsY;
use curve25519_dalek::{EdwardsPoint, MontgomeryPoint, Scalar};
use sha2::{Digest as _, Sha512};
use tabir_crypto::codec::B32;
use tabir_crypto::envelope::Label;
use tabir_crypto::point::g2;
use tabir_crypto::threshold::{DhOutput, OpeningContext, Share};
use tabir_crypto::{Secret, SecretBytes};

use crate::council::*;

pub fn random(seed: u64) -> Scalar {
    Scalar::from_bytes_mod_order(*SecretBytes::random(&mut seeded(seed)).expose())
}

pub fn scalar_of(share: &Share) -> Scalar {
    Scalar::from_canonical_bytes(share.to_bytes().expose()[2..].try_into().unwrap()).unwrap()
}

/// A lift that looks at nothing.
pub fn lifted(enc: &[u8]) -> EdwardsPoint {
    MontgomeryPoint(enc.try_into().unwrap()).to_edwards(0).unwrap()
}

pub fn edwards(compressed: &B32) -> EdwardsPoint {
    CompressedEdwardsY(*compressed).decompress().unwrap()
}

/// The transcript once more, from its description, with all 64 bytes of its hash.
pub struct T(Sha512);

impl T {
    pub fn new(tag: &str) -> Self {
        Self(Sha512::new()).put("dst", tag.as_bytes())
    }

    pub fn put(mut self, label: &str, data: &[u8]) -> Self {
        self.0.update(u32::try_from(label.len()).unwrap().to_be_bytes());
        self.0.update(label);
        self.0.update(u64::try_from(data.len()).unwrap().to_be_bytes());
        self.0.update(data);
        self
    }

    pub fn point(self, label: &str, p: &EdwardsPoint) -> Self {
        self.put(label, p.compress().as_bytes())
    }

    pub fn challenge(self) -> Scalar {
        Scalar::from_bytes_mod_order_wide(&self.0.finalize().into())
    }
}

/// Challenge of a sender proof for an inner envelope's bytes.
pub fn sender(label: &Label, inner: &[u8], ebar: &EdwardsPoint, w: &EdwardsPoint, wbar: &EdwardsPoint) -> Scalar {
    T::new("tabir/v1/sender")
        .put("label", label.as_bytes())
        .put("enc", &inner[..32])
        .put("commit", &inner[32..64])
        .put("ct", &inner[160..])
        .point("E", &lifted(&inner[..32]))
        .point("Ebar", ebar)
        .point("W", w)
        .point("Wbar", wbar)
        .challenge()
}

pub fn put_proof(inner: &mut [u8], ebar: &EdwardsPoint, c: &Scalar, f: &Scalar) {
    inner[64..96].copy_from_slice(&ebar.compress().0);
    inner[96..128].copy_from_slice(c.as_bytes());
    inner[128..160].copy_from_slice(f.as_bytes());
}

/// Proves, with whatever is taken for the ephemeral scalar, and Ē moved by `by`.
pub fn prove(label: &Label, inner: &mut [u8], e: &Scalar, k: &Scalar, by: &EdwardsPoint) {
    let g2 = edwards(&g2().compress());
    let ebar = g2 * e + by;
    let c = sender(label, inner, &ebar, &EdwardsPoint::mul_base(k), &(g2 * k));
    put_proof(inner, &ebar, &c, &(k + c * e));
}

/// Challenge of a partial's proof.
pub fn dleq(context: &OpeningContext<'_>, index: u16, d: &EdwardsPoint, a1: &EdwardsPoint, a2: &EdwardsPoint) -> Scalar {
    let enc = &context.inner.inner().to_bytes()[..32];
    T::new("tabir/v1/dleq")
        .put("council", context.council.council_id())
        .put("case", &context.case_id)
        .put("label", context.inner.label().as_bytes())
        .put("envelope", &context.envelope_hash)
        .put("inner", context.inner.hash())
        .put("request", &context.request_hash)
        .put("checkpoint", &context.checkpoint_hash)
        .put("recipients", &context.recipients)
        .put("i", &index.to_be_bytes())
        .put("enc", enc)
        .put("Yi", &context.council.member(index).unwrap().yi.compress())
        .point("E", &lifted(enc))
        .point("D", d)
        .point("A1", a1)
        .point("A2", a2)
        .challenge()
}

pub fn partial(context: &OpeningContext<'_>, index: u16, d: &EdwardsPoint, c: &Scalar, z: &Scalar) -> Vec<u8> {
    let head = [context.council.council_id().as_slice(), &context.request_hash, &context.checkpoint_hash].concat();
    let proof = [d.compress().0, c.to_bytes(), z.to_bytes()].concat();
    [[1].as_slice(), &head, &index.to_be_bytes(), &proof].concat()
}

/// Combination of members 1 and 2, without any check: λ_1 = 2, λ_2 = -1.
pub fn unchecked(one: EdwardsPoint, two: EdwardsPoint) -> EdwardsPoint {
    one + one - two
}

pub fn dh(point: EdwardsPoint) -> DhOutput {
    DhOutput::from_bytes(Secret::new(point.to_montgomery().to_bytes()))
}
