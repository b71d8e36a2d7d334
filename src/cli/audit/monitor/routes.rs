//! `GET /metrics` on loopback.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;

use super::metrics::Numbers;

pub fn routes(numbers: Arc<Numbers>) -> Router {
    Router::new().route("/metrics", get(metrics)).with_state(numbers)
}

async fn metrics(State(numbers): State<Arc<Numbers>>) -> impl IntoResponse {
    ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], numbers.text())
}
