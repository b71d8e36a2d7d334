//! The issuer's half of RFC 9578 section 6: the blind signature (RFC 9474, BlindSign).
//!
//! The private operation is always itself blinded with fresh randomness: the `rsa` crate's arithmetic is not free of
//! timing differences (RUSTSEC-2023-0071), and without blinding whoever chooses the input could measure the key. The
//! result does not depend on that randomness: the same request has the same answer.

use rand_core::CryptoRng;

use super::key::IssuerKey;
use super::wire::{TokenRequest, TokenResponse};
use crate::error::{Code, Result};

impl IssuerKey {
    /// Signs a request made for this key. Errors: those of [`TokenKey::admits`](super::TokenKey::admits).
    pub fn blind_sign(&self, rng: &mut impl CryptoRng, request: &TokenRequest) -> Result<TokenResponse> {
        self.public().admits(request)?;
        let signature = self.secret().blind_sign_with_rng(rng, request.blinded_msg).map_err(|_| Code::Field)?;
        TokenResponse::decode(signature.as_ref())
    }
}
