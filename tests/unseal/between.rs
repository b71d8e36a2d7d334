//! Somebody who sits between two parties: passes HTTP on, and does to it what the test says.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use serde_json::Value;
use tokio::sync::watch;

/// A change of what passes by.
type Change<T> = Box<dyn FnOnce(&mut T) + Send>;

/// What happens to one request.
pub enum Act {
    Pass,
    /// It never arrives.
    Drop,
    /// It arrives later, when the test says so; meanwhile no answer.
    Later,
    /// It arrives twice; the first answer is given, the second one's status is noted.
    Twice,
    /// Its body is changed on the way.
    Request(Change<Vec<u8>>),
    /// The answer's JSON is changed on the way.
    Answer(Change<Value>),
}

type Rule = Box<dyn FnMut(&Method, &str) -> Act + Send>;

struct Held {
    method: Method,
    url: String,
    headers: HeaderMap,
    body: Bytes,
}

struct Inner {
    upstream: Mutex<String>,
    http: reqwest::Client,
    rule: Mutex<Rule>,
    held: Mutex<Vec<Held>>,
    second: Mutex<Vec<u16>>,
}

pub struct Between {
    pub base: String,
    inner: Arc<Inner>,
    _stop: watch::Sender<bool>,
}

impl Between {
    pub async fn start() -> Self {
        let inner = Arc::new(Inner {
            upstream: Mutex::default(),
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
            rule: Mutex::new(Box::new(|_, _| Act::Pass)),
            held: Mutex::default(),
            second: Mutex::default(),
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let (stop, stopped) = watch::channel(false);
        let routes = Router::new().route("/{*path}", any(pass)).with_state(Arc::clone(&inner));
        tokio::spawn(tabir::http::server::serve(listener, routes, stopped));
        Self { base, inner, _stop: stop }
    }

    /// Takes the place of an address.
    pub fn before(&self, address: &mut String) {
        *self.inner.upstream.lock().unwrap() = std::mem::replace(address, self.base.clone());
    }

    pub fn rule(&self, rule: impl FnMut(&Method, &str) -> Act + Send + 'static) {
        *self.inner.rule.lock().unwrap() = Box::new(rule);
    }

    /// Changes the JSON of every answer to a path that ends so.
    pub fn edit(&self, end: &str, change: impl Fn(&mut Value) + Clone + Send + 'static) {
        let end = end.to_owned();
        self.rule(move |_, path| {
            let change = change.clone();
            if path.ends_with(&end) { Act::Answer(Box::new(move |v| change(v))) } else { Act::Pass }
        });
    }

    pub fn pass(&self) {
        self.rule(|_, _| Act::Pass);
    }

    /// Statuses of what came a second time.
    pub fn second(&self) -> Vec<u16> {
        std::mem::take(&mut self.inner.second.lock().unwrap())
    }

    /// What was held arrives now. Gives the statuses.
    pub async fn deliver(&self) -> Vec<u16> {
        let held = std::mem::take(&mut *self.inner.held.lock().unwrap());
        let mut statuses = Vec::new();
        for one in held {
            let sent = self.inner.http.request(one.method, one.url).headers(one.headers).body(one.body).send();
            statuses.push(sent.await.unwrap().status().as_u16());
        }
        statuses
    }
}

async fn pass(State(inner): State<Arc<Inner>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let mut body = axum::body::to_bytes(body, usize::MAX).await.unwrap().to_vec();
    let path = parts.uri.path_and_query().unwrap().as_str().to_owned();
    let act = (inner.rule.lock().unwrap())(&parts.method, &path);
    let url = format!("{}{path}", inner.upstream.lock().unwrap());
    let mut headers = parts.headers;
    headers.remove(header::HOST);
    headers.remove(header::CONTENT_LENGTH);
    let nothing = || StatusCode::BAD_GATEWAY.into_response();
    match &act {
        Act::Drop => return nothing(),
        Act::Later => {
            let held = Held { method: parts.method, url, headers, body: body.into() };
            inner.held.lock().unwrap().push(held);
            return nothing();
        }
        _ => {}
    }
    let act = match act {
        Act::Request(change) => {
            change(&mut body);
            Act::Pass
        }
        other => other,
    };
    let send = || inner.http.request(parts.method.clone(), &url).headers(headers.clone()).body(body.clone()).send();
    let Ok(sent) = send().await else { return nothing() };
    let (status, answered) = (sent.status(), sent.headers().clone());
    let mut bytes = sent.bytes().await.unwrap().to_vec();
    match act {
        Act::Twice => {
            let again = send().await.unwrap().status().as_u16();
            inner.second.lock().unwrap().push(again);
        }
        Act::Answer(change) if status.is_success() => {
            let mut value: Value = serde_json::from_slice(&bytes).unwrap();
            change(&mut value);
            bytes = serde_json::to_vec(&value).unwrap();
        }
        _ => {}
    }
    let mut response = Response::new(Body::from(bytes));
    *response.status_mut() = status;
    for name in ["content-type", "tabir-tree-size"] {
        if let Some(value) = answered.get(name) {
            response.headers_mut().insert(header::HeaderName::from_static(name), value.clone());
        }
    }
    response
}

/// Changes one byte in the middle of a text of hex or base64.
pub fn spoil(value: &mut Value) {
    let text = value.as_str().unwrap();
    let at = text.len() / 2;
    let other = if text.as_bytes()[at] == b'a' { "b" } else { "a" };
    *value = format!("{}{other}{}", &text[..at], &text[at + 1..]).into();
}
