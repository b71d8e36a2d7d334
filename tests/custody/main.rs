//! An official's key file and paper: what goes wrong with them, and what people do then.

mod acted;
mod anew;
mod keyfile;
mod paper;
#[allow(dead_code)] // shared with the tests of an opening
#[path = "../unseal/world.rs"]
mod world;
