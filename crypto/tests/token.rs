//! RFC 9474 and RFC 9578 vectors of the suite in use, and one named refusal per rule.

use std::convert::Infallible;
use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use blind_rsa_signatures::{BlindSignature, Deterministic, PSS, SecretKey, Sha384};
use rand_core::{CryptoRng, TryCryptoRng, TryRng};
use rsa::{BoxedUint, RsaPrivateKey};
use serde_json::Value;
use sha2::{Digest, Sha256};
use tabir_crypto::Code;
use tabir_crypto::token::directory::{Directory, DirectoryKey};
use tabir_crypto::token::key::SPKI_LEN;
use tabir_crypto::token::wire::{INPUT_LEN, REQUEST_LEN, RESPONSE_LEN, TOKEN_LEN};
use tabir_crypto::token::{
    IssuerKey, Token, TokenChallenge, TokenKey, TokenRequest, TokenResponse, blind, header, verify,
};

/// Bytes that depend on a seed only, and a count of how many were drawn.
struct SeededRng {
    seed: u64,
    drawn: usize,
    block: u64,
}

impl SeededRng {
    fn new(seed: u64) -> Self {
        Self { seed, drawn: 0, block: 0 }
    }
}

impl TryRng for SeededRng {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut b = [0; 4];
        self.try_fill_bytes(&mut b)?;
        Ok(u32::from_le_bytes(b))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut b = [0; 8];
        self.try_fill_bytes(&mut b)?;
        Ok(u64::from_le_bytes(b))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        for chunk in out.chunks_mut(32) {
            let hash = Sha256::digest([self.seed.to_be_bytes(), self.block.to_be_bytes()].concat());
            chunk.copy_from_slice(&hash[..chunk.len()]);
            self.block += 1;
            self.drawn += chunk.len();
        }
        Ok(())
    }
}

impl TryCryptoRng for SeededRng {}

/// Gives out prepared answers, one a call, as a vector's salt and blind.
struct Prepared(Vec<Vec<u8>>);

impl TryRng for Prepared {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        unreachable!("blinding draws bytes only")
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        unreachable!("blinding draws bytes only")
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        out.copy_from_slice(&self.0.remove(0));
        Ok(())
    }
}

impl TryCryptoRng for Prepared {}

fn vectors(text: &str) -> Vec<Value> {
    serde_json::from_str(text).unwrap()
}

fn bytes(v: &Value, field: &str) -> Vec<u8> {
    let text = v[field].as_str().unwrap();
    hex::decode(text.trim_start_matches("0x")).unwrap()
}

fn uint(v: &Value, field: &str) -> BoxedUint {
    let b = bytes(v, field);
    let b = &b[b.iter().position(|b| *b != 0).unwrap()..];
    BoxedUint::from_be_slice(b, u32::try_from(b.len() * 8).unwrap()).unwrap()
}

/// The issuer of this file's own tests.
static KEY: LazyLock<IssuerKey> = LazyLock::new(|| IssuerKey::generate(&mut SeededRng::new(1)).unwrap());
static OTHER: LazyLock<IssuerKey> = LazyLock::new(|| IssuerKey::generate(&mut SeededRng::new(2)).unwrap());

fn challenge() -> TokenChallenge {
    TokenChallenge::new("issuer.example", "gateway.example").unwrap()
}

fn token(rng: &mut impl CryptoRng) -> Token {
    let (request, pending) = blind(rng, KEY.public(), &challenge()).unwrap();
    pending.finalize(&KEY.blind_sign(rng, &request).unwrap()).unwrap()
}

fn code<T>(result: Result<T, tabir_crypto::Error>) -> Code {
    result.err().unwrap().code()
}

/// RFC 9578, sections 5.1 to 6.4, with Nk = 256.
#[test]
fn lengths_are_those_of_the_standard() {
    assert_eq!((REQUEST_LEN, RESPONSE_LEN, INPUT_LEN, TOKEN_LEN), (259, 256, 98, 354));
}

#[test]
fn rfc9474_vectors_of_the_suite_in_use() {
    let all = vectors(include_str!("vectors/rfc9474-blind-rsa.json"));
    let v = all.iter().find(|v| v["name"] == "RSABSSA-SHA384-PSS-Deterministic").unwrap();
    let key =
        RsaPrivateKey::from_components(uint(v, "n"), uint(v, "e"), uint(v, "d"), vec![uint(v, "p"), uint(v, "q")]);
    let secret = SecretKey::<Sha384, PSS, Deterministic>::new(key.unwrap());
    let public = secret.public_key().unwrap();
    let n = uint(v, "n").to_nz().unwrap();
    let r = uint(v, "inv").invert_mod(&n).unwrap().to_le_bytes().to_vec();
    let msg = bytes(v, "msg");
    let blinded = public.blind(&mut Prepared(vec![bytes(v, "salt"), r]), &msg).unwrap();
    assert_eq!(blinded.blind_message.0, bytes(v, "blinded_msg"));
    let signature = secret.blind_sign_with_rng(&mut SeededRng::new(3), &blinded.blind_message).unwrap();
    assert_eq!(signature.0, bytes(v, "blind_sig"));
    let signature = public.finalize(&BlindSignature(signature.0), &blinded, &msg).unwrap();
    assert_eq!(signature.0, bytes(v, "sig"));
}

#[test]
fn rfc9578_vectors_of_type_2() {
    let all = vectors(include_str!("vectors/rfc9578-type2-rs.json"));
    assert_eq!(all.len(), 5);
    for v in &all {
        let pem = String::from_utf8(bytes(v, "sk_s")).unwrap();
        let der: String = pem.lines().filter(|l| !l.starts_with("-----")).collect();
        let issuer = IssuerKey::from_pkcs8(&STANDARD.decode(der).unwrap()).unwrap();
        let key = TokenKey::from_spki(&bytes(v, "pk_s")).unwrap();
        assert_eq!(&key, issuer.public());
        assert_eq!(key.spki()[..], bytes(v, "pk_s"));

        let challenge = TokenChallenge::decode(&bytes(v, "token_challenge")).unwrap();
        assert_eq!(challenge.encode(), bytes(v, "token_challenge"));
        let encoded = challenge.encode();
        assert!(encoded[4..].starts_with(challenge.issuer_name().as_bytes()) && !challenge.issuer_name().is_empty());
        assert!(encoded.ends_with(challenge.origin_info().as_bytes()));

        let mut r = bytes(v, "blind");
        r.reverse();
        let mut rng = Prepared(vec![bytes(v, "nonce"), bytes(v, "salt"), r]);
        let (request, pending) = blind(&mut rng, &key, &challenge).unwrap();
        assert_eq!(request.encode(), bytes(v, "token_request"));
        assert_eq!(TokenRequest::decode(&request.encode()).unwrap(), request);

        let response = issuer.blind_sign(&mut SeededRng::new(4), &request).unwrap();
        assert_eq!(response.0[..], bytes(v, "token_response"));
        let token = pending.finalize(&response).unwrap();
        assert_eq!(token.encode(), bytes(v, "token"));
        assert_eq!(Token::decode(&token.encode()).unwrap(), token);
        verify(&token, &challenge.digest(), &key).unwrap();
    }
}

#[test]
fn a_private_key_comes_back_from_its_pkcs8() {
    let back = IssuerKey::from_pkcs8(KEY.to_pkcs8().unwrap().expose()).unwrap();
    assert_eq!(back.public(), KEY.public());
    assert_eq!(format!("{back:?}"), "<redacted>");
    assert_eq!(format!("{:?}", back.public()), hex::encode(back.public().id()));
}

#[test]
fn the_private_operation_is_blinded_and_its_result_is_not_random() {
    let (request, _) = blind(&mut SeededRng::new(5), KEY.public(), &challenge()).unwrap();
    let (mut one, mut two) = (SeededRng::new(6), SeededRng::new(7));
    let answers = [KEY.blind_sign(&mut one, &request).unwrap(), KEY.blind_sign(&mut two, &request).unwrap()];
    assert_eq!(answers[0], answers[1]);
    // A blinding factor is a number below the modulus.
    assert!(one.drawn >= 256 && two.drawn >= 256, "the private operation drew no blinding factor");
}

#[test]
fn two_requests_for_one_key_share_nothing() {
    let mut rng = SeededRng::new(8);
    let (a, _) = blind(&mut rng, KEY.public(), &challenge()).unwrap();
    let (b, _) = blind(&mut rng, KEY.public(), &challenge()).unwrap();
    assert_ne!(a.blinded_msg, b.blinded_msg);
}

#[test]
fn refuses_wrong_lengths() {
    let token = token(&mut SeededRng::new(9)).encode();
    let (request, _) = blind(&mut SeededRng::new(9), KEY.public(), &challenge()).unwrap();
    let request = request.encode();
    assert_eq!((token.len(), request.len()), (354, 259));
    for n in [0, 1, 2, 97, 353] {
        assert_eq!(code(Token::decode(&token[..n])), Code::Size, "{n}");
    }
    for n in [0, 1, 2, 3, 258] {
        assert_eq!(code(TokenRequest::decode(&request[..n])), Code::Size, "{n}");
    }
    for n in [0, 255, 257] {
        assert_eq!(code(TokenResponse::decode(&vec![1; n])), Code::Size, "{n}");
    }
    let challenge = challenge().encode();
    for n in 0..challenge.len() {
        assert_eq!(code(TokenChallenge::decode(&challenge[..n])), Code::Size, "{n}");
    }
}

#[test]
fn refuses_trailing_bytes() {
    let longer = |mut b: Vec<u8>| {
        b.push(0);
        b
    };
    let (request, _) = blind(&mut SeededRng::new(10), KEY.public(), &challenge()).unwrap();
    assert_eq!(code(Token::decode(&longer(token(&mut SeededRng::new(10)).encode()))), Code::Trailing);
    assert_eq!(code(TokenRequest::decode(&longer(request.encode()))), Code::Trailing);
    assert_eq!(code(TokenChallenge::decode(&longer(challenge().encode()))), Code::Trailing);
}

#[test]
fn refuses_another_token_type() {
    let other = |mut b: Vec<u8>| {
        b[1] = 0x01;
        b
    };
    let (request, _) = blind(&mut SeededRng::new(11), KEY.public(), &challenge()).unwrap();
    assert_eq!(code(Token::decode(&other(token(&mut SeededRng::new(11)).encode()))), Code::TokenType);
    assert_eq!(code(TokenRequest::decode(&other(request.encode()))), Code::TokenType);
    assert_eq!(code(TokenChallenge::decode(&other(challenge().encode()))), Code::TokenType);
}

#[test]
fn refuses_a_challenge_with_a_context_of_another_length_or_without_an_issuer() {
    assert_eq!((challenge().issuer_name(), challenge().origin_info()), ("issuer.example", "gateway.example"));
    let mut bytes = challenge().encode();
    let context = 2 + 2 + "issuer.example".len();
    assert_eq!(bytes[context], 0);
    bytes[context] = 16;
    assert_eq!(code(TokenChallenge::decode(&bytes)), Code::Field);
    assert_eq!(code(TokenChallenge::decode(&[0, 2, 0, 0, 0, 0, 0])), Code::Field);
    for (issuer, origin) in [("", "gateway.example"), ("issuer.example", ""), ("issuér.example", "gateway.example")] {
        assert_eq!(code(TokenChallenge::new(issuer, origin)), Code::Field);
    }
}

#[test]
fn refuses_a_token_for_another_challenge() {
    let t = token(&mut SeededRng::new(12));
    let verified = verify(&t, &challenge().digest(), KEY.public()).unwrap();
    assert_eq!((verified.nonce(), verified.key_id()), (&t.nonce, KEY.public().id()));
    assert_eq!(verified.authenticator(), &t.authenticator);
    assert_eq!(format!("{verified:?}"), "VerifiedToken(<token>)");
    let other = TokenChallenge::new("issuer.example", "elsewhere.example").unwrap().digest();
    assert_eq!(code(verify(&t, &other, KEY.public())), Code::TokenChallenge);
    // Nor does it help to write the other challenge into the token.
    let moved = Token { challenge_digest: other, ..t };
    assert_eq!(code(verify(&moved, &other, KEY.public())), Code::TokenInvalid);
}

#[test]
fn refuses_a_token_by_another_key() {
    let t = token(&mut SeededRng::new(13));
    assert_eq!(code(verify(&t, &challenge().digest(), OTHER.public())), Code::TokenKey);
    let moved = Token { key_id: *OTHER.public().id(), ..t };
    assert_eq!(code(verify(&moved, &challenge().digest(), OTHER.public())), Code::TokenInvalid);
}

#[test]
fn refuses_a_forged_authenticator_and_a_changed_nonce() {
    let t = token(&mut SeededRng::new(14));
    for at in [0, 128, 255] {
        let mut forged = t.clone();
        forged.authenticator[at] ^= 1;
        assert_eq!(code(verify(&forged, &challenge().digest(), KEY.public())), Code::TokenInvalid, "{at}");
    }
    for authenticator in [[0; 256], [0xff; 256]] {
        let forged = Token { authenticator, ..t.clone() };
        assert_eq!(code(verify(&forged, &challenge().digest(), KEY.public())), Code::TokenInvalid);
    }
    let renamed = Token { nonce: [7; 32], ..t };
    assert_eq!(code(verify(&renamed, &challenge().digest(), KEY.public())), Code::TokenInvalid);
}

#[test]
fn refuses_an_answer_by_another_key_or_changed() {
    let mut rng = SeededRng::new(15);
    let (request, pending) = blind(&mut rng, KEY.public(), &challenge()).unwrap();
    let mut answer = KEY.blind_sign(&mut rng, &request).unwrap();
    answer.0[200] ^= 1;
    assert_eq!(code(pending.finalize(&answer)), Code::BlindSignature);
    let for_other = TokenRequest { truncated_key_id: OTHER.public().truncated_id(), ..request };
    let Ok(answer) = OTHER.blind_sign(&mut rng, &for_other) else { panic!("the other modulus is larger") };
    assert_eq!(code(pending.finalize(&answer)), Code::BlindSignature);
}

#[test]
fn refuses_to_sign_for_another_key_or_above_the_modulus() {
    let mut rng = SeededRng::new(16);
    let (request, _) = blind(&mut rng, KEY.public(), &challenge()).unwrap();
    let other = TokenRequest { truncated_key_id: KEY.public().truncated_id() ^ 1, ..request.clone() };
    assert_eq!(code(KEY.blind_sign(&mut rng, &other)), Code::TokenKey);
    let above = TokenRequest { blinded_msg: [0xff; 256], ..request };
    assert_eq!(code(KEY.blind_sign(&mut rng, &above)), Code::Field);
}

/// An SPKI like the right one, for a modulus of `n` bytes and an exponent's DER.
fn spki(n: &[u8], e: &[u8]) -> Vec<u8> {
    let der = |tag: u8, body: &[u8]| {
        let mut out = vec![tag];
        match body.len() {
            n @ 0..=127 => out.push(n as u8),
            n @ 128..=255 => out.extend([0x81, n as u8]),
            n => out.extend([0x82, (n >> 8) as u8, n as u8]),
        }
        out.extend(body);
        out
    };
    let modulus = der(0x02, &[&[0], n].concat());
    let key = der(0x30, &[modulus, der(0x02, e)].concat());
    let algorithm = &KEY.public().spki()[4..4 + 2 + 61];
    der(0x30, &[algorithm, &der(0x03, &[&[0], &key[..]].concat())].concat())
}

#[test]
fn refuses_keys_of_another_size_exponent_or_encoding() {
    let right = *KEY.public().spki();
    let n = &right[81..337];
    assert_eq!(spki(n, &[1, 0, 1]), right, "the helper writes the right key as it is");
    assert!(TokenKey::from_spki(&right).is_ok());

    let refused = |what: &str, spki: &[u8]| assert_eq!(code(TokenKey::from_spki(spki)), Code::TokenKey, "{what}");
    refused("e = 3", &spki(n, &[3]));
    refused("e = 65539", &spki(n, &[1, 0, 3]));
    refused("3,072 bits", &spki(&[&n[..255], &[0x55; 129]].concat(), &[1, 0, 1]));
    refused("1,024 bits", &spki(&n[128..], &[1, 0, 1]));
    let mut small = n.to_vec();
    small[0] &= 0x7f;
    refused("2,047 bits", &spki(&small, &[1, 0, 1]));
    small[0] = 0x80;
    assert!(TokenKey::from_spki(&spki(&small, &[1, 0, 1])).is_ok(), "2,048 bits, only the first of the first byte set");
    let mut even = n.to_vec();
    even[255] &= 0xfe;
    refused("an even modulus", &spki(&even, &[1, 0, 1]));
    refused("trailing byte", &[&right[..], &[0]].concat());
    refused("cut off", &right[..SPKI_LEN - 1]);
    // Every other byte is fixed: algorithm, hash, mask function, salt length, all lengths.
    for at in (0..81).chain(337..SPKI_LEN) {
        let mut changed = right;
        changed[at] ^= 1;
        refused(&format!("byte {at}"), &changed);
    }
}

#[test]
fn refuses_private_keys_of_another_size_or_exponent() {
    use rsa::pkcs8::EncodePrivateKey as _;
    let der = |key: RsaPrivateKey| key.to_pkcs8_der().unwrap().as_bytes().to_vec();
    let long = der(RsaPrivateKey::new(&mut SeededRng::new(17), 2056).unwrap());
    assert_eq!(code(IssuerKey::from_pkcs8(&long)), Code::TokenKey);
    let e3 = der(RsaPrivateKey::new_with_exp(&mut SeededRng::new(18), 2048, 3u32.into()).unwrap());
    assert_eq!(code(IssuerKey::from_pkcs8(&e3)), Code::TokenKey);
    let mut trailing = KEY.to_pkcs8().unwrap().expose().clone();
    trailing.push(0);
    assert_eq!(code(IssuerKey::from_pkcs8(&trailing)), Code::TokenKey);
}

#[test]
fn the_two_headers_come_back_as_they_went() {
    let t = token(&mut SeededRng::new(19));
    let value = header::write_authorization(&t);
    assert!(value.starts_with("PrivateToken token=\"AA") && value.ends_with('"'));
    assert_eq!(header::read_authorization(&value).unwrap(), t);
    assert_eq!(header::read_authorization(&value.replace("PrivateToken token", "privatetoken TOKEN")).unwrap(), t);

    let value = header::write_challenge(&challenge(), KEY.public());
    assert_eq!(header::read_challenge(&value).unwrap(), (challenge(), KEY.public().clone()));
}

#[test]
fn refuses_other_forms_of_the_headers() {
    let value = header::write_authorization(&token(&mut SeededRng::new(20)));
    let text = value.split('"').nth(1).unwrap();
    assert_eq!(text.len() % 4, 0, "354 bytes need no padding, so a changed length shows it");
    for (wrong, why) in [
        (String::new(), Code::Field),
        ("PrivateToken".into(), Code::Field),
        (format!("Bearer token=\"{text}\""), Code::Field),
        (format!("PrivateToken token={text}"), Code::Field),
        (format!("PrivateToken token=\"{text}"), Code::Field),
        (format!("PrivateToken key=\"{text}\""), Code::Field),
        (format!("PrivateToken token=\"{text}\", token=\"{text}\""), Code::Field),
        (format!("PrivateToken token=\"{text}\", extra=\"1\""), Code::Field),
        (format!("PrivateToken token=\"{text}=\""), Code::Base64),
        (format!("PrivateToken token=\"{}\"", &text[1..]), Code::Base64),
        (format!("PrivateToken token=\"{}+{}\"", &text[..9], &text[10..]), Code::Base64),
        (format!("PrivateToken token=\"{}\"", &text[4..]), Code::TokenType),
        (format!("PrivateToken token=\"{}\"", &text[..468]), Code::Size),
        (format!("PrivateToken token=\"{text}AAAA\""), Code::Trailing),
        (format!("PrivateToken token=\"{}\"", "A".repeat(5000)), Code::TooLong),
    ] {
        assert_eq!(code(header::read_authorization(&wrong)), why, "{wrong}");
    }
    let value = header::write_challenge(&challenge(), KEY.public());
    let (one, _) = value.split_once(", ").unwrap();
    assert_eq!(code(header::read_challenge(one)), Code::Field);
}

#[test]
fn a_directory_comes_back_as_it_went_and_other_types_are_refused() {
    let key = DirectoryKey::new(KEY.public(), 1_800_000_000);
    let directory = Directory { issuer_request_uri: "/token-request".into(), token_keys: vec![key] };
    let text = serde_json::to_string(&directory).unwrap();
    assert!(
        text.starts_with(r#"{"issuer-request-uri":"/token-request","token-keys":[{"token-type":2,"token-key":"MIIBUj"#)
    );
    let back: Directory = tabir_crypto::json::from_slice(text.as_bytes()).unwrap();
    assert_eq!(back, directory);
    assert_eq!(&back.token_keys[0].key().unwrap(), KEY.public());

    let read = |text: String| tabir_crypto::json::from_slice::<Directory>(text.as_bytes()).unwrap();
    let other = read(text.replace(r#""token-type":2"#, r#""token-type":1"#));
    assert_eq!(code(other.token_keys[0].key()), Code::TokenType);
    let cut = read(text.replace("\"MIIB", "\""));
    assert_eq!(code(cut.token_keys[0].key()), Code::TokenKey);
}
