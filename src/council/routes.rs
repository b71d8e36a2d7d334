//! The board's endpoints. A handler finds out who calls, delegates and answers; nothing else.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderValue, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use tabir_crypto::codec::unhex;
use tabir_crypto::ed25519::VerifyingKey;
use tabir_crypto::statement::Statement;
use tabir_crypto::statement::body::Role;
use tabir_crypto::statement::value::{Hex32, V1};
use tabir_crypto::{B32, json};

use super::error::BoardError;
use super::service::Service;
use crate::api::council::{
    Act, Admit, Handouts, Messages, Proposal, Proposals, Ready, RequestFiles, Requests, TREE_SIZE,
};
use crate::api::gateway::{CaseForCouncil, Done};
use crate::http::openapi::{OpenApiRouter, routes};
use crate::http::{Calls, Problem};

#[derive(Clone)]
struct Board {
    service: Arc<Service>,
    calls: Calls,
}

/// Public and internal routes.
pub fn routers(service: Arc<Service>) -> (OpenApiRouter, OpenApiRouter) {
    let calls = Calls::new(Role::Council, service.setup.clock.clone());
    let board = Board { service, calls };
    let public = OpenApiRouter::default()
        .routes(routes!(case))
        .routes(routes!(ceremony))
        .routes(routes!(messages, post_message))
        .routes(routes!(act))
        .routes(routes!(requests))
        .routes(routes!(request_files))
        .routes(routes!(proposals, propose))
        .routes(routes!(proposal))
        .layer(from_fn_with_state(board.clone(), tell_tree_size))
        .with_state(board.clone());
    let internal = OpenApiRouter::default()
        .routes(routes!(admit))
        .routes(routes!(ready))
        .routes(routes!(hand_out))
        .with_state(board);
    (public, internal)
}

/// Every answer says how far this board has read the governance log: a caller who has read further knows that a refusal
/// may be "not yet", any other that it is "no".
async fn tell_tree_size(State(board): State<Board>, request: Request, next: Next) -> Response {
    // Before anything is decided by it: what is decided may be by more, never by less.
    let read = board.service.read();
    let mut response = next.run(request).await;
    response.headers_mut().insert(TREE_SIZE, HeaderValue::from(read));
    response
}

impl Board {
    async fn accept(&self, request: Request, keys: &[VerifyingKey]) -> Result<(VerifyingKey, Bytes), Problem> {
        let (caller, body) = self.calls.accept(request, keys).await?;
        Ok((caller.key, body))
    }

    async fn official(&self, request: Request) -> Result<(VerifyingKey, Bytes), Problem> {
        self.accept(request, &self.service.officials()).await
    }

    async fn signer(&self, request: Request) -> Result<(VerifyingKey, Bytes), Problem> {
        self.accept(request, &self.service.signers()).await
    }

    async fn role(&self, request: Request, role: Role) -> Result<Bytes, Problem> {
        let key = *self.service.setup.trust.identity(role);
        Ok(self.accept(request, &[key]).await?.1)
    }
}

fn answer<T: Serialize>(value: &T) -> Result<Response, Problem> {
    Ok(([(header::CONTENT_TYPE, "application/json")], json::to_vec(value)?).into_response())
}

fn done() -> Result<Response, Problem> {
    answer(&Done { v: V1 })
}

/// An id in a path. What is none, names nothing.
fn id(text: &str) -> Result<B32, Problem> {
    unhex(text).map_err(|_| BoardError::NotFound.into())
}

/// What officials seal a request over.
#[utoipa::path(
    get, path = "/council/cases/{reference}", tag = "council", operation_id = "council_case",
    params(("reference" = String, Path, description = "`XXXX-XXXX-XXXX`")),
    security(("call" = [])),
    responses(
        (status = 200, body = CaseForCouncil, content_type = "application/json", description = "As the gateway answers the board"),
        (status = 401, description = "`call`: the signed call is missing, malformed, late or repeated"),
        (status = 403, description = "`caller`: this key may not make this call"),
        (status = 404, description = "`no-case`"),
        (status = 502, description = "`gateway`: the gateway can not be reached"),
    )
)]
async fn case(State(b): State<Board>, Path(reference): Path<String>, request: Request) -> Result<Response, Problem> {
    b.official(request).await?;
    answer(&b.service.case(&reference).await?)
}

/// The manifest of an admitted ceremony.
#[utoipa::path(
    get, path = "/council/ceremonies/{id}", tag = "council",
    params(("id" = Hex32, Path, description = "SHA-256 of the manifest")),
    security(("call" = [])),
    responses(
        (status = 200, body = Admit, content_type = "application/json", description = "As it is to be signed"),
        (status = 401, description = "`call`: the signed call is missing, malformed, late or repeated"),
        (status = 403, description = "`caller`: this key may not make this call"),
        (status = 404, description = "`not-found`"),
    )
)]
async fn ceremony(State(b): State<Board>, Path(text): Path<String>, request: Request) -> Result<Response, Problem> {
    b.signer(request).await?;
    answer(&b.service.manifest(id(&text)?).await?)
}

/// Messages of a ceremony: those to everybody and those to the caller.
#[utoipa::path(
    get, path = "/council/messages", tag = "council",
    params(("ceremony" = Hex32, Query, description = "Its id")),
    security(("call" = [])),
    responses(
        (status = 200, body = Messages, content_type = "application/json", description = "By round, sender and recipient"),
        (status = 401, description = "`call`: the signed call is missing, malformed, late or repeated"),
        (status = 403, description = "`caller`: this key may not make this call"),
        (status = 404, description = "`not-found`"),
    )
)]
async fn messages(State(b): State<Board>, request: Request) -> Result<Response, Problem> {
    let query = request.uri().query().and_then(|q| q.strip_prefix("ceremony=")).unwrap_or_default();
    let ceremony = id(query)?;
    let (caller, _) = b.signer(request).await?;
    answer(&b.service.messages(ceremony, &caller).await?)
}

/// A message of a ceremony, by the caller.
#[utoipa::path(
    post, path = "/council/messages", tag = "council",
    request_body(content = Statement, content_type = "application/json"),
    security(("call" = [])),
    responses(
        (status = 200, body = Done, content_type = "application/json", description = "Taken; the same bytes again too"),
        (status = 401, description = "`call`: the signed call is missing, malformed, late or repeated"),
        (status = 403, description = "`caller`: this key may not make this call"),
        (status = 404, description = "`not-found`"),
        (status = 409, description = "`equivocation`, `aborted`, `finished`"),
    )
)]
async fn post_message(State(b): State<Board>, request: Request) -> Result<Response, Problem> {
    let (caller, body) = b.signer(request).await?;
    b.service.post_message(Statement::parse(&body)?, caller).await?;
    done()
}

/// A statement `unseal.*` of the caller, with what it has hashes of.
#[utoipa::path(
    post, path = "/council/statements", tag = "council",
    request_body(content = Act, content_type = "application/json"),
    security(("call" = [])),
    responses(
        (status = 200, body = Done, content_type = "application/json", description = "In line for the log"),
        (status = 401, description = "`call`: the signed call is missing, malformed, late or repeated"),
        (status = 403, description = "`caller`: this key may not make this call"),
        (status = 404, description = "`not-found`, `no-case`"),
        (status = 409, description = "`duplicate`, or a code of the log: it does not follow from what the log holds"),
        (status = 502, description = "`gateway`: the gateway can not be reached"),
    )
)]
async fn act(State(b): State<Board>, request: Request) -> Result<Response, Problem> {
    let (caller, body) = b.official(request).await?;
    b.service.act(json::from_slice::<Act>(&body)?, &caller).await?;
    done()
}

/// Requests of which the caller's council is asked.
#[utoipa::path(
    get, path = "/council/requests", tag = "council",
    security(("call" = [])),
    responses(
        (status = 200, body = Requests, content_type = "application/json", description = "Oldest first"),
        (status = 401, description = "`call`: the signed call is missing, malformed, late or repeated"),
        (status = 403, description = "`caller`: this key may not make this call"),
    )
)]
async fn requests(State(b): State<Board>, request: Request) -> Result<Response, Problem> {
    let (caller, _) = b.official(request).await?;
    answer(&b.service.requests(&caller).await?)
}

/// What is meant for the caller of a request.
#[utoipa::path(
    get, path = "/council/requests/{hash}", tag = "council",
    params(("hash" = Hex32, Path, description = "Entry hash of the request")),
    security(("call" = [])),
    responses(
        (status = 200, body = RequestFiles, content_type = "application/json", description = "Sealed"),
        (status = 401, description = "`call`: the signed call is missing, malformed, late or repeated"),
        (status = 403, description = "`caller`: this key may not make this call"),
        (status = 404, description = "`not-found`"),
    )
)]
async fn request_files(
    State(b): State<Board>,
    Path(hash): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let (caller, _) = b.official(request).await?;
    answer(&b.service.request(id(&hash)?, &caller).await?)
}

/// Statements that wait for signatures.
#[utoipa::path(
    get, path = "/council/proposals", tag = "council",
    security(("call" = [])),
    responses(
        (status = 200, body = Proposals, content_type = "application/json", description = "Oldest first"),
        (status = 401, description = "`call`: the signed call is missing, malformed, late or repeated"),
        (status = 403, description = "`caller`: this key may not make this call"),
    )
)]
async fn proposals(State(b): State<Board>, request: Request) -> Result<Response, Problem> {
    b.signer(request).await?;
    answer(&b.service.proposals().await?)
}

/// A statement that waits, with all signatures so far.
#[utoipa::path(
    get, path = "/council/proposals/{id}", tag = "council",
    params(("id" = Hex32, Path, description = "SHA-256 of its PAE")),
    security(("call" = [])),
    responses(
        (status = 200, body = Proposal, content_type = "application/json", description = "As it is"),
        (status = 401, description = "`call`: the signed call is missing, malformed, late or repeated"),
        (status = 403, description = "`caller`: this key may not make this call"),
        (status = 404, description = "`not-found`"),
    )
)]
async fn proposal(State(b): State<Board>, Path(text): Path<String>, request: Request) -> Result<Response, Problem> {
    b.signer(request).await?;
    answer(&b.service.proposal(id(&text)?).await?)
}

/// A statement with at least the caller's signature: signatures are merged.
#[utoipa::path(
    post, path = "/council/proposals", tag = "council",
    request_body(content = Statement, content_type = "application/json"),
    security(("call" = [])),
    responses(
        (status = 200, body = Proposal, content_type = "application/json", description = "With all signatures so far"),
        (status = 401, description = "`call`: the signed call is missing, malformed, late or repeated"),
        (status = 403, description = "`caller`: this key may not make this call"),
        (status = 409, description = "`too-many`, or a code of the log: it does not follow from what the log holds"),
    )
)]
async fn propose(State(b): State<Board>, request: Request) -> Result<Response, Problem> {
    let (caller, body) = b.signer(request).await?;
    answer(&b.service.propose(Statement::parse(&body)?, &caller).await?)
}

/// Admits a ceremony: the keys of its manifest may call.
#[utoipa::path(
    post, path = "/internal/ceremonies", tag = "council",
    request_body(content = Admit, content_type = "application/json"),
    security(("call" = [])),
    responses(
        (status = 200, body = Done, content_type = "application/json", description = "Admitted"),
        (status = 401, description = "`call`: the signed call is missing, malformed, late or repeated"),
        (status = 403, description = "`caller`: this key may not make this call"),
        (status = 409, description = "`aborted`, `finished`"),
    )
)]
async fn admit(State(b): State<Board>, request: Request) -> Result<Response, Problem> {
    let body = b.role(request, Role::Council).await?;
    b.service.admit(json::from_slice::<Admit>(&body)?).await?;
    done()
}

/// Live requests, for the warden.
#[utoipa::path(
    get, path = "/internal/unseal/ready", tag = "council",
    security(("call" = [])),
    responses(
        (status = 200, body = Ready, content_type = "application/json", description = "Requested, approved or released"),
        (status = 401, description = "`call`: the signed call is missing, malformed, late or repeated"),
        (status = 403, description = "`caller`: this key may not make this call"),
    )
)]
async fn ready(State(b): State<Board>, request: Request) -> Result<Response, Problem> {
    b.role(request, Role::Warden).await?;
    answer(&b.service.ready().await?)
}

/// The hand-outs of a release, by the warden.
#[utoipa::path(
    post, path = "/internal/unseal/{hash}/handouts", tag = "council",
    params(("hash" = Hex32, Path, description = "Entry hash of the request")),
    request_body(content = Handouts, content_type = "application/json"),
    security(("call" = [])),
    responses(
        (status = 200, body = Done, content_type = "application/json", description = "Stored; the same again too"),
        (status = 401, description = "`call`: the signed call is missing, malformed, late or repeated"),
        (status = 403, description = "`caller`: this key may not make this call"),
        (status = 404, description = "`not-found`"),
        (status = 409, description = "`context`: not those of the logged release, as far as the board has read"),
    )
)]
async fn hand_out(State(b): State<Board>, Path(hash): Path<String>, request: Request) -> Result<Response, Problem> {
    let body = b.role(request, Role::Warden).await?;
    b.service.hand_out(id(&hash)?, json::from_slice::<Handouts>(&body)?).await?;
    done()
}
