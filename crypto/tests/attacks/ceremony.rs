//! Attacks on the key ceremony.

use std::collections::BTreeMap;

use curve25519_dalek::{EdwardsPoint, Scalar};
use tabir_crypto::error::Code;
use tabir_crypto::hpke::{Use, uses};
use tabir_crypto::statement::value::Hour;
use tabir_crypto::threshold::dkg::{Ceremony, Public, Round1, Round2};
use tabir_crypto::threshold::{Council, open};
use tabir_crypto::{Secret, SecretBytes, json};

use crate::council::*;
use crate::kit::*;

type Board = BTreeMap<u16, Vec<u8>>;
type Shares = BTreeMap<u16, SecretBytes<32>>;

/// A ceremony of this size; another seed is another one, of the same people.
fn plan(t: u16, n: u16, seed: u64) -> Ceremony {
    let who = officials(n, &mut seeded(80));
    Ceremony::from_payload(&json::to_vec(&manifest(t, n, &who, &mut seeded(seed))).unwrap()).unwrap()
}

/// Honest members from 1 on, and what they send to everybody.
fn begin(ceremony: &Ceremony, members: u16, seed: u64) -> (Vec<Round1>, Board) {
    let mut rng = seeded(seed);
    let first: Vec<Round1> = (1..=members).map(|i| Round1::start(ceremony, i, &mut rng).unwrap()).collect();
    let board = (1..).zip(&first).map(|(i, r)| (i, r.message().to_vec())).collect();
    (first, board)
}

fn point(p: &EdwardsPoint) -> [u8; 32] {
    p.compress().0
}

/// Schnorr's proof in the form of round 1, by who knows the scalar of some other point.
fn proof_of(known: &Scalar, k: &Scalar, c: &Scalar) -> Vec<u8> {
    [point(&EdwardsPoint::mul_base(k)), (k + c * known).to_bytes()].concat()
}

/// The second of two speaks last. His constant term cancels the other's, and puts a key in its place that he alone
/// knows; the share that he owes fits his commitments. Only the proof of knowledge stands in his way.
#[test]
fn a_rogue_key_would_take_the_whole_council() {
    let ceremony = plan(2, 2, 81);
    let (mut first, mut board) = begin(&ceremony, 1, 82);
    let honest = edwards(&board[&1][..32].try_into().unwrap());
    let (mine, share) = (random(83), random(84));
    let constant = EdwardsPoint::mul_base(&mine) - honest;
    let slope = EdwardsPoint::mul_base(&share) - constant; // so that f(1)·B = share·B
    let commitments = [point(&constant), point(&slope)].concat();

    // Control: whoever computes the council from such commitments has his key, and he opens what is sealed to it.
    board.insert(2, [commitments.as_slice(), &proof_of(&mine, &random(85), &random(86))].concat());
    let public = Public::of(&ceremony, &board).unwrap();
    assert_eq!(public.y.compress(), point(&EdwardsPoint::mul_base(&mine)));
    let council = Council::from_body(&ceremony.formed(&public, Hour::of(0))).unwrap();
    let warden = tabir_crypto::hpke::KemSecretKey::generate(&mut seeded(87));
    let his = Town { council, shares: vec![], warden };
    let own = sealed(&his, 10, "Siti");
    let alone = lifted(&own.inner.inner().to_bytes()[..32]) * mine;
    assert_eq!(open(his.council.key(), &own.inner, &dh(alone)).unwrap().record, record("Siti"));

    // No proof that he can make holds: of his key, of a guess, the other's own, challenge and answer before R.
    let others = board[&1][64..].to_vec();
    let (c, z) = (random(86), random(88));
    let simulated = [point(&(EdwardsPoint::mul_base(&z) - constant * c)), z.to_bytes()].concat();
    let tries = [proof_of(&mine, &random(85), &c), proof_of(&random(89), &random(85), &c), others, simulated];
    let state = first.remove(0).to_bytes().unwrap();
    for proof in tries {
        board.insert(2, [commitments.as_slice(), &proof].concat());
        let member = Round1::from_bytes(&ceremony, state.expose()).unwrap();
        assert_eq!(blamed(member.next(board.clone())), (Code::Ceremony, 2));
    }
}

/// What the honest member i of such a ceremony does in round 2.
fn second(ceremony: &Ceremony, board: &Board, seed: u64, i: u16) -> (Round2, Shares) {
    begin(ceremony, 3, seed).0.remove(usize::from(i) - 1).next(board.clone()).unwrap()
}

/// Different shares to different people, each on a polynomial of its own: those on another than he committed to name him.
#[test]
fn a_participant_who_sends_shares_of_two_polynomials_is_named() {
    let ceremony = plan(2, 3, 81);
    let (board, another) = (begin(&ceremony, 3, 82).1, begin(&ceremony, 3, 90).1);
    let finish = |i: u16, from_three: &Shares| {
        let other = 3 - i;
        let from_other = second(&ceremony, &board, 82, other).1[&i].clone();
        second(&ceremony, &board, 82, i).0.finish(&[(other, from_other), (3, from_three[&i].clone())].into())
    };
    let (committed_to, other) = (second(&ceremony, &board, 82, 3).1, second(&ceremony, &another, 90, 3).1);
    finish(1, &committed_to).unwrap();
    finish(2, &committed_to).unwrap();
    assert_eq!(blamed(finish(2, &other)), (Code::Share, 3));
}

/// A ceremony that was given up, and the next one of the same people: what was sealed in the first opens in no other,
/// and neither does what was sealed from another or to another.
#[test]
fn a_share_of_an_aborted_ceremony_opens_in_no_other() {
    let (aborted, next) = (plan(2, 3, 81), plan(2, 3, 91));
    assert_ne!(aborted.id(), next.id());
    let key = &officials(3, &mut seeded(80)).kem[1];
    let place = |ceremony: &Ceremony, round, from, to| Use::Ceremony { ceremony_id: *ceremony.id(), round, from, to };
    let old = place(&aborted, 2, 1, 2);
    let wire = uses::seal(&key.public_key(), &old, &[7; 32], &mut seeded(92)).unwrap();
    uses::open(key, &old, &wire).unwrap();
    for other in [place(&next, 2, 1, 2), place(&aborted, 1, 1, 2), place(&aborted, 2, 3, 2), place(&aborted, 2, 1, 3)] {
        assert_eq!(code(uses::open(key, &other, &wire)), Code::Aead, "{other:?}");
    }
}

/// FROST's proof of knowledge has the index and no ceremony. So who sits on that chair now can say again what somebody
/// said on it before; but he owes shares of a polynomial that he does not know.
#[test]
fn a_commitment_of_an_aborted_ceremony_is_of_no_use_without_its_polynomial() {
    let (aborted, next) = (plan(2, 3, 81), plan(2, 3, 91));
    let stolen = begin(&aborted, 3, 82).1.remove(&3).unwrap();
    let (mut first, mut board) = begin(&next, 2, 93);
    board.insert(3, stolen);
    let (one, two) = (first.remove(0), first.remove(0));
    let (_, from_two) = two.next(board.clone()).expect("the proof holds");
    let (one, _) = one.next(board).unwrap();
    for guess in [random(94), Scalar::ZERO, Scalar::ONE] {
        let shares = [(2, from_two[&1].clone()), (3, Secret::new(guess.to_bytes()))].into();
        assert_eq!(blamed(one.finish(&shares)), (Code::Share, 3));
    }
}

/// Not stopped, and shown here: who speaks last sees the others' commitments, tries polynomials, and bends bits of the
/// key. It stays a key that nobody knows: what he chose is his own part of a sum.
#[test]
fn the_last_to_speak_can_bend_bits_of_the_key_and_knows_it_no_better() {
    let ceremony = plan(2, 3, 81);
    let (_, board) = begin(&ceremony, 2, 82);
    let with = |seed| -> Board {
        let last = Round1::start(&ceremony, 3, &mut seeded(seed)).unwrap();
        board.clone().into_iter().chain([(3, last.message().to_vec())]).collect()
    };
    let tries = (100..400).map(|seed| Public::of(&ceremony, &with(seed)).unwrap());
    let bent = tries.into_iter().find(|public| public.y.compress()[0] & 0b111 == 0b101).expect("one in eight");
    // His own constant term, the one scalar that he knows of it, is not the key.
    assert!((100..400).all(|seed| with(seed)[&3][..32] != bent.y.compress()));
}
