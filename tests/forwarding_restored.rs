//! A forwarder, or the desk behind it, whose store came back from a backup: nothing goes to the downstream twice, nothing is told
//! twice, and what was erased since goes nowhere.

mod common;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use common::desk::{CONNECTOR, NOW, OFFICER};
use common::forwarding::{DEADLINE, FORWARD_S, RETRY_S, World};
use tabir::api::gateway::Event;
use tabir::clock::Clock;
use tabir::config::keys::write_private;
use tabir::db::copy::{Plan, copy, revive};
use tabir::db::outbox;
use tabir::desk::{BASE, CONNECTOR_KEY, OFFICER_KEY, start_with};
use tabir::forwarder::store::backup::{PLAN, Told};
use tabir::http::openapi::with_document;
use tabir::ledger::View;
use tabir_crypto::statement::body::Release;
use tabir_crypto::statement::{Body, Statement, Verb};

async fn world() -> World {
    World::start(async |desk: &str| desk.to_owned()).await
}

async fn backed_up(world: &World) -> PathBuf {
    let file = world.dir.path().join("copy.sqlite");
    copy(&world.dir.path().join("store.sqlite"), &file, &PLAN).await.unwrap();
    file
}

/// The store is lost, and the copy comes back in its place.
async fn put_back(dir: &Path, copied: &Path, plan: &Plan, now: u64) {
    for end in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(dir.join(format!("store.sqlite{end}")));
    }
    std::fs::rename(copied, dir.join("store.sqlite")).unwrap();
    revive(&dir.join("store.sqlite"), plan, now).await.unwrap();
}

async fn restored(world: &mut World, copied: &Path) {
    put_back(world.dir.path(), copied, &PLAN, world.clock.now()).await;
    world.restart().await;
    assert!(world.forwarder.is_restoring(), "nothing is done before the logs were read");
}

fn count(events: &[Event]) -> (usize, usize, usize) {
    let of = |is: fn(&Event) -> bool| events.iter().filter(|e| is(e)).count();
    (
        of(|e| matches!(e, Event::Sent { .. })),
        of(|e| matches!(e, Event::Status { .. })),
        of(|e| matches!(e, Event::Message { .. })),
    )
}

#[tokio::test]
async fn what_was_sent_since_the_backup_is_found_and_not_sent_again() {
    let mut world = world().await;
    let (case, item) = world.report("pothole", "Lubang besar", Release::Urgent);
    world.offer(item);
    world.forwarder.take_in().await.unwrap();
    let copied = backed_up(&world).await;
    world.round().await;
    assert_eq!(world.at_desk().await.len(), 1);

    restored(&mut world, &copied).await;
    world.forwarder.adopt(&View::default(), Told::default()).await.unwrap();
    assert!(!world.forwarder.is_restoring());
    world.pass(RETRY_S);
    world.round().await;
    assert_eq!(world.at_desk().await.len(), 1, "found by its marker");
    assert_eq!(count(&world.events(&case.case_id)), (1, 0, 0), "and told once");
}

#[tokio::test]
async fn answers_that_the_gateway_has_are_not_told_again_and_later_ones_follow_them() {
    let mut world = world().await;
    let (case, item) = world.report("pothole", "a hole", Release::Urgent);
    world.offer(item);
    world.round().await;
    let copied = backed_up(&world).await;
    let officer = async |world: &World, text: &str| {
        let form = [("service_request_id", "1"), ("status", "in_progress"), ("description", text)];
        world.desk.post("servicerequestupdates.json", OFFICER, &form).await.unwrap();
    };
    officer(&world, "A crew is on its way.").await;
    world.pass(60);
    world.round().await;
    let before = world.events(&case.case_id);
    assert_eq!(count(&before), (1, 1, 1));

    restored(&mut world, &copied).await;
    world.forwarder.adopt(&View::default(), Told::default()).await.unwrap();
    world.pass(60);
    world.round().await;
    assert_eq!(world.events(&case.case_id), before, "the same ids, which the gateway knows");
    officer(&world, "It is done.").await;
    world.pass(60);
    world.round().await;
    let events = world.events(&case.case_id);
    let numbers: Vec<u64> =
        events.iter().filter_map(|e| if let Event::Message { seq, .. } = e { Some(*seq) } else { None }).collect();
    assert_eq!(numbers, [1, 2]);
}

#[tokio::test]
async fn what_the_log_has_is_not_said_again_and_what_was_erased_goes_nowhere() {
    let mut world = world().await;
    let mut nfs = Vec::new();
    for n in 0..4 {
        let (_, item) = world.report("pothole", &format!("report {n}"), Release::Urgent);
        nfs.push(item.report.as_ref().unwrap().nf.0);
        world.offer(item);
    }
    world.forwarder.take_in().await.unwrap();
    let copied = backed_up(&world).await;
    restored(&mut world, &copied).await;
    let told = Told {
        forwarded: [nfs[0]].into(),
        refused: [nfs[1]].into(),
        erased: [nfs[2]].into(),
        pending: [(nfs[3], 0)].into(),
        rounds: [(1, 0)].into(),
    };
    world.forwarder.adopt(&View::default(), told).await.unwrap();
    world.round().await;
    let texts: Vec<String> =
        world.at_desk().await.iter().map(|r| r["description"].as_str().unwrap()[..8].to_owned()).collect();
    assert!(texts.contains(&"report 0".to_owned()), "the downstream does not have it: it is sent for good");
    assert!(!texts.contains(&"report 1".to_owned()) && !texts.contains(&"report 2".to_owned()), "{texts:?}");
    world.clock.set(DEADLINE + FORWARD_S);
    world.forwarder.log_windows().await.unwrap();
    let said = world.logged().await;
    assert_eq!(said, [(Verb::ReportForwarded, 1, vec![nfs[3]])], "the round after the one that the log has");
}

#[tokio::test]
async fn an_intake_key_that_is_lost_with_the_disk_is_followed_by_another_at_once() {
    let mut world = world().await;
    let copied = backed_up(&world).await;
    std::fs::remove_file(world.dir.path().join("intake-1.key")).unwrap();
    restored(&mut world, &copied).await;
    world.forwarder.adopt(&View::default(), Told::default()).await.unwrap();
    assert!(world.dir.path().join("intake-2.key").exists());
    let waiting = outbox::waiting(world.forwarder.store().db()).await.unwrap();
    let announced = waiting.iter().filter(|w| {
        matches!(Statement::parse(&w.statement).unwrap().body().unwrap(), Body::KeyAnnounced(key) if key.epoch == 2)
    });
    assert_eq!(announced.count(), 1);
    world.restart().await;
    assert!(!world.forwarder.is_restoring());
}

/// A desk in a folder, and its address.
async fn desk(dir: &Path, clock: &Clock) -> (String, tokio::sync::watch::Sender<bool>) {
    let policy: tabir::desk::Policy = Arc::new(|| Some(common::policy(NOW, 60, 60, 60)));
    let parts = start_with(clock.clone(), dir, policy, None).await.unwrap();
    common::serve(with_document(parts.public)).await
}

async fn filed(base: &str) -> u64 {
    let form = format!("api_key={CONNECTOR}&service_code=pothole&description=Lubang&address_string=Gambir");
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = http.post(format!("{base}{BASE}/requests.json"));
    let request = request.header("content-type", "application/x-www-form-urlencoded").body(form);
    let answer: serde_json::Value =
        serde_json::from_slice(&request.send().await.unwrap().bytes().await.unwrap()).unwrap();
    answer[0]["service_request_id"].as_str().unwrap_or_else(|| panic!("{answer}")).parse().unwrap()
}

#[tokio::test]
async fn a_desk_that_came_back_gives_no_number_a_second_time() {
    let (dir, clock) = (tempfile::tempdir().unwrap(), Clock::manual(NOW));
    write_private(&dir.path().join(CONNECTOR_KEY), CONNECTOR.as_bytes()).unwrap();
    write_private(&dir.path().join(OFFICER_KEY), OFFICER.as_bytes()).unwrap();
    let (base, _running) = desk(dir.path(), &clock).await;
    assert_eq!((filed(&base).await, filed(&base).await), (1, 2));
    let copied = dir.path().join("copy.sqlite");
    copy(&dir.path().join("store.sqlite"), &copied, &tabir::desk::PLAN).await.unwrap();
    assert_eq!(filed(&base).await, 3);
    put_back(dir.path(), &copied, &tabir::desk::PLAN, NOW).await;
    let (base, _running) = desk(dir.path(), &clock).await;
    let next = filed(&base).await;
    assert!(next > 1_000_000, "{next}: not 3 again");
    assert_eq!(filed(&base).await, next + 1);
}
