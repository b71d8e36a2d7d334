//! Files that only their owner may read: roles' plain keys (a 32-byte seed as one line of hex), passphrase files, and
//! what officials keep.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use tabir_crypto::codec::{sha256, unhex};
use tabir_crypto::ed25519::SigningKey;
use tabir_crypto::{B32, Secret, SecretBytes};

use super::ConfigError;
use crate::clock::Random;

/// File name of a role's identity key in its folder.
pub const IDENTITY: &str = "identity.key";

/// Bits of a mode that let anybody but the owner in.
pub(super) const OTHERS: u32 = 0o077;

/// Reads a seed. Errors: file, `hex`, `size`, mode.
pub fn read_seed(path: &Path) -> Result<SecretBytes<32>, ConfigError> {
    let text = Secret::new(read_private(path)?);
    let seed =
        unhex::<32>(text.expose().trim_end()).map_err(|source| ConfigError::Key { path: path.into(), source })?;
    Ok(SecretBytes::new(seed))
}

/// Reads a signing key from its seed.
pub fn read_signing_key(path: &Path) -> Result<SigningKey, ConfigError> {
    Ok(SigningKey::from_seed(&read_seed(path)?))
}

/// Makes a seed and writes it; refuses to overwrite a file.
pub fn create_seed(path: &Path) -> Result<SecretBytes<32>, ConfigError> {
    let seed = SecretBytes::<32>::random(&mut Random);
    let text = Secret::new(format!("{}\n", hex::encode(seed.expose())));
    write_private(path, text.expose().as_bytes())?;
    Ok(seed)
}

/// Reads a text that only its owner may read, such as a passphrase file. The mode is that of the very file that is read.
pub fn read_private(path: &Path) -> Result<String, ConfigError> {
    let error = |source| ConfigError::File { path: path.into(), source };
    let mut file = File::open(path).map_err(error)?;
    if file.metadata().map_err(error)?.mode() & OTHERS != 0 {
        return Err(ConfigError::Mode(path.into()));
    }
    let mut text = String::new();
    file.read_to_string(&mut text).map_err(error)?;
    Ok(text)
}

/// Writes a new file that only its owner may read, durable before this returns; refuses to overwrite.
pub fn write_private(path: &Path, bytes: &[u8]) -> Result<(), ConfigError> {
    let write = || {
        let mut file = create(path)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        File::open(folder_of(path))?.sync_all()
    };
    write().map_err(|source| ConfigError::File { path: path.into(), source })
}

fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

/// The folder in which a file stands.
#[must_use]
pub fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."))
}

/// Makes a folder that only its owner may enter; one that is there must be such a folder.
pub fn create_private_folder(path: &Path) -> Result<(), ConfigError> {
    match DirBuilder::new().mode(0o700).create(path) {
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => check_private_folder(path),
        made => made.map_err(|source| ConfigError::File { path: path.into(), source }),
    }
}

/// A folder that only its owner may enter, and he must be the one who runs this. Errors: file, owner, mode.
pub fn check_private_folder(path: &Path) -> Result<(), ConfigError> {
    let found = std::fs::metadata(path).map_err(|source| ConfigError::File { path: path.into(), source })?;
    check_folder(path, rustix::process::geteuid().as_raw(), found.uid(), found.mode())
}

fn check_folder(path: &Path, me: u32, owner: u32, mode: u32) -> Result<(), ConfigError> {
    match () {
        () if owner != me => Err(ConfigError::Owner(path.into())),
        () if mode & OTHERS != 0 => Err(ConfigError::FolderMode(path.into())),
        () => Ok(()),
    }
}

/// What a replacement has done; a test stops it after each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Locked,
    Made,
    Written,
    Synced,
    Renamed,
    Done,
}

/// Puts a new text in the place of a private file whose SHA-256 is `old`: a crash at any moment leaves the whole old or
/// the whole new file. Error: `Changed` when another command wrote it meanwhile, and this one would undo that.
pub fn replace_private(path: &Path, old: &B32, bytes: &[u8]) -> Result<(), ConfigError> {
    replace(path, old, bytes, &mut |_| Ok(()))
}

fn replace(
    path: &Path,
    old: &B32,
    bytes: &[u8],
    after: &mut dyn FnMut(Step) -> io::Result<()>,
) -> Result<(), ConfigError> {
    let error = |source| ConfigError::File { path: path.into(), source };
    let folder = File::open(folder_of(path)).map_err(error)?;
    folder.lock().map_err(error)?;
    after(Step::Locked).map_err(error)?;
    if sha256(&std::fs::read(path).map_err(error)?) != *old {
        return Err(ConfigError::Changed(path.into()));
    }
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let mut write = |beside: &PathBuf| {
        match std::fs::remove_file(beside) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
            _ => {}
        }
        let mut file = create(beside)?;
        after(Step::Made)?;
        file.write_all(bytes)?;
        after(Step::Written)?;
        // Before the rename: else a power cut could leave the new name with an empty file behind it.
        file.sync_all()?;
        after(Step::Synced)?;
        std::fs::rename(beside, path)?;
        after(Step::Renamed)?;
        // Else the rename itself could be forgotten, after its result was sent to others.
        folder.sync_all()?;
        after(Step::Done)
    };
    write(&beside.into()).map_err(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEPS: [Step; 6] = [Step::Locked, Step::Made, Step::Written, Step::Synced, Step::Renamed, Step::Done];

    fn crash() -> io::Error {
        io::Error::other("power cut")
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> =
            std::fs::read_dir(folder).unwrap().map(|f| f.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_crash_at_any_step_leaves_the_whole_old_or_the_whole_new_file() {
        let (old, new, next) = ("old ".repeat(500), "new ".repeat(700), "next");
        for stop in STEPS {
            for half in [false, true] {
                let dir = tempfile::tempdir().unwrap();
                let path = dir.path().join("official.key");
                write_private(&path, old.as_bytes()).unwrap();
                let mut seen = Vec::new();
                let stopped = replace(&path, &sha256(old.as_bytes()), new.as_bytes(), &mut |step| {
                    seen.push(step);
                    if step == Step::Made && half {
                        // As much as had reached the disk.
                        std::fs::write(dir.path().join("official.key.new"), &new[..1000]).unwrap();
                    }
                    if step == stop { Err(crash()) } else { Ok(()) }
                });
                assert!(matches!(stopped, Err(ConfigError::File { .. })), "{stop:?}");
                // The bytes are on the disk before the name is theirs, and nothing is said before the name is there.
                assert_eq!(seen, STEPS[..=STEPS.iter().position(|s| *s == stop).unwrap()]);
                let is_new = matches!(stop, Step::Renamed | Step::Done);
                let found = read_private(&path).unwrap();
                assert_eq!(found, if is_new { &new } else { &old }.as_str(), "{stop:?}");
                // What is left of it stops nobody, and is gone after the next write.
                replace_private(&path, &sha256(found.as_bytes()), next.as_bytes()).unwrap();
                assert_eq!(read_private(&path).unwrap(), next);
                assert_eq!(names(dir.path()), ["official.key"]);
            }
        }
    }

    #[test]
    fn two_commands_at_once_do_not_undo_each_other() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("official.key");
        write_private(&path, b"old").unwrap();
        let old = sha256(b"old");
        replace_private(&path, &old, b"by one").unwrap();
        assert!(matches!(replace_private(&path, &old, b"by the other"), Err(ConfigError::Changed(_))));
        assert_eq!(read_private(&path).unwrap(), "by one");
    }

    #[test]
    fn a_folder_of_another_user_or_open_to_others_is_refused() {
        let path = Path::new("sari");
        assert!(check_folder(path, 1000, 1000, 0o40_700).is_ok());
        assert!(matches!(check_folder(path, 1000, 1001, 0o40_700), Err(ConfigError::Owner(_))));
        for mode in [0o40_701, 0o40_704, 0o40_702, 0o40_710, 0o40_740, 0o40_720, 0o40_755] {
            assert!(matches!(check_folder(path, 1000, 1000, mode), Err(ConfigError::FolderMode(_))), "{mode:o}");
        }
    }
}
