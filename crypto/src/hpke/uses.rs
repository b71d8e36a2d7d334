//! What is sealed to whom. The aad binds each message to its place, so that it opens nowhere else.
//!
//! ```text
//! what                                    info                aad = T(info; …)
//! content → intake key                    tabir/v1/content    case_id, intake_key_id
//! reporter's message → intake key         tabir/v1/followup   case_id, seq u64, intake_key_id
//! message → reporter's mailbox            tabir/v1/mailbox    case_id, seq u64
//! request's full text → official, warden  tabir/v1/request    commit, recipient_key_id
//! inner envelope → approver               tabir/v1/handout    request_hash, index u16
//! partial → approver                      tabir/v1/partial    request_hash, from u16, to u16
//! ceremony share → member                 tabir/v1/ceremony   ceremony_id, round u8, from u16, to u16
//! part of a warden key's backup → holder  tabir/v1/backup-part  key_id, index u16
//! key of a store's backup → its recipient  tabir/v1/store-backup  manifest
//! ```
//! Source: `docs/protocol.md`, "HPKE uses". The outer envelope has its own aad: see [`crate::envelope`].

use rand_core::CryptoRng;

use super::xwing::{KemPublicKey, KemSecretKey, open_with, seal_with};
use crate::codec::{B32, Transcript};
use crate::error::Result;
use crate::secret::SecretVec;

/// The place of one sealed message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // the table at the module's head is their documentation
pub enum Use {
    /// A report's content, to the intake key.
    Content { case_id: B32, intake_key_id: B32 },
    /// A reporter's later message or dispute, to the intake key.
    Followup { case_id: B32, seq: u64, intake_key_id: B32 },
    /// A message to the reporter's mailbox.
    Mailbox { case_id: B32, seq: u64 },
    /// The full text of an unseal request, to an official or the warden.
    Request { commit: B32, recipient_key_id: B32 },
    /// The inner envelope, to an approver's fresh key.
    Handout { request_hash: B32, index: u16 },
    /// A partial decryption, to an approver's fresh key.
    Partial { request_hash: B32, from: u16, to: u16 },
    /// A share of a key ceremony, to a member.
    Ceremony { ceremony_id: B32, round: u8, from: u16, to: u16 },
    /// A part of a warden key's backup, to its holder, or from there to the machine that brings the key back.
    BackupPart { key_id: B32, index: u16 },
    /// The key of a store's backup, to a key that is kept elsewhere.
    StoreBackup { manifest: B32 },
}

impl Use {
    /// HPKE's info, and the tag of the aad.
    #[must_use]
    pub const fn info(&self) -> &'static str {
        match self {
            Self::Content { .. } => "tabir/v1/content",
            Self::Followup { .. } => "tabir/v1/followup",
            Self::Mailbox { .. } => "tabir/v1/mailbox",
            Self::Request { .. } => "tabir/v1/request",
            Self::Handout { .. } => "tabir/v1/handout",
            Self::Partial { .. } => "tabir/v1/partial",
            Self::Ceremony { .. } => "tabir/v1/ceremony",
            Self::BackupPart { .. } => "tabir/v1/backup-part",
            Self::StoreBackup { .. } => "tabir/v1/store-backup",
        }
    }

    /// The AEAD's associated data.
    #[must_use]
    pub fn aad(&self) -> B32 {
        let t = Transcript::new(self.info());
        let t = match self {
            Self::Content { case_id, intake_key_id } => t.put("case_id", case_id).put("intake_key_id", intake_key_id),
            Self::Followup { case_id, seq, intake_key_id } => {
                t.put("case_id", case_id).put("seq", &seq.to_be_bytes()).put("intake_key_id", intake_key_id)
            }
            Self::Mailbox { case_id, seq } => t.put("case_id", case_id).put("seq", &seq.to_be_bytes()),
            Self::Request { commit, recipient_key_id } => {
                t.put("commit", commit).put("recipient_key_id", recipient_key_id)
            }
            Self::Handout { request_hash, index } => {
                t.put("request_hash", request_hash).put("index", &index.to_be_bytes())
            }
            Self::Partial { request_hash, from, to } => {
                t.put("request_hash", request_hash).put("from", &from.to_be_bytes()).put("to", &to.to_be_bytes())
            }
            Self::BackupPart { key_id, index } => t.put("key_id", key_id).put("index", &index.to_be_bytes()),
            Self::StoreBackup { manifest } => t.put("manifest", manifest),
            Self::Ceremony { ceremony_id, round, from, to } => t
                .put("ceremony_id", ceremony_id)
                .put("round", &[*round])
                .put("from", &from.to_be_bytes())
                .put("to", &to.to_be_bytes()),
        };
        t.hash()
    }
}

/// Seals one message for its place. Errors: `size` (nothing to seal), `kem`.
pub fn seal(recipient: &KemPublicKey, place: &Use, plaintext: &[u8], rng: &mut impl CryptoRng) -> Result<Vec<u8>> {
    seal_with(recipient, place.info(), &place.aad(), plaintext, rng)
}

/// Opens one message at its place. Errors: `size`, `kem`, `aead` (of another place too).
pub fn open(key: &KemSecretKey, place: &Use, wire: &[u8]) -> Result<SecretVec> {
    open_with(key, place.info(), &place.aad(), wire)
}
