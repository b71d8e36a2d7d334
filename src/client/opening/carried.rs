//! Entries of a log that travel outside of it, each with the proof that witnesses have seen it there: what the folder of
//! proofs and the proof file have in common.
//!
//! ```text
//! entry + tlog-proof, each ──> one tree a size, none larger than the newest checkpoint ──> replay with gaps
//! ```
//! Beside what is to be shown travels what it stands on: the versions of the trust root, policies and councils before
//! it, since they say who may sign and what the codes mean. What was left out changes nothing in the replay, so that it
//! shows what is there, and never that nothing else is.

use std::collections::{BTreeMap, BTreeSet};

use tabir_crypto::log::{CosignedCheckpoint, LogVerifier, TlogProof, TreeHead, Witnesses, leaf_hash};
use tabir_crypto::statement::{Statement, Verb};
use tabir_crypto::trust::{State, Trust};
use tabir_crypto::{B32, Code, Error, Result};

use crate::client::log_reader::{Entry, Growth, by_any};
use crate::client::log_source::ReadError;

/// The highest number of an entry: far more than a governance log has, and few enough to step over.
pub const MAX_ENTRY: u64 = 1 << 24;

/// By whom a log's checkpoints may be signed and cosigned: one a version of the trust root, newest first.
pub type By<'a> = &'a [(LogVerifier, Witnesses)];

/// An entry with its proof, unchecked.
pub struct Item {
    /// The number that it is said to have.
    pub index: u64,
    /// The statement's bytes.
    pub leaf: Vec<u8>,
    /// C2SP tlog-proof.
    pub proof: Vec<u8>,
}

pub(crate) fn refused(what: impl ToString) -> impl FnOnce(Error) -> ReadError {
    move |source| ReadError::Refused { what: what.to_string(), source }
}

/// The newest checkpoint: until when all this speaks. Error: those of [`CosignedCheckpoint::open`].
pub fn newest(note: &[u8], by: By<'_>) -> Result<CosignedCheckpoint> {
    by_any(by, |log, witnesses| CosignedCheckpoint::open(note, log, witnesses))
}

/// The proof of an entry, for whom the whole log is here: in the first kept checkpoint that covers it, so that its
/// witnessed time is proven too. Errors: those of [`TlogProof::make`].
pub fn prove(log: &Growth, index: u64) -> Result<TlogProof> {
    let hashes: Vec<B32> = log.entries.iter().map(|e| e.hash).collect();
    let covers = log.kept.iter().find(|k| k.head().size > index).unwrap_or(&log.checkpoint);
    TlogProof::make(index, &hashes, covers.signed())
}

/// The wanted entries, and what they stand on. Those that are wanted need not have counted: a lie is shown as well.
pub fn select<'a>(trust: &Trust, log: &'a Growth, wanted: &BTreeSet<u64>) -> Vec<&'a Entry> {
    let last = wanted.last().copied().unwrap_or(0);
    let mut state = State::new();
    let is_wanted = |entry: &&Entry| {
        let taken = state.apply(trust, entry.index, &entry.leaf, Some(entry.witnessed_time));
        wanted.contains(&entry.index) || (entry.index < last && taken.is_ok_and(|v| is_ground(v.verb)))
    };
    log.entries.iter().filter(is_wanted).collect()
}

const fn is_ground(verb: Verb) -> bool {
    let councils = matches!(verb, Verb::CouncilFormed | Verb::CouncilRefreshed | Verb::CouncilReshared);
    councils || matches!(verb, Verb::TrustRoot | Verb::PolicySet)
}

/// Entries whose proofs were checked one by one.
pub struct Proven<'a> {
    by: By<'a>,
    head: TreeHead,
    roots: BTreeMap<u64, B32>,
    entries: Vec<Entry>,
}

impl<'a> Proven<'a> {
    /// None yet, of a log with this newest head.
    #[must_use]
    pub fn new(by: By<'a>, head: TreeHead) -> Self {
        Self { by, head, roots: BTreeMap::from([(head.size, head.root)]), entries: Vec::new() }
    }

    /// Takes the next entry: its number above that of the last. Errors: `order`, those of [`TlogProof::parse`] and
    /// [`TlogProof::verify`], `inclusion` for another number, or a tree that is larger than the newest, `consistency`.
    pub fn take(&mut self, item: Item) -> Result<()> {
        let Item { index, leaf, proof } = item;
        if self.entries.last().is_some_and(|last| last.index >= index) {
            return Err(Code::Order.into());
        }
        let proof = TlogProof::parse(&proof)?;
        let covers = by_any(self.by, |log, witnesses| proof.verify(&leaf, log, witnesses))?;
        let (size, root) = (covers.head().size, covers.head().root);
        if proof.index() != index || index > MAX_ENTRY || size > self.head.size {
            return Err(Code::Inclusion.into());
        }
        // Two trees of one size are two histories.
        if *self.roots.entry(size).or_insert(root) != root {
            return Err(Code::Consistency.into());
        }
        let (hash, witnessed_time) = (leaf_hash(&leaf), covers.witnessed_time());
        self.entries.push(Entry { index, leaf, hash, witnessed_time });
        Ok(())
    }

    /// The entries, rising by their numbers.
    #[must_use]
    pub fn entries(self) -> Vec<Entry> {
        self.entries
    }
}

/// Replays entries with gaps: what is not here counts as read and changes nothing. Error: of the first entry that its rule
/// or its order refuses, with its number.
pub fn replay(trust: &Trust, entries: &[Entry]) -> core::result::Result<State, (u64, Error)> {
    let mut state = State::new();
    for entry in entries {
        take(trust, &mut state, entry).map_err(|error| (entry.index, error))?;
    }
    Ok(state)
}

/// Takes the next entry of such a replay. Errors: those of [`State::apply`].
pub fn take(trust: &Trust, state: &mut State, entry: &Entry) -> Result<()> {
    while state.size() < entry.index {
        // Nothing is refused as a statement that nobody can read.
        let _ = state.apply(trust, state.size(), &[], None);
    }
    match state.apply(trust, entry.index, &entry.leaf, Some(entry.witnessed_time)) {
        Ok(_) => Ok(()),
        // A release that came too early happened all the same, and is told as what it is.
        Err(error) if error.code() == Code::CoolingOff && is_release(&entry.leaf) => Ok(()),
        Err(error) => Err(error),
    }
}

fn is_release(leaf: &[u8]) -> bool {
    Statement::parse(leaf).is_ok_and(|s| s.verb() == Verb::UnsealReleased)
}
