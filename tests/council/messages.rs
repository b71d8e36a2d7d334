//! How a device reads the messages of a ceremony: each by its sender, for this ceremony, one from each.

use tabir::api::council::round;
use tabir::client::official::OfficialError;
use tabir::client::official::ceremony::Senders;
use tabir_crypto::ed25519::SigningKey;
use tabir_crypto::statement::body::CouncilMessage;
use tabir_crypto::statement::value::{Bytes, Hex, Hour, V1};
use tabir_crypto::statement::{Statement, Verb};
use tabir_crypto::{B32, Code};

use super::log_support::key;
use super::world::START;

const CEREMONY: B32 = [7; 32];

/// Members 1 to 3 are keys 51 to 53; dealers 2 and 5 of the council before are keys 52 and 61.
fn senders() -> Senders {
    let of = |n| key(n).verifying_key();
    Senders {
        ceremony_id: CEREMONY,
        members: [51, 52, 53].map(of).to_vec(),
        dealers: [(2, of(52)), (5, of(61))].into(),
    }
}

fn by(key: &SigningKey, ceremony: B32, (in_round, from, to): (u8, u16, u16), bytes: &[u8]) -> Statement {
    let (ceremony_id, bytes) = (Hex(ceremony), Bytes(bytes.to_vec()));
    let body = CouncilMessage { v: V1, at: Hour::of(START), ceremony_id, round: in_round, from, to, bytes };
    Statement::signed(Verb::CouncilMessage, &body, key).unwrap()
}

fn read(in_round: u8, all: &[Statement]) -> Result<Vec<(u16, Vec<u8>)>, OfficialError> {
    let found = senders().read(in_round, 0, all)?;
    Ok(found.into_iter().map(|(from, (bytes, _))| (from, bytes)).collect())
}

#[test]
fn reads_each_round_from_its_senders() {
    let all = [
        by(&key(51), CEREMONY, (1, 1, 0), b"a"),
        by(&key(52), CEREMONY, (1, 2, 0), b"b"),
        // For official 2 alone, another round, and a dealer by his index in the council before.
        by(&key(51), CEREMONY, (2, 1, 2), b"c"),
        by(&key(53), CEREMONY, (3, 3, 0), b"d"),
        by(&key(61), CEREMONY, (4, 5, 0), b"e"),
        // A board that lists one message twice blames nobody.
        by(&key(52), CEREMONY, (1, 2, 0), b"b"),
    ];
    assert_eq!(read(1, &all).unwrap(), [(1, b"a".to_vec()), (2, b"b".to_vec())]);
    assert_eq!(read(3, &all).unwrap(), [(3, b"d".to_vec())]);
    assert_eq!(read(round::DEALING, &all).unwrap(), [(5, b"e".to_vec())]);
    assert_eq!(senders().read(2, 2, &all).unwrap().len(), 1);
    assert!(senders().read(2, 3, &all).unwrap().is_empty());
}

#[test]
fn refuses_a_message_of_a_stranger() {
    let error = read(1, &[by(&key(99), CEREMONY, (1, 3, 0), b"x")]).expect_err("nobody knows him");
    assert_eq!(error.code(), Some(Code::UnknownKey));
}

#[test]
fn refuses_a_message_that_its_sender_did_not_sign() {
    let [said, signed] = [b"x", b"y"].map(|bytes| by(&key(51), CEREMONY, (1, 1, 0), bytes).to_bytes());
    let signature = |statement: &[u8]| {
        let text = String::from_utf8(statement.to_vec()).unwrap();
        text.split_once("\"sig\":\"").unwrap().1.split('"').next().unwrap().to_owned()
    };
    let forged = String::from_utf8(said.clone()).unwrap().replace(&signature(&said), &signature(&signed));
    let error = read(1, &[Statement::parse(forged.as_bytes()).unwrap()]).expect_err("of another message");
    assert_eq!(error.code(), Some(Code::Signature));
}

#[test]
fn refuses_a_message_in_another_members_name() {
    for place in [(1, 3, 0), (round::TRANSCRIPT, 1, 0), (round::ABORT, 3, 0), (1, 9, 0), (1, 0, 0)] {
        let error = read(1, &[by(&key(52), CEREMONY, place, b"x")]).expect_err("not his");
        assert_eq!(error.code(), Some(Code::Context), "{place:?}");
    }
    // Dealer 2 is official 52, dealer 5 is 61; and nobody else deals.
    for (n, place) in [(61, (round::DEALING, 2, 0)), (51, (round::DEALING, 1, 0)), (61, (round::ABORT, 5, 0))] {
        let error = read(round::DEALING, &[by(&key(n), CEREMONY, place, b"x")]).expect_err("not his");
        assert_eq!(error.code(), Some(Code::Context), "{place:?}");
    }
}

#[test]
fn refuses_a_message_of_another_ceremony() {
    let error = read(1, &[by(&key(51), [8; 32], (1, 1, 0), b"x")]).expect_err("of another one");
    assert_eq!(error.code(), Some(Code::Context));
}

#[test]
fn names_who_signed_two_messages_for_one_place() {
    let two = |n, place| [by(&key(n), CEREMONY, place, b"x"), by(&key(n), CEREMONY, place, b"y")];
    let error = read(1, &two(53, (1, 3, 0))).expect_err("two versions");
    assert!(matches!(error, OfficialError::Cheater { index: 3, .. }), "{error}");
    let error = read(round::DEALING, &two(61, (round::DEALING, 5, 0))).expect_err("two versions");
    assert!(matches!(error, OfficialError::CheatingDealer { index: 5, .. }), "{error}");
}

#[test]
fn who_ended_it_is_shown_without_what_a_terminal_would_obey() {
    let end = by(&key(53), CEREMONY, (round::ABORT, 3, 0), b"share member 2\x1b[2J\x07\n;rm <b>");
    assert_eq!(senders().aborted(&[end]).unwrap(), Some((3, "share member 22Jrm b".into())));
    let dealer = by(&key(61), CEREMONY, (round::ABORT, round::DEALER + 5, 0), b"ended");
    assert_eq!(senders().aborted(&[dealer]).unwrap(), Some((105, "ended".into())));
    assert_eq!(senders().aborted(&[]).unwrap(), None);
}
