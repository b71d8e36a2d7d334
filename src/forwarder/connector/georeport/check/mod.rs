//! `tabir connector check`: does the mapping fit the live server? Reads only; [`trial`] also sends, where it is told to.
//!
//! Each finding has a stable code, one line that says what was found, and one that says what to do.

pub mod sample;
pub mod trial;

use serde_json::Value;
use tabir_crypto::statement::value::Second;

use super::services::{self, Attribute, Service};
use super::wire::Reply;
use super::{DownError, GeoReport};
use crate::config::mapping::{self, Category, Followups, Format, Lookup, Source, Updates};

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// As it should be.
    Ok,
    /// It works, and somebody should know.
    Warning,
    /// Reports would be held, lost from sight, or published.
    Error,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Finding {
    /// How much it matters.
    pub level: Level,
    /// Stable.
    pub code: &'static str,
    /// The category it is about, or empty.
    pub category: String,
    /// What was found.
    pub found: String,
    /// What to do; empty where nothing is.
    pub todo: String,
}

/// Findings in the order in which they were made.
#[derive(Debug, Default)]
pub struct Findings {
    /// All of them.
    pub list: Vec<Finding>,
    category: String,
}

impl Findings {
    fn about(&mut self, category: &str) {
        category.clone_into(&mut self.category);
    }

    fn add(&mut self, level: Level, code: &'static str, found: impl Into<String>, todo: impl Into<String>) {
        let category = self.category.clone();
        self.list.push(Finding { level, code, category, found: found.into(), todo: todo.into() });
    }

    fn ok(&mut self, code: &'static str, found: impl Into<String>) {
        self.add(Level::Ok, code, found, "");
    }

    fn error(&mut self, code: &'static str, found: impl Into<String>, todo: impl Into<String>) {
        self.add(Level::Error, code, found, todo);
    }

    fn warn(&mut self, code: &'static str, found: impl Into<String>, todo: impl Into<String>) {
        self.add(Level::Warning, code, found, todo);
    }

    /// Whether reports can go out as things are.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.list.iter().all(|f| f.level < Level::Error)
    }
}

/// A service that exists, with its attributes, for the categories that go there.
pub struct Checked {
    /// The policy's code.
    pub code: String,
    /// Its line of the mapping.
    pub category: Category,
    /// What the service takes.
    pub attributes: Vec<Attribute>,
}

/// Checks everything that can be seen without sending. `codes`: categories of the policy, where they are known. Gives
/// what could be sent to.
pub async fn look(server: &GeoReport, codes: &[String], now: u64, findings: &mut Findings) -> Vec<Checked> {
    let Some(list) = reach(server, findings).await else { return Vec::new() };
    discovery(server, findings).await;
    let services = services::read_services(&list);
    findings.ok("services", format!("the server has {} services", services.len()));
    let checked = categories(server, codes, &services, findings).await;
    findings.about("");
    let span = [("start_date", Second(now.saturating_sub(3_600)).to_string()), ("end_date", Second(now).to_string())];
    let span: Vec<(&str, &str)> = span.iter().map(|(name, value)| (*name, value.as_str())).collect();
    lookup(server, &span, findings).await;
    updates(server, &span, findings).await;
    checked
}

/// The list of services, or why there is none.
async fn reach(server: &GeoReport, findings: &mut Findings) -> Option<Vec<Value>> {
    let format = server.mapping().server.format;
    let reply = match server.wire().look(&["services"], &[], true, format).await {
        Ok(reply) => reply,
        Err(DownError::Malformed(code)) => {
            findings.error(
                "answer",
                format!("the list of services can't be read ({code})"),
                "ask who runs the server; nothing longer than 16 MiB is read",
            );
            return None;
        }
        Err(_) => {
            findings.error(
                "unreachable",
                "the server can't be reached, or its answer was cut off",
                "check `downstream` in the TOML file, the network and the server's certificate",
            );
            return None;
        }
    };
    match (reply.status, reply.body) {
        (200..300, Ok(Value::Array(list))) => return Some(list),
        (200..300, body) => {
            let what = body.err().unwrap_or("no-list");
            if let Some(other) = speaks(server, other(format)).await {
                let name = other.as_str();
                findings.error(
                    "format",
                    format!("the server does not answer in {} ({what}), but in {name}", format.as_str()),
                    format!("set `format = \"{name}\"` under [server] in the mapping"),
                );
            } else {
                findings.error("answer", format!("the list of services can't be read ({what})"), ADDRESS);
            }
        }
        (300..=399, _) => findings.error(
            "redirect",
            "the server sends to another address, where nobody is followed",
            "put the final address into `downstream`, after making sure whose it is",
        ),
        (401 | 403, _) => findings.error("key", "the server does not take the key", KEY),
        (status, _) => match speaks(server, other(format)).await {
            Some(other) => findings.error(
                "format",
                format!("the server answers {status} in {}, and speaks {}", format.as_str(), other.as_str()),
                format!("set `format = \"{}\"` under [server] in the mapping", other.as_str()),
            ),
            None => {
                findings.error("services-refused", format!("the list of services is answered with {status}"), ADDRESS)
            }
        },
    }
    None
}

const ADDRESS: &str = "check `downstream` (the endpoint, up to and without /services.json) and `jurisdiction`";
const KEY: &str = "check `api_key_file`; ask who runs the server whether the key is for this address";

const fn other(format: Format) -> Format {
    match format {
        Format::Json => Format::Xml,
        Format::Xml => Format::Json,
    }
}

async fn speaks(server: &GeoReport, format: Format) -> Option<Format> {
    let reply = server.wire().look(&["services"], &[], true, format).await.ok()?;
    ((200..300).contains(&reply.status) && matches!(reply.body, Ok(Value::Array(_)))).then_some(format)
}

async fn discovery(server: &GeoReport, findings: &mut Findings) {
    match server.discover().await {
        Ok(true) => findings.ok("discovery", "the server says that it speaks GeoReport v2, or says nothing of it"),
        Ok(false) => findings.warn(
            "discovery",
            "the server's discovery document does not name GeoReport v2",
            "make sure that `downstream` is its GeoReport v2 endpoint",
        ),
        Err(error) => findings.warn("discovery", format!("the discovery document can't be used: {error}"), ADDRESS),
    }
}

async fn categories(
    server: &GeoReport,
    codes: &[String],
    services: &[Service],
    findings: &mut Findings,
) -> Vec<Checked> {
    let mapping = server.mapping();
    let mut all: Vec<String> = mapping.categories.keys().map(|c| c.as_str().to_owned()).collect();
    all.extend(codes.iter().filter(|c| mapping.category(c).is_some()).cloned());
    all.sort();
    all.dedup();
    for code in codes.iter().filter(|c| mapping.category(c).is_none()) {
        findings.about(code);
        findings.error(
            "category-unmapped",
            format!("the policy's category {code} stands in no line of the mapping: its reports would be held"),
            format!("add [categories.{code}] with a `service`"),
        );
    }
    let mut checked = Vec::new();
    for code in all {
        let Some(category) = mapping.category(&code) else { continue };
        findings.about(&code);
        let Some(service) = services.iter().find(|s| s.code == category.service) else {
            findings.error(
                "service-missing",
                format!("the server has no service {}", category.service),
                "take the code from the server's list (`tabir connector check --json` has none invented)",
            );
            continue;
        };
        match services::attributes(server.wire(), service).await {
            Ok(attributes) => {
                fits(&category, &attributes, findings);
                checked.push(Checked { code, category, attributes });
            }
            Err(error) => findings.error(
                "definition",
                format!("the definition of service {} can't be used: {error}", service.code),
                "ask who runs the server: it says that the service has one",
            ),
        }
    }
    if codes.is_empty() && mapping.categories.is_empty() {
        findings.about("");
        findings.warn(
            "no-categories",
            "the mapping names no category, so each is taken to be the service of the same code",
            "give --policy FILE to check the policy's categories",
        );
    }
    checked
}

/// Whether each attribute of a service gets a value that it takes.
fn fits(category: &Category, attributes: &[Attribute], findings: &mut Findings) {
    for (code, mapped) in &category.attributes {
        match attributes.iter().find(|a| a.code == *code) {
            None => findings.error(
                "attribute-unknown",
                format!("service {} has no attribute {code}: its value would stand in the text", category.service),
                "take the line out, or correct the code",
            ),
            Some(attribute) => takes(attribute, mapped, findings),
        }
    }
    let before = findings.list.len();
    for attribute in attributes {
        if attribute.datatype.is_none() {
            findings.warn(
                "attribute-type",
                format!("attribute {} has a type that GeoReport does not have: it is never filled", attribute.code),
                "ask who runs the server for one of string, number, datetime, text, singlevaluelist, multivaluelist",
            );
        }
        let mapped = category.attributes.get(&attribute.code);
        let certain = mapped.is_some_and(certain);
        if attribute.required && !certain {
            findings.warn(
                "attribute-maybe",
                format!("attribute {} is required, and not every report has it: one without is held", attribute.code),
                format!("give it a `default` or `value` under [categories.…attributes.{}]", attribute.code),
            );
        }
    }
    if findings.list.len() == before {
        let (all, required) = (attributes.len(), attributes.iter().filter(|a| a.required).count());
        findings
            .ok("service", format!("goes to service {} with {all} attributes, {required} required", category.service));
    }
}

/// A value that every report has.
fn certain(mapped: &mapping::Attribute) -> bool {
    let always = matches!(
        mapped.from,
        Source::Value(_)
            | Source::Field(mapping::Field::Reference | mapping::Field::Category | mapping::Field::Language)
    );
    always || mapped.default.is_some()
}

fn takes(attribute: &Attribute, mapped: &mapping::Attribute, findings: &mut Findings) {
    let value = if let Source::Value(value) = &mapped.from { Some(value) } else { None };
    for value in mapped.values.values().chain(&mapped.default).chain(value) {
        if !attribute.takes(value) {
            let keys =
                if attribute.keys.is_empty() { String::new() } else { format!(" ({})", attribute.keys.join(", ")) };
            findings.error(
                "attribute-value",
                format!("attribute {} does not take {value:?}", attribute.code),
                format!("give a value of its type{keys}"),
            );
        }
    }
}

async fn lookup(server: &GeoReport, span: &[(&str, &str)], findings: &mut Findings) {
    let format = server.mapping().server.format;
    if server.mapping().server.lookup == Lookup::None {
        return findings.warn(
            "lookup-none",
            "a report whose answer is lost is sent again with a note that it may be a repetition",
            "if the server lists requests with their descriptions, set `lookup = \"requests\"`",
        );
    }
    match server.wire().look(&["requests"], span, true, format).await {
        Ok(Reply { status: 200..300, body: Ok(Value::Array(_)), .. }) => {
            findings.ok("lookup", "requests can be listed: one whose answer is lost is found again");
            match server.wire().look(&["requests"], span, false, format).await {
                Ok(Reply { status: 200..300, .. }) if server.wire().has_key() => findings.warn(
                    "public-list",
                    "the server lists requests to anybody, without the key",
                    "run the check with --send-tests; mark what must not be seen as `confidential`",
                ),
                _ => {}
            }
        }
        Ok(Reply { status: 401 | 403, .. }) => findings.error("key", "listing requests: the key is not taken", KEY),
        _ => findings.error(
            "lookup",
            "requests can't be listed: one whose answer is lost could not be found again",
            "set `lookup = \"none\"` under [server]: then it is sent again with a visible note (at least once)",
        ),
    }
}

async fn updates(server: &GeoReport, span: &[(&str, &str)], findings: &mut Findings) {
    let said = &server.mapping().server;
    if said.updates == Updates::None {
        return findings.warn(
            "updates-none",
            "no news are read: reporters never see a status or an answer",
            "set `updates` to \"servicerequestupdates\" or \"requests\"",
        );
    }
    if said.updates == Updates::Requests {
        findings.ok("updates", "news are read from the requests themselves");
    } else {
        match server.wire().look(&["servicerequestupdates"], span, true, said.format).await {
            Ok(Reply { status: 200..300, body: Ok(Value::Array(_)), .. }) => {
                findings.ok("updates", "the server lists updates of requests");
            }
            Ok(Reply { status: 401 | 403, .. }) => findings.error("key", "listing updates: the key is not taken", KEY),
            _ => findings.error(
                "updates",
                "the server does not list updates of requests",
                "set `updates = \"requests\"` under [server], and `followups` to \"requests\" or \"hold\"",
            ),
        }
    }
    if said.followups == Followups::Hold {
        findings.warn(
            "followups-hold",
            "what reporters write later is held for a person",
            "set `followups` to \"updates\" or \"requests\", if the server takes them",
        );
    }
}
