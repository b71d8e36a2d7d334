//! What is said, both ways: JSON as Standard Webhooks has it, `{"type", "timestamp", "data"}`. No I/O.
//!
//! ```text
//! out   report.created    data: what a GeoReport request has, under the same names
//!       report.message, report.rating, report.dispute, report.erased     data: {reference, counter, description}
//!       updates.wanted    data: {from, to}: a question, where no call back is wanted
//! in    report.updated    data: {reference, status?, text?, expected?}
//! id    tabir_REFERENCE_COUNTER, counter 0 for the report: the same at each attempt
//! ```
//! The type tells the directions apart: what we signed is not taken for what the receiver signed. Times out are days, as
//! everywhere: an exact one would tell when somebody sat down to report.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use tabir_crypto::content::{IdentityState, Precision};
use tabir_crypto::statement::value::Second;
use tabir_crypto::{Code, Result};
use utoipa::ToSchema;

use crate::config::mapping::{Category, Mapping};
use crate::forwarder::check::Written;
use crate::forwarder::connector::{Outgoing, OutgoingWrite, Update};
use crate::forwarder::mapping::{coordinates, report_marker, write_marker, write_text};
use crate::open311::read_time;

/// Media type of every body.
pub const JSON: &str = "application/json";
/// The type of a call back.
const UPDATED: &str = "report.updated";
/// Before the id of an update that was pushed or listed, in the forwarder's memory of what it took: no id of another
/// protocol, and none of our own messages.
const TAKEN: &str = "webhook:";

/// `webhook-id` of a report (counter 0) or later write.
#[must_use]
pub fn message_id(reference: &str, counter: u64) -> String {
    format!("tabir_{reference}_{counter}")
}

/// The reference in an id that [`message_id`] made.
#[must_use]
pub fn reference_of(id: &str) -> Option<(&str, u64)> {
    let (reference, counter) = id.strip_prefix("tabir_")?.rsplit_once('_')?;
    Some((reference, counter.parse().ok()?))
}

fn message(kind: &str, at: u64, data: Map<String, Value>) -> String {
    json!({ "type": kind, "timestamp": Second(at).to_string(), "data": data }).to_string()
}

fn described(data: &mut Map<String, Value>, text: &str, marker: &str, repeated: bool) {
    data.insert("description".into(), format!("{text}\n\n{marker}").into());
    if repeated {
        data.insert("repeated".into(), true.into());
    }
}

/// The body for a report.
#[must_use]
pub fn report(report: &Outgoing<'_>, mapping: &Mapping, category: &Category) -> String {
    let content = report.content;
    let mut data = Map::new();
    let mut put = |name: &str, value: Value| data.insert(name.to_owned(), value);
    put("reference", report.reference.into());
    put("service_code", category.service.clone().into());
    put("language", content.language.as_str().into());
    let date = Second(report.day).to_string();
    put("requested_datetime", date.split('T').next().unwrap_or_default().into());
    let limits = [mapping.location.precision, category.precision.unwrap_or(Precision::Point)];
    if let Some((lat, lon)) = coordinates(&content.location, &limits) {
        put("lat", lat.into());
        put("long", lon.into());
    }
    if !content.location.text().is_empty() {
        put("address_string", content.location.text().into());
    }
    let attributes = content.attributes.iter().map(|(code, value)| (code.as_str().to_owned(), value.as_str().into()));
    put("attributes", Value::Object(attributes.collect()));
    if content.identity == IdentityState::Sealed {
        put("envelope", json!({ "sha256": hex::encode(report.envelope.hash), "url": report.envelope.url() }));
    }
    if !content.attachments.is_empty() {
        put("attachments_left_out", content.attachments.len().into());
    }
    described(&mut data, &content.text, &report_marker(report.reference), report.repeated);
    message("report.created", report.day, data)
}

/// The body for a later write.
#[must_use]
pub fn write(write: &OutgoingWrite<'_>) -> String {
    let kind = match write.written {
        Written::Message(_) => "report.message",
        Written::Rating(_) => "report.rating",
        Written::Dispute(_) => "report.dispute",
        Written::Erase => "report.erased",
    };
    let mut data = Map::new();
    data.insert("reference".into(), write.reference.into());
    data.insert("counter".into(), write.counter.into());
    described(&mut data, &write_text(write.written), &write_marker(write.reference, write.counter), write.repeated);
    message(kind, write.day, data)
}

/// The question for updates of a time span.
#[must_use]
pub fn wanted((from, to): (u64, u64), now: u64) -> String {
    let data = json!({ "from": Second(from).to_string(), "to": Second(to).to_string() });
    json!({ "type": "updates.wanted", "timestamp": Second(now).to_string(), "data": data }).to_string()
}

/// What the receiver says about a report: the body of a call back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Said {
    /// `report.updated`.
    #[serde(rename = "type")]
    kind: String,
    /// When it became so: RFC 3339.
    timestamp: String,
    /// What became so.
    data: SaidData,
}

/// About which report, and what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SaidData {
    /// As it stands in `report.created`.
    reference: String,
    /// In the receiver's words; without one nothing but the text is new.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    status: Option<String>,
    /// The officer's words to the reporter. `[question]` before them asks for an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    /// When planned work is due: RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expected: Option<String>,
}

impl Said {
    /// Reads a body. Errors: those of the parser; `verb` for another type.
    pub fn parse(body: &[u8]) -> Result<Self> {
        let said: Self = tabir_crypto::json::from_slice(body)?;
        if said.kind == UPDATED { Ok(said) } else { Err(Code::Verb.into()) }
    }

    /// As an update of this id. Error: `field`, for a time that is none.
    pub fn into_update(self, id: &str) -> Result<Update> {
        let time = |text: &str| read_time(text).ok_or(Code::Field);
        Ok(Update {
            id: format!("{TAKEN}{id}"),
            request_id: self.data.reference,
            status: self.data.status.unwrap_or_default(),
            at: time(&self.timestamp)?,
            description: self.data.text.unwrap_or_default(),
            expected: self.data.expected.as_deref().map(time).transpose()?,
        })
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Listed {
    updates: Vec<ListedUpdate>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ListedUpdate {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    timestamp: String,
    data: SaidData,
}

/// Reads the answer to [`wanted`]. One that is wrong refuses all: nothing of it is taken, and it is asked for again.
pub fn listed(body: &[u8]) -> Result<Vec<Update>> {
    let listed: Listed = tabir_crypto::json::from_slice(body)?;
    let update = |one: ListedUpdate| {
        if one.kind != UPDATED || one.id.is_empty() {
            return Err(Code::Verb.into());
        }
        Said { kind: one.kind, timestamp: one.timestamp, data: one.data }.into_update(&one.id)
    };
    listed.updates.into_iter().map(update).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_the_reference_and_the_counter() {
        let id = message_id("1A2B-3C4D-5E6F", 3);
        assert_eq!(id, "tabir_1A2B-3C4D-5E6F_3");
        assert_eq!(reference_of(&id), Some(("1A2B-3C4D-5E6F", 3)));
        assert_eq!(reference_of("msg_1"), None);
    }

    #[test]
    fn a_call_back_is_read_in_one_form_alone() {
        let body = |kind: &str, more: &str| {
            format!(r#"{{"type":"{kind}","timestamp":"2026-11-24T10:00:00+07:00","data":{{"reference":"R"{more}}}}}"#)
        };
        let update = Said::parse(body(UPDATED, r#","status":"fixed","expected":"2026-12-01""#).as_bytes()).unwrap();
        let update = update.into_update("e1").unwrap();
        assert_eq!((update.id.as_str(), update.status.as_str()), ("webhook:e1", "fixed"));
        assert_eq!(update.at, 1_795_489_200);
        assert!(update.expected.is_some() && update.description.is_empty());
        let code = |text: String| Said::parse(text.as_bytes()).map(|_| ()).unwrap_err().code();
        assert_eq!(code(body("report.created", "")), Code::Verb, "our own words come back");
        assert_eq!(code(body(UPDATED, r#","note":"x""#)), Code::UnknownField);
        assert_eq!(code(body(UPDATED, r#","status":1"#)), Code::Field);
        let bad = body(UPDATED, "").replace("2026-11-24T10:00:00+07:00", "yesterday");
        assert_eq!(Said::parse(bad.as_bytes()).unwrap().into_update("e").unwrap_err().code(), Code::Field);
    }

    #[test]
    fn a_list_is_taken_whole_or_not_at_all() {
        let one = |id: &str, kind: &str| {
            format!(r#"{{"id":"{id}","type":"{kind}","timestamp":"2026-11-24T10:00:00Z","data":{{"reference":"R"}}}}"#)
        };
        let list = |items: &[String]| listed(format!(r#"{{"updates":[{}]}}"#, items.join(",")).as_bytes());
        assert_eq!(list(&[one("a", UPDATED), one("b", UPDATED)]).unwrap().len(), 2);
        assert!(list(&[one("a", UPDATED), one("b", "other")]).is_err());
        assert!(list(&[one("", UPDATED)]).is_err());
        assert!(list(&[]).unwrap().is_empty());
    }
}
