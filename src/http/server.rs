//! The server's outer layers: limits, safe headers, a log line without anything personal.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::timeout::TimeoutLayer;

use super::check::Check;
use super::connections::{self, INTERNAL, PUBLIC};
use super::openapi::{self, OpenApiRouter};
use super::problem::Problem;

/// The largest body: a lease of calls; each route's own limit is below it.
const MAX_BODY: usize = 4 << 20;
/// A request that takes longer is given up.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Work in the background; it ends when the process is told to.
pub type Background = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What a role hands to the process that runs it.
#[derive(Default)]
pub struct Parts {
    /// Routes for everybody.
    pub public: OpenApiRouter,
    /// Routes for signed calls of other roles.
    pub internal: OpenApiRouter,
    /// Loops that run beside the routes; each watches `Setup::stop`.
    pub background: Vec<Background>,
    /// What the role says about itself to its operator.
    pub checks: Vec<Check>,
    /// Number of the window that is open, from the role that knows it.
    pub window: Option<Arc<AtomicU64>>,
}

/// What the roles of a process handed in, together.
pub struct Gathered {
    /// Public and internal routes.
    pub routers: [Router; 2],
    /// See [`Parts`].
    pub checks: Vec<Check>,
    /// See [`Parts`].
    pub window: Option<Arc<AtomicU64>>,
}

/// 405, for a method that an address does not take.
pub(super) async fn method_not_allowed() -> Problem {
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method", "This address does not take this method.")
}

/// Wraps a router in what every listener has.
pub fn finish(router: Router) -> Router {
    router
        .fallback(|| async { Problem::new(StatusCode::NOT_FOUND, "not-found", "There is nothing at this address.") })
        .method_not_allowed_fallback(method_not_allowed)
        .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, TIMEOUT))
        .layer(RequestBodyLimitLayer::new(MAX_BODY))
        .layer(middleware::map_response(in_our_words))
        // The last is the outermost: what the others refuse has its headers too, and is cached by nobody.
        .layer(middleware::from_fn(outer))
}

/// An error that the framework or a layer answers by itself is plain text, or has no body: it becomes a problem document.
async fn in_our_words(response: Response) -> Response {
    let status = response.status();
    let kind = response.headers().get(header::CONTENT_TYPE).map(HeaderValue::as_bytes);
    let ours = kind.is_some_and(|kind| !kind.starts_with(b"text/plain"));
    if ours || !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let (code, title) = match status {
        StatusCode::PAYLOAD_TOO_LARGE => return Problem::too_large().into_response(),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => ("media-type", "Send the media type that this address takes."),
        StatusCode::SERVICE_UNAVAILABLE => {
            ("timeout", "The server took too long; what became of it is not known. Try again.")
        }
        _ if status.is_server_error() => return Problem::internal().into_response(),
        _ => ("request", "The request's address, query or headers are malformed."),
    };
    Problem::new(status, code, title).into_response()
}

/// Matched route, method and status: never an address, a query or a header.
async fn outer(request: Request, next: Next) -> Response {
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().map_or("unmatched", |p| p.as_str()).to_owned();
    let mut response = next.run(request).await;
    tracing::debug!(route, %method, status = response.status().as_u16(), "request");
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    ] {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

/// Serves until told to stop.
pub async fn serve(listener: TcpListener, router: Router, stop: watch::Receiver<bool>) -> std::io::Result<()> {
    // The receiver keeps the router after its sender is gone.
    connections::serve(listener, watch::channel(finish(router)).1, PUBLIC, stop).await
}

/// Opens the listeners that have routes, and runs everything. The tasks end when `stop` becomes true. Error: an address
/// that can't be had.
pub async fn run(
    parts: Vec<Parts>,
    public: SocketAddr,
    internal: SocketAddr,
    stop: &watch::Receiver<bool>,
) -> Result<JoinSet<std::io::Result<()>>, (SocketAddr, std::io::Error)> {
    let mut tasks = JoinSet::new();
    let [public_routes, internal_routes] = gather(parts, &mut tasks).routers;
    for (address, seats, router) in [(public, PUBLIC, public_routes), (internal, INTERNAL, internal_routes)] {
        if router.has_routes() {
            let routes = watch::channel(finish(router)).1;
            open(address, routes, seats, &mut tasks, stop).await.map_err(|e| (address, e))?;
        }
    }
    Ok(tasks)
}

/// Puts together what roles hand in, and spawns their work.
pub fn gather(parts: Vec<Parts>, work: &mut JoinSet<std::io::Result<()>>) -> Gathered {
    let (mut public, mut internal) = (OpenApiRouter::default(), OpenApiRouter::default());
    let (mut checks, mut window) = (Vec::new(), None);
    for part in parts {
        (public, internal) = (public.merge(part.public), internal.merge(part.internal));
        checks.extend(part.checks);
        window = window.or(part.window);
        for loops in part.background {
            work.spawn(async move {
                loops.await;
                Ok(())
            });
        }
    }
    Gathered { routers: [public, internal].map(described), checks, window }
}

/// Routes with the document of their addresses; none without any.
fn described(router: OpenApiRouter) -> Router {
    if Router::from(router.clone()).has_routes() { openapi::with_document(router) } else { Router::new() }
}

/// Opens a listener, which serves the routes of each moment until `stop` becomes true.
pub async fn open(
    address: SocketAddr,
    routes: watch::Receiver<Router>,
    seats: usize,
    tasks: &mut JoinSet<std::io::Result<()>>,
    stop: &watch::Receiver<bool>,
) -> std::io::Result<()> {
    let listener = TcpListener::bind(address).await?;
    tasks.spawn(connections::serve(listener, routes, seats, stop.clone()));
    Ok(())
}

/// Reads strict JSON of a schema from a body that says it is JSON. Errors: 415 `media-type`, 400 with the parser's code.
pub fn read_json<T: tabir_crypto::json::Schema>(headers: &HeaderMap, body: &Bytes) -> Result<T, Problem> {
    require_type(headers, "application/json")?;
    Ok(tabir_crypto::json::from_slice(body)?)
}

/// The media type must be exactly this one, without parameters. Error: 415 `media-type`.
pub fn require_type(headers: &HeaderMap, want: &str) -> Result<(), Problem> {
    if headers.get(header::CONTENT_TYPE).is_some_and(|v| v.as_bytes() == want.as_bytes()) {
        Ok(())
    } else {
        Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "media-type",
            "Send the media type that this address takes.",
        ))
    }
}
