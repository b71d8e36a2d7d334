//! RFC 9457 problem documents: `type` is `urn:tabir:error:<code>`, the code is stable, nothing of the request is repeated.

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use crate::db::DbError;

/// Media type of problem documents.
pub const PROBLEM_JSON: &str = "application/problem+json";
/// What stands before the code in `type`.
pub const URN: &str = "urn:tabir:error:";

/// An error answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// HTTP status.
    pub status: StatusCode,
    /// Stable code.
    pub code: &'static str,
    /// One sentence for people: what is wrong and what to do.
    pub title: &'static str,
    /// The culprit's number, where the code has one (a receipt's group, a member's index).
    pub at: Option<u16>,
    header: Option<Box<(header::HeaderName, HeaderValue)>>,
}

/// The JSON of a problem document.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = Problem)]
pub struct ProblemDocument {
    /// `urn:tabir:error:<code>`.
    #[serde(rename = "type")]
    #[schema(pattern = "^urn:tabir:error:[a-z0-9-]+$")]
    pub kind: String,
    /// For people.
    pub title: String,
    /// HTTP status.
    pub status: u16,
    /// The culprit's number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<u16>,
}

impl Problem {
    /// A problem with a status, a stable code and a sentence.
    #[must_use]
    pub fn new(status: StatusCode, code: &'static str, title: &'static str) -> Self {
        Self { status, code, title, at: None, header: None }
    }

    /// 400, for input that is malformed.
    #[must_use]
    pub fn bad_request(code: &'static str, title: &'static str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, title)
    }

    /// 413, for a body that is larger than any that the address takes.
    #[must_use]
    pub fn too_large() -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too-long", "The body is too large.")
    }

    /// Adds a header, such as `WWW-Authenticate`.
    #[must_use]
    pub fn with_header(mut self, name: header::HeaderName, value: HeaderValue) -> Self {
        self.header = Some(Box::new((name, value)));
        self
    }

    /// What a client sees when the fault is ours: nothing of the inside.
    #[must_use]
    pub fn internal() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "The server failed; nothing was accepted. Try again.")
    }
}

/// A refusal of `tabir-crypto` is a 400 with its code.
impl From<tabir_crypto::Error> for Problem {
    fn from(e: tabir_crypto::Error) -> Self {
        Self { at: e.culprit(), ..Self::bad_request(e.code().as_str(), e.code().describe()) }
    }
}

impl From<tabir_crypto::Code> for Problem {
    fn from(code: tabir_crypto::Code) -> Self {
        tabir_crypto::Error::from(code).into()
    }
}

/// The operator sees the cause, the client does not.
impl From<DbError> for Problem {
    fn from(e: DbError) -> Self {
        tracing::error!(error = %e, "store");
        match e {
            DbError::Full => Self::new(
                StatusCode::INSUFFICIENT_STORAGE,
                "storage-full",
                "The server has no room to store this; nothing was accepted. Try again when its operator made room.",
            ),
            DbError::Damaged => Self::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "storage-damaged",
                "The server's store is damaged; nothing is read from it or accepted until its operator has restored it.",
            ),
            _ => Self::internal(),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let kind = format!("{URN}{}", self.code);
        let document =
            ProblemDocument { kind, title: self.title.to_owned(), status: self.status.as_u16(), at: self.at };
        let body = serde_json::to_vec(&document).unwrap_or_default();
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        if let Some((name, value)) = self.header.map(|h| *h) {
            headers.insert(name, value);
        }
        (self.status, headers, body).into_response()
    }
}
