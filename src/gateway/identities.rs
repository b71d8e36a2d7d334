//! Sealed identities for those who may ask for one: officials, warden, council board. The gateway only ever has the
//! outer envelope, which it can't open.

use tabir_crypto::B32;
use tabir_crypto::ed25519::VerifyingKey;
use tabir_crypto::statement::body::Role;
use tabir_crypto::statement::value::{Bytes, Hex, V1};

use super::Gateway;
use super::error::Refusal;
use super::store::{cases, envelopes};
use crate::api::gateway::CaseForCouncil;

/// An envelope whose retention ends within so long is near its end: 30 days, enough for a request with its cooling-off.
const SOON_S: u64 = 30 * 86_400;

impl Gateway {
    /// Who may fetch an envelope: officials of every council that the log knows, and the warden.
    #[must_use]
    pub fn envelope_readers(&self) -> Vec<VerifyingKey> {
        let view = self.ledger.view();
        let officials = view.state.councils().flat_map(|c| c.council.members()).map(|m| m.ed_vk);
        officials.chain([*self.trust.identity(Role::Warden)]).collect()
    }

    /// `GET /v1/envelopes/{hash}`. Error: `no-envelope`.
    pub async fn envelope(&self, hash: B32) -> Result<Vec<u8>, Refusal> {
        self.db
            .read(move |c| Box::pin(async move { envelopes::by_hash(c, &hash).await }))
            .await?
            .ok_or(Refusal::NoEnvelope)
    }

    /// `GET /internal/cases/{reference}`: what officials seal a request over. Errors: `no-case`, `no-envelope`.
    pub async fn case_for_council(&self, reference: String) -> Result<CaseForCouncil, Refusal> {
        let keep_s = self.ledger.view().state.policy().map_or(u64::MAX, |policy| policy.envelope_retention_s);
        let old = self.clock.now().saturating_add(SOON_S).saturating_sub(keep_s);
        let (case, envelope, ends_soon) = self
            .db
            .read(move |c| {
                Box::pin(async move {
                    let Some(case) = cases::by_reference(c, &reference).await? else { return Ok(None) };
                    let envelope = envelopes::of_case(c, &case.case_id).await?;
                    let ends_soon = envelopes::is_before(c, &case.case_id, old).await?;
                    Ok(Some((case, envelope, ends_soon)))
                })
            })
            .await?
            .ok_or(Refusal::NoCase)?;
        Ok(CaseForCouncil {
            v: V1,
            reference: case.reference,
            case_id: Hex(case.case_id),
            access_hash: Hex(case.access_hash),
            content_hash: Hex(case.content_hash),
            envelope: Bytes(envelope.ok_or(Refusal::NoEnvelope)?),
            notice_key: Hex(case.notice_key),
            ends_soon,
        })
    }

    /// A live request keeps an envelope from deletion, and nothing else of the case. Error: `no-envelope`.
    pub async fn hold(&self, case_id: B32, request_hash: B32) -> Result<(), Refusal> {
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    if envelopes::of_case(tx, &case_id).await?.is_none() {
                        return Ok(Err(Refusal::NoEnvelope));
                    }
                    envelopes::hold(tx, &case_id, &request_hash).await.map(Ok)
                })
            })
            .await?
    }

    /// A request is over: what its case's reporter erased meanwhile goes now.
    pub async fn unhold(&self, case_id: B32, request_hash: B32) -> Result<(), Refusal> {
        Ok(self
            .db
            .write(move |tx| {
                Box::pin(async move {
                    envelopes::unhold(tx, &case_id, &request_hash).await?;
                    if cases::has_tombstone(tx, &case_id).await? {
                        envelopes::delete_unheld(tx, &case_id).await?;
                    }
                    Ok(())
                })
            })
            .await?)
    }
}
