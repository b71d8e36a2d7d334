//! A store's copy, sealed into a file.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use tabir_crypto::archive::{BUCKET, CHUNK, Manifest, Sealing};
use tabir_crypto::ed25519::SigningKey;
use tabir_crypto::hpke::KemPublicKey;
use zeroize::Zeroizing;

use super::{BackupError, Progress};
use crate::clock::Random;
use crate::config::keys::folder_of;

/// Length of the length before the store.
const LENGTH: u64 = 8;

/// Seals a copy of a store into a new file, which gets its name when it is whole and durable. Errors: `Exists`, files, those
/// of [`Sealing::begin`].
pub fn write(
    copy: &Path,
    out: &Path,
    manifest: &Manifest,
    recipient: &KemPublicKey,
    signer: &SigningKey,
    progress: Progress<'_>,
) -> Result<(), BackupError> {
    if out.exists() {
        return Err(BackupError::Exists(out.into()));
    }
    let part = part_of(out);
    let sealed = seal(copy, &part, manifest, recipient, signer, progress);
    let published = sealed.and_then(|()| publish(&part, out));
    match std::fs::remove_file(&part) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => published.and(Err(BackupError::File(part, e))),
        _ => published,
    }
}

fn part_of(out: &Path) -> PathBuf {
    let mut part = out.as_os_str().to_owned();
    part.push(".part");
    part.into()
}

fn publish(part: &Path, out: &Path) -> Result<(), BackupError> {
    // Unlike a rename this fails where there is one.
    match std::fs::hard_link(part, out) {
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => return Err(BackupError::Exists(out.into())),
        linked => linked.map_err(BackupError::file(out))?,
    }
    let folder = folder_of(out);
    File::open(folder).and_then(|f| f.sync_all()).map_err(BackupError::file(folder))
}

fn seal(
    copy: &Path,
    part: &Path,
    manifest: &Manifest,
    recipient: &KemPublicKey,
    signer: &SigningKey,
    progress: Progress<'_>,
) -> Result<(), BackupError> {
    let mut store = File::open(copy).map_err(BackupError::file(copy))?;
    let length = store.metadata().map_err(BackupError::file(copy))?.len();
    // What a killed run left is written anew.
    let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(part);
    let mut file = file.map_err(BackupError::file(part))?;
    let padded = (LENGTH + length).next_multiple_of(BUCKET);
    let (mut sealing, head) = Sealing::begin(manifest, recipient, &mut Random)?;
    let mut put = |bytes: &[u8]| file.write_all(bytes).map_err(BackupError::file(part));
    put(&head)?;
    let mut chunk = Zeroizing::new(vec![0; CHUNK]);
    let (first, _) = chunk.split_at_mut(LENGTH as usize);
    first.copy_from_slice(&length.to_be_bytes());
    let mut filled = LENGTH as usize;
    for from in (0..padded).step_by(CHUNK) {
        let read = fill(&mut store, chunk.get_mut(filled..).unwrap_or_default()).map_err(BackupError::file(copy))?;
        chunk.get_mut(filled + read..).unwrap_or_default().fill(0);
        filled = 0;
        if from + CHUNK as u64 == padded {
            put(&sealing.last(&chunk, signer)?)?;
            break;
        }
        put(&sealing.chunk(&chunk)?)?;
        progress(from, padded);
    }
    progress(padded, padded);
    file.sync_all().map_err(BackupError::file(part))
}

/// Reads until the buffer is full or the file ends.
fn fill(file: &mut File, mut buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while !buffer.is_empty() {
        match file.read(buffer) {
            Ok(0) => break,
            Ok(read) => {
                filled += read;
                buffer = buffer.get_mut(read..).unwrap_or_default();
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(filled)
}
