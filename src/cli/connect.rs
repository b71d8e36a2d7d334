//! What every command needs that talks to an installation: its address, and the trust root that it is judged by.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tabir_crypto::statement::Statement;
use tabir_crypto::trust::Trust;

use super::{CliError, read};
use crate::client::{ClientError, Session};
use crate::clock::Clock;
use crate::http::Client;

/// `--server` and `--trust`.
#[derive(clap::Args, Clone, Debug)]
pub struct Connect {
    /// The gateway's address, such as https://lapor.kota.example
    #[arg(long, env = "TABIR_SERVER", value_name = "URL")]
    pub server: String,
    /// The trust root, which you got by another way than from this server
    #[arg(long, env = "TABIR_TRUST", value_name = "FILE")]
    pub trust: PathBuf,
}

impl Connect {
    /// Reads the trust root and the governance log.
    pub async fn session(&self) -> Result<Session, CliError> {
        let clock = Clock::system();
        let trust = Arc::new(load_trust(&self.trust)?);
        if trust.root().demo {
            eprintln!("This is a demo: nothing that you send here is protected.");
        }
        Ok(Session::open(Client::new(clock.clone()), clock, trust, &self.server).await?)
    }
}

/// Reads and checks `trust.json`.
pub fn load_trust(path: &Path) -> Result<Trust, CliError> {
    let pinned = Statement::parse(&read(path)?).and_then(|s| Trust::pinned(&s));
    pinned.map_err(|e| CliError::Failed(format!("{}: {e}", path.display())))
}

impl From<ClientError> for CliError {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::Http(e) => Self::Http(e),
            ClientError::Crypto(e) => Self::Crypto(e),
            ClientError::Log(e) => Self::Failed(e.to_string()),
        }
    }
}
