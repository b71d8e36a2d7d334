//! The governance log with its entries, for who asks whether an identity was asked for: the server looks in the reporter's
//! place, over the whole log, and asks nobody which entry is hers.

use tabir_crypto::B32;
use tabir_crypto::statement::body::PolicyCodes;
use tabir_crypto::trust::root::LogName;
use tokio::sync::Mutex;

use crate::client::ClientError;
use crate::client::log_reader::Entry;
use crate::client::opening::{Opening, Seen, find};
use crate::config::Setup;
use crate::ledger::{self, View};

/// What was read so far.
#[derive(Default)]
pub struct Record(Mutex<(View, Vec<Entry>)>);

/// What a look found.
pub struct Looked {
    /// The openings of this case.
    pub openings: Vec<Opening>,
    /// How many entries were read.
    pub size: u64,
    /// Witnessed time of the newest head, Unix seconds.
    pub witnessed: u64,
    /// Seconds since then, where that is too long.
    pub old_s: Option<u64>,
    /// The policy's words for codes.
    pub codes: Option<PolicyCodes>,
}

impl Record {
    /// Looks for a case's openings in the log as this process has it now. Errors: those of the log's reader.
    pub async fn look(&self, setup: &Setup, notice_key: &B32) -> Result<Looked, ClientError> {
        let mut known = self.0.lock().await;
        let (view, entries) = &mut *known;
        let followed = setup.ledger.view();
        if (view.head, view.witnessed) != (followed.head, followed.witnessed) || view.checkpoint.is_none() {
            let log = &setup.peers.log;
            let reader = ledger::reader(&setup.trust, LogName::Governance, setup.client.clone(), log)?;
            entries.extend(view.advance(&setup.trust, &reader).await?.entries);
        }
        let now = setup.clock.now();
        let seen = Seen { trust: &setup.trust, state: &view.state, entries, whole: true, now: now.max(view.witnessed) };
        let old = now.saturating_sub(view.witnessed);
        Ok(Looked {
            openings: find(&seen, notice_key)?,
            size: view.head.size,
            witnessed: view.witnessed,
            old_s: Some(old).filter(|_| !view.is_fresh(&setup.trust, now)),
            codes: view.state.policy().map(|p| p.codes.clone()),
        })
    }
}
