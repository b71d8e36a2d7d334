//! Witnesses: what one cosigns for any log and what it refuses, asked by a log or polling it; how our log gathers
//! cosignatures; and that two histories of one log do not stay unseen.

#[path = "../log_support/mod.rs"]
mod log_support;

mod asked;
mod foreign;
mod gathered;
mod person;
mod polls;
mod running;
mod split;
