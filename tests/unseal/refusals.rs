//! What is refused before a release, by an official's own device and by the board.

use tabir::api::council::{Act, SealedTo, WARDEN};
use tabir::client::official::{Board, approve};
use tabir::clock::Random;
use tabir_crypto::Code;
use tabir_crypto::codec::sha256;
use tabir_crypto::hpke::{KemPublicKey, Use, uses};
use tabir_crypto::request::RequestText;
use tabir_crypto::statement::body::{IndexedHash, KeyKind, UnsealApproved, UnsealPartial, UnsealRequested};
use tabir_crypto::statement::value::{Bytes, CodeText, Hex, Hour, V1};
use tabir_crypto::statement::{Statement, Verb};

use crate::world::{World, patience, person, problem, refused, said_no};

fn alone(statement: Statement) -> Act {
    Act { v: V1, statement, reference: None, sealed: Vec::new() }
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_votes_twice_by_strangers_and_under_another_cases_reference() {
    let world = World::start().await;
    let (case, other) = (world.case(Some(person("Sari"))).await, world.case(Some(person("Budi"))).await);
    let hash = world.requested(&case).await;
    let session = world.session().await;

    // The reference of another case, or of none: nothing is signed.
    assert!(said_no(world.approve(2, &hash, &other).await).contains("another case"));
    assert!(world.approve(2, &hash, "AAAA-AAAA").await.is_err());
    // A stranger's device says no; the board too.
    let mut stranger = world.stranger();
    let board = world.board(stranger.signing());
    let by_stranger =
        approve::approve(&session, &board, &mut stranger, &hash, (&case, "agreed"), &mut patience()).await;
    assert!(said_no(by_stranger).contains("do not sit"));
    let council_id = session.view.state.request(&hash).unwrap().body.council_id;
    let vote = |index, by: &tabir::client::official::OfficialFile| {
        let body = UnsealApproved {
            v: V1,
            at: Hour::of(session.clock.now()),
            request_hash: Hex(hash),
            council_id,
            index,
            reason: CodeText::new("agreed").unwrap(),
            kem_pk: Bytes(by.kem_public().as_bytes().to_vec()),
            deferred_until: None,
        };
        alone(Statement::signed(Verb::UnsealApproved, &body, by.signing()).unwrap())
    };
    assert_eq!(problem(world.post(stranger.signing(), &vote(1, &stranger)).await), (403, "caller".into()));
    // An official under another's number, and one who posts another's vote.
    let (two, three) = (world.official(2), world.official(3));
    assert_eq!(problem(world.post(three.signing(), &vote(2, &three)).await), (400, "unknown-key".into()));
    assert_eq!(problem(world.post(three.signing(), &vote(2, &two)).await), (403, "caller".into()));
    // A partial before a release.
    let partials = [1, 2].map(|index| IndexedHash { index, hash: Hex(sha256(b"x")) }).to_vec();
    let at = Hour::of(session.clock.now());
    let body = UnsealPartial { v: V1, at, request_hash: Hex(hash), index: 2, partials };
    let early = alone(Statement::signed(Verb::UnsealPartial, &body, two.signing()).unwrap());
    assert_eq!(problem(world.post(two.signing(), &early).await), (400, "order".into()));
    assert!(world.session().await.view.state.request(&hash).unwrap().approvals.is_empty());

    // One official, one vote: the board says so at once, the device once it is in the log.
    world.approve(2, &hash, &case).await.unwrap();
    assert_eq!(problem(world.post(two.signing(), &vote(2, &two)).await), (409, "duplicate".into()));
    world.until(&hash, "the approval", |r| r.approvals.len() == 1).await;
    assert_eq!(refused(world.approve(2, &hash, &case).await), Code::Duplicate);
    let late = world.session().await;
    let no = approve::refuse(&late, &world.board(two.signing()), &two, &hash, "basis", &mut patience()).await;
    assert_eq!(refused(no), Code::Duplicate);
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_codes_and_recusals_that_the_policy_or_the_threshold_does_not_know() {
    let world = World::start().await;
    let case = world.case(Some(person("Sari"))).await;
    let ask = World::ask(&case);
    let recuse = |list: &[(u16, &str)]| list.iter().map(|(i, c)| (*i, (*c).to_owned())).collect::<Vec<_>>();
    for bad in [
        tabir::client::official::request::Ask { legal_basis: "because".into(), ..ask.clone() },
        tabir::client::official::request::Ask { reason: "because".into(), ..ask.clone() },
        tabir::client::official::request::Ask { recused: recuse(&[(3, "because")]), ..ask.clone() },
    ] {
        assert!(said_no(world.requested_with(&bad).await).contains("because is no code"));
    }
    let two =
        tabir::client::official::request::Ask { recused: recuse(&[(2, "concerned"), (3, "concerned")]), ..ask.clone() };
    assert_eq!(refused(world.requested_with(&two).await), Code::Threshold);
    assert!(world.session().await.view.state.requests().is_empty(), "nothing was signed");

    // Who is left out can't open the text, may refuse, and approves nothing that he can't read.
    let one = tabir::client::official::request::Ask { recused: recuse(&[(3, "concerned")]), ..ask };
    let hash = world.requested_with(&one).await.unwrap();
    assert_eq!(refused(world.approve(3, &hash, &case).await), Code::Aead);
    let (session, two) = (world.session().await, world.official(2));
    let board = world.board(two.signing());
    let no = approve::refuse(&session, &board, &two, &hash, "because", &mut patience()).await;
    assert!(said_no(no).contains("because is no code"));
    let three = world.official(3);
    let board = world.board(three.signing());
    approve::refuse(&session, &board, &three, &hash, "conflict", &mut patience()).await.unwrap();
    world.until(&hash, "the refusal", |r| r.refusals.len() == 1).await;
}

/// A request whose copy for official 2 says something else than the entry commits to.
async fn two_texts(world: &World, board: &Board, reference: &str) -> (Statement, Vec<SealedTo>) {
    let (session, file) = (world.session().await, world.official(1));
    let case = board.case(reference, 0).await.unwrap();
    let council = session.view.state.active_council(&session.trust, session.now()).unwrap().council.clone();
    let text = RequestText {
        v: V1,
        case_id: case.case_id,
        access_hash: case.access_hash,
        content_hash: case.content_hash,
        envelope_hash: Hex(sha256(&case.envelope.0)),
        notice_key: case.notice_key,
        nonce: Hex([7; 32]),
        words: "One thing.".into(),
        category: None,
        recused: Vec::new(),
    };
    let salt = [8; 32];
    let committed = text.commit(&salt).unwrap();
    let body = UnsealRequested {
        v: V1,
        at: Hour::of(session.clock.now()),
        request_id: Hex([1; 16]),
        council_id: Hex(*council.council_id()),
        requester: 1,
        legal_basis: CodeText::new("court_order").unwrap(),
        reason: CodeText::new("witness").unwrap(),
        commit: Hex(committed.commit),
        tag: Hex(committed.tag),
        nonce: Some(text.nonce),
        deferred_until: None,
        deferral: None,
    };
    let warden = KemPublicKey::from_bytes(&session.key(KeyKind::Warden).unwrap()).unwrap();
    let mut sealed = vec![SealedTo { to: WARDEN, sealed: Bytes(committed.seal(&warden, &mut Random).unwrap()) }];
    for member in council.members() {
        let bytes = if member.index == 2 {
            let other = RequestText { words: "Two things".into(), ..text.clone() };
            let plaintext = [&salt[..], &tabir_crypto::json::to_vec(&other).unwrap()].concat();
            let place = Use::Request { commit: committed.commit, recipient_key_id: member.kem_pk.key_id() };
            uses::seal(&member.kem_pk, &place, &plaintext, &mut Random).unwrap()
        } else {
            committed.seal(&member.kem_pk, &mut Random).unwrap()
        };
        sealed.push(SealedTo { to: member.index, sealed: Bytes(bytes) });
    }
    (Statement::signed(Verb::UnsealRequested, &body, file.signing()).unwrap(), sealed)
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_an_approval_where_text_and_entry_disagree() {
    let world = World::start().await;
    let case = world.case(Some(person("Sari"))).await;
    let one = world.official(1);
    let board = world.board(one.signing());
    let (statement, sealed) = two_texts(&world, &board, &case).await;
    let act = Act { v: V1, statement, reference: Some(case.clone()), sealed };
    // The board takes no copy that is longer than the others, and none for fewer people.
    let mut longer = act.clone();
    longer.sealed[1].sealed.0.push(0);
    let mut fewer = act.clone();
    fewer.sealed.pop();
    for bad in [longer, fewer] {
        assert_eq!(problem(world.post(one.signing(), &bad).await), (400, "context".into()));
    }
    world.post(one.signing(), &act).await.unwrap();
    let hash = act.statement.entry_hash();
    world.until(&hash, "the request", |_| true).await;
    assert_eq!(refused(world.approve(2, &hash, &case).await), Code::Context);
    // The honest copy can be approved: what failed was the text.
    world.approve(3, &hash, &case).await.unwrap();
    let session = world.until(&hash, "an approval", |r| !r.approvals.is_empty()).await;
    let by: Vec<_> = session.view.state.request(&hash).unwrap().approvals.iter().map(|a| a.body.index).collect();
    assert_eq!(by, [3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_of_a_board_that_has_read_as_far_is_final_and_no_waiting() {
    let world = World::start().await;
    let case = world.case(None).await;
    let hash = world.requested(&case).await;
    // This device does not know yet that the request was taken back; the board does.
    let (old, mut two) = (world.session().await, world.official(2));
    let one = world.official(1);
    approve::withdraw(&old, &world.board(one.signing()), &one, &hash, "scope", &mut patience()).await.unwrap();
    world.until(&hash, "the end", |r| r.ended.is_some()).await;
    // The gateway has let go of the case a moment before the board forgets what was sealed.
    let forgotten = world.board(two.signing());
    for _ in 0..600 {
        if forgotten.request(&hash, old.view.head.size).await.is_err() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(world.holds().await, 0);
    let waited = std::sync::Mutex::new(Vec::new());
    let progress = |what: &str| waited.lock().unwrap().push(what.to_owned());
    let mut patience = tabir::client::official::Patience::new(std::time::Duration::from_secs(60), &progress);
    let board = world.board(two.signing());
    let late = approve::approve(&old, &board, &mut two, &hash, (&case, "agreed"), &mut patience).await;
    let error = late.expect_err("it was taken back");
    assert!(matches!(&error, tabir::client::official::OfficialError::Client(tabir::client::ClientError::Http(_))));
    assert!(error.to_string().contains("not-found"), "what was sealed is gone: {error}");
    assert_eq!(*waited.lock().unwrap(), Vec::<String>::new());
    let vote = {
        let body = tabir_crypto::statement::body::UnsealRefused {
            v: V1,
            at: Hour::of(old.clock.now()),
            request_hash: Hex(hash),
            council_id: old.view.state.request(&hash).unwrap().body.council_id,
            index: 2,
            reason: CodeText::new("basis").unwrap(),
        };
        alone(Statement::signed(Verb::UnsealRefused, &body, two.signing()).unwrap())
    };
    let error = board.act(&vote, old.view.head.size, &mut patience).await.expect_err("it has ended");
    assert!(error.to_string().starts_with("order"), "{error}");
    // A device that claims to have read more than the board waits, and then says what the board said.
    let mut short = tabir::client::official::Patience::new(std::time::Duration::from_secs(1), &progress);
    let error = board.act(&vote, u64::MAX, &mut short).await.expect_err("it has ended");
    assert!(error.to_string().starts_with("order"), "{error}");
    assert_eq!(*waited.lock().unwrap(), ["the board's reading of the log"]);
}
