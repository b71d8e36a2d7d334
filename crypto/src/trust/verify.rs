//! A trust root whose checks have passed, and the one way to a newer one.
//!
//! ```text
//! trust.json (statement trust.root) --pinned--> Trust v --update(next)--> Trust v + 1
//!      its auditors' quorum                        |  previous = SHA-256 of the whole statement v
//!                                                  |  quorum of v and quorum of v + 1
//! ```
//! Each version keeps those before it: what was signed under an earlier one is judged by that one, and a log is read from
//! entry 0. As in The Update Framework (section 5.3.4), a new version carries both quorums: the old one allows it, the new one
//! shows that its keys are in somebody's hands. So any version can be pinned by itself, and a mistyped auditor's key
//! can't lock everybody out. Nothing that is fetched changes a trust root in any other way.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::root::{LogKey, LogName, TrustRoot};
use crate::codec::{B32, sha256};
use crate::ed25519::VerifyingKey;
use crate::error::{Code, Result, need};
use crate::log::TreeHead;
use crate::statement::body::Role;
use crate::statement::value::Hex;
use crate::statement::{Body, Statement, Verb};

/// Whose key it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Signer {
    /// A role's identity.
    Role(Role),
    /// An auditor, by place in the trust root, from 0.
    Auditor(usize),
}

/// A trust root that is sound in itself and signed by its auditors' quorum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trust {
    root: TrustRoot,
    statement: Statement,
    hash: B32,
    identities: [VerifyingKey; Role::ALL.len()],
    auditors: Vec<VerifyingKey>,
    logs: [LogKey; LogName::ALL.len()],
    before: Option<Arc<Trust>>,
}

impl Trust {
    /// Reads a trust root that the caller pins: compiled in, or named by a person. Nothing fetched may come this way.
    /// Errors: `verb`, `trust` when it contradicts itself, `unknown-key` in a first version, `signatures`,
    /// `insufficient-signatures`, those of [`VerifyingKey`].
    pub fn pinned(statement: &Statement) -> Result<Self> {
        let trust = Self::read(statement)?;
        match trust.root.previous {
            None => trust.signed(statement, &[])?,
            // Beside its own auditors' stand signatures of those who allowed it, whose keys only the version before has.
            Some(_) => trust.signed(&statement.only_by(&trust.auditors), &[])?,
        }
        Ok(trust)
    }

    /// Takes the version that follows. Errors: as [`Trust::pinned`], and `trust` when it is not the next version of
    /// this very trust root.
    pub fn update(&self, next: &Statement) -> Result<Self> {
        let mut new = Self::read(next)?;
        need(new.root.version == self.root.version + 1, Code::Trust)?;
        need(new.root.previous.is_some_and(|hash| hash.0 == self.hash), Code::Trust)?;
        // A demo never grows into something real, nor the other way round.
        need(new.root.demo == self.root.demo, Code::Trust)?;
        LogName::ALL.into_iter().try_for_each(|name| self.hands_over(name, &new))?;
        new.signed(next, &self.auditors)?;
        self.signed(next, &new.auditors)?;
        new.before = Some(Arc::new(self.clone()));
        Ok(new)
    }

    /// A trust root with all that came before it, oldest first. Errors: as [`Trust::pinned`] for the first and
    /// [`Trust::update`] for the others; `trust` for none.
    pub fn chain<'a>(statements: impl IntoIterator<Item = &'a Statement>) -> Result<Self> {
        let mut statements = statements.into_iter();
        let first = Self::pinned(statements.next().ok_or(Code::Trust)?)?;
        statements.try_fold(first, |trust, next| trust.update(next))
    }

    /// This version and those before it that are known, newest first.
    pub fn versions(&self) -> impl Iterator<Item = &Self> {
        core::iter::successors(Some(self), |trust| trust.before.as_deref())
    }

    /// The oldest version that is known.
    #[must_use]
    pub fn first(&self) -> &Self {
        self.versions().last().unwrap_or(self)
    }

    /// A version, if it is known.
    #[must_use]
    pub fn version(&self, version: u64) -> Option<&Self> {
        self.versions().find(|trust| trust.root.version == version)
    }

    /// The next version, unsigned: the same but for what is changed, with its number and what it follows. Errors: `trust`
    /// when it contradicts itself, `json`, those of [`VerifyingKey`].
    pub fn next(&self, change: impl FnOnce(&mut TrustRoot)) -> Result<Statement> {
        let mut root = self.root.clone();
        change(&mut root);
        (root.version, root.demo) = (self.root.version.saturating_add(1), self.root.demo);
        root.previous = Some(Hex(self.hash));
        let statement = Statement::new(Verb::TrustRoot, &root)?;
        Self::sound(root, &statement)?;
        Ok(statement)
    }

    /// A log stays as it is; or another origin *and* another key go on with its tree from a head that is named. An origin or
    /// key that was given up never comes back: what was signed under it may lie.
    fn hands_over(&self, name: LogName, new: &Self) -> Result<()> {
        let (old, next) = (self.log(name), new.log(name));
        if old == next {
            return Ok(());
        }
        let ended = old.follows.map_or(0, |before| before.size);
        need(next.follows.is_some_and(|last| last.size >= ended), Code::Trust)?;
        let used = |log: &LogKey| log.origin == next.origin || key_of(log.vkey.as_str()) == key_of(next.vkey.as_str());
        need(!self.versions().flat_map(|trust| &trust.logs).any(used), Code::Trust)
    }

    /// Logs of this name that ended, newest first: each with the head at which its successor took over.
    pub fn ended(&self, name: LogName) -> impl Iterator<Item = (&LogKey, TreeHead)> {
        let pairs = self.versions().zip(self.versions().skip(1));
        pairs.filter_map(move |(after, before)| {
            let (next, old) = (after.log(name), before.log(name));
            (next != old).then_some((old, next.follows?.head()))
        })
    }

    /// The size from which on the governance log may hold nothing but versions of the trust root, until it has this one: it
    /// goes on after a lost key by saying so. `None` for a version that changes no log, or whose predecessor is not known.
    pub(super) fn begins(&self) -> Option<u64> {
        let (next, old) = (self.log(LogName::Governance), self.before.as_ref()?.log(LogName::Governance));
        (next != old).then_some(next.follows?.size)
    }

    fn read(statement: &Statement) -> Result<Self> {
        let Body::TrustRoot(root) = statement.body()? else { return Err(Code::Verb.into()) };
        Self::sound(*root, statement)
    }

    fn sound(root: TrustRoot, statement: &Statement) -> Result<Self> {
        need(root.version >= 1 && (root.version == 1) == root.previous.is_none(), Code::Trust)?;
        let identity = |role: Role| {
            let key = root.identities.get(&role).ok_or(Code::Trust)?;
            VerifyingKey::from_bytes(&key.0)
        };
        let [issuer, gateway, forwarder, council, log, warden] = Role::ALL.map(identity);
        let identities = [issuer?, gateway?, forwarder?, council?, log?, warden?];
        let auditors = root.auditors.iter().map(|k| VerifyingKey::from_bytes(&k.0)).collect::<Result<Vec<_>>>()?;
        // One key, one hat: whoever holds two could sign for both sides of a check.
        let distinct: BTreeSet<_> = identities.iter().chain(&auditors).collect();
        need(distinct.len() == identities.len() + auditors.len(), Code::Trust)?;
        need(within(root.auditor_quorum, 1, auditors.len()), Code::Trust)?;

        let [governance, intake] = root.logs.as_slice() else { return Err(Code::Trust.into()) };
        need(governance.name == LogName::Governance && intake.name == LogName::Intake, Code::Trust)?;
        need(governance.origin != intake.origin, Code::Trust)?;
        // What began with the installation follows nothing.
        need(root.version > 1 || root.logs.iter().all(|log| log.follows.is_none()), Code::Trust)?;
        let logs = [governance.clone(), intake.clone()];
        let vkeys = logs.iter().map(|log| &log.vkey).chain(&root.witnesses);
        let keys = vkeys.map(|vkey| key_of(vkey.as_str())).collect::<Option<BTreeSet<_>>>().ok_or(Code::Trust)?;
        need(keys.len() == logs.len() + root.witnesses.len(), Code::Trust)?;
        // Two quorums must share a witness, or a log could show two groups two histories.
        let n = root.witnesses.len();
        need(within(root.witness_quorum, n / 2 + 1, n), Code::Trust)?;
        let hash = sha256(&statement.to_bytes());
        Ok(Self { root, statement: statement.clone(), hash, identities, auditors, logs, before: None })
    }

    fn signed(&self, statement: &Statement, others: &[VerifyingKey]) -> Result<()> {
        let keys: Vec<_> = self.auditors.iter().chain(others).copied().collect();
        let verified = statement.verify(&keys)?;
        let ours = self.auditors.iter().filter(|k| verified.signers.contains(&k.key_id())).count();
        need(ours >= self.auditor_quorum(), Code::Insufficient)
    }

    /// What it says.
    #[must_use]
    pub const fn root(&self) -> &TrustRoot {
        &self.root
    }

    /// The whole statement, with its signatures.
    #[must_use]
    pub const fn statement(&self) -> &Statement {
        &self.statement
    }

    /// SHA-256 of the whole statement: what the next version names as `previous`.
    #[must_use]
    pub const fn hash(&self) -> &B32 {
        &self.hash
    }

    /// The identity of a role.
    #[must_use]
    pub const fn identity(&self, role: Role) -> &VerifyingKey {
        let [issuer, gateway, forwarder, council, log, warden] = &self.identities;
        match role {
            Role::Issuer => issuer,
            Role::Gateway => gateway,
            Role::Forwarder => forwarder,
            Role::Council => council,
            Role::Log => log,
            Role::Warden => warden,
        }
    }

    /// All identities, in the order of [`Role::ALL`].
    #[must_use]
    pub const fn identities(&self) -> &[VerifyingKey] {
        &self.identities
    }

    /// The auditors' keys, in the trust root's order.
    #[must_use]
    pub fn auditors(&self) -> &[VerifyingKey] {
        &self.auditors
    }

    /// How many auditors make a quorum.
    #[must_use]
    pub fn auditor_quorum(&self) -> usize {
        usize::try_from(self.root.auditor_quorum).unwrap_or(usize::MAX)
    }

    /// Whose key has this id; `None` for a stranger.
    #[must_use]
    pub fn signer(&self, key_id: &B32) -> Option<Signer> {
        let role = Role::ALL.into_iter().find(|role| self.identity(*role).key_id() == *key_id);
        let auditor = || self.auditors.iter().position(|k| k.key_id() == *key_id).map(Signer::Auditor);
        role.map(Signer::Role).or_else(auditor)
    }

    /// Whether one of these key ids is an auditor's.
    #[must_use]
    pub fn auditor_among(&self, key_ids: &[B32]) -> bool {
        key_ids.iter().any(|id| matches!(self.signer(id), Some(Signer::Auditor(_))))
    }

    /// Origin and verifier key of a log.
    #[must_use]
    pub const fn log(&self, name: LogName) -> &LogKey {
        let [governance, intake] = &self.logs;
        match name {
            LogName::Governance => governance,
            LogName::Intake => intake,
        }
    }
}

fn within(quorum: u64, least: usize, most: usize) -> bool {
    usize::try_from(quorum).is_ok_and(|q| (least..=most).contains(&q))
}

/// The key part of a C2SP verifier key, `<name>+<key id>+<base64>`: two names for one key are one witness.
fn key_of(vkey: &str) -> Option<&str> {
    let mut parts = vkey.splitn(3, '+');
    let (_name, _id) = (parts.next()?, parts.next()?);
    parts.next()
}
