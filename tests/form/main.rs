//! The form over real HTTP, before a real gateway, as a browser that runs no script uses it.

#[path = "../common/mod.rs"]
mod common;

mod bad_input;
#[allow(dead_code)] // the gateway's own tests use the rest
#[path = "../gateway/harness.rs"]
mod harness;
mod journey;
mod kept;
mod markup;
mod paid;
mod repeats;
#[path = "../stage/mod.rs"]
mod stage;
mod world;
