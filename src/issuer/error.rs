//! Why the issuer refuses, each with its stable code.

use crate::http::{HeaderValue, StatusCode, header};
use tabir_crypto::Code;

use crate::config::ConfigError;
use crate::db::DbError;
use crate::http::Problem;

/// A refusal or a failure of one request.
#[derive(Debug, thiserror::Error)]
pub enum IssuerError {
    /// The token request is malformed, of another type or size, or for a key that does not sign now (RFC 9578: 422).
    #[error("token request: {0}")]
    Request(tabir_crypto::Error),
    /// No `Tabir-Attestation`, or none of a known scheme.
    #[error("no attestation")]
    AttestationMissing,
    /// A voucher that was never minted; a puzzle that is not ours, expired or not solved; a JWT that is not for us.
    #[error("invalid attestation")]
    AttestationInvalid,
    /// It bought tokens for another request; an account has had its batches of this epoch.
    #[error("spent attestation")]
    AttestationSpent,
    /// A voucher whose batch has expired or was revoked.
    #[error("expired attestation")]
    AttestationExpired,
    /// More is asked for than can be signed; ask again after so many seconds.
    #[error("busy for {0} seconds")]
    Busy(u64),
    /// The app's key set can't be fetched.
    #[error("no keys of the app that vouches for accounts")]
    NoAccountKeys,
    /// No key signs at this time: the machine's clock stands outside the epochs that have one.
    #[error("no token key for this time; check the machine's clock")]
    NoKey,
    /// The store.
    #[error(transparent)]
    Db(#[from] DbError),
    /// Making or using a key failed.
    #[error("token key: {0}")]
    Crypto(#[from] tabir_crypto::Error),
}

impl From<Code> for IssuerError {
    fn from(code: Code) -> Self {
        Self::Crypto(code.into())
    }
}

/// 401 with the scheme that would help, as RFC 9110 wants it.
fn unauthorized(code: &'static str, title: &'static str) -> Problem {
    let scheme = HeaderValue::from_static("Tabir-Attestation");
    Problem::new(StatusCode::UNAUTHORIZED, code, title).with_header(header::WWW_AUTHENTICATE, scheme)
}

impl From<IssuerError> for Problem {
    fn from(error: IssuerError) -> Self {
        match error {
            IssuerError::Request(e) => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, e.code().as_str(), e.code().describe())
            }
            IssuerError::AttestationMissing => unauthorized(
                "attestation-missing",
                "Send `Tabir-Attestation: voucher <code>`, `pow <solution>` or `account <JWT>`, whichever this issuer takes.",
            ),
            IssuerError::AttestationInvalid => unauthorized(
                "attestation-invalid",
                "This voucher, puzzle solution or login is not valid. Check the code, fetch a new puzzle, or log in again.",
            ),
            IssuerError::AttestationSpent => unauthorized(
                "attestation-spent",
                "This voucher or puzzle has bought its tokens, or this account has had those of this epoch. Use another one.",
            ),
            IssuerError::AttestationExpired => {
                unauthorized("attestation-expired", "This voucher has expired or was withdrawn. Ask for another one.")
            }
            IssuerError::Busy(seconds) => Self::new(
                StatusCode::TOO_MANY_REQUESTS,
                "rate-limited",
                "More is asked for than can be signed now. Send the same request again after the seconds of Retry-After.",
            )
            .with_header(header::RETRY_AFTER, HeaderValue::from(seconds)),
            IssuerError::NoAccountKeys => {
                tracing::error!(%error, "issuer");
                Self::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "no-account-keys",
                    "Logins can't be checked now. Try again later, or use a voucher or a puzzle.",
                )
            }
            IssuerError::NoKey => {
                tracing::error!(%error, "issuer");
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "no-token-key", "No token key signs now. Try again later.")
            }
            IssuerError::Db(e) => e.into(),
            IssuerError::Crypto(e) => {
                tracing::error!(error = %e, "issuer");
                Self::internal()
            }
        }
    }
}

/// Why the issuer could not start, or a command on its store could not run.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Its configuration or a key file.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Its store.
    #[error(transparent)]
    Db(#[from] DbError),
    /// Its keys.
    #[error(transparent)]
    Issuer(#[from] IssuerError),
    /// A puzzle difficulty that nobody could solve.
    #[error("pow_bits is {0}, at most 24 can be solved")]
    Difficulty(u8),
    /// The section of accounts.
    #[error("[roles.issuer.account]: {0}")]
    Account(&'static str),
    /// `signatures_per_s` is 0.
    #[error("signatures_per_s is 0: nobody would get a token")]
    NoBudget,
    /// A desk's name that can't stand on paper.
    #[error("a desk's name has 1 to {0} characters, none of them a control character")]
    Desk(usize),
    /// A life of a batch out of range.
    #[error("a batch of vouchers lives from 1 to {0} days")]
    Days(u64),
    /// A number of vouchers out of range.
    #[error("between 1 and {0} vouchers can be minted at once")]
    Count(u32),
}
