//! The gateway over real HTTP: what it takes, what it refuses, what it keeps and what it tells the log.

#[path = "../common/mod.rs"]
mod common;

mod cases;
mod forwarder;
mod harness;
mod keys;
mod restored;
mod spend;
mod submission;
mod windows;
