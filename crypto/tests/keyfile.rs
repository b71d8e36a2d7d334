//! Key files: the format spelled out once more, and every way to change one.

mod common;

use argon2::{Algorithm, Argon2, Params, Version};
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use common::{Fixed, Stream, is_refused};
use tabir_crypto::Code;
use tabir_crypto::keyfile::{Cost, open_key_file, seal_key_file};

const PASSPHRASE: &[u8] = b"correct horse";
const AAD: &[u8] = b"lineage, council, index, share";
const HEADER: usize = 58;

fn small() -> Vec<u8> {
    seal_key_file(PASSPHRASE, b"the share", AAD, Cost::LEAST, &mut Stream::new("key file")).unwrap()
}

#[test]
fn the_default_cost_is_64_mib_and_three_passes() {
    let mut rng = Fixed::new([[3; 16].to_vec(), [4; 24].to_vec()].concat());
    let file = seal_key_file(PASSPHRASE, b"the share", AAD, Cost::default(), &mut rng).unwrap();
    let header = [b"tabirkey\x01\x00\x01\x00\x00\x00\x00\x00\x03\x01".to_vec(), vec![3; 16], vec![4; 24]].concat();
    assert_eq!(file[..HEADER], header);
    // By hand, from the drawing in the docs.
    let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(65_536, 3, 1, Some(32)).unwrap());
    let mut key = [0; 32];
    argon.hash_password_into(PASSPHRASE, &[3; 16], &mut key).unwrap();
    let payload = Payload { msg: b"the share", aad: &[&header, AAD].concat() };
    let ct = chacha20poly1305::XChaCha20Poly1305::new(&key.into()).encrypt(&[4; 24].into(), payload).unwrap();
    assert_eq!(file[HEADER..], ct);
    assert_eq!(*open_key_file(PASSPHRASE, &file, AAD).unwrap().expose(), b"the share");
}

#[test]
fn refuses_another_passphrase_or_binding() {
    let file = small();
    assert_eq!(*open_key_file(PASSPHRASE, &file, AAD).unwrap().expose(), b"the share");
    is_refused(open_key_file(b"Correct horse", &file, AAD), Code::Passphrase);
    is_refused(open_key_file(b"", &file, AAD), Code::Passphrase);
    is_refused(open_key_file(PASSPHRASE, &file, b"another member"), Code::Passphrase);
}

#[test]
fn refuses_a_change_of_any_byte() {
    let file = small();
    for at in 0..file.len() {
        let mut changed = file.clone();
        changed[at] ^= 1;
        let code = open_key_file(PASSPHRASE, &changed, AAD).unwrap_err().code();
        match at {
            0..9 => assert_eq!(code, Code::Version, "byte {at}"),
            9..18 => assert!(matches!(code, Code::Field | Code::Passphrase), "byte {at}: {code:?}"),
            _ => assert_eq!(code, Code::Passphrase, "byte {at}"),
        }
    }
    for length in 0..HEADER {
        is_refused(open_key_file(PASSPHRASE, &file[..length], AAD), Code::Size);
    }
    is_refused(open_key_file(PASSPHRASE, &file[..HEADER + 3], AAD), Code::Passphrase);
    is_refused(open_key_file(PASSPHRASE, &[&file[..], b"x"].concat(), AAD), Code::Passphrase);
}

/// Before any work: a planted file would otherwise eat the machine's memory, or make the passphrase cheap to guess.
#[test]
fn refuses_costs_out_of_range() {
    let (least, most) = (Cost::LEAST, Cost::MOST);
    for cost in [
        Cost { memory_kib: least.memory_kib - 1, ..least },
        Cost { memory_kib: most.memory_kib + 1, ..least },
        Cost { memory_kib: u32::MAX, ..least },
        Cost { iterations: 0, ..least },
        Cost { iterations: most.iterations + 1, ..least },
        Cost { lanes: 0, ..least },
        Cost { lanes: most.lanes + 1, ..least },
    ] {
        is_refused(seal_key_file(PASSPHRASE, b"s", AAD, cost, &mut Stream::new("costs")), Code::Field);
        let mut file = small();
        file[9..13].copy_from_slice(&cost.memory_kib.to_be_bytes());
        file[13..17].copy_from_slice(&cost.iterations.to_be_bytes());
        file[17] = cost.lanes;
        is_refused(open_key_file(PASSPHRASE, &file, AAD), Code::Field);
    }
}
