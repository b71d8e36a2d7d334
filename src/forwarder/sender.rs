//! Brings the queue to the downstream: exactly once in effect, and for as long as it takes.
//!
//! ```text
//! waiting --begin--> sending --POST--> answered: sent
//!                       |  refused (4xx): waiting, later
//!                       |  no answer, cut, 5xx, crash: stays sending
//!                       +--next time: look-up first; found: sent; not found: POST again
//! ```
//! `sending` is durable before the POST leaves, so whatever happens in between, the next attempt begins with a look-up.

use std::sync::Arc;

use rand_core::Rng as _;
use reqwest::Method;
use tabir_crypto::receipt::reference;
use tabir_crypto::statement::body::Status;
use tabir_crypto::statement::value::Hour;
use tabir_crypto::{Code, json};
use tokio::task::JoinSet;

use super::check::{self, Written};
use super::georeport::DownError;
use super::mapping::{self, EnvelopeReference};
use super::store::Held;
use super::store::deliveries::{Delivery, Reopened};
use super::{Forwarder, RoundError};
use crate::api::gateway::{Event, ItemKind};
use crate::clock::Random;

/// Deliveries of one round.
const ROUND: u32 = 64;
/// Deliveries at the same time: a slow downstream holds up few, and is not flooded.
const AT_ONCE: usize = 4;
/// The longest pause between two attempts: short against any deadline, long against an outage of days.
const LONGEST_S: u64 = 900;
/// Around the span in which a request may stand: downstream clocks and time zones.
const SLACK_S: u64 = 86_400;

/// What came of one attempt.
enum Outcome {
    Sent,
    Later { unknown: bool, held: Option<Held> },
}

impl Forwarder {
    /// Sends what is due, in an order that tells nothing. Returns how many were tried.
    pub async fn send_due(self: &Arc<Self>) -> Result<usize, RoundError> {
        let mut due = self.store.due(self.clock.now(), ROUND).await?;
        shuffle(&mut due);
        let count = due.len();
        let (mut running, mut failed) = (JoinSet::new(), None);
        for delivery in due {
            if running.len() >= AT_ONCE {
                failed = failed.or(joined(running.join_next().await));
            }
            let this = Arc::clone(self);
            running.spawn(async move { this.attempt(delivery).await });
        }
        while let Some(done) = running.join_next().await {
            failed = failed.or(joined(Some(done)));
        }
        failed.map_or(Ok(count), Err)
    }

    async fn attempt(&self, delivery: Delivery) -> Result<(), RoundError> {
        let outcome = match delivery.new.kind {
            ItemKind::Report => self.attempt_report(&delivery).await?,
            _ => self.attempt_write(&delivery).await?,
        };
        if let Outcome::Later { unknown, held } = outcome {
            let now = self.clock.now();
            let due_at = now + backoff(delivery.attempts);
            self.store.retry(&delivery.new, unknown, due_at, held, now).await?;
        }
        Ok(())
    }

    async fn attempt_report(&self, delivery: &Delivery) -> Result<Outcome, RoundError> {
        let d = &delivery.new;
        let name = reference(&d.case_id);
        let later = |unknown, held| Ok(Outcome::Later { unknown, held });
        let Some(case) = self.store.case(d.case_id).await? else { return later(delivery.unknown, None) };
        let marker = mapping::report_marker(&name);
        let mut since = self.clock.now();
        if delivery.unknown {
            let (from, to) = (d.day.min(delivery.first_attempt).saturating_sub(SLACK_S), since + SLACK_S);
            since = delivery.first_attempt.saturating_sub(SLACK_S);
            match self.downstream.find_request(&case.service_code, &marker, from, to).await {
                Ok(Some(id)) => return self.report_sent(delivery, id, since).await,
                Ok(None) => {}
                Err(error) => return later(true, held(error, "lookup", &name)),
            }
        }
        let attributes = match self.downstream.attributes(&case.service_code).await {
            Ok(Some(attributes)) => attributes,
            // Scenario 17: held where it can be seen, and tried again: the mapping may be mended meanwhile.
            Ok(None) => return later(delivery.unknown, Some(Held::new("category", &name, &case.service_code))),
            Err(error) => return later(delivery.unknown, held(error, "refused", &name)),
        };
        let Some(key) = d.intake_key_id.and_then(|id| self.keys.get(&id)) else {
            return later(delivery.unknown, Some(Held::new("report", &name, Code::NotActive.as_str())));
        };
        let key_id = d.intake_key_id.unwrap_or_default();
        let content = check::open_content(&key, d.case_id, key_id, &d.payload)?;
        let hash = d.envelope_hash.unwrap_or_default();
        let envelope = EnvelopeReference { hash: &hash, gateway: &self.gateway_public };
        let form = mapping::report_form(&content, &name, &envelope, d.day, &attributes);
        self.store.begin(d.case_id, d.counter, self.clock.now()).await?;
        match self.downstream.add_request(&form).await {
            Ok(id) => self.report_sent(delivery, id, since).await,
            Err(error) => later(!matches!(error, DownError::Refused(_)), held(error, "refused", &name)),
        }
    }

    async fn report_sent(&self, delivery: &Delivery, id: String, since: u64) -> Result<Outcome, RoundError> {
        let event = json::to_vec(&Event::Sent { id: self.event_id() })?;
        let delete_at = self.clock.now() + self.keep_content_s;
        self.store.report_sent(delivery.new.case_id, id, since, event, delete_at).await?;
        Ok(Outcome::Sent)
    }

    async fn attempt_write(&self, delivery: &Delivery) -> Result<Outcome, RoundError> {
        let d = &delivery.new;
        let name = reference(&d.case_id);
        let later = |unknown, held| Ok(Outcome::Later { unknown, held });
        let case = self.store.case(d.case_id).await?.filter(|c| !c.request_id.is_empty());
        let Some(case) = case else { return later(delivery.unknown, None) };
        let key = d.intake_key_id.and_then(|id| self.keys.get(&id));
        let written = check::open_delivery(d, key.as_ref())?;
        let marker = mapping::write_marker(&name, d.counter);
        let now = self.clock.now();
        if delivery.unknown {
            let (from, to) = (delivery.first_attempt.saturating_sub(SLACK_S), now + SLACK_S);
            match self.downstream.updates(from, to).await {
                Ok(found) => {
                    let ours = |u: &&super::georeport::Update| {
                        u.request_id == case.request_id && mapping::is_marked(&u.description, &marker)
                    };
                    if let Some(found) = found.iter().find(ours) {
                        return self.write_sent(delivery, &written, Some(found.id.clone()), found.at).await;
                    }
                }
                Err(error) => return later(true, held(error, "lookup", &name)),
            }
        }
        let form = mapping::write_form(&written, &case.request_id, &marker, &case.raw_status, now);
        self.store.begin(d.case_id, d.counter, now).await?;
        match self.downstream.add_update(&form).await {
            Ok(id) => self.write_sent(delivery, &written, id, now).await,
            Err(error) => later(!matches!(error, DownError::Refused(_)), held(error, "refused", &name)),
        }
    }

    async fn write_sent(
        &self,
        delivery: &Delivery,
        written: &Written,
        update_id: Option<String>,
        at: u64,
    ) -> Result<Outcome, RoundError> {
        let now = self.clock.now();
        let reopened = if matches!(written, Written::Dispute(_)) {
            let status = Status::Waiting;
            let event = Event::Status { id: self.event_id(), status, at: Hour::of(now), due: None, eta: None };
            Some(Reopened { status, at, raw: "reopen".into(), event: json::to_vec(&event)? })
        } else {
            None
        };
        self.store.update_sent(&delivery.new, update_id, reopened, now + self.keep_content_s, now).await?;
        Ok(Outcome::Sent)
    }

    /// A call to the gateway.
    pub(super) async fn gateway<T: serde::Serialize + Sync>(
        &self,
        method: Method,
        path: &str,
        body: &T,
    ) -> Result<crate::http::Answer, RoundError> {
        let role = tabir_crypto::statement::body::Role::Gateway;
        Ok(self.client.call(&self.identity, role, method, &self.gateway_internal, path, Some(body)).await?)
    }
}

fn joined(done: Option<Result<Result<(), RoundError>, tokio::task::JoinError>>) -> Option<RoundError> {
    match done? {
        Ok(result) => result.err(),
        // A panic in one attempt: the delivery stays as it is and comes again.
        Err(_) => Some(RoundError::Panicked),
    }
}

/// A refusal needs a person; an outage does not.
fn held(error: DownError, kind: &str, name: &str) -> Option<Held> {
    match error {
        DownError::Unknown => None,
        DownError::Refused(status) => Some(Held::new(kind, name, &status.to_string())),
        DownError::TooMany => Some(Held::new(kind, name, "too-many")),
    }
}

/// Exponential, with the upper half at random: many deliveries that failed together come back apart.
fn backoff(attempts: u64) -> u64 {
    let most = LONGEST_S.min(1 << attempts.min(16));
    (most / 2 + u64::from(Random.next_u32()) % (most / 2 + 1)).max(1)
}

fn shuffle<T>(list: &mut [T]) {
    for last in (1..list.len()).rev() {
        let other = Random.next_u32() as usize % (last + 1);
        list.swap(last, other);
    }
}
