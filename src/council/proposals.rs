//! What several must sign is gathered here, and goes to the log when the table of rules says that it is enough.

use tabir_crypto::ed25519::VerifyingKey;
use tabir_crypto::statement::body::KeyKind;
use tabir_crypto::statement::value::{CodeText, Hex, V1};
use tabir_crypto::statement::{Body, Statement, Verb};
use tabir_crypto::threshold::dkg::ceremony_id;
use tabir_crypto::trust::root::LogName;
use tabir_crypto::trust::rule;
use tabir_crypto::trust::unseal::request_of;
use tabir_crypto::{B32, Code};

use super::error::BoardError;
use super::service::Service;
use crate::api::council::{Proposal, ProposalEntry, Proposals};
use crate::ledger::View;

/// Proposals that wait for signatures at one time: more than this nobody reads.
const MAX_OPEN: usize = 256;

impl Service {
    /// All of them.
    pub async fn proposals(&self) -> Result<Proposals, BoardError> {
        let entry = |(statement, complete): (Statement, bool)| -> Result<ProposalEntry, BoardError> {
            Ok(ProposalEntry {
                id: Hex(statement.pae_hash()),
                verb: CodeText::new(statement.verb().as_str())?,
                signatures: statement.signers().len() as u64,
                complete,
            })
        };
        let all = self.store.proposals().await?;
        Ok(Proposals { v: V1, proposals: all.into_iter().map(entry).collect::<Result<_, _>>()? })
    }

    /// One of them.
    pub async fn proposal(&self, id: B32) -> Result<Proposal, BoardError> {
        let (statement, complete) = self.store.proposal(id).await?.ok_or(BoardError::NotFound)?;
        Ok(Proposal { v: V1, statement, complete })
    }

    /// Takes signatures, the caller's among them, and sends a complete statement to its log.
    pub async fn propose(&self, posted: Statement, caller: &VerifyingKey) -> Result<Proposal, BoardError> {
        if !posted.signers().contains(&caller.key_id()) {
            return Err(BoardError::NotYours);
        }
        let _one_at_a_time = self.gathering.lock().await;
        if posted.verb() == Verb::CouncilManifest {
            self.not_aborted(self.ceremony(&ceremony_id(posted.payload()))?.id()).await?;
        } else {
            rule::for_log(LogName::Governance, posted.verb())?;
        }
        if let Body::Council(body) = posted.body()? {
            self.not_aborted(&body.reshare_id.unwrap_or(body.ceremony_id).0).await?;
        }
        let before = self.store.proposal(posted.pae_hash()).await?;
        if let Some((statement, true)) = before {
            return Ok(Proposal { v: V1, statement, complete: true });
        }
        let known = before.is_some();
        let mut statement = before.map_or_else(|| posted.clone(), |(statement, _)| statement);
        statement.merge(&posted)?;
        let complete = self.suffices(&statement)?;
        if !known && !complete && self.store.open_proposals().await? >= MAX_OPEN {
            return Err(BoardError::Full);
        }
        self.store.put_proposal(statement.clone(), complete, rule::log_of(statement.verb())).await?;
        Ok(Proposal { v: V1, statement, complete })
    }

    /// The id of a ceremony that a participant ended is not used again.
    pub(super) async fn not_aborted(&self, ceremony: &B32) -> Result<(), BoardError> {
        if self.store.is_aborted(*ceremony).await? { Err(BoardError::Aborted) } else { Ok(()) }
    }

    /// Whether the signatures suffice; each must verify, and a complete statement must fit what the log says.
    fn suffices(&self, statement: &Statement) -> Result<bool, BoardError> {
        let view = self.view();
        match rule::check(self.trust(), &view.state, statement) {
            Err(e) if e.code() == Code::Insufficient => Ok(false),
            Err(e) => Err(e.into()),
            Ok(_) if statement.verb() == Verb::CouncilManifest => Ok(true),
            Ok(verified) if statement.verb() == Verb::UnsealReleased => {
                self.beside(&view, statement, &verified.signers)
            }
            Ok(verified) => {
                view.state.check(self.trust(), statement, self.now(&view))?;
                // A token key comes here only for an auditor's signature, which makes it count at once; by itself the issuer
                // tells the log.
                let token = matches!(&verified.body, Body::KeyAnnounced(key) if key.kind == KeyKind::Token);
                Ok(!token || self.trust().auditor_among(&verified.signers))
            }
        }
    }

    /// A release comes here only for an auditor beside the warden: without one it never goes on from here, so that the
    /// day's cap, which the log does not judge, can't be passed through the board.
    fn beside(&self, view: &View, statement: &Statement, signers: &[B32]) -> Result<bool, BoardError> {
        match view.state.check(self.trust(), statement, self.now(view)) {
            // Checked last: all else about it is in order.
            Err(e) if e.code() == Code::CoolingOff => Ok(false),
            Err(e) => Err(e.into()),
            Ok(_) => Ok(self.trust().auditor_among(signers)),
        }
    }

    /// Drops what still waits for signatures about a request that has ended: it can't become complete any more.
    pub async fn forget_proposals(&self) -> Result<(), BoardError> {
        let view = self.view();
        let _one_at_a_time = self.gathering.lock().await;
        for (statement, complete) in self.store.proposals().await? {
            let body = statement.body()?;
            let request = request_of(&body).and_then(|hash| view.state.request(hash));
            let over = request.is_some_and(|r| !r.status(view.state.witnessed(), self.now(&view)).is_live());
            if over && !complete {
                self.store.drop_proposal(statement.pae_hash()).await?;
            }
        }
        Ok(())
    }
}
