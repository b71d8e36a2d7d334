//! The trust root, and the one function that says whose signatures a statement needs.
//!
//! ```text
//! root     the payload of trust.json            verify   Trust: a trust root whose checks have passed
//! rule     whose signatures a verb needs        state    State: keys, councils, policy, requests, from entry 0
//! unseal   the order of one request's entries   windows  accepted versus forwarded, window by window
//! fate     what the log says about one report   deadline the times of a window
//! erasure  what stands behind a report.erased   records what an audit remembers of a long log
//! release  what the warden may release          witnessed  by what time entries are measured
//! audit    all of it over both logs, as a list of named checks     fresh    how old a head may be for what is done by it
//! ```
//! Nothing here reads a network or a clock. Who calls has checked the entries against a witnessed checkpoint
//! ([`crate::log`]) and brings the time, which comes from cosignatures. Source: `docs/protocol.md`, "Trust root",
//! "Opening", "Accepted versus forwarded", "Audit"; updates: The Update Framework, section 5.3.4.
//!
//! Not covered: whether the people behind the keys are who they should be. They compare fingerprints in person.

pub mod audit;
pub mod deadline;
pub mod erasure;
pub mod fate;
pub mod fresh;
mod parts;
pub mod records;
mod release;
pub mod root;
pub mod rule;
pub mod state;
pub mod unseal;
pub mod verify;
pub mod windows;
pub mod witnessed;

pub use state::State;
pub use verify::{Signer, Trust};
