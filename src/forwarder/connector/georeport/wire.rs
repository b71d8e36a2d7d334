//! GeoReport over HTTP: what goes out, and what an answer may be.
//!
//! An answer is bounded in size (`http::client`) and depth, of the format that was asked for, and not compressed: none
//! is decompressed, so none can grow. Redirects are not followed. Addresses are made of the configured base and encoded
//! segments only; none comes from an answer.

use reqwest::Method;
use reqwest::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap};
use serde_json::Value;
use tabir_crypto::Secret;

use super::xml;
use crate::clock::Clock;
use crate::config::mapping::Format;
use crate::forwarder::connector::{DownError, pause};
use crate::http::{Client, HttpError};

/// An answer, as far as it can be used.
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// The body, or what is wrong with it.
    pub body: Result<Value, &'static str>,
    /// What the server asks to wait.
    pub pause: Option<u64>,
}

impl Reply {
    /// Takes a 2xx with a body. `asked`: a question, which does nothing.
    fn take(self, asked: bool) -> Result<Value, DownError> {
        match self.status {
            200..300 => self.body.map_err(DownError::Malformed),
            // After a POST a server may have stored it, and send a browser to the result.
            300..400 => Err(DownError::Malformed("redirect")),
            429 => Err(DownError::Busy(self.pause)),
            503 if asked => Err(DownError::Busy(self.pause)),
            408 => Err(DownError::Unknown),
            status @ 400..500 => Err(DownError::Refused(status)),
            _ => Err(DownError::Unknown),
        }
    }
}

/// One server.
pub struct Wire {
    client: Client,
    clock: Clock,
    base: String,
    key: Option<Secret<String>>,
    jurisdiction: Option<String>,
    format: Format,
}

impl Wire {
    pub fn new(
        (client, clock): (Client, Clock),
        base: &str,
        key: Option<Secret<String>>,
        jurisdiction: Option<String>,
        format: Format,
    ) -> Self {
        Self { client, clock, base: base.trim_end_matches('/').to_owned(), key, jurisdiction, format }
    }

    /// Address and jurisdiction, which together say which server it is.
    pub fn server(&self) -> String {
        match &self.jurisdiction {
            Some(jurisdiction) => format!("{} {jurisdiction}", self.base),
            None => self.base.clone(),
        }
    }

    pub const fn has_key(&self) -> bool {
        self.key.is_some()
    }

    /// Parameters as they stand in a query or form: the jurisdiction first.
    pub fn pairs<'p>(&'p self, more: impl IntoIterator<Item = (&'p str, &'p str)>) -> String {
        let own = self.jurisdiction.as_deref().map(|j| ("jurisdiction_id", j));
        encode(own.into_iter().chain(more))
    }

    /// `BASE/a/b.json`; segments that come from elsewhere are encoded. Error: one that can't be a segment.
    pub fn address(&self, segments: &[&str]) -> Result<String, DownError> {
        self.address_as(segments, self.format)
    }

    fn address_as(&self, segments: &[&str], format: Format) -> Result<String, DownError> {
        let mut path = String::new();
        for segment in segments {
            // These two would climb; empty ones would name another resource.
            if matches!(*segment, "" | "." | "..") {
                return Err(DownError::Malformed("id"));
            }
            path.push('/');
            for byte in segment.bytes() {
                if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
                    path.push(char::from(byte));
                } else {
                    path.push_str(&format!("%{byte:02X}"));
                }
            }
        }
        Ok(format!("{}{path}.{}", self.base, format.as_str()))
    }

    fn with_key(&self, pairs: String) -> String {
        match &self.key {
            Some(key) if pairs.is_empty() => encode([("api_key", key.expose().as_str())]),
            Some(key) => format!("{}&{pairs}", encode([("api_key", key.expose().as_str())])),
            None => pairs,
        }
    }

    /// Asks for a list or document.
    pub async fn get(&self, segments: &[&str], query: &[(&str, &str)]) -> Result<Value, DownError> {
        self.look(segments, query, true, self.format).await?.take(true)
    }

    /// The same, as a list.
    pub async fn list(&self, segments: &[&str], query: &[(&str, &str)]) -> Result<Vec<Value>, DownError> {
        match self.get(segments, query).await? {
            Value::Array(list) => Ok(list),
            _ => Err(DownError::Malformed("no-list")),
        }
    }

    /// Asks, with or without the key, in either format; gives whatever comes.
    pub async fn look(
        &self,
        segments: &[&str],
        query: &[(&str, &str)],
        key: bool,
        format: Format,
    ) -> Result<Reply, DownError> {
        let pairs = self.pairs(query.iter().copied());
        let pairs = if key { self.with_key(pairs) } else { pairs };
        let url = self.address_as(segments, format)?;
        let url = if pairs.is_empty() { url } else { format!("{url}?{pairs}") };
        self.exchange(Method::GET, &url, None, Vec::new(), format).await
    }

    /// Sends a form; the key stands before the rest.
    pub async fn post(&self, url: &str, media_type: &str, form: &str) -> Result<Value, DownError> {
        self.send(url, media_type, form).await?.take(false)
    }

    /// The same; gives whatever comes.
    pub async fn send(&self, url: &str, media_type: &str, form: &str) -> Result<Reply, DownError> {
        let body = self.with_key(form.to_owned()).into_bytes();
        self.exchange(Method::POST, url, Some(media_type), body, self.format).await
    }

    async fn exchange(
        &self,
        method: Method,
        url: &str,
        media_type: Option<&str>,
        body: Vec<u8>,
        format: Format,
    ) -> Result<Reply, DownError> {
        let accept = match format {
            Format::Json => "application/json",
            Format::Xml => "application/xml, text/xml",
        };
        let mut headers = vec![("accept", accept), ("accept-encoding", "identity")];
        headers.extend(media_type.map(|m| ("content-type", m)));
        let answer = match self.client.exchange(method, url, &headers, body).await {
            Ok(answer) => answer,
            Err(HttpError::Malformed(..)) => return Err(DownError::Malformed("too-large")),
            Err(_) => return Err(DownError::Unknown),
        };
        let pause = pause(&answer, self.clock.now());
        Ok(Reply { status: answer.status, body: read(&answer.headers, &answer.body, format), pause })
    }
}

fn encode<'p>(pairs: impl IntoIterator<Item = (&'p str, &'p str)>) -> String {
    let mut url = reqwest::Url::parse("http://form.invalid/").expect("a constant");
    url.query_pairs_mut().extend_pairs(pairs);
    url.query().unwrap_or_default().to_owned()
}

fn read(headers: &HeaderMap, body: &[u8], format: Format) -> Result<Value, &'static str> {
    let text = |name| headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default().to_ascii_lowercase();
    if !matches!(text(CONTENT_ENCODING).as_str(), "" | "identity") {
        return Err("compressed");
    }
    // Many servers give no type or a plain one; what calls itself a page or something else is not looked into.
    let kind = text(CONTENT_TYPE);
    let kind = kind.split(';').next().unwrap_or_default().trim();
    let fits = match format {
        Format::Json => kind.contains("json") || kind.contains("javascript"),
        Format::Xml => kind.contains("xml") && !kind.contains("html"),
    };
    if !fits && !matches!(kind, "" | "text/plain") {
        return Err("type");
    }
    match format {
        Format::Json => serde_json::from_slice(body).map_err(|_| "json"),
        Format::Xml => xml::read(body),
    }
}
