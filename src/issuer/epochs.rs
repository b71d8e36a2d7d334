//! Key epochs: exactly one token key an epoch number, announced in the log one epoch ahead.
//!
//! Epochs follow each other without a gap, each from the `not_after` of the one before, so that a changed length in
//! the configuration never gives two keys to one moment. The first one's number and start are multiples of the length.

use std::sync::Arc;

use tabir_crypto::Result;
use tabir_crypto::ed25519::SigningKey;
use tabir_crypto::statement::body::{KeyAnnounced, KeyKind, Role};
use tabir_crypto::statement::value::{Bytes, Hour, Second, V1};
use tabir_crypto::statement::{Statement, Verb};
use tabir_crypto::token::{IssuerKey, TokenKey};

use crate::clock::Random;

/// An epoch and its key.
#[derive(Clone)]
pub struct Epoch {
    /// Number and times.
    pub span: Span,
    /// The public key.
    pub public: TokenKey,
    /// The private key, until the epoch is over.
    pub secret: Option<Arc<IssuerKey>>,
}

/// An epoch's number and times, in Unix seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The number.
    pub epoch: u64,
    /// First second.
    pub not_before: u64,
    /// First second after it.
    pub not_after: u64,
}

impl Span {
    /// Is this the epoch of that time?
    #[must_use]
    pub const fn holds(&self, now: u64) -> bool {
        self.not_before <= now && now < self.not_after
    }

    /// The epoch that must be made next, if one is missing: the one of now, or the one after it.
    #[must_use]
    pub fn missing(last: Option<Self>, now: u64, length: u64) -> Option<Self> {
        let of = |epoch, not_before| Self { epoch, not_before, not_after: not_before + length };
        match last {
            None => Some(of(now / length, now / length * length)),
            Some(last) if now < last.not_before => None,
            Some(last) => {
                // Epochs that passed while nobody was here get no key; their numbers stay unused.
                let slept = now.saturating_sub(last.not_after) / length;
                Some(of(last.epoch + 1 + slept, last.not_after + slept * length))
            }
        }
    }
}

/// Makes a key whose truncated id is none of those `taken`: requests name keys by that byte alone.
pub fn new_key(taken: &[u8]) -> Result<IssuerKey> {
    loop {
        let key = IssuerKey::generate(&mut Random)?;
        if !taken.contains(&key.public().truncated_id()) {
            return Ok(key);
        }
    }
}

/// The announcement for the governance log, signed by the issuer's identity.
pub fn announcement(span: Span, key: &TokenKey, identity: &SigningKey, now: u64) -> Result<Statement> {
    let body = KeyAnnounced {
        v: V1,
        at: Hour::of(now),
        role: Role::Issuer,
        kind: KeyKind::Token,
        epoch: span.epoch,
        key: Bytes(key.spki().to_vec()),
        not_before: Second(span.not_before),
        not_after: Second(span.not_after),
    };
    Statement::signed(Verb::KeyAnnounced, &body, identity)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain(start: u64, times: &[(u64, u64)]) -> Vec<Span> {
        let mut spans: Vec<Span> = Vec::new();
        for &(now, length) in [(start, 100)].iter().chain(times) {
            while let Some(next) = Span::missing(spans.last().copied(), now, length) {
                spans.push(next);
            }
        }
        spans
    }

    #[test]
    fn the_current_and_the_next_epoch_have_a_key() {
        let spans = chain(1_234, &[(1_234, 100), (1_299, 100), (1_300, 100)]);
        let numbers: Vec<_> = spans.iter().map(|s| (s.epoch, s.not_before, s.not_after)).collect();
        assert_eq!(numbers, [(12, 1_200, 1_300), (13, 1_300, 1_400), (14, 1_400, 1_500)]);
    }

    #[test]
    fn a_changed_length_leaves_no_gap_and_no_number_twice() {
        let spans = chain(1_234, &[(1_300, 7), (1_412, 50)]);
        for pair in spans.windows(2) {
            assert!(pair[0].not_after <= pair[1].not_before && pair[0].epoch < pair[1].epoch, "{pair:?}");
        }
        assert!(spans.iter().any(|s| s.holds(1_412)));
    }

    #[test]
    fn a_long_sleep_makes_two_keys_not_one_for_each_epoch_missed() {
        let spans = chain(1_234, &[(9_950, 100)]);
        assert_eq!(spans.len(), 4);
        assert!(spans[2].holds(9_950));
        assert_eq!((spans[2].epoch, spans[3].epoch), (99, 100));
    }

    #[test]
    fn a_clock_set_back_makes_no_key() {
        let spans = chain(1_234, &[(1_100, 100), (5, 100)]);
        assert_eq!(spans.len(), 2);
    }
}
