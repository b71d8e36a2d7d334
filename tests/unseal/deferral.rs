//! A notice that comes later: what stands in public meanwhile, what approvers see, and who publishes the nonce when.

use serde_json::Value;
use tabir::client::official::case::OpenRequest;
use tabir::client::official::request::Ask;
use tabir::client::official::{OfficialError, approve};
use tabir_crypto::B32;
use tabir_crypto::receipt::notice_tag;
use tabir_crypto::statement::value::Second;
use tabir_crypto::trust::unseal::Status;

use crate::commands::{done, unseal};
use crate::world::{World, patience, person, said_no};

/// So many seconds from now: enough for two approvals, and for a slow machine.
const LATER_S: u64 = 20;

async fn text_nonce(world: &World, n: u16, hash: &B32) -> [u8; 32] {
    let (session, file) = (world.session().await, world.official(n));
    OpenRequest::load(&session, &world.board(file.signing()), &file, hash).await.unwrap().text.nonce.0
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deferred_notice_is_published_by_the_warden_at_its_date_and_not_before() {
    let world = World::start().await;
    let case = world.case(Some(person("Sari"))).await;
    let until = Second(world.now() + LATER_S);
    let date = until.to_string();
    let ask = ["--case", &case, "--basis", "court_order", "--reason", "witness", "--words", "The court asks."];
    let defer = ["--category", "bribery", "--defer-until", &date, "--deferral", "inquiry", "--confirm", &case];
    // Both or none, and a time in the one form.
    for (half, says) in [(["--defer-until", &date], "--deferral"), (["--defer-until", "tomorrow"], "2027-01-31")] {
        let (code, _, err) = unseal(&world, 1, "request", &[&ask[..], &half[..]].concat()).await;
        assert!(code == 2 && err.contains(says), "{code} {err}");
    }
    let asked = done(&world, 1, "request", &[&ask[..], &defer[..]].concat()).await;
    let hash: B32 = hex::decode(asked["request"].as_str().unwrap()).unwrap().try_into().unwrap();
    let session = world.session().await;
    let entry = session.view.state.request(&hash).unwrap().body.clone();
    assert_eq!((entry.nonce, entry.deferred_until), (None, Some(until)));
    assert_eq!(entry.deferral.unwrap().as_str(), "inquiry");
    let nonce = text_nonce(&world, 2, &hash).await;

    // Who is asked to approve sees it, by the list and by the step itself.
    let list = done(&world, 2, "list", &[]).await;
    let line = &list["requests"][0];
    assert_eq!((&line["deferred_until"], &line["deferral"]), (&Value::from(&*date), &"inquiry".into()));
    assert_eq!((&line["text"]["case"], &line["text"]["category"]), (&Value::from(&*case), &"bribery".into()));
    assert_eq!((&line["near_end"], &line["unreadable"]), (&false.into(), &Value::Null));
    let vote = ["--request", asked["request"].as_str().unwrap(), "--reason", "agreed", "--confirm", &case];
    for n in [1, 2] {
        let (code, _, err) = unseal(&world, n, "approve", &vote).await;
        assert_eq!(code, 0, "{err}");
        for says in [&case, "bribery", "as the requester states it", "The court asks.", "court_order", &date, "ends  "]
        {
            assert!(err.contains(says), "{says} is not in: {err}");
        }
        assert!(err.contains("inquiry") && err.contains("national id"), "{err}");
    }
    let session = world.until(&hash, "approvals", |r| r.approvals.len() == 2).await;
    let request = session.view.state.request(&hash).unwrap();
    assert!(request.approvals.iter().all(|a| a.body.deferred_until == Some(until)), "each signs the date");
    let session = world.until(&hash, "the release", |r| r.release.is_some()).await;
    if session.view.witnessed < until.0 {
        assert_eq!(session.view.state.request(&hash).unwrap().notice, None, "not before its date");
    }
    let session = world.until(&hash, "the notice", |r| r.notice.is_some()).await;
    let request = session.view.state.request(&hash).unwrap();
    let at = session.view.state.witnessed().of(request.notice.unwrap()).unwrap();
    assert!(at >= until.0, "{at} is before {until}");
    let published = world.notice(&session, request).await;
    assert_eq!(published, nonce);
    // What the reporter's device will try with its notice key.
    let text = world.text(2, &hash).await;
    assert_eq!(notice_tag(&text.notice_key.0, &published), request.body.tag.0);
    assert_eq!(request.status(session.view.state.witnessed(), session.now()), Status::Released);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deferred_notice_comes_also_when_the_request_was_withdrawn_and_its_text_is_kept_until_then() {
    let world = World::start().await;
    let case = world.case(Some(person("Sari"))).await;
    let until = Second(world.now() + LATER_S);
    let ask = Ask { deferral: Some((until, "inquiry".into())), ..World::ask(&case) };
    let hash = world.requested_with(&ask).await.unwrap();
    let nonce = text_nonce(&world, 1, &hash).await;
    let (session, one) = (world.session().await, world.official(1));
    approve::withdraw(&session, &world.board(one.signing()), &one, &hash, "scope", &mut patience()).await.unwrap();
    world.until(&hash, "the end", |r| r.ended.is_some()).await;
    let mut wait = patience();
    while world.holds().await > 0 {
        wait.wait("the release of the hold").await.unwrap();
    }
    assert_eq!(world.sealed_to().await, [0], "the warden's copy alone is left");
    let session = world.until(&hash, "the notice", |r| r.notice.is_some()).await;
    assert_eq!(world.notice(&session, session.view.state.request(&hash).unwrap()).await, nonce);
    while !world.sealed_to().await.is_empty() {
        wait.wait("the end of the last copy").await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_a_deferral_that_is_over_too_long_or_of_no_code_of_the_policy() {
    let world = World::start().await;
    let case = world.case(None).await;
    let longest = world.trust.root().deferral_max_s;
    for (until, code, says) in [
        (world.now() - 1, "inquiry", "to a date that is to come"),
        (world.now() + longest + 60, "inquiry", "at most"),
        (world.now() + 30, "because", "because is no code"),
    ] {
        let ask = Ask { deferral: Some((Second(until), code.into())), ..World::ask(&case) };
        let no: Result<B32, OfficialError> = world.requested_with(&ask).await;
        let words = said_no(no);
        assert!(words.contains(says), "{words}");
    }
    let ask = Ask { category: Some("because".into()), ..World::ask(&case) };
    assert!(said_no(world.requested_with(&ask).await).contains("because is no category"));
    assert!(world.session().await.view.state.requests().is_empty(), "nothing was signed");
}
