//! The witness's addresses, as c2sp.org/tlog-witness has them. One prefix serves submission and monitoring.

use std::sync::Arc;

use axum::body::to_bytes;
use axum::extract::{Path, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use tabir_crypto::Code;
use tabir_crypto::log::note::MAX_NOTE;
use tabir_crypto::log::witness::{format_cosignatures, format_size};
use tabir_crypto::statement::value::Hex32;

use super::Witness;
use super::error::WitnessError;
use crate::http::Problem;
use crate::http::openapi::{OpenApiRouter, routes};

/// Media type of a 409.
const SIZE: &str = "text/x.tlog.size";
const TEXT: &str = "text/plain; charset=utf-8";
/// The largest body: the longest note, and as much for the old size and 63 hashes.
const MAX_BODY: usize = 2 * MAX_NOTE;

/// The routes.
pub fn router(witness: Arc<Witness>) -> OpenApiRouter {
    OpenApiRouter::default().routes(routes!(add_checkpoint)).routes(routes!(latest)).with_state(witness)
}

/// Cosigns a checkpoint, c2sp.org/tlog-witness.
#[utoipa::path(
    post, path = "/add-checkpoint", tag = "witness",
    request_body(content = String, content_type = "text/plain"),
    responses(
        (status = 200, body = String, content_type = "text/plain; charset=utf-8", description = "The cosignature's line"),
        (status = 400, description = "A code of the parser, or `old-size`: above the checkpoint's"),
        (status = 403, description = "`unknown-key`, `signature`, `duplicate`: not signed by the log"),
        (status = 404, description = "`unknown-log`"),
        (status = 409, body = String, content_type = "text/x.tlog.size", description = "The size of the last checkpoint cosigned"),
        (status = 422, description = "`consistency`: it does not extend what was cosigned"),
        (status = 503, description = "`clock`, `not-ready`, `raced`, `timeout`"),
    )
)]
async fn add_checkpoint(State(witness): State<Arc<Witness>>, request: Request) -> Result<Response, Problem> {
    let body = to_bytes(request.into_body(), MAX_BODY).await.map_err(|_| Code::TooLong)?;
    match witness.add_checkpoint(&body).await {
        Ok(line) => Ok(([(header::CONTENT_TYPE, TEXT)], format_cosignatures(&[line])).into_response()),
        Err(WitnessError::OldSize(size)) => {
            Ok((StatusCode::CONFLICT, [(header::CONTENT_TYPE, SIZE)], format_size(size)).into_response())
        }
        Err(error) => {
            // What anybody could send by mistake is no news to the operator.
            match error {
                WitnessError::Malformed(_)
                | WitnessError::UnknownLog
                | WitnessError::Unsigned(_)
                | WitnessError::OldAboveNew => tracing::debug!(%error, code = error.code(), "refused"),
                _ => tracing::warn!(%error, code = error.code(), "refused"),
            }
            Err(error.into())
        }
    }
}

/// The last checkpoint that was cosigned of a log.
#[utoipa::path(
    get, path = "/{origin_hash}/checkpoint", tag = "witness",
    params(("origin_hash" = Hex32, Path, description = "SHA-256 of the log's origin")),
    responses(
        (status = 200, body = String, content_type = "text/plain; charset=utf-8", description = "The note"),
        (status = 404, description = "`not-found`"),
    )
)]
async fn latest(State(witness): State<Arc<Witness>>, Path(origin_hash): Path<String>) -> Result<Response, Problem> {
    let note = witness.latest(&origin_hash).await?;
    let missing = || Problem::new(StatusCode::NOT_FOUND, "not-found", "This witness has cosigned nothing of that log.");
    Ok(([(header::CONTENT_TYPE, TEXT)], note.ok_or_else(missing)?).into_response())
}
