//! The openings of a period: a line each, how they ended, how long it took, which notices were put off.

use std::collections::BTreeMap;

use serde::Serialize;
use tabir_crypto::statement::value::{Hex, Hex32, Hour, Second};
use tabir_crypto::trust::unseal::Status;

use crate::client::audit_openings::Asked;
use crate::client::opening::What;

/// One opening, or the attempt.
#[derive(Debug, Serialize)]
#[allow(missing_docs)]
pub struct OpeningLine {
    /// Entry of the request in the governance log.
    pub entry: u64,
    pub at: Hour,
    /// Its hash: its name everywhere.
    pub request: Hex32,
    /// Fingerprint of the council.
    pub council: String,
    pub status: &'static str,
    /// Code of the policy.
    pub legal_basis: String,
    /// Code of the policy.
    pub reason: String,
    pub requester: u16,
    pub approved_by: Vec<u16>,
    pub refused_by: Vec<u16>,
    /// When the last approval that was needed was witnessed.
    pub approved_at: Option<Hour>,
    pub released_at: Option<Hour>,
    /// The warden's code, where it declined.
    pub declined: Option<String>,
    /// An auditor signed beside the warden.
    pub by_auditor: bool,
    /// Released before the cooling-off was over.
    pub early: bool,
    /// Released above the day's cap.
    pub above_cap: bool,
    /// Enough officials gave their parts: take it as read.
    pub readable: bool,
    /// Entries about it that break the rules.
    pub irregular: Vec<u64>,
}

impl OpeningLine {
    pub(super) fn of(asked: &Asked) -> Self {
        let o = &asked.opening;
        let mut line = Self {
            entry: asked.entry,
            at: Hour::of(asked.at),
            request: Hex(o.request_hash),
            council: o.fingerprint.clone(),
            status: o.status.as_str(),
            legal_basis: asked.legal_basis.clone(),
            reason: asked.reason.clone(),
            requester: asked.requester,
            approved_by: Vec::new(),
            refused_by: Vec::new(),
            approved_at: approved_at(asked).map(Hour::of),
            released_at: None,
            declined: None,
            by_auditor: false,
            early: false,
            above_cap: false,
            readable: o.readable,
            irregular: o.irregular.iter().map(|(entry, _)| *entry).collect(),
        };
        for step in &o.steps {
            match &step.what {
                What::Approved { by, .. } => line.approved_by.push(*by),
                What::Refused { by, .. } => line.refused_by.push(*by),
                What::Declined { code } => line.declined = Some(code.to_string()),
                What::Released { by_auditor, early, above_cap, .. } => {
                    line.released_at = Some(Hour::of(step.witnessed));
                    (line.by_auditor, line.early) = (*by_auditor, *early);
                    line.above_cap = above_cap.unwrap_or(false);
                }
                _ => {}
            }
        }
        line
    }
}

/// How they ended; those that can still go on count under `live`.
#[derive(Debug, Default, Serialize)]
#[allow(missing_docs)]
pub struct Totals {
    pub requested: u64,
    /// Released by the warden, whatever came of it: counts as opened everywhere.
    pub released: u64,
    /// Of these with an auditor's signature beside the warden's.
    pub released_by_auditor: u64,
    /// By state, only states that there are.
    pub by_status: BTreeMap<&'static str, u64>,
    pub live: u64,
}

impl Totals {
    pub(super) fn of(asked: &[Asked]) -> Self {
        let mut totals = Self::default();
        for a in asked {
            totals.requested += 1;
            totals.live += u64::from(a.opening.status.is_live());
            *totals.by_status.entry(a.opening.status.as_str()).or_default() += 1;
            for step in &a.opening.steps {
                if let What::Released { by_auditor, .. } = step.what {
                    totals.released += 1;
                    totals.released_by_auditor += u64::from(by_auditor);
                }
            }
        }
        totals
    }

    /// How many are in a state.
    #[must_use]
    pub fn count(&self, status: Status) -> u64 {
        self.by_status.get(status.as_str()).copied().unwrap_or(0)
    }
}

/// Unix seconds at which the approval was witnessed that made it enough.
fn approved_at(asked: &Asked) -> Option<u64> {
    let approvals = asked.opening.steps.iter().filter(|s| matches!(s.what, What::Approved { .. }));
    approvals.map(|s| s.witnessed).nth(usize::from(asked.opening.threshold.0).checked_sub(1)?)
}

/// The median of the times from request to enough approvals, the lower one of the two in the middle.
pub(super) fn median_to_approve(asked: &[Asked]) -> Option<u64> {
    let mut spans: Vec<u64> = asked.iter().filter_map(|a| Some(approved_at(a)?.saturating_sub(a.at))).collect();
    spans.sort_unstable();
    spans.get(spans.len().checked_sub(1)? / 2).copied()
}

/// A notice that was put off.
#[derive(Debug, Serialize)]
#[allow(missing_docs)]
pub struct Deferred {
    pub entry: u64,
    pub request: Hex32,
    /// Code of the policy.
    pub code: String,
    pub until: Second,
    /// From the request to that date.
    pub for_s: u64,
    pub signed_by: Vec<u16>,
    /// When its publication was witnessed.
    pub published_at: Option<Hour>,
}

pub(super) fn deferred(asked: &[Asked]) -> Vec<Deferred> {
    let one = |a: &Asked| {
        let d = a.opening.deferral.as_ref()?;
        let published = a.opening.steps.iter().find(|s| s.what == What::Notice);
        Some(Deferred {
            entry: a.entry,
            request: Hex(a.opening.request_hash),
            code: d.code.to_string(),
            until: Second(d.until),
            for_s: d.until.saturating_sub(a.at),
            signed_by: d.signed_by.clone(),
            published_at: published.map(|s| Hour::of(s.witnessed)),
        })
    };
    asked.iter().filter_map(one).collect()
}
