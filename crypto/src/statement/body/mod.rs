//! The payload of each verb. Every type refuses unknown fields; every payload has `v` = 1 and `at`, cut to the hour.
//!
//! Fields of 32 or 16 bytes are lower-case hex, longer ones base64url without padding; hashes are SHA-256.
//! `docs/protocol.md`, "Verbs", has the table of who signs what; [`crate::trust::rule`] is that table as code.
//! Not covered: whether a payload fits those before it ([`crate::trust`]).

mod council;
mod keys;
mod report;
mod unseal;

use serde::{Deserialize, Serialize};

pub use council::{
    CeremonyKind, CouncilChecked, CouncilFormed, CouncilManifest, CouncilMessage, CouncilNote, ManifestMember, Member,
};
pub use keys::{CustodyAct, KeyAnnounced, KeyCustody, KeyKind, KeyRetired};
pub use report::{Acceptance, CaseWrite, Reply, ReportAccepted, ReportErased, ReportFate, RetentionCounts};
pub use unseal::{
    IndexedHash, UnsealApproved, UnsealCode, UnsealNotice, UnsealOpened, UnsealPartial, UnsealRefused, UnsealReleased,
    UnsealRequested,
};

use super::value::{CodeText, Hex, Hex32, Hour, Second, Text, V1};
use super::verb::Verb;
use crate::error::{Code, Result, need};
use crate::json;
use crate::trust::root::TrustRoot;

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
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
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
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
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
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
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
    KeyCustody(KeyCustody),
    CouncilManifest(CouncilManifest),
    CouncilMessage(CouncilMessage),
    Council(CouncilFormed),
    CouncilNote(CouncilNote),
    CouncilChecked(CouncilChecked),
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
        let value = &json::parse(payload)?;
        Ok(match verb {
            Verb::TrustRoot => Self::TrustRoot(json::from_value(value)?),
            Verb::KeyAnnounced => Self::KeyAnnounced(json::from_value(value)?),
            Verb::KeyRetired => Self::KeyRetired(json::from_value(value)?),
            Verb::KeyCustody => {
                let body: KeyCustody = json::from_value(value)?;
                body.sound()?;
                Self::KeyCustody(body)
            }
            Verb::CouncilManifest => Self::CouncilManifest(json::from_value(value)?),
            Verb::CouncilMessage => Self::CouncilMessage(json::from_value(value)?),
            Verb::CouncilFormed | Verb::CouncilRefreshed | Verb::CouncilReshared => {
                let body: CouncilFormed = json::from_value(value)?;
                need(body.reshare_id.is_some() == (verb != Verb::CouncilFormed), Code::Field)?;
                Self::Council(body)
            }
            Verb::CouncilRetired => Self::CouncilNote(json::from_value(value)?),
            Verb::CouncilChecked => Self::CouncilChecked(json::from_value(value)?),
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
