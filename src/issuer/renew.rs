//! A new epoch before its time: after a gateway came back from a backup, or when a key may be in somebody's hands.
//!
//! ```text
//! epochs of before   private keys deleted, key.retired: their tokens are taken nowhere any more
//! new epoch          above every number that store or log have; key.announced, by the board to an auditor, whose signature
//!                    makes it count as soon as it is witnessed; without one it waits its activation delay
//! ```

use tabir_crypto::codec::sha256;
use tabir_crypto::ed25519::SigningKey;
use tabir_crypto::statement::body::{KeyKind, KeyRetired, Role};
use tabir_crypto::statement::value::{CodeText, Hex, Hour, V1};
use tabir_crypto::statement::{Statement, Verb};

use super::STORE;
use super::epochs::{self, Span};
use super::error::{IssuerError, StartError};
use super::service::blocking;
use super::store::Store;
use crate::config::{Setup, roles};
use crate::http::{HttpError, Method};
use crate::ledger::View;

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Renewed {
    /// The new epoch.
    pub epoch: u64,
    /// Keys that the log is told are retired.
    pub retired: usize,
}

/// Ends the epochs of an issuer's store and begins a new one, also while it runs. `view` is what the governance log says;
/// `auditor`: the new key's announcement waits for an auditor's signature.
pub async fn renew(
    config: &roles::Issuer,
    setup: &Setup,
    view: &View,
    reason: &CodeText,
    auditor: bool,
) -> Result<Renewed, StartError> {
    let identity = setup.identity(Role::Issuer, &config.dir)?;
    let store = Store::open(&config.dir.join(STORE)).await?;
    let now = setup.clock.now();
    let known = store.epochs().await?;
    let tokens = || view.state.keys().filter(|key| key.body.kind == KeyKind::Token);
    let logged = tokens().map(|key| key.body.epoch).max();
    let epoch = known.last().map(|e| e.span.epoch).max(logged).map_or(1, |epoch| epoch.saturating_add(1));
    let overlap = config.overlap_s;
    let taken = tokens().filter(|key| key.retired.is_none() && now < key.body.not_after.0.saturating_add(overlap));
    let retired = taken.map(|key| retirement(key.id, reason, &identity, now)).collect::<Result<Vec<_>, _>>();
    let retired = retired.map_err(IssuerError::Crypto)?;
    let ids: Vec<u8> = known.iter().map(|e| e.public.truncated_id()).collect();
    let key = blocking(move || epochs::new_key(&ids)).await?;
    let span = Span { epoch, not_before: now, not_after: now.saturating_add(config.epoch_s.max(1)) };
    let announced = epochs::announcement(span, key.public(), &identity, now).map_err(IssuerError::Crypto)?;
    let count = retired.len();
    store.renew(span, &key, announced, auditor, retired).await?;
    Ok(Renewed { epoch, retired: count })
}

fn retirement(
    key_id: tabir_crypto::B32,
    reason: &CodeText,
    identity: &SigningKey,
    now: u64,
) -> tabir_crypto::Result<Statement> {
    let body = KeyRetired { v: V1, at: Hour::of(now), key_id: Hex(key_id), reason: reason.clone() };
    Statement::signed(Verb::KeyRetired, &body, identity)
}

/// Brings to the board what an auditor signs, until the log has it. The board merges: the same again changes nothing.
/// True: there is something.
pub(super) async fn propose(store: &Store, identity: &SigningKey, setup: &Setup) -> Result<bool, ProposeError> {
    let view = setup.ledger.view();
    let all = store.proposed().await?;
    let some = !all.is_empty();
    for waiting in all {
        if view.state.key_by_id(&sha256(&waiting.spki)).is_some() {
            store.announced(waiting.epoch).await?;
            continue;
        }
        let statement = Statement::parse(&waiting.statement).map_err(HttpError::from)?;
        let (board, path) = (&setup.peers.council, "/council/proposals");
        setup.client.call(identity, Role::Council, Method::POST, board, path, Some(&statement)).await?;
    }
    Ok(some)
}

/// Why the board does not have it yet.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub(super) enum ProposeError {
    #[error(transparent)]
    Db(#[from] crate::db::DbError),
    #[error(transparent)]
    Http(#[from] HttpError),
}
