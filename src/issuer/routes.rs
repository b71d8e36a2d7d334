//! The issuer's public endpoints. A handler reads, delegates and answers; nothing else.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use tabir_crypto::Code;
use tabir_crypto::token::wire::{DIRECTORY_PATH, DIRECTORY_TYPE, REQUEST_LEN, REQUEST_TYPE, RESPONSE_TYPE};

use super::error::IssuerError;
use super::service::{REQUEST_PATH, Service};
use crate::http::Problem;
use crate::http::server::require_type;

/// Carries the attestation: `voucher <code>` or `pow <solution>`.
pub const ATTESTATION: &str = "tabir-attestation";
/// Where puzzles come from.
pub const PUZZLE_PATH: &str = "/v1/puzzle";

/// All routes.
pub fn public(service: Arc<Service>) -> Router {
    Router::new()
        .route(DIRECTORY_PATH, get(directory))
        .route(REQUEST_PATH, post(token_request))
        .route(PUZZLE_PATH, get(puzzle))
        .with_state(service)
}

fn json<T: serde::Serialize>(media_type: &'static str, value: &T) -> Result<Response, Problem> {
    let body = tabir_crypto::json::to_vec(value)?;
    Ok(([(header::CONTENT_TYPE, media_type)], body).into_response())
}

async fn directory(State(service): State<Arc<Service>>) -> Result<Response, Problem> {
    json(DIRECTORY_TYPE, &service.directory())
}

async fn puzzle(State(service): State<Arc<Service>>) -> Result<Response, Problem> {
    let no_puzzles =
        || Problem::new(StatusCode::NOT_FOUND, "not-found", "This issuer takes no puzzles. Use a voucher.");
    json("application/json", &service.puzzle().ok_or_else(no_puzzles)??)
}

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
