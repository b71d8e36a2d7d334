//! Attachments: the vector, and a file that was cut, reordered, exchanged or described falsely.

mod common;

use common::{Fixed, Node, Stream, case, is_refused, refuses};
use tabir_crypto::attachment::{Attachment, CHUNK, padded_length, seal};
use tabir_crypto::codec::sha256;
use tabir_crypto::statement::value::{Hex, Text};
use tabir_crypto::{B32, Code, json};

const SEALED_CHUNK: usize = CHUNK + 16;

fn media_type() -> Text {
    Text::new("image/jpeg").unwrap()
}

struct Sealed {
    file: Vec<u8>,
    case_id: B32,
    described: Attachment,
    ct: Vec<u8>,
    out: Node,
}

fn vector() -> Sealed {
    let (input, out) = case("attachment");
    let file: Vec<u8> = (0..input.number("true_length")).map(|i| u8::try_from((7 * i + 3) % 251).unwrap()).collect();
    let mut rng = Fixed::new([input.bytes("key"), input.bytes("nonce_prefix"), input.bytes("file_id")].concat());
    let case_id = input.b32("case_id");
    let (described, ct) = seal(&file, &case_id, media_type(), &mut rng).unwrap();
    assert!(rng.0.is_empty());
    Sealed { file, case_id, described, ct, out }
}

#[test]
fn a_file_is_sealed_as_the_vector_says() {
    let Sealed { file, case_id, described, ct, out } = vector();
    assert_eq!((described.length, described.padded_length), (file.len() as u64, out.number("padded_length")));
    assert_eq!(ct.len() as u64, out.number("ct_length"));
    out.is("ct_hash", described.sha256.0);
    out.is("ct_hash", sha256(&ct));
    out.is("first_64", &ct[..64]);
    out.is("last_64", &ct[ct.len() - 64..]);
    assert_eq!(*described.open(&case_id, &ct).unwrap().expose(), file);
}

/// The description is the sender's, so a hostile one fits its hash; the stream itself must notice.
#[test]
fn refuses_hostile_files() {
    refuses("attachment", |i| {
        let Sealed { case_id, mut described, mut ct, .. } = vector();
        let (first, second) = ct.split_at(SEALED_CHUNK);
        match i.text("edit") {
            "drop-last-chunk" => ct = first.to_vec(),
            "first-twice" => ct = [first, first].concat(),
            "swap" => ct = [second, first].concat(),
            "cut" => {
                ct = first.to_vec();
                (described.length, described.padded_length) = (CHUNK as u64, CHUNK as u64);
            }
            "file-id" => described.file_id = Hex([0; 16]),
            "shorter" => described.length -= 1,
            edit => panic!("unknown edit {edit}"),
        }
        described.sha256 = Hex(sha256(&ct));
        described.open(&case_id, &ct)
    });
}

#[test]
fn refuses_a_file_of_another_case_key_or_hash() {
    let Sealed { case_id, described, ct, .. } = vector();
    is_refused(described.open(&[0; 32], &ct), Code::Aead);
    let mut other = ct.clone();
    other[0] ^= 1;
    is_refused(described.open(&case_id, &other), Code::Aead);
    let unfit = Attachment { sha256: Hex(sha256(&other)), ..described.clone() };
    is_refused(unfit.open(&case_id, &ct), Code::Aead);
    let nonce = Attachment { nonce_prefix: Hex([0; 19]), ..described };
    is_refused(nonce.open(&case_id, &ct), Code::Aead);
}

#[test]
fn refuses_lengths_that_do_not_fit() {
    let Sealed { case_id, described, ct, .. } = vector();
    for (length, padded) in [(100_000, 65_536), (100_000, 262_144), (65_536, 131_072), (131_073, 131_072)] {
        let claimed = Attachment { length, padded_length: padded, ..described.clone() };
        is_refused(claimed.open(&case_id, &ct), Code::Size);
    }
    let endless = Attachment { length: u64::MAX, padded_length: u64::MAX, ..described.clone() };
    is_refused(endless.open(&case_id, &ct), Code::TooLong);
    is_refused(described.open(&case_id, &[]), Code::Size);
}

#[test]
fn sizes_at_the_edges_survive() {
    for length in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 2 * CHUNK + 1] {
        let file = vec![0xa5; length];
        let (described, ct) = seal(&file, &[1; 32], media_type(), &mut Stream::new("edge")).unwrap();
        let padded = length.next_power_of_two().max(CHUNK);
        assert_eq!(ct.len(), padded / CHUNK * SEALED_CHUNK, "{length}");
        assert_eq!(padded_length(length as u64).unwrap(), padded as u64);
        assert_eq!(*described.open(&[1; 32], &ct).unwrap().expose(), file, "{length}");
    }
    is_refused(padded_length(u64::MAX), Code::TooLong);
}

#[test]
fn a_description_is_strict_and_hides_its_key() {
    let described = vector().described;
    let text = json::to_vec(&described).unwrap();
    assert_eq!(json::from_slice::<Attachment>(&text).unwrap(), described);
    let text = String::from_utf8(text).unwrap().replacen('{', "{\"name\":\"x\",", 1);
    is_refused(json::from_slice::<Attachment>(text.as_bytes()), Code::UnknownField);
    assert!(!format!("{described:?}").contains(&hex::encode(described.key.expose())));
}
