//! Accounts of an existing app: whoever is logged in there gets so many batches an epoch.
//!
//! The app gives its user a JWT (RFC 7519) for the audience `tabir`, the user's device shows it here. Checked: signature by
//! a key of the app's key set ([`super::jwks`]) with an algorithm of the list, `iss`, `aud`, `exp`, `nbf`. Only `sub` is
//! looked at beyond that, and only its pseudonym is stored (`tabir_crypto::token::account`). Nothing of a JWT is logged.

use jsonwebtoken::{Algorithm as Alg, Validation};
use serde::Deserialize;
use tabir_crypto::Secret;

use super::error::IssuerError;
use super::jwks::Jwks;
use crate::clock::Clock;
use crate::config::account::{self, Algorithm};
use crate::http::Client;

/// The longest JWT that is looked at: those of real apps have one to two KiB, and a header line has eight.
const MAX_JWT: usize = 4_096;
/// The longest `sub`: OpenID Connect allows 255.
const MAX_SUBJECT: usize = 255;
/// How far the app's clock and ours may be apart, in seconds.
const LEEWAY_S: f64 = 60.0;

/// An account that was checked. The subject names a person: wiped, and never printed.
#[derive(Debug)]
pub struct Account {
    /// Who vouches.
    pub issuer: String,
    /// The account's name there.
    pub subject: Secret<String>,
}

#[derive(Deserialize)]
struct Claims {
    /// Compared by the library, which would take a list too.
    #[serde(rename = "iss")]
    _iss: String,
    sub: String,
    exp: f64,
    nbf: Option<f64>,
}

/// The attester.
pub struct Accounts {
    jwks: Jwks,
    clock: Clock,
    algorithms: Vec<Alg>,
    validation: Validation,
    issuer: String,
    /// Batches of an account and epoch.
    pub quota: u32,
}

const fn algorithm(named: Algorithm) -> Alg {
    match named {
        Algorithm::RS256 => Alg::RS256,
        Algorithm::RS384 => Alg::RS384,
        Algorithm::RS512 => Alg::RS512,
        Algorithm::PS256 => Alg::PS256,
        Algorithm::PS384 => Alg::PS384,
        Algorithm::PS512 => Alg::PS512,
        Algorithm::ES256 => Alg::ES256,
        Algorithm::ES384 => Alg::ES384,
        Algorithm::EdDSA => Alg::EdDSA,
    }
}

impl Accounts {
    /// For one app.
    #[must_use]
    pub fn new(config: &account::Account, client: Client, clock: Clock) -> Self {
        let algorithms = config.algorithms.iter().copied().map(algorithm).collect();
        let mut validation = Validation::default();
        validation.set_issuer(&[&config.issuer]);
        validation.set_audience(&[&config.audience]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        // By our clock, below: the library asks the machine's.
        validation.validate_exp = false;
        let jwks = Jwks::new(config.jwks_url.clone(), client, clock.clone());
        Self { jwks, clock, algorithms, validation, issuer: config.issuer.clone(), quota: config.batches_per_epoch }
    }

    /// Checks a JWT. Errors: `AttestationInvalid`, `NoAccountKeys`.
    pub async fn check(&self, jwt: &str) -> Result<Account, IssuerError> {
        let invalid = |_| IssuerError::AttestationInvalid;
        if jwt.len() > MAX_JWT {
            return Err(IssuerError::AttestationInvalid);
        }
        let header = jsonwebtoken::decode_header(jwt).map_err(invalid)?;
        // Before any key is fetched for it.
        if !self.algorithms.contains(&header.alg) {
            return Err(IssuerError::AttestationInvalid);
        }
        let kid = header.kid.ok_or(IssuerError::AttestationInvalid)?;
        let key = self.jwks.key(&kid, header.alg).await?;
        // The library takes one family at a time; the list was asked above.
        let validation = Validation { algorithms: vec![header.alg], ..self.validation.clone() };
        let claims = jsonwebtoken::decode::<Claims>(jwt, &key, &validation).map_err(invalid)?.claims;
        let subject = Secret::new(claims.sub);
        #[allow(clippy::cast_precision_loss)]
        // NumericDate is a JSON number, and seconds are exact for 285 million years
        let now = self.clock.now() as f64;
        let in_time = now < claims.exp + LEEWAY_S && claims.nbf.is_none_or(|nbf| nbf <= now + LEEWAY_S);
        if !in_time || subject.expose().is_empty() || subject.expose().len() > MAX_SUBJECT {
            return Err(IssuerError::AttestationInvalid);
        }
        Ok(Account { issuer: self.issuer.clone(), subject })
    }
}
