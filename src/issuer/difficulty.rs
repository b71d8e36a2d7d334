//! How hard the next puzzle is: harder while many are bought with, easier again when it has been calm for a while.
//!
//! What is counted are puzzles that were *solved and spent*. Handing them out costs nothing, so counting those would let
//! anybody make them hard for everybody for nothing; who wants it now has to solve them, and each step costs twice as much.
//! One number for all: nothing depends on who asks. A puzzle is as hard as it was when it was handed out.

use std::sync::{Mutex, PoisonError};

use tabir_crypto::token::puzzle::MAX_DIFFICULTY;

/// The load is looked at by the minute.
const WINDOW_S: u64 = 60;
/// So many bought within a minute make the next a bit harder, and as many more another bit. Two batches a second would be
/// more than a million tokens a day: that is no city's complaints, but one machine that solves without a pause.
const BUSY: u64 = 120;
/// A minute with fewer is calm. A quarter, so that the load that just made it harder does not make it easier again.
const CALM: u64 = BUSY / 4;
/// So many calm minutes in a row make it a bit easier.
const CALM_WINDOWS: u64 = 5;
/// At most so much harder: sixteen times the work, which an old telephone still does while its owner waits.
const MAX_EXTRA: u8 = 4;

/// The difficulty and what it follows.
pub struct Difficulty {
    base: u8,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    extra: u8,
    window: u64,
    bought: u64,
    /// This minute made it harder.
    busy: bool,
    calm: u64,
}

impl Difficulty {
    /// Never easier than `base` bits.
    #[must_use]
    pub fn new(base: u8) -> Self {
        Self { base, state: Mutex::default() }
    }

    /// Bits of the next puzzle.
    #[must_use]
    pub fn bits(&self, now: u64) -> u8 {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.advance(now / WINDOW_S);
        (self.base + state.extra).min(MAX_DIFFICULTY.max(self.base))
    }

    /// A puzzle was solved and spent.
    pub fn bought(&self, now: u64) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.advance(now / WINDOW_S);
        state.bought += 1;
        if state.bought >= BUSY {
            state.extra = (state.extra + 1).min(MAX_EXTRA);
            (state.bought, state.busy) = (0, true);
        }
    }
}

impl State {
    fn advance(&mut self, window: u64) {
        if window <= self.window {
            // The same minute, or a clock that was set back: then the count goes on in the earlier one.
            self.window = window;
            return;
        }
        if self.bought < CALM && !self.busy {
            // Minutes in which nobody asked were calm too.
            self.calm = self.calm.saturating_add(window - self.window);
        } else {
            self.calm = window - self.window - 1;
        }
        let easier = u8::try_from(self.calm / CALM_WINDOWS).unwrap_or(u8::MAX).min(self.extra);
        self.extra -= easier;
        self.calm = if self.extra == 0 { 0 } else { self.calm - u64::from(easier) * CALM_WINDOWS };
        (self.window, self.bought, self.busy) = (window, 0, false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: u64 = 1_800_000_000;

    fn buy(difficulty: &Difficulty, now: u64, times: u64) {
        (0..times).for_each(|_| difficulty.bought(now));
    }

    #[test]
    fn a_crowd_makes_it_harder_up_to_a_bound_and_calm_makes_it_easier_down_to_the_base() {
        let d = Difficulty::new(8);
        assert_eq!(d.bits(START), 8);
        buy(&d, START, BUSY - 1);
        assert_eq!(d.bits(START), 8);
        buy(&d, START, 1);
        assert_eq!(d.bits(START), 9);
        buy(&d, START, 100 * BUSY);
        assert_eq!(d.bits(START), 8 + MAX_EXTRA);
        // One bit for every five calm minutes, and no further.
        assert_eq!(d.bits(START + 5 * WINDOW_S - 1), 12);
        for (minutes, bits) in [(6, 11), (11, 10), (16, 9), (21, 8), (100, 8)] {
            assert_eq!(d.bits(START + minutes * WINDOW_S), bits, "{minutes}");
        }
    }

    #[test]
    fn asking_for_puzzles_makes_nothing_harder() {
        let d = Difficulty::new(8);
        for i in 0..10_000 {
            assert_eq!(d.bits(START + i / 1_000), 8);
        }
    }

    #[test]
    fn a_load_between_calm_and_busy_changes_nothing_either_way() {
        let d = Difficulty::new(8);
        buy(&d, START, BUSY);
        for minute in 1..60 {
            buy(&d, START + minute * WINDOW_S, (BUSY + CALM) / 2);
            assert_eq!(d.bits(START + minute * WINDOW_S), 9);
        }
    }

    #[test]
    fn a_long_sleep_ends_all_of_it_and_a_clock_set_back_none() {
        let d = Difficulty::new(8);
        buy(&d, START, 3 * BUSY);
        assert_eq!(d.bits(START - 86_400), 11);
        assert_eq!(d.bits(START - 86_400 + WINDOW_S), 11);
        assert_eq!(d.bits(START + 86_400), 8);
    }

    #[test]
    fn no_puzzle_is_harder_than_can_be_solved() {
        let d = Difficulty::new(MAX_DIFFICULTY - 1);
        buy(&d, START, 4 * BUSY);
        assert_eq!(d.bits(START), MAX_DIFFICULTY);
    }
}
