//! Brings the queue to the downstream: exactly once in effect, and for as long as it takes.
//!
//! ```text
//! waiting --begin--> sending --POST--> answered: sent
//!                       |  refused (4xx), asked to wait (429): waiting, later
//!                       |  no answer, cut, 5xx, no id, crash: stays sending
//!                       +--next time: token or look-up first; found: sent; not found: POST again;
//!                          nobody can look: POST again, with a note in the text
//! ```
//! `sending` is durable before the POST leaves, so whatever happens in between, the next attempt begins with a look-up.

use std::sync::Arc;

use rand_core::Rng as _;
use reqwest::Method;
use tabir_crypto::receipt::reference;
use tabir_crypto::statement::body::Status;
use tabir_crypto::statement::value::Hour;
use tabir_crypto::{Code, countersign, json};
use tokio::task::JoinSet;

use super::check::{self, Written};
use super::connector::{DownError, Found, Outgoing, OutgoingWrite, Taken, Unready, Update, Wanted};
use super::mapping::EnvelopeReference;
use super::store::Held;
use super::store::cases::{Case, Fate};
use super::store::deliveries::{Delivery, Reopened};
use super::store::news::UpdateTaken;
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

/// How long a token is asked for before the report counts as lost with it.
const TOKEN_S: u64 = 86_400;

/// What came of one attempt.
enum Outcome {
    Sent,
    Later {
        /// The downstream may have it.
        unknown: bool,
        held: Option<Held>,
        /// It asks to wait so long, in seconds.
        pause: u64,
    },
}

/// What is known before an attempt, after the one before.
enum Before {
    /// It is there.
    Sent(String, Option<u64>),
    /// It is not there; or it may be, and nobody can look.
    Absent { repeated: bool },
    /// Not yet.
    Wait(Outcome),
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
        // The downstream asked for a pause, perhaps a moment ago: this one stays due.
        if self.is_paused() {
            return Ok(());
        }
        let outcome = match delivery.new.kind {
            ItemKind::Report => self.attempt_report(&delivery).await?,
            _ => self.attempt_write(&delivery).await?,
        };
        if let Outcome::Later { unknown, held, pause } = outcome {
            let now = self.clock.now();
            let due_at = now.saturating_add(backoff(delivery.attempts).max(pause));
            self.store.retry(&delivery.new, unknown, due_at, held, now).await?;
        }
        Ok(())
    }

    /// An error of the downstream, as the end of an attempt. `unknown`: an earlier attempt may have arrived.
    fn failed(&self, error: DownError, unknown: bool, kind: &str, name: &str) -> Outcome {
        let hold = |kind: &str, detail: &str| Some(Held::new(kind, name, detail));
        let held = match error {
            // A refusal needs a person; an outage does not.
            DownError::Unknown | DownError::Busy(_) => None,
            DownError::Refused(status) => hold(kind, &status.to_string()),
            DownError::Malformed(code) => hold("answer", code),
            DownError::TooMany => hold(kind, "too-many"),
        };
        let pause = if let DownError::Busy(Some(seconds)) = error { seconds } else { 0 };
        if pause > 0 {
            self.pause(pause);
        }
        Outcome::Later { unknown, held, pause }
    }

    fn unready(&self, unready: Unready, unknown: bool, name: &str) -> Outcome {
        match unready {
            Unready::Held(held) => held_back(unknown, held),
            Unready::Down(error) => self.failed(error, unknown, "refused", name),
        }
    }

    async fn before(&self, delivery: &Delivery, case: &Case, name: &str, now: u64) -> Before {
        let report = delivery.new.kind == ItemKind::Report;
        let wait = |error, kind: &str| Before::Wait(self.failed(error, true, kind, name));
        if let Some(token) = &delivery.token {
            match self.connector.poll_token(token).await {
                Ok(Some(id)) => return Before::Sent(id, None),
                Ok(None) => return Before::Wait(later(true)),
                Err(error @ (DownError::Unknown | DownError::Busy(_))) => return wait(error, "token"),
                // Some servers refuse a token that is not ready, or long over: the look-up tells more.
                Err(_) => {}
            }
        }
        let day = if report { delivery.new.day } else { delivery.first_attempt };
        let from = day.min(delivery.first_attempt).saturating_sub(SLACK_S);
        let wanted = Wanted { reference: name, place: &delivery.place, span: (from, now + SLACK_S) };
        let found = if report {
            self.connector.find_report(&wanted).await
        } else {
            self.connector.find_write(&wanted, &case.request_id, delivery.new.counter).await
        };
        match found {
            Ok(Found::Here(id, at)) => Before::Sent(id, at),
            // It was taken and is being worked on: sent again too early it would stand there twice.
            Ok(_) if delivery.token.is_some() && now < delivery.first_attempt + TOKEN_S => {
                Before::Wait(held_back(true, Held::new("token", name, "waits")))
            }
            Ok(Found::Absent) => Before::Absent { repeated: false },
            Ok(Found::Unsearchable) => Before::Absent { repeated: true },
            Err(error) => wait(error, "lookup"),
        }
    }

    async fn attempt_report(&self, delivery: &Delivery) -> Result<Outcome, RoundError> {
        let d = &delivery.new;
        let name = reference(&d.case_id);
        let Some(case) = self.store.case(d.case_id).await? else { return Ok(later(delivery.unknown)) };
        let (mut since, mut repeated) = (self.clock.now(), false);
        if delivery.unknown {
            match self.before(delivery, &case, &name, since).await {
                Before::Sent(id, _) => {
                    since = delivery.first_attempt.saturating_sub(SLACK_S);
                    return self.report_sent(delivery, id, since).await;
                }
                Before::Absent { repeated: again } => repeated = again,
                Before::Wait(outcome) => return Ok(outcome),
            }
            since = delivery.first_attempt.saturating_sub(SLACK_S);
        }
        if let Some(held) = self.exposed(&case, &name).await? {
            return Ok(held_back(delivery.unknown, held));
        }
        let Some(key) = d.intake_key_id.and_then(|id| self.keys.get(&id)) else {
            return Ok(held_back(delivery.unknown, Held::new("report", &name, Code::NotActive.as_str())));
        };
        let content = check::open_content(&key, d.case_id, d.intake_key_id.unwrap_or_default(), &d.payload)?;
        let hash = d.envelope_hash.unwrap_or_default();
        let envelope = EnvelopeReference { hash: &hash, gateway: &self.gateway_public };
        let report = Outgoing { content: &content, reference: &name, envelope, day: d.day, repeated };
        let call = match self.connector.prepare_report(&report).await {
            Ok(call) => call,
            Err(unready) => return Ok(self.unready(unready, delivery.unknown, &name)),
        };
        let now = self.clock.now();
        self.store.begin(d.case_id, d.counter, call.place.clone(), now).await?;
        match self.connector.send(&call).await {
            Ok(Taken::Id(id)) => self.report_sent(delivery, id, since).await,
            Ok(Taken::Countersigned { id, note }) => self.report_countersigned(delivery, case, id, note, since).await,
            Ok(Taken::Token(token)) => {
                self.store.keep_token(d.case_id, d.counter, token).await?;
                Ok(later(true))
            }
            Ok(Taken::Nameless) => {
                let span = (d.day.saturating_sub(SLACK_S), now + SLACK_S);
                let wanted = Wanted { reference: &name, place: &call.place, span };
                match self.connector.find_report(&wanted).await {
                    Ok(Found::Here(id, _)) => self.report_sent(delivery, id, since).await,
                    // Taken, and nobody will ever say under which id: sent again it would stand there twice.
                    Ok(Found::Unsearchable) => {
                        self.store.hold(Held::new("nameless", &name, "no-id"), now).await?;
                        self.report_sent(delivery, String::new(), since).await
                    }
                    Ok(Found::Absent) => Ok(later(true)),
                    Err(error) => Ok(self.failed(error, true, "lookup", &name)),
                }
            }
            Err(error) => Ok(self.failed(error, !error.is_undone(), "refused", &name)),
        }
    }

    /// Whether a report must stay here, since everybody could read it there, or since nobody has looked.
    async fn exposed(&self, case: &Case, name: &str) -> Result<Option<Held>, RoundError> {
        let Some(target) = self.connector.confidential(&case.service_code) else { return Ok(None) };
        let detail = match self.store.is_public(target).await? {
            Some(false) => return Ok(None),
            Some(true) => "public",
            None => "untried",
        };
        Ok(Some(Held::new("confidential", name, detail)))
    }

    async fn report_sent(&self, delivery: &Delivery, id: String, since: u64) -> Result<Outcome, RoundError> {
        self.report_sent_with(delivery, id, since, None).await
    }

    /// The downstream's own word for it goes to the reporter as an update does, in the transaction that knows of it. What
    /// is no countersignature of this case goes nowhere.
    async fn report_countersigned(
        &self,
        delivery: &Delivery,
        case: Case,
        id: String,
        note: String,
        since: u64,
    ) -> Result<Outcome, RoundError> {
        let (name, now) = (reference(&case.case_id), self.clock.now());
        if let Err(error) = countersign::parse(&note, &self.origin, &name) {
            self.store.hold(Held::new("countersignature", &name, error.code().as_str()), now).await?;
            return self.report_sent(delivery, id, since).await;
        }
        let update = Update {
            id: format!("countersigned:{name}"),
            request_id: id.clone(),
            status: String::new(),
            at: now,
            description: note,
            expected: None,
        };
        let taken = self.read_update(&case, &update, now).await?;
        self.report_sent_with(delivery, id, since, Some(taken)).await
    }

    async fn report_sent_with(
        &self,
        delivery: &Delivery,
        id: String,
        since: u64,
        said: Option<UpdateTaken>,
    ) -> Result<Outcome, RoundError> {
        let event = json::to_vec(&Event::Sent { id: self.event_id(&delivery.new.case_id, "sent", 0) })?;
        let delete_at = self.clock.now() + self.keep_content_s;
        let downstream = (id, self.connector.first_status().to_owned());
        self.store.report_sent(delivery.new.case_id, downstream, since, event, (delete_at, said)).await?;
        Ok(Outcome::Sent)
    }

    async fn attempt_write(&self, delivery: &Delivery) -> Result<Outcome, RoundError> {
        let d = &delivery.new;
        let name = reference(&d.case_id);
        let case = self.store.case(d.case_id).await?;
        let case = match case {
            Some(case) if !case.request_id.is_empty() => case,
            // It stands there without an id: nobody can say what this is about.
            Some(case) if case.fate == Fate::Sent => {
                return Ok(held_back(false, Held::new("followup", &name, &d.counter.to_string())));
            }
            _ => return Ok(later(delivery.unknown)),
        };
        let key = d.intake_key_id.and_then(|id| self.keys.get(&id));
        let written = check::open_delivery(d, key.as_ref())?;
        let (now, mut repeated) = (self.clock.now(), false);
        if delivery.unknown {
            match self.before(delivery, &case, &name, now).await {
                Before::Sent(id, at) => return self.write_sent(delivery, &written, Some(id), at.unwrap_or(now)).await,
                Before::Absent { repeated: again } => repeated = again,
                Before::Wait(outcome) => return Ok(outcome),
            }
        }
        let write = OutgoingWrite {
            written: &written,
            category: &case.service_code,
            reference: &name,
            counter: d.counter,
            request_id: &case.request_id,
            raw_status: &case.raw_status,
            day: now - now % 86_400,
            repeated,
        };
        let call = match self.connector.prepare_write(&write) {
            Ok(call) => call,
            Err(unready) => return Ok(self.unready(unready, delivery.unknown, &name)),
        };
        self.store.begin(d.case_id, d.counter, call.place.clone(), now).await?;
        match self.connector.send(&call).await {
            Ok(Taken::Id(id) | Taken::Countersigned { id, .. }) => {
                self.write_sent(delivery, &written, Some(id), now).await
            }
            // Some servers give no id to an update.
            Ok(Taken::Nameless | Taken::Token(_)) => self.write_sent(delivery, &written, None, now).await,
            Err(error) => Ok(self.failed(error, !error.is_undone(), "refused", &name)),
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
            let id = self.event_id(&delivery.new.case_id, "reopened", delivery.new.counter);
            let event = Event::Status { id, status, at: Hour::of(now), due: None, eta: None };
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

const fn later(unknown: bool) -> Outcome {
    Outcome::Later { unknown, held: None, pause: 0 }
}

const fn held_back(unknown: bool, held: Held) -> Outcome {
    Outcome::Later { unknown, held: Some(held), pause: 0 }
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
