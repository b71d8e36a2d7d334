//! The witness's addresses, as c2sp.org/tlog-witness has them. One prefix serves submission and monitoring.

use std::sync::Arc;

use axum::Router;
use axum::body::to_bytes;
use axum::extract::{Path, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use tabir_crypto::Code;
use tabir_crypto::log::note::MAX_NOTE;
use tabir_crypto::log::witness::{format_cosignatures, format_size};

use super::Witness;
use super::error::WitnessError;
use crate::http::Problem;

/// Media type of a 409.
const SIZE: &str = "text/x.tlog.size";
const TEXT: &str = "text/plain; charset=utf-8";
/// The largest body: the longest note, and as much for the old size and 63 hashes.
const MAX_BODY: usize = 2 * MAX_NOTE;

/// The routes.
pub fn router(witness: Arc<Witness>) -> Router {
    Router::new()
        .route("/add-checkpoint", post(add_checkpoint))
        .route("/{origin_hash}/checkpoint", get(latest))
        .with_state(witness)
}

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

async fn latest(State(witness): State<Arc<Witness>>, Path(origin_hash): Path<String>) -> Result<Response, Problem> {
    let note = witness.latest(&origin_hash).await?;
    let missing = || Problem::new(StatusCode::NOT_FOUND, "not-found", "This witness has cosigned nothing of that log.");
    Ok(([(header::CONTENT_TYPE, TEXT)], note.ok_or_else(missing)?).into_response())
}
