//! Writing what `init` makes.

use std::path::Path;

use serde::Serialize;

use crate::cli::{CliError, make_dir, write};

/// The folder must not hold anything yet: keys are never overwritten.
pub fn fresh_folder(dir: &Path) -> Result<(), CliError> {
    if dir.read_dir().is_ok_and(|mut d| d.next().is_some()) {
        return Err(CliError::Usage(format!("{} is not empty; choose a new folder", dir.display())));
    }
    make_dir(dir)
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
