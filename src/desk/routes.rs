//! GeoReport v2 over HTTP. Errors are `[{"code":…,"description":…}]`, as the standard has them.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Form, Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::georeport::{self, Params};
use super::service::{Desk, DeskError};
use crate::http::openapi::{OpenApiRouter, routes};

/// Where GeoReport begins.
pub const BASE: &str = "/open311/v2";

/// An error of GeoReport v2.
#[derive(Serialize, ToSchema)]
struct Refused {
    code: u16,
    description: String,
}

type Pairs = Vec<(String, String)>;
type Answer = Result<Response, DeskError>;

pub fn router(desk: Arc<Desk>) -> OpenApiRouter {
    OpenApiRouter::default()
        .routes(routes!(discovery))
        .routes(routes!(services))
        .routes(routes!(definition))
        .routes(routes!(list, add))
        .routes(routes!(show))
        .routes(routes!(updates, add_update))
        .with_state(desk)
}

fn ok(value: Value) -> Answer {
    Ok(Json(value).into_response())
}

fn created(value: Value) -> Answer {
    Ok((StatusCode::CREATED, Json(value)).into_response())
}

fn name_of(file: &str) -> Result<&str, DeskError> {
    file.strip_suffix(".json").ok_or(DeskError::NotFound("Format"))
}

/// What this server speaks.
#[utoipa::path(
    get, path = "/open311/v2/discovery.json", tag = "desk",
    responses((status = 200, body = serde_json::Value, content_type = "application/json", description = "GeoReport v2"))
)]
async fn discovery(headers: HeaderMap) -> Answer {
    let host = headers.get(header::HOST).and_then(|h| h.to_str().ok()).unwrap_or_default();
    ok(georeport::discovery(&format!("http://{host}{BASE}")))
}

/// The categories.
#[utoipa::path(
    get, path = "/open311/v2/services.json", tag = "desk", operation_id = "desk_services",
    responses(
        (status = 200, body = serde_json::Value, content_type = "application/json", description = "GeoReport v2"),
        (status = 500, body = Vec<Refused>, content_type = "application/json", description = "The server failed"),
    )
)]
async fn services(State(desk): State<Arc<Desk>>) -> Answer {
    ok(georeport::services(&desk.policy()?))
}

/// The attributes of a category.
#[utoipa::path(
    get, path = "/open311/v2/services/{file}", tag = "desk",
    params(("file" = String, Path, description = "`<service_code>.json`")),
    responses(
        (status = 200, body = serde_json::Value, content_type = "application/json", description = "GeoReport v2"),
        (status = 404, body = Vec<Refused>, content_type = "application/json", description = "There is nothing of this name"),
        (status = 500, body = Vec<Refused>, content_type = "application/json", description = "The server failed"),
    )
)]
async fn definition(State(desk): State<Arc<Desk>>, Path(file): Path<String>) -> Answer {
    let code = name_of(&file)?;
    if !desk.service_names().contains_key(code) {
        return Err(DeskError::NotFound("service_code"));
    }
    ok(georeport::definition(code))
}

/// Requests, for who has a key.
#[utoipa::path(
    get, path = "/open311/v2/requests.json", tag = "desk",
    params(("api_key" = Option<String>, Query, description = "The connector's or an officer's"), ("service_request_id" = Option<String>, Query, description = "Ids, with commas between"), ("service_code" = Option<String>, Query, description = "A category"), ("status" = Option<String>, Query, description = "`open` or `closed`"), ("start_date" = Option<String>, Query, description = "RFC 3339"), ("end_date" = Option<String>, Query, description = "RFC 3339"), ("page" = Option<String>, Query, description = "From 1")),
    responses(
        (status = 200, body = serde_json::Value, content_type = "application/json", description = "GeoReport v2"),
        (status = 400, body = Vec<Refused>, content_type = "application/json", description = "A parameter is missing or not understood, or one that names a person"),
        (status = 403, body = Vec<Refused>, content_type = "application/json", description = "The key is missing or unknown"),
        (status = 500, body = Vec<Refused>, content_type = "application/json", description = "The server failed"),
    )
)]
async fn list(State(desk): State<Arc<Desk>>, Query(pairs): Query<Pairs>) -> Answer {
    let params = Params::new(pairs);
    desk.key(&params)?;
    let names = desk.service_names();
    let name = |code: &str| names.get(code).cloned().unwrap_or_default();
    ok(desk.requests(&params).await?.iter().map(|r| georeport::request(r, &name(&r.new.service_code))).collect())
}

/// A new request.
#[utoipa::path(
    post, path = "/open311/v2/requests.json", tag = "desk",
    request_body(content = std::collections::HashMap<String, String>, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 201, body = serde_json::Value, content_type = "application/json", description = "Its id"),
        (status = 400, body = Vec<Refused>, content_type = "application/json", description = "A parameter is missing or not understood, or one that names a person"),
        (status = 403, body = Vec<Refused>, content_type = "application/json", description = "The key is missing or unknown"),
        (status = 404, body = Vec<Refused>, content_type = "application/json", description = "There is nothing of this name"),
        (status = 422, description = "`request`: the form can not be read"),
        (status = 500, body = Vec<Refused>, content_type = "application/json", description = "The server failed"),
    )
)]
async fn add(State(desk): State<Arc<Desk>>, Form(pairs): Form<Pairs>) -> Answer {
    let params = Params::new(pairs);
    desk.key(&params)?;
    let id = desk.add_request(&params).await?;
    created(json!([{ "service_request_id": id.to_string(), "service_notice": "", "account_id": null }]))
}

/// One request, for who has a key.
#[utoipa::path(
    get, path = "/open311/v2/requests/{file}", tag = "desk",
    params(("file" = String, Path, description = "`<service_request_id>.json`"), ("api_key" = Option<String>, Query, description = "The connector's or an officer's")),
    responses(
        (status = 200, body = serde_json::Value, content_type = "application/json", description = "GeoReport v2"),
        (status = 403, body = Vec<Refused>, content_type = "application/json", description = "The key is missing or unknown"),
        (status = 404, body = Vec<Refused>, content_type = "application/json", description = "There is nothing of this name"),
        (status = 500, body = Vec<Refused>, content_type = "application/json", description = "The server failed"),
    )
)]
async fn show(State(desk): State<Arc<Desk>>, Path(file): Path<String>, Query(pairs): Query<Pairs>) -> Answer {
    desk.key(&Params::new(pairs))?;
    let request = desk.request(name_of(&file)?).await?;
    let name = desk.service_names().get(&request.new.service_code).cloned().unwrap_or_default();
    ok(json!([georeport::request(&request, &name)]))
}

/// Updates, for who has a key.
#[utoipa::path(
    get, path = "/open311/v2/servicerequestupdates.json", tag = "desk",
    params(("api_key" = Option<String>, Query, description = "The connector's or an officer's"), ("service_request_id" = Option<String>, Query, description = "An id"), ("start_date" = Option<String>, Query, description = "RFC 3339"), ("end_date" = Option<String>, Query, description = "RFC 3339")),
    responses(
        (status = 200, body = serde_json::Value, content_type = "application/json", description = "GeoReport v2 with the `servicerequestupdates` extension"),
        (status = 400, body = Vec<Refused>, content_type = "application/json", description = "A parameter is missing or not understood, or one that names a person"),
        (status = 403, body = Vec<Refused>, content_type = "application/json", description = "The key is missing or unknown"),
        (status = 500, body = Vec<Refused>, content_type = "application/json", description = "The server failed"),
    )
)]
async fn updates(State(desk): State<Arc<Desk>>, Query(pairs): Query<Pairs>) -> Answer {
    let params = Params::new(pairs);
    desk.key(&params)?;
    ok(desk.updates(&params).await?.iter().map(georeport::update).collect())
}

/// A new update.
#[utoipa::path(
    post, path = "/open311/v2/servicerequestupdates.json", tag = "desk",
    request_body(content = std::collections::HashMap<String, String>, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 201, body = serde_json::Value, content_type = "application/json", description = "Its id"),
        (status = 400, body = Vec<Refused>, content_type = "application/json", description = "A parameter is missing or not understood, or one that names a person"),
        (status = 403, body = Vec<Refused>, content_type = "application/json", description = "The key is missing or unknown"),
        (status = 404, body = Vec<Refused>, content_type = "application/json", description = "There is nothing of this name"),
        (status = 422, description = "`request`: the form can not be read"),
        (status = 500, body = Vec<Refused>, content_type = "application/json", description = "The server failed"),
    )
)]
async fn add_update(State(desk): State<Arc<Desk>>, Form(pairs): Form<Pairs>) -> Answer {
    let params = Params::new(pairs);
    let key = desk.key(&params)?;
    let id = desk.add_update(key, &params).await?;
    created(json!([{ "update_id": id.to_string() }]))
}

impl IntoResponse for DeskError {
    fn into_response(self) -> Response {
        let status = match &self {
            Self::Key => StatusCode::FORBIDDEN,
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::Param(_) | Self::Identity => StatusCode::BAD_REQUEST,
            Self::Db(error) => {
                tracing::error!(%error, "store");
                StatusCode::INTERNAL_SERVER_ERROR
            }
        };
        let body = Refused { code: status.as_u16(), description: self.to_string() };
        (status, Json([body])).into_response()
    }
}
