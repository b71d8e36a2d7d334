//! What goes with time: tags of spent tokens, token keys that are over, envelopes past their retention, the rest of
//! erased cases. And the windows, which close on time whether or not somebody writes.

use std::sync::Arc;
use std::time::Duration;

use tabir_crypto::statement::body::KeyKind;
use tabir_crypto::trust::root::LogName;

use super::Gateway;
use super::error::Refusal;
use super::redeem::DAY_S;
use super::store::{cases, envelopes, spent};
use crate::config::Setup;
use crate::ledger;

/// Between two looks at the window: the shortest windows are the demo's, some seconds long.
const TICK: Duration = Duration::from_millis(500);
/// Between two tries to read the logs after a restore.
const RETRY: Duration = Duration::from_secs(1);
/// Ticks between two rounds of deletion: half a minute.
const TICKS_PER_ROUND: u64 = 60;
/// A tag is kept for two whole days after its own, so that a retry within 48 hours is safe.
const TAG_DAYS: u64 = 2;

/// Closes windows and deletes what is over, until the process ends.
pub(super) async fn run(gateway: Arc<Gateway>, mut setup: Setup) {
    if gateway.is_restoring() && !catch_up(&gateway, &mut setup).await {
        return;
    }
    for tick in 0_u64.. {
        if let Err(error) = gateway.tick().await {
            tracing::error!(%error, "windows");
        }
        if tick % TICKS_PER_ROUND == 0
            && let Err(error) = gateway.clean().await
        {
            tracing::error!(%error, "retention");
        }
        if !setup.pause(TICK).await {
            return;
        }
    }
}

/// Reads the logs until the store has caught up. False: the process ends before.
async fn catch_up(gateway: &Gateway, setup: &mut Setup) -> bool {
    tracing::warn!("this store came from a backup: nothing is served until the logs were read");
    let reader = ledger::reader(&setup.trust, LogName::Intake, setup.client.clone(), &setup.peers.log);
    loop {
        match &reader {
            Ok(reader) => match gateway.catch_up(reader).await {
                Ok(true) => return true,
                Ok(false) => {}
                Err(error) => tracing::warn!(%error, "catching up"),
            },
            Err(error) => tracing::error!(%error, "the intake log's keys in the trust root"),
        }
        if !setup.pause(RETRY).await {
            return false;
        }
    }
}

impl Gateway {
    /// Opens the first window as soon as there is a policy, closes those that are over.
    pub async fn tick(&self) -> Result<(), Refusal> {
        match self.roll_windows().await {
            Ok(_) | Err(Refusal::NotReady) => Ok(()),
            Err(e) => Err(e),
        }
    }

    /// Deletes what is over.
    pub async fn clean(&self) -> Result<(), Refusal> {
        let (now, view) = (self.clock.now(), self.ledger.view());
        let tokens = view.state.keys().filter(|key| key.body.kind == KeyKind::Token);
        let over: Vec<_> = tokens.filter(|key| self.is_over(key)).map(|key| key.id).collect();
        let keep_s = view.state.policy().map(|policy| policy.envelope_retention_s);
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    spent::forget_tags(tx, (now / DAY_S).saturating_sub(TAG_DAYS)).await?;
                    for id in over {
                        // One transaction: never a key that is taken without what was spent of it.
                        if !spent::is_retired(tx, &id).await? {
                            spent::retire(tx, &id).await?;
                        }
                    }
                    if let Some(keep_s) = keep_s {
                        envelopes::expire(tx, now.saturating_sub(keep_s)).await?;
                    }
                    cases::purge(tx, now).await
                })
            })
            .await?;
        Ok(self.db.checkpoint().await?)
    }
}
