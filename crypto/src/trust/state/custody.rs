//! What became of a warden key's copies, by `key.custody`: split among holders, brought back, destroyed. In this order, and
//! destroyed is the end: who brings back what he said was gone has said something untrue, and the audit names the entry.

use super::State;
use crate::error::{Code, Result, need};
use crate::statement::body::{CustodyAct, KeyCustody};
use crate::statement::value::Hex32;

/// Of one key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Custody {
    /// Entry, threshold and holders of its backup.
    pub split: Option<(u64, u16, Vec<Hex32>)>,
    /// Entries that say that it was brought back.
    pub restored: Vec<u64>,
    /// The entry by which warden and holders say that it is gone.
    pub destroyed: Option<u64>,
}

impl Custody {
    /// Who has parts; none if it was never split.
    #[must_use]
    pub fn holders(&self) -> &[Hex32] {
        self.split.as_ref().map_or(&[], |(.., holders)| holders)
    }
}

impl State {
    /// Errors: `context` for an unknown key, `duplicate` for a second split or end, `order` after the end, for a key brought
    /// back without a split, and for the end of a key that is neither over nor retired.
    pub(super) fn fits_custody(&self, body: &KeyCustody, at: Option<u64>) -> Result<()> {
        let key = self.key_by_id(&body.key_id.0).ok_or(Code::Context)?;
        let custody = &key.custody;
        match body.act {
            CustodyAct::Split => need(custody.split.is_none(), Code::Duplicate)?,
            CustodyAct::Restored => need(custody.split.is_some(), Code::Order)?,
            CustodyAct::Destroyed => {
                need(custody.destroyed.is_none(), Code::Duplicate)?;
                let over = at.is_none_or(|at| key.body.not_after.0 <= at);
                need(over || key.retired.is_some(), Code::Order)?;
            }
        }
        need(custody.destroyed.is_none(), Code::Order)
    }

    pub(super) fn put_custody(&mut self, entry: u64, body: &KeyCustody) {
        let place = self.key_ids.get(&body.key_id.0).and_then(|place| self.keys.get_mut(place));
        for key in place.into_iter().flatten().filter(|k| k.id == body.key_id.0) {
            match body.act {
                CustodyAct::Split => key.custody.split = Some((entry, body.threshold, body.holders.clone())),
                CustodyAct::Restored => key.custody.restored.push(entry),
                CustodyAct::Destroyed => key.custody.destroyed = Some(entry),
            }
        }
    }
}
