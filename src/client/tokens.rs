//! Fetching tokens: the challenge is built from the trust root, the key comes from the governance log. What a server
//! says about either is compared, never believed: a key or challenge of its own could tag one user.
//!
//! [`fetch`] gets one token for one attestation, [`fetch_batch`] eight. Whoever can, takes eight, ahead of time, and keeps
//! them in a [`Pool`](super::token_pool::Pool), which lets none be used before a random time has passed.

use std::time::Duration;

use crate::http::Method;
use tabir_crypto::Code;
use tabir_crypto::statement::body::KeyKind;
use tabir_crypto::token::batch::{BATCH_REQUEST_TYPE, BATCH_RESPONSE_TYPE, MAX_BATCH, blind_batch};
use tabir_crypto::token::puzzle::Offer;
use tabir_crypto::token::wire::{REQUEST_TYPE, RESPONSE_TYPE};
use tabir_crypto::token::{BatchResponse, Token, TokenChallenge, TokenKey, TokenResponse, blind, header};
use tabir_crypto::{Secret, SecretBytes};

use super::{ClientError, Session};
use crate::clock::Random;
use crate::http::{Answer, HttpError};

/// What pays for tokens.
#[derive(Clone, Debug)]
pub enum Attestation {
    /// A printed one-use code.
    Voucher(String),
    /// A puzzle, solved here.
    Puzzle,
    /// A JWT of an app whose users get tokens here.
    Account(String),
}

/// Counters that are tried between two signs of life.
const TRIES: u64 = 64;
/// How often a busy issuer is asked again, and how long it may let us wait each time.
const PATIENCE: u32 = 3;
const LONGEST_WAIT_S: u64 = 60;

/// The challenge that every client of this installation builds.
pub fn challenge(session: &Session) -> Result<TokenChallenge, ClientError> {
    let root = session.trust.root();
    Ok(TokenChallenge::new(root.issuer_name.as_str(), root.origin.as_str())?)
}

/// The token key that signs now, as the governance log has it.
pub(super) fn current_key(session: &Session) -> Result<TokenKey, ClientError> {
    Ok(TokenKey::from_spki(&session.key(KeyKind::Token)?)?)
}

/// Fetches one token. A lost answer is asked for again with the same request. Errors: HTTP, `not-active`,
/// `blind-signature` (an issuer that signed with a key of its own).
pub async fn fetch(session: &Session, pay: &Attestation) -> Result<Token, ClientError> {
    let before = current_key(session)?;
    match fetch_once(session, pay).await {
        // The epoch changed on the way. A request that can't be signed costs nothing, so it is made anew.
        Err(ClientError::Http(e))
            if e.code() == Some(Code::TokenKey.as_str()) && current_key(session)?.spki() != before.spki() =>
        {
            fetch_once(session, pay).await
        }
        fetched => fetched,
    }
}

async fn fetch_once(session: &Session, pay: &Attestation) -> Result<Token, ClientError> {
    let key = current_key(session)?;
    let (request, pending) = blind(&mut Random, &key, &challenge(session)?)?;
    let attestation = attestation(session, pay).await?;
    let answer = ask(session, [REQUEST_TYPE, RESPONSE_TYPE], &attestation, &request.encode()).await?;
    Ok(pending.finalize(&TokenResponse::decode(&answer.body)?)?)
}

/// Fetches eight tokens for one attestation, kept in memory only. Errors: as [`fetch`]; all tokens, or none.
pub async fn fetch_batch(session: &Session, pay: &Attestation) -> Result<Vec<Token>, ClientError> {
    Purchase::prepare(session, pay).await?.complete(session).await
}

/// A batch on its way: with this, the very same request can be made again after a lost answer or a crash, which costs
/// nothing. Its seed links all tokens of the batch, and its attestation says who bought them: whoever keeps it on disk
/// replaces it by the tokens as soon as they are there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Purchase {
    /// From which all of the batch is blinded.
    pub seed: SecretBytes<32>,
    /// The value of `Tabir-Attestation`.
    pub attestation: Secret<String>,
    /// The token key that it is for, as SPKI.
    pub key: Vec<u8>,
}

impl Purchase {
    /// Prepares one; a puzzle is solved here. Nothing is spent yet.
    pub async fn prepare(session: &Session, pay: &Attestation) -> Result<Self, ClientError> {
        let key = current_key(session)?.spki().to_vec();
        let attestation = Secret::new(attestation(session, pay).await?);
        Ok(Self { seed: SecretBytes::random(&mut Random), attestation, key })
    }

    /// By a voucher, blinded from a seed that whoever asks can make again. Error: `not-active`.
    pub fn by_voucher(session: &Session, code: &str, seed: SecretBytes<32>) -> Result<Self, ClientError> {
        let attestation = Secret::new(format!("voucher {code}"));
        Ok(Self { seed, attestation, key: current_key(session)?.spki().to_vec() })
    }

    /// Buys, or asks again for what was bought. Errors: as [`fetch`]; `not-active` when the key's epoch is over, and with
    /// it the right to ask again.
    pub async fn complete(&self, session: &Session) -> Result<Vec<Token>, ClientError> {
        let key = current_key(session)?;
        if key.spki()[..] != self.key {
            return Err(tabir_crypto::Code::NotActive.into());
        }
        let (request, pending) = blind_batch(&self.seed, &key, &challenge(session)?, MAX_BATCH)?;
        let types = [BATCH_REQUEST_TYPE, BATCH_RESPONSE_TYPE];
        let answer = ask(session, types, self.attestation.expose(), &request.encode()?).await?;
        Ok(pending.finalize(&BatchResponse::decode(&answer.body)?)?)
    }
}

async fn attestation(session: &Session, pay: &Attestation) -> Result<String, ClientError> {
    Ok(match pay {
        Attestation::Voucher(code) => format!("voucher {code}"),
        Attestation::Puzzle => format!("pow {}", solve(session).await?),
        Attestation::Account(jwt) => format!("account {jwt}"),
    })
}

/// Issuance is idempotent: the same request gets the same signatures, so that a lost answer burns nothing, and neither
/// does an issuer that is busy.
async fn ask(
    session: &Session,
    [sent, wanted]: [&str; 2],
    attestation: &str,
    body: &[u8],
) -> Result<Answer, ClientError> {
    let url = format!("{}/token-request", session.services.issuer);
    let headers = [("content-type", sent), ("accept", wanted), ("tabir-attestation", attestation)];
    let mut lost = false;
    let mut waited = 0;
    loop {
        let wait = match session.http.send(Method::POST, &url, &headers, body.to_vec()).await {
            Err(HttpError::Unreachable(_)) if !lost => {
                lost = true;
                continue;
            }
            Err(error) => match retry_after(&error).filter(|_| waited < PATIENCE) {
                Some(wait) => wait,
                None => return Err(error.into()),
            },
            Ok(answer) if answer.headers.get("content-type").is_some_and(|v| v.as_bytes() == wanted.as_bytes()) => {
                return Ok(answer);
            }
            Ok(answer) => return Err(HttpError::Malformed(answer.status, "another media type".into()).into()),
        };
        waited += 1;
        tokio::time::sleep(wait).await;
    }
}

/// How long a busy server asks us to wait, if that is not too long.
fn retry_after(error: &HttpError) -> Option<Duration> {
    let seconds: u64 = error.header("retry-after").filter(|_| error.status() == Some(429))?.parse().ok()?;
    (seconds <= LONGEST_WAIT_S).then(|| Duration::from_secs(seconds))
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
