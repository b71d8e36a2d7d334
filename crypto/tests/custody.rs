//! A warden key's backup: k of n parts bring it back, fewer do not, and a wrong one is named.

mod common;

use common::Stream;
use tabir_crypto::codec::sha256;
use tabir_crypto::custody::{Backup, HolderCard, Part};
use tabir_crypto::ed25519::SigningKey;
use tabir_crypto::hpke::KemSecretKey;
use tabir_crypto::statement::value::{Bytes, Hex};
use tabir_crypto::{Code, Secret};

fn auditor(n: u8) -> SigningKey {
    SigningKey::from_seed(&Secret::new([n; 32]))
}

fn kem(n: u8) -> KemSecretKey {
    KemSecretKey::from_seed(Secret::new(sha256(&[n])))
}

fn cards(n: u8) -> Vec<HolderCard> {
    (1..=n).map(|i| HolderCard::new(&auditor(i), &kem(i).public_key())).collect()
}

fn key() -> KemSecretKey {
    kem(99)
}

fn backup(n: u8, k: u16) -> Backup {
    Backup::split(&key(), &cards(n), k, &mut Stream::new("split")).unwrap()
}

fn part(backup: &Backup, n: u8) -> Part {
    backup.open(&auditor(n).verifying_key(), &kem(n)).unwrap()
}

fn parts(backup: &Backup, of: &[u8]) -> Vec<Part> {
    of.iter().map(|n| part(backup, *n)).collect()
}

#[test]
fn any_k_parts_bring_the_key_back_and_fewer_do_not() {
    let backup = backup(4, 3);
    for of in [[1, 2, 3], [4, 2, 1], [2, 3, 4], [1, 3, 4]] {
        let back = backup.combine(&parts(&backup, &of)).unwrap();
        assert_eq!(back.seed().expose(), key().seed().expose());
    }
    assert!(backup.combine(&parts(&backup, &[1, 2, 3, 4])).is_ok());
    assert_eq!(backup.combine(&parts(&backup, &[1, 2])).unwrap_err().code(), Code::TooFew);
    assert_eq!(backup.combine(&parts(&backup, &[1, 2, 1])).unwrap_err().code(), Code::Duplicate);
}

#[test]
fn k_minus_one_parts_fit_every_key() {
    // Of two parts of a polynomial of degree 2 any third value gives a polynomial: the two alone decide nothing. With the
    // threshold lowered in the file, what they interpolate to does not open the key.
    let mut forged = backup(4, 3);
    forged.threshold = 2;
    assert_eq!(forged.combine(&parts(&forged, &[1, 2])).unwrap_err().code(), Code::Aead);
}

#[test]
fn a_wrong_part_is_named() {
    let backup = backup(3, 2);
    let mut wrong = parts(&backup, &[1, 3]);
    wrong[1].bytes = Secret::new([7; 32]);
    let error = backup.combine(&wrong).unwrap_err();
    assert_eq!((error.code(), error.culprit()), (Code::Share, Some(3)));
    // Another's part under one's own number.
    let mut swapped = parts(&backup, &[1, 3]);
    swapped[1].index = 2;
    assert_eq!(backup.combine(&swapped).unwrap_err().culprit(), Some(2));
    swapped[1].index = 9;
    assert_eq!(backup.combine(&swapped).unwrap_err().code(), Code::Index);
}

#[test]
fn nobody_but_its_holder_opens_a_part() {
    let backup = backup(3, 2);
    assert!(backup.open(&auditor(1).verifying_key(), &kem(2)).is_err());
    assert_eq!(backup.open(&auditor(9).verifying_key(), &kem(9)).unwrap_err().code(), Code::UnknownKey);
    // A part put into another's place does not open there.
    let mut moved = backup.clone();
    moved.parts[1].sealed = moved.parts[0].sealed.clone();
    moved.parts[1].holder = moved.parts[0].holder;
    moved.parts[0].holder = Hex(*auditor(3).verifying_key().as_bytes());
    moved.parts[2].holder = Hex(*auditor(2).verifying_key().as_bytes());
    assert_eq!(moved.open(&auditor(1).verifying_key(), &kem(1)).unwrap_err().code(), Code::Aead);
}

#[test]
fn a_part_is_given_to_the_machine_that_asks_and_to_no_other() {
    let backup = backup(3, 2);
    let machine = kem(50);
    let given = backup.give(&part(&backup, 2), &machine.public_key(), &mut Stream::new("give")).unwrap();
    let opened = backup.open_given(2, &given, &machine).unwrap();
    assert!(backup.combine(&[opened, part(&backup, 3)]).is_ok());
    assert!(backup.open_given(2, &given, &kem(51)).is_err());
    assert!(backup.open_given(1, &given, &machine).is_err(), "nor as another part");
}

#[test]
fn refuses_a_card_that_its_auditor_did_not_sign() {
    let mut card = HolderCard::new(&auditor(1), &kem(1).public_key());
    assert!(card.check().is_ok());
    card.kem_pk = Bytes(kem(2).public_key().as_bytes().to_vec());
    assert_eq!(card.check().unwrap_err().code(), Code::Signature);
    let mut holders = cards(3);
    holders[2] = card;
    assert!(Backup::split(&key(), &holders, 2, &mut Stream::new("split")).is_err());
}

#[test]
fn refuses_a_threshold_or_holders_that_protect_nothing() {
    for (n, k) in [(3, 0), (3, 1), (3, 4), (1, 2), (16, 2)] {
        let made = Backup::split(&key(), &cards(n), k, &mut Stream::new("split"));
        assert_eq!(made.unwrap_err().code(), Code::Threshold, "{k} of {n}");
    }
    let twice = [cards(2), cards(1)].concat();
    let made = Backup::split(&key(), &twice, 2, &mut Stream::new("split"));
    assert_eq!(made.unwrap_err().code(), Code::Duplicate);
}

#[test]
fn a_backup_of_another_key_is_refused() {
    let honest = backup(3, 2);
    let mut forged = honest.clone();
    forged.key_id = Hex(kem(98).public_key().key_id());
    assert!(forged.open(&auditor(1).verifying_key(), &kem(1)).is_err());
    assert!(forged.combine(&parts(&honest, &[1, 2])).is_err());
    let mut changed = honest.clone();
    changed.wrapped.0[0] ^= 1;
    assert_eq!(changed.combine(&parts(&honest, &[1, 2])).unwrap_err().code(), Code::Aead);
}
