//! `unseal.requested`: an official asks. Codes stand in public; case, envelope and words go sealed.

use tabir_crypto::codec::sha256;
use tabir_crypto::envelope::Outer;
use tabir_crypto::hpke::{KemPublicKey, KemSecretKey};
use tabir_crypto::request::{Recused, RequestText};
use tabir_crypto::statement::body::{KeyKind, UnsealRequested};
use tabir_crypto::statement::value::{Bytes, CodeText, Hex, Hour, Second, V1};
use tabir_crypto::statement::{Statement, Verb};
use tabir_crypto::{B32, Code, SecretBytes};

use super::case::{code_of, codes, may_follow};
use super::{Board, OfficialError, OfficialFile, Patience};
use crate::api::council::{Act, SealedTo, WARDEN};
use crate::client::Session;
use crate::clock::Random;

/// What an official asks for.
#[derive(Clone, Debug, Default)]
pub struct Ask {
    /// The case's reference, typed again by the official.
    pub reference: String,
    /// A code of the policy.
    pub legal_basis: String,
    /// A code of the policy.
    pub reason: String,
    /// Why, in words, for officials and warden.
    pub words: String,
    /// What the report is about: a category of the policy, as this official knows it from the downstream. Sealed.
    pub category: Option<String>,
    /// Officials whom the case may concern, each with a recusal code.
    pub recused: Vec<(u16, String)>,
    /// Until when the reporter is not told, and a deferral code.
    pub deferral: Option<(Second, String)>,
}

/// Asks, and waits until the request stands in a witnessed checkpoint. Gives its entry hash. Errors: `stale`, those of
/// [`may_follow`] and of the board.
pub async fn request(
    session: &mut Session,
    board: &Board,
    file: &OfficialFile,
    ask: &Ask,
    patience: &mut Patience<'_>,
) -> Result<B32, OfficialError> {
    session.check_fresh()?;
    let case = board.case(&ask.reference, session.view.head.size).await?;
    if case.reference != ask.reference {
        return Err(Code::Context.into());
    }
    let outer = Outer::parse(&case.envelope.0)?;
    let council = session.view.state.current(outer.lineage()).ok_or(Code::Context)?.council.clone();
    let own = council.member_by_key(&file.verifying());
    let requester =
        own.ok_or_else(|| OfficialError::Refused("you do not sit in the council of this case".into()))?.index;
    let list = codes(session)?;
    let recused =
        ask.recused.iter().map(|(index, code)| Ok(Recused { index: *index, code: code_of(&list.recusal, code)? }));
    let text = RequestText {
        v: V1,
        case_id: case.case_id,
        access_hash: case.access_hash,
        content_hash: case.content_hash,
        envelope_hash: Hex(sha256(&case.envelope.0)),
        notice_key: case.notice_key,
        nonce: Hex(random()),
        words: ask.words.clone(),
        category: ask.category.as_deref().map(|code| category_of(session, code)).transpose()?,
        recused: recused.collect::<Result<_, OfficialError>>()?,
    };
    let deferral = ask.deferral.as_ref().map(|d| deferral_of(session, d)).transpose()?;
    text.check_recused(requester, council.t(), council.n())?;
    let committed = text.commit(&random())?;
    let mut request_id = [0; 16];
    rand_core::Rng::fill_bytes(&mut Random, &mut request_id);
    let body = UnsealRequested {
        v: V1,
        at: Hour::of(session.clock.now()),
        request_id: Hex(request_id),
        council_id: Hex(*council.council_id()),
        requester,
        legal_basis: code_of(&list.legal_basis, &ask.legal_basis)?,
        reason: code_of(&list.reason, &ask.reason)?,
        commit: Hex(committed.commit),
        tag: Hex(committed.tag),
        // Under a deferral the warden alone publishes it, at that date.
        nonce: deferral.is_none().then_some(text.nonce),
        deferred_until: deferral.as_ref().map(|(until, _)| *until),
        deferral: deferral.map(|(_, code)| code),
    };
    let statement = Statement::signed(Verb::UnsealRequested, &body, file.signing())?;
    may_follow(session, &statement)?;

    let warden = KemPublicKey::from_bytes(&session.key(KeyKind::Warden)?)?;
    let mut sealed = vec![SealedTo { to: WARDEN, sealed: Bytes(committed.seal(&warden, &mut Random)?) }];
    for member in council.members() {
        // Who is left out gets a copy that looks like the others and that nobody can open.
        let left_out = text.recused.iter().any(|r| r.index == member.index);
        let recipient = if left_out { KemSecretKey::generate(&mut Random).public_key() } else { member.kem_pk.clone() };
        sealed.push(SealedTo { to: member.index, sealed: Bytes(committed.seal(&recipient, &mut Random)?) });
    }
    let hash = statement.entry_hash();
    let act = Act { v: V1, statement, reference: Some(ask.reference.clone()), sealed };
    board.act(&act, session.view.head.size, patience).await?;
    while session.view.state.request(&hash).is_none() {
        patience.wait("a witnessed checkpoint with the request").await?;
        session.refresh().await?;
    }
    Ok(hash)
}

/// A category of the policy that holds now.
fn category_of(session: &Session, code: &str) -> Result<CodeText, OfficialError> {
    let all = session.view.state.policy().map_or(&[][..], |p| &p.categories);
    let known = all.iter().find(|c| c.code.as_str() == code).map(|c| c.code.clone());
    known.ok_or_else(|| {
        let codes: Vec<&str> = all.iter().map(|c| c.code.as_str()).collect();
        OfficialError::Refused(format!("{code} is no category of the policy: choose one of {}", codes.join(", ")))
    })
}

/// A date to come, not beyond the trust root's longest deferral, and its code.
fn deferral_of(session: &Session, (until, code): &(Second, String)) -> Result<(Second, CodeText), OfficialError> {
    let code = code_of(&codes(session)?.deferral, code)?;
    let (now, longest) = (session.now(), session.trust.root().deferral_max_s);
    if until.0 <= now {
        return Err(OfficialError::Refused(format!("{until} is over: a notice is deferred to a date that is to come")));
    }
    let latest = Second(now.saturating_add(longest));
    if until.0 > latest.0 {
        return Err(OfficialError::Refused(format!("a notice can be deferred until {latest} at most: not to {until}")));
    }
    Ok((*until, code))
}

fn random() -> B32 {
    *SecretBytes::<32>::random(&mut Random).expose()
}
