//! One round of a monitor: bring the copy up to date, audit all of it, and say what an auditor must know.
//!
//! ```text
//! log ──what is new, checked against the copy──> copy ──every check of the audit──> failures
//!                                                    └──entries not yet looked at──> keys, councils, releases
//! clock ──age of the copy's newest checkpoints──> stale
//! ```
//! Only what is new is fetched. The audit goes over the whole copy each time, in memory that does not grow with it: so a
//! copy that somebody changed on this machine shows too, and a restart needs nothing but the copy. A failure is told
//! after a second look, since the two logs are fetched one after the other and something may have happened in between.
//!
//! Not covered: what only another observer sees. Compare checkpoints with one (`docs/auditing.md`).

pub mod alarm;
pub mod memory;

use std::path::Path;

use tabir_crypto::Code;
use tabir_crypto::log::TreeHead;
use tabir_crypto::statement::Statement;
use tabir_crypto::statement::value::Hour;
use tabir_crypto::trust::Trust;
use tabir_crypto::trust::root::LogName;

use super::ClientError;
use super::audit::{self, Verdict};
use super::audit_openings;
use super::log_copy::copy_log;
use super::log_source::{LogFolder, ReadError};
use crate::http::Client;
use crate::ledger;
use alarm::{Alarm, News};

/// What is watched, and by what it is judged.
pub struct Watch<'a> {
    /// The trust root.
    pub trust: &'a Trust,
    /// HTTP.
    pub client: &'a Client,
    /// The log role's address, if it is known.
    pub log: Option<&'a str>,
    /// Folder of the copy.
    pub dir: &'a Path,
    /// Seconds after which a checkpoint is too old.
    pub stale_after_s: u64,
}

/// What a round found.
#[derive(Debug, Default)]
pub struct Round {
    /// All that is wrong now, told before or not, and all that is new.
    pub alarms: Vec<Alarm>,
    /// Entries and newest witnessed time of each log's copy, in the order of [`LogName::ALL`]; `None` while there is none.
    pub heads: [Option<(u64, u64)>; 2],
    /// Entries of the governance log that were looked at.
    pub governance: Option<u64>,
    /// Logs that could not be reached: nothing can be over by not being seen.
    pub unreachable: Vec<LogName>,
    /// Checks that fail.
    pub failed: u64,
}

impl Watch<'_> {
    /// One round at this time. `known`: entries of the governance log that were told of; without it, what is there is taken
    /// as known. Errors: files of the copy; all else is an alarm, or unreachable.
    pub async fn round(&self, known: Option<u64>, now: u64) -> Result<Round, ClientError> {
        let mut round = Round::default();
        for name in LogName::ALL {
            self.fetch(name, &mut round).await?;
        }
        self.ages(&mut round, now).await?;
        if round.heads.iter().any(Option::is_none) {
            return Ok(round);
        }
        let mut verdict = audit::verify(self.trust, self.dir).await?;
        if verdict.failed().next().is_some() {
            let first: Vec<String> = verdict.failed().map(|c| Alarm::of_check(c).id()).collect();
            let mut again = Round::default();
            for name in LogName::ALL {
                self.fetch(name, &mut again).await?;
            }
            verdict = audit::verify(self.trust, self.dir).await?;
            let both = verdict.failed().map(Alarm::of_check).filter(|alarm| first.contains(&alarm.id()));
            round.alarms.extend(both);
        }
        round.failed = verdict.failed().count().try_into().unwrap_or(u64::MAX);
        self.news(&mut round, &verdict, known).await?;
        Ok(round)
    }

    async fn fetch(&self, name: LogName, round: &mut Round) -> Result<(), ClientError> {
        let folder = self.dir.join(name.as_str());
        let Some(log) = self.log else {
            round.unreachable.push(name);
            return Ok(());
        };
        let reader = ledger::reader(self.trust, name, self.client.clone(), log)?;
        let error = match copy_log(&reader, &folder).await {
            Ok(_) => return Ok(()),
            Err(error) => error,
        };
        match (&error, error.code()) {
            (_, Some(Code::Shrunk | Code::Consistency)) => {
                let size = self.copied(name).await?.map_or(0, |(size, _)| size);
                round.alarms.push(Alarm::Fork { log: name, size });
            }
            (_, Some(code)) => round.alarms.push(Alarm::Refused { log: name, code: code.as_str() }),
            (ReadError::File { .. }, _) => return Err(error.into()),
            _ => {
                tracing::debug!(%error, log = name.as_str(), "not reached");
                round.unreachable.push(name);
            }
        }
        Ok(())
    }

    /// Entries and witnessed time of a copy; `None` while there is none.
    async fn copied(&self, name: LogName) -> Result<Option<(u64, u64)>, ClientError> {
        let folder = LogFolder(self.dir.join(name.as_str()));
        match ledger::reader_of(self.trust, name, folder)?.copied_checkpoint().await {
            Ok(checkpoint) => Ok(Some((checkpoint.head().size, checkpoint.witnessed_time()))),
            Err(ReadError::Missing(_)) => Ok(None),
            // What lies there is no checkpoint of this log: the audit names it.
            Err(ReadError::Refused { .. }) => Ok(Some((TreeHead::EMPTY.size, 0))),
            Err(error) => Err(error.into()),
        }
    }

    async fn ages(&self, round: &mut Round, now: u64) -> Result<(), ClientError> {
        for (name, place) in LogName::ALL.into_iter().zip(0..) {
            let head = self.copied(name).await?;
            if let Some((_, witnessed)) = head
                && now.saturating_sub(witnessed) > self.stale_after_s
            {
                round.alarms.push(Alarm::Stale { log: name, witnessed: Hour::of(witnessed) });
            }
            if let Some(slot) = round.heads.get_mut::<usize>(place) {
                *slot = head;
            }
        }
        Ok(())
    }

    async fn news(&self, round: &mut Round, verdict: &Verdict, known: Option<u64>) -> Result<(), ClientError> {
        if !audit_openings::readable(verdict) {
            return Ok(());
        }
        let log = audit_openings::read(self.trust, self.dir).await?;
        let size = log.checkpoint.head().size;
        round.governance = Some(size);
        for entry in log.entries.iter().filter(|e| e.index >= known.unwrap_or(size)) {
            let Ok(statement) = Statement::parse(&entry.leaf) else { continue };
            let about = |c: &tabir_crypto::trust::audit::Check| {
                c.log == Some(LogName::Governance) && c.entry == Some(entry.index)
            };
            let (verb, witnessed) = (statement.verb(), Hour::of(entry.witnessed_time));
            let sound = !verdict.failed().any(about);
            round
                .alarms
                .extend(Alarm::of_entry(verb, News { entry: entry.index, witnessed, verb: verb.as_str(), sound }));
        }
        Ok(())
    }
}
