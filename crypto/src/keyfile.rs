//! Key files: Argon2id and XChaCha20Poly1305 around a secret at rest.
//!
//! ```text
//! magic "tabirkey" 8 ‖ version 0x01 ‖ memory KiB u32 ‖ iterations u32 ‖ lanes u8 ‖ salt 16 ‖ nonce 24 ‖ ct (secret + 16)
//! key = Argon2id(passphrase, salt, memory, iterations, lanes), version 0x13, 32 bytes          RFC 9106
//! aad = the 58 bytes before ct ‖ what the caller binds the secret to
//! ```
//! The caller's part of the aad says whose secret this is, so that one file cannot stand in for another. The costs stand
//! in the file and are checked before any work: a planted file can neither weaken the derivation nor exhaust memory.
//! Source: RFC 9106; draft-irtf-cfrg-xchacha, section 2; `docs/protocol.md`, "Key files". Not covered: a passphrase that
//! can be guessed; who may read the file (the `tabir` crate's).

use argon2::{Algorithm, Argon2, Params};
use chacha20poly1305::aead::{Aead as _, Payload};
use chacha20poly1305::{KeyInit as _, XChaCha20Poly1305};
use rand_core::CryptoRng;

use crate::error::{Code, Result, need};
use crate::secret::{SecretBytes, SecretVec};

const MAGIC: &[u8; 8] = b"tabirkey";
const VERSION: u8 = 1;
const SALT: usize = 16;
const NONCE: usize = 24;
const HEADER: usize = 8 + 1 + 4 + 4 + 1 + SALT + NONCE;

/// What one guess of the passphrase costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// Memory in KiB: 8 MiB to 1 GiB.
    pub memory_kib: u32,
    /// Passes over it: 1 to 16.
    pub iterations: u32,
    /// Lanes: 1 to 4.
    pub lanes: u8,
}

impl Cost {
    /// Memory and passes of RFC 9106's second recommended choice (section 4), in one lane: its work is the same.
    pub const DEFAULT: Self = Self { memory_kib: 64 * 1024, iterations: 3, lanes: 1 };
    /// The least that is taken: enough for tests and very small machines, and no file can go below it.
    pub const LEAST: Self = Self { memory_kib: 8 * 1024, iterations: 1, lanes: 1 };
    /// The most that is taken: about ten seconds and a gibibyte, so that a planted file stops nobody for long.
    pub const MOST: Self = Self { memory_kib: 1024 * 1024, iterations: 16, lanes: 4 };

    fn params(self) -> Result<Params> {
        let (least, most) = (Self::LEAST, Self::MOST);
        need((least.memory_kib..=most.memory_kib).contains(&self.memory_kib), Code::Field)?;
        need((least.iterations..=most.iterations).contains(&self.iterations), Code::Field)?;
        need((least.lanes..=most.lanes).contains(&self.lanes), Code::Field)?;
        Params::new(self.memory_kib, self.iterations, self.lanes.into(), Some(32)).map_err(|_| Code::Field.into())
    }
}

impl Default for Cost {
    fn default() -> Self {
        Self::DEFAULT
    }
}

fn cipher(passphrase: &[u8], salt: &[u8; SALT], cost: Cost) -> Result<XChaCha20Poly1305> {
    let argon = Argon2::new(Algorithm::Argon2id, argon2::Version::V0x13, cost.params()?);
    let mut done = Ok(());
    let key = SecretBytes::<32>::fill_with(|key| done = argon.hash_password_into(passphrase, salt, key));
    done.map_err(|_| Code::Passphrase)?;
    Ok(XChaCha20Poly1305::new(key.expose().into()))
}

/// Seals a secret under a passphrase. The source gives salt and nonce, in this order. Errors: `field` (a cost out of
/// range), `too-long`.
pub fn seal_key_file(
    passphrase: &[u8],
    secret: &[u8],
    aad: &[u8],
    cost: Cost,
    rng: &mut impl CryptoRng,
) -> Result<Vec<u8>> {
    let (mut salt, mut nonce) = ([0; SALT], [0; NONCE]);
    rng.fill_bytes(&mut salt);
    rng.fill_bytes(&mut nonce);
    let mut file = Vec::with_capacity(HEADER + secret.len() + 16);
    file.extend_from_slice(MAGIC);
    file.push(VERSION);
    file.extend_from_slice(&cost.memory_kib.to_be_bytes());
    file.extend_from_slice(&cost.iterations.to_be_bytes());
    file.push(cost.lanes);
    file.extend_from_slice(&salt);
    file.extend_from_slice(&nonce);
    let bound = [&file, aad].concat();
    let payload = Payload { msg: secret, aad: &bound };
    let ct = cipher(passphrase, &salt, cost)?.encrypt(&nonce.into(), payload).map_err(|_| Code::TooLong)?;
    file.extend_from_slice(&ct);
    Ok(file)
}

/// Opens a key file. Errors: `size`, `version` (not a key file of this version), `field` (a cost out of range),
/// `passphrase` (the passphrase is wrong, or the file or what it is bound to was changed).
pub fn open_key_file(passphrase: &[u8], file: &[u8], aad: &[u8]) -> Result<SecretVec> {
    let (header, ct) = file.split_at_checked(HEADER).ok_or(Code::Size)?;
    let (magic, rest) = header.split_first_chunk::<8>().ok_or(Code::Size)?;
    let (version, rest) = rest.split_first_chunk::<1>().ok_or(Code::Size)?;
    let (memory, rest) = rest.split_first_chunk::<4>().ok_or(Code::Size)?;
    let (iterations, rest) = rest.split_first_chunk::<4>().ok_or(Code::Size)?;
    let ([lanes], rest) = rest.split_first_chunk::<1>().ok_or(Code::Size)?;
    let (salt, rest) = rest.split_first_chunk::<SALT>().ok_or(Code::Size)?;
    let nonce = rest.first_chunk::<NONCE>().ok_or(Code::Size)?;
    need(magic == MAGIC && version == &[VERSION], Code::Version)?;
    let cost =
        Cost { memory_kib: u32::from_be_bytes(*memory), iterations: u32::from_be_bytes(*iterations), lanes: *lanes };
    let bound = [header, aad].concat();
    let payload = Payload { msg: ct, aad: &bound };
    let opened = cipher(passphrase, salt, cost)?.decrypt(nonce.into(), payload).map_err(|_| Code::Passphrase)?;
    Ok(SecretVec::new(opened))
}
