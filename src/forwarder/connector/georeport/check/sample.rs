//! A report that nobody made: for a dry run and for test requests.

use std::collections::BTreeMap;

use serde::Deserialize;
use tabir_crypto::content::{Content, IdentityState, Latitude, Location, Longitude, Precision};
use tabir_crypto::hpke::KemSecretKey;
use tabir_crypto::statement::body::Release;
use tabir_crypto::statement::value::{CodeText, Text, V1};

use super::super::services::{Attribute, Datatype};
use crate::clock::Random;
use crate::config::mapping::{Category, Source};

/// A sample as a person writes it: JSON, everything but `category` may be left out.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sample {
    category: CodeText,
    #[serde(default = "text")]
    text: String,
    #[serde(default = "language")]
    language: CodeText,
    location: Option<Location>,
    #[serde(default)]
    attributes: BTreeMap<CodeText, Text>,
    /// Whether an identity was given: then its hash and address go along.
    #[serde(default)]
    identity: bool,
}

fn text() -> String {
    "A sample report: a deep hole in the road.".into()
}

fn language() -> CodeText {
    CodeText::new("id").expect("a constant")
}

/// Said to whoever finds a test request.
pub const TEST: &str = "TEST of the connection by Tabir, not a report of anybody: please close it. \
                        UJI COBA sambungan oleh Tabir, bukan laporan: harap ditutup.";

impl Sample {
    /// One of a category, with a place and with whatever its attributes want.
    pub fn of(code: &str, category: &Category, attributes: &[Attribute]) -> Result<Self, tabir_crypto::Error> {
        let place = (Latitude::new("-6.1754123")?, Longitude::new("106.8272456")?);
        let mut sample = Self {
            category: CodeText::new(code)?,
            text: text(),
            language: language(),
            location: Some(Location::new(Precision::Point, Some(place), "Jl. Contoh 1".into())?),
            attributes: BTreeMap::new(),
            identity: true,
        };
        for attribute in attributes {
            let source = category.attributes.get(&attribute.code);
            let ours = match source.map(|m| &m.from) {
                Some(Source::Attribute(code)) => code.clone(),
                Some(_) => continue,
                None => attribute.code.clone(),
            };
            // Only what a report can have: codes of ours, and a value that is translated or taken.
            let translated = source.and_then(|m| m.values.keys().next().cloned());
            let value = translated.unwrap_or_else(|| example(attribute));
            if let (Ok(code), Ok(value)) = (CodeText::new(&ours), Text::new(&value)) {
                sample.attributes.insert(code, value);
            }
        }
        Ok(sample)
    }

    /// With other words, and without an identity.
    #[must_use]
    pub fn saying(self, text: &str) -> Self {
        Self { text: text.to_owned(), identity: false, ..self }
    }

    /// As a reporter's device would have made it.
    pub fn content(self) -> Result<Content, tabir_crypto::Error> {
        let location = self.location.map_or_else(|| Location::new(Precision::None, None, String::new()), Ok)?;
        Ok(Content {
            v: V1,
            category: self.category,
            text: self.text,
            language: self.language,
            location,
            attributes: self.attributes,
            release: Release::Batched,
            identity: if self.identity { IdentityState::Sealed } else { IdentityState::None },
            mailbox_pk: KemSecretKey::generate(&mut Random).public_key(),
            attachments: Vec::new(),
            via: None,
        })
    }
}

fn example(attribute: &Attribute) -> String {
    match attribute.datatype {
        Some(Datatype::Number) => "1".into(),
        Some(Datatype::Datetime) => "2026-01-01".into(),
        Some(Datatype::SingleValueList | Datatype::MultiValueList) => {
            attribute.keys.first().cloned().unwrap_or_default()
        }
        _ => "sample".into(),
    }
}
