//! Batches of vouchers: printed for one desk, with an end, and withdrawn together. Works on the issuer's own store, also
//! while it runs.
//!
//! Counts that leave this file are rounded. Of a batch of five codes "4 used" may say that the one person who has not
//! come yet is the one who has not reported; of fifty, "45 or more" says that the desk needs new paper.

use super::attester_voucher::VoucherCode;
use super::error::StartError;
use super::store::Store;
use super::store::vouchers::Batch;
use super::{STORE, new_codes};
use crate::clock::Clock;
use crate::config::roles;

/// The longest name of a desk, in characters: a line on paper.
const MAX_DESK: usize = 64;
/// Codes that lie about longer than a year were lost.
const MAX_DAYS: u64 = 366;
/// Used codes are counted in steps of this.
pub const STEP: u64 = 5;
/// Of smaller batches nothing is said about use: a step would be half of them.
pub const SMALLEST_COUNTED: u64 = 10;
const DAY_S: u64 = 86_400;

/// A batch just made: its codes are nowhere but here.
pub struct Printed {
    /// Its number, by which it is listed and revoked.
    pub id: u64,
    /// Unix second from which on its codes buy nothing.
    pub expires: u64,
    /// The codes.
    pub codes: Vec<VoucherCode>,
}

/// What is told of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its number.
    pub id: u64,
    /// The operator's name of the desk.
    pub desk: String,
    /// Unix second from which on its codes buy nothing.
    pub expires: u64,
    /// Withdrawn.
    pub revoked: bool,
    /// Codes that were printed.
    pub made: u64,
    /// At least so many of them have bought tokens, in steps of [`STEP`] and never all; `None` where that would tell.
    pub used_at_least: Option<u64>,
}

impl From<Batch> for Listed {
    fn from(b: Batch) -> Self {
        let shown = b.made >= SMALLEST_COUNTED;
        // That all are used would say of each of their holders that he has reported.
        let used = b.used.min(b.made.saturating_sub(1)) / STEP * STEP;
        let used_at_least = shown.then_some(used);
        Self { id: b.id, desk: b.desk, expires: b.expires, revoked: b.revoked, made: b.made, used_at_least }
    }
}

async fn store(config: &roles::Issuer) -> Result<Store, StartError> {
    Ok(Store::open(&config.dir.join(STORE)).await?)
}

/// Makes `count` codes for a desk that expire after so many days. Errors: `Desk`, `Days`, `Count`, the store's.
pub async fn make(
    config: &roles::Issuer,
    clock: &Clock,
    desk: &str,
    count: u32,
    days: u64,
) -> Result<Printed, StartError> {
    let length = desk.chars().count();
    if length == 0 || length > MAX_DESK || desk.chars().any(char::is_control) {
        return Err(StartError::Desk(MAX_DESK));
    }
    if days == 0 || days > MAX_DAYS {
        return Err(StartError::Days(MAX_DAYS));
    }
    let codes = new_codes(count)?;
    // The end of a day: when a batch was made is nobody's business.
    let expires = (clock.now() / DAY_S + days + 1) * DAY_S;
    let hashes = codes.iter().map(VoucherCode::hash).collect();
    let id = store(config).await?.add_batch(desk.to_owned(), expires, hashes).await?;
    Ok(Printed { id, expires, codes })
}

/// All batches, the oldest first.
pub async fn list(config: &roles::Issuer) -> Result<Vec<Listed>, StartError> {
    Ok(store(config).await?.batches().await?.into_iter().map(Listed::from).collect())
}

/// Withdraws a batch. False if there is none of that number.
pub async fn revoke(config: &roles::Issuer, id: u64) -> Result<bool, StartError> {
    Ok(store(config).await?.revoke_batch(id).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_told_in_steps_never_all_and_of_small_batches_not_at_all() {
        let told = |made, used| {
            let batch = Batch { id: 1, desk: "Balai Kota".into(), expires: 0, revoked: false, made, used };
            Listed::from(batch).used_at_least
        };
        assert_eq!((told(9, 0), told(9, 9), told(1, 1)), (None, None, None));
        assert_eq!((told(50, 0), told(50, 4), told(50, 5), told(50, 9)), (Some(0), Some(0), Some(5), Some(5)));
        assert_eq!((told(50, 49), told(50, 50), told(10, 10)), (Some(45), Some(45), Some(5)));
    }
}
