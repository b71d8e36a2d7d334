//! The warden's X-Wing keys: one an epoch, each announced an epoch ahead, destroyed when no envelope to it is kept.
//!
//! An announcement needs the auditors' quorum beside the warden, so it is a proposal on the board until it is complete.
//! Epochs follow each other without a gap. A key's times are the warden's own clock's; it is destroyed only when the
//! witnessed time says so too, since a clock set forward must not destroy what is still needed.

use tabir_crypto::B32;
use tabir_crypto::hpke::KemSecretKey;
use tabir_crypto::statement::body::{CustodyAct, KeyAnnounced, KeyCustody, KeyKind, Role};
use tabir_crypto::statement::value::{Bytes, Hex, Hex32, Hour, Second, V1};
use tabir_crypto::statement::{Statement, Verb};

use super::Warden;
use super::error::WardenError;
use super::store::KeyRow;
use super::view::View;
use crate::clock::Random;
use crate::http::HttpError;

/// How long envelopes are kept while no policy says otherwise: a year.
const RETENTION_S: u64 = 365 * 86_400;

impl Warden {
    /// Makes the keys that are missing, brings their announcements to the board, destroys what is over.
    pub async fn keys(&self, view: &View) -> Result<(), WardenError> {
        self.make_keys(view).await?;
        self.destroy_keys(view).await?;
        self.propose_keys(view).await?;
        self.propose_custody(view).await
    }

    /// Makes the key of the epoch of now, and the one after it.
    pub async fn make_keys(&self, view: &View) -> Result<(), WardenError> {
        let now = self.clock.now();
        loop {
            let last = self.store.keys().await?.pop();
            let not_before = match &last {
                Some(last) if now < last.not_before => return Ok(()),
                Some(last) => last.not_after.max(Hour::of(now).unix()),
                None => Hour::of(now).unix(),
            };
            // Also above what the log has: a lost or restored store must not announce a second key for an epoch.
            let logged = view.state.keys().filter(|k| k.body.kind == KeyKind::Warden).map(|k| k.body.epoch).max();
            let made = last.map(|l| l.epoch).max(self.store.journal_epoch().await?);
            let epoch = made.max(logged).map_or(1, |epoch| epoch + 1);
            self.make_key(epoch, not_before, not_before.saturating_add(self.epoch_s)).await?;
        }
    }

    async fn make_key(&self, epoch: u64, not_before: u64, not_after: u64) -> Result<(), WardenError> {
        let key = KemSecretKey::generate(&mut Random);
        let public = key.public_key();
        let body = KeyAnnounced {
            v: V1,
            at: Hour::of(self.clock.now()),
            role: Role::Warden,
            kind: KeyKind::Warden,
            epoch,
            key: Bytes(public.as_bytes().to_vec()),
            not_before: Second(not_before),
            not_after: Second(not_after),
        };
        let announced = Statement::signed(Verb::KeyAnnounced, &body, &self.identity)?.to_bytes();
        let (id, seed) = (public.key_id(), Some(key.seed().clone()));
        let row = KeyRow { epoch, not_before, not_after, id, seed, announced, split: None, destroyed: None };
        Ok(self.store.add_key(row).await?)
    }

    /// Brings to the board what the log does not have yet. The board merges: the same again changes nothing.
    pub async fn propose_keys(&self, view: &View) -> Result<(), WardenError> {
        let now = self.clock.now();
        for key in self.store.keys().await? {
            if view.state.key_by_id(&key.id).is_none() && now < key.not_after {
                let (base, path) = (&self.peers.council, "/council/proposals");
                self.post(Role::Council, base, path, "application/json", key.announced).await?;
            }
        }
        Ok(())
    }

    /// Destroys the keys whose quarter and retention are over, and says so.
    pub async fn destroy_keys(&self, view: &View) -> Result<(), WardenError> {
        let retention = view.state.policy().map_or(RETENTION_S, |p| p.envelope_retention_s);
        let ended = view.now.min(self.clock.now()).saturating_sub(retention);
        for key in self.store.keys().await?.into_iter().filter(|k| k.destroyed.is_none() && k.not_after <= ended) {
            let gone = self.custody(key.id, CustodyAct::Destroyed, 0, Vec::new())?;
            if self.store.destroy_key(key.id, key.epoch, gone).await? {
                tracing::info!(
                    epoch = key.epoch,
                    "warden key destroyed: what was sealed to it can't be opened any more"
                );
            }
        }
        Ok(())
    }

    /// What this warden says about a key's copies, for the holders of parts to sign as well.
    pub(super) fn custody(
        &self,
        key_id: B32,
        act: CustodyAct,
        threshold: u16,
        holders: Vec<Hex32>,
    ) -> Result<Statement, WardenError> {
        let body = KeyCustody { v: V1, at: Hour::of(self.clock.now()), key_id: Hex(key_id), act, threshold, holders };
        Ok(Statement::signed(Verb::KeyCustody, &body, &self.identity)?)
    }

    /// Brings to the board what the log does not have yet about this warden's keys: the holders of parts sign there.
    pub async fn propose_custody(&self, view: &View) -> Result<(), WardenError> {
        for key in self.store.keys().await? {
            let Some(logged) = view.state.key_by_id(&key.id) else { continue };
            let split = key.split.filter(|_| logged.custody.split.is_none());
            let destroyed = key.destroyed.filter(|_| logged.custody.destroyed.is_none());
            for said in [split, destroyed].into_iter().flatten() {
                self.propose_statement(said).await?;
            }
        }
        Ok(())
    }

    /// The board merges, so the same again changes nothing. One that it refuses does not fit what it has read of the log yet.
    async fn propose_statement(&self, statement: Vec<u8>) -> Result<(), WardenError> {
        let (base, path) = (&self.peers.council, "/council/proposals");
        match self.post(Role::Council, base, path, "application/json", statement).await {
            Ok(_) | Err(HttpError::Problem { status: 400, .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// The private keys that are not destroyed.
    pub(super) async fn private_keys(&self) -> Result<Vec<KemSecretKey>, WardenError> {
        let keys = self.store.keys().await?;
        Ok(keys.into_iter().filter_map(|k| k.seed).map(KemSecretKey::from_seed).collect())
    }
}
