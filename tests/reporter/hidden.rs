//! Who would hide an opening from its reporter: a gateway that says nothing of the case, and a server of the log that leaves
//! an entry out, swaps one, or shows an old head.

use std::sync::Arc;

use axum::Router;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::{Value, json};
use tabir::api::gateway::Services;
use tabir::clock::Clock;
use tabir::http::{Client, Problem};
use tabir_crypto::log::tile::{Tile, parse_entries, push_entry};
use tokio::sync::watch;

use crate::world::World;
use crate::{Case, follow, followed, tabir};

/// Serves whatever a function makes of a path, on loopback.
async fn serve<F, A>(answer: F) -> (String, watch::Sender<bool>)
where
    F: Fn(String) -> A + Clone + Send + Sync + 'static,
    A: Future<Output = Response> + Send,
{
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let (stop, stopped) = watch::channel(false);
    let router = Router::new().route("/{*path}", get(move |uri: Uri| answer(uri.path().to_owned())));
    tokio::spawn(tabir::http::server::serve(listener, router, stopped));
    (base, stop)
}

/// A gateway that names the true log and knows no case.
async fn gateway(world: &World) -> (String, watch::Sender<bool>) {
    let services: Services = world.session().await.services;
    let body = tabir_crypto::json::to_vec(&services).unwrap();
    serve(move |path| {
        let body = body.clone();
        async move {
            match path.as_str() {
                "/v1/services" => body.into_response(),
                _ => Problem::new(StatusCode::NOT_FOUND, "no-case", "No case has this key.").into_response(),
            }
        }
    })
    .await
}

/// A server of the log that answers as the true one, but for what `change` makes of it.
async fn log_server(
    world: &World,
    change: impl Fn(&str, Vec<u8>) -> Vec<u8> + Send + Sync + 'static,
) -> (String, watch::Sender<bool>) {
    let (upstream, client, change) = (world.ports.peers().log, Client::new(Clock::system()), Arc::new(change));
    serve(move |path| {
        let (url, client, change) = (format!("{upstream}{path}"), client.clone(), Arc::clone(&change));
        async move {
            match client.get(&url).await {
                Ok(answer) => change(&path, answer.body).into_response(),
                Err(_) => StatusCode::NOT_FOUND.into_response(),
            }
        }
    })
    .await
}

/// Replaces entries of the governance log, where the path is that of a bundle.
fn with_entries(path: &str, body: Vec<u8>, change: impl Fn(&mut Vec<Vec<u8>>)) -> Vec<u8> {
    let Some(tile) = path.strip_prefix("/log/governance/").and_then(|p| Tile::parse(p).ok()) else { return body };
    if !path.contains("tile/entries/") {
        return body;
    }
    let mut entries = parse_entries(tile, &body).unwrap();
    change(&mut entries);
    let mut out = Vec::new();
    entries.iter().for_each(|e| push_entry(&mut out, e).unwrap());
    out
}

#[tokio::test(flavor = "multi_thread")]
async fn neither_gateway_nor_log_server_can_hide_a_request() {
    let world = World::start().await;
    let hers = Case::of(&world, "Sari").await;
    let early = world.session().await.view.head.size;
    let hash = world.requested(&hers.reference).await;
    let request = world.session().await.view.state.request(&hash).unwrap().entry;

    // The gateway: it knows no case, and then it is not asked at all.
    let (silent, _stop) = gateway(&world).await;
    let (code, out, err) = follow(&world, &hers, &["--server", &silent]).await;
    assert!(code == 1 && err.contains("no-case") && out.contains("! ASKED FOR"), "{code} {out} {err}");
    let (code, out, _) = follow(&world, &hers, &["--server", &silent, "--json"]).await;
    let told: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &told["openings"][0]["request"]), (1, &json!(hex::encode(hash))));
    let (gone, _stop) = serve(async |_| StatusCode::NOT_FOUND.into_response()).await;
    let (code, _, err) = follow(&world, &hers, &["--server", &gone]).await;
    assert!(code == 1 && err.contains("--log URL|DIR"), "{code} {err}");
    let log = world.ports.peers().log;
    assert_eq!(followed(&world, &hers, &["--log", &log]).await["openings"][0]["status"], "requested");
    let copy = world.dir.path().join("copy").display().to_string();
    let (code, _, err) = tabir(&world, &["audit", "fetch", "--server", &world.ports.peers().gateway, &copy]).await;
    assert_eq!(code, 0, "{err}");
    assert_eq!(followed(&world, &hers, &["--log", &copy]).await["openings"][0]["status"], "requested");

    // The log's server: an entry left out, one in the place of another, the last one cut off.
    let at = request as usize;
    type Change = fn(&mut Vec<Vec<u8>>, usize);
    let changes: [(&str, Change); 3] = [
        ("left out", |entries, at| drop(entries.remove(at))),
        ("swapped", |entries, at| entries[at] = entries[0].clone()),
        ("cut off", |entries, _| drop(entries.pop())),
    ];
    for (what, change) in changes {
        let edit = move |path: &str, body| with_entries(path, body, |entries| change(entries, at));
        let (server, _stop) = log_server(&world, edit).await;
        let (code, out, err) = follow(&world, &hers, &["--log", &server]).await;
        assert!(code == 1 && err.contains("tile") && out.is_empty(), "{what}: {code} {out} {err}");
    }
    // An old head is the truth of an earlier hour, and is told as that.
    let client = Client::new(Clock::system());
    let old = client.get(&format!("{log}/log/governance/checkpoints/{early}")).await.unwrap().body;
    let edit = move |path: &str, body: Vec<u8>| match path {
        "/log/governance/checkpoint" => old.clone(),
        _ => body,
    };
    let (server, _stop) = log_server(&world, edit).await;
    let shown = followed(&world, &hers, &["--log", &server]).await;
    assert_eq!((&shown["openings"], &shown["log"]["size"]), (&json!([]), &json!(early)));
    let (_, out, _) = follow(&world, &hers, &["--log", &server]).await;
    assert!(out.contains(&format!("({early} entries)")), "{out}");
}
