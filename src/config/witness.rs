//! `witness.toml`: the file of `tabir witness`. It names no trust root: a witness serves any log, ours or not.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{ConfigError, read_toml};

/// File name of the key that cosigns.
pub const KEY: &str = "witness.key";

/// The file.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Witness {
    /// The key's name, which stands in each cosignature: by custom a host name, and a path where one host has several.
    pub name: String,
    /// Folder of `witness.key` and `store.sqlite`.
    #[serde(default = "here")]
    pub dir: PathBuf,
    /// Where logs send checkpoints; put a TLS proxy in front. Without it there is no port, and the witness only polls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listen: Option<SocketAddr>,
    /// How often a log that is polled is asked for news.
    #[serde(default = "poll_ms")]
    pub poll_ms: u64,
    /// The logs that are cosigned; no others are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")] // else there could be no [[logs]] behind it
    pub logs: Vec<Log>,
}

fn here() -> PathBuf {
    ".".into()
}

const fn poll_ms() -> u64 {
    10_000
}

/// `[[logs]]`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    /// The first line of its checkpoints.
    pub origin: String,
    /// C2SP verifier keys (type 0x01), one of which must have signed a checkpoint.
    pub vkeys: Vec<String>,
    /// Where its files are: `<url>/checkpoint`, `<url>/tile/…`. At each start the witness looks there for what it has
    /// cosigned itself, and cosigns nothing of this log before it has looked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Copies that others keep, such as an auditor's, with the same paths: looked through in the same way.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub copies: Vec<String>,
    /// Where it takes cosignatures of a witness that polls. The log is polled exactly if this is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub post: Option<String>,
}

impl Witness {
    /// Reads a file; a relative `dir` is relative to the file's folder.
    pub fn load(file: &Path) -> Result<Self, ConfigError> {
        let mut config: Self = read_toml(file)?;
        config.dir = file.parent().unwrap_or_else(|| Path::new(".")).join(&config.dir);
        Ok(config)
    }
}
