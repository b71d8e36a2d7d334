//! Witnesses: one that Tabir's authors did not write beside ours for our log, and ours for a log that they did not write.

use std::net::TcpStream;
use std::path::Path;
use std::process::{Output, Stdio};
use std::time::Duration;

use tabir::cli::demo::ports::free_port;
use tabir::clock::Clock;
use tabir::config::roles::{self, LogWitness};
use tabir::config::witness::Log;
use tabir::log::fault::Faults;
use tabir_crypto::log::TreeHead;
use tabir_crypto::statement::{Statement, Verb};
use tabir_crypto::trust::Trust;
use tabir_crypto::trust::root::LogName;
use tokio::process::{Child, Command};

use crate::log_support::*;
use crate::{client, conclude, say};

/// Entries of the sound log: more than one bundle.
const ENTRIES: u64 = 260;

/// Starts a process that ends with the answer, and waits until it listens.
async fn serve(command: &mut Command, port: u16) -> Child {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    let child = command.spawn().expect("`make interop` installs what this runs on");
    for _ in 0..500 {
        if TcpStream::connect(("127.0.0.1", port)).is_ok() {
            return child;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{command:?} does not listen");
}

async fn ran(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output().await;
    let Output { status, stdout, stderr } = output.expect("`make interop` installs what this runs on");
    assert!(status.success(), "{command:?}: {}", String::from_utf8_lossy(&stderr));
    String::from_utf8(stdout).unwrap()
}

fn tabir() -> Command {
    Command::new(env!("CARGO_BIN_EXE_tabir"))
}

fn aics(dir: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new("python3");
    command.args(["-m", "aics_witness"]).args(arguments).env("AICS_WITNESS_CONFIG", dir.join("witness.json"));
    command
}

/// Our own witness, as an operator sets one up. Answer: it, and how logs know it.
async fn our_witness(dir: &Path, name: &str, logs: Vec<Log>) -> (Child, LogWitness) {
    let port = free_port().unwrap();
    let listen = format!("127.0.0.1:{port}");
    let said = ran(tabir().args(["witness", "init", "--name", name, "--listen", &listen]).arg(dir)).await;
    let vkey = said.lines().find(|line| line.starts_with(&format!("{name}+"))).unwrap().to_owned();
    let file = dir.join("witness.toml");
    let mut config = tabir::config::witness::Witness::load(&file).unwrap();
    config.logs = logs;
    std::fs::write(&file, toml::to_string(&config).unwrap()).unwrap();
    let server = serve(tabir().args(["witness", "serve", "--config"]).arg(&file), port).await;
    (server, LogWitness { vkey, url: format!("http://{listen}") })
}

/// PyPI's aics-witness, for our two logs.
async fn their_witness(dir: &Path) -> (Child, LogWitness) {
    let vkey = ran(&mut aics(dir, &["init", "--name", "aics.example"])).await.trim().to_owned();
    for name in LogName::ALL {
        let key = verifier(name).key().to_string();
        ran(&mut aics(dir, &["add-log", "--origin", &origin(name), "--vkey", &key])).await;
    }
    let port = free_port().unwrap();
    let listen = format!("127.0.0.1:{port}");
    let server = serve(&mut aics(dir, &["serve", "--listen", &listen]), port).await;
    (server, LogWitness { vkey, url: format!("http://{listen}") })
}

fn ours(name: LogName) -> Log {
    let vkeys = vec![verifier(name).key().to_string()];
    Log { origin: origin(name), vkeys, url: None, copies: Vec::new(), post: None }
}

/// A trust root whose quorum is both of these.
fn trust_in(witnesses: &[LogWitness; 2]) -> Trust {
    let mut root = trust().root().clone();
    root.witnesses = witnesses.iter().map(|w| text(&w.vkey)).collect();
    Trust::pinned(&Statement::signed(Verb::TrustRoot, &root, &key(1)).unwrap()).unwrap()
}

async fn log_asking(dir: &Path, interval_ms: u64, witnesses: &[LogWitness; 2], asked: bool) -> Running {
    let asked = if asked { witnesses.to_vec() } else { Vec::new() };
    let config = roles::Log { witnesses: asked, ..roles::Log::new(dir.into(), interval_ms) };
    start_under(trust_in(witnesses), &config, Clock::system(), Faults::default()).await.unwrap()
}

async fn kept(log: &Running, size: u64) -> bool {
    log.client.get(&format!("{}/log/intake/checkpoints/{size}", log.base)).await.is_ok()
}

async fn until_kept(log: &Running, size: u64) {
    for _ in 0..1000 {
        if kept(log, size).await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("no quorum for {size}");
}

/// What the independent witness keeps as evidence against our intake log.
async fn evidence(dir: &Path) -> Vec<serde_json::Value> {
    serde_json::from_str(&ran(&mut aics(dir, &["evidence", "--origin", &origin(INTAKE)])).await).unwrap()
}

#[tokio::test]
#[ignore = "needs packages from PyPI; `make interop` installs them and runs this"]
async fn an_independent_witness_and_ours_make_a_quorum_and_neither_cosigns_a_fork() {
    let dirs: Vec<_> = (0..5).map(|_| tempfile::tempdir().unwrap()).collect();
    let [sound, fork, theirs, work, mine] = [0, 1, 2, 3, 4].map(|n| dirs[n].path());
    let (_theirs, their_key) = their_witness(theirs).await;
    let (_ours, our_key) = our_witness(&mine.join("w"), "w.example", LogName::ALL.map(ours).to_vec()).await;
    let witnesses = [their_key, our_key];

    let log = log_asking(sound, 10, &witnesses, true).await;
    for n in 0..ENTRIES {
        log.append(INTAKE, &counts(n)).await.unwrap();
    }
    until_kept(&log, ENTRIES).await;
    let keys = work.join("keys.json");
    let vkeys = witnesses.each_ref().map(|w| &w.vkey);
    let published = serde_json::json!({
        "origin": origin(INTAKE), "log": verifier(INTAKE).key().to_string(), "witnesses": vkeys, "quorum": 2,
    });
    std::fs::write(&keys, published.to_string()).unwrap();
    let live = format!("{}/log/intake", log.base);
    let said = ran(Command::new("python3").arg(client("log_aics.py")).arg(&keys).arg(&live)).await;
    let mut wrong = Vec::new();
    if !said.starts_with(&format!("intake: accepted: {ENTRIES} entries, ")) {
        wrong.push(said);
    }
    log.end().await;

    // The same keys, another history, which grew larger before it asks: 409, then a proof that does not hold.
    let log = log_asking(fork, 1_000_000, &witnesses, false).await;
    for n in 0..=ENTRIES {
        log.append(INTAKE, &counts(1000 + n)).await.unwrap();
    }
    log.end().await;
    assert!(evidence(theirs).await.is_empty(), "nothing yet against a sound log");
    let log = log_asking(fork, 10, &witnesses, true).await;
    for _ in 0..500 {
        if !evidence(theirs).await.is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    if evidence(theirs).await.is_empty() {
        wrong.push("the fork was not noticed".into());
    }
    if kept(&log, ENTRIES + 1).await {
        wrong.push("the fork was cosigned".into());
    }
    let head: TreeHead = log.pending(INTAKE).await.head();
    assert_eq!(head.size, ENTRIES + 1, "it was asked for");
    log.end().await;
    conclude("aics-witness 0.1.0 as a witness", &wrong);
}

#[tokio::test]
#[ignore = "needs packages from PyPI; `make interop` installs them and runs this"]
async fn an_independent_log_gets_from_our_witness_what_c2sp_says() {
    let dir = tempfile::tempdir().unwrap();
    let vkey = ran(Command::new("python3").arg(client("witness_aics.py")).arg("vkey")).await.trim().to_owned();
    let asks = Log { origin: "aics.example/log".into(), vkeys: vec![vkey], url: None, copies: Vec::new(), post: None };
    let (_server, known) = our_witness(&dir.path().join("w"), "w.example", vec![asks]).await;
    let mut log = Command::new("python3");
    log.arg(client("witness_aics.py")).args(["ask", &known.url, &known.vkey]);
    say(&mut log).await;
}
