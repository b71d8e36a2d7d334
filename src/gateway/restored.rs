//! A store that came back from a backup: it has forgotten which tokens were spent, what was erased, and which windows
//! closed. Both logs know the last two, and the first is made to matter no more, before anything is served.
//!
//! ```text
//! restored at R --> a witnessed head of each log, R + 60 s or younger --> in one transaction:
//!     every token key that the log had by R      ends for ever (a new epoch's key, logged after R, counts)
//!     report.accepted of a window                closed as logged, and never said again
//!     report.erased                              erased again
//!     report.forwarded, report.refused           not handed over again
//! ```
//! What no log knows is lost: `docs/operating.md` says what, and who sees it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;

use tabir_crypto::B32;
use tabir_crypto::statement::body::KeyKind;
use tabir_crypto::statement::{Body, Statement, Verb};
use tabir_crypto::trust::{State, Trust, rule};

use super::Gateway;
use super::error::Refusal;
use super::store::backup;
use super::store::spent;
use super::store::windows::{self, Window};
use super::windows::Lengths;
use crate::client::log_reader::LogReader;
use crate::client::log_source::{LogSource, ReadError};
use crate::db::DbError;
use crate::ledger;

/// What the intake log says about this gateway's reports.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    windows: BTreeMap<u64, Window>,
    erased: BTreeMap<(u64, u64), Vec<B32>>,
    forwarded: BTreeSet<B32>,
    refused: BTreeSet<B32>,
}

/// Why it has not caught up.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum CatchUpError {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Db(#[from] DbError),
    #[error(transparent)]
    Refused(#[from] Refusal),
}

impl Told {
    /// Takes an entry of the intake log. One whose signatures do not suffice says nothing.
    pub fn take(&mut self, trust: &Trust, state: &State, leaf: &[u8], witnessed: u64) {
        let Ok(statement) = Statement::parse(leaf) else { return };
        let Ok(verified) = rule::check_intake(trust, state, &statement, Some(witnessed)) else { return };
        match verified.body {
            Body::ReportAccepted(b) => {
                let window = Window { w: b.w, opens: b.opens.0, closes: b.closes.0, deadline: b.deadline.0 };
                self.windows.insert(b.w, window);
            }
            Body::ReportErased(b) => {
                self.erased.entry((b.w, b.round)).or_default().extend(b.items.iter().map(|[nf, _]| nf.0));
            }
            Body::ReportFate(b) => {
                let nf = b.nf.iter().map(|nf| nf.0);
                match verified.verb {
                    Verb::ReportForwarded => self.forwarded.extend(nf),
                    Verb::ReportRefused => self.refused.extend(nf),
                    _ => {}
                }
            }
            _ => {}
        }
    }
}

impl Gateway {
    /// Whether this store came back and has not caught up yet: nothing is served from it.
    #[must_use]
    pub fn is_restoring(&self) -> bool {
        self.restoring.load(Ordering::Acquire)
    }

    /// Reads the intake log and catches up, once both logs are young enough. False: not yet.
    pub async fn catch_up<S: LogSource>(&self, intake: &LogReader<S>) -> Result<bool, CatchUpError> {
        let Some(at) = self.restored_at().await? else { return Ok(true) };
        let since = at.saturating_add(ledger::settled_s(&self.trust));
        let view = self.ledger.view();
        if view.witnessed < since || view.state.policy().is_none() {
            return Ok(false);
        }
        let mut told = Told::default();
        let mut visit = |leaf: &[u8], witnessed| told.take(&self.trust, &view.state, leaf, witnessed);
        if !ledger::entries_since(intake, since, &mut visit).await? {
            return Ok(false);
        }
        self.adopt(told).await?;
        Ok(true)
    }

    /// When this store came back, if it has not caught up since.
    pub(super) async fn restored_at(&self) -> Result<Option<u64>, DbError> {
        self.db.read(|c| Box::pin(backup::restored_at(c))).await
    }

    /// Takes over what the logs say, in one transaction, and serves from then on. Error: `not-ready` without a policy.
    pub async fn adopt(&self, told: Told) -> Result<(), CatchUpError> {
        let Some(at) = self.restored_at().await? else { return Ok(()) };
        let view = self.ledger.view();
        let lengths = Lengths::of(view.state.policy().ok_or(Refusal::NotReady)?);
        let known = |entry: u64| view.state.witnessed().of(entry).is_none_or(|witnessed| witnessed <= at);
        let tokens = view.state.keys().filter(|key| key.body.kind == KeyKind::Token && known(key.entry));
        let ended: Vec<B32> = tokens.map(|key| key.id).collect();
        let (now, keys) = (self.clock.now(), ended.len());
        let erased = self
            .db
            .write(move |tx| {
                Box::pin(async move {
                    for key in ended {
                        spent::retire(tx, &key).await?;
                    }
                    for window in told.windows.values() {
                        backup::close_as_logged(tx, window).await?;
                    }
                    if windows::open(tx).await?.is_none()
                        && let Some(last) = backup::last_window(tx).await?
                    {
                        windows::insert(tx, &lengths.window(last.w + 1, last.closes)).await?;
                    }
                    let mut erased = 0_u64;
                    for ((w, round), nfs) in told.erased {
                        let period = told.windows.get(&w).map_or(0, |window| window.deadline - window.closes);
                        for nf in nfs {
                            let purge_at = now.saturating_add(2 * period);
                            erased += u64::from(backup::erase_again(tx, &nf, purge_at).await?);
                        }
                        backup::past_round(tx, w, round).await?;
                    }
                    for nf in told.forwarded {
                        backup::is_done(tx, &nf, true).await?;
                    }
                    for nf in told.refused {
                        backup::is_done(tx, &nf, false).await?;
                    }
                    backup::caught_up(tx).await?;
                    Ok(erased)
                })
            })
            .await?;
        // What was past its time when it came back goes before anybody can ask for it.
        self.clean().await?;
        self.restoring.store(false, Ordering::Release);
        tracing::warn!(erased, keys, "this store came from a backup and has caught up with the logs");
        Ok(())
    }
}
