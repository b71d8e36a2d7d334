//! The officials' board over HTTP: a ceremony by three separate tasks with three key files, and who may do what.

mod cheats;
mod crash;
mod dealers;
mod endorsed;
mod hostile;
#[path = "../log_support/mod.rs"]
mod log_support;
mod messages;
mod minutes;
mod proxy;
mod reshare;
mod settled;
mod world;

use std::time::Duration;

use log_support::{identity, key, problem};
use tabir::client::official::manifest::{self, FromFile};
use tabir::client::official::{OfficialError, OfficialFile, Patience, ceremony, endorse};
use tabir::http::HttpError;
use tabir_crypto::keyfile::Cost;
use tabir_crypto::statement::body::{CouncilMessage, Role};
use tabir_crypto::statement::value::{Bytes, Hex, Hour, V1};
use tabir_crypto::statement::{Statement, Verb};
use tabir_crypto::threshold::dkg::{Ceremony, Round1};
use tabir_crypto::{Code, Secret};
use world::{START, World, passphrase, patience, silent};

pub fn message(by: &OfficialFile, plan: &Ceremony, round: u8, (from, to): (u16, u16), bytes: Vec<u8>) -> Statement {
    let body = CouncilMessage {
        v: V1,
        at: Hour::of(START),
        ceremony_id: Hex(*plan.id()),
        round,
        from,
        to,
        bytes: Bytes(bytes),
    };
    Statement::signed(Verb::CouncilMessage, &body, by.signing()).unwrap()
}

pub fn http(error: OfficialError) -> HttpError {
    match error {
        OfficialError::Client(tabir::client::ClientError::Http(error)) => error,
        other => panic!("{other}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn three_officials_form_a_council_that_the_log_takes() {
    let world = World::start().await;
    let formed = world.council().await;
    let log = world.wait_for(formed.council().council_id()).await;
    let logged = &log.council(formed.council().council_id()).unwrap().council;
    assert_eq!((logged.t(), logged.n()), (2, 3));
    for n in 1..=3 {
        let share = world.official(n).share(logged).unwrap();
        assert_eq!(usize::from(share.index()), n);
    }
    // A share belongs to its council: under another one the file does not open.
    assert!(OfficialFile::open(&world.path(1), passphrase(2), Cost::LEAST).is_err());
    assert!(!world.official(1).has_share(&[0; 32]));
}

#[tokio::test(flavor = "multi_thread")]
async fn goes_on_where_it_stopped_and_sends_the_same_bytes() {
    let world = World::start().await;
    let manifest = world.manifest().await;
    let plan = Ceremony::from_payload(manifest.payload()).unwrap();
    // One official alone gets as far as the others' signatures, and gives up.
    let mut file = world.official(1);
    let board = world.board(file.signing());
    let mut short = Patience::new(Duration::from_millis(400), &silent);
    let place = ceremony::Place { board: &board, clock: &world.clock, log: None };
    let alone = ceremony::finish(&mut file, manifest.payload(), place, &mut short).await;
    assert!(matches!(alone, Err(OfficialError::Timeout(_))));
    // With two, the first round is sent; both are stopped in it and start again.
    let tasks = [1, 2].map(|n| world.finish(n, &manifest));
    let third = {
        let mut third = Statement::from_payload(Verb::CouncilManifest, manifest.payload().to_vec()).unwrap();
        third.sign(world.official(3).signing());
        third
    };
    board.propose(&third, &mut patience()).await.expect_err("not by the caller");
    world.board(world.official(3).signing()).propose(&third, &mut patience()).await.unwrap();
    let sent = loop {
        let sent = board.messages(plan.id()).await.unwrap();
        if sent.len() == 2 {
            break sent;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    };
    tasks.iter().for_each(|t| t.abort());
    let tasks = [1, 2, 3].map(|n| world.finish(n, &manifest));
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    let after = board.messages(plan.id()).await.unwrap();
    assert!(sent.iter().all(|m| after.contains(m)));
}

#[tokio::test(flavor = "multi_thread")]
async fn names_the_official_who_seals_a_false_share() {
    let world = World::start().await;
    let manifest = world.manifest().await;
    let plan = Ceremony::from_payload(manifest.payload()).unwrap();
    let cheater = world.official(3);
    let board = world.board(cheater.signing());
    let mut signed = manifest.clone();
    signed.sign(cheater.signing());
    board.propose(&signed, &mut patience()).await.unwrap();
    let round1 = Round1::start(&plan, 3, &mut tabir::clock::Random).unwrap();
    board.post_message(&message(&cheater, &plan, 1, (3, 0), round1.message().to_vec())).await.unwrap();
    for to in [1, 2] {
        let place = tabir_crypto::hpke::Use::Ceremony { ceremony_id: *plan.id(), round: 2, from: 3, to };
        let kem = world.official(usize::from(to)).kem_public();
        let sealed = tabir_crypto::hpke::uses::seal(&kem, &place, &[1; 32], &mut tabir::clock::Random).unwrap();
        board.post_message(&message(&cheater, &plan, 2, (3, to), sealed)).await.unwrap();
    }
    for task in [1, 2].map(|n| world.finish(n, &manifest)) {
        let error = task.await.unwrap().expect_err("a false share");
        // Who reads first names the cheater to the other, too.
        let named = match &error {
            OfficialError::Cheater { index, .. } => *index == 3,
            OfficialError::Aborted { words, .. } => words == "share member 3",
            _ => false,
        };
        assert!(named, "{error}");
    }
    // What was made is of no use: no share was kept, and the id is spent for the board and for each device.
    for n in [1, 2] {
        assert!(world.official(n).is_aborted(plan.id()));
    }
    let again = world.finish(1, &manifest).await.unwrap().expect_err("ended");
    assert!(again.to_string().contains("this ceremony was ended"), "{again}");
    let another = message(&cheater, &plan, 3, (3, 0), vec![7; 32]);
    assert_eq!(problem(board.post_message(&another).await), (409, "aborted".into()));
    let operator = world.board(&identity(Role::Council));
    assert_eq!(problem(operator.admit(manifest.payload().to_vec()).await), (409, "aborted".into()));
    assert_eq!(problem(board.propose(&signed, &mut patience()).await.map_err(http)), (409, "aborted".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn takes_messages_of_members_only_each_for_himself() {
    let world = World::start().await;
    let manifest = world.manifest().await;
    let plan = Ceremony::from_payload(manifest.payload()).unwrap();
    let (one, two) = (world.official(1), world.official(2));
    let board = world.board(one.signing());
    let refused = |result: Result<(), HttpError>| problem(result);
    let stranger = OfficialFile::create(&world.dir.path().join("x"), "x", passphrase(9), Cost::LEAST).unwrap();
    let for_two = message(&two, &plan, 1, (2, 0), vec![0; 128]);
    assert_eq!(refused(board.post_message(&for_two).await), (400, "unknown-key".into()));
    let as_two = message(&one, &plan, 1, (2, 0), vec![0; 128]);
    assert_eq!(refused(board.post_message(&as_two).await), (403, "caller".into()));
    for (round, to, len) in [(1, 2, 128), (2, 0, 1168), (2, 1, 1168), (2, 4, 1168), (2, 2, 32), (3, 0, 31), (8, 0, 32)]
    {
        let bad = message(&one, &plan, round, (1, to), vec![0; len]);
        assert_eq!(refused(board.post_message(&bad).await), (400, "ceremony".into()), "{round} {to} {len}");
    }
    // A first key has no dealers.
    let dealing = message(&one, &plan, 4, (1, 0), vec![0; 64]);
    assert_eq!(refused(board.post_message(&dealing).await), (403, "caller".into()));
    let outside = world.board(stranger.signing());
    let foreign = message(&stranger, &plan, 1, (1, 0), vec![0; 128]);
    assert_eq!(refused(outside.post_message(&foreign).await), (403, "caller".into()));
    assert_eq!(problem(outside.messages(plan.id()).await), (403, "caller".into()));
    // Only the operator admits.
    assert_eq!(problem(outside.admit(manifest.payload().to_vec()).await), (403, "caller".into()));
    assert_eq!(problem(world.board(&identity(Role::Warden)).admit(vec![]).await), (403, "caller".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn signs_no_manifest_with_keys_that_are_not_the_known_ones() {
    let world = World::start().await;
    let manifest = world.manifest().await;
    let plan = Ceremony::from_payload(manifest.payload()).unwrap();
    let known = world.fingerprints();
    manifest::check(&plan, Some(1), None, &known).unwrap();
    let two = world.official(2).card().fingerprint();
    let without: String = known.0.lines().filter(|l| !l.starts_with(&two)).map(|l| format!("{l}\n")).collect();
    let error = manifest::check(&plan, Some(1), None, &FromFile(without.clone())).expect_err("one is unknown");
    assert!(error.to_string().contains("official 2"), "{error}");
    manifest::check(&plan, Some(2), None, &FromFile(without)).unwrap();

    let groups: Vec<&str> = two.split('-').collect();
    assert!(manifest::fits(&two, &groups[..4].join(" ").to_uppercase()));
    assert!(!manifest::fits(&two, &groups[..3].join("-")));
    assert!(!manifest::fits(&two, &groups[1..5].join("-")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_council_of_the_operators_own_keys_is_not_endorsed() {
    let world = World::start().await;
    let manifest = world.manifest().await;
    for task in [1, 2, 3].map(|n| world.finish(n, &manifest)) {
        task.await.unwrap().unwrap();
    }
    let warden = identity(Role::Warden);
    let board = world.board(&warden);
    let formed = endorse::waiting_council(&board, None).await.unwrap();
    let other = OfficialFile::create(&world.dir.path().join("other"), "x", passphrase(9), Cost::LEAST).unwrap();
    let known = FromFile(other.card().fingerprint());
    let error = endorse::check_formed(&board, &world.trust, None, &formed, &known).await.expect_err("unknown people");
    assert!(matches!(error, OfficialError::Refused(_)), "{error}");
    // Another council under the same ceremony.
    let tabir_crypto::statement::Body::Council(mut body) = formed.body().unwrap() else { panic!() };
    body.transcript = Hex([9; 32]);
    let forged = Statement::new(Verb::CouncilFormed, &body).unwrap();
    let error = endorse::check_formed(&board, &world.trust, None, &forged, &world.fingerprints()).await;
    assert_eq!(error.expect_err("forged").code(), Some(Code::Context));
    // The board sends nothing to the log before the table of rules is met.
    let mut early = formed.clone();
    early.sign(&key(1));
    let auditor = world.board(&key(1)).propose(&early, &mut patience()).await.unwrap();
    assert!(!auditor.complete);
    let stranger = world.board(other.signing()).propose(&early, &mut patience()).await;
    assert!(stranger.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_of_a_key_file_opens_nowhere_else() {
    let world = World::start().await;
    world.manifest().await;
    let read = |n| serde_json::from_slice::<serde_json::Value>(&std::fs::read(world.path(n)).unwrap()).unwrap();
    let (mut one, two) = (read(1), read(2));
    one["keys"] = two["keys"].clone();
    let path = world.dir.path().join("mixed.key");
    tabir::config::keys::write_private(&path, one.to_string().as_bytes()).unwrap();
    for n in [1, 2] {
        assert!(OfficialFile::open(&path, passphrase(n), Cost::LEAST).is_err());
    }
    assert!(OfficialFile::open(&world.path(1), Secret::new(b"wrong".to_vec()), Cost::LEAST).is_err());
}
