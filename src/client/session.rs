//! What a reporter's client knows of an installation: the trust root, the services' addresses, the governance log.

use std::sync::Arc;

use tabir_crypto::statement::body::KeyKind;
use tabir_crypto::trust::Trust;

use super::ClientError;
use super::log_reader::Growth;
use crate::api::gateway::Services;
use crate::clock::Clock;
use crate::http::Client;
use tabir_crypto::trust::root::LogName;

use crate::ledger::{self, View};

/// A head this old still takes a report without an identity, with a warning: an outage of the outside body must not
/// silence people.
const STALE_MAX_S: u64 = 14 * 86_400;

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
}

impl Session {
    /// Reads services and the whole governance log. Errors: HTTP, those of the log reader, `stale`.
    pub async fn open(http: Client, clock: Clock, trust: Arc<Trust>, server: &str) -> Result<Self, ClientError> {
        Ok(Self::open_with_log(http, clock, trust, server).await?.0)
    }

    /// As [`Session::open`], with the log itself: for who proves from it.
    pub async fn open_with_log(
        http: Client,
        clock: Clock,
        trust: Arc<Trust>,
        server: &str,
    ) -> Result<(Self, Growth), ClientError> {
        let server = server.trim_end_matches('/').to_owned();
        let services: Services = http.get_json(&format!("{server}/v1/services")).await?;
        let reader = ledger::reader(&trust, LogName::Governance, http.clone(), &services.log)?;
        let mut view = View::default();
        let log = view.advance(&trust, &reader).await?;
        let session = Self { http, clock, trust, server, services, view };
        if session.age() > STALE_MAX_S {
            return Err(ClientError::Crypto(tabir_crypto::Code::Stale.into()));
        }
        Ok((session, log))
    }

    /// Reads what the log holds now.
    pub async fn refresh(&mut self) -> Result<(), ClientError> {
        let reader = ledger::reader(&self.trust, LogName::Governance, self.http.clone(), &self.services.log)?;
        self.view.advance(&self.trust, &reader).await?;
        Ok(())
    }

    /// Age of the newest witnessed head, in seconds.
    #[must_use]
    pub fn age(&self) -> u64 {
        self.clock.now().saturating_sub(self.view.witnessed)
    }

    /// Whether the head is fresh enough for an identity to be sealed.
    #[must_use]
    pub fn is_fresh(&self) -> bool {
        self.age() <= self.trust.root().freshness_s
    }

    /// The key of a kind that counts now, by this device's clock and the log's witnessed times.
    pub fn key(&self, kind: KeyKind) -> Result<Vec<u8>, ClientError> {
        Ok(self.view.state.active_key(&self.trust, kind, self.now())?.body.key.0.clone())
    }

    /// The time by which keys are judged: never before the log's newest head.
    #[must_use]
    pub fn now(&self) -> u64 {
        self.clock.now().max(self.view.witnessed)
    }
}
