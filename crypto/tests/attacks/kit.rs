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

/// A challenge's fields in their order, from their description. A weak scheme leaves some out.
pub struct Fields(&'static str, Vec<(&'static str, Vec<u8>)>);

impl Fields {
    /// The transcript once more, with all 64 bytes of its hash.
    pub fn challenge_without(&self, left_out: &[&str]) -> Scalar {
        let put = |hash: Sha512, label: &str, data: &[u8]| {
            let lengths = (u32::try_from(label.len()).unwrap(), u64::try_from(data.len()).unwrap());
            hash.chain_update(lengths.0.to_be_bytes())
                .chain_update(label)
                .chain_update(lengths.1.to_be_bytes())
                .chain_update(data)
        };
        assert!(left_out.iter().all(|l| self.1.iter().any(|(label, _)| label == l)), "no such field: {left_out:?}");
        let kept = self.1.iter().filter(|(label, _)| !left_out.contains(label));
        let hash =
            kept.fold(put(Sha512::new(), "dst", self.0.as_bytes()), |hash, (label, data)| put(hash, label, data));
        Scalar::from_bytes_mod_order_wide(&hash.finalize().into())
    }

    pub fn challenge(&self) -> Scalar {
        self.challenge_without(&[])
    }
}

fn encoded(p: &EdwardsPoint) -> Vec<u8> {
    p.compress().0.to_vec()
}

/// The eight fields of a sender proof, for an inner envelope's bytes.
pub fn sender(label: &Label, inner: &[u8], ebar: &EdwardsPoint, w: &EdwardsPoint, wbar: &EdwardsPoint) -> Fields {
    let fields = vec![
        ("label", label.as_bytes().to_vec()),
        ("enc", inner[..32].to_vec()),
        ("commit", inner[32..64].to_vec()),
        ("ct", inner[160..].to_vec()),
        ("E", encoded(&lifted(&inner[..32]))),
        ("Ebar", encoded(ebar)),
        ("W", encoded(w)),
        ("Wbar", encoded(wbar)),
    ];
    Fields("tabir/v1/sender", fields)
}

/// The check of a sender proof, without any check of points, in a scheme whose challenge lacks some fields.
pub fn sender_holds(label: &Label, inner: &[u8], left_out: &[&str]) -> bool {
    let part = |at: usize| -> B32 { inner[at..at + 32].try_into().unwrap() };
    let [c, f] = [96, 128].map(|at| Scalar::from_canonical_bytes(part(at)).unwrap());
    let ebar = edwards(&part(64));
    let w = EdwardsPoint::mul_base(&f) - lifted(&inner[..32]) * c;
    let wbar = second() * f - ebar * c;
    sender(label, inner, &ebar, &w, &wbar).challenge_without(left_out) == c
}

/// The second generator.
pub fn second() -> EdwardsPoint {
    edwards(&g2().compress())
}

pub fn put_proof(inner: &mut [u8], ebar: &EdwardsPoint, c: &Scalar, f: &Scalar) {
    inner[64..96].copy_from_slice(&ebar.compress().0);
    inner[96..128].copy_from_slice(c.as_bytes());
    inner[128..160].copy_from_slice(f.as_bytes());
}

/// Proves, with whatever is taken for the ephemeral scalar, and Ē moved by `by`.
pub fn prove(label: &Label, inner: &mut [u8], e: &Scalar, k: &Scalar, by: &EdwardsPoint) {
    let ebar = second() * e + by;
    let c = sender(label, inner, &ebar, &EdwardsPoint::mul_base(k), &(second() * k)).challenge();
    put_proof(inner, &ebar, &c, &(k + c * e));
}

/// The fifteen fields of a partial's proof.
pub fn dleq(
    context: &OpeningContext<'_>,
    index: u16,
    d: &EdwardsPoint,
    a1: &EdwardsPoint,
    a2: &EdwardsPoint,
) -> Fields {
    let enc = context.inner.inner().to_bytes()[..32].to_vec();
    let fields = vec![
        ("council", context.council.council_id().to_vec()),
        ("case", context.case_id.to_vec()),
        ("label", context.inner.label().as_bytes().to_vec()),
        ("envelope", context.envelope_hash.to_vec()),
        ("inner", context.inner.hash().to_vec()),
        ("request", context.request_hash.to_vec()),
        ("checkpoint", context.checkpoint_hash.to_vec()),
        ("recipients", context.recipients.to_vec()),
        ("i", index.to_be_bytes().to_vec()),
        ("enc", enc.clone()),
        ("Yi", context.council.member(index).unwrap().yi.compress().to_vec()),
        ("E", encoded(&lifted(&enc))),
        ("D", encoded(d)),
        ("A1", encoded(a1)),
        ("A2", encoded(a2)),
    ];
    Fields("tabir/v1/dleq", fields)
}

/// The check of a partial's proof alone, in a scheme whose challenge lacks some fields.
pub fn partial_holds(context: &OpeningContext<'_>, bytes: &[u8], left_out: &[&str]) -> bool {
    let part = |at: usize| -> B32 { bytes[at..at + 32].try_into().unwrap() };
    let index = u16::from_be_bytes(bytes[97..99].try_into().unwrap());
    let d = edwards(&part(99));
    let [c, z] = [131, 163].map(|at| Scalar::from_canonical_bytes(part(at)).unwrap());
    let yi = edwards(&context.council.member(index).unwrap().yi.compress());
    let e = lifted(&context.inner.inner().to_bytes()[..32]);
    let (a1, a2) = (EdwardsPoint::mul_base(&z) - yi * c, e * z - d * c);
    dleq(context, index, &d, &a1, &a2).challenge_without(left_out) == c
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
