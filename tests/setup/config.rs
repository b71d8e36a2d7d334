//! A configuration with many mistakes: all of them at once, each with its line and what to do, and nothing is started.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use tabir::cli::demo::ports::free_ports;
use tabir::cli::init;

use crate::{said, tabir, text};

/// A sound demo, of which a test breaks what it wants.
fn demo(dir: &Path) -> PathBuf {
    let ports = free_ports().unwrap();
    init::demo(dir, "Test city", &ports).unwrap();
    dir.join("log/tabir.toml")
}

fn mode(file: &Path, mode: u32) {
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(mode)).unwrap();
}

const WRONG: &str = r#"trust = "../trust.json"
colour = "green"

[listen]
public = "127.0.0.1:18999"
internal = "127.0.0.1:18999"

[peers]
log = "http://127.0.0.1:18999"
log_internal = "http://127.0.0.1:18999/path"
gateway = "kota.example"

[roles.issuer]
dir = "../issuer"
epoch = 5
overlap_s = "7 days"
pow_bits = 99

[roles.forwarder]
dir = "../forwarder"
downstream = "https://complaints.example/open311/v2"
api_key_file = "../nowhere.key"
poll_ms = 5

[roles.council]
dir = "../issuer"
poll_ms = "often"

[roles.warden]
dir = "../nobody"

[roles.council.notify]
officials = ["sari@kota.example"]

[roles.council.notify.smtp]
host = "mail.kota.example"
port = 70000
password_file = "open.password"

[roles.gateway]
overlap_s = 604800
"#;

/// What must be said, each with the line on which it stands.
const SAID: [(&str, &str); 16] = [
    ("2 colour", "there is no such key"),
    ("5 listen.public", "listen.internal wants 127.0.0.1:18999 as well"),
    ("10 peers.log_internal", "no such address"),
    ("11 peers.gateway", "no such address"),
    ("15 roles.issuer.epoch", "Do you mean `epoch_s`, a whole number of seconds?"),
    ("16 roles.issuer.overlap_s", "without quotes: 604800."),
    ("17 roles.issuer.pow_bits", "99 is outside of 0 to 24"),
    ("21 roles.forwarder.downstream", "the placeholder"),
    ("22 roles.forwarder.api_key_file", "nowhere.key"),
    ("23 roles.forwarder.poll_ms", "milliseconds: 5 seconds are 5000"),
    ("26 roles.council.dir", "issuer has the same folder"),
    ("27 roles.council.poll_ms", "without quotes or unit"),
    ("30 roles.warden.dir", "there is no such folder"),
    ("40 roles.gateway", "`dir` is missing"),
    ("37 roles.council.notify.smtp.port", "this is not u16"),
    ("38 roles.council.notify.smtp.password_file", "others on this machine can read this secret"),
];

#[test]
fn every_mistake_is_told_at_once_with_its_line_and_nothing_starts() {
    let dir = tempfile::tempdir().unwrap();
    let file = demo(dir.path());
    std::fs::write(&file, WRONG).unwrap();
    let password = dir.path().join("log/open.password");
    std::fs::write(&password, "a secret that nobody may read\n").unwrap();
    mode(&password, 0o644);
    mode(&dir.path().join("forwarder/identity.key"), 0o640);
    for args in [&["serve", "--config", text(&file)][..], &["doctor", "--config-only", "--config", text(&file)][..]] {
        let output = tabir(args);
        assert_eq!(output.status.code(), Some(if args[0] == "serve" { 1 } else { 2 }));
        let told = said(&output).split_whitespace().collect::<Vec<_>>().join(" ");
        for (place, words) in SAID {
            let at = told.find(&format!("tabir.toml:{place}: ")).unwrap_or_else(|| panic!("{place}: {told}"));
            let rest: String = told[at..].chars().take(500).collect();
            assert!(rest.contains(words), "{place} says not `{words}`: {rest}");
        }
        assert!(told.contains("forwarder/identity.key: others on this machine can read"), "{told}");
        assert!(!told.contains("nobody may read"), "a secret is repeated");
    }
    assert!(!dir.path().join("issuer/store.sqlite").exists(), "something was started");
}

#[test]
fn a_value_in_the_wrong_place_is_not_repeated() {
    let dir = tempfile::tempdir().unwrap();
    let file = demo(dir.path());
    let secret = "hunter2-a-password-in-the-wrong-place";
    for line in
        [format!("listen = \"{secret}\""), format!("trust = [\"{secret}\"]"), format!("[roles]\nlog = \"{secret}\"")]
    {
        std::fs::write(&file, format!("{line}\n")).unwrap();
        let output = tabir(&["serve", "--config", text(&file)]);
        assert_eq!(output.status.code(), Some(1));
        assert!(!said(&output).contains(secret), "{}", said(&output));
    }
}

#[test]
fn a_sound_configuration_passes_and_one_of_another_installation_does_not() {
    let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    demo(dir.path());
    demo(other.path());
    for role in ["log", "issuer", "gateway", "council", "warden", "forwarder", "desk"] {
        let file = dir.path().join(role).join("tabir.toml");
        let output = tabir(&["doctor", "--config-only", "--config", text(&file)]);
        assert_eq!(output.status.code(), Some(0), "{role}: {}", said(&output));
    }
    std::fs::copy(other.path().join("trust.json"), dir.path().join("trust.json")).unwrap();
    let output = tabir(&["serve", "--config", text(&dir.path().join("issuer/tabir.toml"))]);
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("another key than the one in the trust root"), "{}", said(&output));
}

#[test]
fn two_processes_of_one_host_on_one_port_are_told_and_so_is_a_port_that_is_taken() {
    let dir = tempfile::tempdir().unwrap();
    let log = demo(dir.path());
    let issuer = dir.path().join("issuer/tabir.toml");
    let public = |file: &Path| {
        let text = std::fs::read_to_string(file).unwrap();
        text.lines().find_map(|l| l.strip_prefix("public = \"")).unwrap().trim_end_matches('"').to_owned()
    };
    let (ours, theirs) = (public(&issuer), public(&log));
    std::fs::write(&issuer, std::fs::read_to_string(&issuer).unwrap().replace(&ours, &theirs)).unwrap();
    let output = tabir(&["doctor", "--config-only", "--config", text(&log), "--config", text(&issuer)]);
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains(&format!("wants {theirs} as well")), "{}", said(&output));
    let _held = std::net::TcpListener::bind(&theirs).unwrap();
    let output = tabir(&["serve", "--config", text(&log)]);
    assert_eq!(output.status.code(), Some(1));
    let told = said(&output);
    assert!(told.contains("listen.public") && told.contains("End the other program"), "{told}");
}

#[test]
fn numbers_that_only_a_demo_can_mean_are_refused_where_people_report() {
    let dir = tempfile::tempdir().unwrap();
    let cards = crate::init::cards(dir.path());
    let city = dir.path().join("city");
    crate::init::town(&city, &cards);
    crate::init::sign(&city.join("trust.json"), &cards);
    let file = city.join("outer/tabir.toml");
    let sound = tabir(&["doctor", "--config-only", "--config", text(&file)]);
    assert_eq!(sound.status.code(), Some(0), "{}", said(&sound));
    let written = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, written.replace("epoch_s = 7776000", "epoch_s = 90")).unwrap();
    let output = tabir(&["serve", "--config", text(&file)]);
    assert_eq!(output.status.code(), Some(1));
    let told = said(&output);
    assert!(told.contains("90 seconds is outside of 1 day to 400 days"), "{told}");
}
