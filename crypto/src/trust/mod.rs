//! The trust root, and the one function that says whose signatures a statement needs.

pub mod root;
pub mod verify;

pub use verify::Trust;
