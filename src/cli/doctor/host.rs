//! This machine: room on its disks, age of its long-lived keys, folders that others can enter.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use super::span;
use crate::clock::Clock;
use crate::config::Config;
use crate::config::check::{Finding, Level};
use crate::config::keys::{IDENTITY, check_private_folder};

/// Below this somebody should make room. A town's stores grow by less in a year.
const ROOM: u64 = 1 << 30;
/// Below this a commit may fail soon; SQLite's write-ahead log and a checkpoint need this much together.
const NO_ROOM: u64 = 100 << 20;

/// All of it.
pub fn look(config: &Config) -> Vec<Finding> {
    let mut found = Vec::new();
    for (role, dir) in config.roles.folders() {
        found.push(room(role, dir));
        if let Err(error) = check_private_folder(dir) {
            let todo = format!("chmod 700 {}, as the user that runs the role.", dir.display());
            found.push(Finding::new(Level::Warning, "file rights", role, error.to_string(), todo));
        }
        found.extend(age(role, &dir.join(IDENTITY)));
    }
    found
}

fn room(role: &str, dir: &Path) -> Finding {
    match rustix::fs::statvfs(dir) {
        Ok(disk) => {
            let free = disk.f_bavail.saturating_mul(disk.f_frsize);
            let place = format!("{role} {}", dir.display());
            let found = format!("{} MiB are free", free >> 20);
            let todo = "Make room: a full disk takes no report. What was accepted stays.";
            match free {
                f if f < NO_ROOM => Finding::new(Level::Error, "disk", place, found, todo),
                f if f < ROOM => Finding::new(Level::Warning, "disk", place, found, todo),
                _ => Finding::ok("disk", place, found),
            }
        }
        Err(error) => Finding::new(Level::Error, "disk", role, error.to_string(), "Mount the disk, mend the rights."),
    }
}

/// An identity key lives as long as the trust root; its age is said, and nothing is due.
fn age(role: &str, file: &Path) -> Option<Finding> {
    let made = u64::try_from(std::fs::metadata(file).ok()?.mtime()).ok()?;
    let since = Clock::system().now().saturating_sub(made);
    let found = format!("in its place since {}; it changes only with the trust root", span(since));
    Some(Finding::ok("keys", format!("{role} {IDENTITY}"), found))
}
