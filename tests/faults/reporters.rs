//! People who report, and do not give up: the same request again until it is answered.

use std::fmt::Display;
use std::time::Duration;

use tabir::client::report::{Accepted, Draft, Sealed, seal, send};
use tabir::client::{ClientError, Session, tokens};
use tabir::clock::Random;
use tabir::http::{HttpError, Method};
use tabir_crypto::statement::body::KeyKind;
use tabir_crypto::token::wire::REQUEST_TYPE;
use tabir_crypto::token::{Token, TokenKey, TokenResponse, blind};

use crate::stage::draft;

/// Between two tries.
const AGAIN: Duration = Duration::from_millis(100);
/// Tries until somebody gives up: a minute, if each fails at once.
const TRIES: u32 = 600;

/// A report that was acknowledged.
pub struct Sent {
    pub reference: String,
    pub nf: [u8; 32],
    pub token: Token,
}

impl Sent {
    pub fn of(accepted: &Accepted, token: &Token) -> Self {
        Self { reference: accepted.reference.clone(), nf: accepted.acceptance.nf.0, token: token.clone() }
    }
}

async fn patiently<T, E: Display, F: Future<Output = Result<T, E>>>(what: &str, mut tried: impl FnMut() -> F) -> T {
    let mut why = String::new();
    for _ in 0..TRIES {
        match tried().await {
            Ok(done) => return done,
            Err(error) => why = error.to_string(),
        }
        tokio::time::sleep(AGAIN).await;
    }
    panic!("{what}: {why}")
}

/// A token, by one request that is repeated until its answer arrives.
pub async fn token(session: &Session, voucher: &str) -> Token {
    let key = TokenKey::from_spki(&session.key(KeyKind::Token).unwrap()).unwrap();
    let (request, pending) = blind(&mut Random, &key, &tokens::challenge(session).unwrap()).unwrap();
    let (url, pays) = (format!("{}/token-request", session.services.issuer), format!("voucher {voucher}"));
    let headers = [("content-type", REQUEST_TYPE), ("tabir-attestation", pays.as_str())];
    let ask = || session.http.send(Method::POST, &url, &headers, request.encode());
    let answer = patiently("a token", ask).await;
    pending.finalize(&TokenResponse::decode(&answer.body).unwrap()).unwrap()
}

/// A report until it is acknowledged.
pub async fn report(session: &Session, voucher: &str) -> Sent {
    let token = token(session, voucher).await;
    let sealed = seal(session, &draft(session)).unwrap();
    Sent::of(&until_taken(session, &sealed, &token).await, &token)
}

/// Sends one until it is acknowledged.
pub async fn until_taken(session: &Session, sealed: &Sealed, token: &Token) -> Accepted {
    patiently("a report", || send(session, sealed, token)).await
}

/// A sealed report with its token, for who sends it himself.
pub async fn ready(session: &Session, voucher: &str, draft: &Draft) -> Result<(Sealed, Token), ClientError> {
    Ok((seal(session, draft)?, token(session, voucher).await))
}

/// Whether a token that paid for a report buys no other: it is spent, or its epoch is over.
pub async fn buys_nothing(session: &Session, token: &Token) -> bool {
    let other = seal(session, &draft(session)).unwrap();
    let tried = || async {
        match send(session, &other, token).await {
            Err(ClientError::Http(HttpError::Unreachable(url))) => Err(url),
            done => Ok(done),
        }
    };
    let done = patiently("a spent token", tried).await;
    let refused = ["token-spent", "token-key"];
    matches!(done, Err(ClientError::Http(HttpError::Problem { status: 401, code, .. })) if refused.contains(&code.as_str()))
}
