//! The key of a log is lost. The auditors' quorum names another key and origin, and the head that witnesses saw last: the log
//! goes on with the same tree, and nobody has to believe that it does.

mod log_support;

use std::path::{Path, PathBuf};
use std::process::Command;

use tabir::client::audit;
use tabir::client::log_copy::copy_log;
use tabir::client::log_source::{LogFolder, ReadError};
use tabir::clock::Clock;
use tabir::config::{keys::write_private, roles, trust_file};
use tabir::http::Client;
use tabir::ledger;
use tabir::log::fault::Faults;
use tabir::log::mirror::Mirror;
use tabir::log::recover::{Mode, RecoverError, recover};
use tabir_crypto::Code;
use tabir_crypto::log::TreeHead;
use tabir_crypto::statement::body::Role;
use tabir_crypto::statement::value::Hex;
use tabir_crypto::statement::{Statement, Verb};
use tabir_crypto::trust::Trust;
use tabir_crypto::trust::root::{Follows, LogName};

use log_support::*;

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[track_caller]
fn done(args: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_tabir")).args(args).output().unwrap();
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// An installation whose log has one entry of governance and three of the intake log; somebody has a copy.
struct Place {
    dir: tempfile::TempDir,
    log: Option<Running>,
}

impl Place {
    async fn new(first: u64) -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("log")).unwrap();
        std::fs::write(dir.path().join("trust.json"), trust_statement().to_bytes()).unwrap();
        let log = start(&dir.path().join("log"), 10).await.unwrap();
        log.append(GOVERNANCE, &announced(1, &identity(Role::Forwarder))).await.unwrap();
        log.witness_until(GOVERNANCE, 1, NOW - 900).await;
        let place = Self { dir, log: Some(log) };
        place.grow(first..first + 3, 3, NOW - 900).await;
        place
    }

    fn log(&self) -> &Running {
        self.log.as_ref().unwrap()
    }

    async fn grow(&self, entries: std::ops::Range<u64>, size: u64, time: u64) {
        for n in entries {
            self.log().append(INTAKE, &counts(n)).await.unwrap();
        }
        self.log().witness_until(INTAKE, size, time).await;
    }

    fn at(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    async fn copy(&self, name: &str) -> PathBuf {
        let to = self.at(name);
        for log in LogName::ALL {
            copy_log(&self.log().reader(log), &to.join(log.as_str())).await.unwrap();
        }
        to
    }

    /// By the real commands: other keys for both logs, a trust root that names them, the auditor's signature.
    fn lose_keys(&self, copy: &Path) -> Trust {
        let (new, next, auditor) = (self.at("new"), self.at("next.json"), self.at("auditor.key"));
        std::fs::create_dir(&new).unwrap();
        let vkey = |log: LogName| {
            let (file, origin) = (new.join(format!("{}.key", log.as_str())), format!("{}-2", origin(log)));
            format!("{}={}", log.as_str(), done(&["log", "key", path(&file), "--origin", &origin]).trim())
        };
        let [governance, intake] = LogName::ALL.map(vkey);
        let trust = self.at("trust.json");
        let logs = ["--log", &governance, "--log", &intake, "--last", path(copy)];
        let said = done(&[&["trust", "init", "--trust", path(&trust)], &logs[..], &[path(&next)]].concat());
        assert!(said.contains("THE KEY OF THE intake LOG IS LOST: tabir.example/intake ends with 3 entries"), "{said}");
        write_private(&auditor, format!("{}\n", hex::encode([1; 32])).as_bytes()).unwrap();
        let statement = Statement::parse_proposal(&std::fs::read(&next).unwrap()).unwrap();
        let digits = hex::encode(&statement.pae_hash()[..4]);
        let with = ["--trust", path(&trust), "--key", path(&auditor), "--expect", &digits];
        done(&[&["trust", "sign", path(&next)], &with[..]].concat());
        done(&["trust", "update", "--trust", path(&trust), "--from", path(&next)]);
        trust_file::load(&trust).unwrap()
    }

    /// The log in its new folder, from a copy.
    async fn go_on(&self, trust: &Trust, copy: &Path) -> Result<Running, RecoverError> {
        let config = roles::Log::new(self.at("new"), 10);
        let (from, client) = ([Mirror::Folder(copy.into())], Client::new(Clock::manual(NOW)));
        recover(&config, trust, &from, &client, Mode::Write(NOW), &mut |_, _, _| ()).await?;
        Ok(start_under(trust.clone(), &config, Clock::manual(NOW), Faults::default()).await.unwrap())
    }
}

/// What an audit of a copy finds.
async fn found(trust: &Trust, copy: &Path) -> Vec<String> {
    let verdict = audit::verify(trust, copy).await.unwrap();
    verdict.failed().map(|check| format!("{check:?}")).collect()
}

#[tokio::test]
async fn a_log_goes_on_under_another_key_where_the_lost_one_ended() {
    let mut place = Place::new(0).await;
    let copy = place.copy("copy").await;
    let before = place.log().reader(INTAKE).read(TreeHead::EMPTY).await.unwrap();
    let clean = found(&trust(), &copy).await;
    place.log.take().unwrap().kill().await;

    let trust = place.lose_keys(&copy);
    let log = place.go_on(&trust, &copy).await.unwrap();
    let head = log.pending(INTAKE).await;
    assert_eq!((head.head(), head.checkpoint().origin.as_str()), (before.checkpoint.head(), "tabir.example/intake-2"));
    assert_eq!(log.append(INTAKE, &counts(1)).await.unwrap(), (200, 1));
    assert_eq!(log.append(INTAKE, &counts(3)).await.unwrap(), (201, 3));
    log.witness_until(INTAKE, 4, NOW).await;
    // The first thing that the governance log says after the loss.
    log.witness_until(GOVERNANCE, 2, NOW).await;
    let governance = log.reader(GOVERNANCE).read(TreeHead::EMPTY).await.unwrap();
    let statement = Statement::parse(&governance.entries[1].leaf).unwrap();
    assert_eq!((statement.verb(), &statement), (Verb::TrustRoot, trust.statement()));
    // One history: for who comes new, who remembers a head of the lost key, and who had a copy.
    let now = log.reader(INTAKE).read(TreeHead::EMPTY).await.unwrap();
    assert_eq!(now.entries[..3], before.entries);
    let news = log.reader(INTAKE).read(before.checkpoint.head()).await.unwrap();
    assert_eq!(news.entries[0].leaf, counts(3).to_bytes());
    for name in LogName::ALL {
        copy_log(&log.reader(name), &copy.join(name.as_str())).await.unwrap();
    }
    assert_eq!(found(&trust, &copy).await, clean);
    // It can be lost again, with its key still there.
    log.kill().await;
    std::fs::remove_file(place.at("new/store.sqlite")).unwrap();
    for end in ["-wal", "-shm"] {
        let _ = std::fs::remove_file(place.at(&format!("new/store.sqlite{end}")));
    }
    let log = place.go_on(&trust, &copy).await.unwrap();
    log.append(INTAKE, &counts(4)).await.unwrap();
    log.witness_until(INTAKE, 5, NOW + 1).await;
    log.end().await;
}

fn code_of<T>(result: Result<T, RecoverError>) -> &'static str {
    result.err().expect("must be refused").code().unwrap()
}

/// The old key is not lost but stolen, and its thief has all witnesses; or the operator forges what he says was lost.
#[tokio::test]
async fn a_successor_of_another_history_is_refused_and_so_is_what_the_old_key_signs_later() {
    let mut place = Place::new(0).await;
    let copy = place.copy("copy").await;
    let trust = place.lose_keys(&copy);
    // The old log grows on, beyond what the trust root says that it ended with.
    place.grow(10..12, 5, NOW - 800).await;
    let longer = place.copy("longer").await;
    let remembered = place.log().reader(INTAKE).checkpoint().await.unwrap().head();
    let url = place.log().base.clone();
    let old = ledger::reader(&trust, INTAKE, place.log().client.clone(), &url).unwrap();
    assert_eq!(code(old.read(TreeHead::EMPTY).await), Some(Code::UnknownKey), "shown as the log of today");
    place.log.take().unwrap().end().await;
    assert_eq!(code_of(place.go_on(&trust, &longer).await), "consistency", "a copy of it");

    let log = place.go_on(&trust, &copy).await.unwrap();
    for n in 20..23 {
        log.append(INTAKE, &counts(n)).await.unwrap();
    }
    log.witness_until(INTAKE, 6, NOW).await;
    log.witness_until(GOVERNANCE, 2, NOW).await;
    assert_eq!(code(log.reader(INTAKE).read(remembered).await), Some(Code::Consistency), "who saw more is told");
    // One of its checkpoints among those that are kept.
    let mixed = place.at("mixed");
    for name in LogName::ALL {
        copy_log(&log.reader(name), &mixed.join(name.as_str())).await.unwrap();
    }
    std::fs::copy(longer.join("intake/checkpoints/5"), mixed.join("intake/checkpoints/5")).unwrap();
    let reader = ledger::reader_of(&trust, INTAKE, LogFolder(mixed.join("intake"))).unwrap();
    assert_eq!(code(reader.read(TreeHead::EMPTY).await), Some(Code::Consistency));
    log.end().await;

    // Another history of the same length, with the same new keys: whoever signs, the trust root names the head.
    let mut other = Place::new(50).await;
    let theirs = other.copy("theirs").await;
    let head = other.log().reader(INTAKE).checkpoint().await.unwrap().head();
    other.log.take().unwrap().end().await;
    std::fs::create_dir(place.at("keys")).unwrap();
    for name in LogName::ALL {
        let file = format!("{}.key", name.as_str());
        std::fs::rename(place.at("new").join(&file), place.at("keys").join(&file)).unwrap();
    }
    std::fs::remove_dir_all(place.at("new")).unwrap();
    assert_eq!(code_of(restored(&place, &trust, &theirs).await), "consistency");
    let mut lie = Trust::pinned(&trust_statement())
        .unwrap()
        .next(|root| {
            root.logs = trust.root().logs.clone();
            root.logs[1].follows = Some(Follows { size: head.size, root: Hex(head.root) });
        })
        .unwrap();
    lie.sign(&key(1));
    let lie = Trust::pinned(&trust_statement()).unwrap().update(&lie).unwrap();
    let forged = restored(&place, &lie, &theirs).await.unwrap();
    forged.witness_until(INTAKE, 3, NOW).await;
    let reader = ledger::reader(&trust, INTAKE, forged.client.clone(), &forged.base).unwrap();
    assert_eq!(code(reader.read(TreeHead::EMPTY).await), Some(Code::Consistency), "a successor of another head");
    forged.end().await;
}

/// With the new keys in a folder that is new again.
async fn restored(place: &Place, trust: &Trust, copy: &Path) -> Result<Running, RecoverError> {
    let new = place.at("new");
    if !new.exists() {
        std::fs::create_dir(&new).unwrap();
        for name in LogName::ALL {
            let file = format!("{}.key", name.as_str());
            std::fs::copy(place.at("keys").join(&file), new.join(&file)).unwrap();
        }
    }
    place.go_on(trust, copy).await
}

#[tokio::test]
async fn a_mirror_that_ends_before_the_last_head_and_a_missing_key_are_refused() {
    let mut place = Place::new(0).await;
    let copy = place.copy("copy").await;
    place.log.take().unwrap().end().await;
    let trust = place.lose_keys(&copy);
    // As if witnesses had seen one entry more.
    let mut next = trust
        .first()
        .next(|root| {
            root.logs = trust.root().logs.clone();
            root.logs[1].follows = Some(Follows { size: 4, root: Hex([7; 32]) });
        })
        .unwrap();
    next.sign(&key(1));
    let later = trust.first().update(&next).unwrap();
    assert_eq!(code_of(place.go_on(&later, &copy).await), "shrunk");
    std::fs::remove_file(place.at("new/intake.key")).unwrap();
    let refused = place.go_on(&trust, &copy).await.err().unwrap();
    assert!(matches!(refused, RecoverError::Key(_)), "{refused}");
    assert!(!place.at("new/store.sqlite").exists());
    let reader = ledger::reader_of(&trust, INTAKE, LogFolder(copy.join("intake"))).unwrap();
    assert!(matches!(reader.checkpoint().await, Err(ReadError::Refused { .. })), "the lost key signs no newest head");
}
