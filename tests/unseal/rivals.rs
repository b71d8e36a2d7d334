//! Several at once: two requests, a change of council in the middle, and who was left out.

use std::collections::BTreeMap;

use tabir::client::official::request::Ask;
use tabir::clock::Random;
use tabir_crypto::hpke::KemSecretKey;
use tabir_crypto::hpke::{Use, uses};
use tabir_crypto::statement::body::{CeremonyKind, CouncilManifest, ManifestMember, Role};
use tabir_crypto::statement::value::{Bytes, Hex, Hour, V1};
use tabir_crypto::statement::{Statement, Verb};
use tabir_crypto::threshold::reshare::{Dealings, VerifiedManifest, deal};
use tabir_crypto::trust::unseal::Status;
use tabir_crypto::{B32, Code};

use crate::opening::{help, look};
use crate::world::{World, patience, person, problem, refused, said_no};

async fn approved(world: &World, hash: &B32, case: &str) {
    for n in [1, 2] {
        world.approve(n, hash, case).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_requests_at_once_for_one_case_one_lives_and_for_two_cases_both() {
    let world = World::start().await;
    let (case, other) = (world.case(Some(person("Sari"))).await, world.case(Some(person("Budi"))).await);
    let (ask, theirs) = (World::ask(&case), World::ask(&other));
    let (one, two, third) =
        tokio::join!(world.requested_by(1, &ask), world.requested_by(2, &ask), world.requested_by(3, &theirs));
    let (one, two, third) = (one.unwrap(), two.unwrap(), third.unwrap());
    let mut wait = patience();
    let (alive, declined) = loop {
        let (first, second) = (world.status(&one).await, world.status(&two).await);
        match (first, second) {
            (Status::Requested, Status::Declined) => break (one, two),
            (Status::Declined, Status::Requested) => break (two, one),
            (Status::Requested, Status::Requested) => wait.wait("the warden's word").await.unwrap(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(world.end_code(&declined).await, (Verb::UnsealDeclined, "live".into()));
    assert!(said_no(world.approve(1, &declined, &case).await).contains("has ended: declined"));
    approved(&world, &alive, &case).await;
    approved(&world, &third, &other).await;
    for hash in [alive, third] {
        world.until(&hash, "the release", |r| r.release.is_some()).await;
    }
    assert_eq!(world.status(&declined).await, Status::Declined);
    // What was released counts as opened: asking again is declined.
    let again = world.requested(&case).await;
    assert_eq!(world.end_code(&again).await, (Verb::UnsealDeclined, "live".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_left_out_has_a_copy_like_the_others_and_gets_no_hand_out_though_he_votes() {
    let world = World::start().await;
    let case = world.case(Some(person("Sari"))).await;
    let ask = Ask { recused: vec![(3, "concerned".into())], ..World::ask(&case) };
    let hash = world.requested_with(&ask).await.unwrap();
    let copies = world.copies().await;
    assert_eq!(copies.iter().map(|(to, _)| *to).collect::<Vec<_>>(), [0, 1, 2, 3]);
    let session = world.session().await;
    let commit = session.view.state.request(&hash).unwrap().body.commit.0;
    for (to, copy) in &copies {
        assert_eq!(copy.len(), copies[0].1.len(), "{to}");
        // Each is a sealed box for somebody: whoever tries any key learns that it is not his, of each in the same words.
        let stranger = KemSecretKey::generate(&mut Random);
        let place = Use::Request { commit, recipient_key_id: stranger.public_key().key_id() };
        assert_eq!(uses::open(&stranger, &place, copy).unwrap_err().code(), Code::Aead, "{to}");
    }
    let board = world.ports.peers().council;
    let raw = world.raw_approval(3, &hash).await;
    // The board reads at its own pace; it has the request before the vote comes.
    world.board(world.official(3).signing()).request(&hash, session.view.head.size).await.unwrap();
    world.call(world.official(3).signing(), &board, "/council/statements", &raw).await.unwrap();
    world.approve(1, &hash, &case).await.unwrap();
    world.until(&hash, "two votes", |r| r.approvals.len() == 2).await;
    assert_eq!(world.status(&hash).await, Status::Approved);
    // Two have approved, and one of them could not read what: that is not enough.
    tokio::time::sleep(std::time::Duration::from_secs(5)).await;
    assert_eq!(world.status(&hash).await, Status::Approved, "after the cooling-off");
    world.approve(2, &hash, &case).await.unwrap();
    let session = world.until(&hash, "the release", |r| r.release.is_some()).await;
    assert_eq!(session.view.state.request(&hash).unwrap().released_to(), [1, 2]);
    for n in [1, 2] {
        let mut wait = patience();
        while help(&world, n, &hash, &case).await.is_err() {
            wait.wait("the hand-out").await.unwrap();
        }
    }
    let session = world.until(&hash, "partials", |r| r.partials.len() == 2).await;
    let three = world.official(3);
    let files = world.board(three.signing()).request(&hash, session.view.head.size).await.unwrap();
    assert!(files.handout.is_none() && files.partials.is_empty(), "nothing for who was left out");
    assert_eq!(refused(look(&world, 3, &hash).await), Code::Aead);
    look(&world, 1, &hash).await.unwrap();
    assert!(look(&world, 2, &hash).await.unwrap().complete);
}

/// New shares for the same officials, all of them signing: the same key, another council.
async fn refresh(world: &World) {
    let session = world.session().await;
    let council = session.view.state.active_council(&session.trust, session.now()).unwrap().council.clone();
    let files: Vec<_> = (1..=3).map(|n| world.official(n)).collect();
    let sitting = council.members().iter().map(|m| ManifestMember {
        index: m.index,
        ed_vk: Hex(*m.ed_vk.as_bytes()),
        kem_pk: Bytes(m.kem_pk.as_bytes().to_vec()),
    });
    let manifest = CouncilManifest {
        v: V1,
        at: Hour::of(world.now()),
        kind: CeremonyKind::Refresh,
        t: 2,
        n: 3,
        members: sitting.collect(),
        previous: Hex(*council.council_id()),
        dealers: vec![1, 2],
        nonce: Hex([7; 32]),
    };
    let mut signed = Statement::new(Verb::CouncilManifest, &manifest).unwrap();
    files.iter().for_each(|f| signed.sign(f.signing()));
    let verified = VerifiedManifest::verify(&signed, &council).unwrap();
    let dealt =
        |n: u16| (n, deal(&verified, &files[usize::from(n) - 1].share(&council).unwrap(), &mut Random).unwrap());
    let messages: BTreeMap<u16, Vec<u8>> = [1, 2].map(dealt).into_iter().map(|(n, d)| (n, d.message)).collect();
    let body = Dealings::read(&verified, &messages).unwrap().body(Hour::of(world.now()));
    let statement = Statement::new(Verb::CouncilRefreshed, &body).unwrap();
    let officials = files.iter().map(|f| f.signing().clone());
    let signers: Vec<_> = officials.chain([world.identity(Role::Warden), world.auditor()]).collect();
    world.sign(statement, &signers).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_council_in_the_middle_voids_what_was_approved_before() {
    let world = World::start_with(|root| root.cooling_off_s = 20, |_, _| ()).await;
    let case = world.case(Some(person("Sari"))).await;
    let hash = world.requested(&case).await;
    let late = world.raw_approval(3, &hash).await;
    approved(&world, &hash, &case).await;
    world.until(&hash, "approvals", |r| r.approvals.len() == 2).await;
    assert_eq!(world.status(&hash).await, Status::Approved);
    refresh(&world).await;
    world.until(&hash, "the new council", |r| r.voided.is_some()).await;
    assert_eq!(world.status(&hash).await, Status::Void);
    // A vote for it comes too late, on the device and on the board.
    assert!(said_no(world.approve(3, &hash, &case).await).contains("has ended: void"));
    let mut wait = patience();
    while world.holds().await > 0 {
        wait.wait("the board's reading of the change").await.unwrap();
    }
    assert_eq!(problem(world.post(world.official(3).signing(), &late).await), (400, "order".into()));
    // The new council is asked anew, and old approvals are worth nothing there.
    let again = world.requested(&case).await;
    let session = world.session().await;
    let (old, new) = (session.view.state.request(&hash).unwrap(), session.view.state.request(&again).unwrap());
    assert_ne!(old.body.council_id, new.body.council_id);
    assert!(new.approvals.is_empty());
    let cooled = old.cooled_at(session.view.state.witnessed()).unwrap();
    while world.session().await.view.witnessed <= cooled + 2 {
        wait.wait("the end of the first one's cooling-off").await.unwrap();
    }
    let session = world.session().await;
    assert_eq!(session.view.state.request(&hash).unwrap().release, None, "never released");
    assert_eq!(world.status(&again).await, Status::Requested);
}
