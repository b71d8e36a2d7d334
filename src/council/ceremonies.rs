//! Messages of key ceremonies. The board checks form and sender; what they mean is for the members to check.

use tabir_crypto::ed25519::VerifyingKey;
use tabir_crypto::hpke::xwing::OVERHEAD;
use tabir_crypto::statement::body::CouncilMessage;
use tabir_crypto::statement::value::{Bytes, V1};
use tabir_crypto::statement::{Body, Statement};
use tabir_crypto::{B32, Code};

use super::error::BoardError;
use super::service::Service;
use super::store::Posted;
use crate::api::council::{Admit, Messages, TRANSCRIPT_ROUND};

/// Commitments of the largest threshold, with the proof of knowledge.
const ROUND1_MAX: usize = 32 * 15 + 64;

impl Service {
    /// A manifest that was admitted.
    pub async fn manifest(&self, id: B32) -> Result<Admit, BoardError> {
        let manifest = self.store.manifest(id).await?.ok_or(BoardError::NotFound)?;
        Ok(Admit { v: V1, manifest: Bytes(manifest) })
    }

    /// What the caller may read of a ceremony: all that is for everybody, and what is sealed to him.
    pub async fn messages(&self, id: B32, caller: &VerifyingKey) -> Result<Messages, BoardError> {
        let ceremony = self.ceremony(&id)?;
        let own = ceremony.manifest().members.iter().find(|m| m.ed_vk.0 == *caller.as_bytes()).map(|m| m.index);
        Ok(Messages { v: V1, messages: self.store.messages(id, own.unwrap_or(0)).await? })
    }

    /// Takes a message of the caller.
    pub async fn post_message(&self, statement: Statement, caller: VerifyingKey) -> Result<(), BoardError> {
        let Body::CouncilMessage(message) = statement.verify(&[caller])?.body else {
            return Err(Code::Verb.into());
        };
        let ceremony = self.ceremony(&message.ceremony_id.0)?;
        let members = &ceremony.manifest().members;
        let yours = members.iter().any(|m| m.index == message.from && m.ed_vk.0 == *caller.as_bytes());
        if !yours {
            return Err(BoardError::NotYours);
        }
        if !well_formed(&message, ceremony.manifest().n) {
            return Err(Code::Ceremony.into());
        }
        match self.store.add_message(message, statement).await? {
            Posted::New | Posted::Same => Ok(()),
            Posted::Other => Err(BoardError::Equivocation),
        }
    }
}

fn well_formed(m: &CouncilMessage, n: u16) -> bool {
    let len = m.bytes.0.len();
    match m.round {
        1 => m.to == 0 && len <= ROUND1_MAX,
        2 => (1..=n).contains(&m.to) && m.to != m.from && len == 32 + OVERHEAD,
        TRANSCRIPT_ROUND => m.to == 0 && len == 32,
        _ => false,
    }
}
