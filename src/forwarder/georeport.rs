//! GeoReport v2 client, JSON. What a server may do: answer a POST and lose the answer, give ids as numbers, refuse
//! parameters that it does not know, cut long lists. Nothing is idempotent. Sources: GeoReport v2, and what FixMyStreet's client meets at councils.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::Value;
use tabir_crypto::statement::value::Second;

use super::mapping::{Form, is_marked};
use crate::http::{Client, HttpError};
use crate::open311::read_time;

/// GeoReport's limit for one answer; where it is reached, more may exist.
const FULL: usize = 1000;
/// Servers with a limit of their own choose a round one.
const ROUND: usize = 50;
/// Pages that are read where a span can't be cut further.
const MAX_PAGES: u32 = 100;

/// Why the downstream did not do it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DownError {
    /// No answer, a cut one, a 5xx, or one without an id: it may have done it.
    #[error("the outcome is unknown")]
    Unknown,
    /// It said no: it did not do it.
    #[error("the downstream refused with {0}")]
    Refused(u16),
    /// It lists so much that a request can't be told from being absent.
    #[error("the downstream's lists are too long to search")]
    TooMany,
}

impl From<HttpError> for DownError {
    fn from(error: HttpError) -> Self {
        match error.status() {
            Some(status @ 400..500) if status != 408 => Self::Refused(status),
            _ => Self::Unknown,
        }
    }
}

/// An update as it is listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Update {
    pub id: String,
    pub request_id: String,
    pub status: String,
    pub at: u64,
    pub description: String,
}

/// The downstream system.
pub struct Downstream {
    client: Client,
    base: String,
    api_key: Option<String>,
    jurisdiction: Option<String>,
}

impl Downstream {
    pub fn new(client: Client, base: &str, api_key: Option<String>, jurisdiction: Option<String>) -> Self {
        Self { client, base: base.trim_end_matches('/').to_owned(), api_key, jurisdiction }
    }

    fn pairs<'p>(&'p self, more: impl IntoIterator<Item = (&'p str, &'p str)>) -> String {
        let own = [("api_key", self.api_key.as_deref()), ("jurisdiction_id", self.jurisdiction.as_deref())];
        let own = own.into_iter().filter_map(|(name, value)| Some((name, value?)));
        let mut url = reqwest::Url::parse("http://form.invalid/").expect("a constant");
        url.query_pairs_mut().extend_pairs(own.chain(more));
        url.query().unwrap_or_default().to_owned()
    }

    async fn get(&self, path: &str, query: &[(&str, &str)]) -> Result<Value, DownError> {
        let url = format!("{}/{path}?{}", self.base, self.pairs(query.iter().copied()));
        let answer = self.client.get(&url).await?;
        serde_json::from_slice(&answer.body).map_err(|_| DownError::Unknown)
    }

    async fn list(&self, path: &str, query: &[(&str, &str)]) -> Result<Vec<Value>, DownError> {
        match self.get(path, query).await? {
            Value::Array(list) => Ok(list),
            _ => Err(DownError::Unknown),
        }
    }

    async fn post(&self, path: &str, form: &Form) -> Result<Value, DownError> {
        let body = self.pairs(form.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        let url = format!("{}/{path}", self.base);
        let answer = self.client.send(Method::POST, &url, &headers, body.into_bytes()).await?;
        serde_json::from_slice(&answer.body).map_err(|_| DownError::Unknown)
    }

    /// Whether this is a GeoReport v2 server, as far as it says. One without discovery is taken at its word.
    pub async fn discover(&self) -> Result<bool, DownError> {
        match self.get("discovery.json", &[]).await {
            Ok(found) => Ok(found.to_string().contains("GeoReport_v2")),
            Err(DownError::Refused(404)) => Ok(true),
            Err(error) => Err(error),
        }
    }

    /// The attributes of a service; `None` when there is no such service.
    pub async fn attributes(&self, code: &str) -> Result<Option<BTreeSet<String>>, DownError> {
        let services = self.list("services.json", &[]).await?;
        let Some(service) = services.iter().find(|s| text(s, "service_code").as_deref() == Some(code)) else {
            return Ok(None);
        };
        if !matches!(service.get("metadata"), Some(Value::Bool(true)))
            && text(service, "metadata") != Some("true".into())
        {
            return Ok(Some(BTreeSet::new()));
        }
        let definition = self.get(&format!("services/{code}.json"), &[]).await?;
        let attributes = definition.get("attributes").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        Ok(Some(attributes.iter().filter_map(|a| text(a, "code")).collect()))
    }

    /// Sends a report. An answer without an id, such as a token to poll, is an unknown outcome: the look-up finds it.
    pub async fn add_request(&self, form: &Form) -> Result<String, DownError> {
        first_id(&self.post("requests.json", form).await?, "service_request_id").ok_or(DownError::Unknown)
    }

    /// Looks for a request by the marker in its description, in the requests of a service and time span.
    pub async fn find_request(
        &self,
        code: &str,
        marker: &str,
        from: u64,
        to: u64,
    ) -> Result<Option<String>, DownError> {
        let mut spans = vec![(from, to)];
        while let Some((from, to)) = spans.pop() {
            let found = self.requests(code, from, to, None).await?;
            if let Some(id) = marked(&found, marker) {
                return Ok(Some(id));
            }
            match () {
                () if !may_be_cut(found.len()) => {}
                () if from < to => {
                    let middle = from + (to - from) / 2;
                    spans.extend([(middle + 1, to), (from, middle)]);
                }
                () => {
                    if let Some(id) = self.find_in_pages(code, marker, from, found).await? {
                        return Ok(Some(id));
                    }
                }
            }
        }
        Ok(None)
    }

    /// Where all requests have one time, only pages can part them.
    async fn find_in_pages(
        &self,
        code: &str,
        marker: &str,
        at: u64,
        first: Vec<Value>,
    ) -> Result<Option<String>, DownError> {
        let mut last = first;
        for page in 2..=MAX_PAGES {
            let found = self.requests(code, at, at, Some(page)).await?;
            if let Some(id) = marked(&found, marker) {
                return Ok(Some(id));
            }
            if found.is_empty() {
                return Ok(None);
            }
            if found == last {
                return Err(DownError::TooMany); // it does not know pages
            }
            last = found;
        }
        Err(DownError::TooMany)
    }

    async fn requests(&self, code: &str, from: u64, to: u64, page: Option<u32>) -> Result<Vec<Value>, DownError> {
        let (start, end) = (Second(from).to_string(), Second(to).to_string());
        let page = page.map(|p| p.to_string());
        let mut query = vec![("service_code", code), ("start_date", &start), ("end_date", &end)];
        query.extend(page.as_deref().map(|p| ("page", p)));
        self.list("requests.json", &query).await
    }

    /// When a request is expected to be done.
    pub async fn expected(&self, request_id: &str) -> Result<Option<u64>, DownError> {
        let found = self.list("requests.json", &[("service_request_id", request_id)]).await?;
        Ok(found.first().and_then(|r| read_time(&text(r, "expected_datetime")?)))
    }

    /// Sends a later write. Some servers give no id.
    pub async fn add_update(&self, form: &Form) -> Result<Option<String>, DownError> {
        Ok(first_id(&self.post("servicerequestupdates.json", form).await?, "update_id"))
    }

    /// Updates of a time span. What has no id or time is no update.
    pub async fn updates(&self, from: u64, to: u64) -> Result<Vec<Update>, DownError> {
        let (start, end) = (Second(from).to_string(), Second(to).to_string());
        let found = self.list("servicerequestupdates.json", &[("start_date", &start), ("end_date", &end)]).await?;
        let update = |v: &Value| {
            Some(Update {
                id: text(v, "update_id")?,
                request_id: text(v, "service_request_id")?,
                status: text(v, "status").unwrap_or_default(),
                at: read_time(&text(v, "updated_datetime")?)?,
                description: text(v, "description").unwrap_or_default(),
            })
        };
        Ok(found.iter().filter_map(update).collect())
    }
}

const fn may_be_cut(length: usize) -> bool {
    length >= FULL || (length > 0 && length.is_multiple_of(ROUND))
}

/// A text, or a number as text: ids are either, and one can be 0.
fn text(value: &Value, field: &str) -> Option<String> {
    match value.get(field)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn first_id(answer: &Value, field: &str) -> Option<String> {
    let first = answer.as_array().and_then(|list| list.first()).unwrap_or(answer);
    text(first, field).filter(|id| !id.is_empty())
}

fn marked(found: &[Value], marker: &str) -> Option<String> {
    let request = found.iter().find(|r| text(r, "description").is_some_and(|d| is_marked(&d, marker)))?;
    text(request, "service_request_id")
}
