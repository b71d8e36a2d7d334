//! X-Wing keys (KEM 0x647a, draft-connolly-cfrg-xwing-kem) and sealing to them.
//!
//! ```text
//! public key 1,216 = ML-KEM-768 key 1,184 ‖ X25519 key 32
//! enc        1,120 = ML-KEM-768 ct  1,088 ‖ X25519 key 32
//! secret key    32 = the seed, used as it is
//! ```
//! Never HPKE's DeriveKeyPair: the libraries differ on it. Refused beyond what the libraries refuse: an X25519 half of
//! a key or of an `enc` whose shared secret is zero, since half of the hybrid would then add nothing.

use core::fmt;

use curve25519_dalek::MontgomeryPoint;
use hpke::aead::ChaCha20Poly1305;
use hpke::kdf::HkdfSha256;
use hpke::kem::XWing;
use hpke::{Deserializable as _, Kem as _, OpModeR, OpModeS, Serializable as _};
use rand_core::CryptoRng;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::codec::{B32, fixed, sha256};
use crate::error::{Code, Result, need};
use crate::secret::{SecretBytes, SecretVec};
use crate::statement::value::Bytes;

/// Length of a public key.
pub const PUBLIC_KEY: usize = 1_216;
/// Length of an encapsulated key, with which every sealed message begins.
pub const ENC: usize = 1_120;
/// Length of the AEAD's tag, with which every sealed message ends.
pub const TAG: usize = 16;
/// How much longer a sealed message is than its plaintext.
pub const OVERHEAD: usize = ENC + TAG;
/// Length of the X25519 half of a key and of an `enc`; it comes last in both.
const X25519: usize = 32;

type LibraryKey = <XWing as hpke::Kem>::PublicKey;
type LibrarySecret = <XWing as hpke::Kem>::PrivateKey;

/// A public key that passed every check.
#[derive(Clone)]
pub struct KemPublicKey {
    bytes: [u8; PUBLIC_KEY],
    key: Box<LibraryKey>,
}

impl KemPublicKey {
    /// Reads 1,216 bytes. Errors: `size`, `kem` (an ML-KEM coefficient of 3,329 or more, a low-order X25519 half).
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let bytes: [u8; PUBLIC_KEY] = fixed(bytes)?;
        let key = LibraryKey::from_bytes(&bytes).map_err(|_| Code::Kem)?;
        contributes(&bytes)?;
        Ok(Self { bytes, key: Box::new(key) })
    }

    /// The 1,216 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// SHA-256 of the 1,216 bytes.
    #[must_use]
    pub fn key_id(&self) -> B32 {
        sha256(&self.bytes)
    }
}

impl PartialEq for KemPublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for KemPublicKey {}

impl fmt::Debug for KemPublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "X-Wing key {}", hex::encode(self.key_id()))
    }
}

impl Serialize for KemPublicKey {
    fn serialize<S: Serializer>(&self, s: S) -> core::result::Result<S::Ok, S::Error> {
        Bytes(self.bytes.to_vec()).serialize(s)
    }
}

impl<'de> Deserialize<'de> for KemPublicKey {
    fn deserialize<D: Deserializer<'de>>(d: D) -> core::result::Result<Self, D::Error> {
        Self::from_bytes(&Bytes::deserialize(d)?.0).map_err(D::Error::custom)
    }
}

/// A private key: the 32-byte seed, with the public key, since to expand the seed costs as much as to decapsulate.
#[derive(Clone)]
pub struct KemSecretKey {
    seed: SecretBytes<32>,
    /// The library's copy of the seed, which it wipes on drop.
    secret: Box<LibrarySecret>,
    public: KemPublicKey,
}

impl fmt::Debug for KemSecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.seed.fmt(f)
    }
}

impl KemSecretKey {
    /// Takes a seed as it is.
    #[must_use]
    pub fn from_seed(seed: SecretBytes<32>) -> Self {
        // The library refuses nothing but another length.
        let secret = match LibrarySecret::from_bytes(seed.expose()) {
            Ok(key) => Box::new(key),
            Err(_) => unreachable!("a seed is 32 bytes"),
        };
        let key = XWing::sk_to_pk(&secret);
        let mut bytes = [0; PUBLIC_KEY];
        key.write_exact(&mut bytes);
        Self { seed, secret, public: KemPublicKey { bytes, key: Box::new(key) } }
    }

    /// A new key.
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        Self::from_seed(SecretBytes::random(rng))
    }

    /// The seed, to be stored.
    #[must_use]
    pub const fn seed(&self) -> &SecretBytes<32> {
        &self.seed
    }

    /// The public key.
    #[must_use]
    pub fn public_key(&self) -> KemPublicKey {
        self.public.clone()
    }
}

/// Refuses a key or an `enc` whose X25519 half is of low order. A clamped scalar is a multiple of the cofactor and not
/// of either prime order, so the product is zero for those exactly, whatever the scalar.
fn contributes(key_or_enc: &[u8]) -> Result<()> {
    let half = key_or_enc.last_chunk::<X25519>().ok_or(Code::Size)?;
    need(MontgomeryPoint(*half).mul_clamped([1; 32]).to_bytes() != [0; 32], Code::Kem)
}

/// Seals under an info and an aad that nobody else uses: [`Use`](super::Use) has them for all messages but the outer
/// envelope. The source gives exactly 64 bytes, the encapsulation randomness. Errors: `size` (nothing to seal), `kem`.
pub fn seal_with(
    recipient: &KemPublicKey,
    info: &str,
    aad: &[u8],
    plaintext: &[u8],
    rng: &mut impl CryptoRng,
) -> Result<Vec<u8>> {
    need(!plaintext.is_empty(), Code::Size)?;
    let (enc, mut context) = hpke::setup_sender_with_rng::<ChaCha20Poly1305, HkdfSha256, XWing>(
        &OpModeS::Base,
        &recipient.key,
        info.as_bytes(),
        rng,
    )
    .map_err(|_| Code::Kem)?;
    let mut wire = enc.to_bytes().to_vec();
    wire.extend(context.seal(plaintext, aad).map_err(|_| Code::Aead)?);
    Ok(wire)
}

/// Opens what [`seal_with`] sealed. Errors: `size`, `kem` (an `enc` with a low-order X25519 half), `aead`.
pub fn open_with(key: &KemSecretKey, info: &str, aad: &[u8], wire: &[u8]) -> Result<SecretVec> {
    need(wire.len() > OVERHEAD, Code::Size)?;
    let (enc, ct) = wire.split_at_checked(ENC).ok_or(Code::Size)?;
    contributes(enc)?;
    let enc = <XWing as hpke::Kem>::EncappedKey::from_bytes(enc).map_err(|_| Code::Kem)?;
    let mut context =
        hpke::setup_receiver::<ChaCha20Poly1305, HkdfSha256, XWing>(&OpModeR::Base, &key.secret, &enc, info.as_bytes())
            .map_err(|_| Code::Kem)?;
    Ok(SecretVec::new(context.open(ct, aad).map_err(|_| Code::Aead)?))
}
