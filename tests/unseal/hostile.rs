//! Whoever sits between two parties drops, replays, delays and edits: what comes of it is a clear error or a success later,
//! and never a wrong opening.

use serde_json::Value;
use tabir::client::ClientError;
use tabir::client::official::open::{Outcome, open};
use tabir::client::official::partial::{Released, partial};
use tabir::client::official::request::request;
use tabir::client::official::{OfficialError, approve};
use tabir::http::Method;
use tabir_crypto::statement::Verb;
use tabir_crypto::trust::unseal::Status;
use tabir_crypto::{B32, Code};

use crate::between::{Act, Between, spoil};
use crate::cut_proxy::CutProxy;
use crate::opening::{help, look};
use crate::world::{World, patience, person, refused, said_no};

async fn vote(world: &World, url: &str, n: u16, hash: &B32, case: &str) -> Result<(), OfficialError> {
    let (session, mut file) = (world.session().await, world.official(n));
    let board = world.board_at(url, file.signing());
    approve::approve(&session, &board, &mut file, hash, (case, "agreed"), &mut patience()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_act_whose_answer_was_lost_is_done_once() {
    let world = World::start().await;
    let who = person("Sari");
    let case = world.case(Some(who.clone())).await;
    // The board takes it, and the answer is cut off: each time.
    let proxy = CutProxy::start(&world.ports.peers().council, 1).await;
    let one = world.official(1);
    let ask = World::ask(&case);
    let board = world.board_at(&proxy.base, one.signing());
    let hash = request(&mut world.session().await, &board, &one, &ask, &mut patience()).await.unwrap();
    for n in [1, 2] {
        proxy.add(1);
        vote(&world, &proxy.base, n, &hash, &case).await.unwrap();
    }
    let session = world.until(&hash, "the release", |r| r.release.is_some()).await;
    let mut wait = patience();
    let one = world.official(1);
    while Released::load(&session, &board, &one, &hash).await.is_err() {
        wait.wait("the hand-out").await.unwrap();
    }
    for n in [1, 2] {
        proxy.add(1);
        let file = world.official(n);
        let board = world.board_at(&proxy.base, file.signing());
        partial(&session, &board, &file, &hash, &case, &mut patience()).await.unwrap();
    }
    let session = world.until(&hash, "partials", |r| r.partials.len() == 2).await;
    for n in [1, 2] {
        proxy.add(1);
        let file = world.official(n);
        let board = world.board_at(&proxy.base, file.signing());
        let opening = open(&session, &board, &file, &hash, &mut patience()).await.unwrap();
        assert!(matches!(opening.outcome, Outcome::Opened(record) if *record == who));
    }
    assert_eq!(proxy.cut(), 7);
    let session = world.until(&hash, "the end", |r| r.ended.is_some()).await;
    assert_eq!(session.view.state.requests().len(), 1, "asked once");
    let request = session.view.state.request(&hash).unwrap();
    assert_eq!((request.approvals.len(), request.partials.len()), (2, 2));
    assert_eq!(world.status(&hash).await, Status::Opened);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_changed_dropped_or_replayed_between_an_official_and_the_board_opens_nothing_wrong() {
    let world = World::start().await;
    let who = person("Sari");
    let case = world.case(Some(who.clone())).await;
    let hash = world.requested(&case).await;
    let between = Between::start().await;
    between.before(&mut world.ports.peers().council);

    // Another case behind the reference that the official typed.
    for field in ["case_id", "access_hash", "content_hash", "notice_key", "envelope"] {
        between.edit(&case, move |answer| spoil(&mut answer[field]));
        let no = said_no(vote(&world, &between.base, 2, &hash, &case).await);
        assert!(no.contains("another case"), "{field}: {no}");
    }
    // Another text, another envelope.
    let files = format!("/council/requests/{}", hex::encode(hash));
    for (field, code) in [("text", Code::Aead), ("envelope", Code::Context)] {
        between.edit(&files, move |answer| spoil(&mut answer[field]));
        assert_eq!(refused(vote(&world, &between.base, 2, &hash, &case).await), code, "{field}");
    }
    // The vote itself.
    between.rule(|method, _| match *method {
        Method::POST => Act::Request(Box::new(|body| {
            let at = body.len() / 2;
            body[at] ^= 1;
        })),
        _ => Act::Pass,
    });
    let error = vote(&world, &between.base, 2, &hash, &case).await.expect_err("it was changed");
    assert!(error.to_string().starts_with("call"), "{error}");
    between.rule(|method, _| if *method == Method::POST { Act::Drop } else { Act::Pass });
    let error = vote(&world, &between.base, 2, &hash, &case).await.expect_err("it was dropped");
    assert!(matches!(error, OfficialError::Client(ClientError::Http(_))), "{error}");
    assert!(world.session().await.view.state.request(&hash).unwrap().approvals.is_empty(), "nothing arrived");
    between.rule(|method, _| if *method == Method::POST { Act::Twice } else { Act::Pass });
    vote(&world, &between.base, 2, &hash, &case).await.unwrap();
    assert_eq!(between.second(), [401], "a replay");
    between.pass();
    vote(&world, &between.base, 1, &hash, &case).await.unwrap();

    let session = world.until(&hash, "the release", |r| r.release.is_some()).await;
    let two = world.official(2);
    let board = world.board_at(&between.base, two.signing());
    let mut wait = patience();
    while Released::load(&session, &board, &two, &hash).await.is_err() {
        wait.wait("the hand-out").await.unwrap();
    }
    between.edit(&files, |answer| spoil(&mut answer["handout"]));
    assert_eq!(refused(Released::load(&session, &board, &two, &hash).await), Code::Context, "another hand-out");
    between.edit(&files, |answer| drop(answer.as_object_mut().unwrap().remove("handout")));
    assert!(said_no(Released::load(&session, &board, &two, &hash).await).contains("no hand-out for you yet"));
    between.pass();
    for n in [1, 2] {
        help(&world, n, &hash, &case).await.unwrap();
    }
    let session = world.until(&hash, "partials", |r| r.partials.len() == 2).await;
    let through = async || open(&session, &board, &two, &hash, &mut patience()).await;
    between.edit(&files, |answer| {
        let all = answer["partials"].as_array_mut().unwrap();
        let (first, second) = (all[0]["sealed"].clone(), all[1]["sealed"].clone());
        (all[0]["sealed"], all[1]["sealed"]) = (second, first);
    });
    let no = said_no(through().await);
    assert!(no.contains("official 1, 2") && no.contains("the board or the way to it"), "no honest one is blamed: {no}");
    between.edit(&files, |answer| spoil(&mut answer["partials"][0]["sealed"]));
    assert!(said_no(through().await).contains("official 1 is not"));
    between.edit(&files, |answer| answer["partials"] = Value::Array(Vec::new()));
    assert_eq!(refused(through().await), Code::TooFew);
    between.pass();
    assert!(world.session().await.view.state.request(&hash).unwrap().ended.is_none());
    for opening in [through().await.unwrap(), look(&world, 1, &hash).await.unwrap()] {
        assert!(matches!(opening.outcome, Outcome::Opened(record) if *record == who));
    }
    assert_eq!(world.ended(&hash).await.verb(), Verb::UnsealOpened);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vote_that_arrives_late_or_before_what_it_follows_counts_for_nothing() {
    let world = World::start().await;
    let case = world.case(None).await;
    let hash = world.requested(&case).await;
    let between = Between::start().await;
    between.before(&mut world.ports.peers().council);
    between.rule(|method, _| if *method == Method::POST { Act::Later } else { Act::Pass });
    for n in [2, 3] {
        vote(&world, &between.base, n, &hash, &case).await.expect_err("no answer");
    }
    // The same vote by another way: what was held is its replay then, in another order.
    vote(&world, &world.ports.peers().council, 3, &hash, &case).await.unwrap();
    world.until(&hash, "a vote", |r| r.approvals.len() == 1).await;
    let (session, one) = (world.session().await, world.official(1));
    approve::withdraw(&session, &world.board(one.signing()), &one, &hash, "scope", &mut patience()).await.unwrap();
    world.until(&hash, "the end", |r| r.ended.is_some()).await;
    let mut wait = patience();
    while world.holds().await > 0 {
        wait.wait("the board's reading of the end").await.unwrap();
    }
    let statuses = between.deliver().await;
    assert_eq!(statuses, [400, 200], "an order that is none; and what the board has already");
    assert_eq!(world.status(&hash).await, Status::Withdrawn);
    assert_eq!(world.session().await.view.state.request(&hash).unwrap().approvals.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_changed_or_dropped_between_board_and_warden_fails_the_request_or_is_done_later() {
    let between = Between::start().await;
    between.edit("/internal/unseal/ready", |answer| {
        answer["requests"].as_array_mut().unwrap().iter_mut().for_each(|r| spoil(&mut r["text"]));
    });
    let settings = |role: &str, config: &mut tabir::config::Config| {
        if role == "warden" {
            between.before(&mut config.peers.council_internal);
        }
    };
    let world = World::start_with(|_| (), settings).await;
    let case = world.case(Some(person("Sari"))).await;
    let asked = async || {
        let hash = world.requested(&case).await;
        for n in [1, 2] {
            world.approve(n, &hash, &case).await.unwrap();
        }
        hash
    };
    // A text that no key of the warden opens; then another envelope than the text names.
    let hash = asked().await;
    assert_eq!(world.end_code(&hash).await, (Verb::UnsealFailed, "request".into()));
    between.edit("/internal/unseal/ready", |answer| {
        answer["requests"].as_array_mut().unwrap().iter_mut().for_each(|r| spoil(&mut r["envelope"]));
    });
    let hash = asked().await;
    assert_eq!(world.end_code(&hash).await, (Verb::UnsealFailed, "request".into()));
    // Hand-outs that don't arrive are sent until they do; a second time they change nothing.
    let mut left = 2;
    between.rule(move |_, path| match path.ends_with("/handouts") {
        true if left > 0 => {
            left -= 1;
            Act::Drop
        }
        true => Act::Twice,
        false => Act::Pass,
    });
    let hash = world.released(&case, &[1, 2]).await;
    for n in [1, 2] {
        help(&world, n, &hash, &case).await.unwrap();
    }
    world.until(&hash, "partials", |r| r.partials.len() == 2).await;
    look(&world, 1, &hash).await.unwrap();
    look(&world, 2, &hash).await.unwrap();
    assert_eq!(world.ended(&hash).await.verb(), Verb::UnsealOpened);
}
