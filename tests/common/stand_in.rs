//! A GeoReport v2 server as they really are, each habit a switch. It was written from the specification and from what
//! FixMyStreet's client meets at councils, and shares no code with the forwarder.

use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::serve;

/// How it names what it took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ids {
    /// `R-1`, `R-2`, …
    Text,
    /// 0, 1, 2, … as numbers.
    FromZero,
    /// A token; the id after so many polls.
    Token(usize),
    /// Nothing.
    None,
}

/// How it misbehaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    None,
    /// 429 with this `Retry-After`, nothing done.
    Busy(String),
    /// Everything is done, and answered by 302 to this address.
    Redirect(String),
    /// Everything is done, and answered by 200 with these headers and bytes.
    Says(Vec<(&'static str, &'static str)>, Vec<u8>),
    /// A POST is stored and answered by 500.
    StoredThen500,
    /// 500, nothing done.
    Down,
}

/// Its switches and what it has.
pub struct Server {
    pub xml: bool,
    pub key: Option<&'static str>,
    pub jurisdiction: Option<&'static str>,
    /// Anybody reads `GET requests`.
    pub public: bool,
    pub ids: Ids,
    /// 400 on a parameter that GeoReport v2 does not have.
    pub strict: bool,
    /// It has `GET requests`.
    pub lists: bool,
    /// Its lists have no descriptions.
    pub hides_text: bool,
    /// It has `servicerequestupdates`.
    pub updates: bool,
    /// Coordinates or nothing.
    pub needs_coordinates: bool,
    pub fault: Fault,
    /// The fault is one of POSTs alone.
    pub only_posts: bool,
    pub requests: Vec<Vec<(String, String)>>,
    /// `(status, status_notes, updated_datetime)` of each.
    pub states: Vec<(String, String, String)>,
    /// What `GET servicerequestupdates` lists.
    pub said: Vec<Value>,
    /// Updates that clients posted.
    pub posted: Vec<Vec<(String, String)>>,
    /// Every call as `METHOD path`.
    pub calls: Vec<String>,
    polls: usize,
}

type Shared = Arc<Mutex<Server>>;

/// One that runs until it is dropped.
pub struct StandIn {
    pub base: String,
    state: Shared,
    _stop: watch::Sender<bool>,
}

/// When everything happens there.
pub const WHEN: &str = "2026-11-25T08:00:00+07:00";

/// The mapping that fits it.
pub const MAPPING: &str = "
[categories.pothole]
service = \"RD 12\"
[categories.pothole.attributes]
DEPTH = { attribute = \"depth\", values = { \"30 cm\" = \"D3\" }, default = \"D1\" }
[categories.corruption]
service = \"COR\"
";

const PREFIX: &str = "/georeport/v2/";

impl StandIn {
    pub async fn start(change: impl FnOnce(&mut Server)) -> Self {
        let mut server = Server {
            xml: false,
            key: None,
            jurisdiction: None,
            public: false,
            ids: Ids::Text,
            strict: false,
            lists: true,
            hides_text: false,
            updates: true,
            needs_coordinates: false,
            fault: Fault::None,
            only_posts: false,
            requests: Vec::new(),
            states: Vec::new(),
            said: Vec::new(),
            posted: Vec::new(),
            calls: Vec::new(),
            polls: 0,
        };
        change(&mut server);
        let state = Arc::new(Mutex::new(server));
        let (base, stop) = serve(Router::new().route("/{*path}", any(answer)).with_state(Arc::clone(&state))).await;
        Self { base: format!("{base}{}", PREFIX.trim_end_matches('/')), state, _stop: stop }
    }

    pub fn state(&self) -> MutexGuard<'_, Server> {
        self.state.lock().unwrap()
    }

    /// A parameter of the request with this number.
    pub fn parameter(&self, number: usize, name: &str) -> Option<String> {
        get(&self.state().requests[number], name).map(str::to_owned)
    }

    pub fn descriptions(&self) -> Vec<String> {
        let state = self.state();
        state.requests.iter().map(|r| get(r, "description").unwrap_or_default().to_owned()).collect()
    }
}

fn get<'p>(pairs: &'p [(String, String)], name: &str) -> Option<&'p str> {
    pairs.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
}

fn pairs(text: &str) -> Vec<(String, String)> {
    let mut url = reqwest::Url::parse("http://x.invalid/").unwrap();
    url.set_query(Some(text));
    url.query_pairs().map(|(n, v)| (n.into_owned(), v.into_owned())).collect()
}

async fn answer(State(state): State<Shared>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let mut server = state.lock().unwrap();
    let path = parts.uri.path().to_owned();
    server.calls.push(format!("{} {path}", parts.method));
    let post = parts.method == Method::POST;
    let given = pairs(if post { std::str::from_utf8(&body).unwrap() } else { parts.uri.query().unwrap_or_default() });
    let fault = if post || !server.only_posts { server.fault.clone() } else { Fault::None };
    match fault.clone() {
        Fault::Busy(after) => {
            let headers = [(header::RETRY_AFTER, after), (header::CONTENT_TYPE, "application/json".into())];
            return (StatusCode::TOO_MANY_REQUESTS, headers, "[]").into_response();
        }
        Fault::Down => return StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        _ => {}
    }
    let (status, root, value) = server.handle(post, &path, &given);
    match fault {
        Fault::Redirect(to) => return (StatusCode::FOUND, [(header::LOCATION, to)]).into_response(),
        Fault::StoredThen500 if post => return StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        Fault::Says(headers, bytes) => {
            let headers = headers.into_iter().map(|(n, v)| (HeaderName::from_static(n), HeaderValue::from_static(v)));
            return (headers.collect::<HeaderMap>(), bytes).into_response();
        }
        _ => {}
    }
    let (kind, text) = if server.xml {
        ("text/xml; charset=utf-8", format!("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n{}", xml(root, &value)))
    } else {
        ("application/json; charset=utf-8", value.to_string())
    };
    (status, [(header::CONTENT_TYPE, kind)], Bytes::from(text)).into_response()
}

/// What a list's elements are called.
fn item(list: &str) -> &'static str {
    match list {
        "services" => "service",
        "service_requests" => "request",
        "service_requests_updates" | "service_request_updates" => "request_update",
        "attributes" => "attribute",
        "values" => "value",
        "errors" => "error",
        _ => "item",
    }
}

fn xml(name: &str, value: &Value) -> String {
    let inner = match value {
        Value::Array(list) => list.iter().map(|v| xml(item(name), v)).collect(),
        Value::Object(fields) => fields.iter().map(|(n, v)| xml(n, v)).collect(),
        Value::String(text) => text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;"),
        Value::Null => String::new(),
        other => other.to_string(),
    };
    format!("<{name}>{inner}</{name}>")
}

/// Parameters of GeoReport v2's `POST Service Request`.
const KNOWN: [&str; 15] = [
    "api_key",
    "jurisdiction_id",
    "service_code",
    "lat",
    "long",
    "address_string",
    "address_id",
    "email",
    "device_id",
    "account_id",
    "first_name",
    "last_name",
    "phone",
    "description",
    "media_url",
];

impl Server {
    fn handle(&mut self, post: bool, path: &str, given: &[(String, String)]) -> (StatusCode, &'static str, Value) {
        let error = |status: StatusCode, why: &str| {
            (status, "errors", json!([{ "code": status.as_u16(), "description": why }]))
        };
        let suffix = if self.xml { ".xml" } else { ".json" };
        let resource = path.strip_prefix(PREFIX).and_then(|p| p.strip_suffix(suffix));
        let Some(resource) = resource else { return error(StatusCode::NOT_FOUND, "no such resource or format") };
        if self.jurisdiction.is_some() && get(given, "jurisdiction_id") != self.jurisdiction {
            return error(StatusCode::NOT_FOUND, "jurisdiction_id provided was not found");
        }
        let listed = resource == "discovery" || resource.starts_with("services");
        let open = listed || (self.public && !post);
        if !open && self.key.is_some() && get(given, "api_key") != self.key {
            return error(StatusCode::FORBIDDEN, "Key not recognised");
        }
        let parts: Vec<&str> = resource.split('/').collect();
        match (post, parts.as_slice()) {
            (false, ["services"]) => (StatusCode::OK, "services", services()),
            (false, ["services", "RD%2012"]) => (StatusCode::OK, "service_definition", definition()),
            (true, ["requests"]) => match self.refuses(given) {
                Some(why) => error(StatusCode::BAD_REQUEST, &why),
                None => (StatusCode::CREATED, "service_requests", self.take(given)),
            },
            (false, ["tokens", token]) => match (self.ids, token.strip_prefix("t-").map(str::parse::<usize>)) {
                (Ids::Token(polls), Some(Ok(number))) if number < self.requests.len() => {
                    self.polls += 1;
                    let ready = self.polls > polls;
                    let id = if ready { format!("R-{}", number + 1).into() } else { Value::Null };
                    (StatusCode::OK, "service_requests", json!([{ "token": token, "service_request_id": id }]))
                }
                _ => error(StatusCode::NOT_FOUND, "token not found"),
            },
            (false, ["requests"]) if self.lists => (StatusCode::OK, "service_requests", self.list(given)),
            (false, ["requests", id]) if self.lists => {
                let found = self.list(&[("service_request_id".into(), (*id).to_owned())]);
                (StatusCode::OK, "service_requests", found)
            }
            (false, ["servicerequestupdates"]) if self.updates => {
                (StatusCode::OK, "service_requests_updates", self.said.clone().into())
            }
            (true, ["servicerequestupdates"]) if self.updates => {
                self.posted.push(given.to_vec());
                let id = format!("U-{}", self.posted.len());
                (StatusCode::CREATED, "service_request_updates", json!([{ "update_id": id }]))
            }
            _ => error(StatusCode::NOT_FOUND, "no such resource"),
        }
    }

    fn refuses(&self, given: &[(String, String)]) -> Option<String> {
        let code = get(given, "service_code").unwrap_or_default();
        let own = |name: &str| name == "attribute[DEPTH]" && code == "RD 12";
        let strange = given.iter().map(|(n, _)| n.as_str()).find(|n| !KNOWN.contains(n) && !own(n));
        match () {
            () if !matches!(code, "RD 12" | "COR") => Some("service_code not found".into()),
            () if self.strict && strange.is_some() => strange.map(|n| format!("unknown parameter {n}")),
            () if code == "RD 12" && !matches!(get(given, "attribute[DEPTH]"), Some("D1" | "D3")) => {
                Some("attribute[DEPTH] is required".into())
            }
            () if self.needs_coordinates && get(given, "lat").is_none() => Some("lat is required".into()),
            () => None,
        }
    }

    fn id(&self, number: usize) -> Value {
        if self.ids == Ids::FromZero { number.into() } else { format!("R-{}", number + 1).into() }
    }

    fn take(&mut self, given: &[(String, String)]) -> Value {
        let number = self.requests.len();
        self.requests.push(given.to_vec());
        self.states.push(("open".into(), String::new(), WHEN.into()));
        match self.ids {
            Ids::Token(_) => json!([{ "token": format!("t-{number}") }]),
            Ids::None => json!([{ "service_notice": "thanks" }]),
            Ids::Text | Ids::FromZero => json!([{ "service_request_id": self.id(number), "service_notice": "" }]),
        }
    }

    fn list(&self, given: &[(String, String)]) -> Value {
        let ids: Vec<&str> = get(given, "service_request_id").map(|l| l.split(',').collect()).unwrap_or_default();
        let code = get(given, "service_code");
        let text = |v: &Value| v.as_str().map_or_else(|| v.to_string(), str::to_owned);
        let wanted = |n: &usize| {
            let of_service = code.is_none_or(|c| get(&self.requests[*n], "service_code") == Some(c));
            of_service && (ids.is_empty() || ids.contains(&text(&self.id(*n)).as_str()))
        };
        let shown = |n: usize| {
            let (status, notes, updated) = &self.states[n];
            json!({
                "service_request_id": self.id(n), "status": status, "status_notes": notes,
                "service_code": get(&self.requests[n], "service_code"),
                "description": get(&self.requests[n], "description").filter(|_| !self.hides_text),
                "requested_datetime": WHEN, "updated_datetime": updated,
            })
        };
        (0..self.requests.len()).filter(wanted).map(shown).collect()
    }
}

fn services() -> Value {
    json!([
        { "service_code": "RD 12", "service_name": "Road damage", "metadata": true, "type": "realtime" },
        { "service_code": "COR", "service_name": "Integrity", "metadata": false, "type": "realtime" },
    ])
}

fn definition() -> Value {
    json!({ "service_code": "RD 12", "attributes": [
        { "variable": false, "code": "NOTE", "datatype": "string", "required": true, "order": 1 },
        {
            "variable": true, "code": "DEPTH", "datatype": "singlevaluelist", "required": true, "order": 2,
            "values": [{ "key": "D1", "name": "flat" }, { "key": "D3", "name": "deep" }],
        },
    ]})
}
