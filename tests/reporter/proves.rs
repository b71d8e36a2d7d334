//! `tabir follow --prove FILE`: what the file shows is said before it is written, and nothing else is in it.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use sqlx::{AnyConnection, Connection as _};
use tabir_crypto::receipt::Receipt;

use crate::world::World;
use crate::{Case, follow, followed, tabir};

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_proves_her_report_is_written_only_after_she_was_told_what_it_shows() {
    let world = World::start().await;
    let case = Case::of(&world, "Sari").await;
    let file = world.dir.path().join("drop.json").display().to_string();

    // Nobody can be asked: it says all of it, in her language, and writes nothing.
    let english =
        ["Whoever gets it sees", "which case complains", case.reference.as_str(), "--yes, once you have read"];
    let indonesian = [
        "Siapa pun yang menerimanya melihat",
        "kasus mana yang mengadu",
        case.reference.as_str(),
        "--yes, setelah Anda",
    ];
    for (language, words) in [("en", english), ("id", indonesian)] {
        let (code, _, err) = follow(&world, &case, &["--prove", &file, "--language", language]).await;
        assert_eq!(code, 2, "{err}");
        words.iter().for_each(|word| assert!(err.contains(word), "{word}: {err}"));
        assert!(!Path::new(&file).exists());
    }

    followed(&world, &case, &["--prove", &file, "--yes"]).await;
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let (code, out, err) = tabir(&world, &["audit", "check", &file, "--json"]).await;
    assert_eq!(code, 0, "{err}");
    let checked: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&checked["case"], &checked["verdict"]), (&case.reference.as_str().into(), &Value::Null));
    let (code, out, _) = tabir(&world, &["audit", "check", &file, "--language", "id"]).await;
    assert!(code == 0 && out.contains("sendirian TIDAK membuktikan"), "{out}");

    // Neither the receipt nor a key that reads, writes or recognises is in it.
    let receipt = std::fs::read_to_string(&case.receipt).unwrap();
    let keys = Receipt::parse(&receipt).unwrap().keys();
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains(&hex::encode(keys.r.expose())) && text.contains(&hex::encode(keys.nf.expose())));
    for secret in [keys.access.expose(), keys.notice_key.expose()] {
        assert!(!text.contains(&hex::encode(secret)));
    }
    assert!(!text.contains(receipt.trim()));

    // A file that is there is never written over; without a file nothing is.
    let (code, ..) = follow(&world, &case, &["--prove", &file, "--yes"]).await;
    assert_eq!(code, 1);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
    let (code, out, err) = follow(&world, &case, &["--prove", "--language", "en"]).await;
    assert!(code == 0 && out.contains("did not countersign"), "{out}{err}");
}

/// Asks again until the log says this of the report.
async fn until(world: &World, case: &Case, verdict: &str) {
    for _ in 0..60 {
        if followed(world, case, &["--prove"]).await["proof"]["verdict"] == verdict {
            return;
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    panic!("the log never said {verdict}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_that_nobody_passed_on_is_dropped_and_one_that_was_erased_is_shown_to_be_her_wish() {
    let world = World::start().await;
    let (dropped, erased) = (Case::of(&world, "Sari").await, Case::of(&world, "Budi").await);
    drop_in_forwarder(&world, &dropped).await;
    let path = |name: &str| world.dir.path().join(name).display().to_string();
    let gateway = world.ports.peers().gateway;
    let (code, _, err) = follow(&world, &erased, &["--erase", &erased.reference]).await;
    assert_eq!(code, 0, "{err}");

    until(&world, &erased, "erased").await;
    let file = path("erased.json");
    let (code, _, err) = follow(&world, &erased, &["--prove", &file, "--yes"]).await;
    assert_eq!(code, 0, "{err}");
    let (_, out, _) = tabir(&world, &["audit", "check", &file, "--json"]).await;
    let checked: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&checked["verdict"], &checked["erasure_shown"]), (&"erased".into(), &true.into()));
    let ask = ["audit", "erased", file.as_str(), "--server", gateway.as_str(), "--language", "en"];
    let (code, out, err) = tabir(&world, &ask).await;
    assert!(code == 0 && out.contains("The case's own key asked"), "{out}{err}");
    // A gateway that has nothing to show said it by itself.
    forget_erasures(&world).await;
    let (code, _, err) = tabir(&world, &ask).await;
    assert!(code == 3 && err.contains("did NOT show"), "{err}");

    until(&world, &dropped, "dropped").await;
    let (file, copy) = (path("drop.json"), path("copy"));
    let (code, _, err) = follow(&world, &dropped, &["--prove", &file, "--yes"]).await;
    assert_eq!(code, 0, "{err}");
    let (code, _, err) = tabir(&world, &["audit", "fetch", "--server", &gateway, &copy]).await;
    assert_eq!(code, 0, "{err}");
    let (code, out, err) = tabir(&world, &["audit", "check", &file, "--log", &copy, "--language", "id"]).await;
    assert!(code == 0 && out.contains("DIBUANG"), "{out}{err}");
    // Not a word about it that the file could prove alone.
    let (_, out, _) = tabir(&world, &["audit", "check", &file, "--json"]).await;
    assert_eq!(serde_json::from_str::<Value>(&out).unwrap()["verdict"], Value::Null);
    let (code, _, err) = tabir(&world, &["audit", "erased", &file, "--server", &gateway]).await;
    assert!(code == 1 && err.contains("no erasure"), "{err}");
}

/// A role's store, behind its back.
async fn store(world: &World, role: &str) -> AnyConnection {
    let url = format!("sqlite://{}", world.dir.path().join(role).join("store.sqlite").display());
    AnyConnection::connect(&url).await.unwrap()
}

/// What the gateway must keep is gone.
async fn forget_erasures(world: &World) {
    let mut store = store(world, "gateway").await;
    sqlx::query("DELETE FROM erasures").execute(&mut store).await.unwrap();
    store.close().await.unwrap();
}

/// As soon as the forwarder alone has the report, it has it no more.
async fn drop_in_forwarder(world: &World, case: &Case) {
    let receipt = std::fs::read_to_string(&case.receipt).unwrap();
    let case_id = Receipt::parse(&receipt).unwrap().keys().case_id().to_vec();
    let (mut gateway, mut store) = (store(world, "gateway").await, store(world, "forwarder").await);
    for _ in 0..60 {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let waits = sqlx::query("SELECT 1 FROM outbox WHERE case_id = $1").bind(case_id.clone());
        if waits.fetch_optional(&mut gateway).await.unwrap().is_some() {
            continue;
        }
        sqlx::query("DELETE FROM delivery WHERE case_id = $1").bind(case_id.clone()).execute(&mut store).await.unwrap();
        let gone = sqlx::query("DELETE FROM report WHERE case_id = $1").bind(case_id.clone());
        if gone.execute(&mut store).await.unwrap().rows_affected() == 1 {
            gateway.close().await.unwrap();
            return store.close().await.unwrap();
        }
    }
    panic!("the forwarder never had it");
}
