//! What comes back: pushed to the listener, or listed where the forwarder asks.

use serde_json::{Value, json};
use tabir::api::gateway::Event;
use tabir::forwarder::webhook::routes::router;
use tabir::http::openapi::with_document;
use tabir_crypto::statement::body::{Release, Status};
use tabir_crypto::statement::value::Second;
use tokio::sync::watch;

use crate::common::desk::NOW;
use crate::common::forwarding::{Reported, World, open_message};
use crate::common::serve;
use crate::receiver::{OTHER, Receiver, SECRET, direct, sign, world};

/// A world whose report has arrived, and the listener's address.
struct Called {
    world: World,
    case: Reported,
    url: String,
    http: reqwest::Client,
    _receiver: Receiver,
    _stop: watch::Sender<bool>,
}

async fn called() -> Called {
    let (mut world, receiver) = world(direct, |_, _| ()).await;
    let (case, item) = world.report("pothole", "a hole", Release::Urgent);
    world.offer(item);
    world.round().await;
    let (base, stop) = serve(with_document(router(world.forwarder.clone()))).await;
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    Called { world, case, url: format!("{base}/v1/updates"), http, _receiver: receiver, _stop: stop }
}

fn said(reference: &str, at: u64, more: Value) -> Vec<u8> {
    let mut data = json!({ "reference": reference });
    data.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({ "type": "report.updated", "timestamp": Second(at).to_string(), "data": data }).to_string().into_bytes()
}

impl Called {
    fn body(&self, at: u64, more: Value) -> Vec<u8> {
        said(&self.case.reference, at, more)
    }

    async fn post(&self, headers: &[(&str, &str)], body: &[u8]) -> (u16, String) {
        let request = self.http.post(&self.url).header("content-type", "application/json");
        let request = headers.iter().fold(request, |r, (name, value)| r.header(*name, *value));
        let answer = request.body(body.to_vec()).send().await.unwrap();
        let status = answer.status().as_u16();
        let body: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
        let code = body["type"].as_str().unwrap_or_default().rsplit(':').next().unwrap().to_owned();
        (status, code)
    }

    /// As a receiver calls back that does everything right.
    async fn tell(&self, id: &str, body: &[u8]) -> (u16, String) {
        let now = self.world.clock.now().to_string();
        let signature = sign(SECRET, id, &now, body);
        let headers =
            [("webhook-id", id), ("webhook-timestamp", now.as_str()), ("webhook-signature", signature.as_str())];
        self.post(&headers, body).await
    }

    async fn events(&self) -> Vec<Event> {
        self.world.forwarder.push_events().await.unwrap();
        self.world.events(&self.case.case_id)
    }

    async fn statuses(&self) -> Vec<Status> {
        let status = |e: &Event| match e {
            Event::Status { status, .. } => Some(*status),
            _ => None,
        };
        self.events().await.iter().filter_map(status).collect()
    }

    async fn texts(&self) -> Vec<String> {
        let events = self.events().await;
        let messages = events.iter().filter(|e| matches!(e, Event::Message { .. }));
        messages.map(|e| open_message(&self.world, &self.case, e).0.text).collect()
    }
}

fn ok() -> (u16, String) {
    (200, String::new())
}

fn is(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

#[tokio::test]
async fn a_status_an_officers_words_and_a_date_reach_the_reporter() {
    let c = called().await;
    let news = json!({ "status": "planned", "text": "[question] Which side?", "expected": "2027-02-01" });
    assert_eq!(c.tell("e1", &c.body(NOW, news)).await, ok());
    let events = c.events().await;
    let when = Some(Second::parse("2027-02-01T00:00:00Z").unwrap());
    let planned = |e: &Event| matches!(e, Event::Status { status: Status::Scheduled, eta, .. } if *eta == when);
    assert!(events.iter().any(planned), "{events:?}");
    let asked = events.iter().find(|e| matches!(e, Event::Message { .. })).unwrap();
    let (message, _, question) = open_message(&c.world, &c.case, asked);
    assert_eq!((message.text.as_str(), question), ("Which side?", true));
    assert!(c.world.held().await.is_empty());
}

/// Scenario 16.
#[tokio::test]
async fn repeated_late_and_reordered_call_backs_count_once_and_never_move_a_status_backwards() {
    let c = called().await;
    let done = c.body(NOW + 20, json!({ "status": "fixed", "text": "done" }));
    let taken = c.body(NOW + 10, json!({ "status": "in_progress", "text": "taken" }));
    for _ in 0..2 {
        assert_eq!(c.tell("b", &done).await, ok());
        assert_eq!(c.tell("a", &taken).await, ok());
    }
    let mut restarted = called().await;
    assert_eq!(restarted.tell("b", &restarted.body(NOW + 20, json!({ "text": "done" }))).await, ok());
    restarted.world.restart().await;
    let (base, _stop) = serve(with_document(router(restarted.world.forwarder.clone()))).await;
    restarted.url = format!("{base}/v1/updates");
    assert_eq!(restarted.tell("b", &restarted.body(NOW + 20, json!({ "text": "done" }))).await, ok());
    assert_eq!(restarted.texts().await, ["done"], "an id is remembered beyond the process");
    assert_eq!(c.statuses().await, [Status::Resolved], "the late one is no step back");
    assert_eq!(c.texts().await, ["done", "taken"], "its words count");
    assert!(c.world.held().await.is_empty());
    assert_eq!(c.tell("c", &c.body(NOW + 30, json!({ "status": "open" }))).await, ok());
    assert_eq!(c.statuses().await, [Status::Resolved]);
    assert_eq!(c.world.held().await, [("regression".to_owned(), "open".to_owned())]);
}

#[tokio::test]
async fn many_at_once_are_each_taken_once() {
    let c = called().await;
    let bodies: Vec<_> =
        (0..8).map(|n| (format!("e{}", n / 2), c.body(NOW, json!({ "text": format!("{}", n / 2) })))).collect();
    let all = bodies.iter().map(|(id, body)| c.tell(id, body));
    let (a, b, d, e, f, g, h, i) = {
        let mut all = all.collect::<Vec<_>>().into_iter();
        let mut next = || all.next().unwrap();
        tokio::join!(next(), next(), next(), next(), next(), next(), next(), next())
    };
    assert!([a, b, d, e, f, g, h, i].iter().all(|answer| *answer == ok()));
    let mut texts = c.texts().await;
    texts.sort();
    assert_eq!(texts, ["0", "1", "2", "3"]);
}

/// Scenario 17.
#[tokio::test]
async fn an_unknown_status_is_held_and_its_words_go_on() {
    let c = called().await;
    let news = json!({ "status": "awaiting_crane", "text": "We need a crane." });
    assert_eq!(c.tell("e1", &c.body(NOW, news)).await, ok());
    assert_eq!(c.world.held().await, [("status".to_owned(), "awaiting_crane".to_owned())]);
    assert!(c.statuses().await.is_empty());
    assert_eq!(c.texts().await, ["We need a crane."]);
}

#[tokio::test]
async fn refuses_what_the_receiver_did_not_sign_and_what_is_not_of_now() {
    let c = called().await;
    let body = c.body(NOW, json!({ "status": "fixed" }));
    let now = c.world.clock.now();
    let call = async |id: &str, at: u64, secret: &str, signed: &[u8]| {
        let at = at.to_string();
        let signature = sign(secret, id, &at, signed);
        let headers =
            [("webhook-id", id), ("webhook-timestamp", at.as_str()), ("webhook-signature", signature.as_str())];
        c.post(&headers, &body).await
    };
    assert_eq!(c.post(&[], &body).await, is(401, "webhook-signature"));
    assert_eq!(call("e1", now, OTHER, &body).await, is(401, "webhook-signature"));
    assert_eq!(call("e1", now, SECRET, b"{}").await, is(401, "webhook-signature"));
    assert_eq!(call("e.1", now, SECRET, &body).await, is(401, "webhook-signature"));
    for at in [now - 301, now + 301] {
        assert_eq!(call("e1", at, SECRET, &body).await, is(401, "webhook-timestamp"));
    }
    assert!(c.statuses().await.is_empty());
    assert_eq!(call("e1", now - 299, SECRET, &body).await, ok());
    assert_eq!(c.statuses().await, [Status::Resolved]);
}

/// What somebody kept is worth nothing later.
#[tokio::test]
async fn a_call_back_that_is_sent_again_much_later_is_refused() {
    let c = called().await;
    let (body, now) = (c.body(NOW, json!({ "text": "once" })), c.world.clock.now().to_string());
    let signature = sign(SECRET, "e1", &now, &body);
    let headers =
        [("webhook-id", "e1"), ("webhook-timestamp", now.as_str()), ("webhook-signature", signature.as_str())];
    assert_eq!(c.post(&headers, &body).await, ok());
    assert_eq!(c.post(&headers, &body).await, ok(), "known by its id");
    c.world.pass(301);
    assert_eq!(c.post(&headers, &body).await, is(401, "webhook-timestamp"));
    assert_eq!(c.texts().await, ["once"]);
}

/// The secret is one for both directions: what we signed ourselves is not taken as the receiver's word.
#[tokio::test]
async fn our_own_message_sent_back_to_us_is_refused() {
    let c = called().await;
    let came = c._receiver.script().came[0].clone();
    let headers = [
        ("webhook-id", came.id.as_str()),
        ("webhook-timestamp", came.timestamp.as_str()),
        ("webhook-signature", came.signature.as_str()),
    ];
    // serde_json writes the fields as they were signed: sorted.
    assert_eq!(c.post(&headers, came.body.to_string().as_bytes()).await, is(400, "unknown-field"));
}

#[tokio::test]
async fn refuses_what_is_malformed_and_says_what_is_wrong() {
    let c = called().await;
    let good = String::from_utf8(c.body(NOW, json!({ "status": "fixed" }))).unwrap();
    for (body, status, code) in [
        (good.replace("report.updated", "report.created"), 400, "verb"),
        (good.replace("\"status\"", "\"state\""), 400, "unknown-field"),
        (good.replace("\"fixed\"", "7"), 400, "field"),
        (good.replace("2027", "never").replace("2026", "never"), 400, "field"),
        (good.replace("\"data\"", "\"date\""), 400, "unknown-field"),
        ("[]".into(), 400, "field"),
        ("{".into(), 400, "json"),
        (good.replace(&c.case.reference, "0000-0000-0000"), 404, "no-case"),
        (format!("{good}{}", " ".repeat(70_000)), 413, "too-long"),
    ] {
        assert_eq!(c.tell("e1", body.as_bytes()).await, is(status, code), "{body:.200}");
    }
    let plain = c.http.post(&c.url).header("content-type", "text/plain").body(good).send().await.unwrap();
    assert_eq!(plain.status(), 415);
    assert!(c.statuses().await.is_empty() && c.world.held().await.is_empty());
}

#[tokio::test]
async fn markup_in_an_officers_words_is_text() {
    let c = called().await;
    let words = "<script>alert(1)</script>\u{1b}[2J";
    assert_eq!(c.tell("e1", &c.body(NOW, json!({ "text": words }))).await, ok());
    assert_eq!(c.texts().await, ["<script>alert(1)</script>[2J"], "and nothing that a terminal would obey");
}

/// No inbound port: the forwarder asks, and believes only what is signed as the answer to this question.
#[tokio::test]
async fn news_that_are_asked_for_are_taken_once_and_only_as_the_answer_to_the_question() {
    let (mut world, receiver) = world(direct, |webhook, receiver| {
        webhook.updates_url = Some(format!("{}/news", receiver.base));
    })
    .await;
    let (case, item) = world.report("pothole", "a hole", Release::Urgent);
    world.offer(item);
    world.round().await;
    let one = |id: &str, more: Value| {
        let mut one: Value = serde_json::from_slice(&said(&case.reference, NOW + 5, more)).unwrap();
        one["id"] = id.into();
        one
    };
    receiver.script().news = vec![one("n1", json!({ "status": "in_progress", "text": "on our way" }))];
    receiver.script().other_id = Some("another-question".into());
    assert!(world.forwarder.poll_updates().await.is_err());
    receiver.script().other_id = None;
    receiver.uses(OTHER);
    assert!(world.forwarder.poll_updates().await.is_err(), "by another secret");
    receiver.uses(SECRET);
    for _ in 0..3 {
        world.round().await;
        world.pass(60);
    }
    let events = world.events(&case.case_id);
    let (mut texts, mut statuses) = (Vec::new(), Vec::new());
    for event in &events {
        match event {
            Event::Message { .. } => texts.push(open_message(&world, &case, event).0.text),
            Event::Status { status, .. } => statuses.push(*status),
            Event::Sent { .. } => {}
        }
    }
    assert_eq!((texts, statuses), (vec!["on our way".to_owned()], vec![Status::InProgress]));
    // One that is wrong refuses all of them: nothing is skipped unseen.
    receiver.script().news = vec![one("n2", json!({ "text": "good" })), json!({ "id": "n3" })];
    assert!(world.forwarder.poll_updates().await.is_err());
    receiver.script().news.pop();
    assert_eq!(world.forwarder.poll_updates().await.unwrap(), 1);
}
