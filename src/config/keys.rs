//! Plain key files of roles: a 32-byte seed as one line of hex, readable by its owner only.

use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use tabir_crypto::codec::unhex;
use tabir_crypto::ed25519::SigningKey;
use tabir_crypto::{Secret, SecretBytes};

use super::ConfigError;
use crate::clock::Random;

/// File name of a role's identity key in its folder.
pub const IDENTITY: &str = "identity.key";

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

/// Reads a text that only its owner may read, such as a passphrase file.
pub fn read_private(path: &Path) -> Result<String, ConfigError> {
    let error = |source| ConfigError::File { path: path.into(), source };
    let mode = std::fs::metadata(path).map_err(error)?.permissions().mode();
    if mode & 0o077 != 0 {
        return Err(ConfigError::Mode(path.into()));
    }
    std::fs::read_to_string(path).map_err(error)
}

/// Writes a new file that only its owner may read, durable before this returns; refuses to overwrite.
pub fn write_private(path: &Path, bytes: &[u8]) -> Result<(), ConfigError> {
    let write = || {
        let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    write().map_err(|source| ConfigError::File { path: path.into(), source })
}
