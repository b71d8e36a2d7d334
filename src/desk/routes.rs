//! GeoReport v2 over HTTP. Errors are `[{"code":…,"description":…}]`, as the standard has them.

use std::sync::Arc;

use axum::extract::{Form, Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};

use super::georeport::{self, Params};
use super::service::{Desk, DeskError};

/// Where GeoReport begins.
pub const BASE: &str = "/open311/v2";

type Pairs = Vec<(String, String)>;
type Answer = Result<Response, DeskError>;

pub fn routes(desk: Arc<Desk>) -> Router {
    let under = |path: &str| format!("{BASE}/{path}");
    Router::new()
        .route(&under("discovery.json"), get(discovery))
        .route(&under("services.json"), get(services))
        .route(&under("services/{file}"), get(definition))
        .route(&under("requests.json"), get(list).post(add))
        .route(&under("requests/{file}"), get(show))
        .route(&under("servicerequestupdates.json"), get(updates).post(add_update))
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

async fn discovery(headers: HeaderMap) -> Answer {
    let host = headers.get(header::HOST).and_then(|h| h.to_str().ok()).unwrap_or_default();
    ok(georeport::discovery(&format!("http://{host}{BASE}")))
}

async fn services(State(desk): State<Arc<Desk>>) -> Answer {
    ok(georeport::services(&desk.policy()?))
}

async fn definition(State(desk): State<Arc<Desk>>, Path(file): Path<String>) -> Answer {
    let code = name_of(&file)?;
    if !desk.service_names().contains_key(code) {
        return Err(DeskError::NotFound("service_code"));
    }
    ok(georeport::definition(code))
}

async fn list(State(desk): State<Arc<Desk>>, Query(pairs): Query<Pairs>) -> Answer {
    let params = Params::new(pairs);
    desk.key(&params)?;
    let names = desk.service_names();
    let name = |code: &str| names.get(code).cloned().unwrap_or_default();
    ok(desk.requests(&params).await?.iter().map(|r| georeport::request(r, &name(&r.new.service_code))).collect())
}

async fn add(State(desk): State<Arc<Desk>>, Form(pairs): Form<Pairs>) -> Answer {
    let params = Params::new(pairs);
    desk.key(&params)?;
    let id = desk.add_request(&params).await?;
    created(json!([{ "service_request_id": id.to_string(), "service_notice": "", "account_id": null }]))
}

async fn show(State(desk): State<Arc<Desk>>, Path(file): Path<String>, Query(pairs): Query<Pairs>) -> Answer {
    desk.key(&Params::new(pairs))?;
    let request = desk.request(name_of(&file)?).await?;
    let name = desk.service_names().get(&request.new.service_code).cloned().unwrap_or_default();
    ok(json!([georeport::request(&request, &name)]))
}

async fn updates(State(desk): State<Arc<Desk>>, Query(pairs): Query<Pairs>) -> Answer {
    let params = Params::new(pairs);
    desk.key(&params)?;
    ok(desk.updates(&params).await?.iter().map(georeport::update).collect())
}

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
        let body = json!([{ "code": status.as_u16(), "description": self.to_string() }]);
        (status, Json(body)).into_response()
    }
}
