//! Intake of reports: everything is checked before a token is spent, and the token is spent in the transaction that keeps
//! the report and puts it in line for the forwarder.
//!
//! A repeat gets the same answer, byte for byte: the acceptance is made again from the case's row (w, D, hour), and Ed25519
//! is deterministic. Nothing remembers which token paid.

use rand_core::Rng as _;
use sqlx::AnyConnection;
use tabir_crypto::B32;
use tabir_crypto::ed25519::{SigningKey, VerifyingKey};
use tabir_crypto::envelope::Outer;
use tabir_crypto::json;
use tabir_crypto::receipt::reference;
use tabir_crypto::statement::body::{Acceptance, KeyKind};
use tabir_crypto::statement::value::{Hex, Hour, Second, V1};
use tabir_crypto::statement::{Statement, Verb};
use tabir_crypto::submission::{Commitment, Submission};
use tabir_crypto::trust::State;
use tabir_crypto::trust::root::LogName;

use super::Gateway;
use super::error::Refusal;
use super::redeem::{Request, may_use};
use super::store::cases::{self, Case};
use super::store::envelopes;
use super::store::outbox::{self, Waiting};
use super::store::spent::{self, Spending};
use super::windows::{Lengths, roll};
use crate::api::gateway::{ItemKind, Reported};
use crate::clock::Random;
use crate::db::DbError;

/// The largest report: a content of 66,672 bytes in base64url, envelope, keys and statement beside it.
pub const MAX_REPORT: usize = 100 << 10;

/// A checked report on its way into the store. `r` is gone: `a` and `b` are what is left of it.
struct Report {
    commitment: Commitment,
    access_hash: B32,
    case_vk: VerifyingKey,
    notice_key: B32,
    intake_key_id: B32,
    content: Vec<u8>,
    envelope: Vec<u8>,
    statement: Statement,
}

impl Report {
    /// Errors: those of [`Submission::verify`] and [`Outer::parse`], `intake-key`, `council`, `warden-key`.
    fn check(body: &[u8], state: &State) -> Result<Self, Refusal> {
        let submission: Submission = json::from_slice(body)?;
        let commitment = submission.verify()?;
        let case_vk = VerifyingKey::from_bytes(&submission.case_vk.0)?;
        known_key(state, KeyKind::Intake, &submission.intake_key_id.0).ok_or(Refusal::IntakeKey)?;
        let outer = Outer::parse(&submission.envelope.0)?;
        state.current(outer.lineage()).ok_or(Refusal::Council)?;
        known_key(state, KeyKind::Warden, outer.warden_key_id()).ok_or(tabir_crypto::Code::WardenKey)?;
        Ok(Self {
            commitment,
            access_hash: submission.access_hash.0,
            case_vk,
            notice_key: *submission.notice_key.expose(),
            intake_key_id: submission.intake_key_id.0,
            content: submission.content.0,
            envelope: submission.envelope.0,
            statement: submission.statement,
        })
    }

    /// Whether this is what the case was made of: the case id has both keys, `a` and `b` have r, nf and the hashes.
    fn is(&self, case: &Case) -> bool {
        let c = &self.commitment;
        let sent = (&c.a, &c.b, &c.nf, &c.content_hash, &c.envelope_hash, &self.notice_key);
        let kept = (&case.a, &case.b, &case.nf, &case.content_hash, &case.envelope_hash, &case.notice_key);
        sent == kept && c.mailbox_pk.as_bytes() == case.mailbox_pk
    }

    fn to_case(&self, w: u64, deadline: u64, hour: u64) -> Case {
        let c = &self.commitment;
        Case {
            case_id: c.case_id,
            reference: reference(&c.case_id),
            access_hash: self.access_hash,
            case_vk: self.case_vk,
            mailbox_pk: c.mailbox_pk.as_bytes().to_vec(),
            a: c.a,
            b: c.b,
            nf: c.nf,
            notice_key: self.notice_key,
            content_hash: c.content_hash,
            envelope_hash: c.envelope_hash,
            w,
            deadline,
            hour,
            counter: 0,
            seq: 0,
            last_write: [0; 32],
            sent: false,
            questions: 0,
            rated: false,
            disputed: false,
            erased: false,
        }
    }
}

/// A key of this kind that the log announced and nobody retired. Whether it counts yet is for who seals to it.
pub(super) fn known_key(state: &State, kind: KeyKind, id: &B32) -> Option<()> {
    state.key_by_id(id).filter(|key| key.body.kind == kind && key.retired.is_none()).map(|_| ())
}

impl Gateway {
    /// `POST /v1/reports`. Errors: `not-ready`, `token-missing`, those of [`Report::check`] and [`Gateway::redeem`],
    /// `token-spent`, `case-exists`, `reference-taken`, `erased`.
    pub async fn report(&self, request: &Request<'_>) -> Result<Reported, Refusal> {
        let view = self.ledger.view();
        let lengths = Lengths::of(view.state.policy().ok_or(Refusal::NotReady)?);
        // Whoever comes without a token only wants the challenge.
        request.authorization.ok_or(Refusal::TokenMissing)?;
        let report = Report::check(request.body, &view.state)?;
        let token = self.redeem(request)?;
        let (now, key) = (self.clock.now(), self.identity.clone());
        let case = self
            .db
            .write(move |tx| Box::pin(async move { accept(tx, report, &token, now, lengths, &key).await }))
            .await??;
        self.reported(&case)
    }

    fn reported(&self, case: &Case) -> Result<Reported, Refusal> {
        Ok(Reported { v: V1, reference: case.reference.clone(), acceptance: self.acceptance(case)? })
    }

    /// The acceptance of a case, the same bytes each time.
    pub(super) fn acceptance(&self, case: &Case) -> Result<Statement, Refusal> {
        let body = Acceptance {
            v: V1,
            at: Hour::of(case.hour),
            case_id: Hex(case.case_id),
            a: Hex(case.a),
            b: Hex(case.b),
            nf: Hex(case.nf),
            w: case.w,
            deadline: Second(case.deadline),
            log_origin: self.trust.log(LogName::Intake).origin.clone(),
        };
        Ok(Statement::signed(Verb::Acceptance, &body, &self.identity)?)
    }
}

/// The spend rule, in one transaction. A refusal comes before anything of the report is written.
async fn accept(
    tx: &mut AnyConnection,
    report: Report,
    token: &Spending,
    now: u64,
    lengths: Lengths,
    key: &SigningKey,
) -> Result<Result<Case, Refusal>, DbError> {
    if let Err(refusal) = may_use(spent::lookup(tx, token).await?, token) {
        return Ok(Err(refusal));
    }
    let case_id = report.commitment.case_id;
    if cases::has_tombstone(tx, &case_id).await? {
        return Ok(Err(Refusal::Erased));
    }
    if let Some(case) = cases::by_id(tx, &case_id).await? {
        return Ok(if report.is(&case) { Ok(case) } else { Err(Refusal::CaseExists) });
    }
    if cases::is_taken(tx, &reference(&case_id), &report.commitment.nf, &report.access_hash).await? {
        return Ok(Err(Refusal::ReferenceTaken));
    }
    let Some(window) = roll(tx, now, lengths, key).await? else { return Ok(Err(Refusal::NotReady)) };
    // Insert-or-ignore has the last word, whatever was read before.
    if !spent::insert(tx, token).await? {
        return Ok(Err(Refusal::TokenSpent));
    }
    let case = report.to_case(window.w, window.deadline, Hour::of(now).unix());
    cases::insert(tx, &case).await?;
    let place = (&case.case_id, case.w, case.hour);
    envelopes::insert(tx, place, &case.envelope_hash, report.envelope).await?;
    let item = Waiting {
        id: item_id(),
        case_id,
        counter: 0,
        kind: ItemKind::Report,
        statement: report.statement,
        payload: report.content,
        intake_key_id: Some(report.intake_key_id),
        seq: None,
    };
    outbox::insert(tx, item).await?;
    Ok(Ok(case))
}

/// A random id below 2^53, as JSON can hold it.
pub(super) fn item_id() -> u64 {
    Random.next_u64() >> 11
}
