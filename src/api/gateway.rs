//! What the gateway answers and takes, beside a [`Submission`](tabir_crypto::submission::Submission) and a later
//! [`CaseWriteBody`](tabir_crypto::submission::CaseWriteBody).

use serde::{Deserialize, Serialize};
use tabir_crypto::hpke::KemPublicKey;
use tabir_crypto::statement::Statement;
use tabir_crypto::statement::body::{Category, KeyKind, Status};
use tabir_crypto::statement::value::{Bytes, Hex, Hex32, Hour, Second, Text, V1};
use utoipa::ToSchema;

/// How long a leased item stays away from other leases, in seconds. Longer than a worker needs to store sixteen items.
pub const LEASE_S: u64 = 60;
/// The most items of a lease: sixteen reports of the largest size fit the largest answer that a client reads.
pub const LEASE_MAX: u64 = 16;

/// `{"v":1}`: done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Done {
    pub v: V1,
}

/// Answer of `GET /v1/services`. Addresses are no trust.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Services {
    pub v: V1,
    pub name: Text,
    pub demo: bool,
    pub issuer: String,
    pub log: String,
    pub council: String,
    /// Empty until a policy is logged.
    pub categories: Vec<Category>,
}

/// A key as `GET /v1/keys` names it: a convenience, which a client checks against what it works out from the log itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyEntry {
    /// What it is for.
    pub kind: KeyKind,
    /// Its epoch.
    pub epoch: u64,
    /// The public key.
    pub key: Bytes,
    /// Number of its entry in the governance log.
    pub index: u64,
    /// The entry that announces it: a DSSE statement.
    pub entry: Bytes,
    /// C2SP tlog-proof: that this entry stands in the checkpoint inside.
    pub proof: Bytes,
}

/// The council in use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct CouncilEntry {
    pub council_id: Hex32,
    /// Number of its entry in the governance log.
    pub index: u64,
    /// The entry that makes it: a DSSE statement.
    pub entry: Bytes,
    /// As for a key.
    pub proof: Bytes,
}

/// Answer of `GET /v1/keys`: the keys and the council that count at the witnessed time of one checkpoint, which every proof
/// has inside. It follows from the log alone, so that everybody who has read the log up to there can say whether it is right.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Keys {
    pub v: V1,
    /// Size of that checkpoint; 0 before the first.
    pub tree_size: u64,
    /// At most one of a kind.
    pub keys: Vec<KeyEntry>,
    /// Absent until a council is active.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub council: Option<CouncilEntry>,
}

/// Answer of `POST /v1/reports`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Reported {
    pub v: V1,
    /// `XXXX-XXXX-XXXX`.
    pub reference: String,
    /// `acceptance` by the gateway.
    pub acceptance: Statement,
}

/// One status of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StatusEntry {
    /// Which.
    pub status: Status,
    /// When it was set, to the hour.
    pub at: Hour,
    /// By when it should have changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Second>,
    /// When the work is planned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eta: Option<Second>,
}

/// A sealed message to the reporter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct MailboxEntry {
    pub seq: u64,
    pub sealed: Bytes,
}

/// Body of `POST /v1/case/erasure`, which is answered with an [`Erasure`](tabir_crypto::trust::erasure::Erasure).
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ErasureAsked {
    /// Version 1.
    pub v: V1,
    /// With nf it makes the report's a. Whoever disputes an erasure shows both.
    pub r: Hex32,
    /// As it stands in the log.
    pub nf: Hex32,
}

/// Answer of `GET /v1/case`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CaseView {
    /// Version 1.
    pub v: V1,
    /// `XXXX-XXXX-XXXX`.
    pub reference: String,
    /// Counter of the reporter's last write.
    pub counter: u64,
    /// Number of the reporter's last message or dispute.
    pub seq: u64,
    /// Timeline, oldest first.
    pub status: Vec<StatusEntry>,
    /// The downstream has it.
    pub sent: bool,
    /// Messages to the reporter, from 1 without gaps.
    pub messages: Vec<MailboxEntry>,
    /// Questions that may still be answered without a token.
    pub questions: u64,
    /// A rating was given.
    pub rated: bool,
    /// A dispute was raised.
    pub disputed: bool,
    /// The reporter erased the case; what is left of it here goes two deadlines later.
    pub erased: bool,
    /// The acceptance again, the same bytes.
    pub acceptance: Statement,
    /// Zeros up to 16 KiB or a power of two above.
    pub pad: String,
}

/// Answer of a later write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Written {
    pub v: V1,
    pub counter: u64,
}

/// Body of `POST /internal/outbox/lease`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Lease {
    /// Version 1.
    pub v: V1,
    /// At most so many, and never more than [`LEASE_MAX`].
    pub max: u64,
}

/// Answer of a lease.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Leased {
    pub v: V1,
    pub items: Vec<Item>,
}

/// What an item of the outbox is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum ItemKind {
    Report,
    Message,
    Rating,
    Dispute,
    Erase,
}

impl ItemKind {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Report, Self::Message, Self::Rating, Self::Dispute, Self::Erase];

    /// The name as it stands in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Report => "report",
            Self::Message => "message",
            Self::Rating => "rating",
            Self::Dispute => "dispute",
            Self::Erase => "erase",
        }
    }
}

/// One item of the outbox. The items of a case come in the order of its counters; over all cases there is no order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Item {
    /// Random: tells nothing of the order of arrival.
    pub id: u64,
    /// What it is.
    pub kind: ItemKind,
    /// Which case.
    pub case_id: Hex32,
    /// SHA-256 of the access key: with `case_vk` it gives the case id.
    pub access_hash: Hex32,
    /// The case key's public half.
    pub case_vk: Hex32,
    /// By the case key.
    pub statement: Statement,
    /// Sealed content, message or dispute; a rating's JSON; nothing.
    pub payload: Bytes,
    /// Which intake key the payload is sealed to; absent for rating and erase.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intake_key_id: Option<Hex32>,
    /// Number of a message or dispute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
    /// What a report committed to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<ReportPart>,
}

/// The rest of a report, from which the forwarder recomputes what the case key signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct ReportPart {
    pub a: Hex32,
    pub b: Hex32,
    pub nf: Hex32,
    pub notice_hash: Hex32,
    pub mailbox_pk: KemPublicKey,
    pub envelope_hash: Hex32,
    /// The window.
    pub w: u64,
    /// Its deadline D.
    pub deadline: Second,
}

/// Body of `POST /internal/outbox/ack`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Ack {
    pub v: V1,
    pub ids: Vec<u64>,
}

/// Body of `POST /internal/cases/{case_id}/events`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Events {
    pub v: V1,
    pub events: Vec<Event>,
}

/// News of a case. The forwarder chooses `id`; an id that is known is skipped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
#[allow(missing_docs)]
pub enum Event {
    /// The downstream has it.
    Sent {
        #[schema(value_type = String, pattern = "^[0-9a-f]{32}$")]
        id: Hex<16>,
    },
    /// The downstream set a status. Without `due` the policy's deadline counts.
    Status {
        #[schema(value_type = String, pattern = "^[0-9a-f]{32}$")]
        id: Hex<16>,
        status: Status,
        at: Hour,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        due: Option<Second>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        eta: Option<Second>,
    },
    /// A sealed message for the reporter.
    Message {
        #[schema(value_type = String, pattern = "^[0-9a-f]{32}$")]
        id: Hex<16>,
        seq: u64,
        sealed: Bytes,
        question: bool,
    },
}

impl Event {
    /// Its id.
    #[must_use]
    pub const fn id(&self) -> &[u8; 16] {
        match self {
            Self::Sent { id } | Self::Status { id, .. } | Self::Message { id, .. } => &id.0,
        }
    }
}

/// Answer of `GET /internal/cases/{reference}`: what officials seal a request over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct CaseForCouncil {
    pub v: V1,
    pub reference: String,
    pub case_id: Hex32,
    pub access_hash: Hex32,
    pub content_hash: Hex32,
    pub envelope: Bytes,
    pub notice_key: Hex32,
    /// Its envelope's retention ends within 30 days. No date: that would tell when the report was sent.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ends_soon: bool,
}

/// Body of `POST /internal/cases/{case_id}/hold`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Hold {
    /// Version 1.
    pub v: V1,
    /// Entry hash of the `unseal.requested` that keeps the envelope.
    pub request_hash: Hex32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_told_by_its_kind_and_takes_no_other_field() {
        let id = "00".repeat(16);
        let read = |text: String| tabir_crypto::json::from_slice::<Event>(text.as_bytes());
        let status = format!(r#"{{"id":"{id}","kind":"status","status":"in_progress","at":"2026-11-24T17:00:00Z"}}"#);
        let event = read(status.clone()).unwrap();
        assert!(matches!(event, Event::Status { status: Status::InProgress, due: None, eta: None, .. }));
        assert_eq!(event.id(), &[0; 16]);
        assert!(read(status.replace("\"at\"", "\"text\":\"x\",\"at\"")).is_err());
        assert!(read(format!(r#"{{"id":"{id}","kind":"sent","seq":1}}"#)).is_err());
        assert!(read(format!(r#"{{"id":"{id}","kind":"gone"}}"#)).is_err());
    }
}
