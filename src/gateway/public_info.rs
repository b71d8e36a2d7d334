//! What everybody may read: services and current keys. Conveniences; a client believes its trust root and the log.

use std::sync::{Arc, PoisonError};

use tabir_crypto::statement::body::KeyKind;
use tabir_crypto::statement::value::{Bytes, Hex, V1};

use super::Gateway;
use crate::api::gateway::{CouncilEntry, KeyEntry, Keys, Services};
use crate::ledger::View;

impl Gateway {
    /// `GET /v1/services`.
    #[must_use]
    pub fn services(&self) -> Services {
        let (root, view) = (self.trust.root(), self.ledger.view());
        Services {
            v: V1,
            name: root.name.clone(),
            demo: root.demo,
            issuer: self.peers.issuer.clone(),
            log: self.peers.log.clone(),
            council: self.peers.council.clone(),
            categories: view.state.policy().map(|policy| policy.categories.clone()).unwrap_or_default(),
        }
    }

    /// `GET /v1/keys`. Made once a checkpoint, since a proof takes all leaf hashes.
    #[must_use]
    pub fn keys(&self) -> Arc<Keys> {
        let view = self.ledger.view();
        let at = view.checkpoint.as_ref().map_or((0, 0), |c| (c.head().size, c.witnessed_time()));
        let mut made = self.keys_shown.lock().unwrap_or_else(PoisonError::into_inner);
        match &*made {
            Some((made_at, keys)) if *made_at == at => Arc::clone(keys),
            _ => Arc::clone(&made.insert((at, Arc::new(self.keys_at(&view, at)))).1),
        }
    }

    fn keys_at(&self, view: &View, (tree_size, time): (u64, u64)) -> Keys {
        let key = |kind| {
            let counts = view.state.active_key(&self.trust, kind, time).ok()?;
            let (entry, proof) = proven(view, counts.entry)?;
            let (epoch, key) = (counts.body.epoch, counts.body.key.clone());
            Some(KeyEntry { kind, epoch, key, index: counts.entry, entry, proof })
        };
        let council = || {
            let counts = view.state.active_council(&self.trust, time).ok()?;
            let (entry, proof) = proven(view, counts.entry)?;
            Some(CouncilEntry { council_id: Hex(*counts.council.council_id()), index: counts.entry, entry, proof })
        };
        Keys { v: V1, tree_size, keys: KeyKind::ALL.into_iter().filter_map(key).collect(), council: council() }
    }
}

fn proven(view: &View, index: u64) -> Option<(Bytes, Bytes)> {
    let (entry, proof) = view.proven(index)?;
    Some((Bytes(entry.to_vec()), Bytes(proof.to_bytes())))
}
