//! A trust root changes while people use the installation: another gateway, another auditor. By the real commands, on
//! real processes.

mod stage;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;

use stage::Stage;
use tabir::client::Session;
use tabir::client::log_source::LogFolder;
use tabir::clock::Clock;
use tabir::config::keys::create_seed;
use tabir::config::trust_file;
use tabir::http::Client;
use tabir_crypto::ed25519::SigningKey;
use tabir_crypto::log::{Cosigner, TreeHead};
use tabir_crypto::statement::Statement;
use tabir_crypto::statement::body::Role;
use tabir_crypto::trust::root::LogName;

fn tabir(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tabir")).args(args).output().unwrap()
}

#[track_caller]
fn done(args: &[&str]) -> String {
    let output = tabir(args);
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[track_caller]
fn refused(args: &[&str], says: &str) {
    let output = tabir(args);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && said.contains(says), "{args:?}: {said}");
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// A new key file, and its public key in hex.
fn new_key(path: &Path) -> String {
    let key = SigningKey::from_seed(&create_seed(path).unwrap());
    hex::encode(key.verifying_key().as_bytes())
}

/// The hash that auditors read to each other.
fn digits(file: &Path) -> String {
    let statement = Statement::parse_proposal(&std::fs::read(file).unwrap()).unwrap();
    hex::encode(&statement.pae_hash()[..4])
}

fn sign(file: &Path, trust: &Path, key: &Path) -> String {
    let args = ["trust", "sign", text(file), "--trust", text(trust), "--key", text(key), "--expect", &digits(file)];
    done(&args)
}

/// The signed next version of `trust`, by `init` with these arguments and these auditors' keys.
fn next(dir: &Path, trust: &Path, name: &str, change: &[&str], keys: &[PathBuf]) -> PathBuf {
    let file = dir.join(name);
    done(&[&["trust", "init", "--trust", text(trust)], change, &[text(&file)]].concat());
    let said: Vec<String> = keys.iter().map(|key| sign(&file, trust, key)).collect();
    let last = said.last().unwrap();
    assert!(last.contains("It is complete."), "{last}");
    file
}

fn version(file: &Path) -> u64 {
    trust_file::load(file).unwrap().root().version
}

/// A client's own copy of a trust root, with nothing beside it.
fn client(dir: &Path, name: &str, from: &Path) -> PathBuf {
    let file = dir.join(name).join("trust.json");
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::copy(from, &file).unwrap();
    file
}

#[tokio::test(flavor = "multi_thread")]
async fn people_auditors_and_roles_follow_a_trust_root_that_changes() {
    let mut stage = Stage::start(env!("CARGO_BIN_EXE_tabir")).await;
    let (dir, mine) = (stage.folder().to_owned(), tempfile::tempdir().unwrap());
    let trust = dir.join("trust.json");
    let auditor = |n: u32| dir.join(format!("auditors/auditor-{n}.key"));
    let first = client(mine.path(), "first", &trust);
    let leaver = hex::encode(stage.trust.auditors()[0].as_bytes());

    let old = || async { signed_by(&stage.gateway(), &first, mine.path()).await.is_some_and(|by| by[0] > 0) };
    stage.until("a window by the old gateway", old).await;

    let (gateway, comes) = (dir.join("gateway/new.key"), mine.path().join("auditor-4.key"));
    let change = [
        format!("--identity=gateway={}", new_key(&gateway)),
        format!("--remove-auditor={leaver}"),
        format!("--add-auditor={}", new_key(&comes)),
    ];
    let change: Vec<&str> = change.iter().map(String::as_str).collect();
    let second = next(mine.path(), &trust, "second.json", &change, &[auditor(2), auditor(3)]);
    let shown = done(&["trust", "show", text(&trust)]);
    assert!(shown.contains("version 1") && shown.contains(&leaver), "{shown}");

    // The operator: stop, put the key and the version in place, start.
    for role in ["gateway", "log", "issuer", "council", "warden", "desk", "forwarder"] {
        stage.end(role);
    }
    std::fs::rename(&gateway, dir.join("gateway/identity.key")).unwrap();
    let updated = done(&["trust", "update", "--trust", text(&trust), "--from", text(&second)]);
    assert!(updated.contains("gateway: another identity") && updated.contains("auditor comes"), "{updated}");
    assert_eq!(version(&trust), 2);
    for role in ["log", "issuer", "gateway", "council", "warden", "desk", "forwarder"] {
        stage.resume(role).await;
    }
    let announced = |session: &Session| session.view.state.trust(&session.trust).root().version;
    let by_first = || async {
        let clock = Clock::system();
        let trust = Arc::new(trust_file::load(&first).unwrap());
        let opened = Session::open(Client::new(clock.clone()), clock, trust, &stage.gateway()).await;
        opened.is_ok_and(|session| announced(&session) == 2)
    };
    stage.until("the log announces version 2", by_first).await;

    // Who has version 1 catches up; who has version 2 alone is given what came before it.
    let server = stage.gateway();
    let alone = client(mine.path(), "alone", &trust);
    for mine in [&first, &alone] {
        done(&["trust", "update", "--trust", text(mine), "--server", &server]);
        let known = trust_file::load(mine).unwrap();
        assert_eq!(known.versions().map(|t| t.root().version).collect::<Vec<_>>(), [2, 1]);
        let again = done(&["trust", "update", "--trust", text(mine), "--server", &server]);
        assert!(again.contains("version 2 is the newest"), "{again}");
    }

    // What the old gateway and the new one signed is audited as one log.
    let both = || async { signed_by(&server, &first, mine.path()).await.is_some_and(|by| by.iter().all(|n| *n > 0)) };
    stage.until("an audit that passes, with windows by both gateways", both).await;

    // Backwards, past a version, of somebody else, by too few: nothing is written.
    let third = next(mine.path(), &first, "third.json", &["--cooling-off=7"], &[auditor(2), comes.clone()]);
    let fresh = client(mine.path(), "fresh", &dir.join("trust.1.json"));
    refused(&["trust", "update", "--trust", text(&fresh), "--from", text(&third)], "trust");
    refused(&["trust", "update", "--trust", text(&first), "--from", text(&dir.join("trust.1.json"))], "trust");
    let few = mine.path().join("few.json");
    done(&["trust", "init", "--trust", text(&first), "--cooling-off=8", text(&few)]);
    let said = sign(&few, &first, &auditor(2));
    assert!(said.contains("More signatures are needed."), "{said}");
    refused(&["trust", "update", "--trust", text(&first), "--from", text(&few)], "insufficient-signatures");
    let args = ["trust", "sign", text(&few), "--trust", text(&first), "--expect", &digits(&few)];
    refused(&[&args[..], &["--key", text(&auditor(1))]].concat(), "no auditor's");
    assert_eq!((version(&fresh), version(&first)), (1, 2));

    // Another trust root of the same number is another installation.
    let other = next(mine.path(), &fresh, "other.json", &["--cooling-off=9"], &[auditor(1), auditor(2)]);
    done(&["trust", "update", "--trust", text(&fresh), "--from", text(&other)]);
    refused(&["trust", "update", "--trust", text(&fresh), "--server", &server], "trust");

    // A client that is ahead of its server stays where it is.
    done(&["trust", "update", "--trust", text(&first), "--from", text(&third)]);
    let ahead = tabir(&["trust", "update", "--trust", text(&first), "--server", &server]);
    assert!(ahead.status.success() && String::from_utf8_lossy(&ahead.stderr).contains("older version than yours"));
    assert_eq!(version(&first), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn copies_go_on_when_the_witness_changes() {
    let mut stage = Stage::start(env!("CARGO_BIN_EXE_tabir")).await;
    let (dir, mine) = (stage.folder().to_owned(), tempfile::tempdir().unwrap());
    let (trust, server) = (dir.join("trust.json"), stage.gateway());
    let (pinned, copy, site) = (client(mine.path(), "mine", &trust), mine.path().join("log"), mine.path().join("site"));
    let config = dir.join("log/tabir.toml");
    let fetch = || tabir(&["audit", "fetch", "--server", &server, "--trust", text(&pinned), text(&copy)]);
    let export = || tabir(&["log", "export", text(&site), "--config", text(&config)]);
    assert!(fetch().status.success() && export().status.success());

    let key = mine.path().join("witness.key");
    let new = Cosigner::from_seed("new.example", &create_seed(&key).unwrap()).unwrap().verifier_key().to_string();
    let old = stage.trust.root().witnesses[0].as_str().to_owned();
    let change = [format!("--remove-witness={old}"), format!("--add-witness={new}")];
    let change: Vec<&str> = change.iter().map(String::as_str).collect();
    let auditors = [2, 3].map(|n| dir.join(format!("auditors/auditor-{n}.key")));
    let second = next(mine.path(), &trust, "second.json", &change, &auditors);
    const ROLES: [&str; 7] = ["log", "issuer", "gateway", "council", "warden", "desk", "forwarder"];
    ROLES.iter().for_each(|role| stage.end(role));
    std::fs::rename(&key, dir.join("warden/witness.key")).unwrap();
    done(&["trust", "update", "--trust", text(&trust), "--from", text(&second)]);
    for role in ROLES {
        stage.resume(role).await;
    }

    let caught =
        || async { tabir(&["trust", "update", "--trust", text(&pinned), "--server", &server]).status.success() };
    stage.until("the new version from the gateway", caught).await;
    assert_eq!(version(&pinned), 2);
    // What the old witness cosigned stays, and the same folders go on with what the new one does.
    stage.until("both folders", || async { fetch().status.success() && export().status.success() }).await;
    assert!(done(&["audit", "verify", text(&copy), "--trust", text(&pinned)]).contains("0 failed."));
}

/// Entries of the intake log by the first and by the newest gateway, if an audit passes.
async fn signed_by(server: &str, trust: &Path, dir: &Path) -> Option<[usize; 2]> {
    let copy = dir.join("log");
    done(&["audit", "fetch", "--server", server, "--trust", text(trust), text(&copy)]);
    if !tabir(&["audit", "verify", text(&copy), "--trust", text(trust)]).status.success() {
        return None;
    }
    let trust = trust_file::load(trust).unwrap();
    let source = LogFolder(copy.join(LogName::Intake.as_str()));
    let reader = tabir::ledger::reader_of(&trust, LogName::Intake, source).unwrap();
    let entries = reader.read(TreeHead::EMPTY).await.unwrap().entries;
    Some([trust.first(), &trust].map(|version| {
        let key = version.identity(Role::Gateway).key_id();
        entries.iter().filter(|e| Statement::parse(&e.leaf).unwrap().signers().contains(&key)).count()
    }))
}

#[test]
fn a_client_that_missed_three_versions_takes_them_in_turn() {
    let dir = tempfile::tempdir().unwrap();
    let ports = tabir::cli::demo::ports::free_ports().unwrap();
    let made = tabir::cli::init::demo(dir.path(), "Test city", &ports).unwrap();
    let behind = client(dir.path(), "behind", &made.trust);
    let mut steps = Vec::new();
    for n in 2..=4 {
        let change = format!("--freshness={}", 1000 + n);
        let file = next(dir.path(), &made.trust, &format!("{n}.json"), &[&change], &made.auditors[..2]);
        done(&["trust", "update", "--trust", text(&made.trust), "--from", text(&file)]);
        steps.push(file);
    }
    refused(&["trust", "update", "--trust", text(&behind), "--from", text(&steps[1])], "trust");
    for file in &steps {
        done(&["trust", "update", "--trust", text(&behind), "--from", text(file)]);
    }
    assert_eq!(trust_file::load(&behind).unwrap(), trust_file::load(&made.trust).unwrap());
    // A version of before that was changed on disk is noticed.
    let earlier = trust_file::beside(&behind, 2);
    std::fs::copy(&made.trust, &earlier).unwrap();
    refused(&["trust", "show", text(&behind)], "trust.2.json");
}
