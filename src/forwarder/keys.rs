//! Intake keys: made here, announced in the governance log, destroyed when nothing can be sealed to them any more.
//!
//! ```text
//! epoch e        |------ newest ------|------ still good ------|--- kept for what is under way ---| destroyed
//! epoch e + 1    announced ahead      |------ newest ------|…
//! ```
//! The old key stays good for one epoch more: its successor counts only when it is witnessed, and an outage of the
//! witness must not silence people. Each seed is a file `intake-<epoch>.key` of mode 0600 in the role's folder.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use tabir_crypto::ed25519::SigningKey;
use tabir_crypto::hpke::KemSecretKey;
use tabir_crypto::statement::body::{KeyAnnounced, KeyKind, Role};
use tabir_crypto::statement::value::{Bytes, Hour, Second, V1};
use tabir_crypto::statement::{Statement, Verb};
use tabir_crypto::{B32, SecretBytes};

use super::StartError;
use super::store::Store;
use super::store::keys::Epoch;
use crate::config::ConfigError;
use crate::config::keys::{create_seed, read_seed};

/// How long a key is kept after the last second at which a client may seal to it: a reporter's device may be offline
/// with a sealed report, and the gateway's outbox may wait for a forwarder that is down.
const KEEP_S: u64 = 30 * 86_400;
/// A successor is announced at least so long before it is needed, beside its activation delay.
const AHEAD_S: u64 = 86_400;

/// The private keys that are not destroyed.
pub struct IntakeKeys {
    dir: PathBuf,
    epoch_s: u64,
    activation_s: u64,
    keys: Mutex<HashMap<B32, KemSecretKey>>,
}

impl IntakeKeys {
    /// Reads what the folder has. With a store that came back from a backup that is done later: keys may be missing then.
    pub async fn load(dir: &Path, epoch_s: u64, activation_s: u64, store: &Store) -> Result<Self, StartError> {
        let loaded = Self { dir: dir.into(), epoch_s, activation_s, keys: Mutex::default() };
        if store.restored_at().await?.is_some() {
            return Ok(loaded);
        }
        for epoch in store.epochs().await?.into_iter().filter(|e| !e.destroyed) {
            let key = KemSecretKey::from_seed(read_seed(&loaded.file(epoch.epoch))?);
            loaded.remember(key);
        }
        Ok(loaded)
    }

    /// Reads the key of one epoch, if the folder has it. False: it is lost.
    pub fn reload(&self, epoch: &Epoch) -> Result<bool, StartError> {
        let file = self.file(epoch.epoch);
        if !file.exists() {
            return Ok(false);
        }
        let key = KemSecretKey::from_seed(read_seed(&file)?);
        let is_it = key.public_key().key_id() == epoch.key_id;
        if is_it {
            self.remember(key);
        }
        Ok(is_it)
    }

    fn file(&self, epoch: u64) -> PathBuf {
        self.dir.join(format!("intake-{epoch}.key"))
    }

    fn remember(&self, key: KemSecretKey) {
        self.locked().insert(key.public_key().key_id(), key);
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, HashMap<B32, KemSecretKey>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The private key of an id; `None` when it is not ours or destroyed.
    pub fn get(&self, key_id: &B32) -> Option<KemSecretKey> {
        self.locked().get(key_id).cloned()
    }

    /// Makes the first or next key when it is time, and destroys what is over.
    pub async fn maintain(&self, store: &Store, identity: &SigningKey, now: u64) -> Result<(), StartError> {
        let epochs = store.epochs().await?;
        let ahead = self.activation_s + AHEAD_S.min(self.epoch_s / 4);
        let next = match epochs.last() {
            None => Some((1, now)),
            // Without a private key nobody could read what is sealed to it.
            Some(last) if last.destroyed => Some((last.epoch + 1, now)),
            Some(last) => {
                let turn = last.not_before + self.epoch_s;
                (now + ahead >= turn).then(|| (last.epoch + 1, turn.max(now)))
            }
        };
        if let Some((epoch, not_before)) = next {
            self.begin(store, identity, epoch, not_before, now).await?;
        }
        for epoch in epochs.iter().filter(|e| !e.destroyed && e.not_after + KEEP_S <= now) {
            if !store.key_is_needed(epoch.key_id).await? {
                let file = self.file(epoch.epoch);
                erase(&file).map_err(|source| ConfigError::File { path: file, source })?;
                self.locked().remove(&epoch.key_id);
                store.epoch_destroyed(epoch.epoch).await?;
            }
        }
        Ok(())
    }

    async fn begin(
        &self,
        store: &Store,
        identity: &SigningKey,
        epoch: u64,
        not_before: u64,
        now: u64,
    ) -> Result<(), StartError> {
        let file = self.file(epoch);
        // A file without a row: the process died between the two, nobody has seen this key.
        let seed: SecretBytes<32> = if file.exists() { read_seed(&file)? } else { create_seed(&file)? };
        let key = KemSecretKey::from_seed(seed);
        let public = key.public_key();
        let not_after = not_before + 2 * self.epoch_s;
        let body = KeyAnnounced {
            v: V1,
            at: Hour::of(now),
            role: Role::Forwarder,
            kind: KeyKind::Intake,
            epoch,
            key: Bytes(public.as_bytes().to_vec()),
            not_before: Second(not_before),
            not_after: Second(not_after),
        };
        let announcement = Statement::signed(Verb::KeyAnnounced, &body, identity)?;
        let row = Epoch { epoch, key_id: public.key_id(), not_before, not_after, destroyed: false };
        store.add_epoch(row, announcement).await?;
        self.remember(key);
        Ok(())
    }
}

/// Overwrites and removes a seed. That no copy is left on the medium can't be promised.
fn erase(file: &Path) -> std::io::Result<()> {
    use std::io::Write as _;
    match std::fs::OpenOptions::new().write(true).open(file) {
        Ok(mut open) => {
            open.write_all(&[b'0'; 64])?;
            open.sync_all()?;
            std::fs::remove_file(file)
        }
        // Gone already: the row's change was lost in a crash.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}
