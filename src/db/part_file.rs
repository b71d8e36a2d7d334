//! A store on its way: written under another name, and given its own in one step, if no other has it.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

/// Name of every role's store in its folder.
pub const STORE: &str = "store.sqlite";
/// The store while it is written.
const PART: &str = "recovering.sqlite";
/// Held by the process that writes it.
const LOCK: &str = "recovering.lock";

/// Why there is no new store.
#[derive(Debug, thiserror::Error)]
pub enum PartError {
    /// A store is there.
    #[error(
        "{0} is there (store-exists): a store is never overwritten. If it is lost or broken, move it aside with the files that \
         begin with its name, keep them, and run this again"
    )]
    StoreExists(PathBuf),
    /// Another process writes.
    #[error("{0} is held by another recovery or restore (busy): wait for it")]
    Busy(PathBuf),
    /// A file of the role's folder.
    #[error("{path}: {source}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// The new store under another name: what a killed recovery or restore leaves is never taken for a whole one.
pub struct PartFile {
    dir: PathBuf,
    /// Where it is written.
    pub file: PathBuf,
    /// Held until this is dropped.
    _lock: File,
}

impl PartFile {
    /// Begins one in a role's folder. Errors: `StoreExists`, `Busy`, `File`.
    pub fn new(dir: &Path) -> Result<Self, PartError> {
        // A log that a store left holds writes of it, and SQLite would take them for the new one's.
        for end in ["", "-wal", "-shm"] {
            let store = dir.join(format!("{STORE}{end}"));
            if store.exists() {
                return Err(PartError::StoreExists(store));
            }
        }
        let path = dir.join(LOCK);
        let lock = File::create(&path).map_err(file_error(&path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(std::fs::TryLockError::WouldBlock) => return Err(PartError::Busy(path)),
            Err(std::fs::TryLockError::Error(source)) => return Err(file_error(&path)(source)),
        }
        let part = Self { dir: dir.into(), file: dir.join(PART), _lock: lock };
        part.clear()?;
        Ok(part)
    }

    /// Removes what one before this left, or what this wrote.
    pub fn clear(&self) -> Result<(), PartError> {
        for end in ["", "-wal", "-shm", "-journal"] {
            let path = self.dir.join(format!("{PART}{end}"));
            match std::fs::remove_file(&path) {
                Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(file_error(&path)(e)),
                _ => {}
            }
        }
        Ok(())
    }

    /// Gives the closed store its name, if no other has it. Errors: `StoreExists`, `File`.
    pub fn publish(self) -> Result<(), PartError> {
        let store = self.dir.join(STORE);
        let sync = |path: &Path| File::open(path).and_then(|f| f.sync_all()).map_err(file_error(path));
        sync(&self.file)?;
        // Unlike a rename this fails where there is one.
        match std::fs::hard_link(&self.file, &store) {
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => return Err(PartError::StoreExists(store)),
            linked => linked.map_err(file_error(&store))?,
        }
        self.clear()?;
        sync(&self.dir)
    }
}

fn file_error(path: &Path) -> impl FnOnce(io::Error) -> PartError {
    let path = path.to_owned();
    move |source| PartError::File { path, source }
}
