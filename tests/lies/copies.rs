//! A copy of a log takes only what is new, is taken up again wherever it broke off, and relies on nothing unchecked.

use std::path::{Path, PathBuf};

use tabir::client::log_copy::copy_log;
use tabir::client::log_reader::LogReader;
use tabir::client::log_source::{LogFolder, LogSource, ReadError};
use tabir::ledger::verifiers;
use tabir_crypto::Code;
use tabir_crypto::log::TreeHead;
use tabir_crypto::statement::Verb;
use tabir_crypto::statement::body::{RetentionCounts, Role};
use tabir_crypto::statement::value::{Hour, V1};

use crate::clean::{END, clean};
use crate::folder::copy_folder;
use crate::forge::{INTAKE, trust};
use crate::world::*;

/// A folder of which it is known what was asked for, and which breaks off after so many answers.
#[derive(Debug)]
struct Watched {
    folder: LogFolder,
    asked: std::sync::Mutex<Vec<String>>,
    answers: usize,
}

impl Watched {
    fn new(folder: &Path, answers: usize) -> Self {
        Self { folder: LogFolder(folder.to_owned()), asked: std::sync::Mutex::default(), answers }
    }

    fn ask(&self, path: &str) -> Result<(), ReadError> {
        let mut asked = self.asked.lock().unwrap();
        asked.push(path.to_owned());
        let broken = || ReadError::File { path: path.into(), source: std::io::Error::other("broken off") };
        if asked.len() > self.answers { Err(broken()) } else { Ok(()) }
    }
}

/// What was asked for while one folder was copied into the other; `None` where it broke off.
async fn copy_of(from: &Path, to: &Path, answers: usize) -> Option<Vec<String>> {
    let source = std::sync::Arc::new(Watched::new(from, answers));
    match copy_log(&reader(Shared(source.clone())), to).await {
        Ok(_) => Some(source.asked.lock().unwrap().clone()),
        Err(ReadError::File { .. }) => None,
        Err(other) => panic!("{other}"),
    }
}

struct Shared(std::sync::Arc<Watched>);

impl LogSource for Shared {
    async fn get(&self, path: &str) -> Result<Vec<u8>, ReadError> {
        self.0.ask(path)?;
        self.0.folder.get(path).await
    }

    async fn kept_sizes(&self) -> Result<Vec<u64>, ReadError> {
        self.0.ask("checkpoints")?;
        self.0.folder.kept_sizes().await
    }
}

/// A copy of 259 entries, and one of 520 of the same log.
struct Copies {
    dir: tempfile::TempDir,
    small: PathBuf,
    large: PathBuf,
}

fn two_copies() -> Copies {
    let mut forge = clean();
    let dir = tempfile::tempdir().unwrap();
    let folders = [("small", 259), ("large", 520)].map(|(name, size)| {
        for w in forge.intake.size()..size {
            let body = RetentionCounts { v: V1, at: Hour::of(END), w, counts: Default::default() };
            forge.append(&sign(Verb::RetentionCounts, &body, &[role(Role::Gateway)]));
        }
        forge.keep(INTAKE);
        forge.write(&dir.path().join(name));
        dir.path().join(name).join(INTAKE.as_str())
    });
    let [small, large] = folders;
    Copies { dir, small, large }
}

fn reader<S: LogSource>(source: S) -> LogReader<S> {
    let (log, witnesses) = verifiers(&trust(), INTAKE).unwrap();
    LogReader::new(source, log, witnesses)
}

fn edit(file: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = std::fs::read(file).unwrap();
    change(&mut bytes);
    std::fs::write(file, bytes).unwrap();
}

async fn holds(folder: &Path, large: &Path) {
    let read = |folder: &Path| reader(LogFolder(folder.to_owned()));
    let (have, want) =
        (read(folder).read(TreeHead::EMPTY).await.unwrap(), read(large).read(TreeHead::EMPTY).await.unwrap());
    assert_eq!(have.entries, want.entries);
    assert_eq!(have.checkpoint.head(), want.checkpoint.head());
    assert_eq!(have.kept.len(), want.kept.len());
    // Every hash tile, by a proof that is worked out from them.
    for kept in &want.kept {
        read(folder).check_consistency(kept.head(), want.checkpoint.head()).await.unwrap();
    }
}

#[tokio::test]
async fn a_later_copy_fetches_only_what_is_new() {
    let Copies { small, large, dir: _dir } = two_copies();
    let asked = copy_of(&large, &small, usize::MAX).await.unwrap();
    let entries: Vec<_> = asked.iter().filter(|p| p.starts_with("tile/entries/")).collect();
    assert_eq!(entries, ["tile/entries/001", "tile/entries/002.p/8"]);
    holds(&small, &large).await;
    let again = copy_of(&large, &small, usize::MAX).await.unwrap();
    assert!(!again.iter().any(|p| p.starts_with("tile/entries/")), "{again:?}");
}

#[tokio::test]
async fn a_copy_that_breaks_off_anywhere_is_taken_up_again() {
    let Copies { dir, small, large } = two_copies();
    for (name, start) in [("fresh", None), ("later", Some(&small))] {
        let mut answers = 0;
        loop {
            let folder = dir.path().join(format!("{name}{answers}"));
            if let Some(start) = start {
                copy_folder(start, &folder);
            }
            let whole = copy_of(&large, &folder, answers).await.is_some();
            if !whole {
                // What stands under the old checkpoint is as it was; without one nothing counts.
                match (start, reader(LogFolder(folder.clone())).read(TreeHead::EMPTY).await) {
                    (None, Err(ReadError::Missing(file))) => assert_eq!(file, "checkpoint"),
                    (Some(_), Ok(growth)) => assert_eq!(growth.entries.len(), 259),
                    (_, other) => panic!("after {answers}: {other:?}"),
                }
                assert!(copy_of(&large, &folder, usize::MAX).await.is_some());
            }
            holds(&folder, &large).await;
            if whole {
                break;
            }
            // Each of the first steps, then some of the many kept checkpoints.
            answers += if answers < 12 { 1 } else { 7 };
        }
        assert!(answers > 5, "{name}: {answers}");
    }
}

#[tokio::test]
async fn what_a_killed_copy_left_is_used_if_it_fits_and_fetched_anew_if_not() {
    let Copies { dir, large, .. } = two_copies();
    let left = dir.path().join("left");
    copy_folder(&large, &left);
    // Killed before the last step.
    std::fs::rename(left.join("checkpoint"), left.join("checkpoint.part")).unwrap();
    let asked = copy_of(&large, &left, usize::MAX).await.unwrap();
    assert!(!asked.iter().any(|p| p.starts_with("tile/entries/")), "{asked:?}");
    holds(&left, &large).await;
    for damage in ["changed", "cut"] {
        std::fs::remove_file(left.join("checkpoint")).unwrap();
        edit(&left.join("tile/entries/001"), |b| if damage == "cut" { b.truncate(1000) } else { b[10] ^= 1 });
        copy_of(&large, &left, usize::MAX).await.unwrap();
        holds(&left, &large).await;
    }
}

#[tokio::test]
async fn refuses_a_bundle_that_changes_what_the_known_tree_holds_of_it() {
    let Copies { small, large, dir: _dir } = two_copies();
    let known = reader(LogFolder(small)).checkpoint().await.unwrap().head();
    let other = reader(LogFolder(large.clone()));
    assert_eq!(other.read(known).await.unwrap().entries.len(), 261);
    // Entries 256 to 258 are of the known tree and stand in the bundle of the next ones.
    edit(&large.join("tile/entries/001"), |b| b[10] ^= 1);
    let refused = other.read(known).await.err().and_then(|e| e.code());
    assert_eq!(refused, Some(Code::Tile));
}
