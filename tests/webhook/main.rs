//! A downstream that takes signed webhooks: each report once in effect, whatever it answers; what it says comes back once.
//! Scenarios 14 to 17 for systems without Open311.

#[path = "../common/mod.rs"]
mod common;
#[path = "../stage/mod.rs"]
mod stage;

mod back;
mod example;
mod receiver;
mod sent;
