//! The key schedule from a DH output, against RFC 9180's vectors (A.2) and the stock `hpke` crate both ways.

mod council;

use council::*;
use curve25519_dalek::scalar::clamp_integer;
use curve25519_dalek::{EdwardsPoint, MontgomeryPoint, Scalar};
use hpke::aead::ChaCha20Poly1305;
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;
use hpke::{Deserializable as _, OpModeR, OpModeS, Serializable as _};
use serde_json::Value;
use tabir_crypto::Secret;
use tabir_crypto::codec::B32;
use tabir_crypto::envelope::{CaseBinding, Outer, SealParams, seal};
use tabir_crypto::error::Code;
use tabir_crypto::hpke::KemSecretKey;
use tabir_crypto::hpke::schedule::Context;
use tabir_crypto::point::Point;
use tabir_crypto::receipt::case_id;
use tabir_crypto::threshold::{CouncilKey, DhOutput, open};

fn base_mode() -> Vec<Value> {
    let text = include_str!("vectors/rfc9180-x25519-hkdfsha256-chacha20poly1305.json");
    let all: Vec<Value> = serde_json::from_str(text).unwrap();
    let base: Vec<Value> = all.into_iter().filter(|v| v["mode"] == 0).collect();
    assert!(!base.is_empty());
    base
}

fn check(v: &Value, dh: B32) {
    let context = Context::new(&Secret::new(dh), &b32(&v["enc"]), &b32(&v["pkRm"]), &bytes(&v["info"])).unwrap();
    let first = &v["encryptions"][0];
    let opened = context.open(&bytes(&first["aad"]), &bytes(&first["ct"])).unwrap();
    assert_eq!(hex::encode(opened.expose()), first["pt"]);
    let exports = v["exports"].as_array().unwrap();
    assert!(!exports.is_empty());
    for e in exports {
        let exported = context.export::<32>(&bytes(&e["exporter_context"])).unwrap();
        assert_eq!(hex::encode(exported.expose()), e["exported_value"]);
    }
    assert_eq!(code(context.open(b"another aad", &bytes(&first["ct"]))), Code::Aead);
    let sealed = context.seal(&bytes(&first["aad"]), &bytes(&first["pt"])).unwrap();
    assert_eq!(hex::encode(sealed), first["ct"]);
}

#[test]
fn follows_the_vectors_of_the_rfc() {
    for v in base_mode() {
        check(&v, MontgomeryPoint(b32(&v["enc"])).mul_clamped(b32(&v["skRm"])).to_bytes());
    }
}

/// The RFC's own receiver key, split, and never clamped again.
#[test]
fn a_split_key_opens_the_vectors_of_the_rfc() {
    for v in base_mode() {
        let s = Scalar::from_bytes_mod_order(clamp_integer(b32(&v["skRm"])));
        assert_eq!(EdwardsPoint::mul_base(&s).to_montgomery().to_bytes(), b32(&v["pkRm"]));
        let a = Scalar::from(987_654_321u64);
        let share = |i: u32| s + a * Scalar::from(i);
        let e = MontgomeryPoint(b32(&v["enc"])).to_edwards(0).unwrap();
        // λ_1 = 3/2 and λ_3 = -1/2
        let half = Scalar::from(2u8).invert();
        let sum = e * share(1) * (Scalar::from(3u8) * half) - e * share(3) * half;
        check(&v, sum.to_montgomery().to_bytes());
    }
}

#[test]
fn refuses_a_dh_output_of_zero() {
    assert_eq!(code(Context::new(&Secret::new([0; 32]), &[9; 32], &[9; 32], b"")), Code::ZeroDh);
}

#[test]
fn an_export_has_a_greatest_length() {
    let context = || Context::new(&Secret::new([1; 32]), &[9; 32], &[9; 32], b"").unwrap();
    assert!(context().export::<8160>(b"").is_ok());
    assert_eq!(code(context().export::<8161>(b"")), Code::Size);
}

/// A council of which this test knows the whole key, as nobody else can.
fn known() -> (B32, CouncilKey) {
    let sk = clamp_integer(*b"a key that is known to this test");
    let y = EdwardsPoint::mul_base(&Scalar::from_bytes_mod_order(sk));
    (sk, CouncilKey::new(Point::decompress(y.compress().as_bytes()).unwrap(), &[1; 32]))
}

#[test]
fn the_stock_crate_opens_what_a_reporter_seals() {
    let (sk, council) = known();
    let warden = KemSecretKey::generate(&mut seeded(3));
    let reporter = case(4);
    let binding = CaseBinding {
        lineage: *council.lineage(),
        case_id: case_id(&reporter.access_hash, &reporter.key.verifying_key()),
        access_hash: reporter.access_hash,
        content_hash: reporter.content_hash,
        notice_hash: reporter.notice_hash,
    };
    for seed in 0..20 {
        let params = SealParams {
            council: &council,
            warden_key: &warden.public_key(),
            case_key: &reporter.key,
            access_hash: reporter.access_hash,
            content_hash: reporter.content_hash,
            notice_hash: reporter.notice_hash,
        };
        let sealed = seal(&params, &record("Siti"), &mut seeded(seed)).unwrap();
        let released = Outer::parse(&sealed.bytes).unwrap().open(&warden, &binding).unwrap();
        let inner = released.inner().inner().to_bytes();

        let key = <X25519HkdfSha256 as hpke::Kem>::PrivateKey::from_bytes(&sk).unwrap();
        let enc = <X25519HkdfSha256 as hpke::Kem>::EncappedKey::from_bytes(&inner[..32]).unwrap();
        let mut stock = hpke::setup_receiver::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
            &OpModeR::Base,
            &key,
            &enc,
            b"tabir/v1/inner",
        )
        .unwrap();
        let label = released.inner().label().as_bytes();
        assert_eq!(stock.open(&inner[160..], label).unwrap(), record("Siti").expose());
        let (mut commitment, mut salt) = ([0; 32], [0; 32]);
        stock.export(b"tabir/v1/key-commitment", &mut commitment).unwrap();
        assert_eq!(commitment, inner[32..64]);
        stock.export(b"tabir/v1/opened-salt", &mut salt).unwrap();

        let dh = MontgomeryPoint(inner[..32].try_into().unwrap()).mul_clamped(sk).to_bytes();
        let opened = open(&council, released.inner(), &DhOutput::from_bytes(Secret::new(dh))).unwrap();
        assert_eq!(opened.record, record("Siti"));
        assert_eq!(*opened.salt.expose(), salt);
    }
}

#[test]
fn opens_what_the_stock_crate_seals() {
    let (sk, council) = known();
    let key = <X25519HkdfSha256 as hpke::Kem>::PublicKey::from_bytes(&council.u()).unwrap();
    for seed in 0..20 {
        let (enc, mut stock) = hpke::setup_sender_with_rng::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
            &OpModeS::Base,
            &key,
            b"info",
            &mut seeded(seed),
        )
        .unwrap();
        let enc: B32 = enc.to_bytes().into();
        let ct = stock.seal(b"plaintext", b"aad").unwrap();
        let dh = MontgomeryPoint(enc).mul_clamped(sk).to_bytes();
        let context = Context::new(&Secret::new(dh), &enc, &council.u(), b"info").unwrap();
        assert_eq!(context.open(b"aad", &ct).unwrap().expose(), b"plaintext");
    }
}
