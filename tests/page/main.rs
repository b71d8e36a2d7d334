//! The reporter's page as its signers see it: the base at which it begins to read the log, `tabir page`, `tabir audit page`.

mod base;
mod signed;
#[path = "../stage/mod.rs"]
mod stage;
