//! The label: what one identity envelope is for. It is the aad of the inner envelope and stands in its sender proof.
//!
//! ```text
//! label = T("tabir/v1/label"; version u8 = 1, lineage, warden_key_id, case_id, content_hash, notice_hash)
//! ```
//! It has no epoch: after a reshare the same key lives on, and with it the old envelopes, by their lineage.

use crate::codec::{B32, Transcript};

/// The version of envelope and label.
pub(crate) const VERSION: u8 = 1;

/// What an envelope is bound to; see the module's head. Only [`CaseBinding::label`] knows what stands behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Label(B32);

impl Label {
    /// A label that is known by its 32 bytes only, as in the vectors.
    #[must_use]
    pub const fn from_bytes(bytes: B32) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &B32 {
        &self.0
    }
}

/// What warden and officials know of a case from elsewhere than the envelope, and check the envelope against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CaseBinding {
    /// The council's lineage.
    pub lineage: B32,
    /// The case.
    pub case_id: B32,
    /// SHA-256 of the case's access key: with the case key it gives the case id.
    pub access_hash: B32,
    /// SHA-256 of the sealed content.
    pub content_hash: B32,
    /// SHA-256 of the notice key.
    pub notice_hash: B32,
}

impl CaseBinding {
    /// The label of this case's envelope to the given warden key.
    #[must_use]
    pub fn label(&self, warden_key_id: &B32) -> Label {
        let fields: [(&str, &[u8]); 6] = [
            ("version", &[VERSION]),
            ("lineage", &self.lineage),
            ("warden_key_id", warden_key_id),
            ("case_id", &self.case_id),
            ("content_hash", &self.content_hash),
            ("notice_hash", &self.notice_hash),
        ];
        Label(Transcript::new("tabir/v1/label").puts(&fields).hash())
    }
}
