//! What comes out of an opening: the identity, or a code, and what it leaves at the gateway.

use std::os::unix::fs::PermissionsExt as _;

use serde_json::Value;
use tabir::api::council::{Act, SealedTo};
use tabir::client::official::open::{Opening, Outcome, open};
use tabir::client::official::partial::{Released, partial};
use tabir::client::official::{OfficialError, approve};
use tabir::clock::Random;
use tabir_crypto::codec::sha256;
use tabir_crypto::content::IdentityRecord;
use tabir_crypto::hpke::{Use, uses};
use tabir_crypto::statement::body::{IndexedHash, UnsealPartial};
use tabir_crypto::statement::value::{Bytes, Hex, Hour, V1};
use tabir_crypto::statement::{Statement, Verb};
use tabir_crypto::threshold::{self, OpeningContext};
use tabir_crypto::trust::unseal::Status;
use tabir_crypto::{B32, Code};

use crate::commands::{done, unseal};
use crate::world::{World, patience, person, problem, said_no};

/// What the list says that an official may do with the newest request.
async fn next(world: &World, n: u16) -> (String, Vec<String>) {
    let list = done(world, n, "list", &[]).await;
    let last = list["requests"].as_array().unwrap().last().unwrap().clone();
    let steps = last["next"].as_array().unwrap().iter().map(|s| s.as_str().unwrap().to_owned()).collect();
    (last["status"].as_str().unwrap().to_owned(), steps)
}

#[tokio::test(flavor = "multi_thread")]
async fn two_of_three_open_one_case_by_their_commands() {
    let world = World::start().await;
    let who = person("Sari");
    let case = world.case(Some(who.clone())).await;
    let other = world.case(Some(person("Budi"))).await;
    let ask = ["--case", &case, "--basis", "court_order", "--reason", "witness", "--words", "The court asks."];
    let (code, _, err) = unseal(&world, 1, "request", &[&ask[..], &["--confirm", &other]].concat()).await;
    assert!(code == 1 && err.contains("another case"), "{code} {err}");
    let (code, ..) = unseal(&world, 1, "request", &ask).await;
    assert_eq!(code, 2, "nothing was typed");
    assert!(world.session().await.view.state.requests().is_empty(), "nothing was signed");

    let asked = done(&world, 1, "request", &[&ask[..], &["--confirm", &case]].concat()).await;
    let hash = asked["request"].as_str().unwrap().to_owned();
    let id: B32 = hex::decode(&hash).unwrap().try_into().unwrap();
    assert_eq!(next(&world, 1).await, ("requested".into(), vec!["approve".into(), "refuse".into(), "withdraw".into()]));
    assert_eq!(next(&world, 2).await.1, ["approve", "refuse"]);
    for n in [1, 2] {
        let vote = ["--request", &hash, "--reason", "agreed", "--confirm", &case];
        assert_eq!(done(&world, n, "approve", &vote).await["did"], "approved");
    }
    world.until(&id, "the release", |r| r.release.is_some()).await;
    assert_eq!(next(&world, 3).await.1, Vec::<String>::new(), "the third did not approve");

    let step = ["--request", &hash, "--confirm", &case];
    for n in [1, 2] {
        let mut tries = 0;
        // The board has the hand-outs a moment after the log has the release.
        while unseal(&world, n, "partial", &step).await.0 != 0 {
            tries += 1;
            assert!(tries < 60, "no hand-out");
        }
    }
    world.until(&id, "partials", |r| r.partials.len() == 2).await;
    assert_eq!(next(&world, 1).await, ("released".into(), vec!["open".into()]));
    for (n, complete) in [(1, false), (2, true)] {
        let file = world.dir.path().join(format!("record-{n}.json"));
        let path = file.display().to_string();
        let opened = done(&world, n, "open", &[&step[..], &["--out", &path]].concat()).await;
        assert_eq!((&opened["did"], &opened["complete"]), (&"opened".into(), &complete.into()));
        assert_eq!(opened["record"], Value::Null, "it is in the file");
        let record: IdentityRecord = tabir_crypto::json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        assert!(record == who);
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }
    world.until(&id, "the end", |r| r.ended.is_some()).await;
    assert_eq!(world.status(&id).await, Status::Opened);
}

pub async fn help(world: &World, n: u16, hash: &B32, reference: &str) -> Result<(), OfficialError> {
    let (session, file) = (world.session().await, world.official(n));
    partial(&session, &world.board(file.signing()), &file, hash, reference, &mut patience()).await
}

pub async fn look(world: &World, n: u16, hash: &B32) -> Result<Opening, OfficialError> {
    let (session, file) = (world.session().await, world.official(n));
    open(&session, &world.board(file.signing()), &file, hash, &mut patience()).await
}

/// An approver's act with a partial that was made for another case.
async fn false_partial(world: &World, n: u16, hash: &B32) -> Act {
    let (session, file) = (world.session().await, world.official(n));
    let released = Released::load(&session, &world.board(file.signing()), &file, hash).await.unwrap();
    let share = file.share(&released.open.council).unwrap();
    let other = OpeningContext { case_id: [9; 32], ..released.context() };
    let made = threshold::make(&other, &share, &mut Random).unwrap();
    let (mut sealed, mut partials) = (Vec::new(), Vec::new());
    for (to, key) in &released.recipients {
        let place = Use::Partial { request_hash: *hash, from: n, to: *to };
        let bytes = uses::seal(key, &place, made.expose(), &mut Random).unwrap();
        partials.push(IndexedHash { index: *to, hash: Hex(sha256(&bytes)) });
        sealed.push(SealedTo { to: *to, sealed: Bytes(bytes) });
    }
    let at = Hour::of(session.clock.now());
    let body = UnsealPartial { v: V1, at, request_hash: Hex(*hash), index: n, partials };
    let statement = Statement::signed(Verb::UnsealPartial, &body, file.signing()).unwrap();
    Act { v: V1, statement, reference: None, sealed }
}

#[tokio::test(flavor = "multi_thread")]
async fn names_the_approver_whose_partial_is_for_another_case_and_the_others_still_open() {
    let world = World::start().await;
    let who = person("Sari");
    let case = world.case(Some(who.clone())).await;
    let other = world.case(Some(person("Budi"))).await;
    let hash = world.released(&case, &[1, 2, 3]).await;
    assert!(said_no(help(&world, 1, &hash, &other).await).contains("another case"));

    let bad = false_partial(&world, 3, &hash).await;
    let three = world.official(3);
    let mut swapped = bad.clone();
    swapped.sealed[0].sealed = swapped.sealed[1].sealed.clone();
    let mut short = bad.clone();
    short.sealed.pop();
    for act in [swapped, short] {
        assert_eq!(problem(world.post(three.signing(), &act).await), (400, "context".into()));
    }
    assert!(world.session().await.view.state.request(&hash).unwrap().partials.is_empty());

    world.post(three.signing(), &bad).await.unwrap();
    help(&world, 1, &hash, &case).await.unwrap();
    world.until(&hash, "two partials", |r| r.partials.len() == 2).await;
    let error = look(&world, 1, &hash).await.err().expect("one good partial is too few");
    assert!(matches!(error, OfficialError::BadPartial { index: 3, .. }), "{error}");

    help(&world, 2, &hash, &case).await.unwrap();
    world.until(&hash, "three partials", |r| r.partials.len() == 3).await;
    for (n, complete) in [(1, false), (2, true)] {
        let opening = look(&world, n, &hash).await.unwrap();
        let cheaters: Vec<_> = opening.cheaters.iter().map(|e| e.culprit()).collect();
        assert_eq!((cheaters, opening.complete), (vec![Some(3)], complete));
        assert!(matches!(&opening.outcome, Outcome::Opened(record) if **record == who));
    }
    // The third does not sign, and does not keep the opening out of the log.
    world.until(&hash, "the end", |r| r.ended.is_some()).await;
    assert_eq!(world.status(&hash).await, Status::Opened);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_case_without_an_identity_ends_in_failed_by_t_approvers() {
    let world = World::start().await;
    let case = world.case(None).await;
    let hash = world.released(&case, &[1, 2]).await;
    for n in [1, 2] {
        help(&world, n, &hash, &case).await.unwrap();
    }
    world.until(&hash, "partials", |r| r.partials.len() == 2).await;
    for (n, complete) in [(1, false), (2, true)] {
        let opening = look(&world, n, &hash).await.unwrap();
        assert!(matches!(opening.outcome, Outcome::Failed("none")));
        assert_eq!(opening.complete, complete);
    }
    world.until(&hash, "the end", |r| r.ended.is_some()).await;
    assert_eq!(world.status(&hash).await, Status::Failed);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_gateway_holds_an_envelope_while_its_request_lives() {
    let world = World::start().await;
    let (first, second) = (world.case(Some(person("Sari"))).await, world.case(Some(person("Budi"))).await);
    assert_eq!(world.holds().await, 0);
    let withdrawn = world.requested(&first).await;
    let refused = world.requested(&second).await;
    assert_eq!(world.holds().await, 2);

    let (session, one) = (world.session().await, world.official(1));
    let board = world.board(one.signing());
    approve::withdraw(&session, &board, &one, &withdrawn, "scope", &mut patience()).await.unwrap();
    for n in [2, 3] {
        let official = world.official(n);
        // Only who asked may take it back.
        let board = world.board(official.signing());
        let theirs = approve::withdraw(&session, &board, &official, &refused, "scope", &mut patience()).await;
        assert_eq!(crate::world::refused(theirs), Code::Order);
        approve::refuse(&session, &board, &official, &refused, "basis", &mut patience()).await.unwrap();
    }
    for (hash, status) in [(withdrawn, Status::Withdrawn), (refused, Status::Refused)] {
        world.until(&hash, "the end", |r| r.ended.is_some()).await;
        assert_eq!(world.status(&hash).await, status);
    }
    let mut patience = patience();
    while world.holds().await > 0 {
        patience.wait("the release of the holds").await.unwrap();
    }
}
