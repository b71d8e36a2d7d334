//! The auditor's work: copy both logs, then check everything offline, from the copy and the trust root alone.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;
use tabir_crypto::log::{CosignedCheckpoint, TreeHead, Witnesses};
use tabir_crypto::statement::{Body, Statement};
use tabir_crypto::trust::audit::{self, Auditor, Check, Intake, Looked};
use tabir_crypto::trust::root::LogName;
use tabir_crypto::trust::witnessed::{self, KeptTimes};
use tabir_crypto::trust::{State, Trust};
use tabir_crypto::{B32, Code};

use super::ClientError;
use super::log_copy::copy_log_with;
use super::log_reader::{Heads, Part};
use super::log_source::{LogFolder, ReadError};
use super::spill::{IN_MEMORY, Spill};
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

/// As [`fetch_with`], and says nothing on the way.
pub async fn fetch(trust: &Trust, client: &Client, log_url: &str, dir: &Path) -> Result<[TreeHead; 2], ClientError> {
    fetch_with(trust, client, log_url, dir, &mut |_, _, _| {}).await
}

/// Copies both logs into `dir/governance` and `dir/intake`, or brings a copy up to date, and tells how many of how many
/// new entries of a log are there. Errors: those of the log reader; `shrunk` and `consistency` where the copy that is
/// there shows another history.
pub async fn fetch_with(
    trust: &Trust,
    client: &Client,
    log_url: &str,
    dir: &Path,
    told: &mut (dyn FnMut(LogName, u64, u64) + Send),
) -> Result<[TreeHead; 2], ClientError> {
    let mut heads = [TreeHead::EMPTY; 2];
    for (name, head) in LogName::ALL.into_iter().zip(&mut heads) {
        let reader = ledger::reader(trust, name, client.clone(), log_url)?;
        let mut progress = |done, total| told(name, done, total);
        *head = copy_log_with(&reader, &dir.join(name.as_str()), &mut progress).await?.checkpoint.head();
    }
    Ok(heads)
}

/// What is kept of a log beside what the auditor took.
struct Log {
    heads: Heads,
    entries: u64,
    /// Entries that name a checkpoint: number, size, hash.
    named: Vec<(u64, u64, B32)>,
}

/// Goes through the copy of a log; `take` gets each part of it.
async fn walk<F>(trust: &Trust, name: LogName, dir: &Path, mut take: F) -> Result<Heads, ReadError>
where
    F: FnMut(&Heads, u64, Vec<Vec<u8>>) -> Result<(), ReadError>,
{
    let reader = ledger::reader_of(trust, name, LogFolder(dir.join(name.as_str())))
        .map_err(|_| ReadError::Refused { what: "trust".into(), source: Code::Trust.into() })?;
    let heads = reader.heads(reader.checkpoint().await?, TreeHead::EMPTY).await?;
    let visit = |part: Part<'_>| match part {
        Part::Bundle { first, leaves, .. } => take(&heads, first, leaves),
        Part::Tiles(_) => Ok(()),
    };
    reader.walk(TreeHead::EMPTY, &heads, visit).await?;
    let (newest, kept) = (heads.checkpoint.head().size, heads.kept.last().map_or(0, |k| k.head().size));
    // The first cosignatures of each size are kept: without them entries would be as young as the log likes.
    if kept == newest { Ok(heads) } else { Err(ReadError::Missing(format!("checkpoints/{newest}"))) }
}

async fn read_governance(trust: &Trust, dir: &Path, auditor: &mut Auditor<'_>) -> Result<Log, ReadError> {
    let mut named = Vec::new();
    let take = |heads: &Heads, first: u64, leaves: Vec<Vec<u8>>| {
        for (index, leaf) in (first..).zip(&leaves) {
            auditor.governance(&audit::Entry { index, leaf, witnessed: Some(heads.witnessed_time(index)) });
            named.extend(names_checkpoint(index, leaf));
        }
        Ok(())
    };
    let heads = walk(trust, LogName::Governance, dir, take).await?;
    Ok(Log { entries: heads.checkpoint.head().size, heads, named })
}

/// Entries of the intake log that are looked at together, on all cores, and bytes of them: the longest are 64 KiB each.
const TOGETHER: usize = 4096;
const TOGETHER_BYTES: usize = 4 << 20;

/// Entries that wait to be looked at: number, witnessed time, leaf.
#[derive(Default)]
struct Waiting {
    entries: Vec<(u64, u64, Vec<u8>)>,
    bytes: usize,
}

async fn read_intake(
    trust: &Trust,
    dir: &Path,
    auditor: &Auditor<'_>,
    intake: &mut Intake<Spill>,
) -> Result<Log, ReadError> {
    let mut waiting = Waiting::default();
    let take = |heads: &Heads, first: u64, leaves: Vec<Vec<u8>>| {
        for (index, leaf) in (first..).zip(leaves) {
            waiting.bytes += leaf.len();
            waiting.entries.push((index, heads.witnessed_time(index), leaf));
            if waiting.entries.len() >= TOGETHER || waiting.bytes >= TOGETHER_BYTES {
                look(auditor, intake, &mut waiting)?;
            }
        }
        Ok(())
    };
    let heads = walk(trust, LogName::Intake, dir, take).await?;
    look(auditor, intake, &mut waiting)?;
    Ok(Log { entries: heads.checkpoint.head().size, heads, named: Vec::new() })
}

/// Looks at entries on all cores and takes them in their order, so that the result is the same with any number of cores.
fn look(auditor: &Auditor<'_>, intake: &mut Intake<Spill>, waiting: &mut Waiting) -> Result<(), ReadError> {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let share = waiting.entries.len().div_ceil(cores).max(1);
    let looked: Vec<Vec<Looked>> = std::thread::scope(|scope| {
        let start = |part| scope.spawn(move || part_looked(auditor, part));
        let threads: Vec<_> = waiting.entries.chunks(share).map(start).collect();
        let end = |thread: std::thread::ScopedJoinHandle<'_, _>| {
            thread.join().unwrap_or_else(|e| std::panic::resume_unwind(e))
        };
        threads.into_iter().map(end).collect()
    });
    waiting.bytes = 0;
    let looked = looked.into_iter().flatten();
    waiting.entries.drain(..).zip(looked).try_for_each(|((index, at, _), looked)| intake.take(index, Some(at), looked))
}

fn part_looked(auditor: &Auditor<'_>, part: &[(u64, u64, Vec<u8>)]) -> Vec<Looked> {
    part.iter().map(|(_, witnessed, leaf)| auditor.look(leaf, Some(*witnessed))).collect()
}

/// Verifies a copy. A log that can't be believed is a failed check, and nothing of it counts; the other one is still
/// audited. A log is read part by part and never held as a whole: the memory that this takes does not grow with it.
pub async fn verify(trust: &Trust, dir: &Path) -> Result<Verdict, ClientError> {
    verify_within(trust, dir, IN_MEMORY).await
}

/// As [`verify`], with so many bytes for what is remembered of the intake log in memory; the rest goes to a file.
pub async fn verify_within(trust: &Trust, dir: &Path, bytes: usize) -> Result<Verdict, ClientError> {
    verify_logs(trust, dir, Some(bytes)).await
}

/// As [`verify`], of the governance log alone: all that openings, keys and councils are judged by.
pub async fn verify_governance(trust: &Trust, dir: &Path) -> Result<Verdict, ClientError> {
    verify_logs(trust, dir, None).await
}

/// `intake`: whether the intake log is read too, and with how much in memory.
async fn verify_logs(trust: &Trust, dir: &Path, intake: Option<usize>) -> Result<Verdict, ClientError> {
    let mut failures = Vec::new();
    let mut auditor = Auditor::new(trust);
    let read = read_governance(trust, dir, &mut auditor).await;
    let first = believed(LogName::Governance, read, &mut failures)?;
    if first.is_none() {
        auditor = Auditor::new(trust);
    }
    let begin = || auditor.intake(Spill::new(dir.to_owned(), intake.unwrap_or(IN_MEMORY)));
    let (mut windows, mut second) = (begin(), None);
    if intake.is_some() {
        let read = read_intake(trust, dir, &auditor, &mut windows).await;
        second = believed(LogName::Intake, read, &mut failures)?;
    }
    if second.is_none() {
        windows = begin();
    }
    let logs = [first, second];
    let now = logs.iter().flatten().map(|l| l.heads.checkpoint.witnessed_time()).max().unwrap_or(0);
    let report = auditor.finish(windows, now)?;
    // What was not read has passed no check.
    let read = |name: LogName| LogName::ALL.into_iter().zip(&logs).any(|(n, log)| n == name && log.is_some());
    let mut checks: Vec<Check> = report.checks.into_iter().filter(|c| read(audit::log_of(c.name))).collect();
    if failures.is_empty() {
        checks.push(Check { ok: true, code: None, log: None, ..failed(LogName::Governance, "") });
    }
    checks.extend(failures);
    if let [Some(log), _] = &logs {
        checks.extend(named_checkpoints(log));
    }
    checks.extend(times(trust, &logs)?);
    let entries = logs.iter().flatten().map(|l| l.entries).sum();
    Ok(Verdict { checks, entries, state: report.state, now })
}

/// What was read of a log; `None` of one that can't be believed, which is a failure.
fn believed(log: LogName, read: Result<Log, ReadError>, failures: &mut Vec<Check>) -> Result<Option<Log>, ClientError> {
    match read {
        Ok(log) => Ok(Some(log)),
        Err(error @ ReadError::File { .. }) => Err(error.into()),
        Err(error) => {
            let code = error.code().map_or("missing", tabir_crypto::Code::as_str);
            tracing::warn!(%error, log = log.as_str(), "this log can't be believed");
            failures.push(failed(log, code));
            Ok(None)
        }
    }
}

const fn failed(log: LogName, code: &'static str) -> Check {
    Check { name: LOG_CHECK, ok: false, code: Some(code), log: Some(log), entry: None, window: None, reports: 0 }
}

/// Each failure of [`TIMES_CHECK`], or that it passed.
fn times(trust: &Trust, logs: &[Option<Log>]) -> Result<Vec<Check>, ClientError> {
    let mut found = Vec::new();
    for (name, log) in LogName::ALL.into_iter().zip(logs) {
        let witnesses: Vec<_> = ledger::all_verifiers(trust, name)?.into_iter().map(|(_, w)| w).collect();
        let kept = log.iter().flat_map(|l| &l.heads.kept);
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
fn kept_times(kept: &CosignedCheckpoint, witnesses: &[Witnesses]) -> KeptTimes {
    let (size, witnessed) = (kept.head().size, kept.witnessed_time());
    let known = kept.signed().note().signatures().iter().filter(|line| witnesses.iter().any(|w| w.of(line).is_some()));
    let times = known.filter_map(|line| line.bytes().first_chunk().map(|time| u64::from_be_bytes(*time)));
    KeptTimes { size, witnessed, earliest: times.min().unwrap_or(witnessed) }
}

/// The checkpoint that an entry of the governance log names. What is malformed fails elsewhere.
fn names_checkpoint(index: u64, leaf: &[u8]) -> Option<(u64, u64, B32)> {
    match Statement::parse(leaf).and_then(|s| s.body()) {
        Ok(Body::UnsealReleased(b)) => Some((index, b.tree_size, b.checkpoint_hash.0)),
        Ok(Body::CouncilChecked(b)) => Some((index, b.tree_size, b.checkpoint_hash.0)),
        Ok(Body::PageBuilt(b)) => Some((index, b.base_size, b.base_checkpoint.0)),
        _ => None,
    }
}

/// Each failure of [`CHECKPOINT_CHECK`], or that it passed.
fn named_checkpoints(log: &Log) -> Vec<Check> {
    let kept: BTreeMap<u64, B32> = log.heads.kept.iter().map(|k| (k.head().size, k.signed().hash())).collect();
    let check = Check { name: CHECKPOINT_CHECK, ..failed(LogName::Governance, "context") };
    let wrong = log.named.iter().filter(|(_, size, hash)| kept.get(size) != Some(hash));
    let failures: Vec<Check> = wrong.map(|(index, ..)| Check { entry: Some(*index), ..check.clone() }).collect();
    if failures.is_empty() { vec![Check { ok: true, code: None, log: None, ..check }] } else { failures }
}
