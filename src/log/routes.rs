//! The log's addresses. Public ones are C2SP tlog-tiles, with its media types and caching.

use axum::Router;
use axum::body::to_bytes;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::json;
use tabir_crypto::log::tree::MAX_SIZE;
use tabir_crypto::statement::body::Role;
use tabir_crypto::trust::root::LogName;

use super::error::LogError;
use super::service::Service;
use crate::client::log_source::KeptSizes;
use crate::http::{Calls, Problem};

const TEXT: &str = "text/plain; charset=utf-8";
const BYTES: &str = "application/octet-stream";
const JSON: &str = "application/json";
/// What never changes.
const FOREVER: &str = "public, max-age=31536000, immutable";
/// What the next checkpoint replaces.
const FRESH: &str = "no-store";

/// The largest body with cosignatures: some ten lines, where who brings them has one.
const MAX_COSIGNATURES: usize = 4096;

#[derive(Clone)]
struct Internal {
    service: Service,
    calls: Calls,
}

/// Public and internal routes.
pub fn routers(service: Service) -> (Router, Router) {
    let calls = Calls::new(Role::Log, service.clock.clone());
    let public = Router::new()
        .route("/log/{name}/checkpoint", get(checkpoint))
        .route("/log/{name}/pending", get(pending))
        .route("/log/{name}/checkpoints", get(kept_sizes))
        // The same under a name that a folder can have beside the folder `checkpoints`.
        .route("/log/{name}/checkpoints.json", get(kept_sizes))
        .route("/log/{name}/checkpoints/{size}", get(kept))
        .route("/log/{name}/tile/{*path}", get(tile))
        .route("/log/{name}/cosignatures", post(cosign))
        .with_state(service.clone());
    let internal =
        Router::new().route("/internal/log/{name}/entries", post(append)).with_state(Internal { service, calls });
    (public, internal)
}

/// Which log, and which file of it, as they stand in the address. What has escapes in it names nothing: else caches would
/// keep a file under many addresses.
struct Named {
    log: LogName,
    file: String,
}

impl<S: Sync> FromRequestParts<S> for Named {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let named = parts.uri.path().split_once("/log/").and_then(|(_, named)| named.split_once('/'));
        let (name, file) = named.ok_or(LogError::NotFound)?;
        let log = LogName::ALL.into_iter().find(|l| l.as_str() == name).ok_or(LogError::NotFound)?;
        Ok(Self { log, file: file.to_owned() })
    }
}

fn file(kind: &'static str, caching: &'static str, body: Vec<u8>) -> Response {
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, caching)], body).into_response()
}

async fn checkpoint(State(service): State<Service>, Named { log, .. }: Named) -> Result<Response, Problem> {
    Ok(file(TEXT, FRESH, service.checkpoint(log).await?))
}

async fn pending(State(service): State<Service>, Named { log, .. }: Named) -> Result<Response, Problem> {
    Ok(file(TEXT, FRESH, service.pending(log).await?))
}

async fn kept_sizes(State(service): State<Service>, Named { log, .. }: Named) -> Result<Response, Problem> {
    Ok(file(JSON, FRESH, KeptSizes::new(service.kept_sizes(log).await?).to_bytes()))
}

async fn kept(State(service): State<Service>, named: Named) -> Result<Response, Problem> {
    let text = named.file.strip_prefix("checkpoints/").unwrap_or_default();
    let size = text.parse().ok().filter(|size: &u64| *size <= MAX_SIZE && size.to_string() == text);
    Ok(file(TEXT, FOREVER, service.kept(named.log, size.ok_or(LogError::NotFound)?).await?))
}

async fn tile(State(service): State<Service>, named: Named) -> Result<Response, Problem> {
    Ok(file(BYTES, FOREVER, service.tile(named.log, &named.file).await?))
}

async fn append(
    State(internal): State<Internal>,
    Named { log, .. }: Named,
    request: Request,
) -> Result<Response, Problem> {
    let (_, body) = internal.calls.accept(request, internal.service.trust.identities()).await?;
    let appended = internal.service.append(log, &body).await?;
    let status = if appended.new { StatusCode::CREATED } else { StatusCode::OK };
    let answer = json!({ "v": 1, "index": appended.index }).to_string().into_bytes();
    Ok((status, file(JSON, FRESH, answer)).into_response())
}

/// From anybody: a line shows by itself whose it is, and one that was sent before changes nothing.
async fn cosign(
    State(service): State<Service>,
    Named { log, .. }: Named,
    request: Request,
) -> Result<StatusCode, Problem> {
    let body = to_bytes(request.into_body(), MAX_COSIGNATURES).await.map_err(|_| Problem::too_large())?;
    service.cosign(log, &body).await?;
    Ok(StatusCode::NO_CONTENT)
}
