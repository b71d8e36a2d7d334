//! Requests, step by step: take them from the board, answer them once, hand out what is released and witnessed, publish
//! deferred nonces, forget.
//!
//! ```text
//! take      ready requests --> store (text and envelope as they came)
//! answer    judge --> hand-outs sealed + statement into the outbox, one transaction        nothing left this host yet
//! propose   one that an auditor must sign beside the warden --> the board's proposals; or alone, once nothing stands in the way
//! hand_out  the same release stands in the view, so a quorum witnessed it --> board --> hand-outs deleted
//! ```

use rand_core::Rng as _;
use tabir_crypto::B32;
use tabir_crypto::codec::sha256;
use tabir_crypto::envelope::Released;
use tabir_crypto::hpke::{KemPublicKey, Use, uses};
use tabir_crypto::json;
use tabir_crypto::statement::body::{IndexedHash, Role, UnsealCode, UnsealNotice, UnsealReleased};
use tabir_crypto::statement::value::{Bytes, CodeText, Hex, Hour, V1};
use tabir_crypto::statement::{Body, Statement, Verb};
use tabir_crypto::trust::unseal::{Approval, Request, Status};

use super::Warden;
use super::error::WardenError;
use super::judge::{AGAIN_S, Judgement, Opened, judge, may_go_alone};
use super::store::{Answer, RequestRow, Sealed, Stage};
use super::view::View;
use crate::api::council::{Handouts, Ready, SealedTo};
use crate::clock::Random;
use crate::http::{HttpError, Method};

impl Warden {
    /// All steps, in their order. What is stored already goes on also while the board can't be reached. By an old head
    /// nothing is said or handed out: error `stale`.
    pub async fn releases(&self, view: &View) -> Result<(), WardenError> {
        let taken = self.take_requests(view).await;
        view.check_fresh(&self.trust, self.clock.now())?;
        self.answer(view).await?;
        self.write_journal().await?;
        let proposed = self.propose(view).await;
        self.publish_nonces(view).await?;
        self.hand_out(view).await?;
        self.forget(view).await?;
        taken.and(proposed)
    }

    /// Stores the board's ready requests that the view has.
    pub async fn take_requests(&self, view: &View) -> Result<(), WardenError> {
        let (base, path) = (&self.peers.council_internal, "/internal/unseal/ready");
        let answer = self.client.call::<()>(&self.identity, Role::Council, Method::GET, base, path, None).await?;
        let ready: Ready = answer.json()?;
        for request in ready.requests {
            let hash = request.request_hash.0;
            let is_live = |r: &Request| r.status(view.state.witnessed(), view.now).is_live();
            // Of one that has ended only the nonce counts, which a deferral left to this warden.
            let owes_notice = |r: &Request| r.body.deferred_until.is_some() && r.notice.is_none();
            if view.state.request(&hash).is_some_and(|r| is_live(r) || owes_notice(r)) {
                self.store.add_request(hash, request.text.0, request.envelope.0).await?;
            }
        }
        Ok(())
    }

    /// Says about each request what is to be said now. Judged one after the other: each answer counts for the next.
    pub async fn answer(&self, view: &View) -> Result<(), WardenError> {
        let keys = self.private_keys().await?;
        for hash in self.in_order(view).await? {
            let rows = self.store.requests().await?;
            let all: Vec<_> = rows.iter().filter_map(|row| Opened::new(row, view, &keys)).collect();
            let Some(this) = all.iter().find(|o| o.row.hash == hash) else { continue };
            let answer = match judge(&self.trust, view, &keys, &all, this) {
                Judgement::Wait => continue,
                Judgement::Declined(code) => self.no(Verb::UnsealDeclined, hash, code)?,
                Judgement::Failed(code) => self.no(Verb::UnsealFailed, hash, code)?,
                Judgement::Release(released, approvals) => self.yes(view, hash, &released, &approvals)?,
                Judgement::Propose(released, approvals) => {
                    // Only the auditor's signature is missing; the board checks the rest when it is there.
                    self.store.propose(self.yes(view, hash, &released, &approvals)?).await?;
                    continue;
                }
            };
            view.state.check(&self.trust, &answer.statement, view.now)?;
            self.store.answer(answer).await?;
        }
        Ok(())
    }

    /// Brings to the board what waits for an auditor; the board merges, so the same again changes nothing. What needs no
    /// auditor any more, because the cooling-off is over or another day has begun, goes to the log by itself.
    pub async fn propose(&self, view: &View) -> Result<(), WardenError> {
        let keys = self.private_keys().await?;
        for row in self.store.requests().await?.into_iter().filter(|row| row.stage == Stage::Proposed) {
            let Some(request) = view.state.request(&row.hash) else { continue };
            let live = request.status(view.state.witnessed(), view.now) == Status::Approved;
            let (Some(bytes), true) = (&row.answer, live) else { continue };
            // Read anew for each: one that goes alone counts for the next.
            let rows = self.store.requests().await?;
            let all: Vec<_> = rows.iter().filter_map(|row| Opened::new(row, view, &keys)).collect();
            if may_go_alone(&self.trust, view, &all, &row.hash) {
                self.store.go_alone(row.hash, Statement::parse(bytes)?).await?;
            } else {
                let (base, path) = (&self.peers.council, "/council/proposals");
                match self.post(Role::Council, base, path, "application/json", bytes.clone()).await {
                    // The board has not read the approvals yet, or read an end that this view does not have.
                    Ok(_) | Err(HttpError::Problem { status: 400, .. }) => {}
                    Err(error) => return Err(error.into()),
                }
            }
        }
        Ok(())
    }

    /// Open requests in the order of the log.
    async fn in_order(&self, view: &View) -> Result<Vec<B32>, WardenError> {
        let rows = self.store.requests().await?;
        let open = rows.iter().filter(|row| row.stage == Stage::Open);
        let mut known: Vec<_> =
            open.filter_map(|row| view.state.request(&row.hash)).map(|r| (r.entry, r.hash)).collect();
        known.sort_unstable();
        Ok(known.into_iter().map(|(_, hash)| hash).collect())
    }

    fn no(&self, verb: Verb, request: B32, code: &str) -> Result<Answer, WardenError> {
        let at = Hour::of(self.clock.now());
        let body = UnsealCode { v: V1, at, request_hash: Hex(request), code: CodeText::new(code)? };
        Ok(Answer { request, statement: Statement::signed(verb, &body, &self.identity)?, handouts: Vec::new() })
    }

    /// Seals the hand-outs; they are sealed once, since their hashes are logged.
    fn yes(
        &self,
        view: &View,
        request: B32,
        released: &Released,
        approvals: &[Approval],
    ) -> Result<Answer, WardenError> {
        let mut salt = [0; 32];
        Random.fill_bytes(&mut salt);
        let handout = released.handout(salt);
        let plaintext = handout.to_bytes();
        let mut handouts = Vec::with_capacity(approvals.len());
        for Approval { body, .. } in approvals {
            let place = Use::Handout { request_hash: request, index: body.index };
            let key = KemPublicKey::from_bytes(&body.kem_pk.0)?;
            handouts.push(Sealed { to: body.index, bytes: uses::seal(&key, &place, plaintext.expose(), &mut Random)? });
        }
        let body = UnsealReleased {
            v: V1,
            at: Hour::of(self.clock.now()),
            request_hash: Hex(request),
            tree_size: view.kept.size,
            checkpoint_hash: Hex(view.kept.hash),
            inner_commit: Hex(handout.inner_commit()),
            handouts: hashes(&handouts),
        };
        Ok(Answer { request, statement: Statement::signed(Verb::UnsealReleased, &body, &self.identity)?, handouts })
    }

    /// Hands out what this warden released and a quorum has witnessed; drops what can't be released any more.
    pub async fn hand_out(&self, view: &View) -> Result<(), WardenError> {
        for row in self.store.requests().await? {
            let given = matches!(row.stage, Stage::Proposed | Stage::Released);
            let Some(request) = view.state.request(&row.hash).filter(|_| given) else {
                continue;
            };
            match &request.release {
                Some(_) => self.hand_out_one(view, &row, request).await?,
                None if !request.status(view.state.witnessed(), view.now).is_live() => {
                    self.store.withdraw(row.hash).await?;
                }
                None => {}
            }
        }
        Ok(())
    }

    async fn hand_out_one(&self, view: &View, row: &RequestRow, request: &Request) -> Result<(), WardenError> {
        let release = request.released(view.state.witnessed())?;
        let handouts = self.store.handouts(row.hash).await?;
        let ours = row.answer.as_deref().map(Statement::parse).transpose()?.map(|s| s.body()).transpose()?;
        if ours.as_ref() != Some(&Body::UnsealReleased(release.body.clone()))
            || hashes(&handouts) != release.body.handouts
        {
            tracing::error!(
                "a release stands in the log that this warden did not make: its identity key is elsewhere too"
            );
            return Ok(());
        }
        let sealed = handouts.into_iter().map(|h| SealedTo { to: h.to, sealed: Bytes(h.bytes) }).collect();
        let body = json::to_vec(&Handouts { v: V1, handouts: sealed })?;
        let path = format!("/internal/unseal/{}/handouts", hex::encode(row.hash));
        match self.post(Role::Council, &self.peers.council_internal, &path, "application/json", body).await {
            Ok(_) => Ok(self.store.handed(row.hash).await?),
            // The board has not read the release yet.
            Err(HttpError::Problem { status: 409, .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Publishes the nonces whose deferral is over, whatever became of their requests.
    pub async fn publish_nonces(&self, view: &View) -> Result<(), WardenError> {
        let keys = self.private_keys().await?;
        for row in self.store.requests().await?.iter().filter(|row| !row.noticed) {
            let Some(opened) = Opened::new(row, view, &keys) else { continue };
            let due = opened.request.body.deferred_until.is_some_and(|until| until.0 <= view.now);
            let (Some(text), true, None) = (opened.text, due, opened.request.notice) else { continue };
            let at = Hour::of(self.clock.now());
            let body = UnsealNotice { v: V1, at, request_hash: Hex(row.hash), nonce: text.nonce };
            let statement = Statement::signed(Verb::UnsealNotice, &body, &self.identity)?;
            self.store.notice(row.hash, statement).await?;
        }
        Ok(())
    }

    /// Deletes requests that ended so long ago that they stand in nobody's way, and whose nonce is public.
    pub async fn forget(&self, view: &View) -> Result<(), WardenError> {
        for row in self.store.requests().await? {
            let Some(request) = view.state.request(&row.hash) else { continue };
            let over = ended_at(view, request).is_some_and(|at| at.saturating_add(AGAIN_S) <= view.now);
            let told = request.body.deferred_until.is_none() || request.notice.is_some();
            if over && told {
                self.store.forget(row.hash).await?;
            }
        }
        Ok(())
    }
}

fn ended_at(view: &View, request: &Request) -> Option<u64> {
    let witnessed = view.state.witnessed();
    match request.status(witnessed, view.now) {
        Status::Requested | Status::Approved | Status::Released => None,
        Status::Void => request.voided.and_then(|entry| witnessed.of(entry)),
        Status::Expired => request.expires(witnessed),
        Status::Lapsed => request.lapses(witnessed),
        _ => request.ended.and_then(|(entry, _)| witnessed.of(entry)),
    }
}

fn hashes(handouts: &[Sealed]) -> Vec<IndexedHash> {
    handouts.iter().map(|h| IndexedHash { index: h.to, hash: Hex(sha256(&h.bytes)) }).collect()
}
