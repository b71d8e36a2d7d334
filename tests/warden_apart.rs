//! The warden apart: an outside body sets its machine up by itself, the city gets a card, and both run as processes of
//! their own. By the real commands.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use tabir::cli::demo::ports::free_ports;
use tabir::clock::Clock;
use tabir::config::{Config, trust_file};
use tabir::http::Client;
use tabir::ledger;
use tabir_crypto::statement::Statement;
use tabir_crypto::statement::body::Role;
use tabir_crypto::trust::root::LogName;

/// Between two tries of something that takes a moment, and how many there are: half a minute.
const AGAIN: Duration = Duration::from_millis(100);
const TRIES: usize = 300;

fn tabir(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tabir")).args(args).stdin(Stdio::null()).output().unwrap()
}

#[track_caller]
fn done(args: &[&str]) -> String {
    let output = tabir(args);
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// A process that ends with the test.
struct Running(Child);

impl Running {
    fn start(args: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tabir"));
        Self(command.args(args).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// All files below a folder.
fn files(dir: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

fn digits(file: &Path) -> String {
    let statement = Statement::parse_proposal(&std::fs::read(file).unwrap()).unwrap();
    hex::encode(&statement.pae_hash()[..4])
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outside_body_sets_up_its_own_machine_and_a_city_runs_on_its_card() {
    let dir = tempfile::tempdir().unwrap();
    let [body, city] = ["body", "city"].map(|name| dir.path().join(name));
    let ports = free_ports().unwrap();
    let (public, internal) = (ports.log, ports.log_internal);
    let urls = [public, internal].map(|port| format!("http://127.0.0.1:{port}"));

    // On its own machine: keys, configuration, and a card without anything private.
    let init = ["warden", "init", text(&body), "--name", "The Ombudsman", "--city", &urls[0], "--internal", &urls[1]];
    let card = done(&init);
    assert_eq!(card, std::fs::read_to_string(body.join("card.json")).unwrap());
    let seen: serde_json::Value = serde_json::from_str(&card).unwrap();
    let names: Vec<&str> = seen.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(names, ["name", "v", "warden", "witness"]);
    assert!(seen["witness"].as_str().unwrap().starts_with("warden.the-ombudsman+"));
    for key in ["identity.key", "witness.key"] {
        let file = body.join(key);
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600, "{key}");
        assert!(!card.contains(std::fs::read_to_string(&file).unwrap().trim()), "{key} stands in the card");
    }
    // Never a second time over it.
    let before = std::fs::read(body.join("identity.key")).unwrap();
    let again = tabir(&init);
    assert_eq!(again.status.code(), Some(2), "{}", String::from_utf8_lossy(&again.stderr));
    assert_eq!(std::fs::read(body.join("identity.key")).unwrap(), before);

    // The other parties, and the city from their cards.
    let auditors = ["a", "b", "c"].map(|name| dir.path().join(name));
    for auditor in &auditors {
        done(&["init", "--profile", "town", "--part", "auditor", text(auditor)]);
    }
    let cards: Vec<PathBuf> = auditors.iter().map(|a| a.join("card.json")).collect();
    let mut args = vec!["init", "--profile", "town", "--origin", "lapor.kota.example"];
    for card in &cards {
        args.extend(["--join", text(card)]);
    }
    // Without an outside body there is no city.
    let alone = tabir(&[&args[..], &[text(&city)]].concat());
    assert_eq!(alone.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&alone.stderr).contains("tabir warden init"));
    let card = body.join("card.json");
    done(&[&args[..], &["--join", text(&card), text(&city)]].concat());
    let made = files(&city);
    assert!(
        made.iter().all(|f| !text(f).contains("witness") && !text(f).contains("warden")),
        "the city has no such key"
    );

    let trust = city.join("trust.json");
    let expect = digits(&trust);
    for auditor in &auditors[..2] {
        done(&["sign", text(&trust), "--key", text(&auditor.join("auditor.key")), "--expect", &expect]);
    }
    let root = trust_file::load(&trust).unwrap();
    assert_eq!(hex::encode(root.identity(Role::Warden).as_bytes()), seen["warden"].as_str().unwrap());
    assert_eq!(root.root().witnesses[0].as_str(), seen["witness"].as_str().unwrap());
    std::fs::copy(&trust, body.join("trust.json")).unwrap();

    // Two processes, two operators. The city's checkpoint counts only once the outside body's machine cosigned it.
    let file = city.join("outer/tabir.toml");
    let mut config = Config::load(&file).unwrap();
    config.listen.public.set_port(public);
    config.listen.internal.set_port(internal);
    config.listen.admin.set_port(0);
    for base in [&mut config.peers.issuer, &mut config.peers.gateway, &mut config.peers.log, &mut config.peers.council]
    {
        base.clone_from(&urls[0]);
    }
    let peers = &mut config.peers;
    for base in [&mut peers.gateway_internal, &mut peers.log_internal, &mut peers.council_internal] {
        base.clone_from(&urls[1]);
    }
    if let Some(log) = &mut config.roles.log {
        log.checkpoint_ms = 200;
    }
    std::fs::write(&file, toml::to_string(&config).unwrap()).unwrap();
    let _city = Running::start(&["serve", "--config", text(&file)]);
    let reader = ledger::reader(&root, LogName::Governance, Client::new(Clock::system()), &urls[0]).unwrap();
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(reader.checkpoint().await.is_err(), "nobody has cosigned yet");
    let config = body.join("tabir.toml");
    let mut apart = Config::load(&config).unwrap();
    apart.listen.admin.set_port(0);
    std::fs::write(&config, toml::to_string(&apart).unwrap()).unwrap();
    let warden = Running::start(&["warden", "serve", "--config", text(&config)]);
    let mut checkpoint = reader.checkpoint().await;
    for _ in 0..TRIES {
        if checkpoint.is_ok() {
            break;
        }
        tokio::time::sleep(AGAIN).await;
        checkpoint = reader.checkpoint().await;
    }
    checkpoint.unwrap();

    // Its own record, beside the running process and after it.
    let shown = || done(&["warden", "journal", "--config", text(&config)]);
    for _ in 0..TRIES {
        if shown().contains("key-made") {
            break;
        }
        tokio::time::sleep(AGAIN).await;
    }
    drop(warden);
    let shown = shown();
    assert!(shown.contains("key-made") && shown.contains("lines, whole"), "{shown}");
    let mark = shown.lines().last().unwrap().trim();
    done(&["warden", "journal", "--config", text(&config), "--verify", "--expect", mark]);
    let journal = body.join("journal.jsonl");
    let whole = std::fs::read_to_string(&journal).unwrap();
    std::fs::write(&journal, whole.replacen("key-made", "key-mine", 1)).unwrap();
    let edited = tabir(&["warden", "journal", "--config", text(&config), "--verify"]);
    assert_eq!(edited.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&edited.stderr).contains("journal-edited"));
    let refused = tabir(&["warden", "serve", "--config", text(&config)]);
    assert_eq!(refused.status.code(), Some(1), "a warden does not run on a journal that was edited");
    let rewritten = done(&["warden", "journal", "--config", text(&config), "--rewrite"]);
    assert!(rewritten.contains("until-"), "{rewritten}");
    let shown = done(&["warden", "journal", "--config", text(&config)]);
    assert!(shown.contains("rewritten") && shown.contains("lines, whole"), "{shown}");
}

#[test]
fn serves_no_configuration_without_a_warden() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("tabir.toml");
    std::fs::write(&file, "trust = \"trust.json\"\n[roles.desk]\ndir = \".\"\n").unwrap();
    let output = tabir(&["warden", "serve", "--config", text(&file)]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("runs no warden"));
}
