//! What the governance log says: announced keys, councils, policy, requests. Replayed from entry 0, in order.
//!
//! An entry that its rule or its order refuses changes nothing: it stands in the log for the audit to name, and nobody
//! acts on it. Two exceptions: a second key for one epoch is remembered, since it is the first one's undoing, and so is a
//! release before the cooling-off was over, since what the warden handed out is out; no approver helps with it, and a partial
//! for it is refused like any other entry out of order.
//!
//! Whether something counts *now* is a question of witnessed time, which the caller brings: the k-th smallest
//! cosignature of the first kept checkpoint that covers the entry.

mod councils;
mod custody;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use super::root::LogName;
use super::rule;
use super::unseal::{Request, Step, Terms, request_of};
use super::verify::Trust;
use super::witnessed::Witnessed;
use crate::codec::B32;
use crate::error::{Code, Result, need};
use crate::hpke::KemPublicKey;
use crate::statement::body::{KeyAnnounced, KeyKind, PolicySet};
use crate::statement::{Body, Statement, Verb, Verified, entry_hash};
use crate::threshold::{Council, Drill};
pub use councils::LoggedCouncil;
pub use custody::Custody;

/// Codes of `council.retired`: what becomes of what is still sealed to the key. It can be opened until its retention ends,
pub const SEALED_KEPT: &str = "sealed.kept";
/// or by nobody any more.
pub const SEALED_LOST: &str = "sealed.lost";
/// SPKI of a token key, RFC 9578: RSA-2048 with id-RSASSA-PSS.
const TOKEN_SPKI: usize = 342;
/// Life of a request and of its partials while no policy says otherwise: seven days.
const LIFE_S: u64 = 7 * 86_400;

/// A key that its role announced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnnouncedKey {
    /// Entry of the governance log.
    pub entry: u64,
    /// What was signed.
    pub body: KeyAnnounced,
    /// SHA-256 of the public key.
    pub id: B32,
    /// An auditor signed beside the issuer: it counts as soon as it is witnessed.
    pub waived: bool,
    /// The entry that retired it.
    pub retired: Option<u64>,
    /// What became of its copies; a warden key's alone.
    pub custody: Custody,
}

/// The governance log so far.
#[derive(Clone, Debug, Default)]
pub struct State {
    /// Later versions of the trust root, each with its entry.
    roots: Vec<(u64, Arc<Trust>)>,
    next: u64,
    witnessed: Witnessed,
    seen: HashSet<B32>,
    keys: BTreeMap<(KeyKind, u64), Vec<AnnouncedKey>>,
    key_ids: HashMap<B32, (KeyKind, u64)>,
    councils: HashMap<B32, LoggedCouncil>,
    /// Lineages in the order of their first council, each with its councils by epoch.
    lineages: Vec<(B32, Vec<B32>)>,
    policy: Option<(u64, PolicySet)>,
    requests: Vec<Request>,
    by_hash: HashMap<B32, usize>,
    request_ids: HashSet<[u8; 16]>,
}

impl State {
    /// Before entry 0.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The trust root that holds after the entries read: the oldest version of what is pinned, until the log announces the
    /// next. By this one, and not by the newest, an entry is judged.
    #[must_use]
    pub fn trust<'a>(&'a self, pinned: &'a Trust) -> &'a Trust {
        self.roots.last().map_or_else(|| pinned.first(), |(_, trust)| trust)
    }

    /// The later versions of the trust root that the log has announced, each with its entry.
    pub fn roots(&self) -> impl Iterator<Item = (u64, &Trust)> {
        self.roots.iter().map(|(entry, trust)| (*entry, trust.as_ref()))
    }

    /// The trust root that held at an entry of the governance log.
    #[must_use]
    pub fn trust_at<'a>(&'a self, pinned: &'a Trust, entry: u64) -> &'a Trust {
        let before = self.roots.partition_point(|(from, _)| *from < entry);
        before.checked_sub(1).and_then(|i| self.roots.get(i)).map_or_else(|| pinned.first(), |(_, trust)| trust)
    }

    /// The versions under which an entry of the other log may have been signed that was witnessed at this time, newest
    /// first: the two logs are witnessed apart, so around a change both versions may be.
    pub(super) fn trusts_at<'a>(&'a self, pinned: &'a Trust, at: Option<u64>) -> impl Iterator<Item = &'a Trust> {
        let from = |entry: u64| self.witnessed.of(entry);
        let begins = core::iter::once((Some(0), pinned.first()));
        let begins = begins.chain(self.roots.iter().map(move |(entry, trust)| (from(*entry), trust.as_ref())));
        let ends = self.roots.iter().map(move |(entry, _)| from(*entry)).chain([None]);
        let held = begins.zip(ends).filter(move |((begin, trust), end)| {
            let slack = trust.root().freshness_s;
            let after = at.is_none_or(|at| begin.is_some_and(|begin| begin <= at.saturating_add(slack)));
            after && end.is_none_or(|end| at.is_some_and(|at| at < end.saturating_add(slack)))
        });
        held.map(|((_, trust), _)| trust).collect::<Vec<_>>().into_iter().rev()
    }

    /// Takes the next entry of the governance log, its leaf's bytes as they are. A refused one counts as read.
    /// Errors: `order` for an entry out of turn; those of [`Statement::parse`], [`rule::for_log`], [`rule::check`] and
    /// [`State::check`].
    pub fn apply(&mut self, trust: &Trust, entry: u64, leaf: &[u8], witnessed: Option<u64>) -> Result<Verified> {
        self.turn(entry, witnessed)?;
        let statement = Statement::parse(leaf)?;
        rule::for_log(LogName::Governance, statement.verb())?;
        let verified = rule::check(trust, self, &statement)?;
        self.take(trust, entry, &statement, leaf, &verified)?;
        Ok(verified)
    }

    /// Whether this statement may be the next entry: for who writes a log, or is about to sign.
    /// Errors: those of [`rule::check`]; `duplicate` for a statement that the log has; `order`, `context` and the other
    /// errors of the unseal protocol; `key-conflict` for a second key of an epoch; `field` for times or versions that
    /// don't fit; those of the key's kind.
    pub fn check(&self, trust: &Trust, statement: &Statement, now: u64) -> Result<Verified> {
        rule::for_log(LogName::Governance, statement.verb())?;
        let verified = rule::check(trust, self, statement)?;
        need(!self.contains(&statement.pae_hash()), Code::Duplicate)?;
        self.fits(trust, self.next, Some(now), &statement.entry_hash(), &verified)?;
        Ok(verified)
    }

    /// A kept checkpoint of this size was witnessed at this time: for entries that were applied before they had one.
    pub fn mark(&mut self, size: u64, at: u64) {
        self.witnessed.mark(size.min(self.next), at);
    }

    /// Counts an entry as read. Error: `order` when it is not the next one.
    pub(super) fn turn(&mut self, entry: u64, witnessed: Option<u64>) -> Result<()> {
        need(entry == self.next, Code::Order)?;
        self.next = entry.saturating_add(1);
        if let Some(at) = witnessed {
            self.witnessed.mark(self.next, at);
        }
        Ok(())
    }

    /// Takes an entry whose signatures suffice and whose turn it was.
    pub(super) fn take(
        &mut self,
        trust: &Trust,
        entry: u64,
        statement: &Statement,
        leaf: &[u8],
        verified: &Verified,
    ) -> Result<()> {
        need(self.seen.insert(statement.pae_hash()), Code::Duplicate)?;
        let hash = entry_hash(leaf);
        if let Err(error) = self.fits(trust, entry, self.witnessed.of(entry), &hash, verified) {
            let early = error.code() == Code::CoolingOff && verified.verb == Verb::UnsealReleased;
            if early || error.code() == Code::KeyConflict {
                self.put(trust, entry, hash, verified)?;
            }
            return Err(error);
        }
        if verified.verb == Verb::TrustRoot {
            self.roots.push((entry, Arc::new(self.trust(trust).update(statement)?)));
        }
        self.put(trust, entry, hash, verified)
    }

    /// Whether an entry fits what came before; its signatures are checked already.
    fn fits(&self, trust: &Trust, entry: u64, at: Option<u64>, hash: &B32, verified: &Verified) -> Result<()> {
        // A log that goes on after a lost key says so before anything else.
        let held = self.trust(trust).root().version;
        let taken_over = |v: &Trust| v.root().version > held && v.begins().is_some_and(|size| size <= entry);
        need(verified.verb == Verb::TrustRoot || !trust.versions().any(taken_over), Code::Order)?;
        match &verified.body {
            // One that is pinned is the only one of its number.
            Body::TrustRoot(body) => {
                let pinned = trust.version(body.version).map(Trust::statement);
                need(pinned.is_none_or(|statement| statement.entry_hash() == *hash), Code::Trust)
            }
            Body::KeyAnnounced(body) => {
                need(body.not_before < body.not_after, Code::Field)?;
                match body.kind {
                    KeyKind::Token => need(body.key.0.len() == TOKEN_SPKI, Code::Size)?,
                    KeyKind::Intake | KeyKind::Warden => drop(KemPublicKey::from_bytes(&body.key.0)?),
                }
                let taken = self.keys.contains_key(&(body.kind, body.epoch));
                need(!taken && !self.key_ids.contains_key(&body.key_id()), Code::KeyConflict)
            }
            Body::KeyCustody(body) => self.fits_custody(body, at),
            Body::Council(body) => self.fits_council(verified.verb, body),
            Body::CouncilNote(body) if verified.verb == Verb::CouncilRetired => {
                need(self.council(&body.council_id.0)?.retired.is_none(), Code::Duplicate)
            }
            Body::CouncilChecked(body) => {
                let council = &self.council(&body.council_id.0)?.council;
                let current = self.current(council.lineage()).map(|c| c.council.council_id());
                need(current == Some(&body.council_id.0) && body.tree_size <= entry, Code::Order)?;
                Drill::new(council, &body.checkpoint_hash.0)?.check(body.index, &body.partial.0)
            }
            Body::PolicySet(body) => {
                need(body.version == self.policy().map_or(1, |p| p.version.saturating_add(1)), Code::Field)
            }
            Body::UnsealRequested(body) => {
                let logged = self.council(&body.council_id.0)?;
                let council = &logged.council;
                let current = self.current(council.lineage()).map(|c| c.council.council_id());
                need(current == Some(&body.council_id.0), Code::Order)?;
                need(!logged.given_up, Code::NotActive)?;
                need(!self.request_ids.contains(&body.request_id.0), Code::Duplicate)?;
                Request::new(*hash, entry, body.clone(), self.terms(trust, council), at).map(drop)
            }
            body => match request_of(body) {
                Some(asked) => {
                    let request = self.request(asked).ok_or(Code::Context)?;
                    request.check(&self.witnessed, &step(self.trust(trust), entry, at, verified))
                }
                None => Ok(()),
            },
        }
    }

    fn terms(&self, trust: &Trust, council: &Council) -> Terms {
        let root = self.trust(trust).root();
        let (life_s, partial_life_s) = self.policy().map_or((LIFE_S, LIFE_S), |p| (p.request_life_s, p.partial_life_s));
        let (cooling_off_s, deferral_max_s) = (root.cooling_off_s, root.deferral_max_s);
        Terms { t: council.t(), n: council.n(), cooling_off_s, life_s, partial_life_s, deferral_max_s }
    }

    fn put(&mut self, trust: &Trust, entry: u64, hash: B32, verified: &Verified) -> Result<()> {
        match &verified.body {
            Body::KeyAnnounced(body) => self.put_key(trust, entry, body, verified),
            Body::KeyRetired(body) => {
                let place = self.key_ids.get(&body.key_id.0).and_then(|place| self.keys.get_mut(place));
                for key in place.into_iter().flatten().filter(|k| k.id == body.key_id.0) {
                    key.retired.get_or_insert(entry);
                }
            }
            Body::KeyCustody(body) => self.put_custody(entry, body),
            Body::Council(body) => self.put_council(entry, Council::from_body(body)?),
            Body::CouncilNote(body) if verified.verb == Verb::CouncilRetired => {
                if let Some(council) = self.councils.get_mut(&body.council_id.0) {
                    council.retired = Some(entry);
                    council.given_up = body.codes.iter().any(|code| code.as_str() == SEALED_LOST);
                }
            }
            Body::CouncilChecked(body) => {
                if let Some(council) = self.councils.get_mut(&body.council_id.0) {
                    council.checked.insert(body.index, entry);
                }
            }
            Body::PolicySet(body) => self.policy = Some((entry, (**body).clone())),
            Body::UnsealRequested(body) => {
                let terms = self.terms(trust, &self.council(&body.council_id.0)?.council);
                let at = self.witnessed.of(entry);
                self.by_hash.insert(hash, self.requests.len());
                self.request_ids.insert(body.request_id.0);
                self.requests.push(Request::new(hash, entry, body.clone(), terms, at)?);
            }
            body => {
                let at = self.witnessed.of(entry);
                let by_auditor = self.trust(trust).auditor_among(&verified.signers);
                let place = request_of(body).and_then(|asked| self.by_hash.get(asked));
                if let Some(request) = place.and_then(|i| self.requests.get_mut(*i)) {
                    request.take(&Step { entry, at, verb: verified.verb, body, by_auditor });
                }
            }
        }
        Ok(())
    }

    fn put_key(&mut self, trust: &Trust, entry: u64, body: &KeyAnnounced, verified: &Verified) {
        let (id, waived) =
            (body.key_id(), body.kind == KeyKind::Token && self.trust(trust).auditor_among(&verified.signers));
        let key = AnnouncedKey { entry, body: body.clone(), id, waived, retired: None, custody: Custody::default() };
        let place = (body.kind, body.epoch);
        // One public key under two epochs is a conflict of both.
        let earlier = *self.key_ids.entry(id).or_insert(place);
        if earlier != place {
            let first = self.key_by_id(&id).cloned();
            self.keys.entry(earlier).or_default().push(key.clone());
            self.keys.entry(place).or_default().extend(first);
        }
        self.keys.entry(place).or_default().push(key);
    }

    /// Whether the log has a statement with this [`Statement::pae_hash`] whose signatures suffice.
    #[must_use]
    pub fn contains(&self, pae_hash: &B32) -> bool {
        self.seen.contains(pae_hash)
    }

    /// How many entries have been read: the index of the next.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.next
    }

    /// Witnessed times of the entries read.
    #[must_use]
    pub const fn witnessed(&self) -> &Witnessed {
        &self.witnessed
    }

    /// The one key of this kind that counts now: of the highest epoch that is active.
    /// Errors: `key-conflict` when an epoch that would count has two, `not-active` when none does.
    pub fn active_key(&self, trust: &Trust, kind: KeyKind, now: u64) -> Result<&AnnouncedKey> {
        self.active_key_by(trust, kind, now, now)
    }

    /// As [`State::active_key`], for a reader with a clock of its own: delays are measured by `witnessed`, the newest
    /// witnessed time, a key's own dates by `now`. So a clock that is ahead lets no key begin before people could see it, and
    /// while the witnesses are silent keys still follow each other.
    pub fn active_key_by(&self, trust: &Trust, kind: KeyKind, witnessed: u64, now: u64) -> Result<&AnnouncedKey> {
        for slot in self.keys.range((kind, 0)..=(kind, u64::MAX)).rev().map(|(_, slot)| slot) {
            let timely = |key: &AnnouncedKey| (key.body.not_before.0..key.body.not_after.0).contains(&now);
            match slot.as_slice() {
                [key] => {
                    let begun = self.key_counts_from(trust, key).is_some_and(|from| from <= witnessed);
                    if begun && timely(key) && key.retired.is_none() {
                        return Ok(key);
                    }
                }
                several => need(!several.iter().any(timely), Code::KeyConflict)?,
            }
        }
        Err(Code::NotActive.into())
    }

    /// The key of this kind and epoch, active or not. Errors: `not-active` when there is none, `key-conflict`.
    pub fn key(&self, kind: KeyKind, epoch: u64) -> Result<&AnnouncedKey> {
        match self.keys.get(&(kind, epoch)).map(Vec::as_slice) {
            None | Some([]) => Err(Code::NotActive.into()),
            Some([key]) => Ok(key),
            Some(_) => Err(Code::KeyConflict.into()),
        }
    }

    /// First second at which a key counts, its own dates aside; `None` before it is witnessed. The delay is that of the trust
    /// root's version under which it was announced: a later one makes nobody's key count sooner, and puts none off.
    #[must_use]
    pub fn key_counts_from(&self, trust: &Trust, key: &AnnouncedKey) -> Option<u64> {
        let announced_under = self.trust_at(trust, key.entry).root();
        let delay = if key.waived { 0 } else { announced_under.activation_s.of(key.body.kind) };
        Some(self.witnessed.of(key.entry)?.saturating_add(delay))
    }

    /// An announced key by the SHA-256 of its public key, whatever its dates; it may be one of two in conflict.
    #[must_use]
    pub fn key_by_id(&self, id: &B32) -> Option<&AnnouncedKey> {
        self.keys.get(self.key_ids.get(id)?)?.iter().find(|k| k.id == *id)
    }

    /// A token key by its `token_key_id`, whatever its dates. Errors: `token-key` for an unknown or retired one,
    /// `key-conflict`.
    pub fn token_key_by_id(&self, id: &B32) -> Result<&AnnouncedKey> {
        let known = self.key_by_id(id).filter(|k| k.body.kind == KeyKind::Token && k.retired.is_none());
        self.key(KeyKind::Token, known.ok_or(Code::TokenKey)?.body.epoch)
    }

    /// All announced keys, by kind and epoch.
    pub fn keys(&self) -> impl Iterator<Item = &AnnouncedKey> {
        self.keys.values().flatten()
    }

    /// The policy that holds now, if one was ever set.
    #[must_use]
    pub fn policy(&self) -> Option<&PolicySet> {
        self.policy.as_ref().map(|(_, policy)| policy)
    }

    /// A request by the entry hash of its `unseal.requested`.
    #[must_use]
    pub fn request(&self, hash: &B32) -> Option<&Request> {
        self.by_hash.get(hash).and_then(|i| self.requests.get(*i))
    }

    /// All requests, in the order of the log.
    #[must_use]
    pub fn requests(&self) -> &[Request] {
        &self.requests
    }
}

fn step<'a>(trust: &Trust, entry: u64, at: Option<u64>, verified: &'a Verified) -> Step<'a> {
    Step { entry, at, verb: verified.verb, body: &verified.body, by_auditor: trust.auditor_among(&verified.signers) }
}
