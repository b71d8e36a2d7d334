//! Building blocks: points, Ed25519, strict JSON, key ids.

mod common;

use common::{Node, case, cases, is_refused, refuses};
use tabir_crypto::codec::{sha256, unb64, unb64url, unhex};
use tabir_crypto::ed25519::{SigningKey, VerifyingKey};
use tabir_crypto::hpke::KemPublicKey;
use tabir_crypto::point::{Point, g2};
use tabir_crypto::{Code, json};

#[test]
fn the_second_generator_is_the_documented_one() {
    let (_, out) = case("g2");
    out.is("point", g2().compress());
    assert_eq!(hex::encode(g2().compress()), "7d527b1f25e0afc040ca6bc17303914b5603f26e9b18c4c2be6beabf9f18aaca");
}

#[test]
fn lifts_to_the_point_with_sign_bit_0() {
    for (input, out) in cases("lift") {
        let point = Point::lift(&input.bytes("u")).unwrap();
        out.is("point", point.compress());
        assert_eq!(point.to_u().to_vec(), input.bytes("u"));
        assert_eq!(Point::decompress(&out.bytes("point")).unwrap(), point);
    }
}

#[test]
fn refuses_hostile_points() {
    refuses("lift", |i| Point::lift(&i.bytes("u")));
    refuses("point", |i| Point::decompress(&i.bytes("p")));
}

#[test]
fn ed25519_signs_and_verifies() {
    let (input, out) = case("ed25519");
    let key = SigningKey::from_seed(&input.secret("seed"));
    out.is("pk", key.verifying_key().as_bytes());
    out.is("sig", key.sign(&input.bytes("msg")));
    let vk = VerifyingKey::from_bytes(&out.bytes("pk")).unwrap();
    vk.verify(&input.bytes("msg"), &out.bytes("sig")).unwrap();
}

/// Our own checks name the reason; `verify_strict` below them refuses each of these too, so a slip in ours is not fatal.
#[test]
fn refuses_hostile_ed25519() {
    let strict = |i: &Node| {
        let key = ed25519_dalek::VerifyingKey::from_bytes(&i.b32("pk")).ok()?;
        let signature = ed25519_dalek::Signature::from_slice(&i.bytes("sig")).ok()?;
        key.verify_strict(&i.bytes("msg"), &signature).ok()
    };
    refuses("ed25519", |i| {
        assert!(strict(i).is_none(), "verify_strict takes it");
        VerifyingKey::from_bytes(&i.bytes("pk"))?.verify(&i.bytes("msg"), &i.bytes("sig"))
    });
}

#[test]
fn a_key_id_is_the_hash_of_the_raw_key() {
    let mut kinds = (0, 0);
    for (input, out) in cases("key_id") {
        let key = input.bytes("key");
        out.is("id", sha256(&key));
        if key.len() == 32 {
            out.is("id", VerifyingKey::from_bytes(&key).unwrap().key_id());
            kinds.0 += 1;
        } else {
            out.is("id", KemPublicKey::from_bytes(&key).unwrap().key_id());
            kinds.1 += 1;
        }
    }
    assert_eq!(kinds, (1, 1));
}

#[test]
fn strict_json_reads_what_it_must() {
    for (input, out) in cases("strict_json") {
        let value = json::parse(input.text("json").as_bytes()).unwrap();
        assert_eq!(serde_json::to_string(&value).unwrap(), out.text("compact"));
    }
}

#[test]
fn refuses_hostile_json() {
    refuses("json", |i| json::parse(&i.bytes("text")));
}

/// Beyond the vectors: what other parsers are known to take.
#[test]
fn refuses_json_that_other_parsers_take() {
    let deep = ["[".repeat(100_000), "{\"a\":".repeat(100_000)];
    for (text, code) in [
        ("", Code::Json),
        ("-0", Code::Integer),
        ("18446744073709551616", Code::Integer),
        ("1e400", Code::Integer),
        (&"9".repeat(400), Code::Integer),
        ("NaN", Code::Json),
        ("'a'", Code::Json),
        ("// a\n1", Code::Json),
        ("{\"a\":{\"b\":1,\"b\":2}}", Code::RepeatedField),
        ("[{\"a\":1,\"\\u0061\":2}]", Code::RepeatedField),
        ("\"\\udc00\"", Code::Json),
        ("\"\\x\"", Code::Json),
        (&deep[0], Code::Depth),
        (&deep[1], Code::Depth),
    ] {
        let shown = text.get(..30).unwrap_or(text);
        assert_eq!(json::parse(text.as_bytes()).unwrap_err().code(), code, "{shown}");
    }
    // A text can't choose the code by what it says.
    is_refused(json::parse(b"{\"integer\":tru}"), Code::Json);
}

#[test]
fn hex_and_base64_have_one_form() {
    is_refused(unhex::<1>("Ab"), Code::Hex);
    is_refused(unhex::<1>("a"), Code::Hex);
    is_refused(unhex::<1>("abab"), Code::Size);
    for text in ["YQ", "YR==", "YQ==\n", "Y Q="] {
        is_refused(unb64(text), Code::Base64);
    }
    for text in ["YQ==", "YR", "+/", "YQ\n"] {
        is_refused(unb64url(text), Code::Base64);
    }
    assert_eq!((unb64("YQ==").unwrap(), unb64url("-_8").unwrap()), (b"a".to_vec(), vec![0xfb, 0xff]));
}
