//! Councils and their ceremony: manifest, messages, and the state that is kept between rounds.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use curve25519_dalek::{EdwardsPoint, Scalar};
use tabir_crypto::codec::sha256;
use tabir_crypto::json;
use tabir_crypto::statement::Verb;
use tabir_crypto::statement::body::{CeremonyKind, CouncilFormed, CouncilManifest};
use tabir_crypto::statement::value::{Hex, Hour};
use tabir_crypto::threshold::dkg::{Ceremony, Public, Round1, Round2};
use tabir_crypto::threshold::reshare::{Dealings, VerifiedManifest, deal};
use tabir_crypto::threshold::{Council, Drill};
use tabir_crypto::{Code, Secret, SecretBytes};

use super::{council as fixture, edited, edits, kind, text, vector, world};

/// A ceremony of two of three: the states of its first member, and what he was sent.
struct Made {
    ceremony: Ceremony,
    board: BTreeMap<u16, Vec<u8>>,
    round1: Vec<u8>,
    round2: Vec<u8>,
    shares: BTreeMap<u16, SecretBytes<32>>,
}

static MADE: LazyLock<Made> = LazyLock::new(|| {
    let mut rng = fixture::seeded(21);
    let who = fixture::officials(3, &mut rng);
    let manifest = fixture::manifest(2, 3, &who, &mut rng);
    let ceremony = Ceremony::from_payload(&json::to_vec(&manifest).unwrap()).unwrap();
    let first: Vec<_> = (1..=3).map(|i| Round1::start(&ceremony, i, &mut rng).unwrap()).collect();
    let board: BTreeMap<u16, Vec<u8>> = (1..).zip(&first).map(|(i, r)| (i, r.message().to_vec())).collect();
    let round1 = first[0].to_bytes().unwrap().expose().clone();
    let mut shares = BTreeMap::new();
    let mut round2 = Vec::new();
    for (from, r) in (1..).zip(first) {
        let (next, mut sent) = r.next(board.clone()).unwrap();
        match sent.remove(&1) {
            Some(share) => drop(shares.insert(from, share)),
            None => round2 = next.to_bytes().unwrap().expose().clone(),
        }
    }
    Made { ceremony, board, round1, round2, shares }
});

pub mod council {
    use super::*;

    /// The point at 0 of the polynomial through these members' verifying shares.
    fn at_zero(council: &Council, indices: &[u16]) -> EdwardsPoint {
        let member = |i: u16| {
            let yi = council.member(i).unwrap().yi.compress();
            let yi = curve25519_dalek::edwards::CompressedEdwardsY(yi).decompress().unwrap();
            let others = indices.iter().filter(|j| **j != i);
            let factor = |j: &u16| Scalar::from(*j) * (Scalar::from(*j) - Scalar::from(i)).invert();
            yi * others.map(factor).product::<Scalar>()
        };
        indices.iter().map(|i| member(*i)).sum()
    }

    pub fn run(data: &[u8]) -> bool {
        let Some((kind, data)) = data.split_first() else { return false };
        if kind % 2 == 1 {
            let Ok(ceremony) = Ceremony::from_payload(data) else { return false };
            assert_eq!(*ceremony.id(), sha256(data));
            let m = ceremony.manifest();
            assert!(2 <= m.t && m.t <= m.n && m.n <= 15);
            assert!(m.members.iter().map(|m| m.index).eq(1..=m.n));
            return true;
        }
        let Ok(body) = json::from_slice::<CouncilFormed>(data) else { return false };
        let Ok(council) = Council::from_body(&body) else { return false };
        assert_eq!(council.to_body(body.at), body);
        let (t, n) = (council.t(), council.n());
        assert!(2 <= t && t <= n && n <= 15);
        // Any t of them give the key; the first and the last are tried.
        for indices in [(1..=t).collect::<Vec<_>>(), (n - t + 1..=n).collect()] {
            assert_eq!(at_zero(&council, &indices).compress().0, council.key().point().compress());
        }
        true
    }

    pub fn seeds() -> Vec<Vec<u8>> {
        let of = |t: u16, n: u16| {
            let people: Vec<_> = (1..=n).map(world::official).collect();
            kind(0, json::to_vec(&world::council_body("council", 1, t, &people)).unwrap())
        };
        let low = {
            // A polynomial of too low a degree: one member alone would be enough for t = 2.
            let mut body = world::council_body("low", 1, 2, &[world::official(1), world::official(2)]);
            body.members.iter_mut().for_each(|m| m.yi = body.y);
            kind(0, json::to_vec(&body).unwrap())
        };
        let odd = {
            // A verifying share that is not on the polynomial of the others.
            let mut body = world::council_body("odd", 1, 2, &[1, 2, 3].map(world::official));
            body.members[2].yi = body.y;
            kind(0, json::to_vec(&body).unwrap())
        };
        vec![of(2, 2), of(2, 3), of(3, 3), low, odd, kind(1, text(&vector("ceremony_id").0["manifest"]))]
    }
}

pub mod round1 {
    use super::*;

    /// A changed message, or a state that is not one as it is written.
    pub fn run(data: &[u8]) -> bool {
        let Some((kind, data)) = data.split_first() else { return false };
        let made = &*MADE;
        if kind % 3 == 0 {
            let message = edited(&made.board[&2], data);
            let mut board = made.board.clone();
            board.insert(2, message.clone());
            let sound = message == made.board[&2];
            let public = Public::of(&made.ceremony, &board);
            assert!(public.is_ok() || !sound);
            // The proof of knowledge holds the first commitment only; the others show at the shares.
            let next = Round1::from_bytes(&made.ceremony, &made.round1).unwrap().next(board);
            assert!(next.is_ok() || !sound);
            assert!(next.is_err() || message[..32] == made.board[&2][..32], "a proof of knowledge that nobody made");
            if let Err(e) = &next {
                assert_eq!(e.culprit(), Some(2), "another member is blamed");
            } else if let Ok((round2, _)) = &next {
                let finished = round2.finish(&made.shares);
                assert_eq!(finished.is_ok(), sound);
                assert!(finished.err().is_none_or(|e| e.culprit() == Some(2)));
            }
            return next.is_ok();
        }
        let state = if kind % 3 == 1 { data.to_vec() } else { edited(&made.round1, data) };
        let Ok(read) = Round1::from_bytes(&made.ceremony, &state) else { return false };
        assert_eq!(*read.to_bytes().unwrap().expose(), state, "two ways to write one state");
        true
    }

    pub fn seeds() -> Vec<Vec<u8>> {
        let state = &MADE.round1;
        let mut seeds = vec![kind(1, state), kind(1, [state.as_slice(), &[0]].concat())];
        seeds.extend(edits(&[0, 31, 32, 64, 96, 127]).into_iter().map(|e| kind(0, e)));
        seeds.extend(edits(&[0, 1, 2, 130, 140, 170, 200, 240]).into_iter().map(|e| kind(2, e)));
        seeds
    }
}

pub mod round2 {
    use super::*;

    /// A changed share, or a state that is not one as it is written.
    pub fn run(data: &[u8]) -> bool {
        let Some((kind, data)) = data.split_first() else { return false };
        let made = &*MADE;
        if kind % 3 == 0 {
            let sound = *made.shares[&3].expose();
            let share: [u8; 32] = edited(&sound, data).try_into().unwrap();
            let mut shares = made.shares.clone();
            shares.insert(3, Secret::new(share));
            let finished = Round2::from_bytes(&made.ceremony, &made.round2).unwrap().finish(&shares);
            assert_eq!(finished.is_ok(), share == sound);
            let Ok((share, public)) = finished else {
                assert_eq!(finished.unwrap_err().culprit(), Some(3));
                return false;
            };
            let council = Council::from_body(&made.ceremony.formed(&public, Hour::of(0))).unwrap();
            share.check(&council).unwrap();
            return true;
        }
        let state = if kind % 3 == 1 { data.to_vec() } else { edited(&made.round2, data) };
        let Ok(read) = Round2::from_bytes(&made.ceremony, &state) else { return false };
        assert_eq!(*read.to_bytes().unwrap().expose(), state, "two ways to write one state");
        true
    }

    pub fn seeds() -> Vec<Vec<u8>> {
        let state = &MADE.round2;
        let mut seeds = vec![kind(1, state), kind(1, [state.as_slice(), &[0]].concat())];
        seeds.extend(edits(&[0, 16, 31]).into_iter().map(|e| kind(0, e)));
        seeds.extend(edits(&[0, 1, 2, 130, 386, 390, 430, 470]).into_iter().map(|e| kind(2, e)));
        seeds
    }
}

/// A reshare of a council of two of three, by its members 1 and 3, to the same people: the dealings, and what member 2
/// was dealt.
struct Dealt {
    manifest: VerifiedManifest,
    board: BTreeMap<u16, Vec<u8>>,
    shares: BTreeMap<u16, SecretBytes<32>>,
}

static DEALT: LazyLock<Dealt> = LazyLock::new(|| {
    let mut rng = fixture::seeded(22);
    let who = fixture::officials(3, &mut rng);
    let ceremony = Ceremony::from_payload(&json::to_vec(&fixture::manifest(2, 3, &who, &mut rng)).unwrap()).unwrap();
    let (shares, public) = fixture::run(&ceremony, &mut rng);
    let old = Council::from_body(&ceremony.formed(&public, Hour::of(0))).unwrap();
    let (kind, previous, dealers) = (CeremonyKind::Refresh, Hex(*old.council_id()), vec![1, 3]);
    let body = CouncilManifest { kind, previous, dealers, ..fixture::manifest(2, 3, &who, &mut rng) };
    let statement = world::sign(Verb::CouncilManifest, &body, &who.ed);
    let manifest = VerifiedManifest::verify(&statement, &old).unwrap();
    let (mut board, mut to_second) = (BTreeMap::new(), BTreeMap::new());
    for dealer in [1, 3] {
        let mut dealing = deal(&manifest, &shares[usize::from(dealer) - 1], &mut rng).unwrap();
        board.insert(dealer, dealing.message);
        to_second.insert(dealer, dealing.shares.remove(&2).unwrap());
    }
    Dealt { manifest, board, shares: to_second }
});

pub mod dealing {
    use super::*;

    /// A changed dealing or a changed dealt share, of dealer 3.
    pub fn run(data: &[u8]) -> bool {
        let Some((kind, data)) = data.split_first() else { return false };
        let made = &*DEALT;
        let (mut board, mut shares) = (made.board.clone(), made.shares.clone());
        match kind % 3 {
            0 => drop(board.insert(3, edited(&made.board[&3], data))),
            1 => drop(board.insert(3, data.to_vec())),
            _ => drop(shares.insert(3, Secret::new(edited(made.shares[&3].expose(), data).try_into().unwrap()))),
        }
        let sound = board == made.board && shares == made.shares;
        let dealings = match Dealings::read(&made.manifest, &board) {
            Ok(dealings) => dealings,
            Err(e) => {
                assert!(board != made.board);
                // The dealer is named, unless it takes all dealings together to see what is wrong.
                assert!(e.culprit().is_none_or(|i| i == 3) || e.code() == Code::LowOrder, "another dealer is blamed");
                return false;
            }
        };
        let council = dealings.council();
        assert_eq!(council.key(), made.manifest.old().key(), "another key");
        assert_eq!(council.to_body(Hour::of(0)), dealings.body(Hour::of(0)));
        let finished = dealings.finish(2, &shares);
        assert_eq!(finished.is_ok(), sound, "a dealing that fits no share");
        match finished {
            Ok(share) => share.check(council).unwrap(),
            Err(e) => assert_eq!(e.culprit(), Some(3), "another dealer is blamed"),
        }
        true
    }

    pub fn seeds() -> Vec<Vec<u8>> {
        let mut seeds = vec![kind(1, &DEALT.board[&3]), kind(1, &DEALT.board[&1]), kind(1, &DEALT.board[&3][..32])];
        seeds.extend(edits(&[0, 31, 32, 63]).into_iter().map(|e| kind(0, e)));
        seeds.extend(edits(&[0, 16, 31]).into_iter().map(|e| kind(2, e)));
        seeds
    }
}

pub mod drill {
    use super::*;

    /// The first official's partial of a drill.
    static PARTIAL: LazyLock<(fixture::Town, Vec<u8>)> = LazyLock::new(|| {
        let town = fixture::town(2, 3, 23);
        let partial = Drill::new(&town.council, &[7; 32]).unwrap().partial(town.share(1), &mut fixture::seeded(24));
        (town, partial.unwrap())
    });

    pub fn run(data: &[u8]) -> bool {
        let Some((kind, data)) = data.split_first() else { return false };
        let (town, made) = &*PARTIAL;
        let bytes = if kind % 2 == 0 { data.to_vec() } else { edited(made, data) };
        let drill = Drill::new(&town.council, &[7; 32]).unwrap();
        let checked = drill.check(1, &bytes);
        assert_eq!(checked.is_ok(), bytes == *made, "a partial that nobody made");
        assert!(drill.check(2, &bytes).is_err(), "another official's");
        checked.is_ok()
    }

    pub fn seeds() -> Vec<Vec<u8>> {
        let mut seeds = vec![kind(0, &PARTIAL.1), kind(0, &PARTIAL.1[1..])];
        seeds.extend(edits(&[0, 1, 33, 65, 97, 98, 99, 131, 163, 194]).into_iter().map(|e| kind(1, e)));
        seeds
    }
}
