//! Strict JSON: no repeated field (after unescaping), integers 0 to 2^53 - 1 only, at most eight levels, nothing behind.
//!
//! Two parsers that read one text differently are an attack, so everything that anybody signs or seals is read here.
//! Source: RFC 8259, the limits of I-JSON (RFC 7493, sections 2.2 and 2.3), `docs/protocol.md`, "Building blocks".
//! Not covered: a canonical order or spacing of fields; what is signed is signed as the bytes that it is.

use serde::Serialize;
use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use crate::error::{Code, Result, need};

/// Levels of nesting: what the deepest message needs, with two to spare.
const MAX_DEPTH: usize = 8;
/// Integers that every JSON implementation keeps exactly.
const MAX_INTEGER: u64 = (1 << 53) - 1;

struct At(usize);

impl<'de> DeserializeSeed<'de> for At {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, d: D) -> core::result::Result<Value, D::Error> {
        d.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for At {
    type Value = Value;

    fn expecting(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("strict JSON")
    }

    fn visit_unit<E>(self) -> core::result::Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, b: bool) -> core::result::Result<Value, E> {
        Ok(b.into())
    }

    fn visit_str<E>(self, s: &str) -> core::result::Result<Value, E> {
        Ok(s.into())
    }

    fn visit_u64<E: serde::de::Error>(self, n: u64) -> core::result::Result<Value, E> {
        if n <= MAX_INTEGER { Ok(n.into()) } else { Err(E::custom(Code::Integer.as_str())) }
    }

    fn visit_i64<E: serde::de::Error>(self, _: i64) -> core::result::Result<Value, E> {
        Err(E::custom(Code::Integer.as_str()))
    }

    fn visit_f64<E: serde::de::Error>(self, _: f64) -> core::result::Result<Value, E> {
        Err(E::custom(Code::Integer.as_str()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut a: A) -> core::result::Result<Value, A::Error> {
        if self.0 > MAX_DEPTH {
            return Err(A::Error::custom(Code::Depth.as_str()));
        }
        let mut list = Vec::new();
        while let Some(x) = a.next_element_seed(At(self.0 + 1))? {
            list.push(x);
        }
        Ok(list.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut a: A) -> core::result::Result<Value, A::Error> {
        if self.0 > MAX_DEPTH {
            return Err(A::Error::custom(Code::Depth.as_str()));
        }
        let mut map = Map::new();
        while let Some(k) = a.next_key::<String>()? {
            if map.contains_key(&k) {
                return Err(A::Error::custom(Code::RepeatedField.as_str()));
            }
            let v = a.next_value_seed(At(self.0 + 1))?;
            map.insert(k, v);
        }
        Ok(map.into())
    }
}

/// Reads one value. Errors: `utf-8`, `json`, `integer`, `depth`, `repeated-field`, `trailing`.
pub fn parse(bytes: &[u8]) -> Result<Value> {
    let text = core::str::from_utf8(bytes).map_err(|_| Code::Utf8)?;
    let mut d = serde_json::Deserializer::from_str(text);
    let value = At(1).deserialize(&mut d).map_err(|e| {
        let e = e.to_string();
        let known = [Code::Integer, Code::Depth, Code::RepeatedField];
        // serde_json's own words for a number of more digits than a float has room for
        let huge = e.starts_with("number out of range").then_some(Code::Integer);
        known.into_iter().find(|c| e.starts_with(c.as_str())).or(huge).unwrap_or(Code::Json)
    })?;
    d.end().map_err(|_| Code::Trailing)?;
    Ok(value)
}

/// A type that JSON is read into: with `#[serde(deny_unknown_fields)]`, and written in the one form that is read.
pub trait Schema: Serialize + DeserializeOwned {}

impl<T: Serialize + DeserializeOwned> Schema for T {}

/// Reads a value of a schema. Errors: those of [`parse`],
/// `unknown-field`, `missing-field`, `field`.
pub fn from_slice<T: Schema>(bytes: &[u8]) -> Result<T> {
    from_value(&parse(bytes)?)
}

/// As [`from_slice`], from a value that [`parse`] returned.
///
/// What does not come out again as it went in was another way to write the same thing, and is `field`. Serde takes an
/// object as a list of its fields' values too, a name as `{"name":null}`, and `null` for a field that is left out.
pub fn from_value<T: Schema>(value: &Value) -> Result<T> {
    let read = T::deserialize(value).map_err(|e| {
        let e = e.to_string();
        match () {
            () if e.starts_with("unknown field") => Code::UnknownField,
            () if e.starts_with("missing field") => Code::MissingField,
            () => Code::Field,
        }
    })?;
    let again = serde_json::to_value(&read).map_err(|_| Code::Field)?;
    need(again == *value, Code::Field)?;
    Ok(read)
}

/// Writes a value of a schema without spaces, fields in the order of the type. Error: `json` (a type that JSON
/// can't hold).
pub fn to_vec<T: Serialize>(value: &T) -> Result<Vec<u8>> {
    serde_json::to_vec(value).map_err(|_| Code::Json.into())
}
