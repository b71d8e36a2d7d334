//! What a submission commits to, later writes, and the tag that makes a retry of any of them safe.
//!
//! ```text
//! POST /v1/reports   {v, case_id, access_hash, case_vk, intake_key_id, content, envelope, mailbox_pk, r, nf,
//!                     notice_key, statement: case.submit}
//! body_hash          T("tabir/v1/submission"; case_id, content_hash, envelope_hash, mailbox_pk, a, b, nf, notice_hash)
//!
//! POST /v1/case/…    {v, intake_key_id, seq, payload, statement}     the first two absent for rating and erase
//! body_hash          SHA-256(payload bytes)
//!
//! body_tag           HMAC-SHA256(key, method ‖ path ‖ type ‖ SHA-256(body)), each with its u32 length before it
//! key                HKDF-SHA256(authenticator, no salt, info "tabir/v1/body", 32)
//! ```
//! Whether a counter rises is for the store to say. Source: `docs/protocol.md`, "Submission", "Spent token row".

use core::fmt;

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use crate::codec::{B32, Transcript, sha256};
use crate::content::{Rating, check_sealed_message, content_hash};
use crate::ed25519::VerifyingKey;
use crate::error::{Code, Result, need};
use crate::hpke::KemPublicKey;
use crate::json;
use crate::receipt::{accept, accept_body, case_id, notice_hash};
use crate::secret::SecretBytes;
use crate::statement::body::{Body, CaseWrite};
use crate::statement::value::{Bytes, Hex, Hex32, Hour, V1};
use crate::statement::{Statement, Verb};

/// What the statement of a submission commits to. The gateway works it out from a [`Submission`], the forwarder from
/// its lease, and both [`verify`](Self::verify) it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // `docs/protocol.md` has the formula of each
pub struct Commitment {
    pub case_id: B32,
    pub content_hash: B32,
    pub envelope_hash: B32,
    pub mailbox_pk: KemPublicKey,
    pub a: B32,
    pub b: B32,
    pub nf: B32,
    pub notice_hash: B32,
}

impl Commitment {
    /// The hash that `case.submit` signs.
    #[must_use]
    pub fn body_hash(&self) -> B32 {
        Transcript::new("tabir/v1/submission")
            .puts(&[
                ("case_id", &self.case_id),
                ("content_hash", &self.content_hash),
                ("envelope_hash", &self.envelope_hash),
                ("mailbox_pk", self.mailbox_pk.as_bytes()),
                ("a", &self.a),
                ("b", &self.b),
                ("nf", &self.nf),
                ("notice_hash", &self.notice_hash),
            ])
            .hash()
    }

    /// The body of `case.submit`, to be signed by the case key.
    #[must_use]
    pub fn to_sign(&self, at: Hour) -> CaseWrite {
        CaseWrite { v: V1, at, case_id: Hex(self.case_id), counter: 0, body_hash: Hex(self.body_hash()) }
    }

    /// Checks that the case key belongs to the case and signed exactly this. Errors: `case-key`, `verb`, `context`
    /// (another case, counter or body), those of [`Statement::verify`].
    pub fn verify(&self, access_hash: &B32, case_vk: &VerifyingKey, statement: &Statement) -> Result<()> {
        need(case_id(access_hash, case_vk) == self.case_id, Code::CaseKey)?;
        let write = verify_write(Verb::CaseSubmit, &self.case_id, case_vk, statement, &self.body_hash())?;
        need(write.counter == 0, Code::Context)
    }
}

/// The body of `POST /v1/reports`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Submission {
    /// Version 1.
    pub v: V1,
    /// The case.
    pub case_id: Hex32,
    /// SHA-256 of the access key.
    pub access_hash: Hex32,
    /// The case key's public half.
    pub case_vk: Hex32,
    /// Which intake key the content is sealed to.
    pub intake_key_id: Hex32,
    /// The sealed content.
    pub content: Bytes,
    /// The sealed identity, or one of the same size that holds none.
    pub envelope: Bytes,
    /// Messages to the reporter are sealed to it.
    pub mailbox_pk: KemPublicKey,
    /// Blinds `a` and `b`; the gateway forgets it.
    #[serde(with = "crate::secret::as_hex")]
    #[cfg_attr(feature = "openapi", schema(value_type = Hex32))]
    pub r: SecretBytes<32>,
    /// Stands in the log when the report was forwarded.
    pub nf: Hex32,
    /// The gateway hands it to officials who ask for an opening.
    #[serde(with = "crate::secret::as_hex")]
    #[cfg_attr(feature = "openapi", schema(value_type = Hex32))]
    pub notice_key: SecretBytes<32>,
    /// `case.submit` by the case key.
    pub statement: Statement,
}

impl fmt::Debug for Submission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Submission <redacted>")
    }
}

impl Submission {
    /// What this commits to. Error: `size`, for a content of a length that no sealed content has.
    pub fn commitment(&self) -> Result<Commitment> {
        let (content_hash, envelope_hash) = (content_hash(&self.content.0)?, sha256(&self.envelope.0));
        Ok(Commitment {
            case_id: self.case_id.0,
            content_hash,
            envelope_hash,
            mailbox_pk: self.mailbox_pk.clone(),
            a: accept(self.r.expose(), &self.nf.0),
            b: accept_body(self.r.expose(), &content_hash, &envelope_hash),
            nf: self.nf.0,
            notice_hash: notice_hash(self.notice_key.expose()),
        })
    }

    /// Checks all that can be checked without opening anything, except the envelope's header, which is
    /// [`crate::envelope`]'s. Errors: `size`, those of [`VerifyingKey::from_bytes`] and [`Commitment::verify`].
    pub fn verify(&self) -> Result<Commitment> {
        let commitment = self.commitment()?;
        let case_vk = VerifyingKey::from_bytes(&self.case_vk.0)?;
        commitment.verify(&self.access_hash.0, &case_vk, &self.statement)?;
        Ok(commitment)
    }
}

/// The body of a later write: `POST /v1/case/messages`, `rating`, `dispute` and `erase`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CaseWriteBody {
    /// Version 1.
    pub v: V1,
    /// Which intake key the payload is sealed to; absent for rating and erase.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intake_key_id: Option<Hex32>,
    /// The message's number; absent for rating and erase.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
    /// Sealed message or dispute, a rating's JSON, or nothing (erase). Always base64url, however short.
    #[serde(with = "base64url")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, pattern = "^[A-Za-z0-9_-]*$"))]
    pub payload: Vec<u8>,
    /// By the case key, with a rising counter.
    pub statement: Statement,
}

impl fmt::Debug for CaseWriteBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CaseWriteBody <redacted>")
    }
}

impl CaseWriteBody {
    /// Checks form and signature of a write of this verb. Errors: `field` (a field that this verb does not have, or
    /// lacks), `size`, those of a [`Rating`]'s JSON, `verb`, `context`, those of [`Statement::verify`].
    pub fn verify(&self, verb: Verb, case_id: &B32, case_vk: &VerifyingKey) -> Result<CaseWrite> {
        let sealed = match verb {
            Verb::CaseMessage | Verb::CaseDispute => {
                check_sealed_message(&self.payload)?;
                true
            }
            Verb::CaseRate => {
                json::from_slice::<Rating>(&self.payload)?;
                false
            }
            Verb::CaseErase => {
                need(self.payload.is_empty(), Code::Size)?;
                false
            }
            _ => return Err(Code::Verb.into()),
        };
        need(self.intake_key_id.is_some() == sealed && self.seq.is_some() == sealed, Code::Field)?;
        verify_write(verb, case_id, case_vk, &self.statement, &sha256(&self.payload))
    }
}

fn verify_write(
    verb: Verb,
    case_id: &B32,
    case_vk: &VerifyingKey,
    statement: &Statement,
    body_hash: &B32,
) -> Result<CaseWrite> {
    need(statement.verb() == verb, Code::Verb)?;
    match statement.verify(&[*case_vk])?.body {
        Body::CaseWrite(write) => {
            need(write.case_id.0 == *case_id && write.body_hash.0 == *body_hash, Code::Context)?;
            Ok(write)
        }
        _ => Err(Code::Verb.into()),
    }
}

mod base64url {
    use serde::de::Error as _;
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::codec::{b64url, unb64url};

    pub fn serialize<S: Serializer>(bytes: &[u8], s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&b64url(bytes))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<u8>, D::Error> {
        unb64url(&String::deserialize(d)?).map_err(D::Error::custom)
    }
}

/// Ties a spent token to one request: a repeat has the same tag. Without the authenticator, which nobody stores, nobody
/// can test which body a token paid for. `path` is without query, `media_type` without parameters.
#[must_use]
#[allow(clippy::cast_possible_truncation)] // methods, paths and media types are far below 4 GiB
pub fn body_tag(authenticator: &[u8], method: &str, path: &str, media_type: &str, body: &[u8]) -> B32 {
    let key = SecretBytes::hkdf(b"", authenticator, "tabir/v1/body");
    // HMAC fills a key shorter than its block with zeros.
    let block = SecretBytes::<64>::fill_with(|block| {
        block.iter_mut().zip(key.expose()).for_each(|(to, from)| *to = *from);
    });
    let mut mac = Hmac::<Sha256>::new(block.expose().into());
    for part in [method.as_bytes(), path.as_bytes(), media_type.as_bytes(), &sha256(body)] {
        mac.update(&(part.len() as u32).to_be_bytes());
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}
