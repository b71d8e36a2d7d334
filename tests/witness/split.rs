//! A split view: the log's own keys sign two histories, each for its own readers.

use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use tabir::client::log_copy::copy_log;
use tabir::client::log_source::OneCheckpoint;
use tabir::clock::Clock;
use tabir::config::roles;
use tabir::log::fault::Faults;
use tabir_crypto::Code;
use tabir_crypto::log::{Note, VerifierKey};
use tabir_crypto::statement::body::Role;
use tabir_crypto::trust::root::LogName;

use crate::gathered::{at, cosigned, ours, serve};
use crate::log_support::{self, *};
use crate::running::{config, store};

fn tabir(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tabir")).args(args).env_remove("TABIR_TRUST").output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

async fn append(log: &log_support::Running, numbers: impl IntoIterator<Item = u64>) {
    for n in numbers {
        log.append(INTAKE, &counts(n)).await.unwrap();
    }
}

#[tokio::test]
async fn a_split_view_gets_no_cosignature_and_convinces_no_client() {
    let dirs = [0, 1, 2, 3].map(|_| tempfile::tempdir().unwrap());
    let witnesses = [
        serve(dirs[2].path(), 1, LogName::ALL.map(ours).to_vec()).await,
        serve(dirs[3].path(), 2, LogName::ALL.map(ours).to_vec()).await,
    ];
    let asked = |dir: &Path| roles::Log {
        witnesses: vec![at(1, &witnesses[0].base), at(2, &witnesses[1].base)],
        ..roles::Log::new(dir.into(), 10)
    };
    let log = start_as(&asked(dirs[0].path()), Clock::manual(NOW), Faults::default()).await.unwrap();
    append(&log, [0, 1, 2]).await;
    let honest = cosigned(&log, INTAKE, 3).await;

    // The same keys: the same two entries, then another one, for one client.
    let other = start(dirs[1].path(), 10).await.unwrap();
    append(&other, [0, 1]).await;
    other.witness_until(INTAKE, 2, NOW).await;
    append(&other, [99]).await;
    for _ in 0..500 {
        if other.pending(INTAKE).await.head().size == 3 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    other.end().await;
    let other = start_as(&asked(dirs[1].path()), Clock::manual(NOW), Faults::default()).await.unwrap();
    let second = other.pending(INTAKE).await;
    assert_eq!(second.head().size, 3);
    assert_ne!(second.head().root, honest.head().root);
    let origin = origin(INTAKE);
    for dir in [dirs[2].path(), dirs[3].path()] {
        let mut evidence = Vec::new();
        for _ in 0..500 {
            evidence = store(dir).await.evidence(&origin).await.unwrap();
            if !evidence.is_empty() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        // The witness refused, and keeps what the log signed: proof for whoever asks its operator.
        let [(refused, known)] = evidence.as_slice() else { panic!("{evidence:?}") };
        for (note, head) in [(refused, &second), (known, honest.signed())] {
            let note = Note::parse(note).unwrap();
            note.verify(verifier(INTAKE).key()).unwrap();
            assert_eq!(note.text(), head.note().text());
        }
    }
    // The client is shown what its log signed: without the witnesses it is worth nothing.
    let shown = reader(INTAKE, OneCheckpoint(other.pending(INTAKE).await.to_bytes()));
    assert_eq!(code(shown.checkpoint().await), Some(Code::Quorum));
    log.end().await;
    other.end().await;
    for witness in witnesses {
        witness.end().await;
    }
    let file = dirs[2].path().join("witness.toml");
    let own = config(dirs[2].path(), "w1.example", 41, LogName::ALL.map(ours).to_vec());
    std::fs::write(&file, toml::to_string(&own).unwrap()).unwrap();
    let status = tabir(&["witness", "status", "--config", file.to_str().unwrap()]);
    assert_eq!(status.status.code(), Some(3));
    assert!(said(&status).contains("FORK") && said(&status).contains(&second.note().to_string()), "{}", said(&status));
    let json = tabir(&["witness", "status", "--json", "--config", file.to_str().unwrap()]);
    let json: serde_json::Value = serde_json::from_str(&said(&json)).unwrap();
    assert_eq!(json["logs"][1]["size"], 3);
    assert_eq!(json["logs"][1]["forks"].as_array().unwrap().len(), 1);
}

/// A copy, as an auditor makes it.
async fn copy(log: &log_support::Running, to: &Path) {
    for name in LogName::ALL {
        copy_log(&log.reader(name), &to.join(name.as_str())).await.unwrap();
    }
}

/// With log and witnesses in one hand, both histories have their quorum: only the readers can tell.
#[tokio::test(flavor = "multi_thread")]
async fn two_auditors_who_compare_find_what_log_and_witnesses_hid_from_each() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    let stores = [0, 1].map(|_| tempfile::tempdir().unwrap());
    let (one, other) = (start(stores[0].path(), 10).await.unwrap(), start(stores[1].path(), 10).await.unwrap());
    for (log, own) in [(&one, [2, 3, 4]), (&other, [92, 93, 94])] {
        log.append(GOVERNANCE, &announced(1, &identity(Role::Forwarder))).await.unwrap();
        log.witness_until(GOVERNANCE, 1, NOW).await;
        append(log, [0, 1]).await;
        log.witness_until(INTAKE, 2, NOW + 1).await;
        if log.base == one.base {
            copy(log, &path("early")).await;
        }
        append(log, own).await;
        log.witness_until(INTAKE, 5, NOW + 2).await;
    }
    copy(&one, &path("one")).await;
    copy(&other, &path("other")).await;
    append(&other, 95..400).await;
    other.witness_until(INTAKE, 310, NOW + 3).await;
    copy(&other, &path("longer")).await;
    std::fs::write(path("trust.json"), trust_statement().to_bytes()).unwrap();
    let compare = |mine: &str, with: &str, more: &[&str]| {
        let (mine, trust) = (path(mine), path("trust.json"));
        let args = ["audit", "compare", mine.to_str().unwrap(), "--trust", trust.to_str().unwrap(), "--with", with];
        tabir(&[&args[..], more].concat())
    };
    let in_dir = |name: &str| path(name).to_str().unwrap().to_owned();

    // One history, whichever of the two is longer.
    for (mine, with) in [("early", "one"), ("one", "early"), ("one", "one"), ("early", "longer")] {
        let same = compare(mine, &in_dir(with), &[]);
        assert_eq!(same.status.code(), Some(0), "{mine} {with}: {}", String::from_utf8_lossy(&same.stderr));
        assert!(said(&same).starts_with("governance: the same, 1 entries"), "{}", said(&same));
    }
    // Two: from a copy, from one checkpoint that was shown to somebody, from a server.
    let shown = in_dir("other") + "/intake/checkpoint";
    for (mine, with) in [
        ("one", in_dir("other")),
        ("other", in_dir("one")),
        ("one", shown.clone()),
        ("one", in_dir("longer")),
        ("longer", in_dir("one")),
        ("longer", in_dir("one") + "/intake/checkpoint"),
        ("one", other.base.clone()),
    ] {
        let found = compare(mine, &with, &[]);
        assert_eq!(found.status.code(), Some(3), "{mine} {with}: {}", said(&found));
        // What is printed is proof: two checkpoints of one size, each with the log's signature and the quorum's.
        let json = compare(mine, &with, &["--json"]);
        let json: serde_json::Value = serde_json::from_str(&said(&json)).unwrap();
        let intake = json["logs"].as_array().unwrap().iter().find(|l| l["log"] == "intake").unwrap();
        assert_eq!((&json["ok"], &intake["fork"], &intake["sizes"]), (&false.into(), &true.into(), &[5, 5].into()));
        let notes: Vec<_> = intake["checkpoints"].as_array().unwrap().iter().map(|c| c.as_str().unwrap()).collect();
        assert_ne!(notes[0], notes[1]);
        for note in notes {
            assert!(said(&found).contains(note));
            let signed = Note::parse(note.as_bytes()).unwrap();
            signed.verify(verifier(INTAKE).key()).unwrap();
            let by = |key: &VerifierKey| signed.signature_by(key).unwrap().is_some();
            assert!([1, 2].iter().all(|n| by(witness(*n).verifier_key())));
        }
    }
    // No fork, and no all-clear either: what can't be compared, what is damaged, what is of no log of theirs.
    let later = in_dir("longer") + "/intake/checkpoint";
    assert_eq!(compare("early", &later, &[]).status.code(), Some(1));
    let tile = path("longer").join("intake/tile/0/000");
    let mut bytes = std::fs::read(&tile).unwrap();
    bytes[40] ^= 1;
    std::fs::write(&tile, bytes).unwrap();
    let damaged = compare("early", &in_dir("longer"), &[]);
    assert_eq!(damaged.status.code(), Some(1), "{}", said(&damaged));
    std::fs::write(path("strange"), crate::foreign::HONEST.checkpoint(5).to_bytes()).unwrap();
    assert_eq!(compare("one", &in_dir("strange"), &[]).status.code(), Some(2));
    assert_eq!(compare("one", "http://127.0.0.1:1", &[]).status.code(), Some(4));
    one.end().await;
    other.end().await;
}
