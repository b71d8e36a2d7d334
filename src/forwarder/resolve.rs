//! How a person ends what is held. A choice that would lose something is refused, with what to choose instead.

use rand_core::Rng as _;
use tabir_crypto::json;
use tabir_crypto::statement::body::Status;
use tabir_crypto::statement::value::{Hex, Hour};

use super::connector::Connector;
use super::mapping::{Step, step};
use super::store::Store;
use super::store::cases::Case;
use super::store::held::{DELIVERIES, Ending, HeldRow, STATUSES};
use crate::api::gateway::Event;
use crate::clock::Random;
use crate::db::DbError;

/// What a person decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Whatever follows from the kind: a delivery is tried again, a status read anew by the mapping, the rest was seen.
    Go,
    /// The case has this status.
    Status(Status),
    /// The report stands in the downstream under this id.
    RequestId(String),
    /// What the reporter wrote later was brought to the downstream by hand.
    ByHand,
    /// It was seen, and nothing follows.
    Seen,
}

/// Why it stays held.
#[derive(Debug, thiserror::Error)]
pub enum ResolveError {
    /// Not there, or not any more.
    #[error("nothing is held under this id; `tabir held list` shows what is")]
    NotHeld,
    /// The decision does not fit. The text says which ones do.
    #[error("{0}")]
    Choice(&'static str),
    /// The case went on meanwhile.
    #[error("what it was about has gone on meanwhile; look again with `tabir held list`")]
    GoneOn,
    /// The store failed.
    #[error(transparent)]
    Db(#[from] DbError),
    /// An event could not be written.
    #[error(transparent)]
    Crypto(#[from] tabir_crypto::Error),
}

/// What was done, for the person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    /// The delivery is due now.
    Retried,
    /// The report counts as sent.
    Sent,
    /// The write counts as brought.
    Brought,
    /// The reporter sees this status.
    Status(Status),
    /// It is off the list.
    Seen,
}

/// Ends the held thing with this id. `keep_content_s` as in the configuration.
pub async fn resolve(
    store: &Store,
    connector: &Connector,
    id: &str,
    decision: Decision,
    (now, keep_content_s): (u64, u64),
) -> Result<Done, ResolveError> {
    let mut rows = store.held().await?.into_iter().filter(|r| r.id() == id);
    let row = rows.next().ok_or(ResolveError::NotHeld)?;
    let case = store.case_about(&row.held).await?;
    let delete_at = now + keep_content_s;
    let kind = row.held.kind.as_str();
    let (ending, done) = match decision {
        _ if DELIVERIES.contains(&kind) => delivery(decision, connector, delete_at)?,
        _ if STATUSES.contains(&kind) => status(decision, connector, &row, case.as_ref(), now)?,
        Decision::Go | Decision::Seen => (Ending::Seen, Done::Seen),
        _ => return Err(ResolveError::Choice("this is over and can only be taken off the list: give no option")),
    };
    let case_id = case.map(|c| c.case_id);
    if case_id.is_none() && !matches!(ending, Ending::Seen) {
        return Err(ResolveError::GoneOn);
    }
    if store.end_held(row.held, case_id, ending).await? { Ok(done) } else { Err(ResolveError::GoneOn) }
}

fn delivery(decision: Decision, connector: &Connector, delete_at: u64) -> Result<(Ending, Done), ResolveError> {
    Ok(match decision {
        Decision::Go => (Ending::Retry, Done::Retried),
        Decision::RequestId(request_id) => {
            if request_id.trim().is_empty() {
                return Err(ResolveError::Choice("--request-id takes the id that the downstream gave the report"));
            }
            let event = json::to_vec(&Event::Sent { id: event_id() })?;
            let status = connector.first_status().to_owned();
            (Ending::Known { request_id, status, event, delete_at }, Done::Sent)
        }
        Decision::ByHand => (Ending::ByHand { delete_at }, Done::Brought),
        Decision::Status(_) | Decision::Seen => {
            return Err(ResolveError::Choice(
                "this waits to be sent: give no option to try again now, --request-id if the downstream has the report, \
                 --by-hand if you brought there what the reporter wrote",
            ));
        }
    })
}

fn status(
    decision: Decision,
    connector: &Connector,
    row: &HeldRow,
    case: Option<&Case>,
    now: u64,
) -> Result<(Ending, Done), ResolveError> {
    let (status, at) = match decision {
        Decision::Status(Status::Received) => {
            return Err(ResolveError::Choice("a case does not go back to `received`: choose another status"));
        }
        Decision::Status(status) => (status, now),
        Decision::Seen => return Ok((Ending::Seen, Done::Seen)),
        Decision::Go if row.held.kind == "status" => {
            let meaning = connector.meaning(&row.held.detail).ok_or(ResolveError::Choice(
                "the mapping still does not know this word: add it under [statuses], or give --status or --seen",
            ))?;
            let case = case.ok_or(ResolveError::GoneOn)?;
            match step(case.status, case.status_at, meaning, row.held.at) {
                Step::Set(status) => (status, row.held.at),
                Step::Keep => return Ok((Ending::Seen, Done::Seen)),
                Step::Regression => {
                    return Err(ResolveError::Choice("this would move the case backwards: give --status or --seen"));
                }
            }
        }
        Decision::Go => {
            return Err(ResolveError::Choice("this would move the case backwards: give --status or --seen"));
        }
        Decision::RequestId(_) | Decision::ByHand => {
            return Err(ResolveError::Choice("this is about a status: give --status or --seen"));
        }
    };
    let event = Event::Status { id: event_id(), status, at: Hour::of(at.min(now)), due: None, eta: None };
    let ending = Ending::Status { status, at, raw: row.held.detail.clone(), event: json::to_vec(&event)? };
    Ok((ending, Done::Status(status)))
}

fn event_id() -> Hex<16> {
    let mut id = [0; 16];
    Random.fill_bytes(&mut id);
    Hex(id)
}
