//! Payloads of the steps of an opening, in their order. Source: `docs/protocol.md`, "Unseal entries", "Opening".

use serde::{Deserialize, Serialize};

use crate::statement::value::{Bytes, CodeText, Hex, Hex32, Hour, Second, V1};

/// An official asks for an opening. `nonce` is absent exactly under a deferral.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct UnsealRequested {
    pub v: V1,
    pub at: Hour,
    pub request_id: Hex<16>,
    pub council_id: Hex32,
    /// Index of the official who asks.
    pub requester: u16,
    pub legal_basis: CodeText,
    pub reason: CodeText,
    /// SHA-256("tabir/v1/request" ‖ salt ‖ full text).
    pub commit: Hex32,
    /// SHA-256("tabir/v1/notice" ‖ notice_key ‖ nonce).
    pub tag: Hex32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<Hex32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deferred_until: Option<Second>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deferral: Option<CodeText>,
}

/// An official agrees. Repeats `deferred_until` of a deferred request: it is the signature for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct UnsealApproved {
    pub v: V1,
    pub at: Hour,
    pub request_hash: Hex32,
    pub council_id: Hex32,
    pub index: u16,
    pub reason: CodeText,
    /// Fresh X-Wing public key, 1,216 bytes, for what is sealed to this approver.
    pub kem_pk: Bytes,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deferred_until: Option<Second>,
}

/// An official says no (`unseal.refused`), or the requester takes it back (`unseal.withdrawn`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct UnsealRefused {
    pub v: V1,
    pub at: Hour,
    pub request_hash: Hex32,
    pub council_id: Hex32,
    pub index: u16,
    pub reason: CodeText,
}

/// A hash for one member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct IndexedHash {
    pub index: u16,
    pub hash: Hex32,
}

/// The warden opened the outer layer. Nothing is handed out before this is in a witnessed checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct UnsealReleased {
    pub v: V1,
    pub at: Hour,
    pub request_hash: Hex32,
    /// A kept checkpoint that covers the request and the named approvals.
    pub tree_size: u64,
    pub checkpoint_hash: Hex32,
    /// SHA-256(salt 32 ‖ inner_hash), the warden's salt.
    pub inner_commit: Hex32,
    /// The approvers, in rising order, each with the SHA-256 of what is sealed to him.
    pub handouts: Vec<IndexedHash>,
}

/// `unseal.declined` and `unseal.failed`: a code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct UnsealCode {
    pub v: V1,
    pub at: Hour,
    pub request_hash: Hex32,
    pub code: CodeText,
}

/// An approver sent his partial to every approver.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct UnsealPartial {
    pub v: V1,
    pub at: Hour,
    pub request_hash: Hex32,
    pub index: u16,
    /// By recipient, in rising order.
    pub partials: Vec<IndexedHash>,
}

/// The approvers opened it; each of them signs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct UnsealOpened {
    pub v: V1,
    pub at: Hour,
    pub request_hash: Hex32,
    /// SHA-256(salt 32 ‖ record 1,024), the salt exported from the inner HPKE context.
    pub record_commit: Hex32,
}

/// The warden publishes a deferred nonce.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct UnsealNotice {
    pub v: V1,
    pub at: Hour,
    pub request_hash: Hex32,
    pub nonce: Hex32,
}
