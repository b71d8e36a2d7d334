//! What the warden says about one request. Decides by what it is given: no store, no network, no clock.
//!
//! ```text
//! text does not open, or contradicts the entry           failed request      (once t have approved it)
//! too many left out, or not members                      declined recusal
//! another live request for the case, or a refused one
//! on the same legal basis less than 30 days before       declined live
//! not approved, cooling off, the day's cap reached       wait: nothing of this is final before the request expires;
//!                                                        approved, and its person wants an auditor: propose
//! envelope of another hash or lineage                    failed request
//! no key for it, malformed                               failed outer
//! does not open under the label of this case             failed label
//! case key or signature inside is not the case's         failed case-sig
//! sender proof                                           failed proof
//! ```

use tabir_crypto::envelope::Released;
use tabir_crypto::hpke::KemSecretKey;
use tabir_crypto::request::RequestText;
use tabir_crypto::trust::Trust;
use tabir_crypto::trust::unseal::{Approval, Request, Status};
use tabir_crypto::{B32, Code, Error};

use super::store::{RequestRow, Stage};
use super::view::View;

/// A refused request needs another basis for so long: 30 days.
pub const AGAIN_S: u64 = 30 * 86_400;
/// A day of UTC, for the cap.
const DAY_S: u64 = 86_400;

/// A request with its text, if that opened and fits its entry.
pub struct Opened<'a> {
    /// As stored.
    pub row: &'a RequestRow,
    /// By the view.
    pub request: &'a Request,
    /// Checked against the entry.
    pub text: Option<RequestText>,
}

impl<'a> Opened<'a> {
    /// Opens the text with whichever key it is sealed to. `None` while the view does not have the request.
    pub fn new(row: &'a RequestRow, view: &'a View, keys: &[KemSecretKey]) -> Option<Self> {
        let request = view.state.request(&row.hash)?;
        let text = keys.iter().find_map(|key| RequestText::open(&request.body, key, &row.text).ok());
        Some(Self { row, request, text })
    }
}

/// What to say.
pub enum Judgement {
    /// Nothing yet, or nothing any more.
    Wait,
    /// `unseal.declined`.
    Declined(&'static str),
    /// `unseal.failed`.
    Failed(&'static str),
    /// The envelope is open, and these officials get it.
    Release(Box<Released>, Vec<Approval>),
    /// The same, once an auditor has signed beside the warden.
    Propose(Box<Released>, Vec<Approval>),
}

/// Judges one request among all that this warden knows.
pub fn judge(trust: &Trust, view: &View, keys: &[KemSecretKey], all: &[Opened<'_>], this: &Opened<'_>) -> Judgement {
    let request = this.request;
    let status = request.status(view.state.witnessed(), view.now);
    if this.row.stage != Stage::Open || !matches!(status, Status::Requested | Status::Approved) {
        return Judgement::Wait;
    }
    let Some(text) = &this.text else {
        return if status == Status::Approved { Judgement::Failed("request") } else { Judgement::Wait };
    };
    let (t, n) = (request.terms.t, request.terms.n);
    if text.check_recused(request.body.requester, t, n).is_err() {
        return Judgement::Declined("recusal");
    }
    if all.iter().any(|other| stands_in_the_way(view, other, this.request, &text.case_id.0)) {
        return Judgement::Declined("live");
    }
    let alone = may_go_alone(trust, view, all, &request.hash);
    let beside = this.row.urgent && view.state.may_release(trust, &request.hash, view.now, true).is_ok();
    if !alone && !beside {
        return Judgement::Wait;
    }
    // Who was left out approves what he could not read, and gets nothing.
    let left_out = |approval: &Approval| text.recused.iter().any(|r| r.index == approval.body.index);
    let mut approvals: Vec<_> = request.approvals.iter().filter(|a| !left_out(a)).cloned().collect();
    if approvals.len() < usize::from(t) {
        return Judgement::Wait;
    }
    approvals.sort_by_key(|a| a.body.index);
    match open(view, keys, this, text) {
        Ok(released) if alone => Judgement::Release(Box::new(released), approvals),
        Ok(released) => Judgement::Propose(Box::new(released), approvals),
        Err(code) => Judgement::Failed(code),
    }
}

/// Whether this may be released now without an auditor: cooled off, and below the day's cap.
pub fn may_go_alone(trust: &Trust, view: &View, all: &[Opened<'_>], request: &B32) -> bool {
    view.state.may_release(trust, request, view.now, false).is_ok() && !cap_reached(trust, view, all)
}

/// One live request a case, and none on the basis of a refused one for a while.
fn stands_in_the_way(view: &View, other: &Opened<'_>, this: &Request, case_id: &B32) -> bool {
    let theirs = other.request;
    if theirs.hash == this.hash || other.text.as_ref().is_none_or(|text| text.case_id.0 != *case_id) {
        return false;
    }
    let witnessed = view.state.witnessed();
    match theirs.status(witnessed, view.now) {
        Status::Released => true,
        Status::Requested | Status::Approved => match other.row.stage {
            // Its release is on its way, wherever it stands in the log.
            Stage::Proposed | Stage::Released | Stage::Handed => true,
            Stage::Open => theirs.entry < this.entry,
            Stage::Ended => false,
        },
        Status::Refused if theirs.body.legal_basis == this.body.legal_basis => {
            let ended = theirs.ended.and_then(|(entry, _)| witnessed.of(entry));
            let asked = witnessed.of(this.entry);
            ended.zip(asked).is_none_or(|(ended, asked)| asked < ended.saturating_add(AGAIN_S))
        }
        _ => false,
    }
}

/// Releases that the log does not show yet count as of today.
fn cap_reached(trust: &Trust, view: &View, all: &[Opened<'_>]) -> bool {
    let on_its_way = |o: &&Opened<'_>| o.row.stage == Stage::Released && o.request.release.is_none();
    let on_their_way = u64::try_from(all.iter().filter(on_its_way).count()).unwrap_or(u64::MAX);
    let today = view.state.releases_of_day(view.now / DAY_S);
    today.saturating_add(on_their_way) >= trust.root().release_cap_per_day
}

fn open(view: &View, keys: &[KemSecretKey], this: &Opened<'_>, text: &RequestText) -> Result<Released, &'static str> {
    let council = view.state.council(&this.request.body.council_id.0).map_err(|_| "request")?;
    let lineage = *council.council.lineage();
    let outer = text.envelope(&lineage, &this.row.envelope).map_err(|e| match e.code() {
        Code::Context => "request",
        _ => "outer",
    })?;
    let key = keys.iter().find(|k| k.public_key().key_id() == *outer.warden_key_id()).ok_or("outer")?;
    outer.open(key, &text.binding(lineage)).map_err(failure)
}

/// The public code of a failed check.
fn failure(error: Error) -> &'static str {
    match error.code() {
        // The label is the aad: a wrong one and a changed ciphertext look the same.
        Code::Aead => "label",
        Code::CaseKey | Code::CaseSig => "case-sig",
        Code::WardenKey | Code::Kem | Code::Size => "outer",
        _ => "proof",
    }
}
