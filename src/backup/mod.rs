//! Backups of stores as files: `tabir_crypto::archive` from and to a disk. Knows no role: what of a store goes into one is
//! said by its role's plan ([`crate::db::copy`]).

mod read;
mod write;

use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tabir_crypto::hpke::{KemPublicKey, KemSecretKey};
use tabir_crypto::statement::value::{Bytes, V1};
use tabir_crypto::{Code, json};

use crate::config::ConfigError;
use crate::config::keys::{create_seed, read_seed};
use crate::db::DbError;
use crate::db::part_file::PartError;

pub use read::Backup;
pub use write::write;

/// Told of bytes: how many of how many are done.
pub type Progress<'a> = &'a mut dyn FnMut(u64, u64);

/// Why there is no backup, or nothing came out of it.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The file to be written is there.
    #[error("{0} is there (exists): a backup is never overwritten. Give another name")]
    Exists(PathBuf),
    /// Another kind of file.
    #[error("{0} is no backup of a store (kind)")]
    Kind(PathBuf),
    /// The end is missing.
    #[error("{0} is cut short, or grew (torn): copy it again from where it was written, or take another one")]
    Torn(PathBuf),
    /// Not what its maker wrote.
    #[error(
        "{0} is not what its maker wrote (changed): take another one, and find out who could write where this one lay"
    )]
    Changed(PathBuf),
    /// Made by somebody else.
    #[error("{0} was not made by this installation's {1} of today (signer)")]
    Signer(PathBuf, String),
    /// Of another installation.
    #[error("{0} is of another installation, or of a trust root that this machine does not have yet (trust)")]
    Foreign(PathBuf),
    /// Sealed to another key.
    #[error("{0} is sealed to another key (recipient): it was made for the key with id {1}")]
    Recipient(PathBuf, String),
    /// Its store does not hold together.
    #[error("{0}: what is in it can't become a store: {1}")]
    Store(PathBuf, DbError),
    /// No store can be made.
    #[error(transparent)]
    Part(#[from] PartError),
    /// The store.
    #[error(transparent)]
    Db(#[from] DbError),
    /// A key file.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Sealing.
    #[error(transparent)]
    Crypto(#[from] tabir_crypto::Error),
    /// A file.
    #[error("{0}: {1}")]
    File(PathBuf, io::Error),
}

impl BackupError {
    /// The stable code of what was refused.
    #[must_use]
    pub const fn code(&self) -> Option<&'static str> {
        Some(match self {
            Self::Exists(_) => "exists",
            Self::Kind(_) => "kind",
            Self::Torn(_) => "torn",
            Self::Changed(_) => "changed",
            Self::Signer(..) => "signer",
            Self::Foreign(_) => "trust",
            Self::Recipient(..) => "recipient",
            Self::Store(_, DbError::Newer(..)) => "newer",
            Self::Store(..) => "damaged",
            Self::Part(PartError::StoreExists(_)) => "store-exists",
            Self::Part(PartError::Busy(_)) => "busy",
            _ => return None,
        })
    }

    fn file(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File(path, source)
    }
}

/// The public half of a backup key, as a file that is no secret.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PublicKey {
    v: V1,
    kem_pk: Bytes,
}

/// Makes a backup key: the seed in a file that only its owner may read, and the public half as JSON. Errors: a file that is
/// there.
pub fn create_key(path: &Path) -> Result<(KemPublicKey, Vec<u8>), BackupError> {
    let key = KemSecretKey::from_seed(create_seed(path)?).public_key();
    let text = json::to_vec(&PublicKey { v: V1, kem_pk: Bytes(key.as_bytes().to_vec()) })?;
    Ok((key, text))
}

/// Reads the public half. Errors: file, those of strict JSON, `kem`.
pub fn read_public_key(path: &Path) -> Result<KemPublicKey, BackupError> {
    let bytes = std::fs::read(path).map_err(BackupError::file(path))?;
    let parsed: Result<PublicKey, _> = json::from_slice(&bytes);
    let refused = |source| BackupError::Config(ConfigError::Key { path: path.into(), source });
    KemPublicKey::from_bytes(&parsed.map_err(refused)?.kem_pk.0)
        .map_err(|source| BackupError::Config(ConfigError::Key { path: path.into(), source }))
}

/// Reads the secret half.
pub fn read_secret_key(path: &Path) -> Result<KemSecretKey, BackupError> {
    Ok(KemSecretKey::from_seed(read_seed(path)?))
}

/// What a refusal of the format says about a file.
fn refused(path: &Path) -> impl FnOnce(tabir_crypto::Error) -> BackupError {
    let path = path.to_owned();
    move |error| match error.code() {
        Code::Version => BackupError::Kind(path),
        Code::Size => BackupError::Torn(path),
        _ => BackupError::Changed(path),
    }
}
