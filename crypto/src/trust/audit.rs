//! The audit of both logs: whatever they say is checked again, and each failure has a name, a code and a place.
//!
//! ```text
//! governance.entries      each leaf is a statement in its one form, of a verb of this log, in turn
//! governance.signatures   whoever must sign did, and nobody else       governance.once   no statement stands twice
//! trust.sound             each version of the trust root follows the one before, by both quorums
//! keys.one-per-epoch      one key for a kind and epoch                 keys.sound        its form and times
//! councils.sound          parts that fit each other and their lineage  policy.sound      versions up by one
//! unseal.requested        each step has its request                    unseal.approvals  one official, one vote
//! unseal.order            each step follows the one it needs           unseal.cooling-off
//! unseal.cap              releases a day without an auditor            unseal.notice     a deferred one was published
//! intake.entries .signatures .once                                     windows.*         see `windows`
//! ```
//! The caller has checked the leaves against a witnessed checkpoint of each log and found their witnessed times.

use core::convert::Infallible;
use std::collections::BTreeMap;

use super::records::{Memory, Records};
use super::release::DAY_S;
use super::root::LogName;
use super::rule;
use super::state::State;
use super::unseal::request_of;
use super::verify::Trust;
use super::windows::{self, Windows};
use crate::codec::B32;
use crate::error::{Code, Error, Result};
use crate::statement::body::PolicySet;
use crate::statement::{Body, Statement, Verb, Verified};

/// Names of the checks of entries; those of [`windows::CHECKS`] come on top.
pub const CHECKS: [&str; 17] = [
    "governance.entries",
    "governance.signatures",
    "governance.once",
    "trust.sound",
    "keys.one-per-epoch",
    "keys.sound",
    "councils.sound",
    "policy.sound",
    "unseal.requested",
    "unseal.approvals",
    "unseal.order",
    "unseal.cooling-off",
    "unseal.cap",
    "unseal.notice",
    "intake.entries",
    "intake.signatures",
    "intake.once",
];
/// The log that a check of [`CHECKS`] or [`windows::CHECKS`] is about.
#[must_use]
pub fn log_of(check: &str) -> LogName {
    if check.starts_with("intake.") || check.starts_with("windows.") { LogName::Intake } else { LogName::Governance }
}

/// How long after its date a deferred notice may take to be seen in the log.
const NOTICE_GRACE_S: u64 = 3600;

/// One entry of a log.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// From 0.
    pub index: u64,
    /// The leaf as it stands in the tree.
    pub leaf: &'a [u8],
    /// The k-th smallest cosignature of the first kept checkpoint that covers it.
    pub witnessed: Option<u64>,
}

/// One check: passed as a whole, or one failure of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// Its stable name.
    pub name: &'static str,
    /// Whether it passed.
    pub ok: bool,
    /// What is wrong: a [`Code`], or a code of [`windows::Finding`].
    pub code: Option<&'static str>,
    /// The log, where an entry is to blame.
    pub log: Option<LogName>,
    /// The entry.
    pub entry: Option<u64>,
    /// The window.
    pub window: Option<u64>,
    /// How many reports, where that is the point.
    pub reports: u64,
}

/// What the audit found, with what it worked out on the way.
#[derive(Clone, Debug)]
pub struct Report {
    /// Each check once if it passed, else once for each failure, by name.
    pub checks: Vec<Check>,
    /// The governance log replayed.
    pub state: State,
}

impl Report {
    /// Whether every check passed.
    #[must_use]
    pub fn ok(&self) -> bool {
        self.checks.iter().all(|c| c.ok)
    }

    /// What failed.
    pub fn failed(&self) -> impl Iterator<Item = &Check> {
        self.checks.iter().filter(|c| !c.ok)
    }
}

/// Audits both logs. `now` is the newest witnessed time of the two, not a clock's: a copied log stays as good as it was.
#[must_use]
pub fn audit<'a>(
    trust: &Trust,
    governance: impl IntoIterator<Item = Entry<'a>>,
    intake: impl IntoIterator<Item = Entry<'a>>,
    now: u64,
) -> Report {
    let mut auditor = Auditor::new(trust);
    for entry in governance {
        auditor.governance(&entry);
    }
    let mut log = auditor.intake(Memory::default());
    for entry in intake {
        let looked = auditor.look(entry.leaf, entry.witnessed);
        let Ok(()) = log.take(entry.index, entry.witnessed, looked);
    }
    let report: core::result::Result<Report, Infallible> = auditor.finish(log, now);
    let Ok(report) = report;
    report
}

/// An audit of the governance log under way, entry by entry. With all of it, the intake log can be audited.
#[derive(Clone, Debug)]
pub struct Auditor<'t> {
    trust: &'t Trust,
    state: State,
    /// Each with its witnessed time.
    policies: Vec<(PolicySet, Option<u64>)>,
    failures: Vec<Check>,
}

/// An audit of the intake log under way, entry by entry. It does not grow with the log: see [`Records`].
#[derive(Clone, Debug)]
pub struct Intake<R> {
    windows: Windows<R>,
    failures: Vec<Check>,
    next: u64,
}

/// An entry of the intake log by itself: what it says, or which check it fails.
#[derive(Debug)]
pub struct Looked(core::result::Result<(B32, Verified), (&'static str, Error)>);

type Named = core::result::Result<(), (&'static str, Error)>;

impl<'t> Auditor<'t> {
    /// Before entry 0 of both logs.
    #[must_use]
    pub fn new(trust: &'t Trust) -> Self {
        Self { trust, state: State::new(), policies: Vec::new(), failures: Vec::new() }
    }

    /// Takes the next entry of the governance log.
    pub fn governance(&mut self, entry: &Entry<'_>) {
        if let Err((name, error)) = self.take_governance(entry) {
            self.fail(name, error.code().as_str(), entry.index);
        }
    }

    /// Before entry 0 of the intake log. The whole governance log must have been taken.
    pub fn intake<R: Records>(&self, records: R) -> Intake<R> {
        let mut windows = Windows::with(records);
        self.policies.iter().for_each(|(policy, witnessed)| windows.allow(policy, *witnessed));
        Intake { windows, failures: Vec::new(), next: 0 }
    }

    /// Looks at an entry of the intake log by itself, its signatures above all: the long part, and it depends on no other
    /// entry of this log, so that several threads can share it. The whole governance log must have been taken.
    #[must_use]
    pub fn look(&self, leaf: &[u8], witnessed: Option<u64>) -> Looked {
        let look = || {
            let statement = read(LogName::Intake, leaf).map_err(|e| ("intake.entries", e))?;
            let verified = rule::check_intake(self.trust, &self.state, &statement, witnessed)
                .map_err(|e| ("intake.signatures", e))?;
            Ok((statement.pae_hash(), verified))
        };
        Looked(look())
    }

    /// All checks. `now` is the newest witnessed time of the two logs. Errors: those of the intake log's records.
    pub fn finish<R: Records>(mut self, mut intake: Intake<R>, now: u64) -> core::result::Result<Report, R::Error> {
        self.releases_a_day();
        self.notices(now);
        let judged = intake.windows.judge(now)?;
        self.failures.append(&mut intake.failures);
        let copy = |entry: &u64| failed("intake.once", Code::Duplicate.as_str(), LogName::Intake, *entry);
        self.failures.extend(judged.copies.iter().map(copy));
        self.failures.extend(judged.findings.into_iter().map(|finding| Check {
            name: finding.check,
            ok: false,
            code: Some(finding.code),
            log: finding.entry.map(|_| LogName::Intake),
            entry: finding.entry,
            window: Some(finding.window),
            reports: finding.reports,
        }));
        Ok(self.report())
    }

    fn fail(&mut self, name: &'static str, code: &'static str, entry: u64) {
        self.failures.push(failed(name, code, LogName::Governance, entry));
    }

    fn take_governance(&mut self, entry: &Entry<'_>) -> Named {
        let form = |e| ("governance.entries", e);
        self.state.turn(entry.index, entry.witnessed).map_err(form)?;
        let statement = read(LogName::Governance, entry.leaf).map_err(form)?;
        if self.state.contains(&statement.pae_hash()) {
            return Err(("governance.once", Code::Duplicate.into()));
        }
        let named = |e: Error, state: &State| (name(&statement, e.code(), state), e);
        let verified = rule::check(self.trust, &self.state, &statement).map_err(|e| named(e, &self.state))?;
        let taken = self.state.take(self.trust, entry.index, &statement, entry.leaf, &verified);
        taken.map_err(|e| named(e, &self.state))?;
        if let Body::PolicySet(policy) = &verified.body {
            self.policies.push(((**policy).clone(), entry.witnessed));
        }
        Ok(())
    }

    fn releases_a_day(&mut self) {
        let mut days: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
        let releases = self.state.requests().iter().filter_map(|r| r.release.as_ref()).filter(|r| !r.by_auditor);
        for release in releases {
            if let Some(at) = self.state.witnessed().of(release.entry) {
                days.entry(at / DAY_S).or_default().push(release.entry);
            }
        }
        for mut entries in days.into_values() {
            entries.sort_unstable();
            for (before, entry) in (0_u64..).zip(entries) {
                if before < self.state.trust_at(self.trust, entry).root().release_cap_per_day {
                    continue;
                }
                self.fail("unseal.cap", Code::Cap.as_str(), entry);
            }
        }
    }

    fn notices(&mut self, now: u64) {
        let overdue = |until: u64| until.saturating_add(NOTICE_GRACE_S) <= now;
        let deferred = self.state.requests().iter().filter(|r| r.notice.is_none());
        let late = deferred.filter(|r| r.body.deferred_until.is_some_and(|until| overdue(until.0)));
        for entry in late.map(|r| r.entry).collect::<Vec<_>>() {
            self.fail("unseal.notice", "overdue", entry);
        }
    }

    fn report(self) -> Report {
        let names = CHECKS.into_iter().chain(windows::CHECKS);
        let mut checks = Vec::new();
        for name in names {
            let before = checks.len();
            checks.extend(self.failures.iter().filter(|c| c.name == name).cloned());
            if checks.len() == before {
                checks.push(Check { name, ok: true, code: None, log: None, entry: None, window: None, reports: 0 });
            }
        }
        Report { checks, state: self.state }
    }
}

impl<R: Records> Intake<R> {
    /// Takes the next entry of the intake log, after [`Auditor::look`].
    pub fn take(&mut self, index: u64, witnessed: Option<u64>, looked: Looked) -> core::result::Result<(), R::Error> {
        let in_turn = index == self.next;
        self.next = index.saturating_add(1);
        let looked = if in_turn { looked.0 } else { Err(("intake.entries", Code::Order.into())) };
        match looked {
            Ok((pae, verified)) => self.windows.take_once(index, pae, &verified, witnessed),
            Err((name, error)) => {
                self.failures.push(failed(name, error.code().as_str(), LogName::Intake, index));
                Ok(())
            }
        }
    }
}

const fn failed(name: &'static str, code: &'static str, log: LogName, entry: u64) -> Check {
    let (log, entry) = (Some(log), Some(entry));
    Check { name, ok: false, code: Some(code), log, entry, window: None, reports: 0 }
}

fn read(log: LogName, leaf: &[u8]) -> Result<Statement> {
    let statement = Statement::parse(leaf)?;
    rule::for_log(log, statement.verb())?;
    statement.body()?;
    Ok(statement)
}

/// The check that an entry of the governance log failed.
fn name(statement: &Statement, code: Code, state: &State) -> &'static str {
    let signatures =
        [Code::UnknownKey, Code::Insufficient, Code::Signature, Code::Scalar, Code::REncoding, Code::RSmallOrder];
    let unknown_request = || {
        let body = statement.body().ok();
        body.as_ref().and_then(request_of).is_some_and(|hash| state.request(hash).is_none())
    };
    match statement.verb() {
        _ if signatures.contains(&code) => "governance.signatures",
        Verb::KeyAnnounced if code == Code::KeyConflict => "keys.one-per-epoch",
        Verb::KeyAnnounced | Verb::KeyRetired | Verb::KeyCustody => "keys.sound",
        Verb::PolicySet => "policy.sound",
        Verb::TrustRoot => "trust.sound",
        Verb::CouncilFormed
        | Verb::CouncilRefreshed
        | Verb::CouncilReshared
        | Verb::CouncilRetired
        | Verb::CouncilChecked => "councils.sound",
        Verb::UnsealReleased if code == Code::CoolingOff => "unseal.cooling-off",
        _ if unknown_request() => "unseal.requested",
        Verb::UnsealApproved | Verb::UnsealRefused => "unseal.approvals",
        _ => "unseal.order",
    }
}
