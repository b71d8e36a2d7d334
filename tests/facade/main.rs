//! The facade over real HTTP, before a real gateway: what an app gets, what is refused, and what is kept.

#[path = "../common/mod.rs"]
mod common;

mod bad_input;
#[allow(dead_code)] // the gateway's own tests use the rest
#[path = "../gateway/harness.rs"]
mod harness;
mod kept;
mod repeats;
mod sealed;
mod world;
