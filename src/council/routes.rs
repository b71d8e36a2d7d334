//! The board's endpoints. A handler finds out who calls, delegates and answers; nothing else.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderValue, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde::Serialize;
use tabir_crypto::codec::unhex;
use tabir_crypto::ed25519::VerifyingKey;
use tabir_crypto::statement::Statement;
use tabir_crypto::statement::body::Role;
use tabir_crypto::statement::value::V1;
use tabir_crypto::{B32, json};

use super::error::BoardError;
use super::service::Service;
use crate::api::council::{Act, Admit, Handouts, TREE_SIZE};
use crate::api::gateway::Done;
use crate::http::{Calls, Problem};

#[derive(Clone)]
struct Board {
    service: Arc<Service>,
    calls: Calls,
}

/// Public and internal routes.
pub fn routers(service: Arc<Service>) -> (Router, Router) {
    let calls = Calls::new(Role::Council, service.setup.clock.clone());
    let board = Board { service, calls };
    let public = Router::new()
        .route("/council/cases/{reference}", get(case))
        .route("/council/ceremonies/{id}", get(ceremony))
        .route("/council/messages", get(messages).post(post_message))
        .route("/council/statements", post(act))
        .route("/council/requests", get(requests))
        .route("/council/requests/{hash}", get(request_files))
        .route("/council/proposals", get(proposals).post(propose))
        .route("/council/proposals/{id}", get(proposal))
        .layer(from_fn_with_state(board.clone(), tell_tree_size))
        .with_state(board.clone());
    let internal = Router::new()
        .route("/internal/ceremonies", post(admit))
        .route("/internal/unseal/ready", get(ready))
        .route("/internal/unseal/{hash}/handouts", post(hand_out))
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

async fn case(State(b): State<Board>, Path(reference): Path<String>, request: Request) -> Result<Response, Problem> {
    b.official(request).await?;
    answer(&b.service.case(&reference).await?)
}

async fn ceremony(State(b): State<Board>, Path(text): Path<String>, request: Request) -> Result<Response, Problem> {
    b.signer(request).await?;
    answer(&b.service.manifest(id(&text)?).await?)
}

async fn messages(State(b): State<Board>, request: Request) -> Result<Response, Problem> {
    let query = request.uri().query().and_then(|q| q.strip_prefix("ceremony=")).unwrap_or_default();
    let ceremony = id(query)?;
    let (caller, _) = b.signer(request).await?;
    answer(&b.service.messages(ceremony, &caller).await?)
}

async fn post_message(State(b): State<Board>, request: Request) -> Result<Response, Problem> {
    let (caller, body) = b.signer(request).await?;
    b.service.post_message(Statement::parse(&body)?, caller).await?;
    done()
}

async fn act(State(b): State<Board>, request: Request) -> Result<Response, Problem> {
    let (caller, body) = b.official(request).await?;
    b.service.act(json::from_slice::<Act>(&body)?, &caller).await?;
    done()
}

async fn requests(State(b): State<Board>, request: Request) -> Result<Response, Problem> {
    let (caller, _) = b.official(request).await?;
    answer(&b.service.requests(&caller).await?)
}

async fn request_files(
    State(b): State<Board>,
    Path(hash): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let (caller, _) = b.official(request).await?;
    answer(&b.service.request(id(&hash)?, &caller).await?)
}

async fn proposals(State(b): State<Board>, request: Request) -> Result<Response, Problem> {
    b.signer(request).await?;
    answer(&b.service.proposals().await?)
}

async fn proposal(State(b): State<Board>, Path(text): Path<String>, request: Request) -> Result<Response, Problem> {
    b.signer(request).await?;
    answer(&b.service.proposal(id(&text)?).await?)
}

async fn propose(State(b): State<Board>, request: Request) -> Result<Response, Problem> {
    let (caller, body) = b.signer(request).await?;
    answer(&b.service.propose(Statement::parse(&body)?, &caller).await?)
}

async fn admit(State(b): State<Board>, request: Request) -> Result<Response, Problem> {
    let body = b.role(request, Role::Council).await?;
    b.service.admit(json::from_slice::<Admit>(&body)?).await?;
    done()
}

async fn ready(State(b): State<Board>, request: Request) -> Result<Response, Problem> {
    b.role(request, Role::Warden).await?;
    answer(&b.service.ready().await?)
}

async fn hand_out(State(b): State<Board>, Path(hash): Path<String>, request: Request) -> Result<Response, Problem> {
    let body = b.role(request, Role::Warden).await?;
    b.service.hand_out(id(&hash)?, json::from_slice::<Handouts>(&body)?).await?;
    done()
}
