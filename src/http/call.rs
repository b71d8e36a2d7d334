//! Signed calls: what roles and officials send each other, also inside one process.
//!
//! ```text
//! Tabir-Call: base64url(statement `call` over {method, path with query, SHA-256(body), audience, minute, nonce})
//! ```
//! The receiver takes a call once, within six minutes of its minute, by a key that it knows for this route.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::extract::Request;
use axum::http::StatusCode;
use rand_core::Rng as _;
use tabir_crypto::codec::{b64url, sha256, unb64url};
use tabir_crypto::ed25519::{SigningKey, VerifyingKey};
use tabir_crypto::statement::body::{Call, Role};
use tabir_crypto::statement::value::{Hex, Hour, Second, Text, V1};
use tabir_crypto::statement::{Body, Statement, Verb};
use tabir_crypto::{B32, Code};

use super::problem::Problem;
use crate::clock::{Clock, Random};

/// The header that carries the statement.
pub const HEADER: &str = "tabir-call";
/// How far the caller's clock may be off, in seconds: minutes of skew between hosts. The minute that `minute` is cut to
/// comes on top of it.
const SKEW_S: u64 = 300;
/// The largest body of a call: a lease of 16 reports of the largest size, in base64url.
const MAX_BODY: usize = 4 << 20;

/// Who signed a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The key that signed.
    pub key: VerifyingKey,
}

/// Makes the header's value for a call.
pub fn sign(
    key: &SigningKey,
    audience: Role,
    method: &str,
    path: &str,
    body: &[u8],
    clock: &Clock,
) -> tabir_crypto::Result<String> {
    let now = clock.now();
    let mut nonce = [0; 16];
    Random.fill_bytes(&mut nonce);
    let call = Call {
        v: V1,
        at: Hour::of(now),
        method: Text::new(method)?,
        path: Text::new(path)?,
        body_hash: Hex(sha256(body)),
        audience,
        minute: Second(now - now % 60),
        nonce: Hex(nonce),
    };
    Ok(b64url(&Statement::signed(Verb::Call, &call, key)?.to_bytes()))
}

/// Takes calls for one audience, each once.
#[derive(Clone)]
pub struct Calls {
    audience: Role,
    clock: Clock,
    seen: Arc<Mutex<HashMap<[u8; 16], u64>>>,
}

impl Calls {
    /// For one role of this process.
    #[must_use]
    pub fn new(audience: Role, clock: Clock) -> Self {
        Self { audience, clock, seen: Arc::default() }
    }

    /// Reads the body and checks the call against the keys that may use this route. Errors: 401 `call` (missing,
    /// malformed, late, replayed, for another audience or request), 403 `caller` (a key that may not).
    pub async fn accept(&self, request: Request, keys: &[VerifyingKey]) -> Result<(Caller, Bytes), Problem> {
        let (parts, body) = request.into_parts();
        let body = axum::body::to_bytes(body, MAX_BODY).await.map_err(|_| Problem::too_large())?;
        let path = parts.uri.path_and_query().map_or("/", |p| p.as_str());
        let header = parts.headers.get(HEADER).and_then(|h| h.to_str().ok()).ok_or_else(bad_call)?;
        let caller = self.check(header, parts.method.as_str(), path, &body, keys)?;
        Ok((caller, body))
    }

    /// The check itself, on what the request says.
    pub fn check(
        &self,
        header: &str,
        method: &str,
        path: &str,
        body: &[u8],
        keys: &[VerifyingKey],
    ) -> Result<Caller, Problem> {
        let statement = unb64url(header).and_then(|b| Statement::parse(&b)).map_err(|_| bad_call())?;
        let verified = statement.verify(keys).map_err(|e| match e.code() {
            Code::UnknownKey => Problem::new(
                StatusCode::FORBIDDEN,
                "caller",
                "This key may not make this call. Check which identity signs.",
            ),
            _ => bad_call(),
        })?;
        let (Body::Call(call), [signer]) = (verified.body, verified.signers.as_slice()) else {
            return Err(bad_call());
        };
        let now = self.clock.now();
        let fits = call.audience == self.audience
            && call.method.as_str() == method
            && call.path.as_str() == path
            && call.body_hash.0 == sha256(body)
            && call.minute.0.abs_diff(now) <= SKEW_S + 60;
        if !fits || !self.first_time(call.nonce.0, now) {
            return Err(bad_call());
        }
        by_id(keys, signer).map(|key| Caller { key }).ok_or_else(bad_call)
    }

    fn first_time(&self, nonce: [u8; 16], now: u64) -> bool {
        let mut seen = self.seen.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        // Twice the window: a nonce must outlive every minute under which its call could come again.
        seen.retain(|_, at| now.saturating_sub(*at) <= 2 * (SKEW_S + 60));
        seen.insert(nonce, now).is_none()
    }
}

fn by_id(keys: &[VerifyingKey], id: &B32) -> Option<VerifyingKey> {
    keys.iter().find(|k| k.key_id() == *id).copied()
}

fn bad_call() -> Problem {
    Problem::new(
        StatusCode::UNAUTHORIZED,
        "call",
        "The signed call is missing, malformed, late or repeated. Check both clocks and sign again.",
    )
}

#[cfg(test)]
mod tests {
    use tabir_crypto::SecretBytes;

    use super::*;

    fn key(n: u8) -> SigningKey {
        SigningKey::from_seed(&SecretBytes::new([n; 32]))
    }

    fn refused(calls: &Calls, header: &str, path: &str, body: &[u8], keys: &[VerifyingKey]) -> &'static str {
        calls.check(header, "POST", path, body, keys).map_or_else(|p| p.code, |_| "taken")
    }

    #[test]
    fn takes_a_call_once_and_only_as_it_was_signed() {
        let clock = Clock::manual(1_000_000);
        let calls = Calls::new(Role::Gateway, clock.clone());
        let keys = [key(1).verifying_key()];
        let header = sign(&key(1), Role::Gateway, "POST", "/internal/x?a=1", b"{}", &clock).unwrap();
        assert_eq!(refused(&calls, &header, "/internal/y", b"{}", &keys), "call");
        assert_eq!(refused(&calls, &header, "/internal/x?a=2", b"{}", &keys), "call");
        assert_eq!(refused(&calls, &header, "/internal/x?a=1", b"{ }", &keys), "call");
        assert_eq!(refused(&calls, &header, "/internal/x?a=1", b"{}", &[key(2).verifying_key()]), "caller");
        assert_eq!(refused(&Calls::new(Role::Log, clock.clone()), &header, "/internal/x?a=1", b"{}", &keys), "call");
        assert!(calls.check(&header, "GET", "/internal/x?a=1", b"{}", &keys).is_err());
        assert_eq!(refused(&calls, &header, "/internal/x?a=1", b"{}", &keys), "taken");
        assert_eq!(refused(&calls, &header, "/internal/x?a=1", b"{}", &keys), "call", "a replay");
    }

    #[test]
    fn refuses_a_call_with_two_signers() {
        let clock = Clock::manual(1_000_000);
        let calls = Calls::new(Role::Gateway, clock.clone());
        let keys = [key(1).verifying_key(), key(2).verifying_key()];
        let header = sign(&key(1), Role::Gateway, "POST", "/x", b"", &clock).unwrap();
        let mut statement = Statement::parse(&unb64url(&header).unwrap()).unwrap();
        statement.sign(&key(2));
        let both = b64url(&statement.to_bytes());
        assert_eq!(refused(&calls, &both, "/x", b"", &keys), "call", "whose call would it be?");
        assert_eq!(refused(&calls, &header, "/x", b"", &keys), "taken");
    }

    #[test]
    fn refuses_a_late_call_and_a_replay_at_the_end_of_the_window() {
        let clock = Clock::manual(1_000_000);
        let calls = Calls::new(Role::Gateway, clock.clone());
        let keys = [key(1).verifying_key()];
        let header = sign(&key(1), Role::Gateway, "POST", "/x", b"", &clock).unwrap();
        assert_eq!(refused(&calls, &header, "/x", b"", &keys), "taken");
        clock.set(1_000_000 + SKEW_S);
        assert_eq!(refused(&calls, &header, "/x", b"", &keys), "call", "still remembered");
        let late = sign(&key(1), Role::Gateway, "POST", "/x", b"", &Clock::manual(1_000_000)).unwrap();
        clock.set(1_000_000 + SKEW_S + 120);
        assert_eq!(refused(&calls, &late, "/x", b"", &keys), "call", "late");
    }
}
