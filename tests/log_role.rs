//! The log role over HTTP: what it takes, what it refuses, what it serves, and that a restart loses nothing.

mod log_support;

use std::sync::Arc;
use std::time::Duration;

use tabir::http::Answer;
use tabir_crypto::hpke::KemSecretKey;
use tabir_crypto::log::witness::format_cosignatures;
use tabir_crypto::log::{Cosigner, TreeHead, checkpoint_hash};
use tabir_crypto::statement::body::Role;
use tabir_crypto::statement::value::Bytes;
use tabir_crypto::statement::{Statement, Verb};
use tabir_crypto::trust::root::LogName;

use log_support::*;

#[tokio::test]
async fn takes_each_statement_once_and_only_with_enough_signatures() {
    let dir = tempfile::tempdir().unwrap();
    let log = start(dir.path(), 10).await.unwrap();
    assert_eq!(log.append(INTAKE, &counts(1)).await.unwrap(), (201, 0));
    assert_eq!(log.append(INTAKE, &counts(2)).await.unwrap(), (201, 1));
    assert_eq!(log.append(INTAKE, &counts(1)).await.unwrap(), (200, 0));
    // One more signature makes no new statement.
    let mut again = counts(1);
    again.sign(&identity(Role::Issuer));
    assert_eq!(log.append(INTAKE, &again).await.unwrap(), (200, 0));

    assert_eq!(problem(log.append(INTAKE, &announced(1, &identity(Role::Forwarder))).await), (400, "verb".into()));
    assert_eq!(problem(log.append(GOVERNANCE, &counts(3)).await), (400, "verb".into()));
    let stranger = announced(1, &key(99));
    assert_eq!(problem(log.append(GOVERNANCE, &stranger).await), (403, "unknown-key".into()));
    let other_role = announced(1, &identity(Role::Gateway));
    assert_eq!(problem(log.append(GOVERNANCE, &other_role).await), (403, "unknown-key".into()));
    assert_eq!(log.append(GOVERNANCE, &announced(1, &identity(Role::Forwarder))).await.unwrap(), (201, 0));
    assert_eq!(problem(log.append(LogName::Governance, &conflict()).await), (409, "key-conflict".into()));
    let path = "/internal/log/intake/entries";
    let broken = String::from_utf8(counts(4).to_bytes()).unwrap().replace("{\"payload\"", "{ \"payload\"");
    let gateway = identity(Role::Gateway);
    assert_eq!(problem(log.call(&gateway, path, broken.as_bytes()).await), (400, "non-canonical".into()));
    assert_eq!(problem(log.call(&gateway, path, &vec![b' '; 65_536]).await), (400, "too-long".into()));
    assert_eq!(problem(log.call(&key(99), path, &counts(4).to_bytes()).await), (403, "caller".into()));
    let elsewhere = "/internal/log/other/entries";
    assert_eq!(problem(log.call(&gateway, elsewhere, &counts(4).to_bytes()).await), (404, "not-found".into()));
    log.end().await;
}

/// Another key for an epoch that has one.
fn conflict() -> Statement {
    let mut body = match announced(1, &identity(Role::Forwarder)).body().unwrap() {
        tabir_crypto::statement::Body::KeyAnnounced(body) => body,
        other => panic!("{other:?}"),
    };
    body.key = Bytes(KemSecretKey::from_seed(seed(77)).public_key().as_bytes().to_vec());
    Statement::signed(Verb::KeyAnnounced, &body, &identity(Role::Forwarder)).unwrap()
}

#[tokio::test]
async fn one_statement_from_many_at_once_is_one_entry() {
    let dir = tempfile::tempdir().unwrap();
    let log = Arc::new(start(dir.path(), 10).await.unwrap());
    let calls: Vec<_> = (0..30)
        .map(|i| {
            let log = log.clone();
            tokio::spawn(async move { log.append(INTAKE, &counts(i % 3)).await.unwrap() })
        })
        .collect();
    let mut taken = 0;
    for call in calls {
        let (status, index) = call.await.unwrap();
        assert!(index < 3);
        taken += u8::from(status == 201);
    }
    assert_eq!(taken, 3);
}

#[tokio::test]
async fn serves_c2sp_files_as_c2sp_says() {
    let dir = tempfile::tempdir().unwrap();
    let log = start(dir.path(), 10).await.unwrap();
    for n in 0..260 {
        log.append(INTAKE, &counts(n)).await.unwrap();
    }
    log.witness_until(INTAKE, 260, NOW + 5).await;
    let base = format!("{}/log/intake", log.base);
    let get = async |path: &str| log.client.get(&format!("{base}/{path}")).await;
    let header = |answer: &Answer, name: &str| answer.headers.get(name).unwrap().to_str().unwrap().to_owned();
    let checkpoint = get("checkpoint").await.unwrap();
    assert_eq!(header(&checkpoint, "content-type"), "text/plain; charset=utf-8");
    assert_eq!(header(&checkpoint, "cache-control"), "no-store");
    let kept = get("checkpoints/260").await.unwrap();
    assert!(header(&kept, "cache-control").contains("immutable"));
    assert_eq!(checkpoint_hash(&kept.body).unwrap(), checkpoint_hash(&checkpoint.body).unwrap());
    for (path, length) in
        [("tile/0/000", 8192), ("tile/0/001.p/4", 128), ("tile/0/001.p/3", 96), ("tile/1/000.p/1", 32)]
    {
        let tile = get(path).await.unwrap();
        assert_eq!(tile.body.len(), length, "{path}");
        assert_eq!(header(&tile, "content-type"), "application/octet-stream");
        assert!(header(&tile, "cache-control").contains("immutable"));
    }
    let bundle = get("tile/entries/001.p/4").await.unwrap().body;
    let first = counts(256).to_bytes();
    assert_eq!(bundle[..2], (first.len() as u16).to_be_bytes());
    assert_eq!(bundle[2..2 + first.len()], first);
    for path in [
        "tile/0/001.p/5",
        "tile/0/001",
        "tile/0/002.p/1",
        "tile/1/000.p/2",
        "tile/2/000.p/1",
        "tile/0/0",
        "tile/entries/001.p/5",
        "tile/entries/001",
        "tile/entries/x001/000",
        "checkpoints/259",
        "checkpoints/0260",
    ] {
        assert_eq!(problem(get(path).await), (404, "not-found".into()), "{path}");
    }
    log.end().await;
}

#[tokio::test]
async fn a_growth_waits_for_the_quorum_of_the_one_before() {
    let dir = tempfile::tempdir().unwrap();
    let log = start(dir.path(), 10).await.unwrap();
    log.append(INTAKE, &counts(0)).await.unwrap();
    while log.pending(INTAKE).await.head().size != 1 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let pending = log.pending(INTAKE).await;
    log.append(INTAKE, &counts(1)).await.unwrap();
    log.cosign(INTAKE, &format!("{}\n", witness(1).cosign(&pending, NOW + 7))).await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(log.pending(INTAKE).await.head(), pending.head(), "one of two witnesses is no quorum");
    assert_eq!(problem(log.client.get(&format!("{}/log/intake/checkpoints/1", log.base)).await).0, 404);
    log.cosign(INTAKE, &format!("{}\n", witness(2).cosign(&pending, NOW + 9))).await.unwrap();
    assert_eq!(log.reader(INTAKE).kept(1).await.unwrap().witnessed_time(), NOW + 9);
    log.witness_until(INTAKE, 2, NOW + 11).await;
    assert_eq!(log.reader(INTAKE).read(TreeHead::EMPTY).await.unwrap().entries[0].witnessed_time, NOW + 9);
    log.end().await;
}

#[tokio::test]
async fn an_old_cosignature_sent_again_makes_no_checkpoint_look_older() {
    let dir = tempfile::tempdir().unwrap();
    let log = start(dir.path(), 10).await.unwrap();
    log.append(INTAKE, &counts(0)).await.unwrap();
    log.witness_until(INTAKE, 1, NOW + 9).await;
    let pending = log.pending(INTAKE).await;
    let (old, new) =
        ([1, 2].map(|n| witness(n).cosign(&pending, NOW + 9)), [1, 2].map(|n| witness(n).cosign(&pending, NOW + 20)));
    for lines in [&new, &old] {
        let body = String::from_utf8(format_cosignatures(lines)).unwrap();
        assert_eq!(log.cosign(INTAKE, &body).await.unwrap().status, 204);
        assert_eq!(log.reader(INTAKE).checkpoint().await.unwrap().witnessed_time(), NOW + 20);
    }
    log.end().await;
}

#[tokio::test]
async fn refuses_cosignatures_of_strangers_and_of_other_checkpoints() {
    let dir = tempfile::tempdir().unwrap();
    let log = start(dir.path(), 10).await.unwrap();
    let pending = log.pending(INTAKE).await;
    let stranger = Cosigner::from_seed("w1.example", &seed(98)).unwrap();
    let line = format!("{}\n", stranger.cosign(&pending, NOW + 7));
    assert_eq!(problem(log.cosign(INTAKE, &line).await), (403, "unknown-key".into()));
    let other_log = format!("{}\n", witness(1).cosign(&log.pending(GOVERNANCE).await, NOW + 7));
    assert_eq!(problem(log.cosign(INTAKE, &other_log).await), (409, "checkpoint".into()));
    assert_eq!(problem(log.cosign(INTAKE, "no line\n").await), (400, "note".into()));
    let good = format!("{}\n", witness(1).cosign(&pending, NOW + 7));
    assert_eq!(problem(log.cosign(INTAKE, &good.repeat(40)).await), (413, "too-long".into()));
    assert_eq!(log.cosign(INTAKE, &good).await.unwrap().status, 204);
    log.end().await;
}

#[tokio::test]
async fn refuses_a_cosignature_far_from_its_clock() {
    let dir = tempfile::tempdir().unwrap();
    let log = start(dir.path(), 10).await.unwrap();
    let pending = log.pending(INTAKE).await;
    // The audit allows an hour between two witnesses: half of it to each side.
    for (time, taken) in [(NOW - 1801, false), (NOW + 1801, false), (0, false), (NOW - 1800, true), (NOW + 1800, true)]
    {
        let posted = log.cosign(INTAKE, &format!("{}\n", witness(1).cosign(&pending, time))).await;
        match taken {
            true => assert_eq!(posted.unwrap().status, 204),
            false => assert_eq!(problem(posted), (409, "cosignature-time".into())),
        }
    }
    log.end().await;
}

#[tokio::test]
async fn a_restart_goes_on_where_it_stopped() {
    let dir = tempfile::tempdir().unwrap();
    let log = start(dir.path(), 10).await.unwrap();
    log.append(GOVERNANCE, &announced(1, &identity(Role::Forwarder))).await.unwrap();
    for n in 0..5 {
        log.append(INTAKE, &counts(n)).await.unwrap();
    }
    log.witness_until(INTAKE, 5, NOW + 100).await;
    let before = log.pending(INTAKE).await;
    log.end().await;

    // Taken and durable, but the process ends before the sequencer's turn.
    let log = start(dir.path(), 1_000_000).await.unwrap();
    assert_eq!(log.pending(INTAKE).await.to_bytes(), before.to_bytes());
    assert_eq!(log.append(INTAKE, &counts(5)).await.unwrap(), (201, 5));
    assert_eq!(log.append(INTAKE, &counts(3)).await.unwrap(), (200, 3));
    assert_eq!(problem(log.append(GOVERNANCE, &conflict()).await), (409, "key-conflict".into()));
    assert_eq!(log.pending(INTAKE).await.head(), before.head());
    log.end().await;

    let log = start(dir.path(), 10).await.unwrap();
    log.witness_until(INTAKE, 6, NOW + 200).await;
    let growth = log.reader(INTAKE).read(before.head()).await.unwrap();
    assert_eq!(growth.entries[0].leaf, counts(5).to_bytes());
    assert_eq!(log.reader(INTAKE).read(TreeHead::EMPTY).await.unwrap().entries.len(), 6);
    log.end().await;
}

#[tokio::test]
async fn never_signs_on_top_of_another_tree() {
    let dir = tempfile::tempdir().unwrap();
    let log = start(dir.path(), 10).await.unwrap();
    log.append(INTAKE, &counts(0)).await.unwrap();
    log.witness_until(INTAKE, 1, NOW + 100).await;
    log.end().await;
    let log = start(dir.path(), 1_000_000).await.unwrap();
    log.append(INTAKE, &counts(1)).await.unwrap();
    log.end().await;
    damage(dir.path(), "UPDATE tile SET hashes = zeroblob(32)").await;
    let refused = start(dir.path(), 10).await.err().expect("must be refused").to_string();
    assert!(refused.contains("rebuild it from a mirror"), "{refused}");
}

#[tokio::test]
async fn does_not_start_with_another_key() {
    let dir = tempfile::tempdir().unwrap();
    let line = format!("{}\n", hex::encode([9; 32]));
    tabir::config::keys::write_private(&dir.path().join("intake.key"), line.as_bytes()).unwrap();
    let refused = start(dir.path(), 10).await.err().expect("must be refused").to_string();
    assert!(refused.starts_with("intake.key is not"), "{refused}");
}
