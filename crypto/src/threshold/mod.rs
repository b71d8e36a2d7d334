//! The split X25519 key: council, DKG, partial decryptions, combination.
//!
//! n officials hold Shamir shares s_i of s, a scalar mod the order of edwards25519 that exists nowhere; the key that
//! reporters seal to is u(sB). Any t of them compute u(sE) for one envelope, and the key schedule of RFC 9180 does the
//! rest ([`crate::hpke::schedule`]). s is never clamped: clamping does not go with sharing, and E is of prime order.
//!
//! | step | where | source |
//! | --- | --- | --- |
//! | key generation | [`dkg`] | FROST: Komlo and Goldberg 2020 (eprint 2020/852), figure 1; `frost-ed25519` |
//! | council, its id and lineage | [`Council`] | `docs/protocol.md`, "Identity envelope" |
//! | partial decryption and its proof | [`make`], [`verify`] | TDH2, section 4; proof of equal logarithms: Chaum and Pedersen 1992 |
//! | combination | [`combine()`] | Shamir 1979, in the exponent |
//! | refresh, reshare | [`reshare`] | Desmedt and Jajodia 1997; Wong, Wang and Wing 2002 |
//! | drill | [`Drill`] | `docs/protocol.md`, "Drill" |
//!
//! Not covered: carrying messages, their order and deadlines (the board); erasing old shares (who holds them); t members
//! who collude, against whom nothing helps; a member who biases the key by staying away (the ceremony is aborted and
//! its id is not used again, but he may do it once more).

mod combine;
mod council;
pub mod dkg;
mod drill;
mod partial;
pub mod reshare;
mod rng;

pub(crate) use combine::at_zero;
pub use combine::{DhOutput, Opened, combine, open, record_commit};
pub use council::{Council, CouncilKey, CouncilMember, MAX_MEMBERS, MIN_THRESHOLD, Share};
pub use drill::Drill;
pub use partial::{OpeningContext, PARTIAL_LEN, VerifiedPartial, make, recipients_hash, verify};

#[cfg(test)]
mod tests;
