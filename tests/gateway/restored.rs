//! A gateway whose store came back from a backup: it takes no token of before, erases again what was erased, hands nothing
//! over a second time, and tells the log of no window twice.

use std::path::Path;

use tabir::api::gateway::Event;
use tabir::client::report::Sealed;
use tabir::clock::Random;
use tabir::db::copy::{copy, revive};
use tabir::db::outbox;
use tabir::gateway::error::Refusal;
use tabir::gateway::restored::Told;
use tabir::gateway::store::backup::PLAN;
use tabir_crypto::receipt::Receipt;
use tabir_crypto::statement::body::{KeyAnnounced, KeyKind, ReportFate, Role};
use tabir_crypto::statement::value::{Bytes, Hex, Hour, Second, V1};
use tabir_crypto::statement::{Statement, Verb};
use tabir_crypto::token::{IssuerKey, Token};

use crate::common::world::{self, DAY, ISSUER, NOW, ORIGIN, World, identity, key, mint, signed, token, write_identity};
use crate::harness::{Running, WINDOW, is, plain_write, refused};

/// When the backup came back: the first window is over.
const RESTORED: u64 = NOW + WINDOW + 100;

/// What happened before the disk broke.
struct Before {
    kept: Receipt,
    erased: Sealed,
    late: Receipt,
    /// Spent before the backup, and after it.
    spent: [Token; 2],
    /// What the gateway told the log since.
    logged: Vec<Vec<u8>>,
    world: World,
}

/// A gateway of which a backup is made while it runs; then its folder is lost.
async fn lost(copy_to: &Path) -> Before {
    let dir = tempfile::tempdir().unwrap();
    let gateway = Running::start(dir.path()).await;
    gateway.gateway.tick().await.unwrap();
    let kept = gateway.accepted().await;
    let (erased, first) = (gateway.seal(), token());
    gateway.report(&erased, &first).await.unwrap();
    copy(&dir.path().join("store.sqlite"), copy_to, &PLAN).await.unwrap();

    let (late, second) = (gateway.seal(), token());
    gateway.report(&late, &second).await.unwrap();
    gateway.write("/v1/case/erase", None, &plain_write(Verb::CaseErase, &erased.receipt, 1, b"")).await.unwrap();
    gateway.clock.set(NOW + WINDOW);
    gateway.gateway.tick().await.unwrap();
    let logged = outbox::waiting(gateway.gateway.db()).await.unwrap();
    assert_eq!(logged.len(), 2, "a window and an erasure");
    let logged = logged.into_iter().map(|w| w.statement).collect();
    Before { kept, erased, late: late.receipt, spent: [first, second], logged, world: gateway.world }
}

/// The installation, with a token key of another epoch that the log has since the restore.
fn world_with(mut world: World, new: &IssuerKey) -> World {
    let announced = KeyAnnounced {
        v: V1,
        at: Hour::of(RESTORED),
        role: Role::Issuer,
        kind: KeyKind::Token,
        epoch: 2,
        key: Bytes(new.public().spki().to_vec()),
        not_before: Second(RESTORED),
        not_after: Second(RESTORED + 30 * DAY),
    };
    let leaf = signed(Verb::KeyAnnounced, &announced, &[identity(Role::Issuer), key(20)]).to_bytes();
    world.view.take(&world.trust, world.leaves.len() as u64, &leaf, RESTORED + 50).unwrap();
    world.leaves.push(leaf);
    world
}

fn told(world: &World, leaves: &[Vec<u8>]) -> Told {
    let mut told = Told::default();
    leaves.iter().for_each(|leaf| told.take(&world.trust, &world.view.state, leaf, NOW + WINDOW));
    told
}

/// The forwarder's word about a report.
fn forwarded(receipt: &Receipt) -> Vec<u8> {
    let nf = vec![Hex(*receipt.keys().nf.expose())];
    let fate = ReportFate { v: V1, at: Hour::of(NOW + WINDOW), w: 1, round: 0, part: 1, parts: 1, nf };
    Statement::signed(Verb::ReportForwarded, &fate, &identity(Role::Forwarder)).unwrap().to_bytes()
}

/// A gateway on what came out of the backup.
async fn back(dir: &Path, copy: &Path, new: &IssuerKey, world: World) -> Running {
    std::fs::copy(copy, dir.join("store.sqlite")).unwrap();
    revive(&dir.join("store.sqlite"), &PLAN, RESTORED).await.unwrap();
    write_identity(dir, Role::Gateway);
    Running::start_in(dir, world_with(world, new), RESTORED + 100).await
}

fn new_key() -> IssuerKey {
    loop {
        let key = IssuerKey::generate(&mut Random).unwrap();
        if key.public().truncated_id() != world::issuer_key().public().truncated_id() {
            return key;
        }
    }
}

#[tokio::test]
async fn a_gateway_that_came_back_takes_no_token_of_before_and_brings_no_erased_case_back() {
    let files = tempfile::tempdir().unwrap();
    let copied = files.path().join("copy.sqlite");
    let before = lost(&copied).await;
    let (new, dir) = (new_key(), tempfile::tempdir().unwrap());
    let gateway = back(dir.path(), &copied, &new, before.world).await;

    // Before it has read the logs, nothing is served.
    assert_eq!(refused(gateway.read(&before.kept.keys()).await), is(503, "restoring"));
    let fresh = mint(&new, ISSUER, ORIGIN);
    assert_eq!(refused(gateway.report(&gateway.seal(), &fresh).await), is(503, "restoring"));
    let lease = serde_json::json!({"v": 1, "max": 1});
    let leased = gateway.call(Role::Forwarder, reqwest::Method::POST, "/internal/outbox/lease", Some(lease)).await;
    assert_eq!(refused(leased), is(503, "restoring"));

    let mut logged = before.logged.clone();
    logged.push(forwarded(&before.kept));
    gateway.gateway.adopt(told(&gateway.world, &logged)).await.unwrap();

    // Tokens that were spent before the restore, before the backup as after it, and one that never was.
    for old in before.spent.iter().chain([&token()]) {
        assert_eq!(refused(gateway.report(&gateway.seal(), old).await), is(401, "token-key"));
    }
    assert_eq!(gateway.report(&gateway.seal(), &fresh).await.unwrap().status, 201, "of the new epoch");

    // Erased again, for ever.
    assert_eq!(refused(gateway.read(&before.erased.receipt.keys()).await), is(404, "no-case"));
    let again = gateway.report(&before.erased, &mint(&new, ISSUER, ORIGIN)).await;
    assert_eq!(refused(again), is(410, "erased"));
    for query in ["SELECT COUNT(*) FROM cases WHERE w = 1", "SELECT COUNT(*) FROM envelopes WHERE w = 1"] {
        assert_eq!(gateway.count(query).await, 1, "{query}");
    }

    // Accepted after the backup: the log has it, this gateway has not.
    assert_eq!(refused(gateway.read(&before.late.keys()).await), is(404, "no-case"));
    assert!(gateway.view(&before.kept).await.sent, "the log says that it was passed on");
    assert_eq!(gateway.count("SELECT COUNT(*) FROM outbox WHERE leased_until = 0").await, 1, "the new report alone");

    // Messages since the backup are lost: the next one stands behind a gap. Numbers still only rise.
    let case_id = before.kept.keys().case_id();
    let message = |id, seq| Event::Message { id: Hex([id; 16]), seq, sealed: Bytes(vec![0; 5_232]), question: false };
    gateway.gateway.events(case_id, vec![message(1, 3)]).await.unwrap();
    let falling = gateway.gateway.events(case_id, vec![message(2, 2)]).await;
    assert!(matches!(falling, Err(Refusal::Seq)), "{falling:?}");

    // The window that the log has is not said again; the next one is.
    gateway.clock.set(NOW + 2 * WINDOW);
    gateway.gateway.tick().await.unwrap();
    let said = gateway.logged().await;
    let windows: Vec<u64> = said
        .iter()
        .map(|body| match body {
            tabir_crypto::statement::Body::ReportAccepted(body) => body.w,
            other => panic!("something else: {other:?}"),
        })
        .collect();
    assert_eq!(windows, [2]);
}

#[tokio::test]
async fn what_a_stranger_says_in_the_log_erases_nothing() {
    let files = tempfile::tempdir().unwrap();
    let copied = files.path().join("copy.sqlite");
    let before = lost(&copied).await;
    let (new, dir) = (new_key(), tempfile::tempdir().unwrap());
    let gateway = back(dir.path(), &copied, &new, before.world).await;
    let by_another = |leaf: &Vec<u8>| {
        let statement = Statement::parse(leaf).unwrap();
        let mut forged = Statement::from_payload(statement.verb(), statement.payload().to_vec()).unwrap();
        forged.sign(&identity(Role::Forwarder));
        forged.to_bytes()
    };
    let forged: Vec<_> = before.logged.iter().map(by_another).collect();
    gateway.gateway.adopt(told(&gateway.world, &forged)).await.unwrap();
    assert!(!gateway.view(&before.erased.receipt).await.erased);
}

#[tokio::test]
async fn a_restart_before_the_logs_were_read_serves_nothing_either() {
    let files = tempfile::tempdir().unwrap();
    let copied = files.path().join("copy.sqlite");
    let before = lost(&copied).await;
    let (new, dir) = (new_key(), tempfile::tempdir().unwrap());
    let gateway = back(dir.path(), &copied, &new, before.world).await.restart(dir.path()).await;
    assert_eq!(refused(gateway.read(&before.kept.keys()).await), is(503, "restoring"));
    gateway.gateway.adopt(Told::default()).await.unwrap();
    let gateway = gateway.restart(dir.path()).await;
    assert_eq!(gateway.view(&before.kept).await.counter, 1_000, "above every number that the forwarder has seen");
}
