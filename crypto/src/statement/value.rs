//! The types that fields of statements have: bytes, times, codes. Each has one form, and refuses every other.
//!
//! ```text
//! V1        the number 1
//! Hex<N>    N bytes, up to 64, lower-case hex           Bytes   longer ones, base64url without padding (RFC 4648, section 5)
//! CodeText  1 to 64 of a-z 0-9 _ . -                    Text    1 to 255 characters
//! Second    Unix seconds, a number                      Hour    RFC 3339 in UTC, cut to the hour: 2026-11-25T03:00:00Z
//! ```
//! Source: `docs/protocol.md`, "Statements". Not covered: leap seconds, which Unix time leaves out.

use core::fmt;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::codec::{b64url, unb64url, unhex};
use crate::error::{Code, Result};

/// The version of every message: the number 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct V1;

impl Serialize for V1 {
    fn serialize<S: Serializer>(&self, s: S) -> core::result::Result<S::Ok, S::Error> {
        s.serialize_u8(1)
    }
}

impl<'de> Deserialize<'de> for V1 {
    fn deserialize<D: Deserializer<'de>>(d: D) -> core::result::Result<Self, D::Error> {
        match u64::deserialize(d)? {
            1 => Ok(Self),
            _ => Err(D::Error::custom(Code::Version.as_str())),
        }
    }
}

/// Exactly `N` bytes, as lower-case hex. For `N` up to 64.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hex<const N: usize>(pub [u8; N]);

/// A hash, id or Ed25519 key.
pub type Hex32 = Hex<32>;

impl<const N: usize> Serialize for Hex<N> {
    fn serialize<S: Serializer>(&self, s: S) -> core::result::Result<S::Ok, S::Error> {
        s.serialize_str(&hex::encode(self.0))
    }
}

impl<'de, const N: usize> Deserialize<'de> for Hex<N> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> core::result::Result<Self, D::Error> {
        unhex(&String::deserialize(d)?).map(Self).map_err(D::Error::custom)
    }
}

impl<const N: usize> fmt::Debug for Hex<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl<const N: usize> fmt::Display for Hex<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

/// Bytes of any length: lower-case hex up to 64 bytes, base64url without padding beyond.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bytes(pub Vec<u8>);

/// The longest byte string that is written as hex.
const HEX_MAX: usize = 64;

/// What a text says as the hex of at most 64 bytes.
fn short(text: &str) -> Option<Vec<u8>> {
    hex::decode(text).ok().filter(|b| b.len() <= HEX_MAX && hex::encode(b) == text)
}

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, s: S) -> core::result::Result<S::Ok, S::Error> {
        if self.0.len() <= HEX_MAX {
            return s.serialize_str(&hex::encode(&self.0));
        }
        let text = b64url(&self.0);
        // 66 to 96 bytes whose base64 is hex too would be read as 44 to 64 others: chosen on purpose, or never seen.
        if short(&text).is_some() {
            Err(serde::ser::Error::custom(Code::Field.as_str()))
        } else {
            s.serialize_str(&text)
        }
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(d: D) -> core::result::Result<Self, D::Error> {
        let text = String::deserialize(d)?;
        // 65 bytes are 87 letters of base64url, 64 are 128 of hex: where both could be, the length after decoding decides.
        let wide = unb64url(&text).ok().filter(|b| b.len() > HEX_MAX && b64url(b) == text);
        short(&text).or(wide).map(Self).ok_or_else(|| D::Error::custom(Code::Base64.as_str()))
    }
}

impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

/// A code: 1 to 64 of `a-z 0-9 _ . -`. Never free text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct CodeText(String);

impl CodeText {
    /// Checks the form. Error: `field`.
    pub fn new(text: &str) -> Result<Self> {
        let letters = text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'.' | b'-'));
        if letters && (1..=64).contains(&text.len()) { Ok(Self(text.to_owned())) } else { Err(Code::Field.into()) }
    }

    /// The code.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CodeText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for CodeText {
    fn deserialize<D: Deserializer<'de>>(d: D) -> core::result::Result<Self, D::Error> {
        Self::new(&String::deserialize(d)?).map_err(D::Error::custom)
    }
}

/// A short text: 1 to 255 characters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Text(String);

impl Text {
    /// Checks the length. Error: `field`.
    pub fn new(text: &str) -> Result<Self> {
        if (1..=255).contains(&text.chars().count()) { Ok(Self(text.to_owned())) } else { Err(Code::Field.into()) }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(d: D) -> core::result::Result<Self, D::Error> {
        Self::new(&String::deserialize(d)?).map_err(D::Error::custom)
    }
}

/// A time exact to the second, RFC 3339 in UTC: `2026-11-24T17:00:05Z`. Unix seconds inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Second(pub u64);

/// A time cut to the hour, in the same form: what tells when a person acted. Unix seconds inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hour(u64);

impl Hour {
    /// Cuts a Unix time to its hour.
    #[must_use]
    pub const fn of(unix: u64) -> Self {
        Self(unix - unix % 3600)
    }

    /// Unix seconds at the hour's start.
    #[must_use]
    pub const fn unix(self) -> u64 {
        self.0
    }
}

fn write_time(unix: u64) -> Option<String> {
    let t = time::OffsetDateTime::from_unix_timestamp(i64::try_from(unix).ok()?).ok()?;
    (t.year() <= 9999).then(|| {
        let (d, h, m, s) = (t.date(), t.hour(), t.minute(), t.second());
        format!("{:04}-{:02}-{:02}T{h:02}:{m:02}:{s:02}Z", d.year(), u8::from(d.month()), d.day())
    })
}

fn read_time(text: &str) -> Result<u64> {
    let digits = |from: usize, to: usize| -> Result<u16> {
        let part = text.get(from..to).filter(|p| p.bytes().all(|b| b.is_ascii_digit())).ok_or(Code::Field)?;
        part.parse().map_err(|_| Code::Field.into())
    };
    let small = |from| digits(from, from + 2).and_then(|n| u8::try_from(n).map_err(|_| Code::Field.into()));
    let month = time::Month::try_from(small(5)?).map_err(|_| Code::Field)?;
    let date = time::Date::from_calendar_date(i32::from(digits(0, 4)?), month, small(8)?).map_err(|_| Code::Field)?;
    let at = date.with_hms(small(11)?, small(14)?, small(17)?).map_err(|_| Code::Field)?.assume_utc();
    let unix = u64::try_from(at.unix_timestamp()).map_err(|_| Code::Field)?;
    // One form only: what does not come out again as it went in was another.
    if write_time(unix).as_deref() == Some(text) { Ok(unix) } else { Err(Code::Field.into()) }
}

impl Second {
    /// Reads RFC 3339 in the one form. Error: `field`.
    pub fn parse(text: &str) -> Result<Self> {
        read_time(text).map(Self)
    }
}

impl fmt::Display for Second {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&write_time(self.0).unwrap_or_default())
    }
}

impl fmt::Display for Hour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&write_time(self.0).unwrap_or_default())
    }
}

fn serialize_time<S: Serializer>(unix: u64, s: S) -> core::result::Result<S::Ok, S::Error> {
    match write_time(unix) {
        Some(text) => s.serialize_str(&text),
        None => Err(serde::ser::Error::custom(Code::Field.as_str())),
    }
}

impl Serialize for Second {
    fn serialize<S: Serializer>(&self, s: S) -> core::result::Result<S::Ok, S::Error> {
        serialize_time(self.0, s)
    }
}

impl<'de> Deserialize<'de> for Second {
    fn deserialize<D: Deserializer<'de>>(d: D) -> core::result::Result<Self, D::Error> {
        read_time(&String::deserialize(d)?).map(Self).map_err(D::Error::custom)
    }
}

impl Serialize for Hour {
    fn serialize<S: Serializer>(&self, s: S) -> core::result::Result<S::Ok, S::Error> {
        serialize_time(self.0, s)
    }
}

impl<'de> Deserialize<'de> for Hour {
    fn deserialize<D: Deserializer<'de>>(d: D) -> core::result::Result<Self, D::Error> {
        let unix = read_time(&String::deserialize(d)?).map_err(D::Error::custom)?;
        if unix % 3600 == 0 { Ok(Self(unix)) } else { Err(D::Error::custom(Code::Field.as_str())) }
    }
}
