//! Tokens for people without a voucher: the server solves the issuer's puzzles, under a limit of its own. Nobody's request
//! makes it solve one, so a flood of them costs it nothing: it empties the stock, and whoever comes then is told how long to
//! wait. One puzzle at a time, so many a minute at most, until so many tokens are ready.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::Form;
use crate::config::Setup;
use crate::sealing::Refusal;

/// What is said of a wait that has not been measured yet, and the shortest that is said, in seconds.
const SHORTEST_S: u64 = 10;

/// Between two looks at whether the log was read.
const READY: Duration = Duration::from_secs(1);

/// The queue's state, for people who wait.
#[derive(Default)]
pub struct Queue {
    /// How long the last puzzle took.
    took_s: AtomicU64,
}

impl Queue {
    /// Seconds until another try makes sense, when the stock is empty: no promise, since others wait too.
    pub fn wait_s(&self, per_minute: u32) -> u64 {
        let longest = self.took_s.load(Ordering::Relaxed).max(between(per_minute).as_secs()).max(SHORTEST_S);
        if longest > 60 { longest.next_multiple_of(60) } else { longest.next_multiple_of(10) }
    }
}

/// From the beginning of one puzzle to the next.
fn between(per_minute: u32) -> Duration {
    Duration::from_secs(60) / per_minute.max(1)
}

impl Form {
    /// Solves one puzzle if fewer tokens than wanted are ready; false where there are enough.
    pub async fn solve_one(&self) -> Result<bool, Refusal> {
        let clock = &self.host.setup().clock;
        let began = clock.now();
        let solved = self.host.tokens.solve_for_batch(&self.host.session(), self.config.stock.into()).await?;
        if solved {
            self.queue.took_s.store(clock.now().saturating_sub(began), Ordering::Relaxed);
        }
        Ok(solved)
    }
}

/// Keeps the stock filled until the process ends.
pub async fn work(form: Arc<Form>, mut setup: Setup) {
    if form.config.stock == 0 {
        return;
    }
    // Before the log was read there is no key to buy under.
    while form.host.categories().is_err() {
        if !setup.pause(READY).await {
            return;
        }
    }
    loop {
        if let Err(error) = form.solve_one().await {
            tracing::debug!(%error, "the form's queue");
        }
        if !setup.pause(between(form.config.puzzles_per_minute)).await {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_said_in_whole_steps_and_never_shorter_than_the_limit_makes_it() {
        let queue = Queue::default();
        assert_eq!((queue.wait_s(2), queue.wait_s(60), queue.wait_s(0)), (30, 10, 60));
        queue.took_s.store(75, Ordering::Relaxed);
        assert_eq!(queue.wait_s(2), 120);
    }
}
