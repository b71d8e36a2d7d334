//! Why the log refuses or can't.

use crate::http::StatusCode;
use tabir_crypto::Code;

use crate::config::ConfigError;
use crate::db::DbError;
use crate::http::Problem;

/// Why an operation failed.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The store.
    #[error(transparent)]
    Db(#[from] DbError),
    /// A statement, or what is stored, does not pass a check.
    #[error(transparent)]
    Refused(#[from] tabir_crypto::Error),
    /// Stored tiles do not make up the root that was signed last: nothing may be signed on top of them.
    #[error("the stored tree is not the one that was signed; rebuild it from a mirror")]
    Corrupt,
    /// A cosignature of neither the pending nor the newest checkpoint.
    #[error("not a cosignature of a current checkpoint")]
    NotCurrent,
    /// A cosignature whose time is far from the log's clock.
    #[error("a witness's time is far from the log's clock")]
    Time,
    /// Nothing at this address.
    #[error("not found")]
    NotFound,
}

impl LogError {
    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Db(_) | Self::Corrupt => "internal",
            Self::Refused(error) => error.code().as_str(),
            Self::NotCurrent => Code::Checkpoint.as_str(),
            Self::Time => "cosignature-time",
            Self::NotFound => "not-found",
        }
    }
}

/// Why the role does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A key file.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The store, or what stands in it.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The trust root's keys of logs or witnesses.
    #[error("trust root: {0}")]
    Trust(#[from] tabir_crypto::Error),
    /// A key that is not the one in the trust root.
    #[error("{0}.key is not the log key that the trust root names: put the right file into the log's folder")]
    OtherKey(&'static str),
    /// A configured witness whose cosignatures would not count.
    #[error("[[roles.log.witnesses]]: {0} is not a witness of the trust root")]
    NotAWitness(String),
}

impl From<DbError> for StartError {
    fn from(e: DbError) -> Self {
        Self::Log(e.into())
    }
}

impl From<LogError> for Problem {
    fn from(e: LogError) -> Self {
        let code = e.code();
        match e {
            LogError::Db(e) => e.into(),
            LogError::Corrupt => {
                tracing::error!(error = %e, "log");
                Self::internal()
            }
            LogError::NotFound => Self::new(StatusCode::NOT_FOUND, code, "The log does not have this."),
            LogError::NotCurrent => Self::new(
                StatusCode::CONFLICT,
                code,
                "This cosigns no current checkpoint. Fetch the pending one and cosign that.",
            ),
            LogError::Time => Self::new(
                StatusCode::CONFLICT,
                code,
                "The cosignature's time is far from the log's clock. Set the witness's clock; if it is right, tell the log.",
            ),
            LogError::Refused(e) => {
                let status = match e.code() {
                    // Whose signatures a statement needs, or whose a line is.
                    Code::UnknownKey | Code::Insufficient | Code::Signature => StatusCode::FORBIDDEN,
                    // Well-formed and signed, but it does not follow from what the log holds.
                    Code::Order | Code::Context | Code::KeyConflict | Code::NotActive => StatusCode::CONFLICT,
                    _ => StatusCode::BAD_REQUEST,
                };
                let mut problem = Self::from(e);
                problem.status = status;
                problem
            }
        }
    }
}
