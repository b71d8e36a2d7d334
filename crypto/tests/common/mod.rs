//! Vectors as data, and random sources that hand out what a test gives them.
#![allow(dead_code)] // each test file takes what it needs

use core::convert::Infallible;
use core::fmt::Debug;

use rand_core::{TryCryptoRng, TryRng};
use serde_json::Value;
use sha2::{Digest, Sha256};
use tabir_crypto::statement::value::Hex;
use tabir_crypto::{B32, Code, Result, SecretBytes};

/// A file of `tests/vectors`.
pub fn load(name: &str) -> Value {
    let path = format!("{}/tests/vectors/{name}", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// One JSON object of a vectors file.
#[derive(Clone, Debug)]
pub struct Node(pub Value);

impl Node {
    pub fn get(&self, key: &str) -> &Value {
        self.0.get(key).unwrap_or_else(|| panic!("the vector has no {key}"))
    }

    pub fn text(&self, key: &str) -> &str {
        self.get(key).as_str().unwrap()
    }

    pub fn number(&self, key: &str) -> u64 {
        self.get(key).as_u64().unwrap()
    }

    pub fn bytes(&self, key: &str) -> Vec<u8> {
        hex::decode(self.text(key)).unwrap()
    }

    pub fn fixed<const N: usize>(&self, key: &str) -> [u8; N] {
        self.bytes(key).try_into().unwrap()
    }

    pub fn b32(&self, key: &str) -> B32 {
        self.fixed(key)
    }

    pub fn hex32(&self, key: &str) -> Hex<32> {
        Hex(self.b32(key))
    }

    pub fn secret<const N: usize>(&self, key: &str) -> SecretBytes<N> {
        SecretBytes::new(self.fixed(key))
    }

    pub fn nodes(&self, key: &str) -> Vec<Node> {
        self.get(key).as_array().unwrap().iter().cloned().map(Node).collect()
    }

    pub fn list(&self, key: &str) -> Vec<Vec<u8>> {
        self.get(key).as_array().unwrap().iter().map(|v| hex::decode(v.as_str().unwrap()).unwrap()).collect()
    }

    /// The expected output `key` is these bytes.
    #[track_caller]
    pub fn is(&self, key: &str, got: impl AsRef<[u8]>) {
        assert_eq!(self.text(key), hex::encode(got), "{key}");
    }
}

/// Every vector of a format: what goes in, what comes out.
pub fn cases(format: &str) -> Vec<(Node, Node)> {
    let formats = Node(load("tabir-v1.json")["formats"].clone());
    let cases: Vec<_> =
        formats.nodes(format).into_iter().map(|v| (Node(v.get("in").clone()), Node(v.get("out").clone()))).collect();
    assert!(!cases.is_empty(), "{format} has no vector");
    cases
}

/// The only vector of a format.
pub fn case(format: &str) -> (Node, Node) {
    let mut cases = cases(format);
    assert_eq!(cases.len(), 1, "{format}");
    cases.remove(0)
}

/// Every hostile input of a decoder is refused with exactly its code, and where a group is given, naming just that.
#[track_caller]
pub fn refuses<T: Debug>(decoder: &str, decode: impl Fn(&Node) -> Result<T>) {
    let all = Node(load("tabir-v1.json")).nodes("reject");
    let mine: Vec<_> = all.iter().filter(|r| r.text("decoder") == decoder).collect();
    assert!(!mine.is_empty(), "{decoder} has no hostile input");
    for reject in mine {
        let input = Node(reject.get("in").clone());
        match decode(&input) {
            Ok(value) => panic!("{decoder} took {}: {value:?}", reject.text("rule")),
            Err(e) => {
                assert_eq!(e.code().as_str(), reject.text("code"), "{decoder}: {}", reject.text("rule"));
                if let Some(group) = input.0.get("group") {
                    assert_eq!(e.culprit().map(u64::from), group.as_u64(), "{decoder}: {}", reject.text("rule"));
                }
            }
        }
    }
}

/// Refused, and for this reason.
#[track_caller]
pub fn is_refused<T: Debug>(got: Result<T>, code: Code) {
    assert_eq!(got.expect_err("taken").code(), code);
}

/// Hands out the given bytes in order, and no more.
pub struct Fixed(pub Vec<u8>);

impl Fixed {
    pub fn new(bytes: impl AsRef<[u8]>) -> Self {
        Self(bytes.as_ref().to_vec())
    }
}

impl TryRng for Fixed {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> core::result::Result<u32, Infallible> {
        unreachable!("everything here draws bytes")
    }

    fn try_next_u64(&mut self) -> core::result::Result<u64, Infallible> {
        unreachable!("everything here draws bytes")
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> core::result::Result<(), Infallible> {
        out.copy_from_slice(&self.0[..out.len()]);
        self.0.drain(..out.len());
        Ok(())
    }
}

impl TryCryptoRng for Fixed {}

/// SHA-256 in counter mode over a name: another stream for each name, the same one every time.
pub struct Stream {
    name: &'static str,
    block: u64,
    left: Vec<u8>,
}

impl Stream {
    pub fn new(name: &'static str) -> Self {
        Self { name, block: 0, left: Vec::new() }
    }
}

impl TryRng for Stream {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> core::result::Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> core::result::Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> core::result::Result<(), Infallible> {
        while self.left.len() < out.len() {
            self.left.extend(Sha256::digest(format!("{} {}", self.name, self.block)));
            self.block += 1;
        }
        out.copy_from_slice(&self.left[..out.len()]);
        self.left.drain(..out.len());
        Ok(())
    }
}

impl TryCryptoRng for Stream {}
