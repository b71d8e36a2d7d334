//! `[roles.form]`: a form for browsers that run no script, whose server seals.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// The section.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Form {
    /// Store: tokens, and what is on its way.
    pub dir: PathBuf,
    /// Tokens that are kept ready for people without a voucher, bought with puzzles that this server solves; 0 is none,
    /// and then everybody needs a voucher.
    #[serde(default = "stock")]
    pub stock: u32,
    /// Puzzles that it solves a minute at most, one at a time. Each buys eight tokens.
    #[serde(default = "puzzles")]
    pub puzzles_per_minute: u32,
}

impl Form {
    /// With the usual limits.
    #[must_use]
    pub const fn new(dir: PathBuf) -> Self {
        Self { dir, stock: stock(), puzzles_per_minute: puzzles() }
    }
}

const fn stock() -> u32 {
    8
}

const fn puzzles() -> u32 {
    2
}
