//! The sealed identity: an inner envelope to the council inside an outer one to the warden.
//!
//! Made once, on the reporter's device, by [`seal`]. Opened by the warden with [`Outer::open`], then by the officials
//! through [`crate::threshold`]. Source: `docs/protocol.md`, "Identity envelope".

mod inner;
mod label;
mod outer;

pub use inner::{INNER_LEN, Inner, RECORD_LEN, VerifiedInner};
pub use label::{CaseBinding, Label};
pub use outer::{Handout, OUTER_LEN, Outer, Released, SealParams, SealedEnvelope, seal};

#[cfg(test)]
mod tests;
