//! Why the facade refuses: Open311's own form, with a stable code beside it, listed in `docs/protocol.md`.

use crate::client::ClientError;
use crate::config::ConfigError;
use crate::db::DbError;
use crate::sealing;

/// A refusal. Nothing of the request was kept, unless it says otherwise.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// No `api_key`, or one that no app here has.
    #[error("the api_key is missing or unknown")]
    Key,
    /// No service of this code.
    #[error("service_code is missing, or there is no such service")]
    Service,
    /// A parameter that is missing or says nothing that could be used.
    #[error("{0} is missing or wrong")]
    Param(String),
    /// A picture or a file, or the address of one.
    #[error(
        "media can't be taken here: pictures can give people away and are not cleaned on this way; send the report without"
    )]
    Media,
    /// Another media type than a form's.
    #[error("send the request as application/x-www-form-urlencoded, in UTF-8")]
    Form,
    /// Longer than a report can be.
    #[error("the report is too long")]
    TooLong,
    /// The identity is longer than a record.
    #[error("name and contacts are too long together")]
    IdentityTooLong,
    /// No such request, or not an id of this facade.
    #[error("there is no such request")]
    NotFound,
    /// Requests are shown one by one, to whoever has the id.
    #[error("requests are not listed here: give service_request_id")]
    List,
    /// There is nothing at this address.
    #[error("there is nothing at this address")]
    Address,
    /// Something behind the facade can't be reached or is not ready. Whether the report arrived may be unknown: the same
    /// request again makes no second one.
    #[error("the report could not be passed on now; send the same request again later")]
    Unavailable,
    /// The head of the log is too old to seal an identity by.
    #[error("an identity can't be sealed now; send the report without one, or again later")]
    Stale,
    /// No token can be bought: the vouchers are used up.
    #[error("the facade can't pass reports on at present; its operator was told")]
    NoVouchers,
    /// The store.
    #[error("the facade failed; send the same request again later")]
    Db(#[from] DbError),
}

impl Refusal {
    /// Status, and the stable code.
    #[must_use]
    pub const fn parts(&self) -> (u16, &'static str) {
        match self {
            Self::Key => (403, "api-key"),
            Self::Service => (404, "service"),
            Self::Param(_) => (400, "parameter"),
            Self::Media => (400, "media"),
            Self::Form => (400, "media-type"),
            Self::TooLong => (413, "too-long"),
            Self::IdentityTooLong => (400, "identity-too-long"),
            Self::NotFound => (404, "no-request"),
            Self::List => (400, "list"),
            Self::Address => (404, "not-found"),
            Self::Unavailable => (503, "unavailable"),
            Self::Stale => (503, "stale"),
            Self::NoVouchers => (503, "no-vouchers"),
            Self::Db(_) => (503, "store"),
        }
    }

    /// After how many seconds another try may help.
    #[must_use]
    pub const fn retry_after(&self) -> Option<u32> {
        match self {
            Self::Unavailable | Self::Db(_) => Some(60),
            Self::Stale | Self::NoVouchers => Some(3_600),
            _ => None,
        }
    }
}

impl From<sealing::Refusal> for Refusal {
    fn from(error: sealing::Refusal) -> Self {
        use sealing::Refusal as Of;
        match error {
            Of::Category => Self::Service,
            Of::Field(name) => Self::Param(name.to_owned()),
            Of::IdentityTooLong => Self::IdentityTooLong,
            Of::TooLong => Self::TooLong,
            Of::Stale => Self::Stale,
            Of::NoVouchers => Self::NoVouchers,
            Of::Db(error) => Self::Db(error),
            Of::Unavailable | Of::Voucher | Of::NoToken | Of::Gateway(_) => Self::Unavailable,
        }
    }
}

impl From<ClientError> for Refusal {
    fn from(error: ClientError) -> Self {
        sealing::Refusal::from(error).into()
    }
}

impl From<tabir_crypto::Error> for Refusal {
    fn from(error: tabir_crypto::Error) -> Self {
        ClientError::from(error).into()
    }
}

/// Why the facade does not start.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum StartError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Db(#[from] DbError),
}
