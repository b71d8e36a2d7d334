//! One type for every secret: wiped on drop, printed as `<redacted>`, compared in constant time, never `Copy`.
//!
//! | what | how |
//! | --- | --- |
//! | wiped | crate `zeroize`: volatile writes, on drop |
//! | compared | crate `subtle`: every byte is looked at; only the length is not secret |
//! | derived | HKDF-SHA256, RFC 5869 |
//!
//! ```compile_fail,E0382
//! let secret = tabir_crypto::SecretBytes::new([1; 32]);
//! let moved = secret;
//! assert_eq!(moved, secret); // it is not there twice
//! ```
//! Not covered: what the compiler leaves on the stack or in registers when a value is moved or computed with, memory
//! that is swapped out, and core dumps.

use core::fmt;

use hkdf::Hkdf;
use rand_core::CryptoRng;
use sha2::Sha256;
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// A secret value. The only way to its bytes is [`Secret::expose`], so that every use can be found by searching for it.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Secret<T: Zeroize>(T);

/// A secret of `N` bytes.
pub type SecretBytes<const N: usize> = Secret<[u8; N]>;

/// A secret text or plaintext of any length.
pub type SecretVec = Secret<Vec<u8>>;

impl<T: Zeroize> Secret<T> {
    /// Takes a value in; the caller wipes any other copy.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// The value, for the computation that needs it.
    pub const fn expose(&self) -> &T {
        &self.0
    }
}

impl<const N: usize> SecretBytes<N> {
    /// `N` bytes from the given source.
    pub fn random(rng: &mut impl CryptoRng) -> Self {
        let mut secret = Self([0; N]);
        rng.fill_bytes(&mut secret.0);
        secret
    }

    /// Fills `N` bytes in place, so that no copy is left on the way.
    pub(crate) fn fill_with(fill: impl FnOnce(&mut [u8; N])) -> Self {
        let mut secret = Self([0; N]);
        fill(&mut secret.0);
        secret
    }
}

impl SecretBytes<32> {
    /// HKDF-SHA256 (RFC 5869), 32 bytes. An empty salt is "no salt".
    pub(crate) fn hkdf(salt: &[u8], ikm: &[u8], info: &str) -> Self {
        Self::fill_with(|out| match Hkdf::<Sha256>::new(Some(salt), ikm).expand(info.as_bytes(), out) {
            Ok(()) => (),
            Err(_) => unreachable!("HKDF refuses only more than 255 blocks"),
        })
    }
}

impl<T: Zeroize> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<redacted>")
    }
}

impl<T: Zeroize + AsRef<[u8]>> ConstantTimeEq for Secret<T> {
    fn ct_eq(&self, other: &Self) -> subtle::Choice {
        self.0.as_ref().ct_eq(other.0.as_ref())
    }
}

impl<T: Zeroize + AsRef<[u8]>> PartialEq for Secret<T> {
    fn eq(&self, other: &Self) -> bool {
        self.ct_eq(other).into()
    }
}

impl<T: Zeroize + AsRef<[u8]>> Eq for Secret<T> {}

/// `#[serde(with = "tabir_crypto::secret::as_hex")]`: writes a secret out as lower-case hex. Named at each field that
/// leaves this way, so that no secret is serialized by accident.
pub mod as_hex {
    use serde::de::Error as _;
    use serde::{Deserialize, Deserializer, Serializer};
    use zeroize::Zeroizing;

    use super::{Secret, SecretBytes};
    use crate::codec::unhex;

    #[allow(missing_docs)]
    pub fn serialize<const N: usize, S: Serializer>(secret: &SecretBytes<N>, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&Zeroizing::new(hex::encode(secret.expose())))
    }

    #[allow(missing_docs)]
    pub fn deserialize<'de, const N: usize, D: Deserializer<'de>>(d: D) -> Result<SecretBytes<N>, D::Error> {
        let text = Zeroizing::new(String::deserialize(d)?);
        unhex(&text).map(Secret::new).map_err(D::Error::custom)
    }
}
