//! X-Wing keys and sealing: the vectors, the draft's own vectors, and each message opening at its place only.

mod common;

use common::{Fixed, Stream, case, is_refused, load, refuses};
use tabir_crypto::codec::Transcript;
use tabir_crypto::hpke::uses::{open, seal};
use tabir_crypto::hpke::xwing::{ENC, OVERHEAD, PUBLIC_KEY, open_with, seal_with};
use tabir_crypto::hpke::{KemPublicKey, KemSecretKey, Use};
use tabir_crypto::{B32, Code, json};

#[test]
fn a_seed_is_used_as_it_is() {
    let (input, out) = case("xwing_key");
    let key = KemSecretKey::from_seed(input.secret("seed"));
    out.is("pk", key.public_key().as_bytes());
    assert_eq!(KemPublicKey::from_bytes(&out.bytes("pk")).unwrap(), key.public_key());
    assert_eq!(key.seed().expose()[..], input.bytes("seed"));
}

/// The draft's authors' vectors; the second has another KDF, so only its key pair concerns us.
#[test]
fn matches_the_drafts_vectors() {
    let file = load("xwing-hpke.json");
    let mut sealed = 0;
    for v in file.as_array().unwrap().iter().cloned().map(common::Node) {
        let key = KemSecretKey::from_seed(v.secret("skRm"));
        v.is("pkRm", key.public_key().as_bytes());
        if v.number("kdf_id") == 1 {
            let info = String::from_utf8(v.bytes("info")).unwrap();
            let first = &v.nodes("encryptions")[0];
            let (aad, pt) = (first.bytes("aad"), first.bytes("pt"));
            let wire = seal_with(&key.public_key(), &info, &aad, &pt, &mut Fixed::new(v.bytes("ikmE"))).unwrap();
            assert_eq!(wire, [v.bytes("enc"), first.bytes("ct")].concat());
            assert_eq!(*open_with(&key, &info, &aad, &wire).unwrap().expose(), pt);
            sealed += 1;
        }
    }
    assert_eq!(sealed, 1);
}

#[test]
fn refuses_hostile_ciphertexts() {
    refuses("hpke", |i| {
        let key = KemSecretKey::from_seed(i.secret("seed"));
        open_with(&key, i.text("info"), &i.bytes("aad"), &i.bytes("wire"))
    });
}

#[test]
fn refuses_hostile_keys() {
    refuses("xwing_pk", |i| KemPublicKey::from_bytes(&i.bytes("pk")));
    is_refused(KemPublicKey::from_bytes(&[0; PUBLIC_KEY - 1]), Code::Size);
}

#[test]
fn refuses_hostile_keys_inside_json() {
    let good = KemSecretKey::generate(&mut Stream::new("key")).public_key();
    let text = serde_json::to_vec(&good).unwrap();
    assert_eq!(json::from_slice::<KemPublicKey>(&text).unwrap(), good);
    let zeroed = [&good.as_bytes()[..PUBLIC_KEY - 32], &[0; 32]].concat();
    let text = serde_json::to_vec(&tabir_crypto::statement::value::Bytes(zeroed)).unwrap();
    is_refused(json::from_slice::<KemPublicKey>(&text), Code::Field);
}

/// Every encoding of a low-order u, unreduced ones and bit 255 included, gives a shared secret of zero.
#[test]
fn refuses_every_low_order_x25519_half() {
    let order_8 = "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157";
    let order_8_other = "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800";
    let p = |low: u8| hex::encode([&[low][..], &[0xff; 30], &[0x7f]].concat());
    let small = |low: u8| hex::encode([&[low][..], &[0; 31]].concat());
    let key = KemSecretKey::generate(&mut Stream::new("key"));
    let wire = seal_with(&key.public_key(), "i", b"", b"m", &mut Stream::new("ekm")).unwrap();
    for u in [small(0), small(1), p(0xec), p(0xed), p(0xee), order_8.to_owned(), order_8_other.to_owned()] {
        for top in [0, 0x80] {
            let mut u = hex::decode(&u).unwrap();
            u[31] |= top;
            let pk = [&key.public_key().as_bytes()[..PUBLIC_KEY - 32], &u].concat();
            is_refused(KemPublicKey::from_bytes(&pk), Code::Kem);
            let wire = [&wire[..ENC - 32], &u, &wire[ENC..]].concat();
            is_refused(open_with(&key, "i", b"", &wire), Code::Kem);
        }
    }
}

#[test]
fn refuses_to_seal_nothing() {
    let key = KemSecretKey::generate(&mut Stream::new("key")).public_key();
    is_refused(seal_with(&key, "i", b"", b"", &mut Stream::new("ekm")), Code::Size);
    let other = KemSecretKey::generate(&mut Stream::new("other"));
    let wire = seal_with(&key, "i", b"", b"m", &mut Stream::new("ekm")).unwrap();
    assert_eq!(wire.len(), OVERHEAD + 1);
    is_refused(open_with(&other, "i", b"", &wire), Code::Aead);
}

const A: B32 = [1; 32];
const B: B32 = [2; 32];

type Row = (Use, &'static str, Vec<(&'static str, Vec<u8>)>);

/// The table of `docs/protocol.md`, "HPKE uses", as data.
fn table() -> Vec<Row> {
    let (a, b) = (A.to_vec(), B.to_vec());
    let seq = || ("seq", 7u64.to_be_bytes().to_vec());
    let u16 = |n: u16| n.to_be_bytes().to_vec();
    vec![
        (
            Use::Content { case_id: A, intake_key_id: B },
            "tabir/v1/content",
            vec![("case_id", a.clone()), ("intake_key_id", b.clone())],
        ),
        (
            Use::Followup { case_id: A, seq: 7, intake_key_id: B },
            "tabir/v1/followup",
            vec![("case_id", a.clone()), seq(), ("intake_key_id", b.clone())],
        ),
        (Use::Mailbox { case_id: A, seq: 7 }, "tabir/v1/mailbox", vec![("case_id", a.clone()), seq()]),
        (
            Use::Request { commit: A, recipient_key_id: B },
            "tabir/v1/request",
            vec![("commit", a.clone()), ("recipient_key_id", b)],
        ),
        (
            Use::Handout { request_hash: A, index: 3 },
            "tabir/v1/handout",
            vec![("request_hash", a.clone()), ("index", u16(3))],
        ),
        (
            Use::Partial { request_hash: A, from: 1, to: 3 },
            "tabir/v1/partial",
            vec![("request_hash", a.clone()), ("from", u16(1)), ("to", u16(3))],
        ),
        (
            Use::Ceremony { ceremony_id: A, round: 2, from: 1, to: 3 },
            "tabir/v1/ceremony",
            vec![("ceremony_id", a.clone()), ("round", vec![2]), ("from", u16(1)), ("to", u16(3))],
        ),
        (
            Use::BackupPart { key_id: A, index: 3 },
            "tabir/v1/backup-part",
            vec![("key_id", a.clone()), ("index", u16(3))],
        ),
        (Use::StoreBackup { manifest: A }, "tabir/v1/store-backup", vec![("manifest", a)]),
    ]
}

#[test]
fn each_use_has_its_info_and_aad() {
    for (place, info, fields) in table() {
        let aad = fields.iter().fold(Transcript::new(info), |t, (label, data)| t.put(label, data)).hash();
        assert_eq!((place.info(), place.aad()), (info, aad));
    }
}

#[test]
fn refuses_a_message_at_another_place() {
    let key = KemSecretKey::generate(&mut Stream::new("key"));
    let mut places: Vec<Use> = table().into_iter().map(|(place, ..)| place).collect();
    places.extend([
        Use::Content { case_id: B, intake_key_id: B },
        Use::Content { case_id: A, intake_key_id: A },
        Use::Followup { case_id: B, seq: 7, intake_key_id: B },
        Use::Followup { case_id: A, seq: 8, intake_key_id: B },
        Use::Followup { case_id: A, seq: 7, intake_key_id: A },
        Use::Mailbox { case_id: B, seq: 7 },
        Use::Mailbox { case_id: A, seq: 8 },
        Use::Request { commit: B, recipient_key_id: B },
        Use::Request { commit: A, recipient_key_id: A },
        Use::Handout { request_hash: B, index: 3 },
        Use::Handout { request_hash: A, index: 1 },
        Use::Partial { request_hash: B, from: 1, to: 3 },
        Use::Partial { request_hash: A, from: 3, to: 1 },
        Use::Ceremony { ceremony_id: B, round: 2, from: 1, to: 3 },
        Use::Ceremony { ceremony_id: A, round: 1, from: 1, to: 3 },
        Use::Ceremony { ceremony_id: A, round: 2, from: 3, to: 1 },
        Use::BackupPart { key_id: B, index: 3 },
        Use::BackupPart { key_id: A, index: 1 },
        Use::StoreBackup { manifest: B },
    ]);
    for place in &places {
        let wire = seal(&key.public_key(), place, b"message", &mut Stream::new("ekm")).unwrap();
        for other in &places {
            match open(&key, other, &wire) {
                Ok(opened) => assert!(place == other && *opened.expose() == b"message", "{place:?} {other:?}"),
                Err(e) => assert!(place != other && e.code() == Code::Aead, "{place:?} {other:?}"),
            }
        }
    }
}
