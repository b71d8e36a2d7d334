//! A warden key's backup, split among auditors: any k of n parts bring the key back, k − 1 say nothing about it.
//!
//! ```text
//! f         a random polynomial of degree k − 1 over the scalars mod q;  part i = f(i), 32, for 1 ≤ i ≤ n
//! wrapped   ChaCha20-Poly1305 of the key's 32-byte seed: 48 bytes; nonce zeros, aad = T("tabir/v1/backup"; key_id, k u16, n u16)
//!           under HKDF-SHA256(f(0), no salt, info "tabir/v1/backup", 32), a key that seals nothing else
//! check_i   T("tabir/v1/backup-part"; key_id, index u16, part)
//! sealed_i  HPKE to holder i's X-Wing key, Use::BackupPart { key_id, index }
//! card      auditor ‖ kem_pk with the auditor's Ed25519 signature over T("tabir/v1/backup-holder"; auditor, kem_pk)
//! ```
//! A seed is no scalar, so a random scalar wraps it: then the sharing is Shamir's over the field that the council's shares are
//! of, with the same interpolation. Source: Shamir, "How to share a secret", 1979; `docs/protocol.md`, "Backup of a warden key".
//! Not covered: that a holder keeps the part to himself, or destroys it when its key is destroyed. Nobody can prove either.

use chacha20poly1305::aead::{Aead as _, Payload};
use chacha20poly1305::{ChaCha20Poly1305, KeyInit as _};
use curve25519_dalek::Scalar;
use rand_core::CryptoRng;
use serde::{Deserialize, Serialize};

use crate::codec::{B32, Transcript, fixed};
use crate::ed25519::{SigningKey, VerifyingKey};
use crate::error::{Code, Error, Result, need};
use crate::hpke::{KemPublicKey, KemSecretKey, Use, uses};
use crate::point;
use crate::secret::{Secret, SecretBytes};
use crate::statement::value::{Bytes, Hex, Hex32, V1};
use crate::threshold::at_zero;

/// As many holders as a trust root has auditors at most; also what one statement names.
pub const MAX_HOLDERS: usize = 15;
const TAG: &str = "tabir/v1/backup";

/// An auditor's key for parts, signed by that auditor: travels as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HolderCard {
    /// Version 1.
    pub v: V1,
    /// The auditor's Ed25519 key.
    pub auditor: Hex32,
    /// X-Wing public key, 1,216 bytes.
    pub kem_pk: Bytes,
    /// By the auditor.
    pub signature: Hex<64>,
}

impl HolderCard {
    /// Signs a key for parts.
    #[must_use]
    pub fn new(auditor: &SigningKey, kem_pk: &KemPublicKey) -> Self {
        let id = *auditor.verifying_key().as_bytes();
        let signature = Hex(auditor.sign(&card_hash(&id, kem_pk)));
        Self { v: V1, auditor: Hex(id), kem_pk: Bytes(kem_pk.as_bytes().to_vec()), signature }
    }

    /// Whose it is, and the key. Errors: `kem`, those of [`VerifyingKey`].
    pub fn check(&self) -> Result<(VerifyingKey, KemPublicKey)> {
        let kem_pk = KemPublicKey::from_bytes(&self.kem_pk.0)?;
        let auditor = VerifyingKey::from_bytes(&self.auditor.0)?;
        auditor.verify(&card_hash(&self.auditor.0, &kem_pk), &self.signature.0)?;
        Ok((auditor, kem_pk))
    }
}

fn card_hash(auditor: &B32, kem_pk: &KemPublicKey) -> B32 {
    Transcript::new("tabir/v1/backup-holder").put("auditor", auditor).put("kem_pk", kem_pk.as_bytes()).hash()
}

/// A part as it is kept: nobody but its holder opens it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SealedPart {
    /// The holder's Ed25519 key. Its place in the list, from 1, is the part's index.
    pub holder: Hex32,
    /// By which a wrong part is told from the right one.
    pub check: Hex32,
    /// Sealed to the holder.
    pub sealed: Bytes,
}

/// A backup of one key: travels as JSON, and may lie anywhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Backup {
    /// Version 1.
    pub v: V1,
    /// SHA-256 of the public key that is backed up.
    pub key_id: Hex32,
    /// How many parts bring it back.
    pub threshold: u16,
    /// The wrapped seed.
    pub wrapped: Bytes,
    /// One a holder.
    pub parts: Vec<SealedPart>,
}

/// An opened part.
#[derive(Debug)]
pub struct Part {
    /// From 1.
    pub index: u16,
    /// The scalar.
    pub bytes: SecretBytes<32>,
}

impl Backup {
    /// Splits a key. Errors: `threshold` (2 ≤ k ≤ n ≤ [`MAX_HOLDERS`]), `duplicate` (a holder twice), those of the cards and
    /// of [`uses::seal`].
    pub fn split(key: &KemSecretKey, holders: &[HolderCard], threshold: u16, rng: &mut impl CryptoRng) -> Result<Self> {
        let key_id = key.public_key().key_id();
        let f: Vec<Secret<Scalar>> = (0..threshold).map(|_| random(rng)).collect();
        let root = f.first().ok_or(Code::Threshold)?;
        let n = count(holders.len())?;
        let wrapped = cipher(root)
            .encrypt(&Default::default(), Payload { msg: key.seed().expose(), aad: &aad(&key_id, threshold, n) })
            .map_err(|_| Code::Aead)?;
        let mut parts = Vec::with_capacity(holders.len());
        for (index, card) in (1..).zip(holders) {
            let (_, kem_pk) = card.check()?;
            let part = SecretBytes::new(at(&f, index).expose().to_bytes());
            let place = Use::BackupPart { key_id, index };
            let sealed = Bytes(uses::seal(&kem_pk, &place, part.expose(), rng)?);
            parts.push(SealedPart { holder: card.auditor, check: Hex(check(&key_id, index, &part)), sealed });
        }
        let backup = Self { v: V1, key_id: Hex(key_id), threshold, wrapped: Bytes(wrapped), parts };
        backup.sound()?;
        Ok(backup)
    }

    /// The holders' keys, in the order of their parts.
    #[must_use]
    pub fn holders(&self) -> Vec<Hex32> {
        self.parts.iter().map(|part| part.holder).collect()
    }

    fn sound(&self) -> Result<u16> {
        let n = count(self.parts.len())?;
        need((2..=n).contains(&self.threshold), Code::Threshold)?;
        let mut holders = self.holders();
        holders.sort_unstable();
        holders.dedup();
        need(holders.len() == self.parts.len(), Code::Duplicate)?;
        Ok(n)
    }

    /// A holder's own part, as it is kept. Errors: `threshold`, `duplicate`, `unknown-key` (no part of this holder), `aead`
    /// and `kem` (another key), `share` (not the part that this backup is made of).
    pub fn open(&self, holder: &VerifyingKey, key: &KemSecretKey) -> Result<Part> {
        self.sound()?;
        let mine = (1..).zip(&self.parts).find(|(_, part)| part.holder.0 == *holder.as_bytes());
        let (index, part) = mine.ok_or(Code::UnknownKey)?;
        self.open_given(index, &part.sealed.0, key)
    }

    /// A part that its holder sealed anew, for the machine that brings the key back. Errors: as [`Backup::open`]; `index`.
    pub fn open_given(&self, index: u16, sealed: &[u8], key: &KemSecretKey) -> Result<Part> {
        let opened = uses::open(key, &Use::BackupPart { key_id: self.key_id.0, index }, sealed)?;
        let part = Part { index, bytes: SecretBytes::new(fixed(opened.expose())?) };
        self.check_part(&part)?;
        Ok(part)
    }

    /// Seals a part to the machine that brings the key back. Errors: those of [`uses::seal`].
    pub fn give(&self, part: &Part, to: &KemPublicKey, rng: &mut impl CryptoRng) -> Result<Vec<u8>> {
        uses::seal(to, &Use::BackupPart { key_id: self.key_id.0, index: part.index }, part.bytes.expose(), rng)
    }

    fn check_part(&self, part: &Part) -> Result<()> {
        let place = usize::from(part.index).checked_sub(1).and_then(|i| self.parts.get(i)).ok_or(Code::Index)?;
        let right = place.check.0 == check(&self.key_id.0, part.index, &part.bytes);
        if right { Ok(()) } else { Err(Error::at(Code::Share, part.index)) }
    }

    /// Brings the key back. Errors: `threshold`, `duplicate`, `too-few`, `index`, `share` (names the wrong part), `aead`,
    /// `context` (it wrapped another key).
    pub fn combine(&self, parts: &[Part]) -> Result<KemSecretKey> {
        let n = self.sound()?;
        let mut indices = Vec::with_capacity(parts.len());
        for part in parts {
            self.check_part(part)?;
            need(!indices.contains(&part.index), Code::Duplicate)?;
            indices.push(part.index);
        }
        let k = usize::from(self.threshold);
        need(indices.len() >= k, Code::TooFew)?;
        indices.truncate(k);
        let mut root = Secret::new(Scalar::ZERO);
        for part in parts.iter().take(k) {
            let scalar = Secret::new(point::scalar(part.bytes.expose())?);
            root = Secret::new(root.expose() + at_zero(part.index, &indices) * scalar.expose());
        }
        let payload = Payload { msg: &self.wrapped.0, aad: &aad(&self.key_id.0, self.threshold, n) };
        let seed = Secret::new(cipher(&root).decrypt(&Default::default(), payload).map_err(|_| Code::Aead)?);
        let key = KemSecretKey::from_seed(SecretBytes::new(fixed(seed.expose())?));
        need(key.public_key().key_id() == self.key_id.0, Code::Context)?;
        Ok(key)
    }
}

fn count(n: usize) -> Result<u16> {
    need(n <= MAX_HOLDERS, Code::Threshold)?;
    u16::try_from(n).map_err(|_| Code::Threshold.into())
}

fn random(rng: &mut impl CryptoRng) -> Secret<Scalar> {
    let wide = SecretBytes::<64>::random(rng);
    Secret::new(Scalar::from_bytes_mod_order_wide(wide.expose()))
}

/// f(i), by Horner.
fn at(f: &[Secret<Scalar>], i: u16) -> Secret<Scalar> {
    let i = Scalar::from(i);
    f.iter().rev().fold(Secret::new(Scalar::ZERO), |sum, c| Secret::new(sum.expose() * i + c.expose()))
}

fn aad(key_id: &B32, k: u16, n: u16) -> B32 {
    Transcript::new(TAG).put("key_id", key_id).put("k", &k.to_be_bytes()).put("n", &n.to_be_bytes()).hash()
}

fn check(key_id: &B32, index: u16, part: &SecretBytes<32>) -> B32 {
    let t = Transcript::new("tabir/v1/backup-part").put("key_id", key_id);
    t.put("index", &index.to_be_bytes()).put("part", part.expose()).hash()
}

fn cipher(root: &Secret<Scalar>) -> ChaCha20Poly1305 {
    let root = SecretBytes::new(root.expose().to_bytes());
    ChaCha20Poly1305::new(SecretBytes::hkdf(&[], root.expose(), TAG).expose().into())
}
