//! The reader of logs: what it refuses to believe, over HTTP and of a copy in a folder.

mod log_support;

use std::path::Path;

use tabir::client::log_copy::copy_log;
use tabir::client::log_source::{LogFolder, ReadError};
use tabir_crypto::Code;
use tabir_crypto::log::{NoteSigner, SignedCheckpoint, TreeHead, leaf_hash};

use log_support::*;

#[tokio::test]
async fn a_reader_gets_entries_with_their_witnessed_times() {
    let dir = tempfile::tempdir().unwrap();
    let log = start(dir.path(), 10).await.unwrap();
    assert_eq!(code(log.reader(INTAKE).read(TreeHead::EMPTY).await), Some(Code::Quorum));
    let mut time = NOW + 100;
    let mut known = TreeHead::EMPTY;
    // Growths that end before, on and after the edge of a bundle.
    for total in [1_u64, 3, 255, 256, 257, 300] {
        for n in known.size..total {
            log.append(INTAKE, &counts(n)).await.unwrap();
        }
        log.witness_until(INTAKE, total, time).await;
        let growth = log.reader(INTAKE).read(known).await.unwrap();
        assert_eq!(growth.entries.len() as u64, total - known.size);
        for entry in &growth.entries {
            assert_eq!(entry.leaf, counts(entry.index).to_bytes());
            assert_eq!(entry.hash, leaf_hash(&entry.leaf));
            assert_eq!(entry.witnessed_time, time);
        }
        let head = growth.checkpoint.head();
        log.reader(INTAKE).check_consistency(known, head).await.unwrap();
        (known, time) = (head, time + 100);
    }
    let whole = log.reader(INTAKE).read(TreeHead::EMPTY).await.unwrap();
    assert_eq!(whole.entries.len(), 300);
    assert_eq!((whole.entries[2].witnessed_time, whole.entries[299].witnessed_time), (NOW + 200, NOW + 600));
    // A witness's later time renews the newest checkpoint, and leaves the kept one and the entries' times as they are.
    log.witness_until(INTAKE, 300, NOW + 999).await;
    let later = log.reader(INTAKE).read(TreeHead::EMPTY).await.unwrap();
    assert_eq!(later.checkpoint.witnessed_time(), NOW + 999);
    assert_eq!(later.entries[299].witnessed_time, NOW + 600);
    assert_eq!(log.reader(INTAKE).kept(300).await.unwrap().witnessed_time(), NOW + 600);
    log.end().await;
}

/// A log of 259 entries and its copy.
async fn copied(dir: &Path) -> (Running, std::path::PathBuf) {
    let log = start(dir, 10).await.unwrap();
    for total in [200, 259] {
        let have = log.pending(INTAKE).await.head().size;
        for n in have..total {
            log.append(INTAKE, &counts(n)).await.unwrap();
        }
        log.witness_until(INTAKE, total, NOW + total).await;
    }
    let copy = dir.join("copy").join("intake");
    copy_log(&log.reader(INTAKE), &copy).await.unwrap();
    (log, copy)
}

#[tokio::test]
async fn a_copy_reads_as_the_log_itself() {
    let dir = tempfile::tempdir().unwrap();
    let (log, folder) = copied(dir.path()).await;
    let copy = reader(INTAKE, LogFolder(folder.clone()));
    let (there, here) =
        (log.reader(INTAKE).read(TreeHead::EMPTY).await.unwrap(), copy.read(TreeHead::EMPTY).await.unwrap());
    assert_eq!(there.entries, here.entries);
    assert_eq!(here.entries[0].witnessed_time, NOW + 200);
    let old = here.kept.iter().find(|k| k.head().size == 200).unwrap().head();
    copy.check_consistency(old, here.checkpoint.head()).await.unwrap();
    assert_eq!(copy.read(old).await.unwrap().entries.len(), 59);
    // A later copy over it.
    log.append(INTAKE, &counts(259)).await.unwrap();
    log.witness_until(INTAKE, 260, NOW + 300).await;
    copy_log(&log.reader(INTAKE), &folder).await.unwrap();
    assert_eq!(copy.read(here.checkpoint.head()).await.unwrap().entries[0].index, 259);
    log.end().await;
}

fn edit(file: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = std::fs::read(file).unwrap();
    change(&mut bytes);
    std::fs::write(file, bytes).unwrap();
}

#[tokio::test]
async fn refuses_a_copy_with_an_entry_changed_or_deleted() {
    let dir = tempfile::tempdir().unwrap();
    let (log, folder) = copied(dir.path()).await;
    log.end().await;
    let copy = reader(INTAKE, LogFolder(folder.clone()));
    let bundle = folder.join("tile/entries/001.p/3");
    let whole = std::fs::read(&bundle).unwrap();
    edit(&bundle, |b| b[10] ^= 1);
    assert_eq!(code(copy.read(TreeHead::EMPTY).await), Some(Code::Tile), "changed");
    std::fs::write(&bundle, &whole).unwrap();
    // Entry 256 gone, with its length, and the others moved up.
    let second = counts(256).to_bytes().len() + 2;
    edit(&bundle, |b| drop(b.drain(..second)));
    assert_eq!(code(copy.read(TreeHead::EMPTY).await), Some(Code::Tile), "deleted");
    // Put another signed statement in its place, so that the number is right.
    edit(&bundle, |b| {
        let other = counts(9999).to_bytes();
        b.extend((other.len() as u16).to_be_bytes());
        b.extend(other);
    });
    assert_eq!(code(copy.read(TreeHead::EMPTY).await), Some(Code::Tile), "exchanged");
    std::fs::remove_file(&bundle).unwrap();
    assert!(matches!(copy.read(TreeHead::EMPTY).await, Err(ReadError::Missing(_))));
}

#[tokio::test]
async fn one_entry_is_read_by_its_proof() {
    let dir = tempfile::tempdir().unwrap();
    let (log, folder) = copied(dir.path()).await;
    log.end().await;
    let copy = reader(INTAKE, LogFolder(folder.clone()));
    let head = copy.checkpoint().await.unwrap().head();
    for index in [0, 255, 256, 258] {
        assert_eq!(copy.entry(index, head).await.unwrap(), counts(index).to_bytes());
    }
    assert_eq!(code(copy.entry(259, head).await), Some(Code::Tile), "there is no such entry");
    edit(&folder.join("tile/entries/001.p/3"), |b| b[10] ^= 1);
    assert_eq!(code(copy.entry(256, head).await), Some(Code::Inclusion));
}

#[tokio::test]
async fn refuses_a_copy_with_another_kept_checkpoint() {
    let dir = tempfile::tempdir().unwrap();
    let (log, folder) = copied(dir.path()).await;
    log.end().await;
    let copy = reader(INTAKE, LogFolder(folder.clone()));
    let kept = folder.join("checkpoints/200");
    let whole = std::fs::read(&kept).unwrap();
    // Log and witnesses signed another tree of this size.
    let head = TreeHead { size: 200, root: [7; 32] };
    let text = tabir_crypto::log::Checkpoint { origin: origin(INTAKE), head };
    let signer = NoteSigner::from_seed(&origin(INTAKE), &seed(log_seed(INTAKE))).unwrap();
    let mut fork = SignedCheckpoint::sign(text, &signer).unwrap();
    for n in [1, 2] {
        fork.add(witness(n).cosign(&fork, 5));
    }
    std::fs::write(&kept, fork.to_bytes()).unwrap();
    assert_eq!(code(copy.read(TreeHead::EMPTY).await), Some(Code::Consistency));
    std::fs::copy(folder.join("checkpoint"), &kept).unwrap();
    assert_eq!(code(copy.read(TreeHead::EMPTY).await), Some(Code::Checkpoint), "of another size");
    std::fs::write(&kept, String::from_utf8(whole).unwrap().replace("\n200\n", "\n201\n")).unwrap();
    assert_eq!(code(copy.read(TreeHead::EMPTY).await), Some(Code::Signature));
}

#[tokio::test]
async fn refuses_a_log_that_was_cut_back() {
    let dir = tempfile::tempdir().unwrap();
    let (log, folder) = copied(dir.path()).await;
    log.end().await;
    let copy = reader(INTAKE, LogFolder(folder.clone()));
    let newest = copy.checkpoint().await.unwrap().head();
    std::fs::copy(folder.join("checkpoints/200"), folder.join("checkpoint")).unwrap();
    assert_eq!(code(copy.read(newest).await), Some(Code::Shrunk));
    let old = copy.checkpoint().await.unwrap().head();
    assert_eq!(code(copy.check_consistency(newest, old).await), Some(Code::Shrunk));
}

#[tokio::test]
async fn refuses_a_second_history() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (log, folder) = copied(one.path()).await;
    let copy = reader(INTAKE, LogFolder(folder.clone()));
    let seen = copy.checkpoint().await.unwrap().head();
    log.end().await;
    // The same keys, the same size, entry 100 another.
    let fork = start(two.path(), 10).await.unwrap();
    for n in 0..259 {
        fork.append(INTAKE, &counts(if n == 100 { 5000 } else { n })).await.unwrap();
    }
    fork.witness_until(INTAKE, 259, NOW + 259).await;
    let read = fork.reader(INTAKE).read(seen).await;
    assert_eq!(code(read), Some(Code::Consistency), "the same size");
    assert_eq!(code(copy_log(&fork.reader(INTAKE), &folder).await), Some(Code::Consistency));
    fork.append(INTAKE, &counts(6000)).await.unwrap();
    fork.witness_until(INTAKE, 260, NOW + 260).await;
    assert_eq!(code(fork.reader(INTAKE).read(seen).await), Some(Code::Consistency), "a larger size");
    assert_eq!(code(fork.reader(INTAKE).pending(seen).await), Some(Code::Consistency), "as its witness");
    assert_eq!(code(copy_log(&fork.reader(INTAKE), &folder).await), Some(Code::Consistency));
    assert_eq!(copy.checkpoint().await.unwrap().head(), seen, "the copy stays as it was");
    // Mine, and both that the fork showed.
    let evidence: std::collections::BTreeSet<_> = std::fs::read_dir(folder.join("evidence"))
        .unwrap()
        .map(|file| std::fs::read(file.unwrap().path()).unwrap())
        .collect();
    assert_eq!(evidence.len(), 3);
    assert!(evidence.contains(&std::fs::read(folder.join("checkpoint")).unwrap()));
    assert!(evidence.contains(&fork.reader(INTAKE).checkpoint().await.unwrap().signed().to_bytes()));
    fork.end().await;
}
