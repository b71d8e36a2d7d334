//! The attacks on the sealed identity that the design answers, most with the control that shows what each would gain.
//! `threat-model/unsealing.md` lists them all.

#[path = "../council/mod.rs"]
mod council;
mod fiat_shamir;
mod kit;
mod opening;
mod sealing;
