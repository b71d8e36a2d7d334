//! Health, readiness and numbers; and that the numbers give nobody's moment away.

use std::collections::BTreeSet;

use serde_json::Value;
use tabir::client::report::send;
use tabir::clock::Clock;

use crate::stage::{ROLES, Runs, Stage};
use crate::{number, ready};

const DAY_S: u64 = 86_400;
const REPORTS: &str = "tabir_answers_total{listener=\"public\",route=\"/v1/reports\",status=\"201\"}";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_role_says_how_it_is_and_counts_of_what_people_do_move_once_a_window() {
    let now = Clock::system().now();
    let stage = Stage::start_as(
        Runs::here(now),
        Clock::manual(now),
        |_, _| (),
        |policy| {
            policy.window_s = DAY_S;
        },
    )
    .await;
    for role in ROLES {
        let get = async |path: &str| stage.client.get(&format!("{}{path}", stage.admin(role))).await;
        get("/healthz").await.unwrap();
        stage.until("it is ready", || async { get("/readyz").await.is_ok() }).await;
        let said: Value = serde_json::from_slice(&get("/readyz").await.unwrap().body).unwrap();
        let vital = |c: &&Value| c["vital"] == true;
        assert!(said["checks"].as_array().unwrap().iter().filter(vital).count() >= 2, "{role}: {said}");
        assert!(get("/v1/services").await.is_err(), "no route of another listener");
        for (base, path) in [(stage.gateway(), "/metrics"), (stage.gateway(), "/readyz")] {
            assert!(stage.client.get(&format!("{base}{path}")).await.is_err(), "not for everybody");
        }
    }

    let session = stage.session().await;
    let mut references = Vec::new();
    for _ in 0..3 {
        let (sealed, token) = ready(&stage, &session).await.unwrap();
        references.push(send(&session, &sealed, &token).await.unwrap().reference);
        assert_eq!(number(&stage, "gateway", REPORTS).await, None, "not while the window is open");
    }
    stage.pass(DAY_S / 2);
    assert_eq!(number(&stage, "gateway", REPORTS).await, None, "nor at any other time of it");
    stage.pass(DAY_S / 2 + 60);
    stage.until("the window closes", || async { number(&stage, "gateway", REPORTS).await.is_some() }).await;
    assert_eq!(number(&stage, "gateway", REPORTS).await, Some(3.0), "what the public log says as well");
    assert!(number(&stage, "gateway", "tabir_answer_seconds_count{listener=\"public\"}").await > Some(2.0));

    // Labels are a fixed set, and nothing in them comes from a caller.
    for role in ROLES {
        let text = stage.client.get(&format!("{}/metrics", stage.admin(role))).await.unwrap().text().unwrap();
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let labels: BTreeSet<_> = lines
            .filter_map(|line| Some(line.split_once('{')?.1.split_once('}')?.0))
            .flat_map(|labels| labels.split("\",").map(|label| label.split_once('=').unwrap().0))
            .collect();
        let known = ["le", "listener", "role", "route", "status", "version", "vital", "what"];
        assert!(labels.iter().all(|label| known.contains(label)), "{role}: {labels:?}");
        assert!(references.iter().all(|reference| !text.contains(reference)), "{role}");
        assert!(!text.contains("_created") && !text.contains("process_"), "{role}: times and use of a process tell");
    }
}
