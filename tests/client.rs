//! What a reporter's client believes of a gateway: a fake one answers what the test says.

mod common;

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use common::world::{DAY, ISSUER, NOW, ORIGIN, TOKEN_END, World, identity, issuer_key, key, session_with, token};
use tabir::api::gateway::Reported;
use tabir::client::consent::Consent;
use tabir::client::report::{Accepted, Draft, Sealed, seal, seal_as_shown, send};
use tabir::client::{ClientError, Session};
use tabir::clock::Clock;
use tabir::http::Problem;
use tabir_crypto::content::{IdentityRecord, Location, Precision};
use tabir_crypto::ed25519::SigningKey;
use tabir_crypto::receipt::reference;
use tabir_crypto::statement::body::{Acceptance, KeyKind, Release, Role};
use tabir_crypto::statement::value::{CodeText, Hex, Hour, Second, Text, V1};
use tabir_crypto::statement::{Statement, Verb};
use tabir_crypto::submission::Submission;
use tabir_crypto::token::{TokenChallenge, header as token_header};
use tabir_crypto::trust::root::Activation;
use tabir_crypto::{Code, json};
use tokio::sync::watch;

/// A session with a gateway that answers every report by this.
async fn session(answer: impl Fn(Bytes) -> Response + Send + Sync + 'static) -> (Session, watch::Sender<bool>) {
    let answer = Arc::new(answer);
    let handler = move |body: Bytes| {
        let answer = Arc::clone(&answer);
        async move { answer(body) }
    };
    let (server, stop) = common::serve(Router::new().route("/v1/reports", post(handler))).await;
    (session_with(World::new(None), server, NOW), stop)
}

fn draft(identity: Option<IdentityRecord>) -> Draft {
    Draft {
        category: CodeText::new("pothole").unwrap(),
        text: "A hole in the road".into(),
        language: CodeText::new("en").unwrap(),
        location: Location::new(Precision::None, None, String::new()).unwrap(),
        attributes: Default::default(),
        release: Release::Urgent,
        identity,
    }
}

fn sealed(session: &Session) -> Sealed {
    seal(session, &draft(None)).unwrap()
}

fn refusal<T>(result: Result<T, ClientError>) -> Code {
    match result.err().expect("must be refused") {
        ClientError::Crypto(error) => error.code(),
        other => panic!("refused for another reason: {other}"),
    }
}

/// What a gateway answers: what was asked for, then `change`, signed by `key`.
async fn answered(key: SigningKey, change: fn(&mut Acceptance, &mut String)) -> Result<Accepted, ClientError> {
    let answer = move |body: Bytes| {
        let c = json::from_slice::<Submission>(&body).unwrap().commitment().unwrap();
        let (v, at, deadline) = (V1, Hour::of(NOW), Second(NOW + DAY));
        let (case_id, a, b, nf) = (Hex(c.case_id), Hex(c.a), Hex(c.b), Hex(c.nf));
        let log_origin = Text::new("log.example/intake").unwrap();
        let mut body = Acceptance { v, at, case_id, a, b, nf, w: 1, deadline, log_origin };
        let mut reference = reference(&c.case_id);
        change(&mut body, &mut reference);
        let acceptance = Statement::signed(Verb::Acceptance, &body, &key).unwrap();
        (StatusCode::CREATED, json::to_vec(&Reported { v, reference, acceptance }).unwrap()).into_response()
    };
    let (session, _stop) = session(answer).await;
    send(&session, &sealed(&session), &token()).await
}

#[tokio::test]
async fn takes_the_acceptance_of_its_own_report_only() {
    let gateway = || identity(Role::Gateway);
    answered(gateway(), |_, _| ()).await.unwrap();
    type Change = fn(&mut Acceptance, &mut String);
    let changes: [(&str, Change); 6] = [
        ("case", |a, _| a.case_id = Hex([1; 32])),
        ("a", |a, _| a.a = Hex([1; 32])),
        ("b", |a, _| a.b = Hex([1; 32])),
        ("nf", |a, _| a.nf = Hex([1; 32])),
        ("reference", |_, r| *r = "AAAA-AAAA-AAAA".into()),
        ("log", |a, _| a.log_origin = Text::new("log.example/governance").unwrap()),
    ];
    for (what, change) in changes {
        assert_eq!(refusal(answered(gateway(), change).await), Code::Context, "{what}");
    }
}

#[tokio::test]
async fn refuses_an_acceptance_that_the_gateway_did_not_sign() {
    for other in [identity(Role::Forwarder), key(77)] {
        assert_eq!(refusal(answered(other, |_, _| ()).await), Code::UnknownKey);
    }
}

/// A 401 with this value of `WWW-Authenticate`.
async fn asked_for(header: Option<String>) -> ClientError {
    let answer = move |_| {
        let problem = Problem::new(StatusCode::UNAUTHORIZED, "token-spent", "Spent.");
        match &header {
            Some(text) => problem.with_header(header::WWW_AUTHENTICATE, HeaderValue::from_str(text).unwrap()),
            None => problem,
        }
        .into_response()
    };
    let (session, _stop) = session(answer).await;
    send(&session, &sealed(&session), &token()).await.unwrap_err()
}

/// Whoever asks some people for another challenge, tells them apart by the tokens that they bring.
#[tokio::test]
async fn refuses_a_challenge_other_than_its_own() {
    let challenge = |issuer, origin| {
        let challenge = TokenChallenge::new(issuer, origin).unwrap();
        Some(token_header::write_challenge(&challenge, issuer_key().public()))
    };
    for header in [challenge(ISSUER, ORIGIN), None] {
        assert!(matches!(asked_for(header).await, ClientError::Http(e) if e.code() == Some("token-spent")));
    }
    for header in [challenge(ISSUER, "you.gateway.example"), challenge("you.example", ORIGIN), Some("Bearer".into())] {
        assert_eq!(refusal::<()>(Err(asked_for(header).await)), Code::TokenChallenge);
    }
}

/// While somebody reads who could open it, another council may have begun to count.
#[test]
fn seals_an_identity_to_the_council_that_was_shown_and_no_other() {
    let here = || session_with(World::new(None), "http://127.0.0.1:1".into(), NOW);
    let (session, later) = (here(), here());
    let shown = Consent::of(&session).unwrap();
    assert_ne!(shown.fingerprint, Consent::of(&later).unwrap().fingerprint);
    assert_eq!((shown.t, shown.n, shown.since), (2, 3, NOW));
    assert!(seal_as_shown(&session, &draft(None), Some(&shown)).is_ok());
    assert_eq!(refusal(seal_as_shown(&later, &draft(None), Some(&shown))), Code::Context);
}

#[test]
fn seals_no_identity_under_an_old_head_of_the_log() {
    let identity = || IdentityRecord {
        v: V1,
        name: Some("Siti Contoh".into()),
        contact: Vec::new(),
        national_id: None,
        note: None,
    };
    let old = |age| session_with(World::new(None), "http://127.0.0.1:1".into(), NOW + age);
    assert!(seal(&old(3 * DAY), &draft(Some(identity()))).is_ok());
    assert_eq!(refusal(seal(&old(3 * DAY + 1), &draft(Some(identity())))), Code::Stale);
    assert!(seal(&old(3 * DAY + 1), &draft(None)).is_ok(), "an outage of the witnesses silences nobody");
}

/// Delays are there so that people see a key before it counts, and no clock but the witnesses' says when that was.
#[test]
fn a_clock_that_is_ahead_makes_no_key_count_sooner() {
    let delays = Activation { token: 0, intake: DAY, warden: DAY, council: DAY };
    let world = World::with(None, |root| root.activation_s = delays);
    let mut session = session_with(world, "http://127.0.0.1:1".into(), NOW + DAY);
    for kind in [KeyKind::Intake, KeyKind::Warden] {
        assert_eq!(refusal(session.key(kind)), Code::NotActive);
    }
    assert_eq!(refusal(session.council()), Code::NotActive);
    assert_eq!(refusal(seal(&session, &draft(None))), Code::NotActive);
    session.view.witnessed = NOW + DAY;
    assert!(seal(&session, &draft(None)).is_ok());

    // A key's own dates hold by the device's clock, also while the witnesses are silent.
    session.view.witnessed = NOW;
    session.clock = Clock::manual(TOKEN_END - 1);
    assert!(session.key(KeyKind::Token).is_ok());
    session.clock = Clock::manual(TOKEN_END);
    assert_eq!(refusal(session.key(KeyKind::Token)), Code::NotActive);
}
