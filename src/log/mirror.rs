//! Where a log can be rebuilt from: a folder (an auditor's copy, an export) or a server (of an export, or another one that
//! copies the log). Nothing of it is trusted.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use tabir_crypto::trust::root::LogName;

use crate::client::log_source::{HttpLog, LogFolder, LogSource, ReadError};
use crate::http::Client;

/// A copy of both logs.
#[derive(Clone, Debug)]
pub enum Mirror {
    /// With `governance/` and `intake/` in it.
    Folder(PathBuf),
    /// Without a path: `/log/governance/…` and `/log/intake/…` stand under it.
    Server(String),
}

impl FromStr for Mirror {
    type Err = std::convert::Infallible;

    /// What begins as an address of the web is a server.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let server = ["http://", "https://"].iter().any(|scheme| text.starts_with(scheme));
        Ok(if server { Self::Server(text.into()) } else { Self::Folder(text.into()) })
    }
}

impl fmt::Display for Mirror {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(folder) => folder.display().fmt(f),
            Self::Server(server) => server.fmt(f),
        }
    }
}

impl Mirror {
    /// One of its logs.
    #[must_use]
    pub fn log(&self, name: LogName, client: &Client) -> MirrorLog {
        match self {
            Self::Folder(folder) => MirrorLog::Folder(LogFolder(folder.join(name.as_str()))),
            Self::Server(server) => MirrorLog::Server(HttpLog::new(client.clone(), server, name.as_str())),
        }
    }
}

/// One log of a mirror.
#[derive(Clone)]
pub enum MirrorLog {
    /// Its folder.
    Folder(LogFolder),
    /// Its server.
    Server(HttpLog),
}

impl LogSource for MirrorLog {
    async fn get(&self, path: &str) -> Result<Vec<u8>, ReadError> {
        match self {
            Self::Folder(log) => log.get(path).await,
            Self::Server(log) => log.get(path).await,
        }
    }

    async fn kept_sizes(&self) -> Result<Vec<u64>, ReadError> {
        match self {
            Self::Folder(log) => log.kept_sizes().await,
            Self::Server(log) => log.kept_sizes().await,
        }
    }
}
