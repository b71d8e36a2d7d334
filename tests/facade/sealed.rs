//! What an app sends is sealed as it arrives, and what it gets.

use tabir::client::case;
use tabir_crypto::content::{IdentityState, Precision, Via};
use tabir_crypto::statement::body::Release;

use crate::world::{NAME, PHONE, TEXT, World};

/// The identity goes into the envelope and nowhere else; the content says who sealed it. Scenarios 1, 2.
#[tokio::test(flavor = "multi_thread")]
async fn an_apps_report_arrives_without_who_sent_it_and_says_how_it_came() {
    let world = World::plain(1).await;
    let said = world.report().await;
    let receipt = said.receipt();
    let answer = &said.json()[0];
    assert_ne!(answer["service_request_id"], answer["receipt"]);
    let notice = answer["service_notice"].as_str().unwrap();
    for words in [
        receipt.text().expose().as_str(),
        "https://lapor.kota.example",
        "tidak ada yang dapat memulihkannya",
        "nobody can recover it",
        "saw your report, who you are and your receipt for a moment",
    ] {
        assert!(notice.contains(words), "{words}: {notice}");
    }

    let contents = world.contents().await;
    let [content] = contents.as_slice() else { panic!("{} contents", contents.len()) };
    assert_eq!((content.via, content.identity), (Some(Via::Facade), IdentityState::Sealed));
    assert_eq!((content.text.as_str(), content.location.text()), (TEXT, "Jalan Kenari 3"));
    assert_eq!((content.location.precision(), content.release), (Precision::Point, Release::Urgent));
    assert_eq!(content.location.place().unwrap().0.as_str(), "-6.1753924");
    let json = serde_json::to_string(content).unwrap();
    for secret in [NAME, "Contoh-Kenari", PHONE, "siti@kenari.example", "device-kenari", &world.key] {
        assert!(!json.contains(secret), "{secret}");
    }

    // With the receipt alone she reads the case, anywhere.
    let session = world.gateway.world.session(&world.gateway.url, &world.gateway.clock).await;
    let found = case::read(&session, &receipt).await.unwrap();
    assert_eq!(answer["reference"], found.view.reference);

    // Without a name it is a report without an identity, and the answer does not say that one was seen.
    let world = World::plain(1).await;
    let nameless: Vec<_> = world.form().into_iter().take(7).collect();
    let said = world.post("requests.json", &nameless, &[]).await;
    assert!(!said.json()[0]["service_notice"].as_str().unwrap().contains("who you are"));
    assert_eq!(world.contents().await[0].identity, IdentityState::None);
}

/// Status by the id that the app has, in both forms; the id opens nothing elsewhere.
#[tokio::test(flavor = "multi_thread")]
async fn an_app_asks_for_the_status_by_an_id_that_is_good_here_only() {
    let world = World::plain(1).await;
    let said = world.report().await;
    let id = said.id();
    for file in [format!("requests/{id}.json"), format!("requests.json?service_request_id={id},unknown")] {
        let found = world.get(&file).await;
        assert_eq!((found.status, found.json().as_array().unwrap().len()), (200, 1), "{file}");
        let request = &found.json()[0];
        assert_eq!(request["service_request_id"], id);
        assert_eq!((request["status"].as_str(), &request["description"]), (Some("open"), &serde_json::Value::Null));
        assert!(!found.body.contains("kenari") && !found.body.contains(said.receipt().text().expose()));
    }
    let xml = world.get(&format!("requests/{id}.xml")).await;
    assert!(
        xml.body.contains("<service_requests><request>") && xml.body.contains("<status>open</status>"),
        "{}",
        xml.body
    );
    assert_eq!(xml.kind, "text/xml; charset=utf-8");
    let token = world.get(&format!("tokens/{id}.json")).await;
    assert_eq!(token.json()[0]["service_request_id"], id);

    let other = World::plain(1).await;
    for (place, id) in [(&other, id.as_str()), (&world, "1"), (&world, "A".repeat(96).as_str())] {
        for kind in ["requests", "tokens"] {
            let refused = place.get(&format!("{kind}/{id}.json")).await;
            assert_eq!((refused.status, refused.code().as_str()), (404, "no-request"));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_discovers_services_and_what_they_ask_for() {
    let world = World::plain(0).await;
    let found = world.get("discovery.json").await.json();
    assert!(found["endpoints"][0]["url"].as_str().unwrap().starts_with("http://127.0.0.1:"));
    let services = world.get("services.json").await.json();
    let codes: Vec<_> = services.as_array().unwrap().iter().map(|s| s["service_code"].as_str().unwrap()).collect();
    assert_eq!(codes, ["pothole", "corruption"]);
    assert_eq!((&services[0]["metadata"], &services[1]["metadata"]), (&true.into(), &false.into()));
    let definition = world.get("services/pothole.json").await.json();
    assert_eq!(definition["attributes"][0]["code"], "depth");
    let xml = world.get("services/pothole.xml").await.body;
    assert!(xml.contains("<service_definition><attributes><attribute><code>depth</code>"), "{xml}");
    assert!(world.get("services.xml").await.body.contains("<services><service>"));
    assert_eq!(world.get("services/none.json").await.code(), "service");
    assert_eq!(world.get("requests.json").await.code(), "list");
}
