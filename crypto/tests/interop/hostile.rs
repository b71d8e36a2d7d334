//! Hostile copies of good bytes, and what one side says of each; the other must say the same.

use rand_core::Rng as _;
use serde_json::{Value, json};
use tabir_crypto::statement::{Body, Verb};

use crate::case::{Case, Decoder, says};
use crate::council::{Seeded, vectors};
use crate::make::below;

/// `remove` bytes at `offset` give way to `insert`.
struct Edit {
    offset: usize,
    remove: usize,
    insert: Vec<u8>,
}

impl Edit {
    fn put(offset: usize, insert: &[u8]) -> Self {
        Self { offset, remove: insert.len(), insert: insert.to_vec() }
    }

    fn apply(&self, bytes: &[u8]) -> Vec<u8> {
        let end = (self.offset + self.remove).min(bytes.len());
        [&bytes[..self.offset], &self.insert, &bytes[end..]].concat()
    }
}

/// Every hostile encoding of 32 bytes that the vectors have for these decoders.
fn encodings(decoder: &str, field: &str) -> Vec<Vec<u8>> {
    let all = vectors();
    let of = all["reject"].as_array().unwrap().iter().filter(|r| r["decoder"] == decoder);
    of.map(|r| hex::decode(r["in"][field].as_str().unwrap()).unwrap()).filter(|b| b.len() == 32).collect()
}

/// Where points and scalars stand in what has them.
fn points(name: &str) -> &'static [usize] {
    match name {
        "inner" => &[0, 64],
        "partial" => &[99],
        _ => &[],
    }
}

fn scalars(name: &str) -> &'static [usize] {
    match name {
        "inner" => &[96, 128],
        "partial" => &[131, 163],
        "share" => &[2],
        _ => &[],
    }
}

fn edits(name: &str, good: &[u8], rng: &mut Seeded) -> Vec<Edit> {
    let mut all: Vec<Edit> = (0..24)
        .map(|_| {
            let offset = below(rng, good.len());
            Edit::put(offset, &[good[offset] ^ (1 << below(rng, 8))])
        })
        .collect();
    let mut random = |n: usize| (0..n).map(|_| rng.next_u64() as u8).collect::<Vec<u8>>();
    all.push(Edit { offset: good.len(), remove: 0, insert: random(1) });
    all.push(Edit { offset: good.len() - 1, remove: 1, insert: Vec::new() });
    all.push(Edit { offset: 0, remove: good.len(), insert: Vec::new() });
    let insert = random(2);
    all.push(Edit { offset: below(rng, good.len() + 1), remove: 0, insert });
    all.push(Edit { offset: below(rng, good.len() + 1), remove: below(rng, 4), insert: Vec::new() });
    let hostile = [encodings("lift", "u"), encodings("point", "p")].concat();
    all.extend(points(name).iter().flat_map(|at| hostile.iter().map(|p| Edit::put(*at, p))));
    let hostile = encodings("scalar", "s");
    all.extend(scalars(name).iter().flat_map(|at| hostile.iter().map(|s| Edit::put(*at, s))));
    all
}

/// What this side says of hostile copies of everything in a case.
pub fn hostile(case: &Case<'_>, rng: &mut Seeded) -> Value {
    let mut all = Vec::new();
    for (name, Decoder { good, read }) in case.decoders() {
        for edit in edits(name, &good, rng) {
            let said = says(read(&edit.apply(&good)));
            let insert = hex::encode(&edit.insert);
            all.push(
                json!({"decoder": name, "offset": edit.offset, "remove": edit.remove, "insert": insert, "says": said}),
            );
        }
    }
    all.into()
}

/// This side says the same of each.
pub fn agrees(case: &Case<'_>, all: &Value) -> usize {
    let decoders = case.decoders();
    let all = all.as_array().unwrap();
    for v in all {
        let Decoder { good, read } = &decoders[v["decoder"].as_str().unwrap()];
        let number = |key: &str| usize::try_from(v[key].as_u64().unwrap()).unwrap();
        let insert = hex::decode(v["insert"].as_str().unwrap()).unwrap();
        let edit = Edit { offset: number("offset"), remove: number("remove"), insert };
        assert_eq!(says(read(&edit.apply(good))), v["says"], "{v}");
    }
    all.len()
}

const TOKENS: [&str; 25] = [
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "\\",
    " ",
    "\n",
    "0",
    "-0",
    "01",
    "1e5",
    "1.0",
    "9007199254740992",
    "null",
    "true",
    "\"\\u0041\"",
    "\"\\ud800\"",
    "{\"v\":1}",
    "\"at\":",
    "é",
    "\u{feff}",
    "'",
];

/// Payloads of every verb, damaged as text: what a strict parser and a schema say.
pub fn texts(rng: &mut Seeded, count: usize) -> Value {
    let file: Value = serde_json::from_str(include_str!("../vectors/statements.json")).unwrap();
    let valid = file["valid"].as_array().unwrap();
    let one = |_| {
        let v = &valid[below(rng, valid.len())];
        let mut payload = v["payload"].as_str().unwrap().as_bytes().to_vec();
        for _ in 0..=below(rng, 3) {
            let insert = match below(rng, 3) {
                0 => vec![rng.next_u64() as u8 & 0x7f],
                1 => TOKENS[below(rng, TOKENS.len())].into(),
                _ => Vec::new(),
            };
            let offset = below(rng, payload.len() + 1);
            payload = Edit { offset, remove: below(rng, 4), insert }.apply(&payload);
        }
        json!({"verb": v["verb"], "payload": hex::encode(&payload), "says": read_text(&v["verb"], &payload)})
    };
    (0..count).map(one).collect()
}

fn read_text(verb: &Value, payload: &[u8]) -> String {
    let verb = Verb::ALL.into_iter().find(|v| v.as_str() == verb).expect("a verb");
    says(Body::parse(verb, payload))
}

pub fn texts_agree(all: &Value) -> usize {
    let all = all.as_array().unwrap();
    for v in all {
        let payload = hex::decode(v["payload"].as_str().unwrap()).unwrap();
        assert_eq!(read_text(&v["verb"], &payload), v["says"], "{} {}", v["verb"], String::from_utf8_lossy(&payload));
    }
    all.len()
}
