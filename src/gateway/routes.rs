//! The gateway's endpoints; `internal` has those of roles. A handler reads, delegates and answers; nothing else.

mod internal;

use std::sync::Arc;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use tabir_crypto::codec::unhex;
use tabir_crypto::ed25519::VerifyingKey;
use tabir_crypto::statement::Statement;
use tabir_crypto::statement::body::Role;
use tabir_crypto::statement::value::{Hex32, V1};
use tabir_crypto::submission::{CaseWriteBody, Submission};
use tabir_crypto::trust::erasure::Erasure;
use tabir_crypto::{B32, json};

pub use internal::internal;

use super::Gateway;
use super::erasure::MAX_ASKED;
use super::error::Refusal;
use super::intake::MAX_REPORT;
use super::redeem;
use super::writes::MAX_WRITE;
use crate::api::gateway::{CaseView, Done, ErasureAsked, ItemKind, Keys, Reported, Services, Written};
use crate::http::openapi::{OpenApiRouter, Raw, routes};
use crate::http::server::require_type;
use crate::http::{Calls, Problem};

const JSON: &str = "application/json";

/// What the handlers share.
#[derive(Clone)]
struct Shared {
    gateway: Arc<Gateway>,
    calls: Calls,
}

impl Shared {
    fn new(gateway: Arc<Gateway>) -> Self {
        let calls = Calls::new(Role::Gateway, gateway.clock.clone());
        Self { gateway, calls }
    }

    /// A signed call by one of these keys, and its body.
    async fn called(&self, request: Request, keys: &[VerifyingKey]) -> Result<Bytes, Problem> {
        Ok(self.calls.accept(request, keys).await?.1)
    }

    /// A signed call by a role, with a JSON body.
    async fn json_of<T: json::Schema>(&self, request: Request, role: Role) -> Result<T, Problem> {
        require_type(request.headers(), JSON)?;
        let body = self.called(request, &[*self.gateway.trust.identity(role)]).await?;
        Ok(json::from_slice(&body)?)
    }

    fn refused(&self, refusal: Refusal) -> Problem {
        problem(refusal, self.gateway.token_challenge())
    }
}

fn problem(refusal: Refusal, challenge: Option<String>) -> Problem {
    let Some((status, code, title)) = refusal.parts() else {
        return match refusal {
            Refusal::Input(e) => e.into(),
            Refusal::Db(e) => e.into(),
            _ => Problem::internal(),
        };
    };
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let problem = Problem::new(status, code, title);
    match challenge.and_then(|c| HeaderValue::from_str(&c).ok()).filter(|_| refusal.asks_for_token()) {
        Some(challenge) => problem.with_header(header::WWW_AUTHENTICATE, challenge),
        None => problem,
    }
}

/// A refusal that no token helps.
impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        problem(refusal, None)
    }
}

/// Routes for everybody.
pub fn public(gateway: Arc<Gateway>) -> OpenApiRouter {
    let stored = OpenApiRouter::default()
        .routes(routes!(report))
        .routes(routes!(case))
        .routes(routes!(message))
        .routes(routes!(rating))
        .routes(routes!(dispute))
        .routes(routes!(erase))
        .routes(routes!(erasure))
        .routes(routes!(envelope))
        .route_layer(middleware::from_fn_with_state(Arc::clone(&gateway), caught_up));
    OpenApiRouter::default()
        .routes(routes!(services))
        .routes(routes!(trust))
        .routes(routes!(trust_version))
        .routes(routes!(keys))
        .merge(stored)
        .with_state(Shared::new(gateway))
}

/// Nothing that is in the store is served before it has caught up with the logs.
async fn caught_up(State(gateway): State<Arc<Gateway>>, request: Request, next: Next) -> Result<Response, Problem> {
    if gateway.is_restoring() { Err(Refusal::Restoring.into()) } else { Ok(next.run(request).await) }
}

fn answer<T: Serialize>(status: StatusCode, value: &T) -> Result<Response, Problem> {
    Ok((status, [(header::CONTENT_TYPE, JSON)], json::to_vec(value)?).into_response())
}

fn done() -> Result<Response, Problem> {
    answer(StatusCode::OK, &Done { v: V1 })
}

/// An id in a path. What is none, names nothing.
fn id(text: &str) -> Result<B32, Problem> {
    unhex(text).map_err(|_| Refusal::NoCase.into())
}

fn authorization(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    // Two of them: which is meant is not for us to guess.
    values.next().filter(|_| values.next().is_none()).and_then(|v| v.to_str().ok())
}

async fn read(body: Body, limit: usize) -> Result<Bytes, Problem> {
    to_bytes(body, limit).await.map_err(|_| {
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too-long", "The body is larger than any that this address takes.")
    })
}

/// Categories, and where issuer, log and board are. Addresses are no trust.
#[utoipa::path(
    get, path = "/v1/services", tag = "gateway",
    responses((status = 200, body = Services, content_type = "application/json", description = "Categories as the policy has them; none before the first"))
)]
async fn services(State(s): State<Shared>) -> Result<Response, Problem> {
    answer(StatusCode::OK, &s.gateway.services())
}

/// The newest trust root: a convenience for those who have an older one, never a reason to trust it.
#[utoipa::path(
    get, path = "/v1/trust", tag = "gateway",
    responses((status = 200, body = Statement, content_type = "application/json", description = "`trust.root`"))
)]
async fn trust(State(s): State<Shared>) -> Result<Response, Problem> {
    answer(StatusCode::OK, s.gateway.trust.statement())
}

/// A version of the trust root, from 1.
#[utoipa::path(
    get, path = "/v1/trust/{version}", tag = "gateway",
    params(("version" = u64, Path, description = "In decimal, without leading zeros")),
    responses(
        (status = 200, body = Statement, content_type = "application/json", description = "`trust.root`"),
        (status = 404, description = "`not-found`: no such version here"),
    )
)]
async fn trust_version(State(s): State<Shared>, Path(version): Path<String>) -> Result<Response, Problem> {
    let number = version.parse().ok().filter(|n: &u64| n.to_string() == version);
    let known = number.and_then(|n| s.gateway.trust.version(n));
    let none = || Problem::new(StatusCode::NOT_FOUND, "not-found", "There is no such version of the trust root here.");
    answer(StatusCode::OK, known.ok_or_else(none)?.statement())
}

/// The current keys with their proofs: a convenience, which a client checks against the log.
#[utoipa::path(
    get, path = "/v1/keys", tag = "gateway",
    responses((status = 200, body = Keys, content_type = "application/json", description = "What counts at the witnessed time of one checkpoint"))
)]
async fn keys(State(s): State<Shared>) -> Result<Response, Problem> {
    answer(StatusCode::OK, &*s.gateway.keys())
}

/// Hands in a sealed report, for a token.
#[utoipa::path(
    post, path = "/v1/reports", tag = "gateway",
    request_body(content = Submission, content_type = "application/json"),
    security(("token" = [])),
    responses(
        (status = 201, body = Reported, content_type = "application/json", description = "Accepted: it is stored durably. The same bytes again get the same answer"),
        (status = 400, description = "A field or the whole is not what the protocol says; the code says which. `intake-key`, `warden-key`, `council`: the log knows no such one"),
        (status = 401, headers(("WWW-Authenticate" = String)), description = "`token-…`: no token, or one that pays for nothing"),
        (status = 403, description = "`case-key`: not signed with the key of this case"),
        (status = 409, description = "`case-exists`, `reference-taken`: use a new receipt. The token is not spent"),
        (status = 410, description = "`erased`: the reporter erased this case"),
        (status = 503, description = "`not-ready`: not ready for reports yet; `timeout`"),
        (status = 507, description = "`storage-full`: nothing was accepted"),
    )
)]
async fn report(State(s): State<Shared>, headers: HeaderMap, body: Body) -> Result<Response, Problem> {
    require_type(&headers, JSON)?;
    let body = read(body, MAX_REPORT).await?;
    let request = redeem::Request { authorization: authorization(&headers), path: "/v1/reports", body: &body };
    let reported = s.gateway.report(&request).await.map_err(|e| s.refused(e))?;
    answer(StatusCode::CREATED, &reported)
}

/// The timeline of a case, padded.
#[utoipa::path(
    get, path = "/v1/case", tag = "gateway",
    security(("case" = [])),
    responses(
        (status = 200, body = CaseView, content_type = "application/json", description = "In 16 KiB or a power of two above"),
        (status = 401, description = "`access-key`"),
        (status = 404, description = "`no-case`"),
    )
)]
async fn case(State(s): State<Shared>, headers: HeaderMap) -> Result<Response, Problem> {
    let body = s.gateway.case(authorization(&headers)).await?;
    Ok(([(header::CONTENT_TYPE, JSON)], body).into_response())
}

async fn write(
    s: &Shared,
    kind: ItemKind,
    path: &'static str,
    headers: &HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    require_type(headers, JSON)?;
    let body = read(body, MAX_WRITE).await?;
    let request = redeem::Request { authorization: authorization(headers), path, body: &body };
    answer(StatusCode::OK, &s.gateway.write(kind, &request).await.map_err(|e| s.refused(e))?)
}

/// A message of the reporter: an answer to an open question takes no token, any other takes one.
#[utoipa::path(
    post, path = "/v1/case/messages", tag = "gateway",
    request_body(content = CaseWriteBody, content_type = "application/json"),
    security(("token" = []), ()),
    responses(
        (status = 200, body = Written, content_type = "application/json", description = "Taken. The same bytes again get the same answer, until the next write"),
        (status = 401, headers(("WWW-Authenticate" = String)), description = "`token-…`: this takes a token, and there was none, or one that pays for nothing"),
        (status = 403, description = "`case-key`: not signed with the key of this case"),
        (status = 404, description = "`no-case`"),
        (status = 409, description = "`counter`, `seq`: not the next one"),
        (status = 410, description = "`erased`: the reporter erased this case"),
        (status = 507, description = "`storage-full`: nothing was accepted"),
    )
)]
async fn message(State(s): State<Shared>, headers: HeaderMap, body: Body) -> Result<Response, Problem> {
    write(&s, ItemKind::Message, "/v1/case/messages", &headers, body).await
}

/// The one rating of a case.
#[utoipa::path(
    post, path = "/v1/case/rating", tag = "gateway",
    request_body(content = CaseWriteBody, content_type = "application/json"),
    responses(
        (status = 200, body = Written, content_type = "application/json", description = "Taken. The same bytes again get the same answer, until the next write"),
        (status = 401, headers(("WWW-Authenticate" = String)), description = "`token-…`: this takes a token, and there was none, or one that pays for nothing"),
        (status = 403, description = "`case-key`: not signed with the key of this case"),
        (status = 404, description = "`no-case`"),
        (status = 409, description = "`counter`: not the next one; `rated`"),
        (status = 410, description = "`erased`: the reporter erased this case"),
        (status = 507, description = "`storage-full`: nothing was accepted"),
    )
)]
async fn rating(State(s): State<Shared>, headers: HeaderMap, body: Body) -> Result<Response, Problem> {
    write(&s, ItemKind::Rating, "/v1/case/rating", &headers, body).await
}

/// The one dispute of a case.
#[utoipa::path(
    post, path = "/v1/case/dispute", tag = "gateway",
    request_body(content = CaseWriteBody, content_type = "application/json"),
    responses(
        (status = 200, body = Written, content_type = "application/json", description = "Taken. The same bytes again get the same answer, until the next write"),
        (status = 401, headers(("WWW-Authenticate" = String)), description = "`token-…`: this takes a token, and there was none, or one that pays for nothing"),
        (status = 403, description = "`case-key`: not signed with the key of this case"),
        (status = 404, description = "`no-case`"),
        (status = 409, description = "`counter`, `seq`: not the next one; `disputed`"),
        (status = 410, description = "`erased`: the reporter erased this case"),
        (status = 507, description = "`storage-full`: nothing was accepted"),
    )
)]
async fn dispute(State(s): State<Shared>, headers: HeaderMap, body: Body) -> Result<Response, Problem> {
    write(&s, ItemKind::Dispute, "/v1/case/dispute", &headers, body).await
}

/// Erases a case.
#[utoipa::path(
    post, path = "/v1/case/erase", tag = "gateway",
    request_body(content = CaseWriteBody, content_type = "application/json"),
    responses(
        (status = 200, body = Written, content_type = "application/json", description = "Taken. The same bytes again get the same answer, until the next write"),
        (status = 401, headers(("WWW-Authenticate" = String)), description = "`token-…`: this takes a token, and there was none, or one that pays for nothing"),
        (status = 403, description = "`case-key`: not signed with the key of this case"),
        (status = 404, description = "`no-case`"),
        (status = 409, description = "`counter`: not the next one"),
        (status = 410, description = "`erased`: the reporter erased this case"),
        (status = 507, description = "`storage-full`: nothing was accepted"),
    )
)]
async fn erase(State(s): State<Shared>, headers: HeaderMap, body: Body) -> Result<Response, Problem> {
    write(&s, ItemKind::Erase, "/v1/case/erase", &headers, body).await
}

/// What stands behind a `report.erased`, for who has r and nf of the report.
#[utoipa::path(
    post, path = "/v1/case/erasure", tag = "gateway",
    request_body(content = ErasureAsked, content_type = "application/json"),
    responses(
        (status = 200, body = Erasure, content_type = "application/json", description = "As long as it is kept"),
        (status = 404, description = "`no-erasure`"),
    )
)]
async fn erasure(State(s): State<Shared>, headers: HeaderMap, body: Body) -> Result<Response, Problem> {
    require_type(&headers, JSON)?;
    let asked = json::from_slice(&read(body, MAX_ASKED).await?)?;
    answer(StatusCode::OK, &s.gateway.erasure(asked).await?)
}

/// A sealed identity, for an official or the warden.
#[utoipa::path(
    get, path = "/v1/envelopes/{hash}", tag = "gateway",
    params(("hash" = Hex32, Path, description = "SHA-256 of it")),
    security(("call" = [])),
    responses(
        (status = 200, body = Raw, content_type = "application/octet-stream", description = "2,498 bytes"),
        (status = 401, description = "`call`: the signed call is missing, malformed, late or repeated"),
        (status = 403, description = "`caller`: this key may not make this call"),
        (status = 404, description = "`no-envelope`"),
    )
)]
async fn envelope(State(s): State<Shared>, Path(hash): Path<String>, request: Request) -> Result<Response, Problem> {
    s.called(request, &s.gateway.envelope_readers()).await?;
    let hash = unhex(&hash).map_err(|_| Refusal::NoEnvelope)?;
    let bytes = s.gateway.envelope(hash).await?;
    Ok(([(header::CONTENT_TYPE, "application/octet-stream")], bytes).into_response())
}
