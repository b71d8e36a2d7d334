//! The vectors that this crate publishes: a journey, a key ceremony, a reshare, every verb's statement, contents, a log.
//!
//! Each test makes its file of `tests/vectors/` again, from seeds, and compares. `TABIR_VECTORS=write` writes it instead.
//! Whatever a file says is refused was refused, with that code, while it was made; `web/test` reads the same files.

#[path = "../council/mod.rs"]
mod council;
#[path = "../common/world.rs"]
mod world;

mod ceremony;
mod contents;
mod envelopes;
mod hostile;
mod journey;
mod kit;
mod later;
mod log;
mod opening;
mod reshare;
mod statements;
mod tampered;
mod town;

use kit::published;

#[test]
fn ceremony_is_as_published() {
    published("ceremony.json", &ceremony::file());
}

#[test]
fn contents_are_as_published() {
    published("contents.json", &contents::file());
}

#[test]
fn journey_is_as_published() {
    published("journey.json", &journey::file());
}

#[test]
fn log_is_as_published() {
    published("log.json", &log::file());
}

#[test]
fn reshare_is_as_published() {
    published("reshare.json", &reshare::file());
}

#[test]
fn statements_are_as_published() {
    published("statements.json", &statements::file());
}
