//! Puzzles: whoever spends computing time gets a token. The bytes are in `tabir_crypto::token::puzzle`.

use tabir_crypto::token::puzzle::{Authentic, Challenge, Offer, Solution};
use tabir_crypto::{B32, SecretBytes};

use super::error::IssuerError;
use crate::clock::Random;

/// Time to solve a puzzle: a slow telephone needs minutes, and a retry must still fit in.
const LIFE_S: u64 = 1_800;
const DAY_S: u64 = 86_400;

/// A solved puzzle of ours, ready to be spent.
pub struct Solved {
    /// By what it is known again.
    pub id: B32,
    /// The last day, counted from 1970, on which it is remembered.
    pub last_day: u64,
}

/// A new puzzle of 2^`bits` tries on average.
pub fn offer(key: &SecretBytes<32>, bits: u8, now: u64) -> Result<Offer, IssuerError> {
    Ok(Offer::new(&Challenge::new(&mut Random, key, bits, now + LIFE_S)?))
}

/// By what a puzzle of ours is known again, expired or not; checks the MAC.
pub fn id(solution: &Solution, key: &SecretBytes<32>) -> Result<B32, IssuerError> {
    solution.id_if_ours(key).map_err(|_| IssuerError::AttestationInvalid)
}

/// Checks the MAC and the expiry; the work comes after.
pub fn authenticate(solution: Solution, key: &SecretBytes<32>, now: u64) -> Result<Authentic, IssuerError> {
    solution.authenticate(key, now).map_err(|_| IssuerError::AttestationInvalid)
}

/// Checks the work: a mebibyte and about a millisecond, so not on an async thread.
pub async fn check_work(authentic: Authentic) -> Result<Solved, IssuerError> {
    let work = tokio::task::spawn_blocking(move || {
        authentic.check_work().map(|()| Solved { id: authentic.id(), last_day: authentic.expires() / DAY_S })
    });
    match work.await {
        Ok(Ok(solved)) => Ok(solved),
        Ok(Err(_)) => Err(IssuerError::AttestationInvalid),
        Err(_) => Err(tabir_crypto::Code::Puzzle.into()),
    }
}

/// The day of a time, counted from 1970.
#[must_use]
pub const fn day(unix: u64) -> u64 {
    unix / DAY_S
}
