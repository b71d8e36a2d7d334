//! Accepted and forwarded, window by window: sums of what the statements name, and when witnesses saw them. The audit
//! decides what is wrong; here it is counted. Read in one pass, and of each window only sums are kept.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;
use tabir_crypto::log::TreeHead;
use tabir_crypto::statement::body::ReportAccepted;
use tabir_crypto::statement::value::Second;
use tabir_crypto::statement::{Body, Statement, Verb};
use tabir_crypto::trust::Trust;
use tabir_crypto::trust::deadline::Deadlines;
use tabir_crypto::trust::root::LogName;

use crate::client::ClientError;
use crate::client::audit::Verdict;
use crate::client::log_reader::Part;
use crate::client::log_source::{LogFolder, ReadError};
use crate::ledger;

/// One window.
#[derive(Debug, Serialize)]
#[allow(missing_docs)]
pub struct WindowLine {
    pub w: u64,
    pub opens: Second,
    pub closes: Second,
    pub deadline: Second,
    pub accepted: u64,
    pub forwarded: u64,
    pub refused: u64,
    pub erased: u64,
    /// Accepted and in none of these three.
    pub unsettled: u64,
    /// Forwarded or refused after the deadline, by witnessed time.
    pub late: u64,
    /// How long after the deadline the last of these was witnessed.
    pub late_s: u64,
}

/// Sums over the windows.
#[derive(Debug, Default, Serialize)]
#[allow(missing_docs)]
pub struct Sums {
    pub windows: u64,
    pub accepted: u64,
    pub forwarded: u64,
    pub refused: u64,
    pub erased: u64,
    pub unsettled: u64,
    pub late: u64,
}

impl Sums {
    pub(super) fn of(windows: &[WindowLine]) -> Self {
        windows.iter().fold(Self::default(), |sums, w| Self {
            windows: sums.windows + 1,
            accepted: sums.accepted + w.accepted,
            forwarded: sums.forwarded + w.forwarded,
            refused: sums.refused + w.refused,
            erased: sums.erased + w.erased,
            unsettled: sums.unsettled + w.unsettled,
            late: sums.late + w.late,
        })
    }
}

/// What the audit found about a window: `overdue` (not spoken of), `missing`, `late`, `lost` (pending, then not repeated),
/// `incomplete`, and the lies of [`tabir_crypto::trust::windows::Finding`].
#[derive(Debug, Serialize)]
#[allow(missing_docs)]
pub struct Missed {
    pub window: u64,
    pub check: &'static str,
    pub code: Option<&'static str>,
    pub reports: u64,
    pub entry: Option<u64>,
}

pub(super) fn missed(verdict: &Verdict) -> Vec<Missed> {
    let of_window = verdict.failed().filter_map(|c| Some((c.window?, c)));
    let mut missed: Vec<_> = of_window
        .map(|(window, c)| Missed { window, check: c.name, code: c.code, reports: c.reports, entry: c.entry })
        .collect();
    missed.sort_by_key(|m| m.window);
    missed
}

/// Every window that the gateway spoke of. The copy was verified: a statement that the rules refuse is one of the failures
/// and counts here as well.
pub(super) async fn read(trust: &Trust, dir: &Path) -> Result<Vec<WindowLine>, ClientError> {
    let reader = ledger::reader_of(trust, LogName::Intake, LogFolder(dir.join(LogName::Intake.as_str())))?;
    let heads = reader.heads(reader.copied_checkpoint().await.map_err(ClientError::Log)?, TreeHead::EMPTY).await?;
    let mut windows = BTreeMap::new();
    let visit = |part: Part<'_>| {
        if let Part::Bundle { first, leaves, .. } = part {
            for (index, leaf) in (first..).zip(&leaves) {
                if let Ok(statement) = Statement::parse(leaf)
                    && let Ok(body) = statement.body()
                {
                    take(&mut windows, statement.verb(), &body, heads.witnessed_time(index));
                }
            }
        }
        Ok::<(), ReadError>(())
    };
    reader.walk(TreeHead::EMPTY, &heads, visit).await?;
    let mut windows: Vec<_> = windows.into_values().collect();
    for w in &mut windows {
        w.unsettled = w.accepted.saturating_sub(w.forwarded + w.refused + w.erased);
    }
    Ok(windows)
}

fn take(windows: &mut BTreeMap<u64, WindowLine>, verb: Verb, body: &Body, seen: u64) {
    let count = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
    match body {
        Body::ReportAccepted(b) => {
            windows.entry(b.w).or_insert_with(|| WindowLine::new(b)).accepted += count(b.pairs.len());
        }
        Body::ReportErased(b) => {
            if let Some(window) = windows.get_mut(&b.w) {
                window.erased += count(b.items.len());
            }
        }
        Body::ReportFate(b) => {
            let Some(window) = windows.get_mut(&b.w) else { return };
            let sum = match verb {
                Verb::ReportForwarded => &mut window.forwarded,
                Verb::ReportRefused => &mut window.refused,
                _ => return,
            };
            *sum += count(b.nf.len());
            // As the audit judges: what is said at D takes until the next witnessed checkpoint to be seen.
            if seen > window.deadlines().judged_from(0) && !b.nf.is_empty() {
                window.late += count(b.nf.len());
                window.late_s = window.late_s.max(seen - window.deadline.0);
            }
        }
        _ => {}
    }
}

impl WindowLine {
    const fn new(b: &ReportAccepted) -> Self {
        Self {
            w: b.w,
            opens: b.opens,
            closes: b.closes,
            deadline: b.deadline,
            accepted: 0,
            forwarded: 0,
            refused: 0,
            erased: 0,
            unsettled: 0,
            late: 0,
            late_s: 0,
        }
    }

    const fn deadlines(&self) -> Deadlines {
        Deadlines { opens: self.opens.0, closes: self.closes.0, deadline: self.deadline.0 }
    }
}
