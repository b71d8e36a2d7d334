//! What the governance log says of councils: which follows which, which one counts, which are retired.

use std::collections::BTreeMap;

use super::State;
use crate::codec::B32;
use crate::error::{Code, Result, need};
use crate::statement::Verb;
use crate::statement::body::CouncilFormed;
use crate::threshold::Council;
use crate::trust::Trust;

/// A council that all who must have signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggedCouncil {
    /// Entry of the governance log.
    pub entry: u64,
    /// The council, its parts checked against each other.
    pub council: Council,
    /// The entry that took its key out of use for new reports, for all councils that follow as well. What was sealed to
    /// it can still be opened.
    pub retired: Option<u64>,
    /// Its officials said with that entry that nobody opens what is still sealed: they erase their shares.
    pub given_up: bool,
    /// By official: the last entry in which he showed that his share works.
    pub checked: BTreeMap<u16, u64>,
}

impl State {
    /// A lineage starts once, at epoch 1, and goes on by one with the same key.
    pub(super) fn fits_council(&self, verb: Verb, body: &CouncilFormed) -> Result<()> {
        match (verb, self.current(&body.lineage.0)) {
            (Verb::CouncilFormed, before) => need(before.is_none() && body.epoch == 1, Code::Context),
            (_, None) => Err(Code::Context.into()),
            (_, Some(before)) => {
                let old = &before.council;
                need(body.epoch == old.epoch().saturating_add(1), Code::Context)?;
                let same = body.t == old.t() && body.members.len() == old.members().len();
                let people = || body.members.iter().zip(old.members()).all(|(a, b)| a.ed_vk.0 == *b.ed_vk.as_bytes());
                need(verb == Verb::CouncilReshared || (same && people()), Code::Context)
            }
        }
    }

    pub(super) fn put_council(&mut self, entry: u64, council: Council) {
        let (id, lineage) = (*council.council_id(), *council.lineage());
        // Retired is a key, whoever holds its shares.
        let (retired, given_up) = self.current(&lineage).map_or((None, false), |c| (c.retired, c.given_up));
        match self.lineages.iter_mut().find(|(have, _)| *have == lineage) {
            Some((_, epochs)) => {
                let before = epochs.last().copied();
                for request in self.requests.iter_mut().filter(|r| Some(r.body.council_id.0) == before) {
                    request.void(entry);
                }
                epochs.push(id);
            }
            None => self.lineages.push((lineage, vec![id])),
        }
        self.councils.insert(id, LoggedCouncil { entry, council, retired, given_up, checked: BTreeMap::new() });
    }

    /// The council that new reports are sealed to: the last lineage whose first council has waited its delay and whose
    /// current one is not retired. Error: `not-active`.
    pub fn active_council(&self, trust: &Trust, now: u64) -> Result<&LoggedCouncil> {
        let counts = |first: &B32| self.counts_from(trust, first).is_some_and(|from| from <= now);
        let current = |epochs: &Vec<B32>| {
            let witnessed = epochs.iter().rev().filter_map(|id| self.councils.get(id));
            witnessed.into_iter().find(|c| self.witnessed.of(c.entry).is_some()).filter(|c| c.retired.is_none())
        };
        let lineages = self.lineages.iter().rev().filter(|(_, epochs)| epochs.first().is_some_and(counts));
        lineages.filter_map(|(_, epochs)| current(epochs)).next().ok_or(Code::NotActive.into())
    }

    /// First second at which reports may be sealed to the key of a lineage, by the delay of the version under which its first
    /// council was logged, as with [`State::key_counts_from`]; `None` before that is witnessed.
    #[must_use]
    pub fn council_counts_from(&self, trust: &Trust, lineage: &B32) -> Option<u64> {
        let (_, epochs) = self.lineages.iter().find(|(have, _)| have == lineage)?;
        self.counts_from(trust, epochs.first()?)
    }

    fn counts_from(&self, trust: &Trust, first: &B32) -> Option<u64> {
        let entry = self.councils.get(first)?.entry;
        let delay = self.trust_at(trust, entry).root().activation_s.council;
        Some(self.witnessed.of(entry)?.saturating_add(delay))
    }

    /// The council with this id. Error: `context`.
    pub fn council(&self, id: &B32) -> Result<&LoggedCouncil> {
        self.councils.get(id).ok_or(Code::Context.into())
    }

    /// All councils that the log knows, whatever their dates, in no order.
    pub fn councils(&self) -> impl Iterator<Item = &LoggedCouncil> {
        self.councils.values()
    }

    /// The council of a lineage that holds its shares now: the one with the highest epoch.
    #[must_use]
    pub fn current(&self, lineage: &B32) -> Option<&LoggedCouncil> {
        let (_, epochs) = self.lineages.iter().find(|(have, _)| have == lineage)?;
        self.councils.get(epochs.last()?)
    }

    /// The one that [`State::newest_council`] took the place of, if there was one.
    #[must_use]
    pub fn council_before_newest(&self) -> Option<&LoggedCouncil> {
        let (_, epochs) = self.lineages.last()?;
        self.councils.get(epochs.iter().nth_back(1)?)
    }

    /// The council whose key was made last, by the log, in its newest epoch.
    #[must_use]
    pub fn newest_council(&self) -> Option<&LoggedCouncil> {
        let (_, epochs) = self.lineages.last()?;
        self.councils.get(epochs.last()?)
    }
}
