//! The attacks on the sealed identity that the design answers, most with the control that shows what each would gain.
//! `threat-model/unsealing.md` lists them all.

mod asking;
mod ceremony;
#[path = "../council/mod.rs"]
mod council;
mod fiat_shamir;
mod kit;
mod opening;
mod sealing;
#[path = "../common/world.rs"]
mod world;
