//! A downstream's answers are somebody else's words: each of these leaves the report safe, where a person sees it, and
//! nobody else is called.

use tabir_crypto::codec::sha256;

use crate::common::stand_in::{Fault, StandIn};
use crate::{before, offer, rounds, told};

const JSON: (&str, &str) = ("content-type", "application/json");

/// The server answers this to everything, its lists too: the code is held, the report neither lost nor doubled.
async fn answered(more: &str, xml: bool, fault: Fault, code: &str) {
    let server = StandIn::start(|s| s.xml = xml).await;
    let mut world = before(&server, more).await;
    let case = offer(&mut world, "corruption", "x");
    server.state().fault = fault.clone();
    rounds(&world, 3).await;
    assert_eq!(world.held().await, [("answer".to_owned(), code.to_owned())], "{fault:?}");
    assert_eq!((told(&world, &case), server.state().requests.len()), (0, 0));
    server.state().fault = Fault::None;
    rounds(&world, 2).await;
    assert_eq!((told(&world, &case), server.state().requests.len()), (1, 1), "{code}");
    assert!(world.held().await.is_empty());
}

fn says(headers: &[(&'static str, &'static str)], body: impl Into<Vec<u8>>) -> Fault {
    Fault::Says(headers.to_vec(), body.into())
}

#[tokio::test]
async fn answers_that_are_no_georeport_are_held_and_nothing_is_lost() {
    answered("", false, says(&[JSON], "not json"), "json").await;
    answered("", false, says(&[JSON], "[".repeat(100_000)), "json").await;
    answered("", false, says(&[JSON], "{\"services\": []}"), "no-list").await;
    answered("", false, says(&[("content-type", "text/html")], "<html>Welcome</html>"), "type").await;
    answered("", false, says(&[("content-type", "image/png")], "[]"), "type").await;
    answered("", false, says(&[JSON, ("content-encoding", "gzip")], "[]"), "compressed").await;
    answered("", false, says(&[JSON], vec![b' '; 17 << 20]), "too-large").await;
    let xml = "[server]\nformat = \"xml\"\n";
    let kind = ("content-type", "text/xml");
    let bomb =
        "<!DOCTYPE b [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;&a;&a;\">]><services><service>&b;</service></services>";
    answered(xml, true, says(&[kind], bomb), "doctype").await;
    answered(xml, true, says(&[kind], "<services><service>&x;</service></services>"), "entity").await;
    answered(xml, true, says(&[kind], "<a>".repeat(10_000)), "xml").await;
    answered(xml, true, says(&[JSON], "[]"), "type").await;
    answered(xml, true, says(&[kind], b"<services>\xff</services>".to_vec()), "utf-8").await;
}

/// A bomb is small on the wire; here it must stay so.
#[tokio::test]
async fn a_compression_bomb_is_not_unpacked() {
    // 16 MiB of zeros in gzip are 16 kB; what counts is that nothing tries to unpack them.
    let mut bomb = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3];
    bomb.extend(sha256(b"whatever follows").repeat(512));
    answered("", false, says(&[JSON, ("content-encoding", "gzip")], bomb), "compressed").await;
}

/// No request forgery: a server in the city's inner network can't make the forwarder call another.
#[tokio::test]
async fn a_redirect_is_not_followed_and_takes_no_text_elsewhere() {
    let inner = StandIn::start(|_| {}).await;
    let to = format!("{}/requests.json", inner.base);
    answered("", false, Fault::Redirect(to), "redirect").await;
    answered("", false, Fault::Redirect("http://127.0.0.1:1/x".into()), "redirect").await;
    assert!(inner.state().calls.is_empty());
}

/// A POST that is stored and answered by something else: the server has it, and the look-up finds it.
#[tokio::test]
async fn a_strange_answer_to_a_post_is_an_unknown_outcome() {
    let html = says(&[("content-type", "text/html")], "<html>Thank you!</html>");
    for (fault, code) in [(Fault::Redirect("/thanks".into()), "redirect"), (html, "type")] {
        let server = StandIn::start(|_| {}).await;
        let mut world = before(&server, "").await;
        let case = offer(&mut world, "corruption", "x");
        server.state().only_posts = true;
        server.state().fault = fault;
        rounds(&world, 1).await;
        assert_eq!(world.held().await, [("answer".to_owned(), code.to_owned())]);
        rounds(&world, 1).await;
        assert_eq!((told(&world, &case), server.state().requests.len()), (1, 1));
        assert!(world.held().await.is_empty());
    }
}

/// What a server gives as a token stands in an address of ours: it can't climb out of its place.
#[tokio::test]
async fn a_token_can_not_climb_to_another_address() {
    for token in ["../../admin/delete?x=", "..", "a/b", "%2e%2e", "x#y", "\u{1f4a3}"] {
        let server = StandIn::start(|_| {}).await;
        let mut world = before(&server, "").await;
        let case = offer(&mut world, "corruption", "x");
        server.state().only_posts = true;
        server.state().fault = says(&[JSON], serde_json::json!([{ "token": token }]).to_string());
        rounds(&world, 3).await;
        let calls = server.state().calls.clone();
        assert!(calls.iter().all(|c| c.split(' ').nth(1).unwrap().starts_with("/georeport/v2/")), "{calls:?}");
        let polled: Vec<_> = calls.iter().filter(|c| c.contains("/tokens/")).collect();
        assert!(polled.iter().all(|c| c.matches('/').count() == 4), "{polled:?}");
        // What it stored is found by its text, once the token has had its day.
        assert_eq!((told(&world, &case), server.state().requests.len()), (1, 1), "{token}");
    }
}

/// Scenario 16 against a liar: an update without id or time, for somebody else's request, of another type.
#[tokio::test]
async fn updates_that_are_none_change_nothing() {
    let server = StandIn::start(|_| {}).await;
    let mut world = before(&server, "").await;
    let case = offer(&mut world, "corruption", "x");
    rounds(&world, 1).await;
    server.state().said = vec![
        serde_json::json!("x"),
        serde_json::json!({}),
        serde_json::json!({ "update_id": "", "service_request_id": "R-1", "status": "fixed", "updated_datetime": "2026-11-25" }),
        serde_json::json!({ "update_id": "a", "service_request_id": "R-1", "status": "fixed", "updated_datetime": "soon" }),
        serde_json::json!({ "update_id": "b", "service_request_id": "R-9", "status": "fixed", "updated_datetime": "2026-11-25" }),
        serde_json::json!({ "update_id": ["c"], "service_request_id": "R-1", "status": "fixed", "updated_datetime": "2026-11-25" }),
    ];
    rounds(&world, 2).await;
    assert_eq!(world.events(&case.case_id).len(), 1, "that it was sent, and nothing else");
    assert!(world.held().await.is_empty());
}
