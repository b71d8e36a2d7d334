//! The trust root, and leaves of the governance log behind it.

use std::sync::LazyLock;

use tabir_crypto::Code;
use tabir_crypto::json;
use tabir_crypto::statement::{Statement, Verb};
use tabir_crypto::trust::Trust;

use super::{kind, statements, world};

fn signed(verb: Verb, payload: &[u8], keys: &[tabir_crypto::ed25519::SigningKey]) -> Option<Statement> {
    let mut statement = Statement::from_payload(verb, payload.to_vec()).ok()?;
    keys.iter().for_each(|key| statement.sign(key));
    Some(statement)
}

pub mod trust_root {
    use super::*;

    /// Signed by the auditors of the fixture: what its own rules let pass.
    pub fn run(data: &[u8]) -> bool {
        let Some(statement) = signed(Verb::TrustRoot, data, &world::quorum()) else { return false };
        let Ok(trust) = Trust::pinned(&statement) else { return false };
        let root = trust.root();
        assert!(root.auditor_quorum >= 1 && root.auditor_quorum <= 2, "more auditors than signed");
        let n = root.witnesses.len() as u64;
        assert!(root.witness_quorum <= n && 2 * root.witness_quorum > n);
        assert!(root.identities.len() == 6 && root.logs[0].origin != root.logs[1].origin);
        let mut keys: Vec<_> = root.identities.values().chain(&root.auditors).collect();
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), 6 + root.auditors.len(), "one key, one hat");
        assert_eq!(root.version == 1, root.previous.is_none());
        // Nothing is its own next version.
        assert!(trust.update(&statement).is_err());
        true
    }

    pub fn seeds() -> Vec<Vec<u8>> {
        let root = world::trust_root();
        let mut next = root.clone();
        (next.version, next.previous) = (2, Some(world::hash("before")));
        let mut twice = root.clone();
        twice.auditors.push(twice.auditors[0]);
        let mut unseen = root.clone();
        unseen.witness_quorum = 0;
        [root, next, twice, unseen].map(|root| json::to_vec(&root).unwrap()).to_vec()
    }
}

pub mod leaf {
    use super::*;

    fn everybody() -> Vec<tabir_crypto::ed25519::SigningKey> {
        let roles = tabir_crypto::statement::body::Role::ALL.map(world::role);
        roles
            .into_iter()
            .chain((0..3).map(world::auditor))
            .chain(world::officials())
            .chain([world::stranger()])
            .collect()
    }

    static LOG: LazyLock<world::Log> = LazyLock::new(|| {
        let mut log = world::Log::new();
        let request = log.ready("one");
        log.release(request).unwrap();
        log
    });

    /// A payload with some signers, as the next entry of a log that has a council and a released request.
    pub fn run(data: &[u8]) -> bool {
        let [verb, low, high, payload @ ..] = data else { return false };
        let who = u16::from_be_bytes([*high, *low]);
        let keys: Vec<_> =
            everybody().into_iter().zip(0..).filter(|(_, i)| who >> i & 1 == 1).map(|(k, _)| k).collect();
        let verb = Verb::ALL[usize::from(*verb) % Verb::ALL.len()];
        let Some(statement) = signed(verb, payload, &keys) else { return false };
        let checked = LOG.would(&statement);
        let mut state = LOG.state.clone();
        let entry = state.size();
        let leaf = statement.to_bytes();
        let applied = state.apply(&LOG.trust, entry, &leaf, Some(LOG.now));
        assert_eq!(checked.as_ref().err(), applied.as_ref().err(), "the log would take another than its readers");
        let Ok(verified) = applied else { return false };
        assert_eq!(statements::written(&verified.body), statements::written(&statement.body().unwrap()));
        assert_eq!(verified.signers.len(), keys.len());
        let again = state.apply(&LOG.trust, entry + 1, &leaf, Some(LOG.now));
        assert!(again.is_err_and(|e| e.code() == Code::Duplicate), "one entry twice");
        true
    }

    fn seed(verb: Verb, who: u16, body: &impl serde::Serialize) -> Vec<u8> {
        let at = Verb::ALL.iter().position(|v| *v == verb).unwrap();
        let [high, low] = who.to_be_bytes();
        kind(u8::try_from(at).unwrap(), [[low, high].as_slice(), &json::to_vec(body).unwrap()].concat())
    }

    /// A bit a signer: the roles in their order, three auditors, three officials, a stranger.
    pub fn seeds() -> Vec<Vec<u8>> {
        use tabir_crypto::statement::body::KeyKind;
        let request = world::hash("unknown");
        let live = tabir_crypto::statement::value::Hex(LOG.state.requests()[0].hash);
        vec![
            seed(Verb::KeyAnnounced, 1, &world::key_announced(KeyKind::Token, 1)),
            seed(Verb::KeyAnnounced, 1 | 1 << 6, &world::key_announced(KeyKind::Token, 1)),
            seed(Verb::KeyAnnounced, 4, &world::key_announced(KeyKind::Intake, 1)),
            seed(Verb::KeyAnnounced, 1 << 5 | 3 << 6, &world::key_announced(KeyKind::Warden, 1)),
            seed(Verb::PolicySet, 2 | 1 << 6, &world::policy(2)),
            seed(Verb::PolicySet, 2, &world::policy(2)),
            seed(Verb::UnsealRequested, 1 << 9, &world::requested("two")),
            seed(Verb::UnsealApproved, 1 << 9, &world::approved(request, 1)),
            seed(Verb::UnsealPartial, 1 << 9, &world::partial(live, 1, &[1, 2])),
            seed(Verb::UnsealPartial, 1 << 10, &world::partial(live, 2, &[1, 2])),
            seed(Verb::UnsealFailed, 3 << 9, &world::ended(live, "aead")),
            seed(Verb::UnsealDeclined, 1 << 5, &world::ended(request, "outer")),
        ]
    }
}
