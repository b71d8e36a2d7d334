//! Attacks on what is sealed, and on the warden's step.

use curve25519_dalek::constants::EIGHT_TORSION;
use curve25519_dalek::{EdwardsPoint, MontgomeryPoint, Scalar};
use tabir_crypto::Secret;
use tabir_crypto::codec::{B32, Transcript, sha256};
use tabir_crypto::ed25519::SigningKey;
use tabir_crypto::envelope::{CaseBinding, Handout, Inner, Label, Outer};
use tabir_crypto::error::Code;
use tabir_crypto::hpke::KemSecretKey;
use tabir_crypto::hpke::xwing::{open_with, seal_with};
use tabir_crypto::threshold::open;

use crate::council::*;
use crate::kit::*;

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
        fooled += u32::from(sender_holds(label, &bytes, &[]));
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
    let other = CaseBinding { content_hash: [5; 32], ..binding };
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
        let key = KemSecretKey::from_seed(guess);
        assert_eq!(code(open_with(&key, "tabir/v1/outer", &aad, &sealed.bytes[66..])), Code::Aead);
    }
}

/// The gateway exchanges the outer layers of two reports. The warden, who can open both, could exchange the inner ones.
#[test]
fn swapped_layers_are_refused() {
    let town = town(2, 3, 1);
    let (one, two) = (sealed(&town, 10, "one"), sealed(&town, 20, "two"));
    let key_id = town.warden.public_key().key_id();
    assert_eq!(code(one.outer.open(&town.warden, &two.case.binding(&town))), Code::Aead);

    let inside = |s: &Sealed| {
        let released = s.outer.open(&town.warden, &s.case.binding(&town)).unwrap();
        released.handout([0; 32]).to_bytes().expose().clone()
    };
    let (of_one, of_two) = (inside(&one), inside(&two));
    let check = |bytes: &[u8]| code(Handout::parse(bytes).unwrap().check(&key_id, &two.case.binding(&town)));
    assert_eq!(check(&of_one), Code::CaseKey);
    let (inner, rest) = (&of_one[..32 + 1200], &of_two[32 + 1200..]);
    assert_eq!(check(&[inner, rest].concat()), Code::CaseSig);
}

/// Version, suite, warden key and lineage stand in front of the ciphertext, where everybody can write.
#[test]
fn the_header_of_an_outer_layer_is_part_of_what_is_sealed() {
    let town = town(2, 3, 1);
    let own = sealed(&town, 10, "Siti");
    let bytes = own.case.seal(&town, &record("Siti"), &mut seeded(11)).bytes;
    let mut lineage = bytes.clone();
    lineage[34] ^= 1;
    let moved = Outer::parse(&lineage).unwrap();
    assert_ne!(moved.lineage(), town.council.lineage());
    assert_eq!(code(moved.open(&town.warden, &own.case.binding(&town))), Code::Aead);
    Outer::parse(&bytes).unwrap().open(&town.warden, &own.case.binding(&town)).unwrap();
}

/// A sound proof, cut out of one envelope and put into another: of another case, and of this case too.
#[test]
fn a_sender_proof_from_another_envelope_is_refused() {
    let town = town(2, 3, 1);
    let (victim, own) = (sealed(&town, 10, "the victim"), sealed(&town, 30, "spam"));
    let again = Outer::parse(&own.case.seal(&town, &record("spam"), &mut seeded(12)).bytes).unwrap();
    let again = again.open(&town.warden, &own.case.binding(&town)).unwrap().inner().clone();
    assert_ne!(again, own.inner);
    for donor in [&own.inner, &again] {
        for (receiver, label) in [(&victim.inner, own.inner.label()), (&victim.inner, victim.inner.label())] {
            let mut bytes = receiver.inner().to_bytes();
            bytes[64..160].copy_from_slice(&donor.inner().to_bytes()[64..160]);
            assert_eq!(code(Inner::parse(&bytes).unwrap().verify(label)), Code::SenderProof);
        }
    }
    let mut bytes = own.inner.inner().to_bytes();
    bytes[64..160].copy_from_slice(&again.inner().to_bytes()[64..160]);
    assert_eq!(code(Inner::parse(&bytes).unwrap().verify(own.inner.label())), Code::SenderProof);
}

/// The warden opens under one key and seals again under another: a key that somebody else has, say.
#[test]
fn an_outer_layer_re_encrypted_to_another_warden_key_is_refused() {
    let town = town(2, 3, 1);
    let own = sealed(&town, 10, "Siti");
    let binding = own.case.binding(&town);
    let plaintext = own.outer.open(&town.warden, &binding).unwrap().handout([0; 32]).to_bytes();
    let plaintext = &plaintext.expose()[32..];
    let other = KemSecretKey::generate(&mut seeded(13));
    let key_id = other.public_key().key_id();
    let header = [[1, 1].as_slice(), &key_id, town.council.lineage()].concat();
    let again = |label: &Label| {
        let aad = [header.as_slice(), label.as_bytes()].concat();
        let sealed = seal_with(&other.public_key(), "tabir/v1/outer", &aad, plaintext, &mut seeded(14)).unwrap();
        Outer::parse(&[header.as_slice(), &sealed].concat()).unwrap().open(&other, &binding)
    };
    // Under the label that whoever opens it works out, the case key has signed nothing.
    assert_eq!(code(again(&binding.label(&key_id))), Code::CaseSig);
    assert_eq!(code(again(own.inner.label())), Code::Aead);
}

/// One envelope, sent again: beside other content, in another case, with another access key, to be told of elsewhere.
#[test]
fn the_same_envelope_fits_one_submission_only() {
    let town = town(2, 3, 1);
    let own = sealed(&town, 10, "Siti");
    let binding = own.case.binding(&town);
    own.outer.open(&town.warden, &binding).unwrap();
    let other = case(30).binding(&town);
    for (what, again, expected) in [
        ("content", CaseBinding { content_hash: other.content_hash, ..binding }, Code::Aead),
        ("notice", CaseBinding { notice_hash: other.notice_hash, ..binding }, Code::Aead),
        ("access key", CaseBinding { access_hash: other.access_hash, ..binding }, Code::CaseKey),
        ("case", CaseBinding { case_id: other.case_id, access_hash: other.access_hash, ..binding }, Code::Aead),
        ("all", other, Code::Aead),
    ] {
        assert_eq!(code(own.outer.open(&town.warden, &again)), expected, "{what}");
    }
}
