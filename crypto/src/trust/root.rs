//! `trust.json`: what a client believes before it has fetched anything. Payload of a `trust.root` statement.
//! Source: `docs/protocol.md`, "Trust root". Not covered: how a client came by its first one.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::log::TreeHead;
use crate::statement::body::{KeyKind, Role};
use crate::statement::value::{Hex32, Hour, Text, V1};

/// One of the two logs: C2SP origin line and verifier key. Where another origin and key take over from lost ones, the tree goes
/// on; what the old key may have signed beyond `follows` counts for nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogKey {
    /// `governance` or `intake`.
    pub name: LogName,
    /// The checkpoint's first line.
    pub origin: Text,
    /// C2SP signed-note verifier key: `<name>+<key id>+<base64>`.
    pub vkey: Text,
    /// The last witnessed head of the log whose tree this one goes on with; none for a log that began by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub follows: Option<Follows>,
}

/// Where a log ended whose key was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Follows {
    /// Number of entries.
    pub size: u64,
    /// Root of its tree.
    pub root: Hex32,
}

impl Follows {
    /// As a tree's head.
    #[must_use]
    pub const fn head(&self) -> TreeHead {
        TreeHead { size: self.size, root: self.root.0 }
    }
}

/// The two logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogName {
    /// Keys, councils, every unsealing, policy, page builds.
    Governance,
    /// Acceptance and forwarding, by windows.
    Intake,
}

impl LogName {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Governance, Self::Intake];

    /// The name as it stands in paths.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Governance => "governance",
            Self::Intake => "intake",
        }
    }
}

/// Delays before a logged key counts, in seconds of witnessed time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Activation {
    pub token: u64,
    pub intake: u64,
    pub warden: u64,
    pub council: u64,
}

impl Activation {
    /// The delay of a kind of key.
    #[must_use]
    pub const fn of(&self, kind: KeyKind) -> u64 {
        match kind {
            KeyKind::Token => self.token,
            KeyKind::Intake => self.intake,
            KeyKind::Warden => self.warden,
        }
    }
}

/// The payload of `trust.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrustRoot {
    /// Version 1 of the format.
    pub v: V1,
    /// When, to the hour.
    pub at: Hour,
    /// Version of this trust root, from 1.
    pub version: u64,
    /// A demo: no client takes it for more.
    pub demo: bool,
    /// Name of the installation, for people.
    pub name: Text,
    /// RFC 9577 issuer name, whatever the address.
    pub issuer_name: Text,
    /// RFC 9577 origin name of the gateway, whatever the address.
    pub origin: Text,
    /// Both logs, governance first.
    pub logs: Vec<LogKey>,
    /// C2SP verifier keys of the witnesses (cosignature/v1).
    pub witnesses: Vec<Text>,
    /// How many witnesses a checkpoint needs.
    pub witness_quorum: u64,
    /// Ed25519 identity of each role.
    pub identities: BTreeMap<Role, Hex32>,
    /// Ed25519 keys of the auditors.
    pub auditors: Vec<Hex32>,
    /// How many of them sign a new version, a warden key, a page build.
    pub auditor_quorum: u64,
    /// Delays before a key counts.
    pub activation_s: Activation,
    /// The oldest head for which an identity is sealed.
    pub freshness_s: u64,
    /// From a witnessed request to the earliest release.
    pub cooling_off_s: u64,
    /// Releases a day that need no auditor.
    pub release_cap_per_day: u64,
    /// The longest deferral of a notice.
    pub deferral_max_s: u64,
    /// SHA-256 of the version before (its whole statement), or null; never left out, which serde would take for null.
    #[serde(deserialize_with = "Option::deserialize")]
    pub previous: Option<Hex32>,
}
