//! On the way out: exactly once at a receiver that remembers ids, at least once with a visible mark at any other.

use std::time::Duration;

use serde_json::Value;
use tabir::api::gateway::{Event, ItemKind};
use tabir::config::keys::write_private;
use tabir_crypto::content::{Dispute, DisputeCode, Message, MessageKind, Rating, Stars};
use tabir_crypto::json::to_vec;
use tabir_crypto::log::NoteSigner;
use tabir_crypto::statement::body::Release;
use tabir_crypto::statement::value::{Hex, V1};
use tabir_crypto::{SecretBytes, countersign};

use crate::common;
use crate::common::cut_proxy::CutProxy;
use crate::common::forwarding::{RETRY_S, Reported, World, open_message, write_item};
use crate::receiver::{Day, OTHER, Receiver, SECRET, direct, world};

fn report(world: &mut World, text: &str) -> Reported {
    let (case, item) = world.report("pothole", text, Release::Urgent);
    world.offer(item);
    case
}

fn sent(world: &World, case: &Reported) -> usize {
    world.events(&case.case_id).iter().filter(|e| matches!(e, Event::Sent { .. })).count()
}

/// Rounds until nothing is due any more: as many as any script here needs.
async fn rounds(world: &World, count: usize) {
    for _ in 0..count {
        world.round().await;
        world.pass(RETRY_S);
    }
}

#[tokio::test]
async fn a_report_goes_out_once_signed_with_what_a_geo_report_has_and_no_more() {
    let (mut world, receiver) = world(direct, |_, _| ()).await;
    let case = report(&mut world, "Lubang besar");
    rounds(&world, 3).await;
    let came = receiver.script().came.clone();
    let [one] = came.as_slice() else { panic!("{came:?}") };
    assert_eq!(one.id, format!("tabir_{}_0", case.reference));
    assert_eq!((&one.body["type"], &one.body["timestamp"]), (&"report.created".into(), &"2026-11-25T00:00:00Z".into()));
    let data = one.body["data"].as_object().unwrap();
    assert_eq!(data["description"], format!("Lubang besar\n\n[tabir:{}]", case.reference));
    assert_eq!(data["requested_datetime"], "2026-11-25", "the day alone");
    let hash = hex::encode(tabir_crypto::codec::sha256(b"an envelope"));
    assert_eq!(data["envelope"]["sha256"], hash);
    assert_eq!(data["envelope"]["url"], format!("https://gateway.example/v1/envelopes/{hash}"));
    let names: Vec<&str> = data.keys().map(String::as_str).collect();
    let expected = [
        "address_string",
        "attributes",
        "description",
        "envelope",
        "language",
        "reference",
        "requested_datetime",
        "service_code",
    ];
    assert_eq!(names, expected, "nothing else");
    assert_eq!(sent(&world, &case), 1);
    assert!(world.held().await.is_empty());
}

/// Scenario 15: the receiver has it, its answer is lost on the way.
#[tokio::test]
async fn lost_answers_make_no_second_effect_and_the_repetition_says_so() {
    let mut proxy = None;
    let (mut world, receiver) = world(
        async |base: &str| {
            let cut = CutProxy::start(base, 3).await;
            let url = cut.base.clone();
            proxy = Some(cut);
            url
        },
        |_, _| (),
    )
    .await;
    let cases: Vec<_> = (0..4).map(|n| report(&mut world, &format!("report {n}"))).collect();
    rounds(&world, 4).await;
    assert_eq!(proxy.unwrap().cut(), 3);
    let came = receiver.script().came.clone();
    assert_eq!((came.len(), receiver.effects().len()), (7, 4), "seven times sent, four times done");
    for case in &cases {
        let id = format!("tabir_{}_0", case.reference);
        let again: Vec<&Value> = came.iter().filter(|c| c.id == id).map(|c| &c.body["data"]["repeated"]).collect();
        assert_eq!(again[0], &Value::Null);
        assert!(again[1..].iter().all(|mark| *mark == true), "a receiver without a memory sees what may be double");
        assert_eq!(sent(&world, case), 1);
    }
}

/// Scenario 15: the process dies after the POST.
#[tokio::test]
async fn a_crash_after_the_message_left_keeps_its_id() {
    let (mut world, receiver) = world(direct, |_, _| ()).await;
    let case = report(&mut world, "once");
    world.forwarder.take_in().await.unwrap();
    receiver.next(Day::TakesAndIsSilent);
    let stored = async {
        while receiver.effects().is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::select! {
        () = stored => {}
        done = world.forwarder.send_due() => panic!("an answer came: {done:?}"),
    }
    world.restart().await;
    rounds(&world, 2).await;
    let ids: Vec<String> = receiver.script().came.iter().map(|c| c.id.clone()).collect();
    assert_eq!(ids, [format!("tabir_{}_0", case.reference), format!("tabir_{}_0", case.reference)]);
    assert_eq!((receiver.effects().len(), sent(&world, &case)), (1, 1));
}

/// Scenario 14: a week without an answer, then a slow return.
#[tokio::test]
async fn after_a_week_of_refusals_everything_arrives_once() {
    let (mut world, receiver) = world(direct, |_, _| ()).await;
    let cases: Vec<_> = (0..5).map(|n| report(&mut world, &format!("report {n}"))).collect();
    for status in [500, 502, 503, 504, 408, 429] {
        for _ in 0..5 {
            receiver.next(Day::Refuses(status, Vec::new()));
        }
        rounds(&world, 1).await;
        world.pass(86_400);
    }
    assert!(receiver.effects().is_empty());
    rounds(&world, 8).await;
    assert_eq!(receiver.effects().len(), 5);
    assert!(cases.iter().all(|case| sent(&world, case) == 1));
    assert!(world.held().await.is_empty(), "an outage needs nobody");
}

#[tokio::test]
async fn a_receiver_that_asks_to_wait_is_left_alone_for_so_long() {
    let (mut world, receiver) = world(direct, |_, _| ()).await;
    receiver.next(Day::Refuses(429, vec![("retry-after", "5000".into())]));
    report(&mut world, "later");
    world.round().await;
    for _ in 0..4 {
        world.pass(RETRY_S);
        world.round().await;
        assert_eq!(receiver.script().came.len(), 1, "asked not to");
    }
    rounds(&world, 3).await;
    assert_eq!(receiver.effects().len(), 1);
}

#[tokio::test]
async fn refusals_and_redirects_are_held_where_people_see_them_and_lose_nothing() {
    for (day, held) in [
        (Day::Refuses(410, Vec::new()), ("refused", "410")),
        (Day::Refuses(400, Vec::new()), ("refused", "400")),
        (Day::Refuses(307, vec![("location", "http://127.0.0.1:9/elsewhere".into())]), ("answer", "redirect")),
    ] {
        let (mut world, receiver) = world(direct, |_, _| ()).await;
        receiver.next(day);
        let case = report(&mut world, "held");
        world.round().await;
        assert_eq!(world.held().await, [(held.0.to_owned(), held.1.to_owned())]);
        assert_eq!(sent(&world, &case), 0);
        rounds(&world, 3).await;
        assert_eq!((receiver.effects().len(), sent(&world, &case)), (1, 1), "{held:?}");
    }
}

/// What stands behind a redirect never hears of it.
#[tokio::test]
async fn a_redirect_to_elsewhere_is_not_followed() {
    let (mut world, receiver) = world(direct, |_, _| ()).await;
    let elsewhere = Receiver::start(&world.clock).await;
    let to = format!("{}/tabir", elsewhere.base);
    receiver.next(Day::Refuses(308, vec![("location", to)]));
    report(&mut world, "for one only");
    rounds(&world, 3).await;
    assert!(elsewhere.script().came.is_empty());
    assert_eq!(receiver.effects().len(), 1);
}

#[tokio::test]
async fn garbage_and_floods_in_an_answer_change_nothing() {
    let (mut world, receiver) = world(direct, |_, _| ()).await;
    for body in [b"<html>".to_vec(), vec![b'['; 200_000], vec![b'x'; 20 << 20], br#"{"countersignature":7}"#.to_vec()] {
        receiver.next(Day::Takes(200, body));
    }
    let cases: Vec<_> = (0..4).map(|n| report(&mut world, &format!("report {n}"))).collect();
    rounds(&world, 3).await;
    let came = receiver.script().came.len();
    assert_eq!((came, receiver.effects().len()), (4, 4), "2xx is enough");
    assert!(cases.iter().all(|case| sent(&world, case) == 1));
}

#[tokio::test]
async fn later_words_follow_in_order_each_with_an_id_of_its_own() {
    let (mut world, receiver) = world(direct, |_, _| ()).await;
    let mut case = report(&mut world, "first");
    world.round().await;
    let words =
        Message { v: V1, seq: 1, prev: Hex([0; 32]), kind: MessageKind::Note, re: None, text: "by the market".into() };
    let item = world.sealed_write(&mut case, ItemKind::Message, &to_vec(&words).unwrap());
    world.offer(item);
    let item = write_item(
        &mut case,
        ItemKind::Rating,
        to_vec(&Rating { v: V1, stars: Stars::new(2).unwrap() }).unwrap(),
        None,
    );
    world.offer(item);
    let dispute = Dispute { v: V1, seq: 2, code: DisputeCode::NotDone, text: "still there".into() };
    let item = world.sealed_write(&mut case, ItemKind::Dispute, &to_vec(&dispute).unwrap());
    world.offer(item);
    receiver.next(Day::Refuses(500, Vec::new()));
    rounds(&world, 6).await;
    let effects = receiver.effects();
    let kinds: Vec<&str> = effects.iter().map(|e| e["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["report.created", "report.message", "report.rating", "report.dispute"]);
    for (counter, effect) in effects.iter().enumerate().skip(1) {
        let data = &effect["data"];
        assert_eq!(
            (&data["reference"], data["counter"].as_u64()),
            (&case.reference.clone().into(), Some(counter as u64))
        );
        assert!(data["description"].as_str().unwrap().ends_with(&format!("[tabir:{}/{counter}]", case.reference)));
    }
    assert!(effects[1]["data"]["description"].as_str().unwrap().contains("by the market"));
}

/// Rotation: both secrets sign, so the receiver changes when it likes.
#[tokio::test]
async fn two_secrets_at_once_let_the_receiver_change_without_a_gap() {
    let (mut world, receiver) = world(direct, |webhook, _| {
        let newer = webhook.secret_files[0].with_file_name("newer.secret");
        write_private(&newer, OTHER.as_bytes()).unwrap();
        webhook.secret_files.insert(0, newer);
    })
    .await;
    for secret in [SECRET, OTHER] {
        receiver.uses(secret);
        report(&mut world, secret);
        rounds(&world, 2).await;
    }
    assert_eq!(receiver.effects().len(), 2);
}

/// The answer may carry the complaint system's word that it has the report; it goes to the reporter and nobody else.
#[tokio::test]
async fn a_countersignature_in_the_answer_reaches_the_reporter_and_another_cases_does_not() {
    let (mut world, receiver) = world(direct, |_, _| ()).await;
    let signer = NoteSigner::from_seed("complaints.example", &SecretBytes::new([9; 32])).unwrap();
    let origin = common::world::ORIGIN;
    let answer = |reference: &str| {
        let note = countersign::sign(&signer, origin, reference).unwrap();
        serde_json::json!({ "countersignature": note }).to_string().into_bytes()
    };
    let case = report(&mut world, "with a note");
    receiver.next(Day::Takes(200, answer(&case.reference)));
    rounds(&world, 2).await;
    let other = report(&mut world, "with another's note");
    receiver.next(Day::Takes(200, answer(&case.reference)));
    rounds(&world, 2).await;
    let messages = |case: &Reported| -> Vec<Event> {
        world.events(&case.case_id).into_iter().filter(|e| matches!(e, Event::Message { .. })).collect()
    };
    let [event]: [Event; 1] = messages(&case).try_into().unwrap();
    let (message, _, question) = open_message(&world, &case, &event);
    countersign::check(&message.text, origin, &case.reference, signer.verifier_key()).unwrap();
    assert!(!question);
    assert!(messages(&other).is_empty());
    assert_eq!(world.held().await, [("countersignature".to_owned(), "context".to_owned())]);
    assert_eq!((sent(&world, &case), sent(&world, &other)), (1, 1));
}

/// A secret that others can read, none, or three: said at the start.
#[tokio::test]
async fn a_configuration_without_a_usable_secret_does_not_start() {
    use std::os::unix::fs::PermissionsExt as _;
    let (world, _) = world(direct, |_, _| ()).await;
    let secret = world.dir.path().join("webhook.secret");
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o644)).unwrap();
    assert!(world.opened(|_| ()).await.unwrap_err().to_string().contains("chmod 600"));
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o600)).unwrap();
    world.opened(|_| ()).await.unwrap();
    let of = |count: usize| {
        let secret = secret.clone();
        world.opened(move |config| config.webhook.as_mut().unwrap().secret_files = vec![secret; count])
    };
    assert!(of(0).await.is_err() && of(3).await.is_err());
    std::fs::write(&secret, "swordfish").unwrap();
    assert!(world.opened(|_| ()).await.is_err(), "no whsec_");
}
