//! The downstream's updates, each taken once, and never a status backwards.
//!
//! Windows overlap: a server may list an update later than its own time for it. A persisted watermark says up to when
//! was asked; once in a while the last days are asked again. Ids of updates that were taken are kept, so that overlaps
//! and repeats change nothing (scenario 16).

use tabir_crypto::json;
use tabir_crypto::receipt::reference;
use tabir_crypto::statement::body::Status;
use tabir_crypto::statement::value::{Hour, Second};

use super::connector::{DownError, Update};
use super::mapping::{self, Step};
use super::replies::{self, Chain};
use super::store::Held;
use super::store::cases::Case;
use super::store::news::UpdateTaken;
use super::{Forwarder, RoundError};
use crate::api::gateway::Event;
use crate::open311::Meaning;

/// How far two windows overlap.
const OVERLAP_S: u64 = 300;
/// How far the rare look goes back, and how often it comes.
const DEEP_S: u64 = 3 * 86_400;
const DEEP_EVERY_S: u64 = 3_600;
/// The longest span of one question: servers cut long lists.
const SPAN_S: u64 = 86_400;

const RECENT: &str = "recent";
const DEEP: &str = "deep";

impl Forwarder {
    /// Asks for updates since the watermark. Returns how many were new.
    pub async fn poll_updates(&self) -> Result<usize, RoundError> {
        let now = self.clock.now();
        if self.is_paused() {
            return Ok(0);
        }
        let deep = self.store.watermark(DEEP).await?.is_none_or(|at| at + DEEP_EVERY_S <= now);
        let mark = self.store.watermark(RECENT).await?.unwrap_or(now);
        let mut from = if deep { mark.min(now.saturating_sub(DEEP_S)) } else { mark.saturating_sub(OVERLAP_S) };
        let ids =
            if self.connector.asks_by_id() { self.store.followed(deep.then_some(now)).await? } else { Vec::new() };
        let mut taken = 0;
        loop {
            // The end lies ahead, for a server whose clock does.
            let last = self.connector.asks_by_id() || from + SPAN_S >= now;
            let to = if last { now + OVERLAP_S } else { from + SPAN_S };
            let mut updates = self.asked(self.connector.updates((from, to), &ids).await)?;
            updates.sort_by(|a, b| (a.at, &a.id).cmp(&(b.at, &b.id)));
            let mut seen = self.store.seen_since(from).await?;
            for update in updates {
                if !seen.contains(&update.id) && self.take_update(&update, now).await? {
                    seen.insert(update.id);
                    taken += 1;
                }
            }
            self.store.set_watermark(RECENT, to.min(now)).await?;
            if last {
                break;
            }
            from = to.saturating_sub(OVERLAP_S);
        }
        if deep {
            self.store.set_watermark(DEEP, now).await?;
        }
        Ok(taken)
    }

    /// Takes an update that was pushed. False for a request that is not known to be ours.
    pub(super) async fn take_once(&self, update: &Update) -> Result<bool, RoundError> {
        let _one = self.pushed.lock().await;
        if self.store.is_seen(update.id.clone()).await? {
            return Ok(true);
        }
        self.take_update(update, self.clock.now()).await
    }

    async fn take_update(&self, update: &Update, now: u64) -> Result<bool, RoundError> {
        // Others' requests stand in the list too; they are not remembered, since one may turn out to be ours.
        let Some(case) = self.store.case_by_request(update.request_id.clone()).await? else { return Ok(false) };
        let taken = self.read_update(&case, update, now).await?;
        self.store.take_update(taken, now).await?;
        Ok(true)
    }

    pub(super) async fn read_update(&self, case: &Case, update: &Update, now: u64) -> Result<UpdateTaken, RoundError> {
        let name = reference(&case.case_id);
        let mut chain = Chain { seq: case.reply_seq, prev: case.reply_prev };
        let (mut events, mut held, mut status) = (Vec::new(), Vec::new(), None);
        let event_id = |n| self.event_id(&case.case_id, &format!("update {}", update.id), n);
        if !mapping::is_echo(&update.description, &name, case.counter) {
            let known = self.connector.meaning(&update.status);
            if known.is_none() {
                // Scenario 17: the text still goes to the reporter, the status waits for a person.
                held.push(Held::new("status", &update.request_id, &update.status).at(update.at));
            }
            match mapping::step(case.status, case.status_at, known.unwrap_or(Meaning::Unchanged), update.at) {
                Step::Set(next) => {
                    let eta = self.eta(next, update).await?;
                    let at = Hour::of(update.at.min(now));
                    let event = Event::Status { id: event_id(0), status: next, at, due: eta, eta };
                    events.push(json::to_vec(&event)?);
                    status = Some((next, update.at, update.status.clone()));
                }
                Step::Regression => {
                    held.push(Held::new("regression", &update.request_id, &update.status).at(update.at));
                }
                Step::Keep => {}
            }
            let (asks, text) = mapping::officer_text(&update.description);
            events.extend(replies::seal(case, &mut chain, (asks, &text), &self.identity, now, event_id)?);
        }
        Ok(UpdateTaken {
            update_id: update.id.clone(),
            case_id: case.case_id,
            status,
            replies: (case.reply_seq, chain.seq, chain.prev),
            events,
            held,
        })
    }

    /// When scheduled work is planned; GeoReport has it at the request only.
    async fn eta(&self, status: Status, update: &Update) -> Result<Option<Second>, RoundError> {
        if status != Status::Scheduled || update.expected.is_some() {
            return Ok(update.expected.filter(|_| status == Status::Scheduled).map(Second));
        }
        Ok(self.asked(self.connector.expected(&update.request_id).await)?.map(Second))
    }

    /// Remembers when the downstream asks for a pause.
    pub(super) fn asked<T>(&self, answer: Result<T, DownError>) -> Result<T, DownError> {
        if let Err(DownError::Busy(Some(seconds))) = &answer {
            self.pause(*seconds);
        }
        answer
    }
}
