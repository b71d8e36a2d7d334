//! Sealed contents: padding to fixed sizes, and the JSON of content, identity record, messages, ratings and disputes.
//!
//! ```text
//! content  u32 length ‖ JSON ‖ zeros    = 4,096, 16,384 or 65,536, the smallest that fits
//! message  u32 length ‖ JSON ‖ zeros    = 4,096 or 16,384 (a dispute and a reply to the reporter likewise)
//! record   u16 length ‖ JSON ‖ zeros    = 1,024 exactly; length 0: no identity given
//!
//! content_hash = SHA-256(enc ‖ ct) of the sealed content: 5,232, 17,520 or 66,672 bytes
//! ```
//! Whoever opens a content or message takes any of its sizes, but no length beyond it and no pad that is not zero.
//! Source: `docs/protocol.md`, "Content", "Identity envelope", "JSON inside sealed things". Not covered: whether texts are
//! sensible (roles have limits of their own), and what their length within one size tells.

mod padding;

use core::fmt;
use std::collections::BTreeMap;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop};

pub use padding::{
    CONTENT_SIZES, MESSAGE_SIZES, RECORD_SIZE, check_sealed_message, content_hash, pad_content, pad_message,
    pad_record, unpad_content, unpad_message, unpad_record,
};

use crate::attachment::Attachment;
use crate::error::{Code, Result, need};
use crate::hpke::KemPublicKey;
use crate::json;
use crate::secret::SecretVec;
use crate::statement::Statement;
use crate::statement::body::Release;
use crate::statement::value::{Bytes, CodeText, Hex32, Text, V1};

/// Keeps what people wrote out of every log: prints the type's name only.
macro_rules! redacted {
    ($($name:ident),*) => {
        $(impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), " <redacted>"))
            }
        })*
    };
}
redacted!(Content, Location, IdentityRecord, Contact, Message, SealedReply, Dispute);

/// How exactly the reporter says where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Precision {
    Point,
    Street,
    Ward,
    None,
}

/// Decimal degrees from -`MAX` to `MAX`, as text: up to seven decimals (a centimetre), no exponent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Degrees<const MAX: u8>(String);

/// A latitude, WGS 84.
pub type Latitude = Degrees<90>;
/// A longitude, WGS 84.
pub type Longitude = Degrees<180>;

impl<const MAX: u8> Degrees<MAX> {
    /// Reads the text. Error: `field`.
    pub fn new(text: &str) -> Result<Self> {
        let digits = text.strip_prefix('-').unwrap_or(text);
        let (whole, decimals) = digits.split_once('.').unwrap_or((digits, "0"));
        let numeric = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        need((1..=3).contains(&whole.len()) && numeric(whole), Code::Field)?;
        need((1..=7).contains(&decimals.len()) && numeric(decimals), Code::Field)?;
        need(whole.len() == 1 || !whole.starts_with('0'), Code::Field)?;
        let degrees: u16 = whole.parse().map_err(|_| Code::Field)?;
        let inside = degrees < u16::from(MAX) || degrees == u16::from(MAX) && decimals.bytes().all(|b| b == b'0');
        need(inside, Code::Field)?;
        Ok(Self(text.to_owned()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de, const MAX: u8> Deserialize<'de> for Degrees<MAX> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> core::result::Result<Self, D::Error> {
        Self::new(&String::deserialize(d)?).map_err(D::Error::custom)
    }
}

/// Where. Coordinates come in pairs; a point or street needs them, `none` has none.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "LocationFields", into = "LocationFields")]
pub struct Location {
    precision: Precision,
    place: Option<(Latitude, Longitude)>,
    text: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct LocationFields {
    precision: Precision,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lat: Option<Latitude>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lon: Option<Longitude>,
    text: String,
}

impl Location {
    /// Checks that coordinates and precision fit. Error: `field`.
    pub fn new(precision: Precision, place: Option<(Latitude, Longitude)>, text: String) -> Result<Self> {
        let fits = match precision {
            Precision::Point | Precision::Street => place.is_some(),
            Precision::Ward => true,
            Precision::None => place.is_none(),
        };
        need(fits, Code::Field)?;
        Ok(Self { precision, place, text })
    }

    /// How exactly.
    #[must_use]
    pub const fn precision(&self) -> Precision {
        self.precision
    }

    /// Latitude and longitude.
    #[must_use]
    pub const fn place(&self) -> Option<&(Latitude, Longitude)> {
        self.place.as_ref()
    }

    /// In the reporter's words.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl TryFrom<LocationFields> for Location {
    type Error = crate::error::Error;

    fn try_from(fields: LocationFields) -> Result<Self> {
        need(fields.lat.is_some() == fields.lon.is_some(), Code::Field)?;
        Self::new(fields.precision, fields.lat.zip(fields.lon), fields.text)
    }
}

impl From<Location> for LocationFields {
    fn from(location: Location) -> Self {
        let (lat, lon) = location.place.unzip();
        Self { precision: location.precision, lat, lon, text: location.text }
    }
}

/// Whether an identity lies sealed beside the content. It says so here, since an envelope without one looks the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum IdentityState {
    None,
    Sealed,
}

/// Who sealed in the reporter's place. That machine, and whoever watches it, saw the text, the identity if there is one, and
/// the receipt: nothing is hidden from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Via {
    /// A server between an app and the gateway.
    Facade,
    /// An officer at a counter, who typed for her.
    Counter,
    /// The server of a form for browsers that run no script.
    Form,
}

impl Via {
    /// The name as it stands in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Facade => "facade",
            Self::Counter => "counter",
            Self::Form => "form",
        }
    }
}

/// A report's content. Only the forwarder, and the downstream behind it, read it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Content {
    pub v: V1,
    /// One of the policy's categories.
    pub category: CodeText,
    pub text: String,
    /// Of the text: `id`, `en`, …
    pub language: CodeText,
    pub location: Location,
    /// Answers to the category's questions, by their code.
    pub attributes: BTreeMap<CodeText, Text>,
    pub release: Release,
    pub identity: IdentityState,
    /// Repeated here, since HPKE does not say who sealed.
    pub mailbox_pk: KemPublicKey,
    pub attachments: Vec<Attachment>,
    /// Absent where the reporter's own device sealed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub via: Option<Via>,
}

/// A way to reach somebody.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Contact {
    #[zeroize(skip)]
    pub kind: ContactKind,
    pub value: String,
}

/// Kinds of contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum ContactKind {
    Phone,
    Email,
    Address,
    Other,
}

/// Who reported. It exists in clear at the reporter, and at the approvers after an opening; shown as text only.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct IdentityRecord {
    #[zeroize(skip)]
    pub v: V1,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub contact: Vec<Contact>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub national_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl IdentityRecord {
    /// The padded record; `None` is "no identity given", of the same size. Errors: `json`, `too-long`.
    pub fn to_padded(record: Option<&Self>) -> Result<SecretVec> {
        let json = record.map_or(Ok(Vec::new()), json::to_vec).map(SecretVec::new)?;
        pad_record(json.expose())
    }

    /// Reads a padded record. Errors: those of [`unpad_record`] and [`json::from_slice`].
    pub fn from_padded(padded: &[u8]) -> Result<Option<Self>> {
        let json = unpad_record(padded)?;
        if json.expose().is_empty() { Ok(None) } else { json::from_slice(json.expose()).map(Some) }
    }
}

/// What a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum MessageKind {
    Question,
    Answer,
    Note,
}

/// A message, either way. Numbered and chained, so that both sides see gaps.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Message {
    /// Version 1.
    pub v: V1,
    /// Its number.
    pub seq: u64,
    /// SHA-256 of the JSON of the message before, zeros for the first.
    pub prev: Hex32,
    /// What it is.
    pub kind: MessageKind,
    /// The number of the message that it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub re: Option<u64>,
    /// In people's words.
    pub text: String,
}

/// What is sealed to the reporter's mailbox: the message with the forwarder's `reply` statement over its SHA-256. The
/// statement never travels outside, since a short text could be guessed from the hash.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SealedReply {
    /// Version 1.
    pub v: V1,
    /// The JSON of a [`Message`].
    pub message: Bytes,
    /// A `reply` statement.
    pub statement: Statement,
}

/// Why a reporter disputes an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum DisputeCode {
    NotDone,
    WrongPlace,
    FalseProof,
    Other,
}

impl DisputeCode {
    /// The name as it stands in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotDone => "not_done",
            Self::WrongPlace => "wrong_place",
            Self::FalseProof => "false_proof",
            Self::Other => "other",
        }
    }
}

/// A reporter says that it is not so. Sealed whole, like a message.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Dispute {
    pub v: V1,
    pub seq: u64,
    pub code: DisputeCode,
    pub text: String,
}

/// One to five stars.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Stars(u8);

impl Stars {
    /// Checks the range. Error: `field`.
    pub fn new(stars: u8) -> Result<Self> {
        if (1..=5).contains(&stars) { Ok(Self(stars)) } else { Err(Code::Field.into()) }
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0
    }
}

impl<'de> Deserialize<'de> for Stars {
    fn deserialize<D: Deserializer<'de>>(d: D) -> core::result::Result<Self, D::Error> {
        Self::new(u8::deserialize(d)?).map_err(D::Error::custom)
    }
}

/// A reporter's rating. Not sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Rating {
    pub v: V1,
    pub stars: Stars,
}
