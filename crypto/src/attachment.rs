//! Attachments: STREAM over XChaCha20Poly1305, padded to powers of two.
//!
//! ```text
//! plaintext  file ‖ zeros, to a power of two ≥ 65,536, the least that fits
//! chunk i    65,536 of it + tag 16; nonce = prefix 19 ‖ u32 i ‖ last 0/1; aad = case_id 32 ‖ file_id 16
//! ```
//! A key of its own for each file. Every chunk is full, and the last one alone has the 1, so a file that was cut,
//! reordered or extended does not open. Source: STREAM, eprint 2015/189 (BE32); XChaCha20: draft-irtf-cfrg-xchacha,
//! section 2; `docs/protocol.md`, "Attachments". Not covered: reading from the middle; what a file's own metadata says.

use core::fmt;

use aead_stream::{DecryptorBE32, EncryptorBE32};
use chacha20poly1305::aead::Payload;
use chacha20poly1305::{KeyInit as _, XChaCha20Poly1305};
use rand_core::CryptoRng;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::codec::{B32, sha256};
use crate::error::{Code, Result, need};
use crate::secret::{SecretBytes, SecretVec};
use crate::statement::value::{Hex, Hex32, Text};

/// Plaintext of a chunk, and the least padded length.
pub const CHUNK: usize = 65_536;
/// Length of a chunk's tag.
const TAG: usize = 16;

/// What stands in the sealed content about one file: all that is needed to fetch and open it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attachment {
    /// Random; the file's name in the store.
    pub file_id: Hex<16>,
    /// The file's own key.
    #[serde(with = "crate::secret::as_hex")]
    pub key: SecretBytes<32>,
    /// The random part of the nonces.
    pub nonce_prefix: Hex<19>,
    /// Bytes of the file.
    pub length: u64,
    /// Bytes with the padding.
    pub padded_length: u64,
    /// SHA-256 of the ciphertext.
    pub sha256: Hex32,
    /// Media type of the cleaned file.
    pub media_type: Text,
}

impl fmt::Debug for Attachment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Attachment {}", self.file_id)
    }
}

/// The least power of two that is at least 65,536 and fits the file. Error: `too-long`.
pub fn padded_length(length: u64) -> Result<u64> {
    Ok(length.checked_next_power_of_two().ok_or(Code::TooLong)?.max(CHUNK as u64))
}

fn aad(case_id: &B32, file_id: &[u8; 16]) -> [u8; 48] {
    let mut aad = [0; 48];
    let (case, file) = aad.split_at_mut(32);
    case.copy_from_slice(case_id);
    file.copy_from_slice(file_id);
    aad
}

fn padded_chunk(file: &[u8], from: usize) -> Zeroizing<Vec<u8>> {
    let rest = file.get(from..).unwrap_or_default();
    let mut chunk = Zeroizing::new(Vec::with_capacity(CHUNK));
    chunk.extend_from_slice(rest.get(..CHUNK).unwrap_or(rest));
    chunk.resize(CHUNK, 0);
    chunk
}

/// Pads and seals a file for one case. The source gives key, nonce prefix and file id, in this order. Error: `too-long`.
pub fn seal(file: &[u8], case_id: &B32, media_type: Text, rng: &mut impl CryptoRng) -> Result<(Attachment, Vec<u8>)> {
    let key = SecretBytes::<32>::random(rng);
    let (mut prefix, mut file_id) = ([0; 19], [0; 16]);
    rng.fill_bytes(&mut prefix);
    rng.fill_bytes(&mut file_id);
    let length = file.len() as u64;
    let padded = padded_length(length)?;
    let size = usize::try_from(padded).map_err(|_| Code::TooLong)?;

    let mut stream = EncryptorBE32::from_aead(XChaCha20Poly1305::new(key.expose().into()), &prefix.into());
    let aad = aad(case_id, &file_id);
    let mut ct = Vec::with_capacity(size + size / CHUNK * TAG);
    for from in (0..size - CHUNK).step_by(CHUNK) {
        let sealed = stream.encrypt_next(Payload { msg: &padded_chunk(file, from), aad: &aad });
        ct.extend(sealed.map_err(|_| Code::TooLong)?);
    }
    let sealed = stream.encrypt_last(Payload { msg: &padded_chunk(file, size - CHUNK), aad: &aad });
    ct.extend(sealed.map_err(|_| Code::TooLong)?);

    let attachment = Attachment {
        file_id: Hex(file_id),
        key,
        nonce_prefix: Hex(prefix),
        length,
        padded_length: padded,
        sha256: Hex(sha256(&ct)),
        media_type,
    };
    Ok((attachment, ct))
}

impl Attachment {
    /// Opens this file's ciphertext. Errors: `size` (padded length or ciphertext do not fit the length), `aead`, `pad`.
    pub fn open(&self, case_id: &B32, ct: &[u8]) -> Result<SecretVec> {
        let padded = usize::try_from(self.padded_length).map_err(|_| Code::Size)?;
        let length = usize::try_from(self.length).map_err(|_| Code::Size)?;
        need(padded_length(self.length)? == self.padded_length, Code::Size)?;
        need(padded.checked_add(padded / CHUNK * TAG) == Some(ct.len()), Code::Size)?;
        need(sha256(ct) == self.sha256.0, Code::Aead)?;

        let cipher = XChaCha20Poly1305::new(self.key.expose().into());
        let mut stream = DecryptorBE32::from_aead(cipher, &self.nonce_prefix.0.into());
        let aad = aad(case_id, &self.file_id.0);
        let (body, last) = ct.split_at_checked(ct.len() - (CHUNK + TAG)).ok_or(Code::Size)?;
        let mut file = Zeroizing::new(Vec::with_capacity(padded));
        for chunk in body.chunks(CHUNK + TAG) {
            let opened = stream.decrypt_next(Payload { msg: chunk, aad: &aad });
            file.extend_from_slice(&Zeroizing::new(opened.map_err(|_| Code::Aead)?));
        }
        let opened = stream.decrypt_last(Payload { msg: last, aad: &aad });
        file.extend_from_slice(&Zeroizing::new(opened.map_err(|_| Code::Aead)?));
        need(file.iter().skip(length).all(|byte| *byte == 0), Code::Pad)?;
        file.truncate(length);
        Ok(SecretVec::new(core::mem::take(&mut *file)))
    }
}
