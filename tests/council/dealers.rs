//! Dealers who cheat over HTTP: they are named, and what was there before is as it was.

use tabir::api::council::round;
use tabir::client::official::OfficialError;
use tabir::client::official::manifest::{cards_of, follow};
use tabir::clock::Random;
use tabir_crypto::hpke::{Use, uses};
use tabir_crypto::statement::body::{CeremonyKind, CouncilManifest, Role};
use tabir_crypto::statement::{Body, Statement};
use tabir_crypto::threshold::Council;
use tabir_crypto::threshold::dkg::Ceremony;
use tabir_crypto::threshold::reshare::{Dealing, VerifiedManifest, deal};

use super::log_support::{identity, problem};
use super::message;
use super::world::{World, patience};

/// A council of three in the log, and an admitted refresh of it that officials 1 and 2 deal.
async fn refresh(world: &World) -> (Council, Statement) {
    let old = world.council().await.council().clone();
    world.wait_for(old.council_id()).await;
    let all = cards_of(&old).unwrap();
    let manifest = follow(&old, CeremonyKind::Refresh, (&all, 2), Some(vec![1, 2]), &world.clock).unwrap();
    world.board(&identity(Role::Council)).admit(manifest.payload().to_vec()).await.unwrap();
    (old, manifest)
}

/// Official 2 deals sound commitments, and to official 3 a share that does not fit them.
#[tokio::test(flavor = "multi_thread")]
async fn names_the_dealer_who_deals_a_false_share_and_the_council_before_goes_on() {
    let world = World::start().await;
    let (old, manifest) = refresh(&world).await;
    let log = world.log_state().await;
    let tasks = [1, 3].map(|n| world.finish_with(n, &manifest, Some(log.clone())));

    let cheater = world.official(2);
    let board = world.board(cheater.signing());
    let mut signed = manifest.clone();
    signed.sign(cheater.signing());
    let mut proposal = board.propose(&signed, &mut patience()).await.unwrap().statement;
    let mut patience = patience();
    let verified = loop {
        match VerifiedManifest::verify(&proposal, &old) {
            Ok(verified) => break verified,
            Err(_) => patience.wait("the others' signatures").await.unwrap(),
        }
        proposal = board.proposal(&manifest.pae_hash()).await.unwrap().statement;
    };
    let plan = Ceremony::from_payload(manifest.payload()).unwrap();
    let Dealing { message: commitments, shares } = deal(&verified, &cheater.share(&old).unwrap(), &mut Random).unwrap();
    board.post_message(&message(&cheater, &plan, round::DEALING, (2, 0), commitments)).await.unwrap();
    for (to, share) in &shares {
        let place = Use::Ceremony { ceremony_id: *plan.id(), round: round::DEALT, from: 2, to: *to };
        let dealt = if *to == 3 { [1; 32] } else { *share.expose() };
        let kem = world.official(usize::from(*to)).kem_public();
        let sealed = uses::seal(&kem, &place, &dealt, &mut Random).unwrap();
        // Who reads first ends the ceremony: what comes after is not taken any more.
        match board.post_message(&message(&cheater, &plan, round::DEALT, (2, *to), sealed)).await {
            Ok(()) => {}
            refused => assert_eq!(problem(refused), (409, "aborted".into())),
        }
    }
    for task in tasks {
        let error = task.await.unwrap().expect_err("a false share");
        let named = match &error {
            OfficialError::CheatingDealer { index, .. } => *index == 2,
            OfficialError::Aborted { words, .. } => words == "share dealer 2",
            _ => false,
        };
        assert!(named, "{error}");
    }
    // Nothing usable is left of it, and the council before has its shares.
    for n in [1, 3] {
        let file = world.official(n);
        assert!(file.is_aborted(plan.id()));
        file.share(&old).unwrap();
    }
    assert_eq!(world.log_state().await.current(old.lineage()).unwrap().council.council_id(), old.council_id());
}

/// The operator admits no manifest that a dealer would refuse, and no device signs one that the log does not lead to.
#[tokio::test(flavor = "multi_thread")]
async fn no_device_deals_to_a_threshold_of_one_or_for_another_council() {
    let world = World::start().await;
    let (old, manifest) = refresh(&world).await;
    let Body::CouncilManifest(honest) = manifest.body().unwrap() else { panic!("a manifest") };
    let operator = world.board(&identity(Role::Council));
    let log = world.log_state().await;
    let hostile = |edit: fn(&mut CouncilManifest)| {
        let mut body = honest.clone();
        edit(&mut body);
        Statement::new(tabir_crypto::statement::Verb::CouncilManifest, &body).unwrap()
    };
    for (bad, code) in [
        (hostile(|m| m.t = 1), "threshold"),
        (hostile(|m| m.members[0].index = 0), "index"),
        (hostile(|m| m.members[2] = m.members[1].clone()), "index"),
    ] {
        assert_eq!(problem(operator.admit(bad.payload().to_vec()).await), (400, code.into()));
        let error = world.finish_with(1, &bad, Some(log.clone())).await.unwrap().expect_err("never dealt to");
        assert_eq!(error.code().map(|c| c.as_str()), Some(code));
    }
    // Another council before: whatever the board admits, the device goes by the log.
    let other = hostile(|m| m.previous.0[0] ^= 1);
    let error = world.finish_with(1, &other, Some(log)).await.unwrap().expect_err("not in the log");
    assert!(matches!(error, OfficialError::Refused(_)), "{error}");
    world.official(1).share(&old).unwrap();
}
