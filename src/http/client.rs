//! The HTTP client of roles and command line.

use std::time::Duration;

use axum::http::{HeaderMap, Method};
use serde::Serialize;
use tabir_crypto::ed25519::SigningKey;
use tabir_crypto::json::{self, Schema};
use tabir_crypto::statement::body::Role;

use super::call;
use super::problem::{PROBLEM_JSON, ProblemDocument, URN};
use crate::clock::Clock;

/// Until the connection stands.
const CONNECT: Duration = Duration::from_secs(10);
/// Until the whole answer is there.
const TOTAL: Duration = Duration::from_secs(60);
/// How long an idle connection is kept: shorter than a server keeps one, so that no request goes into one that closes.
const IDLE: Duration = Duration::from_secs(8);
/// The largest answer that is read: an entry bundle of a log, 256 of the longest statements.
const MAX_ANSWER: usize = 256 * (2 + 65_535);

/// Why there is no answer to use.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// No connection, or it broke: whether the request arrived is unknown.
    #[error("{0} can't be reached, or its answer was cut off: check the address and that it runs")]
    Unreachable(String),
    /// The server refused, with a problem document.
    #[error("{code}: {title}")]
    Problem {
        /// HTTP status.
        status: u16,
        /// Stable code.
        code: String,
        /// For people.
        title: String,
        /// The culprit's number.
        at: Option<u16>,
        /// Headers of the answer: a challenge may stand there.
        headers: Box<HeaderMap>,
    },
    /// The server refused, in the way of another protocol than ours.
    #[error("the server refused with status {status}")]
    Refused {
        /// HTTP status.
        status: u16,
        /// Media type of the body, as it stands in the answer.
        kind: String,
        /// The body.
        body: Vec<u8>,
    },
    /// An answer that this client does not understand.
    #[error("the server's answer (status {0}) is not what the protocol says: {1}")]
    Malformed(u16, String),
    /// A call that could not be signed.
    #[error(transparent)]
    Crypto(#[from] tabir_crypto::Error),
}

impl HttpError {
    /// The stable code of a problem document.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Problem { code, .. } => Some(code),
            _ => None,
        }
    }

    /// A header of the refusal.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        match self {
            Self::Problem { headers, .. } => headers.get(name)?.to_str().ok(),
            _ => None,
        }
    }

    /// The status, where there was an answer.
    #[must_use]
    pub const fn status(&self) -> Option<u16> {
        match self {
            Self::Problem { status, .. } | Self::Refused { status, .. } | Self::Malformed(status, _) => Some(*status),
            _ => None,
        }
    }
}

/// An answer; a successful one, but for [`Client::exchange`].
#[derive(Debug)]
pub struct Answer {
    /// HTTP status, 2xx but for [`Client::exchange`].
    pub status: u16,
    /// Headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Vec<u8>,
}

impl Answer {
    /// `Retry-After`, RFC 9110 section 10.2.3, in seconds: a number, or a date that lies so far ahead of `now`.
    #[must_use]
    pub fn retry_after(&self, now: u64) -> Option<u64> {
        let text = self.headers.get("retry-after")?.to_str().ok()?.trim();
        text.parse().ok().or_else(|| {
            let at = time::OffsetDateTime::parse(text, &time::format_description::well_known::Rfc2822).ok()?;
            Some(u64::try_from(at.unix_timestamp()).ok()?.saturating_sub(now))
        })
    }

    /// Reads the body as strict JSON of a schema.
    pub fn json<T: Schema>(&self) -> Result<T, HttpError> {
        json::from_slice(&self.body).map_err(|e| HttpError::Malformed(self.status, e.to_string()))
    }

    /// Reads the body as text.
    pub fn text(self) -> Result<String, HttpError> {
        String::from_utf8(self.body).map_err(|_| HttpError::Malformed(self.status, "not UTF-8".into()))
    }
}

/// One client per process: it keeps connections.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    clock: Clock,
}

impl Client {
    /// Takes no proxy from the environment: who is asked for what must not depend on a stray variable.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        let http = reqwest::Client::builder()
            .connect_timeout(CONNECT)
            .timeout(TOTAL)
            .pool_idle_timeout(IDLE)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .expect("a client with constant settings; it can fail only if the TLS provider is missing from the build");
        Self { http, clock }
    }

    /// `GET`, any 2xx.
    pub async fn get(&self, url: &str) -> Result<Answer, HttpError> {
        self.send(Method::GET, url, &[], Vec::new()).await
    }

    /// `GET` of strict JSON.
    pub async fn get_json<T: Schema>(&self, url: &str) -> Result<T, HttpError> {
        self.get(url).await?.json()
    }

    /// `GET`, any 2xx, of at most `max` bytes: for servers that are not ours.
    pub async fn get_at_most(&self, url: &str, max: usize) -> Result<Answer, HttpError> {
        self.send_within(max, Method::GET, url, &[], Vec::new()).await
    }

    /// Any request, with headers and body as given.
    pub async fn send(
        &self,
        method: Method,
        url: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Result<Answer, HttpError> {
        self.send_within(MAX_ANSWER, method, url, headers, body).await
    }

    async fn send_within(
        &self,
        max: usize,
        method: Method,
        url: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Result<Answer, HttpError> {
        let answer = self.exchange_within(max, method, url, headers, body).await?;
        if (200..300).contains(&answer.status) {
            Ok(answer)
        } else {
            Err(refusal(answer.status, answer.headers, answer.body))
        }
    }

    /// Any request and its answer, whatever the status: for protocols with refusals of their own. No redirect is
    /// followed, and nothing is decompressed.
    pub async fn exchange(
        &self,
        method: Method,
        url: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Result<Answer, HttpError> {
        self.exchange_within(MAX_ANSWER, method, url, headers, body).await
    }

    async fn exchange_within(
        &self,
        max: usize,
        method: Method,
        url: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Result<Answer, HttpError> {
        let mut request = self.http.request(method, url).body(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let unreachable = |_| HttpError::Unreachable(base(url));
        let mut response = request.send().await.map_err(unreachable)?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
            if body.len() + chunk.len() > max {
                return Err(HttpError::Malformed(status, "the answer is too large".into()));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer { status, headers, body })
    }

    /// A signed call with a JSON body (none for `GET` and `DELETE`). `base` is the role's URL without a path.
    pub async fn call<T: Serialize + Sync>(
        &self,
        key: &SigningKey,
        audience: Role,
        method: Method,
        base: &str,
        path: &str,
        body: Option<&T>,
    ) -> Result<Answer, HttpError> {
        let body = body.map(tabir_crypto::json::to_vec).transpose()?.unwrap_or_default();
        let header = call::sign(key, audience, method.as_str(), path, &body, &self.clock)?;
        let headers = [(call::HEADER, header.as_str()), ("content-type", "application/json")];
        self.send(method, &format!("{base}{path}"), &headers, body).await
    }
}

/// Scheme, host and port: what an error message may name.
fn base(url: &str) -> String {
    reqwest::Url::parse(url).map_or_else(|_| "the server".into(), |u| u.origin().ascii_serialization())
}

fn refusal(status: u16, headers: HeaderMap, body: Vec<u8>) -> HttpError {
    let kind = headers.get("content-type").and_then(|v| v.to_str().ok()).unwrap_or_default();
    let document = serde_json::from_slice::<ProblemDocument>(&body).ok().filter(|_| kind == PROBLEM_JSON);
    match document {
        Some(d) => HttpError::Problem {
            status,
            code: d.kind.strip_prefix(URN).unwrap_or(&d.kind).to_owned(),
            title: d.title,
            at: d.at,
            headers: Box::new(headers),
        },
        None => HttpError::Refused { status, kind: kind.to_owned(), body },
    }
}
