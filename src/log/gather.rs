//! Asks the witnesses that have an address for cosignatures. Source: c2sp.org/tlog-witness.
//!
//! ```text
//! newest checkpoint, proof from the size that the witness has --> add-checkpoint --> its line, checked --> store
//!                              409: another size, once more <----------┘
//! ```
//! Each witness has a loop of its own for each log: one that is slow, or away, delays no other. What is written to the
//! operator's log names witnesses by their keys' names, and no addresses.

use std::time::Duration;

use tabir_crypto::log::cosignature::verify_cosignature;
use tabir_crypto::log::witness::{AddCheckpoint, parse_cosignatures, parse_size};
use tabir_crypto::log::{SignedCheckpoint, VerifierKey, Witnesses};
use tabir_crypto::trust::root::LogName;

use super::error::{LogError, StartError};
use super::service::Service;
use crate::config::{Setup, roles};
use crate::http::server::Background;
use crate::http::{Client, HttpError, Method};

/// Until a witness has answered: it checks one proof and writes once.
const PATIENCE: Duration = Duration::from_secs(10);
/// The longest pause for a witness that does not answer, or refuses.
const MAX_PAUSE: Duration = Duration::from_secs(300);
/// Media type of a 409 that names a size.
const SIZE: &str = "text/x.tlog.size";

/// Why a witness gave no cosignature.
#[derive(Debug, thiserror::Error)]
enum GatherError {
    #[error("no answer in time")]
    Slow,
    #[error(
        "the witness has cosigned a larger tree than this log has: was its store put back from a backup, or recovered from a mirror that was too old?"
    )]
    Ahead,
    #[error("the witness refuses the size that it named")]
    OldSize,
    #[error("no line of this witness in its answer")]
    NoLine,
    #[error(transparent)]
    Http(#[from] HttpError),
    #[error(transparent)]
    Log(#[from] LogError),
}

impl From<tabir_crypto::Error> for GatherError {
    fn from(error: tabir_crypto::Error) -> Self {
        Self::Log(error.into())
    }
}

impl GatherError {
    /// For the operator: what happened, and nothing of where.
    fn code(&self) -> &str {
        match self {
            Self::Slow => "slow",
            Self::Ahead => "ahead",
            Self::OldSize => "old-size",
            Self::NoLine => "no-line",
            Self::Http(HttpError::Unreachable(_)) => "unreachable",
            Self::Http(error) => error.code().unwrap_or("peer"),
            Self::Log(error) => error.code(),
        }
    }
}

/// The loops for all configured witnesses. Error: one that is no witness of the trust root.
pub fn loops(
    config: &roles::Log,
    witnesses: &Witnesses,
    service: &Service,
    setup: &Setup,
) -> Result<Vec<Background>, StartError> {
    let interval = Duration::from_millis(config.checkpoint_ms.max(1));
    let mut loops = Vec::<Background>::new();
    for witness in &config.witnesses {
        let key = VerifierKey::parse(&witness.vkey)?;
        if !witnesses.keys().contains(&key) {
            return Err(StartError::NotAWitness(witness.vkey.clone()));
        }
        let url = format!("{}/add-checkpoint", witness.url.trim_end_matches('/'));
        for log in LogName::ALL {
            let (key, url) = (key.clone(), url.clone());
            let asked =
                Asked { service: service.clone(), client: setup.client.clone(), log, key, url, old: 0, last: None };
            loops.push(Box::pin(asked.run(interval, setup.clone())));
        }
    }
    Ok(loops)
}

/// One witness, for one log.
struct Asked {
    service: Service,
    client: Client,
    log: LogName,
    key: VerifierKey,
    url: String,
    /// The size that it has, as far as is known.
    old: u64,
    /// Size and time of its last cosignature to this process.
    last: Option<(u64, u64)>,
}

impl Asked {
    async fn run(mut self, interval: Duration, mut setup: Setup) {
        let (witness, log) = (self.key.name().to_owned(), self.log.as_str());
        let (mut pause, mut well) = (interval, None);
        while setup.pause(pause).await {
            match self.round().await {
                Ok(()) if well == Some(true) => {}
                Ok(()) => {
                    tracing::info!(witness, log, "cosigns");
                    (pause, well) = (interval, Some(true));
                }
                Err(error) => {
                    tracing::warn!(witness, log, code = error.code(), "does not cosign");
                    (pause, well) = ((pause * 2).min(MAX_PAUSE.max(interval)), Some(false));
                }
            }
        }
    }

    /// Asks for the newest checkpoint, with or without news: its times show a reader that the log is alive, and a pause
    /// would show whoever watches the line that nobody reported.
    async fn round(&mut self) -> Result<(), GatherError> {
        let checkpoint = self.service.signed(self.log).await?;
        let (size, now) = (checkpoint.head().size, self.service.clock.now());
        if self.last == Some((size, now)) {
            return Ok(()); // a cosignature tells seconds: it would be the same line
        }
        let named = match self.ask(&checkpoint).await? {
            Answer::Cosigned => None,
            Answer::Has(named) if named == self.old => return Err(GatherError::OldSize),
            Answer::Has(named) if named > size => return Err(GatherError::Ahead),
            Answer::Has(named) => Some(named),
        };
        if let Some(named) = named {
            self.old = named;
            match self.ask(&checkpoint).await? {
                Answer::Cosigned => {}
                Answer::Has(_) => return Err(GatherError::OldSize),
            }
        }
        (self.old, self.last) = (size, Some((size, now)));
        Ok(())
    }

    async fn ask(&self, checkpoint: &SignedCheckpoint) -> Result<Answer, GatherError> {
        let proof = self.service.proof(self.log, self.old, checkpoint.head().size).await?;
        let body = AddCheckpoint { old_size: self.old, proof, checkpoint: checkpoint.to_bytes() }.to_bytes();
        let sent = self.client.send(Method::POST, &self.url, &[], body);
        match tokio::time::timeout(PATIENCE, sent).await.map_err(|_| GatherError::Slow)? {
            Ok(answer) => {
                let lines = parse_cosignatures(&answer.body)?;
                let line = lines.iter().find(|line| line.is_by(&self.key)).ok_or(GatherError::NoLine)?;
                verify_cosignature(checkpoint, line, &self.key)?;
                match self.service.cosign_one(self.log, line, &self.key).await {
                    // The others were a quorum meanwhile, and the log grew: the next round asks for that.
                    Ok(()) | Err(LogError::NotCurrent) => Ok(Answer::Cosigned),
                    Err(error) => Err(error.into()),
                }
            }
            Err(HttpError::Refused { status: 409, kind, body }) if kind == SIZE => Ok(Answer::Has(parse_size(&body)?)),
            Err(error) => Err(error.into()),
        }
    }
}

enum Answer {
    Cosigned,
    /// The size of the last checkpoint that it cosigned.
    Has(u64),
}
