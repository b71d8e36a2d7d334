//! Brings events to the gateway, each case's in their order. An event id that the gateway knows is skipped there, so a
//! repeat after a lost answer does no harm.

use std::collections::BTreeMap;

use reqwest::Method;
use tabir_crypto::receipt::reference;
use tabir_crypto::statement::value::V1;
use tabir_crypto::{B32, json};

use super::store::Held;
use super::{Forwarder, RoundError};
use crate::api::gateway::{Done, Event, Events};
use crate::http::HttpError;

/// Events of one round: sealed messages of the larger size stay far below the largest body of a call.
const ROUND: u32 = 64;

impl Forwarder {
    /// Pushes what waits. Returns how many events the gateway took.
    pub async fn push_events(&self) -> Result<usize, RoundError> {
        let mut cases: BTreeMap<B32, (Vec<i64>, Vec<Event>)> = BTreeMap::new();
        for waiting in self.store.events(ROUND).await? {
            let (numbers, events) = cases.entry(waiting.case_id).or_default();
            numbers.push(waiting.n);
            events.push(json::from_slice(&waiting.body)?);
        }
        let (mut pushed, mut failed) = (0, None);
        for (case_id, (numbers, events)) in cases {
            let path = format!("/internal/cases/{}/events", hex::encode(case_id));
            let count = numbers.len();
            match self.gateway(Method::POST, &path, &Events { v: V1, events }).await {
                Ok(answer) => {
                    let _: Done = answer.json()?;
                    self.store.events_done(numbers, None, self.clock.now()).await?;
                    pushed += count;
                }
                // A case that the gateway does not have: erased there, or never there. Nobody can be told.
                Err(RoundError::Http(HttpError::Problem { status: 404, .. })) => {
                    let held = Held::new("event", &reference(&case_id), "404");
                    self.store.events_done(numbers, Some(held), self.clock.now()).await?;
                }
                // Another case's events may still pass.
                Err(error @ RoundError::Http(HttpError::Problem { .. })) => failed = Some(error),
                Err(error) => return Err(error),
            }
        }
        failed.map_or(Ok(pushed), Err)
    }
}
