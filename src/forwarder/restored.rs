//! A store that came back from a backup: it has forgotten what it sent and what it told the log. Before it does anything, it
//! reads both logs.
//!
//! ```text
//! report.forwarded   not told again; its delivery is looked up at the downstream by its marker, as all that waited is
//! report.refused     refused
//! report.erased      nothing of it is sent any more
//! key.announced      epochs of intake keys that the backup does not have; a private key that is not here is retired
//! ```
//! What it took in since the backup and had not sent is lost: the gateway's acceptance stands alone in the log.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tabir_crypto::statement::body::{KeyKind, KeyRetired};
use tabir_crypto::statement::value::{CodeText, Hex, Hour, V1};
use tabir_crypto::statement::{Body, Statement, Verb};
use tabir_crypto::trust::root::LogName;
use tabir_crypto::trust::{State, Trust, rule};

use super::store::backup::Told;
use super::store::keys::Epoch;
use super::{Forwarder, RoundError};
use crate::client::log_reader::LogReader;
use crate::client::log_source::LogSource;
use crate::config::Setup;
use crate::ledger::{self, View};

/// Why a key of which only the public half is left is retired.
const LOST: &str = "lost";

/// Between two tries to read the logs.
const RETRY: Duration = Duration::from_secs(1);

/// Reads the logs until the store has caught up.
pub(super) async fn run(forwarder: Arc<Forwarder>, mut setup: Setup) {
    if !forwarder.is_restoring() {
        return;
    }
    tracing::warn!("this store came from a backup: nothing is taken or sent until the logs were read");
    let reader = ledger::reader(&setup.trust, LogName::Intake, setup.client.clone(), &setup.peers.log);
    loop {
        let view = setup.ledger.view();
        match &reader {
            Ok(reader) => match forwarder.catch_up(&view, reader).await {
                Ok(true) => return,
                Ok(false) => {}
                Err(error) => tracing::warn!(%error, "catching up"),
            },
            Err(error) => tracing::error!(%error, "the intake log's keys in the trust root"),
        }
        if !setup.pause(RETRY).await {
            return;
        }
    }
}

/// Takes an entry of the intake log. One whose signatures do not suffice says nothing.
fn take(told: &mut Told, trust: &Trust, state: &State, leaf: &[u8], witnessed: u64) {
    let Ok(statement) = Statement::parse(leaf) else { return };
    let Ok(verified) = rule::check_intake(trust, state, &statement, Some(witnessed)) else { return };
    match verified.body {
        Body::ReportFate(b) => {
            let round = told.rounds.entry(b.w).or_default();
            *round = (*round).max(b.round);
            let nf = b.nf.iter().map(|nf| nf.0);
            match verified.verb {
                Verb::ReportForwarded => told.forwarded.extend(nf),
                Verb::ReportRefused => told.refused.extend(nf),
                _ => told.pending.extend(nf.map(|nf| (nf, b.round))),
            }
        }
        Body::ReportErased(b) => told.erased.extend(b.items.iter().map(|[nf, _]| nf.0)),
        _ => {}
    }
}

impl Forwarder {
    /// Reads the logs and catches up, once both are young enough. False: not yet.
    pub async fn catch_up<S: LogSource>(&self, view: &View, intake: &LogReader<S>) -> Result<bool, RoundError> {
        let Some(at) = self.store.restored_at().await? else { return Ok(true) };
        let since = at.saturating_add(ledger::settled_s(&self.trust));
        if view.witnessed < since {
            return Ok(false);
        }
        let mut told = Told::default();
        let mut visit = |leaf: &[u8], witnessed| take(&mut told, &self.trust, &view.state, leaf, witnessed);
        if !ledger::entries_since(intake, since, &mut visit).await? {
            return Ok(false);
        }
        self.adopt(view, told).await?;
        Ok(true)
    }

    /// Takes over what the logs say, and goes on.
    pub async fn adopt(&self, view: &View, told: Told) -> Result<(), RoundError> {
        let now = self.clock.now();
        let known = self.store.epochs().await?;
        let logged = view.state.keys().filter(|key| key.body.kind == KeyKind::Intake);
        let forgotten = logged.filter(|key| known.iter().all(|k| k.epoch != key.body.epoch));
        let forgotten: Vec<Epoch> = forgotten
            .map(|key| Epoch {
                epoch: key.body.epoch,
                key_id: key.id,
                not_before: key.body.not_before.0,
                not_after: key.body.not_after.0,
                destroyed: false,
            })
            .collect();
        let mut lost = Vec::new();
        for epoch in known.iter().chain(&forgotten).filter(|e| !e.destroyed) {
            if self.keys.reload(epoch)? {
                continue;
            }
            tracing::error!(epoch = epoch.epoch, "an intake key is lost: what is sealed to it can't be opened");
            let retired = view.state.key_by_id(&epoch.key_id).is_none_or(|key| key.retired.is_some());
            let said = (!retired && now < epoch.not_after).then(|| self.retirement(epoch, now)).transpose()?;
            lost.push((epoch.epoch, said));
        }
        self.store.adopt(told, forgotten, lost).await?;
        self.keys.maintain(&self.store, &self.identity, now).await?;
        self.restoring.store(false, Ordering::Release);
        tracing::warn!("this store came from a backup and has caught up with the logs");
        Ok(())
    }

    fn retirement(&self, epoch: &Epoch, now: u64) -> tabir_crypto::Result<Statement> {
        let body = KeyRetired { v: V1, at: Hour::of(now), key_id: Hex(epoch.key_id), reason: CodeText::new(LOST)? };
        Statement::signed(Verb::KeyRetired, &body, &self.identity)
    }
}
