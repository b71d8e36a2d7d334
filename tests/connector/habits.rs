//! Servers as they are: XML only, tokens, id 0, unknown parameters refused, no updates, no lists, keys, jurisdictions.

use serde_json::json;
use tabir::api::gateway::{Event, ItemKind};
use tabir_crypto::content::{Message, MessageKind};
use tabir_crypto::json::to_vec;
use tabir_crypto::statement::body::Status;
use tabir_crypto::statement::value::{Hex, V1};

use crate::common::forwarding::{Reported, open_message};
use crate::common::stand_in::{Fault, Ids, StandIn, WHEN};
use crate::{before, offer, rounds, told};

const KEY: &str = crate::common::desk::CONNECTOR;

fn statuses(events: &[Event]) -> Vec<Status> {
    let status = |e: &Event| if let Event::Status { status, .. } = e { Some(*status) } else { None };
    events.iter().filter_map(status).collect()
}

fn message(case: &Reported, text: &str) -> Vec<u8> {
    let (seq, kind) = (case.seq + 1, MessageKind::Note);
    to_vec(&Message { v: V1, seq, prev: Hex([0; 32]), kind, re: None, text: text.into() }).unwrap()
}

/// Everything in XML, with a key and a jurisdiction: a report, its status, an officer's words, the reporter's words.
#[tokio::test]
async fn a_server_that_speaks_xml_only_is_spoken_with_in_xml() {
    let server = StandIn::start(|s| {
        (s.xml, s.key, s.jurisdiction) = (true, Some(KEY), Some("kota.example"));
    })
    .await;
    let clock = tabir::clock::Clock::manual(crate::common::desk::NOW);
    let desk = crate::common::desk::RunningDesk::start(clock.clone()).await;
    let mut world = crate::World::start_to(desk, clock, server.base.clone(), |c| {
        c.jurisdiction = Some("kota.example".into());
    })
    .await;
    world.map(&format!("[server]\nformat = \"xml\"\n{}", crate::MAPPING)).await;
    let mut case = offer(&mut world, "pothole", "A <deep> hole & more");
    rounds(&world, 1).await;
    assert_eq!(told(&world, &case), 1);
    let description = server.descriptions().remove(0);
    assert!(description.starts_with("A <deep> hole & more\n"), "{description}");
    assert!(description.ends_with(&format!("[tabir:{}]", case.reference)), "{description}");
    assert_eq!(server.parameter(0, "attribute[DEPTH]").unwrap(), "D1", "the mapping's default");
    let words = "Fixed <b>today</b> & done ]]>";
    server.state().said = vec![json!({
        "update_id": 0, "service_request_id": "R-1", "status": "FIXED", "updated_datetime": WHEN, "description": words,
    })];
    rounds(&world, 1).await;
    let text = message(&case, "thanks");
    let item = world.sealed_write(&mut case, ItemKind::Message, &text);
    world.offer(item);
    rounds(&world, 2).await;
    let events = world.events(&case.case_id);
    assert_eq!(statuses(&events), [Status::Resolved]);
    let said: Vec<_> = events.iter().filter(|e| matches!(e, Event::Message { .. })).collect();
    assert_eq!(said.len(), 1);
    assert_eq!(open_message(&world, &case, said[0]).0.text, words, "markup is text, and stays it");
    let posted = server.state().posted.clone();
    assert_eq!(posted.len(), 1);
    assert!(posted[0].contains(&("status".to_owned(), "FIXED".to_owned())), "the downstream's word, in capitals");
    assert!(world.held().await.is_empty());
}

#[tokio::test]
async fn a_token_is_polled_until_there_is_an_id_and_the_report_is_sent_once() {
    let server = StandIn::start(|s| s.ids = Ids::Token(2)).await;
    let mut world = before(&server, "").await;
    let case = offer(&mut world, "pothole", "x");
    rounds(&world, 1).await;
    assert_eq!(told(&world, &case), 0);
    world.restart().await;
    rounds(&world, 4).await;
    assert_eq!((told(&world, &case), server.state().requests.len()), (1, 1));
    let polled = server.state().calls.iter().filter(|c| c.contains("/tokens/t-0.json")).count();
    assert_eq!(polled, 3);
}

/// A token that the server forgets: the report is looked up, and never sent twice.
#[tokio::test]
async fn a_forgotten_token_ends_in_a_look_up() {
    let server = StandIn::start(|s| s.ids = Ids::Token(0)).await;
    let mut world = before(&server, "").await;
    let case = offer(&mut world, "pothole", "x");
    rounds(&world, 1).await;
    // Its tokens are refused from now on.
    server.state().ids = Ids::Text;
    let first = server.state().requests.remove(0);
    server.state().requests.push(vec![("service_code".into(), "COR".into()), ("description".into(), "other".into())]);
    rounds(&world, 2).await;
    assert_eq!(told(&world, &case), 0, "not there yet: it waits");
    assert_eq!(server.state().requests.len(), 1, "and is not sent again");
    assert_eq!(world.held().await, [("token".to_owned(), "waits".to_owned())]);
    {
        let mut state = server.state();
        state.requests.push(first);
        state.states.push(("open".into(), String::new(), WHEN.into()));
    }
    rounds(&world, 2).await;
    assert_eq!((told(&world, &case), server.state().requests.len()), (1, 2));
    assert!(world.held().await.is_empty(), "what was held about it is over");
}

#[tokio::test]
async fn the_id_0_is_an_id() {
    let server = StandIn::start(|s| s.ids = Ids::FromZero).await;
    let mut world = before(&server, "").await;
    let case = offer(&mut world, "pothole", "x");
    rounds(&world, 2).await;
    assert_eq!((told(&world, &case), server.state().requests.len()), (1, 1));
    server.state().said = vec![json!({
        "update_id": 0, "service_request_id": 0, "status": "in_progress", "updated_datetime": WHEN, "description": "",
    })];
    rounds(&world, 2).await;
    assert_eq!(statuses(&world.events(&case.case_id)), [Status::InProgress]);
}

#[tokio::test]
async fn a_server_that_refuses_what_it_does_not_know_gets_only_what_it_knows() {
    let server = StandIn::start(|s| s.strict = true).await;
    let mut world = before(&server, "").await;
    let case = offer(&mut world, "pothole", "x");
    rounds(&world, 2).await;
    assert_eq!(
        world.held().await,
        [("refused".to_owned(), "400".to_owned())],
        "requested_datetime is no standard parameter"
    );
    world.map(&format!("[server]\nomit = [\"requested_datetime\"]\n{}", crate::MAPPING)).await;
    rounds(&world, 2).await;
    assert_eq!((told(&world, &case), server.state().requests.len()), (1, 1));
    assert!(world.held().await.is_empty());
    let other = offer(&mut world, "corruption", "no definition");
    rounds(&world, 2).await;
    assert_eq!(told(&world, &other), 1, "no attribute of another service");
}

/// A plain GeoReport v2 server: statuses open and closed, with notes, and nothing to post updates to.
#[tokio::test]
async fn news_are_read_from_the_requests_where_there_are_no_updates() {
    let server = StandIn::start(|s| s.updates = false).await;
    let more = "[server]\nupdates = \"requests\"\nfollowups = \"requests\"\n";
    let mut world = before(&server, more).await;
    let mut case = offer(&mut world, "pothole", "x");
    rounds(&world, 2).await;
    assert_eq!(statuses(&world.events(&case.case_id)), [Status::Waiting]);
    server.state().states[0] = ("closed".into(), "Filled with asphalt.".into(), "2026-11-25T09:00:00+07:00".into());
    rounds(&world, 2).await;
    world.restart().await;
    rounds(&world, 2).await;
    let events = world.events(&case.case_id);
    assert_eq!(statuses(&events), [Status::Waiting, Status::Resolved]);
    let said: Vec<_> = events.iter().filter(|e| matches!(e, Event::Message { .. })).collect();
    assert_eq!(said.len(), 1, "the note once, however often it is read");
    assert_eq!(open_message(&world, &case, said[0]).0.text, "Filled with asphalt.");
    let text = message(&case, "it is broken again");
    let item = world.sealed_write(&mut case, ItemKind::Message, &text);
    world.offer(item);
    rounds(&world, 2).await;
    assert_eq!(server.state().requests.len(), 2);
    assert!(server.parameter(1, "description").unwrap().starts_with("About request R-1:\nMessage of the reporter:"));
    assert!(world.held().await.is_empty());
}

#[tokio::test]
async fn what_a_server_takes_nowhere_is_held_and_not_dropped() {
    let server = StandIn::start(|s| s.updates = false).await;
    let mut world = before(&server, "[server]\nupdates = \"requests\"\nfollowups = \"hold\"\n").await;
    let mut case = offer(&mut world, "pothole", "x");
    rounds(&world, 2).await;
    let text = message(&case, "more");
    let item = world.sealed_write(&mut case, ItemKind::Message, &text);
    world.offer(item);
    rounds(&world, 2).await;
    assert_eq!(world.held().await, [("followup".to_owned(), "1".to_owned())]);
}

/// Nobody can look: it is sent again, and says that it may be a repetition. At least once, visibly.
#[tokio::test]
async fn where_nobody_can_look_a_lost_answer_leads_to_a_repetition_that_says_so() {
    let server = StandIn::start(|s| s.lists = false).await;
    let mut world = before(&server, "[server]\nlookup = \"none\"\n").await;
    server.state().fault = Fault::StoredThen500;
    let case = offer(&mut world, "pothole", "x");
    rounds(&world, 1).await;
    server.state().fault = Fault::None;
    rounds(&world, 2).await;
    assert_eq!(told(&world, &case), 1);
    let descriptions = server.descriptions();
    assert_eq!(descriptions.len(), 2);
    assert!(!descriptions[0].contains("repetition") && descriptions[1].contains("Possibly a repetition"));
    let marker = format!("[tabir:{}]", case.reference);
    assert!(descriptions.iter().all(|d| d.ends_with(&marker)), "an officer sees that they are one");
}

/// It takes reports, gives no id and lists nothing: sent once, and a person knows that no news can come.
#[tokio::test]
async fn a_server_that_names_nothing_gets_each_report_once() {
    let server = StandIn::start(|s| (s.lists, s.ids) = (false, Ids::None)).await;
    let mut world = before(&server, "[server]\nlookup = \"none\"\n").await;
    let mut case = offer(&mut world, "pothole", "x");
    rounds(&world, 3).await;
    assert_eq!((told(&world, &case), server.state().requests.len()), (1, 1));
    let text = message(&case, "more");
    let item = world.sealed_write(&mut case, ItemKind::Message, &text);
    world.offer(item);
    rounds(&world, 2).await;
    let held = [("followup".to_owned(), "1".to_owned()), ("nameless".to_owned(), "no-id".to_owned())];
    assert_eq!(world.held().await, held);
}

#[tokio::test]
async fn a_server_that_names_nothing_but_lists_is_asked_at_once() {
    let server = StandIn::start(|s| s.ids = Ids::None).await;
    let mut world = before(&server, "").await;
    let case = offer(&mut world, "pothole", "x");
    rounds(&world, 1).await;
    assert_eq!((told(&world, &case), server.state().requests.len()), (1, 1));
}

/// Scenario 17, with a mapping: a category that stands in no line, and an attribute that nothing fills.
#[tokio::test]
async fn what_the_mapping_lacks_is_held_until_it_is_mended() {
    let server = StandIn::start(|_| {}).await;
    let mut world = before(&server, "").await;
    let dragon = offer(&mut world, "dragons", "smoke");
    rounds(&world, 1).await;
    assert_eq!(world.held().await, [("category".to_owned(), "dragons".to_owned())]);
    world.map("[categories.dragons]\nservice = \"RD 12\"\n").await;
    rounds(&world, 1).await;
    let attribute = ("attribute".to_owned(), "DEPTH".to_owned());
    assert!(world.held().await.contains(&attribute));
    world.map("[categories.dragons]\nservice = \"RD 12\"\nattributes = { DEPTH = { value = \"D1\" } }\n").await;
    rounds(&world, 1).await;
    assert_eq!((told(&world, &dragon), server.state().requests.len()), (1, 1));
    assert!(world.held().await.is_empty());
}
