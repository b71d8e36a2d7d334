//! The JSON of the endpoints, shared by who serves and who calls. `docs/protocol.md` has the tables.
//!
//! Types only: no role's secrets, no decisions.

pub mod council;
pub mod gateway;
