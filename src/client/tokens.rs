//! Fetching a token: the challenge is built from the trust root, the key comes from the governance log. What a server
//! says about either is compared, never believed: a key or challenge of its own could tag one user.

use crate::http::Method;
use tabir_crypto::statement::body::KeyKind;
use tabir_crypto::token::puzzle::Offer;
use tabir_crypto::token::wire::{REQUEST_TYPE, RESPONSE_TYPE};
use tabir_crypto::token::{Token, TokenChallenge, TokenKey, TokenResponse, blind, header};

use super::{ClientError, Session};
use crate::clock::Random;
use crate::http::HttpError;

/// What pays for a token.
#[derive(Clone, Debug)]
pub enum Attestation {
    /// A printed one-use code.
    Voucher(String),
    /// A puzzle, solved here.
    Puzzle,
}

/// Counters that are tried between two signs of life.
const TRIES: u64 = 64;

/// The challenge that every client of this installation builds.
pub fn challenge(session: &Session) -> Result<TokenChallenge, ClientError> {
    let root = session.trust.root();
    Ok(TokenChallenge::new(root.issuer_name.as_str(), root.origin.as_str())?)
}

/// Fetches one token. A lost answer is asked for again with the same request. Errors: HTTP, `not-active`,
/// `blind-signature` (an issuer that signed with a key of its own).
pub async fn fetch(session: &Session, pay: &Attestation) -> Result<Token, ClientError> {
    let key = TokenKey::from_spki(&session.key(KeyKind::Token)?)?;
    let (request, pending) = blind(&mut Random, &key, &challenge(session)?)?;
    let attestation = match pay {
        Attestation::Voucher(code) => format!("voucher {code}"),
        Attestation::Puzzle => format!("pow {}", solve(session).await?),
    };
    let url = format!("{}/token-request", session.services.issuer);
    let headers =
        [("content-type", REQUEST_TYPE), ("accept", RESPONSE_TYPE), ("tabir-attestation", attestation.as_str())];
    let send = || session.http.send(Method::POST, &url, &headers, request.encode());
    // Issuance is idempotent: the same request gets the same signature, so that a lost answer burns nothing.
    let answer = match send().await {
        Err(HttpError::Unreachable(_)) => send().await?,
        other => other?,
    };
    Ok(pending.finalize(&TokenResponse::decode(&answer.body)?)?)
}

async fn solve(session: &Session) -> Result<String, ClientError> {
    let offer: Offer = session.http.get_json(&format!("{}/v1/puzzle", session.services.issuer)).await?;
    let puzzle = offer.challenge()?;
    let work = move || {
        let mut from = 0;
        loop {
            match puzzle.solve(from, TRIES) {
                Ok(Some(solution)) => return Ok(solution.to_text()),
                Ok(None) => from += TRIES,
                Err(error) => return Err(error),
            }
        }
    };
    Ok(tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| ClientError::Crypto(tabir_crypto::Code::Puzzle.into()))??)
}

/// The `Authorization` header that spends a token.
#[must_use]
pub fn authorization(token: &Token) -> String {
    header::write_authorization(token)
}
