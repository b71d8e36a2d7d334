//! GeoReport v2's answers. Source: wiki.open311.org/GeoReport_v2.

use serde_json::{Value, json};
use tabir_crypto::statement::body::{Category, Status};

use super::error::Refusal;
use super::service::Created;
use super::words;
use crate::api::gateway::CaseView;
use crate::config::facade::Attribute;
use crate::open311::{is_closed, name_of};

/// When this face last changed.
const CHANGESET: &str = "2026-11-30T00:00:00Z";

/// `discovery`.
pub fn discovery(base: &str) -> Value {
    json!({
        "changeset": CHANGESET,
        "contact": "The operator of this facade",
        "key_service": "Ask the operator of this facade for a key of your app",
        "endpoints": [{
            "specification": "http://wiki.open311.org/GeoReport_v2",
            "url": base,
            "changeset": CHANGESET,
            "type": "production",
            "formats": ["application/json", "text/xml"],
        }],
    })
}

/// `services`: the policy's categories.
pub fn services(categories: &[Category], asked: &[Attribute]) -> Value {
    let service = |c: &Category| {
        json!({
            "service_code": c.code, "service_name": c.id, "description": c.en,
            "metadata": asked.iter().any(|a| a.service == c.code),
            "type": "realtime", "keywords": "", "group": "",
        })
    };
    categories.iter().map(service).collect()
}

/// `services/{code}`.
pub fn definition(code: &str, asked: &[Attribute]) -> Value {
    let attribute = |(order, a): (usize, &Attribute)| {
        json!({
            "variable": true, "code": a.code, "datatype": a.datatype.as_str(), "required": a.required,
            "datatype_description": "", "order": order, "description": a.description,
            "values": a.values.iter().map(|v| json!({"key": v.key, "name": v.name})).collect::<Value>(),
        })
    };
    let mine = asked.iter().filter(|a| a.service.as_str() == code);
    json!({ "service_code": code, "attributes": (1..).zip(mine).map(attribute).collect::<Value>() })
}

/// What is answered to a report: an id to ask by, and the receipt, which is not the id.
pub fn created(created: &Created, address: &str) -> Value {
    let receipt = created.receipt.text();
    json!([{
        "service_request_id": created.id,
        "service_notice": words::notice(receipt.expose(), address, created.with_identity),
        "account_id": null,
        "receipt": receipt.expose(),
        "reference": created.reference,
        "sealed_by": "facade",
    }])
}

/// A case as the gateway tells it to who can only read.
pub fn request(id: &str, view: &CaseView) -> Value {
    let last = view.status.last();
    let status = name_of(last.map_or(Status::Received, |s| s.status));
    let expected = last.and_then(|s| s.eta.or(s.due)).map(|at| at.to_string());
    json!({
        "service_request_id": id,
        "status": if is_closed(status) { "closed" } else { "open" },
        "status_notes": words::status_notes(status, view.messages.len(), view.questions),
        // What was reported, and where, is sealed: this host does not know it any more.
        "service_name": null, "service_code": null, "description": null, "agency_responsible": null,
        "service_notice": null, "address": null, "address_id": null, "zipcode": null, "lat": null, "long": null,
        "media_url": null,
        "requested_datetime": view.status.first().map(|s| s.at.to_string()),
        "updated_datetime": last.map(|s| s.at.to_string()),
        "expected_datetime": expected,
        "extended_attributes": { "status": status, "reference": view.reference },
    })
}

/// `tokens/{id}`: this face answers at once, so an id is its own token.
pub fn token(id: &str) -> Value {
    json!([{ "token": id, "service_request_id": id }])
}

/// `errors`.
pub fn error(refusal: &Refusal) -> Value {
    let (status, code) = refusal.parts();
    json!([{ "code": status, "description": refusal.to_string(), "type": format!("urn:tabir:error:{code}") }])
}
