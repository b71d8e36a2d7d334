//! `GET /metrics` on loopback.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;

use super::metrics::Numbers;
use crate::http::openapi::{OpenApiRouter, routes};

pub fn router(numbers: Arc<Numbers>) -> OpenApiRouter {
    OpenApiRouter::default().routes(routes!(metrics)).with_state(numbers)
}

/// What the monitor counted, for Prometheus.
#[utoipa::path(
    get, path = "/metrics", tag = "monitor",
    responses((status = 200, body = String, content_type = "text/plain; version=0.0.4; charset=utf-8", description = "Numbers alone"))
)]
async fn metrics(State(numbers): State<Arc<Numbers>>) -> impl IntoResponse {
    ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], numbers.text())
}
