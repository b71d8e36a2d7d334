//! A board that lies in a key ceremony: what an official's device reads of it, and what it makes of that.

use std::collections::BTreeMap;

use tabir::api::council::round;
use tabir::client::official::ceremony::{Senders, agreed};
use tabir::client::official::manifest::{self, FromFile};
use tabir::client::official::{Card, OfficialError};
use tabir::clock::{Clock, Random};
use tabir_crypto::ed25519::SigningKey;
use tabir_crypto::hpke::KemSecretKey;
use tabir_crypto::statement::body::CouncilMessage;
use tabir_crypto::statement::value::{Bytes, Hex, Hour, Text, V1};
use tabir_crypto::statement::{Statement, Verb};
use tabir_crypto::threshold::dkg::{Ceremony, Round1};
use tabir_crypto::threshold::{Council, Drill};
use tabir_crypto::{Code, SecretBytes};

use super::log_support::{key, seed};
use super::world::START;

fn official(n: u16) -> SigningKey {
    key(70 + n as u8)
}

fn cards() -> Vec<Card> {
    let card = |n: u16| Card {
        v: V1,
        name: Text::new("an official").unwrap(),
        ed_vk: Hex(*official(n).verifying_key().as_bytes()),
        kem_pk: kem(80 + n as u8),
    };
    (1..=3).map(card).collect()
}

fn kem(n: u8) -> Bytes {
    Bytes(KemSecretKey::from_seed(seed(n)).public_key().as_bytes().to_vec())
}

/// What three honest officials said to everybody in a ceremony, as the board has it.
struct Said {
    plan: Ceremony,
    all: Vec<Statement>,
}

impl Said {
    /// Each time another ceremony of the same people.
    fn honestly() -> Self {
        let manifest = manifest::build(&cards(), 2, &Clock::manual(START)).unwrap();
        let plan = Ceremony::from_payload(manifest.payload()).unwrap();
        let first: Vec<Round1> = (1..=3).map(|i| Round1::start(&plan, i, &mut Random).unwrap()).collect();
        let board: BTreeMap<u16, Vec<u8>> = (1..).zip(&first).map(|(i, r)| (i, r.message().to_vec())).collect();
        let mut inbox: BTreeMap<u16, BTreeMap<u16, SecretBytes<32>>> = BTreeMap::new();
        let mut second = Vec::new();
        for (from, r) in (1..).zip(first) {
            let (r, shares) = r.next(board.clone()).unwrap();
            second.push(r);
            shares.into_iter().for_each(|(to, share)| drop(inbox.entry(to).or_default().insert(from, share)));
        }
        let mut said = Self { plan, all: Vec::new() };
        for (i, r) in (1..).zip(&second) {
            let (share, public) = r.finish(&inbox[&i]).unwrap();
            let council = Council::from_body(&said.plan.formed(&public, Hour::of(0))).unwrap();
            let drill = Drill::new(&council, council.transcript()).unwrap().partial(&share, &mut Random).unwrap();
            for (in_round, bytes) in [
                (round::COMMITMENTS, board[&i].clone()),
                (round::TRANSCRIPT, council.transcript().to_vec()),
                (round::DRILL, drill),
            ] {
                let message = said.message(&official(i), in_round, i, bytes);
                said.all.push(message);
            }
        }
        said
    }

    fn message(&self, by: &SigningKey, in_round: u8, from: u16, bytes: Vec<u8>) -> Statement {
        let (at, ceremony_id, bytes) = (Hour::of(START), Hex(*self.plan.id()), Bytes(bytes));
        let body = CouncilMessage { v: V1, at, ceremony_id, round: in_round, from, to: 0, bytes };
        Statement::signed(Verb::CouncilMessage, &body, by).unwrap()
    }

    /// Where official i's message of a round stands.
    fn place(&self, in_round: u8, i: u16) -> usize {
        let of_round = [round::COMMITMENTS, round::TRANSCRIPT, round::DRILL].iter().position(|r| *r == in_round);
        usize::from(i - 1) * 3 + of_round.unwrap()
    }

    fn bytes(&self, in_round: u8, i: u16) -> Vec<u8> {
        let message = &self.all[self.place(in_round, i)];
        let tabir_crypto::statement::Body::CouncilMessage(body) = message.body().unwrap() else { panic!("a message") };
        body.bytes.0
    }

    /// What an official's device makes of a board that says this.
    fn read(&self) -> Result<Council, OfficialError> {
        let senders = Senders::new(&self.plan, None)?;
        Ok(agreed(&senders, &self.plan, None, &self.all)?.remove(0).council)
    }

    #[track_caller]
    fn refused(&self, code: Code) {
        assert_eq!(self.read().expect_err("refused").code(), Some(code));
    }
}

#[test]
fn a_message_of_an_aborted_ceremony_is_none_of_this_one() {
    let (aborted, mut now) = (Said::honestly(), Said::honestly());
    now.read().unwrap();
    let place = now.place(round::COMMITMENTS, 3);
    now.all[place] = aborted.all[place].clone();
    now.refused(Code::Context);
}

#[test]
fn a_message_in_another_members_name_is_refused() {
    let mut said = Said::honestly();
    let place = said.place(round::COMMITMENTS, 2);
    // Official 1 speaks for 2 as well: he would hold two parts of the key.
    let own = Round1::start(&said.plan, 2, &mut Random).unwrap().message().to_vec();
    said.all[place] = said.message(&official(1), round::COMMITMENTS, 2, own.clone());
    said.refused(Code::Context);
    said.all[place] = said.message(&key(99), round::COMMITMENTS, 2, own);
    said.refused(Code::UnknownKey);
}

#[test]
fn who_says_two_things_in_one_place_is_named() {
    let mut said = Said::honestly();
    let twice = said.all[said.place(round::COMMITMENTS, 3)].clone();
    said.all.push(twice);
    said.read().expect("the board's list is not his fault");
    let other = Round1::start(&said.plan, 3, &mut Random).unwrap().message().to_vec();
    said.all.push(said.message(&official(3), round::COMMITMENTS, 3, other));
    let error = said.read().expect_err("two messages");
    assert!(matches!(error, OfficialError::Cheater { index: 3, .. }), "{error}");
}

/// The board shows official 3 other first messages than the others: he signs another transcript.
#[test]
fn a_board_that_shows_each_another_ceremony_makes_no_council() {
    let mut said = Said::honestly();
    let place = said.place(round::TRANSCRIPT, 3);
    said.all[place] = said.message(&official(3), round::TRANSCRIPT, 3, vec![7; 32]);
    let error = said.read().expect_err("he saw something else");
    assert!(matches!(error, OfficialError::Differs { index: 3 }), "{error}");
}

/// A share that does not work, or that somebody else has, is found before anybody signs.
#[test]
fn who_has_no_share_that_works_is_named_before_anybody_signs() {
    let mut said = Said::honestly();
    let place = said.place(round::DRILL, 3);
    let of_two = said.bytes(round::DRILL, 2);
    let mut renamed = of_two.clone();
    renamed[98] = 3;
    for false_drill in [of_two, renamed, vec![0; 195]] {
        said.all[place] = said.message(&official(3), round::DRILL, 3, false_drill);
        let error = said.read().expect_err("no share of his");
        assert!(matches!(error, OfficialError::Cheater { index: 3, .. }), "{error}");
    }
}

/// The operator leaves an official's signing key as it is, and puts a key of his own where shares are sealed to.
#[test]
fn a_manifest_with_a_substituted_kem_key_is_not_signed() {
    let known = FromFile(cards().iter().map(|card| format!("{}\n", card.fingerprint())).collect());
    let check = |cards: &[Card]| {
        let manifest = manifest::build(cards, 2, &Clock::manual(START)).unwrap();
        manifest::check(&Ceremony::from_payload(manifest.payload()).unwrap(), Some(1), None, &known)
    };
    check(&cards()).unwrap();
    let mut swapped = cards();
    swapped[1].kem_pk = kem(99);
    let error = check(&swapped).expect_err("a key of the operator's");
    assert!(error.to_string().contains("official 2"), "{error}");
}
