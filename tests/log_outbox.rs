//! What a role has for the log stays with the role until witnesses have seen it: so nothing that a log took and lost is lost,
//! while the role lives.

mod log_support;

use std::borrow::Cow;
use std::path::Path;

use sqlx::Row as _;
use sqlx::migrate::Migrator;
use tabir::client::log_copy::copy_log;
use tabir::clock::Clock;
use tabir::config::roles;
use tabir::db::{Db, outbox};
use tabir::http::{Client, log_outbox};
use tabir::log::mirror::Mirror;
use tabir::log::recover::{Mode, recover};
use tabir_crypto::log::TreeHead;
use tabir_crypto::statement::Statement;
use tabir_crypto::statement::body::Role;

use log_support::*;

const ROLES: [&str; 5] = ["issuer", "gateway", "forwarder", "council", "warden"];

async fn migrations(role: &str) -> Migrator {
    Migrator::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations").join(role)).await.unwrap()
}

/// The gateway's store, and its way to a log.
struct Sender {
    db: Db,
    _dir: tempfile::TempDir,
}

impl Sender {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let db = Db::open(&dir.path().join("store.sqlite"), &migrations("gateway").await).await.unwrap();
        Self { db, _dir: dir }
    }

    async fn enqueue(&self, entries: std::ops::Range<u64>) {
        for statement in entries.map(counts) {
            self.db.write(|tx| Box::pin(async move { outbox::enqueue(tx, INTAKE, &statement).await })).await.unwrap();
        }
    }

    async fn deliver(&self, log: &Running) {
        let key = identity(Role::Gateway);
        log_outbox::round(&self.db, &key, &[], &log.base, &log.client, &log.clock).await.unwrap();
    }

    async fn settle(&self, log: &Running) {
        log_outbox::settle(&self.db, &trust(), &log.client, &log.base).await.unwrap();
    }

    async fn ask(&self, log: &Running) {
        let key = identity(Role::Gateway);
        log_outbox::ask(&self.db, &key, &[], &log.base, &log.client, &log.clock).await.unwrap();
    }

    /// Numbers of what the log has taken and no witness has seen, and how many wait.
    async fn holds(&self) -> (Vec<u64>, usize) {
        let taken = outbox::taken(&self.db).await.unwrap().into_iter().map(|(_, index)| index).collect();
        (taken, outbox::waiting(&self.db).await.unwrap().len())
    }
}

/// A log with three witnessed entries of the sender, and two that nobody has seen; then it is lost, and there again from a
/// mirror.
async fn lost_and_recovered(sender: &Sender, new: &Path) -> Running {
    let (dir, mirror) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let log = start(dir.path(), 10).await.unwrap();
    sender.enqueue(0..3).await;
    sender.deliver(&log).await;
    assert_eq!(sender.holds().await, (vec![0, 1, 2], 0), "taken is not seen");
    sender.settle(&log).await;
    assert_eq!(sender.holds().await.0.len(), 3, "nobody has cosigned anything");
    log.witness_until(INTAKE, 3, NOW - 900).await;
    log.witness_until(GOVERNANCE, 0, NOW - 900).await;
    sender.settle(&log).await;
    assert_eq!(sender.holds().await, (vec![], 0));
    for name in tabir_crypto::trust::root::LogName::ALL {
        copy_log(&log.reader(name), &mirror.path().join(name.as_str())).await.unwrap();
    }
    sender.enqueue(3..5).await;
    sender.deliver(&log).await;
    sender.ask(&log).await;
    sender.settle(&log).await;
    assert_eq!(sender.holds().await, (vec![3, 4], 0), "the log has them and no witness");
    log.kill().await;

    let config = roles::Log::new(new.into(), 10);
    let (from, client) = ([Mirror::Folder(mirror.path().into())], Client::new(Clock::manual(NOW)));
    recover(&config, &trust(), &from, &client, Mode::Write(NOW), &mut |_, _, _| ()).await.unwrap();
    let log = start(new, 10).await.unwrap();
    // Somebody else is faster: his entry gets the number that one of the lost had.
    assert_eq!(log.append(INTAKE, &counts(100)).await.unwrap(), (201, 3));
    log
}

/// Each accepted entry once, whoever brought it.
async fn complete(log: &Running, entries: impl IntoIterator<Item = u64>) {
    let growth = log.reader(INTAKE).read(TreeHead::EMPTY).await.unwrap();
    let mut found: Vec<_> = growth.entries.iter().map(|e| e.leaf.clone()).collect();
    let mut wanted: Vec<_> = entries.into_iter().map(|n| counts(n).to_bytes()).collect();
    found.sort();
    wanted.sort();
    assert_eq!(found, wanted);
}

#[tokio::test]
async fn what_a_log_lost_is_sent_again_when_it_does_not_know_it() {
    let (sender, new) = (Sender::new().await, tempfile::tempdir().unwrap());
    let log = lost_and_recovered(&sender, new.path()).await;
    sender.settle(&log).await;
    assert_eq!(sender.holds().await, (vec![3, 4], 0), "nothing tells yet that they are lost");
    // The last one, asked for, is taken anew as number 4; the one before it shows itself below.
    sender.ask(&log).await;
    log.witness_until(INTAKE, 5, NOW).await;
    sender.settle(&log).await;
    assert_eq!(sender.holds().await, (vec![], 2));
    sender.deliver(&log).await;
    assert_eq!(sender.holds().await, (vec![4, 5], 0));
    log.witness_until(INTAKE, 6, NOW + 1).await;
    sender.settle(&log).await;
    assert_eq!(sender.holds().await, (vec![], 0));
    complete(&log, [0, 1, 2, 3, 4, 100]).await;
    log.end().await;
}

#[tokio::test]
async fn another_number_for_the_last_one_tells_that_the_log_lost_what_was_before_it() {
    let (sender, new) = (Sender::new().await, tempfile::tempdir().unwrap());
    let log = lost_and_recovered(&sender, new.path()).await;
    assert_eq!(log.append(INTAKE, &counts(101)).await.unwrap(), (201, 4));
    sender.ask(&log).await;
    assert_eq!(sender.holds().await, (vec![], 2));
    sender.deliver(&log).await;
    log.witness_until(INTAKE, 7, NOW).await;
    sender.settle(&log).await;
    assert_eq!(sender.holds().await, (vec![], 0));
    complete(&log, [0, 1, 2, 3, 4, 100, 101]).await;
    log.end().await;
}

/// The log's word is not enough: an entry is forgotten when the signed tree has it.
#[tokio::test]
async fn what_stands_elsewhere_in_the_witnessed_tree_is_not_forgotten() {
    let (sender, dir) = (Sender::new().await, tempfile::tempdir().unwrap());
    let log = start(dir.path(), 10).await.unwrap();
    for n in [50, 51] {
        log.append(INTAKE, &counts(n)).await.unwrap();
    }
    log.witness_until(INTAKE, 2, NOW - 900).await;
    sender.enqueue(0..1).await;
    let waiting = outbox::waiting(&sender.db).await.unwrap().remove(0);
    // As a log that lies would answer.
    outbox::delivered(&sender.db, waiting.id, 1).await.unwrap();
    sender.settle(&log).await;
    assert_eq!(sender.holds().await, (vec![], 1));
    log.end().await;
}

/// A store of the version before this, with a statement in its outbox.
#[tokio::test]
async fn what_waited_before_an_upgrade_waits_after_it() {
    for role in ROLES {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("store.sqlite");
        let all = migrations(role).await;
        let before: Vec<_> = all.iter().filter(|m| !m.sql.as_str().contains("ADD COLUMN idx")).cloned().collect();
        assert_eq!(before.len() + 1, all.iter().count(), "{role}");
        let old = Db::open(&file, &Migrator { migrations: Cow::Owned(before), ..Migrator::DEFAULT }).await.unwrap();
        let statement = counts(7);
        let bytes = statement.to_bytes();
        old.write(move |tx| {
            Box::pin(async move {
                let put = "INSERT INTO log_outbox (log, statement) VALUES ('intake', $1)";
                sqlx::query(put).bind(bytes).execute(tx).await?;
                Ok(())
            })
        })
        .await
        .unwrap();
        old.close().await;
        let new = Db::open(&file, &all).await.unwrap();
        let waiting = outbox::waiting(&new).await.unwrap();
        assert_eq!(Statement::parse(&waiting[0].statement).unwrap(), statement, "{role}");
        outbox::delivered(&new, waiting[0].id, 9).await.unwrap();
        assert_eq!(outbox::taken(&new).await.unwrap()[0].1, 9);
        outbox::forget(&new, waiting[0].id).await.unwrap();
        let left = new.read(|c| {
            Box::pin(async move {
                Ok(sqlx::query("SELECT COUNT(*) FROM log_outbox").fetch_one(c).await?.try_get::<i64, _>(0)?)
            })
        });
        assert_eq!(left.await.unwrap(), 0);
    }
}
