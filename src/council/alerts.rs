//! Tells people that something waits for them: each once for each thing, with pauses that grow while they can't be told.
//!
//! ```text
//! log, proposals --> what waits for whom --> not told yet --> one sentence, the same always --> told (stored)
//! ```
//! A loop of its own for each recipient: a mail server that hangs keeps nobody else waiting, and no step of an opening.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tabir_crypto::B32;
use tabir_crypto::codec::sha256;
use tabir_crypto::statement::{Statement, Verb};
use tabir_crypto::trust::Signer;
use tabir_crypto::trust::unseal::Status;

use super::error::{BoardError, StartError};
use super::service::Service;
use crate::config::notify::Notify;
use crate::config::{Setup, roles};
use crate::db::stored;
use crate::http::server::Background;
use crate::notify::{Queue, Recipient, tell};

/// What is sent, always.
const TEXT: &str = "Ada yang menunggu Anda di Tabir. Periksa dengan perangkat Anda sendiri.\n\
                    Something waits for you in Tabir. Look with your own device.\n";

/// Who may do something about what waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// Who vote, help and open.
    Officials,
    /// The outside body's person.
    Warden,
    /// Who sign beside others.
    Auditors,
}

impl Audience {
    /// As it stands in the store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Officials => "officials",
            Self::Warden => "warden",
            Self::Auditors => "auditors",
        }
    }

    fn recipients(self, notify: &Notify) -> &[String] {
        match self {
            Self::Officials => &notify.officials,
            Self::Warden => &notify.warden,
            Self::Auditors => &notify.auditors,
        }
    }
}

/// One loop a recipient. Errors: an entry that is no address.
pub fn start(config: &roles::Council, setup: &Setup, service: &Arc<Service>) -> Result<Vec<Background>, StartError> {
    let Some(notify) = &config.notify else { return Ok(Vec::new()) };
    let mut loops: Vec<Background> = Vec::new();
    for audience in [Audience::Officials, Audience::Warden, Audience::Auditors] {
        for (place, entry) in audience.recipients(notify).iter().enumerate() {
            let recipient = Recipient::new(entry, notify.smtp.as_ref(), &setup.client, &setup.clock)?;
            let pauses = [Duration::from_millis(config.poll_ms), Duration::from_secs(notify.retry_s)];
            let queue = Untold { service: Arc::clone(service), audience, place };
            loops.push(Box::pin(tell(queue, setup.clone(), recipient, pauses)));
        }
    }
    Ok(loops)
}

/// What waits for one recipient of an audience.
struct Untold {
    service: Arc<Service>,
    audience: Audience,
    place: usize,
}

impl Queue for Untold {
    type Item = BTreeSet<B32>;
    type Error = BoardError;

    /// All that waits is one sentence.
    async fn next(&self) -> Result<Option<(String, BTreeSet<B32>)>, BoardError> {
        let waiting = self.service.untold(self.audience, stored(self.place as u64)).await?;
        Ok((!waiting.is_empty()).then(|| (TEXT.to_owned(), waiting)))
    }

    async fn told(&self, items: BTreeSet<B32>) -> Result<(), BoardError> {
        self.service.told(self.audience, stored(self.place as u64), items).await
    }

    fn who(&self) -> (&'static str, usize) {
        (self.audience.as_str(), self.place)
    }
}

/// A thing that is told once.
fn item(id: &B32, step: &str) -> B32 {
    sha256(&[id.as_slice(), step.as_bytes()].concat())
}

impl Service {
    /// What waits for these people and this recipient has not been told of. What waits no more is forgotten.
    async fn untold(&self, audience: Audience, place: i64) -> Result<BTreeSet<B32>, BoardError> {
        let waiting = match audience {
            Audience::Officials => self.waits_for_officials(),
            Audience::Warden | Audience::Auditors => self.waits_for_signers(audience).await?,
        };
        let told = self.store.told(audience.as_str(), place).await?;
        let over: Vec<B32> = told.difference(&waiting).copied().collect();
        if !over.is_empty() {
            self.store.forget_told(audience.as_str(), place, over).await?;
        }
        Ok(waiting.difference(&told).copied().collect())
    }

    async fn told(&self, audience: Audience, place: i64, items: BTreeSet<B32>) -> Result<(), BoardError> {
        Ok(self.store.add_told(audience.as_str(), place, items).await?)
    }

    /// A vote on a request, help after its release, the opening when enough have helped.
    fn waits_for_officials(&self) -> BTreeSet<B32> {
        let view = self.view();
        let (state, now) = (&view.state, self.now(&view));
        let step = |r: &tabir_crypto::trust::unseal::Request| match r.status(state.witnessed(), now) {
            Status::Requested => Some("vote"),
            Status::Released if r.partials.len() >= usize::from(r.terms.t) => Some("open"),
            Status::Released => Some("help"),
            _ => None,
        };
        state.requests().iter().filter_map(|r| Some(item(&r.hash, step(r)?))).collect()
    }

    /// Proposals that still want a signature of these people.
    async fn waits_for_signers(&self, audience: Audience) -> Result<BTreeSet<B32>, BoardError> {
        let trust = self.trust();
        let signed = |statement: &Statement| {
            statement.signers().iter().any(|id| match (trust.signer(id), audience) {
                (Some(Signer::Role(role)), Audience::Warden) => role == tabir_crypto::statement::body::Role::Warden,
                _ => false,
            })
        };
        let wants = |statement: &Statement| match statement.verb() {
            Verb::CouncilFormed | Verb::CouncilRefreshed | Verb::CouncilReshared => true,
            Verb::KeyAnnounced
            | Verb::KeyRetired
            | Verb::KeyCustody
            | Verb::PolicySet
            | Verb::PageBuilt
            | Verb::UnsealReleased => audience == Audience::Auditors,
            _ => false,
        };
        let open = self.store.proposals().await?.into_iter().filter(|(_, complete)| !complete);
        let waiting = open.map(|(statement, _)| statement).filter(|s| wants(s) && !signed(s));
        Ok(waiting.map(|s| item(&s.pae_hash(), "sign")).collect())
    }
}
