//! A downstream that misbehaves: it passes requests on to a real desk, and answers as it is told.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::serve;

/// What goes wrong with a POST.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    None,
    /// 500, and nothing stored.
    Down,
    /// Stored, and 500.
    StoredThen500,
    /// Stored, and an empty list.
    StoredThenNothing,
    /// Stored, and the answer names it twice.
    Twice,
    /// Stored, and a token to poll, as the standard allows.
    Token,
    /// 400, and nothing stored.
    Refuses,
    /// Stored, and no answer ever.
    StoredThenSilent,
    /// 429 with `Retry-After`, and nothing stored.
    Busy,
    /// Stored, and answered after a while.
    Slow,
}

/// What a busy one asks for, in seconds.
pub const RETRY_AFTER: &str = "120";
/// How long a slow one takes.
const SLOW: std::time::Duration = std::time::Duration::from_millis(300);

/// Between a forwarder and its desk.
#[derive(Clone)]
pub struct FaultProxy {
    pub base: String,
    state: Arc<Mutex<Script>>,
    _stop: Arc<watch::Sender<bool>>,
}

struct Script {
    upstream: String,
    http: reqwest::Client,
    fault: Fault,
    updates: Option<Value>,
    posts: usize,
}

impl FaultProxy {
    pub async fn start(upstream: &str) -> Self {
        let script = Script {
            upstream: upstream.to_owned(),
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
            fault: Fault::None,
            updates: None,
            posts: 0,
        };
        let state = Arc::new(Mutex::new(script));
        let (base, stop) = serve(Router::new().route("/{*path}", any(pass)).with_state(Arc::clone(&state))).await;
        Self { base, state, _stop: Arc::new(stop) }
    }

    /// Passes requests on to another server from now on.
    pub fn lead_to(&self, upstream: &str) {
        self.state.lock().unwrap().upstream = upstream.to_owned();
    }

    pub fn set(&self, fault: Fault) {
        self.state.lock().unwrap().fault = fault;
    }

    /// How many POSTs came so far.
    pub fn posts(&self) -> usize {
        self.state.lock().unwrap().posts
    }

    /// Lists exactly these updates, whatever is asked for.
    pub fn list_updates(&self, updates: Value) {
        self.state.lock().unwrap().updates = Some(updates);
    }
}

async fn pass(State(state): State<Arc<Mutex<Script>>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let path = parts.uri.path_and_query().unwrap().as_str().to_owned();
    let post = parts.method == Method::POST;
    let (url, http, fault, updates) = {
        let mut script = state.lock().unwrap();
        script.posts += usize::from(post);
        let updates = script.updates.clone().filter(|_| path.contains("/servicerequestupdates.json"));
        (format!("{}{path}", script.upstream), script.http.clone(), script.fault, updates)
    };
    if let (false, Some(updates)) = (post, updates) {
        return answer(StatusCode::OK, updates.to_string().into());
    }
    match fault {
        Fault::Down => return answer(StatusCode::INTERNAL_SERVER_ERROR, Bytes::new()),
        Fault::Busy if post => {
            return (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, RETRY_AFTER)]).into_response();
        }
        Fault::Refuses if post => return answer(StatusCode::BAD_REQUEST, Bytes::from_static(b"[]")),
        _ => {}
    }
    let kind = parts.headers.get(header::CONTENT_TYPE).map_or("", |v| v.to_str().unwrap()).to_owned();
    let sent = http.request(parts.method, url).header(header::CONTENT_TYPE, kind).body(body).send().await.unwrap();
    let status = sent.status();
    let real = sent.bytes().await.unwrap();
    match fault {
        Fault::Slow => {
            tokio::time::sleep(SLOW).await;
            answer(status, real)
        }
        Fault::StoredThen500 if post => answer(StatusCode::INTERNAL_SERVER_ERROR, Bytes::new()),
        Fault::StoredThenSilent if post => std::future::pending().await,
        Fault::StoredThenNothing if post => answer(StatusCode::OK, Bytes::from_static(b"[]")),
        Fault::Token if post => answer(StatusCode::OK, json!([{ "token": "later" }]).to_string().into()),
        Fault::Twice if post => {
            let one: Value = serde_json::from_slice(&real).unwrap();
            answer(status, json!([one[0], one[0]]).to_string().into())
        }
        _ => answer(status, real),
    }
}

fn answer(status: StatusCode, body: Bytes) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}
