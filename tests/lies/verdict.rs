//! What the audit says of a copy, one line a failure.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use tabir::client::audit::{verify, verify_within};
use tabir_crypto::trust::audit::Check;

use crate::folder::copy_folder;
use crate::forge::{Forge, trust};

/// `name code`, then log and entry, then window and number of reports, each where there is one.
pub fn line(c: &Check) -> String {
    let log = c.log.map(|l| format!(" {}", l.as_str())).unwrap_or_default();
    let entry = c.entry.map(|e| format!(" {e}")).unwrap_or_default();
    let window = c.window.map(|w| format!(" window {w}")).unwrap_or_default();
    let reports = if c.reports > 0 { format!(" reports {}", c.reports) } else { String::new() };
    format!("{} {}{log}{entry}{window}{reports}", c.name, c.code.unwrap_or("-"))
}

/// What failed in the copy in this folder.
pub async fn failures(dir: &Path) -> Vec<String> {
    let verdict = verify(&trust(), dir).await.expect("a readable folder");
    let found: Vec<String> = verdict.failed().map(line).collect();
    // The same in as little memory as there can be.
    let within = verify_within(&trust(), dir, TIGHT).await.expect("a readable folder");
    assert_eq!(within.checks, verdict.checks);
    if let Some(folder) = std::env::var_os(KEEP) {
        keep(Path::new(&folder), dir, &found);
    }
    found
}

/// Bytes of an audit's records in memory: all but the last few go through its file.
const TIGHT: usize = 10_000;

/// The folder, if there is one, in which every copy stays with what was found in it: for an auditor with other software.
const KEEP: &str = "TABIR_KEEP_LIES";

fn keep(folder: &Path, copy: &Path, found: &[String]) {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let test = std::thread::current().name().unwrap_or("test").replace("::", ".");
    let to = folder.join(format!("{test}.{}", NEXT.fetch_add(1, Ordering::Relaxed)));
    copy_folder(copy, &to);
    std::fs::write(to.join("trust.json"), trust().statement().to_bytes()).unwrap();
    std::fs::write(to.join("expected"), found.join("\n")).unwrap();
}

/// The audit of what the forge holds says this and nothing else.
pub async fn said(forge: &Forge, lines: &[String]) {
    let dir = forge.written();
    assert_eq!(failures(dir.path()).await, lines);
}

/// One failure.
pub async fn names(forge: &Forge, line: impl Into<String>) {
    said(forge, &[line.into()]).await;
}
