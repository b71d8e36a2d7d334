//! A real desk on loopback, and calls to it.

use std::sync::Arc;

use axum::http::Method;
use serde_json::Value;
use tabir::clock::Clock;
use tabir::config::keys::write_private;
use tabir::desk::{BASE, CONNECTOR_KEY, Countersigner, OFFICER_KEY, Policy, start_with};
use tabir::http::openapi::with_document;
use tempfile::TempDir;
use tokio::sync::watch;

use super::{policy, serve};

/// 2026-11-25T00:26:40Z.
pub const NOW: u64 = 1_795_566_400;
/// API keys of the desk.
pub const CONNECTOR: &str = "connector-key";
pub const OFFICER: &str = "officer-key";

/// A desk that runs until it is dropped.
pub struct RunningDesk {
    pub base: String,
    pub dir: TempDir,
    http: reqwest::Client,
    _stop: watch::Sender<bool>,
}

impl RunningDesk {
    pub async fn start(clock: Clock) -> Self {
        Self::start_as(clock, None).await
    }

    /// One that countersigns under this name, or none.
    pub async fn start_as(clock: Clock, countersign: Option<&str>) -> Self {
        let policy: Policy = Arc::new(|| Some(policy(NOW, 60, 60, 60)));
        let dir = tempfile::tempdir().unwrap();
        write_private(&dir.path().join(CONNECTOR_KEY), CONNECTOR.as_bytes()).unwrap();
        write_private(&dir.path().join(OFFICER_KEY), OFFICER.as_bytes()).unwrap();
        let open = |name| Countersigner::open(dir.path(), name, super::world::ORIGIN).unwrap();
        let parts = start_with(clock, dir.path(), policy, countersign.map(open)).await.unwrap();
        let (base, stop) = serve(with_document(parts.public)).await;
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { base, dir, http, _stop: stop }
    }

    /// The GeoReport endpoint.
    pub fn url(&self) -> String {
        format!("{}{BASE}", self.base)
    }

    pub async fn get(&self, path: &str, key: &str, query: &[(&str, &str)]) -> Result<Value, (u16, Value)> {
        let mut url = reqwest::Url::parse(&format!("{}/{path}", self.url())).unwrap();
        url.query_pairs_mut().append_pair("api_key", key).extend_pairs(query);
        read(self.http.get(url).send().await.unwrap()).await
    }

    pub async fn post(&self, path: &str, key: &str, form: &[(&str, &str)]) -> Result<Value, (u16, Value)> {
        let mut pairs = reqwest::Url::parse("http://form.invalid").unwrap();
        pairs.query_pairs_mut().append_pair("api_key", key).extend_pairs(form);
        let request = self.http.request(Method::POST, format!("{}/{path}", self.url()));
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        read(request.body(pairs.query().unwrap().to_owned()).send().await.unwrap()).await
    }
}

async fn read(answer: reqwest::Response) -> Result<Value, (u16, Value)> {
    let status = answer.status();
    let body = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
    if status.is_success() { Ok(body) } else { Err((status.as_u16(), body)) }
}
