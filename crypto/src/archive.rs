//! A role's store as a backup: sealed to a key that is kept elsewhere, signed by who made it, opened piece by piece.
//!
//! ```text
//! head       "tabir/v1/store-backup\n" ‖ u32 length ‖ manifest (JSON) ‖ sealed 1,187
//! sealed     HPKE (X-Wing) of key 32 ‖ nonce prefix 19, Use::StoreBackup { manifest: SHA-256 of the manifest }
//! chunk i    65,536 of the plaintext + tag 16; nonce = prefix ‖ u32 i ‖ last 0/1; aad = SHA-256 of the manifest
//! plaintext  u64 length ‖ store ‖ zeros, to a multiple of 1 MiB: its size tells little of how much is in it
//! signature  64, Ed25519 over T("tabir/v1/store-backup"; sha256 of all before it)
//! ```
//! STREAM (eprint 2015/189, BE32) over XChaCha20Poly1305 as in [`crate::attachment`]; the last chunk alone has the 1. HPKE does
//! not say who sealed, so the maker signs; who has no secret can check that a backup is whole and genuine, and no more.
//! X-Wing: what somebody keeps of these files today is not opened by tomorrow's quantum computer. Source: `docs/protocol.md`,
//! "Backups of stores". Not covered: that a backup is the newest one.

use core::fmt;

use aead_stream::{DecryptorBE32, EncryptorBE32};
use chacha20poly1305::aead::Payload;
use chacha20poly1305::{KeyInit as _, XChaCha20Poly1305};
use rand_core::CryptoRng;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::codec::{B32, Transcript, sha256};
use crate::ed25519::{Signature, SigningKey, VerifyingKey};
use crate::error::{Code, Result, need};
use crate::hpke::xwing::OVERHEAD;
use crate::hpke::{KemPublicKey, KemSecretKey, Use, uses};
use crate::json;
use crate::secret::{SecretBytes, SecretVec};
use crate::statement::value::{CodeText, Hex32, Hour, V1};

/// Plaintext of a chunk.
pub const CHUNK: usize = 65_536;
/// A chunk as it stands in the file.
pub const SEALED_CHUNK: usize = CHUNK + TAG;
/// The plaintext is padded to a multiple of this: 16 chunks.
pub const BUCKET: u64 = 1 << 20;
/// Length of the signature at the end.
pub const SIGNATURE: usize = 64;
const TAG: usize = 16;
const MAGIC: &[u8] = b"tabir/v1/store-backup\n";
const CONTEXT: &str = "tabir/v1/store-backup";
const KEY: usize = 32;
const PREFIX: usize = 19;
const SEALED: usize = OVERHEAD + KEY + PREFIX;
/// A manifest has seven short fields.
const MAX_MANIFEST: usize = 1_024;
/// The longest head.
pub const MAX_HEAD: usize = MAGIC.len() + 4 + MAX_MANIFEST + SEALED;

/// What stands in clear before the ciphertext: nothing that tells of what is in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Version 1.
    pub v: V1,
    /// Whose store.
    pub role: CodeText,
    /// The number of the newest migration in it.
    pub schema: u64,
    /// SHA-256 of the trust root's statement under which it was made.
    pub trust: Hex32,
    /// When.
    pub at: Hour,
    /// Key id of the X-Wing key that opens it.
    pub recipient: Hex32,
    /// Ed25519 key of who made it.
    pub signer: Hex32,
}

fn stream_aad(manifest: &[u8]) -> B32 {
    sha256(manifest)
}

fn signed(hash: &B32) -> B32 {
    Transcript::new(CONTEXT).put("sha256", hash).hash()
}

fn xchacha(key: &[u8; KEY]) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(key.into())
}

/// A backup on its way into a file.
pub struct Sealing {
    stream: EncryptorBE32<XChaCha20Poly1305>,
    aad: B32,
    hash: Sha256,
}

impl fmt::Debug for Sealing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealing")
    }
}

impl Sealing {
    /// The head's bytes, and what seals the chunks behind it. Errors: `field` for a manifest that names another recipient,
    /// `too-long`, `kem`.
    pub fn begin(manifest: &Manifest, recipient: &KemPublicKey, rng: &mut impl CryptoRng) -> Result<(Self, Vec<u8>)> {
        need(manifest.recipient.0 == recipient.key_id(), Code::Field)?;
        let text = json::to_vec(manifest)?;
        let length = u32::try_from(text.len()).map_err(|_| Code::TooLong)?;
        need(text.len() <= MAX_MANIFEST, Code::TooLong)?;
        let aad = stream_aad(&text);
        let secret = SecretBytes::<{ KEY + PREFIX }>::random(rng);
        let place = Use::StoreBackup { manifest: aad };
        let sealed = uses::seal(recipient, &place, secret.expose(), rng)?;
        let head = [MAGIC, &length.to_be_bytes(), &text, &sealed].concat();
        let stream = EncryptorBE32::from_aead(xchacha(&key_of(&secret)?), &prefix_of(&secret)?.into());
        let mut hash = Sha256::new();
        hash.update(&head);
        Ok((Self { stream, aad, hash }, head))
    }

    /// Seals a full chunk that is not the last. Error: `size`.
    pub fn chunk(&mut self, plaintext: &[u8]) -> Result<Vec<u8>> {
        need(plaintext.len() == CHUNK, Code::Size)?;
        let sealed = self.stream.encrypt_next(Payload { msg: plaintext, aad: &self.aad });
        let sealed = sealed.map_err(|_| Code::TooLong)?;
        self.hash.update(&sealed);
        Ok(sealed)
    }

    /// Seals the last chunk, a full one too, and signs: the file's last bytes. Errors: `size`.
    pub fn last(mut self, plaintext: &[u8], signer: &SigningKey) -> Result<Vec<u8>> {
        need(plaintext.len() == CHUNK, Code::Size)?;
        let sealed = self.stream.encrypt_last(Payload { msg: plaintext, aad: &self.aad });
        let mut end = sealed.map_err(|_| Code::TooLong)?;
        self.hash.update(&end);
        end.extend_from_slice(&signer.sign(&signed(&self.hash.finalize().into())));
        Ok(end)
    }
}

fn key_of(secret: &SecretBytes<{ KEY + PREFIX }>) -> Result<[u8; KEY]> {
    crate::codec::fixed(secret.expose().get(..KEY).unwrap_or_default())
}

fn prefix_of(secret: &SecretBytes<{ KEY + PREFIX }>) -> Result<[u8; PREFIX]> {
    crate::codec::fixed(secret.expose().get(KEY..).unwrap_or_default())
}

/// The beginning of a backup, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// What it says of itself; believed once the signature was checked.
    pub manifest: Manifest,
    aad: B32,
    sealed: Vec<u8>,
    bytes: Vec<u8>,
}

impl Head {
    /// Reads the head from a file's first [`MAX_HEAD`] bytes, or all of a shorter file. Errors: `version` for another kind of
    /// file, `size` for one that ends too early, those of strict JSON.
    pub fn parse(file: &[u8]) -> Result<Self> {
        let rest = file.strip_prefix(MAGIC).ok_or(Code::Version)?;
        let (length, rest) = rest.split_first_chunk::<4>().ok_or(Code::Size)?;
        let length = usize::try_from(u32::from_be_bytes(*length)).map_err(|_| Code::Size)?;
        need(length <= MAX_MANIFEST, Code::Size)?;
        let (text, rest) = rest.split_at_checked(length).ok_or(Code::Size)?;
        let sealed = rest.get(..SEALED).ok_or(Code::Size)?.to_vec();
        let bytes = file.get(..MAGIC.len() + 4 + length + SEALED).ok_or(Code::Size)?.to_vec();
        Ok(Self { manifest: json::from_slice(text)?, aad: stream_aad(text), sealed, bytes })
    }

    /// How many bytes it has: the first chunk begins there.
    #[must_use]
    pub fn length(&self) -> usize {
        self.bytes.len()
    }

    /// Begins to check the rest, by the hash of what is read.
    #[must_use]
    pub fn check(&self) -> Checking {
        let mut hash = Sha256::new();
        hash.update(&self.bytes);
        Checking(hash)
    }

    /// Begins to open the rest. Errors: `context` for another key than the one that it is sealed to; `kem`, `aead`.
    pub fn open(&self, key: &KemSecretKey) -> Result<Opening> {
        need(key.public_key().key_id() == self.manifest.recipient.0, Code::Context)?;
        let secret = uses::open(key, &Use::StoreBackup { manifest: self.aad }, &self.sealed)?;
        let secret: SecretBytes<{ KEY + PREFIX }> = SecretBytes::new(crate::codec::fixed(secret.expose())?);
        let stream = DecryptorBE32::from_aead(xchacha(&key_of(&secret)?), &prefix_of(&secret)?.into());
        Ok(Opening { stream, aad: self.aad })
    }
}

/// The check of who made a file and that nothing of it is changed.
#[derive(Clone, Debug)]
pub struct Checking(Sha256);

impl Checking {
    /// The next bytes behind the head.
    pub fn take(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The signature at the end, by the key that must have made it. Errors: `signature` and those of
    /// [`VerifyingKey::verify`].
    pub fn end(self, signature: &Signature, signer: &VerifyingKey) -> Result<()> {
        signer.verify(&signed(&self.0.finalize().into()), signature)
    }
}

/// A backup on its way out of a file.
pub struct Opening {
    stream: DecryptorBE32<XChaCha20Poly1305>,
    aad: B32,
}

impl fmt::Debug for Opening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Opening")
    }
}

impl Opening {
    /// Opens a chunk that is not the last. Error: `aead`.
    pub fn chunk(&mut self, sealed: &[u8]) -> Result<SecretVec> {
        let opened = self.stream.decrypt_next(Payload { msg: sealed, aad: &self.aad });
        Ok(SecretVec::new(opened.map_err(|_| Code::Aead)?))
    }

    /// Opens the last chunk. Error: `aead`, also for one that is not the last.
    pub fn last(self, sealed: &[u8]) -> Result<SecretVec> {
        let opened = self.stream.decrypt_last(Payload { msg: sealed, aad: &self.aad });
        Ok(SecretVec::new(opened.map_err(|_| Code::Aead)?))
    }
}
