//! The second phase: what was replaced is erased, once what replaced it stands in a witnessed checkpoint.

use tabir_crypto::B32;
use tabir_crypto::trust::State as Log;

use super::super::{OfficialError, OfficialFile};

/// What became of the shares in a key file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settled {
    /// Councils whose shares were erased just now.
    pub erased: Vec<B32>,
    /// Councils that were replaced, whose shares an opening still needs that the warden has released.
    pub needed: Vec<B32>,
    /// Councils that were replaced by one in which this official sits without having its share: the share before is kept,
    /// and the ceremony has to be repeated.
    pub missing: Vec<B32>,
}

/// Erases the shares of councils that another one has replaced, and of those that gave up what is sealed to them. `log` has only what is witnessed; `now` is the time by
/// which requests are judged. A leaver's share is erased too: together with t - 1 others of its epoch that were not, it
/// would open every report that was sealed to the key.
pub fn settle(file: &mut OfficialFile, log: &Log, now: u64) -> Result<Settled, OfficialError> {
    let mut settled = Settled::default();
    for id in file.share_ids() {
        let Ok(old) = log.council(&id) else { continue };
        let Some(newest) = log.current(old.council.lineage()) else { continue };
        let replaced = *newest.council.council_id() != id;
        if !replaced && !old.given_up {
            continue;
        }
        let opening = |r: &&tabir_crypto::trust::unseal::Request| r.body.council_id.0 == id;
        let live = log.requests().iter().filter(opening).any(|r| r.status(log.witnessed(), now).is_live());
        let sits = newest.council.member_by_key(&file.verifying()).is_some();
        if live {
            settled.needed.push(id);
        } else if replaced && sits && !file.has_share(newest.council.council_id()) {
            settled.missing.push(id);
        } else {
            settled.erased.push(id);
        }
    }
    if !settled.erased.is_empty() {
        file.forget_shares(&settled.erased)?;
    }
    Ok(settled)
}
