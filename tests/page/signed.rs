//! From a folder to the log and back: auditors sign the hashes of a page, and anybody finds out whether a site serves it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use axum::Router;
use tabir::client::log_reader::Growth;
use tabir::ledger;
use tabir::page::base::Base;
use tabir::page::{File, INDEX, Page, routes};
use tabir_crypto::log::TreeHead;
use tabir_crypto::statement::{Body, Statement, Verb};
use tabir_crypto::trust::root::LogName;
use tokio::net::TcpListener;

use crate::stage::Stage;

const PROGRAM: &str = env!("CARGO_BIN_EXE_tabir");
/// Until what was signed stands in the log.
const PATIENCE: Duration = Duration::from_secs(60);

/// What was said, and the exit code.
fn tabir(args: &[&str]) -> (i32, String) {
    let mut command = Command::new(PROGRAM);
    for name in ["TABIR_SERVER", "TABIR_TRUST", "TABIR_STATE"] {
        command.env_remove(name);
    }
    let output = command.args(args).stdin(Stdio::null()).output().unwrap();
    let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat();
    (output.status.code().unwrap(), said)
}

/// A page of this installation with a script of its own; the real build is not needed to sign and compare hashes.
fn files() -> Vec<File> {
    let file = |name: &str, text: &str| File { name: name.into(), bytes: text.into() };
    vec![
        file(INDEX, "<!doctype html><script type=\"application/json\">\"installation\"</script>"),
        file("main.js", "document.title = 'x';"),
    ]
}

fn write(page: &Page, dir: &Path) {
    std::fs::create_dir(dir).unwrap();
    page.files().iter().for_each(|file| std::fs::write(dir.join(&file.name), &file.bytes).unwrap());
}

/// Any web server: it serves the files of a page.
async fn serve(page: Page) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, Router::from(routes::public(Some(page), &[]))).await });
    address
}

struct Signers<'s> {
    stage: &'s Stage,
    trust: PathBuf,
}

impl Signers<'_> {
    fn key(&self, n: usize) -> String {
        self.stage.folder().join(format!("auditors/auditor-{n}.key")).to_str().unwrap().to_owned()
    }

    fn at(&self) -> [String; 4] {
        ["--server".into(), self.stage.gateway(), "--trust".into(), self.trust.to_str().unwrap().into()]
    }

    async fn run(&self, args: &[&str]) -> (i32, String) {
        let args: Vec<String> = args.iter().map(|a| (*a).to_owned()).chain(self.at()).collect();
        tokio::task::spawn_blocking(move || tabir(&args.iter().map(String::as_str).collect::<Vec<_>>())).await.unwrap()
    }
}

/// The governance log, from entry 0.
async fn governance(stage: &Stage) -> Growth {
    let log = stage.ports.peers().log;
    let reader = ledger::reader(&stage.trust, LogName::Governance, stage.client.clone(), &log).unwrap();
    reader.read(TreeHead::EMPTY).await.unwrap()
}

fn proposal(said: &str) -> String {
    let line = said.lines().find_map(|line| line.strip_prefix("proposal: "));
    line.unwrap_or_else(|| panic!("{said}")).to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn auditors_sign_a_page_and_who_gets_another_one_sees_it() {
    let stage = Stage::start(PROGRAM).await;
    let dir = tempfile::tempdir().unwrap();
    let signers = Signers { stage: &stage, trust: stage.folder().join("trust.json") };
    let log = governance(&stage).await;
    let base = Base::of(&stage.trust, &log, None).unwrap();
    let page = Page::of(files(), &stage.trust, "", Some(&base)).unwrap();
    let (served, folder) = (serve(page.clone()).await, dir.path().join("page"));
    write(&page, &folder);

    let (code, said) = signers.run(&["audit", "page", &served]).await;
    assert!(code == 3 && said.contains("nothing to compare with"), "{code} {said}");

    // A base that the log does not give: somebody left a key out.
    let text = String::from_utf8(page.file(INDEX).unwrap().bytes.clone()).unwrap();
    let mut other = serde_json::to_value(&base).unwrap();
    other["entries"].as_array_mut().unwrap().pop();
    let forged = dir.path().join("forged");
    std::fs::create_dir(&forged).unwrap();
    std::fs::write(forged.join(INDEX), text.replace(&serde_json::to_string(&base).unwrap(), &other.to_string()))
        .unwrap();
    let propose = |folder: &Path, n: usize| {
        let words = ["page", "propose", folder.to_str().unwrap(), "--name", "2026-12", "--key", &signers.key(n)];
        words.map(str::to_owned)
    };
    let args = propose(&forged, 1);
    let (code, said) = signers.run(&args.each_ref().map(String::as_str)).await;
    assert!(code == 1 && said.contains("base is not what the log"), "{code} {said}");

    // One auditor proposes what another one has built too, who reads the digits to him. With one signature it is no page yet.
    let args = propose(&folder, 1);
    let args = args.each_ref().map(String::as_str);
    let (code, said) = signers.run(&args).await;
    assert!(code == 2 && said.contains("--expect"), "{code} {said}");
    let digits = said.lines().find_map(|line| line.strip_prefix("hash: ")).unwrap()[..8].to_owned();
    let (code, said) = signers.run(&[&args[..], &["--expect", &digits]].concat()).await;
    assert_eq!(code, 0, "{said}");
    let id = proposal(&said);
    let (code, _) = signers.run(&["audit", "page", &served]).await;
    assert_eq!(code, 3);
    let board = stage.ports.peers().council;
    let (code, said) = signers
        .run(&["sign", "--proposal", &id, "--board", &board, "--key", &signers.key(2), "--expect", &id[..8]])
        .await;
    assert_eq!(code, 0, "{said}");
    let mut said = (3, String::new());
    let begin = tokio::time::Instant::now();
    while said.0 != 0 {
        assert!(begin.elapsed() < PATIENCE, "{}", said.1);
        said = signers.run(&["audit", "page", &served, "--json"]).await;
    }
    let line: serde_json::Value = serde_json::from_str(said.1.lines().find(|l| l.starts_with('{')).unwrap()).unwrap();
    assert_eq!((&line["ok"], &line["files"], &line["version"]), (&true.into(), &2.into(), &"2026-12".into()));

    // What was signed names the base that the page has.
    let session = stage.session().await;
    assert!(session.view.head.size > base.size);
    let entries = governance(&stage).await.entries;
    let built = entries.iter().find_map(|entry| {
        let statement = Statement::parse(&entry.leaf).ok().filter(|s| s.verb() == Verb::PageBuilt)?;
        match statement.body().ok()? {
            Body::PageBuilt(body) => Some(body),
            _ => None,
        }
    });
    let built = built.unwrap();
    assert_eq!((built.base_size, built.base_checkpoint.0), (base.size, base.checkpoint));

    // The same files but for one letter, and a file that is left out.
    let mut changed = files();
    changed[1].bytes.push(b' ');
    let changed = serve(Page::of(changed, &stage.trust, "", Some(&base)).unwrap()).await;
    let (code, said) = signers.run(&["audit", "page", &changed]).await;
    assert!(code == 3 && said.contains("FAILED main.js: served otherwise than signed"), "{code} {said}");
    let without = serve(Page::of(files()[..1].to_vec(), &stage.trust, "", Some(&base)).unwrap()).await;
    let (code, said) = signers.run(&["audit", "page", &without]).await;
    assert!(code == 3 && said.contains("FAILED main.js: not served (404)"), "{code} {said}");
    let without_base = serve(Page::of(files(), &stage.trust, "", None).unwrap()).await;
    let (code, said) = signers.run(&["audit", "page", &without_base]).await;
    assert!(code == 3 && said.contains("FAILED index.html"), "{code} {said}");
}
