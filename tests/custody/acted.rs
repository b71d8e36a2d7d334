//! What the pages in `docs/custody` tell people to do, done: over HTTP, on devices of their own, until an identity that was
//! sealed before is opened by those who are left.

use std::path::Path;

use curve25519_dalek::{EdwardsPoint, Scalar};
use tabir::client::Session;
use tabir::client::official::ceremony::{self, Place, settle};
use tabir::client::official::manifest::{self, FromFile};
use tabir::client::official::open::{Outcome, open};
use tabir::client::official::partial::{Released, partial};
use tabir::client::official::request::request;
use tabir::client::official::{Board, KeyFileError, OfficialError, OfficialFile, endorse};
use tabir::clock::Clock;
use tabir::config::keys::{read_signing_key, write_private};
use tabir::http::Client;
use tabir_crypto::content::IdentityRecord;
use tabir_crypto::keyfile::Cost;
use tabir_crypto::statement::body::{CeremonyKind, Role};
use tabir_crypto::threshold::{Council, Share};
use tabir_crypto::{B32, Code, Secret};

use crate::paper::{council, done, status};
use crate::world::{World, patience, person};

/// The same person with new keys on a new laptop, or another person: official 4.
const NEW: u16 = 4;

fn join(world: &World) -> OfficialFile {
    let passphrase = format!("a passphrase of official {NEW}").into_bytes();
    write_private(&world.passphrase_file(NEW), &passphrase).unwrap();
    OfficialFile::create(&world.key_file(NEW), "official 4", Secret::new(passphrase), Cost::LEAST).unwrap()
}

fn now(session: &Session) -> Council {
    session.view.state.active_council(&session.trust, session.now()).unwrap().council.clone()
}

/// A reshare or removal by those who take part, signed by warden and auditor, and in the log. Gives the councils made.
async fn change(world: &World, kind: CeremonyKind, members: &[u16]) -> Vec<Council> {
    let session = world.session().await;
    let cards: Vec<_> = members.iter().map(|n| world.official(*n).card()).collect();
    let manifest = manifest::follow(&now(&session), kind, (&cards, 2), None, &Clock::system()).unwrap();
    let operator = world.identity(Role::Council);
    let internal = Board::new(Client::new(Clock::system()), &world.ports.peers().council_internal, operator);
    internal.admit(manifest.payload().to_vec()).await.unwrap();
    let tasks = members.iter().map(|n| {
        let (mut file, payload, log) = (world.official(*n), manifest.payload().to_vec(), session.view.state.clone());
        let board = world.board(file.signing());
        tokio::spawn(async move {
            let clock = Clock::system();
            let place = Place { board: &board, clock: &clock, log: Some(&log) };
            ceremony::finish(&mut file, &payload, place, &mut patience()).await
        })
    });
    let tasks: Vec<_> = tasks.collect();
    let mut made = Vec::new();
    for task in tasks {
        made = task.await.unwrap().unwrap().made;
    }
    // Warden and auditor know the new fingerprint from the person, the others from the log.
    let known = FromFile(cards.iter().map(|card| format!("{}\n", card.fingerprint())).collect());
    let auditor = read_signing_key(&world.dir.path().join("auditors/auditor-1.key")).unwrap();
    for signer in [world.identity(Role::Warden), auditor] {
        let board = world.board(&signer);
        for one in &made {
            let mut statement = endorse::waiting_council(&board, Some(one.proposal)).await.unwrap();
            endorse::check_formed(&board, &world.trust, Some(&session.view.state), &statement, &known).await.unwrap();
            statement.sign(&signer);
            board.propose(&statement, &mut patience()).await.unwrap();
        }
    }
    let councils: Vec<Council> = made.into_iter().map(|m| m.council).collect();
    let mut patience = patience();
    loop {
        let session = world.session().await;
        if councils.iter().all(|c| session.view.state.council(c.council_id()).is_ok()) {
            break;
        }
        patience.wait("the new council in the log").await.unwrap();
    }
    councils
}

/// Two officials open a case by all its steps. What they read.
async fn opened(world: &World, case: &str, [one, two]: [u16; 2]) -> IdentityRecord {
    let file = world.official(one);
    let board = world.board(file.signing());
    let hash = request(&mut world.session().await, &board, &file, &World::ask(case), &mut patience()).await.unwrap();
    for n in [one, two] {
        world.approve(n, &hash, case).await.unwrap();
    }
    world.until(&hash, "the release", |r| r.release.is_some()).await;
    for n in [one, two] {
        help(world, n, &hash, case).await;
    }
    world.until(&hash, "partials", |r| r.partials.len() == 2).await;
    let (session, file) = (world.session().await, world.official(two));
    let opening = open(&session, &world.board(file.signing()), &file, &hash, &mut patience()).await.unwrap();
    match opening.outcome {
        Outcome::Opened(record) => *record,
        _ => panic!("nothing was opened"),
    }
}

async fn help(world: &World, n: u16, hash: &B32, case: &str) {
    let file = world.official(n);
    let board = world.board(file.signing());
    let mut patience = patience();
    while Released::load(&world.session().await, &board, &file, hash).await.is_err() {
        patience.wait("the hand-out").await.unwrap();
    }
    partial(&world.session().await, &board, &file, hash, case, &mut patience).await.unwrap();
}

/// Each who holds something looks at the log, and what was replaced is erased.
async fn erase(world: &World, who: &[u16]) {
    let session = world.session().await;
    for n in who {
        let settled = settle(&mut world.official(*n), &session.view.state, session.now()).unwrap();
        assert_eq!((settled.erased.len(), settled.missing.len()), (1, 0), "official {n}");
    }
}

fn path(file: &Path) -> String {
    file.display().to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_device_without_a_paper_is_a_reshare_by_the_others() {
    let world = World::start().await;
    let who = person("Sari");
    let case = world.case(Some(who.clone())).await;
    let printed = path(&world.dir.path().join("paper"));
    done(&world, 2, "backup", &["--key", &path(&world.key_file(2)), "--out", &printed], "").await;
    let before = now(&world.session().await);

    std::fs::remove_file(world.key_file(1)).unwrap();
    join(&world);
    let made = change(&world, CeremonyKind::Reshare, &[NEW, 2, 3]).await;
    assert_eq!((made.len(), made[0].lineage(), made[0].epoch()), (1, before.lineage(), 2));
    erase(&world, &[2, 3]).await;

    // The new device says that all is well, and what was sealed before the loss can be opened with it.
    let seen = status(&world, NEW, &path(&world.key_file(NEW))).await;
    let seat = &seen["councils"][0];
    assert_eq!((&seat["epoch"], &seat["index"], &seat["problem"]), (&2.into(), &1.into(), &serde_json::Value::Null));
    assert_eq!(seat["fingerprint"], made[0].fingerprint());
    assert!(opened(&world, &case, [NEW, 2]).await == who);

    // The paper from before is refused: which epoch it is of, and nothing is made of it.
    let (from, out) = (format!("{printed}.txt"), world.dir.path().join("old"));
    let (code, _, err) = council(&world, 2, "restore", &["--from", &from, "--out", &path(&out)], "").await;
    assert!(code == 1 && err.contains("(share)") && err.contains("epoch 1") && err.contains("epoch 2"), "{code} {err}");
    assert!(!out.exists());
    // And the officials who renewed are told that their papers are old.
    assert_eq!(status(&world, 2, &path(&world.key_file(2))).await["backup"]["whole"], false);
}

/// The scalar of a share, and the factor that it has in a sum of officials 1 and 2: 2 and -1.
fn weighed(one: &Share, two: &Share) -> EdwardsPoint {
    let s = |share: &Share| {
        Scalar::from_canonical_bytes(share.to_bytes().expose()[2..].try_into().unwrap()).expect("a scalar")
    };
    assert_eq!((one.index(), two.index()), (1, 2));
    EdwardsPoint::mul_base(&(Scalar::from(2_u8) * s(one) - s(two)))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stolen_device_is_a_removal_and_its_share_is_worth_nothing_with_the_new_ones() {
    let world = World::start().await;
    let who = person("Sari");
    let case = world.case(Some(who.clone())).await;
    let before = now(&world.session().await);
    // The thief has everything: file and passphrase.
    let thief = world.official(1);
    let stolen = thief.share(&before).unwrap();
    let old_two = world.official(2).share(&before).unwrap();
    join(&world);
    let made = change(&world, CeremonyKind::Remove, &[NEW, 2, 3]).await;
    let [reshared, fresh] = &made[..] else { panic!("two councils") };
    assert_eq!((reshared.lineage(), reshared.epoch(), fresh.epoch()), (before.lineage(), 2, 1));
    assert_ne!(fresh.key(), before.key());

    // New reports are sealed to the new key.
    assert_eq!(now(&world.session().await).council_id(), fresh.council_id());
    // With an old share of another official the thief has the old key: this is why the others erase theirs.
    let y = before.key().point().compress();
    assert_eq!(weighed(&stolen, &old_two).compress().0, y);
    erase(&world, &[2, 3]).await;
    assert_eq!(world.official(2).share(&before).err().and_then(|e| e.code()), Some(Code::Context));
    // With a new one he has nothing, of the old key or of the new one.
    for council in [reshared, fresh] {
        let new_two = world.official(2).share(council).unwrap();
        assert_ne!(weighed(&stolen, &new_two).compress().0, council.key().point().compress());
        assert_ne!(weighed(&stolen, &new_two).compress().0, y);
        assert_eq!(stolen.check(council).unwrap_err().code(), Code::Share);
    }
    // Nor may he ask or vote any more: the log knows his key as a member of no current council.
    let session = world.session().await;
    let mine = world.board(thief.signing());
    let asked = request(&mut world.session().await, &mine, &thief, &World::ask(&case), &mut patience()).await;
    assert!(asked.is_err(), "a removed official asks for nothing");
    assert_eq!(world.session().await.view.state.requests().len(), session.view.state.requests().len());
    let error = thief.share_by_log(&session.view.state, reshared).err().unwrap();
    assert!(matches!(error, OfficialError::KeyFile(KeyFileError::OtherOfficial)), "{error}");

    // Old and new cases are opened by those who are left.
    assert!(opened(&world, &case, [2, NEW]).await == who);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forgotten_passphrase_is_no_way_in_and_a_reshare_is_the_way_on() {
    let world = World::start().await;
    let who = person("Sari");
    let case = world.case(Some(who.clone())).await;
    let (key, printed) = (path(&world.key_file(1)), path(&world.dir.path().join("paper")));
    done(&world, 1, "backup", &["--key", &key, "--out", &printed], "").await;
    // What comes to mind instead, typed from the file of official 2; neither laptop nor paper opens.
    let (code, _, err) = council(&world, 2, "status", &["--key", &key], "").await;
    assert!(code == 1 && err.contains("wrong passphrase") && err.contains("forgotten-passphrase.md"), "{code} {err}");
    let (from, out) = (format!("{printed}.txt"), world.dir.path().join("again"));
    let (code, _, err) = council(&world, 2, "restore", &["--from", &from, "--out", &path(&out)], "").await;
    assert!(code == 1 && err.contains("wrong passphrase"), "{code} {err}");
    assert!(!out.exists());

    join(&world);
    change(&world, CeremonyKind::Reshare, &[NEW, 2, 3]).await;
    erase(&world, &[2, 3]).await;
    assert!(opened(&world, &case, [3, NEW]).await == who);
    // It comes back to mind: too late for the old folder, and the words say so.
    let out_of_it = done(&world, 1, "status", &["--key", &key], "").await;
    assert!(out_of_it.contains("erased") && out_of_it.contains("none yet"), "{out_of_it}");
    let (code, _, err) = council(&world, 1, "restore", &["--from", &from, "--out", &path(&out)], "").await;
    assert!(code == 1 && err.contains("an old copy (share)"), "{code} {err}");
}
