//! Payloads about reports: what each window took and what became of it, and the writes and answers of a case.
//! Source: `docs/protocol.md`, "Accepted versus forwarded", "Submission".

use serde::{Deserialize, Serialize};

use crate::statement::value::{CodeText, Hex32, Hour, Second, Text, V1};

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
