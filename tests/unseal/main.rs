//! Opening an identity end to end: through the command line as three people would, and what each step refuses.

mod alerts;
mod auditor;
mod between;
mod commands;
#[path = "../common/cut_proxy.rs"]
mod cut_proxy;
mod deferral;
mod garbage;
mod hostile;
mod liars;
#[path = "../common/mail.rs"]
mod mail;
mod opening;
mod refusals;
mod rivals;
mod world;
