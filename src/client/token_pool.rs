//! Tokens that were fetched ahead of time, in memory.
//!
//! Two things must not tell whose token it is: the *time* (whoever watches issuer and gateway sees a purchase and, right
//! after it, a report) and the *order* (the third token of a batch used third). So no token is used before a random time
//! after its purchase, and which one is used is drawn.

use rand_core::Rng as _;
use tabir_crypto::B32;
use tabir_crypto::token::Token;

use super::{ClientError, Session, tokens};
use crate::clock::Random;

/// The first use of a token comes up to so many seconds after its purchase, at a time that is drawn: among all who buy
/// within as long. A person can wait ten minutes; whoever can wait longer fetches a day ahead.
pub const FIRST_USE_WITHIN_S: u64 = 600;

/// A token and the Unix second from which on it may be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// The token.
    pub token: Token,
    /// Not before.
    pub ready: u64,
}

/// What a pool has.
#[derive(Debug, PartialEq, Eq)]
pub enum Taken {
    /// A token; it is in the pool no more.
    Token(Box<Token>),
    /// There are tokens, the first of which may be used after so many seconds.
    Wait(u64),
    /// There is none: buy a batch.
    Empty,
}

/// Tokens of one installation. One that is lost with the process is lost; a batch costs little.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pool(Vec<Waiting>);

impl Pool {
    /// From tokens that were kept.
    #[must_use]
    pub const fn new(tokens: Vec<Waiting>) -> Self {
        Self(tokens)
    }

    /// All of them, in no order that means anything.
    #[must_use]
    pub fn tokens(&self) -> &[Waiting] {
        &self.0
    }

    /// Adds a batch that was bought just now, and draws when its first token may be used.
    pub fn add(&mut self, batch: Vec<Token>, now: u64) {
        let ready = now + below(FIRST_USE_WITHIN_S + 1);
        for token in batch {
            let at = below(self.0.len() as u64 + 1);
            self.0.insert(usize::try_from(at).unwrap_or(0), Waiting { token, ready });
        }
    }

    /// Takes one that may be used now, drawn among all such. Tokens of another installation are not touched, those of a
    /// key that signs no longer are dropped: they are still taken for a while, but by then few others use such ones.
    /// Errors: `not-active` (no key signs now).
    pub fn take(&mut self, session: &Session) -> Result<Taken, ClientError> {
        let (key, challenge) = (*tokens::current_key(session)?.id(), tokens::challenge(session)?.digest());
        Ok(self.take_at(session.clock.now(), &key, &challenge))
    }

    fn take_at(&mut self, now: u64, key: &B32, challenge: &B32) -> Taken {
        let ours = |w: &Waiting| w.token.challenge_digest == *challenge;
        self.0.retain(|w| !ours(w) || w.token.key_id == *key);
        let ready: Vec<usize> =
            (0..self.0.len()).filter(|i| self.0.get(*i).is_some_and(|w| ours(w) && w.ready <= now)).collect();
        if ready.is_empty() {
            let wait = self.0.iter().filter(|w| ours(w)).map(|w| w.ready.saturating_sub(now)).min();
            return wait.map_or(Taken::Empty, Taken::Wait);
        }
        let at = usize::try_from(below(ready.len() as u64)).unwrap_or(0);
        match ready.get(at) {
            Some(at) => Taken::Token(Box::new(self.0.swap_remove(*at).token)),
            None => Taken::Empty,
        }
    }

    /// Lets every token be used now: for who knows what it costs. Returns whether any had to wait.
    pub fn no_wait(&mut self, now: u64) -> bool {
        let mut waited = false;
        for w in &mut self.0 {
            waited |= w.ready > now;
            w.ready = w.ready.min(now);
        }
        waited
    }
}

/// A number below `n`, each as likely as any other.
fn below(n: u64) -> u64 {
    let top = u64::MAX - u64::MAX % n;
    loop {
        let drawn = Random.next_u64();
        if drawn < top {
            return drawn % n;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const KEY: B32 = [7; 32];
    const OURS: B32 = [8; 32];
    const NOW: u64 = 1_800_000_000;

    fn batch(first: u8) -> Vec<Token> {
        (first..first + 8)
            .map(|n| Token { nonce: [n; 32], challenge_digest: OURS, key_id: KEY, authenticator: [0; 256] })
            .collect()
    }

    fn take(pool: &mut Pool, now: u64) -> Taken {
        pool.take_at(now, &KEY, &OURS)
    }

    #[test]
    fn no_token_is_used_before_its_time_and_that_time_is_drawn() {
        let mut starts = BTreeSet::new();
        for _ in 0..64 {
            let mut pool = Pool::default();
            pool.add(batch(0), NOW);
            let ready = pool.tokens()[0].ready;
            assert!((NOW..=NOW + FIRST_USE_WITHIN_S).contains(&ready));
            starts.insert(ready);
            if ready > NOW {
                assert_eq!(take(&mut pool, ready - 1), Taken::Wait(1));
            }
            assert!(matches!(take(&mut pool, ready), Taken::Token(_)));
        }
        assert!(starts.len() > 32, "{starts:?}");
    }

    #[test]
    fn each_token_is_taken_once_and_in_an_order_that_is_drawn() {
        let mut orders = BTreeSet::new();
        for _ in 0..32 {
            let mut pool = Pool::default();
            pool.add(batch(0), NOW);
            let mut order = Vec::new();
            while let Taken::Token(token) = take(&mut pool, NOW + FIRST_USE_WITHIN_S) {
                order.push(token.nonce[0]);
            }
            assert_eq!(take(&mut pool, NOW + FIRST_USE_WITHIN_S), Taken::Empty);
            assert_eq!(order.iter().copied().collect::<BTreeSet<_>>(), (0..8).collect());
            orders.insert(order);
        }
        // That two of 32 fall on the same of 40,320 orders happens in one run of eighty; a third time never.
        assert!(orders.len() > 29);
    }

    #[test]
    fn tokens_of_an_earlier_key_are_dropped_and_those_of_another_installation_left() {
        let mut pool = Pool::default();
        pool.add(batch(0), NOW);
        let later = NOW + FIRST_USE_WITHIN_S;
        assert_eq!(pool.take_at(later, &KEY, &[9; 32]), Taken::Empty);
        assert_eq!(pool.tokens().len(), 8);
        assert_eq!(pool.take_at(later, &[6; 32], &OURS), Taken::Empty);
        assert!(pool.tokens().is_empty());
    }

    #[test]
    fn who_does_not_wait_is_told_whether_there_was_something_to_wait_for() {
        let mut pool = Pool::new(batch(0).into_iter().map(|token| Waiting { token, ready: NOW + 5 }).collect());
        assert!(pool.no_wait(NOW));
        assert!(!pool.no_wait(NOW));
        assert!(matches!(take(&mut pool, NOW), Taken::Token(_)));
    }
}
