//! RFC 9180 from a DH output that is already there: base mode, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256,
//! ChaCha20Poly1305, one message (sequence number 0).
//!
//! ```text
//! eae_prk       = LabeledExtract("", "eae_prk", dh)                              KEM suite  "KEM"  0x0020
//! shared_secret = LabeledExpand(eae_prk, "shared_secret", enc ‖ pkRm, 32)
//! context       = 0x00 ‖ LabeledExtract("", "psk_id_hash", "") ‖ LabeledExtract("", "info_hash", info)
//! secret        = LabeledExtract(shared_secret, "secret", "")                    HPKE suite "HPKE" 0x0020 0x0001 0x0003
//! key, base_nonce, exp = LabeledExpand(secret, …, context, 32 | 12 | 32)
//! ```
//! No library offers this: each wants the private key, and the council's exists nowhere. Source: RFC 9180, sections 4
//! (labels), 4.1 (DHKEM), 5.1 (key schedule), 5.3 (export). Not covered: other modes and suites, a second message.

use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{ChaCha20Poly1305, KeyInit};
use hkdf::{Hkdf, HkdfExtract};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use crate::codec::B32;
use crate::error::{Code, Result, need};
use crate::secret::{Secret, SecretBytes, SecretVec};

const VERSION: &[u8] = b"HPKE-v1";
const KEM_SUITE: &[u8] = b"KEM\x00\x20";
const HPKE_SUITE: &[u8] = b"HPKE\x00\x20\x00\x01\x00\x03";

/// The keys of one message. Sender and receiver have the same.
#[derive(Debug)]
pub struct Context {
    key: SecretBytes<32>,
    base_nonce: SecretBytes<12>,
    exporter: SecretBytes<32>,
}

impl Context {
    /// From the DH output of `enc` and the receiver's key `pk_r`, both u-coordinates. Error: `zero-dh` (section 7.1.4).
    pub fn new(dh: &SecretBytes<32>, enc: &B32, pk_r: &B32, info: &[u8]) -> Result<Self> {
        need(!bool::from(dh.expose().ct_eq(&[0; 32])), Code::ZeroDh)?;
        let eae = extract(KEM_SUITE, &[], b"eae_prk", dh.expose()).1;
        let shared: SecretBytes<32> = expand(&eae, KEM_SUITE, b"shared_secret", &[enc.as_slice(), pk_r].concat())?;
        let psk_id_hash = extract(HPKE_SUITE, &[], b"psk_id_hash", &[]).0;
        let info_hash = extract(HPKE_SUITE, &[], b"info_hash", info).0;
        let context = [[0].as_slice(), &psk_id_hash, &info_hash].concat();
        let secret = extract(HPKE_SUITE, shared.expose(), b"secret", &[]).1;
        Ok(Self {
            key: expand(&secret, HPKE_SUITE, b"key", &context)?,
            base_nonce: expand(&secret, HPKE_SUITE, b"base_nonce", &context)?,
            exporter: expand(&secret, HPKE_SUITE, b"exp", &context)?,
        })
    }

    fn aead(&self) -> ChaCha20Poly1305 {
        ChaCha20Poly1305::new(self.key.expose().into())
    }

    /// Seals the one message of this context, which is used up: a second one would repeat the nonce.
    pub fn seal(self, aad: &[u8], msg: &[u8]) -> Result<Vec<u8>> {
        let nonce = self.base_nonce.expose().into();
        self.aead().encrypt(nonce, Payload { msg, aad }).map_err(|_| Code::Aead.into())
    }

    /// Opens the one message. Error: `aead`.
    pub fn open(&self, aad: &[u8], msg: &[u8]) -> Result<SecretVec> {
        let nonce = self.base_nonce.expose().into();
        Ok(Secret::new(self.aead().decrypt(nonce, Payload { msg, aad }).map_err(|_| Code::Aead)?))
    }

    /// `Context.Export`, section 5.3. Error: `size` (`L` beyond 8,160).
    pub fn export<const L: usize>(&self, exporter_context: &[u8]) -> Result<SecretBytes<L>> {
        let exporter = Hkdf::<Sha256>::from_prk(self.exporter.expose()).map_err(|_| Code::Size)?;
        expand(&exporter, HPKE_SUITE, b"sec", exporter_context)
    }
}

fn extract(suite: &[u8], salt: &[u8], label: &[u8], ikm: &[u8]) -> (B32, Hkdf<Sha256>) {
    let mut extract = HkdfExtract::<Sha256>::new(Some(salt));
    for part in [VERSION, suite, label, ikm] {
        extract.input_ikm(part);
    }
    let (prk, hkdf) = extract.finalize();
    (prk.into(), hkdf)
}

fn expand<const L: usize>(hkdf: &Hkdf<Sha256>, suite: &[u8], label: &[u8], info: &[u8]) -> Result<SecretBytes<L>> {
    let length = u16::try_from(L).map_err(|_| Code::Size)?.to_be_bytes();
    let mut done = Ok(());
    let out = SecretBytes::fill_with(|out| {
        done = hkdf.expand_multi_info(&[&length, VERSION, suite, label, info], out);
    });
    done.map_err(|_| Code::Size)?;
    Ok(out)
}
