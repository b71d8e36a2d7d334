//! `tabir log export`: the folder, served by any web server, is the log.

mod log_support;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use tabir::client::log_source::{HttpLog, LogFolder};
use tabir::clock::Clock;
use tabir::config::roles;
use tabir::http::Client;
use tabir::log::export::{ExportError, Exported, export};
use tabir_crypto::Code;
use tabir_crypto::log::TreeHead;
use tabir_crypto::statement::body::Role;

use log_support::static_server::Static;
use log_support::*;

async fn run(store: &Path, to: &Path) -> Result<[Exported; 2], ExportError> {
    let config = roles::Log::new(store.to_owned(), 10);
    export(&config, &trust(), to, &|_, _, _| ()).await
}

/// A running log with an entry of governance and so many of the intake log.
async fn log_of(dir: &Path, entries: u64) -> Running {
    let log = start(dir, 10).await.unwrap();
    log.append(GOVERNANCE, &announced(1, &identity(Role::Forwarder))).await.unwrap();
    log.witness_until(GOVERNANCE, 1, NOW + 100).await;
    grow(&log, 0, entries, NOW + 100).await;
    log
}

async fn grow(log: &Running, from: u64, to: u64, time: u64) {
    for n in from..to {
        log.append(INTAKE, &counts(n)).await.unwrap();
    }
    log.witness_until(INTAKE, to, time).await;
}

#[tokio::test]
async fn a_plain_file_server_serves_the_exported_log() {
    let (dir, www) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let log = log_of(dir.path(), 3).await;
    let folder = www.path().join("log");
    let first = run(dir.path(), &folder).await.unwrap();
    assert_eq!(first, [Exported { size: 1, new: 1 }, Exported { size: 3, new: 3 }]);
    let server = Static::start(www.path()).await;
    let client = Client::new(Clock::manual(NOW));
    let read = |name| {
        reader(name, HttpLog::new(client.clone(), &server.1, if name == INTAKE { "intake" } else { "governance" }))
    };
    let before = read(INTAKE).read(TreeHead::EMPTY).await.unwrap();
    assert_eq!(read(GOVERNANCE).read(TreeHead::EMPTY).await.unwrap().entries.len(), 1);

    // While the log runs: what is new, over the edge of a bundle and of a tile.
    for (from, to, time) in [(3, 255, NOW + 200), (255, 256, NOW + 300), (256, 520, NOW + 400)] {
        grow(&log, from, to, time).await;
        let exported = run(dir.path(), &folder).await.unwrap();
        assert_eq!(exported[1], Exported { size: to, new: to - from });
        let [there, here] = [log.reader(INTAKE).read(TreeHead::EMPTY).await, read(INTAKE).read(TreeHead::EMPTY).await]
            .map(Result::unwrap);
        assert_eq!(there.entries, here.entries);
        assert_eq!(here.checkpoint.head(), there.checkpoint.head());
        let kept = |growth: &tabir::client::log_reader::Growth| {
            growth.kept.iter().map(|k| k.signed().to_bytes()).collect::<Vec<_>>()
        };
        assert_eq!(kept(&there), kept(&here));
        read(INTAKE).check_consistency(before.checkpoint.head(), here.checkpoint.head()).await.unwrap();
    }
    // Nothing new but a witness's time.
    log.witness_until(INTAKE, 520, NOW + 999).await;
    assert_eq!(run(dir.path(), &folder).await.unwrap()[1], Exported { size: 520, new: 0 });
    assert_eq!(read(INTAKE).checkpoint().await.unwrap().witnessed_time(), NOW + 999);
    assert_eq!(
        reader(INTAKE, LogFolder(folder.join("intake"))).read(TreeHead::EMPTY).await.unwrap().entries.len(),
        520
    );
    log.end().await;
}

fn files(folder: &Path, into: &mut BTreeMap<String, Vec<u8>>) {
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        if path.is_dir() {
            files(&path, into);
        } else {
            into.insert(path.display().to_string(), std::fs::read(&path).unwrap());
        }
    }
}

fn all(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    files(folder, &mut found);
    found
}

/// Whoever holds the checkpoint of the export before still finds every file of it; older partial tiles go.
#[tokio::test]
async fn files_never_change_and_stay_for_who_reads_by_the_checkpoint_before() {
    let (dir, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let log = log_of(dir.path(), 3).await;
    let mut before = BTreeMap::new();
    let mut old = TreeHead::EMPTY;
    for (from, to) in [(3, 4), (4, 256), (256, 257), (257, 258)] {
        grow(&log, from, to, NOW + to).await;
        run(dir.path(), out.path()).await.unwrap();
        let now = all(out.path());
        for (name, bytes) in &now {
            assert!(!name.ends_with(".part"), "{name}");
            let may_change = ["/checkpoint", "/checkpoints.json", "/.before"].iter().any(|end| name.ends_with(end));
            let was = before.get(name);
            assert!(may_change || was.is_none_or(|was| was == bytes), "{name} changed");
        }
        if old.size > 0 {
            // As a reader who fetched the checkpoint before this export, and its tiles now.
            let dir = tempfile::tempdir().unwrap();
            let folder = out.path().join("intake");
            let paths = Command::new("cp").arg("-r").arg(&folder).arg(dir.path()).status().unwrap();
            assert!(paths.success());
            std::fs::copy(folder.join(format!("checkpoints/{}", old.size)), dir.path().join("intake/checkpoint"))
                .unwrap();
            let read = reader(INTAKE, LogFolder(dir.path().join("intake"))).read(TreeHead::EMPTY).await.unwrap();
            assert_eq!(read.checkpoint.head(), old);
        }
        old = log.reader(INTAKE).checkpoint().await.unwrap().head();
        before = now;
    }
    let left: Vec<_> =
        before.keys().filter(|name| name.contains("000.p/") && name.contains("intake/tile/entries")).collect();
    assert!(left.is_empty(), "{left:?}");
    log.end().await;
}

#[tokio::test]
async fn exports_nothing_that_is_not_one_tree_with_what_stands_there() {
    let (one, two, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let code = |result: Result<[Exported; 2], ExportError>| match result {
        Err(ExportError::Refused { source, .. }) => Some(source.code()),
        Err(e) => panic!("{e}"),
        Ok(_) => None,
    };
    assert!(matches!(run(one.path(), out.path()).await, Err(ExportError::NoStore)));
    assert!(!one.path().join("store.sqlite").exists());
    let log = start(one.path(), 10).await.unwrap();
    assert!(matches!(run(one.path(), out.path()).await, Err(ExportError::NoCheckpoint("governance"))));
    log.end().await;

    let log = log_of(one.path(), 5).await;
    run(one.path(), out.path()).await.unwrap();
    let stands = all(out.path());
    log.end().await;
    // The same keys, another history: as large, larger, smaller.
    let fork = start(two.path(), 10).await.unwrap();
    fork.append(GOVERNANCE, &announced(1, &identity(Role::Forwarder))).await.unwrap();
    fork.witness_until(GOVERNANCE, 1, NOW + 100).await;
    for (n, want) in [(4, Code::Shrunk), (5, Code::Consistency), (6, Code::Consistency)] {
        fork.append(INTAKE, &counts(100 + n)).await.unwrap();
        if n == 4 {
            for more in 1..4 {
                fork.append(INTAKE, &counts(200 + more)).await.unwrap();
            }
        }
        fork.witness_until(INTAKE, n, NOW + 100).await;
        assert_eq!(code(run(two.path(), out.path()).await), Some(want), "{n}");
    }
    let intake = |files: &BTreeMap<String, Vec<u8>>| {
        files.iter().filter(|(name, _)| name.contains("intake")).map(|f| (f.0.clone(), f.1.clone())).collect::<Vec<_>>()
    };
    assert_eq!(intake(&all(out.path())), intake(&stands), "the folder stays as it was");
    fork.end().await;
    // A store whose entries are not those of the signed tree.
    let dir = tempfile::tempdir().unwrap();
    damage(two.path(), "UPDATE leaf SET leaf = X'00' WHERE log = 'intake' AND idx = 2").await;
    // At the first kept checkpoint behind it, or at the newest.
    let refused = code(run(two.path(), dir.path()).await);
    assert!(matches!(refused, Some(Code::Tile | Code::Consistency)), "{refused:?}");
    assert!(!dir.path().join("intake/checkpoint").exists());
}
