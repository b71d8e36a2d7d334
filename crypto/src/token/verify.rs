//! The origin's half of RFC 9577: is this token for this challenge, by this key? Whether it is unspent is the store's
//! question.

use super::key::TokenKey;
use super::wire::{NK, Token};
use crate::codec::B32;
use crate::error::{Code, Result, need};
use blind_rsa_signatures::Signature;

/// A token whose key, challenge and authenticator are right. Only [`verify`] makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedToken(Token);

impl VerifiedToken {
    /// What is marked as spent, together with the key id.
    #[must_use]
    pub const fn nonce(&self) -> &B32 {
        &self.0.nonce
    }

    /// SHA-256 of the token key's SPKI.
    #[must_use]
    pub const fn key_id(&self) -> &B32 {
        &self.0.key_id
    }

    /// The signature; never stored, so that a stolen database cannot test which body a token paid for.
    #[must_use]
    pub const fn authenticator(&self) -> &[u8; NK] {
        &self.0.authenticator
    }
}

/// Checks a token. Errors: `token-key` (by another key), `token-challenge`, `token-invalid`.
pub fn verify(token: &Token, challenge_digest: &B32, key: &TokenKey) -> Result<VerifiedToken> {
    need(token.key_id == *key.id(), Code::TokenKey)?;
    need(token.challenge_digest == *challenge_digest, Code::TokenChallenge)?;
    let signature = Signature(token.authenticator.to_vec());
    key.rsa().verify(&signature, None, token.input()).map_err(|_| Code::TokenInvalid)?;
    Ok(VerifiedToken(token.clone()))
}
