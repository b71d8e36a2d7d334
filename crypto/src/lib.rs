//! The protocols of Tabir, and nothing else: no I/O, no clock, the random source is a parameter.
//!
//! Each module is one format or one standard; its head draws the bytes and names the source. Everything from
//! outside is parsed into a type that only a check can produce, and refused with a stable [`Code`].
//! `docs/protocol.md` of the project is the same contract in prose; `tests/vectors` holds it as data.

#![forbid(unsafe_code)]
#![deny(missing_docs)]
#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing))]

pub mod archive;
pub mod attachment;
pub mod codec;
pub mod content;
pub mod countersign;
pub mod custody;
pub mod ed25519;
pub mod envelope;
pub mod error;
pub mod facade;
pub mod hpke;
pub mod json;
pub mod keyfile;
pub mod log;
#[cfg(feature = "openapi")]
mod openapi;
pub mod point;
pub mod receipt;
pub mod request;
pub mod secret;
pub mod statement;
pub mod submission;
pub mod threshold;
pub mod token;
pub mod trust;

pub use codec::B32;
pub use error::{Code, Error, Result};
pub use secret::{Secret, SecretBytes, SecretVec};

/// The example of the README is a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
