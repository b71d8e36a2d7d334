//! Messages of a ceremony as a device reads them: each by its sender, for this ceremony, one from each.

use std::collections::BTreeMap;

use tabir_crypto::ed25519::VerifyingKey;
use tabir_crypto::statement::value::Hour;
use tabir_crypto::statement::{Body, Statement};
use tabir_crypto::threshold::Council;
use tabir_crypto::threshold::dkg::Ceremony;
use tabir_crypto::{B32, Code, Error};

use super::super::OfficialError;
use crate::api::council::round;

/// By sender: what was sent, and the hour of its signature.
pub type Round = BTreeMap<u16, (Vec<u8>, Hour)>;

pub(super) fn bytes_of(round: &Round) -> BTreeMap<u16, Vec<u8>> {
    round.iter().map(|(from, (bytes, _))| (*from, bytes.clone())).collect()
}

/// Whose messages count in a ceremony.
pub struct Senders {
    /// The ceremony.
    pub ceremony_id: B32,
    /// Its members, from index 1.
    pub members: Vec<VerifyingKey>,
    /// Its dealers, by their indices in the council before.
    pub dealers: BTreeMap<u16, VerifyingKey>,
}

impl Senders {
    /// Of a ceremony; its dealers sit in the council before, if there is one. Error: `index` at a dealer who does not.
    pub fn new(ceremony: &Ceremony, old: Option<&Council>) -> Result<Self, OfficialError> {
        let manifest = ceremony.manifest();
        let keys = manifest.members.iter().map(|m| VerifyingKey::from_bytes(&m.ed_vk.0));
        let members = keys.collect::<Result<_, _>>()?;
        let dealer = |old: &Council, i: &u16| Ok((*i, old.member(*i)?.ed_vk));
        let dealers = old.into_iter().flat_map(|old| manifest.dealers.iter().map(move |i| dealer(old, i)));
        let dealers = dealers.collect::<Result<_, Error>>()?;
        Ok(Self { ceremony_id: *ceremony.id(), members, dealers })
    }

    /// All of them, once each.
    #[must_use]
    pub fn keys(&self) -> Vec<VerifyingKey> {
        let mut all: Vec<_> = self.members.iter().chain(self.dealers.values()).copied().collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// The key that signs as `from` in a round: in the rounds of a dealing `from` counts in the council before.
    fn key(&self, in_round: u8, from: u16) -> Option<&VerifyingKey> {
        let member = |from: u16| self.members.get(usize::from(from.checked_sub(1)?));
        match in_round {
            round::DEALING | round::DEALT => self.dealers.get(&from),
            round::ABORT => member(from).or_else(|| self.dealers.get(&from.checked_sub(round::DEALER)?)),
            _ => member(from),
        }
    }

    /// The messages of one round to one recipient. Errors: those of the signatures, `context`, `duplicate` at a sender
    /// who signed two for one place.
    pub fn read(&self, in_round: u8, to: u16, all: &[Statement]) -> Result<Round, OfficialError> {
        let keys = self.keys();
        let mut found = Round::new();
        for statement in all {
            let verified = statement.verify(&keys)?;
            let Body::CouncilMessage(m) = verified.body else { return Err(Code::Verb.into()) };
            let sender = self.key(m.round, m.from);
            if m.ceremony_id.0 != self.ceremony_id || sender.is_none_or(|key| verified.signers != [key.key_id()]) {
                return Err(Code::Context.into());
            }
            if (m.round, m.to) != (in_round, to) {
                continue;
            }
            // A board that lists one message twice blames nobody; one who signed two different ones blames himself.
            let before = found.insert(m.from, (m.bytes.0.clone(), m.at));
            if before.is_some_and(|(bytes, _)| bytes != m.bytes.0) {
                let error = Error::at(Code::Duplicate, m.from);
                let dealing = matches!(in_round, round::DEALING | round::DEALT);
                return Err(if dealing { OfficialError::blame_dealer(error) } else { OfficialError::blame(error) });
            }
        }
        Ok(found)
    }

    /// Who ended the ceremony, if anybody did: the sender and the words.
    pub fn aborted(&self, all: &[Statement]) -> Result<Option<(u16, String)>, OfficialError> {
        let first = self.read(round::ABORT, 0, all)?.pop_first();
        Ok(first.map(|(from, (bytes, _))| (from, printable(&bytes))))
    }
}

/// Only what a code and an index are made of: the words come from somebody else's device and go to a terminal.
fn printable(bytes: &[u8]) -> String {
    let sound = |b: &&u8| b.is_ascii_alphanumeric() || matches!(b, b' ' | b'-' | b'_' | b'.');
    bytes.iter().filter(sound).take(round::ABORT_MAX).map(|b| char::from(*b)).collect()
}
