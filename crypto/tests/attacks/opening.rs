//! Attacks on partial decryptions and their combination.

use curve25519_dalek::constants::EIGHT_TORSION;
use curve25519_dalek::{EdwardsPoint, Scalar};
use tabir_crypto::codec::sha256;
use tabir_crypto::envelope::{Handout, Outer};
use tabir_crypto::error::Code;
use tabir_crypto::hpke::{KemSecretKey, Use, uses};
use tabir_crypto::statement::body::UnsealReleased;
use tabir_crypto::statement::value::Hex;
use tabir_crypto::threshold::{OpeningContext, combine, open, verify};

use crate::council::*;
use crate::kit::*;
use crate::world;

#[test]
fn forged_partials_are_refused_and_their_maker_is_named() {
    let town = town(2, 3, 1);
    let own = sealed(&town, 10, "Siti");
    let context = own.context(&town);
    let e = lifted(&own.inner.inner().to_bytes()[..32]);
    let (c, z, k) = (random(20), random(21), random(22));
    let made_with = |share: Scalar, d: EdwardsPoint| {
        let c = dleq(&context, 2, &d, &EdwardsPoint::mul_base(&k), &(e * k)).challenge();
        partial(&context, 2, &d, &c, &(k + c * share))
    };
    let (right, wrong) = (scalar_of(town.share(2)), scalar_of(town.share(1)));
    // The test's prover is sound.
    assert_eq!(verify(&context, &made_with(right, e * right)).unwrap().index(), 2);
    let yi = edwards(&context.council.member(2).unwrap().yi.compress());
    let d = e * wrong;
    let simulated = partial(&context, 2, &d, &c, &z);
    let (a1, a2) = (EdwardsPoint::mul_base(&z) - yi * c, e * z - d * c);
    let rehashed = partial(&context, 2, &d, &dleq(&context, 2, &d, &a1, &a2).challenge(), &z);
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
    let d = e * s + EIGHT_TORSION[1];
    let mut fooled = 0;
    for seed in 300..400 {
        let k = random(seed);
        let c = dleq(&context, 1, &d, &EdwardsPoint::mul_base(&k), &(e * k)).challenge();
        let z = k + c * s;
        let forged = partial(&context, 1, &d, &c, &z);
        assert_eq!(blamed(verify(&context, &forged)), (Code::MixedOrder, 1));
        fooled += u32::from(partial_holds(&context, &forged, &[]));
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

/// Help with E means D = s·E. With another base the proof is of something else: sound, and of no use.
#[test]
fn a_partial_proven_over_another_base_is_refused() {
    let town = town(2, 3, 1);
    let (own, other) = (sealed(&town, 10, "Siti"), sealed(&town, 20, "Budi"));
    let context = own.context(&town);
    let base = |s: &Sealed| lifted(&s.inner.inner().to_bytes()[..32]);
    let (e, s, k) = (base(&own), scalar_of(town.share(2)), random(50));
    let b = EdwardsPoint::mul_base(&Scalar::ONE);
    let bases = [("-E", -e), ("another's E", base(&other)), ("B", b), ("G2", second()), ("2E", e + e)];
    let proven = |e: EdwardsPoint, b: EdwardsPoint| {
        let d = e * s;
        let c = dleq(&context, 2, &d, &(b * k), &(e * k)).challenge();
        partial(&context, 2, &d, &c, &(k + c * s))
    };
    verify(&context, &proven(e, b)).unwrap();
    for (what, bad) in bases {
        assert_eq!(blamed(verify(&context, &proven(bad, b))), (Code::Dleq, 2), "{what} for E");
    }
    assert_eq!(blamed(verify(&context, &proven(e, second()))), (Code::Dleq, 2), "G2 for B");
}

/// Two of the three who are needed, and the warden, who gives them the inner envelope and skips the log.
#[test]
fn t_less_one_officials_and_the_warden_open_nothing() {
    let town = town(3, 5, 7);
    let own = sealed(&town, 10, "Siti");
    let context = own.context(&town);
    let honest = town.partials(&context, &[1, 2]);
    assert_eq!(code(combine(&context, &honest)), Code::TooFew);
    // A third that one of them makes in the name of another: his own again, rewritten, or of a guess.
    let e = lifted(&own.inner.inner().to_bytes()[..32]);
    let mut renamed = honest[1].clone();
    renamed[98] = 3;
    let guess = random(60);
    let c = dleq(&context, 3, &(e * guess), &EdwardsPoint::mul_base(&random(61)), &(e * random(61))).challenge();
    let guessed = partial(&context, 3, &(e * guess), &c, &(random(61) + c * guess));
    for third in [renamed, guessed] {
        let three = [honest.clone(), vec![third]].concat();
        assert_eq!(blamed(combine(&context, &three)), (Code::Dleq, 3));
    }
    // Without any check: two points of a parabola, at 0, with every small guess for the third.
    let [one, two] = [1, 2].map(|i| e * scalar_of(town.share(i)));
    let y = edwards(&town.council.key().point().compress());
    for third in [one, two, e, y, e * guess, EdwardsPoint::default()] {
        let at_zero = (one - two) * Scalar::from(3u8) + third;
        assert_eq!(code(open(town.council.key(), &own.inner, &dh(at_zero))), Code::Commitment);
    }
    // Control: with the third share the same sum opens it.
    let at_zero = (one - two) * Scalar::from(3u8) + e * scalar_of(town.share(3));
    assert_eq!(open(town.council.key(), &own.inner, &dh(at_zero)).unwrap().record, record("Siti"));
}

/// An approver seals his partial to each other approver; the board could turn copies round, and keep some for later.
#[test]
fn a_sealed_partial_opens_at_its_place_only() {
    let town = town(2, 3, 1);
    let own = sealed(&town, 10, "Siti");
    let partial = town.partials(&own.context(&town), &[2]).remove(0);
    let key = KemSecretKey::generate(&mut seeded(70));
    let place = Use::Partial { request_hash: [1; 32], from: 2, to: 1 };
    let wire = uses::seal(&key.public_key(), &place, &partial, &mut seeded(71)).unwrap();
    assert_eq!(*uses::open(&key, &place, &wire).unwrap().expose(), partial);
    for elsewhere in [
        Use::Partial { request_hash: [2; 32], from: 2, to: 1 },
        Use::Partial { request_hash: [1; 32], from: 3, to: 1 },
        Use::Partial { request_hash: [1; 32], from: 1, to: 2 },
        Use::Handout { request_hash: [1; 32], index: 1 },
    ] {
        assert_eq!(code(uses::open(&key, &elsewhere, &wire)), Code::Aead, "{elsewhere:?}");
    }
}

/// A release to officials 1 and 2 that commits to this hand-out, and what is sealed to 1.
fn handed_out(committed: &Handout, sealed: &Handout, key: &KemSecretKey) -> (UnsealReleased, Vec<u8>) {
    let mut release = world::released(world::hash("request"), 1, &[1, 2]);
    let place = Use::Handout { request_hash: release.request_hash.0, index: 1 };
    let wire = uses::seal(&key.public_key(), &place, sealed.to_bytes().expose(), &mut seeded(73)).unwrap();
    release.inner_commit = Hex(committed.inner_commit());
    release.handouts[0].hash = Hex(sha256(&wire));
    (release, wire)
}

fn handout_of(town: &Town, of: &Sealed) -> Handout {
    of.outer.open(&town.warden, &of.case.binding(town)).unwrap().handout([5; 32])
}

/// The warden has approvals for one case and opens another. Each approver works the label out himself.
#[test]
fn a_warden_who_answers_for_another_case_is_found_out() {
    let town = town(2, 3, 1);
    let (asked, other) = (sealed(&town, 10, "Siti"), sealed(&town, 20, "Budi"));
    let (own, foreign) = (handout_of(&town, &asked), handout_of(&town, &other));
    let (key, key_id) = (KemSecretKey::generate(&mut seeded(70)), town.warden.public_key().key_id());
    let received = |committed: &Handout, sealed: &Handout| {
        let (release, wire) = handed_out(committed, sealed, &key);
        Handout::open(&release, 1, &key, &wire)?.check(&key_id, &asked.case.binding(&town))
    };
    assert_eq!(received(&own, &own).unwrap(), asked.inner);
    assert_eq!(code(received(&foreign, &foreign)), Code::CaseKey);
    // With the asked case's key and signature around the other's inner envelope.
    let (a, b) = (own.to_bytes(), foreign.to_bytes());
    let mixed = [&b.expose()[..32 + 1200], &a.expose()[32 + 1200..]].concat();
    let mixed = Handout::parse(&mixed).unwrap();
    assert_eq!(code(received(&mixed, &mixed)), Code::CaseSig);
}

/// Two inner envelopes for two approvers, both by the reporter whom the warden bribed: each would find the other's help
/// false. The entry commits to one.
#[test]
fn two_hand_outs_for_one_release_are_told_apart() {
    let town = town(2, 3, 1);
    let own = sealed(&town, 10, "Siti");
    let twin = Outer::parse(&own.case.seal(&town, &record("Budi"), &mut seeded(72)).bytes).unwrap();
    let twin = twin.open(&town.warden, &own.case.binding(&town)).unwrap().handout([5; 32]);
    let (one, key) = (handout_of(&town, &own), KemSecretKey::generate(&mut seeded(70)));
    let key_id = town.warden.public_key().key_id();
    twin.check(&key_id, &own.case.binding(&town)).expect("each alone is sound");
    let (release, wire) = handed_out(&one, &twin, &key);
    assert_eq!(code(Handout::open(&release, 1, &key, &wire)), Code::Context);
    let (release, wire) = handed_out(&one, &one, &key);
    assert_eq!(Handout::open(&release, 1, &key, &wire).unwrap(), one);
    // The commitment shows nothing of the envelope to who reads the log: another salt is another one.
    let salted = own.outer.open(&town.warden, &own.case.binding(&town)).unwrap().handout([6; 32]);
    assert_ne!(salted.inner_commit(), one.inner_commit());
}

/// What the board brings instead: other bytes, another approver's, to who was not released to.
#[test]
fn a_hand_out_that_the_board_exchanged_is_refused() {
    let town = town(2, 3, 1);
    let own = sealed(&town, 10, "Siti");
    let handout = handout_of(&town, &own);
    let (mine, theirs) = (KemSecretKey::generate(&mut seeded(70)), KemSecretKey::generate(&mut seeded(74)));
    let (release, wire) = handed_out(&handout, &handout, &mine);
    // Sealed again, by whoever knows the envelope: it is not what the warden logged.
    let place = Use::Handout { request_hash: release.request_hash.0, index: 1 };
    let again = uses::seal(&mine.public_key(), &place, handout.to_bytes().expose(), &mut seeded(75)).unwrap();
    assert_eq!(code(Handout::open(&release, 1, &mine, &again)), Code::Context);
    assert_eq!(code(Handout::open(&release, 2, &mine, &wire)), Code::Context);
    assert_eq!(code(Handout::open(&release, 3, &mine, &wire)), Code::Index);
    assert_eq!(code(Handout::open(&release, 1, &theirs, &wire)), Code::Aead);
}
