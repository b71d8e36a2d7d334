//! demo
pub mod attacks;
pub mod canary;
pub mod deliver;
pub mod play;
pub mod processes;
pub mod proxy;
pub mod stage;
pub mod steps;
pub mod talk;
pub mod tickets;
pub mod verify;
