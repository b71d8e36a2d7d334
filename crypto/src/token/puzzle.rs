//! A proof of work that buys a token where there is neither account nor voucher: Argon2id, slow to solve, quick to check.
//!
//! ```text
//! challenge (58)  0x01 | difficulty u8 | expires u64 | nonce 16 | mac 32
//!                 mac = HMAC-SHA256(issuer's puzzle key, "tabir/v1/puzzle" ‖ the 26 bytes before)
//! solution  (66)  challenge 58 | counter u64
//! work            Argon2id 1.3, 1,024 KiB, 1 pass, 1 lane, 32 bytes; password = solution, salt = "tabir/v1/puzzle"
//!                 right if its first `difficulty` bits are zero
//! ```
//! Big-endian; expires in Unix seconds, the puzzle is taken before it. A solution in a header is base64url without
//! padding. A puzzle is known again by `id` = SHA-256(challenge), whatever the counter. The issuer keeps nothing until
//! it is solved: the MAC says that it is ours, and is checked before any Argon2 is computed, since otherwise forged
//! solutions would cost the issuer a mebibyte and a millisecond each. The types make that order: only
//! [`Solution::authenticate`] gives an [`Authentic`], and only that has `check_work`.

use argon2::{Algorithm, Argon2, Block, Params, Version};
use hmac::{Hmac, KeyInit as _, Mac as _};
use rand_core::CryptoRng;
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use crate::codec::{B32, b64url, fixed, sha256, unb64url};
use crate::error::{Code, Result, need};
use crate::secret::SecretBytes;
use crate::statement::value::{Hex, V1};

/// Bytes of a challenge.
pub const CHALLENGE_LEN: usize = SIGNED_LEN + 32;
/// Bytes of a solution.
pub const SOLUTION_LEN: usize = CHALLENGE_LEN + 8;
/// Memory of one try, in KiB: more than a core's cache share, little enough for an old telephone.
pub const MEMORY_KIB: u32 = 1024;
/// About 16 million tries, hours on one core: more is a mistake in the configuration.
pub const MAX_DIFFICULTY: u8 = 24;

const SIGNED_LEN: usize = 1 + 1 + 8 + 16;
const VERSION: u8 = 1;
const TAG: &[u8] = b"tabir/v1/puzzle";

/// A puzzle as the issuer hands it out. The client cannot check its MAC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    bytes: [u8; CHALLENGE_LEN],
    difficulty: u8,
    expires: u64,
}

impl Challenge {
    /// A new puzzle. Error: `puzzle` (a difficulty above [`MAX_DIFFICULTY`]).
    pub fn new(rng: &mut impl CryptoRng, key: &SecretBytes<32>, difficulty: u8, expires: u64) -> Result<Self> {
        let mut nonce = [0; 16];
        rng.fill_bytes(&mut nonce);
        let signed = [&[VERSION, difficulty][..], &expires.to_be_bytes(), &nonce].concat();
        let tag = mac(key, &signed)?.finalize().into_bytes();
        Self::decode(&[&signed[..], &tag].concat())
    }

    /// Reads 58 bytes. Errors: `size`, `version`, `puzzle` (a difficulty above [`MAX_DIFFICULTY`]).
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        let bytes: [u8; CHALLENGE_LEN] = fixed(bytes)?;
        let [version, difficulty, e0, e1, e2, e3, e4, e5, e6, e7, ..] = bytes;
        need(version == VERSION, Code::Version)?;
        need(difficulty <= MAX_DIFFICULTY, Code::Puzzle)?;
        Ok(Self { bytes, difficulty, expires: u64::from_be_bytes([e0, e1, e2, e3, e4, e5, e6, e7]) })
    }

    /// The 58 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; CHALLENGE_LEN] {
        &self.bytes
    }

    /// How many bits of a right solution's hash are zero: 2^difficulty tries on average.
    #[must_use]
    pub const fn difficulty(&self) -> u8 {
        self.difficulty
    }

    /// Unix second from which on it is not taken.
    #[must_use]
    pub const fn expires(&self) -> u64 {
        self.expires
    }

    /// Tries `tries` counters from `from` on; `None` if none of them solves it, so that the caller can show progress
    /// or stop. Error: `puzzle` (Argon2 refused to work).
    pub fn solve(&self, from: u64, tries: u64) -> Result<Option<Solution>> {
        let mut memory = Work::new()?;
        for counter in (from..=u64::MAX).take(usize::try_from(tries).unwrap_or(usize::MAX)) {
            let solution = Solution { challenge: self.clone(), counter };
            if memory.solves(&solution)? {
                return Ok(Some(solution));
            }
        }
        Ok(None)
    }
}

/// The answer of `GET /v1/puzzle`: `{"v":1,"challenge":"<116 hex digits>","bits":8}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Offer {
    v: V1,
    #[cfg_attr(feature = "openapi", schema(value_type = String, pattern = "^[0-9a-f]{116}$"))]
    challenge: Hex<CHALLENGE_LEN>,
    bits: u8,
}

impl Offer {
    /// Offers a challenge.
    #[must_use]
    pub const fn new(challenge: &Challenge) -> Self {
        Self { v: V1, challenge: Hex(challenge.bytes), bits: challenge.difficulty }
    }

    /// What is offered. Errors: those of [`Challenge::decode`], `puzzle` (`bits` says something else).
    pub fn challenge(&self) -> Result<Challenge> {
        let challenge = Challenge::decode(&self.challenge.0)?;
        need(challenge.difficulty == self.bits, Code::Puzzle)?;
        Ok(challenge)
    }
}

/// A claimed solution; nobody has checked anything but its form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Solution {
    challenge: Challenge,
    counter: u64,
}

impl Solution {
    /// Reads the header's text. Errors: `base64`, `size`, those of [`Challenge::decode`].
    pub fn parse(text: &str) -> Result<Self> {
        let bytes = unb64url(text)?;
        let (challenge, counter) = bytes.split_at_checked(CHALLENGE_LEN).ok_or(Code::Size)?;
        Ok(Self { counter: u64::from_be_bytes(fixed(counter)?), challenge: Challenge::decode(challenge)? })
    }

    /// The header's text.
    #[must_use]
    pub fn to_text(&self) -> String {
        b64url(&self.to_bytes())
    }

    fn to_bytes(&self) -> Vec<u8> {
        [&self.challenge.bytes[..], &self.counter.to_be_bytes()].concat()
    }

    /// By what the puzzle is known again, if it is ours, expired or not: who has spent it may ask for the same again.
    /// Costs two hashes. Error: `puzzle`.
    pub fn id_if_ours(&self, key: &SecretBytes<32>) -> Result<B32> {
        let (signed, tag) = self.challenge.bytes.split_at(SIGNED_LEN);
        mac(key, signed)?.verify_slice(tag).map_err(|_| Code::Puzzle)?;
        Ok(sha256(&self.challenge.bytes))
    }

    /// Is the puzzle ours, and not expired? Costs three hashes. Error: `puzzle`.
    pub fn authenticate(self, key: &SecretBytes<32>, now: u64) -> Result<Authentic> {
        let id = self.id_if_ours(key)?;
        need(now < self.challenge.expires, Code::Puzzle)?;
        Ok(Authentic { solution: self, id })
    }
}

/// A solution of a puzzle of ours; the work is still to be checked.
#[derive(Clone, Debug)]
pub struct Authentic {
    solution: Solution,
    id: B32,
}

impl Authentic {
    /// By what the puzzle is known again: SHA-256 of its challenge.
    #[must_use]
    pub const fn id(&self) -> B32 {
        self.id
    }

    /// Until when a spent one must be remembered.
    #[must_use]
    pub const fn expires(&self) -> u64 {
        self.solution.challenge.expires
    }

    /// Computes the Argon2. Error: `puzzle` (too few zero bits).
    pub fn check_work(&self) -> Result<()> {
        need(Work::new()?.solves(&self.solution)?, Code::Puzzle)
    }
}

fn mac(key: &SecretBytes<32>, signed: &[u8]) -> Result<Hmac<Sha256>> {
    let mac = <Hmac<Sha256>>::new_from_slice(key.expose()).map_err(|_| Code::Puzzle)?;
    Ok(mac.chain_update(TAG).chain_update(signed))
}

/// Argon2 with its memory, which many tries share.
struct Work {
    argon2: Argon2<'static>,
    memory: Vec<Block>,
}

impl Work {
    fn new() -> Result<Self> {
        let params = Params::new(MEMORY_KIB, 1, 1, Some(32)).map_err(|_| Code::Puzzle)?;
        let memory = vec![Block::new(); params.block_count()];
        Ok(Self { argon2: Argon2::new(Algorithm::Argon2id, Version::V0x13, params), memory })
    }

    fn solves(&mut self, solution: &Solution) -> Result<bool> {
        let mut out = [0; 32];
        self.argon2
            .hash_password_into_with_memory(&solution.to_bytes(), TAG, &mut out, &mut self.memory)
            .map_err(|_| Code::Puzzle)?;
        let [a, b, c, d, ..] = out;
        Ok(u32::from_be_bytes([a, b, c, d]).leading_zeros() >= u32::from(solution.challenge.difficulty))
    }
}
