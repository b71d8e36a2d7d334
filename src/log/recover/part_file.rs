//! The file of a recovery on its way, and how it becomes the store.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use super::RecoverError;
use crate::log::store::FILE;

/// The store while it is written.
const PART: &str = "recovering.sqlite";
/// Held by the process that writes it.
const LOCK: &str = "recovering.lock";

/// The new store under another name: what a killed recovery leaves is never taken for a whole one.
pub(super) struct PartFile {
    dir: PathBuf,
    pub(super) file: PathBuf,
    /// Held until this is dropped.
    _lock: File,
}

impl PartFile {
    pub(super) fn new(dir: &Path) -> Result<Self, RecoverError> {
        let store = dir.join(FILE);
        if store.exists() {
            return Err(RecoverError::StoreExists(store));
        }
        let path = dir.join(LOCK);
        let lock = File::create(&path).map_err(file_error(&path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(std::fs::TryLockError::WouldBlock) => return Err(RecoverError::Busy(path)),
            Err(std::fs::TryLockError::Error(source)) => return Err(file_error(&path)(source)),
        }
        let part = Self { dir: dir.into(), file: dir.join(PART), _lock: lock };
        part.clear()?;
        Ok(part)
    }

    /// Removes what a recovery before this one left.
    fn clear(&self) -> Result<(), RecoverError> {
        for end in ["", "-wal", "-shm"] {
            let path = self.dir.join(format!("{PART}{end}"));
            match std::fs::remove_file(&path) {
                Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(file_error(&path)(e)),
                _ => {}
            }
        }
        Ok(())
    }

    /// Gives the closed store its name, if no other has it.
    pub(super) fn publish(self) -> Result<(), RecoverError> {
        let store = self.dir.join(FILE);
        let sync = |path: &Path| File::open(path).and_then(|f| f.sync_all()).map_err(file_error(path));
        sync(&self.file)?;
        // Unlike a rename this fails where there is one.
        match std::fs::hard_link(&self.file, &store) {
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => return Err(RecoverError::StoreExists(store)),
            linked => linked.map_err(file_error(&store))?,
        }
        self.clear()?;
        sync(&self.dir)
    }
}

fn file_error(path: &Path) -> impl FnOnce(io::Error) -> RecoverError {
    let path = path.to_owned();
    move |source| RecoverError::File { path, source }
}
