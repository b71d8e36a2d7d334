//! The warden's keys: split among auditors, brought back by some of them and not in silence, and at the end destroyed, which
//! warden and holders say and sign. By the real commands on the warden's folder.

mod log_support;
mod warden_support;

use std::path::{Path, PathBuf};

use tabir::warden::Warden;
use tabir::warden::journal::What;
use tabir_crypto::Code;
use tabir_crypto::custody::Backup;
use tabir_crypto::statement::body::CustodyAct;
use tabir_crypto::statement::{Body, Statement, Verb};

use log_support::{NOW, key};
use warden_support::*;

async fn tabir(args: &[&str]) -> (i32, String) {
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_tabir"));
    let out = command.args(args).stdin(std::process::Stdio::null()).output().await.unwrap();
    (out.status.code().unwrap(), String::from_utf8(out.stdout).unwrap() + &String::from_utf8(out.stderr).unwrap())
}

async fn done(args: &[&str]) -> String {
    let (code, said) = tabir(args).await;
    assert_eq!(code, 0, "{args:?}: {said}");
    said
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// The warden's configuration, and the folders of three holders, who are auditors 1 to 3.
async fn holders(city: &City, dir: &Path) -> (PathBuf, Vec<PathBuf>) {
    std::fs::write(city.dir.path().join("trust.json"), city.setup.trust.statement().to_bytes()).unwrap();
    let config = city.dir.path().join("tabir.toml");
    std::fs::write(&config, "trust = \"trust.json\"\n[roles.warden]\ndir = \".\"\n").unwrap();
    let mut folders = Vec::new();
    for n in 1..=3u8 {
        let (file, folder) = (dir.join(format!("auditor-{n}.key")), dir.join(format!("holder-{n}")));
        tabir::config::keys::write_private(&file, format!("{}\n", hex::encode([n; 32])).as_bytes()).unwrap();
        done(&["backup", "holder", "--key", text(&file), text(&folder)]).await;
        folders.push(folder);
    }
    (config, folders)
}

/// What the warden says of its keys' copies on the board.
fn proposed(city: &City, act: CustodyAct) -> Vec<Statement> {
    let all = city.world.proposals.lock().unwrap();
    let is = |s: &&Statement| matches!(s.body(), Ok(Body::KeyCustody(body)) if body.act == act);
    all.iter().filter(is).cloned().collect()
}

/// The holders sign, and the log gets it.
fn signed(city: &City, act: CustodyAct) {
    for mut statement in proposed(city, act) {
        (1..=3).for_each(|n| statement.sign(&key(n)));
        city.append(&statement);
    }
}

async fn keys_of(warden: &Warden) -> Vec<(u64, bool)> {
    warden.store().keys().await.unwrap().iter().map(|key| (key.epoch, key.seed.is_some())).collect()
}

#[tokio::test]
async fn a_key_is_split_brought_back_by_two_of_three_and_destroyed_and_the_log_says_each() {
    let (city, warden) = City::ready().await;
    let dir = tempfile::tempdir().unwrap();
    let (config, folders) = holders(&city, dir.path()).await;
    let cards: Vec<PathBuf> = folders.iter().map(|f| f.join("holder.json")).collect();
    let out = dir.path().join("backups");
    let mut args = vec!["backup", "split", "--config", text(&config), "--threshold", "2"];
    cards.iter().for_each(|card| args.extend(["--holder", text(card)]));
    args.push(text(&out));
    let said = done(&args).await;
    assert!(said.contains("any 2 of 3 parts"), "{said}");
    let file = out.join("backup-1.json");
    let backup: Backup = tabir_crypto::json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    // The key stands in none of it.
    let seed = warden.store().keys().await.unwrap()[0].seed.clone().unwrap();
    let whole = std::fs::read_to_string(&file).unwrap();
    assert!(!whole.contains(&hex::encode(seed.expose())));

    // Each holder looks before he signs; the warden alone is not enough.
    for folder in &folders {
        assert!(done(&["backup", "part", text(&file), "--holder", text(folder)]).await.contains("opens and is whole"));
    }
    let view = city.witnessed(&warden).await;
    warden.keys(&view).await.unwrap();
    let alone = proposed(&city, CustodyAct::Split);
    assert_eq!(alone.len(), 2, "of both keys");
    let refused = view.state.check(&city.setup.trust, &alone[0], NOW).unwrap_err();
    assert_eq!(refused.code(), Code::Insufficient);
    signed(&city, CustodyAct::Split);
    let view = city.witnessed(&warden).await;
    assert_eq!(view.state.key_by_id(&backup.key_id.0).unwrap().custody.holders().len(), 3);
    assert!(done(&args).await.contains("has its backup"), "once");

    // The machine is lost, but for the paper that its identity stands on. Two holders help; one does not suffice.
    drop(warden);
    for name in ["store.sqlite", "store.sqlite-wal", "store.sqlite-shm", "journal.jsonl"] {
        let _ = std::fs::remove_file(city.dir.path().join(name));
    }
    let warden = city.warden().await;
    city.witnessed(&warden).await;
    let restore = ["backup", "restore", "--config", text(&config), text(&file)];
    let digits = done(&restore).await.lines().last().unwrap().trim().to_owned();
    let request = city.dir.path().join("restore.json");
    let mut given = Vec::new();
    for (n, folder) in folders.iter().enumerate().skip(1) {
        let part = dir.path().join(format!("part-{n}.json"));
        let give = |expect| {
            let to =
                ["backup", "part", text(&file), "--holder", text(folder), "--to", text(&request), "--expect", expect];
            [&to[..], &["--out", text(&part)]].concat().into_iter().map(str::to_owned).collect::<Vec<_>>()
        };
        let (code, said) = tabir(&give("00000000").iter().map(String::as_str).collect::<Vec<_>>()).await;
        assert!(code == 1 && said.contains("nothing was given") && !part.exists(), "{said}");
        done(&give(&digits).iter().map(String::as_str).collect::<Vec<_>>()).await;
        given.push(part);
    }
    let one = [&restore[..], &["--part", text(&given[0])]].concat();
    let (code, said) = tabir(&one).await;
    assert!(code == 1 && said.contains("too-few"), "{said}");
    assert_eq!(keys_of(&warden).await, []);
    let both = [&one[..], &["--part", text(&given[1])]].concat();
    done(&both).await;
    assert_eq!(keys_of(&warden).await, [(1, true)]);
    assert_eq!(warden.store().keys().await.unwrap()[0].seed.clone().unwrap().expose(), seed.expose());
    // Not in silence.
    assert_eq!(city.deliver(&warden).await, [Verb::KeyCustody]);
    let view = city.witnessed(&warden).await;
    assert_eq!(view.state.key_by_id(&backup.key_id.0).unwrap().custody.restored.len(), 1);
    let lines = warden.verified_journal().await.unwrap();
    assert!(lines.iter().any(|(line, _)| line.what == What::KeyRestored));

    // Quarter and retention are over.
    city.clock.set(NOW + QUARTER + 365 * DAY);
    let late = city.witnessed(&warden).await;
    warden.destroy_keys(&late).await.unwrap();
    assert_eq!(keys_of(&warden).await, [(1, false)]);
    warden.propose_custody(&late).await.unwrap();
    warden.propose_custody(&late).await.unwrap();
    assert_eq!(proposed(&city, CustodyAct::Destroyed).len(), 1, "the board merges");
    signed(&city, CustodyAct::Destroyed);
    let view = city.witnessed(&warden).await;
    assert!(view.state.key_by_id(&backup.key_id.0).unwrap().custody.destroyed.is_some());
    // What was called destroyed is not brought back, though all parts are still there.
    let digits = done(&restore).await.lines().last().unwrap().trim().to_owned();
    let mut args: Vec<String> = restore.iter().map(|a| (*a).to_owned()).collect();
    for (n, folder) in folders.iter().enumerate() {
        let part = dir.path().join(format!("late-{n}.json"));
        let to = ["backup", "part", text(&file), "--holder", text(folder), "--to", text(&request)];
        done(&[&to[..], &["--expect", &digits, "--out", text(&part)]].concat()).await;
        args.extend(["--part".to_owned(), text(&part).to_owned()]);
    }
    let (code, said) = tabir(&args.iter().map(String::as_str).collect::<Vec<_>>()).await;
    assert!(code == 1 && said.contains("order"), "{said}");
    assert_eq!(keys_of(&warden).await, [(1, false)]);
}

#[tokio::test]
async fn splits_no_key_among_people_who_are_no_auditors() {
    let (city, _warden) = City::ready().await;
    let dir = tempfile::tempdir().unwrap();
    let (config, folders) = holders(&city, dir.path()).await;
    let (file, folder) = (dir.path().join("stranger.key"), dir.path().join("stranger"));
    tabir::config::keys::write_private(&file, format!("{}\n", hex::encode([77; 32])).as_bytes()).unwrap();
    done(&["backup", "holder", "--key", text(&file), text(&folder)]).await;
    let (first, stranger) = (folders[0].join("holder.json"), folder.join("holder.json"));
    let out = dir.path().join("backups");
    let split = ["backup", "split", "--config", text(&config), "--threshold", "2", "--holder", text(&first)];
    let (code, said) = tabir(&[&split[..], &["--holder", text(&stranger), text(&out)]].concat()).await;
    assert!(code == 1 && said.contains("unknown-key"), "{said}");
}
