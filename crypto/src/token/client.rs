//! The client's half of RFC 9578 section 6: blind a token's input, finalize the issuer's answer.

use core::fmt;

use blind_rsa_signatures::{BlindSignature, BlindingResult};
use rand_core::CryptoRng;
use zeroize::Zeroize as _;

use super::key::TokenKey;
use super::wire::{Token, TokenChallenge, TokenRequest, TokenResponse, token_input};
use crate::codec::{B32, fixed};
use crate::error::{Code, Result};

/// A token that waits for the issuer's answer. The blinding factor links request and token, so it is wiped on drop and
/// never printed. The same request can be sent again until an answer is there.
pub struct PendingToken {
    nonce: B32,
    challenge_digest: B32,
    key: TokenKey,
    blinding: BlindingResult,
}

/// Makes a token's input with a fresh nonce and blinds it. Errors: `token-key` (a modulus that cannot blind).
pub fn blind(
    rng: &mut impl CryptoRng,
    key: &TokenKey,
    challenge: &TokenChallenge,
) -> Result<(TokenRequest, PendingToken)> {
    let mut nonce = [0; 32];
    rng.fill_bytes(&mut nonce);
    let challenge_digest = challenge.digest();
    let input = token_input(&nonce, &challenge_digest, key.id());
    let blinding = key.rsa().blind(rng, input).map_err(|_| Code::TokenKey)?;
    let blinded_msg = fixed(blinding.blind_message.as_ref())?;
    let request = TokenRequest { truncated_key_id: key.truncated_id(), blinded_msg };
    Ok((request, PendingToken { nonce, challenge_digest, key: key.clone(), blinding }))
}

impl PendingToken {
    /// Unblinds the answer and verifies the token that comes of it. Error: `blind-signature`.
    pub fn finalize(&self, response: &TokenResponse) -> Result<Token> {
        let input = token_input(&self.nonce, &self.challenge_digest, self.key.id());
        let answer = BlindSignature(response.0.to_vec());
        let signature = self.key.rsa().finalize(&answer, &self.blinding, input).map_err(|_| Code::BlindSignature)?;
        Ok(Token {
            nonce: self.nonce,
            challenge_digest: self.challenge_digest,
            key_id: *self.key.id(),
            authenticator: fixed(signature.as_ref())?,
        })
    }
}

impl Drop for PendingToken {
    fn drop(&mut self) {
        self.blinding.secret.0.zeroize();
        self.nonce.zeroize();
    }
}

impl fmt::Debug for PendingToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<redacted>")
    }
}
