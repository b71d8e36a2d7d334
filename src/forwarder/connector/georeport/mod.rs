//! GeoReport v2 client. What a server may do: answer a POST and lose the answer, give an id, a token or only XML, have 0
//! as an id, refuse parameters that it does not know, cut long lists, publish what it has. Nothing is idempotent.
//! Sources: GeoReport v2, and what FixMyStreet's client meets at councils.

pub mod check;
pub mod forms;
mod search;
pub mod services;
pub mod wire;
mod xml;

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;
use tabir_crypto::Secret;
use tabir_crypto::codec::sha256;
use tabir_crypto::statement::value::Second;

use super::{Call, DownError, Found, Outgoing, OutgoingWrite, Taken, Target, Unready, Update, Wanted};
use crate::clock::Clock;
use crate::config::mapping::{Category, Lookup, Mapping, Updates};
use crate::config::roles;
use crate::forwarder::mapping;
use crate::forwarder::store::Held;
use crate::http::Client;
use crate::open311::{Meaning, read_time};
use services::{Attribute, text};
use wire::Wire;

const FORM: &str = "application/x-www-form-urlencoded";
/// Ids in one question: the address stays far below what servers take.
const IDS: usize = 50;

/// How long a service's definition is believed: a server that comes back is not asked twice for each report that
/// waited. One that refuses a report is asked anew.
const FRESH_S: u64 = 60;

/// A service's attributes, and when they were read.
type Known = BTreeMap<String, (u64, Vec<Attribute>)>;

/// A GeoReport v2 server and how to speak with it.
pub struct GeoReport {
    wire: Wire,
    mapping: Mapping,
    clock: Clock,
    known: Mutex<Known>,
}

impl GeoReport {
    /// Reads nothing: `key` and `mapping` are what the configuration names.
    pub fn new(
        (client, clock): (Client, Clock),
        config: &roles::Forwarder,
        key: Option<Secret<String>>,
        mapping: Mapping,
    ) -> Self {
        let format = mapping.server.format;
        let io = (client, clock.clone());
        let wire = Wire::new(io, &config.downstream, key, config.jurisdiction.clone(), format);
        Self { wire, mapping, clock, known: Mutex::default() }
    }

    /// The server, for who checks it.
    #[must_use]
    pub const fn wire(&self) -> &Wire {
        &self.wire
    }

    /// The mapping, for who checks it.
    #[must_use]
    pub const fn mapping(&self) -> &Mapping {
        &self.mapping
    }

    /// Whether this is a GeoReport v2 server, as far as it says. One without discovery is taken at its word.
    pub async fn discover(&self) -> Result<bool, DownError> {
        match self.wire.get(&["discovery"], &[]).await {
            Ok(found) => Ok(found.to_string().contains("GeoReport_v2")),
            Err(DownError::Refused(404)) => Ok(true),
            Err(error) => Err(error),
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The attributes of a service; `None` when there is no such service.
    async fn attributes(&self, code: &str) -> Result<Option<Vec<Attribute>>, DownError> {
        let now = self.clock.now();
        let fresh = |(at, _): &&(u64, Vec<Attribute>)| (*at..at.saturating_add(FRESH_S)).contains(&now);
        if let Some((_, attributes)) = self.known().get(code).filter(fresh) {
            return Ok(Some(attributes.clone()));
        }
        let services = services::services(&self.wire).await?;
        let Some(service) = services.iter().find(|s| s.code == code) else { return Ok(None) };
        let attributes = services::attributes(&self.wire, service).await?;
        self.known().insert(code.to_owned(), (now, attributes.clone()));
        Ok(Some(attributes))
    }

    /// Makes the form of a report for the service as the server describes it now.
    pub async fn prepare_report(&self, report: &Outgoing<'_>) -> Result<Call, Unready> {
        let code = report.content.category.as_str();
        // Scenario 17: held where it can be seen, and tried again: mapping or server may be mended meanwhile.
        let held = |kind, detail: &str| Unready::Held(Held::new(kind, report.reference, detail));
        let category = self.mapping.category(code).ok_or_else(|| held("category", code))?;
        let attributes = self.attributes(&category.service).await?.ok_or_else(|| held("category", code))?;
        let form =
            forms::report(report, &self.mapping, &category, &attributes).map_err(|lack| held("attribute", &lack.0))?;
        Ok(self.call(&["requests"], &form, category.service)?)
    }

    /// Makes the form of a later write.
    pub fn prepare_write(&self, write: &OutgoingWrite<'_>) -> Result<Call, Unready> {
        let held = |kind, detail: &str| Unready::Held(Held::new(kind, write.reference, detail));
        let category = self.mapping.category(write.category).unwrap_or_else(|| Category::same(write.category));
        let form = forms::write(write, &self.mapping, &category)
            .ok_or_else(|| held("followup", &write.counter.to_string()))?;
        let updates = self.sends_updates();
        let path = if updates { "servicerequestupdates" } else { "requests" };
        let place = if updates { String::new() } else { category.service };
        Ok(self.call(&[path], &form, place)?)
    }

    fn sends_updates(&self) -> bool {
        self.mapping.server.followups == crate::config::mapping::Followups::Updates
    }

    fn call(&self, path: &[&str], form: &forms::Form, place: String) -> Result<Call, DownError> {
        let pairs = form.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        Ok(Call { url: self.wire.address(path)?, media_type: FORM, body: self.wire.pairs(pairs), place, id: None })
    }

    /// Sends it. For a report an answer without an id or token is an unknown outcome: the look-up finds it.
    pub async fn send(&self, call: &Call) -> Result<Taken, DownError> {
        let answer = self.wire.post(&call.url, call.media_type, &call.body).await;
        if matches!(answer, Err(DownError::Refused(_))) {
            self.known().remove(&call.place);
        }
        Ok(taken(&answer?))
    }

    /// `GET tokens/ID`: the id, once there is one.
    pub async fn poll_token(&self, token: &str) -> Result<Option<String>, DownError> {
        let answer = self.wire.get(&["tokens", token], &[]).await?;
        Ok(first(&answer, "service_request_id"))
    }

    /// Looks for a report by the marker in its description.
    pub async fn find_report(&self, wanted: &Wanted<'_>) -> Result<Found, DownError> {
        self.find_marked(wanted, &mapping::report_marker(wanted.reference)).await
    }

    async fn find_marked(&self, wanted: &Wanted<'_>, marker: &str) -> Result<Found, DownError> {
        if self.mapping.server.lookup == Lookup::None {
            return Ok(Found::Unsearchable);
        }
        let found = search::request(&self.wire, wanted.place, marker, wanted.span).await?;
        Ok(found.map_or(Found::Absent, |id| Found::Here(id, None)))
    }

    /// Looks for a later write, where those stand.
    pub async fn find_write(&self, wanted: &Wanted<'_>, request_id: &str, counter: u64) -> Result<Found, DownError> {
        let marker = mapping::write_marker(wanted.reference, counter);
        if !self.sends_updates() {
            return self.find_marked(wanted, &marker).await;
        }
        if self.mapping.server.updates != Updates::ServiceRequestUpdates {
            return Ok(Found::Unsearchable);
        }
        let found = self.listed(wanted.span).await?;
        let ours = |u: &&Update| u.request_id == request_id && mapping::is_marked(&u.description, &marker);
        Ok(found.iter().find(ours).map_or(Found::Absent, |u| Found::Here(u.id.clone(), Some(u.at))))
    }

    /// Whether news are read from the requests themselves.
    #[must_use]
    pub const fn asks_by_id(&self) -> bool {
        matches!(self.mapping.server.updates, Updates::Requests)
    }

    /// What was said of requests.
    pub async fn updates(&self, span: (u64, u64), ids: &[String]) -> Result<Vec<Update>, DownError> {
        match self.mapping.server.updates {
            Updates::ServiceRequestUpdates => self.listed(span).await,
            Updates::Requests => self.by_id(ids, span.1).await,
            Updates::None => Ok(Vec::new()),
        }
    }

    /// `GET servicerequestupdates` of a time span. What has no id or time is no update.
    async fn listed(&self, (from, to): (u64, u64)) -> Result<Vec<Update>, DownError> {
        let (start, end) = (Second(from).to_string(), Second(to).to_string());
        let query = [("start_date", start.as_str()), ("end_date", end.as_str())];
        let found = self.wire.list(&["servicerequestupdates"], &query).await?;
        let update = |v: &Value| {
            Some(Update {
                id: text(v, "update_id").filter(|id| !id.is_empty())?,
                request_id: text(v, "service_request_id")?,
                status: text(v, "status").unwrap_or_default(),
                at: read_time(&text(v, "updated_datetime")?)?,
                description: text(v, "description").unwrap_or_default(),
                expected: None,
            })
        };
        Ok(found.iter().filter_map(update).collect())
    }

    /// What the requests say now, each as two updates: the status, as of the last change, and the note. Their ids are
    /// made of what they say, so that each is taken once.
    async fn by_id(&self, ids: &[String], now: u64) -> Result<Vec<Update>, DownError> {
        let mut updates = Vec::new();
        for some in ids.chunks(IDS) {
            let list = some.join(",");
            let found = self.wire.list(&["requests"], &[("service_request_id", &list)]).await?;
            updates.extend(found.iter().flat_map(|request| states(request, now)));
        }
        Ok(updates)
    }

    /// When a request is expected to be done.
    pub async fn expected(&self, request_id: &str) -> Result<Option<u64>, DownError> {
        let found = self.wire.list(&["requests"], &[("service_request_id", request_id)]).await?;
        Ok(found.first().and_then(|r| read_time(&text(r, "expected_datetime")?)))
    }

    /// What a status means, by the mapping and then by what is known everywhere.
    #[must_use]
    pub fn meaning(&self, status: &str) -> Option<Meaning> {
        self.mapping.meaning(status)
    }

    /// A new request's status.
    #[must_use]
    pub fn first_status(&self) -> &str {
        &self.mapping.say.open
    }

    /// Where a confidential category goes.
    #[must_use]
    pub fn confidential(&self, category: &str) -> Option<Target> {
        let found = self.mapping.category(category).filter(|c| c.confidential)?;
        Some(self.target(&found.service))
    }

    /// A service of this server.
    #[must_use]
    pub fn target(&self, service: &str) -> Target {
        Target { server: self.wire.server(), place: service.to_owned() }
    }
}

fn states(request: &Value, now: u64) -> Vec<Update> {
    let field = |name| text(request, name).unwrap_or_default();
    let (request_id, status, notes) = (field("service_request_id"), field("status"), field("status_notes"));
    let changed = field("updated_datetime");
    let at = read_time(&changed).unwrap_or(now).min(now);
    let update = |kind: &str, said: &[&str], status: &str, description: &str| Update {
        id: format!("{kind}:{}", hex::encode(&sha256(said.join("\n").as_bytes())[..16])),
        request_id: request_id.clone(),
        status: status.to_owned(),
        at,
        description: description.to_owned(),
        expected: None,
    };
    let mut found = vec![update("status", &[&request_id, &status, &changed], &status, "")];
    if !notes.trim().is_empty() {
        found.push(update("note", &[&request_id, &notes], "", &notes));
    }
    found.retain(|u| !u.request_id.is_empty());
    found
}

/// What a POST came to.
fn taken(answer: &Value) -> Taken {
    let id = first(answer, "service_request_id").or_else(|| first(answer, "update_id"));
    let token = || first(answer, "token").map(Taken::Token);
    id.map(Taken::Id).or_else(token).unwrap_or(Taken::Nameless)
}

fn first(answer: &Value, field: &str) -> Option<String> {
    let first = answer.as_array().and_then(|list| list.first()).unwrap_or(answer);
    text(first, field).filter(|id| !id.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_answer_names_an_id_a_token_or_neither() {
        let id = |id: &str| Taken::Id(id.into());
        assert_eq!(taken(&json!([{"service_request_id": 0, "service_notice": ""}])), id("0"));
        assert_eq!(taken(&json!([{"service_request_id": "0"}])), id("0"));
        assert_eq!(taken(&json!({"service_request_id": "12", "token": "t"})), id("12"));
        assert_eq!(taken(&json!([{"service_request_id": "", "token": 7}])), Taken::Token("7".into()));
        assert_eq!(taken(&json!([{"update_id": "9"}])), id("9"));
        for nothing in [json!([]), json!({}), json!("x"), json!([{"service_request_id": null}])] {
            assert_eq!(taken(&nothing), Taken::Nameless);
        }
    }
}
