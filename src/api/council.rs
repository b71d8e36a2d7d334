//! What the officials' board answers and takes. A body that is a statement alone travels as that statement.
//!
//! The board relays: it decides nothing that its callers don't check again.

use serde::{Deserialize, Serialize};
use tabir_crypto::statement::Statement;
use tabir_crypto::statement::value::{Bytes, CodeText, Hex32, V1};
use utoipa::ToSchema;

/// What stands for the warden in [`SealedTo::to`]; officials count from 1.
pub const WARDEN: u16 = 0;
/// Header of every public answer of the board: how many entries of the governance log it has read.
pub const TREE_SIZE: &str = "tabir-tree-size";
/// Rounds of a ceremony's messages: `docs/protocol.md`, "Council key ceremony".
pub mod round {
    /// Key generation: commitments and proof of knowledge, to everybody.
    pub const COMMITMENTS: u8 = 1;
    /// Key generation: a sealed share, to each other member.
    pub const SHARE: u8 = 2;
    /// What each member saw, hashed, to everybody.
    pub const TRANSCRIPT: u8 = 3;
    /// Reshare: a dealer's commitments, to everybody; `from` counts in the council before.
    pub const DEALING: u8 = 4;
    /// Reshare: a sealed dealt share, to each new member; `from` counts in the council before.
    pub const DEALT: u8 = 5;
    /// Partials for the drill of the new shares, to everybody.
    pub const DRILL: u8 = 6;
    /// The end of a ceremony that does not come to its end.
    pub const ABORT: u8 = 7;
    /// Longest words of an abort: a code and an index.
    pub const ABORT_MAX: usize = 64;
    /// Added to the index of a dealer who is no new member where he aborts.
    pub const DEALER: u16 = 100;
}

/// Body of `POST /internal/ceremonies`, and answer of `GET /council/ceremonies/{ceremony_id}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Admit {
    pub v: V1,
    /// Payload of the `council.manifest`, as its members sign it: its SHA-256 is the ceremony's id.
    pub manifest: Bytes,
}

/// Answer of `GET /council/messages?ceremony=<id>`: those to everybody and those to the caller.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Messages {
    pub v: V1,
    /// `council.message`, each by its sender, by round, sender and recipient.
    pub messages: Vec<Statement>,
}

/// Something sealed, to an official, or to the warden as [`WARDEN`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct SealedTo {
    pub to: u16,
    pub sealed: Bytes,
}

/// Body of `POST /council/statements`: a statement `unseal.*` of the caller, with what it has hashes of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Act {
    /// Version 1.
    pub v: V1,
    /// By the caller.
    pub statement: Statement,
    /// With `unseal.requested` only: which case, so that the board can have its envelope kept. Never in the log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// The full text to every official and the warden; a partial to every approver; nothing otherwise.
    pub sealed: Vec<SealedTo>,
}

/// Answer of `GET /council/requests`: requests of which the caller's council is asked, oldest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Requests {
    pub v: V1,
    /// Entry hashes of their `unseal.requested`.
    pub requests: Vec<Hex32>,
}

/// A partial sealed to the caller.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct SealedFrom {
    pub from: u16,
    pub sealed: Bytes,
}

/// Answer of `GET /council/requests/{request_hash}`: what is meant for the caller.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct RequestFiles {
    pub v: V1,
    pub request_hash: Hex32,
    /// `salt 32 ‖ JSON` of a [`RequestText`](tabir_crypto::request::RequestText), sealed to the caller.
    pub text: Bytes,
    /// The outer envelope, 2,498 bytes.
    pub envelope: Bytes,
    /// The inner envelope, sealed to the caller's fresh key, once the warden has handed it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handout: Option<Bytes>,
    /// By sender.
    pub partials: Vec<SealedFrom>,
}

/// A proposal in the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct ProposalEntry {
    /// SHA-256 of its PAE.
    pub id: Hex32,
    /// Its verb.
    pub verb: CodeText,
    /// How many have signed.
    pub signatures: u64,
    /// Its signatures suffice; if its verb belongs into a log, it is on its way.
    pub complete: bool,
}

/// Answer of `GET /council/proposals`, oldest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Proposals {
    pub v: V1,
    pub proposals: Vec<ProposalEntry>,
}

/// Answer of `GET /council/proposals/{id}` and of `POST /council/proposals`, whose body is a statement with at least
/// the caller's signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Proposal {
    pub v: V1,
    /// With all signatures so far.
    pub statement: Statement,
    /// See [`ProposalEntry::complete`].
    pub complete: bool,
}

/// A live request as the warden sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct ReadyRequest {
    /// Entry hash of its `unseal.requested`.
    pub request_hash: Hex32,
    /// The full text, sealed to the warden's active X-Wing key at the time of the request.
    pub text: Bytes,
    /// The outer envelope, 2,498 bytes.
    pub envelope: Bytes,
}

/// Answer of `GET /internal/unseal/ready`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Ready {
    pub v: V1,
    /// Requested, approved or released; not ended.
    pub requests: Vec<ReadyRequest>,
}

/// Body of `POST /internal/unseal/{request_hash}/handouts`: all of a release at once, after its `unseal.released` is
/// witnessed. Each must have the hash that stands there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Handouts {
    pub v: V1,
    pub handouts: Vec<SealedTo>,
}
