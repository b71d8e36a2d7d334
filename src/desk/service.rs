//! What the desk does with requests and updates, and who may do it.

use std::collections::BTreeMap;
use std::sync::Arc;

use subtle::ConstantTimeEq as _;
use tabir_crypto::B32;
use tabir_crypto::codec::sha256;
use tabir_crypto::statement::body::{PolicySet, Status};
use tabir_crypto::statement::value::CodeText;

use super::Countersigner;
use super::georeport::Params;
use super::store::{Change, Filter, NewRequest, Request, Store, Update};
use crate::clock::Clock;
use crate::db::DbError;
use crate::open311::{Meaning, is_closed, meaning, read_time};

/// Where categories and deadlines come from: the installation's policy, once there is one.
pub type Policy = Arc<dyn Fn() -> Option<PolicySet> + Send + Sync>;

/// GeoReport's limit for one answer.
pub const MAX_LIST: u32 = 1000;
/// The longest description: a report of the largest size with room for what the connector adds.
const MAX_TEXT: usize = 80_000;

/// Why the desk says no.
#[derive(Debug, thiserror::Error)]
pub enum DeskError {
    /// No key, or a wrong one.
    #[error("the API key is missing or wrong")]
    Key,
    /// No such thing.
    #[error("{0} was not found")]
    NotFound(&'static str),
    /// A parameter that is missing or wrong.
    #[error("{0} is missing or wrong")]
    Param(&'static str),
    /// Somebody tried to hand over who a person is.
    #[error("this desk takes no names, addresses of persons or phone numbers")]
    Identity,
    /// The store failed.
    #[error("the desk failed")]
    Db(#[from] DbError),
}

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// A system that sends reports.
    Connector,
    /// A person who handles them.
    Officer,
}

/// The desk.
pub struct Desk {
    store: Store,
    clock: Clock,
    policy: Policy,
    connector: B32,
    officer: B32,
    countersigner: Option<Countersigner>,
}

impl Desk {
    /// `connector` and `officer` are the two API keys; only their hashes stay.
    pub fn new(
        store: Store,
        clock: Clock,
        policy: Policy,
        (connector, officer): (&str, &str),
        countersigner: Option<Countersigner>,
    ) -> Self {
        let hash = |key: &str| sha256(key.trim().as_bytes());
        Self { store, clock, policy, connector: hash(connector), officer: hash(officer), countersigner }
    }

    /// Whose key it is. Report texts are for officers, so reading takes a key too.
    pub fn key(&self, params: &Params) -> Result<Key, DeskError> {
        let given = sha256(params.get("api_key").ok_or(DeskError::Key)?.as_bytes());
        match () {
            () if bool::from(given.ct_eq(&self.officer)) => Ok(Key::Officer),
            () if bool::from(given.ct_eq(&self.connector)) => Ok(Key::Connector),
            () => Err(DeskError::Key),
        }
    }

    /// The policy, once the log has one.
    pub fn policy(&self) -> Result<PolicySet, DeskError> {
        (self.policy)().ok_or(DeskError::NotFound("A list of services"))
    }

    /// Names of the services by code.
    pub fn service_names(&self) -> BTreeMap<String, String> {
        let categories = (self.policy)().map(|p| p.categories).unwrap_or_default();
        categories.into_iter().map(|c| (c.code.as_str().to_owned(), c.id.as_str().to_owned())).collect()
    }

    fn due(&self, status: Status, now: u64) -> Option<u64> {
        (self.policy)().and_then(|p| p.deadlines_s.get(&status).copied()).map(|s| now.saturating_add(s))
    }

    /// Takes a report.
    pub async fn add_request(&self, params: &Params) -> Result<i64, DeskError> {
        if params.has_identity() {
            return Err(DeskError::Identity);
        }
        let code = params.get("service_code").ok_or(DeskError::Param("service_code"))?;
        if !self.policy()?.categories.iter().any(|c| c.code.as_str() == code) {
            return Err(DeskError::NotFound("service_code"));
        }
        let description = params.text("description");
        if description.len() > MAX_TEXT {
            return Err(DeskError::Param("description"));
        }
        let now = self.clock.now();
        let requested = params.get("requested_datetime").map_or(Some(now), read_time);
        let coordinate = |name, most: f64| {
            let text = params.text(name);
            let fits = text.is_empty() || text.parse::<f64>().is_ok_and(|degrees| degrees.abs() <= most);
            if fits { Ok(text) } else { Err(DeskError::Param(name)) }
        };
        let new = NewRequest {
            service_code: code.to_owned(),
            description,
            address: params.text("address_string"),
            lat: coordinate("lat", 90.0)?,
            lon: coordinate("long", 180.0)?,
            attributes: params.attributes(),
            requested_at: requested.ok_or(DeskError::Param("requested_datetime"))?,
            due_at: self.due(Status::Waiting, now),
        };
        let note = self.countersigner.as_ref().and_then(|c| c.note(&new.description));
        Ok(self.store.add_request(new, note, now).await?)
    }

    /// Lists requests, newest first.
    pub async fn requests(&self, params: &Params) -> Result<Vec<Request>, DeskError> {
        let ids = match params.get("service_request_id") {
            Some(list) => list.split(',').map(parse_id).collect::<Option<_>>().ok_or(DeskError::NotFound("Request"))?,
            None => Vec::new(),
        };
        let number = |name, default: u32| params.get(name).map_or(Some(default), |n| n.parse().ok());
        let limit = number("page_size", MAX_LIST).filter(|n| (1..=MAX_LIST).contains(n));
        let limit = limit.ok_or(DeskError::Param("page_size"))?;
        let page = number("page", 1).filter(|n| *n >= 1).ok_or(DeskError::Param("page"))?;
        let (start, end) = span(params)?;
        let filter = Filter {
            ids,
            service_code: params.get("service_code").map(str::to_owned),
            start,
            end,
            limit,
            offset: (page - 1).saturating_mul(limit),
        };
        let mut found = self.store.requests(filter).await?;
        if let Some(wanted) = params.get("status") {
            found.retain(|r| wanted.split(',').any(|s| (s == "closed") == is_closed(&r.status)));
        }
        Ok(found)
    }

    /// One request.
    pub async fn request(&self, id: &str) -> Result<Request, DeskError> {
        let id = parse_id(id).ok_or(DeskError::NotFound("Request"))?;
        let found = self.store.requests(Filter { ids: vec![id], ..Filter::default() }).await?;
        found.into_iter().next().ok_or(DeskError::NotFound("Request"))
    }

    /// Lists updates, oldest first.
    pub async fn updates(&self, params: &Params) -> Result<Vec<Update>, DeskError> {
        let (start, end) = span(params)?;
        Ok(self.store.updates(start, end).await?)
    }

    /// Takes an update. An officer sets any status; a connector brings the reporter's words, and can only reopen.
    pub async fn add_update(&self, key: Key, params: &Params) -> Result<i64, DeskError> {
        let id = params.get("service_request_id").and_then(parse_id).ok_or(DeskError::Param("service_request_id"))?;
        let status = params.get("status").unwrap_or("unchanged").to_ascii_lowercase();
        CodeText::new(&status).map_err(|_| DeskError::Param("status"))?;
        let description = params.text("description");
        if description.len() > MAX_TEXT {
            return Err(DeskError::Param("description"));
        }
        let now = self.clock.now();
        let known = meaning(&status);
        let changes = match key {
            Key::Officer => known != Some(Meaning::Unchanged),
            // Connectors repeat the status that they know; it may be old, so it says nothing.
            Key::Connector => known == Some(Meaning::Reopened),
        };
        let change = if changes {
            let expected = params.get("expected_datetime");
            let eta = expected.map(|t| read_time(t).ok_or(DeskError::Param("expected_datetime"))).transpose()?;
            let due = match known {
                Some(Meaning::Status(Status::Resolved | Status::Declined)) => None,
                Some(Meaning::Status(s)) => eta.or_else(|| self.due(s, now)),
                _ => self.due(Status::Waiting, now),
            };
            Some(Change { status: status.clone(), due_at: due })
        } else {
            None
        };
        let shown = if changes { status } else { "unchanged".to_owned() };
        let added = self.store.add_update(id, shown, description, change, now).await?;
        added.ok_or(DeskError::NotFound("Request"))
    }
}

fn parse_id(text: &str) -> Option<i64> {
    text.trim().parse().ok()
}

/// `start_date` and `end_date`, both inclusive.
fn span(params: &Params) -> Result<(u64, Option<u64>), DeskError> {
    let read = |name| params.get(name).map(|t| read_time(t).ok_or(DeskError::Param(name))).transpose();
    Ok((read("start_date")?.unwrap_or(0), read("end_date")?))
}
