//! `[roles.issuer.account]`: an existing app, whose users get tokens for the login that they have there.

use serde::{Deserialize, Serialize};

use super::loopback_or_tls;

/// More batches an epoch than a person reports are no quota.
const MAX_QUOTA: u32 = 16;

/// How the app's JWTs are told from all others.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// Where the app publishes its public keys (RFC 7517): `https://…`, or `http://` on this machine.
    pub jwks_url: String,
    /// The JWTs' `iss`.
    pub issuer: String,
    /// What must stand in their `aud`. It must be an audience of its own, so that no JWT that was given out for another
    /// service buys tokens.
    pub audience: String,
    /// The signature algorithms that are taken, and no other.
    pub algorithms: Vec<Algorithm>,
    /// How many batches of eight tokens an account gets in an epoch.
    #[serde(default = "one")]
    pub batches_per_epoch: u32,
}

const fn one() -> u32 {
    1
}

/// JWS algorithms with a public key (RFC 7518, RFC 8037). There is neither `none` nor HMAC, whose key would be a secret
/// that both sides hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, clippy::upper_case_acronyms)] // the names of the standards
pub enum Algorithm {
    RS256,
    RS384,
    RS512,
    PS256,
    PS384,
    PS512,
    ES256,
    ES384,
    EdDSA,
}

impl Account {
    /// What is wrong with it, and what to do.
    pub fn check(&self) -> Result<(), &'static str> {
        if !loopback_or_tls(&self.jwks_url) {
            return Err(
                "jwks_url must begin with https:// (http:// only on this machine): who changes the keys on the \
                        way makes accounts of his own",
            );
        }
        if self.issuer.is_empty() || self.audience.is_empty() {
            return Err("issuer and audience must not be empty: a JWT without them is anybody's");
        }
        if self.algorithms.is_empty() {
            return Err("algorithms is empty: name those that the app signs with, such as [\"ES256\"]");
        }
        if self.batches_per_epoch == 0 || self.batches_per_epoch > MAX_QUOTA {
            return Err("batches_per_epoch must be from 1 to 16");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOML: &str = "jwks_url = \"https://app.example/jwks\"\nissuer = \"https://app.example\"\naudience = \"tabir\"\n\
                        algorithms = [\"ES256\", \"EdDSA\"]\n";

    #[test]
    fn a_section_that_says_all_is_taken() {
        let account: Account = toml::from_str(TOML).unwrap();
        assert_eq!((account.batches_per_epoch, account.check()), (1, Ok(())));
        for url in ["http://127.0.0.1:9/jwks", "http://localhost/jwks", "http://[::1]:9/jwks"] {
            assert_eq!(Account { jwks_url: url.into(), ..account.clone() }.check(), Ok(()), "{url}");
        }
    }

    #[test]
    fn refuses_algorithms_without_a_public_key_and_unknown_fields() {
        for other in ["HS256", "none", "es256"] {
            assert!(toml::from_str::<Account>(&TOML.replace("ES256", other)).is_err(), "{other}");
        }
        assert!(toml::from_str::<Account>(&format!("{TOML}secret = \"x\"\n")).is_err());
    }

    #[test]
    fn refuses_what_would_let_others_in() {
        let account: Account = toml::from_str(TOML).unwrap();
        let with = |change: fn(&mut Account)| {
            let mut changed = account.clone();
            change(&mut changed);
            changed.check().is_err()
        };
        assert!(with(|a| a.jwks_url = "http://app.example/jwks".into()));
        assert!(with(|a| a.jwks_url = "http://127.0.0.1.app.example/jwks".into()));
        assert!(with(|a| a.jwks_url = "file:///etc/keys".into()));
        assert!(with(|a| a.audience.clear()));
        assert!(with(|a| a.issuer.clear()));
        assert!(with(|a| a.algorithms.clear()));
        assert!(with(|a| a.batches_per_epoch = 0));
        assert!(with(|a| a.batches_per_epoch = 17));
    }
}
