//! The public keys of an existing app, fetched over HTTP and kept for a while.
//!
//! ```text
//! fresh (10 minutes)   keys are used as they are
//! older                fetched again; if that fails, used until they are an hour old
//! older than that      nobody is vouched for (503): a key that the app withdrew must not live on because it is silent
//! a key that is unknown or, the set being older, may have been withdrawn: fetched again, once a minute at most
//! ```
//! One fetch at a time, whoever waits; no redirect is followed; an answer is bounded in size and time. All of it is one
//! state for everybody: nothing depends on who asks.

use std::time::Duration;

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet, KeyAlgorithm, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use tokio::sync::Mutex;

use super::error::IssuerError;
use crate::clock::Clock;
use crate::http::Client;

/// Until keys are fetched again, in seconds: how late a new key is known without anybody using it.
const FRESH_S: u64 = 600;
/// Until keys that can't be fetched again are not used any more.
const MAX_AGE_S: u64 = 3_600;
/// Between two fetches, whatever is asked for: made-up key ids must not make us knock at the app's door.
const BETWEEN_S: u64 = 60;
/// Until a fetch has failed: a person waits for it.
const TIMEOUT: Duration = Duration::from_secs(5);
/// The largest key set: a key has half a KiB, with a certificate chain a few.
const MAX_SET: usize = 64 << 10;
/// Keys of a set that are looked at.
const MAX_KEYS: usize = 32;

/// One app's key set.
pub struct Jwks {
    url: String,
    client: Client,
    clock: Clock,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    keys: Vec<Jwk>,
    /// When they were fetched.
    at: Option<u64>,
    /// When a fetch was tried last.
    tried: Option<u64>,
}

/// Seconds since then; a clock that was set back makes everything old.
fn age(now: u64, then: Option<u64>) -> u64 {
    then.and_then(|then| now.checked_sub(then)).unwrap_or(u64::MAX)
}

/// May this key verify signatures of this algorithm? The key says what it is for, not the token.
fn fits(key: &Jwk, alg: Algorithm) -> bool {
    let for_signatures = !matches!(&key.common.public_key_use, Some(other) if *other != PublicKeyUse::Signature);
    let kind = match (&key.algorithm, alg) {
        (AlgorithmParameters::EllipticCurve(p), Algorithm::ES256) => p.curve == EllipticCurve::P256,
        (AlgorithmParameters::EllipticCurve(p), Algorithm::ES384) => p.curve == EllipticCurve::P384,
        (AlgorithmParameters::OctetKeyPair(p), Algorithm::EdDSA) => p.curve == EllipticCurve::Ed25519,
        (
            AlgorithmParameters::RSA(_),
            Algorithm::RS256
            | Algorithm::RS384
            | Algorithm::RS512
            | Algorithm::PS256
            | Algorithm::PS384
            | Algorithm::PS512,
        ) => true,
        _ => false,
    };
    let named = key.common.key_algorithm.is_none_or(|named| named == KeyAlgorithm::from(alg));
    for_signatures && kind && named
}

impl Jwks {
    /// The key set at an address. Nothing is fetched yet.
    #[must_use]
    pub fn new(url: String, client: Client, clock: Clock) -> Self {
        Self { url, client, clock, kept: Mutex::default() }
    }

    /// The key of that id. Errors: `AttestationInvalid` (there is none, or it is for something else), `NoAccountKeys`.
    pub async fn key(&self, kid: &str, alg: Algorithm) -> Result<DecodingKey, IssuerError> {
        let mut kept = self.kept.lock().await;
        let now = self.clock.now();
        let known = |kept: &Kept| kept.keys.iter().any(|k| k.common.key_id.as_deref() == Some(kid));
        let wanted = age(now, kept.at) >= FRESH_S || !known(&kept);
        if wanted && age(now, kept.tried) >= BETWEEN_S {
            kept.tried = Some(now);
            match self.fetch().await {
                Ok(keys) => (kept.keys, kept.at) = (keys, Some(now)),
                Err(why) => tracing::warn!(why, "the app's key set can't be fetched"),
            }
        }
        if age(now, kept.at) >= MAX_AGE_S {
            return Err(IssuerError::NoAccountKeys);
        }
        let mut named = kept.keys.iter().filter(|k| k.common.key_id.as_deref() == Some(kid) && fits(k, alg));
        let key = named.next().ok_or(IssuerError::AttestationInvalid)?;
        DecodingKey::from_jwk(key).map_err(|_| IssuerError::AttestationInvalid)
    }

    async fn fetch(&self) -> Result<Vec<Jwk>, &'static str> {
        let answer = tokio::time::timeout(TIMEOUT, self.client.get_at_most(&self.url, MAX_SET)).await;
        let answer = answer.map_err(|_| "no answer in time")?.map_err(|_| "not reached, or refused")?;
        let set: JwkSet = serde_json::from_slice(&answer.body).map_err(|_| "not a key set")?;
        if set.keys.len() > MAX_KEYS {
            return Err("too many keys");
        }
        Ok(set.keys)
    }
}
