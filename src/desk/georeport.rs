//! GeoReport v2 on the wire: parameters in, JSON out. Source: wiki.open311.org/GeoReport_v2, with the
//! `servicerequestupdates` extension of FixMyStreet.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tabir_crypto::statement::body::PolicySet;
use tabir_crypto::statement::value::Second;

use super::store::{Request, Update};
use crate::open311::is_closed;

/// Parameters of a query or form: names may repeat only where the last one wins everywhere, so the first counts.
pub struct Params(Vec<(String, String)>);

/// What a person is never asked for here: the connector has no identity to give, and this desk has no place for one.
const IDENTITY: [&str; 6] = ["first_name", "last_name", "email", "phone", "account_id", "device_id"];

impl Params {
    #[must_use]
    pub const fn new(pairs: Vec<(String, String)>) -> Self {
        Self(pairs)
    }

    /// A parameter that is there and not empty.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str()).filter(|v| !v.is_empty())
    }

    /// A text, empty if it is not there.
    #[must_use]
    pub fn text(&self, name: &str) -> String {
        self.get(name).unwrap_or_default().to_owned()
    }

    /// `attribute[code]=value`.
    #[must_use]
    pub fn attributes(&self) -> BTreeMap<String, String> {
        let code = |name: &str| name.strip_prefix("attribute[")?.strip_suffix(']').map(str::to_owned);
        self.0.iter().filter_map(|(name, value)| Some((code(name)?, value.clone()))).collect()
    }

    /// Whether anything is given that tells who a person is.
    #[must_use]
    pub fn has_identity(&self) -> bool {
        IDENTITY.iter().any(|name| self.get(name).is_some())
    }
}

/// `discovery.json`.
#[must_use]
pub fn discovery(base: &str) -> Value {
    json!({
        "changeset": "2026-11-24T00:00:00Z",
        "contact": "The built-in desk of this installation",
        "key_service": "Ask the operator of the desk",
        "endpoints": [{
            "specification": "http://wiki.open311.org/GeoReport_v2",
            "url": base,
            "changeset": "2026-11-24T00:00:00Z",
            "type": "production",
            "formats": ["application/json"],
        }],
    })
}

/// `services.json`: the policy's categories.
#[must_use]
pub fn services(policy: &PolicySet) -> Value {
    let service = |c: &tabir_crypto::statement::body::Category| {
        json!({
            "service_code": c.code, "service_name": c.id, "description": c.en, "metadata": true,
            "type": "realtime", "keywords": "", "group": "",
        })
    };
    policy.categories.iter().map(service).collect()
}

/// `services/{code}.json`: where the sealed identity's reference goes.
#[must_use]
pub fn definition(code: &str) -> Value {
    let attribute = |(order, code, text): (u8, &str, &str)| {
        json!({
            "variable": true, "code": code, "datatype": "string", "required": false,
            "datatype_description": "", "order": order, "description": text,
        })
    };
    let attributes: Vec<Value> = [
        (1, "tabir_ref", "Reference of the case at the gateway"),
        (2, "tabir_envelope", "SHA-256 of the sealed identity, if one was given"),
        (3, "tabir_envelope_url", "Where officials fetch the sealed identity"),
    ]
    .map(attribute)
    .into();
    json!({ "service_code": code, "attributes": attributes })
}

fn number(decimal: &str) -> Value {
    decimal.parse::<f64>().map_or(Value::Null, Value::from)
}

/// One service request.
#[must_use]
pub fn request(request: &Request, service_name: &str) -> Value {
    let new = &request.new;
    json!({
        "service_request_id": request.id.to_string(),
        "status": if is_closed(&request.status) { "closed" } else { "open" },
        "status_notes": request.status_notes,
        "service_code": new.service_code,
        "service_name": service_name,
        "description": new.description,
        "requested_datetime": Second(new.requested_at).to_string(),
        "updated_datetime": Second(request.updated_at).to_string(),
        "expected_datetime": new.due_at.map(|at| Second(at).to_string()),
        "address": new.address,
        "lat": number(&new.lat),
        "long": number(&new.lon),
        "extended_attributes": { "status": request.status, "attributes": new.attributes },
    })
}

/// One update.
#[must_use]
pub fn update(update: &Update) -> Value {
    json!({
        "update_id": update.id.to_string(),
        "service_request_id": update.request_id.to_string(),
        "status": update.status,
        "updated_datetime": Second(update.updated_at).to_string(),
        "description": update.description,
        "media_url": "",
    })
}
