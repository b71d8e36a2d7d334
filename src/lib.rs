//! Tabir, a privacy-preserving anonymous reporting gateway.
//!
//! Each role is one folder; roles never import each other. `docs/architecture.md` shows who holds and sees what.

#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::panic))]

pub mod api;
pub mod backup;
pub mod cli;
pub mod client;
pub mod clock;
pub mod config;
pub mod council;
pub mod db;
pub mod desk;
pub mod facade;
pub mod form;
pub mod forwarder;
pub mod gateway;
pub mod http;
pub mod issuer;
pub mod ledger;
pub mod log;
pub mod markup;
pub mod notify;
pub mod open311;
pub mod page;
pub mod sealing;
pub mod warden;
pub mod witness;
pub mod words;
