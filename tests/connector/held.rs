//! What is held is shown to an operator and ended by one: by the command, while the forwarder runs.

use serde_json::{Value, json};
use tabir::api::gateway::{Event, ItemKind};
use tabir_crypto::content::{Message, MessageKind};
use tabir_crypto::json::to_vec;
use tabir_crypto::statement::body::Status;
use tabir_crypto::statement::value::{Hex, V1};

use crate::commands::tabir;
use crate::common::forwarding::World;
use crate::common::stand_in::{Fault, StandIn, WHEN};
use crate::{before, offer, rounds, told};

async fn list(world: &World) -> Vec<Value> {
    let (code, out, _) = tabir(world, &["held", "list", "--json"]).await;
    assert_eq!(code, 0);
    serde_json::from_str::<Value>(&out).unwrap().as_array().unwrap().clone()
}

/// The id of the only thing that is held, which is of this kind.
async fn only(world: &World, kind: &str) -> String {
    let rows = list(world).await;
    assert_eq!(rows.len(), 1, "{rows:?}");
    assert_eq!(rows[0]["kind"], kind);
    assert!(!rows[0]["todo"].as_str().unwrap().is_empty());
    rows[0]["id"].as_str().unwrap().to_owned()
}

/// Ends it; gives what was done, or what the command says instead.
async fn resolve(world: &World, id: &str, more: &[&str]) -> Result<String, String> {
    let (code, out, error) = tabir(world, &[&["held", "resolve", id, "--json"], more].concat()).await;
    if code == 0 {
        let done: Value = serde_json::from_str(&out).unwrap();
        return Ok(done["done"].as_str().unwrap().to_owned());
    }
    Err(error)
}

fn update(id: &str, status: &str) -> Value {
    json!({
        "update_id": id, "service_request_id": "R-1", "status": status, "updated_datetime": WHEN, "description": "",
    })
}

fn last_status(world: &World, case: &crate::Reported) -> Option<Status> {
    let status = |e: &Event| if let Event::Status { status, .. } = e { Some(*status) } else { None };
    world.events(&case.case_id).iter().filter_map(status).next_back()
}

/// Scenario 17, to its end: a word that nobody knew is mapped, and the case goes on.
#[tokio::test]
async fn an_unknown_status_is_taken_once_the_mapping_knows_it() {
    let server = StandIn::start(|_| {}).await;
    let mut world = before(&server, "").await;
    let case = offer(&mut world, "corruption", "x");
    rounds(&world, 1).await;
    server.state().said = vec![update("a", "Menunggu Kontraktor")];
    rounds(&world, 2).await;
    let id = only(&world, "status").await;
    let refused = resolve(&world, &id, &[]).await.unwrap_err();
    assert!(refused.contains("[statuses]"), "{refused}");
    world.map(&format!("[statuses]\n\"menunggu kontraktor\" = \"scheduled\"\n{}", crate::MAPPING)).await;
    assert_eq!(resolve(&world, &id, &[]).await.unwrap(), "status");
    rounds(&world, 1).await;
    assert_eq!(last_status(&world, &case), Some(Status::Scheduled));
    assert!(list(&world).await.is_empty());
    let gone = resolve(&world, &id, &[]).await.unwrap_err();
    assert!(gone.contains("held list"), "{gone}");
}

#[tokio::test]
async fn a_person_decides_on_a_case_that_moved_backwards() {
    let server = StandIn::start(|_| {}).await;
    let mut world = before(&server, "").await;
    let case = offer(&mut world, "corruption", "x");
    rounds(&world, 1).await;
    server.state().said = vec![update("a", "fixed")];
    rounds(&world, 1).await;
    server.state().said.push(json!({
        "update_id": "b", "service_request_id": "R-1", "status": "in_progress",
        "updated_datetime": "2026-11-25T09:00:00+07:00", "description": "",
    }));
    rounds(&world, 2).await;
    assert_eq!(last_status(&world, &case), Some(Status::Resolved));
    let id = only(&world, "regression").await;
    assert!(resolve(&world, &id, &[]).await.is_err());
    assert!(resolve(&world, &id, &["--status", "received"]).await.is_err());
    assert!(resolve(&world, &id, &["--request-id", "1"]).await.is_err());
    assert_eq!(resolve(&world, &id, &["--status", "in_progress"]).await.unwrap(), "status");
    rounds(&world, 1).await;
    assert_eq!(last_status(&world, &case), Some(Status::InProgress));
}

#[tokio::test]
async fn a_report_that_waits_is_tried_at_once_or_said_to_be_there_and_never_thrown_away() {
    let server = StandIn::start(|s| s.strict = true).await;
    let mut world = before(&server, "").await;
    let case = offer(&mut world, "corruption", "x");
    rounds(&world, 1).await;
    let id = only(&world, "refused").await;
    assert!(resolve(&world, &id, &["--seen"]).await.is_err(), "it would be lost from sight");
    assert!(resolve(&world, &id, &["--by-hand"]).await.is_err(), "that is for what the reporter wrote later");
    assert_eq!(only(&world, "refused").await, id, "what was refused changed nothing");
    server.state().strict = false;
    assert_eq!(resolve(&world, &id, &[]).await.unwrap(), "retried");
    world.forwarder.send_due().await.unwrap();
    world.forwarder.push_events().await.unwrap();
    assert_eq!(told(&world, &case), 1);
    server.state().strict = true;
    let other = offer(&mut world, "corruption", "typed in by hand");
    rounds(&world, 1).await;
    let id = only(&world, "refused").await;
    assert_eq!(resolve(&world, &id, &["--request-id", "R-77"]).await.unwrap(), "sent");
    rounds(&world, 2).await;
    assert_eq!((told(&world, &other), server.state().requests.len()), (1, 1));
    // News of it come by the id that the person gave.
    server.state().said = vec![json!({
        "update_id": "z", "service_request_id": "R-77", "status": "fixed", "updated_datetime": WHEN, "description": "",
    })];
    rounds(&world, 1).await;
    assert_eq!(last_status(&world, &other), Some(Status::Resolved));
}

#[tokio::test]
async fn what_was_told_by_hand_no_longer_waits() {
    let server = StandIn::start(|s| s.updates = false).await;
    let mut world = before(&server, "[server]\nupdates = \"requests\"\nfollowups = \"hold\"\n").await;
    let mut case = offer(&mut world, "corruption", "x");
    rounds(&world, 1).await;
    let message = Message { v: V1, seq: 1, prev: Hex([0; 32]), kind: MessageKind::Note, re: None, text: "more".into() };
    let item = world.sealed_write(&mut case, ItemKind::Message, &to_vec(&message).unwrap());
    world.offer(item);
    rounds(&world, 1).await;
    let id = only(&world, "followup").await;
    assert_eq!(resolve(&world, &id, &["--by-hand"]).await.unwrap(), "brought");
    rounds(&world, 2).await;
    assert!(list(&world).await.is_empty());
}

/// The list is for people's terminals: a server's words can't drive one.
#[tokio::test]
async fn a_servers_words_are_shown_without_what_a_terminal_obeys() {
    let server = StandIn::start(|_| {}).await;
    let mut world = before(&server, "").await;
    offer(&mut world, "corruption", "x");
    rounds(&world, 1).await;
    server.state().said = vec![update("a", "\u{1b}[2Jdone\u{7}")];
    rounds(&world, 1).await;
    let (code, out, _) = tabir(&world, &["held", "list"]).await;
    assert_eq!(code, 0);
    assert!(out.contains("[2Jdone") && !out.contains('\u{1b}') && !out.contains('\u{7}'), "{out}");
    server.state().fault = Fault::None;
}
