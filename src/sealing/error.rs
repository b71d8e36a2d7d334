//! Why nothing was sealed, or nothing sent.

use crate::client::ClientError;
use crate::client::plain::PlainError;
use crate::db::DbError;
use crate::http::HttpError;

/// A refusal. Nothing of the request was kept, unless it says otherwise.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// The policy has no such category.
    #[error("there is no such category")]
    Category,
    /// A field that is missing or says nothing that could be used.
    #[error("{0} is missing or wrong")]
    Field(&'static str),
    /// Longer than a report can be.
    #[error("the report is too long")]
    TooLong,
    /// The identity is longer than a record.
    #[error("the identity is too long")]
    IdentityTooLong,
    /// Something behind this host can't be reached or is not ready. Whether it arrived may be unknown: the same request
    /// again makes no second one.
    #[error("it could not be passed on now")]
    Unavailable,
    /// The head of the log is too old to seal an identity by.
    #[error("an identity can't be sealed now")]
    Stale,
    /// The host's own vouchers are used up.
    #[error("no vouchers are left")]
    NoVouchers,
    /// A voucher that somebody brought buys nothing.
    #[error("the voucher buys nothing")]
    Voucher,
    /// No token is ready.
    #[error("no token is ready")]
    NoToken,
    /// What the gateway says of a case or of a write: its stable code.
    #[error("the gateway refuses: {0}")]
    Gateway(String),
    /// The store.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl Refusal {
    /// Of a case: what its holder can do something about keeps its code.
    #[must_use]
    pub fn of_case(error: ClientError) -> Self {
        match error {
            ClientError::Http(HttpError::Problem { status: 408 | 429, .. }) => error.into(),
            ClientError::Http(HttpError::Problem { status: 400..500, code, .. }) => Self::Gateway(code),
            _ => error.into(),
        }
    }
}

impl From<PlainError> for Refusal {
    fn from(error: PlainError) -> Self {
        match error {
            PlainError::Category => Self::Category,
            PlainError::Field(name) => Self::Field(name),
            PlainError::IdentityTooLong => Self::IdentityTooLong,
            PlainError::TooLong => Self::TooLong,
            PlainError::Client(e) => e.into(),
        }
    }
}

/// What the inside says is for the operator; who asked learns that it should come again.
impl From<ClientError> for Refusal {
    fn from(error: ClientError) -> Self {
        if matches!(&error, ClientError::Crypto(e) if e.code() == tabir_crypto::Code::Stale) {
            return Self::Stale;
        }
        tracing::warn!(%error, "sealing in a reporter's place");
        Self::Unavailable
    }
}

impl From<tabir_crypto::Error> for Refusal {
    fn from(error: tabir_crypto::Error) -> Self {
        ClientError::from(error).into()
    }
}
