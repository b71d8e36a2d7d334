//! The log's addresses. Public ones are C2SP tlog-tiles, with its media types and caching.

use axum::body::to_bytes;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use tabir_crypto::log::tree::MAX_SIZE;
use tabir_crypto::statement::Statement;
use tabir_crypto::statement::body::Role;
use tabir_crypto::statement::value::V1;
use tabir_crypto::trust::root::LogName;
use utoipa::ToSchema;

use super::error::LogError;
use super::service::Service;
use crate::client::log_source::KeptSizes;
use crate::http::openapi::{OpenApiRouter, Raw, routes};
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

/// Where an entry stands.
#[derive(Serialize, ToSchema)]
struct Appended {
    v: V1,
    index: u64,
}

#[derive(Clone)]
struct Internal {
    service: Service,
    calls: Calls,
}

/// Public and internal routes.
pub fn routers(service: Service) -> (OpenApiRouter, OpenApiRouter) {
    let calls = Calls::new(Role::Log, service.clock.clone());
    let public = OpenApiRouter::default()
        .routes(routes!(checkpoint))
        .routes(routes!(pending))
        .routes(routes!(kept_sizes))
        .routes(routes!(kept_sizes_file))
        .routes(routes!(kept))
        .routes(routes!(tile))
        .routes(routes!(cosign))
        .with_state(service.clone());
    let internal = OpenApiRouter::default().routes(routes!(append)).with_state(Internal { service, calls });
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

/// The newest checkpoint that a quorum of witnesses cosigned, a C2SP signed note.
#[utoipa::path(
    get, path = "/log/{name}/checkpoint", tag = "log",
    params(("name" = String, Path, description = "`governance` or `intake`")),
    responses(
        (status = 200, body = String, content_type = "text/plain; charset=utf-8", description = "The note"),
        (status = 404, description = "`not-found`"),
    )
)]
async fn checkpoint(State(service): State<Service>, Named { log, .. }: Named) -> Result<Response, Problem> {
    Ok(file(TEXT, FRESH, service.checkpoint(log).await?))
}

/// The checkpoint that waits for cosignatures.
#[utoipa::path(
    get, path = "/log/{name}/pending", tag = "log",
    params(("name" = String, Path, description = "`governance` or `intake`")),
    responses(
        (status = 200, body = String, content_type = "text/plain; charset=utf-8", description = "The note"),
        (status = 404, description = "`not-found`"),
    )
)]
async fn pending(State(service): State<Service>, Named { log, .. }: Named) -> Result<Response, Problem> {
    Ok(file(TEXT, FRESH, service.pending(log).await?))
}

/// Sizes of the kept checkpoints.
#[utoipa::path(
    get, path = "/log/{name}/checkpoints", tag = "log",
    params(("name" = String, Path, description = "`governance` or `intake`")),
    responses(
        (status = 200, body = KeptSizes, content_type = "application/json", description = "Rising"),
        (status = 404, description = "`not-found`"),
    )
)]
async fn kept_sizes(State(service): State<Service>, Named { log, .. }: Named) -> Result<Response, Problem> {
    Ok(file(JSON, FRESH, KeptSizes::new(service.kept_sizes(log).await?).to_bytes()))
}

/// The same under a name that a folder can have beside the folder `checkpoints`.
#[utoipa::path(
    get, path = "/log/{name}/checkpoints.json", tag = "log",
    params(("name" = String, Path, description = "`governance` or `intake`")),
    responses(
        (status = 200, body = KeptSizes, content_type = "application/json", description = "Rising"),
        (status = 404, description = "`not-found`"),
    )
)]
async fn kept_sizes_file(service: State<Service>, named: Named) -> Result<Response, Problem> {
    kept_sizes(service, named).await
}

/// The first cosigned checkpoint of a size; it never changes.
#[utoipa::path(
    get, path = "/log/{name}/checkpoints/{size}", tag = "log",
    params(("name" = String, Path, description = "`governance` or `intake`"), ("size" = u64, Path, description = "Entries under it, in decimal without leading zeros")),
    responses(
        (status = 200, body = String, content_type = "text/plain; charset=utf-8", description = "The note"),
        (status = 404, description = "`not-found`"),
    )
)]
async fn kept(State(service): State<Service>, named: Named) -> Result<Response, Problem> {
    let text = named.file.strip_prefix("checkpoints/").unwrap_or_default();
    let size = text.parse().ok().filter(|size: &u64| *size <= MAX_SIZE && size.to_string() == text);
    Ok(file(TEXT, FOREVER, service.kept(named.log, size.ok_or(LogError::NotFound)?).await?))
}

/// A tile or entry bundle, C2SP tlog-tiles; it never changes.
#[utoipa::path(
    get, path = "/log/{name}/tile/{*path}", tag = "log",
    params(("name" = String, Path, description = "`governance` or `intake`"), ("path" = String, Path, description = "`<level>/<index>[.p/<width>]` or `entries/<index>[.p/<width>]`")),
    responses(
        (status = 200, body = Raw, content_type = "application/octet-stream", description = "Its bytes"),
        (status = 404, description = "`not-found`"),
    )
)]
async fn tile(State(service): State<Service>, named: Named) -> Result<Response, Problem> {
    Ok(file(BYTES, FOREVER, service.tile(named.log, &named.file).await?))
}

/// Appends a statement with a complete set of signatures.
#[utoipa::path(
    post, path = "/internal/log/{name}/entries", tag = "log",
    params(("name" = String, Path, description = "`governance` or `intake`")),
    request_body(content = Statement, content_type = "application/json"),
    security(("call" = [])),
    responses(
        (status = 200, body = Appended, content_type = "application/json", description = "It was there before"),
        (status = 201, body = Appended, content_type = "application/json", description = "Appended"),
        (status = 401, description = "`call`: the signed call is missing, malformed, late or repeated"),
        (status = 403, description = "`caller`, `unknown-key`, `insufficient-signatures`, `signature`"),
        (status = 404, description = "`not-found`"),
        (status = 409, description = "`order`, `context`, `key-conflict`, `not-active`: it does not follow from what the log holds"),
    )
)]
async fn append(
    State(internal): State<Internal>,
    Named { log, .. }: Named,
    request: Request,
) -> Result<Response, Problem> {
    let (_, body) = internal.calls.accept(request, internal.service.trust.identities()).await?;
    let appended = internal.service.append(log, &body).await?;
    let status = if appended.new { StatusCode::CREATED } else { StatusCode::OK };
    let answer = serde_json::to_vec(&Appended { v: V1, index: appended.index }).unwrap_or_default();
    Ok((status, file(JSON, FRESH, answer)).into_response())
}

/// From anybody: a line shows by itself whose it is, and one that was sent before changes nothing.
/// Cosignatures of the pending checkpoint, from anybody: a line shows by itself whose it is.
#[utoipa::path(
    post, path = "/log/{name}/cosignatures", tag = "log",
    params(("name" = String, Path, description = "`governance` or `intake`")),
    request_body(content = String, content_type = "text/plain"),
    responses(
        (status = 204, description = "Taken"),
        (status = 403, description = "`unknown-key`, `signature`"),
        (status = 404, description = "`not-found`"),
        (status = 409, description = "`checkpoint`: of no current checkpoint; `cosignature-time`: far from the log's clock"),
    )
)]
async fn cosign(
    State(service): State<Service>,
    Named { log, .. }: Named,
    request: Request,
) -> Result<StatusCode, Problem> {
    let body = to_bytes(request.into_body(), MAX_COSIGNATURES).await.map_err(|_| Problem::too_large())?;
    service.cosign(log, &body).await?;
    Ok(StatusCode::NO_CONTENT)
}
