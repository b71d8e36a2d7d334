//! A statement as a JSON object inside another one: submissions, later writes, sealed replies.
//!
//! The object's compact form is the statement's one form; only spaces and the order of fields around it are free, since
//! the outer JSON is read as values. What is read here comes out of [`Statement::to_bytes`] as it was signed.
//! Source: `docs/protocol.md`, "JSON inside sealed things".

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Statement, Wire, WireSignature};
use crate::codec::b64;
use crate::json;

impl Serialize for Statement {
    fn serialize<S: Serializer>(&self, s: S) -> core::result::Result<S::Ok, S::Error> {
        let signatures =
            self.signatures.iter().map(|(id, sig)| WireSignature { keyid: hex::encode(id), sig: b64(sig) }).collect();
        let wire = Wire { payload: b64(&self.payload), payload_type: self.verb.payload_type(), signatures };
        wire.serialize(s)
    }
}

impl<'de> Deserialize<'de> for Statement {
    fn deserialize<D: Deserializer<'de>>(d: D) -> core::result::Result<Self, D::Error> {
        let compact = json::to_vec(&Wire::deserialize(d)?).map_err(D::Error::custom)?;
        Self::parse(&compact).map_err(D::Error::custom)
    }
}
