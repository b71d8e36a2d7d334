//! The openings of one case, as its reporter finds them: by her notice key, in a governance log that she read and checked
//! herself. Nobody is asked, so nobody can hide one; and the whole log is read, so nobody learns which entry was looked for.
//!
//! ```text
//! every unseal.requested --nonce, public or published later--> tag = SHA-256("tabir/v1/notice" ‖ notice_key ‖ nonce)? --> hers
//! hers --> every entry that the replay took for it --> steps, each with its number and its witnessed time
//! ```
//! Not visible: a deferred request before its nonce is published, and whatever happens outside of the protocol.

pub mod bundle;
pub mod carried;

use std::collections::BTreeSet;

use tabir_crypto::receipt::notice_tag;
use tabir_crypto::statement::body::UnsealRequested;
use tabir_crypto::statement::value::CodeText;
use tabir_crypto::statement::{Body, Statement, Verb};
use tabir_crypto::threshold::Council;
use tabir_crypto::trust::unseal::{Request, Status, request_of};
use tabir_crypto::trust::{State, Trust};
use tabir_crypto::{B32, Code, Result};

use super::log_reader::Entry;

/// A day of UTC, for the cap of releases.
const DAY_S: u64 = 86_400;

/// A governance log, or a part of one, that was checked: who signed each entry, and that it stands in a tree that
/// witnesses have seen.
pub struct Seen<'a> {
    /// By whom it is judged.
    pub trust: &'a Trust,
    /// The replay.
    pub state: &'a State,
    /// The entries, rising by their numbers; there may be gaps.
    pub entries: &'a [Entry],
    /// Whether the entries are all that the log holds.
    pub whole: bool,
    /// Unix seconds by which it is judged what has expired.
    pub now: u64,
}

/// One opening, or the attempt.
#[derive(Clone, Debug)]
pub struct Opening {
    /// Entry hash of the request: its name everywhere.
    pub request_hash: B32,
    /// The council that was asked: its fingerprint.
    pub fingerprint: String,
    /// How many must agree, of how many.
    pub threshold: (u16, u16),
    /// Where it stands.
    pub status: Status,
    /// Unix seconds before which the warden may not release alone.
    pub cooled_at: Option<u64>,
    /// The notice was put off.
    pub deferral: Option<Deferral>,
    /// Enough officials sent their parts: whoever of them wants to can read the identity, logged as opened or not.
    pub readable: bool,
    /// What happened, in the order of the log.
    pub steps: Vec<Step>,
    /// Entries about it that break the rules. They changed nothing; an auditor should see them.
    pub irregular: Vec<(u64, Verb)>,
}

/// A notice that was put off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deferral {
    /// Unix seconds: until when.
    pub until: u64,
    /// A code of the policy.
    pub code: CodeText,
    /// Officials who signed it: who asked, and each who approved.
    pub signed_by: Vec<u16>,
}

/// One entry about an opening.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Its number in the governance log.
    pub entry: u64,
    /// Unix seconds: when witnesses saw it.
    pub witnessed: u64,
    /// What it says.
    pub what: What,
}

/// What an entry says. Officials by their number in the council.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // named as the verbs and their fields are
pub enum What {
    Requested {
        by: u16,
        legal_basis: CodeText,
        reason: CodeText,
    },
    Approved {
        by: u16,
        reason: CodeText,
    },
    Refused {
        by: u16,
        reason: CodeText,
    },
    Withdrawn {
        by: u16,
        reason: CodeText,
    },
    /// `by_auditor`: one signed beside the warden, which lifts cooling-off and cap. `early`: before the cooling-off was
    /// over. `above_cap`: more than the warden may release alone that day; `None` where the whole log is not here.
    Released {
        to: Vec<u16>,
        by_auditor: bool,
        early: bool,
        above_cap: Option<bool>,
    },
    Partial {
        by: u16,
    },
    /// By whom it is signed.
    Opened {
        by: Vec<u16>,
    },
    /// `by` is empty where the warden signed it, before a release.
    Failed {
        code: CodeText,
        by: Vec<u16>,
    },
    Declined {
        code: CodeText,
    },
    /// The deferred nonce.
    Notice,
    /// Another council took the place of the one that was asked.
    Voided,
}

/// Every opening that this notice key recognises, in the order of the log. Errors: those of [`tell`].
pub fn find(seen: &Seen<'_>, notice_key: &B32) -> Result<Vec<Opening>> {
    let requests = seen.state.requests().iter();
    let hers = requests.filter(|request| nonce(seen, request).is_some_and(|n| fits(notice_key, &n, &request.body)));
    hers.map(|request| tell(seen, request)).collect()
}

fn fits(notice_key: &B32, nonce: &B32, body: &UnsealRequested) -> bool {
    notice_tag(notice_key, nonce) == body.tag.0
}

/// The nonce of a request: public from the beginning, or published when its deferral was over.
fn nonce(seen: &Seen<'_>, request: &Request) -> Option<B32> {
    request.body.nonce.map(|n| n.0).or_else(|| {
        let statement = Statement::parse(&entry(seen, request.notice?).ok()?.leaf).ok()?;
        match statement.body() {
            Ok(Body::UnsealNotice(body)) => Some(body.nonce.0),
            _ => None,
        }
    })
}

fn entry<'a>(seen: &Seen<'a>, index: u64) -> Result<&'a Entry> {
    let at = seen.entries.binary_search_by_key(&index, |e| e.index).map_err(|_| Code::Order)?;
    seen.entries.get(at).ok_or(Code::Order.into())
}

/// What the log says about one request. Errors: `order` when an entry of it is not here, those of [`rule::check`].
pub fn tell(seen: &Seen<'_>, request: &Request) -> Result<Opening> {
    let (state, witnessed) = (seen.state, seen.state.witnessed());
    let council = &state.council(&request.body.council_id.0)?.council;
    let numbers = numbers(request);
    let steps = numbers.iter().map(|index| step(seen, request, council, entry(seen, *index)?));
    let deferral = request.body.deferred_until.zip(request.body.deferral.clone()).map(|(until, code)| {
        let approved = request.approvals.iter().map(|a| a.body.index);
        let signed_by: BTreeSet<u16> = core::iter::once(request.body.requester).chain(approved).collect();
        Deferral { until: until.0, code, signed_by: signed_by.into_iter().collect() }
    });
    Ok(Opening {
        request_hash: request.hash,
        fingerprint: council.fingerprint(),
        threshold: (request.terms.t, request.terms.n),
        status: request.status(witnessed, seen.now),
        cooled_at: request.cooled_at(witnessed),
        deferral,
        readable: request.partials.len() >= usize::from(request.terms.t),
        steps: steps.collect::<Result<_>>()?,
        irregular: irregular(seen, request, &numbers),
    })
}

/// The entries that the replay took for a request.
fn numbers(request: &Request) -> BTreeSet<u64> {
    let approvals = request.approvals.iter().map(|a| a.entry);
    let officials = request.refusals.iter().chain(&request.partials).map(|(entry, _)| *entry);
    let once = [request.release.as_ref().map(|r| r.entry), request.ended.map(|(entry, _)| entry), request.notice];
    let voided = request.voided.filter(|_| request.release.is_none() && request.ended.is_none());
    let once = once.into_iter().chain([voided]).flatten();
    core::iter::once(request.entry).chain(approvals).chain(officials).chain(once).collect()
}

fn step(seen: &Seen<'_>, request: &Request, council: &Council, entry: &Entry) -> Result<Step> {
    let statement = Statement::parse(&entry.leaf)?;
    let (what, signed) = (statement.body()?, statement.verb());
    let by = || -> Result<Vec<u16>> {
        // Their signatures were checked by the version of the trust root that held, when the state took this entry.
        let signers = statement.signers();
        let members = council.members().iter().filter(|m| signers.contains(&m.ed_vk.key_id()));
        Ok(members.map(|m| m.index).collect())
    };
    let what = match what {
        Body::UnsealRequested(b) => What::Requested { by: b.requester, legal_basis: b.legal_basis, reason: b.reason },
        Body::UnsealApproved(b) => What::Approved { by: b.index, reason: b.reason },
        Body::UnsealRefused(b) if signed == Verb::UnsealRefused => What::Refused { by: b.index, reason: b.reason },
        Body::UnsealRefused(b) => What::Withdrawn { by: b.index, reason: b.reason },
        Body::UnsealReleased(_) => released(seen, request, entry),
        Body::UnsealPartial(b) => What::Partial { by: b.index },
        Body::UnsealOpened(_) => What::Opened { by: by()? },
        Body::UnsealCode(b) if signed == Verb::UnsealFailed => What::Failed { code: b.code, by: by()? },
        Body::UnsealCode(b) => What::Declined { code: b.code },
        Body::UnsealNotice(_) => What::Notice,
        Body::Council(_) => What::Voided,
        _ => return Err(Code::Verb.into()),
    };
    Ok(Step { entry: entry.index, witnessed: entry.witnessed_time, what })
}

fn released(seen: &Seen<'_>, request: &Request, entry: &Entry) -> What {
    let by_auditor = request.release.as_ref().is_some_and(|r| r.by_auditor);
    let early = request.cooled_at(seen.state.witnessed()).is_none_or(|cooled| entry.witnessed_time < cooled);
    let day = |at: u64| at / DAY_S;
    let before = seen.state.requests().iter().filter_map(|r| r.release.as_ref()).filter(|r| {
        let at = seen.state.witnessed().of(r.entry);
        !r.by_auditor && r.entry < entry.index && at.is_some_and(|at| day(at) == day(entry.witnessed_time))
    });
    let cap = seen.state.trust_at(seen.trust, entry.index).root().release_cap_per_day;
    let above_cap = seen.whole.then(|| before.count() as u64 >= cap);
    What::Released { to: request.released_to(), by_auditor, early, above_cap }
}

/// Entries that name this request and that the replay refused.
fn irregular(seen: &Seen<'_>, request: &Request, taken: &BTreeSet<u64>) -> Vec<(u64, Verb)> {
    let others = seen.entries.iter().filter(|e| e.index > request.entry && !taken.contains(&e.index));
    let about = others.filter_map(|e| {
        let statement = Statement::parse(&e.leaf).ok()?;
        let body = statement.body().ok()?;
        (request_of(&body) == Some(&request.hash)).then_some((e.index, statement.verb()))
    });
    about.collect()
}
