//! The gateway's endpoints. A handler reads, delegates and answers; nothing else.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use serde::Serialize;
use tabir_crypto::codec::unhex;
use tabir_crypto::ed25519::VerifyingKey;
use tabir_crypto::statement::body::Role;
use tabir_crypto::statement::value::V1;
use tabir_crypto::{B32, json};

use super::Gateway;
use super::erasure::MAX_ASKED;
use super::error::Refusal;
use super::intake::MAX_REPORT;
use super::redeem;
use super::writes::MAX_WRITE;
use crate::api::gateway::{Ack, Done, Events, Hold, ItemKind, Lease, Leased};
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
pub fn public(gateway: Arc<Gateway>) -> Router {
    Router::new()
        .route("/v1/services", get(services))
        .route("/v1/trust", get(trust))
        .route("/v1/trust/{version}", get(trust_version))
        .route("/v1/keys", get(keys))
        .route("/v1/reports", post(report))
        .route("/v1/case", get(case))
        .route("/v1/case/messages", post(message))
        .route("/v1/case/rating", post(rating))
        .route("/v1/case/dispute", post(dispute))
        .route("/v1/case/erase", post(erase))
        .route("/v1/case/erasure", post(erasure))
        .route("/v1/envelopes/{hash}", get(envelope))
        .with_state(Shared::new(gateway))
}

/// Routes for signed calls of forwarder and council board.
pub fn internal(gateway: Arc<Gateway>) -> Router {
    Router::new()
        .route("/internal/outbox/lease", post(lease))
        .route("/internal/outbox/ack", post(ack))
        .route("/internal/cases/{case}", get(case_for_council))
        .route("/internal/cases/{case}/events", post(events))
        .route("/internal/cases/{case}/hold", post(hold))
        .route("/internal/cases/{case}/hold/{request}", delete(unhold))
        .with_state(Shared::new(gateway))
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

async fn services(State(s): State<Shared>) -> Result<Response, Problem> {
    answer(StatusCode::OK, &s.gateway.services())
}

async fn trust(State(s): State<Shared>) -> Result<Response, Problem> {
    answer(StatusCode::OK, s.gateway.trust.statement())
}

async fn trust_version(State(s): State<Shared>, Path(version): Path<String>) -> Result<Response, Problem> {
    let number = version.parse().ok().filter(|n: &u64| n.to_string() == version);
    let known = number.and_then(|n| s.gateway.trust.version(n));
    let none = || Problem::new(StatusCode::NOT_FOUND, "not-found", "There is no such version of the trust root here.");
    answer(StatusCode::OK, known.ok_or_else(none)?.statement())
}

async fn keys(State(s): State<Shared>) -> Result<Response, Problem> {
    answer(StatusCode::OK, &*s.gateway.keys())
}

async fn report(State(s): State<Shared>, headers: HeaderMap, body: Body) -> Result<Response, Problem> {
    require_type(&headers, JSON)?;
    let body = read(body, MAX_REPORT).await?;
    let request = redeem::Request { authorization: authorization(&headers), path: "/v1/reports", body: &body };
    let reported = s.gateway.report(&request).await.map_err(|e| s.refused(e))?;
    answer(StatusCode::CREATED, &reported)
}

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

async fn message(State(s): State<Shared>, headers: HeaderMap, body: Body) -> Result<Response, Problem> {
    write(&s, ItemKind::Message, "/v1/case/messages", &headers, body).await
}

async fn rating(State(s): State<Shared>, headers: HeaderMap, body: Body) -> Result<Response, Problem> {
    write(&s, ItemKind::Rating, "/v1/case/rating", &headers, body).await
}

async fn dispute(State(s): State<Shared>, headers: HeaderMap, body: Body) -> Result<Response, Problem> {
    write(&s, ItemKind::Dispute, "/v1/case/dispute", &headers, body).await
}

async fn erase(State(s): State<Shared>, headers: HeaderMap, body: Body) -> Result<Response, Problem> {
    write(&s, ItemKind::Erase, "/v1/case/erase", &headers, body).await
}

async fn erasure(State(s): State<Shared>, headers: HeaderMap, body: Body) -> Result<Response, Problem> {
    require_type(&headers, JSON)?;
    let asked = json::from_slice(&read(body, MAX_ASKED).await?)?;
    answer(StatusCode::OK, &s.gateway.erasure(asked).await?)
}

async fn envelope(State(s): State<Shared>, Path(hash): Path<String>, request: Request) -> Result<Response, Problem> {
    s.called(request, &s.gateway.envelope_readers()).await?;
    let hash = unhex(&hash).map_err(|_| Refusal::NoEnvelope)?;
    let bytes = s.gateway.envelope(hash).await?;
    Ok(([(header::CONTENT_TYPE, "application/octet-stream")], bytes).into_response())
}

async fn lease(State(s): State<Shared>, request: Request) -> Result<Response, Problem> {
    let lease: Lease = s.json_of(request, Role::Forwarder).await?;
    answer(StatusCode::OK, &Leased { v: V1, items: s.gateway.lease(lease.max).await? })
}

async fn ack(State(s): State<Shared>, request: Request) -> Result<Response, Problem> {
    let ack: Ack = s.json_of(request, Role::Forwarder).await?;
    s.gateway.ack(ack.ids).await?;
    done()
}

async fn events(State(s): State<Shared>, Path(case): Path<String>, request: Request) -> Result<Response, Problem> {
    let events: Events = s.json_of(request, Role::Forwarder).await?;
    s.gateway.events(id(&case)?, events.events).await?;
    done()
}

async fn case_for_council(
    State(s): State<Shared>,
    Path(reference): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    s.called(request, &[*s.gateway.trust.identity(Role::Council)]).await?;
    answer(StatusCode::OK, &s.gateway.case_for_council(reference).await?)
}

async fn hold(State(s): State<Shared>, Path(case): Path<String>, request: Request) -> Result<Response, Problem> {
    let hold: Hold = s.json_of(request, Role::Council).await?;
    s.gateway.hold(id(&case)?, hold.request_hash.0).await?;
    done()
}

async fn unhold(
    State(s): State<Shared>,
    Path((case, hash)): Path<(String, String)>,
    request: Request,
) -> Result<Response, Problem> {
    s.called(request, &[*s.gateway.trust.identity(Role::Council)]).await?;
    s.gateway.unhold(id(&case)?, id(&hash)?).await?;
    done()
}
