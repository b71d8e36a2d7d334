//! Writing what `init` makes.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;

use serde::Serialize;

use crate::cli::{CliError, make_dir, write};
use crate::config::keys::folder_of;

/// Error: it holds something, or is a file; keys are never overwritten.
pub fn must_be_free(dir: &Path) -> Result<(), CliError> {
    let full = dir.read_dir().is_ok_and(|mut d| d.next().is_some());
    if full || dir.is_file() {
        return Err(CliError::Usage(format!("{} is not empty; choose a new folder", dir.display())));
    }
    Ok(())
}

/// A folder that holds nothing yet, and that only its owner may enter.
pub fn fresh_folder(dir: &Path) -> Result<(), CliError> {
    must_be_free(dir)?;
    let mut private = DirBuilder::new();
    private.recursive(true).mode(0o700).create(dir).map_err(|e| CliError::File(dir.into(), e))
}

/// Makes a folder under another name beside its place and renames it when all of it is there: whatever stops `make`, the
/// place is as it was. Prints what `make` says once it is so.
pub fn made_whole(dir: &Path, make: impl FnOnce(&Path) -> Result<String, CliError>) -> Result<(), CliError> {
    must_be_free(dir)?;
    let beside = folder_of(dir);
    make_dir(beside)?;
    let failed = |e| CliError::File(dir.into(), e);
    let part = tempfile::Builder::new().prefix(".tabir-init-").tempdir_in(beside).map_err(failed)?;
    let words = make(part.path())?;
    std::fs::rename(part.path(), dir).map_err(failed)?;
    // It has another name now; there is nothing left to remove.
    let _ = part.keep();
    println!("{words}");
    Ok(())
}

/// Writes a configuration.
pub fn write_toml<T: Serialize>(path: &Path, value: &T) -> Result<(), CliError> {
    let text = toml::to_string_pretty(value).map_err(|e| CliError::Failed(format!("{}: {e}", path.display())))?;
    write(path, text.as_bytes())
}

/// Writes JSON for people to carry.
pub fn write_json<T: Serialize>(path: &Path, value: &T) -> Result<(), CliError> {
    let text = serde_json::to_string_pretty(value).map_err(|e| CliError::Failed(format!("{}: {e}", path.display())))?;
    write(path, format!("{text}\n").as_bytes())
}
