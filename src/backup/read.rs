//! A backup's file: who made it, whether it is whole, and what is in it.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use tabir_crypto::archive::{BUCKET, CHUNK, Head, MAX_HEAD, Manifest, SEALED_CHUNK, SIGNATURE};
use tabir_crypto::ed25519::VerifyingKey;
use tabir_crypto::hpke::KemSecretKey;

use super::{BackupError, Progress, refused};

/// A file with the form of a backup. Nothing of it is believed before [`Backup::check`] or the end of [`Backup::extract`].
pub struct Backup {
    path: PathBuf,
    file: File,
    head: Head,
    chunks: u64,
}

impl Backup {
    /// Reads the head. Errors: `Kind`, `Torn`, `Changed`, file.
    pub fn open(path: &Path) -> Result<Self, BackupError> {
        let mut file = File::open(path).map_err(BackupError::file(path))?;
        let length = file.metadata().map_err(BackupError::file(path))?.len();
        let mut start = Vec::new();
        let read = (&mut file).take(MAX_HEAD as u64).read_to_end(&mut start);
        read.map_err(BackupError::file(path))?;
        let head = Head::parse(&start).map_err(refused(path))?;
        let behind = length.checked_sub((head.length() + SIGNATURE) as u64);
        let chunks = behind.filter(|n| *n > 0 && n % SEALED_CHUNK as u64 == 0).map(|n| n / SEALED_CHUNK as u64);
        let whole = chunks.filter(|n| (n * CHUNK as u64).is_multiple_of(BUCKET));
        let chunks = whole.ok_or_else(|| BackupError::Torn(path.into()))?;
        Ok(Self { path: path.into(), file, head, chunks })
    }

    /// What it says of itself.
    #[must_use]
    pub const fn manifest(&self) -> &Manifest {
        &self.head.manifest
    }

    fn start(&mut self) -> Result<(), BackupError> {
        let seek = self.file.seek(SeekFrom::Start(self.head.length() as u64));
        seek.map(drop).map_err(BackupError::file(&self.path))
    }

    fn next<const N: usize>(&mut self) -> Result<Box<[u8; N]>, BackupError> {
        let mut bytes = Box::new([0; N]);
        self.file.read_exact(&mut *bytes).map_err(BackupError::file(&self.path))?;
        Ok(bytes)
    }

    /// Whether it is whole and made by this key: needs no secret. Errors: `Changed`, file.
    pub fn check(&mut self, signer: &VerifyingKey, progress: Progress<'_>) -> Result<(), BackupError> {
        self.start()?;
        let mut checking = self.head.check();
        for done in 0..self.chunks {
            checking.take(&*self.next::<SEALED_CHUNK>()?);
            progress(done, self.chunks);
        }
        progress(self.chunks, self.chunks);
        let signature = self.next::<SIGNATURE>()?;
        checking.end(&signature, signer).map_err(refused(&self.path))
    }

    /// Opens it into a new file that only its owner may read. That file counts for nothing unless this returns `Ok`: the
    /// signature stands at the end. Errors: `Recipient`, `Changed`, file.
    pub fn extract(
        &mut self,
        key: &KemSecretKey,
        signer: &VerifyingKey,
        to: &Path,
        progress: Progress<'_>,
    ) -> Result<(), BackupError> {
        let recipient = self.head.manifest.recipient.0;
        if key.public_key().key_id() != recipient {
            return Err(BackupError::Recipient(self.path.clone(), hex::encode(recipient)));
        }
        let changed = || BackupError::Changed(self.path.clone());
        let mut opening = Some(self.head.open(key).map_err(|_| changed())?);
        let mut checking = self.head.check();
        let out = File::options().write(true).create_new(true).mode(0o600).open(to);
        let mut out = out.map_err(BackupError::file(to))?;
        self.start()?;
        let mut left = None;
        for done in 0..self.chunks {
            let sealed = self.next::<SEALED_CHUNK>()?;
            checking.take(&*sealed);
            let opened = if done + 1 == self.chunks {
                opening.take().map(|o| o.last(&*sealed))
            } else {
                opening.as_mut().map(|o| o.chunk(&*sealed))
            };
            let opened = opened.and_then(Result::ok).ok_or_else(|| BackupError::Changed(self.path.clone()))?;
            let mut bytes = opened.expose().as_slice();
            let mut rest = match left {
                Some(left) => left,
                None => {
                    let (length, behind) =
                        bytes.split_first_chunk().ok_or_else(|| BackupError::Changed(self.path.clone()))?;
                    bytes = behind;
                    u64::from_be_bytes(*length)
                }
            };
            let take = rest.min(bytes.len() as u64);
            let (store, zeros) = bytes.split_at(usize::try_from(take).unwrap_or(bytes.len()));
            if zeros.iter().any(|byte| *byte != 0) {
                return Err(BackupError::Changed(self.path.clone()));
            }
            out.write_all(store).map_err(BackupError::file(to))?;
            rest -= take;
            left = Some(rest);
            progress(done, self.chunks);
        }
        progress(self.chunks, self.chunks);
        let signature = self.next::<SIGNATURE>()?;
        checking.end(&signature, signer).map_err(refused(&self.path))?;
        if left != Some(0) {
            return Err(BackupError::Changed(self.path.clone()));
        }
        out.sync_all().map_err(BackupError::file(to))
    }
}
