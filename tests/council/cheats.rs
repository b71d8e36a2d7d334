//! Officials and a board that cheat in a ceremony: who did it is named from what he signed, nothing is made, and the
//! council before is as it was.

use tabir::api::council::{Admit, round};
use tabir::client::official::ceremony::{self, Place};
use tabir::client::official::manifest::{self, FromFile, cards_of, follow};
use tabir::client::official::{Card, OfficialError, OfficialFile, endorse};
use tabir_crypto::Code;
use tabir_crypto::hpke::{Use, uses};
use tabir_crypto::json;
use tabir_crypto::keyfile::Cost;
use tabir_crypto::statement::body::{CeremonyKind, CouncilManifest, Role};
use tabir_crypto::statement::value::{Bytes, Hex};
use tabir_crypto::statement::{Body, Statement, Verb};
use tabir_crypto::threshold::dkg::{Ceremony, Round1};
use tabir_crypto::threshold::{Council, PARTIAL_LEN};

use super::log_support::{identity, problem};
use super::proxy::{Post, Proxy};
use super::reshare::{admitted, cards, newcomer, run};
use super::world::{World, passphrase, patience};
use super::{http, message};

/// The same place of the same ceremony.
fn is_round(statement: &Statement, in_round: u8, from: u16) -> bool {
    matches!(statement.body(), Ok(Body::CouncilMessage(m)) if (m.round, m.from) == (in_round, from))
}

/// Signs the manifest for an official whom the test plays.
async fn sign(world: &World, manifest: &Statement, file: &OfficialFile) {
    let mut signed = manifest.clone();
    signed.sign(file.signing());
    world.board(file.signing()).propose(&signed, &mut patience()).await.unwrap();
}

/// The first message of this round by this official, once it is there.
async fn sent(world: &World, plan: &Ceremony, (in_round, from): (u8, u16), reader: &OfficialFile) -> Vec<u8> {
    for _ in 0..2000 {
        let all = world.board(reader.signing()).messages(plan.id()).await.unwrap();
        if let Some(found) = all.iter().find(|s| is_round(s, in_round, from)) {
            let Body::CouncilMessage(m) = found.body().unwrap() else { unreachable!() };
            return m.bytes.0;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("no message of round {in_round} by {from}");
}

/// Nothing of the ceremony is left on these devices but its id, and nobody takes it up again.
async fn is_spent(world: &World, manifest: &Statement, plan: &Ceremony, who: &[usize]) {
    for n in who {
        let file = world.official(*n);
        assert!(file.is_aborted(plan.id()), "official {n}");
        assert!(file.holdings().unwrap().is_empty(), "official {n}");
        let again = world.finish(*n, manifest).await.unwrap().expect_err("spent");
        assert!(again.to_string().contains("this ceremony was ended"), "{again}");
    }
    let mut signed = manifest.clone();
    let first = world.official(who[0]);
    signed.sign(first.signing());
    let refused = world.board(first.signing()).propose(&signed, &mut patience()).await.map_err(http);
    assert_eq!(problem(refused), (409, "aborted".into()));
    let late = message(&first, plan, round::TRANSCRIPT, (1, 0), vec![7; 32]);
    assert_eq!(problem(world.board(first.signing()).post_message(&late).await), (409, "aborted".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_sends_two_versions_with_a_boards_help_makes_no_council() {
    let world = World::start().await;
    let manifest = world.manifest().await;
    let plan = Ceremony::from_payload(manifest.payload()).unwrap();
    let cheater = world.official(3);
    let board = world.board(cheater.signing());
    sign(&world, &manifest, &cheater).await;
    let versions = [(); 2].map(|()| Round1::start(&plan, 3, &mut tabir::clock::Random).unwrap());
    let [first, second] = [0, 1].map(|v: usize| message(&cheater, &plan, 1, (3, 0), versions[v].message().to_vec()));
    board.post_message(&first).await.unwrap();
    let shown = second.clone();
    let proxy = Proxy::showing(&world.board, move |all| {
        all.into_iter().map(|m| if is_round(&m, 1, 3) { shown.clone() } else { m }).collect()
    })
    .await;
    let tasks = [world.finish(1, &manifest), world.finish_at(&proxy.url, 2, &manifest, None)];
    let mut round1 = std::collections::BTreeMap::new();
    for n in [1, 2] {
        round1.insert(n, sent(&world, &plan, (1, n), &cheater).await);
    }
    // Each gets the share of the version that he sees: both fit.
    for (to, version) in (1..).zip(versions) {
        round1.insert(3, version.message().to_vec());
        let (_, shares) = version.next(round1.clone()).unwrap();
        let place = Use::Ceremony { ceremony_id: *plan.id(), round: 2, from: 3, to };
        let kem = world.official(usize::from(to)).kem_public();
        let sealed = uses::seal(&kem, &place, shares[&to].expose(), &mut tabir::clock::Random).unwrap();
        board.post_message(&message(&cheater, &plan, 2, (3, to), sealed)).await.unwrap();
    }
    board.post_message(&message(&cheater, &plan, round::DRILL, (3, 0), vec![1; PARTIAL_LEN])).await.unwrap();
    let as_one = sent(&world, &plan, (round::TRANSCRIPT, 1), &cheater).await;
    board.post_message(&message(&cheater, &plan, round::TRANSCRIPT, (3, 0), as_one)).await.unwrap();
    let mut differs = 0;
    for task in tasks {
        match task.await.unwrap().expect_err("two versions") {
            OfficialError::Differs { .. } => differs += 1,
            OfficialError::Aborted { words, .. } => assert!(words.starts_with("differs member"), "{words}"),
            other => panic!("{other}"),
        }
    }
    assert!(differs >= 1);
    is_spent(&world, &manifest, &plan, &[1, 2]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn names_the_member_whose_share_opens_no_drill() {
    let world = World::start().await;
    let manifest = world.manifest().await;
    let plan = Ceremony::from_payload(manifest.payload()).unwrap();
    let cheater = world.official(3);
    // The device is kept from saying that its share works; somebody else's proof is said instead.
    let proxy =
        Proxy::posting(
            &world.board,
            |posted| {
                if is_round(posted, round::DRILL, 3) { Post::Swallowed } else { Post::Through }
            },
        )
        .await;
    let tasks = [world.finish(1, &manifest), world.finish(2, &manifest)];
    let third = world.finish_at(&proxy.url, 3, &manifest, None);
    let copied = sent(&world, &plan, (round::DRILL, 1), &cheater).await;
    let false_drill = message(&cheater, &plan, round::DRILL, (3, 0), copied);
    world.board(cheater.signing()).post_message(&false_drill).await.unwrap();
    for task in tasks {
        let error = task.await.unwrap().expect_err("no working share");
        let named = match &error {
            OfficialError::Cheater { index, .. } => *index == 3,
            OfficialError::Aborted { words, .. } => words.ends_with(" member 3"),
            _ => false,
        };
        assert!(named, "{error}");
    }
    third.await.unwrap().expect_err("his own device sees it, too");
    is_spent(&world, &manifest, &plan, &[1, 2, 3]).await;
}

/// With the key that another one commits to, one would know the sum: the proof of knowledge is for one's own name.
#[tokio::test(flavor = "multi_thread")]
async fn names_the_member_who_commits_to_anothers_key() {
    let world = World::start().await;
    let manifest = world.manifest().await;
    let plan = Ceremony::from_payload(manifest.payload()).unwrap();
    let cheater = world.official(3);
    sign(&world, &manifest, &cheater).await;
    let tasks = [1, 2].map(|n| world.finish(n, &manifest));
    let copied = sent(&world, &plan, (round::COMMITMENTS, 1), &cheater).await;
    let rogue = message(&cheater, &plan, round::COMMITMENTS, (3, 0), copied);
    world.board(cheater.signing()).post_message(&rogue).await.unwrap();
    for task in tasks {
        let error = task.await.unwrap().expect_err("another one's key");
        let named = match &error {
            OfficialError::Cheater { index, .. } => *index == 3,
            OfficialError::Aborted { words, .. } => words == "ceremony member 3",
            _ => false,
        };
        assert!(named, "{error}");
    }
    is_spent(&world, &manifest, &plan, &[1, 2]).await;
}

/// The same manifest with something else in it.
fn changed(manifest: &Statement, change: impl FnOnce(&mut CouncilManifest)) -> Statement {
    let Body::CouncilManifest(mut body) = manifest.body().unwrap() else { panic!("a manifest") };
    change(&mut body);
    Statement::from_payload(Verb::CouncilManifest, json::to_vec(&body).unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn swapped_keys_in_a_manifest_are_noticed_by_everybody() {
    let world = World::start().await;
    let old = world.council().await.council().clone();
    let log = world.wait_for(old.council_id()).await;
    let stranger = OfficialFile::create(&world.path(6), "x", passphrase(6), Cost::LEAST).unwrap();
    let sound = follow(&old, CeremonyKind::Refresh, (&cards_of(&old).unwrap(), 2), None, &world.clock).unwrap();
    let swapped = changed(&sound, |m| {
        m.kind = CeremonyKind::Reshare;
        m.members[0].kem_pk = Bytes(stranger.card().kem_pk.0);
    });
    let swapped = admitted(&world, swapped).await;
    let plan = Ceremony::from_payload(swapped.payload()).unwrap();
    // The others are asked for a fingerprint, since these keys are not those that sat there before.
    let known = world.fingerprints();
    let error = manifest::check(&plan, Some(2), Some(&old), &known).expect_err("not the known keys");
    assert!(error.to_string().contains("official 1"), "{error}");
    manifest::check(&plan, Some(2), Some(&old), &FromFile(stranger_line(&plan))).unwrap();
    // He whose key it is deals to nobody else under his name, and signs nothing.
    let error = world.finish_with(1, &swapped, Some(log)).await.unwrap().expect_err("not his key");
    assert!(error.to_string().contains("one of your keys beside one that is not yours"), "{error}");
    let board = world.board(world.official(2).signing());
    let id = Statement::from_payload(Verb::CouncilManifest, swapped.payload().to_vec()).unwrap().pae_hash();
    assert!(board.proposal(&id).await.is_err(), "nothing was signed");

    // A board that answers one manifest under the other's id.
    let sound = admitted(&world, sound).await;
    let id = *Ceremony::from_payload(sound.payload()).unwrap().id();
    let other = swapped.payload().to_vec();
    let proxy = Proxy::start(
        &world.board,
        |_| Post::Through,
        move |path, body| {
            let answer = Admit { v: tabir_crypto::statement::value::V1, manifest: Bytes(other.clone()) };
            if path.starts_with("/council/ceremonies/") { json::to_vec(&answer).unwrap() } else { body }
        },
    )
    .await;
    board.manifest(&id).await.unwrap();
    let error = world.board_at(&proxy.url, world.official(2).signing()).manifest(&id).await.expect_err("another");
    assert_eq!(error.code(), Some(Code::Context));
}

/// The fingerprint of what the manifest says of official 1.
fn stranger_line(plan: &Ceremony) -> String {
    let member = &plan.manifest().members[0];
    tabir::client::official::keys::fingerprint(&member.ed_vk.0, &member.kem_pk.0)
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_of_another_ceremony_of_the_same_people_are_refused() {
    let world = World::start().await;
    let first = world.manifest().await;
    let ended = Ceremony::from_payload(first.payload()).unwrap();
    let (one, three) = (world.official(1), world.official(3));
    let round1 = Round1::start(&ended, 3, &mut tabir::clock::Random).unwrap();
    let replayed = message(&three, &ended, 1, (3, 0), round1.message().to_vec());
    world.board(three.signing()).post_message(&replayed).await.unwrap();
    let place_board = world.board(one.signing());
    let place = Place { board: &place_board, clock: &world.clock, log: None };
    ceremony::abort(&mut world.official(1), first.payload(), place).await.unwrap();

    let second = admitted(&world, changed(&first, |m| m.nonce = Hex([9; 32]))).await;
    sign(&world, &second, &three).await;
    let proxy = Proxy::showing(&world.board, move |mut all| {
        all.push(replayed.clone());
        all
    })
    .await;
    let tasks = [world.finish_at(&proxy.url, 1, &second, None), world.finish_for(2000, 2, &second, None)];
    let [one, two] = tasks;
    let error = one.await.unwrap().expect_err("of another ceremony");
    assert_eq!(error.code(), Some(Code::Context));
    assert!(matches!(two.await.unwrap(), Err(OfficialError::Timeout(_))));
    assert!(world.official(1).holdings().unwrap().is_empty());
}

/// Ends a ceremony for official `n`, by the log that he has read.
async fn end(world: &World, n: usize, manifest: &Statement) -> Result<(), OfficialError> {
    let mut file = world.official(n);
    let board = world.board(file.signing());
    ceremony::abort(&mut file, manifest.payload(), Place { board: &board, clock: &world.clock, log: None }).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_by_one_before_anybody_signed_leaves_nothing_on_any_device() {
    let world = World::start().await;
    let manifest = world.manifest().await;
    let plan = Ceremony::from_payload(manifest.payload()).unwrap();
    // All have computed their shares; that the third one's works is still to be shown.
    let proxy =
        Proxy::posting(
            &world.board,
            |posted| {
                if is_round(posted, round::DRILL, 3) { Post::DiesBefore } else { Post::Through }
            },
        )
        .await;
    let third = world.finish_at(&proxy.url, 3, &manifest, None);
    let tasks = [1, 2].map(|n| world.finish(n, &manifest));
    proxy.died().await;
    third.abort();
    third.await.expect_err("its power went");
    let three = world.official(3);
    for n in [1, 2] {
        sent(&world, &plan, (round::DRILL, n), &three).await;
    }
    for n in [1, 2, 3] {
        assert_eq!(world.official(n).holdings().unwrap().len(), 1);
    }
    end(&world, 3, &manifest).await.unwrap();
    for task in tasks {
        let error = task.await.unwrap().expect_err("ended");
        assert!(matches!(&error, OfficialError::Aborted { from: 3, words } if words == "ended"), "{error}");
    }
    is_spent(&world, &manifest, &plan, &[1, 2, 3]).await;
    // A second time changes nothing, and says nothing else.
    end(&world, 3, &manifest).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_by_one_is_seen_by_who_waits_for_signatures() {
    let world = World::start().await;
    let manifest = world.manifest().await;
    let plan = Ceremony::from_payload(manifest.payload()).unwrap();
    // Two have signed the council; the third has not, and ends it.
    let proxy = Proxy::posting(&world.board, |posted| {
        if posted.verb() == Verb::CouncilFormed { Post::DiesBefore } else { Post::Through }
    })
    .await;
    let third = world.finish_at(&proxy.url, 3, &manifest, None);
    let tasks = [1, 2].map(|n| world.finish(n, &manifest));
    proxy.died().await;
    third.abort();
    third.await.expect_err("its power went");
    let warden = world.board(&identity(Role::Warden));
    let formed = loop {
        match endorse::waiting_council(&warden, None).await {
            Ok(formed) if formed.signers().len() == 2 => break formed,
            _ => tokio::time::sleep(std::time::Duration::from_millis(20)).await,
        }
    };
    end(&world, 3, &manifest).await.unwrap();
    for task in tasks {
        let error = task.await.unwrap().expect_err("ended");
        assert!(matches!(&error, OfficialError::Aborted { from: 3, words } if words == "ended"), "{error}");
    }
    let error = endorse::check_formed(&warden, &world.trust, None, &formed, &world.fingerprints()).await;
    assert!(matches!(error, Err(OfficialError::Aborted { from: 3, .. })));
    let mut signed = formed.clone();
    signed.sign(world.official(1).signing());
    let one = world.board(world.official(1).signing());
    assert_eq!(problem(one.propose(&signed, &mut patience()).await.map_err(http)), (409, "aborted".into()));
    // What they signed they keep, until they themselves end it.
    for n in [1, 2] {
        assert!(!world.official(n).is_aborted(plan.id()));
        assert_eq!(world.official(n).holdings().unwrap().len(), 1);
        end(&world, n, &manifest).await.unwrap();
    }
    is_spent(&world, &manifest, &plan, &[1, 2, 3]).await;
}

/// Devices erase the shares of what was ended: it must not stand in the log afterwards.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_ends_a_ceremony_whose_council_is_logged_or_on_its_way() {
    let world = World::start().await;
    world.stop_witnesses(true);
    let council = world.council().await.council().clone();
    let payload = world.board(world.official(1).signing()).manifest(council.shares_id()).await.unwrap();
    let mut file = world.official(1);
    let board = world.board(file.signing());
    // All have signed; the board has read nothing of it in the log yet.
    let place = Place { board: &board, clock: &world.clock, log: None };
    let refused = ceremony::abort(&mut file, &payload, place).await.map_err(http);
    assert_eq!(problem(refused), (409, "finished".into()));
    world.official(1).share(&council).unwrap();
    world.stop_witnesses(false);
    let log = world.wait_for(council.council_id()).await;
    // A device that has read the log does not even ask.
    let place = Place { board: &board, clock: &world.clock, log: Some(&log) };
    let error = ceremony::abort(&mut file, &payload, place).await.expect_err("logged");
    assert!(matches!(&error, OfficialError::Refused(why) if why.contains("in the log")), "{error}");
    assert!(!world.official(1).is_aborted(council.shares_id()));
    world.official(1).share(&council).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manifest_after_a_council_that_was_replaced_is_signed_by_nobody() {
    let world = World::start().await;
    let old = world.council().await.council().clone();
    world.wait_for(old.council_id()).await;
    let all = cards(&old, &[1, 2, 3]);
    let make = |kind| follow(&old, kind, (&all, 2), None, &world.clock).unwrap();
    let stale = admitted(&world, make(CeremonyKind::Reshare)).await;
    let done = run(&world, &admitted(&world, make(CeremonyKind::Refresh)).await, &[1, 2, 3]).await;
    world.endorse().await;
    let log = world.wait_for(done[0].council().council_id()).await;
    let error = world.finish_for(500, 1, &stale, Some(log)).await.unwrap().expect_err("stale");
    assert!(matches!(&error, OfficialError::Refused(why) if why.contains("no longer")), "{error}");
    let id = Statement::from_payload(Verb::CouncilManifest, stale.payload().to_vec()).unwrap().pae_hash();
    assert!(world.board(world.official(1).signing()).proposal(&id).await.is_err(), "nothing was signed");
}

/// A leaver's share stays what it was, together with as many others of its epoch: this is why they are all erased.
#[tokio::test(flavor = "multi_thread")]
async fn a_leavers_old_share_opens_with_old_ones_and_not_with_new_ones() {
    let world = World::start().await;
    let old = world.council().await.council().clone();
    world.wait_for(old.council_id()).await;
    let kept = world.official(1).share(&old).unwrap();
    let leaver = world.official(2).share(&old).unwrap();
    let people: Vec<Card> = [cards(&old, &[1, 3]), vec![newcomer(&world, 4)]].concat();
    let manifest = follow(&old, CeremonyKind::Reshare, (&people, 2), None, &world.clock).unwrap();
    let new: Council = run(&world, &admitted(&world, manifest).await, &[1, 3, 4]).await[0].council().clone();
    let drill = |c: &Council, shares: &[&tabir_crypto::threshold::Share]| {
        let drill = tabir_crypto::threshold::Drill::new(c, &[5; 32]).unwrap();
        let partials = shares.iter().map(|s| drill.partial(s, &mut tabir::clock::Random));
        drill.open(&partials.collect::<Result<Vec<_>, _>>()?)
    };
    drill(&old, &[&kept, &leaver]).unwrap();
    let renewed = world.official(1).share(&new).unwrap();
    for council in [&old, &new] {
        assert!(drill(council, &[&renewed, &leaver]).is_err());
    }
}
