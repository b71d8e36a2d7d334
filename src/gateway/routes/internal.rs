//! Addresses for signed calls of the forwarder and the council board.

use std::sync::Arc;

use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::middleware;
use axum::response::Response;
use tabir_crypto::statement::body::Role;
use tabir_crypto::statement::value::{Hex32, V1};

use super::{Shared, answer, caught_up, done, id};
use crate::api::gateway::{Ack, CaseForCouncil, Done, Events, Hold, Lease, Leased};
use crate::gateway::Gateway;
use crate::http::Problem;
use crate::http::openapi::{OpenApiRouter, routes};

/// Routes for signed calls of forwarder and council board.
pub fn internal(gateway: Arc<Gateway>) -> OpenApiRouter {
    OpenApiRouter::default()
        .routes(routes!(lease))
        .routes(routes!(ack))
        .routes(routes!(case_for_council))
        .routes(routes!(events))
        .routes(routes!(hold))
        .routes(routes!(unhold))
        .route_layer(middleware::from_fn_with_state(Arc::clone(&gateway), caught_up))
        .with_state(Shared::new(gateway))
}

/// Leases items of the outbox to the forwarder.
#[utoipa::path(
    post, path = "/internal/outbox/lease", tag = "gateway",
    request_body(content = Lease, content_type = "application/json"),
    security(("call" = [])),
    responses(
        (status = 200, body = Leased, content_type = "application/json", description = "Each item comes again after 60 s without an acknowledgement"),
        (status = 401, description = "`call`: the signed call is missing, malformed, late or repeated"),
        (status = 403, description = "`caller`: this key may not make this call"),
    )
)]
async fn lease(State(s): State<Shared>, request: Request) -> Result<Response, Problem> {
    let lease: Lease = s.json_of(request, Role::Forwarder).await?;
    answer(StatusCode::OK, &Leased { v: V1, items: s.gateway.lease(lease.max).await? })
}

/// The forwarder has stored these items durably.
#[utoipa::path(
    post, path = "/internal/outbox/ack", tag = "gateway",
    request_body(content = Ack, content_type = "application/json"),
    security(("call" = [])),
    responses(
        (status = 200, body = Done, content_type = "application/json", description = "The gateway forgot them"),
        (status = 401, description = "`call`: the signed call is missing, malformed, late or repeated"),
        (status = 403, description = "`caller`: this key may not make this call"),
    )
)]
async fn ack(State(s): State<Shared>, request: Request) -> Result<Response, Problem> {
    let ack: Ack = s.json_of(request, Role::Forwarder).await?;
    s.gateway.ack(ack.ids).await?;
    done()
}

/// News of a case from the forwarder; an id that is known is skipped.
#[utoipa::path(
    post, path = "/internal/cases/{case}/events", tag = "gateway",
    params(("case" = Hex32, Path, description = "The case id")),
    request_body(content = Events, content_type = "application/json"),
    security(("call" = [])),
    responses(
        (status = 200, body = Done, content_type = "application/json", description = "Taken"),
        (status = 401, description = "`call`: the signed call is missing, malformed, late or repeated"),
        (status = 403, description = "`caller`: this key may not make this call"),
        (status = 404, description = "`no-case`"),
        (status = 409, description = "`seq`: a message is missing before this one"),
    )
)]
async fn events(State(s): State<Shared>, Path(case): Path<String>, request: Request) -> Result<Response, Problem> {
    let events: Events = s.json_of(request, Role::Forwarder).await?;
    s.gateway.events(id(&case)?, events.events).await?;
    done()
}

/// What officials seal a request over, for the board.
#[utoipa::path(
    get, path = "/internal/cases/{case}", tag = "gateway",
    params(("case" = String, Path, description = "Its reference, `XXXX-XXXX-XXXX`")),
    security(("call" = [])),
    responses(
        (status = 200, body = CaseForCouncil, content_type = "application/json", description = "The case"),
        (status = 401, description = "`call`: the signed call is missing, malformed, late or repeated"),
        (status = 403, description = "`caller`: this key may not make this call"),
        (status = 404, description = "`no-case`, `no-envelope`"),
    )
)]
async fn case_for_council(
    State(s): State<Shared>,
    Path(reference): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    s.called(request, &[*s.gateway.trust.identity(Role::Council)]).await?;
    answer(StatusCode::OK, &s.gateway.case_for_council(reference).await?)
}

/// Keeps an envelope from deletion while a request lives.
#[utoipa::path(
    post, path = "/internal/cases/{case}/hold", tag = "gateway",
    params(("case" = Hex32, Path, description = "The case id")),
    request_body(content = Hold, content_type = "application/json"),
    security(("call" = [])),
    responses(
        (status = 200, body = Done, content_type = "application/json", description = "Kept"),
        (status = 401, description = "`call`: the signed call is missing, malformed, late or repeated"),
        (status = 403, description = "`caller`: this key may not make this call"),
        (status = 404, description = "`no-case`, `no-envelope`"),
    )
)]
async fn hold(State(s): State<Shared>, Path(case): Path<String>, request: Request) -> Result<Response, Problem> {
    let hold: Hold = s.json_of(request, Role::Council).await?;
    s.gateway.hold(id(&case)?, hold.request_hash.0).await?;
    done()
}

/// Ends a hold.
#[utoipa::path(
    delete, path = "/internal/cases/{case}/hold/{request}", tag = "gateway",
    params(("case" = Hex32, Path, description = "The case id"), ("request" = Hex32, Path, description = "Entry hash of the request")),
    security(("call" = [])),
    responses(
        (status = 200, body = Done, content_type = "application/json", description = "Ended, or there was none"),
        (status = 401, description = "`call`: the signed call is missing, malformed, late or repeated"),
        (status = 403, description = "`caller`: this key may not make this call"),
        (status = 404, description = "`no-case`"),
    )
)]
async fn unhold(
    State(s): State<Shared>,
    Path((case, hash)): Path<(String, String)>,
    request: Request,
) -> Result<Response, Problem> {
    s.called(request, &[*s.gateway.trust.identity(Role::Council)]).await?;
    s.gateway.unhold(id(&case)?, id(&hash)?).await?;
    done()
}
