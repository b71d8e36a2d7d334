//! What a measurement leaves: a table for people, and `target/figures/NAME.json` for machines.
//!
//! ```text
//! {"commit":…,"cores":…,"rows":[{"what":NAME,"unit":…,"ours":median or null,"runs":n,"spread":[min,max] or null,
//!   "peer":NAME or null,"theirs":median or null,"ratio":ours/theirs or null,"note":…}]}
//! ```
//! A row that could not be measured is there, with `"ours": null` and the reason in `note`.

use std::path::{Path, PathBuf};
use std::process::Command;

use comfy_table::Table;
use comfy_table::presets::UTF8_HORIZONTAL_ONLY;
use serde::Serialize;

/// One figure.
#[derive(Serialize)]
pub struct Row {
    what: &'static str,
    unit: &'static str,
    ours: Option<f64>,
    runs: usize,
    spread: Option<[f64; 2]>,
    peer: Option<&'static str>,
    theirs: Option<f64>,
    ratio: Option<f64>,
    note: String,
}

impl Row {
    /// The median of some runs; of none, `note` has the reason.
    pub fn new(what: &'static str, unit: &'static str, runs: &[f64], note: impl Into<String>) -> Self {
        let sorted = sorted(runs);
        let spread = sorted.first().zip(sorted.last()).map(|(least, most)| [round(*least), round(*most)]);
        let ours = median(runs).map(round);
        let (runs, note) = (runs.len(), note.into());
        Self { what, unit, ours, runs, spread, peer: None, theirs: None, ratio: None, note }
    }

    /// Beside a peer that was measured in the same runs.
    #[allow(dead_code)] // not every measurement has one
    pub fn beside(mut self, peer: &'static str, runs: &[f64]) -> Self {
        self.peer = Some(peer);
        self.theirs = median(runs).map(round);
        self.ratio = self.ours.zip(self.theirs).map(|(ours, theirs)| round(ours / theirs));
        self
    }
}

fn sorted(runs: &[f64]) -> Vec<f64> {
    let mut sorted = runs.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
}

/// The middle value; of an even number the mean of both.
pub fn median(runs: &[f64]) -> Option<f64> {
    let (sorted, half) = (sorted(runs), runs.len() / 2);
    let upper = *sorted.get(half)?;
    Some(if runs.len() % 2 == 1 { upper } else { f64::midpoint(sorted[half - 1], upper) })
}

/// Four significant digits: the rest is noise.
fn round(value: f64) -> f64 {
    format!("{value:.3e}").parse().unwrap_or(value)
}

#[derive(Serialize)]
struct Figures {
    commit: String,
    cores: usize,
    rows: serde_json::Value,
}

/// The commit, marked when the tree differs from it.
fn commit(top: &Path) -> String {
    let git = |args: &[&str]| {
        let output = Command::new("git").arg("-C").arg(top).args(args).output().ok().filter(|o| o.status.success());
        output.map(|o| String::from_utf8_lossy(&o.stdout).trim().to_owned())
    };
    match (git(&["rev-parse", "--short=12", "HEAD"]), git(&["status", "--porcelain"])) {
        (Some(commit), Some(changes)) if changes.is_empty() => commit,
        (Some(commit), _) => format!("{commit}-changed"),
        (None, _) => "unknown".into(),
    }
}

/// Prints the table and writes the file. Gives its path.
#[allow(dead_code)] // each measurement uses one of the two
pub fn publish(name: &str, rows: &[Row]) -> std::io::Result<PathBuf> {
    show(rows);
    write(name, serde_json::to_value(rows)?)
}

/// As [`publish`], but leaves the rows of other names that stand in the file: several measurements share it.
#[allow(dead_code)]
pub fn merge(name: &str, rows: &[Row]) -> std::io::Result<PathBuf> {
    show(rows);
    let stands = match std::fs::read(path(name)) {
        Ok(bytes) => serde_json::from_slice::<serde_json::Value>(&bytes)?["rows"].take(),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => serde_json::Value::Null,
        Err(e) => return Err(e),
    };
    let mut all: Vec<_> = stands.as_array().cloned().unwrap_or_default();
    all.retain(|old| rows.iter().all(|row| old["what"] != row.what));
    for row in rows {
        all.push(serde_json::to_value(row)?);
    }
    write(name, all.into())
}

fn show(rows: &[Row]) {
    let text = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |v| v.to_string());
    let mut table = Table::new();
    table.load_style(UTF8_HORIZONTAL_ONLY);
    table.set_header(["what", "ours", "unit", "runs", "spread", "peer", "theirs", "ratio"]);
    for row in rows {
        let spread = row.spread.map_or_else(|| "-".to_owned(), |[least, most]| format!("{least} to {most}"));
        let peer = row.peer.unwrap_or("-").to_owned();
        let (ours, theirs, ratio) = (text(row.ours), text(row.theirs), text(row.ratio));
        table.add_row([row.what, &ours, row.unit, &row.runs.to_string(), &spread, &peer, &theirs, &ratio]);
    }
    println!("{table}");
    for row in rows {
        println!("{}: {}", row.what, row.note);
    }
}

fn path(name: &str) -> PathBuf {
    top().join("target/figures").join(format!("{name}.json"))
}

/// The bench of a member of the workspace writes to the same place.
fn top() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().find(|folder| folder.join("Cargo.lock").exists()).unwrap_or(here)
}

fn write(name: &str, rows: serde_json::Value) -> std::io::Result<PathBuf> {
    let file = path(name);
    std::fs::create_dir_all(top().join("target/figures"))?;
    let cores = std::thread::available_parallelism()?.get();
    let figures = Figures { commit: commit(top()), cores, rows };
    std::fs::write(&file, serde_json::to_string_pretty(&figures)? + "\n")?;
    Ok(file)
}
