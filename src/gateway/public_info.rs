//! What everybody may read: services and current keys. Conveniences; a client believes its trust root and the log.

use tabir_crypto::statement::body::KeyKind;
use tabir_crypto::statement::value::{Hex, V1};

use super::Gateway;
use crate::api::gateway::{CouncilEntry, KeyEntry, Keys, Services};

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

    /// `GET /v1/keys`.
    #[must_use]
    pub fn keys(&self) -> Keys {
        let (view, now) = (self.ledger.view(), self.clock.now());
        let active = [KeyKind::Token, KeyKind::Intake, KeyKind::Warden]
            .into_iter()
            .filter_map(|kind| view.state.active_key(&self.trust, kind, now).ok());
        let key = |k: &tabir_crypto::trust::state::AnnouncedKey| KeyEntry {
            kind: k.body.kind,
            epoch: k.body.epoch,
            key: k.body.key.clone(),
            index: k.entry,
        };
        let council = view.state.active_council(&self.trust, now).ok();
        Keys {
            v: V1,
            tree_size: view.state.size(),
            keys: active.map(key).collect(),
            council: council.map(|c| CouncilEntry { council_id: Hex(*c.council.council_id()), index: c.entry }),
        }
    }
}
