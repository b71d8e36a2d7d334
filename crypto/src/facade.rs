//! What a facade hands out, and a facade or a form keeps, so that its own store opens nothing: ids that ask for a status,
//! and what only a repeat of the same request opens. For a form the app's key is a random text inside the page.
//!
//! ```text
//! id      base64url(nonce 24 ‖ XChaCha20Poly1305(HKDF(secret, "id-key"), nonce, access 32))                 96 letters
//! nonce = the first 24 bytes of HKDF(secret ‖ access, "id-nonce"): the same case has the same id each time
//! repeat  HKDF(app's key ‖ 0x00 ‖ request, "repeat-id"), 32 bytes: where a request is found again
//! tokens  HKDF("repeat-key" of the same, "repeat-tokens"): the seed of what a voucher buys for this request, and for no other
//! kept    nonce 24 ‖ XChaCha20Poly1305(HKDF(app's key ‖ 0x00 ‖ request, "repeat-key"), nonce, receipt 16 or submission)
//! ```
//! HKDF-SHA256, salt `tabir/v1/facade`. The app's key is not in the facade's store, only its hash: whoever has the store and
//! guesses a request still can't open what is kept with it. A submission is sealed too: r and the notice key in it are for
//! the gateway. Source: `docs/protocol.md`, "Facade". Not covered:
//! what the facade saw while it sealed.

use chacha20poly1305::aead::{Aead as _, Payload};
use chacha20poly1305::{KeyInit as _, XChaCha20Poly1305};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::codec::{B32, b64url, fixed, tagged, unb64url};
use crate::error::{Code, Result};
use crate::receipt::Receipt;
use crate::secret::{Secret, SecretBytes, SecretVec};

const SALT: &[u8] = b"tabir/v1/facade";
const NONCE: usize = 24;

fn derive(parts: &[&[u8]], info: &str) -> SecretBytes<32> {
    SecretBytes::hkdf(SALT, &Zeroizing::new(parts.concat()), info)
}

fn seal(key: &SecretBytes<32>, nonce: &[u8; NONCE], plaintext: &[u8]) -> Result<Vec<u8>> {
    let payload = Payload { msg: plaintext, aad: &[] };
    let ct = XChaCha20Poly1305::new(key.expose().into()).encrypt(nonce.into(), payload).map_err(|_| Code::TooLong)?;
    Ok([nonce.as_slice(), &ct].concat())
}

fn open(key: &SecretBytes<32>, sealed: &[u8]) -> Result<SecretVec> {
    let (nonce, ct) = sealed.split_first_chunk::<NONCE>().ok_or(Code::Size)?;
    let payload = Payload { msg: ct, aad: &[] };
    let opened = XChaCha20Poly1305::new(key.expose().into()).decrypt(nonce.into(), payload).map_err(|_| Code::Aead)?;
    Ok(SecretVec::new(opened))
}

/// What stands in a configuration for an app's key: SHA-256("tabir/v1/facade-app" ‖ key).
#[must_use]
pub fn app_hash(app_key: &[u8]) -> B32 {
    tagged("tabir/v1/facade-app", &[app_key])
}

/// The id under which an app asks for a case's status: its access key, sealed to the facade itself. Error: none that an
/// access key's length can cause.
pub fn request_id(secret: &SecretBytes<32>, access: &SecretBytes<32>) -> Result<String> {
    let key = derive(&[secret.expose()], "id-key");
    let nonce = derive(&[secret.expose(), access.expose()], "id-nonce");
    let nonce = nonce.expose().first_chunk::<NONCE>().ok_or(Code::Size)?;
    Ok(b64url(&seal(&key, nonce, access.expose())?))
}

/// The access key in an id. Errors: `base64`, `size`, `aead` (not an id of this facade).
pub fn access_of(secret: &SecretBytes<32>, id: &str) -> Result<SecretBytes<32>> {
    let opened = open(&derive(&[secret.expose()], "id-key"), &unb64url(id)?)?;
    Ok(Secret::new(fixed(opened.expose())?))
}

/// One request of one app, as far as it can be recognised and its receipt be kept.
pub struct Repeat {
    id: B32,
    key: SecretBytes<32>,
}

impl Repeat {
    /// Of an app's key and the request's bytes.
    #[must_use]
    pub fn of(app_key: &[u8], request: &[u8]) -> Self {
        let of = |info| derive(&[app_key, &[0], request], info);
        Self { id: *of("repeat-id").expose(), key: of("repeat-key") }
    }

    /// Where it is found again.
    #[must_use]
    pub const fn id(&self) -> &B32 {
        &self.id
    }

    /// The seed from which tokens for this request are blinded: a repeat asks the issuer for the very same again.
    #[must_use]
    pub fn token_seed(&self) -> SecretBytes<32> {
        derive(&[self.key.expose()], "repeat-tokens")
    }

    /// Seals something for a repeat. Error: `too-long`, beyond what a cipher takes.
    pub fn seal(&self, what: &[u8], rng: &mut impl CryptoRng) -> Result<Vec<u8>> {
        let mut nonce = [0; NONCE];
        rng.fill_bytes(&mut nonce);
        seal(&self.key, &nonce, what)
    }

    /// The same again. Errors: `size`, `aead` (another request, or another app's).
    pub fn open(&self, sealed: &[u8]) -> Result<SecretVec> {
        open(&self.key, sealed)
    }

    /// Seals the receipt for a repeat. Error: as [`Repeat::seal`].
    pub fn seal_receipt(&self, receipt: &Receipt, rng: &mut impl CryptoRng) -> Result<Vec<u8>> {
        self.seal(receipt.secret().expose(), rng)
    }

    /// The receipt again. Errors: `size`, `aead` (another request, or another app's).
    pub fn open_receipt(&self, sealed: &[u8]) -> Result<Receipt> {
        let opened = self.open(sealed)?;
        Ok(Receipt::from(Secret::new(fixed::<16>(opened.expose())?)))
    }
}
