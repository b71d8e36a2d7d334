//! Redemption (RFC 9577): is this a good token, by a key that the log announced, for this origin? And what is kept of it.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use subtle::ConstantTimeEq as _;
use tabir_crypto::statement::body::KeyKind;
use tabir_crypto::submission::body_tag;
use tabir_crypto::token::{TokenChallenge, TokenKey, VerifiedToken, header, verify};
use tabir_crypto::trust::State;
use tabir_crypto::trust::state::AnnouncedKey;
use tabir_crypto::{B32, Code, Error};

use super::Gateway;
use super::error::Refusal;
use super::store::spent::{Known, Spending};

/// Seconds of a day: all that a spent row tells of time.
pub(super) const DAY_S: u64 = 86_400;
/// Every request that takes a token has this media type; it goes into the body tag.
const MEDIA_TYPE: &str = "application/json";
/// Parsed keys that are kept: the current, the one before, the next, and some of a longer past.
const CACHED: usize = 16;

/// What a request is, as far as a body tag binds it.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The value of `Authorization`, if there is one.
    pub authorization: Option<&'a str>,
    /// Path without query.
    pub path: &'a str,
    /// The body's bytes.
    pub body: &'a [u8],
}

/// Parsed token keys: parsing one costs as much as using it.
#[derive(Default)]
pub(super) struct KeyCache(Mutex<HashMap<B32, TokenKey>>);

impl KeyCache {
    fn get(&self, announced: &AnnouncedKey) -> Result<TokenKey, Error> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = known.get(&announced.id) {
            return Ok(key.clone());
        }
        let key = TokenKey::from_spki(&announced.body.key.0)?;
        if known.len() >= CACHED {
            known.clear();
        }
        known.insert(announced.id, key.clone());
        Ok(key)
    }
}

/// Whether a request may go on with its token: unspent, or spent by this very request, whose answer is then the same
/// again. The tags are compared in constant time.
pub(super) fn may_use(known: Known, token: &Spending) -> Result<(), Refusal> {
    match known {
        Known::Unspent => Ok(()),
        Known::Spent(Some(tag)) if bool::from(tag.ct_eq(&token.body_tag)) => Ok(()),
        Known::Spent(_) => Err(Refusal::TokenSpent),
        Known::Retired => Err(Refusal::Token(Code::TokenKey.into())),
    }
}

impl Gateway {
    /// Checks a request's token. Errors: `token-missing`; those of the header and the token; `token-key` for a key that
    /// is unknown, retired, not active yet or over.
    pub(super) fn redeem(&self, request: &Request<'_>) -> Result<Spending, Refusal> {
        let header = request.authorization.ok_or(Refusal::TokenMissing)?;
        let token = self.verify_token(header).map_err(Refusal::Token)?;
        Ok(Spending {
            token_key_id: *token.key_id(),
            nonce: *token.nonce(),
            body_tag: body_tag(token.authenticator(), "POST", request.path, MEDIA_TYPE, request.body),
            day: self.clock.now() / DAY_S,
        })
    }

    fn verify_token(&self, header: &str) -> Result<VerifiedToken, Error> {
        let token = header::read_authorization(header)?;
        let view = self.ledger.view();
        let announced = view.state.token_key_by_id(&token.key_id)?;
        if !self.is_taken(&view.state, announced) {
            return Err(Code::TokenKey.into());
        }
        verify(&token, &self.challenge.digest(), &self.token_keys.get(announced)?)
    }

    /// Active now, or in the overlap behind its epoch.
    fn is_taken(&self, state: &State, key: &AnnouncedKey) -> bool {
        let now = self.clock.now();
        let begun = state.key_counts_from(&self.trust, key).is_some_and(|from| from <= now);
        begun && key.body.not_before.0 <= now && !self.is_over(key)
    }

    /// Past its epoch and the overlap, or retired by a statement.
    pub(super) fn is_over(&self, key: &AnnouncedKey) -> bool {
        key.retired.is_some() || key.body.not_after.0.saturating_add(self.overlap_s) <= self.clock.now()
    }

    /// The value of `WWW-Authenticate`; `None` while no token key is active.
    #[must_use]
    pub fn token_challenge(&self) -> Option<String> {
        let view = self.ledger.view();
        let announced = view.state.active_key(&self.trust, KeyKind::Token, self.clock.now()).ok()?;
        Some(header::write_challenge(&self.challenge, &self.token_keys.get(announced).ok()?))
    }

    /// What every token here is for: both names come from the trust root.
    #[must_use]
    pub const fn challenge(&self) -> &TokenChallenge {
        &self.challenge
    }
}
