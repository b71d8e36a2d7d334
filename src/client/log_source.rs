//! Where a log is read from: its server, or a copy in a folder. Neither is trusted; [`super::log_reader`] checks.
//!
//! ```text
//! <base>/checkpoint            newest checkpoint that a quorum cosigned
//! <base>/checkpoints/<size>    first one of each size, kept for ever; <base>/checkpoints.json lists the sizes (in a folder: its files)
//! <base>/tile/…                C2SP tiles and entry bundles
//! <base>/pending               newest checkpoint, for witnesses that poll; a copy has none
//! ```

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use tabir_crypto::statement::value::V1;

use crate::http::{Client, HttpError};

/// Why a log could not be read, or was refused.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The server's answer.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// Something that the log must have is not there.
    #[error("the log has no {0}")]
    Missing(String),
    /// A file of the copy.
    #[error("{path}: {source}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Something that is there and not right: the log, or its copy, was changed or shows another history.
    #[error("{what}: {source}")]
    Refused {
        /// Path within the log.
        what: String,
        /// Which check failed.
        source: tabir_crypto::Error,
    },
}

impl ReadError {
    /// The failed check, if it was one.
    #[must_use]
    pub const fn code(&self) -> Option<tabir_crypto::Code> {
        match self {
            Self::Refused { source, .. } => Some(source.code()),
            _ => None,
        }
    }
}

/// The list of kept checkpoints.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct KeptSizes {
    /// Version 1.
    pub v: V1,
    /// Sizes, rising.
    pub sizes: Vec<u64>,
}

impl KeptSizes {
    /// The list.
    #[must_use]
    pub const fn new(sizes: Vec<u64>) -> Self {
        Self { v: V1, sizes }
    }

    /// Its JSON.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }
}

/// Files of one log by their path.
pub trait LogSource: Sync {
    /// The bytes of a file. Error: `Missing` when there is none.
    fn get(&self, path: &str) -> impl Future<Output = Result<Vec<u8>, ReadError>> + Send;

    /// Sizes of the kept checkpoints, rising.
    fn kept_sizes(&self) -> impl Future<Output = Result<Vec<u64>, ReadError>> + Send;
}

/// A log's server.
#[derive(Clone)]
pub struct HttpLog {
    client: Client,
    base: String,
}

impl HttpLog {
    /// `server` is the log role's address without a path, `name` that of the log.
    #[must_use]
    pub fn new(client: Client, server: &str, name: &str) -> Self {
        Self::at(client, &format!("{}/log/{name}", server.trim_end_matches('/')))
    }

    /// `base` is where the log's files are: below it stand `checkpoint` and `tile/`.
    #[must_use]
    pub fn at(client: Client, base: &str) -> Self {
        Self { client, base: base.trim_end_matches('/').to_owned() }
    }
}

impl LogSource for HttpLog {
    async fn get(&self, path: &str) -> Result<Vec<u8>, ReadError> {
        match self.client.get(&format!("{}/{path}", self.base)).await {
            Ok(answer) => Ok(answer.body),
            Err(e) if e.status() == Some(404) => Err(ReadError::Missing(path.to_owned())),
            Err(e) => Err(e.into()),
        }
    }

    async fn kept_sizes(&self) -> Result<Vec<u64>, ReadError> {
        let kept: KeptSizes = self.client.get_json(&format!("{}/checkpoints.json", self.base)).await?;
        Ok(rising(kept.sizes))
    }
}

/// A copy of a log in a folder.
#[derive(Clone, Debug)]
pub struct LogFolder(pub PathBuf);

impl LogSource for LogFolder {
    async fn get(&self, path: &str) -> Result<Vec<u8>, ReadError> {
        let file = self.0.join(path);
        tokio::fs::read(&file).await.map_err(|source| match source.kind() {
            std::io::ErrorKind::NotFound => ReadError::Missing(path.to_owned()),
            _ => ReadError::File { path: file, source },
        })
    }

    async fn kept_sizes(&self) -> Result<Vec<u64>, ReadError> {
        let folder = self.0.join("checkpoints");
        let error = |source| ReadError::File { path: folder.clone(), source };
        let mut files = match tokio::fs::read_dir(&folder).await {
            Ok(files) => files,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(e) => return Err(error(e)),
        };
        let mut sizes = Vec::new();
        while let Some(file) = files.next_entry().await.map_err(error)? {
            let name = file.file_name();
            // Names that are no size in its one form are not ours.
            sizes.extend(name.to_str().and_then(|n| n.parse::<u64>().ok().filter(|size| size.to_string() == n)));
        }
        Ok(rising(sizes))
    }
}

/// One checkpoint by itself, as somebody sent it: what he was shown, and nothing else of the log.
#[derive(Clone, Debug)]
pub struct OneCheckpoint(pub Vec<u8>);

impl LogSource for OneCheckpoint {
    async fn get(&self, path: &str) -> Result<Vec<u8>, ReadError> {
        if path == "checkpoint" { Ok(self.0.clone()) } else { Err(ReadError::Missing(path.to_owned())) }
    }

    async fn kept_sizes(&self) -> Result<Vec<u64>, ReadError> {
        Ok(Vec::new())
    }
}

fn rising(mut sizes: Vec<u64>) -> Vec<u64> {
    sizes.sort_unstable();
    sizes.dedup();
    sizes
}
