//! What a device remembers of a log from one command to the next: the log goes on from there, or is refused and both
//! checkpoints are kept.

mod log_support;

use std::path::Path;

use tabir::client::last_heads::LastHeads;
use tabir::client::log_copy::copy_log;
use tabir::client::log_source::{LogFolder, LogSource, ReadError};
use tabir_crypto::Code;
use tabir_crypto::log::CosignedCheckpoint;

use log_support::*;

/// A log with entries of these numbers, witnessed at this time.
async fn log_of(dir: &Path, numbers: impl IntoIterator<Item = u64>, time: u64) -> Running {
    let log = start(dir, 10).await.unwrap();
    let mut size = 0;
    for n in numbers {
        log.append(GOVERNANCE, &key_of(n)).await.unwrap();
        size += 1;
    }
    log.witness_until(GOVERNANCE, size, time).await;
    log
}

fn key_of(n: u64) -> tabir_crypto::statement::Statement {
    announced(n, &identity(tabir_crypto::statement::body::Role::Forwarder))
}

/// One command: reads the newest checkpoint, and compares it with what an earlier command left.
async fn look<S: LogSource>(heads: &LastHeads, source: S) -> Result<CosignedCheckpoint, ReadError> {
    let reader = reader(GOVERNANCE, source);
    let newest = reader.checkpoint().await?;
    heads.follow(&reader, GOVERNANCE, &newest).await?;
    Ok(newest)
}

fn files(folder: &Path) -> Vec<Vec<u8>> {
    let all = std::fs::read_dir(folder).map(|all| all.map(|f| std::fs::read(f.unwrap().path()).unwrap()).collect());
    all.unwrap_or_default()
}

/// A log, a copy of it as it was with one entry, and what a device remembers of it with three.
struct Remembered {
    dir: tempfile::TempDir,
    log: Running,
    heads: LastHeads,
    newest: CosignedCheckpoint,
}

impl Remembered {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let log = log_of(dir.path(), [1], NOW).await;
        copy_log(&log.reader(GOVERNANCE), &dir.path().join("old")).await.unwrap();
        let heads = LastHeads::new(dir.path().join("state"));
        look(&heads, log.source(GOVERNANCE)).await.unwrap();
        for n in [2, 3] {
            log.append(GOVERNANCE, &key_of(n)).await.unwrap();
        }
        log.witness_until(GOVERNANCE, 3, NOW + 10).await;
        let newest = look(&heads, log.source(GOVERNANCE)).await.unwrap();
        assert_eq!(newest.head().size, 3);
        Self { dir, log, heads, newest }
    }

    fn stored(&self) -> Vec<u8> {
        std::fs::read(self.heads.folder().join("governance/checkpoint")).unwrap()
    }

    /// Refused by this code, with both checkpoints kept and nothing forgotten.
    async fn refuses(&self, source: impl LogSource, want: Code) {
        let shown = source.get("checkpoint").await.unwrap();
        assert_eq!(look(&self.heads, source).await.err().and_then(|e| e.code()), Some(want));
        let mine = self.newest.signed().to_bytes();
        assert_eq!(self.stored(), mine);
        let evidence = files(&self.heads.folder().join("governance/evidence"));
        assert!(evidence.len() == 2 && evidence.contains(&mine) && evidence.contains(&shown));
    }
}

#[tokio::test]
async fn refuses_a_log_that_is_shorter_than_the_last_time() {
    let r = Remembered::new().await;
    r.refuses(LogFolder(r.dir.path().join("old")), Code::Shrunk).await;
    r.log.end().await;
}

#[tokio::test]
async fn refuses_a_log_with_another_history_than_the_last_time() {
    for more in [false, true] {
        let r = Remembered::new().await;
        let other = tempfile::tempdir().unwrap();
        // Entry 2 is missing; of one size, and longer.
        let fork = log_of(other.path(), [1, 3, 4].into_iter().chain(more.then_some(5)), NOW + 20).await;
        r.refuses(fork.source(GOVERNANCE), Code::Consistency).await;
        fork.end().await;
        r.log.end().await;
    }
}

#[tokio::test]
async fn remembers_the_later_time_of_a_log_that_stands_still() {
    let r = Remembered::new().await;
    r.log.witness_until(GOVERNANCE, 3, NOW + 20).await;
    let renewed = look(&r.heads, r.log.source(GOVERNANCE)).await.unwrap();
    assert_eq!((renewed.witnessed_time(), r.stored()), (NOW + 20, renewed.signed().to_bytes()));
    assert!(files(&r.heads.folder().join("governance/evidence")).is_empty());
    r.log.end().await;
}

#[tokio::test]
async fn what_cannot_be_believed_of_what_was_remembered_is_said() {
    let r = Remembered::new().await;
    std::fs::write(r.heads.folder().join("governance/checkpoint"), b"not a checkpoint").unwrap();
    assert_eq!(look(&r.heads, r.log.source(GOVERNANCE)).await.err().and_then(|e| e.code()), Some(Code::Note));
    r.log.end().await;
}
