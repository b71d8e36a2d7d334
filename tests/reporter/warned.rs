//! Scenario 4 on the command line: what in a text may give its author away is shown with its place, and asked about.

use crate::consent::{cases, on_a_terminal};
use crate::tabir;
use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn scenario_4_a_text_that_gives_its_author_away_is_sent_only_if_that_is_meant() {
    let world = World::start().await;
    let path = |name: &str| world.dir.path().join(name).display().to_string();
    let category = world.session().await.services.categories[0].code.as_str().to_owned();
    let (text, gateway, trust) = (path("text"), world.ports.peers().gateway, path("trust.json"));
    std::fs::write(&text, "Loket empat.\nHubungi 0812-3456-7890, tanya Pak Budi.").unwrap();
    let report = ["report", "--server", &gateway, "--category", &category, "--text", &text];

    // Nobody can be asked: it says what and where, and sends nothing.
    for (language, words) in [
        ("en", ["text, line 2, character 9: phone number: …", "[0812-3456-7890]", "name of a person", "--as-is"]),
        ("id", ["teks, baris 2, huruf 9: nomor telepon: …", "[0812-3456-7890]", "nama orang", "--as-is"]),
    ] {
        let (code, out, err) = tabir(&world, &[&report[..], &["--language", language]].concat()).await;
        assert!(code == 2 && out.is_empty(), "{code} {out} {err}");
        for said in words {
            assert!(err.contains(said), "{said}: {err}");
        }
    }
    let mut terminal: Vec<String> = vec![env!("CARGO_BIN_EXE_tabir").into()];
    terminal.extend([&report[..], &["--trust", &trust, "--language", "en"]].concat().iter().map(|w| (*w).to_owned()));
    for answer in ["no", ""] {
        let (code, out) = on_a_terminal(&terminal, answer);
        assert!(code == 1 && out.contains("nothing was sealed or sent"), "{code} {out}");
    }
    // The place is looked at too.
    let place = [&report[..5], &["--text", "/dev/null", "--place", "rumah Bu Kartini", "--language", "en"]].concat();
    let (code, _, err) = tabir(&world, &place).await;
    assert!(code == 2 && err.contains("place, line 1, character 10: name of a person"), "{code} {err}");
    assert_eq!(cases(&world).await, 0);

    let (code, out) = on_a_terminal(&terminal, "yes");
    assert!(code == 0 && out.contains("Accepted: "), "{code} {out}");
    let (code, _, err) = tabir(&world, &[&report[..], &["--as-is"]].concat()).await;
    assert!(code == 0 && err.contains("0812-3456-7890"), "{code} {err}");
    assert_eq!(cases(&world).await, 2);
}
