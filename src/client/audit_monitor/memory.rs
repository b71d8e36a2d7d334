//! What a monitor has told already: a file beside the copy, so that each alarm comes once, whatever is restarted.
//!
//! It is written after an alarm was told: a monitor that is killed in between tells it again, and never not at all.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tabir_crypto::json;
use tabir_crypto::statement::value::{Second, V1};

use super::alarm::Alarm;
use crate::client::log_source::ReadError;

/// Name of the file in the copy's folder.
const FILE: &str = "monitor.json";

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Saved {
    v: V1,
    /// Entries of the governance log that were told of, or were there before the first round.
    governance: u64,
    /// Alarms that last, by their ids.
    standing: BTreeSet<String>,
    /// Something was told here that a webhook has not taken yet.
    untold: bool,
    /// The end of the last round: a file that is not written any more is a monitor that does not run.
    heartbeat: Second,
}

/// What was told.
pub struct Memory {
    file: PathBuf,
    saved: Option<Saved>,
}

impl Memory {
    /// Reads what an earlier run left. Error: a file that can't be read, or is none of these: taken for an empty one, it
    /// would bring every alarm again.
    pub fn load(dir: &Path) -> Result<Self, ReadError> {
        let file = dir.join(FILE);
        let saved = match std::fs::read(&file) {
            Ok(bytes) => {
                Some(json::from_slice(&bytes).map_err(|source| ReadError::Refused { what: FILE.into(), source })?)
            }
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => None,
            Err(source) => return Err(ReadError::File { path: file, source }),
        };
        Ok(Self { file, saved })
    }

    /// Entries of the governance log that were told of; `None` before the first round.
    #[must_use]
    pub fn governance(&self) -> Option<u64> {
        self.saved.as_ref().map(|s| s.governance)
    }

    /// Whether this alarm is yet to be told.
    #[must_use]
    pub fn is_new(&self, alarm: &Alarm) -> bool {
        alarm.is_news() || !self.saved.as_ref().is_some_and(|s| s.standing.contains(&alarm.id()))
    }

    /// Whether a webhook has yet to be told that something was.
    #[must_use]
    pub fn untold(&self) -> bool {
        self.saved.as_ref().is_some_and(|s| s.untold)
    }

    /// What is over: alarms that lasted, were told and are not among these any more. A fork stays one.
    #[must_use]
    pub fn over(&self, alarms: &[Alarm]) -> Vec<String> {
        let still: BTreeSet<String> = alarms.iter().map(Alarm::id).collect();
        let standing = self.saved.iter().flat_map(|s| &s.standing);
        standing.filter(|id| !id.starts_with("fork ") && !still.contains(*id)).cloned().collect()
    }

    /// Keeps that these alarms were told, that those are over, how far the governance log was looked at, and when.
    pub fn keep(
        &mut self,
        alarms: &[Alarm],
        over: &[String],
        governance: Option<u64>,
        untold: bool,
        now: u64,
    ) -> Result<(), ReadError> {
        let mut saved = self.saved.clone().unwrap_or(Saved {
            v: V1,
            governance: 0,
            standing: BTreeSet::new(),
            untold: false,
            heartbeat: Second(now),
        });
        saved.governance = governance.unwrap_or(saved.governance);
        saved.standing.retain(|id| !over.contains(id));
        saved.standing.extend(alarms.iter().filter(|a| !a.is_news()).map(Alarm::id));
        (saved.untold, saved.heartbeat) = (untold, Second(now));
        self.write(&saved).map_err(|source| ReadError::File { path: self.file.clone(), source })?;
        self.saved = Some(saved);
        Ok(())
    }

    /// Whole or not at all.
    fn write(&self, saved: &Saved) -> std::io::Result<()> {
        let part = self.file.with_extension("part");
        std::fs::write(&part, json::to_vec(saved).map_err(std::io::Error::other)?)?;
        std::fs::File::open(&part)?.sync_all()?;
        std::fs::rename(&part, &self.file)
    }
}
