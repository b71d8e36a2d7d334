//! Payloads about councils: the ceremony's manifest and messages, and what came of it.
//! Source: `docs/protocol.md`, "Council key ceremony".

use serde::{Deserialize, Serialize};

use crate::statement::value::{Bytes, CodeText, Hex32, Hour, V1};

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
    /// A reshare, and in the same ceremony a new key for new reports: how somebody is removed.
    Remove,
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
    /// Members of the council before who deal, by their indices there, rising: exactly its threshold of them. None when
    /// there is no council before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dealers: Vec<u16>,
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
    /// The ceremony that made these shares, where it is not the one that made the key: with `.refreshed` and
    /// `.reshared`, and only there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reshare_id: Option<Hex32>,
}

/// One official shows that his share works (`council.checked`): a partial for the [drill](crate::threshold::Drill) of a
/// checkpoint that nobody knew before it was there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct CouncilChecked {
    pub v: V1,
    pub at: Hour,
    pub council_id: Hex32,
    /// Whose share it is.
    pub index: u16,
    /// Size of a kept checkpoint.
    pub tree_size: u64,
    /// Its hash: the drill's nonce.
    pub checkpoint_hash: Hex32,
    /// 195 bytes.
    pub partial: Bytes,
}

/// A council is no longer used for new reports (`council.retired`); the codes say what becomes of what is still sealed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct CouncilNote {
    pub v: V1,
    pub at: Hour,
    pub council_id: Hex32,
    pub codes: Vec<CodeText>,
}
