//! GeoReport v2 over HTTP, in JSON and XML. Errors have Open311's own form.

use std::sync::Arc;

use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde_json::Value;

use super::document::Format;
use super::error::Refusal;
use super::form::Form;
use super::georeport;
use super::service::Facade;
use crate::http::form::{FormError, Pairs, read as read_pairs};
use crate::http::openapi::{OpenApiRouter, routes};

/// Where GeoReport begins. Not that of the desk, which may run in the same process.
pub const BASE: &str = "/facade/open311/v2";
/// The largest form: the largest content, each byte of it written as `%xx`, with room for the rest.
const MAX_FORM: usize = 256 << 10;
/// The longest `Idempotency-Key`.
const MAX_ONCE: usize = 255;
/// Requests that are shown at once.
const MAX_IDS: usize = 50;

type Shared = State<Arc<Facade>>;

pub fn router(facade: Arc<Facade>) -> OpenApiRouter {
    OpenApiRouter::default().routes(routes!(read, add)).routes(routes!(read_one)).with_state(facade)
}

fn answer(format: Format, status: StatusCode, root: &str, value: &Value) -> Response {
    (status, [(header::CONTENT_TYPE, format.media_type())], format.write(root, value)).into_response()
}

fn refuse(format: Format, refusal: &Refusal) -> Response {
    if let Refusal::Db(error) = refusal {
        tracing::error!(%error, "store");
    }
    let status = StatusCode::from_u16(refusal.parts().0).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = answer(format, status, "errors", &georeport::error(refusal));
    if let Some(seconds) = refusal.retry_after() {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

fn said(format: Format, root: &str, result: Result<Value, Refusal>) -> Response {
    match result {
        Ok(value) => answer(format, StatusCode::OK, root, &value),
        Err(refusal) => refuse(format, &refusal),
    }
}

/// Discovery, services, and requests by their ids.
#[utoipa::path(
    get, path = "/facade/open311/v2/{file}", tag = "facade", operation_id = "facade_read",
    params(
        ("file" = String, Path, description = "`discovery`, `services` or `requests`, with `.json` or `.xml`"),
        ("service_request_id" = Option<String>, Query, description = "Ids, with commas between"),
    ),
    responses(
        (status = 200, body = serde_json::Value, content_type = "application/json", description = "GeoReport v2; with `.xml`, this and every refusal as text/xml"),
        (status = 400, body = serde_json::Value, content_type = "application/json", description = "Requests without ids"),
        (status = 404, body = serde_json::Value, content_type = "application/json", description = "There is nothing of this name"),
        (status = 503, body = serde_json::Value, content_type = "application/json", description = "Come again"),
    )
)]
async fn read(State(f): Shared, Path(file): Path<String>, headers: HeaderMap, query: Query<Pairs>) -> Response {
    let (name, format) = Format::of(&file);
    match name {
        Some("discovery") => {
            let host = headers.get(header::HOST).and_then(|h| h.to_str().ok()).unwrap_or_default();
            let url = f.config.url.clone().unwrap_or_else(|| format!("http://{host}"));
            let base = format!("{}{BASE}", url.trim_end_matches('/'));
            answer(format, StatusCode::OK, "discovery", &georeport::discovery(&base))
        }
        Some("services") => {
            let services =
                f.host.categories().map_err(Refusal::from).map(|all| georeport::services(&all, &f.config.attributes));
            said(format, "services", services)
        }
        Some("requests") => said(format, "service_requests", some(&f, &Form::new(query.0)).await),
        _ => refuse(format, &Refusal::Address),
    }
}

/// The requests whose ids are named; one that is unknown is left out, as from any list.
async fn some(f: &Facade, query: &Form) -> Result<Value, Refusal> {
    let ids = query.get("service_request_id").ok_or(Refusal::List)?;
    let mut found = Vec::new();
    for id in ids.split(',').map(str::trim).take(MAX_IDS) {
        match f.status(id).await {
            Ok(view) => found.push(georeport::request(id, &view)),
            Err(Refusal::NotFound) => {}
            Err(refusal) => return Err(refusal),
        }
    }
    Ok(found.into())
}

/// The attributes of a service; one request, or one token, by its id.
#[utoipa::path(
    get, path = "/facade/open311/v2/{folder}/{file}", tag = "facade", operation_id = "facade_read_one",
    params(
        ("folder" = String, Path, description = "`services`, `requests` or `tokens`"),
        ("file" = String, Path, description = "A code or an id, with `.json` or `.xml`"),
    ),
    responses(
        (status = 200, body = serde_json::Value, content_type = "application/json", description = "GeoReport v2; with `.xml`, this and every refusal as text/xml"),
        (status = 404, body = serde_json::Value, content_type = "application/json", description = "There is nothing of this name"),
        (status = 503, body = serde_json::Value, content_type = "application/json", description = "Come again"),
    )
)]
async fn read_one(State(f): Shared, Path((folder, file)): Path<(String, String)>) -> Response {
    let (name, format) = Format::of(&file);
    let name = name.unwrap_or_default();
    match folder.as_str() {
        "services" => {
            let known = f.host.categories().map_err(Refusal::from).and_then(|all| {
                let found = all.iter().any(|c| c.code.as_str() == name);
                if found { Ok(georeport::definition(name, &f.config.attributes)) } else { Err(Refusal::Service) }
            });
            said(format, "service_definition", known)
        }
        "requests" => {
            let found = f.status(name).await.map(|view| Value::from(vec![georeport::request(name, &view)]));
            said(format, "service_requests", found)
        }
        "tokens" => said(format, "service_requests", f.status(name).await.map(|_| georeport::token(name))),
        _ => refuse(format, &Refusal::Address),
    }
}

/// A new request, sealed as it arrives.
#[utoipa::path(
    post, path = "/facade/open311/v2/{file}", tag = "facade", operation_id = "facade_add",
    params(("file" = String, Path, description = "`requests.json` or `requests.xml`")),
    request_body(content = std::collections::HashMap<String, String>, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 201, body = serde_json::Value, content_type = "application/json", description = "Its id, and the receipt"),
        (status = 400, body = serde_json::Value, content_type = "application/json", description = "A parameter is missing or wrong, or brings a file"),
        (status = 403, body = serde_json::Value, content_type = "application/json", description = "The key is missing or unknown"),
        (status = 404, body = serde_json::Value, content_type = "application/json", description = "No such service"),
        (status = 413, body = serde_json::Value, content_type = "application/json", description = "Longer than a report"),
        (status = 503, body = serde_json::Value, content_type = "application/json", description = "Send the same request again later"),
    )
)]
async fn add(State(f): Shared, Path(file): Path<String>, query: Query<Pairs>, request: Request) -> Response {
    let (name, format) = Format::of(&file);
    if name != Some("requests") {
        return refuse(format, &Refusal::Address);
    }
    let once = request.headers().get("idempotency-key").and_then(|v| v.to_str().ok());
    let once = once.filter(|v| v.len() <= MAX_ONCE).map(str::to_owned);
    let form = match read_form(query.0, request).await {
        Ok(form) => form,
        Err(refusal) => return refuse(format, &refusal),
    };
    match f.report(&form, once.as_deref()).await {
        Ok(created) => {
            let value = georeport::created(&created, &f.config.address);
            answer(format, StatusCode::CREATED, "service_requests", &value)
        }
        Err(refusal) => refuse(format, &refusal),
    }
}

/// Reads a form; clients also put the key into the query. Errors: `media` (files come as multipart), `media-type`,
/// `too-long`.
async fn read_form(query: Pairs, request: Request) -> Result<Form, Refusal> {
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    if kind.trim_start().to_ascii_lowercase().starts_with("multipart/") {
        return Err(Refusal::Media);
    }
    let form = read_pairs(request, MAX_FORM).await.map_err(|error| match error {
        FormError::TooLong => Refusal::TooLong,
        FormError::Kind => Refusal::Form,
    })?;
    Ok(Form::new([form, query].concat()))
}
