//! `[roles.forwarder.webhook]`: the downstream takes signed webhooks.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// With this section `downstream` is the address to which messages are posted, and `api_key_file` and `jurisdiction` have no
/// meaning.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    /// One secret a file, or two during a rotation, the newest first: `whsec_` and base64 of 24 to 64 bytes, mode 0600.
    pub secret_files: Vec<PathBuf>,
    /// Whether messages are signed with a key of our own as well (`v1a`).
    #[serde(default)]
    pub ed25519: bool,
    /// Where the receiver calls back. Without it there is no listener.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listen: Option<SocketAddr>,
    /// Where the receiver is asked for news, for a forwarder that is to have no inbound port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updates_url: Option<String>,
}

impl Webhook {
    pub(super) fn rebase(&mut self, base: &Path) {
        for file in &mut self.secret_files {
            *file = base.join(&*file);
        }
    }
}
