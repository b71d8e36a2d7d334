//! What every command needs that talks to an installation: its address, and the trust root that it is judged by.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tabir_crypto::Code;
use tabir_crypto::ed25519::SigningKey;
use tabir_crypto::trust::{State, Trust};

use super::CliError;
use super::official::KeyArgs;
use crate::client::last_heads::LastHeads;
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
    /// Folder that remembers the last head of the log, so that one that shrank or forked since is refused; whoever finds it
    /// sees when this device was last used for this. Without it nothing is kept, but beside an official's key
    #[arg(long, env = "TABIR_STATE", value_name = "FOLDER")]
    pub state: Option<PathBuf>,
}

impl Connect {
    /// Reads the trust root and the governance log.
    pub async fn session(&self) -> Result<Session, CliError> {
        Ok(self.session_with_log().await?.0)
    }

    /// As [`Connect::session`] for an official, whose tools remember the last head beside the key.
    pub async fn session_of(&self, key: &KeyArgs) -> Result<Session, CliError> {
        let state = self.state.clone().unwrap_or_else(|| heads_beside(&key.key));
        Self { state: Some(state), ..self.clone() }.session().await
    }

    /// As [`Connect::session`], with the log itself: for who proves from it.
    pub async fn session_with_log(&self) -> Result<(Session, Growth), CliError> {
        let clock = Clock::system();
        let trust = Arc::new(load_trust(&self.trust)?);
        if trust.root().demo {
            eprintln!("This is a demo: nothing that you send here is protected.");
        }
        let heads = self.state.clone().map(LastHeads::new);
        let session = Session::open_with_log(Client::new(clock.clone()), clock, trust, &self.server, heads).await;
        session.map_err(|error| kept_both(error, self.state.as_deref()))
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

    /// Before something is signed by what the log says. Error: `stale`.
    pub fn check_fresh(&self) -> Result<(), CliError> {
        Ok(self.session.as_ref().map_or(Ok(()), Session::check_fresh)?)
    }
}

impl BoardArgs {
    /// Reads trust root and log, and remembers the last head in `state`; calls to the board are signed with `key`.
    pub async fn open(&self, key: SigningKey, state: PathBuf) -> Result<Meeting, CliError> {
        let clock = Clock::system();
        let trust = Arc::new(load_trust(&self.trust)?);
        let http = Client::new(clock.clone());
        let session = match &self.server {
            Some(server) => {
                let heads = Some(LastHeads::new(state.clone()));
                let open = Session::open_with_log(http.clone(), clock.clone(), Arc::clone(&trust), server, heads).await;
                Some(open.map_err(|error| kept_both(error, Some(&state)))?.0)
            }
            None => None,
        };
        let known = self.board.as_deref().or(session.as_ref().map(|s| s.services.council.as_str()));
        let url = known.ok_or_else(|| CliError::Usage("give --server or --board".into()))?;
        Ok(Meeting { board: Board::new(http, url, key), trust, clock, session })
    }
}

/// Where the last heads of the logs are remembered by who holds a key: in the folder `key`, or beside the file `key`.
#[must_use]
pub fn heads_beside(key: &Path) -> PathBuf {
    if key.is_dir() { key.join("heads") } else { key.with_added_extension("heads") }
}

/// Reads and checks `trust.json`, with the versions before it that lie beside it.
pub fn load_trust(path: &Path) -> Result<Trust, CliError> {
    Ok(trust_file::load(path)?)
}

/// Says where both checkpoints are, of a log that shrank or forked since the last time.
pub fn kept_both(error: ClientError, state: Option<&Path>) -> CliError {
    let fork = matches!(&error, ClientError::Log(e) if matches!(e.code(), Some(Code::Shrunk | Code::Consistency)));
    match state.filter(|_| fork) {
        Some(state) => CliError::Failed(format!(
            "{error}. The log shows another history than the last time: nothing was done. Both checkpoints are below {}: \
             show them to an auditor",
            state.display()
        )),
        None => error.into(),
    }
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
