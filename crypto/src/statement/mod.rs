//! Statements: whatever anybody signs is a DSSE envelope (secure-systems-lab, PAE, Ed25519) in one canonical form.
//!
//! ```text
//! {"payload":"…","payloadType":"application/vnd.tabir.<verb>+json","signatures":[{"keyid":"…","sig":"…"}]}
//! PAE = "DSSEv1 " ‖ len(type) ‖ " " ‖ type ‖ " " ‖ len(payload) ‖ " " ‖ payload      (lengths in decimal ASCII)
//! ```
//! No spaces, standard base64 with padding, `keyid` = hex SHA-256 of the Ed25519 public key, signatures in rising
//! order of it and none twice; at most 65,535 bytes. The payload is strict JSON of its verb's schema ([`body`]),
//! signed as it is. Not covered: who must sign a verb; that is [`crate::trust`].

pub mod body;
mod embedded;
pub mod value;
pub mod verb;

use serde::{Deserialize, Serialize};

pub use body::Body;
pub use verb::Verb;

use crate::codec::{B32, b64, fixed, sha256, unb64, unhex};
use crate::ed25519::{Signature, SigningKey, VerifyingKey};
use crate::error::{Code, Result, need};
use crate::json;

/// The longest statement and log leaf: C2SP entry bundles have a 16-bit length.
pub const MAX_STATEMENT: usize = 65_535;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    payload: String,
    #[serde(rename = "payloadType")]
    payload_type: String,
    signatures: Vec<WireSignature>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireSignature {
    keyid: String,
    sig: String,
}

/// A statement whose form is right and whose signatures nobody has looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    verb: Verb,
    payload: Vec<u8>,
    signatures: Vec<(B32, Signature)>,
}

/// A statement of which every signature verified, with who signed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// What kind of statement.
    pub verb: Verb,
    /// What it says.
    pub body: Body,
    /// Key ids of all signers, rising.
    pub signers: Vec<B32>,
}

/// DSSE's pre-authentication encoding: what is signed.
#[must_use]
pub fn pae(verb: Verb, payload: &[u8]) -> Vec<u8> {
    let kind = verb.payload_type();
    let mut out = format!("DSSEv1 {} {kind} {} ", kind.len(), payload.len()).into_bytes();
    out.extend_from_slice(payload);
    out
}

impl Statement {
    /// Makes a statement without signatures, from a payload type's JSON. Error: `json`.
    pub fn new<T: Serialize>(verb: Verb, body: &T) -> Result<Self> {
        Self::from_payload(verb, json::to_vec(body)?)
    }

    /// Makes a statement without signatures from payload bytes as they are. Errors: those of [`Body::parse`].
    pub fn from_payload(verb: Verb, payload: Vec<u8>) -> Result<Self> {
        Body::parse(verb, &payload)?;
        Ok(Self { verb, payload, signatures: Vec::new() })
    }

    /// Makes and signs in one go.
    pub fn signed<T: Serialize>(verb: Verb, body: &T, key: &SigningKey) -> Result<Self> {
        let mut statement = Self::new(verb, body)?;
        statement.sign(key);
        Ok(statement)
    }

    /// Adds a signature; a key's second one takes the place of its first.
    pub fn sign(&mut self, key: &SigningKey) {
        let signature = key.sign(&self.pae());
        self.insert(key.verifying_key().key_id(), signature);
    }

    /// Takes over the signatures of another copy of the same statement. Error: `context` when it is another one.
    pub fn merge(&mut self, other: &Self) -> Result<()> {
        need(self.pae() == other.pae(), Code::Context)?;
        for (id, signature) in &other.signatures {
            if !self.signatures.iter().any(|(have, _)| have == id) {
                self.insert(*id, *signature);
            }
        }
        Ok(())
    }

    fn insert(&mut self, id: B32, signature: Signature) {
        self.signatures.retain(|(have, _)| *have != id);
        self.signatures.push((id, signature));
        self.signatures.sort_unstable_by_key(|(id, _)| *id);
    }

    /// Reads the one canonical form; signatures are not checked. Errors: `too-long`, those of [`json::parse`],
    /// `unknown-field`, `missing-field`, `field`, `signatures`, `base64`, `verb`, `hex`, `signature-order`, `non-canonical`.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        Self::parse_any(bytes, true)
    }

    /// As [`Statement::parse`], but takes one that nobody has signed yet: a proposal.
    pub fn parse_proposal(bytes: &[u8]) -> Result<Self> {
        Self::parse_any(bytes, false)
    }

    fn parse_any(bytes: &[u8], must_be_signed: bool) -> Result<Self> {
        need(bytes.len() <= MAX_STATEMENT, Code::TooLong)?;
        let wire: Wire = json::from_slice(bytes)?;
        need(!wire.signatures.is_empty() || !must_be_signed, Code::Signatures)?;
        let payload = unb64(&wire.payload)?;
        let verb = Verb::from_payload_type(&wire.payload_type).ok_or(Code::Verb)?;
        let read = |s: &WireSignature| -> Result<(B32, Signature)> {
            let id = unhex(&s.keyid).map_err(|_| Code::SignatureOrder)?;
            Ok((id, fixed(&unb64(&s.sig)?)?))
        };
        let signatures = wire.signatures.iter().map(read).collect::<Result<Vec<_>>>()?;
        let rising = signatures.iter().zip(signatures.iter().skip(1)).all(|((a, _), (b, _))| a < b);
        need(rising, Code::SignatureOrder)?;
        let statement = Self { verb, payload, signatures };
        need(statement.to_bytes() == bytes, Code::NonCanonical)?;
        Ok(statement)
    }

    /// The one canonical form: what travels, what is logged.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let signature =
            |(id, sig): &(B32, Signature)| format!(r#"{{"keyid":"{}","sig":"{}"}}"#, hex::encode(id), b64(sig));
        let signatures: Vec<String> = self.signatures.iter().map(signature).collect();
        let (payload, kind) = (b64(&self.payload), self.verb.payload_type());
        format!(r#"{{"payload":"{payload}","payloadType":"{kind}","signatures":[{}]}}"#, signatures.join(","))
            .into_bytes()
    }

    /// Checks every signature against the keys known for this statement, then the payload. Errors: `unknown-key`,
    /// those of [`VerifyingKey::verify`], those of [`Body::parse`].
    pub fn verify(&self, keys: &[VerifyingKey]) -> Result<Verified> {
        need(!self.signatures.is_empty(), Code::Signatures)?;
        let message = self.pae();
        for (id, signature) in &self.signatures {
            let key = keys.iter().find(|k| k.key_id() == *id).ok_or(Code::UnknownKey)?;
            key.verify(&message, signature)?;
        }
        Ok(Verified { verb: self.verb, body: self.body()?, signers: self.signers() })
    }

    /// The same statement with the signatures of these keys alone, right or wrong.
    #[must_use]
    pub fn only_by(&self, keys: &[VerifyingKey]) -> Self {
        let by = |id: &B32| keys.iter().any(|k| k.key_id() == *id);
        let signatures = self.signatures.iter().filter(|(id, _)| by(id)).copied().collect();
        Self { verb: self.verb, payload: self.payload.clone(), signatures }
    }

    /// The payload read by its schema, signatures aside: to find out whose keys to ask for.
    pub fn body(&self) -> Result<Body> {
        Body::parse(self.verb, &self.payload)
    }

    /// What kind of statement.
    #[must_use]
    pub const fn verb(&self) -> Verb {
        self.verb
    }

    /// The payload as it was signed.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// What is signed.
    #[must_use]
    pub fn pae(&self) -> Vec<u8> {
        pae(self.verb, &self.payload)
    }

    /// SHA-256 of what is signed: the name of a proposal, and what the log refuses to take twice.
    #[must_use]
    pub fn pae_hash(&self) -> B32 {
        sha256(&self.pae())
    }

    /// Key ids that stand beside the signatures, rising.
    #[must_use]
    pub fn signers(&self) -> Vec<B32> {
        self.signatures.iter().map(|(id, _)| *id).collect()
    }

    /// RFC 6962 leaf hash of the canonical form: SHA-256(0x00 ‖ leaf).
    #[must_use]
    pub fn entry_hash(&self) -> B32 {
        entry_hash(&self.to_bytes())
    }
}

/// RFC 6962 leaf hash, SHA-256(0x00 ‖ leaf).
#[must_use]
pub fn entry_hash(leaf: &[u8]) -> B32 {
    crate::log::leaf_hash(leaf)
}
