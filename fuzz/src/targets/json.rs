//! Strict JSON, against serde_json's own reading.

use serde_json::Value;
use tabir_crypto::{Code, json};

use super::{hostile, vectors};

/// Levels of lists and objects.
fn depth(value: &Value) -> usize {
    match value {
        Value::Array(list) => 1 + list.iter().map(depth).max().unwrap_or(0),
        Value::Object(map) => 1 + map.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

fn integers(value: &Value) -> bool {
    match value {
        Value::Array(list) => list.iter().all(integers),
        Value::Object(map) => map.values().all(integers),
        Value::Number(n) => n.as_u64().is_some_and(|n| n < 1 << 53),
        _ => true,
    }
}

/// For a schema: what was read is written as it stood, but for spaces and the order of fields; and that is read again.
pub fn one_form<T: json::Schema>(data: &[u8]) -> Option<T> {
    let read: T = json::from_slice(data).ok()?;
    let again = json::to_vec(&read).unwrap();
    assert_eq!(json::parse(&again).unwrap(), json::parse(data).unwrap(), "two ways to write one thing");
    let second: T = json::from_slice(&again).unwrap();
    assert_eq!(json::to_vec(&second).unwrap(), again);
    Some(read)
}

pub mod strict_json {
    use super::*;

    pub fn run(data: &[u8]) -> bool {
        let lenient = serde_json::from_slice::<Value>(data);
        match json::parse(data) {
            Ok(value) => {
                assert_eq!(lenient.unwrap(), value);
                assert!(depth(&value) <= 8 && integers(&value));
                assert_eq!(json::parse(&json::to_vec(&value).unwrap()).unwrap(), value);
                true
            }
            Err(e) => {
                // What is JSON is refused for a rule of ours alone.
                let ours = [Code::Integer, Code::Depth, Code::RepeatedField].contains(&e.code());
                assert!(lenient.is_err() || ours, "{e}");
                false
            }
        }
    }

    pub fn seeds() -> Vec<Vec<u8>> {
        let good = vectors()["formats"]["strict_json"].as_array().unwrap().iter();
        let mut seeds: Vec<_> = good.map(|v| super::super::text(&v["in"]["json"])).collect();
        seeds.extend(hostile("json", "text").into_iter().map(|t| hex::decode(t).unwrap()));
        seeds
    }
}
