//! What the warden may release: asked before it opens an outer layer, by the same state that everybody else reads.
//! Source: `docs/protocol.md`, "Opening".

use super::state::State;
use super::unseal::{Request, Status};
use super::verify::Trust;
use crate::codec::B32;
use crate::error::{Code, Result, need};

/// A day of UTC, for the cap of releases.
pub(super) const DAY_S: u64 = 86_400;

impl State {
    /// Whether the warden may release this request now, to all who approved it: approved, alive, both in a witnessed
    /// checkpoint, cooled off and below the day's cap (`auditor`: one signs beside the warden, which lifts both).
    /// Errors: `context` for an unknown request, `order`, `quorum` before both are witnessed, `cooling-off`, `cap`.
    pub fn may_release(&self, trust: &Trust, hash: &B32, now: u64, auditor: bool) -> Result<&Request> {
        let request = self.request(hash).ok_or(Code::Context)?;
        need(request.status(self.witnessed(), now) == Status::Approved, Code::Order)?;
        let seen = |entry| self.witnessed().of(entry).is_some();
        let approvals = request.approvals.iter().filter(|a| seen(a.entry)).count();
        need(seen(request.entry) && approvals >= usize::from(request.terms.t), Code::Quorum)?;
        let cooled = request.cooled_at(self.witnessed()).is_some_and(|cooled| cooled <= now);
        need(auditor || cooled, Code::CoolingOff)?;
        let today = self.releases_of_day(now / DAY_S);
        need(auditor || today < self.trust(trust).root().release_cap_per_day, Code::Cap)?;
        Ok(request)
    }

    /// Releases without an auditor on a day (of UTC, counted from 1970) by witnessed time; those not witnessed yet count.
    #[must_use]
    pub fn releases_of_day(&self, day: u64) -> u64 {
        let releases = self.requests().iter().filter_map(|r| r.release.as_ref()).filter(|r| !r.by_auditor);
        releases.filter(|r| self.witnessed().of(r.entry).is_none_or(|at| at / DAY_S == day)).map(|_| 1).sum()
    }
}
