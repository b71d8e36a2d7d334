//! What a person who runs a witness does: makes it, runs it, looks at it, with the pages of `docs/` at hand.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use tabir::clock::Clock;
use tabir::config::roles::Log as LogSection;
use tabir::config::witness::Witness as Config;
use tabir::http::{Client, Method};
use tabir_crypto::log::VerifierKey;
use tabir_crypto::log::witness::parse_cosignatures;

use crate::foreign::{HONEST, ORIGIN, vkey};

fn tabir(args: &[&str], dir: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tabir")).args(args).current_dir(dir).output().unwrap()
}

/// A process that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn a_witness_is_made_run_and_looked_at() {
    let dir = tempfile::tempdir().unwrap();
    let port = format!("127.0.0.1:{}", tabir::cli::demo::ports::free_port().unwrap());
    let init = |name: &str| tabir(&["witness", "init", "./w", "--name", name, "--listen", &port], dir.path());
    let refused = init("two words");
    assert_eq!(refused.status.code(), Some(2));
    assert!(!dir.path().join("w").exists(), "a refused name leaves nothing behind");
    let made = init("w.example");
    assert_eq!(made.status.code(), Some(0), "{}", String::from_utf8_lossy(&made.stderr));
    let printed = String::from_utf8(made.stdout).unwrap();
    let key =
        printed.lines().find_map(|line| VerifierKey::parse(line).ok()).expect("the public key on a line of its own");
    let mode = |file: &str| dir.path().join("w").join(file).metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("."), mode("witness.key")), (0o700, 0o600));
    // The key is never made anew.
    assert_ne!(init("w.example").status.code(), Some(0));

    let file = dir.path().join("w/witness.toml");
    let config = ["--config", "w/witness.toml"];
    let run = |command: &str| tabir(&[&["witness", command], &config[..]].concat(), dir.path());
    assert_eq!(run("serve").status.code(), Some(2), "no log yet");
    assert_eq!(run("status").status.code(), Some(1), "no store yet");
    let mut text = std::fs::read_to_string(&file).unwrap();
    text.push_str(&format!("\n[[logs]]\norigin = \"{ORIGIN}\"\nvkeys = [\"{}\"]\n", vkey()));
    std::fs::write(&file, &text).unwrap();
    let serve = Command::new(env!("CARGO_BIN_EXE_tabir"))
        .args(["witness", "serve", "--config", "w/witness.toml"])
        .current_dir(dir.path())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let _running = Running(serve);
    let client = Client::new(Clock::system());
    let ask = async |old, new| {
        let body = HONEST.request(old, new).to_bytes();
        client.send(Method::POST, &format!("http://{port}/add-checkpoint"), &[], body).await
    };
    let mut answer = ask(0, 4).await;
    for _ in 0..500 {
        if answer.is_ok() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
        answer = ask(0, 4).await;
    }
    assert!(parse_cosignatures(&answer.unwrap().body).unwrap()[0].is_by(&key));
    // While it runs.
    let status = run("status");
    assert_eq!(status.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&status.stdout).contains("size 4"));
    let text = text.replace("poll_ms", "pol_ms");
    std::fs::write(&file, text).unwrap();
    assert_eq!(run("status").status.code(), Some(1), "an unknown key is refused");
}

/// The blocks of a language in a page.
fn blocks<'a>(page: &'a str, language: &str) -> Vec<&'a str> {
    page.split("```").skip(1).step_by(2).filter_map(|block| block.strip_prefix(language)).collect()
}

#[test]
fn the_files_in_the_page_for_witnesses_are_files_that_the_program_takes() {
    let page = include_str!("../../docs/witnessing.md");
    let blocks = blocks(page, "toml\n");
    assert_eq!(blocks.len(), 3);
    let [port, asked, polls] = blocks.try_into().unwrap();
    for block in [port, polls] {
        let config: Config = toml::from_str(&format!("name = \"w.example\"\n{block}")).unwrap();
        assert_eq!(config.logs.len(), 1);
    }
    #[derive(serde::Deserialize)]
    struct Roles {
        roles: One,
    }
    #[derive(serde::Deserialize)]
    struct One {
        log: LogSection,
    }
    let log: Roles = toml::from_str(&format!("[roles.log]\ndir = \".\"\n{asked}")).unwrap();
    assert_eq!(log.roles.log.witnesses.len(), 1);
    // Every flag and command that the page names.
    for words in ["witness init --name", "witness serve --config", "witness status --config"] {
        assert!(page.contains(&format!("tabir {words}")), "{words}");
    }
}
