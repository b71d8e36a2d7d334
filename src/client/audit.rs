//! The auditor's work: copy both logs, then check everything offline, from the copy and the trust root alone.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;
use tabir_crypto::B32;
use tabir_crypto::log::{CosignedCheckpoint, TreeHead, Witnesses};
use tabir_crypto::statement::{Body, Statement};
use tabir_crypto::trust::audit::{self, Check};
use tabir_crypto::trust::root::LogName;
use tabir_crypto::trust::witnessed::{self, KeptTimes};
use tabir_crypto::trust::{State, Trust};

use super::ClientError;
use super::log_copy::copy_log;
use super::log_reader::{Growth, LogReader};
use super::log_source::{LogFolder, ReadError};
use crate::http::Client;
use crate::ledger;

/// Names of the checks that the copy's own form passes or fails, before its entries are looked at.
pub const LOG_CHECK: &str = "log.tree";

/// Whether what names a checkpoint names one that the log keeps: a release, a page build, and an official's proof of his
/// share. A proof for a hash that was never a checkpoint's could have been made at any time.
pub const CHECKPOINT_CHECK: &str = "governance.checkpoints";

/// Whether no cosignature of a kept checkpoint is older than the checkpoint before it ([`witnessed::back`]).
pub const TIMES_CHECK: &str = "log.times";

/// What an audit found.
#[derive(Debug)]
pub struct Verdict {
    /// Each check once if it passed, else once for each failure.
    pub checks: Vec<Check>,
    /// Entries of both logs.
    pub entries: u64,
    /// The governance log replayed, where it could be read.
    pub state: State,
    /// The newest witnessed time of the two logs, by which the copy was judged.
    pub now: u64,
}

impl Verdict {
    /// What failed.
    pub fn failed(&self) -> impl Iterator<Item = &Check> {
        self.checks.iter().filter(|c| !c.ok)
    }
}

/// One check, for `--json`.
#[derive(Serialize)]
pub struct CheckLine<'a> {
    name: &'a str,
    ok: bool,
    code: Option<&'a str>,
    log: Option<&'a str>,
    entry: Option<u64>,
    window: Option<u64>,
    reports: u64,
}

impl<'a> From<&'a Check> for CheckLine<'a> {
    fn from(c: &'a Check) -> Self {
        let log = c.log.map(|l| l.as_str());
        Self { name: c.name, ok: c.ok, code: c.code, log, entry: c.entry, window: c.window, reports: c.reports }
    }
}

/// Copies both logs into `dir/governance` and `dir/intake`, or brings a copy up to date. Errors: those of the log
/// reader; `shrunk` and `consistency` where the copy that is there shows another history.
pub async fn fetch(trust: &Trust, client: &Client, log_url: &str, dir: &Path) -> Result<[TreeHead; 2], ClientError> {
    let mut heads = [TreeHead::EMPTY; 2];
    for (name, head) in LogName::ALL.into_iter().zip(&mut heads) {
        let reader = ledger::reader(trust, name, client.clone(), log_url)?;
        *head = copy_log(&reader, &dir.join(name.as_str())).await?.checkpoint.head();
    }
    Ok(heads)
}

async fn read(trust: &Trust, name: LogName, dir: &Path) -> Result<Growth, ClientError> {
    let (log, witnesses) = ledger::verifiers(trust, name)?;
    let reader = LogReader::new(LogFolder(dir.join(name.as_str())), log, witnesses);
    let growth = reader.read(TreeHead::EMPTY).await?;
    let (newest, kept) = (growth.checkpoint.head().size, growth.kept.last().map_or(0, |k| k.head().size));
    // The first cosignatures of each size are kept: without them entries would be as young as the log likes.
    if kept == newest { Ok(growth) } else { Err(ReadError::Missing(format!("checkpoints/{newest}")).into()) }
}

/// Verifies a copy. A log that can't be believed is a failed check; what can be read is still audited.
pub async fn verify(trust: &Trust, dir: &Path) -> Result<Verdict, ClientError> {
    let (mut failures, mut logs) = (Vec::new(), Vec::new());
    for name in LogName::ALL {
        match read(trust, name, dir).await {
            Ok(growth) => logs.push(Some(growth)),
            Err(ClientError::Log(error @ ReadError::File { .. })) => return Err(error.into()),
            Err(error) => {
                let code = match &error {
                    ClientError::Log(e) => e.code().map_or("missing", tabir_crypto::Code::as_str),
                    _ => "trust",
                };
                tracing::warn!(%error, log = name.as_str(), "this log can't be believed");
                failures.push(failed(name, code));
                logs.push(None);
            }
        }
    }
    let now = logs.iter().flatten().map(|g| g.checkpoint.witnessed_time()).max().unwrap_or(0);
    let entries = |at: usize| logs.get(at).and_then(Option::as_ref).into_iter().flat_map(|g: &Growth| &g.entries);
    let as_entry = |e| {
        let e: &super::log_reader::Entry = e;
        audit::Entry { index: e.index, leaf: &e.leaf, witnessed: Some(e.witnessed_time) }
    };
    let report = audit::audit(trust, entries(0).map(as_entry), entries(1).map(as_entry), now);
    let mut checks = report.checks;
    if failures.is_empty() {
        checks.push(Check { ok: true, code: None, log: None, ..failed(LogName::Governance, "") });
    }
    checks.extend(failures);
    if let Some(Some(growth)) = logs.first() {
        checks.extend(named_checkpoints(growth));
    }
    checks.extend(times(trust, &logs)?);
    let count = (entries(0).count() + entries(1).count()) as u64;
    Ok(Verdict { checks, entries: count, state: report.state, now })
}

const fn failed(log: LogName, code: &'static str) -> Check {
    Check { name: LOG_CHECK, ok: false, code: Some(code), log: Some(log), entry: None, window: None, reports: 0 }
}

/// Each failure of [`TIMES_CHECK`], or that it passed.
fn times(trust: &Trust, logs: &[Option<Growth>]) -> Result<Vec<Check>, ClientError> {
    let mut found = Vec::new();
    for (name, growth) in LogName::ALL.into_iter().zip(logs) {
        let (_, witnesses) = ledger::verifiers(trust, name)?;
        let kept = growth.iter().flat_map(|g| &g.kept);
        let back = witnessed::back(kept.map(|k| kept_times(k, &witnesses)));
        let check = Check { name: TIMES_CHECK, ..failed(name, "back") };
        found.extend(back.into_iter().map(|entry| Check { entry: Some(entry), ..check.clone() }));
    }
    if found.is_empty() {
        found.push(Check { name: TIMES_CHECK, ok: true, code: None, log: None, ..failed(LogName::Governance, "") });
    }
    Ok(found)
}

/// Of a checkpoint whose cosignatures were verified when it was read.
fn kept_times(kept: &CosignedCheckpoint, witnesses: &Witnesses) -> KeptTimes {
    let (size, witnessed) = (kept.head().size, kept.witnessed_time());
    let known = kept.signed().note().signatures().iter().filter(|line| witnesses.of(line).is_some());
    let times = known.filter_map(|line| line.bytes().first_chunk().map(|time| u64::from_be_bytes(*time)));
    KeptTimes { size, witnessed, earliest: times.min().unwrap_or(witnessed) }
}

/// Each failure of [`CHECKPOINT_CHECK`], or that it passed. What is malformed fails elsewhere.
fn named_checkpoints(growth: &Growth) -> Vec<Check> {
    let kept: BTreeMap<u64, B32> = growth.kept.iter().map(|k| (k.head().size, k.signed().hash())).collect();
    let check = Check { name: CHECKPOINT_CHECK, ..failed(LogName::Governance, "context") };
    let named = |entry: &super::log_reader::Entry| match Statement::parse(&entry.leaf).and_then(|s| s.body()) {
        Ok(Body::UnsealReleased(b)) => Some((entry.index, b.tree_size, b.checkpoint_hash.0)),
        Ok(Body::CouncilChecked(b)) => Some((entry.index, b.tree_size, b.checkpoint_hash.0)),
        Ok(Body::PageBuilt(b)) => Some((entry.index, b.base_size, b.base_checkpoint.0)),
        _ => None,
    };
    let wrong = growth.entries.iter().filter_map(named).filter(|(_, size, hash)| kept.get(size) != Some(hash));
    let failures: Vec<Check> = wrong.map(|(index, ..)| Check { entry: Some(index), ..check.clone() }).collect();
    if failures.is_empty() { vec![Check { ok: true, code: None, log: None, ..check }] } else { failures }
}
