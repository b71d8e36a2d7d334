//! Before an identity is sealed its owner is shown who can open it, and asked.

use std::io::Write as _;
use std::process::Stdio;

use serde_json::Value;
use sqlx::{AnyConnection, Connection as _};
use tabir::config::keys::write_private;

use crate::tabir;
use crate::world::{World, person};

/// Cases that the gateway has.
pub async fn cases(world: &World) -> i64 {
    let url = format!("sqlite://{}", world.dir.path().join("gateway/store.sqlite").display());
    let mut store = AnyConnection::connect(&url).await.unwrap();
    let count = sqlx::query_scalar("SELECT COUNT(*) FROM cases").fetch_one(&mut store).await.unwrap();
    store.close().await.unwrap();
    count
}

/// The words of a command, for a terminal.
fn quoted(words: &[String]) -> String {
    words.iter().map(|w| format!("'{w}'")).collect::<Vec<_>>().join(" ")
}

/// Runs a command on a terminal of its own and types a line.
pub fn on_a_terminal(words: &[String], typed: &str) -> (i32, String) {
    let mut command = std::process::Command::new("script");
    command.args(["-qec", &quoted(words), "/dev/null"]).env("LC_ALL", "C");
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("util-linux has script");
    child.stdin.take().unwrap().write_all(format!("{typed}\n").as_bytes()).unwrap();
    let out = child.wait_with_output().unwrap();
    (out.status.code().unwrap(), String::from_utf8_lossy(&out.stdout).into_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_identity_is_sealed_only_after_its_owner_saw_who_can_open_it() {
    let world = World::start().await;
    let path = |name: &str| world.dir.path().join(name).display().to_string();
    let session = world.session().await;
    let category = session.services.categories[0].code.as_str().to_owned();
    let council = session.view.state.active_council(&session.trust, session.now()).unwrap().council.clone();
    let (text, identity, gateway) = (path("text"), path("identity.json"), world.ports.peers().gateway);
    std::fs::write(&text, "A report.").unwrap();
    let record = tabir_crypto::json::to_vec(&person("Sari")).unwrap();
    write_private(&world.dir.path().join("identity.json"), &record).unwrap();
    let report = ["report", "--server", &gateway, "--category", &category, "--text", &text, "--identity", &identity];

    // Nobody can be asked: it says all of it, and seals nothing.
    for (language, words) in [
        (
            "en",
            ["At least 2 of them must agree", "3 seconds from the logged request on", "give --yes, once you have read"],
        ),
        (
            "id",
            [
                "Paling sedikit 2 orang harus setuju",
                "3 detik sejak permintaan tercatat",
                "Putusan atau penetapan pengadilan",
            ],
        ),
    ] {
        let (code, out, err) = tabir(&world, &[&report[..], &["--language", language]].concat()).await;
        assert!(code == 2 && out.is_empty() && err.contains(&council.fingerprint()), "{code} {out} {err}");
        for said in words {
            assert!(err.contains(said), "{said}: {err}");
        }
    }
    let trust = path("trust.json");
    let mut terminal: Vec<String> = vec![env!("CARGO_BIN_EXE_tabir").into()];
    terminal.extend([&report[..], &["--trust", &trust]].concat().iter().map(|w| (*w).to_owned()));
    for (answer, language, want) in [("no", "en", "nothing was sealed or sent"), ("", "id", "tidak ada yang disegel")] {
        let words = [&terminal[..], &["--language".into(), language.into()]].concat();
        let (code, out) = on_a_terminal(&words, answer);
        assert!(code == 1 && out.contains(want) && out.contains(&council.fingerprint()), "{code} {out}");
    }
    assert_eq!(cases(&world).await, 0);

    let (code, out) = on_a_terminal(&terminal, "yes");
    assert!(code == 0 && out.contains("Accepted: "), "{code} {out}");
    let (code, out, err) = tabir(&world, &[&report[..], &["--yes", "--json"]].concat()).await;
    assert!(code == 0 && err.contains(&council.fingerprint()), "{code} {err}");
    let accepted: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(accepted["council"], council.fingerprint().as_str());
    assert_eq!(cases(&world).await, 2);
    // Without an identity nobody is asked.
    let (code, ..) = tabir(&world, &report[..report.len() - 2]).await;
    assert_eq!((code, cases(&world).await), (0, 3));
}
