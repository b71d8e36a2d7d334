//! The sealed identity: an inner envelope to the council inside an outer one to the warden.
//!
//! Made once, on the reporter's device, by [`seal`]. Opened by the warden with [`Outer::open`], then by the officials
//! through [`crate::threshold`].
//!
//! ```text
//! outer 2,498  header 66 | X-Wing to the warden ( inner 1,200 | case_vk 32 | case signature 64 )
//! inner 1,200  X25519 to the council ( record 1,024 ) | key commitment | sender proof
//! ```
//! Source: `docs/protocol.md`, "Identity envelope"; the sender proof is that of TDH2 (Shoup and Gennaro, "Securing
//! Threshold Cryptosystems against Chosen Ciphertext Attack", Journal of Cryptology 2002, section 4), with HPKE in place
//! of its hash-based encryption. Not covered: whether what a reporter writes about himself is true; a quantum computer
//! that opens the inner layer, once somebody has removed the outer one.

mod inner;
mod label;
mod outer;

pub use inner::{INNER_LEN, Inner, RECORD_LEN, VerifiedInner};
pub use label::{CaseBinding, Label};
pub use outer::{Handout, OUTER_LEN, Outer, Released, SealParams, SealedEnvelope, seal};

#[cfg(test)]
mod tests;
