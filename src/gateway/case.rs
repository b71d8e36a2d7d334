//! What a reporter reads with the access key: one padded answer, whatever stands in it.

use tabir_crypto::codec::{sha256, unhex};
use tabir_crypto::json;
use tabir_crypto::statement::body::Status;
use tabir_crypto::statement::value::{Bytes, Hour, Second, V1};
use tabir_crypto::{B32, SecretBytes};

use super::Gateway;
use super::error::Refusal;
use super::store::cases::{self, Case};
use super::store::mailbox::{self, StatusRow};
use crate::api::gateway::{CaseView, MailboxEntry, StatusEntry};

/// The smallest answer: timeline, acceptance and one message fit, so that most answers are alike.
const SMALLEST_ANSWER: usize = 16 << 10;
/// Authentication scheme of the access key.
const SCHEME: &str = "Tabir-Case ";

impl Gateway {
    /// `GET /v1/case`: the padded JSON of a [`CaseView`]. Errors: `access-key`, `no-case`.
    pub async fn case(&self, authorization: Option<&str>) -> Result<Vec<u8>, Refusal> {
        let access_hash = access_hash(authorization)?;
        let (case, statuses, messages) = self
            .db
            .read(move |c| {
                Box::pin(async move {
                    let Some(case) = cases::by_access(c, &access_hash).await? else { return Ok(None) };
                    let statuses = mailbox::statuses(c, &case.case_id).await?;
                    let messages = mailbox::messages(c, &case.case_id).await?;
                    Ok(Some((case, statuses, messages)))
                })
            })
            .await?
            .ok_or(Refusal::NoCase)?;
        let received = (!case.erased).then(|| self.received(&case));
        padded(CaseView {
            v: V1,
            reference: case.reference.clone(),
            counter: case.counter,
            seq: case.seq,
            status: received.into_iter().chain(statuses.iter().map(entry)).collect(),
            sent: case.sent,
            messages: messages.into_iter().map(|(seq, sealed)| MailboxEntry { seq, sealed: Bytes(sealed) }).collect(),
            questions: case.questions,
            rated: case.rated,
            disputed: case.disputed,
            erased: case.erased,
            acceptance: self.acceptance(&case)?,
            pad: String::new(),
        })
    }

    /// The first status of every case: it stands in the case itself.
    fn received(&self, case: &Case) -> StatusEntry {
        let due = self.due(Status::Received, case.hour).map(Second);
        StatusEntry { status: Status::Received, at: Hour::of(case.hour), due, eta: None }
    }

    /// By when a status should have changed, by the policy that holds now.
    pub(super) fn due(&self, status: Status, hour: u64) -> Option<u64> {
        let view = self.ledger.view();
        let seconds = view.state.policy()?.deadlines_s.get(&status)?;
        Some(hour.saturating_add(*seconds))
    }
}

fn entry(row: &StatusRow) -> StatusEntry {
    StatusEntry { status: row.status, at: Hour::of(row.hour), due: row.due.map(Second), eta: row.eta.map(Second) }
}

fn access_hash(authorization: Option<&str>) -> Result<B32, Refusal> {
    let key = authorization.and_then(|v| v.strip_prefix(SCHEME)).ok_or(Refusal::AccessKey)?;
    let key = SecretBytes::<32>::new(unhex(key).map_err(|_| Refusal::AccessKey)?);
    Ok(sha256(key.expose()))
}

fn padded(mut view: CaseView) -> Result<Vec<u8>, Refusal> {
    let length = json::to_vec(&view)?.len();
    let bucket = length.max(SMALLEST_ANSWER).next_power_of_two();
    view.pad = "0".repeat(bucket - length);
    Ok(json::to_vec(&view)?)
}
