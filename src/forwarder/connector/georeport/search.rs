//! Finding a request by the marker in its description, in lists that a server may cut.

use serde_json::Value;
use tabir_crypto::statement::value::Second;

use super::services::text;
use super::wire::Wire;
use crate::forwarder::connector::DownError;
use crate::forwarder::mapping::is_marked;

/// GeoReport's limit for one answer; where it is reached, more may exist.
const FULL: usize = 1000;
/// Servers with a limit of their own choose a round one.
const ROUND: usize = 50;
/// Pages that are read where a span can't be cut further.
const MAX_PAGES: u32 = 100;

/// The id of the request with this marker, in the requests of a service and time span.
pub async fn request(
    wire: &Wire,
    service: &str,
    marker: &str,
    (from, to): (u64, u64),
) -> Result<Option<String>, DownError> {
    let mut spans = vec![(from, to)];
    while let Some((from, to)) = spans.pop() {
        let found = match list(wire, service, from, to, None).await {
            // A list that is too long to read is cut as one that the server cut.
            Err(DownError::Malformed("too-large")) if from < to => None,
            found => Some(found?),
        };
        if let Some(id) = found.as_deref().and_then(|f| marked(f, marker)) {
            return Ok(Some(id));
        }
        match found {
            Some(found) if !may_be_cut(found.len()) => {}
            Some(found) if from == to => {
                if let Some(id) = in_pages(wire, service, marker, from, found).await? {
                    return Ok(Some(id));
                }
            }
            _ => {
                let middle = from + (to - from) / 2;
                spans.extend([(middle + 1, to), (from, middle)]);
            }
        }
    }
    Ok(None)
}

/// Where all requests have one time, only pages can part them.
async fn in_pages(
    wire: &Wire,
    service: &str,
    marker: &str,
    at: u64,
    first: Vec<Value>,
) -> Result<Option<String>, DownError> {
    let mut last = first;
    for page in 2..=MAX_PAGES {
        let found = list(wire, service, at, at, Some(page)).await?;
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

async fn list(wire: &Wire, service: &str, from: u64, to: u64, page: Option<u32>) -> Result<Vec<Value>, DownError> {
    let (start, end) = (Second(from).to_string(), Second(to).to_string());
    let page = page.map(|p| p.to_string());
    let mut query = vec![("start_date", start.as_str()), ("end_date", &end)];
    // An attempt of before this was remembered: of any service.
    query.extend(Some(("service_code", service)).filter(|_| !service.is_empty()));
    query.extend(page.as_deref().map(|p| ("page", p)));
    wire.list(&["requests"], &query).await
}

const fn may_be_cut(length: usize) -> bool {
    length >= FULL || (length > 0 && length.is_multiple_of(ROUND))
}

/// The id of the request with this marker.
pub fn marked(found: &[Value], marker: &str) -> Option<String> {
    let request = found.iter().find(|r| text(r, "description").is_some_and(|d| is_marked(&d, marker)))?;
    text(request, "service_request_id")
}
