//! What warden and auditor refuse to sign, with a board that leaves out or changes what it shows them.

use tabir::api::council::{Messages, Proposal, round};
use tabir::client::official::manifest::{FromFile, follow};
use tabir::client::official::{OfficialError, endorse};
use tabir_crypto::ed25519::SigningKey;
use tabir_crypto::statement::body::{CeremonyKind, Role};
use tabir_crypto::statement::{Body, Statement, Verb};
use tabir_crypto::threshold::PARTIAL_LEN;
use tabir_crypto::threshold::dkg::Ceremony;
use tabir_crypto::trust::State as Log;
use tabir_crypto::{B32, Code, json};

use super::log_support::{identity, key, trust};
use super::message;
use super::proxy::{Post, Proxy};
use super::reshare::{admitted, cards, newcomer, run};
use super::world::World;

/// A reshare that waits for warden and auditor: official 2 has dealt and left, official 4 came.
struct Waiting {
    world: World,
    log: Log,
    plan: Ceremony,
    formed: Statement,
}

async fn waiting() -> Waiting {
    let world = World::start().await;
    let old = world.council().await.council().clone();
    let log = world.wait_for(old.council_id()).await;
    let people = [cards(&old, &[1, 3]), vec![newcomer(&world, 4)]].concat();
    let manifest = follow(&old, CeremonyKind::Reshare, (&people, 2), Some(vec![1, 2]), &world.clock).unwrap();
    let manifest = admitted(&world, manifest).await;
    run(&world, &manifest, &[1, 2, 3, 4]).await;
    let formed = endorse::waiting_council(&world.board(&identity(Role::Warden)), None).await.unwrap();
    Waiting { world, log, plan: Ceremony::from_payload(manifest.payload()).unwrap(), formed }
}

/// A first key that waits for warden and auditor.
async fn first_waiting() -> Waiting {
    let world = World::start().await;
    let manifest = world.manifest().await;
    for task in [1, 2, 3].map(|n| world.finish(n, &manifest)) {
        task.await.unwrap().unwrap();
    }
    let formed = endorse::waiting_council(&world.board(&identity(Role::Warden)), None).await.unwrap();
    Waiting { world, log: Log::new(), plan: Ceremony::from_payload(manifest.payload()).unwrap(), formed }
}

impl Waiting {
    fn known(&self) -> FromFile {
        let there = (1..=4).filter(|n| self.world.path(*n).exists());
        FromFile(there.map(|n| self.world.official(n).card().fingerprint() + "\n").collect())
    }

    /// What the warden says when the board shows him this.
    async fn with(
        &self,
        alter: impl Fn(&str, Vec<u8>) -> Vec<u8> + Send + Sync + 'static,
        statement: &Statement,
    ) -> Result<(), OfficialError> {
        let proxy = Proxy::start(&self.world.board, |_| Post::Through, alter).await;
        let board = self.world.board_at(&proxy.url, &identity(Role::Warden));
        endorse::check_formed(&board, &self.world.trust, Some(&self.log), statement, &self.known()).await
    }

    /// With these messages of the ceremony instead.
    async fn with_messages(
        &self,
        messages: impl Fn(Vec<Statement>) -> Vec<Statement> + Send + Sync + 'static,
    ) -> Result<(), OfficialError> {
        let alter = move |path: &str, body: Vec<u8>| {
            if !path.starts_with("/council/messages?") {
                return body;
            }
            let all: Messages = json::from_slice(&body).unwrap();
            json::to_vec(&Messages { messages: messages(all.messages), ..all }).unwrap()
        };
        self.with(alter, &self.formed).await
    }

    /// With a manifest that has only these signatures.
    async fn with_manifest_by(&self, who: &[usize]) -> Result<(), OfficialError> {
        let payload = self.world.board(&identity(Role::Warden)).manifest(self.plan.id()).await.unwrap();
        let statement = self.signed(&Statement::from_payload(Verb::CouncilManifest, payload).unwrap(), who);
        let alter = move |path: &str, body: Vec<u8>| {
            if !path.starts_with("/council/proposals/") {
                return body;
            }
            let all: Proposal = json::from_slice(&body).unwrap();
            json::to_vec(&Proposal { statement: statement.clone(), ..all }).unwrap()
        };
        self.with(alter, &self.formed).await
    }

    /// The same payload, signed by these officials only.
    fn signed(&self, statement: &Statement, who: &[usize]) -> Statement {
        let mut bare = Statement::from_payload(statement.verb(), statement.payload().to_vec()).unwrap();
        who.iter().for_each(|n| bare.sign(self.world.official(*n).signing()));
        bare
    }
}

fn in_round(statement: &Statement) -> (u8, u16) {
    let Ok(Body::CouncilMessage(m)) = statement.body() else { panic!("a message") };
    (m.round, m.from)
}

/// All messages, but this official's of this round comes from `make`.
fn instead(
    place: (u8, u16),
    make: Option<Statement>,
) -> impl Fn(Vec<Statement>) -> Vec<Statement> + Send + Sync + 'static {
    move |all| {
        let others = all.into_iter().filter(|m| in_round(m) != place);
        others.chain(make.clone()).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn signs_what_everybody_signed_and_not_what_lacks_a_signature() {
    let w = waiting().await;
    w.with(|_, body| body, &w.formed).await.unwrap();
    // All new members, and the dealer who leaves.
    for who in [&[1, 2, 3][..], &[1, 3, 4], &[2, 3, 4]] {
        let error = w.with_manifest_by(who).await.expect_err("a manifest without somebody");
        assert_eq!(error.code(), Some(Code::Insufficient), "{who:?}");
        let error = w.with(|_, body| body, &w.signed(&w.formed, who)).await.expect_err("a council without somebody");
        assert_eq!(error.code(), Some(Code::Insufficient), "{who:?}");
    }
    w.with(|_, body| body, &w.signed(&w.formed, &[1, 2, 3, 4])).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn signs_no_council_without_a_transcript_and_a_drill_of_each() {
    let w = waiting().await;
    let official = |index: u16| w.world.official([0, 1, 3, 4][usize::from(index)]);
    for index in 1..=3 {
        let error = w.with_messages(instead((round::TRANSCRIPT, index), None)).await.expect_err("no transcript");
        assert_eq!(error.code(), Some(Code::Ceremony), "{error}");
        let other = message(&official(index), &w.plan, round::TRANSCRIPT, (index, 0), vec![9; 32]);
        let error = w.with_messages(instead((round::TRANSCRIPT, index), Some(other))).await.expect_err("another");
        assert!(matches!(error, OfficialError::Differs { index: i } if i == index), "{error}");
        let error = w.with_messages(instead((round::DRILL, index), None)).await.expect_err("no drill");
        assert!(matches!(error, OfficialError::Cheater { index: i, .. } if i == index), "{error}");
        let other = message(&official(index), &w.plan, round::DRILL, (index, 0), vec![1; PARTIAL_LEN]);
        let error = w.with_messages(instead((round::DRILL, index), Some(other))).await.expect_err("a false drill");
        assert!(matches!(error, OfficialError::Cheater { index: i, .. } if i == index), "{error}");
    }
    // A dealing that is not there, or another one: it isn't what the members saw.
    let error = w.with_messages(instead((round::DEALING, 2), None)).await.expect_err("no dealing");
    assert!(matches!(error, OfficialError::CheatingDealer { index: 2, .. }), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn signs_no_council_of_people_that_it_does_not_know_or_of_another_time() {
    let w = waiting().await;
    let board = w.world.board(&identity(Role::Warden));
    let check = |log: Option<Log>, known: FromFile| {
        let (board, w) = (&board, &w);
        async move { endorse::check_formed(board, &w.world.trust, log.as_ref(), &w.formed, &known).await }
    };
    // Who sat there before is known from the log; the newcomer is asked for.
    let newcomer = FromFile(w.world.official(4).card().fingerprint());
    check(Some(w.log.clone()), newcomer).await.unwrap();
    let error = check(Some(w.log.clone()), FromFile(w.world.official(1).card().fingerprint())).await;
    assert!(error.expect_err("unknown").to_string().contains("official 3"));
    assert!(matches!(check(None, w.known()).await, Err(OfficialError::Refused(why)) if why.contains("log")));
    assert!(
        matches!(check(Some(Log::new()), w.known()).await, Err(OfficialError::Refused(why)) if why.contains("no longer"))
    );

    // Another council than the ceremony made: other verb, other payload.
    let Body::Council(mut body) = w.formed.body().unwrap() else { panic!() };
    body.epoch += 1;
    let other = Statement::new(Verb::CouncilReshared, &body).unwrap();
    assert_eq!(w.with(|_, b| b, &other).await.expect_err("another epoch").code(), Some(Code::Context));
}

#[tokio::test(flavor = "multi_thread")]
async fn signs_no_first_council_without_everybodys_signature_on_its_manifest() {
    let w = first_waiting().await;
    w.with_manifest_by(&[1, 2, 3]).await.unwrap();
    for who in [[1, 2], [1, 3], [2, 3]] {
        let error = w.with_manifest_by(&who).await.expect_err("a manifest without somebody");
        assert_eq!(error.code(), Some(Code::Insufficient), "{who:?}");
    }
}

/// An auditor who sits in a council would stand beside himself.
#[tokio::test(flavor = "multi_thread")]
async fn signs_no_council_in_which_a_key_of_the_trust_root_sits() {
    let w = waiting().await;
    let mut root = trust().root().clone();
    let three: B32 = *w.world.official(3).verifying().as_bytes();
    root.auditors.push(tabir_crypto::statement::value::Hex(three));
    root.auditors.sort();
    let auditor: SigningKey = key(1);
    let pinned = Statement::signed(Verb::TrustRoot, &root, &auditor).unwrap();
    let trust = tabir_crypto::trust::Trust::pinned(&pinned).unwrap();
    let board = w.world.board(&identity(Role::Warden));
    let error = endorse::check_formed(&board, &trust, Some(&w.log), &w.formed, &w.known()).await;
    let error = error.expect_err("an auditor sits there");
    assert!(matches!(&error, OfficialError::Refused(why) if why.contains("trust root")), "{error}");
}
