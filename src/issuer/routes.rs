//! The issuer's public endpoints. A handler reads, delegates and answers; nothing else.

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use tabir_crypto::Code;
use tabir_crypto::token::directory::Directory;
use tabir_crypto::token::puzzle::Offer;
use tabir_crypto::token::wire::{DIRECTORY_PATH, DIRECTORY_TYPE, REQUEST_LEN, REQUEST_TYPE, RESPONSE_TYPE};

use super::error::IssuerError;
use super::service::{REQUEST_PATH, Service};
use crate::http::Problem;
use crate::http::openapi::{OpenApiRouter, Raw, routes};
use crate::http::server::require_type;

/// Carries the attestation: `voucher <code>` or `pow <solution>`.
pub const ATTESTATION: &str = "tabir-attestation";
/// Where puzzles come from.
pub const PUZZLE_PATH: &str = "/v1/puzzle";

/// All routes.
pub fn public(service: Arc<Service>) -> OpenApiRouter {
    OpenApiRouter::default()
        .routes(routes!(directory))
        .routes(routes!(token_request))
        .routes(routes!(puzzle))
        .with_state(service)
}

fn json<T: serde::Serialize>(media_type: &'static str, value: &T) -> Result<Response, Problem> {
    let body = tabir_crypto::json::to_vec(value)?;
    Ok(([(header::CONTENT_TYPE, media_type)], body).into_response())
}

/// The token keys, RFC 9578.
#[utoipa::path(
    get, path = DIRECTORY_PATH, tag = "issuer",
    responses((status = 200, body = Directory, content_type = "application/private-token-issuer-directory", description = "The current key first"))
)]
async fn directory(State(service): State<Arc<Service>>) -> Result<Response, Problem> {
    json(DIRECTORY_TYPE, &service.directory())
}

/// A new puzzle, where puzzles buy tokens.
#[utoipa::path(
    get, path = PUZZLE_PATH, tag = "issuer",
    responses(
        (status = 200, body = Offer, content_type = "application/json", description = "To be solved before it expires"),
        (status = 404, description = "`not-found`: this issuer takes no puzzles"),
    )
)]
async fn puzzle(State(service): State<Arc<Service>>) -> Result<Response, Problem> {
    let no_puzzles =
        || Problem::new(StatusCode::NOT_FOUND, "not-found", "This issuer takes no puzzles. Use a voucher.");
    json("application/json", &service.puzzle().ok_or_else(no_puzzles)??)
}

/// Signs a blinded token for one attestation, RFC 9578. The same request with the same attestation gets the same answer.
#[utoipa::path(
    post, path = REQUEST_PATH, tag = "issuer",
    params(("Tabir-Attestation" = Option<String>, Header, description = "`voucher <code>` or `pow <solution>`")),
    request_body(content = Raw, content_type = "application/private-token-request"),
    responses(
        (status = 200, body = Raw, content_type = "application/private-token-response", description = "The blind signature"),
        (status = 401, headers(("WWW-Authenticate" = String)), description = "`attestation-missing`, `attestation-invalid`, `attestation-spent`"),
        (status = 422, description = "`size`, `trailing`, `token-type`, `token-key`, `field`: not a request for the current key. Nothing is spent"),
        (status = 503, description = "`no-token-key`: no key signs now; `timeout`"),
    )
)]
async fn token_request(
    State(service): State<Arc<Service>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    require_type(&headers, REQUEST_TYPE)?;
    // One byte more than a request has, so that a longer one is seen to be longer.
    let body = to_bytes(body, REQUEST_LEN + 1).await.map_err(|_| IssuerError::Request(Code::Size.into()))?;
    let attestation = headers.get(ATTESTATION).and_then(|v| v.to_str().ok());
    let response = service.issue(attestation, &body).await?;
    Ok(([(header::CONTENT_TYPE, RESPONSE_TYPE)], response.0.to_vec()).into_response())
}
