//! A list too long for one statement comes in parts, `part` 1 to `parts`, each a statement of its own, in any order.

use std::collections::BTreeMap;

use crate::codec::B32;

/// What one part tells of the order of its items.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Ends {
    /// Each is larger than the one before.
    pub(super) sorted: bool,
    /// The first and the last one.
    pub(super) ends: Option<(B32, B32)>,
}

impl Ends {
    /// Of these items, in one of so many parts. The only one has no neighbours: its ends don't matter.
    pub(super) fn of<'a>(parts: u64, items: impl Iterator<Item = &'a B32>) -> Self {
        let (mut sorted, mut ends): (bool, Option<(B32, B32)>) = (true, None);
        for item in items {
            sorted &= ends.is_none_or(|(_, last)| last < *item);
            ends = Some((ends.map_or(*item, |(first, _)| first), *item));
        }
        Self { sorted, ends: ends.filter(|_| parts > 1) }
    }
}

/// The parts of one statement. Sorted strictly over all of them, so none stands twice.
#[derive(Clone, Debug)]
pub(super) struct Parts {
    parts: u64,
    ends: BTreeMap<u64, Option<(B32, B32)>>,
    sorted: bool,
}

impl Parts {
    /// None yet, of so many.
    pub(super) const fn new(parts: u64) -> Self {
        Self { parts, ends: BTreeMap::new(), sorted: true }
    }

    /// Takes one; false for a part that doesn't fit the others.
    pub(super) fn take(&mut self, part: u64, parts: u64, ends: Ends) -> bool {
        if parts != self.parts || !(1..=parts).contains(&part) || self.ends.contains_key(&part) {
            return false;
        }
        self.sorted &= ends.sorted;
        self.ends.insert(part, ends.ends);
        true
    }

    /// Whether all are there.
    pub(super) fn complete(&self) -> bool {
        u64::try_from(self.ends.len()).is_ok_and(|n| n == self.parts)
    }

    /// Whether each follows the one before.
    pub(super) fn sorted(&self) -> bool {
        let ends: Vec<_> = self.ends.values().flatten().collect();
        self.sorted && ends.iter().zip(ends.iter().skip(1)).all(|((_, last), (first, _))| last < first)
    }
}
