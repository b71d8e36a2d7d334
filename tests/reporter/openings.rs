//! Openings over HTTP, each followed by the receipt alone: a whole one, and one whose notice was put off.

use serde_json::{Value, json};
use tabir::client::official::open::open;
use tabir::client::official::partial::partial;
use tabir::client::official::request::Ask;
use tabir_crypto::B32;
use tabir_crypto::statement::value::Second;

use crate::world::{World, patience};
use crate::{Case, follow, followed, tabir};

/// Parts and opening by officials 1 and 2, after the release.
pub async fn opened_by_two(world: &World, hash: &B32, reference: &str) {
    for n in [1, 2] {
        let (session, file) = (world.session().await, world.official(n));
        let board = world.board(file.signing());
        let mut patience = patience();
        // The board has the hand-outs a moment after the log has the release.
        while partial(&session, &board, &file, hash, reference, &mut crate::world::patience()).await.is_err() {
            patience.wait("the hand-out").await.unwrap();
        }
    }
    world.until(hash, "two parts", |r| r.partials.len() == 2).await;
    for n in [1, 2] {
        let (session, file) = (world.session().await, world.official(n));
        open(&session, &world.board(file.signing()), &file, hash, &mut patience()).await.unwrap();
    }
    world.until(hash, "the end", |r| r.ended.is_some()).await;
}

fn steps(opening: &Value) -> Vec<&str> {
    opening["steps"].as_array().unwrap().iter().map(|s| s["step"].as_str().unwrap()).collect()
}

/// Scenario 9: before it is opened, my inbox says so, with the reason. Scenario 20: the two officials with the warden
/// leave entries that I find by myself. And I can show them to anybody.
#[tokio::test(flavor = "multi_thread")]
async fn an_opening_is_seen_before_it_happens_and_can_be_shown_to_anybody() {
    let world = World::start().await;
    let (hers, other) = (Case::of(&world, "Sari").await, Case::of(&world, "Budi").await);
    assert_eq!(followed(&world, &hers, &[]).await["openings"], json!([]));
    let (_, out, _) = follow(&world, &hers, &[]).await;
    assert!(out.contains("No request for your identity shows until"), "{out}");
    let folder = world.dir.path().join("proof").display().to_string();
    let (code, _, err) = follow(&world, &hers, &["--proof", &folder]).await;
    assert!(code == 1 && err.contains("there is no proof"), "{code} {err}");

    let hash = world.requested(&hers.reference).await;
    let asked = followed(&world, &hers, &[]).await["openings"][0].clone();
    assert_eq!((&asked["status"], &asked["request"]), (&json!("requested"), &json!(hex::encode(hash))));
    let [requested] = asked["steps"].as_array().unwrap().as_slice() else { panic!("{asked}") };
    let reason = json!({"code": "witness", "id": "Pelapor dibutuhkan sebagai saksi", "en": "The reporter is needed as a witness"});
    assert_eq!((&requested["by"], &requested["reason"]), (&json!([1]), &reason));
    for (language, status, reason) in [
        ("id", "! DIMINTA, belum disetujui cukup pejabat. Tidak dibuka.", "Alasan: Pelapor dibutuhkan sebagai saksi."),
        ("en", "! ASKED FOR, not yet agreed by enough officials. Not opened.", "Legal basis: Court order."),
    ] {
        let (_, out, _) = follow(&world, &hers, &["--language", language]).await;
        assert!(out.contains(status) && out.contains(reason), "{out}");
    }

    for n in [1, 2] {
        world.approve(n, &hash, &hers.reference).await.unwrap();
    }
    world.until(&hash, "the release", |r| r.release.is_some()).await;
    opened_by_two(&world, &hash, &hers.reference).await;
    let whole = followed(&world, &hers, &["--proof", &folder, "--notice-key"]).await;
    let opening = &whole["openings"][0];
    assert_eq!((&opening["status"], &opening["readable"]), (&json!("opened"), &json!(true)));
    let order = ["requested", "approved", "approved", "released", "partial", "partial", "opened"];
    assert_eq!(steps(opening), order);
    assert_eq!((&opening["steps"][3]["to"], &opening["steps"][3]["by_auditor"]), (&json!([1, 2]), &json!(false)));
    assert_eq!((&opening["steps"][3]["early"], &opening["steps"][3]["above_cap"]), (&json!(false), &json!(false)));
    assert_eq!(opening["steps"][6]["by"], json!([1, 2]));
    let (_, out, _) = follow(&world, &hers, &["--language", "en"]).await;
    assert!(out.contains("officials 1 and 2 signed that your identity was opened."), "{out}");

    // Anybody, with the folder and the trust root alone; then with a changed entry.
    let (code, out, err) = tabir(&world, &["audit", "opening", &folder, "--json"]).await;
    assert_eq!(code, 0, "{err}");
    let checked: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&checked["openings"][0]["status"], &checked["one_case"]), (&json!("opened"), &json!(true)));
    assert_eq!(steps(&checked["openings"][0]), order);
    let (_, out, _) = tabir(&world, &["audit", "opening", &folder]).await;
    assert!(out.contains("1 request(s)") && out.contains("What is not here is not denied."), "{out}");
    let entry = format!("{}/{:08}.json", folder, opening["steps"][3]["entry"].as_u64().unwrap());
    let text = std::fs::read_to_string(&entry).unwrap();
    std::fs::write(&entry, text.replacen("payload\":\"e", "payload\":\"f", 1)).unwrap();
    let (code, _, err) = tabir(&world, &["audit", "opening", &folder]).await;
    assert!(code == 3 && err.contains("inclusion proof that fails"), "{code} {err}");

    assert_eq!(followed(&world, &other, &[]).await["openings"], json!([]), "nobody else finds it");
}

/// Scenario 9 under a deferral: nothing can be seen until its time, and then all of it, with the fact that it was put off.
#[tokio::test(flavor = "multi_thread")]
async fn a_deferred_notice_appears_when_its_time_comes_and_says_who_put_it_off() {
    let world = World::start().await;
    let hers = Case::of(&world, "Sari").await;
    let until = world.now() + 40;
    let deferral = Some((Second(until), "inquiry".to_owned()));
    let hash = world.requested_with(&Ask { deferral, ..World::ask(&hers.reference) }).await.unwrap();
    for n in [1, 2] {
        world.approve(n, &hash, &hers.reference).await.unwrap();
    }
    world.until(&hash, "the release", |r| r.release.is_some()).await;
    opened_by_two(&world, &hash, &hers.reference).await;
    let session = world.session().await;
    assert!(session.view.state.request(&hash).unwrap().notice.is_none(), "too slow: it was published meanwhile");
    let before = followed(&world, &hers, &[]).await;
    if session.now() < until {
        assert_eq!(before["openings"], json!([]), "put off");
    }

    let mut patience = patience();
    while world.session().await.view.state.request(&hash).unwrap().notice.is_none() {
        patience.wait("the notice").await.unwrap();
    }
    let found = followed(&world, &hers, &[]).await["openings"][0].clone();
    assert_eq!((&found["status"], &found["request"]), (&json!("opened"), &json!(hex::encode(hash))));
    let inquiry = json!({"code": "inquiry", "id": "Membahayakan penyelidikan", "en": "Would jeopardise the inquiry"});
    let want = json!({"until": Second(until), "reason": inquiry, "signed_by": [1, 2]});
    assert_eq!(found["deferral"], want);
    assert_eq!(*steps(&found).last().unwrap(), "notice");
    let (_, out, _) = follow(&world, &hers, &["--language", "id"]).await;
    assert!(out.contains("Pemberitahuan ini ditunda sampai") && out.contains("pejabat 1 dan 2"), "{out}");
}
