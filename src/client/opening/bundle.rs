//! A folder that shows openings to anybody: the entries, and for each the proof that witnesses have seen it in the log.
//! It is checked with the trust root alone; nothing is fetched.
//!
//! ```text
//! 00000017.json          an entry as it stands in the log: a DSSE statement
//! 00000017.tlog-proof    C2SP: its number, its path, the first kept checkpoint that covers it, with cosignatures
//! checkpoint             the newest checkpoint when the folder was made: until when it speaks
//! notice-key             only if its owner wants to show that all this is about her case: 64 hex digits
//! README.txt             for people; says nothing that is checked
//! ```
//! Beside the steps it has the policies and councils before them, since they say who may sign and what the codes mean.
//! It proves what is in it. That nothing else happened, only the whole log shows.

use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use tabir_crypto::codec::unhex;
use tabir_crypto::log::{CosignedCheckpoint, LogVerifier, TlogProof, TreeHead, Witnesses, leaf_hash};
use tabir_crypto::statement::{Statement, Verb};
use tabir_crypto::trust::root::LogName;
use tabir_crypto::trust::{State, Trust};
use tabir_crypto::{B32, Code, Error, Secret};

use super::{Opening, Seen, find, tell};
use crate::client::log_reader::{Entry, Growth, by_any};
use crate::client::log_source::ReadError;
use crate::ledger;

const ENTRY: &str = ".json";
const PROOF: &str = ".tlog-proof";
const CHECKPOINT: &str = "checkpoint";
const NOTICE_KEY: &str = "notice-key";
const README: &str = "README.txt";
/// The highest number of an entry: far more than a governance log has, and few enough to step over.
const MAX_ENTRY: u64 = 1 << 24;

/// A folder whose every part was verified.
pub struct Checked {
    /// Its entries, with their witnessed times.
    pub entries: Vec<Entry>,
    /// The newest checkpoint: until when it speaks.
    pub head: TreeHead,
    /// Unix seconds: its witnessed time.
    pub witnessed: u64,
    /// The openings, in the order of the log.
    pub openings: Vec<Opening>,
    /// The replay of its entries: councils, policies, requests.
    pub state: State,
    /// A notice key is in it, and all of its openings are about the case of that key.
    pub one_case: bool,
}

fn refused(what: impl ToString) -> impl FnOnce(Error) -> ReadError {
    move |source| ReadError::Refused { what: what.to_string(), source }
}

fn file_error(path: &Path) -> impl FnOnce(std::io::Error) -> ReadError {
    move |source| ReadError::File { path: path.to_owned(), source }
}

fn name(index: u64, kind: &str) -> String {
    format!("{index:08}{kind}")
}

/// Writes the openings into a new folder, which only its owner may read, and checks what stands there. Errors: a folder
/// that is there already, those of [`check`].
pub fn write(
    dir: &Path,
    trust: &Trust,
    log: &Growth,
    openings: &[Opening],
    notice_key: Option<&Secret<String>>,
    readme: &str,
) -> Result<Checked, ReadError> {
    let hashes: Vec<B32> = log.entries.iter().map(|e| e.hash).collect();
    let mut files = BTreeMap::new();
    for entry in select(trust, log, openings) {
        let covers = log.kept.iter().find(|k| k.head().size > entry.index).unwrap_or(&log.checkpoint);
        let proof = TlogProof::make(entry.index, &hashes, covers.signed()).map_err(refused(entry.index))?;
        files.insert(name(entry.index, ENTRY), entry.leaf.clone());
        files.insert(name(entry.index, PROOF), proof.to_bytes());
    }
    files.insert(CHECKPOINT.into(), log.checkpoint.signed().to_bytes());
    files.insert(README.into(), readme.as_bytes().to_vec());
    std::fs::DirBuilder::new().mode(0o700).create(dir).map_err(file_error(dir))?;
    let key = notice_key.map(|key| (NOTICE_KEY, key.expose().as_bytes()));
    for (file, bytes) in files.iter().map(|(f, b)| (f.as_str(), b.as_slice())).chain(key) {
        let path = dir.join(file);
        crate::config::keys::write_private(&path, bytes).map_err(|e| file_error(&path)(std::io::Error::other(e)))?;
    }
    check(dir, trust)
}

/// The steps, and the versions of the trust root, policies and councils before the last of them that counted.
fn select<'a>(trust: &Trust, log: &'a Growth, openings: &[Opening]) -> Vec<&'a Entry> {
    let steps: BTreeSet<u64> = openings.iter().flat_map(|o| &o.steps).map(|s| s.entry).collect();
    let last = steps.last().copied().unwrap_or(0);
    let mut state = State::new();
    let ground = |verb| {
        let councils = matches!(verb, Verb::CouncilFormed | Verb::CouncilRefreshed | Verb::CouncilReshared);
        councils || matches!(verb, Verb::TrustRoot | Verb::PolicySet)
    };
    let wanted = |entry: &&Entry| {
        let taken = state.apply(trust, entry.index, &entry.leaf, Some(entry.witnessed_time));
        steps.contains(&entry.index) || (entry.index < last && taken.is_ok_and(|v| ground(v.verb)))
    };
    log.entries.iter().filter(wanted).collect()
}

/// Checks every part of a folder: each entry stands under its number in a checkpoint that the log signed and a quorum of
/// witnesses cosigned, is signed by those who must, and follows from those before it; and the notice key, if there is
/// one, is that of every request. Errors: with the file's name and a code, or the file that is missing.
pub fn check(dir: &Path, trust: &Trust) -> Result<Checked, ReadError> {
    let by = ledger::all_verifiers(trust, LogName::Governance).map_err(refused("trust"))?;
    let note = read(dir, CHECKPOINT)?;
    let newest = by_any(&by, |log, witnesses| CosignedCheckpoint::open(&note, log, witnesses));
    let newest = newest.map_err(refused(CHECKPOINT))?;
    let head = newest.head();
    let entries = entries(dir, head, &by)?;
    let state = replay(trust, &entries)?;
    if state.requests().is_empty() {
        return Err(ReadError::Missing("unseal.requested".into()));
    }
    let witnessed = newest.witnessed_time();
    let seen = Seen { trust, state: &state, entries: &entries, whole: false, now: witnessed };
    let told = seen.state.requests().iter().map(|request| tell(&seen, request));
    let openings = told.collect::<Result<Vec<_>, _>>().map_err(refused(dir.display()))?;
    let one_case = match read(dir, NOTICE_KEY) {
        Err(ReadError::Missing(_)) => false,
        Err(error) => return Err(error),
        Ok(bytes) => {
            let text = std::str::from_utf8(&bytes).map_err(|_| refused(NOTICE_KEY)(Code::Utf8.into()))?;
            let key: B32 = unhex(text).map_err(refused(NOTICE_KEY))?;
            let hers = find(&seen, &key).map_err(refused(NOTICE_KEY))?;
            if hers.len() != openings.len() {
                return Err(refused(NOTICE_KEY)(Code::Context.into()));
            }
            true
        }
    };
    Ok(Checked { entries, head, witnessed, openings, state, one_case })
}

fn read(dir: &Path, file: &str) -> Result<Vec<u8>, ReadError> {
    let path = dir.join(file);
    std::fs::read(&path).map_err(|source| match source.kind() {
        ErrorKind::NotFound => ReadError::Missing(path.display().to_string()),
        _ => ReadError::File { path, source },
    })
}

/// The numbers for which there is an entry or a proof. A file that nothing vouches for is refused: whoever looks into the
/// folder would take it for a part.
fn numbers(dir: &Path) -> Result<BTreeSet<u64>, ReadError> {
    let mut numbers = BTreeSet::new();
    for file in std::fs::read_dir(dir).map_err(file_error(dir))? {
        let path: PathBuf = file.map_err(file_error(dir))?.path();
        let file = path.file_name().and_then(|f| f.to_str()).unwrap_or_default();
        if [CHECKPOINT, NOTICE_KEY, README].contains(&file) {
            continue;
        }
        let stem = file.strip_suffix(ENTRY).or_else(|| file.strip_suffix(PROOF));
        let index = stem.and_then(|s| s.parse::<u64>().ok().filter(|index| name(*index, "") == s));
        numbers.insert(index.ok_or_else(|| refused(path.display())(Code::UnknownField.into()))?);
    }
    Ok(numbers)
}

fn entries(dir: &Path, head: TreeHead, by: &[(LogVerifier, Witnesses)]) -> Result<Vec<Entry>, ReadError> {
    let mut roots = BTreeMap::from([(head.size, head.root)]);
    let mut entries = Vec::new();
    for index in numbers(dir)? {
        let file = name(index, PROOF);
        let (leaf, bytes) = (read(dir, &name(index, ENTRY))?, read(dir, &file)?);
        let proof = TlogProof::parse(&bytes).map_err(refused(&file))?;
        let covers = by_any(by, |log, witnesses| proof.verify(&leaf, log, witnesses)).map_err(refused(&file))?;
        let (size, root) = (covers.head().size, covers.head().root);
        if proof.index() != index || index > MAX_ENTRY || size > head.size {
            return Err(refused(&file)(Code::Inclusion.into()));
        }
        // Two trees of one size are two histories.
        if *roots.entry(size).or_insert(root) != root {
            return Err(refused(&file)(Code::Consistency.into()));
        }
        let (hash, witnessed_time) = (leaf_hash(&leaf), covers.witnessed_time());
        entries.push(Entry { index, leaf, hash, witnessed_time });
    }
    Ok(entries)
}

/// Replays entries with gaps: what is not here counts as read and changes nothing.
fn replay(trust: &Trust, entries: &[Entry]) -> Result<State, ReadError> {
    let mut state = State::new();
    for entry in entries {
        while state.size() < entry.index {
            // Nothing is refused as a statement that nobody can read.
            let _ = state.apply(trust, state.size(), &[], None);
        }
        match state.apply(trust, entry.index, &entry.leaf, Some(entry.witnessed_time)) {
            Ok(_) => {}
            // A release that came too early happened all the same, and is told as what it is.
            Err(error) if error.code() == Code::CoolingOff && is_release(&entry.leaf) => {}
            Err(error) => return Err(refused(name(entry.index, ENTRY))(error)),
        }
    }
    Ok(state)
}

fn is_release(leaf: &[u8]) -> bool {
    Statement::parse(leaf).is_ok_and(|s| s.verb() == Verb::UnsealReleased)
}
