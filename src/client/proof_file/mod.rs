//! One file with which anybody checks offline what a log says, with the trust root alone. `kind` says what it shows:
//!
//! ```text
//! {"v":1,"kind":"entry","log":"intake","entry":7,"trust":[…],"governance":{…},"intake":{…}}      one entry
//! {"v":1,"kind":"opening","request":"…","trust":[…],"governance":{…}}             a request with all that came of it
//! {"v":1,"kind":"drop","r":"…","nf":"…","acceptance":{…},"trust":[…],"governance":{…},"intake":{…}}    what became of a report
//!
//! trust   every version of the trust root that its maker knew, oldest first; believed only as far as the pinned one reaches
//! part    {"checkpoint":"note","entries":[{"index":n,"entry":{DSSE},"proof":"C2SP tlog-proof"}]}
//! ```
//! `jq -cj .governance.entries[0].entry` gives the leaf's very bytes, `jq -j` of `proof` a `.tlog-proof` file: any C2SP
//! tool checks them. A further kind is a variant of [`ProofFile`] and a module with its `check`.
//!
//! Not covered: what is not in the file. It is not denied by it; only the whole log shows that nothing else happened.

pub mod drop;
pub mod entry;
pub mod make;
pub mod opening;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tabir_crypto::statement::{Body, Statement};
use tabir_crypto::trust::Trust;
use tabir_crypto::trust::root::LogName;
use tabir_crypto::{Code, Result, json};

use super::log_reader::Entry;
use super::log_source::ReadError;
use super::opening::carried::{self, Item, Proven, refused};
use crate::ledger;

/// The longest file: a thousand of the longest statements with their proofs is less.
pub const MAX_FILE: u64 = 128 << 20;

/// What a file shows, by its `kind`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum ProofFile {
    /// That an entry stands in a log.
    Entry(Box<entry::File>),
    /// A request to open an identity, with all that came of it.
    Opening(Box<opening::File>),
    /// What became of one report.
    Drop(Box<drop::File>),
}

/// All kinds, as they stand in the file.
const KINDS: [&str; 3] = ["entry", "opening", "drop"];

impl ProofFile {
    /// Reads a file; nothing in it is checked but its form. Errors: `field` for a kind that is not one of these, those of
    /// [`json::from_slice`].
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let value = json::parse(bytes)?;
        let kind = value.get("kind").and_then(|kind| kind.as_str());
        if !kind.is_some_and(|kind| KINDS.contains(&kind)) {
            return Err(Code::Version.into());
        }
        json::from_value(&value)
    }

    /// The file's bytes. Error: `json`.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let mut bytes = json::to_vec(self)?;
        bytes.push(b'\n');
        Ok(bytes)
    }
}

/// Entries of one log, each with its proof.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// The newest checkpoint when the file was made: until when it speaks. A note with its cosignatures.
    pub checkpoint: String,
    /// Rising by their numbers.
    pub entries: Vec<Carried>,
}

/// One entry with its proof.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Carried {
    /// Its number, from 0.
    pub index: u64,
    /// As it stands in the log.
    pub entry: Statement,
    /// C2SP tlog-proof, with the first kept checkpoint that covers it.
    pub proof: String,
}

/// A part whose every proof was verified.
pub struct Proved {
    /// Its entries, rising, with their witnessed times.
    pub entries: Vec<Entry>,
    /// How many entries the log had.
    pub size: u64,
    /// Unix seconds: the witnessed time of its newest checkpoint.
    pub witnessed: u64,
}

/// Checks that each entry stands under its number in a checkpoint that the log signed and a quorum of witnesses cosigned,
/// under some version of the trust root. Errors: those of the checkpoint and of [`Proven::take`], by log and number.
pub fn check_part(trust: &Trust, log: LogName, part: &Part) -> core::result::Result<Proved, ReadError> {
    let by = ledger::all_verifiers(trust, log).map_err(refused("trust"))?;
    let newest = carried::newest(part.checkpoint.as_bytes(), &by);
    let newest = newest.map_err(refused(format!("{}: checkpoint", log.as_str())))?;
    let mut proven = Proven::new(&by, newest.head());
    for Carried { index, entry, proof } in &part.entries {
        let item = Item { index: *index, leaf: entry.to_bytes(), proof: proof.clone().into_bytes() };
        proven.take(item).map_err(refused(place(log, *index)))?;
    }
    Ok(Proved { entries: proven.entries(), size: newest.head().size, witnessed: newest.witnessed_time() })
}

/// An entry's name: `governance:12`.
#[must_use]
pub fn place(log: LogName, index: u64) -> String {
    format!("{}:{index}", log.as_str())
}

/// The pinned trust root with the versions that a file carries: those before it, which it names by their hashes, and those
/// after it, which the quorum of each allowed. Errors: `trust` for another one of a pinned number, or one that does not
/// follow; those of [`Trust::chain`].
pub fn judged_by(pinned: &Trust, carried: &[Statement]) -> Result<Trust> {
    let mut versions = BTreeMap::new();
    for statement in carried {
        let Body::TrustRoot(root) = statement.body()? else { return Err(Code::Verb.into()) };
        versions.insert(root.version, statement.clone());
    }
    for known in pinned.versions() {
        let other = versions.insert(known.root().version, known.statement().clone());
        if other.is_some_and(|other| other != *known.statement()) {
            return Err(Code::Trust.into());
        }
    }
    Trust::chain(versions.values())
}
