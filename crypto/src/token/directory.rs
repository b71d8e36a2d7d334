//! An issuer's directory (RFC 9578, section 4): a convenience. Which key counts, clients work out from the log.
//!
//! ```text
//! {"issuer-request-uri":"/token-request","token-keys":[{"token-type":2,"token-key":"<base64url of the SPKI>","not-before":unix}]}
//! ```
//! The key that signs stands first, the one before it follows while its tokens are still taken.

use serde::{Deserialize, Serialize};

use super::key::TokenKey;
use super::wire::TOKEN_TYPE;
use crate::codec::{b64url_padded, unb64url_padded};
use crate::error::{Code, Result, need};

/// The directory as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Directory {
    /// Where token requests go, relative to the directory.
    pub issuer_request_uri: String,
    /// The keys, the current one first.
    pub token_keys: Vec<DirectoryKey>,
}

/// A key of the directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DirectoryKey {
    token_type: u16,
    token_key: String,
    /// First second of use.
    pub not_before: u64,
}

impl DirectoryKey {
    /// A key that signs from `not_before` on.
    #[must_use]
    pub fn new(key: &TokenKey, not_before: u64) -> Self {
        Self { token_type: TOKEN_TYPE, token_key: b64url_padded(key.spki()), not_before }
    }

    /// The key. Errors: `token-type`, `base64`, `token-key`.
    pub fn key(&self) -> Result<TokenKey> {
        need(self.token_type == TOKEN_TYPE, Code::TokenType)?;
        TokenKey::from_spki(&unb64url_padded(&self.token_key)?)
    }
}
