//! Signatures of [Standard Webhooks](https://www.standardwebhooks.com): symmetric `v1`, and `v1a` for who must not be able
//! to sign in our name.
//!
//! ```text
//! signed   webhook-id "." webhook-timestamp "." body          the timestamp in Unix seconds, decimal
//! v1       "v1," base64(HMAC-SHA256(secret, signed))           secret = "whsec_" base64, 24 to 64 bytes
//! v1a      "v1a," base64(Ed25519(key, signed))                 public half = "whpk_" base64, 32 bytes
//! header   webhook-signature: one of them or several, with spaces between
//! ```
//! Two secrets at once are a rotation: both sign, and either may have signed what comes. An id without a full stop makes the
//! three parts unambiguous.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use tabir_crypto::codec::{b64, unb64};
use tabir_crypto::ed25519::SigningKey;
use tabir_crypto::{Code, Result, SecretVec};
use zeroize::Zeroizing;

/// The three headers.
pub const ID: &str = "webhook-id";
pub const TIMESTAMP: &str = "webhook-timestamp";
pub const SIGNATURE: &str = "webhook-signature";

/// How far a timestamp may be from our clock, in seconds: what Standard Webhooks advises. What comes again later is refused
/// for its age, what comes again before is known by its id.
pub const TOLERANCE_S: u64 = 300;
/// The longest id: it is stored for as long as it could come again.
const MAX_ID: usize = 128;
/// Secrets in use: the new one and the one before.
pub const MAX_SECRETS: usize = 2;
/// The most signatures that are looked at: two secrets, each in two versions of the standard, and room for more.
const MAX_SIGNATURES: usize = 8;

/// Why a message is not what its sender sent now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsigned {
    /// A header is missing or malformed.
    #[error("webhook-id, webhook-timestamp or webhook-signature is missing or malformed")]
    Headers,
    /// Too old, or ahead of its time.
    #[error("the timestamp is not of now")]
    Late,
    /// Not signed with a secret that is known here.
    #[error("no signature fits")]
    Signature,
}

/// The three headers of a message, as text.
#[derive(Clone, Copy)]
pub struct Headers<'h> {
    pub id: &'h str,
    pub timestamp: &'h str,
    pub signature: &'h str,
}

/// What signs and verifies.
pub struct Keys {
    secrets: Vec<SecretVec>,
    key: Option<SigningKey>,
}

/// Reads a secret as it stands in its file. Errors: `field` (no `whsec_`), `base64`, `size` (not 24 to 64 bytes).
pub fn secret(text: &str) -> Result<SecretVec> {
    let bytes = unb64(text.trim().strip_prefix("whsec_").ok_or(Code::Field)?)?;
    if (24..=64).contains(&bytes.len()) { Ok(SecretVec::new(bytes)) } else { Err(Code::Size.into()) }
}

/// The public half of a `v1a` key, as receivers are given it.
#[must_use]
pub fn public_key(key: &SigningKey) -> String {
    format!("whpk_{}", b64(key.verifying_key().as_bytes()))
}

impl Keys {
    /// One secret or two, the newest first. Error: `size` for none, or more than [`MAX_SECRETS`].
    pub fn new(secrets: Vec<SecretVec>, key: Option<SigningKey>) -> Result<Self> {
        if (1..=MAX_SECRETS).contains(&secrets.len()) { Ok(Self { secrets, key }) } else { Err(Code::Size.into()) }
    }

    /// The value of `webhook-signature`.
    #[must_use]
    pub fn sign(&self, id: &str, timestamp: u64, body: &[u8]) -> String {
        let signed = signed(id, &timestamp.to_string(), body);
        let symmetric =
            self.secrets.iter().map(|secret| format!("v1,{}", b64(&mac(secret, &signed).finalize().into_bytes())));
        let by_key = self.key.iter().map(|key| format!("v1a,{}", b64(&key.sign(&signed))));
        symmetric.chain(by_key).collect::<Vec<_>>().join(" ")
    }

    /// Checks who sent a body, and when. The id is the sender's; that it is new is for the caller to say.
    pub fn verify(&self, headers: &Headers<'_>, body: &[u8], now: u64) -> std::result::Result<(), Unsigned> {
        let plain = |b: u8| b.is_ascii_graphic() && b != b'.';
        if !(1..=MAX_ID).contains(&headers.id.len()) || !headers.id.bytes().all(plain) {
            return Err(Unsigned::Headers);
        }
        let digits = headers.timestamp.bytes().all(|b| b.is_ascii_digit());
        let timestamp: u64 = headers.timestamp.parse().ok().filter(|_| digits).ok_or(Unsigned::Headers)?;
        if timestamp.abs_diff(now) > TOLERANCE_S {
            return Err(Unsigned::Late);
        }
        let signed = signed(headers.id, headers.timestamp, body);
        let fits = |mac_given: &[u8]| self.secrets.iter().any(|s| mac(s, &signed).verify_slice(mac_given).is_ok());
        let given =
            headers.signature.split(' ').take(MAX_SIGNATURES).filter_map(|s| unb64(s.strip_prefix("v1,")?).ok());
        if given.into_iter().any(|given| fits(&given)) { Ok(()) } else { Err(Unsigned::Signature) }
    }
}

fn signed(id: &str, timestamp: &str, body: &[u8]) -> Zeroizing<Vec<u8>> {
    Zeroizing::new([id.as_bytes(), b".", timestamp.as_bytes(), b".", body].concat())
}

fn mac(secret: &SecretVec, signed: &[u8]) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.expose()).expect("HMAC takes keys of any length");
    mac.update(signed);
    mac
}

#[cfg(test)]
mod tests {
    use tabir_crypto::SecretBytes;

    use super::*;

    const NOW: u64 = 1_614_265_330;
    /// The example of Standard Webhooks' own libraries.
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const GIVEN: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
    const ID_GIVEN: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const BODY: &[u8] = br#"{"test": 2432232314}"#;

    fn keys(secrets: &[&str]) -> Keys {
        Keys::new(secrets.iter().map(|s| secret(s).unwrap()).collect(), None).unwrap()
    }

    fn headers<'h>(id: &'h str, timestamp: &'h str, signature: &'h str) -> Headers<'h> {
        Headers { id, timestamp, signature }
    }

    #[test]
    fn signs_as_the_standards_own_libraries_do() {
        let keys = keys(&[SECRET]);
        assert_eq!(keys.sign(ID_GIVEN, NOW, BODY), GIVEN);
        assert_eq!(keys.verify(&headers(ID_GIVEN, "1614265330", GIVEN), BODY, NOW), Ok(()));
    }

    #[test]
    fn a_rotation_has_two_secrets_and_either_will_do() {
        let newer = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
        let both = keys(&[newer, SECRET]);
        let signature = both.sign(ID_GIVEN, NOW, BODY);
        assert!(signature.ends_with(GIVEN) && signature.split(' ').count() == 2);
        let given = headers(ID_GIVEN, "1614265330", &signature);
        for one in [keys(&[newer]), keys(&[SECRET]), both] {
            assert_eq!(one.verify(&given, BODY, NOW), Ok(()));
        }
        let three = (0..3).map(|_| secret(SECRET).unwrap()).collect();
        assert!(Keys::new(three, None).is_err() && Keys::new(Vec::new(), None).is_err());
    }

    #[test]
    fn the_asymmetric_one_verifies_by_the_public_half() {
        let key = SigningKey::from_seed(&SecretBytes::new([7; 32]));
        let verifier = key.verifying_key();
        assert!(public_key(&key).starts_with("whpk_"));
        let keys = Keys::new(vec![secret(SECRET).unwrap()], Some(key)).unwrap();
        let signature = keys.sign("tabir_x_0", NOW, b"{}");
        let given = unb64(signature.split(' ').nth(1).unwrap().strip_prefix("v1a,").unwrap()).unwrap();
        verifier.verify(format!("tabir_x_0.{NOW}.{{}}").as_bytes(), &given).unwrap();
    }

    #[test]
    fn refuses_another_body_id_time_or_secret_and_what_is_old() {
        let keys = keys(&[SECRET]);
        let at = NOW.to_string();
        let refused = |id: &str, at: &str, signature: &str, body: &[u8], now: u64| {
            keys.verify(&headers(id, at, signature), body, now).unwrap_err()
        };
        assert_eq!(refused(ID_GIVEN, &at, GIVEN, b"{}", NOW), Unsigned::Signature);
        assert_eq!(refused("msg_other", &at, GIVEN, BODY, NOW), Unsigned::Signature);
        assert_eq!(refused(ID_GIVEN, "1614265331", GIVEN, BODY, NOW), Unsigned::Signature);
        assert_eq!(refused(ID_GIVEN, &at, "", BODY, NOW), Unsigned::Signature);
        assert_eq!(refused(ID_GIVEN, &at, &GIVEN[3..], BODY, NOW), Unsigned::Signature);
        assert_eq!(refused(ID_GIVEN, &at, "v1,", BODY, NOW), Unsigned::Signature, "a MAC of no length");
        assert_eq!(refused(ID_GIVEN, &at, &GIVEN[..20], BODY, NOW), Unsigned::Signature, "a part of the MAC");
        for now in [NOW + TOLERANCE_S + 1, NOW - TOLERANCE_S - 1] {
            assert_eq!(refused(ID_GIVEN, &at, GIVEN, BODY, now), Unsigned::Late);
        }
        let long = "x".repeat(MAX_ID + 1);
        for id in ["", "a.b", "a b", "ä", &long] {
            assert_eq!(refused(id, &at, GIVEN, BODY, NOW), Unsigned::Headers, "{id}");
        }
        for at in ["", "+1614265330", "1614265330.0", "-1", "99999999999999999999"] {
            assert_eq!(refused(ID_GIVEN, at, GIVEN, BODY, NOW), Unsigned::Headers, "{at}");
        }
    }

    #[test]
    fn a_secret_has_its_prefix_and_enough_bytes() {
        let code = |text: &str| secret(text).map(|_| ()).unwrap_err().code();
        assert_eq!(code("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), Code::Field);
        assert_eq!(code("whsec_*"), Code::Base64);
        assert_eq!(code("whsec_AAECAw=="), Code::Size);
        assert!(secret(&format!("{SECRET}\n")).is_ok(), "a line break at the file's end");
    }
}
