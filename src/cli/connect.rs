//! What every command needs that talks to an installation: its address, and the trust root that it is judged by.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tabir_crypto::ed25519::SigningKey;
use tabir_crypto::trust::{State, Trust};

use super::CliError;
use crate::client::log_reader::Growth;
use crate::client::official::Board;
use crate::client::{ClientError, Session};
use crate::clock::Clock;
use crate::config::trust_file;
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
        Ok(self.session_with_log().await?.0)
    }

    /// As [`Connect::session`], with the log itself: for who proves from it.
    pub async fn session_with_log(&self) -> Result<(Session, Growth), CliError> {
        let clock = Clock::system();
        let trust = Arc::new(load_trust(&self.trust)?);
        if trust.root().demo {
            eprintln!("This is a demo: nothing that you send here is protected.");
        }
        Ok(Session::open_with_log(Client::new(clock.clone()), clock, trust, &self.server).await?)
    }
}

/// `--board`, `--server` and `--trust` of who takes part in a ceremony.
#[derive(clap::Args, Clone, Debug)]
pub struct BoardArgs {
    /// The board's address; not needed with --server
    #[arg(long, value_name = "URL", required_unless_present = "server")]
    pub board: Option<String>,
    /// The gateway's address, which tells where log and board are; needed for a council that another one goes before
    #[arg(long, env = "TABIR_SERVER", value_name = "URL")]
    pub server: Option<String>,
    /// The trust root, which you got by another way than from this server
    #[arg(long, env = "TABIR_TRUST", value_name = "FILE")]
    pub trust: PathBuf,
}

/// A board, and the governance log if its address is known.
pub struct Meeting {
    /// The board.
    pub board: Board,
    /// The trust root.
    pub trust: Arc<Trust>,
    /// The device's clock.
    pub clock: Clock,
    /// With the log, read from entry 0.
    pub session: Option<Session>,
}

impl Meeting {
    /// What the log says, if it was read.
    #[must_use]
    pub fn log(&self) -> Option<&State> {
        self.session.as_ref().map(|s| &s.view.state)
    }
}

impl BoardArgs {
    /// Reads trust root and log; calls to the board are signed with `key`.
    pub async fn open(&self, key: SigningKey) -> Result<Meeting, CliError> {
        let clock = Clock::system();
        let trust = Arc::new(load_trust(&self.trust)?);
        let http = Client::new(clock.clone());
        let session = match &self.server {
            Some(server) => Some(Session::open(http.clone(), clock.clone(), Arc::clone(&trust), server).await?),
            None => None,
        };
        let known = self.board.as_deref().or(session.as_ref().map(|s| s.services.council.as_str()));
        let url = known.ok_or_else(|| CliError::Usage("give --server or --board".into()))?;
        Ok(Meeting { board: Board::new(http, url, key), trust, clock, session })
    }
}

/// Reads and checks `trust.json`, with the versions before it that lie beside it.
pub fn load_trust(path: &Path) -> Result<Trust, CliError> {
    Ok(trust_file::load(path)?)
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
