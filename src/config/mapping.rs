//! `mapping.toml`: how an installation's categories, attributes, places and statuses are said in a downstream's words.
//!
//! Everything has a default. Without the file each category is the service of the same code, and the server is taken to
//! speak JSON with the `servicerequestupdates` extension. `docs/connector.md` explains each line by an example.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use tabir_crypto::content::{Latitude, Longitude, Precision};
use tabir_crypto::statement::body::Status;
use tabir_crypto::statement::value::CodeText;

use super::ConfigError;
use crate::open311::{self, Meaning};

/// The longest name of a service or attribute: it stands in URLs and forms.
const MAX_NAME: usize = 128;

/// The file.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Mapping {
    /// What the server can do.
    pub server: Server,
    /// Where things are.
    pub location: Place,
    /// The server's words for statuses, beside those that are known everywhere.
    pub statuses: BTreeMap<Word, Said>,
    /// Our words to the server.
    pub say: Say,
    /// The policy's categories. Without any, each is the service of the same code.
    pub categories: BTreeMap<CodeText, Category>,
}

/// `[server]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Server {
    /// What it answers in.
    pub format: Format,
    /// Whether a request can be found again by its text.
    pub lookup: Lookup,
    /// Where its news stand.
    pub updates: Updates,
    /// What becomes of what a reporter writes later.
    pub followups: Followups,
    /// Parameters that it refuses, and that are left out.
    pub omit: BTreeSet<Parameter>,
}

/// The representation that the server speaks: the suffix of every address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Format {
    #[default]
    Json,
    Xml,
}

impl Format {
    /// The suffix.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Xml => "xml",
        }
    }
}

/// How a request is found again whose answer was lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Lookup {
    /// `GET requests` lists ours, with their descriptions.
    #[default]
    Requests,
    /// Not at all: it is sent again, with a visible mark.
    None,
}

/// Where news are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Updates {
    /// `GET servicerequestupdates`.
    #[default]
    ServiceRequestUpdates,
    /// `GET requests`: `status` and `status_notes` of each of ours.
    Requests,
    /// Nowhere.
    None,
}

/// Where a reporter's later words go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Followups {
    /// `POST servicerequestupdates`.
    #[default]
    Updates,
    /// A further request of the same service that names the first one.
    Requests,
    /// Nowhere: they are held for a person.
    Hold,
}

/// A parameter that some servers answer with 400.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Parameter {
    RequestedDatetime,
    AddressString,
    UpdateId,
    UpdatedDatetime,
    Status,
}

impl Parameter {
    /// Its name in a form.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RequestedDatetime => "requested_datetime",
            Self::AddressString => "address_string",
            Self::UpdateId => "update_id",
            Self::UpdatedDatetime => "updated_datetime",
            Self::Status => "status",
        }
    }
}

/// `[location]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Place {
    /// Never more exact than this, whatever the reporter chose.
    pub precision: Precision,
    /// Latitude and longitude for a server that takes no report without: a point that tells nothing, such as the city
    /// hall's.
    pub fallback: Option<(Latitude, Longitude)>,
}

impl Default for Place {
    fn default() -> Self {
        Self { precision: Precision::Point, fallback: None }
    }
}

/// `[say]`: our words to the server.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Say {
    /// The status of a new request, which later writes repeat until the server has said another.
    pub open: String,
    /// What a dispute asks for.
    pub reopen: String,
    /// In capitals, as FixMyStreet sends them.
    pub upper_case: bool,
}

impl Default for Say {
    fn default() -> Self {
        Self { open: "open".into(), reopen: "reopen".into(), upper_case: true }
    }
}

impl Say {
    /// The word as it goes out.
    #[must_use]
    pub fn word(&self, word: &str) -> String {
        if self.upper_case { word.to_ascii_uppercase() } else { word.to_owned() }
    }
}

/// `[categories.CODE]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Category {
    /// The server's `service_code`.
    #[serde(deserialize_with = "name")]
    pub service: String,
    /// Must not be readable without the key: it waits until `tabir connector check` has found that it is not.
    #[serde(default)]
    pub confidential: bool,
    /// Never more exact than this, in this category.
    #[serde(default)]
    pub precision: Option<Precision>,
    /// What each attribute of the service is filled with. One that is not named takes the report's attribute of the
    /// same code.
    #[serde(default)]
    pub attributes: BTreeMap<String, Attribute>,
}

impl Category {
    /// The service of the category's own code.
    #[must_use]
    pub fn same(code: &str) -> Self {
        Self { service: code.to_owned(), confidential: false, precision: None, attributes: BTreeMap::new() }
    }
}

/// What fills an attribute.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "AttributeFields")]
pub struct Attribute {
    /// Where the value comes from.
    pub from: Source,
    /// Our value to the server's.
    pub values: BTreeMap<String, String>,
    /// Where there is no value.
    pub default: Option<String>,
}

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The report's attribute of this code.
    Attribute(String),
    /// Something that every report has.
    Field(Field),
    /// Always this.
    Value(String),
}

/// What every report has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// `XXXX-XXXX-XXXX`.
    Reference,
    /// SHA-256 of the sealed identity, if one was given.
    Envelope,
    /// Where officials fetch it.
    EnvelopeUrl,
    /// The category's code.
    Category,
    /// The reporter's language.
    Language,
    /// The place in words.
    Place,
    /// Who sealed it, if not the reporter's own device.
    Via,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AttributeFields {
    attribute: Option<String>,
    field: Option<Field>,
    value: Option<String>,
    #[serde(default)]
    values: BTreeMap<String, String>,
    default: Option<String>,
}

impl TryFrom<AttributeFields> for Attribute {
    type Error = &'static str;

    fn try_from(f: AttributeFields) -> Result<Self, Self::Error> {
        let from = match (f.attribute, f.field, f.value) {
            (Some(code), None, None) => Source::Attribute(code),
            (None, Some(field), None) => Source::Field(field),
            (None, None, Some(value)) => Source::Value(value),
            _ => return Err("give exactly one of `attribute`, `field` and `value`"),
        };
        Ok(Self { from, values: f.values, default: f.default })
    }
}

/// A status in the server's words, in lower case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Word(String);

impl<'de> Deserialize<'de> for Word {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        Ok(Self(name(d)?.trim().to_ascii_lowercase()))
    }
}

/// What the server's word means: a status of ours, `reopened`, or `unchanged`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Said(pub Meaning);

impl<'de> Deserialize<'de> for Said {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = String::deserialize(d)?;
        Ok(Self(match text.as_str() {
            "reopened" => Meaning::Reopened,
            "unchanged" => Meaning::Unchanged,
            // `received` is where a case is before the downstream has said anything.
            _ => match Status::parse(&text).filter(|s| *s != Status::Received) {
                Some(status) => Meaning::Status(status),
                None => {
                    let known = Status::ALL.into_iter().skip(1).map(Status::as_str).collect::<Vec<_>>().join(", ");
                    return Err(D::Error::custom(format!("one of {known}, reopened, unchanged")));
                }
            },
        }))
    }
}

fn name<'de, D: Deserializer<'de>>(d: D) -> Result<String, D::Error> {
    let text = String::deserialize(d)?;
    let fits = (1..=MAX_NAME).contains(&text.len()) && !text.chars().any(char::is_control);
    if fits { Ok(text) } else { Err(D::Error::custom(format!("1 to {MAX_NAME} bytes without control characters"))) }
}

impl Mapping {
    /// Reads the file; the default without one.
    pub fn load(file: Option<&Path>) -> Result<Self, ConfigError> {
        file.map_or_else(|| Ok(Self::default()), super::read_toml)
    }

    /// What a category is called there. `None` where the file has categories, and not this one.
    #[must_use]
    pub fn category(&self, code: &str) -> Option<Category> {
        if self.categories.is_empty() {
            return Some(Category::same(code));
        }
        let found = self.categories.iter().find(|(c, _)| c.as_str() == code);
        found.map(|(_, category)| category.clone())
    }

    /// What a status of the server means. `None` for an unknown one.
    #[must_use]
    pub fn meaning(&self, status: &str) -> Option<Meaning> {
        let word = Word(status.trim().to_ascii_lowercase());
        self.statuses.get(&word).map(|said| said.0).or_else(|| open311::meaning(status))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Mapping, String> {
        toml::from_str(text).map_err(|e| e.to_string())
    }

    #[test]
    fn an_empty_file_maps_every_category_to_its_own_code() {
        let mapping = read("").unwrap();
        assert_eq!(mapping.category("pothole").unwrap().service, "pothole");
        assert_eq!(mapping.meaning("IN_PROGRESS"), Some(Meaning::Status(Status::InProgress)));
        assert_eq!(mapping.meaning("selesai"), None);
    }

    #[test]
    fn a_file_says_what_is_mapped_and_nothing_else_is() {
        let mapping = read(
            "[server]\nformat = \"xml\"\nlookup = \"none\"\nomit = [\"requested_datetime\"]\n\
             [location]\nprecision = \"ward\"\nfallback = [\"-6.17\", \"106.82\"]\n\
             [statuses]\nSelesai = \"resolved\"\n\"Dibuka lagi\" = \"reopened\"\nopen = \"unchanged\"\n\
             [categories.pothole]\nservice = \"RD 12\"\nconfidential = true\n\
             [categories.pothole.attributes]\nDEPTH = { attribute = \"depth\", values = { deep = \"3\" }, default = \"1\" }\n",
        )
        .unwrap();
        assert_eq!(mapping.category("pothole").unwrap().service, "RD 12");
        assert!(mapping.category("corruption").is_none());
        assert_eq!(mapping.meaning(" SELESAI"), Some(Meaning::Status(Status::Resolved)));
        assert_eq!(mapping.meaning("dibuka lagi"), Some(Meaning::Reopened));
        assert_eq!(mapping.meaning("open"), Some(Meaning::Unchanged), "the file wins");
        assert_eq!(mapping.location.precision, Precision::Ward);
    }

    #[test]
    fn each_mistake_is_named_with_its_line() {
        for (text, names) in [
            ("[server]\nformat = \"yaml\"", "yaml"),
            ("[server]\nformats = \"xml\"", "formats"),
            ("[statuses]\ndone = \"finished\"", "resolved"),
            ("[statuses]\ndone = \"received\"", "resolved"),
            ("[categories.pothole]\nconfidential = true", "service"),
            ("[categories.pothole]\nservice = \"\"", "128"),
            ("[categories.\"Pot hole\"]\nservice = \"x\"", "field"),
            (
                "[categories.a]\nservice = \"x\"\n[categories.a.attributes]\nB = { value = \"1\", field = \"place\" }",
                "one of",
            ),
            ("[location]\nfallback = [\"-96.17\", \"106.82\"]", "field"),
            ("[server]\nomit = [\"api_key\"]", "api_key"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains("line") && error.contains(names), "{text}: {error}");
        }
    }
}
