//! What an app gets for what can't be taken: Open311's own errors, before anything is kept.

use axum::http::Method;

use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_taken_is_refused_in_open311s_words_and_nothing_is_kept() {
    let world = World::plain(2).await;
    let long = "x".repeat(70_000);
    let name = "x".repeat(1_100);
    type Change<'c> = (&'c str, Option<&'c str>, u16, &'c str);
    let cases: [Change; 14] = [
        ("api_key", None, 403, "api-key"),
        ("api_key", Some("0000"), 403, "api-key"),
        ("service_code", None, 404, "service"),
        ("service_code", Some("volcano"), 404, "service"),
        ("description", None, 400, "parameter"),
        ("description", Some(&long), 413, "too-long"),
        ("attribute[depth]", None, 400, "parameter"),
        ("attribute[depth]", Some("deep"), 400, "parameter"),
        ("attribute[name]", Some("Siti"), 400, "parameter"),
        ("lat", Some("96"), 400, "parameter"),
        ("long", None, 400, "parameter"),
        ("last_name", Some(&name), 400, "identity-too-long"),
        ("media_url", Some("https://example.org/kenari.jpg"), 400, "media"),
        ("language", Some("Bahasa Indonesia"), 400, "parameter"),
    ];
    for (field, value, status, code) in cases {
        let mut form: Vec<_> = world.form().into_iter().filter(|(n, _)| *n != field).collect();
        form.extend(value.map(|v| (field, v)));
        if field == "service_code" {
            form.retain(|(n, _)| !n.starts_with("attribute"));
        }
        let said = world.post("requests.json", &form, &[]).await;
        assert_eq!((said.status, said.code().as_str()), (status, code), "{field}");
        assert_eq!(
            (said.json()[0]["code"].as_u64(), said.kind.as_str()),
            (Some(status.into()), "application/json; charset=utf-8")
        );
        assert!(!said.body.to_lowercase().contains("kenari") && !said.body.contains("Siti"), "{}", said.body);
        let xml = world.post("requests.xml", &form, &[]).await;
        assert_eq!((xml.status, xml.kind.as_str()), (status, "text/xml; charset=utf-8"));
        assert!(xml.body.contains(&format!("<errors><error><code>{status}</code><description>")), "{}", xml.body);
    }
    let body =
        b"--x\r\nContent-Disposition: form-data; name=\"media\"; filename=\"a.jpg\"\r\n\r\n\xff\xd8\r\n--x--\r\n"
            .to_vec();
    for (headers, body, status, code) in [
        ([("content-type", "multipart/form-data; boundary=x")], body, 400, "media"),
        ([("content-type", "application/json")], b"{}".to_vec(), 400, "media-type"),
        ([("content-type", "application/x-www-form-urlencoded")], vec![b'a'; 300 << 10], 413, "too-long"),
        ([("content-type", "application/x-www-form-urlencoded")], b"description=%ff%fe".to_vec(), 403, "api-key"),
    ] {
        let said = world.send(Method::POST, "requests.json", &headers, body).await;
        assert_eq!((said.status, said.code().as_str()), (status, code));
    }
    for (method, file) in [(Method::POST, "services.json"), (Method::GET, "requests"), (Method::GET, "cases/1.json")] {
        let said = world.send(method, file, &[("content-type", "application/x-www-form-urlencoded")], Vec::new()).await;
        assert_eq!((said.status, said.code().as_str()), (404, "not-found"), "{file}");
    }
    let stock = world.facade.host.store.stock().await.unwrap();
    assert_eq!((world.cases().await, stock.tokens, stock.waiting), (0, 2, 0));
}

/// HTML is text like any other: it goes on as it was typed, and no answer here repeats it.
#[tokio::test(flavor = "multi_thread")]
async fn html_stays_text() {
    let world = World::plain(1).await;
    let html = "<script>alert(1)</script> 5 < 6 & \u{1f4b8}";
    let mut form = world.form();
    form[2].1 = html;
    let said = world.post("requests.xml", &form, &[]).await;
    assert_eq!(said.status, 201);
    assert!(!said.body.contains("script"));
    assert_eq!(world.contents().await[0].text, html);
}

/// No voucher is left, or the issuer is down: said as such, and nothing is lost but time.
#[tokio::test(flavor = "multi_thread")]
async fn without_tokens_an_app_is_told_to_come_again() {
    let world = World::plain(0).await;
    let said = world.report().await;
    assert_eq!((said.status, said.code().as_str(), said.retry_after), (503, "unavailable", Some(60)));
    world
        .facade
        .host
        .store
        .bought(None, Some((crate::common::world::token(), crate::common::world::TOKEN_END)))
        .await
        .unwrap();
    world.report().await.receipt();
}

/// A weekend without the outside body: reports go on, identities wait.
#[tokio::test(flavor = "multi_thread")]
async fn under_an_old_head_of_the_log_only_reports_without_an_identity_are_taken() {
    let world = World::plain(1).await;
    world.pass(4 * 86_400);
    let said = world.report().await;
    assert_eq!((said.status, said.code().as_str(), said.retry_after), (503, "stale", Some(3_600)));
    let nameless: Vec<_> = world.form().into_iter().take(7).collect();
    world.post("requests.json", &nameless, &[]).await.receipt();
}
