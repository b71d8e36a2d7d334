//! Votes on a request: `unseal.approved`, `.refused`, and `.withdrawn` by the one who asked.

use tabir_crypto::B32;
use tabir_crypto::statement::body::{UnsealApproved, UnsealRefused};
use tabir_crypto::statement::value::{Bytes, Hex, Hour, V1};
use tabir_crypto::statement::{Statement, Verb};

use super::case::{OpenRequest, code_of, codes, logged, may_follow};
use super::{Board, OfficialError, OfficialFile, Patience};
use crate::api::council::Act;
use crate::client::Session;

fn act(statement: Statement) -> Act {
    Act { v: V1, statement, reference: None, sealed: Vec::new() }
}

/// Approves, after the text was opened and checked against the entry, which stands in a witnessed checkpoint. The
/// reference that the official typed must be that of the case in the text. A fresh key is made for what will be sealed.
/// Error: `stale` where the log's newest head is too old to tell whether the request still stands.
pub async fn approve(
    session: &Session,
    board: &Board,
    file: &mut OfficialFile,
    hash: &B32,
    (reference, reason): (&str, &str),
    patience: &mut Patience<'_>,
) -> Result<(), OfficialError> {
    session.check_fresh()?;
    let reason = code_of(&codes(session)?.reason, reason)?;
    let open = OpenRequest::load(session, board, file, hash).await?;
    open.confirm(session, board, reference).await?;
    let state = &session.view.state;
    let over = |r: &B32| state.request(r).is_some_and(|r| !r.status(state.witnessed(), session.now()).is_live());
    file.forget_requests(over)?;
    let body = UnsealApproved {
        v: V1,
        at: Hour::of(session.clock.now()),
        request_hash: Hex(*hash),
        council_id: open.request.body.council_id,
        index: open.index,
        reason,
        kem_pk: Bytes(file.make_request_key(hash)?.public_key().as_bytes().to_vec()),
        deferred_until: open.request.body.deferred_until,
    };
    let statement = Statement::signed(Verb::UnsealApproved, &body, file.signing())?;
    may_follow(session, &statement)?;
    board.act(&act(statement), session.view.head.size, patience).await
}

/// Refuses. It needs no text: an official who can't open his copy may refuse for that. Nor does it need a fresh head: a no
/// harms nobody.
pub async fn refuse(
    session: &Session,
    board: &Board,
    file: &OfficialFile,
    hash: &B32,
    reason: &str,
    patience: &mut Patience<'_>,
) -> Result<(), OfficialError> {
    against(session, board, file, hash, (Verb::UnsealRefused, reason), patience).await
}

/// Takes back a request of one's own.
pub async fn withdraw(
    session: &Session,
    board: &Board,
    file: &OfficialFile,
    hash: &B32,
    reason: &str,
    patience: &mut Patience<'_>,
) -> Result<(), OfficialError> {
    against(session, board, file, hash, (Verb::UnsealWithdrawn, reason), patience).await
}

async fn against(
    session: &Session,
    board: &Board,
    file: &OfficialFile,
    hash: &B32,
    (verb, reason): (Verb, &str),
    patience: &mut Patience<'_>,
) -> Result<(), OfficialError> {
    let (request, _, index) = logged(session, file, hash)?;
    let body = UnsealRefused {
        v: V1,
        at: Hour::of(session.clock.now()),
        request_hash: Hex(*hash),
        council_id: request.body.council_id,
        index,
        reason: code_of(&codes(session)?.refusal, reason)?,
    };
    let statement = Statement::signed(verb, &body, file.signing())?;
    may_follow(session, &statement)?;
    board.act(&act(statement), session.view.head.size, patience).await
}
