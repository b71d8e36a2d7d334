//! What a copy of both logs says about a period: openings, refusals and deferrals, who took part, which windows were late,
//! which keys and councils changed. All times are witnessed times; who reads a copy and this code gets the same numbers.
//!
//! ```text
//! openings   those whose request was witnessed in the period, as they stand at the end of the copy
//! officials  of each council that was asked: how often each approved, refused, did not vote
//! windows    those that closed in the period, with the reports that went late and what the audit found
//! changes    entries about keys, councils, the trust root, policies, page builds
//! ```
//! The JSON of [`Report`] is stable: fields are added, never changed (`docs/auditing.md`).

mod changes;
mod officials;
mod openings;
mod windows;

use std::path::Path;

use serde::Serialize;
use tabir_crypto::statement::value::{Hour, V1};
use tabir_crypto::trust::Trust;
use tabir_crypto::trust::root::LogName;

use super::ClientError;
use super::audit::Verdict;
use super::audit_openings;
use super::audit_period::Period;

pub use changes::Change;
pub use officials::Official;
pub use openings::{Deferred, OpeningLine, Totals};
pub use windows::{Missed, Sums, WindowLine};

/// The report.
#[derive(Debug, Serialize)]
#[allow(missing_docs)] // the module's head and the parts say what they are
pub struct Report {
    pub v: V1,
    /// Name of the installation, from the trust root.
    pub name: String,
    /// Whether every check of the audit passed.
    pub ok: bool,
    pub period: Period,
    /// The newest witnessed time of the two logs: what came later is not here.
    pub until: Hour,
    /// Entries of both logs.
    pub entries: u64,
    pub totals: Totals,
    /// Seconds from the request to the approval that made it enough: the median; null where none was approved.
    pub median_to_approve_s: Option<u64>,
    pub openings: Vec<OpeningLine>,
    pub deferrals: Vec<Deferred>,
    pub officials: Vec<Official>,
    /// Sums over the windows.
    pub reports: Sums,
    pub windows: Vec<WindowLine>,
    /// What the audit found about windows, whenever they closed.
    pub missed: Vec<Missed>,
    pub changes: Vec<Change>,
    /// Every other check that failed.
    pub failed: Vec<Failed>,
}

/// A check that failed.
#[derive(Debug, Serialize)]
#[allow(missing_docs)]
pub struct Failed {
    pub check: &'static str,
    pub code: Option<&'static str>,
    pub log: Option<LogName>,
    pub entry: Option<u64>,
}

/// Makes the report of a copy that was verified, and whose governance log can be believed. Errors: those of the log
/// reader; the intake log is left out where it can't be believed, and `failed` says so.
pub async fn report(trust: &Trust, dir: &Path, verdict: &Verdict, period: Period) -> Result<Report, ClientError> {
    let log = audit_openings::read(trust, dir).await?;
    let mut asked = audit_openings::all(trust, verdict, &log)?;
    asked.retain(|a| period.holds(a.at));
    let windows = match believed(verdict, LogName::Intake) {
        true => windows::read(trust, dir).await?,
        false => Vec::new(),
    };
    let windows: Vec<_> = windows.into_iter().filter(|w| period.holds(w.closes.0)).collect();
    let missed = windows::missed(verdict);
    let is_missed = |c: &&tabir_crypto::trust::audit::Check| c.window.is_none();
    Ok(Report {
        v: V1,
        name: trust.root().name.as_str().to_owned(),
        ok: verdict.failed().count() == 0,
        period,
        until: Hour::of(verdict.now),
        entries: verdict.entries,
        totals: Totals::of(&asked),
        median_to_approve_s: openings::median_to_approve(&asked),
        deferrals: openings::deferred(&asked),
        officials: officials::of(&verdict.state, &asked),
        openings: asked.iter().map(OpeningLine::of).collect(),
        reports: Sums::of(&windows),
        windows,
        missed,
        changes: changes::of(trust, verdict, &log, period),
        failed: verdict.failed().filter(is_missed).map(Failed::of).collect(),
    })
}

fn believed(verdict: &Verdict, log: LogName) -> bool {
    !verdict.failed().any(|c| c.name == super::audit::LOG_CHECK && c.log == Some(log))
}

impl Failed {
    fn of(c: &tabir_crypto::trust::audit::Check) -> Self {
        Self { check: c.name, code: c.code, log: c.log, entry: c.entry }
    }
}
