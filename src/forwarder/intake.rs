//! From the gateway's outbox into our own store, then from there into the queue.
//!
//! ```text
//! lease → stored in the inbox → ack          the gateway forgets, we do not
//! inbox → checked → queued | refused | held  one transaction each; a crash repeats it
//! ```
//! A report that fails a check is `refused`: the log says so, and the reporter sees `declined`. A later write that
//! fails one is held where the operator sees it. Neither is dropped.

use reqwest::Method;
use tabir_crypto::codec::sha256;
use tabir_crypto::content::Message;
use tabir_crypto::receipt::reference;
use tabir_crypto::statement::Body;
use tabir_crypto::statement::body::{PolicySet, Release, Status};
use tabir_crypto::statement::value::{Hour, V1};
use tabir_crypto::{B32, Code, Error, json};

use super::check::{self, Written};
use super::store::cases::{Case, Fate};
use super::store::deliveries::NewDelivery;
use super::store::inbox::{Incoming, NewReport, NewWrite};
use super::store::{Held, day};
use super::{Forwarder, RoundError};
use crate::api::gateway::{Ack, Done, Event, Item, ItemKind, LEASE_MAX, Lease, Leased};

/// Items that one look at the inbox takes.
const INBOX_ROUND: u32 = 64;

impl Forwarder {
    /// Takes one lease: stores first, then acknowledges. Returns how many items came.
    pub async fn lease(&self) -> Result<usize, RoundError> {
        let lease = Lease { v: V1, max: LEASE_MAX };
        let leased: Leased = self.gateway(Method::POST, "/internal/outbox/lease", &lease).await?.json()?;
        if leased.items.is_empty() {
            return Ok(0);
        }
        let ids: Vec<u64> = leased.items.iter().map(|i| i.id).collect();
        let incoming = leased.items.iter().map(incoming).collect::<Result<Vec<_>, Error>>()?;
        self.store.take(incoming).await?;
        let count = ids.len();
        let _: Done = self.gateway(Method::POST, "/internal/outbox/ack", &Ack { v: V1, ids }).await?.json()?;
        Ok(count)
    }

    /// Looks at what is in the inbox. Returns how many items were decided on.
    pub async fn look(&self, policy: &PolicySet) -> Result<usize, RoundError> {
        let inbox = self.store.inbox(INBOX_ROUND).await?;
        for incoming in &inbox {
            let item: Item = json::from_slice(&incoming.item)?;
            if item.kind == ItemKind::Report {
                self.look_at_report(incoming.digest, &item, policy).await?;
            } else {
                self.look_at_write(incoming.digest, &item, policy).await?;
            }
        }
        Ok(inbox.len())
    }

    async fn look_at_report(&self, digest: B32, item: &Item, policy: &PolicySet) -> Result<(), RoundError> {
        let now = self.clock.now();
        let name = reference(&item.case_id.0);
        let statement = sha256(&item.statement.to_bytes());
        if let Some(known) = self.store.case(item.case_id.0).await? {
            // The ack of an earlier lease was lost, or the gateway says two things about one case.
            let held = (known.statement != statement).then(|| Held::new("report", &name, "case-exists"));
            return Ok(self.store.drop_item(digest, held, now).await?);
        }
        let Some(part) = &item.report else {
            // Without window and nf there is nothing that the log could say of it.
            let held = Held::new("report", &name, Code::Field.as_str());
            return Ok(self.store.drop_item(digest, Some(held), now).await?);
        };
        let taken = self.store.nf_taken(part.nf.0, item.case_id.0).await?;
        let checked = check::report(item, |id| self.keys.get(id));
        let checked = if taken { checked.and(Err(Code::Duplicate.into())) } else { checked };
        let mut report = NewReport {
            case_id: item.case_id.0,
            access_hash: item.access_hash.0,
            case_vk: item.case_vk.0,
            mailbox_pk: part.mailbox_pk.as_bytes().to_vec(),
            statement,
            nf: part.nf.0,
            w: part.w,
            deadline: part.deadline.0,
            period: policy.forward_s,
            fate: Fate::Queued,
            reason: String::new(),
            counts: !taken,
            release: Release::Batched,
            service_code: String::new(),
        };
        match checked {
            Ok(content) => {
                report.release = content.release;
                report.service_code = content.category.as_str().to_owned();
                let mut delivery = delivery(item, 0, due(report.release, policy, now), now);
                delivery.envelope_hash = Some(part.envelope_hash.0);
                Ok(self.store.add_report(digest, report, Some(delivery), None, None, now).await?)
            }
            Err(error) => {
                let code = error.code().as_str();
                (report.fate, report.reason) = (Fate::Refused, code.to_owned());
                let (status, at) = (Status::Declined, Hour::of(now));
                let event = json::to_vec(&Event::Status {
                    id: self.event_id(&item.case_id.0, "refused", 0),
                    status,
                    at,
                    due: None,
                    eta: None,
                })?;
                let held = Some(Held::new("report", &name, code));
                Ok(self.store.add_report(digest, report, None, Some(event), held, now).await?)
            }
        }
    }

    async fn look_at_write(&self, digest: B32, item: &Item, policy: &PolicySet) -> Result<(), RoundError> {
        let now = self.clock.now();
        let name = reference(&item.case_id.0);
        let hold = |detail: &str| Some(Held::new("write", &name, detail));
        let Some(case) = self.store.case(item.case_id.0).await? else {
            return Ok(self.store.drop_item(digest, hold("case"), now).await?);
        };
        let (counter, written) = match check::write(item, &case, |id| self.keys.get(id)) {
            Ok(checked) => checked,
            Err(error) if error.code() == Code::Order => {
                // Known already (a lost ack) or replayed: done or refused, it changes nothing.
                return Ok(self.store.drop_item(digest, None, now).await?);
            }
            Err(error) => return Ok(self.store.drop_item(digest, hold(error.code().as_str()), now).await?),
        };
        let (seq, prev, broken) = chain(&case, item, &written)?;
        let write = NewWrite { case_id: case.case_id, counter, seq, prev };
        let delivery = delivery(item, counter, due(case.release, policy, now), now);
        match (case.fate, written) {
            (Fate::Sent, Written::Erase) => Ok(self.store.erase(digest, write, Some(delivery)).await?),
            (_, Written::Erase) => Ok(self.store.erase(digest, write, None).await?),
            (Fate::Queued | Fate::Sent, _) => {
                let held = if broken { hold("gap") } else { None };
                Ok(self.store.add_write(digest, write, delivery, held, now).await?)
            }
            (Fate::Refused | Fate::Erased, _) => {
                Ok(self.store.drop_item(digest, hold(case.fate.as_str()), now).await?)
            }
        }
    }
}

fn incoming(item: &Item) -> Result<Incoming, Error> {
    // The id is the lease's, not the item's: the same item may come again under another one.
    let stored = json::to_vec(&Item { id: 0, ..item.clone() })?;
    let counter = match item.statement.body() {
        Ok(Body::CaseWrite(write)) => write.counter,
        _ => 0, // the check refuses it
    };
    Ok(Incoming { digest: sha256(&stored), case_id: item.case_id.0, counter, item: stored })
}

fn delivery(item: &Item, counter: u64, due_at: u64, now: u64) -> NewDelivery {
    NewDelivery {
        case_id: item.case_id.0,
        counter,
        kind: item.kind,
        payload: item.payload.0.clone(),
        intake_key_id: item.intake_key_id.map(|id| id.0),
        seq: item.seq.unwrap_or(0),
        envelope_hash: None,
        due_at,
        day: day(now),
    }
}

/// When something leaves: at once, or with all others at the next tick of the release clock. Later writes keep their
/// report's choice: the time of an answer tells as much as the time of a report.
fn due(release: Release, policy: &PolicySet, now: u64) -> u64 {
    match release {
        Release::Urgent => now,
        Release::Batched => {
            let every = policy.release_s.max(1);
            now - now % every + every
        }
    }
}

/// The reporter's numbering after this write, and whether something before it is missing. A device that only holds the
/// receipt does not know its earlier messages and sends zeros as `prev`; the number alone shows gaps then.
fn chain(case: &Case, item: &Item, written: &Written) -> Result<(u64, B32, bool), Error> {
    let hash = |bytes: Vec<u8>| sha256(&bytes);
    let Some(seq) = item.seq else { return Ok((case.seq, case.prev, false)) };
    let gap = seq != case.seq + 1;
    match written {
        Written::Message(message @ Message { prev, .. }) => {
            let fits = prev.0 == [0; 32] || prev.0 == case.prev;
            Ok((seq, hash(json::to_vec(message)?), gap || !fits))
        }
        Written::Dispute(dispute) => Ok((seq, hash(json::to_vec(dispute)?), gap)),
        Written::Rating(_) | Written::Erase => Ok((case.seq, case.prev, false)),
    }
}
