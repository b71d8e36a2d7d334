//! The attacks on the sealed identity that the design answers, most with the control that shows what each would gain.

mod council;

use council::*;
use curve25519_dalek::constants::EIGHT_TORSION;
use curve25519_dalek::edwards::CompressedEdwardsY;
use curve25519_dalek::{EdwardsPoint, MontgomeryPoint, Scalar};
use sha2::{Digest as _, Sha512};
use tabir_crypto::codec::{B32, Transcript, sha256};
use tabir_crypto::ed25519::SigningKey;
use tabir_crypto::envelope::{Handout, Inner, Label, Outer};
use tabir_crypto::error::Code;
use tabir_crypto::hpke::xwing::{open_with, seal_with};
use tabir_crypto::point::g2;
use tabir_crypto::threshold::{DhOutput, OpeningContext, Share, combine, open, verify};
use tabir_crypto::{Secret, SecretBytes};

// ---- what a cheat has at home ----

fn random(seed: u64) -> Scalar {
    Scalar::from_bytes_mod_order(*SecretBytes::random(&mut seeded(seed)).expose())
}

fn scalar_of(share: &Share) -> Scalar {
    Scalar::from_canonical_bytes(share.to_bytes().expose()[2..].try_into().unwrap()).unwrap()
}

/// A lift that looks at nothing.
fn lifted(enc: &[u8]) -> EdwardsPoint {
    MontgomeryPoint(enc.try_into().unwrap()).to_edwards(0).unwrap()
}

fn edwards(compressed: &B32) -> EdwardsPoint {
    CompressedEdwardsY(*compressed).decompress().unwrap()
}

/// The transcript once more, from its description, with all 64 bytes of its hash.
struct T(Sha512);

impl T {
    fn new(tag: &str) -> Self {
        Self(Sha512::new()).put("dst", tag.as_bytes())
    }

    fn put(mut self, label: &str, data: &[u8]) -> Self {
        self.0.update(u32::try_from(label.len()).unwrap().to_be_bytes());
        self.0.update(label);
        self.0.update(u64::try_from(data.len()).unwrap().to_be_bytes());
        self.0.update(data);
        self
    }

    fn point(self, label: &str, p: &EdwardsPoint) -> Self {
        self.put(label, p.compress().as_bytes())
    }

    fn challenge(self) -> Scalar {
        Scalar::from_bytes_mod_order_wide(&self.0.finalize().into())
    }
}

/// Challenge of a sender proof for an inner envelope's bytes.
fn sender(label: &Label, inner: &[u8], ebar: &EdwardsPoint, w: &EdwardsPoint, wbar: &EdwardsPoint) -> Scalar {
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

fn put_proof(inner: &mut [u8], ebar: &EdwardsPoint, c: &Scalar, f: &Scalar) {
    inner[64..96].copy_from_slice(&ebar.compress().0);
    inner[96..128].copy_from_slice(c.as_bytes());
    inner[128..160].copy_from_slice(f.as_bytes());
}

/// Proves, with whatever is taken for the ephemeral scalar, and Ē moved by `by`.
fn prove(label: &Label, inner: &mut [u8], e: &Scalar, k: &Scalar, by: &EdwardsPoint) {
    let g2 = edwards(&g2().compress());
    let ebar = g2 * e + by;
    let c = sender(label, inner, &ebar, &EdwardsPoint::mul_base(k), &(g2 * k));
    put_proof(inner, &ebar, &c, &(k + c * e));
}

/// Challenge of a partial's proof.
fn dleq(context: &OpeningContext<'_>, index: u16, d: &EdwardsPoint, a1: &EdwardsPoint, a2: &EdwardsPoint) -> Scalar {
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

fn partial(context: &OpeningContext<'_>, index: u16, d: &EdwardsPoint, c: &Scalar, z: &Scalar) -> Vec<u8> {
    let head = [context.council.council_id().as_slice(), &context.request_hash, &context.checkpoint_hash].concat();
    let proof = [d.compress().0, c.to_bytes(), z.to_bytes()].concat();
    [[1].as_slice(), &head, &index.to_be_bytes(), &proof].concat()
}

/// Combination of members 1 and 2, without any check: λ_1 = 2, λ_2 = -1.
fn unchecked(one: EdwardsPoint, two: EdwardsPoint) -> EdwardsPoint {
    one + one - two
}

fn dh(point: EdwardsPoint) -> DhOutput {
    DhOutput::from_bytes(Secret::new(point.to_montgomery().to_bytes()))
}

// ---- sealing and releasing ----

/// Official 1 has a victim's inner envelope, whose opening official 2 refused. He blinds its `enc`, files it as a
/// report of his own, and has official 2 help with that one.
#[test]
fn a_blinded_envelope_is_refused_for_want_of_a_sender_proof() {
    let town = town(2, 3, 1);
    let victim = sealed(&town, 10, "the victim");
    let stolen = victim.inner.inner().to_bytes();
    let e = lifted(&stolen[..32]);
    let r = random(2);
    let blinded = (e * r).to_montgomery().to_bytes();

    // Control: if official 2 helps without looking at the proof, the victim's identity is open.
    let help = |i| lifted(&blinded) * scalar_of(town.share(i));
    let unblinded = unchecked(help(1), help(2)) * r.invert();
    let opened = open(town.council.key(), &victim.inner, &dh(unblinded)).unwrap();
    assert_eq!(opened.record, record("the victim"));

    // What he can try, for his own case: no proof, the victim's, one of the blinding factor, one of a guess, …
    let spam = case(30).label(&town);
    let mut tries = vec![];
    let mut fake = stolen.clone();
    fake[..32].copy_from_slice(&blinded);
    tries.push(fake.clone());
    for known in [r, random(3), Scalar::ONE] {
        prove(&spam, &mut fake, &known, &random(4), &EdwardsPoint::default());
        tries.push(fake.clone());
    }
    // … the victim's moved along with enc, …
    let part = |at: usize| -> B32 { stolen[at..at + 32].try_into().unwrap() };
    let [c, f] = [96, 128].map(|at| Scalar::from_canonical_bytes(part(at)).unwrap());
    for f in [f, f * r, c * r] {
        put_proof(&mut fake, &(edwards(&part(64)) * r), &c, &f);
        tries.push(fake.clone());
    }
    // … and the envelope as it is, under his own label.
    tries.push(stolen);
    for fake in tries {
        assert_eq!(code(Inner::parse(&fake).unwrap().verify(&spam)), Code::SenderProof);
    }
}

#[test]
fn hostile_points_for_enc_are_refused() {
    let town = town(2, 3, 1);
    let own = sealed(&town, 10, "Siti");
    let bytes = own.inner.inner().to_bytes();
    let with = |enc: B32| {
        let mut b = bytes.clone();
        b[..32].copy_from_slice(&enc);
        Inner::parse(&b).unwrap().verify(own.inner.label()).map(|_| ()).map_err(|e| e.code())
    };
    for torsion in &EIGHT_TORSION {
        let refused = with(torsion.to_montgomery().to_bytes()).expect_err("low order");
        // u = -1, of order 4, counts as a point of the twist: the lift finds no point for it.
        assert!(matches!(refused, Code::LowOrder | Code::Twist), "{refused:?}");
    }
    let mixed = (lifted(&bytes[..32]) + EIGHT_TORSION[1]).to_montgomery().to_bytes();
    assert_eq!(with(mixed), Err(Code::MixedOrder));
    let mut high: B32 = bytes[..32].try_into().unwrap();
    high[31] |= 0x80;
    assert_eq!(with(high), Err(Code::Bit255));
    let mut p = [0xff; 32];
    (p[0], p[31]) = (0xed, 0x7f);
    assert_eq!(with(p), Err(Code::NonCanonical));
    let twist = (2..)
        .map(|u| [[u].as_slice(), &[0; 31]].concat())
        .find(|u| MontgomeryPoint(u.as_slice().try_into().unwrap()).to_edwards(0).is_none());
    assert_eq!(with(twist.unwrap().try_into().unwrap()), Err(Code::Twist));
}

/// Why mixed order matters for enc: a partial of such a point shows three bits of the share.
#[test]
fn without_the_check_of_enc_a_partial_leaks_its_share_mod_8() {
    let town = town(2, 3, 1);
    let s = scalar_of(town.share(1));
    let torsion = EIGHT_TORSION[1];
    let hostile = EdwardsPoint::mul_base(&random(5)) + torsion;
    // Times the group's order (q - 1, and once more): only the torsion part is left.
    let strip = |p: EdwardsPoint| p * -Scalar::ONE + p;
    let (seen, unit) = (strip(hostile * s), strip(torsion));
    let leaked = (0..8u8).find(|bits| unit * Scalar::from(*bits) == seen).unwrap();
    assert_eq!(leaked, s.as_bytes()[0] & 7);
}

/// Ē with a small component: about one proof in eight would pass.
#[test]
fn a_sender_proof_over_a_mixed_order_point_is_refused() {
    let town = town(2, 3, 1);
    let own = sealed(&town, 10, "Siti");
    let mut bytes = own.inner.inner().to_bytes();
    let label = own.inner.label();
    let e = random(6);
    bytes[..32].copy_from_slice(&EdwardsPoint::mul_base(&e).to_montgomery().to_bytes());
    let e = if EdwardsPoint::mul_base(&e) == lifted(&bytes[..32]) { e } else { -e };
    prove(label, &mut bytes, &e, &random(7), &EdwardsPoint::default());
    Inner::parse(&bytes).unwrap().verify(label).expect("the test's own proof is sound");
    let mut fooled = 0;
    for seed in 100..200 {
        prove(label, &mut bytes, &e, &random(seed), &EIGHT_TORSION[1]);
        assert_eq!(code(Inner::parse(&bytes).unwrap().verify(label)), Code::MixedOrder);
        let part = |at: usize| -> B32 { bytes[at..at + 32].try_into().unwrap() };
        let [c, f] = [96, 128].map(|at| Scalar::from_canonical_bytes(part(at)).unwrap());
        let ebar = edwards(&part(64));
        let w = EdwardsPoint::mul_base(&f) - lifted(&bytes[..32]) * c;
        let wbar = edwards(&g2().compress()) * f - ebar * c;
        fooled += u32::from(sender(label, &bytes, &ebar, &w, &wbar) == c);
    }
    assert!(fooled > 0, "without the check some would pass");
}

/// Gateway and warden know everything about a case but its key. Neither can put a name into it.
#[test]
fn nobody_but_the_reporter_puts_a_name_into_a_case() {
    let town = town(2, 3, 1);
    let victim = sealed(&town, 10, "the victim");
    let binding = victim.case.binding(&town);
    let label = *victim.inner.label();
    let key = town.warden.public_key();

    // Another name, sealed and soundly proven for the victim's own label: that takes no case key, so the framer can
    // do it (here the test lets the reporter's code do it, and takes only the inner envelope from it).
    let made = victim.case.seal(&town, &record("an innocent"), &mut seeded(8));
    let made = Outer::parse(&made.bytes).unwrap().open(&town.warden, &binding).unwrap();
    let inner = made.inner().inner().to_bytes();
    let framer = SigningKey::from_seed(&Secret::new([66; 32]));
    let message = |inner: &[u8]| {
        let t = Transcript::new("tabir/v1/inner-sig").put("label", label.as_bytes());
        t.put("inner_hash", &sha256(inner)).hash()
    };
    let header = [[1, 1].as_slice(), &key.key_id(), town.council.lineage()].concat();
    let aad = [header.as_slice(), label.as_bytes()].concat();
    let frame = |vk: &B32, signature: &[u8; 64]| {
        let plaintext = [inner.as_slice(), vk, signature].concat();
        let sealed = seal_with(&key, "tabir/v1/outer", &aad, &plaintext, &mut seeded(9)).unwrap();
        let outer = Outer::parse(&[header.as_slice(), &sealed].concat()).unwrap();
        let by_warden = outer.open(&town.warden, &binding).map(|r| r.inner().clone());
        // A warden who frames hands it out himself: the officials must see it too.
        let handout = Handout::parse(&[[0; 32].as_slice(), &plaintext].concat()).unwrap();
        assert_eq!(by_warden, handout.check(&key.key_id(), &binding));
        by_warden
    };
    let (own_vk, victim_vk) = (framer.verifying_key(), victim.case.key.verifying_key());
    assert_eq!(code(frame(own_vk.as_bytes(), &framer.sign(&message(&inner)))), Code::CaseKey);
    assert_eq!(code(frame(victim_vk.as_bytes(), &framer.sign(&message(&inner)))), Code::CaseSig);
    // The warden has the victim's signature over the genuine inner envelope.
    let genuine = victim.inner.inner().to_bytes();
    assert_eq!(code(frame(victim_vk.as_bytes(), &victim.case.key.sign(&message(&genuine)))), Code::CaseSig);
    // Control: with the reporter's own key all of this is accepted, so it was the signature that refused.
    frame(victim_vk.as_bytes(), &victim.case.key.sign(&message(&inner))).unwrap();
}

/// A reporter's signature is for one label: it does not travel to a case with other content.
#[test]
fn a_case_signature_for_another_label_is_refused() {
    let town = town(2, 3, 1);
    let own = sealed(&town, 10, "Siti");
    let binding = own.case.binding(&town);
    let key_id = town.warden.public_key().key_id();
    let handout = own.outer.open(&town.warden, &binding).unwrap().handout([0; 32]);
    let other = tabir_crypto::envelope::CaseBinding { content_hash: [5; 32], ..binding };
    assert_eq!(code(handout.check(&key_id, &other)), Code::CaseSig);
}

#[test]
fn an_envelope_copied_into_another_case_does_not_open() {
    let town = town(2, 3, 1);
    let victim = sealed(&town, 10, "the victim");
    let spam = case(30);
    assert_eq!(code(victim.outer.open(&town.warden, &spam.binding(&town))), Code::Aead);
    let released = victim.outer.open(&town.warden, &victim.case.binding(&town)).unwrap();
    let handed = released.handout([0; 32]).check(&town.warden.public_key().key_id(), &spam.binding(&town));
    assert_eq!(code(handed), Code::CaseKey);
}

/// The outer layer hides the inner envelope from whoever has the stored bytes and every share.
#[test]
fn the_officials_together_cannot_open_the_outer_layer() {
    let town = town(2, 3, 1);
    let own = sealed(&town, 10, "Siti");
    let sealed = own.case.seal(&town, &record("Siti"), &mut seeded(11));
    let inner = own.inner.inner().to_bytes();
    assert!(sealed.bytes.windows(32).all(|w| w != &inner[..32]));
    let aad = [&sealed.bytes[..66], own.inner.label().as_bytes()].concat();
    for share in &town.shares {
        let guess = Secret::new(scalar_of(share).to_bytes());
        let key = tabir_crypto::hpke::KemSecretKey::from_seed(guess);
        assert_eq!(code(open_with(&key, "tabir/v1/outer", &aad, &sealed.bytes[66..])), Code::Aead);
    }
}

// ---- partials and combination ----

#[test]
fn forged_partials_are_refused_and_their_maker_is_named() {
    let town = town(2, 3, 1);
    let own = sealed(&town, 10, "Siti");
    let context = own.context(&town);
    let e = lifted(&own.inner.inner().to_bytes()[..32]);
    let (c, z, k) = (random(20), random(21), random(22));
    let made_with = |share: Scalar, d: EdwardsPoint| {
        let c = dleq(&context, 2, &d, &EdwardsPoint::mul_base(&k), &(e * k));
        partial(&context, 2, &d, &c, &(k + c * share))
    };
    let (right, wrong) = (scalar_of(town.share(2)), scalar_of(town.share(1)));
    // The test's prover is sound.
    assert_eq!(verify(&context, &made_with(right, e * right)).unwrap().index(), 2);
    let yi = edwards(&context.council.member(2).unwrap().yi.compress());
    let d = e * wrong;
    let simulated = partial(&context, 2, &d, &c, &z);
    let (a1, a2) = (EdwardsPoint::mul_base(&z) - yi * c, e * z - d * c);
    let rehashed = partial(&context, 2, &d, &dleq(&context, 2, &d, &a1, &a2), &z);
    for forged in [
        made_with(wrong, e * wrong),      // another share, consistent with itself
        made_with(right, e * wrong),      // a wrong D by the right member
        made_with(random(23), e * right), // a right D without the share
        simulated,                        // challenge and answer first
        rehashed,
    ] {
        assert_eq!(blamed(verify(&context, &forged)), (Code::Dleq, 2));
        let honest = town.partials(&context, &[1]).remove(0);
        assert_eq!(blamed(combine(&context, &[honest, forged])), (Code::Dleq, 2));
    }
}

/// D with a small component: about one in eight would pass, and combine to garbage with nobody to blame.
#[test]
fn a_partial_with_a_mixed_order_point_is_refused() {
    let town = town(2, 3, 1);
    let own = sealed(&town, 10, "Siti");
    let context = own.context(&town);
    let e = lifted(&own.inner.inner().to_bytes()[..32]);
    let s = scalar_of(town.share(1));
    let yi = EdwardsPoint::mul_base(&s);
    let d = e * s + EIGHT_TORSION[1];
    let mut fooled = 0;
    for seed in 300..400 {
        let k = random(seed);
        let c = dleq(&context, 1, &d, &EdwardsPoint::mul_base(&k), &(e * k));
        let z = k + c * s;
        assert_eq!(blamed(verify(&context, &partial(&context, 1, &d, &c, &z))), (Code::MixedOrder, 1));
        let (a1, a2) = (EdwardsPoint::mul_base(&z) - yi * c, e * z - d * c);
        fooled += u32::from(dleq(&context, 1, &d, &a1, &a2) == c);
    }
    assert!(fooled > 0, "without the check some would pass");
    // All of them would combine to a wrong key.
    let wrong = unchecked(d, e * scalar_of(town.share(2)));
    assert_eq!(code(open(town.council.key(), &own.inner, &dh(wrong))), Code::Commitment);
}

#[test]
fn a_low_order_partial_is_refused() {
    let town = town(2, 3, 1);
    let own = sealed(&town, 10, "Siti");
    let context = own.context(&town);
    for torsion in &EIGHT_TORSION {
        let forged = partial(&context, 3, torsion, &random(1), &random(2));
        assert_eq!(blamed(verify(&context, &forged)), (Code::LowOrder, 3));
    }
}

/// One official with the inner envelope in his hands: the mathematics refuses, not a policy.
#[test]
fn one_share_alone_opens_nothing() {
    let town = town(2, 3, 1);
    let own = sealed(&town, 10, "Siti");
    let e = lifted(&own.inner.inner().to_bytes()[..32]);
    let d = e * scalar_of(town.share(1));
    let y = edwards(&town.council.key().point().compress());
    for guess in [d, d + d, e, y, unchecked(d, d), unchecked(d, e), unchecked(d, y)] {
        assert_eq!(code(open(town.council.key(), &own.inner, &dh(guess))), Code::Commitment);
    }
    // Control: the same code with the missing share opens it.
    let both = unchecked(d, e * scalar_of(town.share(2)));
    assert_eq!(open(town.council.key(), &own.inner, &dh(both)).unwrap().record, record("Siti"));
}

#[test]
fn partials_for_one_case_do_not_open_another() {
    let town = town(2, 3, 1);
    let (own, other) = (sealed(&town, 10, "Siti"), sealed(&town, 20, "Budi"));
    let partials = town.partials(&own.context(&town), &[1, 2]);
    assert_eq!(blamed(combine(&other.context(&town), &partials)), (Code::Dleq, 1));
    let dh = combine(&own.context(&town), &partials).unwrap();
    assert_eq!(code(open(town.council.key(), &other.inner, &dh)), Code::Commitment);
}

#[test]
fn an_envelope_to_another_council_stays_shut() {
    let (ours, theirs) = (town(2, 3, 1), town(2, 3, 2));
    let own = sealed(&ours, 10, "Siti");
    let context = OpeningContext { council: &theirs.council, ..own.context(&ours) };
    let dh = combine(&context, &theirs.partials(&context, &[1, 3])).unwrap();
    assert_eq!(code(open(theirs.council.key(), &own.inner, &dh)), Code::Commitment);
    assert_eq!(code(open(ours.council.key(), &own.inner, &dh)), Code::Commitment);
}
