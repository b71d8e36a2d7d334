//! The token key: RSA-2048 with e = 65537, in the one SPKI encoding that RFC 9578 section 6.5 prescribes.
//!
//! ```text
//! SPKI DER, 342 bytes:
//!   0   SEQUENCE { SEQUENCE { id-RSASSA-PSS, { [0] SHA-384, [1] MGF1(SHA-384), [2] 48 } },
//!                  BIT STRING { SEQUENCE { INTEGER 0x00 ‖               the first 81 bytes, always the same
//!   81  n, 256 bytes, first bit set, odd
//!   337 INTEGER 65537 } } }                                             the last 5 bytes, always the same
//! token_key_id = SHA-256(SPKI); truncated_token_key_id = its last byte
//! ```
//! With every field fixed the encoding is a prefix, a modulus and a suffix: there is nothing that a lenient DER parser
//! could read in two ways, and one key has one id. The private key is kept as PKCS#8 DER.

use blind_rsa_signatures::{Deterministic, PSS, PublicKey, SecretKey, Sha384};
use core::fmt;
use rand_core::CryptoRng;
use rsa::pkcs8::{DecodePrivateKey as _, EncodePrivateKey as _};
use rsa::traits::{PrivateKeyParts as _, PublicKeyParts as _};
use rsa::{BoxedUint, RsaPrivateKey, RsaPublicKey};

use super::wire::{NK, TokenRequest};
use crate::codec::{B32, sha256};
use crate::error::{Code, Result, need};
use crate::secret::{Secret, SecretVec};

/// Bytes of a token key's SPKI.
pub const SPKI_LEN: usize = 342;
const BITS: usize = NK * 8;
const E: u32 = 65537;

/// DER up to the modulus.
#[rustfmt::skip]
const PREFIX: [u8; 81] = [
    0x30, 0x82, 0x01, 0x52, 0x30, 0x3d,
    0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a,                           // id-RSASSA-PSS
    0x30, 0x30,
    0xa0, 0x0d, 0x30, 0x0b, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02,   // SHA-384
    0xa1, 0x1a, 0x30, 0x18, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x08,   // MGF1
    0x30, 0x0b, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02,               // over SHA-384
    0xa2, 0x03, 0x02, 0x01, 0x30,                                                               // salt 48
    0x03, 0x82, 0x01, 0x0f, 0x00,
    0x30, 0x82, 0x01, 0x0a, 0x02, 0x82, 0x01, 0x01, 0x00,
];
/// DER after the modulus: e.
const SUFFIX: [u8; 5] = [0x02, 0x03, 0x01, 0x00, 0x01];

/// The suite: RSABSSA-SHA384-PSS-Deterministic.
pub(crate) type SuitePublic = PublicKey<Sha384, PSS, Deterministic>;
type SuiteSecret = SecretKey<Sha384, PSS, Deterministic>;

/// A public token key of the right kind and size.
#[derive(Clone, PartialEq, Eq)]
pub struct TokenKey {
    spki: [u8; SPKI_LEN],
    id: B32,
    rsa: SuitePublic,
}

impl TokenKey {
    /// Reads an SPKI. Error: `token-key` for anything but 342 bytes in the one encoding.
    pub fn from_spki(spki: &[u8]) -> Result<Self> {
        let n = spki.strip_prefix(&PREFIX).and_then(|rest| rest.strip_suffix(&SUFFIX)).ok_or(Code::TokenKey)?;
        need(n.len() == NK && n.first().is_some_and(|b| b & 0x80 != 0), Code::TokenKey)?;
        let spki: [u8; SPKI_LEN] = spki.try_into().map_err(|_| Code::TokenKey)?;
        let n = BoxedUint::from_be_slice(n, BITS as u32).map_err(|_| Code::TokenKey)?;
        // Refuses an even modulus.
        let rsa = RsaPublicKey::new(n, E.into()).map_err(|_| Code::TokenKey)?;
        Ok(Self { id: sha256(&spki), spki, rsa: PublicKey::new(rsa) })
    }

    /// The 342 bytes.
    #[must_use]
    pub const fn spki(&self) -> &[u8; SPKI_LEN] {
        &self.spki
    }

    /// SHA-256 of the SPKI.
    #[must_use]
    pub const fn id(&self) -> &B32 {
        &self.id
    }

    /// The last byte of the id, as token requests name a key.
    #[must_use]
    pub const fn truncated_id(&self) -> u8 {
        let [.., last] = self.id;
        last
    }

    /// Is this a request for this key, which can be signed? Errors: `token-key` (for another), `field` (not below the
    /// modulus).
    pub fn admits(&self, request: &TokenRequest) -> Result<()> {
        need(request.truncated_key_id == self.truncated_id(), Code::TokenKey)?;
        let modulus = self.spki.iter().skip(PREFIX.len()).take(NK);
        need(request.blinded_msg.iter().lt(modulus), Code::Field)
    }

    pub(crate) const fn rsa(&self) -> &SuitePublic {
        &self.rsa
    }
}

impl fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.id))
    }
}

/// A private token key with its public half. The RSA numbers are wiped on drop.
pub struct IssuerKey {
    secret: SuiteSecret,
    public: TokenKey,
}

impl IssuerKey {
    /// A new key. Error: `random` when the random source yields no primes.
    pub fn generate(rng: &mut impl CryptoRng) -> Result<Self> {
        Self::new(RsaPrivateKey::new(rng, BITS).map_err(|_| Code::Random)?)
    }

    /// Reads PKCS#8 DER. Error: `token-key` for anything but a valid two-prime RSA-2048 key with e = 65537.
    pub fn from_pkcs8(der: &[u8]) -> Result<Self> {
        Self::new(RsaPrivateKey::from_pkcs8_der(der).map_err(|_| Code::TokenKey)?)
    }

    fn new(mut key: RsaPrivateKey) -> Result<Self> {
        need(key.primes().len() == 2 && *key.e() == BoxedUint::from(E), Code::TokenKey)?;
        key.validate().map_err(|_| Code::TokenKey)?;
        key.precompute().map_err(|_| Code::TokenKey)?;
        let n = key.n().as_ref().to_be_bytes();
        let public = TokenKey::from_spki(&[&PREFIX[..], &n, &SUFFIX].concat())?;
        Ok(Self { secret: SecretKey::new(key), public })
    }

    /// PKCS#8 DER. Error: `token-key` (none that a checked key can meet).
    pub fn to_pkcs8(&self) -> Result<SecretVec> {
        let key: &RsaPrivateKey = self.secret.as_ref();
        let der = key.to_pkcs8_der().map_err(|_| Code::TokenKey)?;
        Ok(Secret::new(der.as_bytes().to_vec()))
    }

    /// The public half.
    #[must_use]
    pub const fn public(&self) -> &TokenKey {
        &self.public
    }

    pub(crate) const fn secret(&self) -> &SuiteSecret {
        &self.secret
    }
}

impl fmt::Debug for IssuerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<redacted>")
    }
}
