//! Every listener's document: complete, well-formed, and true of what the server refuses by itself.

mod stage;

use std::collections::BTreeSet;

use serde_json::Value;
use stage::Stage;

/// A listener, by what it is called here.
fn listeners(stage: &Stage) -> Vec<(&'static str, String)> {
    let peers = stage.ports.peers();
    vec![
        ("issuer", peers.issuer),
        ("gateway", peers.gateway),
        ("gateway, internal", peers.gateway_internal),
        ("council", peers.council),
        ("council, internal", peers.council_internal),
        ("log", peers.log),
        ("log, internal", peers.log_internal),
        ("desk", format!("http://127.0.0.1:{}", stage.ports.desk)),
    ]
}

/// Addresses that the protocol promises, one of each listener at least.
const PROMISED: [(&str, &[&str]); 8] = [
    ("issuer", &["/.well-known/private-token-issuer-directory", "/token-request", "/v1/puzzle"]),
    (
        "gateway",
        &[
            "/v1/reports",
            "/v1/case",
            "/v1/case/messages",
            "/v1/case/rating",
            "/v1/case/dispute",
            "/v1/case/erase",
            "/v1/case/erasure",
            "/v1/envelopes/{hash}",
            "/v1/keys",
            "/v1/trust",
            "/v1/trust/{version}",
            "/v1/services",
        ],
    ),
    ("gateway, internal", &["/internal/outbox/lease", "/internal/outbox/ack", "/internal/cases/{case}/hold/{request}"]),
    ("council", &["/council/messages", "/council/statements", "/council/requests/{hash}", "/council/proposals/{id}"]),
    ("council, internal", &["/internal/ceremonies", "/internal/unseal/ready", "/internal/unseal/{hash}/handouts"]),
    ("log", &["/log/{name}/checkpoint", "/log/{name}/checkpoints/{size}", "/log/{name}/tile/{path}"]),
    ("log, internal", &["/internal/log/{name}/entries"]),
    ("desk", &["/open311/v2/requests.json", "/open311/v2/servicerequestupdates.json"]),
];

const METHODS: [&str; 4] = ["get", "post", "put", "delete"];

struct Asked {
    http: reqwest::Client,
}

impl Asked {
    async fn send(&self, method: &str, url: &str, headers: &[(&str, &str)], body: Vec<u8>) -> reqwest::Response {
        let method = method.to_ascii_uppercase().parse().unwrap();
        let request = headers.iter().fold(self.http.request(method, url), |r, (name, value)| r.header(*name, *value));
        request.body(body).send().await.unwrap()
    }

    async fn document(&self, base: &str) -> Value {
        let answer = self.send("get", &format!("{base}/v1/openapi.json"), &[], Vec::new()).await;
        assert_eq!(answer.headers()["content-type"], "application/json");
        serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap()
    }
}

async fn problem(answer: reqwest::Response) -> (u16, String) {
    let status = answer.status().as_u16();
    let kind = answer.headers().get("content-type").map(|v| v.to_str().unwrap().to_owned());
    assert_eq!(kind.as_deref(), Some("application/problem+json"), "{status}");
    let body: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
    assert_eq!(body["status"], status);
    (status, body["type"].as_str().unwrap().strip_prefix("urn:tabir:error:").unwrap().to_owned())
}

/// Every `$ref` of a document, wherever it stands.
fn references<'v>(value: &'v Value, found: &mut BTreeSet<&'v str>) {
    match value {
        Value::Object(fields) => {
            found.extend(fields.get("$ref").and_then(Value::as_str));
            fields.values().for_each(|field| references(field, found));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

/// What is wrong with an operation's own words.
fn lacks(path: &str, operation: &Value) -> Vec<&'static str> {
    let mut lacks = Vec::new();
    let mut need = |is: bool, what| {
        if !is {
            lacks.push(what);
        }
    };
    let responses = operation["responses"].as_object().unwrap();
    need(operation["summary"].as_str().is_some_and(|s| !s.is_empty()), "a summary");
    need(operation["tags"].as_array().is_some_and(|t| t.len() == 1), "a tag");
    need(responses.keys().any(|s| s.starts_with('2')), "an answer that is no refusal");
    need(responses.values().all(|r| r["description"].as_str().is_some_and(|d| !d.is_empty())), "words for an answer");
    let formed = |(status, r): (&String, &Value)| !status.starts_with(['4', '5']) || r["content"].is_object();
    need(responses.iter().all(formed), "the form of a refusal");
    need(["400", "500", "503"].iter().all(|s| responses.contains_key(*s)), "what the server refuses by itself");
    if operation["requestBody"].is_object() {
        need(["413", "415"].iter().all(|s| responses.contains_key(*s)), "what the server refuses of a body");
    }
    let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
    let named: BTreeSet<&str> =
        parameters.iter().filter(|p| p["in"] == "path").filter_map(|p| p["name"].as_str()).collect();
    let braces: BTreeSet<&str> = path.split('{').skip(1).filter_map(|rest| rest.split('}').next()).collect();
    need(named == braces, "its path's parameters");
    lacks
}

#[tokio::test]
async fn every_listener_serves_a_whole_document_of_its_addresses_and_refuses_in_problem_documents() {
    let stage = Stage::start(env!("CARGO_BIN_EXE_tabir")).await;
    let asked = Asked { http: reqwest::Client::builder().no_proxy().build().unwrap() };
    for (name, base) in listeners(&stage) {
        let document = asked.document(&base).await;
        assert!(document["openapi"].as_str().unwrap().starts_with("3.1"), "{name}");
        let paths = document["paths"].as_object().unwrap();
        assert!(paths.contains_key("/v1/openapi.json"), "{name}: the document itself");
        let (_, promised) = PROMISED.iter().find(|(n, _)| *n == name).unwrap();
        let missing: Vec<_> = promised.iter().filter(|path| !paths.contains_key(**path)).collect();
        assert!(missing.is_empty(), "{name}: {missing:?}");

        let mut found = BTreeSet::new();
        references(&document, &mut found);
        for reference in found {
            let pointer = reference.strip_prefix('#').unwrap();
            assert!(document.pointer(pointer).is_some(), "{name}: {reference} leads nowhere");
        }
        let mut ids = BTreeSet::new();
        for (path, item) in paths {
            for method in METHODS.iter().filter(|m| item[**m].is_object()) {
                let operation = &item[*method];
                assert_eq!(lacks(path, operation), Vec::<&str>::new(), "{name}: {method} {path}");
                assert!(ids.insert(operation["operationId"].as_str().unwrap()), "{name}: an id twice");
            }
            // A method that the document does not have is refused, and the answer says which there are.
            let url = format!("{base}{}", path.replace(['{', '}'], "x"));
            let other = METHODS.iter().find(|m| !item[**m].is_object()).unwrap();
            let answer = asked.send(other, &url, &[], Vec::new()).await;
            let allow = answer.headers().get("allow").map(|v| v.to_str().unwrap().to_ascii_lowercase());
            let allow = allow.unwrap_or_default();
            assert_eq!(problem(answer).await, (405, "method".into()), "{name}: {other} {path}");
            let allowed: BTreeSet<&str> = allow.split(',').map(str::trim).filter(|m| *m != "head").collect();
            let there: BTreeSet<&str> = METHODS.into_iter().filter(|m| item[*m].is_object()).collect();
            assert_eq!(allowed, there, "{name}: {path}");
        }
        let nowhere = asked.send("get", &format!("{base}/v1/nothing-here"), &[], Vec::new()).await;
        let code = problem(nowhere).await;
        assert_eq!(code, (404, "not-found".into()), "{name}");
    }
}

#[tokio::test]
async fn what_the_server_refuses_before_a_handler_sees_it_is_a_problem_document_too() {
    let stage = Stage::start(env!("CARGO_BIN_EXE_tabir")).await;
    let asked = Asked { http: reqwest::Client::builder().no_proxy().build().unwrap() };
    let peers = stage.ports.peers();
    let json = ("content-type", "application/json");
    for (url, headers, body, want) in [
        (
            format!("{}/v1/reports", peers.gateway),
            vec![("content-type", "text/plain")],
            Vec::new(),
            (415, "media-type"),
        ),
        (format!("{}/v1/reports", peers.gateway), Vec::new(), Vec::new(), (415, "media-type")),
        (format!("{}/v1/case/erasure", peers.gateway), vec![json], vec![b' '; 100_000], (413, "too-long")),
        (format!("{}/token-request", peers.issuer), vec![json], Vec::new(), (415, "media-type")),
        (format!("{}/internal/outbox/lease", peers.gateway_internal), vec![json], Vec::new(), (401, "call")),
        (
            format!("http://127.0.0.1:{}/open311/v2/requests.json", stage.ports.desk),
            vec![json],
            Vec::new(),
            (415, "media-type"),
        ),
    ] {
        let answer = asked.send("post", &url, &headers, body).await;
        assert_eq!(problem(answer).await, (want.0, want.1.to_owned()), "{url}");
    }
    let broken = format!("{}/v1/envelopes/%ff", peers.gateway);
    let (status, _) = problem(asked.send("get", &broken, &[], Vec::new()).await).await;
    assert_eq!(status, 400, "a malformed address");
}
