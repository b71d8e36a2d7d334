//! The key ceremony: honest runs by separate processes, and what happens to those who cheat.

mod council;

use std::collections::BTreeMap;

use council::*;
use curve25519_dalek::constants::EIGHT_TORSION;
use curve25519_dalek::edwards::CompressedEdwardsY;
use curve25519_dalek::{EdwardsPoint, Scalar};
use tabir_crypto::codec::sha256;
use tabir_crypto::error::Code;
use tabir_crypto::hpke::{Use, uses};
use tabir_crypto::statement::body::{CeremonyKind, CouncilManifest};
use tabir_crypto::statement::value::{Hex, Hour};
use tabir_crypto::threshold::Council;
use tabir_crypto::threshold::dkg::{Ceremony, Public, Round1, Round2, ceremony_id, check_manifest};
use tabir_crypto::{Secret, SecretBytes, json};

type Board = BTreeMap<u16, Vec<u8>>;
type Shares = BTreeMap<u16, SecretBytes<32>>;

fn ceremony(t: u16, n: u16) -> Ceremony {
    let mut rng = seeded(u64::from(100 * t + n));
    let who = officials(n, &mut rng);
    Ceremony::from_payload(&json::to_vec(&manifest(t, n, &who, &mut rng)).unwrap()).unwrap()
}

fn start(ceremony: &Ceremony, seed: u64) -> (Vec<Round1>, Board) {
    let mut rng = seeded(seed);
    let first: Vec<_> = (1..=ceremony.manifest().n).map(|i| Round1::start(ceremony, i, &mut rng).unwrap()).collect();
    let board = (1..).zip(&first).map(|(i, r)| (i, r.message().to_vec())).collect();
    (first, board)
}

/// All members after round 2, and what each has received.
fn second(ceremony: &Ceremony, seed: u64) -> (Vec<Round2>, Vec<Shares>, Board) {
    let (first, board) = start(ceremony, seed);
    let mut inbox = vec![Shares::new(); first.len()];
    let mut second = vec![];
    for (from, r) in (1..).zip(first) {
        let (r, shares) = r.next(board.clone()).unwrap();
        second.push(r);
        for (to, share) in shares {
            inbox[usize::from(to) - 1].insert(from, share);
        }
    }
    (second, inbox, board)
}

#[test]
fn computes_the_ceremony_id_of_the_vectors() {
    let all = vectors();
    let v = &all["formats"]["ceremony_id"][0];
    let payload = v["in"]["manifest"].as_str().unwrap().as_bytes();
    assert_eq!(hex::encode(ceremony_id(payload)), v["out"]["ceremony_id"]);
    let ceremony = Ceremony::from_payload(payload).unwrap();
    assert_eq!(*ceremony.id(), ceremony_id(payload));
    assert_eq!((ceremony.manifest().t, ceremony.manifest().n), (2, 3));
}

#[test]
fn every_size_makes_a_council_of_which_all_agree() {
    for (t, n) in [(2, 2), (2, 3), (3, 3), (3, 5), (5, 7), (2, 15)] {
        let ceremony = ceremony(t, n);
        let (shares, public) = run(&ceremony, &mut seeded(5));
        let council = Council::from_body(&ceremony.formed(&public, Hour::of(0))).unwrap();
        assert_eq!((council.t(), council.n(), council.epoch()), (t, n, 1));
        assert_eq!(*council.transcript(), public.transcript);
        assert_eq!(*council.key().point(), public.y);
        for share in &shares {
            share.check(&council).unwrap();
        }
    }
}

/// Three processes, three key files: nothing is kept in memory between rounds, and round 2 goes sealed.
#[test]
fn three_separate_processes_make_a_key() {
    let mut rng = seeded(1);
    let who = officials(3, &mut rng);
    let ceremony = Ceremony::from_payload(&json::to_vec(&manifest(2, 3, &who, &mut rng)).unwrap()).unwrap();
    let mut board = Board::new();
    let mut files = vec![];
    for i in 1..=3 {
        let first = Round1::start(&ceremony, i, &mut rng).unwrap();
        board.insert(i, first.message().to_vec());
        files.push(first.to_bytes().unwrap());
    }
    let mut posted: BTreeMap<(u16, u16), Vec<u8>> = BTreeMap::new();
    let place = |from, to| Use::Ceremony { ceremony_id: *ceremony.id(), round: 2, from, to };
    for (from, file) in (1..).zip(&mut files) {
        let first = Round1::from_bytes(&ceremony, file.expose()).unwrap();
        assert_eq!(first.message(), board[&from]);
        let (state, shares) = first.next(board.clone()).unwrap();
        assert_eq!(shares.keys().copied().collect::<Vec<_>>(), (1..=3).filter(|i| *i != from).collect::<Vec<_>>());
        for (to, share) in &shares {
            let key = who.kem[usize::from(*to) - 1].public_key();
            let sealed = uses::seal(&key, &place(from, *to), share.expose(), &mut rng).unwrap();
            posted.insert((from, *to), sealed);
        }
        *file = state.to_bytes().unwrap();
    }
    let mut results = vec![];
    for (to, file) in (1..).zip(&files) {
        let state = Round2::from_bytes(&ceremony, file.expose()).unwrap();
        let own = &who.kem[usize::from(to) - 1];
        let open = |from| uses::open(own, &place(from, to), &posted[&(from, to)]).unwrap();
        let read = |from| (from, Secret::new(open(from).expose().as_slice().try_into().unwrap()));
        results.push(state.finish(&(1..=3).filter(|i| *i != to).map(read).collect()).unwrap());
    }
    let public = Public::of(&ceremony, &board).unwrap();
    let council = Council::from_body(&ceremony.formed(&public, Hour::of(0))).unwrap();
    for (share, seen) in &results {
        assert_eq!(*seen, public, "warden and auditor compute the same from the board");
        share.check(&council).unwrap();
    }
}

#[test]
fn the_transcript_is_over_the_documented_bytes() {
    let ceremony = ceremony(2, 3);
    let (_, _, board) = second(&ceremony, 5);
    let public = Public::of(&ceremony, &board).unwrap();
    let mut all = b"tabir/v1/transcript".to_vec();
    all.extend(ceremony.id());
    all.extend(board.values().flatten());
    all.extend(public.y.compress());
    all.extend(public.yi.iter().flat_map(|p| p.compress()));
    assert_eq!(public.transcript, sha256(&all));
    assert_eq!(all.len(), 19 + 32 + 3 * (2 * 32 + 64) + 4 * 32);
}

// ---- round 1 ----

/// What member 1 says to a board on which member 3's message was changed.
fn told(edit: impl FnOnce(&mut Board)) -> (Code, u16) {
    let ceremony = ceremony(2, 3);
    let (mut first, mut board) = start(&ceremony, 5);
    edit(&mut board);
    blamed(first.remove(0).next(board))
}

fn shift(point: &mut [u8], by: EdwardsPoint) {
    let old = CompressedEdwardsY(point.try_into().unwrap()).decompress().unwrap();
    point.copy_from_slice(&(old + by).compress().0);
}

#[test]
fn a_false_proof_of_knowledge_names_its_maker() {
    // His constant term is chosen after he saw the others': he does not know its logarithm.
    let rogue = |b: &mut Board| shift(&mut b.get_mut(&3).unwrap()[..32], EdwardsPoint::mul_base(&Scalar::ONE));
    assert_eq!(told(rogue), (Code::Ceremony, 3));
    let z = |b: &mut Board| b.get_mut(&3).unwrap()[96] ^= 1;
    assert_eq!(told(z), (Code::Ceremony, 3));
}

#[test]
fn a_copied_message_names_its_copier() {
    let copy = |b: &mut Board| drop(b.insert(3, b[&2].clone()));
    assert_eq!(told(copy), (Code::Ceremony, 3));
}

#[test]
fn a_missing_or_extra_message_is_named() {
    assert_eq!(told(|b| drop(b.remove(&2))), (Code::Ceremony, 2));
    assert_eq!(told(|b| drop(b.remove(&1))), (Code::Ceremony, 1));
    assert_eq!(told(|b| drop(b.insert(4, b[&2].clone()))), (Code::Ceremony, 4));
    assert_eq!(told(|b| drop(b.insert(0, b[&2].clone()))), (Code::Ceremony, 0));
}

#[test]
fn a_commitment_of_another_threshold_names_its_maker() {
    let longer = |b: &mut Board| {
        let m = b.get_mut(&3).unwrap();
        let point = m[..32].to_vec();
        m.splice(32..32, point);
    };
    assert_eq!(told(longer), (Code::Size, 3));
    assert_eq!(told(|b| drop(b.get_mut(&3).unwrap().drain(32..64))), (Code::Size, 3));
}

#[test]
fn hostile_points_name_their_maker() {
    let at = |range: core::ops::Range<usize>| {
        move |b: &mut Board| shift(&mut b.get_mut(&3).unwrap()[range], EIGHT_TORSION[1])
    };
    for range in [0..32, 32..64, 64..96] {
        assert_eq!(told(at(range)), (Code::MixedOrder, 3));
    }
    let identity = |b: &mut Board| {
        b.get_mut(&3).unwrap()[32..64].copy_from_slice(&EdwardsPoint::default().compress().0);
    };
    assert_eq!(told(identity), (Code::LowOrder, 3));
    assert_eq!(told(|b| b.get_mut(&3).unwrap()[96..].fill(0xff)), (Code::Scalar, 3));
}

#[test]
fn a_board_that_changes_ones_own_message_is_noticed() {
    let ceremony = ceremony(2, 3);
    let (mut first, mut board) = start(&ceremony, 5);
    // A valid message of member 1, but another one than it sent.
    let other = Round1::start(&ceremony, 1, &mut seeded(6)).unwrap();
    board.insert(1, other.message().to_vec());
    assert_eq!(blamed(first.remove(0).next(board)), (Code::Ceremony, 1));
}

#[test]
fn a_member_who_says_different_things_to_different_people_makes_no_council() {
    let ceremony = ceremony(2, 3);
    let mut rng = seeded(5);
    let mut member = |i| Round1::start(&ceremony, i, &mut rng).unwrap();
    let (one, two, three, three_again) = (member(1), member(2), member(3), member(3));
    let board = |three: &Round1| -> Board {
        [(1, one.message()), (2, two.message()), (3, three.message())].map(|(i, m)| (i, m.to_vec())).into()
    };
    let (to_one, to_two) = (board(&three), board(&three_again));
    let (_, from_three) = three.next(to_one.clone()).unwrap();
    let (_, from_three_again) = three_again.next(to_two.clone()).unwrap();
    let (one, from_one) = one.next(to_one).unwrap();
    let (two, from_two) = two.next(to_two).unwrap();
    let seen_by_one = one.finish(&[(2, from_two[&1].clone()), (3, from_three[&1].clone())].into()).unwrap().1;
    let seen_by_two = two.finish(&[(1, from_one[&2].clone()), (3, from_three_again[&2].clone())].into()).unwrap().1;
    assert_ne!(seen_by_one.transcript, seen_by_two.transcript);
}

// ---- round 2 ----

fn received(edit: impl FnOnce(&mut Shares)) -> (Code, u16) {
    let ceremony = ceremony(3, 5);
    let (members, mut inbox, _) = second(&ceremony, 5);
    members[0].finish(&inbox[0]).unwrap();
    edit(&mut inbox[0]);
    blamed(members[0].finish(&inbox[0]))
}

#[test]
fn a_share_that_was_not_committed_to_names_its_sender() {
    for from in 2..=5 {
        let wrong = |s: &mut Shares| drop(s.insert(from, Secret::new(Scalar::from(5u8).to_bytes())));
        assert_eq!(received(wrong), (Code::Share, from));
    }
    let exchanged = |s: &mut Shares| {
        let (two, three) = (s[&2].clone(), s[&3].clone());
        s.insert(2, three);
        s.insert(3, two);
    };
    assert_eq!(received(exchanged), (Code::Share, 2));
}

#[test]
fn a_share_that_is_no_scalar_names_its_sender() {
    assert_eq!(received(|s| drop(s.insert(4, Secret::new([0xff; 32])))), (Code::Scalar, 4));
}

#[test]
fn a_missing_or_extra_share_is_named() {
    assert_eq!(received(|s| drop(s.remove(&3))), (Code::Ceremony, 3));
    assert_eq!(received(|s| drop(s.insert(6, s[&2].clone()))), (Code::Ceremony, 6));
    assert_eq!(received(|s| drop(s.insert(1, s[&2].clone()))), (Code::Ceremony, 1));
}

// ---- the states between rounds ----

#[test]
fn a_state_of_another_ceremony_is_refused() {
    let (ours, other) = (ceremony(2, 3), ceremony(3, 5));
    let (first, _) = start(&ours, 5);
    let state = first[0].to_bytes().unwrap();
    assert!(Round1::from_bytes(&other, state.expose()).is_err());
    assert!(Round1::from_bytes(&ours, &state.expose()[..state.expose().len() - 1]).is_err());
    assert_eq!(code(Round1::from_bytes(&ours, &[])), Code::Size);
    let mut another_index = state.expose().clone();
    another_index[1] = 2;
    assert_eq!(code(Round1::from_bytes(&ours, &another_index)), Code::Ceremony);

    let (members, _, _) = second(&ours, 5);
    let state = members[0].to_bytes().unwrap();
    assert!(Round2::from_bytes(&other, state.expose()).is_err());
    let mut another_index = state.expose().clone();
    another_index[1] = 2;
    assert_eq!(code(Round2::from_bytes(&ours, &another_index)), Code::Ceremony);
    // A sound message, which is not the one that this member's polynomial belongs to.
    let mut another_message = state.expose().clone();
    let foreign = start(&ours, 6).0.remove(0);
    another_message[2..2 + foreign.message().len()].copy_from_slice(foreign.message());
    assert_eq!(code(Round2::from_bytes(&ours, &another_message)), Code::Ceremony);
}

#[test]
fn no_state_prints_its_secret() {
    let ceremony = ceremony(2, 3);
    let (first, _) = start(&ceremony, 5);
    let state = first[0].to_bytes().unwrap();
    assert_eq!(format!("{state:?}"), "<redacted>");
    let debug = format!("{:?}", first[0]);
    assert!(debug.contains("<redacted>"));
}

#[test]
fn nobody_but_a_member_begins() {
    let ceremony = ceremony(2, 3);
    for index in [0, 4] {
        assert_eq!(code(Round1::start(&ceremony, index, &mut seeded(1))), Code::Index);
    }
}

// ---- the manifest ----

fn refused(edit: impl FnOnce(&mut CouncilManifest)) -> (Code, Option<u16>) {
    let mut m = ceremony(2, 3).manifest().clone();
    check_manifest(&m).unwrap();
    edit(&mut m);
    let from_payload = Ceremony::from_payload(&json::to_vec(&m).unwrap()).map(|_| ());
    assert_eq!(from_payload, check_manifest(&m));
    check_manifest(&m).map_err(|e| (e.code(), e.culprit())).expect_err("accepted")
}

#[test]
fn refuses_a_manifest_with_a_threshold_or_size_out_of_bounds() {
    for (t, n) in [(0, 3), (1, 3), (4, 3), (2, 16)] {
        assert_eq!(refused(|m| (m.t, m.n) = (t, n)), (Code::Threshold, None));
    }
}

#[test]
fn refuses_a_manifest_with_other_indices_than_one_to_n() {
    assert_eq!(refused(|m| m.n = 4), (Code::Index, None));
    assert_eq!(refused(|m| m.members.swap(0, 1)), (Code::Index, None));
    assert_eq!(refused(|m| m.members[0].index = 0), (Code::Index, None));
}

#[test]
fn refuses_a_manifest_with_one_person_on_two_chairs() {
    assert_eq!(refused(|m| m.members[1].ed_vk = m.members[0].ed_vk), (Code::Duplicate, Some(2)));
    assert_eq!(refused(|m| m.members[2].kem_pk = m.members[0].kem_pk.clone()), (Code::Duplicate, Some(3)));
}

#[test]
fn refuses_a_manifest_with_an_unsound_key_and_names_the_member() {
    assert_eq!(refused(|m| m.members[1].ed_vk = Hex([0xff; 32])), (Code::AEncoding, Some(2)));
    assert_eq!(refused(|m| m.members[1].kem_pk.0[1184..].fill(0)), (Code::Kem, Some(2)));
}

#[test]
fn a_first_ceremony_has_no_council_before_and_a_later_one_has() {
    assert_eq!(refused(|m| m.previous = Hex([1; 32])), (Code::Field, None));
    assert_eq!(refused(|m| m.kind = CeremonyKind::Refresh), (Code::Field, None));
}
