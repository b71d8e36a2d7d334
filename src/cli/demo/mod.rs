//! demo
pub mod attacks;
pub mod canary;
pub mod play;
pub mod processes;
pub mod proxy;
pub mod steps;
pub mod tickets;
