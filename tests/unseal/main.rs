//! Opening an identity end to end: through the command line as three people would, and what each step refuses.

mod alerts;
mod auditor;
mod commands;
mod deferral;
mod opening;
mod refusals;
mod world;
