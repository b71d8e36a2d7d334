//! The order of one request's entries, as everybody reads it in the governance log.
//!
//! ```text
//!                       t officials            warden
//!   (requested) ──approve…──► (approved) ──release──► (released) ──partial × t──open──► (opened)
//!     │  │  │                   │  │  │                  │   │
//!     │  │  └─refuse > n − t────┤  │  │                  │   └──fail by t approvers──► (failed)
//!     │  └────withdraw──────────┤  │  └──fail by warden──┼─────────────────────────► (failed)
//!     └───────decline───────────┘  │                     │
//!                │                 │                     └─ no end in time ─► (lapsed)
//!   (refused) (withdrawn) (declined)
//!   requested, approved: no release in time ─► (expired); another council in its place ─► (void)
//! ```
//! Expired, lapsed and void have no entry and no signer: each reader works them out from witnessed times and from the
//! terms that held when the request was logged. `unseal.notice` changes no state. Source: `docs/protocol.md`, "Opening".

use std::collections::BTreeSet;

use super::witnessed::Witnessed;
use crate::codec::B32;
use crate::error::{Code, Error, Result, need};
use crate::hpke::KemPublicKey;
use crate::statement::body::{UnsealApproved, UnsealReleased, UnsealRequested};
use crate::statement::{Body, Verb};

/// Codes with which the warden ends a request before its release.
pub const FAILED_BEFORE: [&str; 5] = ["outer", "label", "case-sig", "proof", "request"];
/// Codes with which t approvers end it after.
pub const FAILED_AFTER: [&str; 4] = ["commitment", "aead", "record", "none"];
/// `at` is cut to the hour: a statement may be this much younger than it says.
const HOUR_S: u64 = 3600;

/// Where a request stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)] // drawn in the module's head
pub enum Status {
    Requested,
    Approved,
    Released,
    Opened,
    Failed,
    Declined,
    Withdrawn,
    Refused,
    Expired,
    Void,
    Lapsed,
}

impl Status {
    /// The name as it stands in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Approved => "approved",
            Self::Released => "released",
            Self::Opened => "opened",
            Self::Failed => "failed",
            Self::Declined => "declined",
            Self::Withdrawn => "withdrawn",
            Self::Refused => "refused",
            Self::Expired => "expired",
            Self::Void => "void",
            Self::Lapsed => "lapsed",
        }
    }

    /// Whether something can still come.
    #[must_use]
    pub const fn is_live(self) -> bool {
        matches!(self, Self::Requested | Self::Approved | Self::Released)
    }

    /// The table of transitions: which entries may follow.
    #[must_use]
    pub const fn allows(self, verb: Verb) -> bool {
        match self {
            Self::Requested => matches!(
                verb,
                Verb::UnsealApproved | Verb::UnsealRefused | Verb::UnsealWithdrawn | Verb::UnsealDeclined
            ),
            Self::Approved => Self::Requested.allows(verb) || matches!(verb, Verb::UnsealReleased | Verb::UnsealFailed),
            Self::Released => matches!(verb, Verb::UnsealPartial | Verb::UnsealOpened | Verb::UnsealFailed),
            _ => false,
        }
    }
}

/// What held when the request was logged; later changes don't touch it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// How many must approve.
    pub t: u16,
    /// How many officials there are.
    pub n: u16,
    /// From the witnessed request to the earliest release.
    pub cooling_off_s: u64,
    /// How long it lives after its cooling-off.
    pub life_s: u64,
    /// How long an opening may take after the release.
    pub partial_life_s: u64,
    /// The longest deferral of the notice.
    pub deferral_max_s: u64,
}

/// A vote with its entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    /// Entry of the governance log.
    pub entry: u64,
    /// What was signed.
    pub body: UnsealApproved,
}

/// The warden's release with its entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Release {
    /// Entry of the governance log.
    pub entry: u64,
    /// What was signed.
    pub body: UnsealReleased,
    /// An auditor signed too: no cooling-off, not counted against the cap.
    pub by_auditor: bool,
}

/// One request and everything that followed it in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Entry hash of `unseal.requested`: its name everywhere.
    pub hash: B32,
    /// Entry of the governance log.
    pub entry: u64,
    /// What was signed.
    pub body: UnsealRequested,
    /// What held when it was logged.
    pub terms: Terms,
    /// In the order of the log.
    pub approvals: Vec<Approval>,
    /// (entry, official).
    pub refusals: Vec<(u64, u16)>,
    /// The warden's release.
    pub release: Option<Release>,
    /// (entry, official).
    pub partials: Vec<(u64, u16)>,
    /// The entry that ended it.
    pub ended: Option<(u64, Status)>,
    /// The entry that published a deferred nonce.
    pub notice: Option<u64>,
    /// The entry that put another council in the place of this one, before a release.
    pub voided: Option<u64>,
}

impl Request {
    /// A fresh request. `at` is its witnessed time, or now for one that is yet to be logged; `None` while it has none.
    /// Error: `order` when its notice is deferred for too long.
    pub(super) fn new(hash: B32, entry: u64, body: UnsealRequested, terms: Terms, at: Option<u64>) -> Result<Self> {
        if let Some(until) = body.deferred_until {
            // Who asks could else put the hour off, and with it the end of the longest deferral.
            let asked = at.map_or(body.at.unix(), |at| body.at.unix().min(at));
            let latest = asked.saturating_add(HOUR_S).saturating_add(terms.deferral_max_s);
            need(until.0 <= latest, Code::Order)?;
        }
        Ok(Self {
            hash,
            entry,
            body,
            terms,
            approvals: Vec::new(),
            refusals: Vec::new(),
            release: None,
            partials: Vec::new(),
            ended: None,
            notice: None,
            voided: None,
        })
    }

    /// Where it stands by its entries alone.
    fn logged(&self) -> Status {
        match (self.ended, &self.release) {
            (Some((_, status)), _) => status,
            (None, Some(_)) => Status::Released,
            (None, None) if self.approvals.len() >= usize::from(self.terms.t) => Status::Approved,
            (None, None) => Status::Requested,
        }
    }

    /// Where it stands at that time.
    #[must_use]
    pub fn status(&self, witnessed: &Witnessed, now: u64) -> Status {
        let over = |end: Option<u64>| end.is_some_and(|end| now >= end);
        match self.logged() {
            Status::Requested | Status::Approved if self.voided.is_some() => Status::Void,
            Status::Requested | Status::Approved if over(self.expires(witnessed)) => Status::Expired,
            Status::Released if over(self.lapses(witnessed)) => Status::Lapsed,
            status => status,
        }
    }

    /// First second at which the warden may release alone; `None` before the request is witnessed.
    #[must_use]
    pub fn cooled_at(&self, witnessed: &Witnessed) -> Option<u64> {
        Some(witnessed.of(self.entry)?.saturating_add(self.terms.cooling_off_s))
    }

    /// First second at which it has expired, if nobody released it.
    #[must_use]
    pub fn expires(&self, witnessed: &Witnessed) -> Option<u64> {
        Some(self.cooled_at(witnessed)?.saturating_add(self.terms.life_s))
    }

    /// First second at which its partials have lapsed, if nobody opened it.
    #[must_use]
    pub fn lapses(&self, witnessed: &Witnessed) -> Option<u64> {
        let release = self.release.as_ref()?;
        Some(witnessed.of(release.entry)?.saturating_add(self.terms.partial_life_s))
    }

    /// The approvers whom the release names.
    #[must_use]
    pub fn released_to(&self) -> Vec<u16> {
        self.release.iter().flat_map(|r| r.body.handouts.iter().map(|h| h.index)).collect()
    }

    /// Whether the release stands in a witnessed checkpoint and kept the cooling-off: only then may anybody hand out an
    /// envelope or make a partial. Errors: `order` when there is none, `quorum` before it is witnessed, `cooling-off` when
    /// it came too early.
    pub fn released(&self, witnessed: &Witnessed) -> Result<&Release> {
        let release = self.release.as_ref().ok_or(Code::Order)?;
        let at = witnessed.of(release.entry).ok_or(Code::Quorum)?;
        let cooled = self.cooled_at(witnessed).ok_or(Code::Quorum)?;
        need(release.by_auditor || at >= cooled, Code::CoolingOff)?;
        Ok(release)
    }

    /// Whether its release is known to have come before the cooling-off was over, without an auditor.
    fn came_early(&self, witnessed: &Witnessed) -> bool {
        let times = self.release.as_ref().filter(|r| !r.by_auditor).and_then(|r| witnessed.of(r.entry));
        times.zip(self.cooled_at(witnessed)).is_some_and(|(at, cooled)| at < cooled)
    }

    /// Whether this may be the next entry. `at` is its witnessed time, or now for one that is yet to be logged; without
    /// it the checks of time are left to who reads later.
    /// Errors: `order` or `duplicate`, with the official where one is to blame, `too-few`, `context`, `cooling-off` (of a
    /// release it is checked last: all else about it is in order; of a partial: its release came too early), and those of
    /// [`KemPublicKey::from_bytes`].
    pub(super) fn check(&self, witnessed: &Witnessed, step: &Step<'_>) -> Result<()> {
        if let Body::UnsealNotice(_) = step.body {
            let until = self.body.deferred_until.ok_or(Code::Order)?;
            need(self.notice.is_none(), Code::Order)?;
            return need(step.at.is_none_or(|at| at >= until.0), Code::Order);
        }
        // A time of 0 is before every end: the status by entries and void alone.
        need(self.status(witnessed, step.at.unwrap_or(0)).allows(step.verb), Code::Order)?;
        match step.body {
            Body::UnsealApproved(body) => {
                self.check_vote(body.index)?;
                need(body.deferred_until == self.body.deferred_until, Code::Context)?;
                KemPublicKey::from_bytes(&body.kem_pk.0).map(drop)
            }
            Body::UnsealRefused(body) if step.verb == Verb::UnsealRefused => self.check_vote(body.index),
            Body::UnsealRefused(body) => need(body.index == self.body.requester, Code::Order),
            Body::UnsealReleased(body) => self.check_release(witnessed, step, body),
            Body::UnsealCode(body) if step.verb == Verb::UnsealFailed => {
                let code = body.code.as_str();
                let known =
                    if self.release.is_some() { FAILED_AFTER.contains(&code) } else { FAILED_BEFORE.contains(&code) };
                need(known, Code::Order)
            }
            Body::UnsealPartial(body) => {
                // What came out too early is out, and stays so; help with it has no place in the log.
                need(!self.came_early(witnessed), Code::CoolingOff)?;
                let approvers = self.released_to();
                need(approvers.contains(&body.index), Code::Order)?;
                blame(!self.partials.iter().any(|(_, i)| *i == body.index), Code::Duplicate, body.index)?;
                need(body.partials.iter().map(|p| p.index).eq(approvers), Code::Context)
            }
            Body::UnsealOpened(_) => need(self.partials.len() >= usize::from(self.terms.t), Code::TooFew),
            _ => Ok(()),
        }
    }

    /// One official, one vote.
    fn check_vote(&self, official: u16) -> Result<()> {
        let approved = self.approvals.iter().any(|a| a.body.index == official);
        let refused = self.refusals.iter().any(|(_, i)| *i == official);
        blame(!approved && !refused, Code::Duplicate, official)
    }

    fn check_release(&self, witnessed: &Witnessed, step: &Step<'_>, body: &UnsealReleased) -> Result<()> {
        need(body.tree_size > self.entry && body.tree_size <= step.entry, Code::Order)?;
        let named: BTreeSet<u16> = body.handouts.iter().map(|h| h.index).collect();
        need(body.handouts.iter().map(|h| h.index).eq(named.iter().copied()), Code::Order)?;
        need(named.len() >= usize::from(self.terms.t), Code::TooFew)?;
        for official in named {
            let approval = self.approvals.iter().find(|a| a.body.index == official);
            let covered = approval.is_some_and(|a| a.entry < body.tree_size);
            blame(covered, Code::Order, official)?;
        }
        let cooled = self.cooled_at(witnessed);
        let early = step.at.is_some_and(|at| cooled.is_none_or(|cooled| at < cooled));
        need(step.by_auditor || !early, Code::CoolingOff)
    }

    /// Takes an entry that [`Request::check`] let through.
    pub(super) fn take(&mut self, step: &Step<'_>) {
        let entry = step.entry;
        match step.body {
            Body::UnsealApproved(body) => self.approvals.push(Approval { entry, body: body.clone() }),
            Body::UnsealRefused(body) if step.verb == Verb::UnsealRefused => {
                self.refusals.push((entry, body.index));
                if self.refusals.len() > usize::from(self.terms.n.saturating_sub(self.terms.t)) {
                    self.ended = Some((entry, Status::Refused));
                }
            }
            Body::UnsealRefused(_) => self.ended = Some((entry, Status::Withdrawn)),
            Body::UnsealReleased(body) => {
                self.release = Some(Release { entry, body: body.clone(), by_auditor: step.by_auditor });
            }
            Body::UnsealCode(_) if step.verb == Verb::UnsealDeclined => self.ended = Some((entry, Status::Declined)),
            Body::UnsealCode(_) => self.ended = Some((entry, Status::Failed)),
            Body::UnsealPartial(body) => self.partials.push((entry, body.index)),
            Body::UnsealOpened(_) => self.ended = Some((entry, Status::Opened)),
            Body::UnsealNotice(_) => self.notice = Some(entry),
            _ => {}
        }
    }

    /// Another council took the place of this one.
    pub(super) fn void(&mut self, entry: u64) {
        if matches!(self.logged(), Status::Requested | Status::Approved) {
            self.voided = Some(entry);
        }
    }
}

fn blame(ok: bool, code: Code, official: u16) -> Result<()> {
    if ok { Ok(()) } else { Err(Error::at(code, official)) }
}

/// One entry about a request, its signatures checked.
pub(super) struct Step<'a> {
    pub entry: u64,
    pub at: Option<u64>,
    pub verb: Verb,
    pub body: &'a Body,
    pub by_auditor: bool,
}

/// The request that a statement of `unseal.*` is about; `None` for `unseal.requested` and all other verbs.
#[must_use]
pub const fn request_of(body: &Body) -> Option<&B32> {
    Some(match body {
        Body::UnsealApproved(b) => &b.request_hash.0,
        Body::UnsealRefused(b) => &b.request_hash.0,
        Body::UnsealReleased(b) => &b.request_hash.0,
        Body::UnsealCode(b) => &b.request_hash.0,
        Body::UnsealPartial(b) => &b.request_hash.0,
        Body::UnsealOpened(b) => &b.request_hash.0,
        Body::UnsealNotice(b) => &b.request_hash.0,
        _ => return None,
    })
}
