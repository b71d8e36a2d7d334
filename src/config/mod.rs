//! Configuration: one TOML file a process, unknown keys refused, secrets in files of their own.
//!
//! A process runs the roles whose sections stand in its file. Paths are relative to the file's folder. Each role
//! has a folder with its store and its keys: `store.sqlite`, `identity.key` (mode 0600).

pub mod account;
pub mod check;
pub mod facade;
pub mod form;
pub mod keys;
pub mod links;
pub mod mapping;
pub mod notify;
pub mod profile;
pub mod roles;
pub mod trust_file;
pub mod webhook;
pub mod witness;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tabir_crypto::ed25519::SigningKey;
use tabir_crypto::statement::body::Role;
use tabir_crypto::trust::Trust;
use tokio::sync::watch;

use crate::clock::Clock;
use crate::http::Client;
use crate::ledger::Ledger;
use roles::Roles;

/// Where this process listens. A listener without routes is not opened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Listen {
    /// For everybody; put a TLS proxy in front.
    pub public: SocketAddr,
    /// For signed calls of other roles.
    pub internal: SocketAddr,
    /// Health, readiness and metrics, for the operator alone.
    pub admin: SocketAddr,
}

const fn loopback(port: u16) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port)
}

impl Default for Listen {
    fn default() -> Self {
        Self { public: loopback(8080), internal: loopback(8082), admin: loopback(8081) }
    }
}

/// Where other roles are reached: `http://host:port` without a path. Addresses are no trust.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Peers {
    /// Issuer, public.
    pub issuer: String,
    /// Gateway, public.
    pub gateway: String,
    /// Log, public.
    pub log: String,
    /// Council board, public (officials call it).
    pub council: String,
    /// Gateway, internal listener.
    pub gateway_internal: String,
    /// Log, internal listener.
    pub log_internal: String,
    /// Council board, internal listener.
    pub council_internal: String,
}

/// The file.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The trust root, a `trust.root` statement.
    pub trust: PathBuf,
    /// Addresses of this process.
    #[serde(default)]
    pub listen: Listen,
    /// Addresses of the other roles.
    #[serde(default)]
    pub peers: Peers,
    /// The roles that run here.
    #[serde(default)]
    pub roles: Roles,
}

/// Why a configuration can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A file that can't be read or written.
    #[error("{path}: {source}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Not the TOML that is expected.
    #[error("{path}: {source}")]
    Toml {
        /// Which.
        path: PathBuf,
        /// Where and why.
        source: Box<toml::de::Error>,
    },
    /// A key file or trust root of the wrong form.
    #[error("{path}: {source}")]
    Key {
        /// Which.
        path: PathBuf,
        /// Why.
        source: tabir_crypto::Error,
    },
    /// A secret that others on the machine can read.
    #[error(
        "{0}: others on this machine can read this secret (mode). Run `chmod 600` on it; if somebody may have read it, \
         treat it as stolen"
    )]
    Mode(PathBuf),
    /// A folder with secrets that others on the machine can enter.
    #[error("{0}: others on this machine can enter this folder (mode). Run `chmod 700` on it")]
    FolderMode(PathBuf),
    /// A folder with secrets that belongs to somebody else.
    #[error("{0}: this folder belongs to another user of this machine (owner), who can change what stands in it")]
    Owner(PathBuf),
    /// Another command wrote the file since this one read it.
    #[error("{0}: another command changed this file meanwhile (changed); nothing was written. Run this one again")]
    Changed(PathBuf),
}

impl ConfigError {
    /// The code of what was refused; none for a file that can't be read or written.
    #[must_use]
    pub const fn code(&self) -> Option<&'static str> {
        match self {
            Self::File { .. } => None,
            Self::Toml { .. } => Some("toml"),
            Self::Key { source, .. } => Some(source.code().as_str()),
            Self::Mode(_) | Self::FolderMode(_) => Some("mode"),
            Self::Owner(_) => Some("owner"),
            Self::Changed(_) => Some("changed"),
        }
    }
}

impl Config {
    /// Reads a file; relative paths in it are made relative to its folder.
    pub fn load(file: &Path) -> Result<Self, ConfigError> {
        let config: Self = read_toml(file)?;
        Ok(config.rebased(file.parent().unwrap_or_else(|| Path::new("."))))
    }

    /// Makes relative paths relative to a folder.
    fn rebased(mut self, base: &Path) -> Self {
        self.trust = base.join(&self.trust);
        self.roles.rebase(base);
        self
    }

    /// What of another configuration a running process can't take over: it has to be started again.
    #[must_use]
    pub fn fixed_part(&self, other: &Self) -> Option<&'static str> {
        if self.listen != other.listen {
            Some("[listen]")
        } else if self.trust != other.trust {
            Some("trust")
        } else if !self.roles.folders().eq(other.roles.folders()) {
            Some("which roles run, or the folder of one")
        } else {
            None
        }
    }
}

/// Reads a TOML file of a schema.
fn read_toml<T: serde::de::DeserializeOwned>(file: &Path) -> Result<T, ConfigError> {
    let text = std::fs::read_to_string(file).map_err(|source| ConfigError::File { path: file.into(), source })?;
    toml::from_str(&text).map_err(|e| ConfigError::Toml { path: file.into(), source: Box::new(e) })
}

/// What a role's `start` gets from the process that runs it.
#[derive(Clone)]
pub struct Setup {
    /// The trust root.
    pub trust: Arc<Trust>,
    /// The process' clock.
    pub clock: Clock,
    /// The process' HTTP client.
    pub client: Client,
    /// Addresses of the other roles.
    pub peers: Peers,
    /// The governance log as this process follows it.
    pub ledger: Ledger,
    /// Becomes true when the process ends.
    pub stop: watch::Receiver<bool>,
}

impl Setup {
    /// Sleeps for `seconds`, or until the process ends. False at the end.
    pub async fn pause(&mut self, duration: std::time::Duration) -> bool {
        tokio::select! {
            () = tokio::time::sleep(duration) => true,
            _ = self.stop.wait_for(|stop| *stop) => false,
        }
    }

    /// A role's identity key, which must be the one that the trust root pins. Error: `key`.
    pub fn identity(&self, role: Role, dir: &Path) -> Result<SigningKey, ConfigError> {
        let path = dir.join(keys::IDENTITY);
        let key = keys::read_signing_key(&path)?;
        if *self.trust.identity(role) == key.verifying_key() {
            Ok(key)
        } else {
            Err(ConfigError::Key { path, source: tabir_crypto::Code::Trust.into() })
        }
    }
}

/// Whether what is fetched from this address can't be changed on the way: TLS, or a host that is this machine.
fn loopback_or_tls(url: &str) -> bool {
    url.strip_prefix("https://").is_some_and(|host| !host.is_empty())
        || url.strip_prefix("http://").and_then(|rest| rest.split('/').next()).is_some_and(|host| {
            let name =
                host.rsplit_once(':').filter(|(_, port)| port.parse::<u16>().is_ok()).map_or(host, |(name, _)| name);
            matches!(name, "127.0.0.1" | "localhost" | "[::1]")
        })
}
