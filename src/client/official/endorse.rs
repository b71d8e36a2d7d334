//! What warden and auditor check before they sign a council: that it is the people they know, and that all n say so.
//!
//! Without this the operator could form a council of his own keys and have it logged.

use tabir_crypto::statement::{Body, Statement, Verb};
use tabir_crypto::threshold::dkg::Ceremony;
use tabir_crypto::threshold::reshare::VerifiedManifest;
use tabir_crypto::trust::{State, Trust};
use tabir_crypto::{B32, Code};

use super::ceremony::{Senders, agreed, council_before};
use super::manifest::{self, Fingerprints};
use super::{Board, OfficialError};

/// Whether a statement of this verb makes a council.
#[must_use]
pub fn makes_council(verb: &str) -> bool {
    [Verb::CouncilFormed, Verb::CouncilRefreshed, Verb::CouncilReshared].iter().any(|v| v.as_str() == verb)
}

/// The one council that waits for signatures, or the one named. Error: `Refused` when there is none, or more than one.
pub async fn waiting_council(board: &Board, named: Option<B32>) -> Result<Statement, OfficialError> {
    let id = match named {
        Some(id) => id,
        None => {
            let all = board.proposals().await?.proposals;
            let mut waiting = all.iter().filter(|p| makes_council(p.verb.as_str()) && !p.complete);
            match (waiting.next(), waiting.next()) {
                (Some(one), None) => one.id.0,
                (None, _) => return Err(OfficialError::Refused("no council waits for signatures".into())),
                _ => return Err(OfficialError::Refused("several councils wait: name one with --proposal".into())),
            }
        }
    };
    Ok(board.proposal(&id).await?.statement)
}

/// Checks a proposed `council.formed`, `.refreshed` or `.reshared`: fingerprints of all officials who are not known from
/// the council before, their signatures on the manifest and on the transcript, that their shares work, and that the
/// council is what the ceremony made. `log` has the council before, if there is one.
/// Errors: `Refused`, `Aborted`, `Cheater`, `CheatingDealer`, `Differs`, `context`, `insufficient-signatures`.
pub async fn check_formed(
    board: &Board,
    trust: &Trust,
    log: Option<&State>,
    formed: &Statement,
    known: &dyn Fingerprints,
) -> Result<(), OfficialError> {
    let Body::Council(body) = formed.body()? else { return Err(Code::Verb.into()) };
    let payload = board.manifest(&body.reshare_id.unwrap_or(body.ceremony_id).0).await?;
    let ceremony = Ceremony::from_payload(&payload)?;
    let signed = board.proposal(&Statement::from_payload(Verb::CouncilManifest, payload)?.pae_hash()).await?.statement;
    let verified = if ceremony.manifest().dealers.is_empty() {
        None
    } else {
        let log = log.ok_or_else(|| OfficialError::Refused("the log is needed to check this: give --server".into()))?;
        Some(VerifiedManifest::verify(&signed, &council_before(&ceremony, log)?)?)
    };
    let senders = Senders::new(&ceremony, verified.as_ref().map(VerifiedManifest::old))?;
    if senders.members.iter().any(|key| trust.signer(&key.key_id()).is_some()) {
        return Err(OfficialError::Refused("an official of this council holds a key of the trust root".into()));
    }
    manifest::check(&ceremony, None, verified.as_ref().map(VerifiedManifest::old), known)?;

    let signers = signed.verify(&senders.keys())?.signers;
    let messages = board.messages(ceremony.id()).await?;
    if let Some((from, words)) = senders.aborted(&messages)? {
        return Err(OfficialError::Aborted { from, words });
    }
    let made = agreed(&senders, &ceremony, verified.as_ref(), &messages)?;
    if !made.iter().any(|outcome| outcome.verb == formed.verb() && outcome.body == body) {
        return Err(Code::Context.into());
    }
    let pinned = trust.identities().iter().chain(trust.auditors()).copied();
    let all: Vec<_> = senders.keys().into_iter().chain(pinned).collect();
    let formed_by = formed.verify(&all)?.signers;
    let unsigned = |id: &B32| !signers.contains(id) || !formed_by.contains(id);
    let taking_part = senders.keys();
    if taking_part.iter().any(|key| unsigned(&key.key_id())) { Err(Code::Insufficient.into()) } else { Ok(()) }
}
