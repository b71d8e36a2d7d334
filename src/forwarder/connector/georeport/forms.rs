//! Forms: a report or a later write in the server's words. No I/O.
//!
//! ```text
//! description = the reporter's words, then lines that the service has no attribute for, then a note if this may be a
//!               repetition, then the marker
//! ```

use tabir_crypto::content::{Content, IdentityState, Precision, Via};
use tabir_crypto::statement::value::Second;

use super::services::Attribute;
use crate::config::mapping::{Category, Field, Followups, Mapping, Place, Source};
use crate::forwarder::check::Written;
use crate::forwarder::connector::{Outgoing, OutgoingWrite};
use crate::forwarder::mapping::{coordinates, report_marker, write_marker, write_text};

/// Parameters of a POST.
pub type Form = Vec<(String, String)>;

/// Said where the answer to an earlier attempt was lost and nobody can look.
pub const REPETITION: &str = "(Possibly a repetition: the answer to the first sending was lost. \
                              Mungkin pengulangan: jawaban atas pengiriman pertama hilang.)";
/// Beside coordinates that are not the report's.
const NO_PLACE: &str = "No coordinates were given; those of this request stand for the whole area.";

/// What an attribute lacks, as a code for who looks at it: the attribute's code, and why.
#[derive(Debug, PartialEq, Eq)]
pub struct Lack(pub String);

/// The value that a source has in a report.
fn from_source(report: &Outgoing<'_>, source: &Source) -> Option<String> {
    let content = report.content;
    let sealed = content.identity == IdentityState::Sealed;
    match source {
        Source::Value(value) => Some(value.clone()),
        Source::Attribute(code) => own(content, code).map(str::to_owned),
        Source::Field(field) => match field {
            Field::Reference => Some(report.reference.to_owned()),
            Field::Envelope => sealed.then(|| hex::encode(report.envelope.hash)),
            Field::EnvelopeUrl => sealed.then(|| report.envelope.url()),
            Field::Category => Some(content.category.as_str().to_owned()),
            Field::Language => Some(content.language.as_str().to_owned()),
            Field::Place => Some(content.location.text().to_owned()).filter(|t| !t.is_empty()),
            Field::Via => content.via.map(|via| came(via).to_owned()),
        },
    }
}

/// Who handles a report should know what was seen on its way: whoever sealed in the reporter's place saw all of it.
const fn came(via: Via) -> &'static str {
    match via {
        Via::Facade => "through an app's server, which saw it before it was sealed",
        Via::Counter => "an officer typed it at a counter",
        Via::Form => "through a form for browsers that run no script, whose server saw it before it was sealed",
    }
}

fn own<'c>(content: &'c Content, code: &str) -> Option<&'c str> {
    content.attributes.iter().find(|(c, _)| c.as_str() == code).map(|(_, v)| v.as_str())
}

/// Where an attribute's value comes from if the mapping does not say.
fn unmapped(code: &str) -> Source {
    match code {
        "tabir_ref" => Source::Field(Field::Reference),
        "tabir_envelope" => Source::Field(Field::Envelope),
        "tabir_envelope_url" => Source::Field(Field::EnvelopeUrl),
        "tabir_via" => Source::Field(Field::Via),
        _ => Source::Attribute(code.to_owned()),
    }
}

/// The form of a report. Error: a required attribute without a value that it takes.
pub fn report(
    report: &Outgoing<'_>,
    mapping: &Mapping,
    category: &Category,
    attributes: &[Attribute],
) -> Result<Form, Lack> {
    let content = report.content;
    let mut form: Form = vec![("service_code".into(), category.service.clone())];
    let mut given: Vec<Source> = Vec::new();
    for attribute in attributes {
        let mapped = category.attributes.get(&attribute.code);
        let source = mapped.map_or_else(|| unmapped(&attribute.code), |m| m.from.clone());
        let value = from_source(report, &source);
        let value = value.map(|v| mapped.and_then(|m| m.values.get(&v)).cloned().unwrap_or(v));
        let fits = |v: &String| attribute.takes(v) && !(attribute.required && v.is_empty());
        let usable = value.filter(fits);
        // A default does not stand for the value: that goes into the text.
        let from_report = usable.is_some();
        match usable.or_else(|| mapped.and_then(|m| m.default.clone()).filter(fits)) {
            Some(value) => {
                form.extend(attribute.parameters(&value));
                if from_report {
                    given.push(source);
                }
            }
            None if attribute.required => return Err(Lack(attribute.code.clone())),
            None => {}
        }
    }
    let missing = |source: &Source| !given.contains(source);
    let mut lines = Vec::new();
    for (code, value) in &content.attributes {
        if missing(&Source::Attribute(code.as_str().to_owned())) {
            lines.push(format!("{}: {}", code.as_str(), value.as_str()));
        }
    }
    let named =
        [(Field::Envelope, "Sealed identity"), (Field::EnvelopeUrl, "Sealed identity at"), (Field::Via, "How it came")];
    for (field, name) in named {
        let source = Source::Field(field);
        if let Some(value) = from_source(report, &source).filter(|_| missing(&source)) {
            lines.push(format!("{name}: {value}"));
        }
    }
    if !content.attachments.is_empty() {
        lines.push(format!("Attachments that were not sent along: {}", content.attachments.len()));
    }
    place(content, &mapping.location, category.precision, &mut form, &mut lines);
    // The day alone: a downstream's exact time would tell when somebody sat down to report.
    let date = Second(report.day).to_string();
    form.push(("requested_datetime".into(), date.split('T').next().unwrap_or_default().into()));
    let mut text = content.text.clone();
    if !lines.is_empty() {
        text = format!("{text}\n\n{}", lines.join("\n"));
    }
    form.push(("description".into(), marked(&text, report.repeated, &report_marker(report.reference))));
    Ok(without(form, mapping))
}

fn marked(text: &str, repeated: bool, marker: &str) -> String {
    let note = if repeated { format!("\n\n{REPETITION}") } else { String::new() };
    format!("{text}{note}\n\n{marker}")
}

fn without(mut form: Form, mapping: &Mapping) -> Form {
    form.retain(|(name, _)| !mapping.server.omit.iter().any(|p| p.as_str() == name));
    form
}

fn place(content: &Content, rule: &Place, most: Option<Precision>, form: &mut Form, lines: &mut Vec<String>) {
    let location = &content.location;
    let limits = [rule.precision, most.unwrap_or(Precision::Point)];
    let found = coordinates(location, &limits).or_else(|| {
        let (lat, lon) = rule.fallback.as_ref()?;
        lines.push(NO_PLACE.to_owned());
        Some((lat.as_str().to_owned(), lon.as_str().to_owned()))
    });
    let words = location.text();
    // GeoReport demands a place.
    let words = if words.is_empty() && found.is_none() { "-" } else { words };
    if let Some((lat, lon)) = found {
        form.extend([("lat".to_owned(), lat), ("long".to_owned(), lon)]);
    }
    if !words.is_empty() {
        form.push(("address_string".into(), words.into()));
    }
}

/// The form of a later write. The downstream's last word for the status is repeated, as FixMyStreet's protocol does.
/// `None`: this server takes none.
pub fn write(write: &OutgoingWrite<'_>, mapping: &Mapping, category: &Category) -> Option<Form> {
    let marker = write_marker(write.reference, write.counter);
    let text = write_text(write.written);
    let form = match mapping.server.followups {
        Followups::Hold => return None,
        Followups::Requests => {
            let text = format!("About request {}:\n{text}", write.request_id);
            let mut form: Form = vec![("service_code".into(), category.service.clone())];
            if let Some((lat, lon)) = &mapping.location.fallback {
                form.push(("lat".into(), lat.as_str().into()));
                form.push(("long".into(), lon.as_str().into()));
            }
            form.push(("address_string".into(), "-".into()));
            // What the service demands of every report, as far as the mapping has it without one.
            for (code, attribute) in &category.attributes {
                let value =
                    if let Source::Value(value) = &attribute.from { Some(value) } else { attribute.default.as_ref() };
                form.extend(value.map(|v| (format!("attribute[{code}]"), v.clone())));
            }
            form.push(("description".into(), marked(&text, write.repeated, &marker)));
            form
        }
        Followups::Updates => {
            let asks = matches!(write.written, Written::Dispute(_));
            let status = if asks { &mapping.say.reopen } else { write.raw_status };
            [
                ("service_request_id", write.request_id.to_owned()),
                ("update_id", marker.trim_matches(['[', ']']).to_owned()),
                ("status", mapping.say.word(status)),
                ("updated_datetime", Second(write.day).to_string()),
                ("description", marked(&text, write.repeated, &marker)),
            ]
            .map(|(name, value)| (name.to_owned(), value))
            .into()
        }
    };
    Some(without(form, mapping))
}

#[cfg(test)]
mod tests;
