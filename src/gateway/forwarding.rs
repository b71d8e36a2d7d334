//! What the forwarder asks and tells: items to fetch, and news of a case. It pulls; the gateway never calls it.

use std::collections::HashMap;

use sqlx::AnyConnection;
use tabir_crypto::B32;
use tabir_crypto::content::check_sealed_message;
use tabir_crypto::hpke::KemPublicKey;
use tabir_crypto::receipt::notice_hash;
use tabir_crypto::statement::body::Status;
use tabir_crypto::statement::value::{Bytes, Hex, Second};

use super::Gateway;
use super::error::Refusal;
use super::store::backup;
use super::store::cases::{self, Case};
use super::store::mailbox::{self, StatusRow};
use super::store::outbox::{self, Waiting};
use crate::api::gateway::{Event, Item, ItemKind, LEASE_MAX, LEASE_S, ReportPart};
use crate::db::DbError;

/// Events or acks of one call: far more than a round of the forwarder has.
const MAX_AT_ONCE: usize = 256;

impl Gateway {
    /// Leases up to `max` items for [`LEASE_S`].
    pub async fn lease(&self, max: u64) -> Result<Vec<Item>, Refusal> {
        let (now, max) = (self.clock.now(), max.min(LEASE_MAX));
        Ok(self.db.write(move |tx| Box::pin(async move { lease(tx, now, max).await })).await?)
    }

    /// Forgets items that the forwarder has stored.
    pub async fn ack(&self, ids: Vec<u64>) -> Result<(), Refusal> {
        if ids.len() > MAX_AT_ONCE {
            return Err(Refusal::TooMany);
        }
        Ok(self
            .db
            .write(move |tx| {
                Box::pin(async move {
                    for id in ids {
                        outbox::delete(tx, id).await?;
                    }
                    Ok(())
                })
            })
            .await?)
    }

    /// Takes news of a case, each event once, all or none. Errors: `no-case`, `too-many`, `size` (of a sealed message),
    /// `seq` (a message that is not the next). For an erased case nothing is kept, and nothing refused.
    pub async fn events(&self, case_id: B32, events: Vec<Event>) -> Result<(), Refusal> {
        if events.len() > MAX_AT_ONCE {
            return Err(Refusal::TooMany);
        }
        for event in &events {
            if let Event::Message { sealed, .. } = event {
                check_sealed_message(&sealed.0)?;
            }
        }
        let due: HashMap<Status, u64> =
            Status::ALL.into_iter().filter_map(|status| Some((status, self.due(status, 0)?))).collect();
        self.db.write(move |tx| Box::pin(async move { take(tx, &case_id, events, &due).await })).await?
    }
}

async fn lease(tx: &mut AnyConnection, now: u64, max: u64) -> Result<Vec<Item>, DbError> {
    let mut items = Vec::new();
    for waiting in outbox::lease(tx, now, now + LEASE_S, max).await? {
        let case = cases::by_id(tx, &waiting.case_id).await?.ok_or(DbError::Malformed("outbox without its case"))?;
        items.push(item(waiting, &case)?);
    }
    Ok(items)
}

fn item(waiting: Waiting, case: &Case) -> Result<Item, DbError> {
    let report = (waiting.kind == ItemKind::Report).then(|| report_part(case)).transpose()?;
    Ok(Item {
        id: waiting.id,
        kind: waiting.kind,
        case_id: Hex(case.case_id),
        access_hash: Hex(case.access_hash),
        case_vk: Hex(*case.case_vk.as_bytes()),
        statement: waiting.statement,
        payload: Bytes(waiting.payload),
        intake_key_id: waiting.intake_key_id.map(Hex),
        seq: waiting.seq,
        report,
    })
}

fn report_part(case: &Case) -> Result<ReportPart, DbError> {
    Ok(ReportPart {
        a: Hex(case.a),
        b: Hex(case.b),
        nf: Hex(case.nf),
        notice_hash: Hex(notice_hash(&case.notice_key)),
        mailbox_pk: KemPublicKey::from_bytes(&case.mailbox_pk).map_err(|_| DbError::Malformed("mailbox_pk"))?,
        envelope_hash: Hex(case.envelope_hash),
        w: case.w,
        deadline: Second(case.deadline),
    })
}

async fn take(
    tx: &mut AnyConnection,
    case_id: &B32,
    events: Vec<Event>,
    due: &HashMap<Status, u64>,
) -> Result<Result<(), Refusal>, DbError> {
    let Some(mut case) = cases::by_id(tx, case_id).await? else {
        let erased = cases::has_tombstone(tx, case_id).await?;
        return Ok(if erased { Ok(()) } else { Err(Refusal::NoCase) });
    };
    if case.erased {
        return Ok(Ok(()));
    }
    let fresh = match fresh(tx, case_id, events).await? {
        Ok(fresh) => fresh,
        Err(refusal) => return Ok(Err(refusal)),
    };
    for event in fresh {
        mailbox::remember_event(tx, case_id, event.id()).await?;
        match event {
            Event::Sent { .. } => case.sent = true,
            // The first status is the gateway's own: nothing goes back to it.
            Event::Status { status: Status::Received, .. } => {}
            Event::Status { status, at, due: told, eta, .. } => {
                let by_policy = due.get(&status).map(|seconds| at.unix().saturating_add(*seconds));
                let due = told.map(|second| second.0).or(by_policy);
                let row = StatusRow { status, hour: at.unix(), due, eta: eta.map(|second| second.0) };
                mailbox::add_status(tx, case_id, &row).await?;
                case.sent = true;
            }
            Event::Message { seq, sealed, question, .. } => {
                mailbox::add_message(tx, case_id, seq, sealed.0).await?;
                case.questions += u64::from(question);
            }
        }
    }
    cases::update(tx, &case).await?;
    Ok(Ok(()))
}

/// Those of the events that are new, if their messages follow the ones that are there without a gap.
async fn fresh(
    tx: &mut AnyConnection,
    case_id: &B32,
    events: Vec<Event>,
) -> Result<Result<Vec<Event>, Refusal>, DbError> {
    let mut last = mailbox::last_seq(tx, case_id).await?;
    // What came after the backup is lost: the numbers go on behind a gap, which the reporter sees.
    let gaps = backup::was_restored(tx).await?;
    let mut fresh: Vec<Event> = Vec::with_capacity(events.len());
    for event in events {
        if fresh.iter().any(|e| e.id() == event.id()) || mailbox::knows_event(tx, case_id, event.id()).await? {
            continue;
        }
        if let Event::Message { seq, .. } = &event {
            if *seq != last + 1 && !(gaps && *seq > last) {
                return Ok(Err(Refusal::Seq));
            }
            last = *seq;
        }
        fresh.push(event);
    }
    Ok(Ok(fresh))
}
