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
use tabir_crypto::log::TreeHead;
use tabir_crypto::trust::root::LogName;
use tabir_crypto::trust::{State, Trust};
use tabir_crypto::{B32, Code, Secret};

use super::carried::{self, By, Item, Proven, refused};
use super::{Opening, Seen, find, tell};
use crate::client::log_reader::{Entry, Growth};
use crate::client::log_source::ReadError;
use crate::ledger;

const ENTRY: &str = ".json";
const PROOF: &str = ".tlog-proof";
const CHECKPOINT: &str = "checkpoint";
const NOTICE_KEY: &str = "notice-key";
const README: &str = "README.txt";

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
    let steps: BTreeSet<u64> = openings.iter().flat_map(|o| &o.steps).map(|s| s.entry).collect();
    let mut files = BTreeMap::new();
    for entry in carried::select(trust, log, &steps) {
        let proof = carried::prove(log, entry.index).map_err(refused(entry.index))?;
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

/// Checks every part of a folder: each entry stands under its number in a checkpoint that the log signed and a quorum of
/// witnesses cosigned, is signed by those who must, and follows from those before it; and the notice key, if there is
/// one, is that of every request. Errors: with the file's name and a code, or the file that is missing.
pub fn check(dir: &Path, trust: &Trust) -> Result<Checked, ReadError> {
    let by = ledger::all_verifiers(trust, LogName::Governance).map_err(refused("trust"))?;
    let note = read(dir, CHECKPOINT)?;
    let newest = carried::newest(&note, &by).map_err(refused(CHECKPOINT))?;
    let head = newest.head();
    let entries = entries(dir, head, &by)?;
    let state = carried::replay(trust, &entries).map_err(|(index, error)| refused(name(index, ENTRY))(error))?;
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

fn entries(dir: &Path, head: TreeHead, by: By<'_>) -> Result<Vec<Entry>, ReadError> {
    let mut proven = Proven::new(by, head);
    for index in numbers(dir)? {
        let file = name(index, PROOF);
        let item = Item { index, leaf: read(dir, &name(index, ENTRY))?, proof: read(dir, &file)? };
        proven.take(item).map_err(refused(&file))?;
    }
    Ok(proven.entries())
}
