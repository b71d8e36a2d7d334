//! A list too long for one statement comes in parts, `part` 1 to `parts`, each a statement of its own, in any order.

use std::collections::BTreeMap;

use crate::codec::B32;

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
    pub(super) fn take<'a>(&mut self, part: u64, parts: u64, items: impl Iterator<Item = &'a B32>) -> bool {
        if parts != self.parts || !(1..=parts).contains(&part) || self.ends.contains_key(&part) {
            return false;
        }
        let mut ends: Option<(B32, B32)> = None;
        for item in items {
            self.sorted &= ends.is_none_or(|(_, last)| last < *item);
            ends = Some((ends.map_or(*item, |(first, _)| first), *item));
        }
        self.ends.insert(part, ends);
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
