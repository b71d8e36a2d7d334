//! Makes proof files from a copy of the logs, and finds what an auditor means: a number, a hash, a notice tag.

use std::collections::BTreeSet;
use std::path::Path;
use std::str::FromStr;

use tabir_crypto::codec::unhex;
use tabir_crypto::statement::value::{Hex, V1};
use tabir_crypto::statement::{Body, Statement};
use tabir_crypto::trust::root::LogName;
use tabir_crypto::trust::unseal::{Request, request_of};
use tabir_crypto::trust::{State, Trust};
use tabir_crypto::{B32, Code};

use super::{Carried, Part, ProofFile, entry, opening, place};
use crate::client::log_reader::Growth;
use crate::client::log_source::{LogFolder, ReadError};
use crate::client::opening::carried::{self, refused};
use crate::client::opening::{self as openings, Seen};
use crate::ledger::{self, View};

/// Letters of a case reference without its hyphens: Crockford's base32.
const REFERENCE: usize = 12;

/// What is to be proven, as a person names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// `governance:12`.
    Entry(LogName, u64),
    /// 32 bytes in hex: the hash of an entry of the governance log, of a request above all, or a request's notice tag.
    Hash(B32),
    /// 16 bytes in hex: the id in a request.
    RequestId([u8; 16]),
}

/// Why a text names nothing that could be proven.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SubjectError {
    /// It looks like a case reference.
    #[error(
        "no public entry names a case, so that nobody learns whose it is: a reporter proves by the receipt (tabir follow \
         --proof), an official finds the request's hash (tabir unseal list); give that hash, the notice tag, or an entry's number"
    )]
    Case,
    /// Something else.
    #[error(
        "give an entry's number (governance:12, intake:7), the hash of a request or entry, a request's id or its notice tag"
    )]
    Form,
}

impl FromStr for Subject {
    type Err = SubjectError;

    fn from_str(text: &str) -> Result<Self, SubjectError> {
        if let Some((log, number)) = text.split_once(':') {
            let log = LogName::ALL.into_iter().find(|name| name.as_str() == log);
            return log.zip(number.parse().ok()).map(|(log, n)| Self::Entry(log, n)).ok_or(SubjectError::Form);
        }
        if let Ok(hash) = unhex(text) {
            return Ok(Self::Hash(hash));
        }
        if let Ok(id) = unhex(text) {
            return Ok(Self::RequestId(id));
        }
        let letters: Vec<u8> = text.bytes().filter(|b| *b != b'-').collect();
        let is_case = letters.len() == REFERENCE && letters.iter().all(u8::is_ascii_alphanumeric);
        Err(if is_case { SubjectError::Case } else { SubjectError::Form })
    }
}

/// A copy of both logs, its governance log read whole and checked.
pub struct Copy<'a> {
    trust: &'a Trust,
    dir: &'a Path,
    log: Growth,
    state: State,
}

impl<'a> Copy<'a> {
    /// Reads a copy. Errors: those of the log reader.
    pub async fn open(trust: &'a Trust, dir: &'a Path) -> Result<Self, ReadError> {
        let folder = LogFolder(dir.join(LogName::Governance.as_str()));
        let reader = ledger::reader_of(trust, LogName::Governance, folder).map_err(refused("trust"))?;
        let mut view = View::default();
        let log = view.advance(trust, &reader).await?;
        Ok(Self { trust, dir, log, state: view.state })
    }

    /// Makes a file that shows this. An entry of an opening brings all of the opening. Errors: `context` for what is not in
    /// the copy, `size` for a number beyond its end, those of the log reader.
    pub async fn prove(&self, subject: Subject) -> Result<ProofFile, ReadError> {
        let unknown = || refused("what you name")(Code::Context.into());
        match subject {
            Subject::Entry(LogName::Intake, index) => self.intake(index).await,
            Subject::Entry(LogName::Governance, index) => self.governance(index),
            Subject::RequestId(id) => self.request(|r| r.body.request_id.0 == id).ok_or_else(unknown)?,
            Subject::Hash(hash) => {
                if let Some(file) = self.request(|r| r.hash == hash || r.body.tag.0 == hash) {
                    return file;
                }
                let entry = self.log.entries.iter().find(|e| e.hash == hash).ok_or_else(unknown)?;
                self.governance(entry.index)
            }
        }
    }

    fn request(&self, is: impl Fn(&Request) -> bool) -> Option<Result<ProofFile, ReadError>> {
        self.state.requests().iter().find(|r| is(r)).map(|request| self.opening(request))
    }

    fn opening(&self, request: &Request) -> Result<ProofFile, ReadError> {
        let steps = self.steps(request)?;
        let (request, governance) = (Hex(request.hash), part(self.trust, &self.log, &steps)?);
        let file = opening::File { v: V1, request, trust: trust_statements(self.trust), governance };
        Ok(ProofFile::Opening(Box::new(file)))
    }

    fn steps(&self, request: &Request) -> Result<BTreeSet<u64>, ReadError> {
        let now = self.log.checkpoint.witnessed_time();
        let seen = Seen { trust: self.trust, state: &self.state, entries: &self.log.entries, whole: true, now };
        let opening = openings::tell(&seen, request).map_err(refused("request"))?;
        Ok(opening.steps.iter().map(|step| step.entry).collect())
    }

    fn governance(&self, index: u64) -> Result<ProofFile, ReadError> {
        let at = usize::try_from(index).ok().and_then(|i| self.log.entries.get(i));
        let found = at.ok_or_else(|| refused(place(LogName::Governance, index))(Code::Size.into()))?;
        let body = Statement::parse(&found.leaf).and_then(|s| s.body());
        let body = body.map_err(refused(place(LogName::Governance, index)))?;
        let asked = match &body {
            Body::UnsealRequested(_) => self.state.request(&found.hash),
            body => request_of(body).and_then(|hash| self.state.request(hash)),
        };
        let mut wanted = BTreeSet::from([index]);
        if let Some(request) = asked {
            let steps = self.steps(request)?;
            if steps.contains(&index) {
                return self.opening(request);
            }
            // One that the rules refused, with what came before it.
            wanted.extend(steps.range(..index));
        }
        wanted.extend(self.state.keys().filter(|key| key.entry < index && names(&body, key)).map(|key| key.entry));
        let file = entry::File {
            v: V1,
            log: LogName::Governance,
            entry: index,
            trust: trust_statements(self.trust),
            governance: part(self.trust, &self.log, &wanted)?,
            intake: None,
        };
        Ok(ProofFile::Entry(Box::new(file)))
    }

    async fn intake(&self, index: u64) -> Result<ProofFile, ReadError> {
        let folder = LogFolder(self.dir.join(LogName::Intake.as_str()));
        let reader = ledger::reader_of(self.trust, LogName::Intake, folder).map_err(refused("trust"))?;
        let newest = reader.copied_checkpoint().await?;
        let (leaf, proof) = reader.entry_with_proof(index, &newest).await?;
        let name = place(LogName::Intake, index);
        let statement = Statement::parse(&leaf).map_err(refused(&name))?;
        let carried = Carried { index, entry: statement, proof: text(proof.to_bytes()).map_err(refused(&name))? };
        let checkpoint = text(newest.signed().to_bytes()).map_err(refused(&name))?;
        // By which version of the trust root it is judged, the governance log says.
        let roots = self.log.entries.iter().filter(|e| is_trust_root(&e.leaf)).map(|e| e.index);
        let governance = part(self.trust, &self.log, &roots.collect())?;
        let file = entry::File {
            v: V1,
            log: LogName::Intake,
            entry: index,
            trust: trust_statements(self.trust),
            governance,
            intake: Some(Part { checkpoint, entries: vec![carried] }),
        };
        Ok(ProofFile::Entry(Box::new(file)))
    }
}

/// Every version of the trust root that is known, oldest first.
pub(super) fn trust_statements(trust: &Trust) -> Vec<Statement> {
    let mut all: Vec<_> = trust.versions().map(|version| version.statement().clone()).collect();
    all.reverse();
    all
}

/// Entries of the governance log with what they stand on.
pub(super) fn part(trust: &Trust, log: &Growth, wanted: &BTreeSet<u64>) -> Result<Part, ReadError> {
    let entries = carried::select(trust, log, wanted);
    let carried = |index: u64, leaf: &[u8]| {
        let proof = text(carried::prove(log, index)?.to_bytes())?;
        Ok(Carried { index, entry: Statement::parse(leaf)?, proof })
    };
    let named = |e: &crate::client::log_reader::Entry| {
        carried(e.index, &e.leaf).map_err(refused(place(LogName::Governance, e.index)))
    };
    let checkpoint = text(log.checkpoint.signed().to_bytes()).map_err(refused("checkpoint"))?;
    Ok(Part { checkpoint, entries: entries.into_iter().map(named).collect::<Result<_, _>>()? })
}

/// Whether an entry is about a key: retires it, or announces another one for its epoch.
fn names(body: &Body, key: &tabir_crypto::trust::state::AnnouncedKey) -> bool {
    match body {
        Body::KeyRetired(retired) => retired.key_id.0 == key.id,
        Body::KeyAnnounced(other) => other.kind == key.body.kind && other.epoch == key.body.epoch,
        _ => false,
    }
}

pub(super) fn is_trust_root(leaf: &[u8]) -> bool {
    Statement::parse(leaf).is_ok_and(|s| s.verb() == tabir_crypto::statement::Verb::TrustRoot)
}

pub(super) fn text(bytes: Vec<u8>) -> tabir_crypto::Result<String> {
    String::from_utf8(bytes).map_err(|_| Code::Utf8.into())
}
