//! What several end-to-end tests share.
#![allow(dead_code)] // each test file uses a part

pub mod cut_proxy;
pub mod desk;
pub mod fault_proxy;
pub mod forwarding;
pub mod stand_in;
pub mod traces;
pub mod world;

use std::collections::BTreeMap;

use axum::Router;
use tabir_crypto::statement::body::{Category, PolicyCodes, PolicySet, Release, Status};
use tabir_crypto::statement::value::{CodeText, Hour, Text, V1};
use tokio::net::TcpListener;
use tokio::sync::watch;

/// Deadlines of the test policy.
pub const WAITING_S: u64 = 3 * 86_400;
pub const IN_PROGRESS_S: u64 = 14 * 86_400;

/// Serves a router on loopback until the sender is dropped; gives `http://127.0.0.1:port`.
pub async fn serve(router: Router) -> (String, watch::Sender<bool>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let (stop, stopped) = watch::channel(false);
    tokio::spawn(tabir::http::server::serve(listener, router, stopped));
    (base, stop)
}

/// A policy with an urgent and a batched category.
pub fn policy(now: u64, window_s: u64, forward_s: u64, release_s: u64) -> PolicySet {
    let category = |code, id, en, release| Category {
        code: CodeText::new(code).unwrap(),
        id: Text::new(id).unwrap(),
        en: Text::new(en).unwrap(),
        release,
    };
    let none = Vec::new;
    PolicySet {
        v: V1,
        at: Hour::of(now),
        version: 1,
        codes: PolicyCodes {
            legal_basis: none(),
            reason: none(),
            refusal: none(),
            deferral: none(),
            failure: none(),
            recusal: none(),
        },
        deadlines_s: BTreeMap::from([(Status::Waiting, WAITING_S), (Status::InProgress, IN_PROGRESS_S)]),
        window_s,
        forward_s,
        release_s,
        request_life_s: 1,
        partial_life_s: 1,
        envelope_retention_s: 1,
        categories: vec![
            category("pothole", "Lubang jalan", "Pothole", Release::Urgent),
            category("corruption", "Korupsi", "Corruption", Release::Batched),
        ],
    }
}

/// Whether any file of a folder, write-ahead logs included, holds these bytes.
pub fn found_in(dir: &std::path::Path, bytes: &[u8]) -> bool {
    std::fs::read_dir(dir).unwrap().any(|entry| {
        let content = std::fs::read(entry.unwrap().path()).unwrap();
        content.windows(bytes.len()).any(|w| w == bytes)
    })
}
