//! The issuer's public endpoints. A handler reads, delegates and answers; nothing else.

use std::sync::Arc;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use tabir_crypto::Code;
use tabir_crypto::token::batch::{BATCH_REQUEST_TYPE, BATCH_RESPONSE_TYPE, MAX_BATCH_REQUEST_LEN};
use tabir_crypto::token::directory::Directory;
use tabir_crypto::token::puzzle::Offer;
use tabir_crypto::token::wire::{DIRECTORY_PATH, DIRECTORY_TYPE, REQUEST_LEN, REQUEST_TYPE, RESPONSE_TYPE};

use super::error::IssuerError;
use super::service::{REQUEST_PATH, Service};
use crate::http::Problem;
use crate::http::openapi::{OpenApiRouter, Raw, routes};
use crate::http::server::require_type;

/// Carries the attestation: `voucher <code>`, `pow <solution>` or `account <JWT>`.
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

/// Signs a blinded token, or a batch of up to eight, for one attestation: RFC 9578, and the generic batch of
/// draft-ietf-privacypass-batched-tokens. The same request with the same attestation gets the same answer.
#[utoipa::path(
    post, path = REQUEST_PATH, tag = "issuer",
    params(("Tabir-Attestation" = Option<String>, Header, description = "`voucher <code>`, `pow <solution>` or `account <JWT>`")),
    request_body(content = Raw, content_type = "application/private-token-request", description = "A batch as `application/private-token-generic-batch-request`"),
    responses(
        (status = 200, body = Raw, content_type = "application/private-token-response", description = "The blind signature; of a batch, all of them, as `application/private-token-generic-batch-response`"),
        (status = 401, headers(("WWW-Authenticate" = String)), description = "`attestation-missing`, `attestation-invalid`, `attestation-expired`, `attestation-spent`"),
        (status = 422, description = "`size`, `trailing`, `token-type`, `token-key`, `field`, of a batch `non-canonical`, `too-few`, `too-long`: not a request for the current key. Nothing is spent"),
        (status = 429, headers(("Retry-After" = String)), description = "`rate-limited`: more is asked for than is signed in a second. Send the same request again; nothing is paid twice"),
        (status = 503, description = "`no-token-key`: no key signs now; `no-account-keys`: logins can't be checked; `timeout`"),
    )
)]
async fn token_request(
    State(service): State<Arc<Service>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let attestation = headers.get(ATTESTATION).and_then(|v| v.to_str().ok());
    let batch = headers.get(header::CONTENT_TYPE).is_some_and(|v| v.as_bytes() == BATCH_REQUEST_TYPE.as_bytes());
    let (media_type, answer) = if batch {
        let body = read(body, MAX_BATCH_REQUEST_LEN).await?;
        (BATCH_RESPONSE_TYPE, service.issue_batch(attestation, &body).await?.encode()?)
    } else {
        require_type(&headers, REQUEST_TYPE)?;
        let body = read(body, REQUEST_LEN).await?;
        (RESPONSE_TYPE, service.issue(attestation, &body).await?.0.to_vec())
    };
    Ok(([(header::CONTENT_TYPE, media_type)], answer).into_response())
}

/// One byte more than the longest request has, so that a longer one is seen to be longer.
async fn read(body: Body, longest: usize) -> Result<Bytes, IssuerError> {
    to_bytes(body, longest + 1).await.map_err(|_| IssuerError::Request(Code::Size.into()))
}
