//! Logs at their most talkative: JSON, and in no line anything of a person.

use serde_json::Value;
use tabir::client::report::send;
use tabir::client::tokens::authorization;

use crate::ready;
use crate::stage::{ROLES, Stage, draft};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn logs_are_json_and_hold_no_address_text_time_or_secret() {
    let stage = Stage::start(env!("CARGO_BIN_EXE_tabir")).await;
    let session = stage.session().await;
    let (sealed, token) = ready(&stage, &session).await.unwrap();
    let accepted = send(&session, &sealed, &token).await.unwrap();
    let keys = sealed.receipt.keys();
    // What is wrong is said too, and repeats nothing of it.
    let canary = "canary-7f3a";
    for (path, name) in [(format!("/v1/case?{canary}"), "authorization"), (format!("/{canary}"), "user-agent")] {
        let url = format!("{}{path}", stage.gateway());
        let refused = stage.client.send(tabir::http::Method::GET, &url, &[(name, canary)], Vec::new()).await;
        assert!(refused.is_err());
    }
    let case = format!("{}/v1/case", stage.gateway());
    let access = format!("Tabir-Case {}", hex::encode(keys.access.expose()));
    let headers = [("authorization", access.as_str())];
    stage.client.send(tabir::http::Method::GET, &case, &headers, Vec::new()).await.unwrap();
    let said = || async { stage.said_by("gateway").contains("/v1/case") };
    stage.until("the gateway has said something", said).await;

    let receipt = sealed.receipt.text();
    let words: Vec<&str> = receipt.expose().split('-').collect();
    let text = draft(&session).text;
    let token_text = authorization(&token);
    let secrets = [
        canary.to_owned(),
        text.split(',').next().unwrap().to_owned(),
        words[..2].join("-"),
        token_text[token_text.len() - 60..token_text.len() - 10].to_owned(),
        access,
        accepted.reference.clone(),
        hex::encode(keys.case_id()),
    ];
    for role in ROLES {
        let said = stage.said_by(role);
        for line in said.lines() {
            let line: Value = serde_json::from_str(line).unwrap_or_else(|e| panic!("{role}: {e}: {line}"));
            assert!(line["level"].is_string(), "{line}");
            for field in ["timestamp", "time", "address", "peer", "remote_addr", "user_agent"] {
                assert!(line.get(field).is_none(), "{role}: {line}");
            }
        }
        for secret in &secrets {
            assert!(!said.contains(secret.as_str()), "{role} says {secret}");
        }
    }
    assert!(stage.said_by("gateway").contains("/v1/reports"), "the route's pattern is said");
}
