//! What comes back from the downstream, and what reporters write later. Scenarios 10, 11, 16 and 17.

mod common;

use common::desk::{CONNECTOR, NOW, OFFICER};
use common::fault_proxy::FaultProxy;
use common::forwarding::{RETRY_S, Reported, World, open_message, write_item};
use serde_json::{Value, json};
use tabir::api::gateway::{Event, ItemKind};
use tabir_crypto::content::{Dispute, DisputeCode, Message, MessageKind, Rating, Stars};
use tabir_crypto::json::to_vec;
use tabir_crypto::statement::body::{Release, Status};
use tabir_crypto::statement::value::{Hex, Second, V1};

async fn world() -> (World, FaultProxy) {
    let mut proxy = None;
    let world = World::start(async |desk: &str| {
        let started = FaultProxy::start(desk).await;
        let base = started.base.clone();
        proxy = Some(started);
        base
    })
    .await;
    (world, proxy.unwrap())
}

/// A report that the desk has as request 1.
async fn sent(world: &mut World) -> Reported {
    let (case, item) = world.report("pothole", "a hole", Release::Urgent);
    world.offer(item);
    world.round().await;
    assert_eq!(world.at_desk().await.len(), 1);
    case
}

async fn officer(world: &World, status: &str, text: &str) {
    let form = [("service_request_id", "1"), ("status", status), ("description", text)];
    world.desk.post("servicerequestupdates.json", OFFICER, &form).await.unwrap();
}

fn statuses(events: &[Event]) -> Vec<Status> {
    let status = |e: &Event| match e {
        Event::Status { status, .. } => Some(*status),
        _ => None,
    };
    events.iter().filter_map(status).collect()
}

fn messages(events: &[Event]) -> Vec<Event> {
    events.iter().filter(|e| matches!(e, Event::Message { .. })).cloned().collect()
}

/// Scenario 10: the officer asks and answers without ever seeing who it is.
#[tokio::test]
async fn questions_and_notes_reach_the_reporter_sealed_signed_numbered_and_chained() {
    let (mut world, _proxy) = world().await;
    let case = sent(&mut world).await;
    officer(&world, "unchanged", "[question] Which side of the road?").await;
    officer(&world, "in_progress", "A crew is on its way.").await;
    officer(&world, "fixed", "").await;
    for _ in 0..3 {
        world.round().await;
        world.pass(60);
    }
    let events = world.events(&case.case_id);
    assert_eq!(statuses(&events), [Status::InProgress, Status::Resolved]);
    let messages = messages(&events);
    assert_eq!(messages.len(), 2);
    let (first, hash, asks) = open_message(&world, &case, &messages[0]);
    assert_eq!((first.seq, first.prev.0, first.kind, asks), (1, [0; 32], MessageKind::Question, true));
    assert_eq!(first.text, "Which side of the road?");
    let (second, _, asks) = open_message(&world, &case, &messages[1]);
    assert_eq!((second.seq, second.prev.0, second.kind, asks), (2, hash, MessageKind::Note, false));
    assert_eq!(second.text, "A crew is on its way.");
}

#[tokio::test]
async fn a_long_note_comes_whole() {
    let (mut world, _proxy) = world().await;
    let case = sent(&mut world).await;
    let text = "sangat \"panjang\" ".repeat(900);
    officer(&world, "unchanged", &text).await;
    world.round().await;
    let parts: Vec<String> =
        messages(&world.events(&case.case_id)).iter().map(|e| open_message(&world, &case, e).0.text).collect();
    assert!(parts.len() > 1);
    assert_eq!(parts.concat(), text.trim());
}

#[tokio::test]
async fn scheduled_work_tells_the_reporter_when() {
    let (mut world, _proxy) = world().await;
    let case = sent(&mut world).await;
    let form = [("service_request_id", "1"), ("status", "planned"), ("expected_datetime", "2027-01-15")];
    world.desk.post("servicerequestupdates.json", OFFICER, &form).await.unwrap();
    world.round().await;
    let when = Some(Second::parse("2027-01-15T00:00:00Z").unwrap());
    let scheduled = |e: &Event| matches!(e, Event::Status { status: Status::Scheduled, eta, .. } if *eta == when);
    assert!(world.events(&case.case_id).iter().any(scheduled));
}

fn update(id: &str, status: &str, at: u64, text: &str) -> Value {
    let at = Second(at).to_string();
    json!({ "update_id": id, "service_request_id": 1, "status": status, "updated_datetime": at, "description": text })
}

/// Scenario 16.
#[tokio::test]
async fn repeated_late_and_reordered_updates_appear_once_and_never_move_a_status_backwards() {
    let (mut world, proxy) = world().await;
    let case = sent(&mut world).await;
    let (taken, done, late) = (
        update("a", "IN_PROGRESS", NOW + 10, "taken"),
        update("b", "fixed", NOW + 20, "done"),
        update("0", "investigating", NOW + 5, "late"),
    );
    proxy.list_updates(json!([done, taken, done]));
    world.pass(30);
    world.round().await;
    world.round().await;
    proxy.list_updates(json!([done, late, taken]));
    world.round().await;
    world.restart().await;
    world.round().await;
    let events = world.events(&case.case_id);
    assert_eq!(statuses(&events), [Status::InProgress, Status::Resolved]);
    let texts: Vec<_> = messages(&events).iter().map(|e| open_message(&world, &case, e).0.text).collect();
    assert_eq!(texts, ["taken", "done", "late"], "each once, the late one's words too");
    assert!(world.held().await.is_empty());
    proxy.list_updates(json!([update("c", "open", NOW + 40, "")]));
    world.round().await;
    assert_eq!(statuses(&world.events(&case.case_id)).len(), 2);
    assert_eq!(world.held().await, [("regression".to_owned(), "open".to_owned())], "newer, backwards: for a person");
    proxy.list_updates(json!([update("d", "reopen", NOW + 50, "")]));
    world.round().await;
    assert_eq!(statuses(&world.events(&case.case_id)).last(), Some(&Status::Waiting));
}

/// Scenario 17.
#[tokio::test]
async fn an_unknown_status_is_held_and_its_words_still_reach_the_reporter() {
    let (mut world, _proxy) = world().await;
    let case = sent(&mut world).await;
    officer(&world, "waiting_for_contractor", "We wait for the contractor.").await;
    world.round().await;
    assert_eq!(world.held().await, [("status".to_owned(), "waiting_for_contractor".to_owned())]);
    let events = world.events(&case.case_id);
    assert!(statuses(&events).is_empty());
    assert_eq!(open_message(&world, &case, &messages(&events)[0]).0.text, "We wait for the contractor.");
}

#[tokio::test]
async fn updates_of_a_week_without_contact_catch_up() {
    let (mut world, _proxy) = world().await;
    let case = sent(&mut world).await;
    for (day, status) in [(1, "investigating"), (3, "in_progress"), (6, "fixed")] {
        world.clock.set(NOW + day * 86_400);
        officer(&world, status, status).await;
    }
    world.clock.set(NOW + 7 * 86_400);
    world.round().await;
    let expected = [Status::Coordination, Status::InProgress, Status::Resolved];
    assert_eq!(statuses(&world.events(&case.case_id)), expected);
}

fn message(case: &Reported, text: &str, re: Option<u64>) -> Vec<u8> {
    let (seq, kind) = (case.seq + 1, MessageKind::Answer);
    to_vec(&Message { v: V1, seq, prev: Hex([0; 32]), kind, re, text: text.into() }).unwrap()
}

/// All that is said at the desk, oldest first.
async fn said(world: &World) -> Vec<(String, String)> {
    let found = world.desk.get("servicerequestupdates.json", CONNECTOR, &[]).await.unwrap();
    let field = |u: &Value, name: &str| u[name].as_str().unwrap().to_owned();
    found.as_array().unwrap().iter().map(|u| (field(u, "status"), field(u, "description"))).collect()
}

#[tokio::test]
async fn answers_ratings_disputes_and_the_erasure_reach_the_officer_in_order_and_once() {
    let (mut world, _proxy) = world().await;
    let mut case = sent(&mut world).await;
    officer(&world, "fixed", "done").await;
    world.round().await;
    let text = message(&case, "the left one", Some(1));
    let answer = world.sealed_write(&mut case, ItemKind::Message, &text);
    let stars = Rating { v: V1, stars: Stars::new(2).unwrap() };
    let rating = write_item(&mut case, ItemKind::Rating, to_vec(&stars).unwrap(), None);
    let dispute = Dispute { v: V1, seq: case.seq + 1, code: DisputeCode::NotDone, text: "It is still there".into() };
    let dispute = world.sealed_write(&mut case, ItemKind::Dispute, &to_vec(&dispute).unwrap());
    // The same items come again, after a lost ack.
    for item in [&answer, &rating, &dispute, &answer] {
        world.offer(item.clone());
    }
    for _ in 0..4 {
        world.pass(60);
        world.round().await;
    }
    let reference = &case.reference;
    let expected = [
        ("fixed".to_owned(), "done".to_owned()),
        (
            "unchanged".to_owned(),
            format!("Answer of the reporter to message 1:\nthe left one\n\n[tabir:{reference}/1]"),
        ),
        ("unchanged".to_owned(), format!("Rating of the reporter: 2 of 5\n\n[tabir:{reference}/2]")),
        (
            "reopen".to_owned(),
            format!("Dispute of the reporter (not_done):\nIt is still there\n\n[tabir:{reference}/3]"),
        ),
    ];
    assert_eq!(said(&world).await, expected);
    let events = world.events(&case.case_id);
    assert_eq!(statuses(&events), [Status::Resolved, Status::Waiting], "reopened");
    assert_eq!(messages(&events).len(), 1, "their own words do not come back to them");
    let erase = write_item(&mut case, ItemKind::Erase, Vec::new(), None);
    world.offer(erase);
    world.round().await;
    assert_eq!(said(&world).await.len(), 5);
    assert!(world.held().await.is_empty());
}

#[tokio::test]
async fn a_cut_answer_to_a_later_write_makes_no_duplicate() {
    let (mut world, proxy) = world().await;
    let mut case = sent(&mut world).await;
    let text = message(&case, "once", None);
    let item = world.sealed_write(&mut case, ItemKind::Message, &text);
    world.offer(item);
    proxy.set(common::fault_proxy::Fault::StoredThen500);
    world.forwarder.take_in().await.unwrap();
    world.forwarder.send_due().await.unwrap();
    proxy.set(common::fault_proxy::Fault::None);
    // The echo comes before the outcome is known.
    world.forwarder.poll_updates().await.unwrap();
    world.pass(RETRY_S);
    world.round().await;
    assert_eq!(said(&world).await.len(), 1);
    assert!(messages(&world.events(&case.case_id)).is_empty());
}

#[tokio::test]
async fn an_erasure_before_the_report_left_takes_it_out_of_the_queue() {
    let (mut world, _proxy) = world().await;
    let (mut case, item) = world.report("corruption", "batched", Release::Batched);
    world.offer(item);
    world.forwarder.take_in().await.unwrap();
    let erase = write_item(&mut case, ItemKind::Erase, Vec::new(), None);
    world.offer(erase);
    world.forwarder.take_in().await.unwrap();
    world.pass(common::forwarding::RELEASE_S * 3);
    world.round().await;
    assert!(world.at_desk().await.is_empty());
    assert!(world.logged().await.is_empty(), "the gateway says `erased`");
}

/// Scenarios 10 and 11: what an officer sees, exports and queries, and the desk's files, hold the envelope's hash and
/// address, and nothing else of an identity.
#[tokio::test]
async fn the_identity_appears_nowhere_at_the_desk() {
    let (mut world, _proxy) = world().await;
    let case = sent(&mut world).await;
    let hash = hex::encode(tabir_crypto::codec::sha256(b"an envelope"));
    let shown = world.desk.get("requests/1.json", OFFICER, &[]).await.unwrap();
    let attributes = &shown[0]["extended_attributes"]["attributes"];
    assert_eq!(attributes["tabir_envelope"], hash);
    assert_eq!(attributes["tabir_envelope_url"], format!("https://gateway.example/v1/envelopes/{hash}"));
    let fields: Vec<&String> = shown[0].as_object().unwrap().keys().collect();
    for person in ["first_name", "last_name", "email", "phone", "account_id", "device_id"] {
        assert!(!fields.iter().any(|f| *f == person));
    }
    // What would lead to the reporter: the envelope, the case's keys and ids, in any of the usual spellings.
    let keys = &case.keys;
    let (case_vk, mailbox_pk) = (keys.case_vk(), keys.mailbox_pk());
    let secrets: [&[u8]; 6] = [
        b"an envelope",
        &case.case_id,
        &keys.access_hash(),
        case_vk.as_bytes(),
        keys.nf.expose(),
        &mailbox_pk.as_bytes()[..64],
    ];
    for secret in secrets {
        let spellings = [secret.to_vec(), hex::encode(secret).into_bytes()];
        for spelling in spellings {
            assert!(!common::found_in(world.desk.dir.path(), &spelling));
        }
    }
    assert!(common::found_in(world.desk.dir.path(), b"a hole"), "the search itself must be able to find");
}

/// The desk says with its own key that a report is there; the forwarder only carries it, sealed, to the reporter.
#[tokio::test]
async fn a_desk_that_countersigns_tells_the_reporter_and_names_nothing_but_the_reference() {
    let clock = tabir::clock::Clock::manual(NOW);
    let desk = common::desk::RunningDesk::start_as(clock.clone(), Some("desk.example")).await;
    let key = std::fs::read_to_string(desk.dir.path().join(tabir::desk::COUNTERSIGN_VKEY)).unwrap();
    let key = tabir_crypto::log::VerifierKey::parse(key.trim()).unwrap();
    let mut world = World::start_at(desk, clock, async |base: &str| base.to_owned()).await;
    let (case, item) = world.report("pothole", "with a countersignature", Release::Urgent);
    world.offer(item);
    for _ in 0..3 {
        world.round().await;
        world.pass(1);
    }
    let events = messages(&world.events(&case.case_id));
    let [event] = events.as_slice() else { panic!("one message: {}", events.len()) };
    let (message, _, question) = open_message(&world, &case, event);
    assert!(!question);
    let origin = common::world::ORIGIN;
    tabir_crypto::countersign::check(&message.text, origin, &case.reference, &key).unwrap();
    // Nothing else of the case is in it.
    let note = tabir_crypto::countersign::parse(&message.text, origin, &case.reference).unwrap();
    assert_eq!(note.text(), format!("tabir/v1/countersigned\n{origin}\n{}\n", case.reference));
    assert!(statuses(&world.events(&case.case_id)).is_empty(), "it sets no status");
    assert!(world.held().await.is_empty());
}
