//! Who connects to whom: each line of the table that begins here is tried, and the other side's clock and certificate
//! are looked at on the way.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error as _;
use std::time::Duration;

use reqwest::tls::TlsInfo;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;
use x509_parser::parse_x509_certificate;

use super::{roles, span};
use crate::clock::Clock;
use crate::config::Config;
use crate::config::check::{Finding, Level};
use crate::config::links::{self, Link, Peer};
use crate::http::header;
use crate::http::problem::{PROBLEM_JSON, URN};

/// Longer than any answer of a healthy peer.
const PATIENCE: Duration = Duration::from_secs(10);
/// A certificate that ends sooner was not renewed when it should have been.
const RENEW_S: u64 = 14 * 86_400;
/// What is read of an answer: a problem document is far shorter.
const MOST: usize = 16 << 10;

/// What a peer's answer told.
struct Answer {
    status: u16,
    /// A problem document of Tabir.
    ours: bool,
    /// Its clock minus ours, in seconds.
    ahead: Option<i64>,
    /// When its certificate ends, Unix seconds.
    certificate: Option<i64>,
}

/// The findings, and by how much each peer's clock is ahead of ours.
pub async fn look(config: &Config) -> (Vec<Finding>, BTreeMap<String, i64>) {
    let (mut found, mut clocks) = (Vec::new(), BTreeMap::new());
    let client = reqwest::Client::builder()
        .timeout(PATIENCE)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .tls_info(true)
        .build();
    let client = match client {
        Ok(client) => client,
        Err(error) => {
            found.push(Finding::new(Level::Error, "connections", roles(config), error.to_string(), "Report this."));
            return (found, clocks);
        }
    };
    let targets: Vec<_> =
        links::of(&config.roles).filter_map(|link| target(config, link).map(|(url, base)| (link, url, base))).collect();
    let mut asked = BTreeMap::new();
    for url in targets.iter().map(|(_, url, _)| url.clone()).collect::<BTreeSet<_>>() {
        let answer = ask(&client, &url).await;
        asked.insert(url, answer);
    }
    for (link, url, base) in targets {
        let Some(known) = asked.get(&url) else { continue };
        found.push(told(link, &base, known));
        if let Ok(Answer { ahead: Some(ahead), .. }) = known {
            clocks.insert(base, *ahead);
        }
    }
    found.extend(asked.iter().filter_map(|(url, answer)| certificate(&origin(url), answer.as_ref().ok()?)));
    found.dedup_by(|a, b| a.check == "certificate" && a.check == b.check && a.place == b.place);
    (found, clocks)
}

fn origin(url: &str) -> String {
    reqwest::Url::parse(url).map_or_else(|_| url.to_owned(), |u| u.origin().ascii_serialization())
}

/// What is asked, and the address for people.
fn target(config: &Config, link: &Link) -> Option<(String, String)> {
    let Some(peer) = link.peer else {
        let base = &config.roles.forwarder.as_ref()?.downstream;
        return Some((format!("{}/services.json", base.trim_end_matches('/')), origin(base)));
    };
    let base = peer.of(&config.peers);
    let path = match peer {
        Peer::Log => "/log/governance/checkpoint",
        Peer::Gateway => "/v1/services",
        Peer::Issuer => "/.well-known/private-token-issuer-directory",
        // Nothing is there, which Tabir says in a document of its own.
        Peer::Council | Peer::GatewayInternal | Peer::LogInternal | Peer::CouncilInternal => "/doctor",
    };
    (!base.is_empty()).then(|| (format!("{base}{path}"), base.to_owned()))
}

async fn ask(client: &reqwest::Client, url: &str) -> Result<Answer, String> {
    let mut response = client.get(url).send().await.map_err(|e| why(&e))?;
    let now = Clock::system().now();
    let header = |name: header::HeaderName| response.headers().get(name).and_then(|v| v.to_str().ok());
    let date = header(header::DATE).and_then(|d| OffsetDateTime::parse(d, &Rfc2822).ok());
    let ahead = date.map(|d| d.unix_timestamp() - i64::try_from(now).unwrap_or(i64::MAX));
    let problem = header(header::CONTENT_TYPE) == Some(PROBLEM_JSON);
    let certificate = response.extensions().get::<TlsInfo>().and_then(TlsInfo::peer_certificate);
    let certificate =
        certificate.and_then(|der| Some(parse_x509_certificate(der).ok()?.1.validity().not_after.timestamp()));
    let status = response.status().as_u16();
    let mut body = Vec::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        body.extend_from_slice(&chunk);
        if body.len() > MOST {
            break;
        }
    }
    let ours = problem && String::from_utf8_lossy(&body).contains(URN);
    Ok(Answer { status, ours, ahead, certificate })
}

/// The innermost reason; addresses of machines do not stand in it.
fn why(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return format!("no answer within {} seconds", PATIENCE.as_secs());
    }
    let mut inner = error.source();
    while let Some(next) = inner.and_then(|e| e.source()) {
        inner = Some(next);
    }
    inner.map_or_else(|| "no answer".into(), ToString::to_string)
}

fn told(link: &Link, base: &str, answer: &Result<Answer, String>) -> Finding {
    let to = link.peer.map_or("downstream", Peer::key);
    let place = format!("{} → {to} {base}", link.from);
    let wrong = |found: String, todo: &str| Finding::new(Level::Error, "connections", place.clone(), found, todo);
    let todo = match link.peer {
        Some(peer) if peer.internal() => {
            "Does the process run, does its `listen.internal` stand behind this address, does the firewall let this host through?"
        }
        Some(_) => "Does the process run, does its `listen.public` stand behind this address, is the name in DNS?",
        None => "Is the complaint system up, and is `downstream` its address up to, and without, /services.json?",
    };
    match (answer, link.peer) {
        (Err(why), _) if why.contains("certificate") => {
            wrong(why.clone(), "Renew the certificate, or give the host's name as it stands in it.")
        }
        (Err(why), _) => wrong(why.clone(), todo),
        (Ok(a), None) if matches!(a.status, 200..=299 | 401 | 403) => Finding::ok("connections", place, link.what),
        (Ok(a), Some(Peer::Council | Peer::GatewayInternal | Peer::LogInternal | Peer::CouncilInternal)) if a.ours => {
            Finding::ok("connections", place, link.what)
        }
        (Ok(a), Some(Peer::Log)) if a.status == 404 && a.ours => Finding::new(
            Level::Warning,
            "connections",
            place,
            "it has no checkpoint yet",
            "Wait a minute after its first start.",
        ),
        (Ok(a), Some(Peer::Log | Peer::Gateway | Peer::Issuer)) if (200..300).contains(&a.status) || a.ours => {
            Finding::ok("connections", place, link.what)
        }
        (Ok(a), Some(_)) => wrong(
            format!("something else answers there (status {})", a.status),
            "Does the proxy pass this name on to Tabir, and to the right one of its two listeners?",
        ),
        (Ok(a), None) => wrong(format!("it answers with status {}", a.status), todo),
    }
}

fn certificate(base: &str, answer: &Answer) -> Option<Finding> {
    let left = answer.certificate? - i64::try_from(Clock::system().now()).ok()?;
    let left = u64::try_from(left).unwrap_or(0);
    let found = format!("valid for another {}", span(left));
    Some(if left < RENEW_S {
        let todo = "Renew it; see why it did not renew by itself.";
        Finding::new(Level::Warning, "certificate", base, found, todo)
    } else {
        Finding::ok("certificate", base, found)
    })
}
