//! The transcript hash T, tagged hashes, lower-case hex and base64 in their one form.
//!
//! ```text
//! put(l, d) = u32 length of l | l | u64 length of d | d        (big-endian)
//! T(tag; l1: d1, …) = SHA-512(put("dst", tag) ‖ put(l1, d1) ‖ …)
//! ```
//! As a hash, T is its first 32 bytes; as a challenge, all 64 as a little-endian integer mod q.
//! Source: `docs/protocol.md`, "Building blocks"; base64: RFC 4648, sections 4 and 5, padding and last bits strict.
//! Not covered: streams; all data is in memory.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};
use curve25519_dalek::{EdwardsPoint, Scalar};
use sha2::{Digest, Sha256, Sha512};

use crate::error::{Code, Result};

/// 32 bytes: a hash, an id, a public key or a nonce. Never a secret.
pub type B32 = [u8; 32];

/// SHA-256.
#[must_use]
pub fn sha256(data: &[u8]) -> B32 {
    Sha256::digest(data).into()
}

/// SHA-256 of an ASCII tag followed by the parts, without separators: every part must have a fixed length.
#[must_use]
pub fn tagged(tag: &str, parts: &[&[u8]]) -> B32 {
    let mut hash = Sha256::new_with_prefix(tag.as_bytes());
    for part in parts {
        hash.update(part);
    }
    hash.finalize().into()
}

/// Exactly 32 bytes. Error: `size`.
pub fn b32(bytes: &[u8]) -> Result<B32> {
    fixed(bytes)
}

/// Exactly `N` bytes. Error: `size`.
pub fn fixed<const N: usize>(bytes: &[u8]) -> Result<[u8; N]> {
    bytes.try_into().map_err(|_| Code::Size.into())
}

/// Takes the next `N` bytes off the front. Error: `size`.
pub(crate) fn take<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N]> {
    let (head, tail) = rest.split_first_chunk().ok_or(Code::Size)?;
    *rest = tail;
    Ok(*head)
}

/// Lower-case hex, exactly `N` bytes. Errors: `hex`, `size`.
pub fn unhex<const N: usize>(text: &str) -> Result<[u8; N]> {
    if text.bytes().any(|b| b.is_ascii_uppercase()) {
        return Err(Code::Hex.into());
    }
    fixed(&hex::decode(text).map_err(|_| Code::Hex)?)
}

/// Standard base64 with padding (DSSE, signed notes).
#[must_use]
pub fn b64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Strict inverse of [`b64`]. Error: `base64`.
pub fn unb64(text: &str) -> Result<Vec<u8>> {
    STANDARD.decode(text).map_err(|_| Code::Base64.into())
}

/// base64url without padding (JSON fields longer than 64 bytes).
#[must_use]
pub fn b64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Strict inverse of [`b64url`]. Error: `base64`.
pub fn unb64url(text: &str) -> Result<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).map_err(|_| Code::Base64.into())
}

/// base64url with padding (RFC 9577 header parameters).
#[must_use]
pub fn b64url_padded(bytes: &[u8]) -> String {
    URL_SAFE.encode(bytes)
}

/// Strict inverse of [`b64url_padded`]. Error: `base64`.
pub fn unb64url_padded(text: &str) -> Result<Vec<u8>> {
    URL_SAFE.decode(text).map_err(|_| Code::Base64.into())
}

/// The transcript hash; see the module's head.
#[derive(Clone)]
pub struct Transcript(Sha512);

impl Transcript {
    /// Starts with `put("dst", tag)`.
    #[must_use]
    pub fn new(tag: &str) -> Self {
        Self(Sha512::new()).put("dst", tag.as_bytes())
    }

    /// Label and data both carry their length, so no two lists of fields collide.
    #[must_use]
    #[allow(clippy::cast_possible_truncation)] // labels are short constants of this crate
    pub fn put(mut self, label: &str, data: &[u8]) -> Self {
        self.0.update((label.len() as u32).to_be_bytes());
        self.0.update(label);
        self.0.update((data.len() as u64).to_be_bytes());
        self.0.update(data);
        self
    }

    /// Puts several fields in their order.
    #[must_use]
    pub fn puts(self, fields: &[(&str, &[u8])]) -> Self {
        fields.iter().fold(self, |t, (label, data)| t.put(label, data))
    }

    pub(crate) fn point(self, label: &str, p: &EdwardsPoint) -> Self {
        self.put(label, p.compress().as_bytes())
    }

    /// The first 32 bytes of the 64.
    #[must_use]
    pub fn hash(self) -> B32 {
        let mut out = [0; 32];
        out.copy_from_slice(self.0.finalize().as_slice().split_at(32).0);
        out
    }

    pub(crate) fn challenge(self) -> Scalar {
        Scalar::from_bytes_mod_order_wide(&self.0.finalize().into())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::{Transcript, unhex};

    /// The challenge is not public, so this vector is recomputed here.
    #[test]
    fn the_transcript_hash_matches_its_vector() {
        let file: Value = serde_json::from_str(include_str!("../tests/vectors/tabir-v1.json")).unwrap();
        let case = &file["formats"]["T"][0];
        let puts = case["in"]["puts"].as_array().unwrap().iter();
        let t = puts.fold(Transcript::new(case["in"]["tag"].as_str().unwrap()), |t, put| {
            t.put(put[0].as_str().unwrap(), &hex::decode(put[1].as_str().unwrap()).unwrap())
        });
        assert_eq!(t.clone().hash(), unhex(case["out"]["hash"].as_str().unwrap()).unwrap());
        assert_eq!(t.challenge().to_bytes(), unhex(case["out"]["challenge"].as_str().unwrap()).unwrap());
    }
}
