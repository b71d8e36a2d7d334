//! What an official's device asks before it helps, whatever a board says. The board here is a fake.

mod common;

use std::collections::BTreeMap;

use axum::Router;
use axum::routing::get;
use common::world::{DAY, NOW, World, identity, key, session_with};
use tabir::api::council::RequestFiles;
use tabir::client::official::partial::{Released, partial};
use tabir::client::official::request::{Ask, request};
use tabir::client::official::upkeep::{self, Sealed};
use tabir::client::official::{Board, OfficialError, OfficialFile, Patience, approve, manifest, open, release};
use tabir::client::report::{Draft, seal};
use tabir::client::{ClientError, Session};
use tabir::clock::{Clock, Random};
use tabir_crypto::content::{Location, Precision};
use tabir_crypto::ed25519::SigningKey;
use tabir_crypto::hpke::KemSecretKey;
use tabir_crypto::keyfile::Cost;
use tabir_crypto::request::RequestText;
use tabir_crypto::statement::body::{IndexedHash, Release, Role, UnsealApproved, UnsealReleased, UnsealRequested};
use tabir_crypto::statement::value::{Bytes, CodeText, Hex, Hour, V1};
use tabir_crypto::statement::{Statement, Verb};
use tabir_crypto::submission::Submission;
use tabir_crypto::threshold::dkg::{Ceremony, Public, Round1};
use tabir_crypto::{B32, Code, Secret, json};

/// Of the test's trust root.
const COOLING_OFF: u64 = 60;

fn code(text: &str) -> CodeText {
    CodeText::new(text).unwrap()
}

/// Three officials' key files, and the council that they form.
fn council(dir: &std::path::Path) -> (Vec<OfficialFile>, Statement) {
    let file = |n: u16| {
        let (path, passphrase) = (dir.join(format!("{n}.key")), Secret::new(b"a passphrase".to_vec()));
        OfficialFile::create(&path, "an official", passphrase, Cost::LEAST).unwrap()
    };
    let files: Vec<_> = (1..=3).map(file).collect();
    let cards: Vec<_> = files.iter().map(OfficialFile::card).collect();
    let manifest = manifest::build(&cards, 2, &Clock::manual(NOW)).unwrap();
    let ceremony = Ceremony::from_payload(manifest.payload()).unwrap();
    let round1 = |i| (i, Round1::start(&ceremony, i, &mut Random).unwrap().message().to_vec());
    let messages: BTreeMap<_, _> = (1..=3).map(round1).collect();
    let formed = ceremony.formed(&Public::of(&ceremony, &messages).unwrap(), Hour::of(NOW));
    let mut statement = Statement::new(Verb::CouncilFormed, &formed).unwrap();
    files.iter().for_each(|file| statement.sign(file.signing()));
    statement.sign(&identity(Role::Warden));
    // A further council of other people: the auditors' quorum stands for the consent of the one before.
    [key(20), key(21)].iter().for_each(|auditor| statement.sign(auditor));
    (files, statement)
}

/// One request, approved by officials 1 and 2, and a board that has the text for official 1.
struct Opening {
    session: Session,
    board: Board,
    file: OfficialFile,
    hash: B32,
    _stop: tokio::sync::watch::Sender<bool>,
    _dir: tempfile::TempDir,
}

impl Opening {
    async fn approved() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (files, formed) = council(dir.path());
        let mut world = World::new(None);
        world.log(&formed);
        let mut session = session_with(world, "http://127.0.0.1:1".into(), NOW);
        let text = text(&session);
        let envelope = text.1;
        let committed = text.0.commit(&[7; 32]).unwrap();
        let council = session.view.state.active_council(&session.trust, NOW).unwrap().council.clone();
        let (council_id, at) = (Hex(*council.council_id()), Hour::of(NOW));
        let body = UnsealRequested {
            v: V1,
            at,
            request_id: Hex([1; 16]),
            council_id,
            requester: 1,
            legal_basis: code("court"),
            reason: code("inquiry"),
            commit: Hex(committed.commit),
            tag: Hex(committed.tag),
            nonce: Some(text.0.nonce),
            deferred_until: None,
            deferral: None,
        };
        let asked = Statement::signed(Verb::UnsealRequested, &body, files[0].signing()).unwrap();
        let hash = asked.entry_hash();
        put(&mut session, &asked, NOW).unwrap();
        for (index, file) in (1..).zip(&files[..2]) {
            let kem_pk = Bytes(KemSecretKey::generate(&mut Random).public_key().as_bytes().to_vec());
            let (request_hash, reason) = (Hex(hash), code("agreed"));
            let body =
                UnsealApproved { v: V1, at, request_hash, council_id, index, reason, kem_pk, deferred_until: None };
            put(&mut session, &Statement::signed(Verb::UnsealApproved, &body, file.signing()).unwrap(), NOW).unwrap();
        }
        let sealed = committed.seal(&files[0].kem_public(), &mut Random).unwrap();
        let files_of_one = RequestFiles {
            v: V1,
            request_hash: Hex(hash),
            text: Bytes(sealed),
            envelope: Bytes(envelope),
            handout: None,
            partials: Vec::new(),
        };
        let answer = json::to_vec(&files_of_one).unwrap();
        let routes = Router::new().route("/council/requests/{hash}", get(|| async move { answer }));
        let (url, stop) = common::serve(routes).await;
        let file = files.into_iter().next().unwrap();
        let board = Board::new(session.http.clone(), &url, file.signing().clone());
        Self { session, board, file, hash, _stop: stop, _dir: dir }
    }

    /// A release to officials 1 and 2, witnessed so long after the request.
    fn release(&mut self, after: u64, keys: &[SigningKey]) {
        let handouts = [1, 2].map(|index| IndexedHash { index, hash: Hex([index as u8; 32]) }).to_vec();
        let body = UnsealReleased {
            v: V1,
            at: Hour::of(NOW),
            request_hash: Hex(self.hash),
            tree_size: self.session.view.state.size(),
            checkpoint_hash: Hex([8; 32]),
            inner_commit: Hex([9; 32]),
            handouts,
        };
        let mut statement = Statement::new(Verb::UnsealReleased, &body).unwrap();
        keys.iter().for_each(|key| statement.sign(key));
        // One that comes too early is refused, and stands in the log all the same.
        let _ = put(&mut self.session, &statement, NOW + after);
    }

    async fn load(&self) -> OfficialError {
        Released::load(&self.session, &self.board, &self.file, &self.hash).await.err().expect("there is no log to read")
    }
}

fn put(session: &mut Session, statement: &Statement, witnessed: u64) -> tabir_crypto::Result<()> {
    let entry = session.view.state.size();
    session.view.state.apply(&session.trust, entry, &statement.to_bytes(), Some(witnessed)).map(drop)
}

/// The text of a request for a fresh case, and the case's envelope.
fn text(session: &Session) -> (RequestText, Vec<u8>) {
    let draft = Draft {
        category: code("pothole"),
        text: "A hole in the road".into(),
        language: code("en"),
        location: Location::new(Precision::None, None, String::new()).unwrap(),
        attributes: BTreeMap::new(),
        release: Release::Urgent,
        identity: None,
    };
    let report: Submission = json::from_slice(&seal(session, &draft).unwrap().body).unwrap();
    let commitment = report.commitment().unwrap();
    let text = RequestText {
        v: V1,
        case_id: report.case_id,
        access_hash: report.access_hash,
        content_hash: Hex(commitment.content_hash),
        envelope_hash: Hex(commitment.envelope_hash),
        notice_key: Hex(*report.notice_key.expose()),
        nonce: Hex([3; 32]),
        words: "why".into(),
        category: None,
        recused: Vec::new(),
    };
    (text, report.envelope.0)
}

#[tokio::test]
async fn nobody_helps_with_a_release_that_came_before_the_cooling_off_was_over() {
    let mut opening = Opening::approved().await;
    assert!(matches!(opening.load().await, OfficialError::Refused(_)), "before any release");
    opening.release(COOLING_OFF - 1, &[identity(Role::Warden)]);
    assert_eq!(opening.load().await.code(), Some(Code::CoolingOff));

    // In time, or with an auditor: only the log's checkpoint is missing here.
    let warden = || identity(Role::Warden);
    for (after, keys) in [(COOLING_OFF, vec![warden()]), (0, vec![warden(), key(20)])] {
        let mut opening = Opening::approved().await;
        opening.release(after, &keys);
        assert!(matches!(opening.load().await, OfficialError::Client(ClientError::Log(_))));
    }
}

/// What an old head does not show, a withdrawal or another council, may have come long since.
#[tokio::test]
async fn an_official_signs_nothing_by_a_head_older_than_the_freshness_limit() {
    let Opening { mut session, board, mut file, hash, .. } = Opening::approved().await;
    let council = session.view.state.newest_council().unwrap().council.clone();
    let (reference, ask) = ("AAAA-AAAA-AAAA", Ask::default());
    let mut patience = Patience::new(std::time::Duration::ZERO, &|_| ());
    for (age, stale) in [(3 * DAY, false), (3 * DAY + 1, true)] {
        session.clock = Clock::manual(NOW + age);
        let refused = |what: &str, error: Option<OfficialError>| {
            let code = error.unwrap_or_else(|| panic!("{what} has nothing to go on here")).code();
            assert_eq!(code == Some(Code::Stale), stale, "{what}");
        };
        let (here, board) = (&session, &board);
        let approved = approve::approve(here, board, &mut file, &hash, (reference, "agreed"), &mut patience).await;
        refused("approve", approved.err());
        refused("partial", partial(here, board, &file, &hash, reference, &mut patience).await.err());
        refused("open", open::open(here, board, &file, &hash, &mut patience).await.err());
        refused("drill", upkeep::check(here, board, &file, &council, &mut patience).await.err());
        refused("retire", upkeep::retire(here, board, &file, &council, Sealed::Kept, &mut patience).await.err());
        let release = release::explain(here, here.trust.statement(), &file.verifying()).await;
        refused("sign beside the warden", release.err());
        refused("request", request(&mut session, board, &file, &ask, &mut patience).await.err());
    }
    // To say no takes no fresh head: nobody is harmed by it.
    let no = approve::refuse(&session, &board, &file, &hash, "no", &mut patience).await.unwrap_err();
    assert_ne!(no.code(), Some(Code::Stale));
}
