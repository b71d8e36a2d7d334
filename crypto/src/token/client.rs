//! The client's half of RFC 9578 section 6: blind a token's input, finalize the issuer's answer.

use blind_rsa_signatures::{BlindSignature, BlindingResult};
use rand_core::CryptoRng;
use zeroize::Zeroize;

use super::key::TokenKey;
use super::wire::{Token, TokenChallenge, TokenRequest, TokenResponse, token_input};
use crate::codec::{B32, fixed};
use crate::error::{Code, Result};
use crate::secret::{Secret, SecretBytes};

/// A token that waits for the issuer's answer. Nonce and blinding factor link request and token, so they are secrets.
/// The same request can be sent again until an answer is there.
#[derive(Debug)]
pub struct PendingToken {
    nonce: SecretBytes<32>,
    challenge_digest: B32,
    key: TokenKey,
    blinding: Secret<Blinding>,
}

/// The library's result, of which only the factor is secret.
struct Blinding(BlindingResult);

impl Zeroize for Blinding {
    fn zeroize(&mut self) {
        self.0.secret.0.zeroize();
    }
}

/// Makes a token's input with a fresh nonce and blinds it. Errors: `token-key` (a modulus that cannot blind).
pub fn blind(
    rng: &mut impl CryptoRng,
    key: &TokenKey,
    challenge: &TokenChallenge,
) -> Result<(TokenRequest, PendingToken)> {
    let nonce = SecretBytes::random(rng);
    let challenge_digest = challenge.digest();
    let input = token_input(nonce.expose(), &challenge_digest, key.id());
    let blinding = key.rsa().blind(rng, input).map_err(|_| Code::TokenKey)?;
    let blinded_msg = fixed(blinding.blind_message.as_ref())?;
    let request = TokenRequest { truncated_key_id: key.truncated_id(), blinded_msg };
    Ok((request, PendingToken { nonce, challenge_digest, key: key.clone(), blinding: Secret::new(Blinding(blinding)) }))
}

impl PendingToken {
    /// Unblinds the answer and verifies the token that comes of it. Error: `blind-signature`.
    pub fn finalize(&self, response: &TokenResponse) -> Result<Token> {
        let input = token_input(self.nonce.expose(), &self.challenge_digest, self.key.id());
        let answer = BlindSignature(response.0.to_vec());
        let signature =
            self.key.rsa().finalize(&answer, &self.blinding.expose().0, input).map_err(|_| Code::BlindSignature)?;
        Ok(Token {
            nonce: *self.nonce.expose(),
            challenge_digest: self.challenge_digest,
            key_id: *self.key.id(),
            authenticator: fixed(signature.as_ref())?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Blinding, BlindingResult, Zeroize as _};

    #[test]
    fn the_blinding_factor_is_wiped() {
        let secret = blind_rsa_signatures::Secret(vec![7; 256]);
        let blind_message = blind_rsa_signatures::BlindMessage(vec![8; 256]);
        let mut blinding = Blinding(BlindingResult { blind_message, secret, msg_randomizer: None });
        blinding.zeroize();
        assert!(blinding.0.secret.0.is_empty());
    }
}
