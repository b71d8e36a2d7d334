//! A reporter's later writes: messages, rating, dispute, erasure. Each is a statement of the case key with the next
//! counter; the access key is not sent and could not write.

use sqlx::AnyConnection;
use tabir_crypto::codec::sha256;
use tabir_crypto::json;
use tabir_crypto::statement::body::{CaseWrite, KeyKind};
use tabir_crypto::statement::value::V1;
use tabir_crypto::statement::{Body, Verb};
use tabir_crypto::submission::CaseWriteBody;
use tabir_crypto::{B32, Code};

use super::Gateway;
use super::error::Refusal;
use super::intake::{item_id, known_key};
use super::redeem::{Request, may_use};
use super::store::cases::{self, Case};
use super::store::outbox::{self, Waiting};
use super::store::spent::{self, Spending};
use super::store::{envelopes, mailbox};
use super::windows::random32;
use crate::api::gateway::{ItemKind, Written};
use crate::db::DbError;

/// The largest later write: a message of 17,520 bytes in base64url, and a statement.
pub const MAX_WRITE: usize = 32 << 10;

/// A checked write on its way into the store.
struct Write {
    kind: ItemKind,
    body: CaseWriteBody,
    write: CaseWrite,
    /// SHA-256 of the request's body.
    body_hash: B32,
}

const fn verb(kind: ItemKind) -> Verb {
    match kind {
        ItemKind::Report => Verb::CaseSubmit,
        ItemKind::Message => Verb::CaseMessage,
        ItemKind::Rating => Verb::CaseRate,
        ItemKind::Dispute => Verb::CaseDispute,
        ItemKind::Erase => Verb::CaseErase,
    }
}

impl Gateway {
    /// `POST /v1/case/messages|rating|dispute|erase`. Errors: those of [`CaseWriteBody::verify`], `no-case`, `erased`,
    /// `case-key`, `intake-key`, `counter`, `seq`, `rated`, `disputed`; for a message that answers no open question
    /// `token-missing` and those of [`Gateway::redeem`].
    pub async fn write(&self, kind: ItemKind, request: &Request<'_>) -> Result<Written, Refusal> {
        let body: CaseWriteBody = json::from_slice(request.body)?;
        let Body::CaseWrite(named) = body.statement.body()? else { return Err(Code::Verb.into()) };
        let case_id = named.case_id.0;
        let case = self.known_case(case_id).await?;
        let write = body.verify(verb(kind), &case_id, &case.case_vk).map_err(not_the_case_key)?;
        if let Some(id) = &body.intake_key_id {
            known_key(&self.ledger.view().state, KeyKind::Intake, &id.0).ok_or(Refusal::IntakeKey)?;
        }
        let paying = kind == ItemKind::Message && request.authorization.is_some();
        let token = paying.then(|| self.redeem(request)).transpose()?;
        let counter = write.counter;
        let write = Write { kind, body, write, body_hash: sha256(request.body) };
        self.db.write(move |tx| Box::pin(async move { store(tx, write, token.as_ref()).await })).await??;
        Ok(Written { v: V1, counter })
    }

    /// The case, or why there is none.
    async fn known_case(&self, case_id: B32) -> Result<Case, Refusal> {
        match self
            .db
            .read(move |c| {
                Box::pin(async move {
                    let case = cases::by_id(c, &case_id).await?;
                    Ok((case, cases::has_tombstone(c, &case_id).await?))
                })
            })
            .await?
        {
            (Some(case), _) => Ok(case),
            (None, true) => Err(Refusal::Erased),
            (None, false) => Err(Refusal::NoCase),
        }
    }
}

/// Another signer, or a signature that does not hold: not this case's key.
fn not_the_case_key(e: tabir_crypto::Error) -> Refusal {
    match e.code() {
        Code::UnknownKey | Code::Signature => Refusal::CaseKey,
        _ => Refusal::Input(e),
    }
}

/// One transaction. A refusal comes before anything is written.
async fn store(tx: &mut AnyConnection, w: Write, token: Option<&Spending>) -> Result<Result<(), Refusal>, DbError> {
    let Some(mut case) = cases::by_id(tx, &w.write.case_id.0).await? else { return Ok(Err(Refusal::NoCase)) };
    if w.write.counter == case.counter && w.body_hash == case.last_write {
        return Ok(Ok(()));
    }
    if let Err(refusal) = w.apply(&mut case) {
        return Ok(Err(refusal));
    }
    if w.kind == ItemKind::Message {
        if case.questions > 0 {
            case.questions -= 1;
        } else if let Err(refusal) = pay(tx, token).await? {
            return Ok(Err(refusal));
        }
    }
    if w.kind == ItemKind::Erase {
        erase(tx, &mut case, &w.body).await?;
    }
    cases::update(tx, &case).await?;
    let item = Waiting {
        id: item_id(),
        case_id: case.case_id,
        counter: case.counter,
        kind: w.kind,
        statement: w.body.statement,
        payload: w.body.payload,
        intake_key_id: w.body.intake_key_id.map(|id| id.0),
        seq: w.body.seq,
    };
    outbox::insert(tx, item).await?;
    Ok(Ok(()))
}

impl Write {
    /// Whether the case takes this write now, and what it is then.
    fn apply(&self, case: &mut Case) -> Result<(), Refusal> {
        if case.erased {
            return Err(Refusal::Erased);
        }
        if self.write.counter != case.counter + 1 {
            return Err(Refusal::Counter);
        }
        if self.body.seq.is_some_and(|seq| seq != case.seq + 1) {
            return Err(Refusal::Seq);
        }
        if self.kind == ItemKind::Rating && std::mem::replace(&mut case.rated, true) {
            return Err(Refusal::Rated);
        }
        if self.kind == ItemKind::Dispute && std::mem::replace(&mut case.disputed, true) {
            return Err(Refusal::Disputed);
        }
        case.counter = self.write.counter;
        case.seq = self.body.seq.unwrap_or(case.seq);
        case.last_write = self.body_hash;
        Ok(())
    }
}

/// Spends the token of a message beyond the open questions.
async fn pay(tx: &mut AnyConnection, token: Option<&Spending>) -> Result<Result<(), Refusal>, DbError> {
    let Some(token) = token else { return Ok(Err(Refusal::TokenMissing)) };
    if let Err(refusal) = may_use(spent::lookup(tx, token).await?, token) {
        return Ok(Err(refusal));
    }
    Ok(if spent::insert(tx, token).await? { Ok(()) } else { Err(Refusal::TokenSpent) })
}

/// Deletes what the gateway holds of a case: what waits for the forwarder, what came back, and the envelope unless a
/// live request holds it. Hashes stay until the log has the erasure and two further deadlines have passed.
async fn erase(tx: &mut AnyConnection, case: &mut Case, body: &CaseWriteBody) -> Result<(), DbError> {
    outbox::delete_case(tx, &case.case_id).await?;
    mailbox::delete_all(tx, &case.case_id).await?;
    envelopes::delete_unheld(tx, &case.case_id).await?;
    cases::bury(tx, case, &random32(), &body.statement).await?;
    case.erased = true;
    case.questions = 0;
    case.mailbox_pk.clear();
    Ok(())
}
