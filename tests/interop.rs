//! Programs that Tabir's authors did not write, against running roles. `tests/interop/README.md` says what each is told.

#[path = "interop/apps.rs"]
mod apps;
#[path = "common/folder.rs"]
mod folder;
#[path = "interop/live_log.rs"]
mod live_log;
mod log_support;
#[path = "interop/published_keys.rs"]
mod published_keys;
mod stage;
#[path = "interop/witnesses.rs"]
mod witnesses;

use std::path::{Path, PathBuf};
use std::process::Stdio;

use folder::copy_folder;
use stage::Stage;
use tabir::client::audit;
use tabir::client::report::{self, seal};
use tabir::client::tokens;
use tokio::process::Command;

/// A file beside the clients.
fn client(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop").join(name)
}

/// Prints a client's line, for which scripts/interop looks.
fn conclude(name: &str, wrong: &[String]) {
    println!("{name} {}", if wrong.is_empty() { "PASS" } else { "FAIL" });
    assert!(wrong.is_empty(), "{name}: {}", wrong.join("\n"));
}

/// Runs a client that prints its own line; gives what it said.
async fn say(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output().await.expect("`make interop` installs what this runs on");
    let (said, why) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8_lossy(&output.stderr));
    print!("{said}");
    assert!(output.status.success() && said.lines().any(|line| line.ends_with(" PASS")), "{said}{why}");
    said
}

#[tokio::test]
#[ignore = "needs Node.js and packages from npm; `make interop` installs them and runs this"]
async fn privacypass_ts_fetches_a_token_and_spends_it() {
    let stage = Stage::start(env!("CARGO_BIN_EXE_tabir")).await;
    let session = stage.session().await;
    let dir = tempfile::tempdir().unwrap();
    let submission = |name: &str| {
        let file = dir.path().join(name);
        std::fs::write(&file, seal(&session, &stage::draft(&session)).unwrap().body).unwrap();
        file
    };
    let root = stage.trust.root();
    let mut node = Command::new("node");
    node.arg(client("issuance.mjs"))
        .env("TABIR_ISSUER_URL", stage.ports.peers().issuer)
        .env("TABIR_GATEWAY_URL", stage.gateway())
        .env("TABIR_ISSUER_NAME", root.issuer_name.as_str())
        .env("TABIR_ORIGIN", root.origin.as_str())
        .env("TABIR_VOUCHER", &stage.vouchers(1).await[0])
        .env("TABIR_BODY", submission("body.json"))
        .env("TABIR_OTHER_BODY", submission("other.json"));
    say(&mut node).await;
}

#[tokio::test]
#[ignore = "needs schemathesis from PyPI; `make interop` installs it and runs this"]
async fn schemathesis_finds_no_answer_that_the_documents_of_issuer_and_gateway_do_not_have() {
    let stage = Stage::start(env!("CARGO_BIN_EXE_tabir")).await;
    let session = stage.session().await;
    let report = seal(&session, &stage::draft(&session)).unwrap();
    let voucher = tokens::Attestation::Voucher(stage.vouchers(1).await.remove(0));
    let token = tokens::fetch(&session, &voucher).await.unwrap();
    report::send(&session, &report, &token).await.unwrap();
    let peers = stage.ports.peers();
    let mut python = Command::new("python3");
    python.arg(client("api_schemathesis.py"));
    python.arg(format!("issuer={}", peers.issuer)).arg(format!("gateway={}", peers.gateway));
    python.env("TABIR_CASE", hex::encode(report.receipt.keys().access.expose()));
    say(&mut python).await;
}

fn tabir(args: &[&str]) -> std::process::Output {
    std::process::Command::new(env!("CARGO_BIN_EXE_tabir")).args(args).output().expect("the binary of this test")
}

/// Puts down beside a copy what our own audit finds in it, one line a failure.
fn expect(copy: &Path) -> Vec<String> {
    let (dir, trust) = (copy.to_str().unwrap(), copy.join("trust.json"));
    let said = tabir(&["audit", "verify", dir, "--trust", trust.to_str().unwrap(), "--json"]);
    let verdict: serde_json::Value = serde_json::from_slice(&said.stdout).expect("a verdict");
    let line = |c: &serde_json::Value| {
        let text = |field: &str| c[field].as_str().map(str::to_owned);
        let number = |field: &str| c[field].as_u64();
        let place =
            [text("log"), number("entry").map(|e| e.to_string()), number("window").map(|w| format!("window {w}"))];
        [text("name"), text("code")].into_iter().chain(place).flatten().collect::<Vec<_>>().join(" ")
    };
    let failed = verdict["checks"].as_array().unwrap().iter().filter(|c| c["ok"] == false);
    let lines: Vec<String> = failed.map(line).collect();
    std::fs::write(copy.join("expected"), lines.join("\n")).unwrap();
    lines
}

/// The shell commands of docs/auditing.md, step by step.
fn steps() -> Vec<String> {
    let text = include_str!("../docs/auditing.md");
    let blocks = text.split("```bash\n").skip(1).map(|rest| rest.split("```").next().unwrap().to_owned());
    let steps: Vec<String> = blocks.collect();
    assert!(steps.len() >= 8, "every step has its commands");
    steps
}

/// Runs steps as one shell would; what they print, or what the one that failed said.
fn shell(dir: &Path, gateway: &str, steps: &[String]) -> Result<String, String> {
    let mut bash = std::process::Command::new("bash");
    let out = bash.arg("-c").arg(steps.join("\n")).current_dir(dir).env("GATEWAY", gateway).output().unwrap();
    let [stdout, stderr] = [out.stdout, out.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    if out.status.success() { Ok(stdout) } else { Err(format!("{stdout}{stderr}")) }
}

/// The fullest bundle of a folder of partial ones: they are named by their numbers of entries.
fn last_in(folder: PathBuf) -> PathBuf {
    let files = std::fs::read_dir(&folder).unwrap().map(|f| f.unwrap().path());
    let width = |file: &PathBuf| file.file_name().and_then(|n| n.to_str()?.parse::<u64>().ok());
    files.max_by_key(width).unwrap_or_else(|| panic!("{} is empty", folder.display()))
}

#[tokio::test]
#[ignore = "needs Python's package cryptography; `make interop` installs it and runs this"]
async fn an_auditor_without_our_software_says_the_same_of_a_live_log_and_of_changed_copies() {
    let dir = tempfile::tempdir().unwrap();
    let (kept, copies) = (dir.path().join("kept"), dir.path().join("copies"));
    let tickets = dir.path().join("tickets.jsonl");
    let lines: Vec<&str> = include_str!("data/reports-neworleans.jsonl").lines().take(24).collect();
    std::fs::write(&tickets, lines.join("\n")).unwrap();
    let reports = ["--reports", tickets.to_str().unwrap(), "--identity-every", "6"];
    let demo = tabir(&[&["demo", "--once", "--json", "--keep", kept.to_str().unwrap()], &reports[..]].concat());
    assert!(demo.status.success(), "{}", String::from_utf8_lossy(&demo.stderr));
    // A log without a lie, read from its server.
    let (stage, fetched) = (Stage::start(env!("CARGO_BIN_EXE_tabir")).await, copies.join("fetched"));
    audit::fetch(&stage.trust, &stage.client, &stage.ports.peers().log, &fetched).await.unwrap();
    std::fs::write(fetched.join("trust.json"), stage.trust.statement().to_bytes()).unwrap();
    assert_eq!(expect(&fetched), Vec::<String>::new());
    let by_hand = dir.path().join("by hand");
    std::fs::create_dir(&by_hand).unwrap();
    std::fs::copy(fetched.join("trust.json"), by_hand.join("trust.json")).unwrap();
    let said = shell(&by_hand, &stage.gateway(), &steps()).expect("every step of docs/auditing.md passes");
    assert!(said.contains("\n0 request(s), 0 released\n"), "{said}");
    drop(stage);
    type Change = fn(&Path);
    let changes: [(&str, Change); 6] = [
        ("as it is", |_| ()),
        ("an entry changed", |log| {
            let bundle = last_in(log.join("governance/tile/entries/000.p"));
            let mut bytes = std::fs::read(&bundle).unwrap();
            bytes[100] ^= 1;
            std::fs::write(bundle, bytes).unwrap();
        }),
        ("the last entry gone", |log| {
            let bundle = last_in(log.join("intake/tile/entries/000.p"));
            let bytes = std::fs::read(&bundle).unwrap();
            std::fs::write(bundle, &bytes[..bytes.len() - 1]).unwrap();
        }),
        ("a bundle missing", |log| std::fs::remove_file(last_in(log.join("intake/tile/entries/000.p"))).unwrap()),
        ("another log's checkpoint", |log| {
            std::fs::copy(log.join("intake/checkpoint"), log.join("governance/checkpoint")).map(drop).unwrap();
        }),
        ("a cosignature changed", |log| {
            let note = log.join("governance/checkpoint");
            let text = std::fs::read_to_string(&note).unwrap();
            let at = text.len() - 10;
            let other = if text.as_bytes()[at] == b'A' { "B" } else { "A" };
            std::fs::write(note, format!("{}{other}{}", &text[..at], &text[at + 1..])).unwrap();
        }),
    ];
    for (name, change) in changes {
        let copy = copies.join(name);
        copy_folder(&kept.join("log"), &copy);
        std::fs::copy(kept.join("trust.json"), copy.join("trust.json")).unwrap();
        change(&copy);
        let hand = dir.path().join(format!("by hand: {name}"));
        copy_folder(&copy, &hand.join("log"));
        std::fs::copy(kept.join("trust.json"), hand.join("trust.json")).unwrap();
        let failed = shell(&hand, "", &steps()[1..]).expect_err("the steps stop at what is wrong");
        // The demo drops one report, for its own audit to name.
        assert_eq!(failed.contains("WRONG"), name == "as it is", "{name}: {failed}");
        let found = expect(&copy);
        assert!(
            found.iter().any(|l| l.starts_with(if name == "as it is" { "windows.counts" } else { "log.tree" })),
            "{name}: {found:?}"
        );
    }
    let mut auditor = Command::new("python3");
    auditor.arg(client("audit_without_tabir.py")).args(["--compare", "audit_without_tabir of a live log"]).arg(&copies);
    say(&mut auditor).await;
}
