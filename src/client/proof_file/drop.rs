//! Kind `drop`: what became of one report, by the word of those who should have passed it on. Its reporter makes the file
//! from her receipt; whoever has it checks it with the trust root, and with a copy of the logs that he made himself.
//!
//! ```text
//! r, nf        with them anybody makes a = H(r ‖ nf) and finds both values in the log
//! acceptance   the gateway's: window, D, a, b, nf, case
//! governance   versions of the trust root, as the log has them: who may sign
//! intake       every entry about the window when the file was made
//! countersignature   the complaint system's note, which its own key verifies
//! erasure      what the gateway showed of the case key's word, where the log says that the report was erased
//! ```
//! What *stands* in the log the file proves by itself. That something does *not* stand there no file can prove: an entry
//! may name the report and have been left out. So a drop is only a claim until somebody looks into the whole log
//! ([`check_in`]); only that a window holds no such acceptance is plain from the file, if it has all of the window's parts.

use std::collections::BTreeSet;
use std::path::Path;

use serde::{Deserialize, Serialize};
use tabir_crypto::countersign;
use tabir_crypto::log::note::Note;
use tabir_crypto::receipt::{accept, reference};
use tabir_crypto::statement::body::{Acceptance, Role};
use tabir_crypto::statement::value::{Hex32, V1};
use tabir_crypto::statement::{Body, Statement};
use tabir_crypto::trust::erasure::Erasure;
use tabir_crypto::trust::fate::{Lookup, Proof, Verdict};
use tabir_crypto::trust::root::LogName;
use tabir_crypto::trust::{Trust, rule};
use tabir_crypto::{Code, Result};

use super::{Carried, Part, Proved, check_part, judged_by, make, place};
use crate::client::log_reader::Growth;
use crate::client::log_source::{LogFolder, ReadError};
use crate::client::opening::carried::{self, refused};
use crate::client::prove;
use crate::ledger::{self, View};

/// What stands in the file.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// Version 1.
    pub v: V1,
    /// Blinds a.
    pub r: Hex32,
    /// Stands in the log when something was said about the report.
    pub nf: Hex32,
    /// `acceptance` by the gateway.
    pub acceptance: Statement,
    /// Versions of the trust root, oldest first.
    pub trust: Vec<Statement>,
    /// Entries that say which version held.
    pub governance: Part,
    /// Entries about the window.
    pub intake: Part,
    /// Where the log says that the report was erased, and the gateway could show why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub erasure: Option<Erasure>,
    /// The complaint system's own word that it has the report, if it gave it: a signed note.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub countersignature: Option<String>,
}

/// A file whose every part was verified.
pub struct Checked {
    /// What the gateway promised.
    pub acceptance: Acceptance,
    /// What the entries in the file say.
    pub proof: Proof,
    /// The same in one word, if it holds whatever else the log has.
    pub holds: Option<Verdict>,
    /// The hash of an erasure that stands in the log beside nf.
    pub erased: Option<Hex32>,
    /// The case key's own word for the erasure is in the file.
    pub erasure_shown: bool,
    /// A countersignature of this case, whose signer nobody has looked at.
    pub countersignature: Option<Note>,
    /// The entries about the window.
    pub proved: Proved,
    /// When the window opens and closes, as the log has it.
    pub window: Option<(u64, u64)>,
}

/// What a whole copy of the log says.
#[derive(Clone, Copy, Debug)]
pub struct Whole {
    /// What stands there.
    pub proof: Proof,
    /// Entries of the intake log.
    pub size: u64,
    /// Unix seconds: the newest witnessed time of the copy.
    pub witnessed: u64,
}

/// Makes a file, from the governance log and what was looked up in the intake log. Errors: those of the proofs.
pub fn make(
    trust: &Trust,
    governance: &Growth,
    proved: &prove::Proved,
    r: Hex32,
    erasure: Option<Erasure>,
) -> core::result::Result<File, ReadError> {
    let roots = governance.entries.iter().filter(|e| make::is_trust_root(&e.leaf)).map(|e| e.index);
    let governance = make::part(trust, governance, &roots.collect::<BTreeSet<_>>())?;
    let entry = |(index, leaf): &(u64, Vec<u8>)| {
        let entry = Statement::parse(leaf)?;
        Ok(Carried { index: *index, entry, proof: make::text(proved.prove(*index)?.to_bytes())? })
    };
    let entries = proved.entries.iter().map(entry).collect::<Result<_>>().map_err(refused("intake"))?;
    let checkpoint = make::text(proved.heads.checkpoint.signed().to_bytes()).map_err(refused("checkpoint"))?;
    Ok(File {
        v: V1,
        r,
        nf: proved.acceptance.nf,
        acceptance: proved.statement.clone(),
        trust: make::trust_statements(trust),
        governance,
        intake: Part { checkpoint, entries },
        erasure,
        countersignature: None,
    })
}

/// Checks a file by itself. Errors: those of [`judged_by`] and [`check_part`]; `acceptance` for one that the gateway did not
/// sign, or `context` for one of another log; `context` where r and nf are not those of the acceptance, or an entry is of
/// another window; those of the rules, by the entry's number; those of [`Erasure::check`] and of [`countersign::parse`].
pub fn check(file: &File, pinned: &Trust) -> core::result::Result<Checked, ReadError> {
    let trust = judged_by(pinned, &file.trust).map_err(refused("trust"))?;
    let ground = check_part(&trust, LogName::Governance, &file.governance)?;
    let refuse = |(index, error)| refused(place(LogName::Governance, index))(error);
    let state = carried::replay(&trust, &ground.entries).map_err(refuse)?;
    let acceptance = accepted(&trust, &file.acceptance).map_err(refused("acceptance"))?;
    if acceptance.nf != file.nf || acceptance.a.0 != accept(&file.r.0, &file.nf.0) {
        return Err(refused("r and nf")(Code::Context.into()));
    }
    let proved = check_part(&trust, LogName::Intake, &file.intake)?;
    let mut lookup = Lookup::new(acceptance.clone());
    let mut erased = None;
    for entry in &proved.entries {
        let named = |e| refused(place(LogName::Intake, entry.index))(e);
        let verified = Statement::parse(&entry.leaf)
            .and_then(|s| rule::check_intake(&trust, &state, &s, Some(entry.witnessed_time)))
            .map_err(named)?;
        if !lookup.take(entry.index, &verified) {
            return Err(named(Code::Context.into()));
        }
        if let Body::ReportErased(body) = &verified.body {
            erased = erased.or_else(|| body.items.iter().find(|[nf, _]| *nf == file.nf).map(|[_, hash]| *hash));
        }
    }
    if let Some(erasure) = &file.erasure {
        let logged = erased.ok_or_else(|| refused("erasure")(Code::Context.into()))?;
        erasure.check(&logged.0, &acceptance.case_id.0).map_err(refused("erasure"))?;
    }
    let (origin, case) = (trust.root().origin.as_str(), reference(&acceptance.case_id.0));
    let note = file.countersignature.as_deref().map(|note| countersign::parse(note, origin, &case)).transpose();
    Ok(Checked {
        countersignature: note.map_err(refused("countersignature"))?,
        acceptance,
        proof: lookup.proof(proved.witnessed),
        holds: lookup.holds(),
        erased,
        erasure_shown: file.erasure.is_some(),
        proved,
        window: lookup.times().map(|times| (times.opens, times.closes)),
    })
}

/// By the gateway's key of some version of the trust root, and for the log of some: an acceptance has no place in a log
/// that would date it.
fn accepted(trust: &Trust, statement: &Statement) -> Result<Acceptance> {
    let gateways: Vec<_> = trust.versions().map(|version| *version.identity(Role::Gateway)).collect();
    match statement.verify(&gateways)?.body {
        Body::Acceptance(a) if trust.versions().any(|t| t.log(LogName::Intake).origin == a.log_origin) => Ok(a),
        Body::Acceptance(_) => Err(Code::Context.into()),
        _ => Err(Code::Verb.into()),
    }
}

/// Looks the report up in a copy of both logs that `tabir audit fetch` made. Errors: those of [`check`] and of the log
/// reader; `stale` for a copy that does not reach as far as the file, `consistency` for one that has another entry in the
/// place of one of the file's: two histories.
pub async fn check_in(file: &File, pinned: &Trust, dir: &Path) -> core::result::Result<(Checked, Whole), ReadError> {
    let checked = check(file, pinned)?;
    let trust = judged_by(pinned, &file.trust).map_err(refused("trust"))?;
    let folder = |name: LogName| LogFolder(dir.join(name.as_str()));
    let governance = ledger::reader_of(&trust, LogName::Governance, folder(LogName::Governance));
    let mut view = View::default();
    view.advance(&trust, &governance.map_err(refused("trust"))?).await?;
    let intake = ledger::reader_of(&trust, LogName::Intake, folder(LogName::Intake)).map_err(refused("trust"))?;
    let newest = intake.copied_checkpoint().await?;
    if newest.head().size < checked.proved.size {
        return Err(refused("the copy")(Code::Stale.into()));
    }
    let sought = checked.acceptance.clone();
    let found = prove::look(&trust, &view.state, &intake, newest, sought, None).await?;
    for entry in &checked.proved.entries {
        if !found.entries.contains(&(entry.index, entry.leaf.clone())) {
            return Err(refused(place(LogName::Intake, entry.index))(Code::Consistency.into()));
        }
    }
    let (size, intake) = (found.heads.checkpoint.head().size, found.heads.checkpoint.witnessed_time());
    let witnessed = intake.max(view.witnessed);
    let proof = found.lookup.proof(witnessed);
    Ok((checked, Whole { proof, size, witnessed }))
}
