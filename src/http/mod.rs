//! HTTP plumbing: problem documents, signed calls between roles, the client, and the server's outer layers.
//!
//! Knows no role's secrets. Logs hold matched route, method and status only.

pub mod call;
pub mod client;
pub mod log_outbox;
pub mod logging;
pub mod outbox;
pub mod problem;
pub mod server;

pub use call::{Caller, Calls};
pub use client::{Answer, Client, HttpError};
pub use problem::Problem;
pub use server::{Parts, read_json};
