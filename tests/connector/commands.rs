//! `tabir connector check` and `dry-run`, as an integrator runs them. Scenario 13.

use std::process::Stdio;

use serde_json::Value;

use crate::common::forwarding::World;
use crate::common::stand_in::{Fault, Ids, StandIn};
use crate::{MAPPING, before, offer, rounds};

const KEY: &str = crate::common::desk::CONNECTOR;

/// Runs the program with the world's configuration; gives exit code, output and errors.
pub async fn tabir(world: &World, arguments: &[&str]) -> (i32, String, String) {
    let c = world.config();
    let file = world.dir.path().join("tabir.toml");
    let mut text = format!(
        "trust = \"trust.json\"\n[roles.forwarder]\ndir = {:?}\ndownstream = {:?}\napi_key_file = {:?}\n",
        c.dir,
        c.downstream,
        c.api_key_file.as_ref().unwrap(),
    );
    if let Some(mapping) = &c.mapping {
        text.push_str(&format!("mapping = {mapping:?}\n"));
    }
    if let Some(jurisdiction) = &c.jurisdiction {
        text.push_str(&format!("jurisdiction = {jurisdiction:?}\n"));
    }
    std::fs::write(&file, text).unwrap();
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_tabir"));
    command.args(arguments).arg("--config").arg(&file).stdin(Stdio::null());
    let done = command.output().await.unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (done.status.code().unwrap(), text(done.stdout), text(done.stderr))
}

/// `tabir connector check --json` with more.
pub async fn check(world: &World, more: &[&str]) -> String {
    let (code, out, error) = tabir(world, &[&["connector", "check", "--json"], more].concat()).await;
    assert!(matches!(code, 0 | 1), "{code} {error}");
    let good = serde_json::from_str::<Value>(&out).unwrap_or_else(|e| panic!("{e}: {out} {error}"))["good"].clone();
    assert_eq!(good, code == 0, "the exit code says the same");
    out
}

/// Whether all is well, and each finding that is not, with `ok` ones too, as (code, category).
pub fn json_of(out: &str) -> (bool, Vec<(String, String)>) {
    let value: Value = serde_json::from_str(out).unwrap();
    let text = |f: &Value, name: &str| f[name].as_str().unwrap().to_owned();
    let findings = value["findings"].as_array().unwrap();
    for finding in findings {
        assert_ne!(finding["found"], "");
        assert_eq!(finding["todo"] == "", finding["level"] == "ok", "each says what to do: {finding}");
    }
    (value["good"].as_bool().unwrap(), findings.iter().map(|f| (text(f, "code"), text(f, "category"))).collect())
}

fn has(findings: &[(String, String)], code: &str) -> bool {
    findings.iter().any(|(c, _)| c == code)
}

async fn found(server: &StandIn, mapping: &str, more: &[&str]) -> (bool, Vec<(String, String)>) {
    let mut world = before(server, "").await;
    world.map(mapping).await;
    json_of(&check(&world, more).await)
}

/// That one thing, and nothing else, keeps reports from going out.
async fn finds(server: &StandIn, mapping: &str, code: &str) {
    let (good, findings) = found(server, mapping, &[]).await;
    assert!(!good && has(&findings, code), "{code}: {findings:?}");
}

#[tokio::test]
async fn a_mapping_that_fits_is_found_good_and_nothing_is_sent() {
    let server = StandIn::start(|s| s.key = Some(KEY)).await;
    let (good, findings) = found(&server, MAPPING, &[]).await;
    assert!(good, "{findings:?}");
    let expected = ["discovery", "services", "service", "service", "lookup", "updates"];
    assert_eq!(findings.iter().map(|(c, _)| c.as_str()).collect::<Vec<_>>(), expected);
    assert!(server.state().calls.iter().all(|c| c.starts_with("GET ")));
}

#[tokio::test]
async fn each_mistake_in_a_mapping_is_named() {
    let server = StandIn::start(|_| {}).await;
    finds(&server, "[categories.pothole]\nservice = \"RD 13\"\n", "service-missing").await;
    let attribute =
        |line: &str| format!("[categories.pothole]\nservice = \"RD 12\"\n[categories.pothole.attributes]\n{line}\n");
    finds(&server, &attribute("DEPTHS = { value = \"D1\" }"), "attribute-unknown").await;
    finds(&server, &attribute("DEPTH = { value = \"D2\" }"), "attribute-value").await;
    finds(&server, &attribute("DEPTH = { attribute = \"depth\", default = \"deep\" }"), "attribute-value").await;
    finds(
        &server,
        &attribute("DEPTH = { attribute = \"d\", values = { x = \"X\" }, default = \"D1\" }"),
        "attribute-value",
    )
    .await;
    let mut world = before(&server, "").await;
    world.map("\n\n[categories.pothole]\nservice = \"RD 13\"\n").await;
    let findings: Value = serde_json::from_str(&check(&world, &[]).await).unwrap();
    let missing = findings["findings"].as_array().unwrap().iter().find(|f| f["code"] == "service-missing").unwrap();
    assert_eq!((missing["line"].as_u64(), missing["category"].as_str()), (Some(3), Some("pothole")));
    let (good, findings) = found(&server, "[categories.pothole]\nservice = \"RD 12\"\n", &[]).await;
    assert!(good && has(&findings, "attribute-maybe"), "some reports will be held: {findings:?}");
}

#[tokio::test]
async fn each_difference_of_the_server_is_named() {
    let xml = StandIn::start(|s| s.xml = true).await;
    finds(&xml, MAPPING, "format").await;
    let as_xml = format!("[server]\nformat = \"xml\"\n{MAPPING}");
    assert!(found(&xml, &as_xml, &[]).await.0);
    let json = StandIn::start(|_| {}).await;
    finds(&json, &as_xml, "format").await;
    finds(&StandIn::start(|s| s.key = Some("another key")).await, MAPPING, "key").await;
    finds(&StandIn::start(|s| s.jurisdiction = Some("x")).await, MAPPING, "services-refused").await;
    finds(&StandIn::start(|s| s.lists = false).await, MAPPING, "lookup").await;
    finds(&StandIn::start(|s| s.updates = false).await, MAPPING, "updates").await;
    let by_request = format!("[server]\nupdates = \"requests\"\nfollowups = \"hold\"\n{MAPPING}");
    let (good, findings) = found(&StandIn::start(|s| s.updates = false).await, &by_request, &[]).await;
    assert!(good && has(&findings, "followups-hold"), "{findings:?}");
    let public = StandIn::start(|s| (s.key, s.public) = (Some(KEY), true)).await;
    assert!(has(&found(&public, MAPPING, &[]).await.1, "public-list"));
    let gone = StandIn::start(|s| s.fault = Fault::Redirect("http://127.0.0.1:9/".into())).await;
    finds(&gone, MAPPING, "redirect").await;
    let kind = ("content-type", "text/html");
    finds(&StandIn::start(|s| s.fault = Fault::Says(vec![kind], b"<html>".to_vec())).await, MAPPING, "answer").await;
}

#[tokio::test]
async fn test_requests_show_what_reading_cannot() {
    let tests = ["--send-tests", "--yes", "--wait", "4"];
    let server = StandIn::start(|s| (s.key, s.ids) = (Some(KEY), Ids::Token(1))).await;
    let (good, findings) = found(&server, MAPPING, &tests).await;
    assert!(good && has(&findings, "token") && has(&findings, "found") && has(&findings, "not-public"), "{findings:?}");
    let tests = ["--send-tests", "--yes", "--wait", "0"];
    let strict = StandIn::start(|s| (s.key, s.strict) = (Some(KEY), true)).await;
    let (good, findings) = found(&strict, MAPPING, &tests).await;
    assert!(!good && has(&findings, "parameter"), "{findings:?}");
    let omit = format!("[server]\nomit = [\"requested_datetime\"]\n{MAPPING}");
    assert!(found(&strict, &omit, &tests).await.0);
    let blind = StandIn::start(|s| (s.key, s.hides_text) = (Some(KEY), true)).await;
    let (good, findings) = found(&blind, MAPPING, &tests).await;
    assert!(!good && has(&findings, "lookup-blind"), "{findings:?}");
    let nameless = StandIn::start(|s| (s.key, s.ids) = (Some(KEY), Ids::None)).await;
    assert!(has(&found(&nameless, MAPPING, &tests).await.1, "no-id"));
    let refusing = "[categories.pothole]\nservice = \"RD 12\"\nattributes = { DEPTH = { value = \"D1\" } }\n\
                    [location]\nprecision = \"none\"\n";
    let demanding = StandIn::start(|s| (s.key, s.needs_coordinates) = (Some(KEY), true)).await;
    let (good, findings) = found(&demanding, refusing, &tests).await;
    assert!(!good && has(&findings, "post-refused"), "{findings:?}");
    let placed = format!("{refusing}fallback = [\"-6.17\", \"106.82\"]\n");
    assert!(found(&demanding, &placed, &tests).await.0);
}

/// Nothing goes out without a word: no terminal and no --yes is a no.
#[tokio::test]
async fn test_requests_are_asked_for_first() {
    let server = StandIn::start(|_| {}).await;
    let world = before(&server, "").await;
    let (code, _, error) = tabir(&world, &["connector", "check", "--send-tests"]).await;
    assert!(code == 2 && error.contains("--yes") && error.contains("corruption -> COR"), "{error}");
    let (code, _, _) = tabir(&world, &["connector", "check", "--yes"]).await;
    assert_eq!(code, 2);
    assert!(server.state().requests.is_empty());
}

/// Scenario 13: what the dry run shows is what goes out, byte for byte, but for the key.
#[tokio::test]
async fn a_dry_run_shows_the_exact_request_and_no_key() {
    let server = StandIn::start(|s| (s.key, s.jurisdiction) = (Some(KEY), Some("kota.example"))).await;
    let clock = tabir::clock::Clock::manual(crate::common::desk::NOW);
    let desk = crate::common::desk::RunningDesk::start(clock.clone()).await;
    let mut world = World::start_to(desk, clock, server.base.clone(), |c| {
        c.jurisdiction = Some("kota.example".into());
    })
    .await;
    world.map(MAPPING).await;
    let report = world.dir.path().join("sample.json");
    let text = r#"{"category":"pothole","text":"a hole","attributes":{"depth":"30 cm"},"language":"id",
        "location":{"precision":"none","text":"Kelurahan Gambir"}}"#;
    std::fs::write(&report, text).unwrap();
    let arguments = ["connector", "dry-run", "--json", "--report", report.to_str().unwrap()];
    let (code, out, error) = tabir(&world, &arguments).await;
    assert_eq!(code, 0, "{error}");
    let shown: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(shown["url"], format!("{}/requests.json", server.base));
    let body = shown["body"].as_str().unwrap();
    let start = "api_key=<redacted>&jurisdiction_id=kota.example&service_code=RD+12&attribute%5BDEPTH%5D=D3&";
    assert!(body.starts_with(start) && !out.contains(KEY), "{body}");
    assert!(server.state().requests.is_empty(), "nothing was sent");
    // The same report for real: the same parameters in the same order, but for what is its own.
    offer(&mut world, "pothole", "a hole");
    rounds(&world, 1).await;
    let names =
        |body: &str| -> Vec<String> { body.split('&').map(|p| p.split('=').next().unwrap().to_owned()).collect() };
    let sent: Vec<String> =
        server.state().requests[0].iter().map(|(n, _)| n.replace('[', "%5B").replace(']', "%5D")).collect();
    assert_eq!(names(body), sent);
    let (code, out, _) = tabir(&world, &["connector", "dry-run", "--category", "corruption"]).await;
    assert!(code == 0 && out.contains("service_code = COR") && !out.contains(KEY), "{out}");
    let (code, _, error) = tabir(&world, &["connector", "dry-run", "--category", "dragons"]).await;
    assert!(code == 1 && error.contains("connector check"), "{error}");
}
