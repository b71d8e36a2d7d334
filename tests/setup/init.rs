//! `tabir init`: questions with defaults and reasons, nothing written before all is answered, and never over anything.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tabir::config::{Config, keys, trust_file};
use tabir_crypto::statement::Statement;

use crate::{PROGRAM, said, tabir, text};

fn done(args: &[&str]) -> String {
    let output = tabir(args);
    assert!(output.status.success(), "{args:?}: {}", said(&output));
    said(&output)
}

/// The folders of an outside body's machine and of three auditors.
pub fn cards(dir: &Path) -> Vec<PathBuf> {
    let body = dir.join("body");
    let city = ["--city", "https://lapor.kota.example", "--internal", "https://internal.lapor.kota.example"];
    done(&[&["warden", "init", text(&body), "--name", "Ombudsman"][..], &city[..]].concat());
    let mut folders = vec![body];
    for n in 1..=3 {
        let auditor = dir.join(format!("auditor-{n}"));
        done(&["init", "--profile", "town", "--part", "auditor", text(&auditor), "--name", "An auditor"]);
        folders.push(auditor);
    }
    folders
}

fn joined(folders: &[PathBuf]) -> Vec<String> {
    folders.iter().flat_map(|f| ["--join".to_owned(), text(&f.join("card.json")).to_owned()]).collect()
}

/// A town's city.
pub fn town(city: &Path, folders: &[PathBuf]) -> String {
    let join = joined(folders);
    let mut args = vec!["init", "--profile", "town", text(city), "--origin", "lapor.kota.example"];
    args.extend(["--public", "https://lapor.kota.example", "--internal", "https://internal.lapor.kota.example"]);
    args.extend(["--downstream", "https://pengaduan.kota.example/open311/v2"]);
    args.extend(join.iter().map(String::as_str));
    done(&args)
}

/// Two of the auditors sign.
pub fn sign(trust: &Path, folders: &[PathBuf]) {
    let hash = hex::encode(Statement::parse_proposal(&std::fs::read(trust).unwrap()).unwrap().pae_hash());
    for auditor in &folders[1..3] {
        done(&["sign", text(trust), "--key", text(&auditor.join("auditor.key")), "--expect", &hash[..8]]);
    }
}

/// On a terminal of its own, which `script` makes; `lines` are typed.
fn typed(dir: &Path, command: &str, lines: &str) -> String {
    let mut child = Command::new("script")
        .args(["--quiet", "--return", "--command", command, "/dev/null"])
        .current_dir(dir)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("script, of Debian's bsdutils");
    child.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    said(&child.wait_with_output().unwrap())
}

#[test]
fn a_town_asks_with_defaults_and_reasons_and_makes_what_was_answered() {
    let dir = tempfile::tempdir().unwrap();
    let folders = cards(dir.path());
    let cards: Vec<_> = folders.iter().map(|f| text(&f.join("card.json")).to_owned()).collect();
    // Profile, part, folder, cards, a name that is none, the name, and the defaults of the rest.
    let answers = format!("\n\ncity\n{}\nno name\nlapor.kota.example\nKota\n\n\n\n", cards.join(" "));
    let told = typed(dir.path(), &format!("{PROGRAM} init"), &answers);
    for words in [
        "Which deployment",
        "--profile [town]",
        "Each party makes its own keys on its own machine",
        "--part [city]",
        "can never change",
        "a name such as lapor.kota.example",
        "--public [https://lapor.kota.example]",
        "--internal [https://internal.lapor.kota.example]",
        "--downstream [https://complaints.example/open311/v2]",
        "What each party does next",
        "Reports can begin on 20",
    ] {
        assert!(told.contains(words), "`{words}` is not said: {told}");
    }
    let config = Config::load(&dir.path().join("city/inner/tabir.toml")).unwrap();
    assert_eq!(config.peers.gateway_internal, "https://internal.lapor.kota.example");
    assert_eq!(config.peers.log, "https://lapor.kota.example");
    // The outer host's own calls do not leave it.
    let outer = Config::load(&dir.path().join("city/outer/tabir.toml")).unwrap();
    assert_eq!(outer.peers.gateway_internal, "http://127.0.0.1:8082");
    assert_eq!(outer.peers.gateway, "https://lapor.kota.example");
    sign(&dir.path().join("city/trust.json"), &folders);
    let trust = trust_file::load(&dir.path().join("city/trust.json")).unwrap();
    assert!(!trust.root().demo && trust.root().activation_s.council == 72 * 3_600);
    assert_eq!((trust.root().origin.as_str(), trust.root().name.as_str()), ("lapor.kota.example", "Kota"));
}

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        std::fs::read_dir(dir).unwrap().map(|f| f.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn nothing_is_written_before_all_is_answered_and_never_over_anything() {
    let dir = tempfile::tempdir().unwrap();
    let folders = cards(dir.path());
    let before = names(dir.path());
    let join = joined(&folders);
    // An end of the terminal in the middle of the questions.
    let told = typed(
        dir.path(),
        &format!("{PROGRAM} init --profile town --part city ./city {}", join.join(" ")),
        "lapor.kota.example\n\u{4}",
    );
    assert!(told.contains("nothing was made"), "{told}");
    assert_eq!(names(dir.path()), before, "after the terminal ended");
    // Answers that are missing where nobody can be asked, cards that are too few, an address that is none.
    let city = dir.path().join("city");
    let base = ["init", "--profile", "town", text(&city)];
    let cards: Vec<&str> = join.iter().map(String::as_str).collect();
    let origin = ["--origin", "lapor.kota.example"];
    for (args, words) in [
        ([&base[..], &cards[..]].concat(), "give --origin"),
        ([&base[..], &origin[..], &cards[..4]].concat(), "three holders"),
        ([&base[..], &origin[..], &cards[2..]].concat(), "tabir warden init"),
        ([&base[..], &origin[..], &cards[..], &["--public", "kota.example"][..]].concat(), ""),
        ([&base[..], &["--origin", "https://kota.example"][..], &cards[..]].concat(), ""),
        ([&base[..], &origin[..], &cards[..], &["--address", "inlet=https://kota.example"][..]].concat(), "KEY one of"),
        ([&["init", "--profile", "city", text(&city)][..], &origin[..], &cards[..]].concat(), "three witnesses"),
    ] {
        let output = tabir(&args);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {}", said(&output));
        assert!(said(&output).contains(words), "{}", said(&output));
        assert_eq!(names(dir.path()), before, "{args:?}");
    }
    // A folder that holds anything stays as it is.
    std::fs::create_dir(&city).unwrap();
    std::fs::write(city.join("mine"), "mine").unwrap();
    let output = tabir(&[&base[..], &origin[..], &cards[..]].concat());
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert_eq!(names(&city), ["mine"]);
    // An empty one is taken, and only its owner may enter what holds keys.
    std::fs::remove_file(city.join("mine")).unwrap();
    town(&city, &folders);
    assert_eq!(names(&city), ["inner", "outer", "policy.json", "trust.json"]);
    for role in ["outer/issuer", "outer/gateway", "outer/council", "outer/log", "inner/forwarder"] {
        keys::check_private_folder(&city.join(role)).unwrap();
    }
    assert!(!names(dir.path()).iter().any(|n| n.starts_with(".tabir")), "{:?}", names(dir.path()));
}

#[test]
fn a_city_has_a_host_a_role_and_a_quorum_of_several_witnesses() {
    let dir = tempfile::tempdir().unwrap();
    let folders = cards(dir.path());
    let mut witnesses = Vec::new();
    for n in 1..=2 {
        let folder = dir.path().join(format!("witness-{n}"));
        let said = done(&["witness", "init", "--name", &format!("w{n}.example"), text(&folder)]);
        let vkey = said.split_whitespace().find(|w| w.starts_with(&format!("w{n}.example+"))).unwrap().to_owned();
        witnesses.push(if n == 1 { format!("{vkey} https://w1.example") } else { vkey });
    }
    let city = dir.path().join("city");
    let join = joined(&folders);
    let mut args = vec!["init", "--profile", "city", text(&city), "--origin", "lapor.kota.example"];
    args.extend(["--address", "log=https://catatan.kota.example", "--downstream", "https://pengaduan.kota.example"]);
    args.extend(witnesses.iter().flat_map(|w| ["--witness", w.as_str()]));
    args.extend(join.iter().map(String::as_str));
    let told = done(&args);
    assert!(told.contains("168 hours"), "{told}");
    assert_eq!(names(&city), ["council", "forwarder", "gateway", "issuer", "log", "policy.json", "trust.json"]);
    sign(&city.join("trust.json"), &folders);
    let trust = trust_file::load(&city.join("trust.json")).unwrap();
    assert_eq!((trust.root().witnesses.len(), trust.root().witness_quorum), (3, 2));
    for role in ["council", "forwarder", "gateway", "issuer", "log"] {
        let file = city.join(role).join("tabir.toml");
        let config = Config::load(&file).unwrap();
        assert_eq!(config.roles.folders().map(|(name, _)| name).collect::<Vec<_>>(), [role]);
        assert_eq!(config.peers.log, "https://catatan.kota.example");
        assert_eq!(config.peers.issuer, "https://issuer.lapor.kota.example");
        assert_eq!(config.peers.council_internal, "https://council.internal.lapor.kota.example");
        let output = tabir(&["doctor", "--config-only", "--config", text(&file)]);
        // The forwarder's key is for its people to put there.
        let missing = role == "forwarder";
        assert_eq!(output.status.code(), Some(if missing { 2 } else { 0 }), "{role}: {}", said(&output));
        assert_eq!(said(&output).contains("api.key"), missing);
    }
    let log = Config::load(&city.join("log/tabir.toml")).unwrap().roles.log.unwrap();
    assert_eq!(log.witnesses.iter().map(|w| w.url.as_str()).collect::<Vec<_>>(), ["https://w1.example"]);
}

#[test]
fn a_rehearsal_is_marked_as_a_demo_for_ever() {
    let dir = tempfile::tempdir().unwrap();
    let folders = cards(dir.path());
    let (city, join) = (dir.path().join("city"), joined(&folders));
    let args = ["init", "--profile", "town", "--rehearsal", text(&city), "--origin", "lapor.kota.example"];
    let told = done(&[&args[..], &join.iter().map(String::as_str).collect::<Vec<_>>()[..]].concat());
    assert!(told.contains("REHEARSAL") && told.contains("Reports can begin as soon as"), "{told}");
    sign(&city.join("trust.json"), &folders);
    let root = trust_file::load(&city.join("trust.json")).unwrap();
    assert!(root.root().demo);
}
