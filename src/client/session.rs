//! What a reporter's client knows of an installation: the trust root, the services' addresses, the governance log.

use std::sync::Arc;

use tabir_crypto::log::CosignedCheckpoint;
use tabir_crypto::statement::body::KeyKind;
use tabir_crypto::trust::Trust;
use tabir_crypto::trust::fresh::{self, Purpose};
use tabir_crypto::trust::state::LoggedCouncil;

use super::ClientError;
use super::last_heads::LastHeads;
use super::log_reader::{Growth, LogReader};
use super::log_source::LogSource;
use crate::api::gateway::Services;
use crate::clock::Clock;
use crate::http::Client;
use tabir_crypto::trust::root::LogName;

use crate::ledger::{self, View};

/// One client's view of one installation.
pub struct Session {
    /// HTTP.
    pub http: Client,
    /// Clock of the device.
    pub clock: Clock,
    /// The trust root, which nothing fetched can change.
    pub trust: Arc<Trust>,
    /// The gateway's address.
    pub server: String,
    /// What the gateway says of the others.
    pub services: Services,
    /// The governance log, read from entry 0.
    pub view: View,
    /// What this device saw before, where its owner keeps it.
    pub heads: Option<LastHeads>,
}

impl Session {
    /// Reads services and the whole governance log, and remembers nothing. Errors: those of [`Session::open_with_log`].
    pub async fn open(http: Client, clock: Clock, trust: Arc<Trust>, server: &str) -> Result<Self, ClientError> {
        Ok(Self::open_with_log(http, clock, trust, server, None).await?.0)
    }

    /// As [`Session::open`], with the log itself, for who proves from it; what this device saw before must go on in it.
    /// Errors: HTTP, those of the log reader and of [`LastHeads::follow`], `stale` for a head by which nothing is done.
    pub async fn open_with_log(
        http: Client,
        clock: Clock,
        trust: Arc<Trust>,
        server: &str,
        heads: Option<LastHeads>,
    ) -> Result<(Self, Growth), ClientError> {
        let server = server.trim_end_matches('/').to_owned();
        let services: Services = http.get_json(&format!("{server}/v1/services")).await?;
        let mut session = Self { http, clock, trust, server, services, view: View::default(), heads };
        let log = session.advance().await?;
        fresh::check(&session.trust, Purpose::Report, session.view.witnessed, session.clock.now())?;
        Ok((session, log))
    }

    /// Reads what the log holds now. Errors: as [`Session::open_with_log`].
    pub async fn refresh(&mut self) -> Result<(), ClientError> {
        self.advance().await.map(drop)
    }

    async fn advance(&mut self) -> Result<Growth, ClientError> {
        let reader = ledger::reader(&self.trust, LogName::Governance, self.http.clone(), &self.services.log)?;
        let growth = self.view.advance(&self.trust, &reader).await?;
        self.goes_on(&reader, LogName::Governance, &growth.checkpoint).await?;
        Ok(growth)
    }

    /// Where this device remembers: whether a checkpoint that was read goes on from the one that was seen last. Errors: those
    /// of [`LastHeads::follow`].
    pub async fn goes_on<S: LogSource>(
        &self,
        reader: &LogReader<S>,
        log: LogName,
        newest: &CosignedCheckpoint,
    ) -> Result<(), ClientError> {
        match &self.heads {
            Some(heads) => Ok(heads.follow(reader, log, newest).await?),
            None => Ok(()),
        }
    }

    /// Age of the newest witnessed head by this device's clock, in seconds.
    #[must_use]
    pub fn age(&self) -> u64 {
        fresh::age(self.view.witnessed, self.clock.now())
    }

    /// Whether the head is fresh enough for an identity to be sealed, or for a signature of an official or an auditor.
    /// Error: `stale`.
    pub fn check_fresh(&self) -> Result<(), ClientError> {
        Ok(fresh::check(&self.trust, Purpose::Binding, self.view.witnessed, self.clock.now())?)
    }

    /// The key of a kind that counts now: its delay is over by the log's newest witnessed time, its own dates hold by this
    /// device's clock. Errors: those of [`State::active_key_by`](tabir_crypto::trust::State::active_key_by).
    pub fn key(&self, kind: KeyKind) -> Result<Vec<u8>, ClientError> {
        let (state, witnessed) = (&self.view.state, self.view.witnessed);
        Ok(state.active_key_by(&self.trust, kind, witnessed, self.now())?.body.key.0.clone())
    }

    /// The council that reports are sealed to: its delay is over by the log's newest witnessed time. Error: `not-active`.
    pub fn council(&self) -> Result<&LoggedCouncil, ClientError> {
        Ok(self.view.state.active_council(&self.trust, self.view.witnessed)?)
    }

    /// The time by which keys' own dates are judged, and where requests stand: never before the log's newest head.
    #[must_use]
    pub fn now(&self) -> u64 {
        self.clock.now().max(self.view.witnessed)
    }
}
