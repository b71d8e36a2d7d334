//! The trust root on disk: `trust.json` is the newest version, and `trust.1.json`, `trust.2.json` … beside it are those
//! before, each as it was signed. Who reads a log from entry 0 needs them all.

use std::path::{Path, PathBuf};

use tabir_crypto::Error;
use tabir_crypto::statement::{Body, Statement};
use tabir_crypto::trust::Trust;

use super::ConfigError;

/// Reads a trust root with the versions before it that lie beside it. Errors: those of [`Trust::chain`], by the file that
/// does not fit.
pub fn load(path: &Path) -> Result<Trust, ConfigError> {
    let newest = read(path)?;
    let mut statements = vec![newest];
    let mut paths = vec![path.to_owned()];
    let mut number = version_of(statements.first()).map_err(named(path))?;
    while number > 1 {
        number -= 1;
        let earlier = beside(path, number);
        if !earlier.exists() {
            break;
        }
        statements.insert(0, read(&earlier)?);
        paths.insert(0, earlier);
    }
    let mut trust: Option<Trust> = None;
    for (statement, path) in statements.iter().zip(&paths) {
        let next = match &trust {
            None => Trust::pinned(statement),
            Some(before) => before.update(statement),
        };
        trust = Some(next.map_err(named(path))?);
    }
    trust.ok_or_else(|| named(path)(tabir_crypto::Code::Trust.into()))
}

/// Where a version lies that is not the newest any more.
#[must_use]
pub fn beside(path: &Path, version: u64) -> PathBuf {
    path.with_extension(format!("{version}.json"))
}

/// Writes the newest version, and those before it beside it. The newest comes last, by a rename, so that an interruption
/// leaves the old or the new one. A version that lies there already must be the same. Error: `changed`.
pub fn store(path: &Path, trust: &Trust) -> Result<(), ConfigError> {
    let file = |path: &Path| {
        let path = path.to_owned();
        move |source| ConfigError::File { path, source }
    };
    for version in trust.versions().skip(1) {
        let (earlier, bytes) = (beside(path, version.root().version), version.statement().to_bytes());
        match std::fs::read(&earlier) {
            Ok(there) if there == bytes => {}
            Ok(_) => return Err(ConfigError::Changed(earlier)),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => put(&earlier, &bytes).map_err(file(&earlier))?,
            Err(e) => return Err(file(&earlier)(e)),
        }
    }
    put(path, &trust.statement().to_bytes()).map_err(file(path))
}

/// Whole or not at all: under another name first.
fn put(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let part = path.with_extension("part");
    std::fs::write(&part, bytes)?;
    std::fs::File::open(&part)?.sync_all()?;
    std::fs::rename(&part, path)
}

fn read(path: &Path) -> Result<Statement, ConfigError> {
    let bytes = std::fs::read(path).map_err(|source| ConfigError::File { path: path.into(), source })?;
    Statement::parse(&bytes).map_err(named(path))
}

fn version_of(statement: Option<&Statement>) -> Result<u64, Error> {
    match statement.map(Statement::body).transpose()? {
        Some(Body::TrustRoot(root)) => Ok(root.version),
        _ => Err(tabir_crypto::Code::Verb.into()),
    }
}

fn named(path: &Path) -> impl Fn(Error) -> ConfigError {
    move |source| ConfigError::Key { path: path.into(), source }
}
