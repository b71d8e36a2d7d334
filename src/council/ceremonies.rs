//! Messages of key ceremonies. The board checks form and sender; what they mean is for the members to check.

use tabir_crypto::ed25519::VerifyingKey;
use tabir_crypto::hpke::xwing::OVERHEAD;
use tabir_crypto::statement::body::{CeremonyKind as Kind, CouncilMessage};
use tabir_crypto::statement::value::{Bytes, V1};
use tabir_crypto::statement::{Body, Statement};
use tabir_crypto::threshold::PARTIAL_LEN;
use tabir_crypto::threshold::dkg::Ceremony;
use tabir_crypto::{B32, Code};

use super::error::BoardError;
use super::service::Service;
use super::store::Posted;
use crate::api::council::{Admit, Messages, round};

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
        if self.author(&ceremony, &message) != Some(caller) {
            return Err(BoardError::NotYours);
        }
        if !well_formed(&message, &ceremony) {
            return Err(Code::Ceremony.into());
        }
        // No signature comes in between: either a council gets its last one, or its ceremony is ended.
        let _one_at_a_time = self.gathering.lock().await;
        if message.round == round::ABORT && self.is_finished(ceremony.id()).await? {
            return Err(BoardError::Finished);
        }
        match self.store.add_message(message, statement).await? {
            Some(Posted::New | Posted::Same) => Ok(()),
            Some(Posted::Other) => Err(BoardError::Equivocation),
            None => Err(BoardError::Aborted),
        }
    }

    /// Whose message this has to be: in the rounds of a dealing `from` counts in the council before.
    fn author(&self, ceremony: &Ceremony, m: &CouncilMessage) -> Option<VerifyingKey> {
        let manifest = ceremony.manifest();
        let member = |from: u16| {
            let found = manifest.members.iter().find(|member| member.index == from)?;
            VerifyingKey::from_bytes(&found.ed_vk.0).ok()
        };
        let dealer = |from: u16| {
            let deals = manifest.dealers.contains(&from);
            let view = self.view();
            let council = view.state.council(&manifest.previous.0).ok().filter(|_| deals)?;
            council.council.member(from).ok().map(|m| m.ed_vk)
        };
        match m.round {
            round::DEALING | round::DEALT => dealer(m.from),
            round::ABORT => member(m.from).or_else(|| dealer(m.from.checked_sub(round::DEALER)?)),
            _ => member(m.from),
        }
    }

    /// Whether a council of this ceremony is in the log, or on its way with all signatures. Devices erase the shares of
    /// a ceremony that was ended: its council must not stand in the log afterwards.
    async fn is_finished(&self, ceremony: &B32) -> Result<bool, BoardError> {
        let mut complete = self.store.proposals().await?.into_iter().filter(|(_, complete)| *complete);
        let made = |(statement, _): (Statement, bool)| match statement.body() {
            Ok(Body::Council(body)) => body.reshare_id.unwrap_or(body.ceremony_id).0 == *ceremony,
            _ => false,
        };
        let logged = self.view().state.councils().any(|c| c.council.shares_id() == ceremony);
        Ok(logged || complete.any(made))
    }
}

fn well_formed(m: &CouncilMessage, ceremony: &Ceremony) -> bool {
    let (len, manifest) = (m.bytes.0.len(), ceremony.manifest());
    let (form, deals) = (!matches!(manifest.kind, Kind::Refresh | Kind::Reshare), manifest.kind != Kind::Form);
    let councils = usize::from(form) + usize::from(deals);
    let to_member = (1..=manifest.n).contains(&m.to) && len == 32 + OVERHEAD;
    match m.round {
        round::COMMITMENTS => form && m.to == 0 && len <= ROUND1_MAX,
        round::SHARE => form && to_member && m.to != m.from,
        round::TRANSCRIPT => m.to == 0 && len == 32 * councils,
        round::DEALING => deals && m.to == 0 && len == 32 * usize::from(manifest.t),
        round::DEALT => deals && to_member,
        round::DRILL => m.to == 0 && len == PARTIAL_LEN * councils,
        round::ABORT => m.to == 0 && len <= round::ABORT_MAX,
        _ => false,
    }
}
