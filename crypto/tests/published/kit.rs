//! How a file is made: recorded randomness, hex, refusals, and the comparison with what is published.

use std::convert::Infallible;

use rand_core::{Rng as _, TryCryptoRng, TryRng};
use serde_json::{Value, json};
use tabir_crypto::statement::Statement;
use tabir_crypto::{Code, Error, Result};

use crate::council::{Seeded, seeded};

/// Compares with the published file, or writes it.
pub fn published(name: &str, made: &Value) {
    let path = format!("{}/tests/vectors/{name}", env!("CARGO_MANIFEST_DIR"));
    let text = format!("{}\n", shown(made, 0));
    if std::env::var("TABIR_VECTORS").is_ok_and(|v| v == "write") {
        std::fs::write(&path, text).unwrap();
        return;
    }
    let there = std::fs::read_to_string(&path).unwrap_or_default();
    let first = there.lines().zip(text.lines()).position(|(a, b)| a != b);
    let differs = format!("{name} differs from line {:?}; TABIR_VECTORS=write writes it anew", first.map(|n| n + 1));
    assert!(there == text, "{differs}");
}

/// Three levels of JSON on lines of their own, what is deeper on one line: a change of one vector is a change of one line.
fn shown(value: &Value, level: usize) -> String {
    let pad = " ".repeat(level + 1);
    let items: Vec<String> = match value {
        Value::Object(map) if level < 3 => {
            map.iter().map(|(k, v)| format!("{pad}{}: {}", json!(k), shown(v, level + 1))).collect()
        }
        Value::Array(list) if level < 3 => list.iter().map(|v| format!("{pad}{}", shown(v, level + 1))).collect(),
        _ => return value.to_string(),
    };
    let (open, close) = if value.is_object() { ('{', '}') } else { ('[', ']') };
    format!("{open}\n{}\n{}{close}", items.join(",\n"), &pad[1..])
}

/// A random source that says the same each time, and remembers what it said: another client draws the same.
pub struct Recorder {
    source: Seeded,
    drawn: Vec<u8>,
}

impl Recorder {
    pub const fn new(seed: u64) -> Self {
        Self { source: seeded(seed), drawn: Vec::new() }
    }

    /// What was drawn since the last call.
    pub fn drawn(&mut self) -> String {
        hex::encode(std::mem::take(&mut self.drawn))
    }

    pub fn array<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.fill_bytes(&mut bytes);
        bytes
    }
}

impl TryRng for Recorder {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> std::result::Result<u32, Infallible> {
        Ok(u32::from_le_bytes(self.array()))
    }

    fn try_next_u64(&mut self) -> std::result::Result<u64, Infallible> {
        Ok(u64::from_le_bytes(self.array()))
    }

    fn try_fill_bytes(&mut self, to: &mut [u8]) -> std::result::Result<(), Infallible> {
        self.source.fill_bytes(to);
        self.drawn.extend_from_slice(to);
        Ok(())
    }
}

impl TryCryptoRng for Recorder {}

pub fn h(bytes: impl AsRef<[u8]>) -> Value {
    hex::encode(bytes).into()
}

/// A statement, or other bytes that are text.
pub fn text(bytes: impl AsRef<[u8]>) -> Value {
    std::str::from_utf8(bytes.as_ref()).unwrap().into()
}

pub fn statement(s: &Statement) -> Value {
    text(s.to_bytes())
}

/// The error of something that must be refused.
#[track_caller]
pub fn refusal<T>(got: Result<T>) -> Error {
    match got {
        Ok(_) => panic!("taken"),
        Err(e) => e,
    }
}

/// A hostile input: by what it is refused, why, what goes in, and what the refusal says.
#[track_caller]
pub fn reject<T>(decoder: &str, rule: &str, input: Value, got: Result<T>) -> Value {
    let error = refusal(got);
    let mut reject = json!({"decoder": decoder, "rule": rule, "in": input, "code": error.code().as_str()});
    if let Some(at) = error.culprit() {
        reject["at"] = at.into();
    }
    reject
}

/// As [`reject`], where the code is known beforehand.
#[track_caller]
pub fn reject_as<T>(code: Code, decoder: &str, rule: &str, input: Value, got: Result<T>) -> Value {
    let reject = reject(decoder, rule, input, got);
    assert_eq!(reject["code"], code.as_str(), "{rule}");
    reject
}

/// The bytes with one bit changed.
pub fn flipped(bytes: &[u8], at: usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[at] ^= 1;
    bytes
}

/// Several lists as one.
pub fn all(lists: &[Vec<Value>]) -> Value {
    lists.concat().into()
}
