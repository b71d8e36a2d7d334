//! An official's shares, and what the log says of them now.

use tabir_crypto::B32;
use tabir_crypto::secret::SecretVec;
use tabir_crypto::statement::value::{Bytes, Hex};
use tabir_crypto::threshold::{Council, Share};
use tabir_crypto::trust::state::State;

use super::stored::{Bound, SharePart};
use super::{KeyFileError, OfficialFile, PartKind};
use crate::client::official::OfficialError;

/// What the log says of a share's council.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It holds the shares of its key.
    Current,
    /// Another one of its line took its place.
    Superseded {
        /// Epoch of the share's council.
        have: u64,
        /// Epoch of the one that holds the shares now.
        now: u64,
    },
    /// Its key was retired, and what is sealed to it given up: shares are erased.
    GivenUp,
    /// The log has no such council: not yet, or it is another installation's.
    Unknown,
}

impl Standing {
    /// Of a council by its id.
    #[must_use]
    pub fn of(state: &State, council_id: &B32) -> Self {
        let Ok(logged) = state.council(council_id) else { return Self::Unknown };
        match state.current(logged.council.lineage()) {
            Some(current) if current.given_up => Self::GivenUp,
            Some(current) if current.council.council_id() != council_id => {
                Self::Superseded { have: logged.council.epoch(), now: current.council.epoch() }
            }
            _ => Self::Current,
        }
    }
}

impl OfficialFile {
    /// This official's share in a council. Errors: [`KeyFileError`]: `OtherOfficial`, `OtherCouncil`, `Damaged`,
    /// `Misplaced`; `share`.
    pub fn share(&self, council: &Council) -> Result<Share, OfficialError> {
        let id = *council.council_id();
        let bound = self.bound(council)?.to_bytes();
        let part = self.stored.shares.iter().find(|s| s.id.0 == id).ok_or(KeyFileError::OtherCouncil(id))?;
        let kind = PartKind::Share(id);
        let sealed = (part.bound.0.as_slice(), part.sealed.0.as_slice(), &part.sum);
        let share = Share::from_bytes(self.unseal_bytes(kind, sealed, &bound)?.expose())?;
        share.check(council)?;
        Ok(share)
    }

    /// Whether there is a share of this council.
    #[must_use]
    pub fn has_share(&self, council_id: &B32) -> bool {
        self.stored.shares.iter().any(|s| s.id.0 == *council_id)
    }

    /// What the shares in this file say that they are for, oldest first; [`Self::share`] proves it.
    pub fn holdings(&self) -> Result<Vec<Bound>, OfficialError> {
        let read = |s: &SharePart| {
            let part = PartKind::Share(s.id.0);
            let bound = Bound::from_bytes(&s.bound.0).map_err(|source| KeyFileError::Damaged { part, source })?;
            if bound.council_id == s.id.0 { Ok(bound) } else { Err(KeyFileError::Misplaced { part }.into()) }
        };
        self.stored.shares.iter().map(read).collect()
    }

    fn seal_share(&self, council: &Council, share: &Share) -> Result<SharePart, OfficialError> {
        share.check(council)?;
        let (id, bound) = (*council.council_id(), self.bound(council)?.to_bytes());
        let sealed = self.seal_bytes(share.to_bytes().expose(), &bound)?;
        let sum = PartKind::Share(id).sum(&bound, &sealed);
        Ok(SharePart { id: Hex(id), bound: Bytes(bound), sealed: Bytes(sealed), sum })
    }

    /// Adds a share to a file that is not written yet.
    pub(in crate::client::official) fn put_share(
        &mut self,
        council: &Council,
        share: &Share,
    ) -> Result<(), OfficialError> {
        let sealed = self.seal_share(council, share)?;
        self.stored.shares.retain(|s| s.id != sealed.id);
        self.stored.shares.push(sealed);
        Ok(())
    }

    /// Keeps shares, and what the ceremony does next, in one write.
    pub(in crate::client::official) fn set_shares(
        &mut self,
        shares: &[(&Council, &Share)],
        (ceremony, state): (B32, &SecretVec),
    ) -> Result<(), OfficialError> {
        for (council, share) in shares {
            self.put_share(council, share)?;
        }
        self.set_ceremony(ceremony, state)
    }

    /// The same, for a council of the log: an old copy of the file is told from a file that never had a share.
    /// Errors: those of [`Self::share`], [`KeyFileError::OlderEpoch`].
    pub fn share_by_log(&self, state: &State, council: &Council) -> Result<Share, OfficialError> {
        match self.share(council) {
            Err(OfficialError::KeyFile(KeyFileError::OtherCouncil(id))) => {
                let older = self.stored.shares.iter().filter_map(|s| state.council(&s.id.0).ok());
                let older = older.filter(|c| c.council.lineage() == council.lineage());
                let newest = older.map(|c| c.council.epoch()).max().filter(|have| *have < council.epoch());
                Err(newest
                    .map_or(KeyFileError::OtherCouncil(id), |have| KeyFileError::OlderEpoch {
                        have,
                        now: council.epoch(),
                    })
                    .into())
            }
            other => other,
        }
    }

    fn bound(&self, council: &Council) -> Result<Bound, KeyFileError> {
        let own = council.member_by_key(&self.verifying()).ok_or(KeyFileError::OtherOfficial)?;
        Ok(Bound::of(council, own))
    }
}
