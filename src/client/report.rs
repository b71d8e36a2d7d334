//! Making a report: content and identity are sealed here, on the reporter's device, before anything is sent.

use std::collections::BTreeMap;

use crate::http::Method;
use tabir_crypto::content::{Content, IdentityRecord, IdentityState, Location, Via, content_hash, pad_content};
use tabir_crypto::envelope::{self, SealParams};
use tabir_crypto::hpke::{self, KemPublicKey, Use};
use tabir_crypto::receipt::{Receipt, accept_body, reference};
use tabir_crypto::statement::body::{Acceptance, KeyKind, Release, Role};
use tabir_crypto::statement::value::{Bytes, CodeText, Hex, Hour, Text, V1};
use tabir_crypto::statement::{Body, Statement, Verb};
use tabir_crypto::submission::{Commitment, Submission};
use tabir_crypto::token::Token;
use tabir_crypto::trust::root::LogName;
use tabir_crypto::{Code, SecretBytes, json};

use super::consent::Consent;
use super::{ClientError, Session, tokens};
use crate::api::gateway::Reported;
use crate::clock::Random;
use crate::http::HttpError;

/// What a reporter wrote.
#[derive(Clone, Debug)]
pub struct Draft {
    /// Category code of the policy.
    pub category: CodeText,
    /// The report.
    pub text: String,
    /// Language tag: `id`, `en`.
    pub language: CodeText,
    /// Where, as precisely as the reporter chose.
    pub location: Location,
    /// Attributes that the category asks for.
    pub attributes: BTreeMap<CodeText, Text>,
    /// When it leaves.
    pub release: Release,
    /// Sealed under the split key, if given.
    pub identity: Option<IdentityRecord>,
}

/// A sealed report. The body is kept in memory until it is accepted: a safe retry needs the same bytes.
pub struct Sealed {
    /// Shown to the reporter once.
    pub receipt: Receipt,
    /// The JSON body of `POST /v1/reports`.
    pub body: Vec<u8>,
    submission: Submission,
}

/// What the gateway answered, its acceptance checked.
#[derive(Clone, Debug)]
pub struct Accepted {
    /// The case's name among people.
    pub reference: String,
    /// The gateway's signed acceptance.
    pub acceptance: Acceptance,
    /// The statement itself, to keep as proof.
    pub statement: Statement,
}

/// Seals a report under the keys that the governance log says are current. Errors: `stale` (an identity, and the head
/// is too old), `not-active`, `too-long`.
pub fn seal(session: &Session, draft: &Draft) -> Result<Sealed, ClientError> {
    seal_as_shown(session, draft, None)
}

/// As [`seal`], to the council that the reporter was shown and no other: while somebody reads, another may have begun to
/// count. Errors: those of [`seal`], `context` when it has.
pub fn seal_as_shown(session: &Session, draft: &Draft, shown: Option<&Consent>) -> Result<Sealed, ClientError> {
    seal_via(session, draft, shown, None)
}

/// As [`seal_as_shown`], in the reporter's place: the content says by whom. Errors: those of [`seal_as_shown`].
pub fn seal_via(
    session: &Session,
    draft: &Draft,
    shown: Option<&Consent>,
    via: Option<Via>,
) -> Result<Sealed, ClientError> {
    if draft.identity.is_some() {
        session.check_fresh()?;
    }
    let rng = &mut Random;
    let intake = KemPublicKey::from_bytes(&session.key(KeyKind::Intake)?)?;
    let warden = KemPublicKey::from_bytes(&session.key(KeyKind::Warden)?)?;
    let council = session.council()?;
    if shown.is_some_and(|shown| !shown.is_for(&council.council)) {
        return Err(Code::Context.into());
    }
    let receipt = Receipt::generate(rng);
    let keys = receipt.keys();
    let (case_id, intake_key_id) = (keys.case_id(), intake.key_id());
    let content = Content {
        v: V1,
        category: draft.category.clone(),
        text: draft.text.clone(),
        language: draft.language.clone(),
        location: draft.location.clone(),
        attributes: draft.attributes.clone(),
        release: draft.release,
        identity: if draft.identity.is_some() { IdentityState::Sealed } else { IdentityState::None },
        mailbox_pk: keys.mailbox_pk(),
        attachments: Vec::new(),
        via,
    };
    let padded = pad_content(&json::to_vec(&content)?)?;
    let sealed = hpke::uses::seal(&intake, &Use::Content { case_id, intake_key_id }, padded.expose(), rng)?;
    let record = IdentityRecord::to_padded(draft.identity.as_ref())?;
    let record = SecretBytes::new(tabir_crypto::codec::fixed(record.expose())?);
    let params = SealParams {
        council: council.council.key(),
        warden_key: &warden,
        case_key: &keys.case_key,
        access_hash: keys.access_hash(),
        content_hash: content_hash(&sealed)?,
        notice_hash: keys.notice_hash(),
    };
    let envelope = envelope::seal(&params, &record, rng)?;
    let at = Hour::of(session.clock.now());
    let commitment = Commitment {
        case_id,
        content_hash: params.content_hash,
        envelope_hash: envelope.hash,
        mailbox_pk: keys.mailbox_pk(),
        a: keys.a(),
        b: accept_body(keys.r.expose(), &params.content_hash, &envelope.hash),
        nf: *keys.nf.expose(),
        notice_hash: keys.notice_hash(),
    };
    let statement = Statement::signed(Verb::CaseSubmit, &commitment.to_sign(at), &keys.case_key)?;
    let submission = Submission {
        v: V1,
        case_id: Hex(case_id),
        access_hash: Hex(keys.access_hash()),
        case_vk: Hex(*keys.case_vk().as_bytes()),
        intake_key_id: Hex(intake_key_id),
        content: Bytes(sealed),
        envelope: Bytes(envelope.bytes),
        mailbox_pk: keys.mailbox_pk(),
        r: keys.r.clone(),
        nf: Hex(*keys.nf.expose()),
        notice_key: keys.notice_key.clone(),
        statement,
    };
    Ok(Sealed { receipt, body: json::to_vec(&submission)?, submission })
}

/// Sends a sealed report, again after a lost answer. Errors: HTTP, `context` (an acceptance of something else),
/// `token-challenge` (a 401 that asks for another challenge than this client builds).
pub async fn send(session: &Session, sealed: &Sealed, token: &Token) -> Result<Accepted, ClientError> {
    deliver(session, &sealed.body, &sealed.submission, token).await
}

/// As [`send`], of a body that was sealed before and kept. Errors: those of [`send`], and of the body's JSON.
pub async fn send_again(session: &Session, body: &[u8], token: &Token) -> Result<Accepted, ClientError> {
    deliver(session, body, &json::from_slice(body)?, token).await
}

async fn deliver(
    session: &Session,
    body: &[u8],
    submission: &Submission,
    token: &Token,
) -> Result<Accepted, ClientError> {
    let url = format!("{}/v1/reports", session.server);
    let authorization = tokens::authorization(token);
    let headers = [("content-type", "application/json"), ("authorization", authorization.as_str())];
    let post = || session.http.send(Method::POST, &url, &headers, body.to_vec());
    let answer = match post().await {
        Err(HttpError::Unreachable(_)) => post().await,
        other => other,
    };
    let answer = answer.map_err(|e| check_challenge(session, e))?;
    let created: Reported = answer.json()?;
    let acceptance = check_acceptance(session, &created.acceptance)?;
    let commitment = submission.commitment()?;
    let fits = acceptance.case_id.0 == commitment.case_id
        && acceptance.a.0 == commitment.a
        && acceptance.b.0 == commitment.b
        && acceptance.nf.0 == commitment.nf
        && created.reference == reference(&commitment.case_id);
    if !fits {
        return Err(Code::Context.into());
    }
    Ok(Accepted { reference: created.reference, acceptance, statement: created.acceptance })
}

/// Checks the gateway's signature and the log that an acceptance names. Errors: those of [`Statement::verify`], `context`.
pub fn check_acceptance(session: &Session, statement: &Statement) -> Result<Acceptance, ClientError> {
    let verified = statement.verify(&[*session.trust.identity(Role::Gateway)])?;
    match verified.body {
        // A log that went on under another origin holds what was accepted under the one before.
        Body::Acceptance(a) if session.trust.versions().any(|t| t.log(LogName::Intake).origin == a.log_origin) => Ok(a),
        _ => Err(Code::Context.into()),
    }
}

/// A 401 whose challenge is not the one that every client builds is an attempt to tell users apart.
fn check_challenge(session: &Session, error: HttpError) -> ClientError {
    let HttpError::Problem { status: 401, headers, .. } = &error else { return error.into() };
    let Some(header) = headers.get("www-authenticate").and_then(|h| h.to_str().ok()) else { return error.into() };
    let ours = tokens::challenge(session).map(|c| c.digest());
    let theirs = tabir_crypto::token::header::read_challenge(header).map(|(c, _)| c.digest());
    match (ours, theirs) {
        (Ok(ours), Ok(theirs)) if ours == theirs => error.into(),
        _ => Code::TokenChallenge.into(),
    }
}
