//! The board's addresses, called with one key.

use std::time::Duration;

use tabir_crypto::codec::sha256;
use tabir_crypto::ed25519::SigningKey;
use tabir_crypto::json::Schema;
use tabir_crypto::statement::body::Role;
use tabir_crypto::statement::value::{Bytes, V1};
use tabir_crypto::statement::{Body, Statement, Verb};
use tabir_crypto::{B32, Code};

use super::{OfficialError, Patience};
use crate::api::council::{Act, Admit, Messages, Proposal, Proposals, RequestFiles, Requests, TREE_SIZE};
use crate::api::gateway::{CaseForCouncil, Done};
use crate::http::{Client, HttpError, Method};

/// How far the board may be behind in the log: twice the longest time between its readings.
const BEHIND: Duration = Duration::from_secs(20);

/// How often an act is sent again when no answer came.
const LOST: u32 = 5;

/// Where the board is, and who asks.
pub struct Board {
    http: Client,
    url: String,
    key: SigningKey,
}

impl Board {
    /// A board at `http://host:port`; the key is an official's, or an identity or auditor's key of the trust root.
    #[must_use]
    pub fn new(http: Client, url: &str, key: SigningKey) -> Self {
        Self { http, url: url.trim_end_matches('/').to_owned(), key }
    }

    async fn get<T: Schema>(&self, path: &str) -> Result<T, HttpError> {
        self.http.call::<()>(&self.key, Role::Council, Method::GET, &self.url, path, None).await?.json()
    }

    async fn post<B: serde::Serialize + Sync, T: Schema>(&self, path: &str, body: &B) -> Result<T, HttpError> {
        self.http.call(&self.key, Role::Council, Method::POST, &self.url, path, Some(body)).await?.json()
    }

    /// The operator admits a manifest; `self` is the board's internal listener.
    pub async fn admit(&self, manifest: Vec<u8>) -> Result<(), HttpError> {
        let Done { .. } = self.post("/internal/ceremonies", &Admit { v: V1, manifest: Bytes(manifest) }).await?;
        Ok(())
    }

    /// A manifest by its ceremony's id, which its hash must be.
    pub async fn manifest(&self, id: &B32) -> Result<Vec<u8>, OfficialError> {
        let admitted: Admit = self.get(&format!("/council/ceremonies/{}", hex::encode(id))).await?;
        if sha256(&admitted.manifest.0) == *id { Ok(admitted.manifest.0) } else { Err(Code::Context.into()) }
    }

    /// Messages of a ceremony. Unchecked.
    pub async fn messages(&self, ceremony: &B32) -> Result<Vec<Statement>, HttpError> {
        let all: Messages = self.get(&format!("/council/messages?ceremony={}", hex::encode(ceremony))).await?;
        Ok(all.messages)
    }

    /// Sends a message of a ceremony.
    pub async fn post_message(&self, message: &Statement) -> Result<(), HttpError> {
        let Done { .. } = self.post("/council/messages", message).await?;
        Ok(())
    }

    /// Reads something, from a board that has read the log as far as this device, or will soon.
    async fn get_after<T: Schema>(&self, path: &str, read: u64) -> Result<T, OfficialError> {
        let mut patience = Patience::new(BEHIND, &|_| {});
        loop {
            match self.get(path).await {
                Err(e) if is_behind(&e, Some(read)) => again(e, &mut patience).await?,
                answer => return Ok(answer?),
            }
        }
    }

    /// A case by its reference. `read` is the size of the log that this device has read.
    pub async fn case(&self, reference: &str, read: u64) -> Result<CaseForCouncil, OfficialError> {
        self.get_after(&format!("/council/cases/{reference}"), read).await
    }

    /// Sends an act. `read` is the size of the log that this device has read: while the board has read less, a refusal is
    /// not its last word, and it is asked again.
    ///
    /// The board takes an act once: after a lost answer the very same bytes are sent again.
    pub async fn act(&self, act: &Act, read: u64, patience: &mut Patience<'_>) -> Result<(), OfficialError> {
        let mut lost = 0;
        loop {
            match self.post::<_, Done>("/council/statements", act).await {
                Ok(_) => return Ok(()),
                Err(e) if is_behind(&e, Some(read)) || is_lost(&e, &mut lost) => again(e, patience).await?,
                Err(e) => return Err(e.into()),
            }
        }
    }

    /// Requests that are put to the caller's council.
    pub async fn requests(&self) -> Result<Requests, HttpError> {
        self.get("/council/requests").await
    }

    /// What is meant for the caller. `read` as in [`Board::case`].
    pub async fn request(&self, hash: &B32, read: u64) -> Result<RequestFiles, OfficialError> {
        self.get_after(&format!("/council/requests/{}", hex::encode(hash)), read).await
    }

    /// All proposals.
    pub async fn proposals(&self) -> Result<Proposals, HttpError> {
        self.get("/council/proposals").await
    }

    /// One proposal; it must be the one that was asked for. Its signatures are unchecked.
    pub async fn proposal(&self, id: &B32) -> Result<Proposal, OfficialError> {
        let proposal: Proposal = self.get(&format!("/council/proposals/{}", hex::encode(id))).await?;
        if proposal.statement.pae_hash() == *id { Ok(proposal) } else { Err(Code::Context.into()) }
    }

    /// Adds signatures to a proposal, or makes one, for who has not read the log: what may be a "not yet" of the board is
    /// asked for again while the patience lasts.
    pub async fn propose(&self, statement: &Statement, patience: &mut Patience<'_>) -> Result<Proposal, OfficialError> {
        self.gather(statement, None, patience).await
    }

    /// The same for a device that has read the log up to this size: as in [`Board::act`].
    pub async fn propose_after(
        &self,
        statement: &Statement,
        read: u64,
        patience: &mut Patience<'_>,
    ) -> Result<Proposal, OfficialError> {
        self.gather(statement, Some(read), patience).await
    }

    async fn gather(
        &self,
        statement: &Statement,
        read: Option<u64>,
        patience: &mut Patience<'_>,
    ) -> Result<Proposal, OfficialError> {
        let mut lost = 0;
        loop {
            match self.post::<_, Proposal>("/council/proposals", statement).await {
                Ok(proposal) if proposal.statement.pae_hash() == statement.pae_hash() => return Ok(proposal),
                Ok(_) => return Err(Code::Context.into()),
                Err(e) if is_behind(&e, read) || is_lost(&e, &mut lost) => again(e, patience).await?,
                Err(e) => return Err(e.into()),
            }
        }
    }

    /// The first proposal of this verb whose payload fits.
    pub async fn find(&self, verb: Verb, fits: impl Fn(&Body) -> bool) -> Result<Option<Proposal>, OfficialError> {
        for entry in self.proposals().await?.proposals {
            if entry.verb.as_str() == verb.as_str() {
                let proposal = self.proposal(&entry.id.0).await?;
                if proposal.statement.verb() == verb && fits(&proposal.statement.body()?) {
                    return Ok(Some(proposal));
                }
            }
        }
        Ok(None)
    }
}

/// Whether the board refused because it has not yet read what this device has read in the log. The board says how far
/// it has read; who has not read the log can only guess by the code.
fn is_behind(error: &HttpError, read: Option<u64>) -> bool {
    match (read, error.header(TREE_SIZE).and_then(|size| size.parse::<u64>().ok())) {
        (Some(own), Some(board)) => board < own,
        (Some(_), None) => false,
        (None, _) => matches!(error.code(), Some("context" | "order" | "quorum" | "too-few")),
    }
}

/// Whether the act may have arrived and its answer not, at most so many times.
fn is_lost(error: &HttpError, times: &mut u32) -> bool {
    *times += 1;
    *times <= LOST && matches!(error, HttpError::Unreachable(_))
}

/// Waits a little. When the patience is over, the refusal is what there is to say.
async fn again(refusal: HttpError, patience: &mut Patience<'_>) -> Result<(), OfficialError> {
    patience.wait("the board's reading of the log").await.map_err(|_| refusal.into())
}
