//! `tabir council finish`: a participant's part of a ceremony, from the signed manifest to the signed council.
//!
//! ```text
//! sign the manifest, wait for all n and the dealers        proposal council.manifest
//! commitments (new key); dealing and dealt shares (reshare)  state saved, then posted
//! sealed shares (new key)                                  state and sealed shares saved, then posted
//! shares computed, checked, kept beside the old one        saved, then transcript and drill posted
//! all transcripts equal, all drills open                   then sign what was made, wait for all n and the dealers
//! warden and auditor sign by their own commands; log; witness; then `settle` erases what was replaced
//! ```
//! What is sent is saved first: after a crash the same bytes are sent again, and the board takes them once. Until the new
//! council is witnessed the old one is as it was. A ceremony that a participant ends, or in which somebody cheats,
//! leaves nothing on this device but its id, which is refused from then on.

mod messages;
mod outcome;
mod part;
mod settle;
mod state;

use tabir_crypto::B32;
use tabir_crypto::statement::{Statement, Verb};
use tabir_crypto::threshold::Council;
use tabir_crypto::threshold::dkg::Ceremony;
use tabir_crypto::trust::State as Log;

use super::{Board, OfficialError, OfficialFile, Patience};
use crate::clock::Clock;
pub use messages::{Round, Senders};
pub use outcome::{Outcome, agreed, makes_key};
use part::Part;
pub use settle::{Settled, settle};
use state::State;

/// One council that came of the ceremony.
#[derive(Clone, Debug)]
pub struct Made {
    /// Id of the proposal, which warden and an auditor sign next.
    pub proposal: B32,
    /// `council.formed`, `.refreshed` or `.reshared`.
    pub verb: Verb,
    /// The council.
    pub council: Council,
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct Formed {
    /// One council; of a removal two, the reshared one first.
    pub made: Vec<Made>,
    /// This official's index among the members; `None` for a dealer who leaves.
    pub index: Option<u16>,
    /// The messages by which this device judged it.
    pub messages: Vec<Statement>,
}

impl Formed {
    /// The last council of it: the one that new reports will be sealed to.
    #[must_use]
    pub fn council(&self) -> &Council {
        &self.last().council
    }

    /// Its proposal.
    #[must_use]
    pub fn proposal(&self) -> B32 {
        self.last().proposal
    }

    #[expect(clippy::expect_used, reason = "a ceremony makes a council or ends with an error")]
    fn last(&self) -> &Made {
        self.made.last().expect("a ceremony makes at least one council")
    }
}

/// Where a ceremony takes place.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    /// The board.
    pub board: &'a Board,
    /// The device's clock.
    pub clock: &'a Clock,
    /// The governance log as this device reads it: it has the council before. A first key needs none.
    pub log: Option<&'a Log>,
}

/// One official's part. The fingerprints have been compared before: see [`super::manifest::check`].
pub async fn finish(
    file: &mut OfficialFile,
    payload: &[u8],
    place: Place<'_>,
    patience: &mut Patience<'_>,
) -> Result<Formed, OfficialError> {
    let ceremony = Ceremony::from_payload(payload)?;
    let id = *ceremony.id();
    if file.is_aborted(&id) {
        return Err(OfficialError::Refused("this ceremony was ended: make a new manifest".into()));
    }
    let part = Part::new(ceremony, place, file)?;
    let done = part.run(file, payload, patience).await;
    if part.has_signed(file)? {
        return done;
    }
    match &done {
        Err(OfficialError::Cheater { index, source }) => {
            part.abort(file, &format!("{} member {index}", source.code().as_str())).await?;
        }
        Err(OfficialError::CheatingDealer { index, source }) => {
            part.abort(file, &format!("{} dealer {index}", source.code().as_str())).await?;
        }
        Err(OfficialError::Differs { index }) => part.abort(file, &format!("differs member {index}")).await?,
        Err(OfficialError::Aborted { .. }) => erase(file, id)?,
        _ => {}
    }
    done
}

/// Ends a ceremony: nothing of it stays on this device, its id is refused here and by the board, and the others see it.
/// Errors, with which nothing was erased: `Refused` when its council is in the log already; the board's `finished` when
/// the council has all its signatures and is on its way there.
pub async fn abort(file: &mut OfficialFile, payload: &[u8], place: Place<'_>) -> Result<(), OfficialError> {
    let ceremony = Ceremony::from_payload(payload)?;
    let logged = place.log.is_some_and(|log| log.councils().any(|c| c.council.shares_id() == ceremony.id()));
    if logged {
        return Err(OfficialError::Refused("this ceremony has come to its end: its council is in the log".into()));
    }
    Part::new(ceremony, place, file)?.abort(file, "ended").await
}

/// Takes all that a ceremony left out of the key file, but for its id.
fn erase(file: &mut OfficialFile, id: B32) -> Result<(), OfficialError> {
    let kept = match file.ceremony(&id)? {
        Some(saved) => State::from_secret(&saved)?.kept.iter().map(|id| id.0).collect(),
        None => Vec::new(),
    };
    file.abort(id, &kept)
}

/// This official's place in a manifest; both keys must stand there.
pub fn own_index(ceremony: &Ceremony, file: &OfficialFile) -> Result<u16, OfficialError> {
    member_index(ceremony, file).ok_or_else(|| OfficialError::Refused("your keys do not stand in this manifest".into()))
}

fn member_index(ceremony: &Ceremony, file: &OfficialFile) -> Option<u16> {
    let card = file.card();
    let own = ceremony.manifest().members.iter().find(|m| m.ed_vk == card.ed_vk && m.kem_pk == card.kem_pk);
    own.map(|m| m.index)
}

/// The council that a manifest follows; it may have been replaced by this very ceremony. Error: `Refused` when the log
/// has another one in its place.
pub fn council_before(ceremony: &Ceremony, log: &Log) -> Result<Council, OfficialError> {
    let known = log.council(&ceremony.manifest().previous.0).map(|c| &c.council);
    let holds = |before: &&Council| {
        let now = log.current(before.lineage()).map(|now| &now.council);
        now.is_some_and(|now| now.council_id() == before.council_id() || now.shares_id() == ceremony.id())
    };
    let other = "the manifest follows a council that is not, or no longer, the one in the log: make a new one";
    known.ok().filter(holds).cloned().ok_or_else(|| OfficialError::Refused(other.into()))
}
