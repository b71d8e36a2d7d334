//! Requests to open an identity: officials' acts, what is sealed for whom, hand-outs, holds at the gateway.

use std::sync::Arc;

use tabir_crypto::codec::sha256;
use tabir_crypto::ed25519::VerifyingKey;
use tabir_crypto::hpke::xwing::OVERHEAD;
use tabir_crypto::statement::value::{Bytes, Hex, V1};
use tabir_crypto::statement::{Body, Statement, Verb};
use tabir_crypto::threshold::{Council, PARTIAL_LEN};
use tabir_crypto::trust::unseal::Request;
use tabir_crypto::{B32, Code};

use super::error::BoardError;
use super::service::Service;
use super::store::Posted;
use super::store_requests::{Hold, Kind, NewAct, Row};
use crate::api::council::{Act, Handouts, Ready, ReadyRequest, RequestFiles, Requests, SealedTo, WARDEN};
use crate::api::gateway;
use crate::http::Method;
use crate::ledger::View;

/// The longest sealed text: words that fill a page or two.
const MAX_TEXT: usize = 32 * 1024;

/// Who does what, by the statement alone.
struct Claim {
    request: B32,
    kind: Kind,
    official: u16,
}

impl Claim {
    fn of(statement: &Statement) -> Result<(Self, Body), BoardError> {
        let body = statement.body()?;
        let (request, kind, official) = match &body {
            Body::UnsealRequested(b) => (statement.entry_hash(), Kind::Request, b.requester),
            Body::UnsealApproved(b) => (b.request_hash.0, Kind::Vote, b.index),
            Body::UnsealRefused(b) if statement.verb() == Verb::UnsealRefused => {
                (b.request_hash.0, Kind::Vote, b.index)
            }
            Body::UnsealRefused(b) => (b.request_hash.0, Kind::Withdrawal, b.index),
            Body::UnsealPartial(b) => (b.request_hash.0, Kind::Partial, b.index),
            _ => return Err(Code::Verb.into()),
        };
        Ok((Self { request, kind, official }, body))
    }
}

impl Service {
    /// Takes an official's act: checked as the log would check it, stored and queued for the log at once.
    pub async fn act(&self, act: Act, caller: &VerifyingKey) -> Result<(), BoardError> {
        let Act { statement, reference, sealed, .. } = act;
        let (Claim { request, kind, official }, body) = Claim::of(&statement)?;
        if statement.signers() != [caller.key_id()] {
            return Err(BoardError::NotYours);
        }
        // Before the log's own check, so that a retry after a lost answer gets the answer that was lost.
        if let Some(before) = self.store.act(request, kind, official).await? {
            statement.verify(&[*caller])?;
            return if before == statement.pae_hash() { Ok(()) } else { Err(BoardError::Done) };
        }
        let view = self.view();
        view.state.check(self.trust(), &statement, self.now(&view))?;
        let case = match &body {
            Body::UnsealRequested(b) => {
                fits_request(&view.state.council(&b.council_id.0)?.council, &sealed)?;
                let case = self.case(reference.as_deref().ok_or(Code::MissingField)?).await?;
                Some((case.case_id.0, case.envelope.0))
            }
            Body::UnsealPartial(b) => {
                let fits = sealed.len() == b.partials.len()
                    && sealed.iter().zip(&b.partials).all(|(sealed, logged)| {
                        let right_size = sealed.sealed.0.len() == PARTIAL_LEN + OVERHEAD;
                        right_size && sealed.to == logged.index && sha256(&sealed.sealed.0) == logged.hash.0
                    });
                need(fits)?;
                None
            }
            _ => {
                need(sealed.is_empty())?;
                None
            }
        };
        let act = NewAct { request, kind, official, statement, sealed, case };
        match self.store.add_act(act).await? {
            Posted::New if kind == Kind::Request => {
                if let Err(error) = self.settle_holds().await {
                    // The loop tries again.
                    tracing::warn!(%error, "holds at the gateway");
                }
                Ok(())
            }
            Posted::New | Posted::Same => Ok(()),
            Posted::Other => Err(BoardError::Done),
        }
    }

    /// Requests that the log has, of councils in which the caller sits.
    pub async fn requests(&self, caller: &VerifyingKey) -> Result<Requests, BoardError> {
        let view = self.view();
        let mine = |hash: &B32| member(&view, hash, caller).is_ok();
        let requests = self.store.requests().await?.into_iter().map(|r| r.hash).filter(mine).map(Hex).collect();
        Ok(Requests { v: V1, requests })
    }

    /// What is meant for the caller.
    pub async fn request(&self, hash: B32, caller: &VerifyingKey) -> Result<RequestFiles, BoardError> {
        let own = member(&self.view(), &hash, caller)?;
        let row = self.store.requests().await?.into_iter().find(|r| r.hash == hash).ok_or(BoardError::NotFound)?;
        let files = self.store.files(hash, own).await?;
        Ok(RequestFiles {
            v: V1,
            request_hash: Hex(hash),
            text: Bytes(files.text.ok_or(BoardError::NotFound)?),
            envelope: Bytes(row.envelope),
            handout: files.handout.map(Bytes),
            partials: files.partials,
        })
    }

    /// Live requests, for the warden, and ended ones whose deferred notice it still has to publish.
    pub async fn ready(&self) -> Result<Ready, BoardError> {
        let view = self.view();
        let mut requests = Vec::new();
        for row in self.store.requests().await? {
            let wanted = view.state.request(&row.hash).is_some_and(|r| self.is_live(&view, r) || owes_notice(r));
            let text = if wanted { self.store.files(row.hash, WARDEN).await?.text } else { None };
            if let Some(text) = text {
                let (request_hash, text, envelope) = (Hex(row.hash), Bytes(text), Bytes(row.envelope));
                requests.push(ReadyRequest { request_hash, text, envelope });
            }
        }
        Ok(Ready { v: V1, requests })
    }

    /// Takes the warden's hand-outs: exactly those whose hashes stand in the logged release.
    pub async fn hand_out(&self, hash: B32, handouts: Handouts) -> Result<(), BoardError> {
        let view = self.view();
        let request = view.state.request(&hash).ok_or(Code::Context)?;
        let logged = &request.release.as_ref().ok_or(Code::Context)?.body.handouts;
        let same = logged.len() == handouts.handouts.len()
            && logged.iter().zip(&handouts.handouts).all(|(l, h)| l.index == h.to && l.hash.0 == sha256(&h.sealed.0));
        need(same)?;
        Ok(self.store.add_handouts(hash, handouts.handouts).await?)
    }

    fn is_live(&self, view: &View, request: &Request) -> bool {
        request.status(view.state.witnessed(), self.now(view)).is_live()
    }

    /// Asks the gateway for the holds that are wanted, and releases those of requests that ended.
    pub async fn settle_holds(&self) -> Result<(), BoardError> {
        let view: Arc<View> = self.view();
        let mut first = Ok(());
        for row in self.store.requests().await?.into_iter().filter(|r| r.hold != Hold::Released) {
            let ended = view.state.request(&row.hash).filter(|r| !self.is_live(&view, r)).map(owes_notice);
            // One case that the gateway refuses must not keep the others waiting.
            first = first.and(self.settle_hold(row, ended).await);
        }
        first
    }

    /// Deletes the warden's copies of texts whose deferred notice stands in the log.
    pub async fn forget_notices(&self) -> Result<(), BoardError> {
        let view = self.view();
        for hash in self.store.kept_for_notice().await? {
            if view.state.request(&hash).is_some_and(|r| !owes_notice(r)) {
                self.store.forget_sealed(hash).await?;
            }
        }
        Ok(())
    }

    async fn settle_hold(&self, row: Row, ended: Option<bool>) -> Result<(), BoardError> {
        let case = hex::encode(row.case_id);
        if let Some(owes_notice) = ended {
            let path = format!("/internal/cases/{case}/hold/{}", hex::encode(row.hash));
            match self.call_gateway::<()>(Method::DELETE, &path, None).await {
                // The case may be gone: then there is nothing to release.
                Ok(_) | Err(BoardError::NoCase) => self.store.end(row.hash, owes_notice).await?,
                Err(error) => return Err(error),
            }
        } else if row.hold == Hold::Wanted {
            let body = gateway::Hold { v: V1, request_hash: Hex(row.hash) };
            self.call_gateway(Method::POST, &format!("/internal/cases/{case}/hold"), Some(&body)).await?;
            self.store.held(row.hash).await?;
        }
        Ok(())
    }
}

/// Whether the warden still has to publish the deferred nonce: it needs the text for that, whatever became of the request.
fn owes_notice(request: &Request) -> bool {
    request.body.deferred_until.is_some() && request.notice.is_none()
}

/// The caller's index in the council that this request is put to.
fn member(view: &View, hash: &B32, caller: &VerifyingKey) -> Result<u16, BoardError> {
    let request = view.state.request(hash).ok_or(BoardError::NotFound)?;
    let council = &view.state.council(&request.body.council_id.0)?.council;
    Ok(council.member_by_key(caller).ok_or(BoardError::NotFound)?.index)
}

/// The text goes to the warden and to each official, once: who is left out gets a copy that he can't open.
fn fits_request(council: &Council, sealed: &[SealedTo]) -> Result<(), BoardError> {
    let recipients = WARDEN..=council.n();
    need(sealed.iter().map(|s| s.to).eq(recipients))?;
    let size = sealed.first().map_or(0, |s| s.sealed.0.len());
    // One length for all, so that a copy tells nothing of its recipient.
    need(size <= MAX_TEXT && sealed.iter().all(|s| s.sealed.0.len() == size))
}

fn need(ok: bool) -> Result<(), BoardError> {
    if ok { Ok(()) } else { Err(Code::Context.into()) }
}
