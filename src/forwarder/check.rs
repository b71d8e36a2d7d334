//! Opens what the gateway handed over and checks that it is what the reporter signed.
//!
//! HPKE does not say who sealed, and the gateway could exchange any field. So before anything is used: the case id is
//! recomputed from access hash and case key, the content hash from the payload, the body hash from all fields that the
//! reporter committed to; the case key's statement is verified over it; and the mailbox key inside the sealed content
//! must be the one outside. Source: `docs/protocol.md`, "Content", "Submission".

use tabir_crypto::content::{Content, Dispute, Message, Rating, content_hash, unpad_content, unpad_message};
use tabir_crypto::ed25519::VerifyingKey;
use tabir_crypto::hpke::{KemSecretKey, Use, uses};
use tabir_crypto::statement::Verb;
use tabir_crypto::statement::value::V1;
use tabir_crypto::submission::{CaseWriteBody, Commitment};
use tabir_crypto::{B32, Code, Result, json};

use super::store::cases::Case;
use super::store::deliveries::NewDelivery;
use crate::api::gateway::{Item, ItemKind};

/// What a reporter wrote later.
pub enum Written {
    Message(Message),
    Dispute(Dispute),
    Rating(Rating),
    Erase,
}

fn need(ok: bool, code: Code) -> Result<()> {
    if ok { Ok(()) } else { Err(code.into()) }
}

/// Checks a report and opens its content. Errors: `field`, `size`, `case-key`, `context`, those of the statement's
/// signature, `not-active` (an intake key that is not ours), `aead`, those of the content's form.
pub fn report(item: &Item, key: impl FnOnce(&B32) -> Option<KemSecretKey>) -> Result<Content> {
    need(item.kind == ItemKind::Report && item.seq.is_none(), Code::Field)?;
    let part = item.report.as_ref().ok_or(Code::Field)?;
    let intake_key_id = item.intake_key_id.ok_or(Code::Field)?.0;
    let commitment = Commitment {
        case_id: item.case_id.0,
        content_hash: content_hash(&item.payload.0)?,
        envelope_hash: part.envelope_hash.0,
        mailbox_pk: part.mailbox_pk.clone(),
        a: part.a.0,
        b: part.b.0,
        nf: part.nf.0,
        notice_hash: part.notice_hash.0,
    };
    let case_vk = VerifyingKey::from_bytes(&item.case_vk.0)?;
    commitment.verify(&item.access_hash.0, &case_vk, &item.statement)?;
    let key = key(&intake_key_id).ok_or(Code::NotActive)?;
    let content = open_content(&key, item.case_id.0, intake_key_id, &item.payload.0)?;
    need(content.mailbox_pk == part.mailbox_pk, Code::Context)?;
    Ok(content)
}

/// Opens a content that [`report`] has checked.
pub fn open_content(key: &KemSecretKey, case_id: B32, intake_key_id: B32, payload: &[u8]) -> Result<Content> {
    let padded = uses::open(key, &Use::Content { case_id, intake_key_id }, payload)?;
    json::from_slice(unpad_content(padded.expose())?.expose())
}

/// Checks a later write against the case that it names, and opens it. Returns its counter and what it says. Errors:
/// `case-key` (other keys than the report's), `order` (counter or number that does not rise), as [`report`] otherwise.
pub fn write(item: &Item, case: &Case, key: impl FnOnce(&B32) -> Option<KemSecretKey>) -> Result<(u64, Written)> {
    let keys = (item.case_id.0, item.access_hash.0, item.case_vk.0);
    need(keys == (case.case_id, case.access_hash, case.case_vk), Code::CaseKey)?;
    need(item.report.is_none(), Code::Field)?;
    let verb = match item.kind {
        ItemKind::Message => Verb::CaseMessage,
        ItemKind::Rating => Verb::CaseRate,
        ItemKind::Dispute => Verb::CaseDispute,
        ItemKind::Erase => Verb::CaseErase,
        ItemKind::Report => return Err(Code::Field.into()),
    };
    let body = CaseWriteBody {
        v: V1,
        intake_key_id: item.intake_key_id,
        seq: item.seq,
        payload: item.payload.0.clone(),
        statement: item.statement.clone(),
    };
    let case_vk = VerifyingKey::from_bytes(&case.case_vk)?;
    let signed = body.verify(verb, &case.case_id, &case_vk)?;
    need(signed.counter > case.counter, Code::Order)?;
    if let Some(seq) = item.seq {
        need(seq > case.seq, Code::Order)?;
    }
    let id = item.intake_key_id.map(|id| id.0);
    let key = id.and_then(|id| key(&id));
    let written = open_write(item.kind, case.case_id, id, item.seq.unwrap_or(0), &item.payload.0, key.as_ref())?;
    Ok((signed.counter, written))
}

/// Opens a delivery's payload again, at the moment it is sent.
pub fn open_delivery(delivery: &NewDelivery, key: Option<&KemSecretKey>) -> Result<Written> {
    let d = delivery;
    open_write(d.kind, d.case_id, d.intake_key_id, d.seq, &d.payload, key)
}

fn open_write(
    kind: ItemKind,
    case_id: B32,
    intake_key_id: Option<B32>,
    seq: u64,
    payload: &[u8],
    key: Option<&KemSecretKey>,
) -> Result<Written> {
    let open = || {
        let (key, intake_key_id) = key.zip(intake_key_id).ok_or(Code::NotActive)?;
        unpad_message(uses::open(key, &Use::Followup { case_id, seq, intake_key_id }, payload)?.expose())
    };
    Ok(match kind {
        ItemKind::Message => {
            let message: Message = json::from_slice(open()?.expose())?;
            need(message.seq == seq, Code::Context)?;
            Written::Message(message)
        }
        ItemKind::Dispute => {
            let dispute: Dispute = json::from_slice(open()?.expose())?;
            need(dispute.seq == seq, Code::Context)?;
            Written::Dispute(dispute)
        }
        ItemKind::Rating => Written::Rating(json::from_slice(payload)?),
        ItemKind::Erase => Written::Erase,
        ItemKind::Report => return Err(Code::Field.into()),
    })
}
