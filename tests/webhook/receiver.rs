//! A complaint system as its programmers would write it from docs/webhook.md, with a script of bad days.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::Value;
use sha2::Sha256;
use tabir::clock::Clock;
use tabir::config::keys::write_private;
use tabir::config::webhook::Webhook;
use tokio::sync::watch;

use crate::common::desk::{NOW, RunningDesk};
use crate::common::forwarding::World;
use crate::common::serve;

pub const SECRET: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
pub const OTHER: &str = "whsec_ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=";

/// What the receiver does with the next message.
#[derive(Clone, Debug)]
pub enum Day {
    /// Takes it and answers so, with this body.
    Takes(u16, Vec<u8>),
    /// Answers so and keeps nothing.
    Refuses(u16, Vec<(&'static str, String)>),
    /// Takes it, and no answer ever comes.
    TakesAndIsSilent,
}

/// A message as it came.
#[derive(Clone, Debug)]
pub struct Came {
    pub id: String,
    pub timestamp: String,
    pub signature: String,
    pub body: Value,
}

#[derive(Default)]
pub struct Script {
    pub days: VecDeque<Day>,
    /// Everything that came with a right signature.
    pub came: Vec<Came>,
    /// What it did, each id once.
    pub effects: Vec<Value>,
    /// What it lists when it is asked, signed under this id instead of the question's, if there is one.
    pub news: Vec<Value>,
    pub other_id: Option<String>,
    secret: String,
    seen: BTreeSet<String>,
}

#[derive(Clone)]
pub struct Receiver {
    pub base: String,
    state: Arc<(Clock, Mutex<Script>)>,
    _stop: Arc<watch::Sender<bool>>,
}

/// HMAC as Standard Webhooks has it, written anew: not the code that is tested.
pub fn sign(secret: &str, id: &str, timestamp: &str, body: &[u8]) -> String {
    let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
    mac.update(format!("{id}.{timestamp}.").as_bytes());
    mac.update(body);
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}

fn text(headers: &HeaderMap, name: &str) -> String {
    headers.get(name).map(|v| v.to_str().unwrap().to_owned()).unwrap_or_default()
}

async fn take(State(state): State<Arc<(Clock, Mutex<Script>)>>, headers: HeaderMap, bytes: Bytes) -> Response {
    let (id, timestamp) = (text(&headers, "webhook-id"), text(&headers, "webhook-timestamp"));
    let signature = text(&headers, "webhook-signature");
    let day = {
        let mut script = state.1.lock().unwrap();
        let right = sign(&script.secret, &id, &timestamp, &bytes);
        if !signature.split(' ').any(|one| one == right) || timestamp != state.0.now().to_string() {
            return StatusCode::UNAUTHORIZED.into_response();
        }
        let body: Value = serde_json::from_slice(&bytes).unwrap();
        script.came.push(Came { id: id.clone(), timestamp, signature, body: body.clone() });
        let day = script.days.pop_front().unwrap_or(Day::Takes(204, Vec::new()));
        if !matches!(day, Day::Refuses(..)) && script.seen.insert(id) {
            script.effects.push(body);
        }
        day
    };
    match day {
        Day::Takes(status, body) => (StatusCode::from_u16(status).unwrap(), body).into_response(),
        Day::Refuses(status, headers) => {
            let mut response = StatusCode::from_u16(status).unwrap().into_response();
            for (name, value) in headers {
                response.headers_mut().insert(name, value.parse().unwrap());
            }
            response
        }
        Day::TakesAndIsSilent => std::future::pending().await,
    }
}

async fn news(State(state): State<Arc<(Clock, Mutex<Script>)>>, headers: HeaderMap, bytes: Bytes) -> Response {
    let (id, timestamp) = (text(&headers, "webhook-id"), text(&headers, "webhook-timestamp"));
    let script = state.1.lock().unwrap();
    assert_eq!(text(&headers, "webhook-signature"), sign(SECRET, &id, &timestamp, &bytes));
    let asked: Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(asked["type"], "updates.wanted");
    let body = serde_json::json!({ "updates": script.news }).to_string();
    let (id, now) = (script.other_id.clone().unwrap_or(id), state.0.now().to_string());
    let signature = sign(&script.secret, &id, &now, body.as_bytes());
    ([("webhook-id", id), ("webhook-timestamp", now), ("webhook-signature", signature)], body).into_response()
}

impl Receiver {
    pub async fn start(clock: &Clock) -> Self {
        let script = Script { secret: SECRET.into(), ..Script::default() };
        let state = Arc::new((clock.clone(), Mutex::new(script)));
        let router = Router::new().route("/tabir", post(take)).route("/news", post(news));
        let (base, stop) = serve(router.with_state(Arc::clone(&state))).await;
        Self { base, state, _stop: Arc::new(stop) }
    }

    pub fn script(&self) -> MutexGuard<'_, Script> {
        self.state.1.lock().unwrap()
    }

    pub fn next(&self, day: Day) {
        self.script().days.push_back(day);
    }

    pub fn uses(&self, secret: &str) {
        self.script().secret = secret.into();
    }

    pub fn effects(&self) -> Vec<Value> {
        self.script().effects.clone()
    }
}

/// A forwarder that posts to the receiver, which `front` may stand before.
pub async fn world(
    front: impl AsyncFnOnce(&str) -> String,
    change: impl FnOnce(&mut Webhook, &Receiver),
) -> (World, Receiver) {
    let clock = Clock::manual(NOW);
    let receiver = Receiver::start(&clock).await;
    let url = format!("{}/tabir", front(&receiver.base).await);
    let desk = RunningDesk::start(clock.clone()).await;
    let world = World::start_to(desk, clock, url, |config| {
        let secret = config.dir.join("webhook.secret");
        write_private(&secret, SECRET.as_bytes()).unwrap();
        let mut webhook = Webhook { secret_files: vec![secret], ed25519: false, listen: None, updates_url: None };
        change(&mut webhook, &receiver);
        (config.api_key_file, config.webhook) = (None, Some(webhook));
    });
    (world.await, receiver)
}

pub async fn direct(base: &str) -> String {
    base.to_owned()
}
