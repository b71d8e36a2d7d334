//! Whether a gateway's `GET /v1/keys` says what the log says.
//!
//! The answer is to be what counts at the witnessed time of the checkpoint in its proofs. Who has read the log at least up to
//! there works the same out for himself: not a matter of when one asks, and nothing to be believed.

use tabir_crypto::codec::sha256;
use tabir_crypto::log::tile::Edge;
use tabir_crypto::log::{CosignedCheckpoint, TlogProof};
use tabir_crypto::statement::body::KeyKind;
use tabir_crypto::trust::fresh::{self, Purpose};
use tabir_crypto::trust::root::LogName;
use tabir_crypto::trust::{State, Trust};
use tabir_crypto::{B32, Code, Result};

use crate::api::gateway::Keys;
use crate::client::log_reader::Growth;
use crate::client::log_source::ReadError;
use crate::ledger;

/// Checks an answer against the whole log, which was read after it. `now` is the reader's clock.
/// Errors, each naming the kind that it is about: `inclusion` (no proof that the entry is in the log), `context` (not what
/// the entry says, or proofs for several checkpoints), `shrunk` (the log shows less than the gateway has seen), `consistency`
/// (another history), `stale`, `key-conflict` (two of a kind), `not-active` (not the one that counts, or one that counts is
/// not shown); those of the proofs.
pub fn check(trust: &Trust, log: &Growth, shown: &Keys, now: u64) -> std::result::Result<(), ReadError> {
    let refused = |what: &str| {
        let what = format!("keys: {what}");
        move |source| ReadError::Refused { what, source }
    };
    let mut at: Option<CosignedCheckpoint> = None;
    for (what, index, entry, proof) in entries(shown) {
        let covers = proven(trust, index, entry, proof).map_err(refused(what))?;
        if at.as_ref().is_some_and(|at| *at != covers) || covers.head().size != shown.tree_size {
            return Err(refused(what)(Code::Context.into()));
        }
        at = Some(covers);
    }
    // What shows nothing is judged by what there is now.
    let at = at.unwrap_or_else(|| log.checkpoint.clone());
    fresh::check(trust, Purpose::Binding, at.witnessed_time(), now).map_err(refused("checkpoint"))?;
    let state = replay(trust, log, &at).map_err(refused("checkpoint"))?;
    for kind in KeyKind::ALL {
        is_key(trust, &state, (kind, at.witnessed_time()), shown).map_err(refused(kind.as_str()))?;
    }
    is_council(trust, &state, at.witnessed_time(), shown).map_err(refused("council"))
}

fn entries(shown: &Keys) -> impl Iterator<Item = (&'static str, u64, &[u8], &[u8])> {
    let keys = shown.keys.iter().map(|k| (k.kind.as_str(), k.index, k.entry.0.as_slice(), k.proof.0.as_slice()));
    keys.chain(shown.council.iter().map(|c| ("council", c.index, c.entry.0.as_slice(), c.proof.0.as_slice())))
}

fn proven(trust: &Trust, index: u64, entry: &[u8], proof: &[u8]) -> Result<CosignedCheckpoint> {
    let (log, witnesses) = ledger::verifiers(trust, LogName::Governance)?;
    let proof = TlogProof::parse(proof)?;
    if proof.index() != index {
        return Err(Code::Inclusion.into());
    }
    proof.verify(entry, &log, &witnesses)
}

/// The log as it was at a checkpoint, which must be of the history that was read.
fn replay(trust: &Trust, log: &Growth, at: &CosignedCheckpoint) -> Result<State> {
    if at.head().size > log.checkpoint.head().size {
        return Err(Code::Shrunk.into());
    }
    let mut edge = Edge::load(0, |_| Err(Code::Tile.into()))?;
    let mut state = State::new();
    for entry in log.entries.iter().take_while(|e| e.index < at.head().size) {
        edge.push(&entry.leaf)?;
        // A refused entry changes nothing, for whoever reads it.
        let _ = state.apply(trust, entry.index, &entry.leaf, Some(entry.witnessed_time));
    }
    if edge.head() == at.head() { Ok(state) } else { Err(Code::Consistency.into()) }
}

fn is_key(trust: &Trust, state: &State, (kind, time): (KeyKind, u64), shown: &Keys) -> Result<()> {
    let mut all = shown.keys.iter().filter(|k| k.kind == kind);
    let (shown, further) = (all.next(), all.next());
    if further.is_some() {
        return Err(Code::KeyConflict.into());
    }
    let counts = state.active_key(trust, kind, time).ok();
    same(counts.map(|k| k.entry), shown.map(|k| k.index))?;
    let fits = counts.zip(shown).is_none_or(|(c, s)| c.id == sha256(&s.key.0) && c.body.epoch == s.epoch);
    if fits { Ok(()) } else { Err(Code::Context.into()) }
}

fn is_council(trust: &Trust, state: &State, time: u64, shown: &Keys) -> Result<()> {
    let counts = state.active_council(trust, time).ok();
    same(counts.map(|c| c.entry), shown.council.as_ref().map(|c| c.index))?;
    let ids: Option<(&B32, &B32)> =
        counts.map(|c| c.council.council_id()).zip(shown.council.as_ref().map(|c| &c.council_id.0));
    if ids.is_none_or(|(counts, shown)| counts == shown) { Ok(()) } else { Err(Code::Context.into()) }
}

fn same(counts: Option<u64>, shown: Option<u64>) -> Result<()> {
    if counts == shown { Ok(()) } else { Err(Code::NotActive.into()) }
}
