//! Between one device and the board: it breaks off where it is told to, and shows what a board that helps a cheat would.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use tabir::api::council::Messages;
use tabir_crypto::json;
use tabir_crypto::statement::Statement;
use tokio::sync::{Notify, watch};

/// By the path, what the board answered; what the device gets.
type Alter = dyn Fn(&str, Vec<u8>) -> Vec<u8> + Send + Sync;

/// What becomes of a POST.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Post {
    /// It goes through.
    Through,
    /// The device hears that it was taken, and the board hears nothing.
    Swallowed,
    /// The device dies before the board has it.
    DiesBefore,
    /// The board has it, and the device dies before it hears so.
    DiesAfter,
}

type Judge = dyn Fn(&Statement) -> Post + Send + Sync;

pub struct Proxy {
    pub url: String,
    script: Arc<Script>,
    _stop: watch::Sender<bool>,
}

struct Script {
    /// Where the board is now: it may have been restarted elsewhere.
    upstream: Arc<Mutex<String>>,
    http: reqwest::Client,
    alter: Box<Alter>,
    judge: Box<Judge>,
    died: Notify,
}

impl Proxy {
    pub async fn start(
        upstream: &Arc<Mutex<String>>,
        judge: impl Fn(&Statement) -> Post + Send + Sync + 'static,
        alter: impl Fn(&str, Vec<u8>) -> Vec<u8> + Send + Sync + 'static,
    ) -> Self {
        let script = Arc::new(Script {
            upstream: Arc::clone(upstream),
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
            alter: Box::new(alter),
            judge: Box::new(judge),
            died: Notify::new(),
        });
        let routes = Router::new().route("/{*path}", any(pass)).with_state(Arc::clone(&script));
        let (url, stop) = super::world::serve(routes).await;
        Self { url, script, _stop: stop }
    }

    /// Shows other messages of ceremonies.
    pub async fn showing(
        upstream: &Arc<Mutex<String>>,
        messages: impl Fn(Vec<Statement>) -> Vec<Statement> + Send + Sync + 'static,
    ) -> Self {
        let alter = move |path: &str, body: Vec<u8>| {
            if !path.starts_with("/council/messages?") {
                return body;
            }
            let all: Messages = json::from_slice(&body).unwrap();
            json::to_vec(&Messages { messages: messages(all.messages), ..all }).unwrap()
        };
        Self::start(upstream, |_| Post::Through, alter).await
    }

    /// Decides on each statement that is posted.
    pub async fn posting(
        upstream: &Arc<Mutex<String>>,
        judge: impl Fn(&Statement) -> Post + Send + Sync + 'static,
    ) -> Self {
        Self::start(upstream, judge, |_, body| body).await
    }

    /// The device's power goes at its first POST of each statement before the board has it, and at the second one after.
    pub async fn dying(upstream: &Arc<Mutex<String>>, deaths: &Arc<Deaths>) -> Self {
        let deaths = Arc::clone(deaths);
        Self::posting(upstream, move |posted| deaths.judge(posted)).await
    }

    /// Waits for that.
    pub async fn died(&self) {
        self.script.died.notified().await;
    }
}

/// How often each statement has been posted.
#[derive(Default)]
pub struct Deaths(Mutex<BTreeMap<Vec<u8>, usize>>);

impl Deaths {
    fn judge(&self, posted: &Statement) -> Post {
        let mut counts = self.0.lock().unwrap();
        let count = counts.entry(posted.to_bytes()).or_default();
        *count += 1;
        match count {
            1 => Post::DiesBefore,
            2 => Post::DiesAfter,
            _ => Post::Through,
        }
    }

    /// How many different statements there were.
    pub fn statements(&self) -> usize {
        self.0.lock().unwrap().len()
    }
}

async fn pass(State(script): State<Arc<Script>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let path = parts.uri.path_and_query().unwrap().as_str().to_owned();
    let posted = if parts.method == Method::POST { Statement::parse(&body).ok() } else { None };
    let post = posted.as_ref().map_or(Post::Through, |posted| (script.judge)(posted));
    match post {
        Post::Swallowed => return answer(StatusCode::OK, HeaderMap::new(), Bytes::from_static(b"{\"v\":1}")),
        Post::DiesBefore => {
            script.died.notify_one();
            return std::future::pending().await;
        }
        Post::Through | Post::DiesAfter => {}
    }
    let url = format!("{}{path}", script.upstream.lock().unwrap());
    let mut headers = parts.headers;
    headers.remove(header::HOST);
    let Ok(sent) = script.http.request(parts.method, url).headers(headers).body(body).send().await else {
        return answer(StatusCode::BAD_GATEWAY, HeaderMap::new(), Bytes::new());
    };
    let (status, mut headers) = (sent.status(), sent.headers().clone());
    let real = sent.bytes().await.unwrap().to_vec();
    if post == Post::DiesAfter {
        script.died.notify_one();
        return std::future::pending().await;
    }
    headers.remove(header::CONTENT_LENGTH);
    headers.remove(header::TRANSFER_ENCODING);
    let shown = if status.is_success() { (script.alter)(&path, real) } else { real };
    answer(status, headers, shown.into())
}

fn answer(status: StatusCode, headers: HeaderMap, body: Bytes) -> Response {
    (status, headers, body).into_response()
}
