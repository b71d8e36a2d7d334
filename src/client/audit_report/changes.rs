//! What changed in a period of all that people rely on: keys, councils, the trust root, policies, page builds.

use serde::Serialize;
use tabir_crypto::statement::value::Hour;
use tabir_crypto::statement::{Body, Statement};
use tabir_crypto::threshold::Council;
use tabir_crypto::trust::root::LogName;
use tabir_crypto::trust::{Signer, Trust};

use crate::client::audit::Verdict;
use crate::client::audit_period::Period;
use crate::client::log_reader::{Entry, Growth};

/// One entry of the governance log.
#[derive(Debug, Serialize)]
#[allow(missing_docs)]
pub struct Change {
    pub entry: u64,
    pub at: Hour,
    pub verb: &'static str,
    /// Which key, council or version.
    pub what: String,
    /// How many auditors signed it.
    pub auditors: u64,
    /// A check of the audit fails at this entry: it changed nothing, or undid another.
    pub failed: bool,
}

pub(super) fn of(trust: &Trust, verdict: &Verdict, log: &Growth, period: Period) -> Vec<Change> {
    let in_period = log.entries.iter().filter(|e| period.holds(e.witnessed_time));
    in_period.filter_map(|e| one(trust, verdict, e)).collect()
}

fn one(trust: &Trust, verdict: &Verdict, entry: &Entry) -> Option<Change> {
    // What is malformed is a failure of the audit, and changes nothing.
    let statement = Statement::parse(&entry.leaf).ok()?;
    let what = what(verdict, &statement.body().ok()?)?;
    let is_auditor =
        |id: &tabir_crypto::B32| trust.versions().any(|version| matches!(version.signer(id), Some(Signer::Auditor(_))));
    let auditors = u64::try_from(statement.signers().iter().filter(|id| is_auditor(id)).count()).unwrap_or(u64::MAX);
    let failed = verdict.failed().any(|c| c.log == Some(LogName::Governance) && c.entry == Some(entry.index));
    let at = Hour::of(entry.witnessed_time);
    Some(Change { entry: entry.index, at, verb: statement.verb().as_str(), what, auditors, failed })
}

/// `None` for what is no such change.
fn what(verdict: &Verdict, body: &Body) -> Option<String> {
    let council = |id| verdict.state.council(id).map(|c| c.council.fingerprint()).unwrap_or_default();
    Some(match body {
        Body::KeyAnnounced(b) => format!("{} {}", kind(b.kind), b.epoch),
        Body::KeyRetired(b) => {
            let key = verdict.state.key_by_id(&b.key_id.0);
            let key = key.map(|k| format!("{} {}", kind(k.body.kind), k.body.epoch)).unwrap_or_default();
            format!("{key} ({})", b.reason)
        }
        Body::Council(b) => {
            let fingerprint = Council::from_body(b).map(|c| c.fingerprint()).unwrap_or_default();
            format!("{fingerprint}, {}/{}, epoch {}", b.t, b.n, b.epoch)
        }
        Body::CouncilNote(b) => {
            let codes: Vec<_> = b.codes.iter().map(ToString::to_string).collect();
            format!("{} ({})", council(&b.council_id.0), codes.join(", "))
        }
        Body::CouncilChecked(b) => format!("{}, {}", council(&b.council_id.0), b.index),
        Body::TrustRoot(b) => format!("version {}", b.version),
        Body::PolicySet(b) => format!("version {}", b.version),
        Body::PageBuilt(b) => b.version.as_str().to_owned(),
        _ => return None,
    })
}

const fn kind(kind: tabir_crypto::statement::body::KeyKind) -> &'static str {
    use tabir_crypto::statement::body::KeyKind;
    match kind {
        KeyKind::Token => "token",
        KeyKind::Intake => "intake",
        KeyKind::Warden => "warden",
    }
}
