//! Approvers and a warden who lie after the release: another name, another's partial, another envelope.

use tabir::api::council::{Act, Handouts, SealedTo};
use tabir::client::official::OfficialError;
use tabir::client::official::open::Outcome;
use tabir::client::official::partial::Released;
use tabir::clock::Random;
use tabir::ledger;
use tabir_crypto::codec::sha256;
use tabir_crypto::envelope::Outer;
use tabir_crypto::hpke::{KemPublicKey, KemSecretKey, Use, uses};
use tabir_crypto::statement::body::{IndexedHash, Role, UnsealOpened, UnsealPartial, UnsealReleased};
use tabir_crypto::statement::value::{Bytes, Hex, Hour, V1};
use tabir_crypto::statement::{Body, Statement, Verb};
use tabir_crypto::trust::root::LogName;
use tabir_crypto::{B32, Code};

use crate::opening::{help, look};
use crate::world::{World, patience, person, refused};

#[tokio::test(flavor = "multi_thread")]
async fn an_approver_who_reports_another_name_stays_alone_with_it() {
    let world = World::start().await;
    let who = person("Sari");
    let case = world.case(Some(who.clone())).await;
    let hash = world.released(&case, &[1, 2, 3]).await;
    for n in [1, 2] {
        help(&world, n, &hash, &case).await.unwrap();
    }
    world.until(&hash, "partials", |r| r.partials.len() == 2).await;
    let three = world.official(3);
    let lie = UnsealOpened { v: V1, at: Hour::of(world.now()), request_hash: Hex(hash), record_commit: Hex([9; 32]) };
    let lie = Statement::signed(Verb::UnsealOpened, &lie, three.signing()).unwrap();
    let mut wait = patience();
    while world.propose(three.signing(), &lie).await.is_err() {
        wait.wait("the board's reading of the partials").await.unwrap();
    }
    for (n, complete) in [(1, false), (2, true)] {
        let opening = look(&world, n, &hash).await.unwrap();
        assert_ne!(opening.proposal, lie.pae_hash(), "nobody signs what he did not see");
        assert_eq!(opening.complete, complete);
        assert!(matches!(opening.outcome, Outcome::Opened(record) if *record == who));
    }
    let ended = world.ended(&hash).await;
    let Body::UnsealOpened(body) = ended.body().unwrap() else { panic!("opened") };
    assert_ne!(body.record_commit.0, [9; 32]);
    assert!(!ended.signers().contains(&three.verifying().key_id()));
    assert!(world.propose(world.official(1).signing(), &lie).await.is_err(), "and it comes too late");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partial_under_another_makers_name_is_its_senders_fault() {
    let world = World::start().await;
    let who = person("Sari");
    let case = world.case(Some(who.clone())).await;
    let hash = world.released(&case, &[1, 2, 3]).await;
    help(&world, 2, &hash, &case).await.unwrap();
    world.until(&hash, "a partial", |r| r.partials.len() == 1).await;
    // The third sends on what the second made, as his own.
    let (session, three) = (world.session().await, world.official(3));
    let released = Released::load(&session, &world.board(three.signing()), &three, &hash).await.unwrap();
    let theirs = &released.open.files.partials[0];
    let made =
        uses::open(&released.key, &Use::Partial { request_hash: hash, from: 2, to: 3 }, &theirs.sealed.0).unwrap();
    let (mut sealed, mut partials) = (Vec::new(), Vec::new());
    for (to, key) in &released.recipients {
        let place = Use::Partial { request_hash: hash, from: 3, to: *to };
        let bytes = uses::seal(key, &place, made.expose(), &mut Random).unwrap();
        partials.push(IndexedHash { index: *to, hash: Hex(sha256(&bytes)) });
        sealed.push(SealedTo { to: *to, sealed: Bytes(bytes) });
    }
    let at = Hour::of(session.clock.now());
    let body = UnsealPartial { v: V1, at, request_hash: Hex(hash), index: 3, partials };
    let statement = Statement::signed(Verb::UnsealPartial, &body, three.signing()).unwrap();
    world.post(three.signing(), &Act { v: V1, statement, reference: None, sealed }).await.unwrap();
    world.until(&hash, "two partials", |r| r.partials.len() == 2).await;
    let error = look(&world, 1, &hash).await.err().expect("one partial is too few, however often it comes");
    assert!(matches!(error, OfficialError::BadPartial { index: 3, .. }), "{error}");
    help(&world, 1, &hash, &case).await.unwrap();
    world.until(&hash, "three partials", |r| r.partials.len() == 3).await;
    let opening = look(&world, 1, &hash).await.unwrap();
    assert_eq!(opening.cheaters.iter().map(|e| e.culprit()).collect::<Vec<_>>(), [Some(3)]);
    assert!(matches!(opening.outcome, Outcome::Opened(record) if *record == who));
}

/// A release by a stolen warden's key with an auditor beside it: all is right but what `commit` makes of `inner_commit`.
async fn forged_release(world: &World, hash: &B32, commit: impl FnOnce(B32) -> B32) {
    let session = world.session().await;
    let request = session.view.state.request(hash).unwrap().clone();
    let council = session.view.state.council(&request.body.council_id.0).unwrap().council.clone();
    let text = world.text(1, hash).await;
    let store =
        tabir::warden::Store::open(&world.dir.path().join("warden/store.sqlite"), tabir::clock::Clock::system())
            .await
            .unwrap();
    let seeds = store.keys().await.unwrap().into_iter().filter_map(|k| k.seed);
    let keys: Vec<_> = seeds.map(KemSecretKey::from_seed).collect();
    let case = world.board(world.official(1).signing()).case(&world.reference(&text), 0).await.unwrap();
    let outer = Outer::parse(&case.envelope.0).unwrap();
    let key = keys.iter().find(|k| k.public_key().key_id() == *outer.warden_key_id()).unwrap();
    let handout = outer.open(key, &text.binding(*council.lineage())).unwrap().handout([5; 32]);
    let mut sealed = Vec::new();
    for approval in &request.approvals {
        let to = approval.body.index;
        let place = Use::Handout { request_hash: *hash, index: to };
        let fresh = KemPublicKey::from_bytes(&approval.body.kem_pk.0).unwrap();
        let bytes = uses::seal(&fresh, &place, handout.to_bytes().expose(), &mut Random).unwrap();
        sealed.push(SealedTo { to, sealed: Bytes(bytes) });
    }
    let reader =
        ledger::reader(&session.trust, LogName::Governance, session.http.clone(), &session.services.log).unwrap();
    let kept = reader.kept(session.view.head.size).await.unwrap();
    let hashed = |s: &SealedTo| IndexedHash { index: s.to, hash: Hex(sha256(&s.sealed.0)) };
    let body = UnsealReleased {
        v: V1,
        at: Hour::of(world.now()),
        request_hash: Hex(*hash),
        tree_size: session.view.head.size,
        checkpoint_hash: Hex(kept.signed().hash()),
        inner_commit: Hex(commit(handout.inner_commit())),
        handouts: sealed.iter().map(hashed).collect(),
    };
    let warden = world.identity(Role::Warden);
    world.sign(Statement::new(Verb::UnsealReleased, &body).unwrap(), &[warden.clone(), world.auditor()]).await;
    world.until(hash, "the release", |r| r.release.is_some()).await;
    let (base, path) =
        (world.ports.peers().council_internal, format!("/internal/unseal/{}/handouts", hex::encode(hash)));
    let mut wait = patience();
    while world.call(&warden, &base, &path, &Handouts { v: V1, handouts: sealed.clone() }).await.is_err() {
        wait.wait("the board's reading of the release").await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approver_helps_with_no_other_envelope_than_the_release_commits_to() {
    let world = World::start_with(|root| root.cooling_off_s = 4 * 3600, |_, _| ()).await;
    for (n, honest) in [(1, true), (2, false)] {
        let case = world.case(Some(person("Sari"))).await;
        let hash = world.requested(&case).await;
        for n in [1, 2] {
            world.approve(n, &hash, &case).await.unwrap();
        }
        world.until(&hash, "approvals", |r| r.approvals.len() == 2).await;
        forged_release(&world, &hash, |commit| if honest { commit } else { [9; 32] }).await;
        let (session, file) = (world.session().await, world.official(n));
        let loaded = Released::load(&session, &world.board(file.signing()), &file, &hash).await;
        if honest {
            loaded.unwrap();
        } else {
            assert_eq!(refused(loaded), Code::Context);
        }
    }
}
