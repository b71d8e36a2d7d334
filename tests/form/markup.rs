//! What a browser gets: no script, no cookie, no store; words before fields; a label for each field; text as text.

use std::collections::BTreeSet;

use tabir_crypto::content::MessageKind;
use tabir_crypto::statement::body::Status;

use crate::world::{Page, World};

/// Every kind of page, of a case that has everything.
async fn pages(world: &World) -> Vec<(&'static str, Page)> {
    let once = world.once().await;
    let receipt = world.report(&once).await.receipt();
    let question = World::message(&receipt, MessageKind::Question, "Di mana?");
    world.tell(&receipt, vec![question, World::status(8, Status::Resolved)]).await;
    let case = world.case(&receipt).await;
    let wrong = world.write(&case, "dispute", &[("choice", "bad")]).await;
    vec![
        ("first", world.get("").await),
        ("english", world.get("/en").await),
        ("report", world.get("/id/report").await),
        ("receipt", world.report(&once).await),
        ("troubles", world.post("/en/report", &[("text", "x")]).await),
        ("back", world.get("/id/case").await),
        ("mistyped", world.post("/id/case", &[("receipt", "hatid")]).await),
        ("case", case),
        ("wrong", wrong),
        ("exit", world.get("/en/exit").await),
        ("nothing", world.get("/en/nothing").await),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_leaves_a_browser_no_room() {
    let world = World::plain(1).await;
    for (name, page) in pages(&world).await {
        let policy = page.header("content-security-policy");
        for part in ["default-src 'none'", "form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'"] {
            assert!(policy.contains(part), "{name}: {policy}");
        }
        assert!(!policy.contains("script-src") && !policy.contains("unsafe") && !policy.contains('*'), "{policy}");
        assert_eq!(page.header("cache-control"), "no-store", "{name}");
        assert_eq!(page.header("referrer-policy"), "no-referrer", "{name}");
        assert_eq!(page.header("cross-origin-opener-policy"), "same-origin", "{name}");
        assert_eq!(page.header("x-content-type-options"), "nosniff", "{name}");
        assert!(page.header("permissions-policy").contains("geolocation=()"), "{name}");
        for absent in ["set-cookie", "location", "refresh", "content-encoding"] {
            assert_eq!(page.header(absent), "", "{name}");
        }
        for never in
            ["<script", "javascript:", " style=", "http-equiv", "<img", "<iframe", " onclick", "http://", "https://"]
        {
            assert!(!page.says(never), "{name}: {never}");
        }
        assert!(page.says("class=\"exit\""), "{name}: a way out");
    }
    for (file, kind) in [("/style.css", "text/css"), ("/icon.svg", "image/svg+xml")] {
        let file = world.get(file).await;
        assert!(file.status == 200 && file.header("content-type").starts_with(kind));
        assert!(!file.says("url(") && !file.says("@import"), "nothing is fetched from elsewhere");
    }
}

/// What is typed is read by the server, and this is said above the field.
#[tokio::test(flavor = "multi_thread")]
async fn that_the_server_can_read_it_stands_before_every_field() {
    let world = World::plain(1).await;
    let mut seen = 0;
    for (name, page) in pages(&world).await {
        let fields = ["<input", "<textarea", "<select", "<form"];
        let Some(first) = fields.iter().filter_map(|tag| page.body.find(tag)).min() else { continue };
        let warning = page.body.find("id=\"warning\"").unwrap_or_else(|| panic!("{name} does not warn"));
        assert!(warning < first, "{name}");
        assert!(page.says("menulis sebagai Anda") || page.says("write as you"));
        seen += 1;
    }
    assert!(seen >= 6, "{seen}");
}

/// Nothing asks who somebody is.
#[tokio::test(flavor = "multi_thread")]
async fn no_page_has_a_field_for_an_identity() {
    let world = World::plain(1).await;
    let known = ["once", "receipt", "category", "text", "place", "voucher", "choice", "sure", "look"];
    let mut names = BTreeSet::new();
    for (_, page) in pages(&world).await {
        names.extend(page.body.split(" name=\"").skip(1).map(|rest| rest.split('"').next().unwrap().to_owned()));
        for kind in ["type=\"email\"", "type=\"tel\"", "type=\"file\"", "type=\"password\""] {
            assert!(!page.says(kind), "{kind}");
        }
    }
    let heads = ["viewport", "robots", "color-scheme", "format-detection"];
    let asked: Vec<_> = names.iter().filter(|n| !heads.contains(&n.as_str())).collect();
    assert_eq!(asked.iter().filter(|n| !known.contains(&n.as_str())).count(), 0, "{asked:?}");
    assert!(known.iter().all(|name| names.contains(*name)), "{names:?}");
}

/// The least that WCAG asks of a page of fields.
#[tokio::test(flavor = "multi_thread")]
async fn every_field_has_a_label_every_page_a_language_and_one_heading_and_no_id_is_twice() {
    let world = World::plain(1).await;
    for (name, page) in pages(&world).await {
        let body = &page.body;
        assert!(
            body.starts_with("<!DOCTYPE html><html lang=\"id\">")
                || body.starts_with("<!DOCTYPE html><html lang=\"en\">")
        );
        assert!(name == "exit" || body.matches("<h1").count() == 1, "{name}");
        let value = |tag: &str, attribute: &str| {
            let rest = tag.split(&format!(" {attribute}=\"")).nth(1)?;
            rest.split('"').next().map(str::to_owned)
        };
        let tags: Vec<&str> = body.split('<').skip(1).map(|rest| rest.split('>').next().unwrap()).collect();
        let labels: BTreeSet<String> =
            tags.iter().filter(|tag| tag.starts_with("label")).filter_map(|tag| value(tag, "for")).collect();
        let mut ids = BTreeSet::new();
        for tag in &tags {
            if let Some(id) = value(tag, "id") {
                assert!(ids.insert(id.clone()), "{name}: {id} twice");
            }
            let field = tag.starts_with("input") || tag.starts_with("textarea");
            if field && !tag.contains("type=\"hidden\"") {
                let id = value(tag, "id").unwrap_or_else(|| panic!("{name}: {tag}"));
                assert!(labels.contains(&id), "{name}: no label for {id}");
            }
        }
        for tag in &tags {
            let leads = value(tag, "href").filter(|to| to.starts_with('#')).map(|to| to[1..].to_owned());
            let about = value(tag, "aria-describedby")
                .into_iter()
                .flat_map(|ids| ids.split(' ').map(str::to_owned).collect::<Vec<_>>());
            for id in leads.into_iter().chain(about).chain(value(tag, "form")) {
                assert!(ids.contains(&id), "{name}: {id} leads nowhere");
            }
        }
    }
}

/// Words of officers, reporters and addresses are text.
#[tokio::test(flavor = "multi_thread")]
async fn html_of_anybody_is_shown_as_text() {
    let world = World::plain(1).await;
    let html = "</p></textarea><script>alert(1)</script><img src=x onerror=alert(1)> & \"'";
    let escaped = "&lt;script&gt;alert(1)&lt;/script&gt;";
    let receipt = world.reported().await;
    world.tell(&receipt, vec![World::message(&receipt, MessageKind::Question, html)]).await;
    let case = world.case(&receipt).await;
    assert_eq!(case.body.matches(escaped).count(), 2, "the question and the message: {}", case.body);
    let typed =
        world.post("/id/report", &[("text", html), ("place", html), ("voucher", html), ("category", html)]).await;
    assert_eq!(typed.field("text"), html);
    let receipt = world.post("/id/case", &[("receipt", html)]).await;
    for page in [case, typed, receipt] {
        assert!(!page.says("<script") && !page.says("<img") && page.says(escaped), "{}", page.body);
    }
}
