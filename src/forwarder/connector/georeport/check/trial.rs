//! A test request per category: what the server answers to it, whether it is found again, and whether anybody can read it.
//!
//! A test request says that it is one, carries a marker of its own, and names nobody. It stays in the downstream: whoever
//! runs that closes it.

use std::time::Duration;

use rand_core::Rng as _;
use serde_json::Value;
use tabir_crypto::statement::value::Second;

use super::sample::{Sample, TEST};
use super::{Checked, Findings};
use crate::clock::Random;
use crate::config::mapping::{Lookup, Parameter};
use crate::forwarder::connector::georeport::search::marked;
use crate::forwarder::connector::georeport::services::text;
use crate::forwarder::connector::georeport::wire::Reply;
use crate::forwarder::connector::georeport::{FORM, GeoReport, forms, taken};
use crate::forwarder::connector::{DownError, Outgoing, Taken, Target};
use crate::forwarder::mapping::{EnvelopeReference, report_marker};

/// Between two looks.
const PAUSE: Duration = Duration::from_secs(2);
/// Around the time of a test request: the server's clock and time zone.
const SLACK_S: u64 = 86_400;
/// Parameters that a server may refuse, in the order in which they are given up.
const GIVE_UP: [Parameter; 2] = [Parameter::RequestedDatetime, Parameter::AddressString];

/// One test request that the server took.
struct Trial<'t> {
    server: &'t GeoReport,
    service: &'t str,
    marker: String,
    id: Option<String>,
    span: (String, String),
}

/// Sends a test request for each category and looks for it, for up to `looks` times two seconds. Gives for each place
/// whether it is public, where that is certain.
pub async fn send(
    server: &GeoReport,
    checked: &[Checked],
    (now, looks): (u64, u32),
    findings: &mut Findings,
) -> Vec<(Target, bool)> {
    let mut seen = Vec::new();
    for one in checked {
        findings.about(&one.code);
        let Some(trial) = post(server, one, now, looks, findings).await else { continue };
        again(&trial, looks, findings).await;
        let confidential = one.category.confidential;
        match public(&trial, looks).await {
            Some(true) => {
                let found = format!("anybody can see requests of service {}, without the key", trial.service);
                let todo = "keep categories that must not be seen away from this service";
                if confidential {
                    findings.error("public-confidential", found, format!("{todo}: its reports are held from now on"));
                } else {
                    findings.warn("public", found, format!("{todo}, and mark those as `confidential`"));
                }
                seen.push((server.target(trial.service), true));
            }
            Some(false) => {
                let waited = PAUSE.as_secs() * u64::from(looks);
                findings.ok("not-public", format!("without the key nothing of it was seen within {waited} s"));
                seen.push((server.target(trial.service), false));
            }
            None => findings.error(
                "public-unknown",
                "whether anybody can see it could not be found out: the server did not answer",
                "try again; a confidential category is held until it is known",
            ),
        }
    }
    seen
}

/// Sends it, giving up parameters that the server may not know. `None`: not taken, or without an id.
async fn post<'t>(
    server: &'t GeoReport,
    one: &'t Checked,
    now: u64,
    looks: u32,
    findings: &mut Findings,
) -> Option<Trial<'t>> {
    let reference = reference();
    let sample = Sample::of(&one.code, &one.category, &one.attributes).and_then(|s| s.saying(TEST).content()).ok()?;
    let day = now - now % 86_400;
    let envelope = EnvelopeReference { hash: &[0; 32], gateway: "" };
    let out = Outgoing { content: &sample, reference: &reference, envelope, day, repeated: false };
    let mut mapping = server.mapping().clone();
    let mut given_up = Vec::new();
    let url = server.wire().address(&["requests"]).ok()?;
    let reply = loop {
        let form = match forms::report(&out, &mapping, &one.category, &one.attributes) {
            Ok(form) => form,
            Err(lack) => {
                let todo = "give it a `value` or a `default` of its type";
                findings.error("attribute-empty", format!("attribute {} is required and has no value", lack.0), todo);
                return None;
            }
        };
        let body = server.wire().pairs(form.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        let reply = server.wire().send(&url, FORM, &body).await;
        let next = GIVE_UP.into_iter().find(|p| !mapping.server.omit.contains(p));
        match (&reply, next) {
            (Ok(Reply { status: 400, .. }), Some(parameter)) => {
                mapping.server.omit.insert(parameter);
                given_up.push(parameter.as_str());
            }
            _ => break reply,
        }
    };
    let id = match outcome(reply, findings)? {
        Taken::Id(id) | Taken::Countersigned { id, .. } => {
            findings.ok("posted", format!("the test request was taken as {}", shown(&id)));
            Some(id)
        }
        Taken::Token(token) => polled(server, &token, looks, findings).await,
        Taken::Nameless => {
            let todo = "ask who runs the server; without an id, a report is linked only if it is found by its text";
            findings.warn("no-id", "the test request was taken without an id or a token", todo);
            None
        }
    };
    if !given_up.is_empty() {
        let names = given_up.join("\", \"");
        let todo = format!("set `omit = [\"{names}\"]` under [server]");
        findings.error("parameter", "the server refuses parameters that it does not know", todo);
    }
    let span = (Second(now.saturating_sub(SLACK_S)).to_string(), Second(now + SLACK_S).to_string());
    Some(Trial { server, service: &one.category.service, marker: report_marker(&reference), id, span })
}

fn outcome(reply: Result<Reply, DownError>, findings: &mut Findings) -> Option<Taken> {
    match reply {
        Ok(Reply { status: 200..300, body: Ok(body), .. }) => return Some(taken(&body)),
        Ok(Reply { status: 200..300, body: Err(code), .. }) => findings.error(
            "answer",
            format!("the answer to the test request can't be read ({code})"),
            "check `format` under [server]; the request may stand in the downstream",
        ),
        Ok(Reply { status: 401 | 403, .. }) => {
            findings.error("key", "sending a test request: the key is not taken", super::KEY);
        }
        Ok(Reply { status, body, .. }) => {
            let why = body.ok().and_then(|b| text(b.as_array()?.first()?, "description")).map(|d| shown(&d));
            let why = why.map_or_else(String::new, |why| format!(": {why}"));
            findings.error(
                "post-refused",
                format!("the test request is answered with {status}{why}"),
                "see the exact request with `tabir connector dry-run`, and correct the mapping",
            );
        }
        Err(error) => findings.error("post", error.to_string(), "try again; the request may stand in the downstream"),
    }
    None
}

async fn polled(server: &GeoReport, token: &str, looks: u32, findings: &mut Findings) -> Option<String> {
    for look in 0..=looks {
        if let Ok(Some(id)) = server.poll_token(token).await {
            findings.ok("token", format!("the server answers with a token, and then with id {}", shown(&id)));
            return Some(id);
        }
        if look < looks {
            tokio::time::sleep(PAUSE).await;
        }
    }
    let todo =
        "try with a longer --wait; such a report is asked for until there is an id, at most a day, and then looked up";
    findings.warn("token-slow", "the server answers with a token, and gave no id for it so far", todo);
    None
}

/// Whether it is found by its text, as after a lost answer.
async fn again(trial: &Trial<'_>, looks: u32, findings: &mut Findings) {
    if trial.server.mapping().server.lookup == Lookup::None {
        return;
    }
    for look in 0..=looks {
        if list(trial, true).await.ok().flatten().is_some_and(|l| marked(&l, &trial.marker).is_some()) {
            return findings.ok("found", "the test request is found again by its text");
        }
        if look < looks {
            tokio::time::sleep(PAUSE).await;
        }
    }
    findings.error(
        "lookup-blind",
        "the test request is not found again by its text: after a lost answer a report would be sent twice",
        "set `lookup = \"none\"` under [server], so that a repetition says that it may be one; or try a longer --wait",
    );
}

/// The list in which it should stand; `None` where the server says no.
async fn list(trial: &Trial<'_>, key: bool) -> Result<Option<Vec<Value>>, DownError> {
    let (from, to) = &trial.span;
    let query = [("service_code", trial.service), ("start_date", from), ("end_date", to)];
    rows(trial, &["requests"], &query, key).await
}

async fn rows(
    trial: &Trial<'_>,
    path: &[&str],
    query: &[(&str, &str)],
    key: bool,
) -> Result<Option<Vec<Value>>, DownError> {
    let format = trial.server.mapping().server.format;
    let reply = trial.server.wire().look(path, query, key, format).await?;
    match (reply.status, reply.body) {
        (200..300, Ok(Value::Array(list))) => Ok(Some(list)),
        (200..300, Ok(one)) => Ok(Some(vec![one])),
        (200..300, Err(code)) => Err(DownError::Malformed(code)),
        // Too early to say: it only asks to wait.
        (408 | 429, _) => Err(DownError::Unknown),
        (300..500, _) => Ok(None),
        _ => Err(DownError::Unknown),
    }
}

/// Whether anybody can see it: its text, or that there is such a request at all, since its time and place tell enough.
/// `None`: not known.
async fn public(trial: &Trial<'_>, looks: u32) -> Option<bool> {
    let mut known = false;
    for look in 0..=looks {
        let mut found = vec![list(trial, false).await];
        if let Some(id) = &trial.id {
            found.push(rows(trial, &["requests", id], &[], false).await);
            found.push(rows(trial, &["requests"], &[("service_request_id", id)], false).await);
        }
        for rows in found.iter().filter_map(|f| f.as_ref().ok()?.as_deref()) {
            let named = |r: &Value| trial.id.is_some() && text(r, "service_request_id") == trial.id;
            if marked(rows, &trial.marker).is_some() || rows.iter().any(named) {
                return Some(true);
            }
        }
        known = found.iter().all(Result::is_ok);
        if look < looks {
            tokio::time::sleep(PAUSE).await;
        }
    }
    known.then_some(false)
}

/// A reference that no case has: `TEST-XXXX-XXXX`.
fn reference() -> String {
    const CROCKFORD: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let mut bits = Random.next_u64();
    let mut part = || {
        let letters = (0..4).map(|_| {
            let letter = CROCKFORD[(bits & 31) as usize];
            bits >>= 5;
            char::from(letter)
        });
        letters.collect::<String>()
    };
    let first = part();
    format!("TEST-{first}-{}", part())
}

/// A server's words on a terminal: short, without what one obeys.
fn shown(words: &str) -> String {
    words.chars().filter(|c| !c.is_control()).take(200).collect()
}
