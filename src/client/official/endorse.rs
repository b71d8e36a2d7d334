//! What warden and auditor check before they sign a council: that it is the people they know, and that all n say so.
//!
//! Without this the operator could form a council of his own keys and have it logged.

use tabir_crypto::statement::{Body, Statement, Verb};
use tabir_crypto::threshold::dkg::Ceremony;
use tabir_crypto::trust::Trust;
use tabir_crypto::{B32, Code};

use super::ceremony::{member_keys, read_round, verify_transcripts};
use super::manifest::{self, Fingerprints};
use super::{Board, OfficialError};
use crate::api::council::TRANSCRIPT_ROUND;

/// The one council that waits for signatures, or the one named. Error: `Refused` when there is none, or more than one.
pub async fn waiting_council(board: &Board, named: Option<B32>) -> Result<Statement, OfficialError> {
    let id = match named {
        Some(id) => id,
        None => {
            let all = board.proposals().await?.proposals;
            let mut waiting = all.iter().filter(|p| p.verb.as_str() == Verb::CouncilFormed.as_str() && !p.complete);
            match (waiting.next(), waiting.next()) {
                (Some(one), None) => one.id.0,
                (None, _) => return Err(OfficialError::Refused("no council waits for signatures".into())),
                _ => return Err(OfficialError::Refused("several councils wait: name one with --proposal".into())),
            }
        }
    };
    Ok(board.proposal(&id).await?.statement)
}

/// Checks a proposed `council.formed`: fingerprints of all officials, their signatures on the manifest and on the
/// transcript, and that the council is what the ceremony made. Errors: `Refused`, `Cheater`, `context`.
pub async fn check_formed(
    board: &Board,
    trust: &Trust,
    formed: &Statement,
    known: &dyn Fingerprints,
) -> Result<(), OfficialError> {
    let Body::Council(body) = formed.body()? else { return Err(Code::Verb.into()) };
    let payload = board.manifest(&body.ceremony_id.0).await?;
    let ceremony = Ceremony::from_payload(&payload)?;
    let keys = member_keys(&ceremony)?;
    if keys.iter().any(|key| trust.signer(&key.key_id()).is_some()) {
        return Err(OfficialError::Refused("an official of this council holds a key of the trust root".into()));
    }
    manifest::check(&ceremony, None, known)?;

    let signed = board.proposal(&Statement::from_payload(Verb::CouncilManifest, payload)?.pae_hash()).await?.statement;
    let signers = signed.verify(&keys)?.signers;
    let messages = board.messages(ceremony.id()).await?;
    let round1 = read_round(&ceremony, 1, 0, &messages)?;
    let transcripts = read_round(&ceremony, TRANSCRIPT_ROUND, 0, &messages)?;
    let (made, _) = verify_transcripts(&ceremony, round1, &transcripts)?;
    if made != body {
        return Err(Code::Context.into());
    }
    let all: Vec<_> = keys.iter().copied().chain(trust.identities().iter().chain(trust.auditors()).copied()).collect();
    let formed_by = formed.verify(&all)?.signers;
    for key in &keys {
        if !signers.contains(&key.key_id()) || !formed_by.contains(&key.key_id()) {
            return Err(Code::Insufficient.into());
        }
    }
    Ok(())
}
