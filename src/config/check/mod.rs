//! Looks a configuration over before anything starts: all that is wrong at once, each with its line and what to do.
//!
//! `tabir serve` and `tabir doctor` ask the same questions here. What is found names files, keys and lines, never a
//! value: a password that was written into the wrong place is not repeated.

mod files;
mod hint;
mod listeners;
mod read;
mod values;

use std::fmt;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::roles::Roles;
use super::{Config, ConfigError};
use read::Document;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// As it should be.
    Ok,
    /// It works, and somebody should look at it.
    Warning,
    /// Something does not work, or is open to others.
    Error,
}

/// One thing that was looked at.
#[derive(Clone, Debug, Serialize)]
pub struct Finding {
    /// How bad it is.
    pub level: Level,
    /// What was looked at: `configuration`, `file rights`, `clock` …
    pub check: &'static str,
    /// Where: a key of the configuration with its line, an address, a file.
    pub place: String,
    /// What was found.
    pub found: String,
    /// What to do; empty where nothing is to be done.
    pub todo: String,
}

impl Finding {
    /// With nothing to do.
    pub fn ok(check: &'static str, place: impl Into<String>, found: impl Into<String>) -> Self {
        Self { level: Level::Ok, check, place: place.into(), found: found.into(), todo: String::new() }
    }

    /// With something to do.
    pub fn new(
        level: Level,
        check: &'static str,
        place: impl Into<String>,
        found: impl Into<String>,
        todo: impl Into<String>,
    ) -> Self {
        Self { level, check, place: place.into(), found: found.into(), todo: todo.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.found)?;
        if !self.todo.is_empty() {
            write!(f, "\n    {}", self.todo)?;
        }
        Ok(())
    }
}

/// What came of a look at one file.
pub struct Checked {
    /// The file.
    pub file: PathBuf,
    /// The configuration, as far as it can be read; what is wrong in it is left out.
    pub config: Option<Config>,
    /// Everything that was found, in the order of the lines.
    pub findings: Vec<Finding>,
    /// Where the process will listen, and the lines that say so.
    listeners: Vec<listeners::Listener>,
}

impl Checked {
    /// Whether the process can start.
    #[must_use]
    pub fn sound(&self) -> bool {
        self.findings.iter().all(|f| f.level < Level::Error)
    }
}

/// Looks a file over; `keep` says which of its roles this process runs. Error: it can't be read at all.
pub fn check(file: &Path, keep: impl FnOnce(Roles) -> Roles) -> Result<Checked, ConfigError> {
    let text = std::fs::read_to_string(file).map_err(|source| ConfigError::File { path: file.into(), source })?;
    let (document, config) = Document::read::<Config>(file, &text);
    let mut found = document.found.clone();
    let base = file.parent().unwrap_or_else(|| Path::new("."));
    files::look(&document, base, &mut found);
    values::numbers(&document, &mut found);
    let config = config.map(|c| Config { roles: keep(c.roles), ..c }.rebased(base));
    let mut listens = Vec::new();
    if let Some(config) = &config {
        values::peers(&document, config, &mut found);
        if config.roles.folders().next().is_none() {
            let what = "no role would run".into();
            let todo = "Add a section [roles.…] of a role that stands in this file's place.";
            found.push(document.about(&["roles"], Level::Error, CONFIGURATION, what, todo));
        }
        let trust = files::trust(&document, config, &mut found);
        files::identities(&document, config, trust.as_ref(), &mut found);
        values::units(&document, trust.as_ref(), &mut found);
        listens = listeners::of(&document, config);
        listeners::twice(&listens, &mut found);
    }
    found.sort_by_key(|(line, _)| *line);
    found.dedup_by(|a, b| a.0 == b.0 && a.1.place == b.1.place && a.1.found == b.1.found);
    let findings = found.into_iter().map(|(_, finding)| finding).collect();
    Ok(Checked { file: file.into(), config, findings, listeners: listens })
}

/// Several processes of one host: what two of them can't both have.
#[must_use]
pub fn together(all: &[Checked]) -> Vec<Finding> {
    let mut found = Vec::new();
    let listens: Vec<_> = all.iter().flat_map(|c| c.listeners.iter().cloned()).collect();
    // Those within one file were told there.
    listeners::between_files(&listens, &mut found);
    found.into_iter().map(|(_, finding)| finding).collect()
}

/// Ports that another program of this host holds already: asked before a start only.
#[must_use]
pub fn taken(checked: &Checked) -> Vec<Finding> {
    listeners::taken(&checked.listeners)
}

/// A finding with the line that it is about, by which they are sorted.
type Located = (usize, Finding);

/// The check that most findings here belong to.
const CONFIGURATION: &str = "configuration";
/// The check of modes and owners.
const RIGHTS: &str = "file rights";
