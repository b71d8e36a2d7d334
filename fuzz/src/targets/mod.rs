//! One target a family of decoders. Each takes any bytes, and what it accepts must keep the properties that its
//! function asserts: one form, the same bytes again, limits, agreement with a second computation.
//!
//! `fuzz/src/main.rs` drives them with libFuzzer; `crypto/tests/corpus.rs` replays the kept corpus through the same
//! functions with plain cargo. Seeds come from `crypto/tests/vectors` and from the fixtures of `crypto/tests`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod beside;
mod case;
mod ceremony;
mod json;
mod log;
mod points;
mod sealed;
mod statements;
mod tokens;
mod trust;

#[path = "../../../crypto/tests/council/mod.rs"]
mod council;
#[path = "../../../crypto/tests/common/world.rs"]
mod world;

use std::sync::OnceLock;

use serde_json::Value;

/// A family of decoders.
pub struct Target {
    /// Its name, and its folder in `fuzz/corpus`.
    pub name: &'static str,
    /// Tries one input. True if something was accepted, and so had its properties checked.
    pub run: fn(&[u8]) -> bool,
    /// Inputs to begin with.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

macro_rules! targets {
    ($($module:ident: $($name:ident)*;)*) => {
        /// All of them.
        pub static ALL: &[Target] =
            &[$($(Target { name: stringify!($name), run: $module::$name::run, seeds: $module::$name::seeds }),*),*];
    };
}

targets! {
    points: point signature;
    json: strict_json;
    statements: statement body;
    log: note checkpoint tile proof witness;
    tokens: token batch header directory puzzle issuer_key;
    case: receipt content submission attachment request keyfile;
    sealed: hpke inner outer handout partial;
    ceremony: council round1 round2 dealing drill;
    trust: trust_root leaf;
    beside: backup countersigned;
}

/// The target of that name.
pub fn named(name: &str) -> Option<&'static Target> {
    ALL.iter().find(|target| target.name == name)
}

/// Tabir's own vectors.
fn vectors() -> &'static Value {
    static VECTORS: OnceLock<Value> = OnceLock::new();
    VECTORS.get_or_init(council::vectors)
}

/// The first vector of a format: what goes in, what comes out.
fn vector(format: &str) -> (&'static Value, &'static Value) {
    let first = &vectors()["formats"][format][0];
    (&first["in"], &first["out"])
}

/// The field `key` of every hostile input of a decoder, as its text.
fn hostile(decoder: &str, key: &str) -> Vec<&'static str> {
    let all = vectors()["reject"].as_array().unwrap().iter();
    all.filter(|r| r["decoder"] == decoder).filter_map(|r| r["in"][key].as_str()).collect()
}

fn text(v: &Value) -> Vec<u8> {
    v.as_str().unwrap().as_bytes().to_vec()
}

/// A first byte that says what follows.
fn kind(kind: u8, data: impl AsRef<[u8]>) -> Vec<u8> {
    [&[kind], data.as_ref()].concat()
}

/// A sound message with changes, three bytes each: where (u16, modulo the length), and what to XOR. A fuzzer does not
/// find its way through a MAC or a proof; so the question is asked the other way round: is there a change that passes?
fn edited(sound: &[u8], edits: &[u8]) -> Vec<u8> {
    let mut out = sound.to_vec();
    for edit in edits.chunks_exact(3) {
        let at = usize::from(u16::from_be_bytes([edit[0], edit[1]])) % out.len();
        out[at] ^= edit[2];
    }
    out
}

/// Seeds for [`edited`]: no change, and one at each of these places.
fn edits(places: &[u16]) -> Vec<Vec<u8>> {
    let one = |at: &u16| [at.to_be_bytes().as_slice(), &[1]].concat();
    core::iter::once(Vec::new()).chain(places.iter().map(one)).collect()
}
