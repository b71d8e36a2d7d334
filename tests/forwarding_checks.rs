//! What the gateway hands over is used only if it is what the reporter signed. Each field is changed once.

mod common;

use common::desk::NOW;
use common::forwarding::{DEADLINE, Reported, World, intake_key, report_item, write_item};
use tabir::api::gateway::{Event, Item, ItemKind};
use tabir::clock::Random;
use tabir_crypto::content::{Content, IdentityState, Location, Message, MessageKind, Precision, Rating, Stars};
use tabir_crypto::hpke::KemSecretKey;
use tabir_crypto::json::to_vec;
use tabir_crypto::receipt::Receipt;
use tabir_crypto::statement::body::{Release, Status};
use tabir_crypto::statement::value::{CodeText, Hex, V1};
use tabir_crypto::statement::{Body, Statement, Verb};

async fn world() -> World {
    World::start(async |desk: &str| desk.to_owned()).await
}

fn honest(world: &World) -> (Reported, Item) {
    world.report("pothole", "a hole", Release::Urgent)
}

/// Offers a changed item: it must end as refused, with the code, and nothing may reach the desk.
async fn refused(change: impl FnOnce(&mut Item, &World), code: &str) {
    let mut world = world().await;
    let (_, mut item) = honest(&world);
    change(&mut item, &world);
    let (case_id, nf) = (item.case_id.0, item.report.as_ref().unwrap().nf.0);
    world.offer(item);
    world.round().await;
    assert!(world.at_desk().await.is_empty(), "{code}");
    assert_eq!(world.held().await, [("report".to_owned(), code.to_owned())]);
    let events = world.events(&case_id);
    assert!(
        matches!(events.as_slice(), [Event::Status { status: Status::Declined, .. }]),
        "{code}: the reporter sees it"
    );
    world.clock.set(DEADLINE);
    world.forwarder.log_windows().await.unwrap();
    assert_eq!(world.logged().await, [(Verb::ReportRefused, 0, vec![nf])], "{code}: so does everybody");
}

fn flip(bytes: &mut [u8]) {
    bytes[5] ^= 1;
}

#[tokio::test]
async fn refuses_a_report_of_which_any_signed_field_was_changed() {
    refused(|i, _| flip(&mut i.case_id.0), "case-key").await;
    refused(|i, _| flip(&mut i.access_hash.0), "case-key").await;
    refused(|i, w| i.case_vk = honest(w).1.case_vk, "case-key").await;
    refused(|i, _| flip(&mut i.payload.0), "context").await;
    refused(|i, _| flip(&mut i.report.as_mut().unwrap().a.0), "context").await;
    refused(|i, _| flip(&mut i.report.as_mut().unwrap().b.0), "context").await;
    refused(|i, _| flip(&mut i.report.as_mut().unwrap().nf.0), "context").await;
    refused(|i, _| flip(&mut i.report.as_mut().unwrap().notice_hash.0), "context").await;
    refused(|i, _| flip(&mut i.report.as_mut().unwrap().envelope_hash.0), "context").await;
    let other = |_: &World| KemSecretKey::generate(&mut Random).public_key();
    refused(|i, w| i.report.as_mut().unwrap().mailbox_pk = other(w), "context").await;
    refused(|i, w| i.statement = honest(w).1.statement, "unknown-key").await;
}

#[tokio::test]
async fn refuses_a_report_of_which_the_form_was_changed() {
    refused(|i, _| i.intake_key_id = None, "field").await;
    refused(|i, _| i.seq = Some(1), "field").await;
    refused(|i, _| flip(&mut i.intake_key_id.as_mut().unwrap().0), "not-active").await;
    refused(|i, _| i.payload.0.truncate(5_231), "size").await;
}

/// HPKE does not say who sealed: a gateway that seals a content of its own for a stranger's mailbox is caught.
#[tokio::test]
async fn refuses_a_content_that_names_another_mailbox() {
    let mut world = world().await;
    let keys = Receipt::generate(&mut Random).keys();
    let content = Content {
        v: V1,
        category: CodeText::new("pothole").unwrap(),
        text: "x".into(),
        language: CodeText::new("id").unwrap(),
        location: Location::new(Precision::None, None, String::new()).unwrap(),
        attributes: Default::default(),
        release: Release::Urgent,
        identity: IdentityState::None,
        mailbox_pk: KemSecretKey::generate(&mut Random).public_key(),
        attachments: Vec::new(),
        via: None,
    };
    let item = report_item(&keys, &content, &intake_key(world.dir.path()));
    world.offer(item);
    world.round().await;
    assert_eq!(world.held().await, [("report".to_owned(), "context".to_owned())]);
    assert!(world.at_desk().await.is_empty());
}

#[tokio::test]
async fn refuses_a_second_report_for_a_case_and_another_case_under_the_same_nf() {
    let mut world = world().await;
    let (_, first) = honest(&world);
    world.offer(first.clone());
    world.round().await;
    let mut other = first.clone();
    other.statement = honest(&world).1.statement;
    world.offer(other);
    world.round().await;
    assert_eq!(world.held().await, [("report".to_owned(), "case-exists".to_owned())]);
    let (_, mut thief) = honest(&world);
    thief.report.as_mut().unwrap().nf = first.report.unwrap().nf;
    world.offer(thief);
    world.round().await;
    assert_eq!(world.at_desk().await.len(), 1);
    world.clock.set(DEADLINE);
    world.forwarder.log_windows().await.unwrap();
    let logged = world.logged().await;
    assert!(matches!(logged.as_slice(), [(Verb::ReportForwarded, 0, nf)] if nf.len() == 1), "each nf once");
}

fn message(seq: u64) -> Vec<u8> {
    let (kind, prev) = (MessageKind::Note, Hex([0; 32]));
    to_vec(&Message { v: V1, seq, prev, kind, re: None, text: "words".into() }).unwrap()
}

/// Offers a changed later write: held with the code, and nothing reaches the desk.
async fn write_refused(change: impl FnOnce(&mut Item, &World), code: &str) {
    let mut world = world().await;
    let (mut case, item) = honest(&world);
    world.offer(item);
    world.round().await;
    let json = message(1);
    let mut write = world.sealed_write(&mut case, ItemKind::Message, &json);
    change(&mut write, &world);
    world.offer(write);
    world.round().await;
    assert_eq!(world.held().await, [("write".to_owned(), code.to_owned())]);
    let said = world.desk.get("servicerequestupdates.json", common::desk::CONNECTOR, &[]).await.unwrap();
    assert!(said.as_array().unwrap().is_empty(), "{code}");
}

#[tokio::test]
async fn refuses_a_later_write_of_which_any_field_was_changed() {
    write_refused(|i, _| flip(&mut i.case_id.0), "case").await;
    write_refused(|i, _| flip(&mut i.access_hash.0), "case-key").await;
    write_refused(|i, w| i.case_vk = honest(w).1.case_vk, "case-key").await;
    write_refused(|i, _| flip(&mut i.payload.0), "context").await;
    write_refused(|i, _| i.seq = Some(2), "aead").await;
    write_refused(|i, _| i.seq = None, "field").await;
    write_refused(|i, _| flip(&mut i.intake_key_id.as_mut().unwrap().0), "not-active").await;
    write_refused(|i, _| i.kind = ItemKind::Dispute, "verb").await;
    write_refused(|i, w| i.statement = honest(w).1.statement, "verb").await;
}

#[tokio::test]
async fn refuses_a_message_whose_number_inside_is_another() {
    let mut world = world().await;
    let (mut case, item) = honest(&world);
    world.offer(item);
    world.round().await;
    let json = message(7);
    let write = world.sealed_write(&mut case, ItemKind::Message, &json);
    world.offer(write);
    world.round().await;
    assert_eq!(world.held().await, [("write".to_owned(), "context".to_owned())]);
}

#[tokio::test]
async fn takes_no_counter_twice_and_none_that_falls() {
    let mut world = world().await;
    let (mut case, item) = honest(&world);
    world.offer(item);
    world.round().await;
    case.counter = 5;
    let rating = |stars| to_vec(&Rating { v: V1, stars: Stars::new(stars).unwrap() }).unwrap();
    let sixth = write_item(&mut case, ItemKind::Rating, rating(5), None);
    world.offer(sixth);
    world.round().await;
    for counter in [5, 2] {
        case.counter = counter;
        let replayed = write_item(&mut case, ItemKind::Rating, rating(1), None);
        world.offer(replayed);
        world.round().await;
    }
    let said = world.desk.get("servicerequestupdates.json", common::desk::CONNECTOR, &[]).await.unwrap();
    assert_eq!(said.as_array().unwrap().len(), 1);
    assert!(said[0]["description"].as_str().unwrap().starts_with("Rating of the reporter: 5 of 5"));
}

#[tokio::test]
async fn a_gap_in_the_reporters_numbers_is_seen() {
    let mut world = world().await;
    let (mut case, item) = honest(&world);
    world.offer(item);
    world.round().await;
    case.seq = 2;
    let json = message(3);
    let write = world.sealed_write(&mut case, ItemKind::Message, &json);
    world.offer(write);
    world.round().await;
    assert_eq!(world.held().await, [("write".to_owned(), "gap".to_owned())]);
    let said = world.desk.get("servicerequestupdates.json", common::desk::CONNECTOR, &[]).await.unwrap();
    assert_eq!(said.as_array().unwrap().len(), 1, "what came is passed on");
}

/// Every key is announced ahead of its time, the old one opens what is under way, and then it is gone.
#[tokio::test]
async fn intake_keys_follow_each_other_and_are_destroyed() {
    const EPOCH_S: u64 = 30 * 86_400;
    let mut world = world().await;
    let announced = async |world: &World| {
        let waiting = tabir::db::outbox::waiting(world.forwarder.store().db()).await.unwrap();
        let keys = waiting.iter().filter_map(|w| match Statement::parse(&w.statement).unwrap().body().unwrap() {
            Body::KeyAnnounced(key) => Some((key.epoch, key.not_before.0 - NOW, key.not_after.0 - NOW, key.key_id())),
            _ => None,
        });
        keys.collect::<Vec<_>>()
    };
    let first = (1, 0, 2 * EPOCH_S, intake_key(world.dir.path()).key_id());
    assert_eq!(announced(&world).await, [first]);
    world.pass(EPOCH_S - 86_401);
    world.forwarder.maintain().await.unwrap();
    assert_eq!(announced(&world).await.len(), 1);
    world.pass(1);
    world.forwarder.maintain().await.unwrap();
    world.forwarder.maintain().await.unwrap();
    let both = announced(&world).await;
    assert_eq!((both.len(), both[1].0, both[1].1, both[1].2), (2, 2, EPOCH_S, 3 * EPOCH_S));
    world.pass(2 * EPOCH_S);
    world.restart().await;
    let (_, item) = honest(&world);
    world.offer(item);
    world.forwarder.take_in().await.unwrap();
    assert!(world.held().await.is_empty(), "sealed to the old key by a device that was offline");
    world.pass(2 * EPOCH_S);
    world.forwarder.maintain().await.unwrap();
    assert!(world.dir.path().join("intake-1.key").exists(), "needed for what waits");
    world.forwarder.send_due().await.unwrap();
    world.forwarder.maintain().await.unwrap();
    assert!(!world.dir.path().join("intake-1.key").exists());
    world.restart().await;
}
