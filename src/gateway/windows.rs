//! Windows of acceptance: which one a report falls into, and what the log is told when one closes.
//!
//! ```text
//! opens <= t < closes      closes(w) = opens(w + 1)      D(w) = closes + policy.forward_s
//! ```
//! A window closes with the first write after its end, or by the loop, whichever is first, and never before: the same
//! transaction signs and enqueues `report.accepted`, also for no report at all, so that a window without a statement
//! tells something went wrong. A policy's new lengths hold from the next window on.

use std::sync::atomic::Ordering;

use rand_core::Rng as _;
use sqlx::AnyConnection;
use tabir_crypto::B32;
use tabir_crypto::ed25519::SigningKey;
use tabir_crypto::statement::body::{PolicySet, ReportAccepted, ReportErased};
use tabir_crypto::statement::value::{Hex, Hex32, Hour, Second, V1};
use tabir_crypto::statement::{Statement, Verb};
use tabir_crypto::trust::erasure::logged_hash;
use tabir_crypto::trust::root::LogName;

use super::Gateway;
use super::error::Refusal;
use super::store::windows::{self, Window};
use super::store::{cases, cases::Erasure};
use crate::clock::Random;
use crate::db::{DbError, outbox};

/// Pairs of a statement: 350 of 135 bytes are 63,000 in base64, below the 65,535 of a leaf.
pub const PAIRS_MAX: usize = 350;
/// Windows that one transaction closes: after a long rest the others follow in the next ones.
const CATCH_UP: usize = 64;

/// How long windows are, by the policy that holds now.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lengths {
    window_s: u64,
    forward_s: u64,
}

impl Lengths {
    /// Zero would make a window that never is, or a deadline at its close.
    pub(super) fn of(policy: &PolicySet) -> Self {
        Self { window_s: policy.window_s.max(1), forward_s: policy.forward_s.max(1) }
    }

    pub(super) fn window(self, w: u64, opens: u64) -> Window {
        let closes = opens.saturating_add(self.window_s);
        Window { w, opens, closes, deadline: closes.saturating_add(self.forward_s) }
    }
}

impl Gateway {
    /// Opens the first window, closes those that are over. False: more are to be closed.
    pub(super) async fn roll_windows(&self) -> Result<bool, Refusal> {
        let view = self.ledger.view();
        let lengths = Lengths::of(view.state.policy().ok_or(Refusal::NotReady)?);
        let (now, key) = (self.clock.now(), self.identity.clone());
        let write = self.db.write(move |tx| Box::pin(async move { roll(tx, now, lengths, &key).await }));
        let open = write.await?;
        if let Some(open) = &open {
            self.window.store(open.w, Ordering::Relaxed);
        }
        Ok(open.is_some())
    }
}

/// The window of this moment, in the caller's transaction. `None`: so many windows are behind that they must be closed
/// first.
pub(super) async fn roll(
    tx: &mut AnyConnection,
    now: u64,
    lengths: Lengths,
    key: &SigningKey,
) -> Result<Option<Window>, DbError> {
    let mut open = match windows::open(tx).await? {
        Some(window) => window,
        None => {
            let first = lengths.window(1, now);
            windows::insert(tx, &first).await?;
            first
        }
    };
    for _ in 0..CATCH_UP {
        if now < open.closes {
            return Ok(Some(open));
        }
        close(tx, now, &open, key).await?;
        open = lengths.window(open.w + 1, open.closes);
        windows::insert(tx, &open).await?;
    }
    Ok((now < open.closes).then_some(open))
}

async fn close(tx: &mut AnyConnection, now: u64, window: &Window, key: &SigningKey) -> Result<(), DbError> {
    let pairs: Vec<[Hex32; 2]> =
        windows::pairs(tx, window.w).await?.into_iter().map(|(a, b)| [Hex(a), Hex(b)]).collect();
    let parts = pairs.chunks(PAIRS_MAX).map(<[_]>::to_vec).collect::<Vec<_>>();
    // No report at all is said too, in one part.
    let parts = if parts.is_empty() { vec![Vec::new()] } else { parts };
    let count = parts.len() as u64;
    for (pairs, part) in parts.into_iter().zip(1..) {
        let accepted = ReportAccepted {
            v: V1,
            at: Hour::of(now),
            w: window.w,
            opens: Second(window.opens),
            closes: Second(window.closes),
            deadline: Second(window.deadline),
            part,
            parts: count,
            pairs,
        };
        enqueue(tx, Verb::ReportAccepted, &accepted, key).await?;
    }
    windows::close(tx, window.w).await?;
    log_erasures(tx, now, key).await
}

/// Erasures reach the log at a window's close, so that no leaf stands at the second of one.
async fn log_erasures(tx: &mut AnyConnection, now: u64, key: &SigningKey) -> Result<(), DbError> {
    let erasures = cases::unlogged_erasures(tx).await?;
    for of_window in erasures.chunk_by(|x, y| x.w == y.w) {
        for some in of_window.chunks(PAIRS_MAX) {
            let Some(Erasure { w, .. }) = some.first() else { continue };
            let (window, round) = windows::next_erased_round(tx, *w).await?;
            let item = |e: &Erasure| [Hex(e.nf), Hex(logged_hash(&e.salt, &e.statement))];
            let items = some.iter().map(item).collect();
            let body = ReportErased { v: V1, at: Hour::of(now), w: *w, round, items };
            enqueue(tx, Verb::ReportErased, &body, key).await?;
            // Two further D: twice the distance of D from the close.
            let purge_at = now.max(window.deadline) + 2 * (window.deadline - window.closes);
            for erasure in some {
                cases::purge_later(tx, &erasure.case_id, purge_at).await?;
            }
        }
    }
    Ok(())
}

async fn enqueue<T: serde::Serialize + Sync>(
    tx: &mut AnyConnection,
    verb: Verb,
    body: &T,
    key: &SigningKey,
) -> Result<(), DbError> {
    let statement = Statement::signed(verb, body, key).map_err(|_| DbError::Malformed("a statement of a window"))?;
    outbox::enqueue(tx, LogName::Intake, &statement).await
}

/// A salt for the log, and ids that tell no order.
pub(super) fn random32() -> B32 {
    let mut bytes = [0; 32];
    Random.fill_bytes(&mut bytes);
    bytes
}
