//! At a counter an officer types for somebody, who leaves with the receipt. Scenarios 1, 2, 8.

mod stage;

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};
use stage::Stage;
use tabir::client::case;
use tabir_crypto::receipt::Receipt;

/// What must be in no file afterwards.
const CANARY: &str = "Siti Contoh-Kenari";
const TEXT: &str = "Petugas parkir-kenari meminta uang <b>dua kali</b>.";

/// A counter's machine: a home and a working folder of its own.
struct Counter<'s> {
    stage: &'s Stage,
    dir: tempfile::TempDir,
}

impl Counter<'_> {
    fn run(&self, args: &[&str], input: &str) -> Output {
        let trust = self.stage.folder().join("trust.json");
        let mut child = Command::new(env!("CARGO_BIN_EXE_tabir"))
            .args(["counter", "report", "--server", &self.stage.gateway(), "--trust", trust.to_str().unwrap()])
            .args(args)
            .current_dir(self.dir.path())
            .env("HOME", self.dir.path())
            .env("TMPDIR", self.dir.path())
            .env("LANG", "en_US.UTF-8")
            .env_remove("LC_ALL")
            .env_remove("LC_MESSAGES")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A process that refuses its arguments reads nothing.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        child.wait_with_output().unwrap()
    }

    fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Every file of this machine.
    fn files(&self) -> Vec<PathBuf> {
        let mut files: Vec<_> = std::fs::read_dir(self.dir.path()).unwrap().map(|f| f.unwrap().path()).collect();
        files.sort();
        files
    }
}

fn input(identity: bool) -> String {
    let mut input = json!({"v": 1, "category": "bribery", "text": TEXT, "language": "id", "place": "Loket 3"});
    if identity {
        input["identity"] = json!({"v": 1, "name": CANARY, "contact": [{"kind": "phone", "value": "0812-KENARI"}]});
    }
    input.to_string()
}

fn said(output: &Output) -> (String, String) {
    let [out, err] = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8(bytes.clone()).unwrap());
    assert!(output.status.success(), "{out}{err}");
    (out, err)
}

fn write_0600(file: &Path, text: &str) {
    tabir::config::keys::write_private(file, text.as_bytes()).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_leaves_a_counter_with_her_receipt_and_nothing_that_opens_the_case_stays_there() {
    let stage = Stage::start(env!("CARGO_BIN_EXE_tabir")).await;
    let counter = Counter { stage: &stage, dir: tempfile::tempdir().unwrap() };
    let vouchers = stage.vouchers(2).await;
    write_0600(&counter.file("vouchers.txt"), &format!("{}\n{}\n", vouchers[0], vouchers[1]));

    // Told before, and nothing without her word.
    let refused = counter.run(&["--input", "-", "--vouchers", "vouchers.txt"], &input(true));
    assert_eq!(refused.status.code(), Some(2), "nobody was asked");
    let before = String::from_utf8(refused.stderr).unwrap();
    assert!(
        before.contains("NOBODY can recover") && before.contains("WHO SHE IS") && before.contains("Council"),
        "{before}"
    );
    assert!(std::fs::read_to_string(counter.file("vouchers.txt")).unwrap().contains(&vouchers[0]), "nothing was paid");

    // On the screen: no file at all.
    let (out, _) = said(&counter.run(
        &["--input", "-", "--vouchers", "vouchers.txt", "--yes", "--address", "https://kota.example/lapor"],
        &input(true),
    ));
    let line = out.lines().map(str::trim).find(|l| Receipt::parse(l).is_ok()).expect("nine groups").to_owned();
    assert!(
        out.contains("https://kota.example/lapor")
            && out.contains("What the officer saw: the words of your report, who you are")
    );
    assert_eq!(counter.files(), [counter.file("vouchers.txt")], "no file was left");
    assert_eq!(
        std::fs::read_to_string(counter.file("vouchers.txt")).unwrap().trim(),
        vouchers[1],
        "the used one is gone"
    );

    // She comes back from anywhere; the downstream reads that an officer typed it, and no name.
    let receipt = Receipt::parse(&line).unwrap();
    let session = stage.session().await;
    let found = case::read(&session, &receipt).await.unwrap();
    assert!(out.contains(&found.view.reference));
    let mut at_desk = String::new();
    for _ in 0..600 {
        at_desk = desk(&stage).await;
        if at_desk.contains("parkir-kenari") {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert!(at_desk.contains("<b>dua kali</b>"), "text stays text: {at_desk}");
    assert!(at_desk.contains("an officer typed it at a counter"), "{at_desk}");
    assert!(!at_desk.contains(CANARY) && !at_desk.contains("0812-KENARI"));

    // On paper, and for a program; what an argument would show is not taken as one.
    let (out, err) =
        said(&counter.run(
            &["--input", "-", "--vouchers", "vouchers.txt", "--yes", "--slip", "slip.html", "--json"],
            &input(false),
        ));
    let told: Value = serde_json::from_str(&out).unwrap();
    let page = std::fs::read_to_string(counter.file("slip.html")).unwrap();
    assert_eq!(counter.file("slip.html").metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert!(page.contains(told["receipt"].as_str().unwrap()) && err.contains("DELETE"));
    assert!(page.contains("lang=\"id\"") && page.contains("lang=\"en\""));
    for canary in ["kenari", CANARY] {
        assert!(!page.contains(canary), "a slip that is found does not tell what was reported");
    }
    for flag in ["--text", "--place", "--name"] {
        assert_eq!(counter.run(&[flag, "x"], "").status.code(), Some(2), "{flag}");
    }
    let used_up = counter.run(&["--input", "-", "--vouchers", "vouchers.txt", "--yes"], &input(false));
    assert_eq!(used_up.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&used_up.stderr).contains("every voucher of this batch is used"));
    for (file, wrong) in [("loose.json", input(true)), ("bad.json", input(true).replace("\"text\"", "\"texts\""))] {
        write_0600(&counter.file(file), &wrong);
        if file == "loose.json" {
            std::fs::set_permissions(counter.file(file), std::fs::Permissions::from_mode(0o644)).unwrap();
        }
        let refused = counter.run(&["--input", file, "--yes"], "");
        assert_eq!(refused.status.code(), Some(1), "{file}");
        assert!(!String::from_utf8_lossy(&refused.stderr).contains("kenari"), "errors repeat nothing");
    }
}

/// What the desk lists to its connector.
async fn desk(stage: &Stage) -> String {
    let key = std::fs::read_to_string(stage.folder().join("desk/api.key")).unwrap();
    let url = format!("http://127.0.0.1:{}/open311/v2/requests.json?api_key={}", stage.ports.desk, key.trim());
    let answer = stage.client.get(&url).await.map(|a| a.text().unwrap());
    answer.map(|text| serde_json::from_str::<Value>(&text).unwrap().to_string()).unwrap_or_default()
}
