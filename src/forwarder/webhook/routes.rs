//! The listener for call backs. It is there only when `[roles.forwarder.webhook]` has `listen`, and has nothing else.

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use tabir_crypto::statement::value::V1;

use super::callback::CallbackError;
use super::message::Said;
use super::signature::{Headers, ID, SIGNATURE, TIMESTAMP, Unsigned};
use crate::api::gateway::Done;
use crate::forwarder::{Forwarder, RoundError};
use crate::http::Problem;
use crate::http::openapi::{OpenApiRouter, routes};
use crate::http::server::require_type;

/// The largest call back: an officer's words.
const MAX_BODY: usize = 64 << 10;

pub fn router(forwarder: Arc<Forwarder>) -> OpenApiRouter {
    OpenApiRouter::default().routes(routes!(updated)).with_state(forwarder)
}

impl From<CallbackError> for Problem {
    fn from(error: CallbackError) -> Self {
        let unauthorized = |code, title| Self::new(StatusCode::UNAUTHORIZED, code, title);
        match error {
            CallbackError::Unsigned(Unsigned::Late) => unauthorized(
                "webhook-timestamp",
                "The message is too old, or ahead of its time. Check both clocks and sign anew.",
            ),
            CallbackError::Unsigned(_) => unauthorized(
                "webhook-signature",
                "webhook-id, webhook-timestamp or webhook-signature is missing, malformed or not made with a secret that is known here.",
            ),
            CallbackError::Malformed(error) => error.into(),
            CallbackError::NoCase => Self::new(
                StatusCode::NOT_FOUND,
                "no-case",
                "No report of this reference is known to be with you. If it just arrived, try again in a minute.",
            ),
            CallbackError::Restoring => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "restoring",
                "This forwarder came back from a backup and reads the logs first. Send it again in some minutes.",
            ),
            CallbackError::Round(RoundError::Db(error)) => error.into(),
            CallbackError::Round(error) => {
                tracing::error!(%error, "call back");
                Self::internal()
            }
        }
    }
}

/// What became of a report, in the receiver's words. Taken once by its `webhook-id`.
#[utoipa::path(
    post, path = "/v1/updates", tag = "forwarder",
    params(
        ("webhook-id" = String, Header, description = "The receiver's id of this message, the same at each attempt"),
        ("webhook-timestamp" = u64, Header, description = "Unix seconds, at most five minutes from now"),
        ("webhook-signature" = String, Header, description = "Standard Webhooks: `v1,` and a MAC, one or several"),
    ),
    request_body(content = Said, content_type = "application/json"),
    responses(
        (status = 200, body = Done, content_type = "application/json", description = "Taken, now or before"),
        (status = 401, description = "`webhook-signature`, `webhook-timestamp`: not from the receiver, or not of now"),
        (status = 404, description = "`no-case`: no report of this reference is known to be there"),
        (status = 503, description = "`restoring`: it came back from a backup and reads the logs first"),
        (status = 507, description = "`storage-full`: nothing was taken"),
    )
)]
async fn updated(State(forwarder): State<Arc<Forwarder>>, headers: HeaderMap, body: Body) -> Result<Response, Problem> {
    require_type(&headers, super::message::JSON)?;
    let body = to_bytes(body, MAX_BODY).await.map_err(|_| Problem::too_large())?;
    let text = |name: &str| headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let signed = Headers { id: text(ID), timestamp: text(TIMESTAMP), signature: text(SIGNATURE) };
    forwarder.called_back(&signed, &body).await?;
    let done = tabir_crypto::json::to_vec(&Done { v: V1 })?;
    Ok(([(header::CONTENT_TYPE, super::message::JSON)], done).into_response())
}
