//! Whose signatures a statement needs. This is the table of who signs what, and everybody who reads a log uses it.
//!
//! A rule is a list of groups; of each, so many must have signed. Nobody else may: a signature by a key that no group
//! and no `beside` names is refused, since a statement with it is not what its signers agreed on.
//!
//! ```text
//! key.announced     the kind's role; a warden key also the auditors' quorum       (token: an auditor may stand beside)
//! key.retired       the kind's role, or the auditors' quorum
//! key.custody       the warden; of a split each holder whom it names, all auditors; destroyed each holder of that key's split
//! council.formed    all n members, the warden, one auditor; if there is a council, t of the newest one as well, or the
//!                   auditors' quorum;   refreshed, reshared: t of the council before as well
//! council.retired   t of its officials                        council.checked: the official named
//! policy.set        gateway, one auditor                      page.built: the auditors' quorum
//! trust.root        the auditors' quorum of the version before, and its own
//! unseal.requested .approved .refused .withdrawn .partial     the official named
//! unseal.released   warden (an auditor may stand beside)      .declined .notice: warden
//! unseal.failed     warden before a release, t of the approvers named in it after;   .opened: each of them
//! report.accepted .erased, acceptance   gateway               .forwarded .refused .pending, reply: forwarder
//! retention.counts  any role                                  council.manifest: all its members, and its dealers
//! ```
//! All by the version of the trust root that holds at that entry. Not decided here: what a case key signs,
//! `council.message` and `call`, whose keys stand in neither trust root nor log.

use super::root::LogName;
use super::state::State;
use super::unseal::{Request, request_of};
use super::verify::Trust;
use crate::codec::B32;
use crate::ed25519::VerifyingKey;
use crate::error::{Code, Result, need};
use crate::statement::body::{CouncilFormed, CustodyAct, KeyCustody, KeyKind, Role};
use crate::statement::value::Hex32;
use crate::statement::{Body, Statement, Verb, Verified};
use crate::threshold::Council;

/// The log that a verb belongs into; `None` for what is never logged.
#[must_use]
pub const fn log_of(verb: Verb) -> Option<LogName> {
    match verb {
        Verb::KeyAnnounced
        | Verb::KeyRetired
        | Verb::KeyCustody
        | Verb::CouncilFormed
        | Verb::CouncilRefreshed
        | Verb::CouncilReshared
        | Verb::CouncilRetired
        | Verb::CouncilChecked
        | Verb::PolicySet
        | Verb::PageBuilt
        | Verb::UnsealRequested
        | Verb::UnsealApproved
        | Verb::UnsealRefused
        | Verb::UnsealWithdrawn
        | Verb::UnsealReleased
        | Verb::UnsealDeclined
        | Verb::UnsealPartial
        | Verb::UnsealOpened
        | Verb::UnsealFailed
        | Verb::UnsealNotice
        | Verb::TrustRoot => Some(LogName::Governance),
        Verb::ReportAccepted
        | Verb::ReportForwarded
        | Verb::ReportRefused
        | Verb::ReportPending
        | Verb::ReportErased
        | Verb::RetentionCounts => Some(LogName::Intake),
        Verb::CouncilManifest
        | Verb::CouncilMessage
        | Verb::CaseSubmit
        | Verb::CaseMessage
        | Verb::CaseRate
        | Verb::CaseDispute
        | Verb::CaseErase
        | Verb::Acceptance
        | Verb::Reply
        | Verb::Call => None,
    }
}

/// Refuses a verb that has no place in this log. Error: `verb`.
pub fn for_log(log: LogName, verb: Verb) -> Result<()> {
    need(log_of(verb) == Some(log), Code::Verb)
}

/// So many of these keys.
#[derive(Clone)]
struct Group {
    least: usize,
    keys: Vec<VerifyingKey>,
}

impl Group {
    fn new(least: usize, keys: impl IntoIterator<Item = VerifyingKey>) -> Self {
        Self { least, keys: keys.into_iter().collect() }
    }

    fn met(&self, signers: &[B32]) -> bool {
        self.keys.iter().filter(|k| signers.binary_search(&k.key_id()).is_ok()).count() >= self.least
    }
}

/// Every group of one of the sets must be met.
struct Rule {
    sets: Vec<Vec<Group>>,
    beside: Vec<VerifyingKey>,
}

impl Rule {
    fn all(groups: impl IntoIterator<Item = Group>) -> Self {
        Self { sets: vec![groups.into_iter().collect()], beside: Vec::new() }
    }

    fn one(key: VerifyingKey) -> Self {
        Self::all([Group::new(1, [key])])
    }
}

/// Says whether the signatures on a statement suffice: each verifies, by a key known for this verb under this trust root
/// and what the governance log says so far, and the needed set is complete.
/// Errors: `unknown-key`, `insufficient-signatures`, those of [`VerifyingKey::verify`] and [`Body::parse`]; `context`
/// for a council or request that the log doesn't know, `index` for a member that a council doesn't have, those of
/// [`Council::from_body`]; `field` for a role that doesn't fit the kind of key; `verb` for what is decided elsewhere.
pub fn check(trust: &Trust, state: &State, statement: &Statement) -> Result<Verified> {
    check_by(state.trust(trust), state, statement)
}

/// As [`check`], for an entry of the intake log, with its witnessed time: by the version of the trust root that held then.
/// `state` is the whole governance log.
pub fn check_intake(trust: &Trust, state: &State, statement: &Statement, witnessed: Option<u64>) -> Result<Verified> {
    let mut verified = Err(Code::UnknownKey.into());
    for version in state.trusts_at(trust, witnessed) {
        verified = verified.or_else(|_| check_by(version, state, statement));
    }
    verified
}

/// As [`check`], by this very version of the trust root.
fn check_by(trust: &Trust, state: &State, statement: &Statement) -> Result<Verified> {
    let body = statement.body()?;
    if matches!(body, Body::TrustRoot(_)) {
        let next = trust.update(statement)?;
        return statement.verify(&[trust.auditors(), next.auditors()].concat());
    }
    let rule = rule(trust, state, statement.verb(), &body)?;
    let groups = rule.sets.iter().flatten();
    let mut known: Vec<_> = groups.flat_map(|g| &g.keys).chain(&rule.beside).copied().collect();
    known.sort_unstable();
    known.dedup();
    let verified = statement.verify(&known)?;
    let met = |set: &Vec<Group>| set.iter().all(|group| group.met(&verified.signers));
    need(rule.sets.iter().any(met), Code::Insufficient)?;
    Ok(verified)
}

fn rule(trust: &Trust, state: &State, verb: Verb, body: &Body) -> Result<Rule> {
    let role = |role| Group::new(1, [*trust.identity(role)]);
    let auditors = |least| Group::new(least, trust.auditors().iter().copied());
    let quorum = || auditors(trust.auditor_quorum());
    let official =
        |council: &B32, index| -> Result<Rule> { Ok(Rule::one(state.council(council)?.council.member(index)?.ed_vk)) };
    Ok(match body {
        Body::KeyAnnounced(b) => {
            need(b.role == b.kind.role(), Code::Field)?;
            match b.role {
                Role::Warden => Rule::all([role(b.role), quorum()]),
                // Beside the issuer's, an auditor's signature waives the activation delay of a token key.
                Role::Issuer => Rule { beside: trust.auditors().to_vec(), ..Rule::all([role(b.role)]) },
                _ => Rule::all([role(b.role)]),
            }
        }
        Body::KeyRetired(b) => {
            let key = state.key_by_id(&b.key_id.0).ok_or(Code::Context)?;
            Rule { sets: vec![vec![role(key.body.kind.role())], vec![quorum()]], beside: Vec::new() }
        }
        Body::KeyCustody(b) => custody(trust, state, b)?,
        Body::Council(b) => council(trust, state, verb, b)?,
        Body::CouncilNote(b) => {
            let council = &state.council(&b.council_id.0)?.council;
            Rule::all([Group::new(usize::from(council.t()), officials(council))])
        }
        Body::CouncilChecked(b) => official(&b.council_id.0, b.index)?,
        Body::CouncilManifest(b) => {
            let keys = b.members.iter().map(|m| VerifyingKey::from_bytes(&m.ed_vk.0)).collect::<Result<Vec<_>>>()?;
            let dealer = |i: &u16| Ok(state.council(&b.previous.0)?.council.member(*i)?.ed_vk);
            let dealers = b.dealers.iter().map(dealer).collect::<Result<Vec<_>>>()?;
            Rule::all([Group::new(keys.len(), keys), Group::new(dealers.len(), dealers)])
        }
        Body::PolicySet(_) => Rule::all([role(Role::Gateway), auditors(1)]),
        Body::PageBuilt(_) => Rule::all([quorum()]),
        Body::UnsealRequested(b) => official(&b.council_id.0, b.requester)?,
        Body::UnsealApproved(b) => {
            need(asked(state, body)?.body.council_id == b.council_id, Code::Context)?;
            official(&b.council_id.0, b.index)?
        }
        Body::UnsealRefused(b) => {
            need(asked(state, body)?.body.council_id == b.council_id, Code::Context)?;
            official(&b.council_id.0, b.index)?
        }
        Body::UnsealPartial(b) => official(&asked(state, body)?.body.council_id.0, b.index)?,
        Body::UnsealReleased(_) => {
            asked(state, body)?;
            Rule { beside: trust.auditors().to_vec(), ..Rule::all([role(Role::Warden)]) }
        }
        Body::UnsealNotice(_) => {
            asked(state, body)?;
            Rule::all([role(Role::Warden)])
        }
        Body::UnsealCode(_) => {
            let request = asked(state, body)?;
            if verb == Verb::UnsealFailed && request.release.is_some() {
                Rule::all([Group::new(usize::from(request.terms.t), approvers(state, request)?)])
            } else {
                Rule::all([role(Role::Warden)])
            }
        }
        // As many as can read the identity: if all whom the release names had to sign, one who stays away would leave an
        // opening that happened without its entry.
        Body::UnsealOpened(_) => {
            let request = asked(state, body)?;
            Rule::all([Group::new(usize::from(request.terms.t), approvers(state, request)?)])
        }
        Body::ReportAccepted(_) | Body::ReportErased(_) => Rule::all([role(Role::Gateway)]),
        Body::ReportFate(_) => Rule::all([role(Role::Forwarder)]),
        // Not logged, and read long after: by whoever was in the role at some time.
        Body::Acceptance(_) => Rule::all([ever(trust, Role::Gateway)]),
        Body::Reply(_) => Rule::all([ever(trust, Role::Forwarder)]),
        Body::RetentionCounts(_) => Rule::all([Group::new(1, trust.identities().iter().copied())]),
        Body::TrustRoot(_) | Body::CouncilMessage(_) | Body::CaseWrite(_) | Body::Call(_) => {
            return Err(Code::Verb.into());
        }
    })
}

/// The identity of a role in this version of the trust root, or in one before.
fn ever(trust: &Trust, role: Role) -> Group {
    Group::new(1, trust.versions().map(|version| *version.identity(role)))
}

/// The warden; who says that a part is in his hands, or gone from them, is its holder.
fn custody(trust: &Trust, state: &State, body: &KeyCustody) -> Result<Rule> {
    let key = state.key_by_id(&body.key_id.0).ok_or(Code::Context)?;
    need(key.body.kind == KeyKind::Warden, Code::Field)?;
    let warden = Group::new(1, [*trust.identity(Role::Warden)]);
    let each = |holders: &[Hex32]| -> Result<Group> {
        let keys = holders.iter().map(|key| VerifyingKey::from_bytes(&key.0)).collect::<Result<Vec<_>>>()?;
        Ok(Group::new(keys.len(), keys))
    };
    Ok(match body.act {
        CustodyAct::Split => {
            let holders = each(&body.holders)?;
            need(holders.keys.iter().all(|key| trust.auditors().contains(key)), Code::UnknownKey)?;
            Rule::all([warden, holders])
        }
        // Who gave a part may stand beside.
        CustodyAct::Restored => Rule { beside: trust.auditors().to_vec(), ..Rule::all([warden]) },
        CustodyAct::Destroyed => Rule::all([warden, each(key.custody.holders())?]),
    })
}

fn council(trust: &Trust, state: &State, verb: Verb, body: &CouncilFormed) -> Result<Rule> {
    let new = Council::from_body(body)?;
    // An official who is also warden, auditor or a role would stand on both sides of a check.
    need(officials(&new).all(|key| trust.signer(&key.key_id()).is_none()), Code::Duplicate)?;
    let auditors = |least| Group::new(least, trust.auditors().iter().copied());
    let set = |more: Vec<Group>| {
        let all = Group::new(usize::from(new.n()), officials(&new));
        [vec![all, Group::new(1, [*trust.identity(Role::Warden)])], more].concat()
    };
    let consent = |old: &Council| Group::new(usize::from(old.t()), officials(old));
    let sets = match (verb, state.current(new.lineage()), state.newest_council()) {
        (Verb::CouncilFormed, _, None) => vec![set(vec![auditors(1)])],
        // One who holds warden and an auditor's key could else put straw people in the place of a council.
        (Verb::CouncilFormed, _, Some(before)) => {
            vec![set(vec![auditors(1), consent(&before.council)]), set(vec![auditors(trust.auditor_quorum())])]
        }
        (_, None, _) => return Err(Code::Context.into()),
        (_, Some(old), _) => vec![set(vec![auditors(1), consent(&old.council)])],
    };
    // In a removal who leaves has dealt and signs the new key too; the reshare that replaced his council may be logged first.
    let leavers = state.council_before_newest().filter(|_| verb == Verb::CouncilFormed);
    let beside = leavers.into_iter().flat_map(|c| officials(&c.council)).collect();
    Ok(Rule { sets, beside })
}

fn officials(council: &Council) -> impl Iterator<Item = VerifyingKey> {
    council.members().iter().map(|m| m.ed_vk)
}

fn asked<'a>(state: &'a State, body: &Body) -> Result<&'a Request> {
    request_of(body).and_then(|hash| state.request(hash)).ok_or(Code::Context.into())
}

/// Keys of the approvers whom the release names. Error: `order` before a release.
fn approvers(state: &State, request: &Request) -> Result<Vec<VerifyingKey>> {
    need(request.release.is_some(), Code::Order)?;
    let council = &state.council(&request.body.council_id.0)?.council;
    request.released_to().into_iter().map(|i| council.member(i).map(|m| m.ed_vk)).collect()
}
