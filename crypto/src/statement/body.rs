//! The payload of each verb. Every type refuses unknown fields; every payload has `v` = 1 and `at`, cut to the hour.
//!
//! Fields of 32 or 16 bytes are lower-case hex, longer ones base64url without padding; hashes are SHA-256.
//! `docs/protocol.md` has the table of who signs what; `crate::trust::rule` is that table as code.

use serde::{Deserialize, Serialize};

use super::value::{Bytes, CodeText, Hex, Hex32, Hour, Second, Text, V1};
use super::verb::Verb;
use crate::codec::{B32, sha256};
use crate::error::{Code, Result, need};
use crate::json;
use crate::trust::root::TrustRoot;

/// A role's key for others to use. `key`: SPKI DER of 342 bytes for `token`, X-Wing public key of 1,216 otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyAnnounced {
    /// Version 1.
    pub v: V1,
    /// When, to the hour.
    pub at: Hour,
    /// Whose key: `issuer`, `forwarder` or `warden`.
    pub role: Role,
    /// What it is for.
    pub kind: KeyKind,
    /// The epoch: exactly one key each.
    pub epoch: u64,
    /// The public key.
    pub key: Bytes,
    /// First second of use.
    pub not_before: Second,
    /// First second after it.
    pub not_after: Second,
}

impl KeyAnnounced {
    /// SHA-256 of the public key.
    #[must_use]
    pub fn key_id(&self) -> B32 {
        sha256(&self.key.0)
    }
}

/// The roles that hold an identity key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)] // their folders in `src/` say what each is
pub enum Role {
    Issuer,
    Gateway,
    Forwarder,
    Council,
    Log,
    Warden,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Issuer, Self::Gateway, Self::Forwarder, Self::Council, Self::Log, Self::Warden];

    /// The name as it stands in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Issuer => "issuer",
            Self::Gateway => "gateway",
            Self::Forwarder => "forwarder",
            Self::Council => "council",
            Self::Log => "log",
            Self::Warden => "warden",
        }
    }
}

/// What an announced key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyKind {
    /// Signs tokens; the issuer's.
    Token,
    /// Report contents are sealed to it; the forwarder's.
    Intake,
    /// Outer envelopes are sealed to it; the warden's.
    Warden,
}

impl KeyKind {
    /// The role that alone may announce this kind.
    #[must_use]
    pub const fn role(self) -> Role {
        match self {
            Self::Token => Role::Issuer,
            Self::Intake => Role::Forwarder,
            Self::Warden => Role::Warden,
        }
    }
}

/// A key is no longer to be used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct KeyRetired {
    pub v: V1,
    pub at: Hour,
    /// SHA-256 of the public key.
    pub key_id: Hex32,
    pub reason: CodeText,
}

/// One member of a ceremony's manifest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ManifestMember {
    /// 1 to n.
    pub index: u16,
    /// Ed25519 public key.
    pub ed_vk: Hex32,
    /// X-Wing public key, 1,216 bytes.
    pub kem_pk: Bytes,
}

/// What a ceremony is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CeremonyKind {
    /// A new key.
    Form,
    /// The same key and members, new shares.
    Refresh,
    /// The same key, a new set or threshold.
    Reshare,
}

/// Who makes a council; its payload's SHA-256 is the ceremony's id. Signed by all who take part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct CouncilManifest {
    pub v: V1,
    pub at: Hour,
    pub kind: CeremonyKind,
    pub t: u16,
    pub n: u16,
    /// Indices exactly 1 to n, in order.
    pub members: Vec<ManifestMember>,
    /// The council before, or zeros.
    pub previous: Hex32,
    pub nonce: Hex32,
}

/// One message of a ceremony. `to` 0 is everybody. On the board only, never in the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct CouncilMessage {
    pub v: V1,
    pub at: Hour,
    pub ceremony_id: Hex32,
    pub round: u8,
    pub from: u16,
    pub to: u16,
    pub bytes: Bytes,
}

/// One member of a council.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Member {
    pub index: u16,
    /// Verifying share, compressed.
    #[serde(rename = "Yi")]
    pub yi: Hex32,
    pub ed_vk: Hex32,
    /// X-Wing public key, 1,216 bytes.
    pub kem_pk: Bytes,
}

/// A council, complete. `council.formed`, `.refreshed` and `.reshared` have this payload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct CouncilFormed {
    pub v: V1,
    pub at: Hour,
    /// The ceremony that made the key: with `Y` it gives the lineage.
    pub ceremony_id: Hex32,
    pub lineage: Hex32,
    /// 1 for the first council of a lineage, then up by one.
    pub epoch: u64,
    pub t: u16,
    pub n: u16,
    /// The key, compressed.
    #[serde(rename = "Y")]
    pub y: Hex32,
    pub members: Vec<Member>,
    /// SHA-256 of what all members signed at the end of the ceremony.
    pub transcript: Hex32,
}

/// A council is no longer used for new reports (`council.retired`), or its members proved their shares (`council.checked`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct CouncilNote {
    pub v: V1,
    pub at: Hour,
    pub council_id: Hex32,
    pub codes: Vec<CodeText>,
}

/// A code with its text for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CodeEntry {
    /// The code.
    pub code: CodeText,
    /// Indonesian.
    pub id: Text,
    /// English.
    pub en: Text,
}

/// When reports of a category leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Release {
    /// At once.
    Urgent,
    /// Shuffled with the others at the next release.
    Batched,
}

/// One category of reports.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Category {
    pub code: CodeText,
    pub id: Text,
    pub en: Text,
    pub release: Release,
}

/// The code lists of a policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct PolicyCodes {
    pub legal_basis: Vec<CodeEntry>,
    pub reason: Vec<CodeEntry>,
    pub refusal: Vec<CodeEntry>,
    pub deferral: Vec<CodeEntry>,
    pub failure: Vec<CodeEntry>,
    pub recusal: Vec<CodeEntry>,
}

/// What the installation promises, in numbers. Signed by the gateway and one auditor. All durations in seconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicySet {
    /// Version 1.
    pub v: V1,
    /// When, to the hour.
    pub at: Hour,
    /// Up by one with each policy.
    pub version: u64,
    /// Codes for unsealing.
    pub codes: PolicyCodes,
    /// Deadline of each status, counted from the moment it was set.
    pub deadlines_s: std::collections::BTreeMap<Status, u64>,
    /// Length of a window of acceptance.
    pub window_s: u64,
    /// From a window's close to its deadline D, and between further D.
    pub forward_s: u64,
    /// Between two releases of batched reports.
    pub release_s: u64,
    /// How long a request lives after its cooling-off.
    pub request_life_s: u64,
    /// How long after a release the opening may take.
    pub partial_life_s: u64,
    /// How long an envelope is kept, from its submission.
    pub envelope_retention_s: u64,
    /// Categories of reports.
    pub categories: Vec<Category>,
}

/// The statuses of a case, in the CRM's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Status {
    Received,
    Waiting,
    Coordination,
    Disposition,
    InProgress,
    Scheduled,
    Resolved,
    Declined,
}

impl Status {
    /// All of them, in the order of a case's life.
    pub const ALL: [Self; 8] = [
        Self::Received,
        Self::Waiting,
        Self::Coordination,
        Self::Disposition,
        Self::InProgress,
        Self::Scheduled,
        Self::Resolved,
        Self::Declined,
    ];

    /// The name as it stands in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Waiting => "waiting",
            Self::Coordination => "coordination",
            Self::Disposition => "disposition",
            Self::InProgress => "in_progress",
            Self::Scheduled => "scheduled",
            Self::Resolved => "resolved",
            Self::Declined => "declined",
        }
    }

    /// Reads a name; `None` for an unknown one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.as_str() == text)
    }
}

/// One file of a page's build.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct PageFile {
    pub path: Text,
    pub sha256: Hex32,
}

/// A build of the reporter's page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct PageBuilt {
    pub v: V1,
    pub at: Hour,
    pub version: Text,
    pub files: Vec<PageFile>,
    /// Size of the governance log that the signers had checked.
    pub base_size: u64,
    /// Hash of that kept checkpoint.
    pub base_checkpoint: Hex32,
}

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

/// The reports of one window, or one part of them. `part` counts from 1 to `parts`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct ReportAccepted {
    pub v: V1,
    pub at: Hour,
    /// Up by one from 1, also across a policy change.
    pub w: u64,
    pub opens: Second,
    pub closes: Second,
    pub deadline: Second,
    pub part: u64,
    pub parts: u64,
    /// (a, b), sorted over all parts.
    pub pairs: Vec<[Hex32; 2]>,
}

/// `report.forwarded`, `.refused`, `.pending`: what became of a window's reports.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct ReportFate {
    pub v: V1,
    pub at: Hour,
    pub w: u64,
    /// 0 at the first D, then up by one.
    pub round: u64,
    pub part: u64,
    pub parts: u64,
    /// Sorted over all parts.
    pub nf: Vec<Hex32>,
}

/// Reports that their authors erased: (nf, SHA-256(salt ‖ erase statement)).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct ReportErased {
    pub v: V1,
    pub at: Hour,
    pub w: u64,
    pub round: u64,
    pub items: Vec<[Hex32; 2]>,
}

/// How much a role deleted, by kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct RetentionCounts {
    pub v: V1,
    pub at: Hour,
    pub w: u64,
    pub counts: std::collections::BTreeMap<CodeText, u64>,
}

/// A reporter's write: `case.submit`, `.message`, `.rate`, `.dispute`, `.erase`. Signed by the case key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct CaseWrite {
    pub v: V1,
    pub at: Hour,
    pub case_id: Hex32,
    /// 0 for the submission, then strictly rising.
    pub counter: u64,
    pub body_hash: Hex32,
}

/// The gateway took a report. It alone proves anything before the window closes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Acceptance {
    pub v: V1,
    pub at: Hour,
    pub case_id: Hex32,
    pub a: Hex32,
    pub b: Hex32,
    pub nf: Hex32,
    pub w: u64,
    #[serde(rename = "D")]
    pub deadline: Second,
    pub log_origin: Text,
}

/// The forwarder's signature on a message to the reporter; travels only inside the sealed message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Reply {
    pub v: V1,
    pub at: Hour,
    pub case_id: Hex32,
    pub seq: u64,
    pub message_hash: Hex32,
}

/// One HTTP call between roles, or by an official.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Call {
    pub v: V1,
    pub at: Hour,
    pub method: Text,
    /// Path with query.
    pub path: Text,
    /// SHA-256 of the body's bytes.
    pub body_hash: Hex32,
    /// The role that is called.
    pub audience: Role,
    /// Cut to the minute.
    pub minute: Second,
    pub nonce: Hex<16>,
}

/// The payload of a verb.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // see the types
pub enum Body {
    TrustRoot(Box<TrustRoot>),
    KeyAnnounced(KeyAnnounced),
    KeyRetired(KeyRetired),
    CouncilManifest(CouncilManifest),
    CouncilMessage(CouncilMessage),
    Council(CouncilFormed),
    CouncilNote(CouncilNote),
    PolicySet(Box<PolicySet>),
    PageBuilt(PageBuilt),
    UnsealRequested(UnsealRequested),
    UnsealApproved(UnsealApproved),
    UnsealRefused(UnsealRefused),
    UnsealReleased(UnsealReleased),
    UnsealCode(UnsealCode),
    UnsealPartial(UnsealPartial),
    UnsealOpened(UnsealOpened),
    UnsealNotice(UnsealNotice),
    ReportAccepted(ReportAccepted),
    ReportFate(ReportFate),
    ReportErased(ReportErased),
    RetentionCounts(RetentionCounts),
    CaseWrite(CaseWrite),
    Acceptance(Acceptance),
    Reply(Reply),
    Call(Call),
}

impl Body {
    /// Reads a payload by its verb's schema. Errors: those of [`json::from_slice`], and `field` where fields contradict
    /// each other.
    pub fn parse(verb: Verb, payload: &[u8]) -> Result<Self> {
        let value = json::parse(payload)?;
        Ok(match verb {
            Verb::TrustRoot => Self::TrustRoot(json::from_value(value)?),
            Verb::KeyAnnounced => Self::KeyAnnounced(json::from_value(value)?),
            Verb::KeyRetired => Self::KeyRetired(json::from_value(value)?),
            Verb::CouncilManifest => Self::CouncilManifest(json::from_value(value)?),
            Verb::CouncilMessage => Self::CouncilMessage(json::from_value(value)?),
            Verb::CouncilFormed | Verb::CouncilRefreshed | Verb::CouncilReshared => {
                Self::Council(json::from_value(value)?)
            }
            Verb::CouncilRetired | Verb::CouncilChecked => Self::CouncilNote(json::from_value(value)?),
            Verb::PolicySet => Self::PolicySet(json::from_value(value)?),
            Verb::PageBuilt => Self::PageBuilt(json::from_value(value)?),
            Verb::UnsealRequested => {
                let body: UnsealRequested = json::from_value(value)?;
                need(body.deferral.is_some() == body.deferred_until.is_some(), Code::Field)?;
                need(body.nonce.is_some() != body.deferral.is_some(), Code::Field)?;
                Self::UnsealRequested(body)
            }
            Verb::UnsealApproved => Self::UnsealApproved(json::from_value(value)?),
            Verb::UnsealRefused | Verb::UnsealWithdrawn => Self::UnsealRefused(json::from_value(value)?),
            Verb::UnsealReleased => Self::UnsealReleased(json::from_value(value)?),
            Verb::UnsealDeclined | Verb::UnsealFailed => Self::UnsealCode(json::from_value(value)?),
            Verb::UnsealPartial => Self::UnsealPartial(json::from_value(value)?),
            Verb::UnsealOpened => Self::UnsealOpened(json::from_value(value)?),
            Verb::UnsealNotice => Self::UnsealNotice(json::from_value(value)?),
            Verb::ReportAccepted => Self::ReportAccepted(json::from_value(value)?),
            Verb::ReportForwarded | Verb::ReportRefused | Verb::ReportPending => {
                Self::ReportFate(json::from_value(value)?)
            }
            Verb::ReportErased => Self::ReportErased(json::from_value(value)?),
            Verb::RetentionCounts => Self::RetentionCounts(json::from_value(value)?),
            Verb::CaseSubmit | Verb::CaseMessage | Verb::CaseRate | Verb::CaseDispute | Verb::CaseErase => {
                Self::CaseWrite(json::from_value(value)?)
            }
            Verb::Acceptance => Self::Acceptance(json::from_value(value)?),
            Verb::Reply => Self::Reply(json::from_value(value)?),
            Verb::Call => Self::Call(json::from_value(value)?),
        })
    }
}
