//! Requests to the log that nobody should send: each is refused with a code, and nothing of a refusal is kept in a cache.

mod log_support;

use std::collections::BTreeMap;

use axum::extract::Path;
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use tabir::http::server;
use tabir_crypto::log::note::{MAX_NOTE, MAX_SIGNATURES};
use tabir_crypto::log::witness::format_cosignatures;
use tabir_crypto::log::{Checkpoint, NoteSigner, SignedCheckpoint, TreeHead};
use tabir_crypto::statement::body::Role;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use log_support::*;

/// A full tile, a partial one of 4, and one of 1 above.
const ENTRIES: u64 = 260;

/// An answer as it came over the wire.
struct Raw {
    status: u16,
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
}

impl Raw {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    /// Status and code of a refusal, which must be a whole problem document that no cache keeps.
    fn refusal(&self) -> (u16, String) {
        assert_eq!(self.header("cache-control"), "no-store", "{}", self.status);
        assert_eq!(self.header("content-type"), "application/problem+json", "{}", self.status);
        let problem: serde_json::Value = serde_json::from_slice(&self.body).expect("a problem document");
        assert_eq!(problem["status"], self.status);
        assert!(!problem["title"].as_str().unwrap().is_empty());
        let code = problem["type"].as_str().unwrap().strip_prefix("urn:tabir:error:").unwrap();
        (self.status, code.to_owned())
    }
}

async fn raw(log: &Running, method: &str, target: &str, headers: &str, body: &[u8]) -> Raw {
    send(log.base.strip_prefix("http://").unwrap(), method, target, headers, body).await
}

/// Sends just these bytes of an address: no client that would tidy it up stands between.
async fn send(server: &str, method: &str, target: &str, headers: &str, body: &[u8]) -> Raw {
    let mut stream = TcpStream::connect(server).await.unwrap();
    let head = format!("{method} {target} HTTP/1.1\r\nhost: log\r\nconnection: close\r\n{headers}\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    // A server that refuses by the head alone may have closed already.
    let _ = stream.write_all(body).await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    let split = answer.windows(4).position(|w| w == b"\r\n\r\n").expect("an answer");
    let head = String::from_utf8(answer[..split].to_vec()).unwrap();
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers = lines.filter_map(|line| line.split_once(": ")).map(|(k, v)| (k.to_lowercase(), v.to_owned()));
    Raw { status, headers: headers.collect(), body: answer[split + 4..].to_vec() }
}

async fn fetch(log: &Running, path: &str) -> Raw {
    raw(log, "GET", &format!("/log/intake/{path}"), "", b"").await
}

async fn log_of(dir: &std::path::Path, entries: u64) -> Running {
    let log = start(dir, 10).await.unwrap();
    for n in 0..entries {
        log.append(INTAKE, &counts(n)).await.unwrap();
    }
    log.witness_until(INTAKE, entries, NOW).await;
    log
}

#[tokio::test]
async fn what_is_not_there_is_404_and_nobody_caches_that() {
    let dir = tempfile::tempdir().unwrap();
    let log = log_of(dir.path(), ENTRIES).await;
    let long = format!("tile/0/{}000", "x000/".repeat(2000));
    let absent = [
        // Beyond the tree, and wider than it.
        "tile/0/001",
        "tile/0/001.p/5",
        "tile/0/002.p/1",
        "tile/1/000",
        "tile/1/000.p/2",
        "tile/2/000.p/1",
        "tile/entries/001",
        "tile/entries/001.p/5",
        "tile/entries/x036/028/797/018/963/967",
        "tile/entries/x036/x028/x797/x018/x963/967",
        "tile/0/x999/x999/x999/x999/x999/x999/x999/x999/999",
        "checkpoints/259",
        "checkpoints/9223372036854775807",
        "checkpoints/9223372036854775808",
        "checkpoints/18446744073709551616",
        // Other spellings of what is there.
        "tile/0/0",
        "tile/0/00",
        "tile/0/0000",
        "tile/0/x000",
        "tile/0/x000/000",
        "tile/0/000/000",
        "tile/0/000.p/256",
        "tile/0/000.p/0",
        "tile/0/001.p/04",
        "tile/0/001.p/+4",
        "tile/0/001.p/",
        "tile/0/001.p",
        "tile/0/001.p/4/",
        "tile/00/000",
        "tile/+0/000",
        "tile/0/+00",
        "tile/-1/000",
        "tile/8/000",
        "tile/64/000",
        "tile/256/000",
        "tile/0/%30%30%30",
        "tile/0%2F000",
        "tile/0/000%00",
        "tile/0/%FF",
        "tile/0/000%2e%70/3",
        "tile/entrieS/000",
        "tile/Entries/000",
        "tile/data/000",
        "tile//0/000",
        "tile/0//000",
        "tile/0/../0/000",
        "tile/0/./000",
        "tile/../checkpoint",
        "tile/../../governance/checkpoint",
        "tile/..%2f..%2fgovernance%2fcheckpoint",
        "tile/0/\\000",
        "tile/",
        "tile",
        "",
        "checkpoints/0260",
        "checkpoints/+260",
        "checkpoints/260/",
        "checkpoints/%32%36%30",
        "checkpoints/",
        "checkpoint/",
        "checkpoin%74",
        "CHECKPOINT",
        "../governance/checkpoint",
        "./checkpoint",
        long.as_str(),
    ];
    for path in absent {
        assert_eq!(fetch(&log, path).await.refusal(), (404, "not-found".into()), "{path}");
    }
    for target in [
        "/log/other/checkpoint",
        "/log/Intake/checkpoint",
        "/log/int%61ke/checkpoint",
        "/log/%FF/checkpoint",
        "/log//checkpoint",
        "/log/intake%2Fcheckpoint",
        "/log/../log/intake/checkpoint",
        "//log/intake/checkpoint",
        "/log",
        "/",
    ] {
        assert_eq!(raw(&log, "GET", target, "", b"").await.refusal(), (404, "not-found".into()), "{target}");
    }
    log.end().await;
}

#[tokio::test]
async fn caching_is_as_c2sp_says() {
    let dir = tempfile::tempdir().unwrap();
    let log = log_of(dir.path(), ENTRIES).await;
    // tlog-tiles: "This endpoint is immutable", of tiles and bundles, partial ones too: a name holds its width.
    for path in ["tile/0/000", "tile/0/001.p/4", "tile/0/001.p/1", "tile/entries/000", "tile/entries/001.p/4"] {
        let answer = fetch(&log, path).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, "application/octet-stream"), "{path}");
        assert_eq!(answer.header("cache-control"), "public, max-age=31536000, immutable", "{path}");
    }
    assert_eq!(fetch(&log, "checkpoints/260").await.header("cache-control"), "public, max-age=31536000, immutable");
    // "This endpoint is mutable, so its headers SHOULD prevent caching beyond a few seconds."
    for path in ["checkpoint", "pending", "checkpoints", "checkpoints.json"] {
        let answer = fetch(&log, path).await;
        assert_eq!((answer.status, answer.header("cache-control")), (200, "no-store"), "{path}");
    }
    // What was refused as too early is served once it is there, and what was served stays as it was.
    let (early, partial) = (fetch(&log, "tile/0/001.p/5").await, fetch(&log, "tile/0/001.p/4").await.body);
    assert_eq!(early.refusal().0, 404);
    log.append(INTAKE, &counts(ENTRIES)).await.unwrap();
    log.witness_until(INTAKE, ENTRIES + 1, NOW).await;
    let grown = fetch(&log, "tile/0/001.p/5").await;
    assert_eq!((grown.status, grown.header("cache-control")), (200, "public, max-age=31536000, immutable"));
    assert_eq!(fetch(&log, "tile/0/001.p/4").await.body, partial);
    log.end().await;
}

/// What is signed but not yet in a checkpoint is nowhere: a tile that was served early could still come out otherwise.
#[tokio::test]
async fn nothing_is_served_before_a_checkpoint_covers_it() {
    let dir = tempfile::tempdir().unwrap();
    let log = start(dir.path(), 1_000_000).await.unwrap();
    log.append(INTAKE, &counts(0)).await.unwrap();
    for path in ["tile/0/000.p/1", "tile/entries/000.p/1", "checkpoints/1"] {
        assert_eq!(fetch(&log, path).await.refusal(), (404, "not-found".into()), "{path}");
    }
    log.end().await;
}

#[tokio::test]
async fn refuses_methods_and_bodies_that_it_does_not_take() {
    let dir = tempfile::tempdir().unwrap();
    let log = start(dir.path(), 10).await.unwrap();
    assert_eq!(fetch(&log, "cosignatures").await.refusal(), (405, "method".into()));
    // OPTIONS is a browser's question before a page's call, which is answered; src/http/cors.rs.
    for method in ["POST", "PUT", "DELETE", "PATCH", "TRACE"] {
        for path in ["checkpoint", "pending", "checkpoints", "tile/0/000"] {
            let answer = raw(&log, method, &format!("/log/intake/{path}"), "content-length: 0\r\n", b"").await;
            assert_eq!(answer.refusal(), (405, "method".into()), "{method} {path}");
            assert!(answer.header("allow").contains("GET"), "{method} {path}");
        }
    }
    let internal = "/internal/log/intake/entries";
    assert_eq!(raw(&log, "GET", internal, "", b"").await.refusal(), (405, "method".into()));
    assert_eq!(raw(&log, "POST", internal, "content-length: 2\r\n", b"{}").await.refusal(), (401, "call".into()));
    // Larger than anything that is taken: by what it says of itself, and by what comes.
    let said = raw(&log, "POST", internal, "content-length: 4194305\r\n", b"").await;
    assert_eq!(said.refusal(), (413, "too-long".into()));
    let chunk = [format!("{:x}\r\n", 5 << 20).into_bytes(), vec![b' '; 5 << 20], b"\r\n0\r\n\r\n".to_vec()].concat();
    let came = raw(&log, "POST", internal, "transfer-encoding: chunked\r\n", &chunk).await;
    assert_eq!(came.refusal(), (413, "too-long".into()));
    log.end().await;
}

#[tokio::test]
async fn refuses_malformed_cosignatures_and_those_of_other_checkpoints() {
    let dir = tempfile::tempdir().unwrap();
    let log = log_of(dir.path(), 3).await;
    log.append(INTAKE, &counts(3)).await.unwrap();
    while log.pending(INTAKE).await.head().size != 4 {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    let pending = log.pending(INTAKE).await;
    let cosign = async |body: Vec<u8>| {
        let length = format!("content-length: {}\r\n", body.len());
        raw(&log, "POST", "/log/intake/cosignatures", &length, &body).await.refusal()
    };
    let good = format!("{}\n", witness(1).cosign(&pending, NOW));
    let is = |status: u16, code: &str| (status, code.to_owned());

    for malformed in [
        String::new(),
        "\n".into(),
        "no line\n".into(),
        good.trim_end().to_owned(),
        good.replace('\n', "\r\n"),
        good.replace("w1", "w\u{1}1"),
        good.replace("w1", "w\u{7f}1"),
        good.replace("w1", "w\u{85}1"),
        good.replace("w1.example", "w1+example"),
        good.replace("w1.example", ""),
        good.replace("w1.example", &"w".repeat(256)),
        good.replacen(' ', "  ", 1),
        good.replace('\u{2014}', "-"),
        format!("{good}\n"),
        "\u{2014} w1.example AAAAAA==\n".to_owned(),
        "\u{2014} w1.example !!!!\n".to_owned(),
    ] {
        assert_eq!(cosign(malformed.clone().into_bytes()).await, is(400, "note"), "{malformed:?}");
    }
    assert_eq!(cosign(b"\xff\n".to_vec()).await, is(400, "note"));
    // Huge ones are refused before they are read: those of all witnesses of any trust root are not as long.
    assert_eq!(cosign(good.repeat(MAX_SIGNATURES + 1).into_bytes()).await, is(413, "too-long"));
    assert_eq!(cosign(vec![b'x'; MAX_NOTE + 1]).await, is(413, "too-long"));

    // Of no checkpoint that stands now: another origin, an older size, a larger one, another root.
    let other = |origin: &str, head: TreeHead| {
        let signer = NoteSigner::from_seed(origin, &seed(31)).unwrap();
        let checkpoint = Checkpoint { origin: origin.to_owned(), head };
        format!("{}\n", witness(1).cosign(&SignedCheckpoint::sign(checkpoint, &signer).unwrap(), NOW))
    };
    let (name, head) = (origin(INTAKE), pending.head());
    let mut root = head;
    root.root[0] ^= 1;
    for line in [
        other("other.example/intake", head),
        other(&origin(GOVERNANCE), head),
        other(&name, TreeHead { size: 2, ..head }),
        other(&name, TreeHead { size: 5, ..head }),
        other(&name, root),
    ] {
        assert_eq!(cosign(line.into_bytes()).await, is(409, "checkpoint"));
    }
    let unknown = format!("{}\n", witness(3).cosign(&pending, NOW));
    assert_eq!(cosign(unknown.into_bytes()).await, is(403, "unknown-key"));
    // None of it was taken: one line is still no quorum, and the second one makes it.
    log.cosign(INTAKE, &good).await.unwrap();
    assert_eq!(fetch(&log, "checkpoints/4").await.refusal().0, 404);
    let line = witness(2).cosign(&pending, NOW);
    log.cosign(INTAKE, &String::from_utf8(format_cosignatures(&[line])).unwrap()).await.unwrap();
    assert_eq!(fetch(&log, "checkpoints/4").await.status, 200);
    log.end().await;
}

#[tokio::test]
async fn unknown_logs_take_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let log = start(dir.path(), 10).await.unwrap();
    for name in ["other", "Intake", "intake%20", "%69ntake", ".."] {
        let public = format!("/log/{name}/cosignatures");
        let answer = raw(&log, "POST", &public, "content-length: 1\r\n", b"\n").await;
        assert_eq!(answer.refusal(), (404, "not-found".into()), "{public}");
        let path = format!("/internal/log/{name}/entries");
        let header = tabir::http::call::sign(
            &identity(Role::Gateway),
            Role::Log,
            "POST",
            &path,
            &counts(1).to_bytes(),
            &log.clock,
        );
        let body = counts(1).to_bytes();
        let headers =
            format!("{}: {}\r\ncontent-length: {}\r\n", tabir::http::call::HEADER, header.unwrap(), body.len());
        assert_eq!(raw(&log, "POST", &path, &headers, &body).await.refusal(), (404, "not-found".into()), "{name}");
    }
    log.end().await;
}

/// The framework answers some requests by itself, in plain text: of any role, what comes out is one of ours.
#[tokio::test]
async fn what_the_framework_refuses_is_a_problem_document_too() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = listener.local_addr().unwrap().to_string();
    let routes = Router::new()
        .route("/number/{n}", get(|Path(n): Path<u8>| async move { n.to_string() }))
        .route("/json", post(|Json(body): Json<Vec<u8>>| async move { body.len().to_string() }))
        .route("/size", get(|| async { (StatusCode::CONFLICT, [("content-type", "text/x.tlog.size")], "7\n") }))
        .route("/broken", get(|| async { StatusCode::INTERNAL_SERVER_ERROR }));
    let (stop, stopped) = watch::channel(false);
    let task = tokio::spawn(async move { server::serve(listener, routes, stopped).await });
    let json = "content-type: application/json\r\ncontent-length: ";
    for (method, target, headers, body, status, code) in [
        ("GET", "/number/256", String::new(), vec![], 400, "request"),
        ("GET", "/number/%FF", String::new(), vec![], 400, "request"),
        ("POST", "/json", "content-length: 2\r\n".into(), b"[]".to_vec(), 415, "media-type"),
        ("POST", "/json", format!("{json}1\r\n"), b"[".to_vec(), 400, "request"),
        ("POST", "/json", format!("{json}{}\r\n", 3 << 20), vec![b' '; 3 << 20], 413, "too-long"),
        ("GET", "/broken", String::new(), vec![], 500, "internal"),
    ] {
        let refused = send(&server, method, target, &headers, &body).await.refusal();
        assert_eq!(refused, (status, code.into()), "{method} {target}");
    }
    // What an answer means in another protocol's words is left as it is.
    let size = send(&server, "GET", "/size", "", b"").await;
    assert_eq!((size.status, size.header("content-type"), &size.body[..]), (409, "text/x.tlog.size", &b"7\n"[..]));
    assert_eq!(size.header("cache-control"), "no-store");
    stop.send(true).unwrap();
    task.await.unwrap().unwrap();
}
