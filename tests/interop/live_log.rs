//! Readers of C2SP logs that Tabir's authors did not write, against a running log: they take it and its export as they are,
//! and refuse each changed copy at the step where it is wrong.

use std::path::{Path, PathBuf};

use tabir::config::roles;
use tabir::log::export::export;
use tabir_crypto::log::tile::{Kind, Tile, parse_entries, push_entry};
use tabir_crypto::log::{Checkpoint, Cosigner, NoteSigner, SignedCheckpoint, TreeHead};
use tabir_crypto::statement::body::Role;
use tokio::process::Command;

use crate::folder::copy_folder;
use crate::log_support::*;
use crate::{client, conclude};

/// Entries: a full tile, a partial one beside it, and one above.
const ENTRIES: u64 = 300;
/// Where the log grew: each a kept checkpoint.
const GROWTHS: [(u64, u64); 3] = [(0, 100), (100, 256), (256, ENTRIES)];

/// A running log, and its export.
async fn log_with_export(dir: &Path, out: &Path) -> Running {
    let log = start(dir, 10).await.unwrap();
    log.append(GOVERNANCE, &announced(1, &identity(Role::Forwarder))).await.unwrap();
    log.witness_until(GOVERNANCE, 1, NOW).await;
    for (from, to) in GROWTHS {
        for n in from..to {
            log.append(INTAKE, &counts(n)).await.unwrap();
        }
        log.witness_until(INTAKE, to, NOW + to).await;
    }
    let config = roles::Log::new(dir.to_owned(), 10);
    export(&config, &trust(), out, &|_, _, _| ()).await.unwrap();
    log
}

/// A changed copy: at which step it must be refused, and what is changed.
type Lie = (&'static str, &'static str, fn(&Path));

const LIES: [Lie; 24] = [
    ("an entry changed in a full bundle", "entries", |log| flip(&log.join("tile/entries/000"), 1000)),
    ("an entry changed in the last bundle", "entries", |log| flip(&log.join("tile/entries/001.p/44"), 100)),
    ("two entries exchanged", "entries", |log| entries(log, |all| all.swap(0, 1))),
    ("the last entry gone", "entries", |log| entries(log, |all| drop(all.pop()))),
    ("a bundle missing", "entries", |log| std::fs::remove_file(log.join("tile/entries/000")).unwrap()),
    ("a hash changed in a full tile", "tiles", |log| flip(&log.join("tile/0/000"), 32 * 77)),
    ("a hash changed in the last tile", "tiles", |log| flip(&log.join("tile/0/001.p/44"), 0)),
    ("a hash changed in the tile above", "tiles", |log| flip(&log.join("tile/1/000.p/1"), 31)),
    ("a tile cut short", "tiles", |log| cut(&log.join("tile/0/000"), 32)),
    ("a tile missing", "tiles", |log| std::fs::remove_file(log.join("tile/0/001.p/44")).unwrap()),
    ("another root, signed by all", "tiles", |log| put(log, &sign(other_root(log), LOG, &both()))),
    ("one entry more, signed by all", "tiles", |log| {
        let head = head(log);
        put(log, &sign(TreeHead { size: head.size + 1, ..head }, LOG, &both()));
    }),
    ("another root, signed by nobody", "checkpoint", |log| {
        let (was, other) = (note(log), text(&sign(other_root(log), LOG, &[])));
        let [was_root, other_root] = [&was, &other].map(|note| note.lines().nth(2).unwrap());
        put(log, was.replace(was_root, other_root).as_bytes());
    }),
    ("signed by another key of the log's name", "checkpoint", |log| put(log, &sign(head(log), 99, &both()))),
    ("not signed by the log", "checkpoint", |log| {
        let lines: Vec<_> = note(log).lines().filter(|l| !l.starts_with("\u{2014} tabir")).map(str::to_owned).collect();
        put(log, format!("{}\n", lines.join("\n")).as_bytes());
    }),
    ("another log's checkpoint", "checkpoint", |log| put(log, &sign_as(GOVERNANCE, head(log), 30, &both()))),
    ("cut in its signatures", "checkpoint", |log| cut(&log.join("checkpoint"), 60)),
    ("with a control character", "checkpoint", |log| put(log, note(log).replacen('\n', "\r\n", 1).as_bytes())),
    ("a cosignature changed", "checkpoint", |log| put(log, broken(&note(log)).as_bytes())),
    ("a cosignature missing", "checkpoint", |log| put(log, &sign(head(log), LOG, &[witness(1)]))),
    ("a cosignature by another key of the witness's name", "checkpoint", |log| {
        put(log, &sign(head(log), LOG, &[witness(1), Cosigner::from_seed("w2.example", &seed(98)).unwrap()]));
    }),
    ("one witness twice", "checkpoint", |log| {
        let twice = [NOW, NOW + 1].map(|time| witness(1).cosign(&open(&sign(head(log), LOG, &[])), time).to_string());
        put(log, format!("{}{}\n", text(&sign(head(log), LOG, &[])), twice.join("\n")).as_bytes());
    }),
    ("a kept checkpoint of another tree, signed by all", "kept", |log| {
        let other = TreeHead { size: 100, ..other_root(log) };
        std::fs::write(log.join("checkpoints/100"), sign(other, LOG, &both())).unwrap();
    }),
    ("a kept checkpoint with a cosignature changed", "kept", |log| {
        let kept = log.join("checkpoints/256");
        std::fs::write(&kept, broken(&std::fs::read_to_string(&kept).unwrap())).unwrap();
    }),
];

/// The seed of the intake log's own key.
const LOG: u8 = 31;

fn both() -> [Cosigner; 2] {
    [1, 2].map(witness)
}

fn flip(file: &Path, at: usize) {
    let mut bytes = std::fs::read(file).unwrap();
    bytes[at] ^= 1;
    std::fs::write(file, bytes).unwrap();
}

fn cut(file: &Path, by: usize) {
    let bytes = std::fs::read(file).unwrap();
    std::fs::write(file, &bytes[..bytes.len() - by]).unwrap();
}

/// Rewrites the last bundle.
fn entries(log: &Path, change: fn(&mut Vec<Vec<u8>>)) {
    let bundle = Tile::of_tree(Kind::Entries, 1, ENTRIES).unwrap();
    let file = log.join(bundle.to_string());
    let mut all = parse_entries(bundle, &std::fs::read(&file).unwrap()).unwrap();
    change(&mut all);
    let mut bytes = Vec::new();
    all.iter().for_each(|entry| push_entry(&mut bytes, entry).unwrap());
    std::fs::write(file, bytes).unwrap();
}

fn note(log: &Path) -> String {
    std::fs::read_to_string(log.join("checkpoint")).unwrap()
}

fn put(log: &Path, note: &[u8]) {
    std::fs::write(log.join("checkpoint"), note).unwrap();
}

fn open(note: &[u8]) -> SignedCheckpoint {
    SignedCheckpoint::open(note, &verifier(INTAKE)).unwrap()
}

fn head(log: &Path) -> TreeHead {
    open(note(log).as_bytes()).head()
}

fn other_root(log: &Path) -> TreeHead {
    let mut head = head(log);
    head.root[0] ^= 1;
    head
}

fn text(note: &[u8]) -> String {
    String::from_utf8(note.to_vec()).unwrap()
}

/// A checkpoint of whatever tree, by these keys.
fn sign(head: TreeHead, log: u8, by: &[Cosigner]) -> Vec<u8> {
    sign_as(INTAKE, head, log, by)
}

fn sign_as(name: tabir_crypto::trust::root::LogName, head: TreeHead, log: u8, by: &[Cosigner]) -> Vec<u8> {
    let signer = NoteSigner::from_seed(&origin(name), &seed(log)).unwrap();
    let mut signed = SignedCheckpoint::sign(Checkpoint { origin: origin(name), head }, &signer).unwrap();
    let lines: Vec<_> = by.iter().map(|witness| witness.cosign(&signed, NOW)).collect();
    lines.into_iter().for_each(|line| signed.add(line));
    signed.to_bytes()
}

/// One letter within the last signature.
fn broken(note: &str) -> String {
    let at = note.len() - 20;
    let other = if note.as_bytes()[at] == b'A' { "B" } else { "A" };
    format!("{}{other}{}", &note[..at], &note[at + 1..])
}

/// What a client said of each log, against what it must say.
fn judge(said: &str, logs: &[PathBuf]) -> Vec<String> {
    let sound = |name: &str| format!("{name}: accepted: {ENTRIES} entries, ");
    let sound = [sound("intake"), sound("as it is")];
    let refused = LIES.iter().map(|(name, step, _)| format!("{name}: rejected: {step}: "));
    let want: Vec<String> = sound.into_iter().chain(refused).collect();
    assert_eq!(want.len(), logs.len() + 1);
    let lines: Vec<_> = said.lines().collect();
    let wrong = want.iter().enumerate().filter(|(at, want)| !lines.get(*at).is_some_and(|l| l.starts_with(*want)));
    let mut wrong: Vec<_> = wrong.map(|(at, want)| format!("{want}… but: {:?}", lines.get(at))).collect();
    if lines.len() != want.len() {
        wrong.push(format!("{} lines for {} logs", lines.len(), want.len()));
    }
    wrong
}

#[tokio::test]
#[ignore = "needs Go and packages from PyPI; `make interop` installs them and runs this"]
async fn independent_readers_take_the_log_and_refuse_every_changed_copy() {
    let (dir, work) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (out, keys, sumdb) = (work.path().join("out"), work.path().join("keys.json"), work.path().join("sumdb"));
    let log = log_with_export(dir.path(), &out).await;
    let vkeys = [1, 2].map(|n| witness(n).verifier_key().to_string());
    let published = serde_json::json!({
        "origin": origin(INTAKE), "log": verifier(INTAKE).key().to_string(), "witnesses": vkeys, "quorum": 2,
    });
    std::fs::write(&keys, published.to_string()).unwrap();
    let changes = [("as it is", "", (|_| ()) as fn(&Path))].into_iter().chain(LIES);
    let copies: Vec<PathBuf> = changes
        .map(|(name, _, change)| {
            let copy = work.path().join("copies").join(name);
            copy_folder(&out.join("intake"), &copy);
            change(&copy);
            copy
        })
        .collect();
    let mut build = std::process::Command::new("go");
    // Debian's packages are a GOPATH: nothing is fetched.
    build.env("GO111MODULE", "off").env("GOPATH", "/usr/share/gocode").env("GOFLAGS", "").args(["build", "-o"]);
    let built = build.arg(&sumdb).arg(client("sumdb/main.go")).status().expect("go: `make interop` installs it");
    assert!(built.success());
    let mut aics = Command::new("python3");
    aics.arg(client("log_aics.py"));
    for (name, mut command) in [("aics-tlog 0.2.1", aics), ("golang.org/x/mod/sumdb", Command::new(&sumdb))] {
        let output = command.arg(&keys).arg(format!("{}/log/intake", log.base)).args(&copies).output().await.unwrap();
        let mut wrong = judge(&String::from_utf8(output.stdout).unwrap(), &copies);
        if !output.status.success() {
            wrong.push(String::from_utf8_lossy(&output.stderr).into_owned());
        }
        conclude(name, &wrong);
    }
    log.end().await;
}
