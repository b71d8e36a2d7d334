//! Backups of this warden's keys, split among auditors, and how one comes back.
//!
//! ```text
//! back_up   key --> k of n parts, each sealed to its holder --> a file for everybody; key.custody split, for the holders to sign
//! restore   k opened parts --> the key, into the store together with key.custody restored, which the log gets
//! ```
//! A key that was destroyed does not come back, whatever parts there are.

use tabir_crypto::Code;
use tabir_crypto::custody::{Backup, HolderCard, Part};
use tabir_crypto::hpke::KemSecretKey;
use tabir_crypto::statement::body::CustodyAct;

use super::Warden;
use super::error::WardenError;
use super::store::KeyRow;
use super::view::View;
use crate::clock::Random;

impl Warden {
    /// Splits every key that the log has and that has no backup there yet. Returns each with its epoch. Errors: `unknown-key`
    /// for a holder who is no auditor, those of [`Backup::split`], the store's.
    pub async fn back_up(
        &self,
        view: &View,
        holders: &[HolderCard],
        threshold: u16,
    ) -> Result<Vec<(u64, Backup)>, WardenError> {
        for card in holders {
            let (auditor, _) = card.check()?;
            if !self.trust.auditors().contains(&auditor) {
                return Err(tabir_crypto::Error::from(Code::UnknownKey).into());
            }
        }
        let mut made = Vec::new();
        for key in self.store.keys().await? {
            let unsplit = view.state.key_by_id(&key.id).is_some_and(|logged| logged.custody.split.is_none());
            let Some(seed) = key.seed.filter(|_| unsplit) else { continue };
            let backup = Backup::split(&KemSecretKey::from_seed(seed), holders, threshold, &mut Random)?;
            let mut names = backup.holders();
            names.sort_unstable();
            let split = self.custody(key.id, CustodyAct::Split, threshold, names)?;
            self.store.backed_up(key.id, key.epoch, split).await?;
            made.push((key.epoch, backup));
        }
        Ok(made)
    }

    /// Brings a key back. False if it is here already, or was destroyed. Errors: `context` for a key that this warden's copy of
    /// the log does not have, `order` for one that stands there as destroyed or never split, those of [`Backup::combine`].
    pub async fn restore(&self, view: &View, backup: &Backup, parts: &[Part]) -> Result<bool, WardenError> {
        let refuse = |code: Code| WardenError::from(tabir_crypto::Error::from(code));
        let logged = view.state.key_by_id(&backup.key_id.0).ok_or_else(|| refuse(Code::Context))?;
        if logged.custody.split.is_none() || logged.custody.destroyed.is_some() {
            return Err(refuse(Code::Order));
        }
        let key = backup.combine(parts)?;
        let body = &logged.body;
        let row = KeyRow {
            epoch: body.epoch,
            not_before: body.not_before.0,
            not_after: body.not_after.0,
            id: logged.id,
            seed: Some(key.seed().clone()),
            // The log has it.
            announced: Vec::new(),
            split: None,
            destroyed: None,
        };
        let restored = self.custody(logged.id, CustodyAct::Restored, 0, Vec::new())?;
        Ok(self.store.restore_key(row, restored).await?)
    }
}
