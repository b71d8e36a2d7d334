//! The built-in desk as a GeoReport v2 server: what officers and connectors see of it.

mod common;

use serde_json::Value;
use tabir::clock::Clock;

use common::desk::{CONNECTOR, NOW, OFFICER, RunningDesk};

#[tokio::test]
async fn two_equal_posts_are_two_requests_as_on_real_servers() {
    let desk = RunningDesk::start(Clock::manual(NOW)).await;
    let report = [("service_code", "pothole"), ("description", "a hole"), ("lat", "-6.1754"), ("long", "106.8272")];
    let one = desk.post("requests.json", CONNECTOR, &report).await.unwrap();
    let two = desk.post("requests.json", CONNECTOR, &report).await.unwrap();
    assert_ne!(one[0]["service_request_id"], two[0]["service_request_id"]);
    let all = desk.get("requests.json", CONNECTOR, &[]).await.unwrap();
    assert_eq!(all.as_array().unwrap().len(), 2);
    assert_eq!(all[0]["lat"], -6.1754);
    assert_eq!(all[0]["service_name"], "Lubang jalan");
}

#[tokio::test]
async fn refuses_a_wrong_key_an_unknown_service_and_wrong_values_in_the_standards_form() {
    let desk = RunningDesk::start(Clock::manual(NOW)).await;
    let refused = |answer: Result<Value, (u16, Value)>| {
        let (status, body) = answer.unwrap_err();
        assert_eq!(body[0]["code"], status);
        assert!(body[0]["description"].is_string());
        status
    };
    let good = [("service_code", "pothole"), ("description", "x")];
    assert_eq!(refused(desk.post("requests.json", "wrong", &good).await), 403);
    assert_eq!(refused(desk.get("requests.json", "wrong", &[]).await), 403);
    assert_eq!(refused(desk.get("requests/1.json", "wrong", &[]).await), 403);
    assert_eq!(refused(desk.get("servicerequestupdates.json", "", &[]).await), 403);
    assert_eq!(refused(desk.post("requests.json", CONNECTOR, &[("service_code", "dragon")]).await), 404);
    assert_eq!(refused(desk.post("requests.json", CONNECTOR, &[("description", "x")]).await), 400);
    let far = [("service_code", "pothole"), ("lat", "91")];
    assert_eq!(refused(desk.post("requests.json", CONNECTOR, &far).await), 400);
    assert_eq!(refused(desk.get("requests.json", CONNECTOR, &[("start_date", "soon")]).await), 400);
    assert_eq!(refused(desk.get("requests/77.json", CONNECTOR, &[]).await), 404);
    let update = [("service_request_id", "77"), ("status", "open")];
    assert_eq!(refused(desk.post("servicerequestupdates.json", OFFICER, &update).await), 404);
    assert_eq!(desk.get("requests.json", CONNECTOR, &[]).await.unwrap(), Value::Array(Vec::new()));
}

/// Scenarios 10 and 11: there is no way to hand an identity to the desk, so nothing can show or export one.
#[tokio::test]
async fn refuses_a_report_that_says_who_a_person_is() {
    let desk = RunningDesk::start(Clock::manual(NOW)).await;
    for field in ["first_name", "last_name", "email", "phone", "account_id", "device_id"] {
        let report = [("service_code", "pothole"), ("description", "x"), (field, "Siti")];
        assert_eq!(desk.post("requests.json", CONNECTOR, &report).await.unwrap_err().0, 400);
    }
    assert_eq!(desk.get("requests.json", OFFICER, &[]).await.unwrap(), Value::Array(Vec::new()));
}

#[tokio::test]
async fn lists_by_service_date_status_and_number_in_pages() {
    let clock = Clock::manual(NOW);
    let desk = RunningDesk::start(clock.clone()).await;
    for (code, date) in [("pothole", "2026-11-01"), ("pothole", "2026-11-02"), ("corruption", "2026-11-02")] {
        let report = [("service_code", code), ("description", date), ("requested_datetime", date)];
        desk.post("requests.json", CONNECTOR, &report).await.unwrap();
    }
    let ids = async |query: &[(&str, &str)]| -> Vec<String> {
        let found = desk.get("requests.json", CONNECTOR, query).await.unwrap();
        let id = |r: &Value| r["service_request_id"].as_str().unwrap().to_owned();
        found.as_array().unwrap().iter().map(id).collect()
    };
    assert_eq!(ids(&[("service_code", "pothole")]).await, ["2", "1"]);
    assert_eq!(ids(&[("start_date", "2026-11-02"), ("end_date", "2026-11-02T23:59:59Z")]).await, ["3", "2"]);
    assert_eq!(ids(&[("service_code", "pothole"), ("end_date", "2026-11-01T12:00:00Z")]).await, ["1"]);
    assert_eq!(ids(&[("service_request_id", "3,1")]).await, ["3", "1"]);
    assert_eq!(ids(&[("page_size", "2")]).await, ["3", "2"]);
    assert_eq!(ids(&[("page_size", "2"), ("page", "2")]).await, ["1"]);
    let done = [("service_request_id", "2"), ("status", "fixed"), ("description", "done")];
    desk.post("servicerequestupdates.json", OFFICER, &done).await.unwrap();
    assert_eq!(ids(&[("status", "closed")]).await, ["2"]);
    assert_eq!(ids(&[("status", "open")]).await, ["3", "1"]);
}

/// Scenario 12: each status has a deadline, and it is on record for who looks.
#[tokio::test]
async fn an_officer_sets_statuses_with_deadlines_and_a_connector_can_only_reopen() {
    let clock = Clock::manual(NOW);
    let desk = RunningDesk::start(clock.clone()).await;
    desk.post("requests.json", CONNECTOR, &[("service_code", "pothole"), ("description", "x")]).await.unwrap();
    let shown = async || desk.get("requests/1.json", OFFICER, &[]).await.unwrap()[0].clone();
    let update = async |key: &str, status: &str| {
        let form = [("service_request_id", "1"), ("status", status), ("description", "words")];
        desk.post("servicerequestupdates.json", key, &form).await.unwrap();
        shown().await
    };
    let after = |seconds: u64| tabir_crypto::statement::value::Second(NOW + seconds).to_string();
    assert_eq!(shown().await["expected_datetime"], after(common::WAITING_S));
    let taken = update(OFFICER, "IN_PROGRESS").await;
    assert_eq!(taken["extended_attributes"]["status"], "in_progress");
    assert_eq!(taken["expected_datetime"], after(common::IN_PROGRESS_S));
    assert_eq!(update(OFFICER, "unchanged").await["extended_attributes"]["status"], "in_progress");
    assert_eq!(update(CONNECTOR, "CLOSED").await["status"], "open", "a connector's status says nothing");
    let done = update(OFFICER, "fixed").await;
    assert_eq!((&done["status"], &done["status_notes"]), (&Value::from("closed"), &Value::from("words")));
    assert_eq!(done["expected_datetime"], Value::Null);
    let again = update(CONNECTOR, "REOPEN").await;
    assert_eq!(
        (&again["status"], &again["expected_datetime"]),
        (&Value::from("open"), &Value::from(after(common::WAITING_S)))
    );
    let updates = desk.get("servicerequestupdates.json", CONNECTOR, &[]).await.unwrap();
    let statuses: Vec<_> = updates.as_array().unwrap().iter().map(|u| u["status"].as_str().unwrap()).collect();
    assert_eq!(statuses, ["in_progress", "unchanged", "unchanged", "fixed", "reopen"]);
}

#[tokio::test]
async fn a_scheduled_request_is_due_when_it_is_planned() {
    let desk = RunningDesk::start(Clock::manual(NOW)).await;
    desk.post("requests.json", CONNECTOR, &[("service_code", "pothole"), ("description", "x")]).await.unwrap();
    let planned = [("service_request_id", "1"), ("status", "action_scheduled"), ("expected_datetime", "2027-01-15")];
    desk.post("servicerequestupdates.json", OFFICER, &planned).await.unwrap();
    let shown = desk.get("requests/1.json", OFFICER, &[]).await.unwrap();
    assert_eq!(shown[0]["expected_datetime"], "2027-01-15T00:00:00Z");
}

#[tokio::test]
async fn names_its_services_and_where_the_sealed_identity_goes() {
    let desk = RunningDesk::start(Clock::manual(NOW)).await;
    let services = desk.get("services.json", "", &[]).await.unwrap();
    assert_eq!(services[0]["service_code"], "pothole");
    let definition = desk.get("services/pothole.json", "", &[]).await.unwrap();
    let codes: Vec<_> = definition["attributes"].as_array().unwrap().iter().map(|a| &a["code"]).collect();
    assert_eq!(codes, ["tabir_ref", "tabir_envelope", "tabir_envelope_url"]);
    let discovery = desk.get("discovery.json", "", &[]).await.unwrap();
    assert_eq!(discovery["endpoints"][0]["url"], desk.url());
    assert_eq!(desk.get("services/dragon.json", "", &[]).await.unwrap_err().0, 404);
}

/// `tabir desk …` against a desk; gives its output.
async fn tabir(desk: &RunningDesk, args: &[&str]) -> Result<String, String> {
    let key = desk.dir.path().join("officer.key");
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_tabir"));
    command.args(["desk", "--server", &desk.url(), "--key", key.to_str().unwrap()]).args(args);
    let done = command.output().await.unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    if done.status.success() { Ok(text(done.stdout)) } else { Err(text(done.stderr)) }
}

/// Scenario 12, and the officer's part of scenario 10: list, ask, set a status and show, without an identity anywhere.
#[tokio::test]
async fn the_officers_command_lists_what_is_overdue_asks_sets_and_shows() {
    // Years ago, so that its deadline has passed for the command's own clock.
    let desk = RunningDesk::start(Clock::manual(1_600_000_000)).await;
    for text in ["first hole", "second hole"] {
        let report = [("service_code", "pothole"), ("description", text), ("lat", "-6.1"), ("long", "106.8")];
        desk.post("requests.json", CONNECTOR, &report).await.unwrap();
    }
    let list = tabir(&desk, &["list"]).await.unwrap();
    assert!(list.contains("first hole") && list.contains("OVERDUE"));
    tabir(&desk, &["status", "1", "resolved", "--note", "Filled"]).await.unwrap();
    tabir(&desk, &["status", "2", "scheduled", "--eta", "2999-01-01"]).await.unwrap();
    tabir(&desk, &["ask", "2", "Which side?"]).await.unwrap();
    let overdue: Value = serde_json::from_str(&tabir(&desk, &["--json", "list", "--overdue"]).await.unwrap()).unwrap();
    assert_eq!(overdue, Value::Array(Vec::new()));
    let open: Value = serde_json::from_str(&tabir(&desk, &["--json", "list"]).await.unwrap()).unwrap();
    assert_eq!((open.as_array().unwrap().len(), &open[0]["service_request_id"]), (1, &Value::from("2")));
    let shown = tabir(&desk, &["show", "2"]).await.unwrap();
    for part in ["second hole", "[question] Which side?", "action_scheduled", "2999-01-01T00:00:00Z"] {
        assert!(shown.contains(part), "{part}");
    }
    assert!(tabir(&desk, &["show", "9"]).await.unwrap_err().contains("no request with this number"));
    assert!(tabir(&desk, &["status", "2", "resolved", "--eta", "soon"]).await.unwrap_err().contains("--eta"));
}
