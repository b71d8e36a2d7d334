//! A log as a folder of files, each written whole or not at all.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// A file that can't be read or written.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {source}")]
pub struct FolderError {
    /// Which.
    pub path: PathBuf,
    /// Why.
    pub source: io::Error,
}

/// One log's folder.
pub struct Folder(pub PathBuf);

impl Folder {
    fn error(path: &Path) -> impl FnOnce(io::Error) -> FolderError {
        move |source| FolderError { path: path.into(), source }
    }

    /// A file's bytes, if it is there.
    pub fn read(&self, name: &str) -> Result<Option<Vec<u8>>, FolderError> {
        let path = self.0.join(name);
        match std::fs::read(&path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(Self::error(&path)(e)),
        }
    }

    /// Writes a file under another name first, so that nobody ever reads half of it; durable when this returns.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<(), FolderError> {
        let path = self.0.join(name);
        let part = path.with_extension("part");
        let write = || {
            let folder = path.parent().unwrap_or(&self.0);
            std::fs::create_dir_all(folder)?;
            let mut file = File::create(&part)?;
            file.write_all(bytes)?;
            file.sync_all()?;
            std::fs::rename(&part, &path)?;
            File::open(folder)?.sync_all()
        };
        write().map_err(Self::error(&path))
    }

    /// Removes a folder with what is in it, if it is there.
    pub fn remove(&self, name: &str) -> Result<(), FolderError> {
        let path = self.0.join(name);
        match std::fs::remove_dir_all(&path) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(Self::error(&path)(e)),
            _ => Ok(()),
        }
    }
}
