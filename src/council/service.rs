//! The board: who may call it, and what all its parts share.

use std::sync::{Arc, PoisonError, RwLock};

use tabir_crypto::codec::sha256;
use tabir_crypto::ed25519::{SigningKey, VerifyingKey};
use tabir_crypto::statement::body::Role;
use tabir_crypto::threshold::dkg::Ceremony;
use tabir_crypto::trust::Trust;
use tabir_crypto::{B32, json};
use tokio::sync::Mutex;

use super::error::BoardError;
use super::store::Store;
use crate::api::council::Admit;
use crate::api::gateway::CaseForCouncil;
use crate::config::Setup;
use crate::db::DbError;
use crate::http::Method;
use crate::ledger::View;

/// The board.
pub struct Service {
    pub(super) store: Store,
    pub(super) setup: Setup,
    pub(super) identity: SigningKey,
    admitted: RwLock<Vec<Arc<Ceremony>>>,
    /// Held while signatures are merged: two that come at once are both kept.
    pub(super) gathering: Mutex<()>,
}

impl Service {
    /// Starts on a store.
    pub async fn new(store: Store, setup: Setup, identity: SigningKey) -> Result<Self, DbError> {
        let read = |payload: Vec<u8>| Ceremony::from_payload(&payload).map(Arc::new);
        let admitted = store.manifests().await?.into_iter().map(read).collect::<Result<Vec<_>, _>>();
        let admitted = RwLock::new(admitted.map_err(|_| DbError::Malformed("ceremonies"))?);
        Ok(Self { store, setup, identity, admitted, gathering: Mutex::default() })
    }

    pub(super) fn trust(&self) -> &Trust {
        &self.setup.trust
    }

    pub(super) fn view(&self) -> Arc<View> {
        self.setup.ledger.view()
    }

    /// How many entries of the governance log this board has read.
    pub fn read(&self) -> u64 {
        self.view().head.size
    }

    /// The time by which requests are judged: never before the log's newest head.
    pub(super) fn now(&self, view: &View) -> u64 {
        self.setup.clock.now().max(view.witnessed)
    }

    /// Officials of all councils in the log.
    pub fn officials(&self) -> Vec<VerifyingKey> {
        self.view().state.councils().flat_map(|c| c.council.members()).map(|m| m.ed_vk).collect()
    }

    /// Members of admitted manifests.
    pub fn admitted_members(&self) -> Vec<VerifyingKey> {
        let admitted = self.admitted.read().unwrap_or_else(PoisonError::into_inner);
        let members = admitted.iter().flat_map(|c| &c.manifest().members);
        members.filter_map(|m| VerifyingKey::from_bytes(&m.ed_vk.0).ok()).collect()
    }

    /// All who sign something that is gathered here.
    pub fn signers(&self) -> Vec<VerifyingKey> {
        let trust = self.trust();
        let pinned = trust.identities().iter().chain(trust.auditors()).copied();
        pinned.chain(self.officials()).chain(self.admitted_members()).collect()
    }

    pub(super) fn ceremony(&self, id: &B32) -> Result<Arc<Ceremony>, BoardError> {
        let admitted = self.admitted.read().unwrap_or_else(PoisonError::into_inner);
        admitted.iter().find(|c| c.id() == id).cloned().ok_or(BoardError::NotFound)
    }

    /// The operator lets the members of a manifest call, for this ceremony. The same one again changes nothing.
    pub async fn admit(&self, admit: Admit) -> Result<(), BoardError> {
        let ceremony = Ceremony::from_payload(&admit.manifest.0)?;
        self.not_aborted(ceremony.id()).await?;
        self.store.add_manifest(sha256(&admit.manifest.0), admit.manifest.0).await?;
        let mut admitted = self.admitted.write().unwrap_or_else(PoisonError::into_inner);
        if admitted.iter().all(|c| c.id() != ceremony.id()) {
            admitted.push(Arc::new(ceremony));
        }
        Ok(())
    }

    /// A case, as the gateway shows it to the board.
    pub async fn case(&self, reference: &str) -> Result<CaseForCouncil, BoardError> {
        // A path is built from it: only what a reference looks like.
        let sound = reference.len() <= 16 && reference.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        if !sound {
            return Err(BoardError::NoCase);
        }
        let answer = self.call_gateway::<()>(Method::GET, &format!("/internal/cases/{reference}"), None).await?;
        Ok(json::from_slice(&answer)?)
    }

    pub(super) async fn call_gateway<B: serde::Serialize + Sync>(
        &self,
        method: Method,
        path: &str,
        body: Option<&B>,
    ) -> Result<Vec<u8>, BoardError> {
        let base = &self.setup.peers.gateway_internal;
        Ok(self.setup.client.call(&self.identity, Role::Gateway, method, base, path, body).await?.body)
    }
}
