//! What is said of keys: announced, retired, and where a warden key's copies are.

use serde::{Deserialize, Serialize};

use super::Role;
use crate::codec::{B32, sha256};
use crate::custody::MAX_HOLDERS;
use crate::error::{Code, Result, need};
use crate::statement::value::{Bytes, CodeText, Hex32, Hour, Second, V1};

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

/// What an announced key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum KeyKind {
    /// Signs tokens; the issuer's.
    Token,
    /// Report contents are sealed to it; the forwarder's.
    Intake,
    /// Outer envelopes are sealed to it; the warden's.
    Warden,
}

impl KeyKind {
    /// All, in their order.
    pub const ALL: [Self; 3] = [Self::Token, Self::Intake, Self::Warden];

    /// The name as it stands in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Intake => "intake",
            Self::Warden => "warden",
        }
    }

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

/// What became of a warden key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CustodyAct {
    /// Parts of a backup are with holders; each signs that he has his and that it opens.
    Split,
    /// Parts brought the key back.
    Restored,
    /// The key, and each part of its backup, is destroyed: those say it who had them, and nobody can prove it.
    Destroyed,
}

/// Where a warden key's copies are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyCustody {
    /// Version 1.
    pub v: V1,
    /// When, to the hour.
    pub at: Hour,
    /// SHA-256 of the public key.
    pub key_id: Hex32,
    /// What happened.
    pub act: CustodyAct,
    /// How many parts bring it back; 0 but for a split.
    pub threshold: u16,
    /// The holders' Ed25519 keys, rising; empty but for a split.
    pub holders: Vec<Hex32>,
}

impl KeyCustody {
    /// Whether the fields fit each other. Error: `field`.
    pub(super) fn sound(&self) -> Result<()> {
        let rising = self.holders.iter().zip(self.holders.iter().skip(1)).all(|(a, b)| a < b);
        let sound = match self.act {
            CustodyAct::Split => {
                (2..=MAX_HOLDERS).contains(&self.holders.len())
                    && (2..=self.holders.len()).contains(&usize::from(self.threshold))
            }
            CustodyAct::Restored | CustodyAct::Destroyed => self.threshold == 0 && self.holders.is_empty(),
        };
        need(rising && sound, Code::Field)
    }
}
