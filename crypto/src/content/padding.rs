//! Padding to fixed sizes, so that a length says little; see the drawing at the head of [`super`].

use crate::codec::{B32, sha256};
use crate::error::{Code, Result, need};
use crate::hpke::xwing::OVERHEAD;
use crate::secret::SecretVec;

/// Sizes of a content before it is sealed.
pub const CONTENT_SIZES: [usize; 3] = [4_096, 16_384, 65_536];
/// Sizes of a message, dispute or sealed reply before it is sealed.
pub const MESSAGE_SIZES: [usize; 2] = [4_096, 16_384];
/// Size of an identity record before it is sealed.
pub const RECORD_SIZE: usize = 1_024;
/// Bytes of the length before a content or message.
const LENGTH: usize = 4;
/// Bytes of the length before a record.
const RECORD_LENGTH: usize = 2;

fn pad<const PREFIX: usize>(sizes: &[usize], json: &[u8]) -> Result<SecretVec> {
    let size = *sizes.iter().find(|size| PREFIX + json.len() <= **size).ok_or(Code::TooLong)?;
    let length = u32::try_from(json.len()).map_err(|_| Code::TooLong)?.to_be_bytes();
    let mut out = Vec::with_capacity(size);
    out.extend_from_slice(length.last_chunk::<PREFIX>().ok_or(Code::Length)?);
    out.extend_from_slice(json);
    out.resize(size, 0);
    Ok(SecretVec::new(out))
}

fn unpad<const PREFIX: usize>(sizes: &[usize], shortest: usize, padded: &[u8]) -> Result<SecretVec> {
    need(sizes.contains(&padded.len()), Code::Size)?;
    let (length, rest) = padded.split_first_chunk::<PREFIX>().ok_or(Code::Size)?;
    let length = length.iter().fold(0, |n, byte| n << 8 | usize::from(*byte));
    need(length >= shortest, Code::Length)?;
    let (json, zeros) = rest.split_at_checked(length).ok_or(Code::Length)?;
    need(zeros.iter().all(|byte| *byte == 0), Code::Pad)?;
    Ok(SecretVec::new(json.to_vec()))
}

/// Pads a content's JSON to the smallest size that fits. Error: `too-long`.
pub fn pad_content(json: &[u8]) -> Result<SecretVec> {
    pad::<LENGTH>(&CONTENT_SIZES, json)
}

/// The JSON inside a padded content. Errors: `size`, `length`, `pad`.
pub fn unpad_content(padded: &[u8]) -> Result<SecretVec> {
    unpad::<LENGTH>(&CONTENT_SIZES, 1, padded)
}

/// Pads a message's JSON to the smallest size that fits. Error: `too-long`.
pub fn pad_message(json: &[u8]) -> Result<SecretVec> {
    pad::<LENGTH>(&MESSAGE_SIZES, json)
}

/// The JSON inside a padded message. Errors: `size`, `length`, `pad`.
pub fn unpad_message(padded: &[u8]) -> Result<SecretVec> {
    unpad::<LENGTH>(&MESSAGE_SIZES, 1, padded)
}

/// Pads an identity record's JSON; none at all is "no identity given". Error: `too-long`.
pub fn pad_record(json: &[u8]) -> Result<SecretVec> {
    pad::<RECORD_LENGTH>(&[RECORD_SIZE], json)
}

/// The JSON inside a padded identity record, empty where no identity was given. Errors: `size`, `length`, `pad`.
pub fn unpad_record(padded: &[u8]) -> Result<SecretVec> {
    unpad::<RECORD_LENGTH>(&[RECORD_SIZE], 0, padded)
}

/// SHA-256 of a sealed content. Error: `size`, for a length that no sealed content has.
pub fn content_hash(sealed: &[u8]) -> Result<B32> {
    need(CONTENT_SIZES.iter().any(|size| size + OVERHEAD == sealed.len()), Code::Size)?;
    Ok(sha256(sealed))
}

/// Refuses a length that no sealed message has. Error: `size`.
pub fn check_sealed_message(sealed: &[u8]) -> Result<()> {
    need(MESSAGE_SIZES.iter().any(|size| size + OVERHEAD == sealed.len()), Code::Size)
}
