//! The split X25519 key: council, DKG, partial decryptions, combination.
//!
//! n officials hold Shamir shares s_i of s, a scalar mod the order of edwards25519 that exists nowhere; the key that
//! reporters seal to is u(sB). Any t of them compute u(sE) for one envelope, and the key schedule of RFC 9180 does the
//! rest ([`crate::hpke::schedule`]). s is never clamped: clamping does not go with sharing, and E is of prime order.

mod combine;
mod council;
pub mod dkg;
mod drill;
mod partial;
pub mod reshare;

pub use combine::{DhOutput, Opened, combine, open, record_commit};
pub use council::{Council, CouncilKey, CouncilMember, MAX_MEMBERS, MIN_THRESHOLD, Share};
pub use drill::Drill;
pub use partial::{OpeningContext, PARTIAL_LEN, VerifiedPartial, make, recipients_hash, verify};

#[cfg(test)]
mod tests;
