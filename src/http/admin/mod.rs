//! What the operator's own tools ask of a process: is it alive, is it ready, how much does it do.
//!
//! ```text
//! GET /healthz    200 while the process answers at all; otherwise restart it
//! GET /readyz     200 while all vital checks hold and it is not about to end, else 503; each check by name
//! GET /metrics    numbers for Prometheus
//! ```
//! On a listener of its own (`[listen] admin`), which nobody but the operator reaches.

mod counts;
mod text;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{MatchedPath, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};
use tabir_crypto::trust::Trust;
use tokio::time::Instant;

use super::check::Check;
use crate::clock::Clock;
use crate::ledger::Ledger;
use counts::Counts;

/// How long counts are held back where no policy says how long a window is.
const DAY_S: u64 = 86_400;
/// What a request that matches no route is counted under: its path is its sender's text.
const NO_ROUTE: &str = "none";

/// What runs at this moment; a reload replaces it.
pub struct Facts {
    /// What the process goes by.
    pub trust: Arc<Trust>,
    /// The governance log as it is followed.
    pub ledger: Ledger,
    /// What the roles say about themselves.
    pub checks: Vec<Check>,
    /// Number of the window that is open, where a role here knows it.
    pub window: Option<Arc<AtomicU64>>,
}

/// State of the listener.
pub struct Admin {
    clock: Clock,
    facts: Mutex<Arc<Facts>>,
    counts: Mutex<Counts>,
    ending: AtomicBool,
    reloaded: AtomicBool,
}

impl Admin {
    /// For a process that has just begun.
    #[must_use]
    pub fn new(clock: Clock, facts: Arc<Facts>) -> Self {
        let (facts, counts) = (Mutex::new(facts), Mutex::default());
        Self { clock, facts, counts, ending: AtomicBool::new(false), reloaded: AtomicBool::new(true) }
    }

    /// Other roles run from now on.
    pub fn replace(&self, facts: Arc<Facts>) {
        *self.facts.lock().unwrap_or_else(PoisonError::into_inner) = facts;
    }

    /// Whether the last reload was taken.
    pub fn reloaded(&self, taken: bool) {
        self.reloaded.store(taken, Ordering::Relaxed);
    }

    /// The process ends: it is not ready any more.
    pub fn end(&self) {
        self.ending.store(true, Ordering::Relaxed);
    }

    fn facts(&self) -> Arc<Facts> {
        Arc::clone(&self.facts.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Number and length in seconds of the window that counts are held back for: the public log's where it is known here,
    /// since what moved at other times would cut that window in two.
    fn window(&self) -> (u64, u64) {
        let facts = self.facts();
        let length = facts.ledger.view().state.policy().map_or(DAY_S, |policy| policy.window_s.max(1));
        let number = match &facts.window {
            Some(number) => number.load(Ordering::Relaxed),
            None => self.clock.now() / length,
        };
        (number, length)
    }

    fn counts<T>(&self, of: impl FnOnce(&mut Counts) -> T) -> T {
        let window = self.window();
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.roll(window);
        of(&mut counts)
    }

    /// Each check, and whether it holds.
    async fn checks(&self) -> Vec<(Check, bool)> {
        let (facts, mut found) = (self.facts(), Vec::new());
        for check in process(&facts, &self.clock).into_iter().chain(facts.checks.iter().cloned()) {
            let is = check.is().await;
            found.push((check, is));
        }
        found
    }
}

/// What every process says: it has read the governance log; witnesses have seen that lately. The second is not vital: an
/// outage of the outside body must not silence people.
fn process(facts: &Facts, clock: &Clock) -> [Check; 2] {
    let (view, now) = (facts.ledger.view(), clock.now());
    let (read, fresh) = (view.head.size > 0, view.is_fresh(&facts.trust, now));
    [Check::new("process", "governance", true, move || read), Check::new("process", "witnessed", false, move || fresh)]
}

/// Counts what a listener answers.
pub fn counted(admin: &Arc<Admin>, listener: &'static str, router: Router) -> Router {
    router.layer(middleware::from_fn_with_state((Arc::clone(admin), listener), count))
}

async fn count(State((admin, listener)): State<(Arc<Admin>, &'static str)>, request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().map_or(NO_ROUTE, MatchedPath::as_str).to_owned();
    let begun = Instant::now();
    let response = next.run(request).await;
    admin.counts(|counts| counts.add(listener, route, response.status().as_u16(), begun.elapsed()));
    response
}

/// The listener's routes.
pub fn routes(admin: Arc<Admin>) -> Router {
    Router::new()
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .with_state(admin)
}

async fn healthz() -> Json<Value> {
    Json(json!({"alive": true}))
}

async fn readyz(State(admin): State<Arc<Admin>>) -> Response {
    let (checks, ending) = (admin.checks().await, admin.ending.load(Ordering::Relaxed));
    let ready = !ending && checks.iter().all(|(check, is)| *is || !check.vital);
    let each = checks.iter().map(|(c, is)| json!({"role": c.role, "what": c.what, "vital": c.vital, "ok": is}));
    let body = json!({"ready": ready, "ending": ending, "checks": each.collect::<Vec<_>>()});
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(body)).into_response()
}

async fn metrics(State(admin): State<Arc<Admin>>) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text::text(&admin).await).into_response()
}
