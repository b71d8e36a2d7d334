//! How many signatures a kind of attestation gets in a second. There is no address here by which anybody could be limited
//! alone, and none is wanted: each kind has a budget of its own, so that a flood of one leaves the others to everybody.
//!
//! What is counted is signatures, the dear part: 1.8 ms of a core each. What is refused before (unknown vouchers, foreign
//! puzzles, false JWTs) takes nothing of a budget, since whoever could use it up with those would lock everybody out.
//! The budget is asked after an attestation is spent, so whoever has to wait asks again with the same request, and pays
//! nothing twice; only a puzzle's Argon2 waits for it too.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::Clock as GovernorClock;
use governor::{Quota, RateLimiter, middleware::NoOpMiddleware, state::InMemoryState, state::NotKeyed};

use tabir_crypto::Code;
use tabir_crypto::token::batch::MAX_BATCH;

use super::error::IssuerError;
use crate::clock::Clock;

/// Seconds of signing that may be asked for at once: a class of thirty with vouchers, a newspaper that prints the address.
const BURST_S: NonZeroU32 = NonZeroU32::new(4).expect("four is not zero");
const WHOLE_BATCH: NonZeroU32 = NonZeroU32::new(MAX_BATCH as u32).expect("a batch is not empty");

impl GovernorClock for Clock {
    type Instant = Duration;

    fn now(&self) -> Duration {
        Duration::from_secs(Self::now(self))
    }
}

type Limiter = RateLimiter<NotKeyed, InMemoryState, Clock, NoOpMiddleware<Duration>>;

/// A kind of attestation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// A printed code.
    Voucher,
    /// A solved puzzle.
    Puzzle,
    /// A login of an existing app.
    Account,
}

/// A budget for each kind.
pub struct Limits {
    voucher: Limiter,
    puzzle: Limiter,
    account: Limiter,
    clock: Clock,
}

impl Limits {
    /// So many signatures a second for each kind.
    #[must_use]
    pub fn new(per_s: NonZeroU32, clock: &Clock) -> Self {
        // A whole batch must fit, however little a second is given.
        let burst = per_s.saturating_mul(BURST_S).max(WHOLE_BATCH);
        let quota = Quota::per_second(per_s).allow_burst(burst);
        let limiter = || Limiter::direct_with_clock(quota, clock.clone());
        Self { voucher: limiter(), puzzle: limiter(), account: limiter(), clock: clock.clone() }
    }

    /// Takes `signatures` from a kind's budget. Error: `Busy`, with the seconds after which they are there.
    pub fn take(&self, scheme: Scheme, signatures: NonZeroU32) -> Result<(), IssuerError> {
        let limiter = match scheme {
            Scheme::Voucher => &self.voucher,
            Scheme::Puzzle => &self.puzzle,
            Scheme::Account => &self.account,
        };
        match limiter.check_n(signatures) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(not_until)) => {
                let wait = not_until.wait_time_from(GovernorClock::now(&self.clock));
                Err(IssuerError::Busy(wait.as_secs().saturating_add(1)))
            }
            // More than the budget ever holds: no request that was decoded asks for that.
            Err(_) => Err(IssuerError::Request(Code::TooLong.into())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EIGHT: NonZeroU32 = NonZeroU32::new(8).unwrap();

    #[test]
    fn a_flood_of_one_kind_waits_and_leaves_the_others_alone() {
        let clock = Clock::manual(1_000);
        let limits = Limits::new(NonZeroU32::new(10).unwrap(), &clock);
        for _ in 0..5 {
            limits.take(Scheme::Puzzle, EIGHT).unwrap();
        }
        let Err(IssuerError::Busy(wait)) = limits.take(Scheme::Puzzle, EIGHT) else { panic!("no limit") };
        assert!((1..=2).contains(&wait), "{wait}");
        limits.take(Scheme::Voucher, EIGHT).unwrap();
        limits.take(Scheme::Account, EIGHT).unwrap();
        clock.set(1_000 + wait);
        limits.take(Scheme::Puzzle, EIGHT).unwrap();
    }

    #[test]
    fn a_budget_below_one_batch_still_gives_one_after_a_while() {
        let clock = Clock::manual(1_000);
        let limits = Limits::new(NonZeroU32::MIN, &clock);
        limits.take(Scheme::Voucher, EIGHT).unwrap();
        let Err(IssuerError::Busy(wait)) = limits.take(Scheme::Voucher, EIGHT) else { panic!("no limit") };
        clock.set(1_000 + wait);
        limits.take(Scheme::Voucher, EIGHT).unwrap();
    }
}
