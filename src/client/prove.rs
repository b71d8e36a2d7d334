//! What the intake log proves from the receipt alone: the report was accepted, its fate is on record, or it was dropped.
//! Whether anybody asked for the case's identity: [`super::opening`].

use tabir_crypto::log::{CosignedCheckpoint, TlogProof, TreeHead, leaf_hash};
use tabir_crypto::receipt::Receipt;
use tabir_crypto::statement::Statement;
use tabir_crypto::statement::body::Acceptance;
use tabir_crypto::statement::value::{Hex32, V1};
use tabir_crypto::trust::deadline::Deadlines;
use tabir_crypto::trust::erasure::Erasure;
use tabir_crypto::trust::fate::{Lookup, Proof, Verdict};
use tabir_crypto::trust::root::LogName;
use tabir_crypto::trust::{State, Trust, rule};
use tabir_crypto::{B32, Code, json};

use super::case::Case;
use super::log_reader::{Heads, LogReader, Part};
use super::log_source::{LogSource, ReadError};
use super::{ClientError, Session};
use crate::api::gateway::ErasureAsked;
use crate::http::Method;
use crate::ledger::{self, View};

/// What the intake log proves about a report.
#[derive(Clone, Debug)]
pub struct Proved {
    /// What stands there.
    pub proof: Proof,
    /// What the gateway told the reporter.
    pub acceptance: Acceptance,
    /// The same, signed.
    pub statement: Statement,
    /// When the window opens, closes, and its D, if it is on record.
    pub times: Option<Deadlines>,
    /// Entries about the report's window, and any other that names its acceptance, with their numbers.
    pub entries: Vec<(u64, Vec<u8>)>,
    /// Until when the log speaks.
    pub heads: Heads,
    hashes: Vec<B32>,
}

impl Proved {
    /// Both halves in one word.
    #[must_use]
    pub const fn verdict(&self) -> Verdict {
        self.proof.verdict()
    }

    /// Dropped on record: accepted, due, and nowhere.
    #[must_use]
    pub fn dropped(&self) -> bool {
        self.verdict() == Verdict::Dropped
    }

    /// That an entry stands in the log, in the first kept checkpoint that covers it. Nobody is asked for it, so that
    /// nobody learns which window it is about. Errors: those of [`TlogProof::make`].
    pub fn prove(&self, index: u64) -> tabir_crypto::Result<TlogProof> {
        TlogProof::make(index, &self.hashes, self.heads.covers(index).signed())
    }
}

/// Reads the intake log and looks the report up. Errors: those of the log reader, `context`.
pub async fn report(session: &Session, receipt: &Receipt, case: &Case) -> Result<Proved, ClientError> {
    let statement = case.view.acceptance.clone();
    let acceptance = super::report::check_acceptance(session, &statement)?;
    let keys = receipt.keys();
    if acceptance.a.0 != keys.a() || acceptance.nf.0 != *keys.nf.expose() {
        return Err(Code::Context.into());
    }
    let reader = ledger::reader(&session.trust, LogName::Intake, session.http.clone(), &session.services.log)?;
    let newest = reader.checkpoint().await?;
    session.goes_on(&reader, LogName::Intake, &newest).await?;
    Ok(in_log(&session.trust, &session.view, &reader, newest, (statement, acceptance)).await?)
}

/// Looks a report up in an intake log, by its acceptance, which was checked; `view` is the governance log. Errors: those of
/// the log reader.
pub async fn in_log<S: LogSource>(
    trust: &Trust,
    view: &View,
    reader: &LogReader<S>,
    newest: CosignedCheckpoint,
    (statement, acceptance): (Statement, Acceptance),
) -> Result<Proved, ReadError> {
    let mut hashes = Vec::new();
    let looked = look(trust, &view.state, reader, newest, acceptance.clone(), Some(&mut hashes)).await?;
    let Looked { lookup, entries, heads } = looked;
    let proof = lookup.proof(heads.checkpoint.witnessed_time().max(view.witnessed));
    Ok(Proved { proof, acceptance, statement, times: lookup.times(), entries, heads, hashes })
}

/// One report, looked up in a whole intake log.
pub struct Looked {
    /// What was found.
    pub lookup: Lookup,
    /// The entries that say it, with their numbers.
    pub entries: Vec<(u64, Vec<u8>)>,
    /// What they are under.
    pub heads: Heads,
}

/// Goes through a whole intake log for one report. `state` is the governance log; `hashes` gets each entry's, for proofs.
/// Errors: those of the log reader.
pub async fn look<S: LogSource>(
    trust: &Trust,
    state: &State,
    reader: &LogReader<S>,
    newest: CosignedCheckpoint,
    acceptance: Acceptance,
    mut hashes: Option<&mut Vec<B32>>,
) -> Result<Looked, ReadError> {
    let (mut lookup, mut entries) = (Lookup::new(acceptance), Vec::new());
    let heads = reader.heads(newest, TreeHead::EMPTY).await?;
    let visit = |part: Part<'_>| {
        let Part::Bundle { first, leaves, .. } = part else { return Ok(()) };
        for (index, leaf) in (first..).zip(leaves) {
            if let Some(hashes) = &mut hashes {
                hashes.push(leaf_hash(&leaf));
            }
            let witnessed = Some(heads.witnessed_time(index));
            let statement = Statement::parse(&leaf);
            let verified = statement.and_then(|s| rule::check_intake(trust, state, &s, witnessed));
            // What is not signed as it must be proves nothing; the audit names it.
            if verified.is_ok_and(|verified| lookup.take(index, &verified)) {
                entries.push((index, leaf));
            }
        }
        Ok(())
    };
    reader.walk(TreeHead::EMPTY, &heads, visit).await?;
    Ok(Looked { lookup, entries, heads })
}

/// What the gateway shows of an erasure: the word of the case key that it must keep. `None`: it shows nothing. Errors: HTTP.
pub async fn erasure(session: &Session, r: &Hex32, nf: &Hex32) -> Result<Option<Erasure>, ClientError> {
    let url = format!("{}/v1/case/erasure", session.server);
    let body = json::to_vec(&ErasureAsked { v: V1, r: *r, nf: *nf })?;
    let headers = [("content-type", "application/json")];
    match session.http.send(Method::POST, &url, &headers, body).await {
        Ok(answer) => Ok(Some(answer.json()?)),
        Err(error) if error.status() == Some(404) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
